package autoscaling_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments/autoscaling"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
)

// R24, from the record on: two pods are far above the target by the kubelets,
// and the autoscaler's own metric stays at 11 %. Without the second reading
// nothing is said against it.
func TestASecondReadingIsTakenFromTheRecord(t *testing.T) {
	const signal = "CPU by the kubelets"
	for _, row := range []struct {
		sentence, signal string
		verdict          steadystate.Verdict
		want             string
	}{
		{"with it", signal, steadystate.Broken, "CPU by the kubelets was at least 180% (target 50%) from 5.000s to 58.000s, while the autoscaler's own metric said resource cpu 11% (target 50%)"},
		{"without it", "", steadystate.Unknown, "waits for: lag"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			seen := parse(t, `spec     min=2 max=8 cpu=50%
			 fault    . #*12 .*8
			 cpu      11*21
			 desired  2*21`).result(t)
			x := autoscaling.Expect("checkout scales", "shop", "checkout", "decision <= 45s")
			x.Signal = row.signal
			list := []record.Entry{
				{Header: &record.Header{Format: record.Format, Version: record.Version}},
				{Plan: &record.Plan{Name: "a surge", Settle: time.Second, Faults: []record.Scheduled{{Fault: "a spike"}}, Expectations: []record.Expectation{x}}},
				{Phase: record.PhaseSettle},
				{At: 2 * time.Second, Phase: record.PhaseInject},
			}
			for _, e := range seen.Events {
				list = append(list, record.Entry{At: e.To, Event: &e})
			}
			for _, i := range seen.Injections {
				list = append(list,
					record.Entry{At: i.To, Injection: &i.Injection},
					record.Entry{At: i.Removed.To, Removal: &record.Removal{Fault: i.Fault, Span: *i.Removed}})
			}
			// A rate over four seconds, asked for each second.
			for at := 4 * time.Second; at < seen.Length; at += time.Second {
				o := steadystate.Observation{Span: steadystate.Span{From: at - 4*time.Second, To: at}, Value: 0.11, Whole: true}
				if at >= 5*time.Second && at <= 65*time.Second {
					o.Value = 1.8
				}
				list = append(list, record.Entry{At: at, Observations: &record.Observations{Signal: signal, List: []steadystate.Observation{o}}})
			}
			slices.SortStableFunc(list, func(a, b record.Entry) int { return int(a.At - b.At) })
			list = append(list, record.Entry{At: seen.Length, End: &record.End{Reason: record.Completed}})
			result, err := judge.Judge(recordtest.All(list), nil, autoscaling.Evaluator{})
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(result.Findings, func(f judge.Finding) bool { return f.Limit == "decision <= 45s" })
			if i < 0 {
				t.Fatalf("nothing is said of the decision: %+v", result.Findings)
			}
			if f := result.Findings[i]; f.Verdict != row.verdict || !strings.Contains(line(f), row.want) {
				t.Errorf("%s, want it %s: %s", line(f), row.verdict, row.want)
			}
		})
	}
}
