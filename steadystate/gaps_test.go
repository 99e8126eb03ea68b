package steadystate_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/steadystatetest"
)

const ms = time.Millisecond

// requests are good answers after 5 ms, so often a second, but in the given
// silences.
func requests(rate int, length time.Duration, silences ...steadystate.Span) []steadystate.Observation {
	var list []steadystate.Observation
	for at := time.Duration(0); at < length; at += s / time.Duration(rate) {
		asked := !slices.ContainsFunc(silences, func(s steadystate.Span) bool { return s.From < at && at < s.To })
		if asked {
			list = append(list, steadystate.Observation{Span: steadystate.Span{From: at, To: at + 5*ms}, Value: 0.005})
		}
	}
	return list
}

// jittered are requests each of which is late by up to that much.
func jittered(rate int, length, late time.Duration, silences ...steadystate.Span) []steadystate.Observation {
	list := requests(rate, length, silences...)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range list {
		d := time.Duration(r.Int64N(int64(late)))
		list[i].From, list[i].To = list[i].From+d, list[i].To+d
	}
	return list
}

func figuresOf(list []steadystate.Observation, rule steadystate.Rule, window, record steadystate.Span) steadystate.Figures {
	return steadystatetest.Fold(list, steadystate.Within(s), rule, record, window).Figures()[0]
}

// R8: for 9 s of 40 nothing is asked, and the service may have been down.
func TestAHoleIsUnknownForEveryLimit(t *testing.T) {
	window, record := steadystate.Span{From: 20 * s, To: 60 * s}, steadystate.Span{To: 60 * s}
	rule := steadystate.Rule{Settle: 10 * s, Allowed: 0.001}
	whole := figuresOf(requests(100, 60*s), rule, window, record)
	holed := figuresOf(requests(100, 60*s, steadystate.Span{From: 25 * s, To: 34 * s}), rule, window, record)
	for _, row := range []struct{ limit, text string }{
		{"downtime <= 3s", "0s to 9.005s"},
		{"downtime <= 0", "0s to 9.005s"},
		{"outage <= 8s", "0s to 9.005s"},
		{"outages <= 0", "0 to 1"},
		{"uptime >= 100%", "77.487% to 100%"},
		{"uptime >= 99%", "77.487% to 100%"},
		{"errors <= 0%", "0% to 22.475% of 3,101 observations"},
		{"errors <= 20%", "0% to 22.475% of 3,101 observations"},
		{"slow <= 0%", "0% to 22.475% of 3,101 observations"},
		{"rate >= 99/s", "77.5/s to 100/s"},
		{"rate <= 100/s", "77.5/s to 100/s"},
		{"p95 <= 1s", "at least 5ms of 3,101 observations"},
		{"mean <= 1s", "at least 3.876ms of 3,101 observations"},
		{"mean >= 1s", "at least 3.876ms of 3,101 observations"},
		{"max <= 1s", "at least 5ms of 3,101 observations"},
		{"min >= 1ms", "at most 5ms of 3,101 observations"},
		{"p95 of good <= 1s", "at least"},
	} {
		limit := steadystate.MustParseLimit(row.limit)
		r := limit.Judge(holed)
		if r.Verdict != steadystate.Unknown {
			t.Errorf("%s: %s, %q; want unknown", row.limit, r.Verdict, r.Text)
		}
		if !strings.Contains(r.Text, row.text) {
			t.Errorf("%s: %q, want %q", row.limit, r.Text, row.text)
		}
		if r.Verdict == steadystate.Unknown && !strings.Contains(r.Undecided, "9.005s of the time is unknown, in which about 899 observations are missing; the longest gap is 25.000s..34.005s") {
			t.Errorf("%s: undecided since %q, want the gap", row.limit, r.Undecided)
		}
		if r := limit.Judge(whole); r.Verdict == steadystate.Unknown && !strings.HasPrefix(row.limit, "rate") {
			t.Errorf("%s without the hole: unknown, %q", row.limit, r.Undecided)
		}
	}
	if len(whole.Gaps) != 0 || len(holed.Gaps) != 1 || holed.UnknownTime != 9005*ms {
		t.Errorf("gaps %v and %v, unknown time %s; want none, and one of 9.005s", whole.Gaps, holed.Gaps, holed.UnknownTime)
	}
}

