package prom

import (
	"context"
	"fmt"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/aftershockhq/aftershock/steadystate"
)

// Holds evaluates the query once, as a condition, and returns the series for which
// it holds: those with a value other than 0, NaN included; of a comparison all that
// it leaves, as those of "up == 0". None is no error. The error says that this is
// not known.
func (s Source) Holds(ctx context.Context) (series []string, err error) {
	if err := s.validate(); err != nil {
		return nil, err
	}
	s = s.withDefaults()
	vector, _, err := s.Client.vector(ctx, steadystate.StartClock(), s.Timeout, s.Query.String())
	if err != nil {
		return nil, fmt.Errorf("ask prometheus at %s: query %q: %w", s.Client.url, s.Query, advise(err))
	}
	all := filters(s.Query.expr)
	for _, sample := range vector {
		if all || sample.Value != 0 || sample.Histogram != nil {
			series = append(series, fmt.Sprintf("%s %v", sample.Metric, sample.Value))
		}
	}
	return series, nil
}

// filters reports whether an expression leaves the series for which a comparison is
// true, with the values that they have.
func filters(expr parser.Expr) bool {
	b, ok := bare(expr).(*parser.BinaryExpr)
	switch {
	case !ok:
		return false
	case b.Op.IsComparisonOperator():
		return !b.ReturnBool && b.Type() == parser.ValueTypeVector
	case b.Op == parser.LAND || b.Op == parser.LUNLESS:
		return filters(b.LHS)
	case b.Op == parser.LOR:
		return filters(b.LHS) && filters(b.RHS)
	}
	return false
}
