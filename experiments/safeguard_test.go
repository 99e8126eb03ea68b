package experiments_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// guarding is a safeguard that answers as it is told, and keeps what was asked.
type guarding struct {
	name                     string
	begin, allow, watch, end error
	after                    time.Duration // until watch is told
	asked                    *[]string
	lifetime                 time.Duration
}

func (g *guarding) String() string { return g.name }

func (g *guarding) note(what string) { *g.asked = append(*g.asked, g.name+" "+what) }

func (g *guarding) Begin(context.Context, *record.Recorder) error {
	g.note("begin")
	return g.begin
}

func (g *guarding) Allow(_ context.Context, lifetime time.Duration) error {
	g.note("allow")
	g.lifetime = lifetime
	return g.allow
}

func (g *guarding) Watch(ctx context.Context) error {
	if g.watch == nil {
		<-ctx.Done()
		return nil
	}
	if experiments.Wait(ctx, g.after) != nil {
		return nil
	}
	return g.watch
}

func (g *guarding) End(ctx context.Context) error {
	g.note("end")
	return errors.Join(ctx.Err(), g.end)
}

func TestASafeguardMayKeepARunFromBeginningAndEndIt(t *testing.T) {
	stopped := experiments.Ending{Reason: record.Stopped, Detail: "by ann: an incident"}
	for _, row := range []struct {
		sentence  string
		guard     guarding
		end       record.End
		verdict   steadystate.Verdict
		asked     string
		recovered int
		err       string
	}{
		{"it lets it run", guarding{}, record.End{Reason: record.Completed}, steadystate.Held, "first begin, guard begin, first allow, guard allow, guard end, first end", 1, ""},
		{
			"refused before anything is touched",
			guarding{begin: experiments.Ending{Reason: record.Refused, Detail: "held by bob"}},
			record.End{Reason: record.Refused, Detail: "held by bob"},
			steadystate.Unknown, "first begin, guard begin, guard end, first end", 0, "guard: refused: held by bob",
		},
		{
			"it could not be asked",
			guarding{begin: errors.New("forbidden")},
			record.End{Reason: record.Failed, Detail: "guard: forbidden"},
			steadystate.Unknown, "first begin, guard begin, guard end, first end", 0, "guard: forbidden",
		},
		{
			"stopped right before the injection",
			guarding{allow: stopped},
			record.End{Reason: record.Stopped, Detail: "by ann: an incident"},
			steadystate.Unknown, "first begin, guard begin, first allow, guard allow, guard end, first end", 1, "stopped: by ann",
		},
		{
			"stopped while the service settles",
			guarding{watch: stopped, after: s},
			record.End{Reason: record.Stopped, Detail: "by ann: an incident"},
			steadystate.Unknown, "first begin, guard begin, guard end, first end", 0, "guard: stopped: by ann",
		},
		{
			"aborted under way: the faults are undone",
			guarding{watch: experiments.Ending{Reason: record.Aborted, Detail: "errors 12%, not <= 5%"}, after: 8 * s},
			record.End{Reason: record.Aborted, Detail: "errors 12%, not <= 5%"},
			steadystate.Broken, "first begin, guard begin, first allow, guard allow, guard end, first end", 1, "aborted: errors 12%",
		},
		{
			"blind is unknown",
			guarding{watch: experiments.Ending{Reason: record.Blind, Detail: "errors were not seen for 10s"}, after: 8 * s},
			record.End{Reason: record.Blind, Detail: "errors were not seen for 10s"},
			steadystate.Unknown, "first begin, guard begin, first allow, guard allow, guard end, first end", 1, "blind",
		},
		{
			"an ending that claims a complete run has none",
			guarding{watch: experiments.Ending{Reason: record.Completed, Detail: "all is well"}, after: 20 * s},
			record.End{Reason: record.Failed, Detail: "all is well"},
			steadystate.Unknown, "first begin, guard begin, first allow, guard allow, guard end, first end", 1, "all is well",
		},
		{
			"it could not end",
			guarding{end: errors.New("still mine")},
			record.End{Reason: record.Failed, Detail: "guard: still mine"},
			steadystate.Unknown, "first begin, guard begin, first allow, guard allow, guard end, first end", 1, "guard: still mine",
		},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked []string
				first := &guarding{name: "first", asked: &asked}
				row.guard.name, row.guard.asked = "guard", &asked
				w := newWorld()
				e := w.experiment("downtime <= 3s")
				e.Safeguards = []experiments.Safeguard{first, &row.guard}
				result, _, err := run(t, t.Context(), e)
				if (row.err == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), row.err)) {
					t.Errorf("error %v, want %q", err, row.err)
				}
				if result.End != row.end || result.Verdict != row.verdict {
					t.Errorf("%s, %+v; want %s, %+v", result.Verdict, result.End, row.verdict, row.end)
				}
				if row.end.Reason != record.Completed && !strings.Contains(result.Reason, row.end.Detail) {
					t.Errorf("reason %q, want one with %q", result.Reason, row.end.Detail)
				}
				if got := strings.Join(asked, ", "); got != row.asked {
					t.Errorf("asked %s, want %s", got, row.asked)
				}
				if w.recovered != row.recovered {
					t.Errorf("undone %d times, want %d", w.recovered, row.recovered)
				}
				if slices.Contains(asked, "first allow") && first.lifetime <= e.Hold {
					t.Errorf("lifetime %s, want more than what is held", first.lifetime)
				}
			})
		})
	}
}

