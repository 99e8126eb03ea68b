package steadystate_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/steadystatetest"
)

const s = time.Second

func TestOutages(t *testing.T) {
	for _, row := range []struct {
		sentence string
		timeline string
		span     time.Duration // of each observation, one every second
		rule     steadystate.Rule
		want     string // start, end, bad/total, open
	}{
		{"a steady signal has no outage", "++++++++++", 0, steadystate.Rule{Settle: 2 * s}, ""},
		{"an empty one neither", "", 0, steadystate.Rule{Settle: 2 * s}, ""},
		{
			"an outage begins between the last good and the first bad observation, and ends between the last bad and the next good one",
			"++++--++++", 0,
			steadystate.Rule{Settle: 2 * s},
			"3.000s..4.000s to 5.000s..6.000s 2/2",
		},
		{
			"what an observation speaks of widens the edges",
			"++++--++++", 500 * time.Millisecond,
			steadystate.Rule{Settle: 2 * s},
			"3.000s..4.500s to 5.000s..6.500s 2/2",
		},
		{
			"flapping within the settle time is one outage",
			"++-+-++-+++++", 0,
			steadystate.Rule{Settle: 4 * s},
			"1.000s..2.000s to 7.000s..8.000s 3/6",
		},
		{
			"without a settle time each is its own",
			"++-+--+", 0,
			steadystate.Rule{},
			"1.000s..2.000s to 2.000s..3.000s 1/1; 3.000s..4.000s to 5.000s..6.000s 2/2",
		},
		{
			"an outage that is on when the record ends is open",
			"+++++---", 0,
			steadystate.Rule{Settle: 2 * s},
			"4.000s..5.000s to 7.000s..8.000s 3/3 open",
		},
		{
			"so is one that has not been over for the settle time",
			"+++++---++", 0,
			steadystate.Rule{Settle: 4 * s},
			"4.000s..5.000s to 7.000s..8.000s 3/3 open",
		},
		{
			"one that was on from the beginning may have begun with the record",
			"--++++", 0,
			steadystate.Rule{Settle: 2 * s},
			"0.000s to 1.000s..2.000s 2/2",
		},
		{
			"unknown observations neither begin nor end one",
			"+++??--??+++", 0,
			steadystate.Rule{Settle: 2 * s},
			"2.000s..5.000s to 6.000s..9.000s 2/2",
		},
		{
			"a stray bad one within the allowed share is not an outage",
			"+++++-++++", 0,
			steadystate.Rule{Settle: 5 * s, Allowed: 0.2},
			"",
		},
		{
			"a bad one near the end may be a stray one",
			"++++++++-+", 0,
			steadystate.Rule{Settle: 5 * s, Allowed: 0.2},
			"7.000s..8.000s to 8.000s..9.000s 1/1 open stray",
		},
		{
			"two of them may be as well: chance explains two of five, where one is allowed",
			"+++++++--+", 0,
			steadystate.Rule{Settle: 5 * s, Allowed: 0.2},
			"6.000s..7.000s to 8.000s..9.000s 2/2 open stray",
		},
		{
			"the last one of all may be one too",
			"+++++++++-", 0,
			steadystate.Rule{Settle: 5 * s, Allowed: 0.2},
			"8.000s..9.000s to 9.000s..10.000s 1/1 open stray",
		},
		{
			"where no share is allowed there are no stray ones",
			"++++++++-+", 0,
			steadystate.Rule{Settle: 5 * s},
			"7.000s..8.000s to 8.000s..9.000s 1/1 open",
		},
		{
			"bad ones at the beginning may be the rest of an outage before the record",
			"-+++++++++", 0,
			steadystate.Rule{Settle: 5 * s, Allowed: 0.2},
			"0.000s to 0.000s..1.000s 1/1 stray",
		},
		{
			"two apart are strays, for chance explains them",
			"+++++-+-+++++++", 0,
			steadystate.Rule{Settle: 5 * s, Allowed: 0.2},
			"",
		},
		{
			"more in a row than chance explains are an outage, and so are not the strays around it",
			"+++++-+++++------++++++-++++++", 0,
			steadystate.Rule{Settle: 5 * s, Allowed: 0.01},
			"10.000s..11.000s to 16.000s..17.000s 6/6",
		},
		{
			"a failed observation is bad whatever counts as good",
			"+++!++++", 0,
			steadystate.Rule{Settle: 2 * s},
			"2.000s..3.000s to 3.000s..4.000s 1/1",
		},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			list := steadystatetest.Observations(row.timeline, s, row.span)
			record := steadystate.Span{To: time.Duration(len(row.timeline)) * s}
			if got := describe(steadystatetest.Fold(list, steadystatetest.Good, row.rule, record).Outages()); got != row.want {
				t.Errorf("%s\n got %q\nwant %q", row.timeline, got, row.want)
			}
		})
	}
}

