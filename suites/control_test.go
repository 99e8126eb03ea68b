package suites

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

func TestControlRunsComeBeforeTheirSuites(t *testing.T) {
	const baseline = "baseline: control\nchecks:\n"
	for _, row := range []struct {
		sentence, text string
		want           string // each by its labels
	}{
		{
			"each suite has one, with the labels of all",
			strings.NewReplacer("checks:\n", baseline, "[all]", "[pods/kill-one, network]").Replace(valid),
			"checkout pods control kill-one; checkout pods kill-one; checkout network control delay loss; checkout network delay; checkout network loss",
		},
		{
			"so have the same suite of another service, and the experiments of the file's own",
			strings.NewReplacer("checks:\n", baseline, "[network/partition, stress/cpu-one]", "[pods/kill-one]").Replace(two) + "experiments:\n  storm: {service: ledger, faults: {kill: {podKill: {pods: 1}}}}\n  lull: {service: ledger, times: {hold: 1m}, faults: {}}\n",
			"checkout pods control kill-one; checkout pods kill-one; payments pods control kill-one; payments pods kill-one; ledger pods control kill-one; ledger pods kill-one; ledger control storm lull; ledger storm; ledger lull",
		},
		{"nobody asked for them", strings.Replace(valid, "[all]", "[pods/kill-one]", 1), "checkout pods kill-one"},
	} {
		_, list := made(t, row.text, deployed("checkout"), deployed("payments"), stored("app"))
		var names []string
		for _, e := range list {
			names = append(names, strings.Join(e.Labels, " "))
			if err := e.Validate(); err != nil {
				t.Errorf("%s: %v", row.sentence, err)
			}
		}
		if got := strings.Join(names, "; "); got != row.want {
			t.Errorf("%s:\n%s\nwant\n%s", row.sentence, got, row.want)
		}
	}
}

func TestAControlRunIsAsLongAsTheLongestOfItsSuite(t *testing.T) {
	text := strings.NewReplacer("checks:\n", "baseline: control\nchecks:\n", "[all]", "[network, capacity]").Replace(scaled)
	text = text[:strings.Index(text, "    vary:")]
	_, list := made(t, text, deployed("checkout"))
	of := func(suite string) (control Experiment, others []Experiment) {
		for _, e := range list {
			switch {
			case e.Planned.Suite != suite:
			case e.IsControl():
				control = e
			default:
				others = append(others, e)
			}
		}
		return control, others
	}
	control, others := of("network")
	if control.Name != "control run of checkout/network" || control.Hold != 30*time.Second || control.AgainstControl {
		t.Errorf("%s holds for %s, want as long as the longest", control.Name, control.Hold)
	}
	for _, e := range others {
		if !e.AgainstControl {
			t.Errorf("%s is not compared with the control run", e.Name)
		}
	}
	if slices.ContainsFunc(list, func(e Experiment) bool { return e.IsControl() && !slices.Contains(e.Labels, record.ControlLabel) }) {
		t.Error("a control run without its label")
	}
	// What is asked only of a service that has scaled, the control run is not.
	control, others = of("capacity")
	names := func(e Experiment) (names []string) {
		for _, c := range e.Hypothesis.Checks {
			names = append(names, c.Name)
		}
		return names
	}
	if len(others) != 2 || !slices.Equal(names(control), names(others[0])) || !slices.Contains(names(others[1]), "capacity/utilisation") || len(control.Expectations) > 0 {
		t.Errorf("the control run has the checks %v, the experiments %v and %v", names(control), names(others[0]), names(others[1]))
	}
	if slices.ContainsFunc(control.Hypothesis.Checks, func(c steadystate.Check) bool { return c.Name == "" }) {
		t.Error("a check has no name")
	}
}
