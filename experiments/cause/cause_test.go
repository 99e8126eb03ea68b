package cause_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments/cause"
	"github.com/aftershockhq/aftershock/experiments/recovery"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
)

// killed is the record of a pod that is killed and replaced, of three.
const killed = `
	0          exists       pod/shop/a       a  owner=ReplicaSet/rs
	0          exists       pod/shop/b       b  owner=ReplicaSet/rs
	0          exists       pod/shop/c       c  owner=ReplicaSet/rs
	10..10.1   inject       kill             a  effect=gone oneshot=true
	10..10.1   gone         pod/shop/a       a
	10.2       removed      endpoint/shop/a  a
	10.2       created      pod/shop/d       d  owner=ReplicaSet/rs
	10.3       scheduled    pod/shop/d       d
	11         started      pod/shop/d       d
	11..11.2   ready        pod/shop/d       d
	11.1..11.4 added        endpoint/shop/d  d
`

// inquire is what is found in a record about outages of requests, START to END.
func inquire(t *testing.T, entries []record.Entry, spans ...string) []cause.Cause {
	t.Helper()
	check := judge.CheckResult{Check: "shop answers", Signal: record.TrafficSignal, Tolerance: steadystate.Within(time.Second)}
	for _, span := range spans {
		start, end, _ := strings.Cut(span, " to ")
		check.Outages = append(check.Outages, steadystate.Outage{Start: recordtest.Span(start), End: recordtest.Span(end), Bad: 1, Total: 2})
	}
	return inquireOf(t, entries, check)
}

func inquireOf(t *testing.T, entries []record.Entry, checks ...judge.CheckResult) []cause.Cause {
	t.Helper()
	result, history := judge.Result{Checks: checks, Window: recordtest.Span("10..60"), Length: 60 * time.Second}, recovery.History{}
	for _, e := range entries {
		history.Take(e)
		switch {
		case e.Event != nil:
			result.Events = append(result.Events, *e.Event)
		case e.Injection != nil:
			result.Injections = append(result.Injections, judge.InjectionResult{Injection: *e.Injection})
		case e.Removal != nil:
			result.Injections[e.Removal.Index].Removed = &e.Removal.Span
		}
	}
	in := cause.NewInquiry(result, history.Waterfalls(checks))
	for _, e := range entries {
		in.Take(e)
	}
	return in.Causes()
}

// requests are n requests from an instant on, one every tenth of a second, each
// with an outcome that takes so long.
func requests(from string, n int, took time.Duration, outcome record.Outcome) (list []record.Entry) {
	outcome.Attempts = 1
	for i := range n {
		at := recordtest.Span(from).From + time.Duration(i)*100*time.Millisecond
		list = append(list, record.Entry{At: at + took, Requests: &record.Requests{Signal: record.TrafficSignal, List: []record.Request{{Sent: at, Answered: at + took, Outcome: outcome}}}})
	}
	return list
}

func TestWhoFailed(t *testing.T) {
	ms := time.Millisecond
	unavailable := func(by string) record.Outcome { return record.Outcome{Code: 503, Backend: by} }
	well := func(by string) record.Outcome { return record.Outcome{Code: 200, Backend: by} }
	refused := record.Outcome{Error: "connection refused"}
	for _, row := range []struct {
		name     string
		requests [][]record.Entry
		want     string
	}{
		{"nothing was asked", nil, ""},
		{"all are good", [][]record.Entry{requests("12", 9, ms, well("b"))}, ""},
		{"one backend", [][]record.Entry{requests("12", 9, ms, unavailable("b")), requests("12", 9, ms, well("c"))}, "all 9 from b: 503"},
		{"a single one", [][]record.Entry{requests("12", 1, ms, unavailable("b"))}, "1 from b: 503"},
		{"the replacement", [][]record.Entry{requests("12", 9, ms, unavailable("d"))}, "all 9 from d, which replaced a: 503"},
		{"the one that was hit", [][]record.Entry{requests("12", 9, ms, unavailable("a"))}, "all 9 from a, which the fault hit: 503"},
		{"none is named", [][]record.Entry{requests("12", 9, ms, refused)}, "all 9 name no backend: connection refused"},
		{"slow ones were answered", [][]record.Entry{requests("12", 9, 1500*ms, well("b"))}, "all 9 from b: too slow"},
		{"several, the most first", [][]record.Entry{requests("12", 9, ms, unavailable("b")), requests("12", 11, ms, refused), requests("12", 3, 1500*ms, well("b"))}, "12 of 23 from b: 9 503, 3 too slow; 11 name no backend: connection refused"},
		{"more than are named", [][]record.Entry{requests("12", 5, ms, unavailable("b")), requests("12", 4, ms, unavailable("c")), requests("12", 3, ms, unavailable("e")), requests("12", 2, ms, unavailable("f")), requests("12", 1, ms, unavailable("g"))}, "5 of 15 from b: 503; 4 from c: 503; 3 from e: 503; 3 from 2 more"},
		{"those before and after are not in it", [][]record.Entry{requests("9", 9, ms, unavailable("b")), requests("12", 2, ms, unavailable("c")), requests("16", 9, ms, unavailable("b"))}, "all 2 from c: 503"},
	} {
		t.Run(row.name, func(t *testing.T) {
			entries := recordtest.Entries(nil, killed)
			for _, list := range row.requests {
				entries = append(entries, list...)
			}
			if got := inquire(t, entries, "11.9..12 to 14")[0].Who; got != row.want {
				t.Errorf("%q, want %q", got, row.want)
			}
		})
	}
}

