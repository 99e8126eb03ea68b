package prom

import (
	"fmt"
	"math"
	"slices"

	"github.com/prometheus/common/model"
)

// A Reduction says how several series become observations.
type Reduction string

// The reductions. Without one, a query that yields several series is an error in
// preflight and unknown while observing.
const (
	Sum  Reduction = "sum"  // one observation: the sum of the series
	Max  Reduction = "max"  // one observation: the largest
	Min  Reduction = "min"  // one observation: the smallest
	Avg  Reduction = "avg"  // one observation: the mean
	Each Reduction = "each" // every series is an observation of its own
)

func reductions() []Reduction { return []Reduction{Sum, Max, Min, Avg, Each} }

func (r Reduction) validate() error {
	if r == "" || slices.Contains(reductions(), r) {
		return nil
	}
	return fmt.Errorf("no reduction %q: say one of %q, or none for a query that yields one series", r, reductions())
}

// apply reduces the values of one evaluation, which has at least one.
func (r Reduction) apply(v model.Vector) ([]float64, error) {
	values := make([]float64, 0, len(v))
	for _, sample := range v {
		if sample.Histogram != nil {
			return nil, &failure{
				reason: fmt.Sprintf("%s is a native histogram, not a number", sample.Metric),
				next:   "apply a function, as in histogram_quantile(0.95, ...) or histogram_fraction(0, 2, ...)",
			}
		}
		values = append(values, float64(sample.Value))
	}
	if r == "" && len(values) > 1 {
		return nil, &failure{
			reason: fmt.Sprintf("%d series, and no reduction: say reduce: sum|min|max|avg|each", len(values)),
			next:   "or aggregate in the query, as in sum(...)",
		}
	}
	total := 0.0
	for _, x := range values {
		total += x
	}
	switch r {
	case Sum:
		return []float64{total}, nil
	case Avg:
		return []float64{total / float64(len(values))}, nil
	// slices.Max and Min return NaN if any value is: with one value unknown, the
	// extreme is unknown.
	case Max:
		return []float64{slices.Max(values)}, nil
	case Min:
		return []float64{slices.Min(values)}, nil
	}
	return values, nil
}

// number says why a value cannot be judged. An infinite value comes from a
// division by zero, which is neither the service's failure nor its success, and
// JSON has no infinities.
func number(v float64) error {
	switch {
	case math.IsNaN(v):
		return &failure{
			reason: "the value is NaN",
			next:   "0 divided by 0: is there traffic?",
		}
	case math.IsInf(v, 0):
		return &failure{
			reason: fmt.Sprintf("the value is %+v", v),
			next:   "division by 0: is there traffic?",
		}
	}
	return nil
}
