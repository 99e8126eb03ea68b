package prom

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/aftershockhq/aftershock/steadystate"
)

// Whatever the difference of the clocks, however one drifts, and however slow
// the answers, an instant of the server's clock is found where it was.
func TestSkewContainsTheTruth(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		epoch := time.Duration(1_700_000_000+r.Int64N(1e8)) * time.Second
		fast := 1 + (2*r.Float64()-1)*drift
		server := func(at time.Duration) model.Time { // what its clock shows
			return model.Time((epoch + time.Duration(float64(at)*fast)) / time.Millisecond)
		}
		var s skew
		now := time.Duration(0)
		for range 1 + r.IntN(150) {
			now += time.Duration(r.Int64N(int64(5 * time.Second)))
			sent := now
			now += time.Duration(r.Int64N(int64(time.Millisecond) << r.IntN(12)))
			evaluated := sent + time.Duration(r.Int64N(int64(now-sent)+1))
			s.read(server(evaluated), steadystate.Span{From: sent, To: now})

			at := time.Duration(r.Int64N(int64(now) + 1))
			if got := s.at(sinceEpoch(server(at))); got.From > at || got.To < at {
				t.Fatalf("seed %d: the server's clock showed %s at %s, found in %s", seed, server(at), at, got)
			}
			if got := s.scraped(server(at)); got.From > at-alignment || got.To < at+alignment {
				t.Fatalf("seed %d: a scrape may have been moved from %s, found in %s", seed, at, got)
			}
		}
		if len(s.readings) > mostReadings {
			t.Fatalf("%d readings are kept", len(s.readings))
		}
	}
}

func TestSkew(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	const then = model.Time(1_700_000_000_000)
	at := func(t model.Time) time.Duration { return sinceEpoch(t) }
	span := func(from, to time.Duration) steadystate.Span { return steadystate.Span{From: from, To: to} }
	for _, c := range []struct {
		sentence string
		readings map[model.Time]steadystate.Span
		instant  time.Duration
		want     steadystate.Span
	}{
		{
			"one reading bounds the server's instant by its own span, and a millisecond for what was cut off",
			map[model.Time]steadystate.Span{then: span(100*ms, 110*ms)},
			at(then), span(99*ms, 111*ms),
		},
		{
			"a quick answer counts for more than a slow one",
			map[model.Time]steadystate.Span{then: span(100*ms, 900*ms), then + 1: span(300*ms, 302*ms)},
			at(then + 1), span(299*ms, 303*ms),
		},
		{
			"a reading says less of what is long before it",
			map[model.Time]steadystate.Span{then: span(100*ms, 110*ms)},
			at(then) - 10*time.Second, span(94*ms-10*time.Second, 116*ms-10*time.Second),
		},
		{
			"when a clock was set what either reading says may be true",
			map[model.Time]steadystate.Span{then: span(100*ms, 102*ms), then + 1: span(5000*ms, 5002*ms)},
			at(then + 1), span(99*ms+ms-500, 5003*ms),
		},
	} {
		var s skew
		for _, t := range []model.Time{then, then + 1} {
			if during, ok := c.readings[t]; ok {
				s.read(t, during)
			}
		}
		if got := s.at(c.instant); got != c.want {
			t.Errorf("%s: %s, want %s", c.sentence, got, c.want)
		}
	}
}