// renewing is a safeguard that works until it is told to end.
type renewing struct {
	guarding
	until time.Time
}

func (g *renewing) Watch(ctx context.Context) error {
	<-ctx.Done()
	g.until = time.Now()
	return nil
}

// A lock is renewed until the faults are gone, however the run ends.
func TestASafeguardWatchesUntilEverythingIsUndone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		g := &renewing{guarding: guarding{name: "lock", asked: &asked}}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var undone time.Time
		slow := &watched{recover: func(context.Context) error {
			time.Sleep(20 * s)
			undone = time.Now()
			return nil
		}}
		e := newShop().experiment(experiments.Scheduled{Fault: slow})
		e.Safeguards = []experiments.Safeguard{g}
		time.AfterFunc(15*s, cancel)
		if _, _, err := run(t, ctx, e); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if undone.IsZero() || g.until.Before(undone) {
			t.Errorf("watched until %s, and undone at %s", g.until, undone)
		}
	})
}

// hanging is a safeguard whose API server does not answer any more when it is to end.
type hanging struct{ guarding }

func (g *hanging) End(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// draining is a load whose last requests are answered late.
type draining struct{ *shop }

func (d draining) Drive(ctx context.Context, clock steadystate.Clock, each func(record.Request)) error {
	err := d.shop.Drive(ctx, clock, each)
	time.Sleep(d.StopTimeout())
	return err
}

func (draining) StopTimeout() time.Duration { return 40 * s }

// What ends an interrupted run gives it so long: Ginkgo, or go test.
func TestAnInterruptedRunEndsWithinItsCleanup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w := newShop()
		e := w.experiment(experiments.Scheduled{Fault: &watched{recover: func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}}})
		e.Safeguards = []experiments.Safeguard{&hanging{guarding{name: "lock", asked: &asked}}}
		e.Load = draining{w}
		var interrupted time.Time
		time.AfterFunc(15*s, func() { interrupted = time.Now(); cancel() })
		result, _, err := run(t, ctx, e)
		if took := time.Since(interrupted); took > e.Cleanup() || took < 3*time.Minute+20*s {
			t.Errorf("it ended after %s, want all of it to be waited for, and %s at most", took, e.Cleanup())
		}
		if !errors.Is(err, experiments.ErrLeftBehind) || result.End.Detail == "" || len(result.LeftBehind) != 1 {
			t.Errorf("error %v, ended %+v, left behind %q", err, result.End, result.LeftBehind)
		}
	})
}

func TestARunThatIsAbortedAndLeavesAFaultSaysBoth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		w := newWorld()
		w.recoverErr = errors.New("stuck")
		e := w.experiment()
		e.Safeguards = []experiments.Safeguard{&guarding{name: "guard", asked: &asked, watch: experiments.Ending{Reason: record.Aborted, Detail: "errors 12%"}, after: 12 * s}}
		result, _, err := run(t, t.Context(), e)
		if !errors.Is(err, experiments.ErrLeftBehind) || result.End.Reason != record.Aborted || result.Verdict != steadystate.Broken || len(result.LeftBehind) != 1 {
			t.Errorf("error %v, ended %+v, %s, left behind %q", err, result.End, result.Verdict, result.LeftBehind)
		}
		if want := "errors 12%; undo kill one: a fault may still be in place: stuck"; result.End.Detail != want {
			t.Errorf("ended with %q, want %q", result.End.Detail, want)
		}
	})
}

func TestASafeguardThatStopsWatchingEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		e := newWorld().experiment()
		e.Safeguards = []experiments.Safeguard{idle{&guarding{name: "idle", asked: &asked}}}
		if _, _, err := run(t, t.Context(), e); err == nil || err.Error() != "idle: it stopped watching" {
			t.Errorf("error %v", err)
		}
	})
}

type idle struct{ *guarding }

func (idle) Watch(context.Context) error { return nil }

// waiting is a safeguard that has to wait for something.
type waiting struct {
	guarding
	ready error
}

func (w *waiting) Ready(ctx context.Context) error {
	w.note("ready")
	return errors.Join(w.ready, experiments.Wait(ctx, 45*s))
}

// A stop or a freeze that begins during the wait is seen, and a lock is sized after it.
func TestWhatMustBeWaitedForComesBeforeEveryDecision(t *testing.T) {
	for _, row := range []struct {
		sentence string
		ready    error
		asked    string
		err      string
	}{
		{"it is ready in the end", nil, "lock begin, switch begin, switch ready, lock allow, switch allow, switch end, lock end", ""},
		{"it never is", errors.New("no pod"), "lock begin, switch begin, switch ready, switch end, lock end", "switch: no pod"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked []string
				w := newWorld()
				e := w.experiment()
				e.Safeguards = []experiments.Safeguard{&guarding{name: "lock", asked: &asked}, &waiting{guarding{name: "switch", asked: &asked}, row.ready}}
				_, _, err := run(t, t.Context(), e)
				if (row.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), row.err) {
					t.Errorf("error %v, want %q", err, row.err)
				}
				if got := strings.Join(asked, ", "); got != row.asked {
					t.Errorf("asked %s, want %s", got, row.asked)
				}
			})
		})
	}
}