func describe(outages []steadystate.Outage) string {
	text := ""
	for i, o := range outages {
		if i > 0 {
			text += "; "
		}
		text += fmt.Sprintf("%s to %s %d/%d", o.Start, o.End, o.Bad, o.Total)
		if o.Open {
			text += " open"
		}
		if o.Stray {
			text += " stray"
		}
	}
	return text
}

// A request that timed out may have failed at any instant while it was in
// flight; dating it by its send time alone would exclude the truth.
func TestATimeOutIsDatedByItsWholeSpan(t *testing.T) {
	ms := time.Millisecond
	var list []steadystate.Observation
	add := func(from, to time.Duration, good bool) {
		o := steadystate.Observation{Span: steadystate.Span{From: from, To: to}, Value: 1}
		if !good {
			o.Failed = "time-out"
		}
		list = append(list, o)
	}
	// The server is gone from 1 s to 3 s; a request sent 42 ms before is lost.
	for at := time.Duration(0); at < 948*ms; at += 10 * ms {
		add(at, at+5*ms, true)
	}
	for at := 958 * ms; at < 3*s; at += 10 * ms {
		add(at, at+s, false)
	}
	for at := 3 * s; at < 20*s; at += 10 * ms {
		add(at, at+5*ms, true)
	}
	outages := steadystatetest.Fold(list, steadystate.Within(2*s), steadystate.Rule{Settle: 5 * s}, steadystate.Span{To: 20 * s}).Outages()
	if len(outages) != 1 {
		t.Fatalf("%d outages, want 1", len(outages))
	}
	o := outages[0]
	if o.Start.From > s || o.Start.To < s || o.End.From > 3*s || o.End.To < 3*s {
		t.Errorf("outage from %s to %s, want bounds that hold 1s and 3s", o.Start, o.End)
	}
	if !o.Length().Holds(2 * s) {
		t.Errorf("length %v, want bounds that hold 2s", o.Length())
	}
}

// A slow good answer may only have been good at its very end: the settle time
// counts from there.
func TestTheSettleTimeCountsFromTheEndOfTheGoodObservation(t *testing.T) {
	ms := time.Millisecond
	list := []steadystate.Observation{
		{Span: steadystate.Span{From: 0, To: 1 * ms}, Value: 1},
		{Span: steadystate.Span{From: 10 * ms, To: 15 * ms}},
		{Span: steadystate.Span{From: 20 * ms, To: 370 * ms}, Value: 1},
		{Span: steadystate.Span{From: 321 * ms, To: 671 * ms}},
		{Span: steadystate.Span{From: 700 * ms, To: 701 * ms}, Value: 1},
		{Span: steadystate.Span{From: 1100 * ms, To: 1101 * ms}, Value: 1},
	}
	outages := steadystatetest.Fold(list, steadystatetest.Good, steadystate.Rule{Settle: 300 * ms}, steadystate.Span{To: 2 * s}).Outages()
	if len(outages) != 1 {
		t.Errorf("%s: want one outage", describe(outages))
	}
}

func resolution(list []steadystate.Observation, window steadystate.Span) time.Duration {
	return steadystatetest.Fold(list, steadystatetest.Good, steadystate.Rule{}, window, window).Figures()[0].Resolution
}

