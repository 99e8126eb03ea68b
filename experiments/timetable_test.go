package experiments

import (
	"bytes"
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// brief is a fault whose watch needs what its undoing takes away.
type brief struct {
	t      *testing.T
	placed atomic.Bool
	undone atomic.Int32
}

func (*brief) String() string { return "a brief fault" }

func (f *brief) Inject(_ context.Context, rec *record.Recorder) (record.Injection, error) {
	f.placed.Store(true)
	return record.Injection{Span: steadystate.Instant(rec.Clock().Now())}, nil
}

func (f *brief) Watch(ctx context.Context, _ *record.Recorder) string {
	if !f.placed.Load() {
		f.t.Error("it was watched after it was undone")
	}
	<-ctx.Done()
	return ""
}

func (f *brief) Recover(_ context.Context, rec *record.Recorder) (steadystate.Span, error) {
	f.placed.Store(false)
	f.undone.Add(1)
	return steadystate.Instant(rec.Clock().Now()), nil
}

// A fault may be undone as soon as it is in place, however short it is held.
func TestABriefFaultIsNotWatchedOnceItIsUndone(t *testing.T) {
	for range 300 {
		for _, hold := range []time.Duration{1, time.Microsecond, 100 * time.Microsecond} {
			f := &brief{t: t}
			rec := record.NewRecorder(&bytes.Buffer{})
			r := &run{Experiment: Experiment{Faults: []Scheduled{{Fault: f, For: hold}}}.withDefaults(), rec: rec}
			plan := r.Plan()
			plan.Name, plan.Checks = "brief", []steadystate.Check{{Name: "up", Signal: "up", Good: steadystate.AtLeast(1)}}
			if err := rec.Begin(plan); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond) // what begins with the record is not dated
			ctx, fail := context.WithCancelCause(t.Context())
			timetable := newTimetable(ctx, r, fail)
			if reason, err := timetable.inject(ctx, 0); reason != "" || err != nil {
				t.Fatal(reason, err)
			}
			if err := timetable.end(ctx); err != nil {
				t.Fatal(err)
			}
			if cause := context.Cause(ctx); cause != nil {
				t.Fatal(cause)
			}
			if n := f.undone.Load(); n != 1 {
				t.Fatalf("undone %d times", n)
			}
			fail(nil)
		}
	}
}
