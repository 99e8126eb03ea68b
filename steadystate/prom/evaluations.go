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

// part is the label that tells the value of an evaluation from the ages of
// the samples that it used.
const part = "aftershock_part"

// evaluations observes an expression by evaluating it again and again.
type evaluations struct {
	Source
	clock steadystate.Clock
	skew  skew
	query string
	// used is when each instant selector last had a sample, on the record's
	// clock.
	used map[int]time.Duration
	// spacing is how far apart the scrapes of each instant selector are.
	spacing map[int]time.Duration
}

func newEvaluations(s Source, clock steadystate.Clock) *evaluations {
	return &evaluations{
		Source:  s,
		clock:   clock,
		query:   s.Query.withAges(),
		used:    map[int]time.Duration{},
		spacing: map[int]time.Duration{},
	}
}

// withAges is the query and, for each instant selector, the time of the oldest
// sample it uses, as one vector: so that both are of one evaluation, on one
// snapshot of the data.
func (q Query) withAges() string {
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
			parts = append(parts, label(s.age, strconv.Itoa(i)))
		}
	}
	if len(parts) == 1 {
		return q.text
	}
	return strings.Join(parts, " or ")
}

func (e *evaluations) poll(ctx context.Context) ([]steadystate.Observation, steadystate.Span, error) {
	a, err := e.Client.whole(ctx, e.clock, e.Timeout, e.query)
	if err != nil {
		return nil, a.Span, err
	}
	vector, err := a.vector()
	if err != nil {
		return nil, a.Span, err
	}
	values, ages := split(vector)
	if len(vector) > 0 {
		e.skew.read(vector[0].Timestamp, a.Span)
	}
	if len(values) == 0 {
		return nil, a.Span, empty(e.Query)
	}
	numbers, err := e.Reduce.apply(values)
	if err != nil {
		return nil, a.Span, err
	}
	e.learn(ctx)
	span := e.span(vector[0].Timestamp, a.Span, ages)
	observations := make([]steadystate.Observation, 0, len(numbers))
	for _, v := range numbers {
		observations = append(observations, observe(span, v))
	}
	return observations, a.Span, nil
}

// split takes the ages of samples, in seconds since 1970 by selector, out of
// an evaluation.
func split(vector model.Vector) (values model.Vector, ages map[int]model.SampleValue) {
	ages = map[int]model.SampleValue{}
	for _, sample := range vector {
		if i, err := strconv.Atoi(string(sample.Metric[part])); err == nil {
			ages[i] = sample.Value
			continue
		}
		delete(sample.Metric, part)
		values = append(values, sample)
	}
	return values, ages
}

// span is what a value can speak of that was evaluated at the server's instant
// t, asked for and answered in during.
func (e *evaluations) span(t model.Time, during steadystate.Span, ages map[int]model.SampleValue) steadystate.Span {
	at := e.skew.at(sinceEpoch(t))
	at = steadystate.Span{From: max(at.From, during.From), To: min(at.To, during.To)}
	if !at.Valid() {
		at = during // a clock was set meanwhile
	}
	span := steadystate.Span{From: at.From, To: during.From}
	for i, s := range e.Query.selectors {
		from := at.From - s.back - alignment
		if s.instant() {
			if age, ok := ages[i]; ok {
				from = e.skew.scraped(model.Time(math.Round(float64(age) * 1000))).From
				e.used[i] = at.From
			} else {
				from = e.nothing(i, at)
			}
		}
		span.From = min(span.From, from)
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

// nothing is since when selector i may have had no sample, when it has none
// at an evaluation: had it been scraped with one, that would have been within
// the time of two scrapes (one to the next, one for it to take), or, where
// the spacing is not known, within as long as a sample is used for. It had one
// at the last evaluation that used one.
func (e *evaluations) nothing(i int, at steadystate.Span) time.Duration {
	s := e.Query.selectors[i]
	back := e.Lookback
	if spacing := e.spacing[i]; spacing > 0 {
		back = min(back, 2*spacing)
	}
	since := at.From - s.back - back
	// In a subquery some steps may have had none before.
	if used, ok := e.used[i]; ok && s.back == s.offset {
		since = max(since, used-s.offset)
	}
	return since
}

// learn asks how far apart the scrapes of the instant selectors are, for those
// that have had none yet.
func (e *evaluations) learn(ctx context.Context) {
	for i, s := range e.Query.selectors {
		if s.instant() && e.spacing[i] == 0 {
			// Without an answer the bound is wider, and the next poll asks again.
			e.spacing[i], _ = e.scrapes(ctx, e.clock, s)
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
