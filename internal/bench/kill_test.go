package bench_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/internal/bench"
	"github.com/aftershockhq/aftershock/record"
)

func TestKill(t *testing.T) {
	b := start(t, bench.Options{RestartAfter: 50 * time.Millisecond})
	var recorded bytes.Buffer
	rec := record.NewRecorder(&recorded)
	before := b.Services()[1]
	if _, err := get(t, b.URL(), "", 0); err != nil {
		t.Fatal(err)
	}

	fault := b.Kill("service-2")
	if got, want := fault.String(), "kill -9 service-2"; got != want {
		t.Errorf("fault %q, want %q", got, want)
	}
	targets, err := fault.(experiments.Targeter).Targets(t.Context())
	if err != nil || len(targets) != 1 || targets[0].Name != "service-2" || targets[0].UID != strconv.Itoa(before.PID) {
		t.Errorf("targets %v, %v; want service-2 with its process %d", targets, err, before.PID)
	}
	injection, err := fault.Inject(t.Context(), rec)
	if err != nil {
		t.Fatal(err)
	}
	uid := strconv.Itoa(before.PID)
	if !exited(before.PID) {
		t.Errorf("process %d is still there after Inject", before.PID)
	}
	if len(injection.Targets) != 1 || injection.Targets[0] != (record.Target{Name: "service-2", UID: uid}) || injection.FailureReason != "" {
		t.Errorf("injection %+v, want service-2 with UID %s", injection, uid)
	}
	removed, err := fault.Recover(t.Context(), rec)
	if err != nil {
		t.Fatal(err)
	}
	after := b.Services()[1]
	if after.PID == 0 || after.PID == before.PID {
		t.Errorf("service-2 has process %d after Recover, had %d", after.PID, before.PID)
	}

	events := map[string]record.Event{}
	for e, err := range record.Read(&recorded) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Event != nil {
			events[e.Event.Kind] = *e.Event
		}
	}
	gone, ready := events[record.EventGone], events[record.EventReady]
	if gone.Subject != "process/service-2" || gone.UID != uid || gone.Span != injection.Span || !gone.Valid() {
		t.Errorf("gone event %+v, want UID %s in %s", gone, uid, injection.Span)
	}
	if ready.Subject != "process/service-2" || ready.UID != strconv.Itoa(after.PID) || ready.Span != removed || ready.From < gone.From {
		t.Errorf("ready event %+v, want UID %d in %s", ready, after.PID, removed)
	}

	absences := b.Truth().Absences()
	if len(absences) != 1 {
		t.Fatalf("absences %+v, want one", absences)
	}
	a := absences[0]
	if a.Service != "service-2" || a.PID != before.PID || a.NextPID != after.PID || a.End != bench.Killed {
		t.Errorf("absence %+v, want that of process %d until %d", a, before.PID, after.PID)
	}
	gone.Span = a.Gone.On(rec.Clock())
	if gone.From < injection.From || gone.To > injection.To || a.Back.On(rec.Clock()) != removed {
		t.Errorf("absence %+v, want it gone in %s and back in %s", a, injection.Span, removed)
	}
	until(t, "service-2 answers through the balancer again", func() error {
		pod, err := get(t, b.URL(), "", 1)
		if err == nil && pod != "service-2" {
			err = fmt.Errorf("answered by %s", pod)
		}
		return err
	})
}

// never is a time to restart that no test sees.
const never = time.Hour

