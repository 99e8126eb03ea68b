package suites

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/steadystate"
)

const scaled = valid + `autoscaler:
  surge: 5x
  limits: [replicas >= 4]
capacity:
  labels: {route: /checkout}
  queries:
    errors: sum(rate(bad_total[10s])) / sum(rate(all_total[10s]))
experiments:
  autoscaling/cpu-all:
    limits:
      autoscaler: [replicas <= 5]
  capacity/scaled:
    limits:
      utilisation: [mean >= 40% during hold]
`

// build makes an experiment of a configuration, without a cluster.
func build(t *testing.T, text, id string) experiments.Experiment {
	t.Helper()
	said := strings.Replace(text, "  selector: {app: checkout}\n", "  selector: {app: checkout}\n  container: checkout\n", 1)
	c, err := Decode("aftershock.yaml", []byte(said))
	if err != nil {
		t.Fatal(err)
	}
	if why := c.LeftOut()[id]; why != "" {
		t.Fatalf("%s is left out: %s", id, why)
	}
	target := &Target{Config: c}
	return target.experiment(find(id))
}

func TestASurgeIsTheFaultOfItsLoad(t *testing.T) {
	e := build(t, scaled, "autoscaling/surge")
	traffic := e.Load.(load.HTTP)
	surge, ok := e.Faults[0].Fault.(*load.Surge)
	if !ok || traffic.Surge != surge || surge.Factor != 5 {
		t.Errorf("fault %v, load %v", e.Faults, traffic)
	}
	if len(e.Expectations) != 1 || e.Expectations[0].Subject != "hpa/shop/checkout" || !slices.Equal(e.Expectations[0].Limits, []string{"replicas >= 4"}) {
		t.Errorf("expectations %+v", e.Expectations)
	}
	if err := e.Validate(); err != nil {
		t.Error(err)
	}
	if again := build(t, scaled, "autoscaling/surge"); again.Faults[0].Fault == e.Faults[0].Fault {
		t.Error("two experiments share a surge")
	}
	if calm := build(t, scaled, "capacity/sustained"); calm.Load.(load.HTTP).Surge != nil || len(calm.Faults) != 0 {
		t.Errorf("an experiment without a fault has %v", calm.Faults)
	}
}

func TestASurgeThatRestsComesTwiceWithinTheHoldTime(t *testing.T) {
	whole, rested := build(t, scaled, "autoscaling/surge"), build(t, scaled, "autoscaling/rest")
	f := rested.Faults[0].Fault.(*twice)
	if f.first+rested.Hold != whole.Hold || f.rest <= 0 {
		t.Errorf("first %s, rest %s, then %s; the surge at one time is %s", f.first, f.rest, rested.Hold, whole.Hold)
	}
	if !strings.Contains(f.String(), "again after a rest of 12s") {
		t.Error(f.String())
	}
}

func TestAPodDiesWhileTheAutoscalerScalesOut(t *testing.T) {
	e := build(t, scaled, "autoscaling/kill")
	if err := e.Validate(); err != nil {
		t.Fatal(err)
	}
	surge, kill := e.Faults[0], e.Faults[1]
	if e.Load.(load.HTTP).Surge != surge.Fault || kill.When.String() != "autoscaler checkout in shop scales out" || kill.Within != scalingTimeout {
		t.Errorf("%+v, %+v", surge, kill)
	}
}

func TestObjectivesAreTheChecksOfCapacity(t *testing.T) {
	e := build(t, scaled, "capacity/scaled")
	limits := map[string][]steadystate.Limit{}
	for _, c := range e.Hypothesis.Checks {
		limits[c.Name] = c.Limits
	}
	for _, name := range []string{"throughput", "p95", "mean", "errors", "cpu", "memory", "utilisation", "uptime", "answers"} {
		if len(limits[name]) == 0 {
			t.Errorf("no limits of %s: %v", name, limits)
		}
	}
	if l := limits["utilisation"]; len(l) != 1 || l[0].String() != "mean >= 40% during hold" {
		t.Errorf("the configuration's limits are not taken: %v", l)
	}
	if err := e.Validate(); err != nil {
		t.Error(err)
	}
	if e.Settle != 30*time.Second {
		t.Errorf("it settles for %s, want twice the range of the rates", e.Settle)
	}
	calm := build(t, scaled, "capacity/sustained")
	if slices.ContainsFunc(calm.Hypothesis.Checks, func(c steadystate.Check) bool { return c.Name == "utilisation" }) {
		t.Error("a service that has not scaled has no utilisation to keep")
	}
	described := map[string]string{}
	for _, s := range e.Hypothesis.Signals {
		described[s.Name] = s.Describe
	}
	for name, want := range map[string]string{
		"throughput": `namespace="shop",pod=~"checkout-[a-z0-9]+-[a-z0-9]{5}",route="/checkout"`,
		"errors":     "bad_total",
		"memory":     `container="checkout"`,
	} {
		if !strings.Contains(described[name], want) {
			t.Errorf("%s is %q, want it to have %q", name, described[name], want)
		}
	}
}

func TestMistakesAboutAutoscalersAndCapacity(t *testing.T) {
	for _, row := range []struct{ sentence, old, changed, want string }{
		{"a surge of less", "surge: 5x", "surge: 0.5x", `surge "0.5x": want a multiple of the load's rate`},
		{"a surge without its unit", "surge: 5x", "surge: 5", `surge "5": want a multiple`},
		{"a limit that is none of an autoscaler", "replicas >= 4", "downtime <= 4s", `no quantity "downtime"; quantities: lag, decision`},
		{"a query of no objective", "errors: sum", "failures: sum", `no objective "failures" has a query; those that have: throughput, p95, mean, errors, cpu, memory, utilisation`},
		{"a query that cannot be read", "sum(rate(bad_total[10s]))", "sum(", `objective "errors": PromQL`},
		{"limits of an autoscaler where there is none in it", "autoscaling/cpu-all", "stress/cpu-all", `no check "autoscaler"`},
		{"a load below the objective", "rate: 100/s", "rate: 10/s", "the load sends 600/min at most"},
		{"a load of the objective itself", "rate: 100/s", "rate: 1000/min", "the load sends 1000/min at most: raise the rate to 1020/min or more"},
		{"a surge beyond what a load may send", "surge: 5x", "surge: 5000x", "autoscaler.surge"},
		{"a check that has the name of an expectation", "name: throughput", "name: autoscaler", `"autoscaler" is the name of what is expected of the autoscaler`},
	} {
		_, err := Decode("aftershock.yaml", []byte(strings.Replace(scaled, row.old, row.changed, 1)))
		if err == nil || !strings.Contains(err.Error(), row.want) || !strings.Contains(err.Error(), "aftershock.yaml:") {
			t.Errorf("%s: %v, want %q and the place", row.sentence, err, row.want)
		}
	}
}
