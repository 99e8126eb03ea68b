package suites

import (
	"slices"
	"testing"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/abort"
	"github.com/aftershockhq/aftershock/steadystate"
)

func TestWhatAnAbortLooksAtIsObserved(t *testing.T) {
	text := manifests("", "kill: {podKill: {pods: 1}}") + `abort:
  blind: 20s
  unless:
    half: {signal: rollout, good: value >= 50%}
    orders: {query: "sum(rate(orders_total[10s]))", good: value > 0}
`
	_, list := made(t, text, deployed("checkout"), podOf("checkout"))
	e := list[0]
	i := slices.IndexFunc(e.Safeguards, func(s experiments.Safeguard) bool { _, ok := s.(*abort.Conditions); return ok })
	if i < 0 {
		t.Fatalf("safeguards %v", e.Safeguards)
	}
	if c, _ := e.Safeguards[i].(*abort.Conditions); c.Validate() != nil || len(c.Unless) != 2 || c.Blind.Seconds() != 20 {
		t.Errorf("%+v", c)
	}
	for _, name := range []string{config.SignalRollout, "abort orders"} {
		if !slices.ContainsFunc(e.Hypothesis.Signals, func(s steadystate.Signal) bool { return s.Name == name }) {
			t.Errorf("no signal %q in %+v", name, e.Hypothesis.Signals)
		}
	}
	if !slices.ContainsFunc(e.queries, func(q asked) bool { return q.check.Name == "abort orders" }) {
		t.Error("preflight does not ask the query")
	}
}
