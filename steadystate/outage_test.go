package steadystate_test

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/steadystatetest"
)

// A simulation is a service with some backends of which one or more go away,
// asked at random or in turn; a few of its requests fail in any case.
type simulation struct {
	rate     int
	settle   time.Duration
	allowed  float64
	strays   float64
	backends int
	out      []steadystate.Span // of the first backends
	inTurn   bool
	length   time.Duration
}

func (c simulation) rule() steadystate.Rule {
	return steadystate.Rule{Settle: c.settle, Allowed: c.allowed, ByChance: true, Smallest: 1 / float64(c.backends)}
}

func (c simulation) observations(r *rand.Rand) []steadystate.Observation {
	every := time.Second / time.Duration(c.rate)
	at := time.Duration(r.Int64N(int64(every)))
	var list []steadystate.Observation
	for n := 0; at < c.length; n++ {
		o := steadystate.Observation{Span: steadystate.Span{From: at, To: at + ms + time.Duration(r.ExpFloat64()*float64(4*ms))}, Value: 0.001}
		met := o.From + time.Duration(r.Float64()*float64(o.Width()))
		backend := n % c.backends
		if !c.inTurn {
			backend = r.IntN(c.backends)
		}
		if backend < len(c.out) && c.out[backend].From <= met && met < c.out[backend].To || r.Float64() < c.strays {
			o.Failed = "503"
		}
		list = append(list, o)
		if c.inTurn {
			at += every
		} else {
			at += time.Duration(r.ExpFloat64() * float64(every))
		}
	}
	return list
}

func (c simulation) figures(r *rand.Rand) steadystate.Figures {
	window := steadystate.Span{To: c.length}
	return steadystatetest.Fold(c.observations(r), steadystate.Within(time.Second), c.rule(), window, window).Figures()[0]
}

func same(n int, o steadystate.Span) []steadystate.Span {
	return slices.Repeat([]steadystate.Span{o}, n)
}

// R1, R4, R16: whatever part of a service is out, and whatever fails besides,
// the bounds hold the truth. The grid of "aftershock calibrate" does the same
// with more trials.
func TestTheEdgesOfAnOutageHoldTheTruth(t *testing.T) {
	const trials = 100
	for _, row := range []struct {
		sentence string
		c        simulation
		out      int
	}{
		{"R1: one of three at 1,000/s, settle 10 s", simulation{rate: 1000, settle: 10 * s, allowed: 0.001, strays: 0.0005, backends: 3}, 1},
		{"R1: with 1 % allowed", simulation{rate: 1000, settle: 10 * s, allowed: 0.01, strays: 0.005, backends: 3}, 1},
		{"R1: two of three", simulation{rate: 1000, settle: 3 * s, allowed: 0.001, strays: 0.0005, backends: 3}, 2},
		{"R4: one of ten", simulation{rate: 1000, settle: 3 * s, allowed: 0.001, strays: 0.0005, backends: 10}, 1},
		{"R4: one of thirty", simulation{rate: 1000, settle: 10 * s, backends: 30}, 1},
		{"R16: a probe over fresh connections, one of three out", simulation{rate: 100, settle: 3 * s, backends: 3, inTurn: true}, 1},
		{"all of them", simulation{rate: 1000, settle: 3 * s, allowed: 0.01, strays: 0.005, backends: 3}, 3},
	} {
		wrong := 0
		for seed := range uint64(trials) {
			r := rand.New(rand.NewPCG(seed, 11))
			truth := steadystate.Span{From: 3*s + time.Duration(r.Int64N(int64(s)))}
			truth.To = truth.From + 500*ms + time.Duration(r.Int64N(int64(s)))
			c := row.c
			c.length, c.out = truth.To+c.settle+2*s, same(row.out, truth)
			f := c.figures(r)
			ok := f.Downtime.Holds(truth.Width())
			for _, o := range f.Outages {
				if o.Stray {
					continue
				}
				ok = ok && o.Start.Overlaps(steadystate.Instant(truth.From)) && o.End.Overlaps(steadystate.Instant(truth.To))
			}
			if !ok {
				wrong++
			}
		}
		if wrong > 1 {
			t.Errorf("%s: the bounds missed the truth in %d of %d trials", row.sentence, wrong, trials)
		}
	}
}

// R4: backends that heal one by one leave an edge of which the last bad
// observations alone tell.
func TestBackendsThatHealOneByOneAreOneOutage(t *testing.T) {
	wrong := 0
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 12))
		c := simulation{rate: 1000, settle: 3 * s, allowed: 0.001, strays: 0.0005, backends: 4, length: 10 * s}
		for i := range 4 {
			c.out = append(c.out, steadystate.Span{From: 3 * s, To: 3*s + time.Duration(i+1)*300*ms})
		}
		f := c.figures(r)
		if len(f.Outages) != 1 || !f.Outages[0].End.Overlaps(steadystate.Instant(4200*ms)) || !f.Downtime.Holds(1200*ms) {
			wrong++
		}
	}
	if wrong > 2 {
		t.Errorf("wrong in %d of 200", wrong)
	}
}

