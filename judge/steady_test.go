package judge_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
)

// prelude is a run of 60 s at 100 requests/s, which pods a, b and c answer in
// turn within 5 ms. It settles for at least 10 s; a is killed at 20 s.
type prelude struct {
	settle time.Duration                 // zero: 10 s
	t0     time.Duration                 // zero: 20 s
	change func(q *record.Request)       // changes a request
	keep   func(q record.Request) bool   // nil: all are sent
	events []record.Event                // around the service
	checks []steadystate.Check           // none: one of the requests
	beside map[string]func(i int) string // other signals of the load, and who answers the i-th request of each
}

const preludeEnd = 60 * time.Second

func (p prelude) judge(t *testing.T) judge.Result {
	t.Helper()
	const ms = time.Millisecond
	if p.settle == 0 {
		p.settle = 10 * time.Second
	}
	if p.t0 == 0 {
		p.t0 = 20 * time.Second
	}
	if p.checks == nil {
		p.checks = []steadystate.Check{{Name: "answers", Signal: "requests", Good: steadystate.Within(time.Second), Allowed: 0.001, Limits: steadystate.Limits("downtime <= 3s")}}
	}
	list := []record.Entry{
		{Header: &record.Header{Format: record.Format, Version: record.Version, Run: "r"}},
		{Plan: &record.Plan{Name: "kill a", Settle: p.settle, Checks: p.checks, Faults: []record.Scheduled{{Fault: "kill"}}}},
		{Phase: record.PhaseSettle},
	}
	stream := func(signal string, by func(i int) string) {
		var requests []record.Request
		for i := range int(preludeEnd / (10 * ms)) {
			at := time.Duration(i) * 10 * ms
			q := record.Request{Seq: uint64(i), Planned: at, Sent: at, Answered: at + 5*ms, Outcome: record.Outcome{Code: 200, Backend: by(i), Attempts: 1}}
			if p.change != nil {
				p.change(&q)
			}
			if p.keep == nil || p.keep(q) {
				requests = append(requests, q)
			}
		}
		list = append(list, record.Entry{Requests: &record.Requests{Signal: signal, List: requests}})
	}
	stream("requests", func(i int) string { return "abc"[i%3 : i%3+1] })
	for signal, by := range p.beside {
		stream(signal, by)
	}
	for _, e := range p.events {
		list = append(list, record.Entry{At: e.To, Event: &e})
	}
	gone := record.Event{Span: steadystate.Span{From: p.t0, To: p.t0 + ms}, Kind: record.EventGone, Subject: "pod/shop/a", UID: "uid-a"}
	list = append(list,
		record.Entry{At: p.t0, Phase: record.PhaseInject},
		record.Entry{At: p.t0 + ms, Event: &gone},
		record.Entry{At: p.t0 + ms, Injection: &record.Injection{Fault: "kill", Span: gone.Span, Targets: []record.Target{{Name: "a", UID: "uid-a"}}, Effects: []record.Effect{{Event: record.EventGone}}, OneShot: true}},
		record.Entry{At: p.t0 + 2*ms, Phase: record.PhaseHold},
		record.Entry{At: p.t0 + 10*time.Second, Phase: record.PhaseRecover},
		record.Entry{At: p.t0 + 10*time.Second, Removal: &record.Removal{Fault: "kill", Span: steadystate.Instant(p.t0 + 10*time.Second)}},
		record.Entry{At: p.t0 + 10*time.Second, Phase: record.PhaseWatch},
		record.Entry{At: preludeEnd, End: &record.End{Reason: record.Completed}},
	)
	result, err := judge.Judge(recordtest.All(list), nil)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func proofOf(t *testing.T, r judge.Result, name string) judge.Proof {
	t.Helper()
	i := slices.IndexFunc(r.Proofs, func(p judge.Proof) bool { return p.Name == name })
	if i < 0 {
		t.Fatalf("no proof %q in %+v", name, r.Proofs)
	}
	return r.Proofs[i]
}

// lost makes a request one that had no answer in time.
func lost(q *record.Request, after time.Duration) {
	q.Answered, q.Outcome = q.Sent+after, record.Outcome{Error: record.TimedOut, Attempts: 1}
}

// refused makes a request one that failed at once.
func refused(q *record.Request) {
	q.Outcome = record.Outcome{Error: "connection refused", Attempts: 1}
}

func TestSteadyBeforeTheFault(t *testing.T) {
	const s = time.Second
	event := func(kind, subject, uid string, at time.Duration, attrs ...string) record.Event {
		e := record.Event{Span: steadystate.Instant(at), Kind: kind, Subject: subject, UID: uid, Attrs: map[string]string{}}
		for i := 0; i < len(attrs); i += 2 {
			e.Attrs[attrs[i]] = attrs[i+1]
		}
		return e
	}
	size := func(kind string, at time.Duration, wanted, existing string) record.Event {
		return event(kind, "deployment/shop/checkout", "uid-d", at, record.AttrDesired, wanted, record.AttrExisting, existing, record.AttrReady, existing, record.AttrUpdated, existing)
	}
	of := func(subject string, e record.Event) record.Event {
		e.Subject = subject
		return e
	}
	for _, row := range []struct {
		sentence string
		prelude  prelude
		verdict  steadystate.Verdict
		want     string
	}{
		{"a steady service is", prelude{}, steadystate.Held, "answers: 2000 observations since 0.000s, 0 bad"},
		{
			"R6a: one that was a black hole from 3 s before is not, though its timeouts came after",
			prelude{change: func(q *record.Request) {
				if q.Sent > 17*s && q.Sent < 30*s {
					lost(q, 5*s)
				}
			}},
			steadystate.Unknown, "answers: good for 0s of 10s",
		},
		{
			"one of three backends was",
			prelude{change: func(q *record.Request) {
				if q.Sent > 19*s && q.Sent < 30*s && q.Backend == "b" {
					lost(q, 5*s)
				}
			}},
			steadystate.Unknown, "answers: ",
		},
		{
			"R6b: down from the start until 1 s before is not steady",
			prelude{change: func(q *record.Request) {
				if q.Sent < 19*s {
					refused(q)
				}
			}},
			steadystate.Unknown, "good for 1.005s of 10s; needs 685 more observations, 8.995s as they come; it restarted at 18.995s: an outage, 1900 of 1900 bad, the last one: connection refused",
		},
		{
			"down until the settle time before is",
			prelude{t0: 30 * s, change: func(q *record.Request) {
				if q.Sent < 19*s {
					refused(q)
				}
			}},
			steadystate.Held, "it restarted at 18.995s: an outage, 1900 of 1900 bad, the last one: connection refused",
		},
		{
			"a stray now and then is background",
			prelude{change: func(q *record.Request) {
				if q.Sent == 9*s || q.Sent == 19500*time.Millisecond {
					refused(q)
				}
			}},
			steadystate.Held, "2 bad",
		},
		{
			"newcomer 3: always ten times what is allowed is not",
			prelude{change: func(q *record.Request) {
				if q.Seq%100 == 37 {
					refused(q)
				}
			}},
			steadystate.Unknown, "needs 784 more observations",
		},
		{
			"what the fault cut off an instant after it was sent is the fault's",
			prelude{change: func(q *record.Request) {
				if q.Sent > 19980*time.Millisecond && q.Sent < 22*s {
					lost(q, 5*s)
				}
			}},
			steadystate.Held, "0 bad",
		},
		{
			"a rollout that ended 3 s before is not steady",
			prelude{events: []record.Event{size(record.EventExists, 0, "3", "3"), size(record.EventChanged, 12*s, "3", "4"), size(record.EventChanged, 17*s, "3", "3")}},
			steadystate.Unknown, "it restarted at 17.000s: deployment/shop/checkout changed, it desires 3 pods, has 3, 3 ready, 3 up to date",
		},
		{
			"one that ended long before is, and it is told",
			prelude{events: []record.Event{size(record.EventExists, 0, "3", "3"), size(record.EventChanged, 2*s, "3", "4"), size(record.EventChanged, 5*s, "3", "3")}},
			steadystate.Held, "it restarted at 2.000s: deployment/shop/checkout changed",
		},
		{
			"one that is under way is not, however long nothing was heard of it",
			prelude{events: []record.Event{size(record.EventExists, 0, "3", "4")}},
			steadystate.Unknown, "when the fault came: deployment/shop/checkout desires 3 pods, has 4",
		},
		{
			"the rollout of a stateful set is noticed",
			prelude{events: []record.Event{
				of("statefulset/shop/ledger", size(record.EventExists, 0, "3", "3")), of("statefulset/shop/ledger", size(record.EventChanged, 12*s, "3", "2")),
			}},
			steadystate.Unknown, "when the fault came: statefulset/shop/ledger desires 3 pods, has 2, 2 ready, 2 up to date",
		},
		{
			"and the scaling of a daemon set, by a node that came",
			prelude{events: []record.Event{
				of("daemonset/shop/agent", size(record.EventExists, 0, "3", "3")), of("daemonset/shop/agent", size(record.EventChanged, 12*s, "4", "3")), of("daemonset/shop/agent", size(record.EventChanged, 14*s, "4", "4")),
			}},
			steadystate.Unknown, "it restarted at 14.000s: daemonset/shop/agent changed, it desires 4 pods, has 4, 4 ready, 4 up to date",
		},
		{
			"a pod that is terminating since before the run is on the move",
			prelude{events: []record.Event{event(record.EventTerminating, "pod/shop/old", "uid-o", 0)}},
			steadystate.Unknown, "when the fault came: pod/shop/old is terminating",
		},
		{
			"also if it is ready again for a while",
			prelude{events: []record.Event{
				event(record.EventTerminating, "pod/shop/old", "uid-o", 0), event(record.EventNotReady, "pod/shop/old", "uid-o", 3*s),
				event(record.EventReady, "pod/shop/old", "uid-o", 5*s),
			}},
			steadystate.Unknown, "when the fault came: pod/shop/old is terminating",
		},
		{
			"once it is gone, the settle time counts from there",
			prelude{events: []record.Event{event(record.EventTerminating, "pod/shop/old", "uid-o", 0), event(record.EventGone, "pod/shop/old", "uid-o", 15*s)}},
			steadystate.Unknown, "it restarted at 15.000s: pod/shop/old gone",
		},
		{
			"so does a restart",
			prelude{events: []record.Event{event(record.EventRestarted, "pod/shop/b", "uid-b", 14*s)}},
			steadystate.Unknown, "pod/shop/b restarted",
		},
		{
			"and an autoscaler that wants another size",
			prelude{events: []record.Event{
				event(record.EventExists, "hpa/shop/checkout", "uid-h", 0, record.AttrSpec, "{}", record.AttrStatus, `{"desiredReplicas":3}`),
				event(record.EventChanged, "hpa/shop/checkout", "uid-h", 15*s, record.AttrStatus, `{"desiredReplicas":5}`),
			}},
			steadystate.Unknown, "hpa/shop/checkout wants 5 pods in place of 3",
		},
		{
			"whose reading of a metric changes, it is steady",
			prelude{events: []record.Event{
				event(record.EventExists, "hpa/shop/checkout", "uid-h", 0, record.AttrSpec, "{}", record.AttrStatus, `{"desiredReplicas":3}`),
				event(record.EventChanged, "hpa/shop/checkout", "uid-h", 15*s, record.AttrStatus, `{"desiredReplicas":3,"currentMetrics":[]}`),
			}},
			steadystate.Held, "0 bad",
		},
		{
			"what happens after the fault is the fault's",
			prelude{events: []record.Event{event(record.EventTerminating, "pod/shop/a", "uid-a", 20*s+time.Millisecond)}},
			steadystate.Held, "0 bad",
		},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			result := row.prelude.judge(t)
			if p := proofOf(t, result, "steady"); p.Verdict != row.verdict || !strings.Contains(p.Text, row.want) {
				t.Errorf("%s: %s; want %s with %q", p.Verdict, p.Text, row.verdict, row.want)
			}
			if row.verdict == steadystate.Unknown && result.Verdict == steadystate.Held {
				t.Errorf("%s: %s", result.Verdict, result.Reason)
			}
		})
	}
}

