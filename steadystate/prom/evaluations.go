package prom

import (
	"cmp"
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

// part is the label that distinguishes an evaluation's value from the data about
// its samples.
const part = "aftershock_part"

// evaluations observes an expression by evaluating it periodically.
type evaluations struct {
	Source
	clock steadystate.Clock
	skew  skew
	state []presence // by selector
}

// presence is the known state of a selector's series.
type presence struct {
	most    int           // largest number of series that an instant one has had
	full    time.Duration // when it last had that many, on the record's clock
	spacing time.Duration // between two scrapes; zero: unknown
}

// used describes the samples that an evaluation used of an instant selector.
type used struct {
	series int
	oldest model.Time // sample
}

func newEvaluations(s Source, clock steadystate.Clock) *evaluations {
	return &evaluations{Source: s, clock: clock, state: make([]presence, len(s.Query.selectors))}
}

// query is the source's query and everything needed to interpret its value, as
// one vector, so that all of it comes from one evaluation on one snapshot of the
// data: for each instant selector, the number of its series and the time of its
// oldest sample; for a quantile, the histograms; and the census of each
// selector, unless each series is observed separately.
func (e *evaluations) query() string {
	q := e.Query
	// The expression as the parser prints it: a trailing comment would swallow
	// the text after it.
	value := func(text string) string {
		if q.expr.Type() == parser.ValueTypeScalar {
			return fmt.Sprintf("vector(%s)", text)
		}
		return text
	}
	var parts []string
	add := func(text, name string) { parts = append(parts, named(text, name)) }
	add(value(q.expr.String()), partValue)
	for i, s := range q.selectors {
		if s.instant() {
			add(fmt.Sprintf("min(%s)", s.times), numbered(partOldest, i))
			add(fmt.Sprintf("count(%s)", s.times), numbered(partSeries, i))
		}
		if !e.apart {
			parts = append(parts, s.census(i, e.state[i].spacing, e.Lookback, e.Reduce)...)
		}
	}
	switch {
	case q.quantile != nil:
		add(q.quantile.of.String(), partBucket)
		if !e.apart && slices.ContainsFunc(q.selectors, selector.counter) {
			add(e.counting(q.quantile.of, everySeries), partCountedBucket)
		}
	case !e.apart:
		for i, text := range e.births() {
			add(value(text), numbered(partCounted, i))
		}
	}
	return together(parts)
}

// spacing is the time between scrapes of the most often scraped selector. Zero:
// unknown.
func (e *evaluations) spacing() time.Duration {
	least := time.Duration(0)
	for _, p := range e.state {
		if p.spacing > 0 && (least == 0 || p.spacing < least) {
			least = p.spacing
		}
	}
	return least
}

// named labels a part of an evaluation with its name.
func named(text, name string) string {
	return fmt.Sprintf("label_replace(%s, %q, %q, \"\", \"\")", text, part, name)
}

// numbered is the name of the i-th part of a kind.
func numbered(name string, i int) string { return fmt.Sprintf("%s %d", name, i) }

// together is a query for all parts at once.
func together(parts []string) string { return strings.Join(parts, " or ") }

// The parts of an evaluation. A number follows the names of the parts of a
// selector and of the values with first ones.
const (
	partValue         = "value"
	partCounted       = "counted" // the values with the first values of newly born series
	partBucket        = "bucket"
	partCountedBucket = "counted-bucket"
	partOldest        = "oldest"
	partSeries        = "series"
)

// An evaluation is the result of one query, by part.
type evaluation struct {
	values, buckets, countedBuckets model.Vector

	counted []model.Vector // by combination of first values
	used    []used         // by selector
	census  []census       // by selector
}

// split separates the parts of one answer, for n selectors.
func split(vector model.Vector, n int) evaluation {
	found := evaluation{used: make([]used, n), census: make([]census, n)}
	for _, sample := range vector {
		what, number, _ := strings.Cut(string(sample.Metric[part]), " ")
		i, _ := strconv.Atoi(number)
		delete(sample.Metric, part)
		switch what {
		case partValue:
			found.values = append(found.values, sample)
		case partBucket:
			found.buckets = append(found.buckets, sample)
		case partCountedBucket:
			found.countedBuckets = append(found.countedBuckets, sample)
		case partCounted:
			found.counted = append(found.counted, make([]model.Vector, max(0, i+1-len(found.counted)))...)
			found.counted[i] = append(found.counted[i], sample)
		case partOldest:
			found.used[i].oldest = model.Time(math.Round(float64(sample.Value) * 1000))
		case partSeries:
			found.used[i].series = int(sample.Value)
		default:
			found.census[i].take(what, sample)
		}
	}
	return found
}

func (e *evaluations) poll(ctx context.Context, _ bool) (look, error) {
	e.learn(ctx)
	vector, a, err := e.Client.vector(ctx, e.clock, e.Timeout, e.query())
	l := look{during: a.Span}
	if err != nil {
		return l, err
	}
	if len(vector) == 0 {
		return l, empty(e.Query)
	}
	t := vector[0].Timestamp
	e.skew.read(t, a.Span)
	found := split(vector, len(e.Query.selectors))
	for i, c := range found.census {
		if c.copies > 0 {
			return l, e.copied(ctx, e.clock, e.Query.selectors[i])
		}
	}
	missing := e.missing(found)
	supplied := e.supplied(found)
	if missing != nil && (len(found.values) == 0 || e.moves() == anywhere && !supplied) {
		return l, missing
	}
	if len(found.values) == 0 {
		return l, empty(e.Query)
	}
	numbers, err := e.Reduce.apply(found.values)
	if err != nil {
		return l, err
	}
	span := e.span(t, a.Span, found.used)
	whole := slices.ContainsFunc(e.Query.selectors, selector.spread)
	for i, v := range numbers {
		o := observe(span, v)
		o.Whole = whole && o.Unknown == ""
		p := point{Observation: o}
		if e.Reduce == "" || e.Reduce == Each {
			p.series = found.values[i].Metric
			l.series = append(l.series, p.series)
		}
		l.points = append(l.points, p)
	}
	if e.Query.quantile != nil {
		e.bound(l.points, found.values, e.Query.quantile.buckets(found.buckets, found.countedBuckets))
	} else {
		e.widen(l.points, found.counted)
	}
	switch {
	case missing != nil && supplied:
		l.points = apart(l.points, missing.Error())
	case missing != nil:
		for i := range l.points {
			if o := &l.points[i].Observation; o.Unknown == "" {
				o.Bucket, o.Missing = e.moves().open(bucketOf(*o)), missing.Error()
			}
		}
	default:
		l.points = e.open(l.points, found.census)
	}
	return l, nil
}

// missing says why the value of an evaluation lacks some targets.
func (e *evaluations) missing(found evaluation) error {
	for i, c := range found.census {
		if len(found.values) == 0 {
			c.vanished = 0 // no series at all, which is reported anyway
		}
		if err := c.missing(e.Query.selectors[i]); err != nil {
			return err
		}
	}
	return nil
}

// supplied reports whether the query supplied the value, as by "or vector(0)": all that
// is missing are the targets of instant selectors, of which none is scraped.
func (e *evaluations) supplied(found evaluation) bool {
	if e.moves() != anywhere {
		return false // what more there is could only raise the value, or only lower it
	}
	away := false
	for i, c := range found.census {
		switch s := e.Query.selectors[i]; {
		case c.unscraped > 0 && s.instant() && found.used[i].series == 0:
			away = true
		case c.missing(s) != nil:
			return false
		}
	}
	return away
}

// apart makes two points of each value that the query supplied for targets that are not
// scraped: one at most the value and one at least the value. The value stands for their
// absence where that is bad, as no pod that is ready is: one of the two is bad then. None
// is ever good, as no error that was counted would be: nothing was seen.
func apart(points []point, why string) []point {
	var list []point
	for _, p := range points {
		if p.Unknown != "" {
			list = append(list, p)
			continue
		}
		p.Missing, p.Supplied = why, true
		most, least := p, p
		most.Bucket, least.Bucket = falls.open(bucketOf(p.Observation)), rises.open(bucketOf(p.Observation))
		list = append(list, most, least)
	}
	return list
}

// moves is the direction in which the values move if there is more than was
// read.
func (e *evaluations) moves() direction {
	if e.Query.quantile != nil || e.Reduce == Avg || e.Reduce == Min || e.Reduce == Each {
		return anywhere
	}
	d, _ := directionOf(e.Query.expr)
	if d == still {
		return anywhere // it reads no counters
	}
	return d
}

// bucketOf is the bucket of a value, or the value alone.
func bucketOf(o steadystate.Observation) steadystate.Bucket {
	if o.Bucket.IsSet() {
		return o.Bucket
	}
	return steadystate.Bucket{Low: o.Value, High: o.Value}
}

// widen makes buckets of values that change if the first values of newly born
// series count.
func (e *evaluations) widen(points []point, counted []model.Vector) {
	for _, combination := range counted {
		numbers, err := e.Reduce.apply(combination)
		if len(combination) == 0 || err != nil {
			continue // more series than values: each of those is not apart
		}
		for i := range points {
			p, with := &points[i], numbers[0]
			if e.Reduce == "" || e.Reduce == Each {
				at := slices.IndexFunc(combination, func(s *model.Sample) bool { return s.Metric.Equal(p.series) })
				if at < 0 {
					continue
				}
				with = numbers[at]
			}
			if p.Unknown != "" || math.IsNaN(with) || with == p.Value {
				continue
			}
			b := bucketOf(p.Observation)
			p.Bucket = steadystate.Bucket{Low: min(b.Low, with), High: max(b.High, with)}
		}
	}
}

// open opens the buckets of partial values. A value already known to a bucket is
// good only if both ends are, so it becomes two points. An infinite end cannot
// be good by its value: there the bucket alone decides.
func (e *evaluations) open(points []point, of []census) []point {
	why := ""
	for i, c := range of {
		why = cmp.Or(why, c.partial(e.Query.selectors[i]))
	}
	if why == "" {
		return points
	}
	var opened []point
	for _, p := range points {
		ends := []float64{p.Value}
		if p.Bucket.IsSet() && p.Bucket.Low < p.Bucket.High {
			ends = []float64{p.Bucket.Low, p.Bucket.High}
		}
		for _, end := range ends {
			o := p
			if o.Unknown == "" {
				o.Bucket = e.moves().open(bucketOf(o.Observation))
				if math.IsInf(end, 0) {
					o.Missing = why
				} else {
					o.Value, o.Partial = end, why
				}
			}
			opened = append(opened, o)
		}
	}
	return opened
}

// bound gives each point its bucket. For several series together, the bucket
// runs from the reduction of their lower ends to that of their upper ends.
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

// span is the time that a value may speak for. It was evaluated at the server's
// instant t, between the request and the answer in during.
func (e *evaluations) span(t model.Time, during steadystate.Span, of []used) steadystate.Span {
	at := e.skew.at(sinceEpoch(t))
	at = steadystate.Span{From: max(at.From, during.From), To: min(at.To, during.To)}
	if !at.Valid() {
		at = during // a clock was set in between
	}
	span := steadystate.Span{From: at.From, To: during.From}
	for i, s := range e.Query.selectors {
		if s.instant() {
			span.From = min(span.From, e.since(i, at, of[i]))
		} else {
			span.From = min(span.From, at.From-s.back-alignment)
		}
		// A sample is dated by the start of its scrape, and its value was read
		// before the answer; with an offset, within the longest duration of a
		// scrape.
		to := during.To
		if s.offset > 0 {
			to = min(to, at.To-s.offset+e.Lookback)
		}
		span.To = max(span.To, to)
	}
	span.To = max(span.To, span.From)
	return span
}

// since is the earliest instant that an instant selector's samples, or their
// absence, can speak for. That is the time of the oldest sample or, if series
// are missing that it had before, of the scrapes that did not find them. Those
// scrapes began at most two spacings ago (one until the next scrape begins, one
// for it to finish) or, if the spacing is unknown, as long ago as a sample
// remains in use; and at most one scrape before the evaluation that last found
// all series.
func (e *evaluations) since(i int, at steadystate.Span, u used) time.Duration {
	s, p := e.Query.selectors[i], &e.state[i]
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
	// In a subquery, some earlier steps may have found fewer.
	if p.most > 0 && s.back == s.offset {
		missing = max(missing, p.full-s.offset-lasts-alignment)
	}
	return min(since, missing)
}

// learn queries the spacing of scrapes for the selectors without a known one.
func (e *evaluations) learn(ctx context.Context) {
	for i := range e.state {
		if p := &e.state[i]; p.spacing == 0 {
			// Without an answer the bounds are wider; the next poll retries.
			p.spacing, _ = e.scrapes(ctx, e.clock, e.Query.selectors[i])
		}
	}
}

func empty(q Query) error {
	f := &failure{
		reason: "nothing matches: the result is empty",
		next:   "check the metric's name and labels; if scraped targets without series mean zero, add: or vector(0)",
	}
	if comparison, ok := q.expr.(*parser.BinaryExpr); ok && comparison.Op.IsComparisonOperator() && !comparison.ReturnBool {
		f.next = fmt.Sprintf("a comparison drops what does not match: write %s bool to get 0 or 1", comparison.Op)
	}
	if slices.ContainsFunc(q.selectors, func(s selector) bool { return !s.instant() }) {
		f.next += "; a rate needs two scrapes in its range"
	}
	return f
}
