package suites

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/steadystate"
)

func TestASurgeIsTheFaultOfItsLoad(t *testing.T) {
	e := build(t, scaled, "checkout/autoscaling/surge")
	traffic := e.Load.(load.HTTP)
	surge, ok := e.Faults[0].Fault.(*load.Surge)
	if !ok || traffic.Surge != surge || surge.Factor != 5 {
		t.Errorf("fault %v, load %v", e.Faults, traffic)
	}
	if len(e.Expectations) != 1 || e.Expectations[0].Subject != "hpa/shop/checkout" || !slices.Equal(e.Expectations[0].Limits, []string{"replicas >= 4"}) {
		t.Errorf("expectations %+v", e.Expectations)
	}
	if x := build(t, scaled, "checkout/autoscaling/cpu-all").Expectations; len(x) != 1 || !slices.Contains(x[0].Limits, "replicas <= 5") {
		t.Errorf("expectations %+v, want the limits of the experiment too", x)
	}
	if calm := build(t, scaled, "checkout/capacity/sustained"); calm.Load.(load.HTTP).Surge != nil || len(calm.Faults) != 0 {
		t.Errorf("an experiment without a fault has %v", calm.Faults)
	}
	_, list := made(t, scaled, deployed("checkout"))
	surges := map[*load.Surge]string{}
	for _, e := range list {
		surge := e.Load.(load.HTTP).Surge
		if other := surges[surge]; surge != nil && other != "" {
			t.Errorf("%s and %s share a surge", e.Name, other)
		}
		surges[surge] = e.Name
	}
}

// The load rests for long enough for one look of an autoscaler, between two surges
// that last as long together as a surge at one time.
func TestALoadThatRestsHasOneSurgeTwice(t *testing.T) {
	whole, rested := build(t, scaled, "checkout/autoscaling/surge"), build(t, scaled, "checkout/autoscaling/rest")
	if len(rested.Faults) != 2 {
		t.Fatalf("faults %v, want two surges", rested.Faults)
	}
	first, second := rested.Faults[0], rested.Faults[1]
	surge, ok := first.Fault.(*load.Surge)
	if !ok || second.Fault != first.Fault || rested.Load.(load.HTTP).Surge != surge {
		t.Errorf("the surges %v and %v and the load's are not one", first.Fault, second.Fault)
	}
	if first.For+second.For != whole.Hold || second.At-first.For != 12*time.Second {
		t.Errorf("the first for %s, the second from %s on for %s; the surge at one time is held for %s", first.For, second.At, second.For, whole.Hold)
	}
}

func TestAPodDiesWhileTheAutoscalerScalesOut(t *testing.T) {
	e := build(t, scaled, "checkout/autoscaling/kill")
	surge, kill := e.Faults[0], e.Faults[1]
	if e.Load.(load.HTTP).Surge != surge.Fault || kill.When.String() != "autoscaler checkout in shop scales out" || kill.Within != scalingTimeout {
		t.Errorf("%+v, %+v", surge, kill)
	}
}

func TestObjectivesAreTheChecksOfCapacity(t *testing.T) {
	e := build(t, strings.Replace(scaled, "services:", `  capacity/errors: {query: "sum(rate(bad_total[10s])) / sum(rate(all_total[10s]))"}
services:`, 1), "checkout/capacity/scaled")
	limits := map[string][]steadystate.Limit{}
	for _, c := range e.Hypothesis.Checks {
		limits[c.Name] = c.Limits
	}
	for _, name := range []string{"throughput", "p95", "mean", "errors", "cpu", "memory", "utilisation", "uptime", "answers"} {
		if len(limits["capacity/"+name]) == 0 {
			t.Errorf("no limits of %s: %v", name, limits)
		}
	}
	if _, there := limits["shop answers"]; there {
		t.Error("the service's own checks are among the objectives")
	}
	if l := limits["capacity/utilisation"]; len(l) != 2 || l[0].String() != "mean >= 40% during hold" {
		t.Errorf("the file's limits are not taken: %v", l)
	}
	if e.Settle != 30*time.Second {
		t.Errorf("it settles for %s, want twice the range of the rates", e.Settle)
	}
	calm := build(t, scaled, "checkout/capacity/sustained")
	if slices.ContainsFunc(calm.Hypothesis.Checks, func(c steadystate.Check) bool { return c.Name == "capacity/utilisation" }) {
		t.Error("a service that has not scaled has no utilisation to keep")
	}
	described := map[string]string{}
	for _, s := range e.Hypothesis.Signals {
		described[s.Name] = s.Describe
	}
	for name, want := range map[string]string{
		"capacity/throughput": `namespace="shop",pod=~"checkout-[a-z0-9]+-[a-z0-9]{5}",route="/checkout"`,
		"capacity/errors":     "bad_total",
		"capacity/memory":     `container="checkout"`,
	} {
		if !strings.Contains(described[name], want) {
			t.Errorf("%s is %q, want it to have %q", name, described[name], want)
		}
	}
}
