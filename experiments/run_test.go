package experiments_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

const (
	s  = time.Second
	ms = time.Millisecond
)

// world is a service of three instances in a synctest bubble, with a load and
// a fault that know each other.
type world struct {
	down       atomic.Bool   // instance b
	back       time.Duration // how long a killed one stays away
	rate       int
	unanswered func(at time.Duration) string // why a request fails whatever happens
	silent     bool                          // answers do not say who gave them
	stall      record.Request                // no requests are sent between Planned and Sent
	lag        time.Duration                 // by how much the answer to a request in flight at the stall is read late
	noEffect   bool
	reason     string
	injectErr  error
	recoverErr error
	panics     bool
	injected   int
	recovered  int
}

func (w *world) String() string { return "kill one" }

func (w *world) Inject(ctx context.Context, rec *record.Recorder) (record.Injection, error) {
	w.injected++
	from := rec.Clock().Now()
	if w.panics {
		panic("fault has a bug")
	}
	if w.injectErr != nil || w.reason != "" {
		return record.Injection{Span: steadystate.Instant(from), FailureReason: w.reason}, w.injectErr
	}
	time.Sleep(20 * ms)
	w.down.Store(true)
	time.AfterFunc(w.back, func() { w.down.Store(false) })
	span := steadystate.Span{From: from, To: rec.Clock().Now()}
	if !w.noEffect {
		rec.Event(record.Event{Span: span, Kind: record.EventGone, Subject: "pod/b", UID: "uid-b"})
	}
	return record.Injection{
		Targets: []record.Target{{Name: "b", UID: "uid-b"}},
		Span:    span,
		Effects: []record.Effect{{Event: record.EventGone}},
	}, nil
}

func (w *world) Recover(ctx context.Context, rec *record.Recorder) (steadystate.Span, error) {
	w.recovered++
	if ctx.Err() != nil {
		return steadystate.Span{}, errors.New("undo was called on a context that has ended")
	}
	return steadystate.Instant(rec.Clock().Now()), w.recoverErr
}

// Drive sends one request each interval to the instances in turn.
func (w *world) Drive(ctx context.Context, clock steadystate.Clock, each func(record.Request)) error {
	interval := time.Second / time.Duration(w.rate)
	tick := time.NewTicker(interval)
	defer tick.Stop()
	var seq uint64
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := clock.Now()
		q := record.Request{Seq: seq, Planned: now, Sent: now}
		if w.stall.Planned < now && now < w.stall.Sent {
			q.Sent = w.stall.Sent
		}
		q.Answered = q.Sent + 2*ms
		if w.lag > 0 && now > w.stall.Planned-30*ms && now <= w.stall.Planned {
			q.Answered, q.Stalled = q.Sent+w.lag, w.lag-10*ms
		}
		by := []string{"a", "b", "c"}[seq%3]
		seq++
		q.Outcome = record.Outcome{Code: 200, Backend: by, Attempts: 1}
		if w.silent {
			q.Backend = ""
		}
		if by == "b" && w.down.Load() {
			q.Outcome = record.Outcome{Error: "connection refused"}
		}
		if w.unanswered != nil {
			if why := w.unanswered(now); why != "" {
				q.Outcome = record.Outcome{Error: why}
			}
		}
		each(q)
	}
}

// Stages are those of one request each interval, the first after one.
func (w *world) Stages() map[string][]record.Stage {
	return map[string][]record.Stage{record.TrafficSignal: {{Name: "1", After: -time.Second / time.Duration(w.rate), Rate: float64(w.rate)}}}
}

func newWorld() *world { return &world{back: 2 * s, rate: 100} }

func (w *world) experiment(limits ...string) experiments.Experiment {
	return experiments.Experiment{
		Name: "kill one of three",
		Hypothesis: steadystate.Hypothesis{Checks: []steadystate.Check{{
			Name: "answers", Signal: record.TrafficSignal, Good: steadystate.Within(time.Second),
			Allowed: 0.001, Limits: steadystate.Limits(limits...),
		}}},
		Load:   struct{ experiments.Load }{named{w}},
		Faults: []experiments.Scheduled{{Fault: w}},
		Settle: 5 * s, SettleTimeout: 20 * s, Hold: 10 * s, Watch: 20 * s,
	}
}

// named gives the world's load a name of its own.
type named struct{ *world }

func (n named) String() string { return fmt.Sprintf("%d/s", n.rate) }

