package prom

import "github.com/aftershockhq/aftershock/steadystate"

// WithTimes is what is asked for when a query is evaluated.
func (q Query) WithTimes() string {
	return newEvaluations(Source{Query: q}.withDefaults(), steadystate.Clock{}).query()
}
