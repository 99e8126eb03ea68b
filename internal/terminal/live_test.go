package terminal_test

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/aftershockhq/aftershock/internal/terminal"
	"github.com/aftershockhq/aftershock/record"
)

// A live view replays a record as it came, and is looked at in between.
func TestTheLiveViewOfARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var live terminal.Live
		screen := terminal.Screen{Width: 60}
		if lines := live.Lines(screen, time.Now()); len(lines) != 0 {
			t.Errorf("before the run: %q", lines)
		}
		began := time.Now()
		looks := map[time.Duration]string{
			500 * time.Millisecond: `
  settle  at least 1s left; then hold 2s, watch 3s
  traffic                       0/s, 0 of 5 failed
  checks  good answers`,
			1500 * time.Millisecond: `
  settle  2s so far, until all checks are good; then hold …
  traffic                       0/s, 0 of 15 failed
  checks  good answers`,
			3 * time.Second: `
  hold    1s left; then watch 3s
  traffic                   ++  10/s, 5 of 30 failed
  checks  BAD answers`,
			6 * time.Second: `
  watch   2s left; then the verdict
  traffic                ++x++  10/s, 5 of 60 failed
  checks  good answers`,
		}
		seen := 0
		list := entries("downtime <= 4s")
		slices.SortStableFunc(list, func(a, b record.Entry) int { return cmp.Compare(a.At, b.At) })
		for _, e := range list {
			for at, want := range looks {
				if time.Since(began) < at && e.At >= at {
					seen++
					time.Sleep(time.Until(began.Add(at)))
					got := "\n" + strings.Join(live.Lines(screen, time.Now()), "\n")
					if got != want {
						t.Errorf("at %s:%s\nwant:%s", at, got, want)
					}
				}
			}
			time.Sleep(time.Until(began.Add(e.At)))
			live.See(e)
			for _, line := range live.Lines(screen, time.Now()) {
				if ansi.StringWidth(line) >= screen.Width {
					t.Errorf("%q is too wide", line)
				}
			}
		}
		if seen != len(looks) {
			t.Errorf("%d looks, want %d", seen, len(looks))
		}
		if lines := live.Lines(screen, time.Now()); len(lines) != 0 {
			t.Errorf("after the run: %q", lines)
		}
	})
}

func TestTheLiveViewSaysWhatItDoesNotKnow(t *testing.T) {
	var live terminal.Live
	for _, e := range entries()[:4] {
		live.See(e)
	}
	if text := strings.Join(live.Lines(terminal.Screen{Width: 80}, time.Now()), "\n"); !strings.Contains(text, "checks  not known answers") || strings.Contains(text, "traffic") {
		t.Error(text)
	}
	for phase, want := range map[string]string{
		record.PhaseInject: "the fault is being injected", record.PhaseRecover: "the faults are being undone",
	} {
		live.See(record.Entry{Phase: phase})
		if text := live.Lines(terminal.Screen{Width: 80}, time.Now())[0]; !strings.Contains(text, want) {
			t.Errorf("%s: %q", phase, text)
		}
	}
}
