package judge

import "github.com/aftershockhq/aftershock/steadystate"

// settledFor is the stretch before the first injection in which the signal had
// settled: effects and baselines are of it.
func (j *judge) settledFor(string) steadystate.Span {
	return steadystate.Span{From: max(0, j.Window.From-j.plan.Settle), To: j.Window.From}
}
