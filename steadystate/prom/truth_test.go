package prom_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/prom"
	"github.com/aftershockhq/aftershock/steadystate/steadystatetest"
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
			list := stops[i]()
			record := steadystate.Span{To: clock.Now()}
			outages := steadystatetest.Fold(list, signal.good, steadystate.Rule{Settle: time.Second}, record).Outages()
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

// Whatever part of their first values counters that are born have counted within
// the range: what is said of a share, and of a quantile, holds the truth.
func TestBirthsHoldTheTruth(t *testing.T) {
	t.Parallel()
	s := start(t, 0)
	c := client(t, s.URL)
	const s5, scrapes = 5 * time.Second, 4 // of which a range of 15 s holds three
	bounds := []float64{0.5, 1, 2, math.Inf(1)}
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 7))
		errors, total := 0.0, 0.0
		var observed []float64
		for pod := range 1 + r.IntN(4) {
			// One at least was there all the time. Of the others any part was counted
			// within the range.
			born := pod > 0
			counts := func(series string, n float64) {
				values := []float64{n}
				if !born {
					values = nil
					for i := range scrapes {
						values = append(values, n*float64(i)/3)
					}
				}
				s.fill(t, s.every(fmt.Sprintf(series, seed, pod), s5, time.Second, values...)...)
			}
			for _, code := range []string{"200", "503"} {
				n := float64(1+r.IntN(100)) * math.Pow(10, float64(r.IntN(5)))
				counts(`http%d_count{pod="p%d",code="`+code+`"}`, n)
				if born {
					n *= []float64{0, 1, r.Float64()}[r.IntN(3)]
				}
				if total += n; code == "503" {
					errors += n
				}
			}
			var list []float64
			for range 1 + r.IntN(60) {
				list = append(list, bounds[r.IntN(3)]+0.25*float64(r.IntN(4)))
			}
			for _, le := range bounds {
				n := 0.0
				for _, v := range list {
					if v <= le {
						n++
					}
				}
				counts(fmt.Sprintf(`d%%d_bucket{pod="p%%d",le="%g"}`, le), n)
			}
			if born {
				// Those of a stretch of time, or the slow ones, or the quick ones.
				if slices.Sort(list); r.IntN(2) == 0 {
					r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
				}
				from := r.IntN(len(list) + 1)
				list = list[from : from+r.IntN(len(list)+1-from)]
			}
			observed = append(observed, list...)
		}
		q := []float64{0.5, 0.9, 0.99}[r.IntN(3)]
		for _, test := range []struct {
			query string
			truth float64
		}{
			{strings.ReplaceAll(errorShare, "http_count", fmt.Sprintf("http%d_count", seed)), errors / total},
			{fmt.Sprintf("histogram_quantile(%g, sum by (le) (rate(d%d_bucket[15s])))", q, seed), nearest(q, observed)},
		} {
			_, list := once(t, prom.Source{Client: c, Query: prom.MustParse(test.query)})
			if len(list) != 1 || math.IsNaN(test.truth) {
				t.Fatalf("seed %d: %s: observed %s, in truth %g", seed, test.query, show(list...), test.truth)
			}
			b := list[0].Bounds()
			b.Low, b.High = b.Low-1e-9, b.High+1e-9
			if list[0].Unknown == "" && !b.Holds(test.truth) {
				t.Errorf("seed %d: %s is within %v, in truth %g", seed, test.query, list[0].Bounds(), test.truth)
			}
		}
	}
}
