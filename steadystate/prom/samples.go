package prom

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"github.com/aftershockhq/aftershock/steadystate"
)

// samples observes a plain selector by its raw samples.
type samples struct {
	Source
	clock   steadystate.Clock
	skew    skew
	began   time.Duration
	fetched time.Duration // when samples were last fetched
	first   bool
	missed  time.Duration // when the first failed poll since then was sent; zero: none
	series  map[model.Fingerprint]*series
}

// series is the known state of one series.
type series struct {
	seen map[model.Time]bool
	last model.Time
	gaps []time.Duration // between successive samples, the latest ones
}

// A scrape may be stored after a later one, and a series may be scraped rarely:
// each fetch reaches back beyond the last one by overlap, or by two scrapes.
const overlap = 30 * time.Second

func newSamples(s Source, clock steadystate.Clock) *samples {
	return &samples{Source: s, clock: clock, began: clock.Now(), first: true, series: map[model.Fingerprint]*series{}}
}

// poll fetches new samples. A failed fetch loses nothing while the next one can
// still get what it missed, which it can for the time between two scrapes.
func (s *samples) poll(ctx context.Context, last bool) (look, error) {
	l, err := s.fetch(ctx)
	if s.fetched >= l.during.From && !s.first {
		s.missed = 0
		return l, err
	}
	if s.missed == 0 {
		s.missed = l.during.From
	}
	if !last && !s.first && l.during.To-s.fetched < s.soonest() {
		return l, nil
	}
	l.during.From = min(l.during.From, s.missed)
	return l, err
}

// soonest is the shortest usual time between scrapes, over all series. Zero:
// unknown.
func (s *samples) soonest() time.Duration {
	soonest := time.Duration(0)
	for _, each := range s.series {
		if spacing := each.spacing(); spacing > 0 && (soonest == 0 || spacing < soonest) {
			soonest = spacing
		}
	}
	return soonest
}

// slowest is the longest time between scrapes, over all series.
func (s *samples) slowest() time.Duration {
	slowest := time.Duration(0)
	for _, each := range s.series {
		slowest = max(slowest, each.spacing())
	}
	return slowest
}

func (s *samples) fetch(ctx context.Context) (look, error) {
	// The current result of the selector: which series exist, and the server's
	// time, which dates everything.
	now, a, err := s.Client.vector(ctx, s.clock, s.Timeout, s.Query.String())
	l := look{during: a.Span}
	if err != nil {
		return l, err
	}
	if len(now) > 0 {
		s.skew.read(now[0].Timestamp, a.Span)
	}
	if len(s.skew.readings) == 0 {
		return l, empty(s.Query)
	}

	reach := s.reach()
	b, err := s.Client.whole(ctx, s.clock, s.Timeout, s.Query.selectors[0].ranged(reach))
	l.during = a.Hull(b.Span)
	if err != nil {
		return l, err
	}
	matrix, err := b.matrix()
	if err != nil {
		return l, err
	}
	s.first, s.fetched = false, b.From
	l.points = s.take(matrix, b.Span, s.Client.scrapes(ctx, s.clock, s.Timeout, s.fresh(matrix), reach))

	if len(now) == 0 {
		return l, empty(s.Query)
	}
	if _, err := s.Reduce.apply(now); err != nil {
		return l, err
	}
	if err := s.complete(ctx); err != nil {
		l.during.To = s.clock.Now() // its answer ends the poll
		return l, err
	}
	for _, sample := range now {
		l.series = append(l.series, sample.Metric)
	}
	l.silent = s.silent(now)
	return l, nil
}

// complete returns an error if the selector lacks series that it should have.
func (s *samples) complete(ctx context.Context) error {
	if s.apart {
		return nil
	}
	of := s.Query.selectors[0]
	vector, _, err := s.Client.vector(ctx, s.clock, s.Timeout, together(of.census(0, s.slowest(), s.Lookback, Each)))
	if err != nil {
		return err
	}
	return split(vector, 1).census[0].missing(of)
}

// reach is how far back to fetch. The first fetch reaches back as far as an
// instant selector does, to learn the spacing of scrapes.
func (s *samples) reach() time.Duration {
	if s.first {
		return s.Lookback
	}
	back := overlap
	for _, each := range s.series {
		back = max(back, 2*each.spacing())
	}
	return (s.clock.Now() - s.fetched + back).Round(time.Millisecond)
}

// fresh are the series with a sample that was not seen before.
func (s *samples) fresh(matrix model.Matrix) []model.Metric {
	var fresh []model.Metric
	for _, stream := range matrix {
		known := s.series[stream.Metric.Fingerprint()]
		if known == nil || slices.ContainsFunc(stream.Values, func(p model.SamplePair) bool { return !known.seen[p.Timestamp] }) {
			fresh = append(fresh, stream.Metric)
		}
	}
	return fresh
}

// take makes observations of the new samples of scrapes since the source began.
func (s *samples) take(matrix model.Matrix, during steadystate.Span, took map[scrape]time.Duration) []point {
	var points []point
	for _, stream := range matrix {
		known := s.series[stream.Metric.Fingerprint()]
		if known == nil {
			known = &series{}
			s.series[stream.Metric.Fingerprint()] = known
		}
		// Forget samples that will not be fetched again.
		seen := make(map[model.Time]bool, len(stream.Values))
		for i, sample := range stream.Values {
			seen[sample.Timestamp] = true
			if known.seen[sample.Timestamp] {
				continue
			}
			known.follow(sample.Timestamp)
			began := s.skew.scraped(sample.Timestamp)
			if began.To < s.began {
				continue
			}
			// The scrape was over before its sample was seen, and before the
			// same target's next scrape began.
			span := steadystate.Span{From: began.From, To: during.To}
			if i+1 < len(stream.Values) {
				span.To = min(span.To, s.skew.scraped(stream.Values[i+1].Timestamp).To)
			}
			if d, ok := took[scrapeOf(stream.Metric, sample.Timestamp)]; ok {
				span.To = min(span.To, began.To+d)
			}
			span.To = max(span.To, span.From)
			points = append(points, point{Observation: observe(span, float64(sample.Value)), series: stream.Metric})
		}
		known.seen = seen
	}
	return points
}

// silent are the series that still exist without a new sample: their targets are
// not being scraped.
func (s *samples) silent(now model.Vector) []silence {
	var silent []silence
	for _, sample := range now {
		known := s.series[sample.Metric.Fingerprint()]
		if known == nil {
			continue
		}
		// A scrape may take as long as the time to the next one, and must
		// then be stored.
		if spacing := known.spacing(); spacing > 0 {
			since := sample.Timestamp.Sub(known.last) - s.Query.selectors[0].offset
			if since > 2*spacing+time.Second {
				silent = append(silent, silence{sample.Metric, &failure{
					reason: fmt.Sprintf("%s: no sample for %s, though scraped every %s", sample.Metric, since.Round(time.Millisecond), spacing),
					next:   "see the server's targets page",
				}})
			}
		}
	}
	return silent
}

// follow notes a sample's time.
func (s *series) follow(t model.Time) {
	const most = 32
	if s.last != 0 && t > s.last {
		s.gaps = append(s.gaps, t.Sub(s.last))
		s.gaps = s.gaps[max(0, len(s.gaps)-most):]
	}
	s.last = max(s.last, t)
}

// spacing is the usual time between two samples: the median, which one gap does
// not move. Zero: unknown.
func (s *series) spacing() time.Duration {
	if len(s.gaps) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s.gaps))
	return sorted[len(sorted)/2]
}