func TestResolution(t *testing.T) {
	for _, row := range []struct {
		sentence string
		timeline string
		span     time.Duration
		want     time.Duration
	}{
		{"instants a second apart cannot see an outage between two of them", "+++++", 0, s},
		{"spans hide more", "+++++", 250 * time.Millisecond, s + 250*time.Millisecond},
		{"a hole hides what fits in", "++   ++", 0, 4 * s},
		{"unknown observations see nothing", "++???++", 0, 4 * s},
		{"the end counts", "++   ", 0, 4 * s},
		{"nothing seen, nothing known", "     ", 0, 5 * s},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			window := steadystate.Span{To: time.Duration(len(row.timeline)) * s}
			if got := resolution(steadystatetest.Observations(row.timeline, s, row.span), window); got != row.want {
				t.Errorf("%q: resolution %s, want %s", row.timeline, got, row.want)
			}
		})
	}
}

func TestResolutionIsNotSpoiltByOneSlowAnswer(t *testing.T) {
	list := append(steadystatetest.Observations("++++++++++", s, 0), steadystate.Observation{Span: steadystate.Span{From: 2 * s, To: 8 * s}, Value: 1})
	if got := resolution(list, steadystate.Span{To: 10 * s}); got != s {
		t.Errorf("resolution %s, want 1s: the other observations cover the slow one", got)
	}
}

// random makes a timeline of n observations with spans that may cross.
func random(r *rand.Rand, n int) []steadystate.Observation {
	list := make([]steadystate.Observation, n)
	for i := range list {
		from := time.Duration(r.Int64N(int64(100 * s)))
		list[i] = steadystate.Observation{
			Span:  steadystate.Span{From: from, To: from + time.Duration(r.Int64N(int64(2*s)))},
			Value: float64(r.IntN(4)),
		}
		switch r.IntN(12) {
		case 0:
			list[i].Unknown = "not seen"
		case 1:
			list[i].Failed = "failed"
		}
	}
	return list
}

func TestPropertiesOfGeneratedTimelines(t *testing.T) {
	window := steadystate.Span{To: 102 * s}
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		list := random(r, 1+r.IntN(200))
		rule := steadystate.Rule{Settle: time.Duration(r.Int64N(int64(10 * s))), Allowed: float64(r.IntN(2)) * 0.1}
		figures := steadystatetest.Fold(list, steadystatetest.Good, rule, window, window).Figures()[0]
		for _, o := range figures.Outages {
			if !o.Start.Valid() || !o.End.Valid() || o.Length().Low > o.Length().High || o.Start.From > o.End.To {
				t.Fatalf("seed %d: outage %s to %s is not in order", seed, o.Start, o.End)
			}
			if o.Bad < 1 || o.Bad > o.Total {
				t.Fatalf("seed %d: %d of %d bad", seed, o.Bad, o.Total)
			}
		}
		if d := figures.Downtime; d.Low < 0 || d.Low > d.High || d.High > window.Width() {
			t.Fatalf("seed %d: downtime %v of %s", seed, d, window)
		}
		uptime := figures.Uptime()
		if sum := figures.Downtime.Low.Seconds()/window.Width().Seconds() + uptime.High; sum < 1-1e-12 || sum > 1+1e-12 {
			t.Fatalf("seed %d: the least downtime and the most uptime make %g of the window", seed, sum)
		}
		r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		again := steadystatetest.Fold(list, steadystatetest.Good, rule, window, window).Figures()[0]
		if !reflect.DeepEqual(again, figures) {
			t.Fatalf("seed %d: the order of arrival changed the figures:\n%v\n%v", seed, figures, again)
		}
	}
}

func TestUnknownTimeWidensTheDowntime(t *testing.T) {
	window := steadystate.Span{To: 12 * s}
	f := steadystatetest.Fold(steadystatetest.Observations("++++???+++++", s, 0), steadystatetest.Good, steadystate.Rule{Settle: 2 * s}, window, window).Figures()[0]
	if f.Downtime.Low != 0 || f.Downtime.High != 4*s {
		t.Errorf("downtime %v, want between nothing and the 4s from the last to the next known observation", f.Downtime)
	}
}

