package local_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/local"
	"github.com/aftershockhq/aftershock/record"
)

// harnessVariable makes this test binary a harness that pauses a process and
// waits to be killed.
const harnessVariable = "AFTERSHOCK_LOCAL_TEST_PAUSES"

func TestMain(m *testing.M) {
	if pid := os.Getenv(harnessVariable); pid != "" {
		os.Exit(harness(pid))
	}
	goleak.VerifyTestMain(m)
}

func harness(number string) int {
	pid, _ := strconv.Atoi(number)
	rec := record.NewRecorder(io.Discard)
	if _, err := local.Pause(local.Service{Name: "shop", Find: local.PID(pid)}).Inject(context.Background(), rec); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("paused")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// sleeper starts a process that ends with the test, if it has not before.
func sleeper(t *testing.T) int {
	t.Helper()
	cmd := exec.Command("sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-done
	})
	return cmd.Process.Pid
}

// state is the letter of a process's state; empty: there is none.
func state(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(text), ") ")
	return rest[:min(1, len(rest))]
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30s: %s", what)
		}
	}
}

func pidFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "shop.pid")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// events are those of a record, in their order.
func events(t *testing.T, recorded io.Reader) []record.Event {
	t.Helper()
	var list []record.Event
	for e, err := range record.Read(recorded) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Event != nil {
			list = append(list, *e.Event)
		}
	}
	return list
}

func contains(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want it to say %q", err, want)
	}
}

func TestWhatIsNotTouched(t *testing.T) {
	for _, row := range []struct {
		sentence string
		pid      int
		want     string
	}{
		{"process 1", 1, "refused: want the number of a process above 1"},
		{"this program's process group", 0, "refused: want the number of a process above 1"},
		{"all processes", -1, "refused: want the number of a process above 1"},
		{"this program", os.Getpid(), "refused: it is this program itself"},
		{"its parent", os.Getppid(), "refused: it is a process that this program descends from"},
		{"a process that there is not", 1 << 30, os.ErrProcessDone.Error()},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			_, err := local.Find(row.pid)
			contains(t, err, row.want)
			if row.pid < 1<<30 {
				injection, err := local.Kill(local.Service{Name: "shop", Find: local.PID(row.pid)}).Inject(t.Context(), record.NewRecorder(io.Discard))
				contains(t, err, row.want)
				if len(injection.Targets) > 0 {
					t.Errorf("injected into %v", injection.Targets)
				}
			}
		})
	}
}

func TestAnotherProcessWithTheNumberIsNotTouched(t *testing.T) {
	pid := sleeper(t)
	if err := local.Born(pid, "1").Signal(syscall.SIGKILL); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("signal a process that had another start: %v, want %v", err, os.ErrProcessDone)
	}
	if got := state(pid); got == "" || got == "Z" {
		t.Errorf("the process with its number is in state %q", got)
	}
	injection, err := local.Pause(local.Service{Name: "shop", Find: func(context.Context) (local.Process, error) {
		return local.Born(pid, "1"), nil
	}}).Inject(t.Context(), record.NewRecorder(io.Discard))
	want := fmt.Sprintf("process %d of shop ended before it could be paused", pid)
	if err != nil || injection.FailureReason != want || state(pid) == "T" {
		t.Errorf("pause it: %+v, %v, in state %q; want %q", injection, err, state(pid), want)
	}
}

