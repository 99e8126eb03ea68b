package judge_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
)

// drive is a run of a minute: settling until 20 s, a kill that is held until
// 30 s, and watching until 60 s.
type drive struct {
	stages []record.Stage                 // of the plan and of what is sent; nil: 100/s
	surge  float64                        // by how much the fault multiplies the rate; zero: it is a kill
	sends  func(at time.Duration) float64 // by how much another rate is sent than planned; nil: none
	change func(list []record.Request) []record.Request
	list   func(list []record.Entry) []record.Entry
	limit  string
}

const t0, removed, watched = 20 * s, 30 * s, 60 * s

var hundred = []record.Stage{{Name: "1: 100/s", After: -10 * ms, Rate: 100}}

// requests are those that the stages ask for, the first at 1 s.
func (d drive) requests() []record.Request {
	stages := d.stages
	if stages == nil {
		stages = hundred
	}
	var list []record.Request
	first := s + stages[0].After
	hits := 0.0
	stage := 0
	for at := first; at < watched; at += 100 * time.Microsecond {
		for stage+1 < len(stages) && at >= s+stages[stage+1].After {
			stage++
		}
		x := (at - s - stages[stage].After).Seconds()
		rate := stages[stage].Hits(x+1e-4) - stages[stage].Hits(x)
		if d.surge > 0 && at >= t0 && at < removed {
			rate *= d.surge
		}
		if d.sends != nil {
			rate *= d.sends(at)
		}
		if hits += rate; hits < float64(len(list)+1)-1e-6 {
			continue
		}
		n := uint64(len(list))
		list = append(list, record.Request{Seq: n, Planned: at, Sent: at, Answered: at + 5*ms, Outcome: record.Outcome{Code: 200, Backend: string("abc"[n%3]), Attempts: 1}})
	}
	return list
}

func (d drive) entries() []record.Entry {
	requests := d.requests()
	if d.change != nil {
		requests = d.change(requests)
	}
	plan := &record.Plan{
		Name: "drive", Settle: 10 * s, Hold: removed - t0, Watch: watched - removed, Faults: []record.Scheduled{{Fault: "fault"}}, Load: "a load",
		Stages: map[string][]record.Stage{"requests": d.stages},
		Checks: []steadystate.Check{{Name: "answers", Signal: "requests", Good: steadystate.Within(s), Allowed: 0.001, Limits: steadystate.Limits("p95 <= 1s")}},
	}
	if d.stages == nil {
		plan.Stages["requests"] = hundred
	}
	if d.limit != "" {
		plan.Checks[0].Limits = steadystate.Limits(d.limit)
	}
	injection := &record.Injection{Fault: "fault", Span: steadystate.Span{From: t0, To: t0 + ms}, Targets: []record.Target{{Name: "a", UID: "uid-a"}}, Effects: []record.Effect{{Event: record.EventGone}}}
	if d.surge > 0 {
		injection.Targets = []record.Target{{Name: "requests"}}
		injection.Effects = []record.Effect{{Signal: "requests", Times: d.surge}}
	}
	list := []record.Entry{
		{Header: &record.Header{Format: record.Format, Version: record.Version}},
		{Plan: plan},
		{Phase: record.PhaseSettle},
		{At: t0, Phase: record.PhaseInject},
		{At: t0 + ms, Injection: injection},
		{At: t0 + ms, Event: &record.Event{Span: steadystate.Instant(t0 + ms), Kind: record.EventGone, Subject: "pod/shop/a", UID: "uid-a"}},
		{At: t0 + 2*ms, Phase: record.PhaseHold},
		{At: removed, Phase: record.PhaseRecover},
		{At: removed + ms, Removal: &record.Removal{Fault: "fault", Span: steadystate.Span{From: removed, To: removed + ms}}},
		{At: removed + 2*ms, Phase: record.PhaseWatch},
	}
	for block := range slices.Chunk(requests, 4096) {
		list = append(list, record.Entry{At: watched, Requests: &record.Requests{Signal: "requests", List: block}})
	}
	list = append(list, record.Entry{At: watched + 2*s, End: &record.End{Reason: record.Completed}})
	if d.list != nil {
		list = d.list(list)
	}
	return list
}

