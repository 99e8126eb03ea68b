// Package steadystate answers two questions about a service: is it steady, and
// for how long was it not?
//
// An observation never shows an exact instant. A request speaks of some
// instant between being sent and being answered, a rate of some instant in its
// range, a watch event of some instant since the last proof of life. So an
// [Observation] carries a [Span], every figure derived from observations
// carries [Bounds] that contain the true value, and every comparison has three
// outcomes: held, broken, and unknown when the bounds straddle the limit.
//
//	check := steadystate.Check{
//		Name:   "shop answers",
//		Signal: "requests",
//		Good:   steadystate.Within(2 * time.Second),
//		Limits: []steadystate.Limit{steadystate.MustParseLimit("downtime <= 2s")},
//	}
//	fold := steadystate.NewFold(check.Good, steadystate.Rule{Settle: 10 * time.Second}, record, window)
//	for _, o := range observations { // in order
//		fold.Add(o)
//	}
//	reading := check.Limits[0].Judge(fold.Figures()[0]) // Held, Broken or Unknown
//
// Times are offsets from the start of a record, on its monotonic clock: they
// compare and subtract like numbers, and a record read back is identical to
// the one that was judged live. A [Clock] turns wall-clock times into offsets.
//
// The package imports the standard library only, does no I/O and reads no
// clock of its own.
package steadystate
