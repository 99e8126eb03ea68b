package load

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// windowed runs the pacer of a share in a window until it stops, and tells the
// numbers it sent, and when it stopped.
func windowed(t *testing.T, s Shape, part share, w *Window) (sent []uint64, stopped time.Time) {
	t.Helper()
	times := newTimetable(s, part)
	times.begin(w.start)
	p := &pacer{timetable: times, window: w, done: t.Context().Done()}
	begun := time.Now()
	for i := uint64(0); ; i++ {
		if _, stop := p.Pace(time.Since(begun), i); stop {
			return sent, time.Now()
		}
		if early := time.Until(times.due(part.number(i))); early > 0 {
			t.Errorf("request %d was sent %s before it was due", part.number(i), early)
		}
		sent = append(sent, part.number(i))
	}
}

func TestAWindowIsBegunAndEndedByAllSharesAtOnce(t *testing.T) {
	const end = 2*time.Second + 5*time.Millisecond // at 10/s: number 19 is due at 2 s, 20 at 2.1 s
	for _, row := range []struct {
		sentence string
		told     time.Duration // when the end is, since the workers were started
		stops    time.Duration // since the start, at the latest
	}{
		{"told in good time", time.Second, end},
		{"told while the last request that is due is waited for", 3 * time.Second, end},
		{"told before it begins", 0, end},
		{"told late: what was sent by then was sent", 3*time.Second + 250*time.Millisecond, 2250 * time.Millisecond},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			var all []uint64
			for worker := range 2 {
				synctest.Test(t, func(t *testing.T) {
					w := NewWindow(time.Now().Add(time.Second))
					time.AfterFunc(row.told, func() { w.End(end); w.End(time.Hour) })
					sent, stopped := windowed(t, Constant(10), share{worker: worker, of: 2}, w)
					all = append(all, sent...)
					if at := stopped.Sub(w.start); at > row.stops {
						t.Errorf("worker %d stopped %s after the start, want by %s", worker, at, row.stops)
					}
				})
			}
			slices.Sort(all)
			want := 20
			if row.told > time.Second+end {
				want = 22
			}
			if len(all) != want || all[want-1] != uint64(want)-1 {
				t.Errorf("numbers %d were sent, want all up to %d", all, want-1)
			}
		})
	}
}

// A window that is over before its first request is due has none.
func TestAWindowOfNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWindow(time.Now())
		w.End(0)
		if sent, stopped := windowed(t, Constant(1), share{}, w); len(sent) != 0 || stopped != time.Now() {
			t.Errorf("%d were sent", sent)
		}
	})
}