// Four polls in a row are missing, and what the signal was then may be anything.
func TestATickingSourceThatLacksObservationsHoldsNoMaximum(t *testing.T) {
	limit := steadystate.MustParseLimit("max <= 200")
	for _, row := range []struct {
		sentence string
		lost     steadystate.Span
		want     steadystate.Verdict
	}{
		{"none is missing", steadystate.Span{}, steadystate.Held},
		{"one is", steadystate.Span{From: 40 * s, To: 44 * s}, steadystate.Held},
		{"four are", steadystate.Span{From: 40 * s, To: 53 * s}, steadystate.Unknown},
	} {
		var list []steadystate.Observation
		for at := time.Duration(0); at < 90*s; at += 3 * s {
			if at <= row.lost.From || at >= row.lost.To {
				list = append(list, steadystate.Observation{Span: steadystate.Span{From: at, To: at + 20*ms}, Value: 100})
			}
		}
		hold := steadystate.Span{From: 30 * s, To: 60 * s}
		f := steadystatetest.Fold(list, steadystate.AtMost(200), steadystate.Rule{Settle: 10 * s}, steadystate.Span{To: 90 * s}, hold).Figures()[0]
		if r := limit.Judge(f); r.Verdict != row.want {
			t.Errorf("%s: %s, %s; want %s", row.sentence, r.Verdict, r.Text, row.want)
		}
	}
}

