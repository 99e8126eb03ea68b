package main

import (
	"iter"
	"time"

	"github.com/aftershockhq/aftershock/experiments/autoscaling"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/runs"
	"github.com/aftershockhq/aftershock/steadystate"
)

var started = time.Date(2026, 11, 27, 23, 40, 53, 0, time.UTC)

// long is an hour at 1,000 requests per second, with three outages, of 20 ms, 3 s and
// a minute, as entries that are made while they are read.
func long() iter.Seq2[record.Entry, error] {
	const (
		length = time.Hour
		every  = time.Millisecond
		inject = 10 * time.Minute
		undone = 40 * time.Minute
	)
	outages := []steadystate.Span{
		{From: 15 * time.Minute, To: 15*time.Minute + 20*time.Millisecond},
		{From: 20 * time.Minute, To: 20*time.Minute + 3*time.Second},
		{From: 30 * time.Minute, To: 31 * time.Minute},
	}
	target := record.Target{Name: "checkout-1", UID: "uid-1"}
	return func(yield func(record.Entry, error) bool) {
		at := func(d time.Duration, e record.Entry) bool {
			e.At = d
			return yield(e, nil)
		}
		head := []record.Entry{
			{Header: &record.Header{Format: record.Format, Version: record.Version, Run: "0123456789", Started: started}},
			{Plan: &record.Plan{
				Name: "checkout/long", Load: "1000/s for 1h", Faults: []record.Scheduled{{Fault: "delay 100ms"}}, Settle: 5 * time.Second, Hold: undone - inject, Watch: 20 * time.Minute,
				Checks: []steadystate.Check{{Name: "answers", Signal: record.TrafficSignal, Good: steadystate.Within(time.Second), Limits: steadystate.Limits("downtime <= 2s", "errors <= 0.1%", "p99 <= 500ms")}},
			}},
			{Phase: record.PhaseSettle},
		}
		for _, e := range head {
			if !at(0, e) {
				return
			}
		}
		var batch []record.Request
		for i := range int(length / every) {
			now := time.Duration(i) * every
			switch now {
			case inject:
				if !at(now, record.Entry{Phase: record.PhaseInject}) ||
					!at(now, record.Entry{Injection: &record.Injection{Fault: "delay 100ms", Targets: []record.Target{target}, Span: steadystate.Instant(now), Unprovable: "this is played"}}) ||
					!at(now, record.Entry{Phase: record.PhaseHold}) {
					return
				}
			case undone:
				if !at(now, record.Entry{Phase: record.PhaseRecover}) || !at(now, record.Entry{Removal: &record.Removal{Fault: "delay 100ms", Span: steadystate.Instant(now)}}) || !at(now, record.Entry{Phase: record.PhaseWatch}) {
					return
				}
			}
			took := time.Millisecond + time.Duration(i*7919%4000)*time.Microsecond
			if now >= inject && now < undone && i%3 == 0 {
				took += 100 * time.Millisecond
			}
			q := record.Request{Seq: uint64(i), Planned: now, Sent: now, Answered: now + took, Outcome: record.Outcome{Code: 200, Backend: "checkout-" + string(rune('0'+i%3)), Attempts: 1}} //nolint:gosec // a count
			for _, o := range outages {
				if o.From <= now && now < o.To {
					q.Outcome = record.Outcome{Error: "connection refused"}
				}
			}
			if batch = append(batch, q); len(batch) == 4000 {
				if !at(now+200*time.Millisecond, record.Entry{Requests: &record.Requests{Signal: record.TrafficSignal, List: batch}}) {
					return
				}
				batch = nil
			}
		}
		at(length, record.Entry{End: &record.End{Reason: record.Completed}})
	}
}

func judgedLong() (reports.Report, error) { return runs.Judge(long(), nil, autoscaling.Evaluator{}) }
