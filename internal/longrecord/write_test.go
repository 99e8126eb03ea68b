package longrecord_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// rate is the number of requests per second of the record.
const rate = 1000

const (
	interval = time.Second / rate
	// As many as the recorder writes at a time, and roughly a thousand requests
	// per second between two flushes of a run.
	most = 4096
	// The longest an answer takes: some overtake each other.
	slowest = 10 * time.Millisecond
)

// write writes the record of a completed run with n requests: a fault was in
// place from one sixth of its length to two thirds. Every other request was
// refused throughout, and the others were answered in up to 10 ms. The same n
// gives the same bytes.
func write(w io.Writer, n int) error {
	out := bufio.NewWriterSize(w, 1<<16)
	encoder := record.NewEncoder(out)
	length := time.Duration(n) * interval
	inject, removed := length/6, 2*length/3
	at := func(d time.Duration, e record.Entry) entry {
		e.At = d
		return entry{d, e}
	}
	target := record.Target{Name: "checkout-1", UID: "uid-1"}
	events := []entry{
		at(0, record.Entry{Header: &record.Header{Format: record.Format, Version: record.Version, Run: "0123456789", Started: time.Unix(1_700_000_000, 0).UTC()}}),
		at(0, record.Entry{Plan: plan(length)}),
		at(0, record.Entry{Phase: record.PhaseSettle}),
		at(inject, record.Entry{Phase: record.PhaseInject}),
		at(inject, record.Entry{Event: &record.Event{Span: steadystate.Instant(inject), Kind: record.EventGone, Subject: "pod/checkout-1", UID: target.UID}}),
		at(inject, record.Entry{Injection: &record.Injection{Fault: fault, Targets: []record.Target{target}, Span: steadystate.Instant(inject), Effects: []record.Effect{{Event: record.EventGone}}}}),
		at(inject, record.Entry{Phase: record.PhaseHold}),
		at(removed, record.Entry{Phase: record.PhaseRecover}),
		at(removed, record.Entry{Removal: &record.Removal{Fault: fault, Span: steadystate.Instant(removed)}}),
		at(removed, record.Entry{Phase: record.PhaseWatch}),
	}
	batch := batch{random: rand.New(rand.NewPCG(6, 6))}
	for batch.sent < n {
		size := min(most, n-batch.sent)
		over := time.Duration(batch.sent+size)*interval + slowest
		for len(events) > 0 && events[0].at <= over {
			if err := encoder.Encode(events[0].Entry); err != nil {
				return err
			}
			events = events[1:]
		}
		block := record.Requests{Signal: record.TrafficSignal, List: batch.next(size)}
		if err := encoder.Encode(record.Entry{At: over, Requests: &block}); err != nil {
			return err
		}
	}
	events = append(events, at(length+slowest, record.Entry{End: &record.End{Reason: record.Completed}}))
	for _, e := range events {
		if err := encoder.Encode(e.Entry); err != nil {
			return err
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write record: %w", err)
	}
	return nil
}

// An entry knows when it is due among the blocks of requests.
type entry struct {
	at time.Duration
	record.Entry
}

const fault = "kill one"

func plan(length time.Duration) *record.Plan {
	return &record.Plan{
		Name: "a long run",
		Checks: []steadystate.Check{{
			Name: "answers", Signal: record.TrafficSignal, Good: steadystate.Within(time.Second),
			Allowed: 0.001, Limits: steadystate.Limits("downtime <= 2s", "errors <= 0.1%", "p95 <= 2s"),
		}},
		Signals: map[string]string{record.TrafficSignal: "every other request fails"},
		Load:    "every other request fails",
		Stages:  map[string][]record.Stage{record.TrafficSignal: {{Name: "1: 1000/s", Rate: rate}}},
		Faults:  []record.Scheduled{{Fault: fault}},
		Settle:  5 * time.Second,
		Hold:    length / 2,
		Watch:   length / 3,
	}
}

// A batch yields requests roughly in the order of their answers.
type batch struct {
	random *rand.Rand
	sent   int
}

func (r *batch) next(size int) []record.Request {
	list := make([]record.Request, size)
	for i := range list {
		planned := time.Duration(r.sent) * interval
		sent := planned + time.Duration(r.random.Int64N(int64(200*time.Microsecond)))
		outcome := record.Outcome{Code: 200, Backend: "checkout-1", Attempts: 1}
		if r.sent%2 == 1 {
			outcome = record.Outcome{Error: "connection refused"}
		}
		list[i] = record.Request{
			Seq:      uint64(r.sent), //nolint:gosec // a count
			Planned:  planned,
			Sent:     sent,
			Answered: sent + time.Duration(r.random.Int64N(int64(slowest))),
			Outcome:  outcome,
		}
		r.sent++
	}
	// Neighbours overtake each other: requests are recorded as they are answered.
	for i := 0; i+1 < size; i += 4 {
		list[i], list[i+1] = list[i+1], list[i]
	}
	return list
}