func (d drive) judge(t *testing.T) judge.Result {
	t.Helper()
	result, err := judge.Judge(recordtest.All(d.entries()), nil)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// only keeps the requests that f accepts; numbered gives them numbers in a row.
func only(f func(q record.Request) bool) func([]record.Request) []record.Request {
	return func(list []record.Request) []record.Request {
		return slices.DeleteFunc(list, func(q record.Request) bool { return !f(q) })
	}
}

func numbered(list []record.Request) []record.Request {
	for i := range list {
		list[i].Seq = uint64(i)
	}
	return list
}

func within(from, to time.Duration, factor float64) func(time.Duration) float64 {
	return func(at time.Duration) float64 {
		if at >= from && at < to {
			return factor
		}
		return 1
	}
}

// R14, M5: the plan holds rate and length, and every request has its number.
func TestALoadIsComparedWithItsPlanByPhase(t *testing.T) {
	unplanned := func(list []record.Entry) []record.Entry {
		list[1].Plan.Stages = nil
		return list
	}
	steps := []record.Stage{{After: -20 * ms, Rate: 50}, {After: 24 * s, Rate: 200}, {After: 39 * s, Rate: 20}}
	ramp := []record.Stage{{After: -time.Second, Rate: 0.5, Slope: 1}, {After: 39 * s, Rate: 40.5}}
	sine := []record.Stage{{After: -20 * ms, Rate: 50, Swing: 45, Period: 20 * s}}
	for _, row := range []struct {
		sentence string
		drive    drive
		want     steadystate.Verdict
		text     string
	}{
		{"as planned", drive{}, steadystate.Held, "5901 requests, asked for 100/s and sent 100/s"},
		{"in steps, as planned", drive{stages: steps}, steadystate.Held, ""},
		{"up a ramp, as planned", drive{stages: ramp}, steadystate.Held, ""},
		{"in waves, as planned", drive{stages: sine}, steadystate.Held, ""},
		{"while a fault takes long to come", drive{list: func(list []record.Entry) []record.Entry {
			for i := range list {
				switch e := &list[i]; {
				case e.Injection != nil:
					e.At, e.Injection.Span = t0+8*s, steadystate.Span{From: t0 + 50*ms, To: t0 + 8*s}
				case e.Event != nil:
					e.At, e.Event.Span = t0+8*s, steadystate.Instant(t0+8*s)
				case e.Phase == record.PhaseHold:
					e.At = t0 + 8*s + ms
				}
			}
			return list
		}}, steadystate.Held, ""},
		{"silent at the end", drive{sends: within(51*s, time.Hour, 0)}, steadystate.Unknown, "asked for 100/s and sent 100/s; behind"},
		{"and so it is told", drive{sends: within(51*s, time.Hour, 0)}, steadystate.Unknown, "in watch 2100 were sent of 3000 planned"},
		{"silent at the end, and seen until much later", drive{sends: within(55*s, time.Hour, 0), list: func(list []record.Entry) []record.Entry {
			list[len(list)-1].At = time.Hour
			return list
		}}, steadystate.Unknown, "in watch 2500 were sent of 3000 planned"},
		{"a twentieth of the rate while the fault is held", drive{sends: within(t0, removed, 0.05)}, steadystate.Unknown, "in hold 50 were sent of 1000 planned"},
		{"nine tenths of it", drive{sends: within(t0, removed, 0.9)}, steadystate.Unknown, "in hold 900 were sent of 1000 planned"},
		{"all but three in a hundred", drive{sends: within(t0, removed, 0.97)}, steadystate.Held, ""},
		{"a fifth more, which thins out an outage", drive{sends: within(removed, watched, 1.2)}, steadystate.Unknown, "in watch 3600 were sent of 3000 planned"},
		{"silent at the top of a wave", drive{stages: sine, sends: within(41*s, 51*s, 0)}, steadystate.Unknown, "in watch 441 were sent of 1227 planned"},
		{"half of a step up", drive{stages: steps, sends: within(30*s, 40*s, 0.5)}, steadystate.Unknown, "in watch "},
		{"silent up a ramp", drive{stages: ramp, sends: within(t0, removed, 0)}, steadystate.Unknown, "in hold 0 were sent of 25"},
		{"begun after the fault", drive{change: func(list []record.Request) []record.Request {
			return numbered(only(func(q record.Request) bool { return q.Sent > 22*s })(list))
		}}, steadystate.Unknown, "the first was planned 2.01s after the fault"},
		{"none sent at all", drive{change: func([]record.Request) []record.Request { return nil }}, steadystate.Unknown, "no requests were sent"},

		{"a surge, as planned", drive{surge: 3}, steadystate.Held, ""},
		{"a surge of which the plan has none", drive{sends: within(t0, removed, 3)}, steadystate.Unknown, "in hold 3000 were sent of 1000 planned"},
		{"half a surge", drive{surge: 10, sends: within(t0, removed, 0.8)}, steadystate.Unknown, "in hold 7999 were sent of 9998 planned"},

		{"one of them missing", drive{change: only(func(q record.Request) bool { return q.Seq != 2500 })}, steadystate.Unknown, "at least 1 are missing"},
		{"39 of them missing", drive{change: only(func(q record.Request) bool { return q.Seq < 2500 || q.Seq >= 2539 })}, steadystate.Unknown, "at least 39 are missing"},
		{"the first one missing", drive{change: only(func(q record.Request) bool { return q.Seq > 0 })}, steadystate.Unknown, "at least 1 are missing"},
		{"all of them twice", drive{change: func(list []record.Request) []record.Request { return slices.Concat(list, list) }}, steadystate.Unknown, "at least 5901 are there twice"},
		{"good ones twice", drive{change: func(list []record.Request) []record.Request { return append(list, list[3000:3100]...) }}, steadystate.Unknown, "at least 100 are there twice"},
		{"one of them twice, and another missing", drive{change: func(list []record.Request) []record.Request {
			list[3000] = list[4000]
			return list
		}}, steadystate.Unknown, "at least 1 are missing; at least 1 are there twice"},
		{"two pairs of numbers with the same sum", drive{change: func(list []record.Request) []record.Request {
			list[3000], list[3003] = list[3001], list[3002]
			return list
		}}, steadystate.Unknown, "at least 1 are there twice"},
		{"without numbers", drive{change: func(list []record.Request) []record.Request {
			for i := range list {
				list[i].Seq = 0
			}
			return list
		}}, steadystate.Unknown, "at least 5900 are there twice"},

		{"a plan without a rate, which no run writes: as in the settle phase", drive{list: unplanned}, steadystate.Held, ""},
		{"silent at the end of such a run", drive{list: unplanned, sends: within(51*s, time.Hour, 0)}, steadystate.Unknown, "in watch 2100 were sent of 3002 planned"},
		{"a twentieth of the rate in such a run", drive{list: unplanned, sends: within(t0, removed, 0.05)}, steadystate.Unknown, "in hold 50 were sent of 1000 planned"},
		{"such a run without a request before the fault", drive{list: unplanned, sends: within(0, t0, 0)}, steadystate.Unknown, "none were sent before the fault"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			result := row.drive.judge(t)
			p := proof(t, result, "load held")
			if p.Verdict != row.want || !strings.Contains(p.Text, row.text) {
				t.Errorf("%s: %q, want %s with %q", p.Verdict, p.Text, row.want, row.text)
			}
			if p.Verdict != steadystate.Held && result.Verdict != steadystate.Unknown {
				t.Errorf("%s although the load was not driven as planned", result.Verdict)
			}
		})
	}
}