func TestGaps(t *testing.T) {
	span := func(from, to time.Duration) steadystate.Span { return steadystate.Span{From: from, To: to} }
	poll := func(every, reach, length time.Duration, whole bool, but func(at time.Duration) string) (list []steadystate.Observation) {
		for at := reach; at < length; at += every {
			o := steadystate.Observation{Span: span(at-reach, at), Whole: whole}
			switch but(at) {
			case "unknown":
				o = steadystate.Observation{Span: span(at-s, at), Unknown: "connection refused"}
			case "none":
				continue
			}
			list = append(list, o)
		}
		return list
	}
	within := func(from, to time.Duration, what string) func(time.Duration) string {
		return func(at time.Duration) string {
			if from < at && at < to {
				return what
			}
			return ""
		}
	}
	stalled := requests(100, 60*s, span(40*s, 41700*ms))
	for range 170 { // which were due in the stall
		stalled = append(stalled, steadystate.Observation{Span: span(41700*ms, 41705*ms)})
	}
	lost := requests(100, 60*s, span(40*s, 45*s))
	for i := range lost { // and are answered late
		if lost[i].From > 39*s && lost[i].From <= 40*s {
			lost[i].To = 45 * s
		}
	}
	away := append(poll(s, 0, 60*s, false, within(20*s, 40*s, "none")), steadystate.Observation{Span: span(21*s, 39*s), Unknown: "Prometheus is away"})
	bursts := poll(s, 0, 60*s, false, func(time.Duration) string { return "" })
	for at := 20 * s; at < 23*s; at += ms { // much happens in three seconds
		bursts = append(bursts, steadystate.Observation{Span: steadystate.Instant(at)})
	}
	surge := requests(10, 60*s)
	for _, o := range requests(1000, 60*s) {
		if o.From > 20*s && o.From < 30*s {
			surge = append(surge, o)
		}
	}
	slow := requests(100, 60*s)
	for i := range slow {
		if slow[i].From > 20*s && slow[i].From < 21*s {
			slow[i].To = 21 * s
		}
	}
	again := poll(3*s, 0, 180*s, false, func(at time.Duration) string { return within(21*s, 33*s, "none")(at % (36 * s)) })
	for _, row := range []struct {
		sentence string
		list     []steadystate.Observation
		length   time.Duration
		want     string
		missing  int
	}{
		{"an even load has none", requests(100, 60*s), 60 * s, "[]", 0},
		{"R10: the load stood still, and what was due came after", stalled, 60 * s, "[40.000s..41.705s]", 169},
		{"also if answers came in while it stood still", lost, 60 * s, "[40.000s..45.005s]", 499},
		{"also at ten requests a second", requests(10, 60*s, span(40*s, 41700*ms)), 60 * s, "[40.000s..41.705s]", 16},
		{"two silences do not make each other usual", requests(100, 60*s, span(40*s, 45*s), span(45020*ms, 50*s)), 60 * s, "[40.000s..45.005s 45.020s..50.005s]", 996},
		{"a silence of more than half of the time", requests(100, 60*s, span(10*s, 50*s)), 60 * s, "[10.000s..50.005s]", 3999},
		{"the load is silent in the end", requests(100, 51*s), 60 * s, "[50.990s..60.000s]", 900},
		{"and in the beginning", requests(100, 60*s, span(0, 9*s), span(-s, s/2)), 60 * s, "[0.000s..9.005s]", 899},
		{"a pause that any machine makes is none", requests(100, 60*s, span(40*s, 40230*ms)), 60 * s, "[]", 0},
		{"a longer one is", requests(100, 60*s, span(40*s, 40260*ms)), 60 * s, "[40.000s..40.265s]", 25},
		{"at a low rate a longer one is not either", requests(1, 60*s, span(40*s, 42*s)), 60 * s, "[]", 0},
		{"slow answers leave no silence", slow, 60 * s, "[]", 0},
		{"R10: five polls in a row say nothing, between spans of 30 s", poll(5*s, 30*s, 500*s, false, within(200*s, 230*s, "unknown")), 500 * s, "[170.000s..230.000s]", 0},
		{"one that says nothing of a long time stands for many", away, 60 * s, "[20.000s..40.000s]", 18},
		{"so does one poll", poll(5*s, 30*s, 500*s, false, within(200*s, 210*s, "unknown")), 500 * s, "[170.000s..210.000s]", 0},
		{"polls that are not there say nothing either", poll(5*s, 30*s, 500*s, false, within(200*s, 300*s, "none")), 500 * s, "[170.000s..300.000s]", 19},
		{"wide spans have none by themselves", poll(15*s, 30*s, 500*s, false, within(0, 0, "")), 500 * s, "[]", 0},
		{"nor have rates, whose last one is a range before the end", poll(s, 60*s, 500*s, true, within(0, 0, "")), 500 * s, "[]", 0},
		{"what comes in bursts is not silent between them", bursts, 60 * s, "[]", 0},
		{"nor is a load after its surge", surge, 60 * s, "[]", 0},
		{"a source that ticks lacks four of its polls", poll(3*s, 0, 90*s, false, within(40*s, 53*s, "none")), 90 * s, "[39.000s..54.000s]", 4},
		{"or two", poll(3*s, 0, 90*s, false, within(40*s, 47*s, "none")), 90 * s, "[39.000s..48.000s]", 2},
		{"a single one may be lost", poll(3*s, 0, 90*s, false, within(40*s, 44*s, "none")), 90 * s, "[]", 0},
		{"five silences do not make each other usual", again, 180 * s, "[21.000s..33.000s 57.000s..69.000s 93.000s..105.000s 129.000s..141.000s 165.000s..177.000s]", 15},
		{"eight polls are enough if they are regular", poll(3*s, 0, 36*s, false, within(12*s, 24*s, "none")), 36 * s, "[12.000s..24.000s]", 3},
		{"requests that jitter by as much as they are apart do not tick", jittered(5, 60*s, 200*ms, span(40*s, 40500*ms)), 60 * s, "[]", 0},
		{"five ticks are enough to say", poll(s, 0, 8*s, false, within(3*s, 6*s, "none")), 8 * s, "[3.000s..6.000s]", 2},
		{"three are not", poll(s, 0, 6*s, false, within(2*s, 5*s, "none")), 6 * s, "[]", 0},
	} {
		record := span(0, row.length)
		f := figuresOf(row.list, steadystate.Rule{Settle: 10 * s, Allowed: 0.001}, record, record)
		if got := fmt.Sprint(f.Gaps); got != row.want || f.Missing != row.missing {
			t.Errorf("%s: gaps %s, %d missing; want %s, %d", row.sentence, got, f.Missing, row.want, row.missing)
		}
	}
}

