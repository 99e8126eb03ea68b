package suites

import (
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/record"
)

func TestControlRunsComeBeforeTheirSuites(t *testing.T) {
	list := []experiments.Experiment{
		build(t, valid, "pods/kill-one"),
		build(t, valid, "network/delay"),
		build(t, valid, "network/loss"),
	}
	c, err := Decode("aftershock.yaml", []byte(valid+"baseline: control\n"))
	if err != nil {
		t.Fatal(err)
	}
	all := c.Controlled(list)
	var names []string
	for _, e := range all {
		names = append(names, strings.Join(e.Labels, " "))
	}
	if got, want := strings.Join(names, "; "), "pods control kill-one; pods kill-one; network control delay loss; network delay; network loss"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if control := all[2]; !control.IsControl() || control.Hold != 30*time.Second || control.Validate() != nil {
		t.Errorf("the control run holds for %s, want as long as the longest; %v", control.Hold, control.Validate())
	}
	if e := all[3]; !e.AgainstControl || e.Baseline != nil {
		t.Errorf("%s is against a control run: %t, want it with the baseline that comes of one", e.Name, e.AgainstControl)
	}
	if plain := (Config{Baseline: BaselineSettle}).Controlled(list); len(plain) != len(list) {
		t.Error("nobody asked for control runs")
	}
}

func TestABaselineIsOneOfTwo(t *testing.T) {
	_, err := Decode("aftershock.yaml", []byte(valid+"baseline: none\n"))
	if err == nil || !strings.Contains(err.Error(), `baseline "none": want one of settle, control`) {
		t.Error(err)
	}
}

func TestWhatIsPlannedLosesNoRequest(t *testing.T) {
	for id, want := range map[string]bool{"rollout/restart": true, "rollout/bad-image": true, "disruption/drain": true, "pods/kill-one": false} {
		e := build(t, valid, id)
		got := false
		for _, c := range e.Hypothesis.Checks {
			for _, l := range c.Limits {
				got = got || c.Signal == record.TrafficSignal && l.String() == "errors <= 0%"
			}
		}
		if got != want {
			t.Errorf("%s has a limit of no errors: %v, want %v", id, got, want)
		}
		if err := e.Validate(); err != nil {
			t.Error(err)
		}
	}
	c, err := Decode("aftershock.yaml", []byte(valid+`experiments:
  rollout/bad-image:
    limits:
      rolled out: [ttr <= 10s after removal]
`))
	if err != nil {
		t.Fatal(err)
	}
	target := &Target{Config: c}
	checks := target.experiment(find("rollout/bad-image")).Hypothesis.Checks
	if last := checks[len(checks)-1]; last.Name != RolledOut || last.Limits[0].String() != "ttr <= 10s after removal" {
		t.Errorf("%+v", last)
	}
}
