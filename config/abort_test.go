package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const aborting = everything + `  ledger:
    namespace: shop
    workload: statefulset/ledger
    traffic: sum by (pod) (rate(ops_total[5s]))
` + payments + `abort:
  blind: 20s
  unless:
    half: {signal: replicas, good: value >= 50%, for: 5s}
    quick: {signal: requests, good: value <= 5s}
    orders: {query: 'sum(rate(orders_total{ {{.Series}}}[10s]))', good: value > 0}
experiments:
  kill: {service: checkout, faults: {kill: {podKill: {pods: 1}}}}
  own: {from: kill, abort: {blind: 1m, unless: {quick: null, half: {good: value >= 30%}, whole: {signal: rollout, good: value >= 10%}}}}
  other: {service: ledger, checks: [standard/replicas], faults: {kill: {podKill: {pods: 1}}}}
`

func TestAnExperimentsAbortIsMergedOntoTheFiles(t *testing.T) {
	plan := must(t, aborting)
	for _, row := range []struct {
		id    string
		blind time.Duration
		want  []string
		note  string
	}{
		{"checkout/kill", 20 * time.Second, []string{"half: replicas >= 50% for 5s", "quick: requests <= 5s", "orders: abort orders > 0"}, ""},
		{"checkout/own", time.Minute, []string{"half: replicas >= 30% for 5s", "orders: abort orders > 0", "whole: rollout >= 10%"}, ""},
		{"ledger/other", 20 * time.Second, []string{"half: replicas >= 50% for 5s", "orders: abort orders > 0"}, `without abort condition quick: signal "requests" is made by a load, and service ledger has none`},
	} {
		p := find(t, plan, row.id)
		var got []string
		for _, c := range p.Abort.Unless {
			got = append(got, strings.TrimSuffix(fmt.Sprintf("%s: %s %s for %s", c.Name, c.Signal, c.Good, c.For), " for 0s"))
			if (c.Query != nil) != strings.HasPrefix(c.Signal, "abort ") || c.Query != nil && c.Query.Every != time.Second {
				t.Errorf("%s: %+v", row.id, c)
			}
		}
		if p.Abort.Blind != row.blind || !slices.Equal(got, row.want) {
			t.Errorf("%s: blind %s, %q; want %s, %q", row.id, p.Abort.Blind, got, row.blind, row.want)
		}
		if row.note != "" && !slices.Contains(p.Notes, row.note) {
			t.Errorf("%s: notes %q", row.id, p.Notes)
		}
	}
	if own := find(t, plan, "checkout/own"); !own.Uses(SignalRollout) || find(t, plan, "checkout/kill").Uses(SignalRollout) {
		t.Error("the rollout is observed where a condition is on it, and only there")
	}
	var printed strings.Builder
	if err := plan.Print(&printed, plan.Planned, nil); err != nil || !strings.Contains(printed.String(), "abort:\n      blind: 20s\n      unless:") {
		t.Errorf("%v\n%s", err, &printed)
	}
}

func TestMistakesInAnAbortAreNamed(t *testing.T) {
	for _, row := range []struct{ old, changed, want string }{
		{"good: value >= 50%, for: 5s", "for: 5s", "abort.unless[half].good: is missing"},
		{"signal: replicas, good: value >= 50%", "good: value >= 50%", "abort.unless[half].signal: is missing; name one, or give the condition a query"},
		{"signal: replicas, good: value >= 50%", "signal: replicsa, good: value >= 50%", `abort.unless[half].signal: no signal "replicsa"`},
		{"value >= 50%", "value >= 5s", "abort.unless[half].good: "},
		{"blind: 20s", "blind: -20s", "abort.blind: "},
		{"for: 5s", "for: soon", "abort.unless[half].for: "},
		{"orders_total{", "orders_total{{", "abort.unless[orders].query: "},
		{"unless: {quick: null", "unless: {fast: {signal: websocket}, quick: null", "abort.unless[fast].good: is missing"},
		{"service: ledger, checks", "service: ledger, abort: {unless: {quick: {for: 1s}}}, checks", `abort condition "quick": signal "requests" is made by a load`},
	} {
		text := strings.Replace(aborting, row.old, row.changed, 1)
		if text == aborting {
			t.Fatalf("%q is not in the file", row.old)
		}
		_, err := Parse("aftershock.yaml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", row.changed, err, row.want)
		}
	}
}