func TestARequestUnderWayInTwoOutagesCountsInTheFirst(t *testing.T) {
	list := inquire(t, requests("12", 1, 8*time.Second, record.Outcome{Error: record.TimedOut}), "12 to 13", "18 to 19")
	if len(list) != 2 || len(list[0].Failures) != 1 || len(list[1].Failures) != 0 {
		t.Errorf("%+v", list)
	}
}

func TestWhenAnOutageBegan(t *testing.T) {
	for _, row := range []struct {
		name, events, outage string
		want                 string
	}{
		{"nothing happened", "", "12 to 14", ""},
		{"an event before, and none in it", "10 ready pod/shop/b b", "12..12.05 to 14", "it began 2s to 2.1s after b was ready"},
		{"the order of the two is not known", "11.9..12.1 gone pod/shop/b b", "12..12.05 to 14", "it began within 150ms of the instant at which b was gone"},
		{"events in it, and after it", "10 ready pod/shop/b b\n13 gone pod/shop/b b\n13.5 removed endpoint/shop/b b\n20 ready pod/shop/c c", "12 to 14", "it began 2s after b was ready; 1s into it b was gone, and 1 more"},
		{"what is only a detail is not told", "10 scheduled pod/shop/b b\n11 changed hpa/shop/x x", "12 to 14", ""},
		{"two watches saw one event: it lies in both spans", "9..11 gone pod/shop/b b\n10..11.5 gone pod/shop/b b", "12 to 14", "it began 1s to 2s after b was gone"},
		{"why, in Kubernetes' word", "10 restarted pod/shop/b b reason=OOMKilled", "12 to 14", "it began 2s after a container of b was started again (OOMKilled)"},
		{"the fault", "10..11 inject kill_b b\n13 undo kill_b", "12 to 14", "it began 1s to 2s after the fault took effect (kill b); 1s into it the fault was undone (kill b)"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := inquire(t, recordtest.Entries(nil, row.events), row.outage)[0].When; got != row.want {
				t.Errorf("%q, want %q", got, row.want)
			}
		})
	}
}

// The stage is that of most bad requests, or none.
func TestTheStageOfTheRecovery(t *testing.T) {
	bad := func(from string, n int) []record.Entry {
		return requests(from, n, time.Millisecond, record.Outcome{Code: 503, Backend: "d"})
	}
	answered := requests("14", 1, 10*time.Millisecond, record.Outcome{Code: 200, Backend: "d"})
	for _, row := range []struct {
		name   string
		events string
		bad    [][]record.Entry
		want   string
	}{
		{"while it was not ready", killed, [][]record.Entry{bad("10.4", 5)}, "containers started of d"},
		{"ready, and without a good answer", killed, [][]record.Entry{bad("11.3", 25)}, "first good answer of d"},
		{"as many in another stage", killed, [][]record.Entry{bad("10.4", 5), bad("11.4", 5)}, " of "},
		{"after the recovery", killed, [][]record.Entry{bad("15", 9)}, " of "},
		{"before the fault", killed, [][]record.Entry{bad("8", 9)}, " of "},
		{"without a recovery", "", [][]record.Entry{bad("11.4", 9)}, " of "},
	} {
		t.Run(row.name, func(t *testing.T) {
			entries := append(recordtest.Entries(nil, row.events), answered...)
			for _, list := range row.bad {
				entries = append(entries, list...)
			}
			c := inquire(t, entries, "7 to 17")[0]
			if got := fmt.Sprintf("%s of %s", c.Stage, c.Recovering); got != row.want {
				t.Errorf("%q, want %q", got, row.want)
			}
		})
	}
}
