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

// R23: a server's clock that is set by some milliseconds between two readings,
// while answers take longer than that, misdates no scrape.
func TestSkewOfAClockThatIsSet(t *testing.T) {
	t.Parallel()
	for _, step := range []time.Duration{10 * time.Millisecond, -10 * time.Millisecond, 3 * time.Millisecond, -700 * time.Millisecond, time.Minute} {
		missed, scrapes := 0, 0
		widest := time.Duration(0)
		for seed := range uint64(500) {
			r := rand.New(rand.NewPCG(seed, 2))
			epoch := time.Duration(1_700_000_000) * time.Second
			set := 5*time.Second + time.Duration(r.Int64N(int64(20*time.Second)))
			server := func(at time.Duration) model.Time {
				if at >= set {
					at += step
				}
				return model.Time((epoch + at) / time.Millisecond)
			}
			var s skew
			var scraped []time.Duration // since the last reading
			slow := func() time.Duration {
				return time.Millisecond + time.Duration(r.Int64N(int64(20*time.Millisecond)))
			}
			for now := time.Duration(0); now < 30*time.Second; now += time.Second {
				trip := slow()
				s.read(server(now+time.Duration(r.Int64N(int64(trip)))), steadystate.Span{From: now, To: now + trip})
				for _, at := range scraped {
					scrapes++
					got := s.at(sinceEpoch(server(at)))
					if got.From > at || got.To < at {
						missed++
					}
					if (at - set).Abs() > 2*time.Second { // else it may be on either side
						widest = max(widest, got.Width())
					}
				}
				scraped = scraped[:0]
				for range 4 {
					scraped = append(scraped, now+25*time.Millisecond+time.Duration(r.Int64N(int64(970*time.Millisecond))))
				}
			}
		}
		// Two readings, each 21 ms wide at most, of which one may be early and the
		// other late; but for clocks set back, which show some instants twice.
		if missed > 0 || (step.Abs() < 50*time.Millisecond && widest > 50*time.Millisecond) {
			t.Errorf("set by %s: %d of %d scrapes are misdated; found to within %s", step, missed, scrapes, widest)
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
			"a reading says less of what is long before it",
			map[model.Time]steadystate.Span{then: span(100*ms, 110*ms)},
			at(then) - 10*time.Second, span(94*ms-10*time.Second, 116*ms-10*time.Second),
		},
		{
			"one between two readings is where either of them says, for a clock may have been set",
			map[model.Time]steadystate.Span{then: span(100*ms, 102*ms), then + 2: span(5000*ms, 5002*ms)},
			at(then + 1), span(100*ms-500, 5002*ms+500),
		},
		{
			"so does one beyond the second of them, if the clock was set back meanwhile",
			map[model.Time]steadystate.Span{then: span(100*ms, 102*ms), then + 1: span(5000*ms, 5002*ms)},
			at(then + 2), span(101*ms-1000, 5004*ms+500),
		},
	} {
		var s skew
		for _, t := range []model.Time{then, then + 1, then + 2} {
			if during, ok := c.readings[t]; ok {
				s.read(t, during)
			}
		}
		if got := s.at(c.instant); got != c.want {
			t.Errorf("%s: %s, want %s", c.sentence, got, c.want)
		}
	}
}