// R5: the baseline is of the steady service, not of the cold start that the
// settle phase waited for.
func TestTheBaselineIsOfTheSettledStretch(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	for _, row := range []struct {
		sentence string
		within   time.Duration // what counts as good
		keep     func(q record.Request) bool
	}{
		{"a cold start that is bad", time.Second, nil},
		{"one that counts as good", 2 * time.Second, nil},
		{"and a load that falls with the fault", 2 * time.Second, func(q record.Request) bool { return q.Sent < 31*s || q.Seq%20 == 0 }},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			p := prelude{t0: 30 * s, keep: row.keep, checks: []steadystate.Check{{
				Name: "answers", Signal: "requests", Good: steadystate.Within(row.within), Allowed: 0.001,
				Limits: steadystate.Limits("p95 <= 1.5x baseline during hold", "p95 <= 100x baseline during hold"),
			}}}
			p.change = func(q *record.Request) {
				q.Answered = q.Sent + 20*ms
				switch {
				case q.Sent < 15*s:
					q.Answered = q.Sent + 1800*ms
				case q.Sent > 30*s && q.Sent < 41*s:
					q.Answered = q.Sent + 900*ms // 45 times as slow as the steady service
				}
			}
			result := p.judge(t)
			for i, want := range []steadystate.Verdict{steadystate.Broken, steadystate.Held} {
				if row.keep != nil {
					want = steadystate.Unknown // the plan knows of no fall
				}
				if f := result.Findings[i]; f.Verdict != want || !strings.Contains(f.Text, "45x of the 10s before the fault") {
					t.Errorf("%s: %s, %s %s; want %s and 45x", f.Limit, f.Verdict, f.Text, f.Undecided, want)
				}
			}
		})
	}
}

