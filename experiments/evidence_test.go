package experiments_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// scripted is a fault that does as it is told.
type scripted struct {
	inject func(ctx context.Context, rec *record.Recorder) (record.Injection, error) // nil: an instant
	undo   func(rec *record.Recorder) steadystate.Span                               // nil: an instant
}

func (scripted) String() string { return "a scripted fault" }

func (f scripted) Inject(ctx context.Context, rec *record.Recorder) (record.Injection, error) {
	if f.inject == nil {
		return record.Injection{Span: steadystate.Instant(rec.Clock().Now())}, nil
	}
	return f.inject(ctx, rec)
}

func (f scripted) Recover(_ context.Context, rec *record.Recorder) (steadystate.Span, error) {
	if f.undo == nil {
		return steadystate.Instant(rec.Clock().Now()), nil
	}
	return f.undo(rec), nil
}

// M10: a drain takes minutes, and so may its undoing.
func TestWhatIsSeenIsWrittenWithinHalfASecondWhateverTheRunWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.rate, w.back = 20, 0
		e := w.experiment("downtime <= 3s")
		e.SettleTimeout, e.UndoTimeout, e.Deadline = time.Minute, 2*time.Minute, time.Hour
		e.Faults = []experiments.Scheduled{{Fault: scripted{
			inject: func(_ context.Context, rec *record.Recorder) (record.Injection, error) {
				from := rec.Clock().Now()
				time.Sleep(2 * time.Minute)
				return record.Injection{Span: steadystate.Span{From: from, To: rec.Clock().Now()}}, nil
			},
			undo: func(rec *record.Recorder) steadystate.Span {
				from := rec.Clock().Now()
				time.Sleep(time.Minute)
				return steadystate.Span{From: from, To: rec.Clock().Now()}
			},
		}}}
		var file bytes.Buffer
		rec := record.NewRecorder(&file)
		written := map[string]int{}
		phase := ""
		var worst time.Duration
		rec.Tap(func(e record.Entry) {
			if e.Phase != "" {
				phase = e.Phase
			}
			if e.Requests != nil {
				written[phase] += len(e.Requests.List)
				for _, q := range e.Requests.List {
					worst = max(worst, e.At-q.Answered)
				}
			}
		})
		if err := e.Run(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
		if worst > 500*ms {
			t.Errorf("a request was written %s after it was answered, want at most 500ms", worst)
		}
		// At 20/s, but for what the last phase's flush still holds.
		for phase, want := range map[string]int{record.PhaseInject: 2400, record.PhaseRecover: 1200} {
			if n := written[phase]; n < want-10 || n > want+10 {
				t.Errorf("%d requests were written in the phase %s, want about %d", n, phase, want)
			}
		}
	})
}

// killed is the role of a process that is killed in the middle of an Inject: it
// prints when the latest request was answered.
func killed(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	w := newWorld()
	w.back = 0
	e := w.experiment("downtime <= 3s")
	e.Settle = time.Second
	e.Load = telling{named{w}}
	e.Faults = []experiments.Scheduled{{Fault: scripted{inject: func(ctx context.Context, _ *record.Recorder) (record.Injection, error) {
		fmt.Println("injecting")
		<-ctx.Done()
		return record.Injection{}, ctx.Err()
	}}}}
	return e.Run(context.Background(), record.NewRecorder(file))
}

// telling is a load that prints the number of each request.
type telling struct{ experiments.Load }

func (l telling) Drive(ctx context.Context, clock steadystate.Clock, each func(record.Request)) error {
	return l.Load.Drive(ctx, clock, func(q record.Request) {
		each(q)
		fmt.Println(q.Seq)
	})
}

const killedRole = "AFTERSHOCK_TEST_RECORD_OF_THE_KILLED"