// A run that ended early still shows what was broken until then.
func TestALoadIsComparedWithItsPlanAsFarAsTheRunCame(t *testing.T) {
	down := func(list []record.Request) []record.Request {
		for i, q := range list {
			if q.Sent > t0+s {
				list[i].Outcome = record.Outcome{Error: "connection refused"}
			}
		}
		return list
	}
	// until ends the run at 40 s: what is not answered by then is not there.
	until := func(end *record.End) func([]record.Entry) []record.Entry {
		return func(list []record.Entry) []record.Entry {
			if end == nil {
				return list[:len(list)-1]
			}
			list[len(list)-1].End = end
			return list
		}
	}
	sent := func(f func(q record.Request) bool) func([]record.Request) []record.Request {
		return func(list []record.Request) []record.Request { return down(only(f)(list)) }
	}
	for _, row := range []struct {
		sentence string
		drive    drive
		load     steadystate.Verdict
	}{
		{"interrupted at 40 s, and undone until a minute", drive{change: sent(func(q record.Request) bool { return q.Sent < 40*s }), list: until(&record.End{Reason: record.Interrupted})}, steadystate.Held},
		{"cut", drive{change: sent(func(record.Request) bool { return true }), list: until(nil)}, steadystate.Held},
		{"cut, with every other one of the last two seconds in flight", drive{change: sent(func(q record.Request) bool { return q.Sent < 58*s || q.Seq%2 == 0 }), list: until(nil)}, steadystate.Held},
		{"cut, with as many missing much earlier", drive{change: sent(func(q record.Request) bool { return q.Sent < 26*s || q.Sent > 38*s }), list: until(nil)}, steadystate.Unknown},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			row.drive.limit = "downtime <= 3s"
			result := row.drive.judge(t)
			if p := proof(t, result, "load held"); p.Verdict != row.load {
				t.Errorf("%s: %q, want %s", p.Verdict, p.Text, row.load)
			}
			if want := map[bool]steadystate.Verdict{true: steadystate.Broken, false: steadystate.Unknown}[row.load == steadystate.Held]; result.Verdict != want {
				t.Errorf("%s: %s, want %s", result.Verdict, result.Reason, want)
			}
		})
	}
}