func TestPIDFile(t *testing.T) {
	runs, ended := sleeper(t), sleeper(t)
	if err := syscall.Kill(ended, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	until(t, "the process has ended", func() bool { return state(ended) == "" })
	old := pidFile(t, strconv.Itoa(runs))
	before := time.Now().Add(-time.Hour)
	if err := os.Chtimes(old, before, before); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		sentence string
		path     string
		pid      int // 0: none
		want     string
	}{
		{"the process in it", pidFile(t, strconv.Itoa(runs)+"\n"), runs, ""},
		{"no file, no process", filepath.Join(t.TempDir(), "no.pid"), 0, ""},
		{"nothing in it yet", pidFile(t, ""), 0, ""},
		{"one that has ended", pidFile(t, strconv.Itoa(ended)), 0, ""},
		{"one that started after the file was written", old, 0, "after the file was written"},
		{"no number", pidFile(t, "shop"), 0, `"shop" is not the number of a process`},
		{"a number that is refused", pidFile(t, "1"), 0, "process 1: refused"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			p, err := local.PIDFile(row.path)(t.Context())
			switch {
			case row.want != "":
				contains(t, err, row.want)
			case err != nil:
				t.Error(err)
			}
			if (p == nil) != (row.pid == 0) || (p != nil && p.PID() != row.pid) {
				t.Errorf("process %v, want %d", p, row.pid)
			}
		})
	}
}

func TestKill(t *testing.T) {
	for _, row := range []struct {
		sentence string
		fault    func(local.Service) experiments.Fault
		text     string
		held     bool
	}{
		{"a killed service is started again by others", local.Kill, "kill -9 shop", false},
		{"or when the fault is undone", local.Kill, "kill -9 shop", true},
		{"a restarted one is sent SIGTERM", local.Restart, "restart shop", false},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			victim := sleeper(t)
			file := pidFile(t, strconv.Itoa(victim))
			next := 0
			again := func(context.Context) error {
				next = sleeper(t)
				return os.WriteFile(file, []byte(strconv.Itoa(next)), 0o600)
			}
			service := local.Service{Name: "shop", Find: local.PIDFile(file)}
			asked := 0
			service.Ready = func(_ context.Context, p local.Process) error {
				if asked++; asked < 3 {
					return fmt.Errorf("process %d is not ready", p.PID())
				}
				return nil
			}
			if row.held {
				service.Start = again
			}
			fault := row.fault(service)
			if fault.String() != row.text || fault.(experiments.OneShot).OneShot() == row.held {
				t.Errorf("%q, one-shot %t", fault, fault.(experiments.OneShot).OneShot())
			}
			var recorded bytes.Buffer
			rec := record.NewRecorder(&recorded)
			injection, err := fault.Inject(t.Context(), rec)
			if err != nil {
				t.Fatal(err)
			}
			if got := state(victim); got != "" && got != "Z" {
				t.Errorf("its process is in state %q after Inject", got)
			}
			want := record.Target{Name: "shop", UID: strconv.Itoa(victim)}
			if len(injection.Targets) != 1 || injection.Targets[0] != want || injection.OneShot == row.held || !injection.Valid() || injection.From <= 0 {
				t.Errorf("injection %+v, want target %v", injection, want)
			}
			if _, err := fault.Inject(t.Context(), rec); err == nil {
				t.Error("injected twice")
			}
			if !row.held {
				if err := again(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			removed, err := fault.Recover(t.Context(), rec)
			if err != nil {
				t.Fatal(err)
			}
			list := events(t, &recorded)
			if len(list) != 2 || list[0].Kind != record.EventGone || list[0].UID != want.UID || list[0].Span != injection.Span ||
				list[1].Kind != record.EventReady || list[1].UID != strconv.Itoa(next) || list[1].Span != removed || list[1].Subject != "process/shop" {
				t.Errorf("events %+v, removed %s; want %d gone in %s and %d ready", list, removed, victim, injection.Span, next)
			}
			if asked != 3 || removed.From < injection.From || !removed.Valid() {
				t.Errorf("ready was asked %d times; removed %s, injected %s", asked, removed, injection.Span)
			}
			if _, err := fault.Recover(t.Context(), rec); err != nil {
				t.Errorf("nothing to undo: %v", err)
			}
		})
	}
}