func TestMain(m *testing.M) {
	if path := os.Getenv(killedRole); path != "" {
		fmt.Fprintln(os.Stderr, killed(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestARunThatIsKilledDuringAnInjectionKeepsItsEvidence(t *testing.T) {
	path := filepath.Join(t.TempDir(), "record.jsonl")
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), killedRole+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	seen, during := 0, 0 // requests, and how many of them since the injection began
	injecting := false
	for lines := bufio.NewScanner(out); during < 300 && lines.Scan(); {
		if lines.Text() == "injecting" {
			injecting = true
			continue
		}
		if seen++; injecting {
			during++
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, out)
	_ = cmd.Wait() // killed
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	result, err := judge.Judge(record.Read(file), nil)
	if err != nil {
		t.Fatal(err)
	}
	// At 100/s; two seconds, and not half a one, on whatever machine this is.
	if n := result.Traffic[record.TrafficSignal].Sent; during < 300 || n < seen-200 {
		t.Errorf("%d of %d requests are in the record, of which %d were seen while the fault was injected", n, seen, during)
	}
	if result.Verdict != steadystate.Unknown || !strings.Contains(result.Reason, "the record ends before the run did") {
		t.Errorf("%s: %s; want unknown, since it was cut", result.Verdict, result.Reason)
	}
}

func TestARunRefusesAUsedRecorder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var file bytes.Buffer
		rec := record.NewRecorder(&file)
		first, second := newWorld(), newWorld()
		first.back = time.Hour
		if err := first.experiment("ttr <= 10s").Run(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
		err := second.experiment("ttr <= 1h").Run(t.Context(), rec)
		if err == nil || !strings.Contains(err.Error(), `run "kill one of three": the recorder of run `+rec.Run()+" was used before") {
			t.Errorf("error %v, want that the recorder was used", err)
		}
		if second.injected+second.recovered > 0 {
			t.Error("the second run touched the service")
		}
		if result, err := judge.Judge(record.Read(&file), nil); err != nil || result.Verdict != steadystate.Broken {
			t.Errorf("%s, %v; want the first run's verdict, broken", result.Verdict, err)
		}
	})
}

func TestAFaultThatIsDatedByAnotherClockIsRefused(t *testing.T) {
	wall := time.Duration(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())
	for _, row := range []struct {
		sentence string
		span     func(now time.Duration) steadystate.Span
	}{
		{"never", func(time.Duration) steadystate.Span { return steadystate.Span{} }},
		{"by a wall clock", func(now time.Duration) steadystate.Span { return steadystate.Instant(wall + now) }},
		{"backward", func(now time.Duration) steadystate.Span { return steadystate.Span{From: now, To: now - s} }},
		{"in the future", func(now time.Duration) steadystate.Span { return steadystate.Span{From: now, To: now + s} }},
		{"before the record", func(now time.Duration) steadystate.Span { return steadystate.Span{From: -s, To: now} }},
	} {
		t.Run("injected "+row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				e := w.experiment("downtime <= 30s")
				undone := 0
				e.Faults = []experiments.Scheduled{{Fault: scripted{
					inject: func(_ context.Context, rec *record.Recorder) (record.Injection, error) {
						return record.Injection{Span: row.span(rec.Clock().Now())}, nil
					},
					undo: func(rec *record.Recorder) steadystate.Span {
						undone++
						return steadystate.Instant(rec.Clock().Now())
					},
				}}}
				result, _, err := run(t, t.Context(), e)
				if err == nil || !strings.Contains(err.Error(), "inject a scripted fault: its span, from ") || !strings.Contains(err.Error(), "take both from rec.Clock().Now()") {
					t.Errorf("error %v, want the fault and what to do", err)
				}
				if undone != 1 || result.End.Reason != record.Failed || result.Verdict == steadystate.Held {
					t.Errorf("undone %d times, ended %q, %s; want once, failed, not held", undone, result.End.Reason, result.Verdict)
				}
			})
		})
		t.Run("undone "+row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newWorld().experiment("downtime <= 30s")
				e.Faults = []experiments.Scheduled{{Fault: scripted{undo: func(rec *record.Recorder) steadystate.Span { return row.span(rec.Clock().Now()) }}}}
				result, _, err := run(t, t.Context(), e)
				if !errors.Is(err, experiments.ErrLeftBehind) || !strings.Contains(err.Error(), "undo a scripted fault: ") {
					t.Errorf("error %v, want that the fault may still be in place", err)
				}
				if len(result.LeftBehind) != 1 || result.Verdict == steadystate.Held {
					t.Errorf("left behind %q, %s", result.LeftBehind, result.Verdict)
				}
			})
		})
	}
}

// A fault that was never injected, and one that was over when it was done, have
// nothing to undo.
func TestNothingToUndoNeedsNoSpan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newWorld().experiment("downtime <= 30s")
		undo := func(*record.Recorder) steadystate.Span { return steadystate.Span{} }
		e.Faults = []experiments.Scheduled{
			{Name: "one shot", Fault: scripted{undo: undo, inject: func(_ context.Context, rec *record.Recorder) (record.Injection, error) {
				return record.Injection{Span: steadystate.Instant(rec.Clock().Now()), OneShot: true}, nil
			}}},
			{Name: "none", Fault: scripted{undo: undo, inject: func(context.Context, *record.Recorder) (record.Injection, error) {
				return record.Injection{FailureReason: "no pod was selected"}, nil
			}}},
			{Name: "never", Fault: scripted{undo: undo}},
		}
		result, _, err := run(t, t.Context(), e)
		if err != nil || len(result.LeftBehind) > 0 || result.End.Reason != record.NotInjected {
			t.Errorf("error %v, left behind %q, ended %q", err, result.LeftBehind, result.End.Reason)
		}
	})
}