// R22: what fails on the load's own machine counts by its own time, and not by
// when it was written.
func TestLocalFailuresCountByTheirTime(t *testing.T) {
	for _, row := range []struct {
		sentence string
		from, to time.Duration
		want     steadystate.Verdict
		local    int
	}{
		{"before the fault they were waited for", 10 * s, 11 * s, steadystate.Held, 0},
		{"after it nothing is known of the service", 25 * s, 26 * s, steadystate.Unknown, 100},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			d := drive{change: func(list []record.Request) []record.Request {
				for i, q := range list {
					if q.Sent >= row.from && q.Sent < row.to {
						list[i].Outcome = record.Outcome{Error: "no local port left", Local: true}
					}
				}
				return list
			}}
			at := len(d.entries()) - 1 - 2 // where its blocks begin
			var first judge.Result
			for _, place := range []int{2, 3, 4, 6, at} {
				d.list = func(list []record.Entry) []record.Entry {
					blocks := slices.Clone(list[at : at+2])
					return slices.Insert(slices.Delete(list, at, at+2), place, blocks...)
				}
				result := d.judge(t)
				if p := proof(t, result, "load held"); p.Verdict != row.want || result.Traffic["requests"].Local != row.local {
					t.Errorf("as entry %d: %s: %q, %d counted; want %s and %d", place, p.Verdict, p.Text, result.Traffic["requests"].Local, row.want, row.local)
				}
				if first.Run == "" && place == 2 {
					first = result
				} else if !reflect.DeepEqual(result, first) {
					t.Errorf("as entry %d the result is another:\n%+v\n%+v", place, result, first)
				}
			}
		})
	}
}