func TestKillCostsWhatTheBalancerLetsIt(t *testing.T) {
	for _, test := range []struct {
		name    string
		options bench.Options
		// failed of nine requests that are sent one after the other once the
		// balancer knows all that it will ever know.
		failed int
	}{
		{
			name:    "a balancer that checks its backends sends nothing to a dead one it has found",
			options: bench.Options{RestartAfter: never, CheckInterval: 10 * time.Millisecond},
			failed:  0,
		},
		{
			name:    "a balancer without health checks sends every third connection to the dead one of three",
			options: bench.Options{RestartAfter: never, Defect: bench.NoHealthChecks},
			failed:  3,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := start(t, test.options)
			rec := record.NewRecorder(&bytes.Buffer{})
			victim := b.Services()[2].PID
			if _, err := b.Kill("service-3").Inject(t.Context(), rec); err != nil {
				t.Fatal(err)
			}
			dead := func() bench.Process { return process(t, b, victim) }
			if test.options.Defect == bench.NoDefect {
				until(t, "the balancer has found service-3 dead", func() error {
					if last := dead().Rotation[len(dead().Rotation)-1]; last.Out.IsZero() {
						return fmt.Errorf("rotation %v", dead().Rotation)
					}
					return nil
				})
			}
			failed := 0
			for seq := range 9 {
				pod, err := get(t, b.URL(), "", seq)
				switch {
				case err != nil:
					failed++
				case pod == "service-3":
					t.Errorf("request %d was answered by the dead service-3", seq)
				}
			}
			if failed != test.failed || dead().Refused != test.failed {
				t.Errorf("%d requests failed and %d connections were refused, want %d", failed, dead().Refused, test.failed)
			}
		})
	}
}

func TestWhatWasAnsweredWasSeenAlsoByAKilledProcess(t *testing.T) {
	b := start(t, bench.Options{RestartAfter: 20 * time.Millisecond, Defect: bench.NoHealthChecks})
	victim := b.Services()[0]
	rec := record.NewRecorder(&bytes.Buffer{})
	fault := b.Kill(victim.Name)

	// Traffic of several clients before, during and after the kill.
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var mu sync.Mutex
	answered := map[string]int{}
	highest := map[string]int{}
	seq := 0
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for ctx.Err() == nil {
				mu.Lock()
				mine := seq
				seq++
				mu.Unlock()
				pod, err := get(t, b.URL(), "storm", mine)
				if err != nil {
					continue // of the killed process
				}
				mu.Lock()
				answered[pod]++
				highest[pod] = max(highest[pod], mine)
				mu.Unlock()
			}
		})
	}
	until(t, "the victim has answered", func() error {
		mu.Lock()
		defer mu.Unlock()
		if answered[victim.Name] < 10 {
			return fmt.Errorf("answered %v", answered)
		}
		return nil
	})
	if _, err := fault.Inject(t.Context(), rec); err != nil {
		t.Error(err)
	}
	if _, err := fault.Recover(t.Context(), rec); err != nil {
		t.Error(err)
	}
	stop()
	clients.Wait()
	killed := process(t, b, victim.PID)
	if len(killed.Seen) != 1 || killed.Seen[0].Requests < 10 {
		t.Errorf("the killed process saw %+v, want at least the ten requests it had answered", killed.Seen)
	}
	// What the others saw may be in their pipes until they end.
	if err := b.Stop(); err != nil {
		t.Error(err)
	}

	seen, last := map[string]int{}, map[string]int{}
	for _, p := range b.Truth().Processes {
		for _, s := range p.Seen {
			seen[p.Service] += s.Requests
			last[p.Service] = max(last[p.Service], int(s.Last))
		}
	}
	for pod, n := range answered {
		if seen[pod] < n || last[pod] < highest[pod] {
			t.Errorf("%s answered %d requests up to number %d, and saw %d up to %d", pod, n, highest[pod], seen[pod], last[pod])
		}
	}
}

func process(t *testing.T, b *bench.Bench, pid int) bench.Process {
	t.Helper()
	for _, p := range b.Truth().Processes {
		if p.PID == pid {
			return p
		}
	}
	t.Fatalf("the truth knows nothing of process %d", pid)
	return bench.Process{}
}

