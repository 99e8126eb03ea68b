package prom

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A Preflight is a source's current result and resolution.
type Preflight struct {
	// Series is the number of series that the query yields before reduction.
	Series int `json:"series"`
	// Names are those of the series that [PerSeries] observes, in order; otherwise empty.
	Names []string `json:"names,omitempty"`
	// Values are the observations' values: one, or one for each series.
	Values []float64 `json:"values,omitempty"`
	// Spacing is the recent time between two scrapes of a series that the query
	// reads: the longest of all series.
	Spacing time.Duration `json:"spacing"`
	// Window is the time that a value may speak for, relative to its evaluation.
	Window steadystate.Span `json:"window"`
	// Ahead is how far the server's clock is ahead of this machine's.
	Ahead steadystate.Bounds[time.Duration] `json:"ahead"`
	// Resolution is the longest outage that can pass unseen while Prometheus
	// scrapes and answers as it does now; for steadystate.Limit.Decidable. The
	// resolution observed in the record decides in the end.
	Resolution time.Duration `json:"resolution"`
	// Notes are warnings to read before trusting the values.
	Notes []string `json:"notes,omitempty"`
}

// forgetting is how long Prometheus takes to drop a target that is gone:
// discovery sends its targets every five seconds, and scraping reloads them
// every five.
const forgetting = 10 * time.Second

// Preflight evaluates the query once and learns the spacing of scrapes. The
// error says what would make every observation unknown, and what to do about it:
// no connection, no permission, a query that the server rejects, no matching
// series, several series without a reduction, a partial answer. NaN, as before
// there is traffic, is a note.
func (s Source) Preflight(ctx context.Context) (Preflight, error) {
	if err := s.validate(); err != nil {
		return Preflight{}, err
	}
	s = s.withDefaults()
	found, _, err := s.preflight(ctx)
	if err != nil {
		return Preflight{}, s.refused(err)
	}
	return found, nil
}

// refused is the error of a preflight.
func (s Source) refused(err error) error {
	return fmt.Errorf("preflight prometheus at %s: query %q: %w", s.Client.url, s.Query, advise(err))
}

func (s Source) preflight(ctx context.Context) (Preflight, look, error) {
	clock := steadystate.StartClock()
	vector, a, err := s.Client.vector(ctx, clock, s.Timeout, s.Query.String())
	if err != nil {
		return Preflight{}, look{}, err
	}
	if len(vector) == 0 {
		return Preflight{}, look{}, empty(s.Query)
	}
	values, err := s.Reduce.apply(vector)
	if err != nil {
		return Preflight{}, look{}, err
	}
	p := Preflight{Series: len(vector)}
	for _, info := range a.infos {
		p.note("the server says: %s", brief(info))
	}
	for _, v := range values {
		if err := number(v); err != nil {
			p.note("%s", advise(err))
			continue
		}
		p.Values = append(p.Values, v)
	}
	var skew skew
	skew.read(vector[0].Timestamp, a.Span)
	p.Ahead = skew.ahead(clock)

	for _, selector := range s.Query.selectors {
		spacing, err := s.scrapes(ctx, clock, selector)
		if err != nil {
			return Preflight{}, look{}, err
		}
		if !selector.instant() && spacing > 0 && selector.width < 2*spacing {
			p.note("%s holds fewer than two scrapes at times: they are %s apart, so give it a range of %s or more",
				selector.ranged(selector.width), spacing, 2*spacing)
		}
		if selector.recorded() {
			p.note("%s is a recorded series by its name: its values speak of its rule's range too, which is not in the spans; use the rule's expression", selector.vector)
		}
		if least := forgetting + overdue(spacing) + spacing; selector.counter() && selector.width < least && !selector.ofScraped() && newEvaluations(s, clock).moves() == anywhere {
			p.note("%s: when a pod dies, Prometheus has its target for some %s more, in which the value is unknown: give it a range of %s or more, or say that those scraped are meant, as in sum(rate(...) and on (instance) up == 1)",
				selector.ranged(selector.width), forgetting+overdue(spacing), least)
		}
		if spacing == 0 && selector.instant() {
			p.note("%s: fewer than two scrapes in the last %s, so that is how old a value may be", selector.vector, s.Lookback)
			spacing = s.Lookback
		}
		p.Spacing = max(p.Spacing, spacing)
	}
	// Send each query of Observe once: if the server refuses it, every
	// observation would be unknown.
	l, err := s.poller(clock).poll(ctx, true)
	if err == nil {
		err = l.complaint()
	}
	if err != nil {
		return Preflight{}, look{}, err
	}
	for _, point := range l.points {
		if point.Missing != "" {
			p.note("%s", point.Missing)
		}
		if s.Query.quantile != nil && point.Bucket.IsSet() {
			p.note("known to its bucket, now %s: so that a limit can be decided, set it to where a bucket ends", point.Bucket)
		}
	}
	p.interpolated(s.Query.expr)
	slices.Sort(p.Notes)
	p.Notes = slices.Compact(p.Notes)

	p.Window = s.Query.Window(min(p.Spacing, s.Lookback))
	// The longest gap between observations, plus the span of one: a scraped
	// value speaks for the service until the next scrape is over, and an
	// evaluated one until the next poll.
	p.Resolution = p.Window.Width() + (p.Ahead.High - p.Ahead.Low) + 2*alignment
	took, known := s.took(ctx, clock, vector)
	if known {
		p.Resolution += took
	}
	if !s.bySample() || !known {
		p.Resolution += s.Interval
	}
	return p, l, nil
}

// took is the longest recent scrape of the series.
func (s Source) took(ctx context.Context, clock steadystate.Clock, vector model.Vector) (longest time.Duration, known bool) {
	var of []model.Metric
	for _, sample := range vector {
		of = append(of, sample.Metric)
	}
	for _, d := range s.Client.scrapes(ctx, clock, s.Timeout, of, s.Lookback) {
		longest, known = max(longest, d), true
	}
	return longest, known
}

func (p *Preflight) note(format string, args ...any) {
	p.Notes = append(p.Notes, fmt.Sprintf(format, args...))
}

// interpolated notes functions that silently interpolate within buckets.
func (p *Preflight) interpolated(expr parser.Expr) {
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		if call, ok := n.(*parser.Call); ok {
			switch name := call.Func.Name; name {
			case "histogram_fraction", "histogram_stddev", "histogram_stdvar":
				p.note("%s is interpolated within buckets, and its error is not in the values", name)
			}
		}
		return nil
	})
}