func TestTheSmallestShareOfTheAnswers(t *testing.T) {
	for _, row := range []struct {
		sentence string
		answers  []int
		want     float64
	}{
		{"of three alike", []int{30, 30, 30}, 1. / 3},
		{"the least of them", []int{50, 40, 10}, 0.1},
		{"one that hardly answers is not the least", []int{60, 37, 3}, 0.37},
		{"one alone answers all", []int{9}, 1},
		{"who answers so seldom is not known", []int{3, 3, 3, 3}, 0},
		{"nor without an answer", nil, 0},
	} {
		if got := steadystate.SmallestShare(slices.Values(row.answers)); got != row.want {
			t.Errorf("%s: %v, want %v", row.sentence, got, row.want)
		}
	}
}

// A partial outage of several settle times keeps its start: what tells of it is
// there for as long as it takes to be told from chance, and to be dated.
func TestALongPartialOutageKeepsItsStart(t *testing.T) {
	const trials = 150
	for _, row := range []struct {
		sentence string
		allowed  float64
		backends int
		lengths  [2]time.Duration
	}{
		{"one of thirty, 0.1 % allowed, little more than a settle time", 0.001, 30, [2]time.Duration{12 * s, 12 * s}},
		{"up to three", 0.001, 30, [2]time.Duration{10 * s, 30 * s}},
		{"1 % allowed", 0.01, 30, [2]time.Duration{12 * s, 30 * s}},
		{"one of ten", 0.01, 10, [2]time.Duration{12 * s, 30 * s}},
		{"one of fifteen, 1 % allowed", 0.01, 15, [2]time.Duration{12 * s, 30 * s}},
		{"one of three, nothing allowed", 0, 3, [2]time.Duration{10 * s, 30 * s}},
	} {
		found, wrong, lost := 0, 0, 0
		for seed := range uint64(trials) {
			r := rand.New(rand.NewPCG(seed, 17))
			truth := steadystate.Span{From: 60*s + time.Duration(r.Int64N(int64(s)))}
			truth.To = truth.From + row.lengths[0] + time.Duration(r.Int64N(int64(row.lengths[1]-row.lengths[0]+1)))
			c := simulation{rate: 100, settle: 10 * s, allowed: row.allowed, strays: row.allowed / 2, backends: row.backends, out: same(1, truth), length: truth.To + 30*s}
			list := slices.DeleteFunc(c.figures(r).Outages, func(o steadystate.Outage) bool { return o.Stray })
			if len(list) == 0 {
				continue
			}
			found++
			first := list[0].Start
			if !first.Overlaps(steadystate.Instant(truth.From)) {
				wrong++
			}
			if first.From < truth.From-25*s {
				lost++
			}
		}
		t.Logf("%s: %d of %d found, the start of %d is wrong, of %d lost", row.sentence, found, trials, wrong, lost)
		if found < trials/3 || wrong > 2 || lost > 2 {
			t.Errorf("%s: %d of %d found, the start of %d is wrong, of %d lost; want at least a third, and at most 2 each", row.sentence, found, trials, wrong, lost)
		}
	}
}

// With one backend two strays next to each other are no outage, where chance
// puts them there.
func TestTwoStraysOfOneBackendAreNoOutage(t *testing.T) {
	var list []steadystate.Observation
	for at := time.Duration(0); at < 60*s; at += 10 * ms {
		o := steadystate.Observation{Span: steadystate.Span{From: at, To: at + ms}}
		if at == 30*s || at == 30*s+10*ms {
			o.Failed = "503"
		}
		list = append(list, o)
	}
	rule := steadystate.Rule{Settle: 10 * s, Allowed: 0.01, ByChance: true, Smallest: 1}
	if got := steadystatetest.Fold(list, steadystate.Within(s), rule, steadystate.Span{To: 60 * s}).Outages(); len(got) > 0 {
		t.Errorf("%s of two strays", describe(got))
	}
}