// A request in flight when the fault came shows what the fault did. The baseline is
// of those before, the slow ones among them.
func TestTheBaselineEndsBeforeWhatWasInFlight(t *testing.T) {
	for _, row := range []struct {
		sentence string
		took     func(pod string, at time.Duration) time.Duration
		limit    string
		want     steadystate.Verdict
		text     string
	}{
		{
			"the fault lengthens what was in flight", func(_ string, at time.Duration) time.Duration { return between(at, 18*s+ms, 40*s, 8*s, 2*s) },
			"p95 <= 1.2x baseline during hold", steadystate.Broken, "4x of the 8s up to 2s before the fault (401 observations, and 160)",
		},
		{
			"and not what is like before", func(string, time.Duration) time.Duration { return 2 * s },
			"p50 <= 1.2x baseline during hold", steadystate.Held, "1x of the 8s up to 2s before the fault",
		},
		{
			"one slow request of many ends it too, so that none is favored", func(_ string, at time.Duration) time.Duration { return between(at, 15*s, 15*s+ms, 20*s, 20*ms) },
			"p50 <= 1.2x baseline during hold", steadystate.Held, "1x of the 5s up to 5s before the fault",
		},
		{
			"one that was sent before it is none of it, and does not end it", func(_ string, at time.Duration) time.Duration { return between(at, 9*s, 9*s+ms, 12*s, 20*ms) },
			"p50 <= 1.2x baseline during hold", steadystate.Held, "1x of the 10s before the fault (401 observations, and 200)",
		},
		{
			"nor does one from before an outage that restarted the settling", func(_ string, at time.Duration) time.Duration {
				return between(at, 11*s, 11*s+ms, 12*s, between(at, 13*s, 13*s+ms, 0, 20*ms))
			},
			"p50 <= 1.2x baseline during hold", steadystate.Held, "1x of the 6s before the fault (401 observations, and 120)",
		},
		{
			"those that take milliseconds hardly matter", func(string, time.Duration) time.Duration { return 70 * ms },
			"p50 <= 1.2x baseline during hold", steadystate.Held, "1x of the 10s before the fault",
		},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			f := scene{
				injection: record.Injection{Targets: hits("a"), Effects: []record.Effect{{Event: record.EventStopped}}}, took: row.took,
				plan: func(p *record.Plan) { p.Checks[0].Limits = steadystate.Limits(row.limit) },
			}.result(t).Findings[0]
			if f.Verdict != row.want || !strings.HasPrefix(f.Text, row.text) {
				t.Errorf("%s, %q %s; want %s with %q", f.Verdict, f.Text, f.Undecided, row.want, row.text)
			}
		})
	}
}

