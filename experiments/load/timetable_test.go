package load

import (
	"math"
	"testing"
	"testing/synctest"
	"time"
)

// paced runs the pacer of a load until a number of requests was sent, and tells
// when each was.
func paced(t *testing.T, times *timetable, n int, between func(i int)) []time.Duration {
	t.Helper()
	begun := time.Now()
	p := &pacer{timetable: times, done: t.Context().Done()}
	var sent []time.Duration
	for i := range n {
		between(i)
		wait, stop := p.Pace(time.Since(begun), uint64(i))
		if wait != 0 || stop {
			t.Fatalf("request %d: the pacer says %s, %t; it waits by itself", i, wait, stop)
		}
		sent = append(sent, time.Since(begun))
	}
	return sent
}

func TestRequestsAreSentWhenTheyAreDue(t *testing.T) {
	for _, s := range []Shape{Constant(100), Constant(1000.0 / 60), Ramp(1, 10, 10*time.Second), Sine(5, 4, 10*time.Second), Spike(10, 100, time.Second, time.Second)} {
		t.Run(s.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				times := newTimetable(s, share{})
				for i, at := range paced(t, times, 300, func(int) {}) {
					if want := s.When(float64(i) + 1); at != want || times.due(uint64(i)).Sub(times.start) != want {
						t.Fatalf("request %d was sent at %s, want %s", i, at, want)
					}
				}
			})
		})
	}
}

// The shares of a load, begun at one instant, are the load.
func TestSharesInterleaveToTheWhole(t *testing.T) {
	s := Ramp(10, 100, 10*time.Second)
	const of, each = 3, 100
	got := map[uint64]time.Duration{}
	for worker := range of {
		synctest.Test(t, func(t *testing.T) {
			part := share{worker: worker, of: of}
			for i, at := range paced(t, newTimetable(s, part), each, func(int) {}) {
				got[part.number(uint64(i))] = at
			}
		})
	}
	if len(got) != of*each {
		t.Fatalf("%d requests, want %d", len(got), of*each)
	}
	for n, at := range got {
		if want := s.When(float64(n) + 1); at != want {
			t.Errorf("request %d was sent at %s, want %s", n, at, want)
		}
	}
}

// A switch of the rate counts from the instant it happens, also while the pacer
// waits, and what was planned before it stays.
func TestARateIsSwitchedInMidWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		times := newTimetable(Constant(1), share{})
		// The third request would be due at 3 s. From 2.5 s on, half an interval
		// is left, which takes a tenth of it; and so on until 4.5 s.
		time.AfterFunc(2500*time.Millisecond, func() { times.multiply(10) })
		time.AfterFunc(4500*time.Millisecond, func() { times.multiply(1) })
		sent := paced(t, times, 26, func(int) {})
		for i, at := range sent {
			var want time.Duration
			switch n := float64(i) + 1; {
			case n <= 2.5:
				want = time.Duration(n) * time.Second
			case n <= 2.5+20:
				want = 2500*time.Millisecond + time.Duration(math.Round((n-2.5)*1e8))
			default:
				want = 4500*time.Millisecond + time.Duration(math.Round((n-22.5)*1e9))
			}
			if at != want || times.due(uint64(i)).Sub(times.start) != want {
				t.Errorf("request %d was sent at %s and due at %s, want %s", i, at, times.due(uint64(i)).Sub(times.start), want)
			}
		}
	})
}

// A slow load ends when it is told to, and not with its next request.
func TestTheEndIsNotWaitedForUntilTheNextRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		done := make(chan struct{})
		p := &pacer{timetable: newTimetable(Constant(1.0/60), share{}), done: done}
		time.AfterFunc(time.Second, func() { close(done) })
		begun := time.Now()
		if _, stop := p.Pace(0, 0); !stop || time.Since(begun) != time.Second {
			t.Errorf("it stops: %t, after %s; want at once", stop, time.Since(begun))
		}
	})
}