// A probe waits for two seconds for an answer that does not come, and asks again.
func TestATimeOutOfAProbeIsNoGap(t *testing.T) {
	var list []steadystate.Observation
	for at := time.Duration(0); at < 60*s; {
		o := steadystate.Observation{Span: steadystate.Span{From: at, To: at + 5*ms}, Value: 0.005}
		if at >= 30*s && at < 33*s {
			o.To, o.Failed = at+2*s, steadystate.TimedOut
		}
		list = append(list, o)
		at = max(at+50*ms, o.To)
	}
	record := steadystate.Span{To: 60 * s}
	f := figuresOf(list, steadystate.Rule{Settle: 10 * s}, record, record)
	if len(f.Gaps) > 0 || f.Missing > 0 || f.Downtime.High > 4100*ms {
		t.Errorf("gaps %v, %d missing, downtime %v; want one outage of 4s and no gap", f.Gaps, f.Missing, f.Downtime)
	}
	if r := steadystate.MustParseLimit("outages <= 1").Judge(f); r.Verdict != steadystate.Held {
		t.Errorf("outages <= 1: %s, %q", r.Verdict, r.Text)
	}
	// Within the allowed share it is no outage, and nothing else was asked.
	f = figuresOf(list, steadystate.Rule{Settle: 10 * s, Allowed: 0.1}, record, record)
	if len(f.Outages) > 0 || len(f.Gaps) == 0 {
		t.Errorf("outages %v, gaps %v; want none, and the time in which nothing else was asked", f.Outages, f.Gaps)
	}
}

// R10: an outage that was seen, and one that the stall of the load may hide.
func TestAStallMayHideASecondOutage(t *testing.T) {
	list := requests(100, 60*s, steadystate.Span{From: 40 * s, To: 41700 * ms})
	for i := range list {
		if list[i].From >= 20100*ms && list[i].From < 21600*ms {
			list[i].Failed = "connection refused"
		}
	}
	f := figuresOf(list, steadystate.Rule{Settle: 10 * s}, steadystate.Span{From: 20 * s, To: 60 * s}, steadystate.Span{To: 60 * s})
	if truth := 3190 * ms; !f.Downtime.Holds(truth) {
		t.Errorf("downtime %v, want bounds of %s", f.Downtime, truth)
	}
	if took, _, _ := f.Recovery(steadystate.Instant(20*s), steadystate.Instant(20*s), 60*s); took.High < 1700*ms {
		t.Errorf("recovery %v: the hidden outage lasted up to 1.7s", took)
	}
	for _, text := range []string{"downtime <= 2s", "outage <= 1600ms", "outages <= 1"} {
		if r := steadystate.MustParseLimit(text).Judge(f); r.Verdict != steadystate.Unknown {
			t.Errorf("%s: %s, %q; want unknown", text, r.Verdict, r.Text)
		}
	}
}