// A percentile that takes longer than the settle time is compared although some
// requests were in flight when the fault came.
func TestABaselineIsLongEnoughWithoutWhatWasInFlight(t *testing.T) {
	f := scene{
		injection: record.Injection{Targets: hits("a"), Effects: []record.Effect{{Event: record.EventStopped}}}, rate: 40,
		took: func(_ string, at time.Duration) time.Duration { return between(at, 19*s, 19*s+ms, 2*s, 200*ms) },
		plan: func(p *record.Plan) { p.Checks[0].Limits = steadystate.Limits("p99 <= 2x baseline during hold") },
	}.result(t).Findings[0]
	if f.Verdict != steadystate.Held {
		t.Errorf("%s: %s, %s; want held", f.Verdict, f.Text, f.Undecided)
	}
}

// A request that a fault delayed is the fault's, and not the service's after it. Those
// that fail after it are both's.
func TestWhatTheFaultDelayedIsNotOfTheWatchPhase(t *testing.T) {
	for _, row := range []struct {
		sentence string
		took     func(pod string, at time.Duration) time.Duration
		limit    string
		want     steadystate.Verdict
		text     string
	}{
		{
			"all are fast once it is gone", func(_ string, at time.Duration) time.Duration { return between(at, 20*s, 40*s, 4*s, 50*ms) },
			"max <= 1s during watch", steadystate.Held, "50ms",
		},
		{
			"some are slow for longer", func(_ string, at time.Duration) time.Duration { return between(at, 20*s, 45*s, 4*s, 50*ms) },
			"p95 <= 1s during watch", steadystate.Broken, "4s",
		},
		{
			"those in flight when it came are its own", func(_ string, at time.Duration) time.Duration {
				return between(at, 17*s, 20*s, 4*s, 50*ms)
			},
			"slow <= 1% during hold", steadystate.Broken, "13.015%",
		},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			r := scene{
				injection: record.Injection{Targets: hits("a"), Effects: []record.Effect{{Event: record.EventStopped}}}, took: row.took,
				plan: func(p *record.Plan) {
					p.Checks[0].Good, p.Checks[0].Limits = steadystate.Within(s), steadystate.Limits(row.limit)
				},
			}.result(t)
			if f := r.Findings[0]; f.Verdict != row.want || !strings.HasPrefix(f.Text, row.text) {
				t.Errorf("%s, %q %s; want %s with %q", f.Verdict, f.Text, f.Undecided, row.want, row.text)
			}
		})
	}
}