// R2: a total outage is found although its bad ones are fewer than are allowed
// in a settle time.
func TestAllowedShareHidesNoTotalOutage(t *testing.T) {
	c := simulation{rate: 100, settle: 30 * s, allowed: 0.01, backends: 3, length: 100 * s, inTurn: true}
	truth := steadystate.Span{From: 36 * s, To: 36*s + 290*ms}
	c.out = same(3, truth)
	f := c.figures(rand.New(rand.NewPCG(1, 1)))
	if len(f.Outages) != 1 || !f.Downtime.Holds(truth.Width()) || f.Resolution >= truth.Width() {
		t.Errorf("%s, downtime %v, resolution %s: want one outage of 290ms", describe(f.Outages), f.Downtime, f.Resolution)
	}
	if r := steadystate.MustParseLimit("downtime <= 100ms").Judge(f); r.Verdict != steadystate.Broken {
		t.Errorf("%s: %s, want broken", r.Text, r.Verdict)
	}
	// The same again and again: 90 ms every 10.1 s.
	var list []steadystate.Observation
	for at := time.Duration(0); at < 100*s; at += 10 * ms {
		o := steadystate.Observation{Span: steadystate.Span{From: at, To: at + ms}}
		if at%(10100*ms) < 90*ms {
			o.Failed = "503"
		}
		list = append(list, o)
	}
	window := steadystate.Span{To: 100 * s}
	f = steadystatetest.Fold(list, steadystate.Within(s), steadystate.Rule{Settle: 10 * s, Allowed: 0.01, ByChance: true, Smallest: 1. / 3}, window, window).Figures()[0]
	if r := steadystate.MustParseLimit("uptime >= 99.9%").Judge(f); r.Verdict != steadystate.Broken || len(f.Outages) != 10 || !f.Uptime().Holds(0.991) {
		t.Errorf("uptime %v, %s, of ten blackouts that are 0.9%% of the time; %s", f.Uptime(), r.Verdict, describe(f.Outages))
	}
}

// R3: strays below what is allowed start no outage, and neither extend nor split
// one, before it or after it.
func TestStraysAreOfNoOutage(t *testing.T) {
	for _, stray := range []time.Duration{21 * s, 40 * s} {
		var list []steadystate.Observation
		for at := time.Duration(0); at < 60*s; at += 10 * ms {
			o := steadystate.Observation{Span: steadystate.Span{From: at, To: at + 5*ms}}
			if at == stray || (at >= 30*s && at < 31*s) {
				o.Failed = "503"
			}
			list = append(list, o)
		}
		rule := steadystate.Rule{Settle: 10 * s, Allowed: 0.001, ByChance: true, Smallest: 1. / 3}
		got := steadystatetest.Fold(list, steadystate.Within(s), rule, steadystate.Span{To: 60 * s}).Outages()
		if len(got) != 1 || got[0].Bad != 100 || !got[0].Length().Holds(s) || got[0].Length().High > 1100*ms {
			t.Errorf("a stray at %s and an outage of 1 s: %s", stray, describe(got))
		}
	}
	open := 0
	for seed := range uint64(300) {
		c := simulation{rate: 100, settle: 10 * s, allowed: 0.001, strays: 0.0005, backends: 3, length: 60 * s, inTurn: true}
		f := c.figures(rand.New(rand.NewPCG(seed, 13)))
		for _, o := range f.Outages {
			if !o.Stray {
				t.Errorf("seed %d: %s of strays alone", seed, describe(f.Outages))
			}
			open++
		}
	}
	if open > 6 {
		t.Errorf("%d of 300 records end or begin with what may be an outage", open)
	}
}

// What is found does not depend on the direction of time.
func TestAnOutageIsTheSameBackwards(t *testing.T) {
	length := 40 * s
	window := steadystate.Span{To: length}
	compared := 0
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 14))
		c := simulation{rate: 100, settle: 5 * s, allowed: 0.01, strays: 0.005, backends: 3, length: length}
		c.out = same(1+r.IntN(3), steadystate.Span{From: 15 * s, To: 15*s + 500*ms + time.Duration(r.Int64N(int64(3*s)))})
		var forth, back []steadystate.Observation
		for _, o := range c.observations(r) {
			o.To = o.From
			forth = append(forth, o)
			o.Span = steadystate.Instant(length - o.From)
			back = append(back, o)
		}
		a, b := steadystatetest.Fold(forth, steadystate.Within(s), c.rule(), window).Outages(), steadystatetest.Fold(back, steadystate.Within(s), c.rule(), window).Outages()
		if len(a) != 1 || len(b) != 1 {
			continue // strays at an end
		}
		compared++
		mirrored := func(o steadystate.Span) steadystate.Span {
			return steadystate.Span{From: length - o.To, To: length - o.From}
		}
		if a[0].Start != mirrored(b[0].End) || a[0].End != mirrored(b[0].Start) || a[0].Bad != b[0].Bad || a[0].Total != b[0].Total {
			t.Errorf("seed %d: %s, and backwards %s", seed, describe(a), describe(b))
		}
	}
	if compared < 90 {
		t.Errorf("%d of 100 are compared, want at least 90", compared)
	}
}

