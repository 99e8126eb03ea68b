package judge

import (
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A load of one's own may put the number of a worker before that of a request.
func TestNumbersThatAreFarApartAreNotUnderWay(t *testing.T) {
	const ms = time.Millisecond
	f := &follower{timeout: longestAnswer}
	send := func(worker, n uint64) {
		at := time.Duration(n) * 10 * ms
		f.request(record.Request{Seq: worker<<20 | n, Sent: at, Answered: at + ms, Outcome: record.Outcome{Code: 200, Attempts: 1}})
	}
	for n := range uint64(100) {
		for worker := range uint64(3) {
			if worker > 0 || n != 50 {
				send(worker, n)
			}
		}
	}
	f.arrange()
	missing := 0
	list := f.underWay()
	for _, o := range list {
		if o.To > time.Hour {
			missing++
		}
	}
	if missing != 1 || len(list) != 250 {
		t.Errorf("%d requests are ahead, of which %d are under way; want 250 and one", len(list), missing)
	}
}

func TestTheGateFollowsUpToTheFault(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	g := NewGate(&record.Plan{Checks: []steadystate.Check{{Name: "answers", Signal: "requests", Good: steadystate.Within(s)}}, Settle: 5 * s})
	g.See(record.Entry{Phase: record.PhaseSettle})
	seq := uint64(0)
	until := func(end time.Duration, code int) {
		for ; time.Duration(seq)*10*ms < end; seq++ {
			at := time.Duration(seq) * 10 * ms
			g.See(record.Entry{At: at + ms, Requests: &record.Requests{Signal: "requests", List: []record.Request{{Seq: seq, Planned: at, Sent: at, Answered: at + ms, Outcome: record.Outcome{Code: code, Backend: "a", Attempts: 1}}}}})
		}
	}
	until(10*s, 200)
	if got := g.Steady(10 * s); got.Verdict != steadystate.Held {
		t.Fatalf("%s: %s; want it steady", got.Verdict, got.Why)
	}
	g.See(record.Entry{At: 10 * s, Phase: record.PhaseInject})
	until(20*s, 503)
	if got := g.Steady(10 * s); got.Verdict != steadystate.Held {
		t.Errorf("%s: %s; want that what came after the fault is no longer followed", got.Verdict, got.Why)
	}
}