func TestAKillThatNothingRecoversFromIsLeft(t *testing.T) {
	pid := sleeper(t)
	fault := local.Kill(local.Service{Name: "shop", Find: local.PID(pid)})
	rec := record.NewRecorder(io.Discard)
	if _, err := fault.Inject(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the undo timeout is over"))
	_, err := fault.Recover(ctx, rec)
	contains(t, err, fmt.Sprintf("wait for shop to be back: the undo timeout is over; it does not run now, or Find looks elsewhere, as in another PID file; its process %d was killed and is not undone until the next one answers", pid))
	injection, err := local.Pause(local.Service{Name: "shop", Find: local.PID(pid)}).Inject(t.Context(), rec)
	contains(t, err, os.ErrProcessDone.Error())
	if len(injection.Targets) > 0 {
		t.Errorf("paused %v", injection.Targets)
	}
}

// stubborn starts a process that ignores SIGTERM.
func stubborn(t *testing.T) int {
	t.Helper()
	cmd := exec.Command("sh", "-c", `trap "" TERM; echo; exec sleep 1000`)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, err = out.Read(make([]byte, 1))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-done
	})
	if err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid
}

func TestAServiceIsNotStartedBesideAProcessThatIgnoresSIGTERM(t *testing.T) {
	victim, next, started := stubborn(t), 0, 0
	service := local.Service{Name: "shop", Find: func(context.Context) (local.Process, error) {
		if next > 0 {
			return local.Find(next)
		}
		return local.Find(victim)
	}, Start: func(context.Context) error {
		if got := state(victim); got != "" && got != "Z" {
			t.Errorf("it is started while the first one is in state %q", got)
		}
		next = sleeper(t)
		started++
		return nil
	}}
	fault, rec := local.Restart(service), record.NewRecorder(io.Discard)
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errors.New("the run is over"))
	defer cancel()
	_, err := fault.Inject(ctx, rec)
	contains(t, err, fmt.Sprintf("wait for the end of process %d of shop: the run is over", victim))
	if _, err := fault.Recover(t.Context(), rec); err != nil || started != 1 {
		t.Errorf("started %d times, %v", started, err)
	}
}

// endless is a process that no signal ends.
type endless struct{}

func (endless) PID() int                       { return 7 }
func (endless) Signal(syscall.Signal) error    { return nil }
func (endless) Wait(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) }

func TestTheEndOfAProcessIsAwaitedForHalfAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fault := local.Restart(local.Service{
			Name:  "shop",
			Find:  func(context.Context) (local.Process, error) { return endless{}, nil },
			Start: func(context.Context) error { t.Error("a second one is started"); return nil },
		})
		rec := record.NewRecorder(io.Discard)
		_, err := fault.Inject(t.Context(), rec)
		contains(t, err, "wait for the end of process 7 of shop: it still runs 30s after the signal")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errors.New("the undo timeout is over"))
		defer cancel()
		_, err = fault.Recover(ctx, rec)
		contains(t, err, "kill process 7 of shop, which restart did not end: the undo timeout is over")
	})
}

// The process that follows may be ready before anybody looks for it.
func TestReadinessIsNotDatedLaterThanItMayHaveBeen(t *testing.T) {
	for _, row := range []struct {
		sentence string
		handover bool
	}{
		{"the next process is there before the first one ends", true},
		{"a Recover that gave up is called again when it is there", false},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			victim, there := sleeper(t), make(chan int, 1)
			next := 0
			service := local.Service{Name: "shop", Find: func(context.Context) (local.Process, error) {
				select {
				case next = <-there:
				default:
				}
				switch {
				case next > 0:
					return local.Find(next)
				case state(victim) == "":
					return nil, nil
				}
				p, err := local.Find(victim)
				if row.handover {
					there <- sleeper(t)
				}
				return p, err
			}}
			fault := local.Kill(service)
			var recorded bytes.Buffer
			rec := record.NewRecorder(&recorded)
			injection, err := fault.Inject(t.Context(), rec)
			if err != nil {
				t.Fatal(err)
			}
			ready := injection.From
			if !row.handover {
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				_, err := fault.Recover(ctx, rec)
				contains(t, err, "it does not run now, or Find looks elsewhere")
				there <- sleeper(t)
				ready = rec.Clock().Now()
			}
			removed, err := fault.Recover(t.Context(), rec)
			if err != nil {
				t.Fatal(err)
			}
			if removed.From > ready || removed.From < injection.From-time.Millisecond {
				t.Errorf("removed %s, but it may have been ready at %s; injected %s", removed, ready, injection.Span)
			}
		})
	}
}

