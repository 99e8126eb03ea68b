package prom

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A quantile is what an outermost histogram_quantile asks for. Its value is
// interpolated within a bucket, by an assumption about what is in it; all that
// is known is the bucket.
type quantile struct {
	share float64     // below it
	of    parser.Expr // the histograms
}

// quantileOf is the quantile that an expression is, if it is one. One that is
// part of something else is refused: how far off the whole is by it cannot be
// told.
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

// noise is by how much, of the total, counts that are equal may differ: rates
// are sums of rounded numbers. Prometheus allows for as much.
const noise = 1e-12

// buckets finds, in the histograms of one evaluation, the bucket that each
// one's quantile lies in, by the labels that histogram_quantile leaves. Where
// it cannot be told there is none.
func (q quantile) buckets(histograms model.Vector) map[model.Fingerprint]steadystate.Bucket {
	found := map[model.Fingerprint]steadystate.Bucket{}
	classic := map[model.Fingerprint][]bound{}
	for _, sample := range histograms {
		labels := sample.Metric.Clone()
		delete(labels, part)
		delete(labels, model.MetricNameLabel)
		if sample.Histogram != nil {
			if b, ok := q.ofNative(sample.Histogram); ok {
				found[labels.Fingerprint()] = b
			}
			continue
		}
		le, err := strconv.ParseFloat(string(labels[model.BucketLabel]), 64)
		if err != nil || math.IsNaN(le) {
			continue // the server warns of it
		}
		delete(labels, model.BucketLabel)
		of := labels.Fingerprint()
		classic[of] = append(classic[of], bound{le, float64(sample.Value)})
	}
	for of, bounds := range classic {
		if b, ok := q.ofClassic(bounds); ok {
			found[of] = b
		}
	}
	return found
}

// A bound of a classic histogram: how many observations are at most le.
type bound struct{ le, count float64 }

// ofClassic finds the bucket in a classic histogram. One whose counts fall
// where they can only rise was scraped or added up in parts: the counts too
// high and those too low give one answer each, and both may be true.
func (q quantile) ofClassic(bounds []bound) (steadystate.Bucket, bool) {
	slices.SortFunc(bounds, func(a, b bound) int { return cmp.Compare(a.le, b.le) })
	var les, high []float64
	for i, b := range bounds {
		if math.IsNaN(b.count) || b.count < 0 {
			return steadystate.Bucket{}, false
		}
		if i > 0 && b.le == bounds[i-1].le { // "1" and "1.0"
			high[len(high)-1] += b.count
			continue
		}
		les, high = append(les, b.le), append(high, b.count)
	}
	if len(les) < 2 || !math.IsInf(les[len(les)-1], 1) {
		return steadystate.Bucket{}, false
	}
	low := slices.Clone(high)
	for i := 1; i < len(high); i++ {
		high[i] = max(high[i], high[i-1])
	}
	for i := len(low) - 2; i >= 0; i-- {
		low[i] = min(low[i], low[i+1])
	}
	least, ok := q.find(high, high[len(high)-1])
	most, okToo := q.find(low, low[len(low)-1])
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

// ofNative finds the bucket in a native histogram, whose populated buckets are
// given in ascending order.
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
	// Observations that are not a number are in the count and in no bucket.
	i, ok := q.find(upTo, float64(h.Count))
	if !ok {
		return steadystate.Bucket{}, false
	}
	b := h.Buckets[i]
	low, high := float64(b.Lower), float64(b.Upper)
	// 0: the upper end belongs to it, 1: the lower, 2: neither, 3: both.
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

// find is the bucket that holds the quantile by the nearest rank: the first
// one, that is not empty, up to which there are as many as the share says.
func (q quantile) find(upTo []float64, total float64) (int, bool) {
	if math.IsNaN(total) || math.IsInf(total, 0) || total <= 0 {
		return 0, false
	}
	rank := q.share * total
	i := sort.Search(len(upTo), func(i int) bool { return upTo[i] > 0 && upTo[i] >= rank-noise*total })
	return i, i < len(upTo)
}

// between is a bucket. As Prometheus does, it takes it that nothing is below
// zero where the lowest bucket ends above it.
func between(low, high float64) steadystate.Bucket {
	if math.IsInf(low, -1) && high > 0 {
		low = 0
	}
	return steadystate.Bucket{Low: low, High: high}
}