// Each of ten pauses may hide an outage of its own length: they add to the downtime,
// and join no outages that are a settle time apart.
func TestPausesAddUp(t *testing.T) {
	var pauses []steadystate.Span
	for i := range 10 {
		at := 26*s + time.Duration(i)*3*s
		pauses = append(pauses, steadystate.Span{From: at, To: at + 240*ms})
	}
	list := requests(1000, 60*s, pauses...)
	window, record := steadystate.Span{From: 20 * s, To: 60 * s}, steadystate.Span{To: 60 * s}
	quiet := figuresOf(list, steadystate.Rule{Settle: 10 * s}, window, record)
	for i := range list {
		if list[i].From >= 20100*ms && list[i].From < 21600*ms {
			list[i].Failed = "connection refused"
		}
	}
	out := figuresOf(list, steadystate.Rule{Settle: 10 * s}, window, record)
	if len(out.Gaps) > 0 || out.UnknownTime < 2400*ms || !out.Downtime.Holds(3900*ms) || out.Downtime.High > 4*s {
		t.Errorf("gaps %v, unknown %s, downtime %v; want none, and what ten pauses hide in both", out.Gaps, out.UnknownTime, out.Downtime)
	}
	for _, row := range []struct {
		figures steadystate.Figures
		limit   string
		want    steadystate.Verdict
	}{
		{quiet, "downtime <= 0s", steadystate.Unknown},
		{quiet, "uptime >= 100%", steadystate.Unknown},
		{quiet, "outages <= 0", steadystate.Held},
		{quiet, "downtime <= 1s", steadystate.Unknown},
		{quiet, "uptime >= 95%", steadystate.Unknown},
		{quiet, "downtime <= 3s", steadystate.Held},
		{out, "downtime <= 3s", steadystate.Unknown},
		{out, "outage <= 2s", steadystate.Held},
		{out, "outages <= 1", steadystate.Held},
		{out, "downtime <= 1s", steadystate.Broken},
	} {
		if r := steadystate.MustParseLimit(row.limit).Judge(row.figures); r.Verdict != row.want {
			t.Errorf("%s: %s, %s, %q; want %s", row.limit, r.Verdict, r.Text, r.Undecided, row.want)
		}
	}
	if took, _, _ := out.Recovery(steadystate.Instant(20*s), steadystate.Instant(20*s), 60*s); took.High > 2*s {
		t.Errorf("recovery %v: nothing was seen to be bad after 1.6s", took)
	}
}

// What comes at random makes no gap but once in 10,000 records, how few or many
// there are; and neither does what comes evenly.
func TestChanceMakesNoGap(t *testing.T) {
	const trials = 5_000
	for _, row := range []struct {
		sentence string
		n        int
		every    time.Duration
		next     func(*rand.Rand) float64
	}{
		{"few at random", 12, 15 * s, (*rand.Rand).ExpFloat64},
		{"some at random", 60, s, (*rand.Rand).ExpFloat64},
		{"many at random", 200, s, (*rand.Rand).ExpFloat64},
		{"scrapes that jitter by a tenth", 20, 15 * s, func(r *rand.Rand) float64 { return 0.9 + 0.2*r.Float64() }},
		{"scrapes that jitter by half, of which one in ten is lost", 20, 15 * s, func(r *rand.Rand) float64 {
			if r.IntN(10) == 0 {
				return 1.5 + r.Float64()/2
			}
			return 0.75 + 0.5*r.Float64()
		}},
		{"of one of two at random", 40, 5 * s, func(r *rand.Rand) float64 { return float64(1 + r.IntN(2)) }},
	} {
		gaps := 0
		for seed := range uint64(trials) {
			r := rand.New(rand.NewPCG(seed, 11))
			var list []steadystate.Observation
			at := time.Duration(0)
			for range row.n {
				list = append(list, steadystate.Observation{Span: steadystate.Instant(at)})
				at += time.Duration(row.next(r) * float64(row.every))
			}
			record := steadystate.Span{To: at}
			if f := figuresOf(list, steadystate.Rule{}, record, record); len(f.Gaps) > 0 {
				gaps++
			}
		}
		if gaps > 4 { // of half a one to be expected
			t.Errorf("%s: %d of %d have a gap", row.sentence, gaps, trials)
		}
	}
}

