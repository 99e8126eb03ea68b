package judge

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// An Evaluator judges the expectations of one kind.
type Evaluator interface {
	// Kind is the kind of expectation it judges.
	Kind() string
	// Validate reports an expectation that it cannot judge, such as one with a
	// limit that does not parse.
	Validate(record.Expectation) error
	// Key is the same for limits of which one replaces the other: those on one
	// quantity, whatever their values. Of a text that is no limit it is the text.
	Key(limit string) string
	// Evaluate judges an expectation by a record. It is a pure function of the
	// record: the result is complete but for the findings of expectations, the
	// proofs and the verdict. A limit without a finding has not held.
	Evaluate(record.Expectation, Result) []Finding
}

// Validate reports what is wrong with an expectation, including what its
// evaluator finds.
func Validate(x record.Expectation, evaluators []Evaluator) error {
	var errs []error
	for _, part := range []struct{ name, value string }{{"name", x.Name}, {"kind", x.Kind}, {"subject", x.Subject}} {
		if part.value == "" {
			errs = append(errs, fmt.Errorf("expectation %q: needs a %s", x.Name, part.name))
		}
	}
	if x.Kind == "" {
		return errors.Join(errs...)
	}
	if err := judged(x, evaluators, func(j Evaluator) error { return j.Validate(x) }); err != nil {
		errs = append(errs, fmt.Errorf("expectation %q: %w", x.Name, err))
	}
	return errors.Join(errs...)
}

// judged calls f with the evaluator of the expectation's kind. A missing one is
// an error: nothing else can judge the expectation.
func judged(x record.Expectation, evaluators []Evaluator, f func(Evaluator) error) error {
	kinds := []string{}
	for _, evaluator := range evaluators {
		if evaluator.Kind() == x.Kind {
			return f(evaluator)
		}
		kinds = append(kinds, fmt.Sprintf("%q", evaluator.Kind()))
	}
	return fmt.Errorf("no evaluator of the kind %q; kinds: %s", x.Kind, cmp.Or(strings.Join(kinds, ", "), "none"))
}

// override merges the limits in the map into those of the checks and expectations
// that it names, as an experiment's are merged into its checks': each replaces the
// one on the same quantity, phase and bound, and the others stay. A limit that does
// not parse is an error, and so is an unknown name.
func (j *judge) override(limits map[string][]string, evaluators []Evaluator) error {
	names := []string{}
	j.limits = map[string][]steadystate.Limit{}
	for _, c := range j.plan.Checks {
		names = append(names, fmt.Sprintf("%q", c.Name))
		j.limits[c.Name] = c.Limits
		texts, ok := limits[c.Name]
		if !ok {
			continue
		}
		list := make([]steadystate.Limit, 0, len(texts))
		for _, text := range texts {
			l, err := steadystate.ParseLimit(text)
			if err == nil {
				err = cmp.Or(l.Fits(c.Good), l.Counts(j.kindOf(c.Signal)))
			}
			if err != nil {
				return fmt.Errorf("check %q: %w", c.Name, err)
			}
			list = append(list, l)
		}
		if len(c.Limits) == 0 && len(list) > 0 && !slices.ContainsFunc(list, steadystate.Limit.BoundsOutages) {
			c.Limits = []steadystate.Limit{steadystate.Throughout()}
		}
		j.limits[c.Name] = steadystate.Merge(c.Limits, list, steadystate.Limit.Key)
	}
	for _, x := range j.plan.Expectations {
		names = append(names, fmt.Sprintf("%q", x.Name))
		if texts, ok := limits[x.Name]; ok {
			if err := judged(x, evaluators, func(evaluator Evaluator) error {
				x.Limits = steadystate.Merge(x.Limits, texts, evaluator.Key)
				return nil
			}); err != nil {
				return fmt.Errorf("expectation %q: %w", x.Name, err)
			}
			if err := Validate(x, evaluators); err != nil {
				return err
			}
		}
		j.expectations = append(j.expectations, x)
	}
	for name := range limits {
		known := func(x record.Expectation) bool { return x.Name == name }
		if _, ok := j.limits[name]; !ok && !slices.ContainsFunc(j.expectations, known) {
			return fmt.Errorf("no check %q in the record; checks: %s", name, strings.Join(names, ", "))
		}
	}
	return nil
}

// expect judges the expectations.
func (j *judge) expect(evaluators []Evaluator) {
	_, injected := j.windowStart()
	var findings []Finding
	for _, x := range j.expectations {
		var list []Finding
		err := judged(x, evaluators, func(evaluator Evaluator) error {
			if err := evaluator.Validate(x); err != nil {
				return err
			}
			if list = evaluator.Evaluate(x, j.Result); len(list) == 0 {
				return errors.New("its evaluator returned no finding")
			}
			return nil
		})
		if err != nil {
			list = []Finding{{Limit: "as expected", Reading: steadystate.Reading{Text: "not judged", Undecided: err.Error()}}}
		}
		for _, f := range list {
			f.Check, f.Signal = x.Name, x.Subject
			if !injected {
				f.Reading = notJudged()
			}
			findings = append(findings, f)
		}
	}
	j.Findings = append(j.Findings, findings...)
}

// A TimeSeries is a signal over time in at most 4,096 samples: a second reading
// of an expectation's subject, by an instrument that the subject does not
// control.
type TimeSeries struct {
	Signal  string
	Samples []Sample // in the order of time
}

// A Sample is the range of a signal's values in a span.
type Sample struct {
	steadystate.Span
	steadystate.Bounds[float64]
	// Unknown: the value is unknown for part of the span.
	Unknown bool
}

// maxSamples bounds a time series. A longer one is halved in resolution.
const maxSamples = 4096

// add takes an observation, in order of time.
func (c *TimeSeries) add(o steadystate.Observation) {
	s := Sample{Span: o.Span, Unknown: o.Unknown != "" || o.Failed != ""}
	if !s.Unknown {
		s.Bounds = o.Bounds()
	}
	if c.Samples = append(c.Samples, s); len(c.Samples) < maxSamples {
		return
	}
	half := c.Samples[:0]
	for i := 0; i < len(c.Samples); i += 2 {
		half = append(half, c.Samples[i].with(c.Samples[i+1]))
	}
	c.Samples = half
}

// with merges two samples.
func (s Sample) with(o Sample) Sample {
	return Sample{
		Span:    steadystate.Span{From: min(s.From, o.From), To: max(s.To, o.To)},
		Bounds:  steadystate.Bounds[float64]{Low: min(s.Low, o.Low), High: max(s.High, o.High)},
		Unknown: s.Unknown || o.Unknown,
	}
}

// newTimeSeries follows the signals that expectations name.
func (j *judge) newTimeSeries() {
	j.timeSeries = map[string]*TimeSeries{}
	for _, x := range j.expectations {
		if x.Signal == "" {
			continue
		}
		c := &TimeSeries{Signal: x.Signal}
		j.timeSeries[x.Subject] = c
		o := j.buffer(x.Signal)
		o.next = append(o.next, c.add)
	}
}

func (j *judge) concludeTimeSeries() {
	if len(j.timeSeries) > 0 {
		j.TimeSeries = map[string]TimeSeries{}
	}
	for subject, c := range j.timeSeries {
		j.TimeSeries[subject] = *c
	}
}