// A service that went unobserved right before the fault was not known to be steady
// then.
func TestAHoleBeforeTheFaultIsNotSteady(t *testing.T) {
	for _, row := range []struct {
		sentence string
		away     [2]time.Duration // of Prometheus
		want     steadystate.Verdict
		text     string
	}{
		{"no hole", [2]time.Duration{}, steadystate.Held, "queue: 40 observations"},
		{"most of the settle time", [2]time.Duration{11 * s, 19500 * ms}, steadystate.Unknown, "queue: 9s of the last 10s were not observed"},
		{"a settle time before", [2]time.Duration{s, 9500 * ms}, steadystate.Held, "queue: "},
		{"a poll or two", [2]time.Duration{15 * s, 15600 * ms}, steadystate.Held, "queue: "},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			queue := &record.Observations{Signal: "queue"}
			for at := time.Duration(0); at < 70*s; at += 500 * ms {
				o := steadystate.Observation{Span: steadystate.Instant(at), Value: 1}
				if at >= row.away[0] && at < row.away[1] {
					o.Unknown = "Prometheus is away"
				}
				queue.List = append(queue.List, o)
			}
			r := scene{
				injection: record.Injection{Targets: hits("a"), Effects: []record.Effect{{Event: record.EventStopped}}}, more: []record.Entry{{At: 70 * s, Observations: queue}},
				plan: func(p *record.Plan) {
					p.Checks = append(p.Checks, steadystate.Check{Name: "queue", Signal: "queue", Good: steadystate.AtMost(100), Limits: steadystate.Limits("downtime <= 20s")})
				},
			}.result(t)
			want(t, proof(t, r, "steady"), row.want, row.text)
		})
	}
}