// run runs an experiment in a bubble and judges its record.
func run(t *testing.T, ctx context.Context, e experiments.Experiment) (judge.Result, []byte, error) { //nolint:revive // t first, as is usual
	t.Helper()
	var file bytes.Buffer
	rec := record.NewRecorder(&file)
	runErr := e.Run(ctx, rec)
	result, err := judge.Judge(record.Read(bytes.NewReader(file.Bytes())), nil)
	if err != nil {
		t.Fatalf("judge: %v", err)
	}
	return result, file.Bytes(), runErr
}

func proof(t *testing.T, r judge.Result, name string) judge.Proof {
	t.Helper()
	i := slices.IndexFunc(r.Proofs, func(p judge.Proof) bool { return p.Name == name })
	if i < 0 {
		t.Fatalf("no proof %q in %+v", name, r.Proofs)
	}
	return r.Proofs[i]
}

func TestAnOutageIsMeasuredAndItsLimitsJudged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		result, recorded, err := run(t, t.Context(), w.experiment("downtime <= 3s", "ttr <= 3s", "errors <= 5%", "p50 <= 100ms during settle"))
		if err != nil {
			t.Fatal(err)
		}
		if result.Verdict != steadystate.Held {
			t.Fatalf("%s: %s\n%+v", result.Verdict, result.Reason, result.Findings)
		}
		check := result.Checks[0]
		if len(check.Outages) != 1 {
			t.Fatalf("%d outages, want 1", len(check.Outages))
		}
		o := check.Outages[0]
		// The instance was away for exactly 2 s; a third of the requests met it.
		if !o.Length().Holds(2 * s) {
			t.Errorf("length %v, want bounds that hold 2s", o.Length())
		}
		if share := float64(o.Bad) / float64(o.Total); share < 0.3 || share > 0.37 {
			t.Errorf("%d of %d bad, want a third", o.Bad, o.Total)
		}
		if len(check.Recoveries) != 1 || check.Recoveries[0].TTR.High < 2*s-60*ms || check.Recoveries[0].TTR.High > 2*s+300*ms {
			t.Errorf("recoveries %+v, want one of 2s", check.Recoveries)
		}
		for _, p := range result.Proofs {
			if p.Verdict != steadystate.Held {
				t.Errorf("no proof of %s: %s", p.Name, p.Text)
			}
		}
		again, err := judge.Judge(record.Read(bytes.NewReader(recorded)), map[string][]string{"answers": {"downtime <= 1s"}})
		if err != nil || again.Verdict != steadystate.Broken {
			t.Errorf("judged again with a tighter limit: %s, %v; want broken", again.Verdict, err)
		}
		if !strings.Contains(again.Reason, "wanted downtime <= 1s, seen 1.9") {
			t.Errorf("reason %q, want limit, wanted and seen", again.Reason)
		}
		if where := again.Findings[0].Where; !strings.Contains(where, "connection refused") || !strings.Contains(where, "pod/b gone") {
			t.Errorf("where %q, want the cause and the event nearby", where)
		}
		_, err = judge.Judge(record.Read(bytes.NewReader(recorded)), map[string][]string{"answrs": nil})
		if err == nil || !strings.Contains(err.Error(), `no check "answrs" in the record; checks: "answers"`) {
			t.Errorf("error %v, want the checks there are", err)
		}
	})
}

func TestWithoutLimitsTheCheckMustHoldThroughout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		result, _, err := run(t, t.Context(), newWorld().experiment())
		if err != nil || result.Verdict != steadystate.Broken {
			t.Errorf("%s, %v; want broken", result.Verdict, err)
		}
	})
}