// Ten outages of 18 s in all are one of 44 s, which says so.
func TestAnOutageSaysWhatIsInIt(t *testing.T) {
	var list []steadystate.Observation
	for at := time.Duration(0); at < 90*s; at += 10 * ms {
		o := steadystate.Observation{Span: steadystate.Span{From: at, To: at + ms}}
		if in := at - 20*s; in >= 0 && in < 44*s && in%(4700*ms) < 1800*ms {
			o.Failed = "503"
		}
		list = append(list, o)
	}
	rule := steadystate.Rule{Settle: 10 * s, Allowed: 0.001, ByChance: true, Smallest: 1. / 3}
	got := steadystatetest.Fold(list, steadystate.Within(s), rule, steadystate.Span{To: 90 * s}).Outages()
	if len(got) != 1 || got[0].Stretches != 10 || !got[0].Down.Holds(18*s-100*ms) || got[0].Down.High > 19*s || got[0].Length().Low < 43*s {
		t.Errorf("%s, %d stretches, down for %v; want 10 and 18s", describe(got), got[0].Stretches, got[0].Down)
	}
}

// R4: an outage longer than the stated resolution is found, and the resolution
// for the smallest backend is longer than that for all of them.
func TestWhatIsLongerThanTheResolutionIsFound(t *testing.T) {
	for _, row := range []struct {
		sentence string
		c        simulation
		out      int
	}{
		{"one of thirty, 1 % allowed", simulation{rate: 1000, settle: 10 * s, allowed: 0.01, strays: 0.005, backends: 30}, 1},
		{"one of three, 0.1 % allowed", simulation{rate: 100, settle: 10 * s, allowed: 0.001, strays: 0.0005, backends: 3}, 1},
		{"all, 1 % allowed", simulation{rate: 100, settle: 10 * s, allowed: 0.01, strays: 0.005, backends: 3}, 3},
		{"one of ten, nothing allowed", simulation{rate: 100, settle: 10 * s, backends: 10}, 1},
	} {
		missed := 0
		for seed := range uint64(30) {
			c := row.c
			c.length = 30 * s
			f := c.figures(rand.New(rand.NewPCG(seed, 15)))
			least := f.Resolution
			if row.out == 1 {
				least = f.PartialResolution.Length
				if f.PartialResolution.Share != 1/float64(c.backends) || least <= f.Resolution || least > 8*s {
					t.Fatalf("%s: resolution %s, and %+v", row.sentence, f.Resolution, f.PartialResolution)
				}
			}
			c.out = same(row.out, steadystate.Span{From: 10 * s, To: 10*s + least + ms})
			found := c.figures(rand.New(rand.NewPCG(seed, 15)))
			if !slices.ContainsFunc(found.Outages, func(o steadystate.Outage) bool { return !o.Stray }) {
				missed++
			}
		}
		if missed > 0 {
			t.Errorf("%s: missed in %d of 30", row.sentence, missed)
		}
	}
}

// An outage that is on for long takes no more memory than a short one.
func TestMemoryDoesNotGrowWithTheOutage(t *testing.T) {
	window := steadystate.Span{To: time.Hour}
	for _, pattern := range []string{"all bad", "every other", "one in ten"} {
		f := steadystate.NewFold(steadystate.Within(s), steadystate.Rule{Settle: s, Allowed: 0.001, ByChance: true, Smallest: 0.1}, window, window)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range 1_000_000 {
			o := steadystate.Observation{Span: steadystate.Instant(time.Duration(i) * ms), Value: 0.001}
			if pattern == "all bad" || pattern == "every other" && i%2 == 0 || i%10 == 0 {
				o.Failed = "503"
			}
			f.Add(o)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
			t.Errorf("%s: %d bytes are kept of a million observations", pattern, grown)
		}
		if got := f.Outages(); len(got) != 1 || math.Abs(got[0].Length().Low.Seconds()-999.5) > 1.5 {
			t.Errorf("%s: %s", pattern, describe(got))
		}
	}
}

func BenchmarkFold(b *testing.B) {
	for _, row := range []struct {
		name   string
		strays float64
	}{{"good", 0}, {"strays", 0.0005}, {"half", 0.5}} {
		b.Run(row.name, func(b *testing.B) {
			rule := steadystate.Rule{Settle: 10 * s, Allowed: 0.001, ByChance: true, Smallest: 1. / 3}
			window := steadystate.Span{To: time.Duration(b.N) * ms}
			f := steadystate.NewFold(steadystate.Within(s), rule, window, window)
			r := rand.New(rand.NewPCG(1, 1))
			for i := range b.N {
				o := steadystate.Observation{Span: steadystate.Instant(time.Duration(i) * ms), Value: 0.001}
				if r.Float64() < row.strays {
					o.Failed = "503"
				}
				f.Add(o)
			}
			f.Outages()
		})
	}
}