// R7: who served is asked of each signal that is judged, and of the settled
// stretch.
func TestExposure(t *testing.T) {
	const s = time.Second
	onlyB := func(from time.Duration) func(q *record.Request) {
		return func(q *record.Request) {
			if q.Sent >= from {
				q.Backend = "b"
			}
		}
	}
	reused := steadystate.Check{Name: "reused", Signal: "requests reused", Good: steadystate.Within(s), Allowed: 0.001}
	for _, row := range []struct {
		sentence string
		prelude  prelude
		verdict  steadystate.Verdict
		want     string
	}{
		{"a victim that answers a third", prelude{}, steadystate.Held, "a answered 333 of 1000 requests in the 10s before the fault (33.3%)"},
		{"R7a: one that answered a single one long ago", prelude{change: onlyB(10 * time.Millisecond)}, steadystate.Unknown, "a answered 0 of 1000 requests in the 10s before the fault (0%), wanted at least 4: a pod that has just started may be why, or kept connections (reuse or reuseRate of the load), of which few lead to it: fresh ones meet every pod"},
		{"one that answers so little that losing it hardly shows", prelude{change: func(q *record.Request) {
			if q.Backend == "a" && q.Seq%200 > 2 {
				q.Backend = "b"
			}
		}}, steadystate.Unknown, "a answered 5 of 1000 requests in the 10s before the fault (0.5%), wanted at least 84, a quarter of an equal share of the 3 pods that answered: a pod that has just started may be why, or kept connections (reuse or reuseRate of the load), of which few lead to it: fresh ones meet every pod"},
		{"one that answers a third of its share", prelude{change: func(q *record.Request) {
			if q.Backend == "a" && q.Seq%9 > 2 {
				q.Backend = "b"
			}
		}}, steadystate.Held, "a answered 111 of 1000"},
		{"one that answered until 10 s before", prelude{change: onlyB(9990 * time.Millisecond)}, steadystate.Unknown, "a answered 0 of 1000"},
		{
			"R7b: one that the judged stream never met, though another did",
			prelude{checks: []steadystate.Check{reused}, beside: map[string]func(int) string{"requests reused": func(int) string { return "b" }}},
			steadystate.Unknown, "a answered 0 of 1000 requests reused in the 10s before the fault",
		},
		{
			"one that both met",
			prelude{checks: []steadystate.Check{reused}, beside: map[string]func(int) string{"requests reused": func(i int) string { return "ab"[i%2 : i%2+1] }}},
			steadystate.Held, "a answered 500 of 1000 requests reused in the 10s before the fault (50%)",
		},
		{"answers that do not say who gave them", prelude{change: func(q *record.Request) { q.Backend = "" }}, steadystate.Unknown, "no answer to requests in the 10s before the fault names its backend: have the service name its pod"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			result := row.prelude.judge(t)
			if p := proofOf(t, result, "exposed"); p.Verdict != row.verdict || !strings.Contains(p.Text, row.want) {
				t.Errorf("%s: %s; want %s with %q", p.Verdict, p.Text, row.verdict, row.want)
			}
		})
	}
}

// The gate says by the entries of a run under way what the judge finds in the
// record afterwards.
func TestTheGate(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	check := steadystate.Check{Name: "answers", Signal: "requests", Good: steadystate.Within(s), Allowed: 0.001}
	targets := []record.Target{{Name: "a"}, {Name: "b"}, {Name: "c"}}
	for _, row := range []struct {
		sentence string
		change   func(q *record.Request)
		events   []record.Event
		at       time.Duration
		verdict  steadystate.Verdict
		want     string
		exposed  string
	}{
		{"a steady service", nil, nil, 20 * s, steadystate.Held, "", ""},
		{"before the settle time is over", nil, nil, 5 * s, steadystate.Unknown, "answers: good for 4.985s of 10s; needs 163 more observations, 5.015s as they come", ""},
		{
			"the attack on the gate: a black hole since 17 s, of which nothing is in at 20 s",
			func(q *record.Request) {
				if q.Sent >= 17*s {
					lost(q, 5*s)
				}
			}, nil, 20 * s, steadystate.Unknown, "no observation since 16.990s", "",
		},
		{
			"one of three backends is one, and the others answer",
			func(q *record.Request) {
				if q.Sent >= 17*s && q.Backend == "b" {
					lost(q, 5*s)
				}
			}, nil, 20 * s, steadystate.Unknown, "no answer for", "",
		},
		{
			"one request is slow, and in no hurry",
			func(q *record.Request) {
				if q.Sent == 17*s {
					lost(q, 5*s)
				}
			}, nil, 20 * s, steadystate.Held, "", "",
		},
		{
			"a pod came a second ago", nil,
			[]record.Event{{Span: steadystate.Instant(19 * s), Kind: record.EventCreated, Subject: "pod/shop/d", UID: "d"}},
			20 * s, steadystate.Unknown, "pod/shop/d is not ready yet; answers: good for", "",
		},
		{
			"one answers no more",
			func(q *record.Request) {
				if q.Sent > 8*s && q.Backend == "c" {
					q.Backend = "a"
				}
			}, nil, 20 * s, steadystate.Held, "", "c answered 0 of",
		},
		{"none says who it is", func(q *record.Request) { q.Backend = "" }, nil, 20 * s, steadystate.Held, "", "no answer to requests"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			g := judge.NewGate(&record.Plan{Checks: []steadystate.Check{check}, Settle: 10 * s})
			g.See(record.Entry{Phase: record.PhaseSettle})
			var all []record.Request
			for i := range int(row.at / (10 * ms)) {
				at := time.Duration(i) * 10 * ms
				q := record.Request{Seq: uint64(i), Planned: at, Sent: at, Answered: at + 5*ms, Outcome: record.Outcome{Code: 200, Backend: "abc"[i%3 : i%3+1], Attempts: 1}}
				if row.change != nil {
					row.change(&q)
				}
				all = append(all, q)
			}
			slices.SortStableFunc(all, func(a, b record.Request) int { return int(a.Answered - b.Answered) })
			for now := time.Duration(0); now <= row.at; now += 200 * ms {
				for _, e := range row.events {
					if e.To > now-200*ms && e.To <= now {
						g.See(record.Entry{At: e.To, Event: &e})
					}
				}
				n, _ := slices.BinarySearchFunc(all, now, func(q record.Request, at time.Duration) int { return int(q.Answered - at) })
				if n > 0 {
					g.See(record.Entry{At: now, Requests: &record.Requests{Signal: "requests", List: all[:n]}})
					all = all[n:]
				}
			}
			got := g.Steady(row.at)
			if got.Verdict != row.verdict || !strings.Contains(got.Why, row.want) || (row.verdict == steadystate.Held) != (got.Why == "") {
				t.Errorf("%s, %q; want %s with %q", got.Verdict, got.Why, row.verdict, row.want)
			}
			why, final := g.Unexposed(targets, row.at)
			if !strings.Contains(why, row.exposed) || (why == "") != (row.exposed == "") || final != strings.HasPrefix(row.exposed, "no answer") {
				t.Errorf("unexposed: %q, final %t; want %q", why, final, row.exposed)
			}
		})
	}
}