func TestWhatIsNotProvenIsUnknown(t *testing.T) {
	for _, row := range []struct {
		sentence string
		change   func(w *world, e *experiments.Experiment)
		proof    string
		want     string // in the reason
	}{
		{"nothing was selected", func(w *world, _ *experiments.Experiment) { w.reason = "no pod is selected" }, "injected", "no pod is selected"},
		{"the fault had no effect", func(w *world, _ *experiments.Experiment) { w.noEffect = true; w.back = 0 }, "effect", "b was never seen gone"},
		{"the victim took no traffic before", func(w *world, _ *experiments.Experiment) { w.silent = true }, "exposed", "names its backend: have the service name its pod"},
		{"the load stood still", func(w *world, _ *experiments.Experiment) {
			w.stall = record.Request{Planned: 8 * s, Sent: 20 * s}
		}, "load held", "sent over 100ms late"},
		{"a signal was blind", func(_ *world, e *experiments.Experiment) {
			e.Hypothesis.Signals = []steadystate.Signal{{Name: "orders", Source: steadystate.SourceFunc(
				func(ctx context.Context, clock steadystate.Clock, recorded func(steadystate.Observation)) error {
					for ctx.Err() == nil {
						o := steadystate.Observation{Span: steadystate.Instant(clock.Now()), Value: 1}
						if clock.Now() > 12*s {
							o.Unknown = "prometheus: connection refused"
						}
						recorded(o)
						select {
						case <-ctx.Done():
						case <-time.After(s):
						}
					}
					return nil
				})}}
			e.Hypothesis.Checks = append(e.Hypothesis.Checks, steadystate.Check{Name: "orders flow", Signal: "orders", Good: steadystate.AtLeast(1)})
		}, "covered", "prometheus: connection refused"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				e := w.experiment("downtime <= 30s")
				row.change(w, &e)
				result, _, err := run(t, t.Context(), e)
				if err != nil {
					t.Fatal(err)
				}
				if result.Verdict != steadystate.Unknown {
					t.Errorf("%s, want unknown", result.Verdict)
				}
				if p := proof(t, result, row.proof); p.Verdict != steadystate.Unknown || !strings.Contains(p.Text, row.want) {
					t.Errorf("proof %+v, want unknown with %q", p, row.want)
				}
				if !strings.Contains(result.Reason, row.want) {
					t.Errorf("reason %q, want one with %q", result.Reason, row.want)
				}
				if w.recovered != 1 {
					t.Errorf("undone %d times, want once", w.recovered)
				}
			})
		})
	}
}

func TestNothingIsInjectedIntoAServiceThatIsNotSteady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.unanswered = func(time.Duration) string { return "connection refused" }
		result, _, err := run(t, t.Context(), w.experiment())
		if err != nil {
			t.Fatal(err)
		}
		if w.injected != 0 || result.Verdict != steadystate.Unknown || result.End.Reason != record.NotSteady {
			t.Errorf("injected %d times, %s, ended %q; want never, unknown, not steady", w.injected, result.Verdict, result.End.Reason)
		}
		if !strings.Contains(result.Reason, "not steady: answers: good for 0s of 5s") {
			t.Errorf("reason %q, want which check and why", result.Reason)
		}
	})
}

func TestAServiceThatDoesNotComeBackIsBroken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.back = time.Hour
		result, _, err := run(t, t.Context(), w.experiment("ttr <= 10s"))
		if err != nil {
			t.Fatal(err)
		}
		if result.Verdict != steadystate.Broken {
			t.Errorf("%s, want broken", result.Verdict)
		}
		if c := result.Checks[0]; c.Unrecovered != 1 || c.MTTR != nil {
			t.Errorf("unrecovered %d, mttr %v: an open outage is censored, not averaged in", c.Unrecovered, c.MTTR)
		}
	})
}

func TestFaultsAreUndoneWhateverHappens(t *testing.T) {
	for _, row := range []struct {
		sentence string
		change   func(w *world, cancel context.CancelFunc)
		reason   string
		want     error
	}{
		{"when the run is interrupted", func(_ *world, cancel context.CancelFunc) { time.AfterFunc(8*s, cancel) }, record.Interrupted, context.Canceled},
		{"when injecting fails half-way", func(w *world, _ context.CancelFunc) { w.injectErr = errors.New("API server says no") }, record.Failed, nil},
		{"when undoing fails too, which is said", func(w *world, _ context.CancelFunc) { w.recoverErr = errors.New("stuck") }, record.Failed, experiments.ErrLeftBehind},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				row.change(w, cancel)
				result, _, err := run(t, ctx, w.experiment("downtime <= 30s"))
				if err == nil || (row.want != nil && !errors.Is(err, row.want)) {
					t.Errorf("error %v, want %v", err, row.want)
				}
				if w.recovered != 1 || result.End.Reason != row.reason || result.Verdict != steadystate.Unknown {
					t.Errorf("undone %d times, ended %q, %s", w.recovered, result.End.Reason, result.Verdict)
				}
			})
		})
	}
}

func TestAFaultIsUndoneWhenItPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.panics = true
		w.recoverErr = errors.New("stuck")
		result, _, err := run(t, t.Context(), w.experiment())
		if err == nil || !strings.Contains(err.Error(), "panic: fault has a bug") || !errors.Is(err, experiments.ErrLeftBehind) {
			t.Errorf("error %v, want the panic and that the undoing failed too", err)
		}
		if w.recovered != 1 || result.End.Reason != record.Failed || len(result.LeftBehind) != 1 {
			t.Errorf("undone %d times, ended %q, left behind %q", w.recovered, result.End.Reason, result.LeftBehind)
		}
	})
}