// M6: in whatever blocks requests come, and wherever among the other entries.
func TestTheOrderOfARecordDoesNotMatter(t *testing.T) {
	for _, down := range []time.Duration{0, 10 * s} {
		d := drive{limit: "downtime <= 3s", change: func(list []record.Request) []record.Request {
			for i, q := range list {
				if q.Sent > 22*s && q.Sent < 22*s+down {
					list[i].Outcome = record.Outcome{Error: "503"}
				}
			}
			return list
		}}
		want := d.judge(t)
		if wanted := map[bool]steadystate.Verdict{true: steadystate.Held, false: steadystate.Broken}[down == 0]; want.Verdict != wanted {
			t.Fatalf("%s: %s; want %s", want.Verdict, want.Reason, wanted)
		}
		random := rand.New(rand.NewPCG(1, 2))
		for range 30 {
			e := d
			e.change = func(list []record.Request) []record.Request {
				list = d.change(list)
				random.Shuffle(len(list), func(i, k int) { list[i], list[k] = list[k], list[i] })
				return list
			}
			e.list = func(list []record.Entry) []record.Entry {
				var rest []record.Entry
				var requests []record.Request
				for _, x := range list {
					if x.Requests != nil {
						requests = append(requests, x.Requests.List...)
						continue
					}
					rest = append(rest, x)
				}
				for len(requests) > 0 {
					n := min(len(requests), 1+random.IntN(900))
					block := record.Entry{At: watched, Requests: &record.Requests{Signal: "requests", List: requests[:n]}}
					rest = slices.Insert(rest, 1+random.IntN(len(rest)-1), block)
					requests = requests[n:]
				}
				return rest
			}
			if got := e.judge(t); !reflect.DeepEqual(got, want) {
				t.Fatalf("another order, another result:\n%+v\nwant\n%+v", got, want)
			}
		}
	}
}

// R15: a record in which there is nothing to judge still has a finding of each limit.
func TestWhatWasNotJudgedIsUnknown(t *testing.T) {
	d := drive{list: func(list []record.Entry) []record.Entry {
		list[1].Plan.Faults, list[1].Plan.Checks = nil, nil
		list[1].Plan.Expectations = []record.Expectation{{Name: "b is sized", Kind: "size", Subject: "pod/b", Limits: []string{"1"}}}
		return slices.DeleteFunc(list, func(e record.Entry) bool {
			return e.Injection != nil || e.Removal != nil || e.Phase == record.PhaseInject
		})
	}}
	result := d.judge(t)
	for _, p := range result.Proofs {
		if p.Verdict != steadystate.Held {
			t.Errorf("no proof %s: %s; want all, and nothing that they are of", p.Name, p.Text)
		}
	}
	if len(result.Findings) != 1 || result.Findings[0].Verdict != steadystate.Unknown || result.Verdict != steadystate.Unknown || result.Reason != "no limit was judged: the run never came to its fault" {
		t.Errorf("findings %v, %s: %s; want one, which is unknown", result.Findings, result.Verdict, result.Reason)
	}
}

// A fault is proved by what was injected, also if the plan does not name it.
func TestAnInjectionThatWasNotPlannedIsProved(t *testing.T) {
	d := drive{list: func(list []record.Entry) []record.Entry {
		list[1].Plan.Faults = nil
		for _, e := range list {
			if e.Injection != nil {
				e.Injection.Targets, e.Injection.Effects = nil, nil
			}
		}
		return list
	}}
	if result := d.judge(t); result.Verdict != steadystate.Unknown {
		t.Errorf("%s: %s; want unknown, since nothing shows an effect", result.Verdict, result.Reason)
	}
}

// What was silent to the end of the record was not seen good at its end.
func TestSilenceAtTheEndIsNotGood(t *testing.T) {
	for from, want := range map[time.Duration]steadystate.Verdict{58600 * ms: steadystate.Unknown, 59500 * ms: steadystate.Held} {
		result := drive{limit: "downtime <= 3s", sends: within(from, time.Hour, 0)}.judge(t)
		i := slices.IndexFunc(result.Findings, func(f judge.Finding) bool { return f.Limit == "good at the end" })
		if f := result.Findings[i]; f.Verdict != want || (want == steadystate.Unknown) != strings.Contains(f.Undecided, "too much of the end is unknown") {
			t.Errorf("silent from %s: %s, %q, %q; want %s", from, f.Verdict, f.Text, f.Undecided, want)
		}
	}
}