// Their undoing begins in reverse, none waits for the other, and each keeps its own T1.
func TestTwoFaultsOfOneTextKeepTheirOwnRemovals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newWorld().experiment("downtime <= 30s")
		slow := scripted{undo: func(rec *record.Recorder) steadystate.Span {
			from := rec.Clock().Now()
			time.Sleep(s)
			return steadystate.Span{From: from, To: rec.Clock().Now()}
		}}
		e.Faults = []experiments.Scheduled{{Name: "first", Fault: slow}, {Name: "second", Fault: slow}}
		result, _, err := run(t, t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		i := result.Injections
		if len(i) != 2 || i[0].Index != 0 || i[1].Index != 1 || i[0].Removed == nil || i[1].Removed == nil {
			t.Fatalf("injections %+v, want two with their indexes and removals", i)
		}
		if begun := i[0].Removed.From - i[1].Removed.From; begun <= 0 || begun >= s || i[0].Removed.Width() != s || i[1].Removed.Width() != s {
			t.Errorf("T1 of the first %s, of the second %s; want a second each, and the second's to begin first, by less than that", i[0].Removed, i[1].Removed)
		}
	})
}

// One bound is enough for all, however many they are.
func TestFaultsThatTakeLongToUndoDoNotUseUpEachOthersTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newWorld().experiment("downtime <= 30s")
		e.UndoTimeout = 3 * time.Minute
		slow := bounded{scripted{}, 100 * s}
		e.Faults = []experiments.Scheduled{{Name: "a", Fault: slow}, {Name: "b", Fault: slow}, {Name: "c", Fault: slow}, {Name: "d", Fault: bounded{scripted{}, 10 * time.Minute}}}
		result, _, err := run(t, t.Context(), e)
		if !errors.Is(err, experiments.ErrLeftBehind) || len(result.LeftBehind) != 1 || !strings.Contains(err.Error(), "deadline exceeded") {
			t.Errorf("error %v, left behind %q; want only the fault that takes longer than three minutes", err, result.LeftBehind)
		}
	})
}

// bounded is a fault whose undoing takes a time, and ends with its context.
type bounded struct {
	scripted
	takes time.Duration
}

func (b bounded) Recover(ctx context.Context, rec *record.Recorder) (steadystate.Span, error) {
	from := rec.Clock().Now()
	err := experiments.Wait(ctx, b.takes)
	return steadystate.Span{From: from, To: rec.Clock().Now()}, err
}

// unplanned is a load that does not say what it will send.
type unplanned struct{ experiments.Load }

func (unplanned) Stages() map[string][]record.Stage { return nil }

func TestALoadWithoutAScheduleIsRefused(t *testing.T) {
	e := newWorld().experiment()
	e.Load = unplanned{e.Load}
	if err := e.Validate(); err == nil || !strings.Contains(err.Error(), "the load 100/s does not say at which rate it sends requests") {
		t.Errorf("error %v", err)
	}
}

// misspelt is a fault that can be wrong in itself.
type misspelt struct {
	experiments.Fault
	wrong error
}

func (f misspelt) Validate() error { return f.wrong }

func TestAFaultThatIsWrongInItselfIsRefusedBeforeTheRun(t *testing.T) {
	w := newWorld()
	e := w.experiment()
	e.Faults = []experiments.Scheduled{
		{Name: "right", Fault: misspelt{w, nil}},
		{Name: "slow", Fault: misspelt{w, errors.New("latency: must be above zero")}},
		{Name: "kill", Fault: misspelt{w, errors.New("count: Required value")}},
	}
	err := e.Validate()
	for _, want := range []string{`fault "slow": latency: must be above zero`, `fault "kill": count: Required value`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want all that is wrong, %q among it", err, want)
		}
	}
	e.Faults = e.Faults[:1]
	if err := e.Validate(); err != nil {
		t.Errorf("error %v, want none", err)
	}
}

// A limit on the number of observations says nothing of polls.
func TestALimitThatCountsPollsIsRefused(t *testing.T) {
	source := steadystate.SourceFunc(func(context.Context, steadystate.Clock, func(steadystate.Observation)) error { return nil })
	for _, row := range []struct {
		sentence, limit string
		signal          steadystate.Signal
		want            string // empty: it is taken
	}{
		{"errors of a polled value", "errors <= 1%", steadystate.Signal{}, `check "queue": limit "errors <= 1%": the signal is a polled value`},
		{"its rate", "rate >= 1/s", steadystate.Signal{}, "this is the rate of polls"},
		{"its mean", "mean <= 3", steadystate.Signal{}, ""},
		{"errors of a probe", "errors <= 1%", steadystate.Signal{Samples: true}, ""},
		{"errors of attempts", "errors <= 1%", steadystate.Signal{Attempts: true}, ""},
		{"their rate", "rate >= 1/s", steadystate.Signal{Attempts: true}, "a probe sends at its own rate"},
	} {
		e := newWorld().experiment("errors <= 1%", "rate >= 1/s")
		row.signal.Name, row.signal.Source = "queue", source
		e.Hypothesis.Signals = append(e.Hypothesis.Signals, row.signal)
		e.Hypothesis.Checks = append(e.Hypothesis.Checks, steadystate.Check{Name: "queue", Signal: "queue", Good: steadystate.AtMost(3), Limits: steadystate.Limits(row.limit)})
		if err := e.Validate(); (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", row.sentence, err, row.want)
		}
	}
}
