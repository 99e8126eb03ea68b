package prom_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/prom"
)

// A shop serves until it is stopped, and again from when it is started: the
// truth that observations must contain.
type shop struct {
	mu      sync.Mutex
	up      bool
	served  float64
	changed time.Time
}

func (s *shop) set(up bool) (at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count()
	s.up = up
	return s.changed
}

func (s *shop) count() {
	now := time.Now()
	if s.up && !s.changed.IsZero() {
		s.served += 1000 * now.Sub(s.changed).Seconds()
	}
	s.changed = now
}

func (s *shop) scrape() (up, served float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count()
	if s.up {
		up = 1
	}
	return up, s.served
}

// scrapeEvery scrapes as Prometheus does: the time of a scrape is that of its
// beginning, the values are of some instant after that, and it is stored later.
func (s *server) scrapeEvery(ctx context.Context, t testing.TB, spacing time.Duration, shop *shop) {
	ticker := time.NewTicker(spacing)
	defer ticker.Stop()
	for {
		began := time.Now()
		up, served := shop.scrape()
		err := s.add(
			sample{`up{job="shop",instance="a:1"}`, s.at(began), up},
			sample{`served_total{job="shop",instance="a:1"}`, s.at(began), served},
			sample{`scrape_duration_seconds{job="shop",instance="a:1"}`, s.at(began), time.Since(began).Seconds()},
		)
		if err != nil {
			t.Errorf("scrape: %v", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			// A tick that was late may be followed by one at once, and two scrapes
			// cannot be of one millisecond.
			<-time.After(time.Until(began.Add(2 * time.Millisecond)))
		}
	}
}

// The bounds of an outage that is seen through Prometheus contain the truth,
// whatever the server's clock says.
func TestOutageContainsTheTruth(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{0, 7 * time.Second, -time.Hour} {
		s := start(t, ahead)
		c := client(t, s.URL)
		shop := &shop{up: true}
		ctx, cancel := context.WithCancel(context.Background())
		var scraping sync.WaitGroup
		scraping.Go(func() { s.scrapeEvery(ctx, t, 40*time.Millisecond, shop) })

		signals := []struct {
			name, query string
			reduce      prom.Reduction
			good        steadystate.Tolerance
		}{
			{"samples", `up{job="shop"}`, "", steadystate.AtLeast(1)},
			{"an evaluation of samples", `up{job="shop"}`, prom.Min, steadystate.AtLeast(1)},
			{"an expression", `sum(up{job="shop"}) / count(up{job="shop"})`, "", steadystate.AtLeast(1)},
			{"a rate", `sum(rate(served_total[200ms]))`, "", steadystate.MustParseTolerance("> 0")},
			{"a subquery", `min_over_time(up{job="shop"}[200ms:20ms])`, "", steadystate.AtLeast(1)},
		}
		clock := steadystate.StartClock()
		stops := make([]func() []steadystate.Observation, len(signals))
		logs := make([]*log, len(signals))
		for i, signal := range signals {
			logs[i], stops[i] = watch(t, prom.Source{
				Client: c, Query: prom.MustParse(signal.query), Reduce: signal.reduce, Interval: 25 * time.Millisecond,
			}, clock)
		}
		good := func(want bool) {
			t.Helper()
			for i, signal := range signals {
				logs[i].until(t, signal.name, func(list []steadystate.Observation) bool {
					if len(list) == 0 {
						return false
					}
					last := list[len(list)-1]
					return last.Unknown == "" && last.Good(signal.good) == want
				})
			}
		}
		good(true)
		down := clock.At(shop.set(false))
		good(false)
		up := clock.At(shop.set(true))
		good(true)
		cancel()
		scraping.Wait()

		for i, signal := range signals {
			timeline := steadystate.NewTimeline(stops[i]()...)
			window := steadystate.Span{To: clock.Now()}
			outages := timeline.Outages(signal.good, steadystate.Rule{Settle: time.Second}, window)
			if len(outages) == 0 {
				t.Errorf("ahead %s: %s: no outage seen", ahead, signal.name)
				continue
			}
			first, last := outages[0], outages[len(outages)-1]
			if len(outages) > 1 || first.Start.From > down || first.Start.To < down {
				t.Errorf("ahead %s: %s: %d outages, began in %s, and in truth at %s", ahead, signal.name, len(outages), first.Start, down)
			}
			if last.End.From > up || last.End.To < up {
				t.Errorf("ahead %s: %s: ended in %s, and in truth at %s", ahead, signal.name, last.End, up)
			}
			t.Logf("ahead %s: %s: %s to %s; truth %s to %s", ahead, signal.name, first.Start, last.End, down, up)
		}
	}
}
