package judge_test

import (
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
)

// alerts judges expectations of the kind "alert": that an alert fires after the
// fault, in time. It goes by the events of the record alone.
type alerts struct{}

func (alerts) Kind() string { return "alert" }

// Key is one for all: each limit is the time in which the alert fires.
func (alerts) Key(string) string { return "fires within" }

// Validate refuses, before the run, what Evaluate could not judge.
func (alerts) Validate(x record.Expectation) error {
	for _, text := range x.Limits {
		if _, err := time.ParseDuration(text); err != nil {
			return fmt.Errorf("limit %q: want the time in which the alert fires, as in \"30s\"", text)
		}
	}
	if len(x.Limits) == 0 {
		return fmt.Errorf("needs a limit, the time in which the alert fires, as in \"30s\"")
	}
	return nil
}

// Evaluate compares the interval in which it fired: unknown if the limit is in it.
// What fired before the fault is not of the fault.
func (alerts) Evaluate(x record.Expectation, r judge.Result) (list []judge.Finding) {
	if len(r.Injections) == 0 {
		return nil // an expectation without a finding is unknown
	}
	fault := r.Injections[0].Span
	for _, text := range x.Limits {
		limit, _ := time.ParseDuration(text) // Validate has
		finding := judge.Finding{Limit: "fires within " + text}
		i := slices.IndexFunc(r.Events, func(e record.Event) bool { return e.Subject == x.Subject && e.Kind == "fired" && e.To >= fault.From })
		switch {
		case i >= 0 && r.Events[i].From < fault.To:
			finding.Text, finding.Undecided = "it fired about when the fault was injected", "it may have fired before"
		case i >= 0:
			after := r.Events[i].Since(fault)
			finding.Text = steadystate.FormatLengths(after)
			finding.Verdict = steadystate.AtMost(limit.Seconds()).Judge(steadystate.Seconds(after))
		case r.End.Reason == record.Completed:
			finding.Verdict, finding.Text = steadystate.Broken, "it did not fire"
		default:
			finding.Text, finding.Undecided = "it did not fire", "the record ends before the run did"
		}
		list = append(list, finding)
	}
	return list
}

// An evaluator of one's own.
func ExampleEvaluator() {
	entries := lastNight(
		record.Event{Kind: "fired", Subject: "alert/CheckoutDown", Span: steadystate.Span{From: 14 * time.Second, To: 16 * time.Second}},
	)
	for _, limits := range [][]string{{"10s", "5s", "2s"}, {"soon"}} {
		result, err := judge.Judge(entries, map[string][]string{"on call knows": limits}, alerts{})
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, f := range result.Findings {
			if f.Check == "on call knows" {
				fmt.Printf("%s: %s, seen %s\n", f.Limit, f.Verdict, f.Text)
			}
		}
	}
	// Output:
	// fires within 10s: held, seen 4s to 6s
	// fires within 5s: unknown, seen 4s to 6s
	// fires within 2s: broken, seen 4s to 6s
	// expectation "on call knows": limit "soon": want the time in which the alert fires, as in "30s"
}

// What a report does not say can be asked of its result: another limit on one of
// its checks is judged by the same record.
func ExampleResult_Finding() {
	result, err := judge.Judge(lastNight(), nil, alerts{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, limit := range []string{"downtime <= 30s", "downtime <= 1s", "downtme <= 1s"} {
		finding, err := result.Finding("shop answers", limit)
		fmt.Println(finding.Verdict, finding.Text, err)
	}
	_, err = result.Check("shop")
	fmt.Println(err)
	// Output:
	// held 3s to 5s <nil>
	// broken 3s to 5s <nil>
	// unknown  check "shop answers": limit "downtme <= 1s": no quantity "downtme"; quantities: downtime, uptime, outage, outages, ttd, ttr, mttr, errors, slow, rate, mean, max, min, pNN as in p99.9; limits in the report: "downtime <= 20s", "good at the end"
	// no check "shop"; checks: "shop answers"
}

// lastNight is a run of 60 s in which a fault came at 10 s, and the service was away
// from 12 s to 16 s.
func lastNight(events ...record.Event) iter.Seq2[record.Entry, error] {
	list := []record.Entry{
		{Header: &record.Header{Format: record.Format, Version: record.Version, Run: "0123456789"}},
		{Plan: &record.Plan{
			Name: "last night", Settle: 5 * time.Second,
			Checks:       []steadystate.Check{{Name: "shop answers", Signal: "up", Good: steadystate.AtLeast(1), Limits: steadystate.Limits("downtime <= 20s")}},
			Expectations: []record.Expectation{{Name: "on call knows", Kind: "alert", Subject: "alert/CheckoutDown", Limits: []string{"10s"}}},
		}},
		{Phase: record.PhaseSettle},
		{At: 10 * time.Second, Phase: record.PhaseInject},
		{At: 10 * time.Second, Injection: &record.Injection{Fault: "kill it", OneShot: true, Span: steadystate.Instant(10 * time.Second)}},
	}
	for _, e := range events {
		list = append(list, record.Entry{At: 20 * time.Second, Event: &e})
	}
	for at := time.Duration(0); at <= 60*time.Second; at += time.Second {
		o := steadystate.Observation{Span: steadystate.Instant(at), Value: 1}
		if at >= 12*time.Second && at < 16*time.Second {
			o.Value = 0
		}
		list = append(list, record.Entry{At: 60 * time.Second, Observations: &record.Observations{Signal: "up", List: []steadystate.Observation{o}}})
	}
	list = append(list, record.Entry{At: 60 * time.Second, End: &record.End{Reason: record.Completed}})
	return recordtest.All(list)
}