func TestKillRefuses(t *testing.T) {
	b := start(t, bench.Options{RestartAfter: never})
	rec := record.NewRecorder(&bytes.Buffer{})
	fault := b.Kill("service-1")
	if _, err := fault.Recover(t.Context(), rec); err != nil {
		t.Errorf("recover what was never injected: %v, want nothing to undo", err)
	}
	if _, err := b.Kill("service-9").Inject(t.Context(), rec); err == nil || err.Error() != `no service "service-9"; services: service-1, service-2, service-3` {
		t.Errorf("kill a service that is not there: %v", err)
	}
	injection, err := fault.Inject(t.Context(), rec)
	if err != nil || injection.FailureReason != "" {
		t.Fatalf("injection %+v, %v", injection, err)
	}
	pid := injection.Targets[0].UID
	if _, err := fault.Inject(t.Context(), rec); err == nil || err.Error() != "process "+pid+" was killed and not recovered from: call Recover first" {
		t.Errorf("inject twice: %v", err)
	}
	// Another fault on a service that has no process is no error of the
	// harness: the judge is told.
	injection, err = b.Kill("service-1").Inject(t.Context(), rec)
	if err != nil || injection.FailureReason != "service-1 has no process to kill: it does not run now, or Find looks elsewhere, as in another PID file" || len(injection.Targets) != 0 {
		t.Errorf("kill a service that has no process: %+v, %v", injection, err)
	}

	impatient, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the undo timeout is over"))
	want := "wait for service-1 to be back: the undo timeout is over; its process " + pid + " was killed and is not undone until the next one answers"
	for range 2 { // it can be asked again
		if _, err := fault.Recover(impatient, rec); err == nil || err.Error() != want {
			t.Errorf("recover with no time left: %v, want %s", err, want)
		}
	}
	if err := b.Stop(); err != nil {
		t.Error(err)
	}
	if _, err := fault.Recover(t.Context(), rec); err == nil || !bytes.HasPrefix([]byte(err.Error()), []byte("wait for service-1 to be back: the bench has stopped")) {
		t.Errorf("recover on a bench that has stopped: %v", err)
	}
}

func TestAProcessThatEndsByItselfIsStartedAgain(t *testing.T) {
	b := start(t, bench.Options{RestartAfter: time.Millisecond})
	victim := b.Services()[2]
	if err := syscall.Kill(victim.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	until(t, "the next process is there", func() error {
		for _, a := range b.Truth().Absences() {
			if a.PID == victim.PID && a.End == bench.Crashed && !a.Back.IsZero() && !a.Gone.From.After(a.Gone.To) {
				return nil
			}
		}
		return fmt.Errorf("absences %+v", b.Truth().Absences())
	})
}

func TestPrometheusSeesWhoIsDown(t *testing.T) {
	b := start(t, bench.Options{RestartAfter: never})
	query := prometheus(t, b)
	up := func(want map[string]float64) func() error {
		return func() error {
			vector, err := query(`up{job="service"}`)
			if err != nil {
				return err
			}
			got := map[string]float64{}
			for _, s := range vector {
				got[string(s.Metric["pod"])] = float64(s.Value)
			}
			if !maps.Equal(got, want) {
				return fmt.Errorf("up is %v, want %v", got, want)
			}
			return nil
		}
	}
	until(t, "all are up", up(map[string]float64{"service-1": 1, "service-2": 1, "service-3": 1}))
	if _, err := b.Kill("service-1").Inject(t.Context(), record.NewRecorder(&bytes.Buffer{})); err != nil {
		t.Fatal(err)
	}
	until(t, "the killed one is down", up(map[string]float64{"service-1": 0, "service-2": 1, "service-3": 1}))
}

func TestServicesAreNotOfTheTerminal(t *testing.T) {
	for _, s := range start(t, bench.Options{}).Services() {
		if group, err := syscall.Getpgid(s.PID); err != nil || group != s.PID {
			t.Errorf("process %d of %s is of group %d (%v), so ^C would end it before the program could undo its faults", s.PID, s.Name, group, err)
		}
	}
}