// A poll sees the state: one that the fault came in the middle of saw the fault,
// and an outage that the gate took to be over was.
func TestSteadyByPolls(t *testing.T) {
	const s, t0 = time.Second, 20 * time.Second
	for _, row := range []struct {
		sentence string
		bad      []steadystate.Span // of polls that saw too few
		want     steadystate.Verdict
	}{
		{"never bad before the fault", nil, steadystate.Held},
		{"the fault came in the middle of a poll that began long before", []steadystate.Span{{From: 19500 * time.Millisecond, To: t0 + 300*time.Millisecond}}, steadystate.Held},
		{"bad in a poll that was over before the fault", []steadystate.Span{{From: 19500 * time.Millisecond, To: t0 - 300*time.Millisecond}}, steadystate.Unknown},
		{"bad until the settle time began", []steadystate.Span{{From: 9800 * time.Millisecond, To: 9900 * time.Millisecond}}, steadystate.Held},
		{"bad in the settle time", []steadystate.Span{{From: 10800 * time.Millisecond, To: 10900 * time.Millisecond}}, steadystate.Unknown},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			var list []steadystate.Observation
			for at := time.Duration(0); at < preludeEnd; at += s {
				list = append(list, steadystate.Observation{Span: steadystate.Span{From: at, To: at + 5*time.Millisecond}, Value: 1})
			}
			for _, span := range row.bad {
				list = append(list, steadystate.Observation{Span: span, Value: 0})
			}
			result, err := judge.Judge(recordtest.All([]record.Entry{
				{Header: &record.Header{Format: record.Format, Version: record.Version, Run: "r"}},
				{Plan: &record.Plan{Name: "kill a", Settle: 10 * s, Faults: []record.Scheduled{{Fault: "kill"}}, Checks: []steadystate.Check{{Name: "whole", Signal: "replicas", Good: steadystate.AtLeast(1), Limits: steadystate.Limits("ttr <= 30s")}}}},
				{Phase: record.PhaseSettle},
				{At: t0, Phase: record.PhaseInject},
				{At: t0, Injection: &record.Injection{Fault: "kill", Span: steadystate.Instant(t0), OneShot: true}},
				{At: t0, Phase: record.PhaseHold},
				{At: preludeEnd, Observations: &record.Observations{Signal: "replicas", List: list}},
				{At: preludeEnd, End: &record.End{Reason: record.Completed}},
			}), nil)
			if err != nil {
				t.Fatal(err)
			}
			if p := proofOf(t, result, "steady"); p.Verdict != row.want {
				t.Errorf("%s: %s; want %s", p.Verdict, p.Text, row.want)
			}
		})
	}
}
