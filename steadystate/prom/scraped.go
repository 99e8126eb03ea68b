package prom

import (
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
)

// targetLabels are the labels that distinguish targets of one kind.
var targetLabels = []string{model.InstanceLabel, "pod", "node", "host"}

// ofScraped reports whether the query keeps only scraped targets of the
// selector's series, by an operator around it that matches each target with its
// up, as in "and on (instance) up == 1". An up read elsewhere in the query, as
// in count(up), says nothing about this selector.
func (s selector) ofScraped() bool {
	for i, n := range s.path {
		if b, ok := n.(*parser.BinaryExpr); ok && b.VectorMatching != nil && s.matchesUp(b, i+1) {
			return true
		}
	}
	return false
}

// matchesUp reports whether an operator around the selector matches it with up,
// target by target. inside is where the path continues within the operator.
func (s selector) matchesUp(b *parser.BinaryExpr, inside int) bool {
	var operand parser.Node = s.vector
	if inside < len(s.path) {
		operand = s.path[inside]
	}
	other := b.RHS
	if operand == parser.Node(b.RHS) {
		other = b.LHS
	}
	switch {
	case b.Op == parser.MUL, b.Op == parser.LAND:
	case b.Op == parser.LUNLESS && other == b.RHS:
	default:
		return false
	}
	ups, err := selectorsOf(other)
	if err != nil {
		return false
	}
	apart := func(path []parser.Node, label string) bool {
		return !slices.ContainsFunc(path, func(n parser.Node) bool {
			a, ok := n.(*parser.AggregateExpr)
			return ok && !keeps(a, label)
		})
	}
	compared := func(n parser.Node) bool {
		c, ok := n.(*parser.BinaryExpr)
		return ok && c.Op.IsComparisonOperator() && !c.ReturnBool
	}
	return slices.ContainsFunc(targetLabels, func(label string) bool {
		m := b.VectorMatching
		return slices.Contains(m.MatchingLabels, label) == m.On && apart(s.path[inside:], label) &&
			slices.ContainsFunc(ups, func(u selector) bool {
				// A product with an up of zero is zero anyway. A set operator
				// only tests whether up exists, so it needs a comparison.
				return u.vector.Name == up.Name && apart(u.path, label) && (b.Op == parser.MUL || slices.ContainsFunc(u.path, compared))
			})
	})
}
