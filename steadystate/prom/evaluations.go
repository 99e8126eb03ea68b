package prom

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/aftershockhq/aftershock/steadystate"
)

// part is the label that tells the value of an evaluation from what is said of
// the samples that it used.
const part = "aftershock_part"

// evaluations observes an expression by evaluating it again and again.
type evaluations struct {
	Source
	clock steadystate.Clock
	skew  skew
	query string
	state map[int]*presence // by instant selector
}

// presence is what is known of the series of an instant selector.
type presence struct {
	most    int           // series it has had at most
	full    time.Duration // when it last had as many, on the record's clock
	spacing time.Duration // between two scrapes; zero: not known
}

// used is what an evaluation used of an instant selector.
type used struct {
	series int
	oldest model.Time // sample
}

func newEvaluations(s Source, clock steadystate.Clock) *evaluations {
	e := &evaluations{Source: s, clock: clock, query: s.Query.withTimes(), state: map[int]*presence{}}
	for i, selector := range s.Query.selectors {
		if selector.instant() {
			e.state[i] = &presence{}
		}
	}
	return e
}

// withTimes is the query and, for each instant selector, the time of the
// oldest sample it uses and of how many series, and of a quantile the
// histograms, as one vector: so that all is of one evaluation, on one snapshot
// of the data.
func (q Query) withTimes() string {
	label := func(text, value string) string {
		return fmt.Sprintf("label_replace(%s, %q, %q, \"\", \"\")", text, part, value)
	}
	// The expression as the parser prints it: no comment swallows what follows.
	value := q.expr.String()
	if q.expr.Type() == parser.ValueTypeScalar {
		value = fmt.Sprintf("vector(%s)", value)
	}
	parts := []string{label(value, "value")}
	for i, s := range q.selectors {
		if s.instant() {
			parts = append(parts,
				label(fmt.Sprintf("min(%s)", s.times), fmt.Sprintf("oldest %d", i)),
				label(fmt.Sprintf("count(%s)", s.times), fmt.Sprintf("series %d", i)))
		}
	}
	if q.quantile != nil {
		parts = append(parts, label(q.quantile.of.String(), "bucket"))
	}
	if len(parts) == 1 {
		return q.text
	}
	return strings.Join(parts, " or ")
}

func (e *evaluations) poll(ctx context.Context, _ bool) (look, error) {
	a, err := e.Client.whole(ctx, e.clock, e.Timeout, e.query)
	l := look{during: a.Span}
	if err != nil {
		return l, err
	}
	vector, err := a.vector()
	if err != nil {
		return l, err
	}
	values, histograms, used := split(vector)
	if len(vector) > 0 {
		e.skew.read(vector[0].Timestamp, a.Span)
	}
	if len(values) == 0 {
		return l, empty(e.Query)
	}
	numbers, err := e.Reduce.apply(values)
	if err != nil {
		return l, err
	}
	e.learn(ctx)
	span := e.span(vector[0].Timestamp, a.Span, used)
	whole := slices.ContainsFunc(e.Query.selectors, selector.spread)
	for _, v := range numbers {
		o := observe(span, v)
		o.Whole = whole && o.Unknown == ""
		l.points = append(l.points, point{Observation: o})
	}
	if e.Query.quantile != nil {
		e.bound(l.points, values, e.Query.quantile.buckets(histograms))
	}
	if e.Reduce == "" || e.Reduce == Each {
		for i := range l.points {
			l.points[i].series = values[i].Metric
			l.series = append(l.series, values[i].Metric)
		}
	}
	return l, nil
}

// bound says of each point in which bucket it is: for several series together,
// what their reduction is at the lower ends of their buckets, and at the upper
// ones.
func (e *evaluations) bound(points []point, values model.Vector, in map[model.Fingerprint]steadystate.Bucket) {
	ends := func(of func(steadystate.Bucket) float64) []float64 {
		at := make(model.Vector, len(values))
		for i, v := range values {
			end := math.NaN()
			if b, known := in[v.Metric.Fingerprint()]; known {
				end = of(b)
			}
			at[i] = &model.Sample{Metric: v.Metric, Value: model.SampleValue(end)}
		}
		numbers, _ := e.Reduce.apply(at) // as it did for the values
		return numbers
	}
	low := ends(func(b steadystate.Bucket) float64 { return b.Low })
	high := ends(func(b steadystate.Bucket) float64 { return b.High })
	for i := range points {
		p := &points[i]
		switch {
		case p.Unknown != "":
		case math.IsNaN(low[i]) || math.IsNaN(high[i]):
			p.Observation = steadystate.Observation{Span: p.Span, Unknown: "the bucket of the quantile is not in the answer"}
		default:
			p.Bucket = steadystate.Bucket{Low: low[i], High: high[i]}
			p.Value = min(max(p.Value, low[i]), high[i])
		}
	}
}

