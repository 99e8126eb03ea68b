package steadystate_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/steadystatetest"
)

// hurt is a timeline of requests with outages planted from truth, all of whose
// observations are bad while one is on; answers take up to three intervals, so
// that spans cross.
func hurt(r *rand.Rand, truth []steadystate.Span, length time.Duration) []steadystate.Observation {
	const every = 50 * time.Millisecond
	var list []steadystate.Observation
	for at := time.Duration(0); at < length; at += every {
		o := steadystate.Observation{Span: steadystate.Span{From: at, To: at + time.Duration(r.Int64N(int64(3*every)))}, Value: 1}
		// The service is asked at some instant of the span.
		asked := o.From + time.Duration(r.Int64N(int64(o.Width()+1)))
		for _, outage := range truth {
			if outage.From <= asked && asked < outage.To {
				o.Value = 0
			}
		}
		list = append(list, o)
	}
	return list
}

var settled = steadystate.Rule{Settle: 3 * s}

func one(t *testing.T, seed uint64, list []steadystate.Observation, window steadystate.Span) steadystate.Outage {
	t.Helper()
	outages := steadystatetest.Fold(list, steadystatetest.Good, settled, window).Outages()
	if len(outages) != 1 {
		t.Fatalf("seed %d: %d outages, want 1", seed, len(outages))
	}
	return outages[0]
}

func TestAnObservationInsideAnEdgeNeverWidensIt(t *testing.T) {
	window := steadystate.Span{To: 30 * s}
	narrowed := 0
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 3))
		truth := steadystate.Span{From: 10*s + time.Duration(r.Int64N(int64(s)))}
		truth.To = truth.From + 200*time.Millisecond + time.Duration(r.Int64N(int64(2*s)))
		list := hurt(r, []steadystate.Span{truth}, window.To)
		before := one(t, seed, list, window)
		if !before.Start.Overlaps(steadystate.Instant(truth.From)) || !before.End.Overlaps(steadystate.Instant(truth.To)) {
			t.Fatalf("seed %d: the edges %s and %s do not hold the outage %s", seed, before.Start, before.End, truth)
		}
		edge, instant := before.Start, truth.From
		if r.IntN(2) == 0 {
			edge, instant = before.End, truth.To
		}
		// A truthful one, which may be anywhere in the edge.
		o := steadystate.Observation{Span: steadystate.Span{From: edge.From + time.Duration(r.Int64N(int64(edge.Width())+1))}}
		o.To = o.From + time.Duration(r.Int64N(int64(edge.To-o.From)+1))
		if (o.From < instant && o.To >= instant) || (o.From >= truth.From && o.To < truth.To && r.IntN(2) == 0) {
			o.To = o.From
		}
		if o.From < truth.From || o.From >= truth.To {
			o.Value = 1
		}
		after := one(t, seed, append(list, o), window)
		// A good one amid bad ones, by its span, makes the outage partial, and
		// what good ones prove is then less.
		if after.Bad != after.Total {
			continue
		}
		now := after.Start
		if edge == before.End {
			now = after.End
		}
		if now.From < edge.From || now.To > edge.To {
			t.Fatalf("seed %d: %s made the edge %s of the outage %s wider: %s", seed, o, edge, truth, now)
		}
		if now.Width() < edge.Width() {
			narrowed++
		}
	}
	if narrowed < 50 {
		t.Errorf("only %d of 500 observations narrowed an edge: the test shows little", narrowed)
	}
}

func TestWhatIsSplitAddsUp(t *testing.T) {
	window := steadystate.Span{To: 60 * s}
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 4))
		list := hurt(r, []steadystate.Span{{From: 10 * s, To: 12 * s}, {From: 30 * s, To: 31 * s}}, window.To)
		whole := steadystatetest.Fold(list, steadystatetest.Good, settled, window, window).Figures()[0]
		at := time.Duration(r.Int64N(int64(window.To)))
		for _, o := range whole.Outages {
			if o.Start.From < at && at < o.Start.To || o.End.From < at && at < o.End.To {
				at = o.Start.To // an edge is not to be split
			}
		}
		figures := steadystatetest.Fold(list, steadystatetest.Good, settled, window, steadystate.Span{To: at}, steadystate.Span{From: at, To: window.To}).Figures()
		if sum := figures[0].Downtime.Plus(figures[1].Downtime); sum != whole.Downtime {
			t.Fatalf("seed %d: downtime %v before %s and %v after, want %v in all", seed, figures[0].Downtime, at, figures[1].Downtime, whole.Downtime)
		}
	}
}

func TestFlappingNeverImprovesAFigure(t *testing.T) {
	window := steadystate.Span{To: 40 * s}
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 5))
		truth := steadystate.Span{From: 10 * s, To: 12*s + time.Duration(r.Int64N(int64(8*s)))}
		list := hurt(r, []steadystate.Span{truth}, window.To)
		steady := steadystatetest.Fold(list, steadystatetest.Good, settled, window, window).Figures()[0]
		// Some of the bad ones but those at the edges turn good.
		var flapping []steadystate.Observation
		for _, o := range list {
			if truth.From+s/2 < o.From && o.To < truth.To-s/2 && r.IntN(3) == 0 {
				o.Value = 1
			}
			flapping = append(flapping, o)
		}
		got := steadystatetest.Fold(flapping, steadystatetest.Good, settled, window, window).Figures()[0]
		if len(got.Outages) != 1 || len(steady.Outages) != 1 {
			t.Fatalf("seed %d: %d outages, flapping %d, want one each", seed, len(steady.Outages), len(got.Outages))
		}
		if got.Downtime.Low < steady.Downtime.Low || got.Downtime.High < steady.Downtime.High || got.Uptime().High > steady.Uptime().High {
			t.Fatalf("seed %d: flapping made the downtime %v of %v", seed, got.Downtime, steady.Downtime)
		}
		at := steadystate.Instant(truth.From)
		ttr, _, _ := steady.Recovery(at, at, window.To)
		if flapped, _, _ := got.Recovery(at, at, window.To); flapped.Low < ttr.Low || flapped.High < ttr.High {
			t.Fatalf("seed %d: flapping made the time to recovery %v of %v", seed, flapped, ttr)
		}
	}
}

func TestFromALaterInstantARecoveryTakesLess(t *testing.T) {
	window := steadystate.Span{To: 40 * s}
	over := 0
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 6))
		truth := steadystate.Span{From: 10 * s, To: 12*s + time.Duration(r.Int64N(int64(8*s)))}
		f := steadystatetest.Fold(hurt(r, []steadystate.Span{truth}, window.To), steadystatetest.Good, settled, window, window).Figures()[0]
		removal := truth.From + time.Duration(r.Int64N(int64(14*s)))
		injected, _, _ := f.Recovery(steadystate.Instant(truth.From), steadystate.Instant(truth.From), window.To)
		removed, n, _ := f.Recovery(steadystate.Instant(truth.From), steadystate.Instant(removal), window.To)
		if want := max(0, truth.To-removal); !removed.Holds(want) {
			t.Fatalf("seed %d: from %s an outage until %s took %v, want %s", seed, removal, truth.To, removed, want)
		}
		if removed.Low > injected.Low || removed.High > injected.High {
			t.Fatalf("seed %d: %v from the removal at %s and %v from the injection before", seed, removed, removal, injected)
		}
		if n == 0 {
			over++
			if removed.High != 0 {
				t.Fatalf("seed %d: what was over before %s took %v after it", seed, removal, removed)
			}
		}
	}
	if over < 30 {
		t.Errorf("only %d of 300 were over before the removal: the test shows little", over)
	}
}
