package prom

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sort"
	"strconv"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A quantile is an outermost histogram_quantile. Its value is interpolated
// within a bucket, on an assumption about the observations in it; only the
// bucket is known.
type quantile struct {
	share float64     // below it
	of    parser.Expr // the histograms
}

// quantileOf is the quantile of an expression, if it is one. A quantile within
// another expression is refused: the error of the whole is unknown.
func quantileOf(expr parser.Expr) (*quantile, error) {
	expr = bare(expr)
	var q *quantile
	if call, ok := expr.(*parser.Call); ok && isQuantile(call) {
		share, ok := bare(call.Args[0]).(*parser.NumberLiteral)
		if !ok || math.IsNaN(share.Val) || share.Val < 0 || share.Val > 1 {
			return nil, fmt.Errorf("histogram_quantile(%s, ...): the bucket of the quantile is not known: write it out as a number from 0 to 1, as in 0.95", call.Args[0])
		}
		q = &quantile{share: share.Val, of: call.Args[1]}
		expr = q.of
	}
	nested := false
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		call, ok := n.(*parser.Call)
		nested = nested || (ok && isQuantile(call))
		return nil
	})
	if nested {
		return nil, errors.New("histogram_quantile is known to its bucket only, and within another expression the error is unknown: put histogram_quantile outermost, and say the rest with the check's tolerance and reduce")
	}
	return q, nil
}

func isQuantile(call *parser.Call) bool { return call.Func.Name == "histogram_quantile" }

// bare is the expression without the parentheses around it.
func bare(expr parser.Expr) parser.Expr {
	for {
		paren, ok := expr.(*parser.ParenExpr)
		if !ok {
			return expr
		}
		expr = paren.Expr
	}
}

// noise is the share of the total by which equal counts may differ: rates are
// sums of rounded numbers. Prometheus has the same tolerance.
const noise = 1e-12

// buckets finds, in the histograms of one evaluation, the bucket that contains
// each quantile, by the labels that histogram_quantile keeps. A quantile without
// a certain bucket has no entry. counted are the histograms including the first
// counts of newly born ones, any part of which may belong to the quantile.
func (q quantile) buckets(histograms, counted model.Vector) map[model.Fingerprint]steadystate.Bucket {
	found := map[model.Fingerprint]steadystate.Bucket{}
	for _, sample := range histograms {
		if sample.Histogram == nil {
			continue
		}
		if b, ok := q.ofNative(sample.Histogram); ok {
			labels := sample.Metric.Clone()
			delete(labels, model.MetricNameLabel)
			found[labels.Fingerprint()] = b
		}
	}
	with := classic(counted)
	for of, bounds := range classic(histograms) {
		if b, ok := q.ofClassic(bounds, with[of]); ok {
			found[of] = b
		}
	}
	return found
}

// A cumulative is a classic histogram: the number of observations up to le, by
// le.
type cumulative map[float64]float64

// classic are the classic histograms by the labels that histogram_quantile
// keeps.
func classic(vector model.Vector) map[model.Fingerprint]cumulative {
	found := map[model.Fingerprint]cumulative{}
	for _, sample := range vector {
		le, err := strconv.ParseFloat(string(sample.Metric[model.BucketLabel]), 64)
		if err != nil || math.IsNaN(le) || sample.Histogram != nil {
			continue // the server warns about it
		}
		labels := sample.Metric.Clone()
		delete(labels, model.MetricNameLabel)
		delete(labels, model.BucketLabel)
		of := labels.Fingerprint()
		if found[of] == nil {
			found[of] = cumulative{}
		}
		found[of][le] += float64(sample.Value) // "1" and "1.0"
	}
	return found
}

// ofClassic finds the bucket in a classic histogram. Cumulative counts can only
// rise; a histogram in which they fall was scraped or added up in parts. The
// counts that are too high and those that are too low give one answer each, and
// both may be true.
//
// The additional counts of with come from newly born histograms, at an unknown
// time, so any part of them may belong to the quantile. The quantile is lowest
// if only the fast ones count: all of them lie below the bound. It is highest if
// only the slow ones count: all of them lie above it.
func (q quantile) ofClassic(is, with cumulative) (steadystate.Bucket, bool) {
	les := slices.Sorted(maps.Keys(is))
	last := len(les) - 1
	if last < 1 || !math.IsInf(les[last], 1) {
		return steadystate.Bucket{}, false
	}
	high, born := make([]float64, len(les)), make([]float64, len(les))
	for i, le := range les {
		if high[i] = is[le]; math.IsNaN(high[i]) || high[i] < 0 {
			return steadystate.Bucket{}, false
		}
		born[i] = max(0, with[le]-high[i])
	}
	low := slices.Clone(high)
	for i := 1; i < len(les); i++ {
		high[i], born[i] = max(high[i], high[i-1]), max(born[i], born[i-1])
	}
	for i := last - 1; i >= 0; i-- {
		low[i] = min(low[i], low[i+1])
	}
	least, ok := q.find(len(les), func(i int) (float64, float64) { return high[i] + born[i], high[last] + born[i] })
	most, okToo := q.find(len(les), func(i int) (float64, float64) { return low[i], low[last] + born[last] - born[i] })
	if !ok || !okToo {
		return steadystate.Bucket{}, false
	}
	least, most = min(least, most), max(least, most)
	from := math.Inf(-1)
	if least > 0 {
		from = math.Nextafter(les[least-1], math.Inf(1)) // a bucket does not hold its lower end
	}
	return between(from, les[most]), true
}

// ofNative finds the bucket in a native histogram, which lists its populated
// buckets in ascending order.
func (q quantile) ofNative(h *model.SampleHistogram) (steadystate.Bucket, bool) {
	var upTo []float64
	total := 0.0
	for _, b := range h.Buckets {
		if math.IsNaN(float64(b.Count)) || b.Count < 0 {
			return steadystate.Bucket{}, false
		}
		total += float64(b.Count)
		upTo = append(upTo, total)
	}
	// NaN observations are in the count but in no bucket.
	i, ok := q.find(len(upTo), func(i int) (float64, float64) { return upTo[i], float64(h.Count) })
	if !ok {
		return steadystate.Bucket{}, false
	}
	b := h.Buckets[i]
	low, high := float64(b.Lower), float64(b.Upper)
	// 0: the upper end is included, 1: the lower, 2: neither, 3: both.
	if b.Boundaries == 0 || b.Boundaries == 2 {
		low = math.Nextafter(low, math.Inf(1))
	}
	if b.Boundaries == 1 || b.Boundaries == 2 {
		high = math.Nextafter(high, math.Inf(-1))
	}
	if math.IsInf(float64(b.Lower), -1) {
		low = math.Inf(-1) // what comes next is the least finite number
	}
	return between(low, high), true
}

// find is the bucket that holds the quantile by nearest rank: the first
// non-empty one whose cumulative count reaches the share of the total.
func (q quantile) find(n int, upTo func(i int) (count, total float64)) (int, bool) {
	i := sort.Search(n, func(i int) bool {
		count, total := upTo(i)
		return count > 0 && count >= q.share*total-noise*total
	})
	return i, i < n
}

// between is a bucket. As Prometheus does, it assumes no value below zero if the
// lowest bucket ends above zero.
func between(low, high float64) steadystate.Bucket {
	if math.IsInf(low, -1) && high > 0 {
		low = 0
	}
	return steadystate.Bucket{Low: low, High: high}
}