// filling is a disk that is full from an instant on.
type filling struct{ from time.Time }

func (f filling) Write(p []byte) (int, error) {
	if !time.Now().Before(f.from) {
		return 0, errors.New("disk full")
	}
	return len(p), nil
}

// A fault without evidence is of no use, and it hurts: it is undone at once.
func TestARecordThatCannotBeWrittenEndsTheRun(t *testing.T) {
	for _, row := range []struct {
		sentence string
		full     time.Duration
		change   func(e *experiments.Experiment)
		undone   int
	}{
		{"while the service settles", 3 * s, func(e *experiments.Experiment) { e.Settle, e.SettleTimeout = time.Hour, 2*time.Hour }, 0},
		{"while a fault is injected", 15 * s, func(e *experiments.Experiment) {
			e.Faults = []experiments.Scheduled{{Fault: endless{e.Faults[0].Fault.(*world)}}}
		}, 1},
		{"while it is held", 15 * s, func(e *experiments.Experiment) { e.Hold = time.Hour }, 1},
		{"while the recovery is watched", 30 * s, func(e *experiments.Experiment) { e.Watch = time.Hour }, 1},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				e := w.experiment()
				row.change(&e)
				start := time.Now()
				err := e.Run(t.Context(), record.NewRecorder(filling{start.Add(row.full)}))
				if err == nil || !strings.Contains(err.Error(), "write record: disk full") {
					t.Errorf("error %v, want the disk's", err)
				}
				if took := time.Since(start); took < row.full || took > row.full+s {
					t.Errorf("ended after %s, want within a second of %s", took, row.full)
				}
				if w.recovered != row.undone {
					t.Errorf("undone %d times, want %d", w.recovered, row.undone)
				}
			})
		})
	}
}

// refusing is a disk that takes no line with this text.
type refusing string

func (r refusing) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(r)) {
		return 0, errors.New("disk full")
	}
	return len(p), nil
}

func TestNoFaultIsInjectedOnceTheRecordCannotBeWritten(t *testing.T) {
	for _, line := range []string{`"phase":"inject"`, `"injection":`} {
		t.Run(line, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				second := newWorld()
				e := w.experiment()
				e.Faults = []experiments.Scheduled{{Name: "first", Fault: scripted{}}, {Name: "second", Fault: second}}
				err := e.Run(t.Context(), record.NewRecorder(refusing(line)))
				if err == nil || !strings.Contains(err.Error(), "write record: disk full") {
					t.Errorf("error %v, want the disk's", err)
				}
				if second.injected != 0 || second.recovered != 1 {
					t.Errorf("injected %d times, undone %d times; want never, and once", second.injected, second.recovered)
				}
			})
		})
	}
}

// endless is the world's fault, whose injection takes an hour.
type endless struct{ *world }

func (endless) Inject(ctx context.Context, _ *record.Recorder) (record.Injection, error) {
	return record.Injection{}, experiments.Wait(ctx, time.Hour)
}

func TestARequestThatCannotBeRecordedEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		e := w.experiment()
		e.Hold = time.Hour
		e.Load = twisted{w}
		start := time.Now()
		err := e.Run(t.Context(), record.NewRecorder(&bytes.Buffer{}))
		if err == nil || !strings.Contains(err.Error(), "write record: ") {
			t.Errorf("error %v, want the record's", err)
		}
		if took := time.Since(start); took > 16*s || w.recovered != 1 {
			t.Errorf("ended after %s, undone %d times; want within a second of 15s, and once", took, w.recovered)
		}
	})
}

// twisted is a load that ends a request before it begins, from 15 s on.
type twisted struct{ *world }

func (l twisted) Drive(ctx context.Context, clock steadystate.Clock, each func(record.Request)) error {
	return l.world.Drive(ctx, clock, func(q record.Request) {
		if q.Sent >= 15*s {
			q.Answered = q.Sent - ms
		}
		each(q)
	})
}

