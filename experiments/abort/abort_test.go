package abort_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/abort"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

const (
	s  = time.Second
	ms = time.Millisecond
)

// observed is what a signal shows every 100 ms, at a time since the run began.
// Nothing is observed where it is nil.
type observed func(at time.Duration) *steadystate.Observation

func (f observed) Observe(ctx context.Context, clock steadystate.Clock, each func(steadystate.Observation)) error {
	for experiments.Wait(ctx, 100*ms) == nil {
		if o := f(clock.Now()); o != nil {
			o.Span = steadystate.Span{From: clock.Now() - 10*ms, To: clock.Now()}
			each(*o)
		}
	}
	return nil
}

// value is v, but in the span, where it is 0.
func value(v float64, from, to time.Duration) observed {
	return func(at time.Duration) *steadystate.Observation {
		if at >= from && at < to {
			return &steadystate.Observation{}
		}
		return &steadystate.Observation{Value: v}
	}
}

func within(from, to time.Duration, o *steadystate.Observation) observed {
	return func(at time.Duration) *steadystate.Observation {
		if at >= from && at < to {
			return o
		}
		return &steadystate.Observation{Value: 1}
	}
}

// The service settles for 5 s, so that the fault is injected between 5 s and 6 s,
// and is held for 30 s.
func TestARunThatGoesTooFarIsAborted(t *testing.T) {
	for _, row := range []struct {
		sentence  string
		signal    observed
		condition abort.Condition
		blind     time.Duration
		undone    time.Duration // zero: nothing was injected
		reason    string
		detail    string
		verdict   steadystate.Verdict
	}{
		{"all is well", value(1, 0, 0), abort.Condition{}, 0, 35 * s, record.Completed, "", steadystate.Unknown},
		{"the first bad observation", value(1, 12*s, 13*s), abort.Condition{}, 0, 12 * s, record.Aborted, `abort condition "up": orders must be >= 1, seen 0 at`, steadystate.Broken},
		{"one that failed", within(12*s, 13*s, &steadystate.Observation{Failed: "503"}), abort.Condition{}, 0, 12 * s, record.Aborted, `orders must be >= 1, seen 503 at`, steadystate.Broken},
		{"not one that is shorter than it may be", value(1, 12*s, 14*s), abort.Condition{For: 3 * s}, 0, 35 * s, record.Completed, "", steadystate.Unknown},
		{"one that is longer", value(1, 12*s, 20*s), abort.Condition{For: 3 * s}, 0, 15 * s, record.Aborted, "and nothing better for 3s", steadystate.Broken},
		{"met already before the fault", value(1, 2*s, time.Hour), abort.Condition{}, 0, 0, record.Refused, "before the fault was injected", steadystate.Unknown},
		{"after the faults are undone nothing is aborted", value(1, 37*s, 38*s), abort.Condition{}, 0, 35 * s, record.Completed, "", steadystate.Unknown},
		{"blind", within(12*s, time.Hour, nil), abort.Condition{}, 0, 22 * s, record.Blind, `abort condition "up": orders was not observed for 10`, steadystate.Unknown},
		{"blind, and why", within(12*s, time.Hour, &steadystate.Observation{Unknown: "connection refused"}), abort.Condition{}, 3 * s, 15 * s, record.Blind, ": connection refused", steadystate.Unknown},
		{"not so blind", within(12*s, 20*s, nil), abort.Condition{}, 0, 35 * s, record.Completed, "", steadystate.Unknown},
		{"blind before the fault", within(0, time.Hour, nil), abort.Condition{}, 3 * s, 0, record.Blind, "orders was not observed for", steadystate.Unknown},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				row.condition.Name, row.condition.Signal, row.condition.Good = "up", "orders", steadystate.AtLeast(1)
				conditions := &abort.Conditions{Unless: []abort.Condition{row.condition}, Blind: row.blind}
				start, undone, injected := time.Now(), time.Duration(0), false
				e := experiments.Experiment{
					Name: "e",
					Hypothesis: steadystate.Hypothesis{
						Signals: []steadystate.Signal{{Name: "orders", Source: row.signal}, {Name: "steady", Source: value(1, 0, 0)}},
						Checks:  []steadystate.Check{{Name: "steady", Signal: "steady", Good: steadystate.AtLeast(1)}},
					},
					Traffic: "traffic",
					Faults: []experiments.Scheduled{{Fault: experiments.FaultFunc{
						Text: "break", Targets: []record.Target{{Name: "a"}}, Effects: []record.Effect{{Event: record.EventGone}},
						Do: func(context.Context, *record.Recorder) error { injected = true; return nil },
						Undo: func(context.Context, *record.Recorder) error {
							if injected && undone == 0 {
								undone = time.Since(start)
							}
							return nil
						},
					}}},
					Safeguards: []experiments.Safeguard{conditions},
					Settle:     5 * s, Hold: 30 * s, Watch: 10 * s,
				}
				for range 2 { // it can be used again
					start, undone, injected = time.Now(), 0, false
					var file bytes.Buffer
					err := e.Run(t.Context(), record.NewRecorder(&file))
					if (err == nil) != (row.reason == record.Completed) {
						t.Errorf("error %v", err)
					}
					result, err := judge.Judge(record.Read(&file), nil)
					if err != nil {
						t.Fatal(err)
					}
					if result.End.Reason != row.reason || !strings.Contains(result.End.Detail, row.detail) {
						t.Errorf("ended %+v, want %s: %s", result.End, row.reason, row.detail)
					}
					if result.Verdict != row.verdict {
						t.Errorf("%s: %s; want %s", result.Verdict, result.Reason, row.verdict)
					}
					if late := undone - row.undone; late < 0 || late > s || (row.undone == 0) != (undone == 0) {
						t.Errorf("undone at %s, want %s or at most a second later", undone, row.undone)
					}
					met := 0
					for _, event := range result.Events {
						if event.Kind == record.EventAborting && event.Subject == "abort/up" && event.From > 11*s && event.From < 16*s {
							met++
						}
					}
					if (met == 1) != (row.reason == record.Aborted) {
						t.Errorf("events %+v", result.Events)
					}
				}
			})
		})
	}
}

func TestConditionsThatSayTooLittleAreRefused(t *testing.T) {
	good := abort.Condition{Name: "up", Signal: "orders", Good: steadystate.AtLeast(1)}
	for _, row := range []struct {
		of   abort.Conditions
		want string
	}{
		{abort.Conditions{Unless: []abort.Condition{good}}, ""},
		{abort.Conditions{Unless: []abort.Condition{good, good}}, `abort condition "up" is there twice`},
		{abort.Conditions{Unless: []abort.Condition{{Signal: "orders", Good: good.Good}}}, "abort condition 1 needs a name"},
		{abort.Conditions{Unless: []abort.Condition{{Name: "up"}}}, "needs a signal, what is good"},
		{abort.Conditions{Unless: []abort.Condition{good}, Blind: -1}, "blind -1ns is below zero"},
	} {
		if err := row.of.Validate(); (row.want == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), row.want)) {
			t.Errorf("%v, want %q", err, row.want)
		}
	}
}
