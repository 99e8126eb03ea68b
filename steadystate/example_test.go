package steadystate_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A service that is polled each second was down for two polls. When it went down
// and came back, between two of them, is known to a second.
func Example() {
	check := steadystate.Check{
		Name:   "shop answers",
		Signal: "up",
		Good:   steadystate.AtLeast(1),
		Limits: steadystate.Limits("downtime <= 2s", "downtime <= 5s", "outages <= 0"),
	}
	whole := steadystate.Span{To: 11 * time.Second}
	fold := steadystate.NewFold(check.Good, steadystate.Rule{Settle: 3 * time.Second}, whole, whole)
	for i, up := range []float64{1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1} {
		fold.Add(steadystate.Observation{Span: steadystate.Instant(time.Duration(i) * time.Second), Value: up})
	}
	figures := fold.Figures()[0]
	for _, o := range figures.Outages {
		fmt.Println("from", o.Start, "to", o.End, "-", steadystate.FormatLengths(o.Length()))
	}
	for _, limit := range check.Limits {
		reading := limit.Judge(figures)
		fmt.Printf("%s: %s, seen %s\n", limit, reading.Verdict, reading.Text)
	}
	// Output:
	// from 3.000s..4.000s to 5.000s..6.000s - 1s to 3s
	// downtime <= 2s: unknown, seen 1s to 3s
	// downtime <= 5s: held, seen 1s to 3s
	// outages <= 0: broken, seen 1
}

// A source of one's own polls until its context ends. A value was true at some
// instant between the question and the answer. No answer is no observation of
// the service: it is unknown, with the reason.
func ExampleSource() {
	ctx, cancel := context.WithCancel(context.Background())
	lengths := []float64{3, 40, -1, 5}
	ask := func(context.Context) (float64, error) { // of a queue, say
		length := lengths[0]
		if lengths = lengths[1:]; len(lengths) == 0 {
			cancel()
		}
		if length < 0 {
			return 0, errors.New("connection refused")
		}
		return length, nil
	}
	var source steadystate.Source = steadystate.SourceFunc(func(ctx context.Context, clock steadystate.Clock, observe func(steadystate.Observation)) error {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			o := steadystate.Observation{Span: steadystate.Instant(clock.Now())}
			length, err := ask(ctx)
			if o.To, o.Value = clock.Now(), length; err != nil {
				o.Unknown = err.Error()
			}
			observe(o)
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
		}
	})

	hypothesis := steadystate.Hypothesis{
		Signals: []steadystate.Signal{{Name: "queue", Source: source, Describe: "orders that wait"}},
		Checks:  []steadystate.Check{{Name: "queue is short", Signal: "queue", Good: steadystate.AtMost(10), Limits: steadystate.Limits("max <= 100")}},
	}
	// As a run does it.
	good := hypothesis.Checks[0].Good
	err := source.Observe(ctx, steadystate.StartClock(), func(o steadystate.Observation) {
		fmt.Printf("%v: good %t, bad %t, unknown %q\n", o.Value, o.Good(good), o.Bad(good), o.Unknown)
	})
	fmt.Println(err)
	// Output:
	// 3: good true, bad false, unknown ""
	// 40: good false, bad true, unknown ""
	// 0: good false, bad false, unknown "connection refused"
	// 5: good true, bad false, unknown ""
	// <nil>
}