// What a gap near an outage may hide is of that outage; what the longest one may be,
// the downtime may be too.
func TestAGapBesideAnOutage(t *testing.T) {
	record := steadystate.Span{To: 60 * s}
	bad := func(list []steadystate.Observation, spans ...steadystate.Span) []steadystate.Observation {
		for i := range list {
			for _, s := range spans {
				if s.From <= list[i].From && list[i].From < s.To {
					list[i].Failed = "connection refused"
				}
			}
		}
		return list
	}
	span := func(from, to time.Duration) steadystate.Span { return steadystate.Span{From: from, To: to} }
	for _, row := range []struct {
		sentence          string
		list              []steadystate.Observation
		downtime, longest [2]time.Duration // of these the bounds hold both
		outages           string
	}{
		{
			"it may have been bad until the end of a gap that begins within the settle time",
			bad(requests(100, 60*s, span(30*s, 35*s)), span(20*s, 21*s)),
			[2]time.Duration{s, 14990 * ms},
			[2]time.Duration{s, 14990 * ms},
			"1 to 2",
		},
		{
			"or since the beginning of one that ends within it",
			bad(requests(100, 60*s, span(10*s, 15*s)), span(20*s, 21*s)),
			[2]time.Duration{s, 10990 * ms},
			[2]time.Duration{s, 10990 * ms},
			"1",
		},
		{
			"and until the end of a second one",
			bad(requests(100, 60*s, span(30*s, 35*s), span(40*s, 45*s)), span(20*s, 21*s)),
			[2]time.Duration{s, 24990 * ms},
			[2]time.Duration{s, 24990 * ms},
			"1 to 3",
		},
		{
			"gaps within the settle time hide one outage of both",
			requests(100, 60*s, span(30*s, 31*s), span(38*s, 39*s)),
			[2]time.Duration{0, 8980 * ms},
			[2]time.Duration{0, 8980 * ms},
			"0 to 2",
		},
		{
			"one that begins later hides an outage of its own",
			bad(requests(100, 60*s, span(40*s, 45*s)), span(20*s, 21*s)),
			[2]time.Duration{s, 5980 * ms},
			[2]time.Duration{s, 4990 * ms},
			"1 to 2",
		},
		{
			"in a gap of the settle time the service may have been good that long",
			bad(requests(100, 60*s, span(21*s, 33*s)), span(20*s, 34*s)),
			[2]time.Duration{1970 * ms, 14010 * ms},
			[2]time.Duration{980 * ms, 14010 * ms},
			"1 to 2",
		},
		{
			"in a shorter one it is one outage still",
			bad(requests(100, 60*s, span(21*s, 30*s)), span(20*s, 31*s)),
			[2]time.Duration{10970 * ms, 11010 * ms},
			[2]time.Duration{10970 * ms, 11010 * ms},
			"1",
		},
		{
			"several fit into a long one",
			requests(100, 60*s, span(20*s, 45*s)),
			[2]time.Duration{0, 25 * s},
			[2]time.Duration{0, 25 * s},
			"0 to 3",
		},
	} {
		f := figuresOf(row.list, steadystate.Rule{Settle: 10 * s}, record, record)
		if d := f.Downtime; !d.Holds(row.downtime[0]+20*ms) || !d.Holds(row.downtime[1]) || d.Low < row.downtime[0]-50*ms || d.High > row.downtime[1]+50*ms {
			t.Errorf("%s: downtime %s, want %s", row.sentence, steadystate.FormatLengths(d), row.downtime)
		}
		longest := steadystate.MustParseLimit("outage <= 1s").Judge(f)
		if low, high := time.Duration(longest.Seen.Low*float64(s)), time.Duration(longest.Seen.High*float64(s)); low > row.longest[0]+20*ms || high < row.longest[1] || low < row.longest[0]-50*ms || high > row.longest[1]+50*ms {
			t.Errorf("%s: longest %s, want %s", row.sentence, longest.Text, row.longest)
		}
		if r := steadystate.MustParseLimit("outages <= 9").Judge(f); r.Text != row.outages {
			t.Errorf("%s: outages %s, want %s", row.sentence, r.Text, row.outages)
		}
	}
}

// The load stood still during an outage: what it did not ask may have failed, or not.
func TestAStallDuringAnOutageIsAGap(t *testing.T) {
	list := requests(100, 60*s, steadystate.Span{From: 22 * s, To: 28 * s})
	for i := range list {
		if list[i].From >= 20*s && list[i].From < 30*s {
			list[i].Failed = "connection refused"
		}
	}
	record := steadystate.Span{To: 60 * s}
	f := figuresOf(list, steadystate.Rule{Settle: 10 * s}, record, record)
	if len(f.Gaps) != 1 || f.Missing != 599 {
		t.Errorf("gaps %v, %d missing; want the one from 22 s to 28 s, and 599", f.Gaps, f.Missing)
	}
	if r := steadystate.MustParseLimit("errors <= 10%").Judge(f); r.Verdict != steadystate.Unknown {
		t.Errorf("errors <= 10%%: %s, %s; want unknown: 399 or 998 of 6,000 failed", r.Verdict, r.Text)
	}
}
