package judge_test

import (
	"math"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
)

// stepped is a run of a load in two steps, 10/s for 15 s and 50/s from then on,
// with its phases cut elsewhere, and of which a few requests fail.
func stepped(t *testing.T) judge.Result {
	t.Helper()
	list := []record.Entry{
		{Header: &record.Header{Format: record.Format, Version: record.Version}},
		{Plan: &record.Plan{
			Name: "stepped", Settle: 5 * s,
			Checks: []steadystate.Check{{Name: "answers", Signal: "requests", Good: steadystate.Within(s)}},
			Stages: map[string][]record.Stage{"requests": {
				{Name: "1: 10/s", Rate: 10}, {Name: "2: 50/s", After: 15 * s, Rate: 50}, {Name: "3: 99/s", After: time.Hour, Rate: 99},
			}},
		}},
		{Phase: record.PhaseSettle},
	}
	phases := map[time.Duration]string{10 * s: record.PhaseInject, 20 * s: record.PhaseWatch}
	seq := uint64(0)
	at := 500 * ms // the load's first request
	for at <= 30*s {
		for _, from := range []time.Duration{10 * s, 20 * s} {
			if name := phases[from]; name != "" && at >= from {
				list = append(list, record.Entry{At: from, Phase: name})
				delete(phases, from)
			}
		}
		q := record.Request{Seq: seq, Planned: at, Sent: at, Answered: at + 20*ms, Outcome: record.Outcome{Code: 200, Attempts: 1}}
		switch {
		case seq%10 == 9:
			q.Code = 503
		case seq%10 == 8:
			q.Outcome = record.Outcome{Error: "no local port left", Local: true}
		case at >= 20*s:
			q.Answered = at + 40*ms
			q.Stalled = 10 * ms
		}
		list = append(list, record.Entry{At: q.Answered, Requests: &record.Requests{Signal: "requests", List: []record.Request{q}}})
		seq++
		if at < 15500*ms {
			at += 100 * ms
		} else {
			at += 20 * ms
		}
	}
	// Nothing is sent while the last answers are waited for.
	list = append(list, record.Entry{At: 32 * s, End: &record.End{Reason: record.Completed}})
	result, err := judge.Judge(recordtest.All(list), nil)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestTheTrafficIsToldByPhaseAndByStage(t *testing.T) {
	traffic := stepped(t).Traffic["requests"]
	type want struct {
		name string
		from time.Duration
		sent int
		rate float64
	}
	for _, row := range []struct {
		kind string
		got  []judge.TrafficSegment
		want []want
	}{
		{"phase", traffic.Phases, []want{{"settle", 0, 95, 10}, {"inject", 10 * s, 55 + 225, 28}, {"watch", 20 * s, 501, 50}}},
		// The third was never reached.
		{"stage", traffic.Stages, []want{{"1: 10/s", 500 * ms, 150, 10}, {"2: 50/s", 15500 * ms, 726, 50}}},
	} {
		if len(row.got) != len(row.want) {
			t.Fatalf("%ss %+v, want %v", row.kind, row.got, row.want)
		}
		total, failed, local := 0, 0, 0
		for i, p := range row.got {
			w := row.want[i]
			if p.Name != w.name || p.From != w.from || p.Sent != w.sent || math.Abs(p.Rate-w.rate) > 0.05 || math.Abs(p.SentRate-w.rate) > 0.05 {
				t.Errorf("%s %+v, want %+v", row.kind, p, w)
			}
			if p.Latency == nil || p.Latency.N != p.Sent-p.FailedFirst-p.Local {
				t.Errorf("%s %s: latency %+v, want that of those that did not fail", row.kind, p.Name, p.Latency)
			}
			total, failed, local = total+p.Sent, failed+p.FailedFirst, local+p.Local
		}
		if total != traffic.Sent || failed != traffic.FailedFirst {
			t.Errorf("by %s: %d sent, %d failed; want %d and %d", row.kind, total, failed, traffic.Sent, traffic.FailedFirst)
		}
		if local == 0 {
			t.Errorf("by %s: none failed on the load's machine", row.kind)
		}
	}
	if p := traffic.Phases[0].Latency.P95; p != steadystate.Exactly(0.02) {
		t.Errorf("p95 of the settle phase %v, want 20 ms", p)
	}
	// What may have lain unread for a while is known to its bounds.
	if p := traffic.Phases[2].Latency.P50; p != (steadystate.Bounds[float64]{Low: 0.03, High: 0.04}) {
		t.Errorf("p50 of the watch phase %v, want 30 to 40 ms", p)
	}
}
