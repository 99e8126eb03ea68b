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