// split takes the histograms, and what is said of the samples, by selector,
// out of an evaluation.
func split(vector model.Vector) (values, histograms model.Vector, of map[int]used) {
	of = map[int]used{}
	for _, sample := range vector {
		what, number, _ := strings.Cut(string(sample.Metric[part]), " ")
		if what == "bucket" {
			histograms = append(histograms, sample)
			continue
		}
		i, err := strconv.Atoi(number)
		if err != nil {
			delete(sample.Metric, part)
			values = append(values, sample)
			continue
		}
		u := of[i]
		switch what {
		case "oldest":
			u.oldest = model.Time(math.Round(float64(sample.Value) * 1000))
		case "series":
			u.series = int(sample.Value)
		}
		of[i] = u
	}
	return values, histograms, of
}

// span is what a value can speak of that was evaluated at the server's instant
// t, asked for and answered in during.
func (e *evaluations) span(t model.Time, during steadystate.Span, of map[int]used) steadystate.Span {
	at := e.skew.at(sinceEpoch(t))
	at = steadystate.Span{From: max(at.From, during.From), To: min(at.To, during.To)}
	if !at.Valid() {
		at = during // a clock was set meanwhile
	}
	span := steadystate.Span{From: at.From, To: during.From}
	for i, s := range e.Query.selectors {
		if s.instant() {
			span.From = min(span.From, e.since(i, at, of[i]))
		} else {
			span.From = min(span.From, at.From-s.back-alignment)
		}
		// A sample is dated by the start of its scrape, and its value was read
		// before the answer; with an offset, within what a scrape may take.
		to := during.To
		if s.offset > 0 {
			to = min(to, at.To-s.offset+e.Lookback)
		}
		span.To = max(span.To, to)
	}
	span.To = max(span.To, span.From)
	return span
}

// since is the earliest instant of which an instant selector's samples can
// speak, or its lack of them: that of the oldest sample, and, when series are
// missing that it had before, that of the scrapes which did not find them.
// Those began no longer ago than two scrapes last (one until the next begins,
// one for it to take), or, where the spacing is not known, than a sample is
// used for; and no longer than one scrape lasts before the evaluation that
// last found all.
func (e *evaluations) since(i int, at steadystate.Span, u used) time.Duration {
	s, p := e.Query.selectors[i], e.state[i]
	since := at.From
	if u.series > 0 {
		since = e.skew.scraped(u.oldest).From
	}
	if u.series > 0 && u.series >= p.most {
		p.most, p.full = u.series, at.From
		return since
	}
	lasts, twice := e.Lookback, e.Lookback
	if p.spacing > 0 {
		lasts, twice = min(lasts, p.spacing), min(twice, 2*p.spacing)
	}
	missing := at.From - s.back - twice - alignment
	// In a subquery some steps may have found less before.
	if p.most > 0 && s.back == s.offset {
		missing = max(missing, p.full-s.offset-lasts-alignment)
	}
	return min(since, missing)
}

// learn asks how far apart the scrapes of the instant selectors are, for those
// of which that is not known yet.
func (e *evaluations) learn(ctx context.Context) {
	for i, p := range e.state {
		if p.spacing == 0 {
			// Without an answer the bound is wider, and the next poll asks again.
			p.spacing, _ = e.scrapes(ctx, e.clock, e.Query.selectors[i])
		}
	}
}

func empty(q Query) error {
	f := &failure{
		reason: "nothing matches: the result is empty",
		next:   "check the metric's name and labels; if nothing stands for zero, add: or vector(0)",
	}
	if comparison, ok := q.expr.(*parser.BinaryExpr); ok && comparison.Op.IsComparisonOperator() && !comparison.ReturnBool {
		f.next = fmt.Sprintf("a comparison drops what does not match: write %s bool to get 0 or 1", comparison.Op)
	}
	if slices.ContainsFunc(q.selectors, func(s selector) bool { return !s.instant() }) {
		f.next += "; a rate needs two scrapes in its range"
	}
	return f
}