// With one of three backends gone the first request that meets it may come
// some requests after it went; the bounds must hold the truth all the same.
func TestTheEdgesOfAPartialOutageHoldTheTruth(t *testing.T) {
	const trials = 300
	missed := 0
	for seed := range uint64(trials) {
		r := rand.New(rand.NewPCG(seed, 7))
		from := 5*s + time.Duration(r.Int64N(int64(s)))
		to := from + 500*time.Millisecond + time.Duration(r.Int64N(int64(s)))
		var list []steadystate.Observation
		for at := time.Duration(0); at < 20*s; at += 10 * time.Millisecond {
			o := steadystate.Observation{Span: steadystate.Span{From: at, To: at + time.Millisecond}, Value: 1}
			if from <= at && at < to && r.IntN(3) == 0 {
				o.Value = 0
			}
			list = append(list, o)
		}
		outages := steadystatetest.Fold(list, steadystatetest.Good, steadystate.Rule{Settle: 3 * s, ByChance: true}, steadystate.Span{To: 20 * s}).Outages()
		if len(outages) != 1 {
			t.Fatalf("seed %d: %d outages, want 1", seed, len(outages))
		}
		if o := outages[0]; o.Start.From > from || o.Start.To < from || o.End.From > to || o.End.To < to {
			missed++
		}
	}
	if missed > 2 {
		t.Errorf("the bounds missed the truth in %d of %d trials, want at most 2", missed, trials)
	}
}

// A request of one in three may be the only one that meets an outage.
func TestAFewBadObservationsByChanceMakeWideEdges(t *testing.T) {
	ms := time.Millisecond
	var list []steadystate.Observation
	for at := time.Duration(0); at < 2*s; at += 10 * ms {
		o := steadystate.Observation{Span: steadystate.Span{From: at, To: at + ms}, Value: 1}
		if at == 570*ms || at == 600*ms {
			o.Value = 0
		}
		if at == 580*ms || at == 590*ms {
			continue
		}
		list = append(list, o)
	}
	window := steadystate.Span{To: 2 * s}
	truth := steadystate.Span{From: 543 * ms, To: 630 * ms}
	byChance := steadystatetest.Fold(list, steadystatetest.Good, steadystate.Rule{Settle: 300 * ms, ByChance: true}, window).Outages()
	if o := byChance[0]; len(byChance) != 1 || !o.Start.Overlaps(steadystate.Instant(truth.From)) || !o.End.Overlaps(steadystate.Instant(truth.To)) {
		t.Errorf("%s does not hold the truth %s", describe(byChance), truth)
	}
	polled := steadystatetest.Fold(list, steadystatetest.Good, steadystate.Rule{Settle: 300 * ms}, window).Outages()
	if got := describe(polled); got != "0.560s..0.571s to 0.600s..0.611s 2/2" {
		t.Errorf("polls see the state itself, and the outage is %s", got)
	}
}

// The best case of a record that ends on a stray bad observation is that
// nothing was out: a limit cannot be broken by it, and cannot be held either.
func TestAStrayObservationNearTheEndBreaksNoLimit(t *testing.T) {
	list := steadystatetest.Observations("+++++++++++++++++-+", s, 0)
	whole := steadystate.Span{To: 19 * s}
	f := steadystatetest.Fold(list, steadystatetest.Good, steadystate.Rule{Settle: 5 * s, Allowed: 0.2}, whole, whole).Figures()[0]
	took, n, open := f.Recovery(steadystate.Instant(0), steadystate.Instant(0), whole.To)
	if n != 0 || !open || took.Low != 0 || took.High < 17*s {
		t.Errorf("recovery %v of %d, open %v; want from zero, and open", took, n, open)
	}
	if at, ok := f.Detected(steadystate.Instant(0), whole.To); ok {
		t.Errorf("detected at %s, want nothing", at)
	}
	for _, text := range []string{"downtime <= 100ms", "outage <= 100ms", "outages <= 0", "uptime >= 99.9%"} {
		if r := steadystate.MustParseLimit(text).Judge(f); r.Verdict != steadystate.Unknown {
			t.Errorf("%s: %s, %s; want unknown", text, r.Verdict, r.Text)
		}
	}
}