func TestPause(t *testing.T) {
	for _, row := range []struct {
		sentence string
		during   func(t *testing.T, pid int)
		kind     string // of the last event
		reason   string
	}{
		{"it stands still until it is continued", func(*testing.T, int) {}, record.EventReady, ""},
		{"it was continued by others", func(t *testing.T, pid int) {
			if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			until(t, "it runs", func() bool { return state(pid) != "T" })
		}, record.EventEndedEarly, "the process was continued by others"},
		{"it was killed meanwhile", func(t *testing.T, pid int) {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			until(t, "it ended", func() bool { return state(pid) == "" })
		}, record.EventEndedEarly, "the process ended"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			pid := sleeper(t)
			var recorded bytes.Buffer
			rec := record.NewRecorder(&recorded)
			fault := local.Pause(local.Service{Name: "shop", Find: local.PID(pid)})
			if got := fault.String(); got != "pause shop" {
				t.Errorf("fault %q", got)
			}
			injection, err := fault.Inject(t.Context(), rec)
			if err != nil || state(pid) != "T" {
				t.Fatalf("in state %q, %v", state(pid), err)
			}
			row.during(t, pid)
			watched, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			if over := fault.(experiments.Watcher).Watch(watched, rec); (over == "") != (row.reason == "") {
				t.Errorf("over: %q, and it ended early: %q", over, row.reason)
			}
			removed, err := fault.Recover(t.Context(), rec)
			if err != nil {
				t.Fatal(err)
			}
			if got := state(pid); got == "T" {
				t.Error("it is still stopped")
			}
			list := events(t, &recorded)
			if len(list) != 2 || list[0].Kind != record.EventNotReady || list[0].Span != injection.Span || list[1].Kind != row.kind || list[1].Attrs[record.AttrReason] != row.reason {
				t.Fatalf("events %+v", list)
			}
			if list[1].To != removed.To || removed.From < injection.To || list[1].From > removed.From {
				t.Errorf("removed %s, event %s, injected %s", removed, list[1].Span, injection.Span)
			}
			if _, err := fault.Recover(t.Context(), rec); err != nil {
				t.Errorf("nothing to undo: %v", err)
			}
		})
	}
}

func TestAPausedProcessIsContinuedWhenTheHarnessIsKilled(t *testing.T) {
	pid := sleeper(t)
	harness := exec.Command(os.Args[0])
	harness.Env = append(os.Environ(), harnessVariable+"="+strconv.Itoa(pid))
	harness.Stderr = os.Stderr
	stdin, err := harness.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stdin.Close() }()
	out, err := harness.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := harness.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, len("paused\n"))); err != nil || state(pid) != "T" {
		t.Fatalf("in state %q, %v", state(pid), err)
	}
	if err := harness.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = harness.Wait()
	until(t, "it runs again", func() bool { return state(pid) != "T" })
}

func TestServicesThatAreRefused(t *testing.T) {
	err := local.Kill(local.Service{}).(experiments.Validator).Validate()
	contains(t, err, "a service needs a Name")
	contains(t, err, "needs Find: local.PIDFile or local.PID")
	if err := local.Pause(local.Service{Name: "shop", Find: local.PID(os.Getpid())}).(experiments.Validator).Validate(); err != nil {
		t.Error(err)
	}
}
