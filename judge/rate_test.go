package judge_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
)

// surged is a run of thirty seconds whose load is to send ten times as many
// requests from the tenth second to the twentieth, with the rates at which it
// did.
func surged(t *testing.T, before, during, after float64, outcome record.Outcome) judge.Result {
	t.Helper()
	return toldAt(t, 10*s, before, during, after, outcome)
}

// toldAt is such a run, of which the fault says only at an instant that it is
// injected.
func toldAt(t *testing.T, told time.Duration, before, during, after float64, outcome record.Outcome) judge.Result {
	t.Helper()
	plan := &record.Plan{Name: "surged", Settle: 5 * s, Watch: 10 * s, Faults: []record.Scheduled{{Fault: "surge"}}, Checks: []steadystate.Check{{
		Name: "answers", Signal: "requests", Good: steadystate.Within(s),
	}}}
	list := []record.Entry{
		{Header: &record.Header{Format: record.Format, Version: record.Version}},
		{Plan: plan},
		{Phase: record.PhaseSettle},
	}
	seq := uint64(0)
	send := func(from, to time.Duration, rate float64) {
		if rate == 0 {
			return
		}
		block := &record.Requests{Signal: "requests"}
		for at := from; at < to; at += time.Duration(float64(s) / rate) {
			block.List = append(block.List, record.Request{Seq: seq, Planned: at, Sent: at, Answered: at + ms, Outcome: outcome})
			seq++
		}
		list = append(list, record.Entry{At: to, Requests: block})
	}
	send(0, 10*s, before)
	list = append(list, record.Entry{At: 10 * s, Phase: record.PhaseInject})
	send(10*s, told, during)
	list = append(list,
		record.Entry{At: told, Injection: &record.Injection{
			Fault: "surge", Span: steadystate.Instant(10 * s), Targets: []record.Target{{Name: "requests"}},
			Effects: []record.Effect{{Signal: "requests", Times: 10}},
		}},
		record.Entry{At: told, Phase: record.PhaseHold})
	send(told, 20*s, during)
	list = append(list,
		record.Entry{At: 20 * s, Phase: record.PhaseRecover},
		record.Entry{At: 20 * s, Removal: &record.Removal{Fault: "surge", Span: steadystate.Instant(20 * s)}},
		record.Entry{At: 20 * s, Phase: record.PhaseWatch})
	send(20*s, 30*s, after)
	// The last answers may come long after the last request was sent.
	list = append(list, record.Entry{At: 30 * s, End: &record.End{Reason: record.Completed}})
	result, err := judge.Judge(recordtest.All(list), nil)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestASurgeIsProvenByTheRequestsThatWereSent(t *testing.T) {
	for _, row := range []struct {
		sentence              string
		before, during, after float64
		want                  steadystate.Verdict
		text                  string
	}{
		{"ten times as many, and gone again", 100, 1000, 100, steadystate.Held, "requests were sent at 100/s before the fault, 1000/s while it was on, 100/s after it"},
		{"nearly as many as asked for", 100, 850, 100, steadystate.Held, "850.1/s while it was on"},
		{"half as many as asked for is not what was asked", 100, 500, 100, steadystate.Unknown, "times as many while it was on, wanted at least 8.2"},
		{"no more than before is no surge", 100, 100, 100, steadystate.Unknown, "wanted at least 8.2"},
		{"a surge that does not end was something else", 100, 1000, 1000, steadystate.Unknown, "times as many after it, wanted at most 2.8"},
		{"nor one that ends half-way", 100, 1000, 400, steadystate.Unknown, "times as many after it, wanted at most 2.8"},
		{"without requests before there is nothing to compare with", 0, 1000, 100, steadystate.Unknown, "0 requests were sent before the fault, wanted at least 3"},
		{"nor without any while it was on", 100, 0, 100, steadystate.Unknown, "0 requests were sent while it was on"},
		{"a handful of requests proves nothing", 0.7, 7, 0.7, steadystate.Unknown, "times as many while it was on, wanted at least 8.2"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			p := proof(t, surged(t, row.before, row.during, row.after, record.Outcome{Code: 200, Attempts: 1}), "effect")
			if p.Verdict != row.want || !strings.Contains(p.Text, row.text) {
				t.Errorf("%s: %q, want %s with %q", p.Verdict, p.Text, row.want, row.text)
			}
		})
	}
}

// What never left this machine was no surge.
func TestRequestsThatWereNotSentAreNoSurge(t *testing.T) {
	p := proof(t, surged(t, 100, 1000, 100, record.Outcome{Error: "no local port left", Local: true, Attempts: 0}), "effect")
	if want := "0 requests were sent before the fault"; p.Verdict != steadystate.Unknown || !strings.Contains(p.Text, want) {
		t.Errorf("%s: %q, want unknown with %q", p.Verdict, p.Text, want)
	}
}

func TestALoadIsExposedIfItWasAnsweredWell(t *testing.T) {
	good := surged(t, 100, 1000, 100, record.Outcome{Code: 200, Attempts: 1})
	if p := proof(t, good, "exposed"); p.Verdict != steadystate.Held || p.Text != "500 of 500 requests were answered well in the 5s before the fault" {
		t.Errorf("%s: %q", p.Verdict, p.Text)
	}
	if good.Verdict != steadystate.Held {
		t.Errorf("%s: %s", good.Verdict, good.Reason)
	}
	waits := toldAt(t, 15*s, 100, 1000, 100, record.Outcome{Code: 200, Attempts: 1})
	if p := proof(t, waits, "exposed"); p.Text != "500 of 500 requests were answered well in the 5s before the fault" {
		t.Errorf("a fault that waits when it is on: %q", p.Text)
	}
	bad := surged(t, 100, 1000, 100, record.Outcome{Code: 503, Attempts: 1})
	if p := proof(t, bad, "exposed"); p.Verdict != steadystate.Unknown || p.Text != "none of 500 requests was answered well in the 5s before the fault: see whether the load's url leads to the service, and what it answers there" {
		t.Errorf("%s: %q", p.Verdict, p.Text)
	}
}
