package autoscaling_test

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments/autoscaling"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

func TestTheOrderOfArrivalDoesNotMatter(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, row := range trajectories {
		r := parse(t, row.script).result(t)
		want, decomposed := findings(t, r, row.limits...), autoscaling.Decompose(r)
		for range 3 {
			random.Shuffle(len(r.Events), func(i, j int) { r.Events[i], r.Events[j] = r.Events[j], r.Events[i] })
			if got := findings(t, r, row.limits...); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: in another order\n%+v, want\n%+v", row.sentence, got, want)
			}
			if got := autoscaling.Decompose(r); !reflect.DeepEqual(got, decomposed) {
				t.Errorf("%s: in another order\n%v, want\n%v", row.sentence, got, decomposed)
			}
		}
	}
}

// A wider span says less, so that it may turn a verdict to unknown, or, as a
// step can then have been before the fault or after it, another one from
// unknown; never held to broken or the other way round.
func TestToKnowAnInstantLessWellTurnsNoVerdictIntoItsOpposite(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, row := range trajectories {
		r := parse(t, row.script).result(t)
		before := map[string]steadystate.Verdict{}
		for _, f := range findings(t, r, row.limits...) {
			before[f.Limit] = f.Verdict
		}
		for range 5 {
			wide := r
			wide.Events = append([]record.Event{}, r.Events...)
			for i, e := range wide.Events {
				// As far as a slower poll would: to the event before.
				if e.Kind == record.EventChanged {
					wide.Events[i].From -= min(e.From, time.Duration(random.Int64N(int64(1500*time.Millisecond))))
				}
			}
			for _, f := range findings(t, wide, row.limits...) {
				if was := before[f.Limit]; steadystate.Worst(was, f.Verdict) == steadystate.Broken && was != f.Verdict && was != steadystate.Unknown && f.Verdict != steadystate.Unknown {
					t.Errorf("%s: %s, and it was %s", row.sentence, line(f), was)
				}
			}
		}
	}
}

func TestDecompositionsHaveNoFigureWithoutBothEnds(t *testing.T) {
	for _, row := range trajectories {
		for _, d := range autoscaling.Decompose(parse(t, row.script).result(t)) {
			for _, p := range d.Steps {
				switch {
				case p.Took == nil && p.Note == "" && p.Since == "" && p.Reached == nil:
					t.Errorf("%s: %s has no figure and no reason", row.sentence, p.Stage)
				case p.Took != nil && p.Took.Low > p.Took.High:
					t.Errorf("%s: %s took %v", row.sentence, p.Stage, *p.Took)
				case p.Reached != nil && !p.Reached.Valid():
					t.Errorf("%s: %s was reached at %v", row.sentence, p.Stage, *p.Reached)
				}
			}
		}
	}
}

// A kill during a surge has nothing to remove; its removal is recorded with the
// last.
func TestAFaultIsOverWhenWhatIsHeldIs(t *testing.T) {
	r := spiked()
	want := autoscaling.Decompose(r)
	at := steadystate.Instant(50 * time.Second)
	r.Injections = append(r.Injections, judge.InjectionResult{
		Injection: record.Injection{Index: 1, Fault: "a kill", Span: at, OneShot: true},
		Removed:   new(steadystate.Instant(120 * time.Second)),
	})
	if got := autoscaling.Decompose(r); !reflect.DeepEqual(got, want) {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
