package prom

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// longest is how far back a query may reach. It keeps sums of durations far from
// overflow; no run needs more.
const longest = 400 * 24 * time.Hour

// A selector is one place in a query that reads series.
type selector struct {
	vector *parser.VectorSelector
	// path holds the nodes around it, outermost first.
	path []parser.Node
	// width is the selector's own range; zero for an instant selector.
	width time.Duration
	// back is how far before the evaluation it reaches: its range and offset,
	// and those of the subqueries around it.
	back time.Duration
	// offset is the minimum age of its newest sample at the evaluation.
	offset time.Duration
	// times is, for an instant selector, a query for the times of the samples
	// that the evaluation uses, one per series: in a subquery the oldest of
	// each.
	times string
}

func (s selector) instant() bool { return s.width == 0 }

// spread reports whether it reads a stretch of time: by its own range, or by
// that of a subquery around it.
func (s selector) spread() bool { return s.back > s.offset }

// ranged is a query for the raw samples in the time d before the evaluation,
// with the selector's offset.
func (s selector) ranged(d time.Duration) string {
	return (&parser.MatrixSelector{VectorSelector: s.vector, Range: d}).String()
}

// recorded reports whether the series' name is that of a recording rule.
func (s selector) recorded() bool {
	return slices.ContainsFunc(s.vector.LabelMatchers, func(m *labels.Matcher) bool {
		return m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual && strings.Contains(m.Value, ":")
	})
}

// selectorsOf lists the selectors of an expression.
func selectorsOf(expr parser.Expr) ([]selector, error) {
	var found []selector
	return found, collect(expr, nil, &found)
}

// collect walks down from node. path holds the nodes around it, outermost first.
func collect(node parser.Node, path []parser.Node, found *[]selector) error {
	switch n := node.(type) {
	case *parser.VectorSelector:
		return add(n, 0, path, found)
	case *parser.MatrixSelector:
		v, ok := n.VectorSelector.(*parser.VectorSelector)
		if !ok || n.RangeExpr != nil {
			return computed(n)
		}
		return add(v, n.Range, path, found)
	case *parser.SubqueryExpr:
		if n.RangeExpr != nil || n.StepExpr != nil || n.OriginalOffsetExpr != nil {
			return computed(n)
		}
		if err := dated(n, n.Timestamp, n.StartOrEnd, n.OriginalOffset); err != nil {
			return err
		}
	}
	// Clipped, so that siblings do not share appended nodes.
	path = append(slices.Clip(path), node)
	for child := range parser.ChildrenIter(node) {
		if err := collect(child, path, found); err != nil {
			return err
		}
	}
	return nil
}

func add(v *parser.VectorSelector, width time.Duration, path []parser.Node, found *[]selector) error {
	var around []*parser.SubqueryExpr
	for _, n := range path {
		if sub, ok := n.(*parser.SubqueryExpr); ok {
			around = append(around, sub)
		}
	}
	if v.OriginalOffsetExpr != nil {
		return computed(v)
	}
	if v.Anchored || v.Smoothed {
		return fmt.Errorf("%s: anchored and smoothed selectors read samples outside their range", v)
	}
	if err := dated(v, v.Timestamp, v.StartOrEnd, v.OriginalOffset); err != nil {
		return err
	}
	s := selector{vector: v, path: path, width: width, offset: v.OriginalOffset}
	ranges := width
	for _, sub := range around {
		// Each is far below the largest duration, but their sum may not be.
		if max(sub.Range, sub.OriginalOffset, s.offset, ranges) > longest {
			return tooLong(v)
		}
		s.offset += sub.OriginalOffset
		ranges += sub.Range
	}
	if max(ranges, s.offset) > longest || ranges+s.offset > longest {
		return tooLong(v)
	}
	s.back = ranges + s.offset
	if s.instant() {
		s.times = timesOf(v, around)
	}
	*found = append(*found, s)
	return nil
}

// timesOf is a query for the times of the samples that an instant selector uses.
// timestamp() gives the samples' own times; a subquery around the selector
// becomes one around timestamp(), of which the oldest step counts.
func timesOf(v *parser.VectorSelector, around []*parser.SubqueryExpr) string {
	text := fmt.Sprintf("timestamp(%s)", v)
	for _, outer := range slices.Backward(around) {
		sub := *outer
		sub.Expr = &parser.ParenExpr{Expr: &parser.VectorSelector{Name: "x"}}
		// The subquery's own text, after its inner expression.
		steps := strings.TrimPrefix(sub.String(), "(x)")
		text = fmt.Sprintf("min_over_time((%s)%s)", text, steps)
	}
	return text
}

// dated refuses modifiers that evaluate anything but the time before.
func dated(n parser.Node, at *int64, startOrEnd parser.ItemType, offset time.Duration) error {
	switch {
	case at != nil || startOrEnd != 0:
		return fmt.Errorf("%s: with @ it speaks of one fixed instant: leave out the @", n)
	case offset < 0:
		return fmt.Errorf("%s: a negative offset speaks of the future: leave it out", n)
	}
	return nil
}

func computed(n parser.Node) error {
	return fmt.Errorf("%s: computed durations are not supported: write them out", n)
}

func tooLong(n parser.Node) error {
	return errors.New(brief(n.String()) + ": reaches back more than 400 days")
}