func TestAnExperimentThatCannotBeJudgedIsRefused(t *testing.T) {
	for _, row := range []struct {
		sentence string
		change   func(e *experiments.Experiment)
		want     string
	}{
		{"without a name", func(e *experiments.Experiment) { e.Name = "" }, "needs a name"},
		{"without a hypothesis", func(e *experiments.Experiment) { e.Hypothesis.Checks = nil }, "needs a hypothesis"},
		{"with a check on no signal", func(e *experiments.Experiment) { e.Hypothesis.Checks[0].Signal = "reqests" }, `no signal "reqests"; signals: ["requests"]`},
		{"with a check that says nothing of what is good", func(e *experiments.Experiment) { e.Hypothesis.Checks[0].Good = steadystate.Tolerance{} }, "needs what counts as good"},
		{"with the same check twice", func(e *experiments.Experiment) {
			e.Hypothesis.Checks = append(e.Hypothesis.Checks, e.Hypothesis.Checks[0])
		}, "is there twice"},
		{"with a time below zero", func(e *experiments.Experiment) { e.Hold = -1 }, "hold -1ns is below zero"},
		{"with less time to settle than settling takes", func(e *experiments.Experiment) { e.SettleTimeout = 1 }, "shorter than settle"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			e := newWorld().experiment()
			row.change(&e)
			err := e.Run(t.Context(), record.NewRecorder(&bytes.Buffer{}))
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want one with %q", err, row.want)
			}
		})
	}
}

// losing is a load that lost some of its requests as it stopped.
type losing struct{ *world }

func (l losing) Drive(ctx context.Context, clock steadystate.Clock, each func(record.Request)) error {
	_ = l.world.Drive(ctx, clock, each)
	return errors.New("record request 17: lost")
}

func TestALoadThatFailsAsItStopsLeavesNothingToHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.back = 0
		e := w.experiment("downtime <= 3s")
		e.Load = losing{w}
		result, _, err := run(t, t.Context(), e)
		if err == nil || result.End.Reason != record.Failed || result.Verdict != steadystate.Unknown || !strings.Contains(result.Reason, "request 17: lost") {
			t.Errorf("error %v, ended %+v, %s: %s", err, result.End, result.Verdict, result.Reason)
		}
	})
}

// failing is a load that cannot go on.
type failing struct{ *world }

func (l failing) Drive(ctx context.Context, clock steadystate.Clock, each func(record.Request)) error {
	ctx, cancel := context.WithTimeout(ctx, 8*s)
	defer cancel()
	_ = l.world.Drive(ctx, clock, each)
	return errors.New("no more ports")
}

func TestAnErrorIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		e := w.experiment()
		e.Load = failing{w}
		result, _, err := run(t, t.Context(), e)
		if err == nil || err.Error() != "load: no more ports" || result.End.Detail != err.Error() {
			t.Errorf("error %v, ended with %q; want it once", err, result.End.Detail)
		}
	})
}

// A stall of the machine that drives the load makes answers look slow; that is
// never the service's fault.
func TestAStallOfTheLoadsMachineIsNotTheServices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.back = 0
		w.stall = record.Request{Planned: 15 * s, Sent: 16 * s}
		w.lag = 1100 * ms
		result, _, err := run(t, t.Context(), w.experiment("downtime <= 3s"))
		if err != nil {
			t.Fatal(err)
		}
		if result.Verdict != steadystate.Held {
			t.Errorf("%s: %s", result.Verdict, result.Reason)
		}
		if c := result.Checks[0]; c.Unknown == 0 || c.Resolution < 950*ms {
			t.Errorf("%d unknown, resolution %s: want the stall to show in both", c.Unknown, c.Resolution)
		}
	})
}

func TestAStallBeforeTheInjectionIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.stall = record.Request{Planned: 3 * s, Sent: 6 * s}
		result, _, err := run(t, t.Context(), w.experiment("downtime <= 3s"))
		if err != nil {
			t.Fatal(err)
		}
		if result.Verdict != steadystate.Held {
			t.Errorf("%s: %s", result.Verdict, result.Reason)
		}
		if from := result.Injections[0].From; from < 10*s {
			t.Errorf("injected at %s, while the load's stall was in the settle time", from)
		}
		if late := result.Traffic[record.TrafficSignal].Late; late != 0 {
			t.Errorf("%d late requests counted against the window, want none", late)
		}
	})
}

// noting is a load that has something to say of the run.
type noting struct{ *world }

func (noting) Drive(context.Context, steadystate.Clock, func(record.Request)) error {
	return errors.New("the load was driven that knows of no run")
}

func (n noting) Recorded(rec *record.Recorder) experiments.Load {
	rec.Note("driven by run %s", rec.Run())
	return named(n)
}

func TestALoadLearnsOfTheRunThatDrivesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		e := w.experiment()
		e.Load = noting{w}
		result, recorded, err := run(t, t.Context(), e)
		if err != nil || result.Traffic[record.TrafficSignal].Sent == 0 {
			t.Errorf("%v, traffic %+v", err, result.Traffic)
		}
		if len(result.Notes) == 0 || !bytes.Contains(recorded, []byte(`"run":"`+strings.TrimPrefix(result.Notes[0], "driven by run ")+`"`)) {
			t.Errorf("notes %q do not name the record's run", result.Notes)
		}
	})
}

func TestARunEndsWithinItsLongest(t *testing.T) {
	for _, row := range []struct {
		sentence string
		of       experiments.Experiment
		want     time.Duration
	}{
		{"by the defaults: twice the phases and a minute, the undoing, and the ends of safeguards", experiments.Experiment{}, 2*(70*s+30*s) + time.Minute + 3*time.Minute + 30*s},
		{"as it is given", experiments.Experiment{Deadline: 5 * s, UndoTimeout: 2 * s}, 37 * s},
		{"with a load that takes long to stop", experiments.Experiment{Deadline: 5 * s, UndoTimeout: 2 * s, Load: draining{}}, 77 * s},
	} {
		if got := row.of.Longest(); got != row.want {
			t.Errorf("%s: %s, want %s", row.sentence, got, row.want)
		}
	}
}

// staged is a load of such stages.
type staged struct {
	*world
	stages []record.Stage
}

func (l staged) Stages() map[string][]record.Stage {
	return map[string][]record.Stage{record.TrafficSignal: l.stages}
}

// The odds take 663 observations where 0.1 % are allowed, however the load comes
// to them.
func TestTheTimeToSettleIsThatOfTheLoadsStages(t *testing.T) {
	for _, row := range []struct {
		sentence string
		stages   []record.Stage
		want     time.Duration
	}{
		{"100/s", []record.Stage{{After: -10 * ms, Rate: 100}}, 6630 * ms},
		{"so many that the settle time is longer", []record.Stage{{After: -ms, Rate: 1000}}, 5 * s},
		{"a ramp from nearly nothing", []record.Stage{{After: -time.Second, Rate: 0.5, Slope: 1}}, 35918 * ms},
		{"one that ends before", []record.Stage{{After: -time.Second, Rate: 0.5, Slope: 1}, {After: 9 * s, Rate: 10}}, 10*s + 60800*ms},
		{"a step up", []record.Stage{{After: -s, Rate: 1}, {After: 9 * s, Rate: 653}}, 11 * s},
		{"a step down", []record.Stage{{After: -ms, Rate: 1000}, {After: 99 * ms, Rate: 1}}, 100*ms + 563*s},
		{"a wave", []record.Stage{{After: -100 * ms, Rate: 10, Swing: 9, Period: 20 * s}}, 64172 * ms},
		{"once a minute", []record.Stage{{After: -time.Minute, Rate: 1.0 / 60}}, 663 * time.Minute},
		{"nothing any more: no time is enough", []record.Stage{{After: -10 * ms, Rate: 100}, {After: s, Rate: 0}}, 5 * s},
		{"no stages", nil, 5 * s},
	} {
		w := newWorld()
		e := w.experiment()
		e.SettleTimeout, e.Load = 0, staged{w, row.stages}
		// Longest is twice the phases and a minute, and the cleanup; the time to settle has
		// a minute to spare.
		got := (e.Longest()-e.Cleanup()-time.Minute)/2 - e.Hold - e.Watch - time.Minute
		if got < row.want-20*ms || got > row.want+20*ms {
			t.Errorf("%s: %s, want %s", row.sentence, got, row.want)
		}
	}
}

// R16: the record says which signals meet one of several backends.
func TestThePlanNamesTheSignalsThatSample(t *testing.T) {
	idle := steadystate.SourceFunc(func(ctx context.Context, _ steadystate.Clock, _ func(steadystate.Observation)) error {
		<-ctx.Done()
		return nil
	})
	synctest.Test(t, func(t *testing.T) {
		e := newWorld().experiment()
		e.Hypothesis.Signals = []steadystate.Signal{{Name: "websocket", Source: idle, Samples: true}, {Name: "whole", Source: idle}}
		_, recorded, err := run(t, t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		for entry, err := range record.Read(bytes.NewReader(recorded)) {
			if err != nil {
				t.Fatal(err)
			}
			if p := entry.Plan; p != nil && !slices.Equal(p.Sampled, []string{"websocket"}) {
				t.Errorf("sampled %q, want websocket alone", p.Sampled)
			}
		}
	})
}
