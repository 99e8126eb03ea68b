package steadystate_test

import (
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/steadystatetest"
)

// R19: two requests of 4,000 were not answered within ten seconds.
func TestATimeOutIsAValueOfAtLeastWhatItTook(t *testing.T) {
	list := requests(100, 40*s)
	for _, i := range []int{200, 2000} {
		list[i].Failed, list[i].To, list[i].Value = steadystate.TimedOut, list[i].From+10*s, 10
	}
	other := requests(100, 40*s)
	for _, i := range []int{200, 2000} {
		other[i].Failed = "503"
	}
	record := steadystate.Span{To: 40 * s}
	rule := steadystate.Rule{Settle: s, Allowed: 0.001}
	timedOut, failed := figuresOf(list, rule, record, record), figuresOf(other, rule, record, record)
	for _, row := range []struct {
		limit   string
		figures steadystate.Figures
		want    steadystate.Verdict
		text    string
	}{
		{"max <= 1s", timedOut, steadystate.Broken, "at least 10s of 4,000 observations"},
		{"max <= 20s", timedOut, steadystate.Unknown, "at least 10s of 4,000 observations"},
		{"mean <= 9ms", timedOut, steadystate.Broken, "at least 9.998ms of 4,000 observations"},
		{"mean <= 1s", timedOut, steadystate.Unknown, "at least 9.998ms of 4,000 observations"},
		{"min <= 5ms", timedOut, steadystate.Held, "5ms of 4,000 observations"},
		{"p95 <= 1s", timedOut, steadystate.Held, "5ms of 4,000 observations"},
		{"p99.97 <= 1s", timedOut, steadystate.Broken, "beyond any value: 2 of 4,000 failed"},
		{"mean of good <= 9ms", timedOut, steadystate.Held, "5ms of 3,998 observations"},
		{"max of good <= 1s", timedOut, steadystate.Held, "5ms of 3,998 observations"},
		{"p99.96 of good <= 1s", timedOut, steadystate.Held, "5ms of 3,998 observations"},
		{"errors <= 0.05%", timedOut, steadystate.Held, "0.05% of 4,000 observations"},
		{"max <= 1s", failed, steadystate.Held, "5ms of 4,000 observations"},
		{"mean <= 9ms", failed, steadystate.Held, "5ms of 4,000 observations"},
	} {
		if got := steadystate.MustParseLimit(row.limit).Judge(row.figures); got.Verdict != row.want || got.Text != row.text {
			t.Errorf("%s: %s, %q; want %s, %q", row.limit, got.Verdict, got.Text, row.want, row.text)
		}
	}
}

// R12: 90 requests are in flight when the fault comes, and are cut off.
func TestWhatTheFaultCutOffCounts(t *testing.T) {
	t0 := 20 * s
	list := requests(100, 60*s)
	for i := range list {
		list[i].To, list[i].Value = list[i].From+900*ms, 0.9
		if list[i].From < t0 && list[i].To > t0 {
			list[i].To, list[i].Failed = t0+2*ms, "connection reset"
		}
	}
	window, record := steadystate.Span{From: t0, To: 60 * s}, steadystate.Span{To: 60 * s}
	f := figuresOf(list, steadystate.Rule{Settle: 10 * s, Allowed: 0.05}, window, record)
	for text, want := range map[string]steadystate.Verdict{"errors <= 0%": steadystate.Broken, "errors <= 2%": steadystate.Broken, "p98 <= 1s": steadystate.Broken, "p95 <= 1s": steadystate.Held} {
		if got := steadystate.MustParseLimit(text).Judge(f); got.Verdict != want {
			t.Errorf("%s: %s, %q; want %s", text, got.Verdict, got.Text, want)
		}
	}
	if f.Failed != 89 || f.Good != 4000 {
		t.Errorf("%d failed and %d good in the window, want the 89 that were cut off and the 4,000 that were sent in it", f.Failed, f.Good)
	}
}

func TestWhichOutagesARecoveryIsUntil(t *testing.T) {
	// One observation a second, of an instant; the settle time is two seconds.
	at := func(seconds float64) steadystate.Span {
		return steadystate.Instant(time.Duration(seconds * float64(s)))
	}
	for _, row := range []struct {
		sentence       string
		timeline       string
		injected, from steadystate.Span
		until          time.Duration // the next injection
		low, high      time.Duration
		n              int
		ttd            time.Duration // -1: none
	}{
		{"without an outage it took no time", "++++++++++++++++++++", at(5), at(5), 20 * s, 0, 0, 0, -1},
		{"until the outage is over", "++++++---+++++++++++", at(5), at(5), 20 * s, 3 * s, 4 * s, 1, s},
		{"until the last of two is over", "++++++-++++--+++++++", at(5), at(5), 20 * s, 7 * s, 8 * s, 2, s},
		{"R18: it may also be until one that began after the next injection is over", "++++++++++++---+++++", at(5), at(5), 10 * s, 0, 10 * s, 1, -1},
		{"but certainly until one before that is", "++++++--++++---+++++", at(5), at(5), 10 * s, 2 * s, 10 * s, 2, s},
		{"which may have caused it too", "++++++++++++---+++++", at(10), at(10), 20 * s, 4 * s, 5 * s, 1, 2 * s},
		{"an outage that began before the injection may be over without it", "++---+++++++++++++++", at(3.5), at(3.5), 20 * s, 0, 1500 * ms, 0, -1},
		{"and what it did may be hidden in that: no detection", "++---++++++---++++++", at(3.5), at(3.5), 20 * s, 9500 * ms, 10500 * ms, 1, 7500 * ms},
		{"one that was over is another's", "++---+++++++++++++++", at(8), at(8), 20 * s, 0, 0, 0, -1},
		{"one at whose edge the injection lies is its own", "+++++---++++++++++++", at(4.5), at(4.5), 20 * s, 2500 * ms, 3500 * ms, 1, 500 * ms},
		{"after the removal, what is left of it", "++++++---+++++++++++", at(5), at(7), 20 * s, s, 2 * s, 1, s},
		{"nothing is left of what was over", "++++++---+++++++++++", at(5), at(12), 20 * s, 0, 0, 0, s},
	} {
		f := drawn(row.timeline)
		took, n, _ := f.Recovery(row.injected, row.from, row.until)
		if took.Low != row.low || took.High != row.high || n != row.n {
			t.Errorf("%s: %v of %d outages, want %s to %s of %d", row.sentence, took, n, row.low, row.high, row.n)
		}
		detected, ok := f.Detected(row.injected, row.until)
		if got := detected - row.injected.From; (ok && got != row.ttd) || (!ok && row.ttd >= 0) {
			t.Errorf("%s: detected after %s, %t; want %s", row.sentence, got, ok, row.ttd)
		}
	}
}

func drawn(text string) steadystate.Figures {
	record := steadystate.Span{To: time.Duration(len(text)) * s}
	return steadystatetest.Fold(steadystatetest.Observations(text, s, 0), steadystatetest.Good, steadystate.Rule{Settle: 2 * s}, record, record).Figures()[0]
}

// A short outage does not show that there was no longer one of a single backend: it
// leaves what may pass unseen as it was.
func TestABlipDecidesNothing(t *testing.T) {
	record := steadystate.Span{To: 60 * s}
	rule := steadystate.Rule{Settle: 10 * s, Allowed: 0.001, ByChance: true, Smallest: 1. / 30}
	of := func(length time.Duration) steadystate.Figures {
		list := requests(100, 60*s)
		for i := range list {
			if list[i].From >= 20*s && list[i].From < 20*s+length {
				list[i].Failed = "connection refused"
			}
		}
		return figuresOf(list, rule, record, record)
	}
	limit := steadystate.MustParseLimit("downtime <= 2s")
	for _, length := range []time.Duration{0, 100 * ms, 500 * ms} {
		f := of(length)
		if r := limit.Judge(f); r.Verdict != steadystate.Unknown || f.PartialResolution.Length < 2*s {
			t.Errorf("an outage of %s: %s, %q; one of 30 may have been out for %s", length, r.Verdict, r.Text, f.PartialResolution.Length)
		}
	}
	if r := limit.Judge(of(1500 * ms)); r.Verdict != steadystate.Held {
		t.Errorf("an outage of 1.5s: %s, %q; want held", r.Verdict, r.Text)
	}
}

// What is not known may have been the greatest and the least, however few.
func TestAHoleWithinTheAllowedShareHidesAnExtreme(t *testing.T) {
	record := steadystate.Span{To: 60 * s}
	list := requests(100, 60*s)
	list[3000].Unknown = "no local port"
	f := figuresOf(list, steadystate.Rule{Settle: 10 * s, Allowed: 0.001}, record, record)
	for text, want := range map[string]steadystate.Verdict{
		"max <= 100ms": steadystate.Unknown, "min >= 1ms": steadystate.Unknown, "mean <= 100ms": steadystate.Unknown, "p95 <= 100ms": steadystate.Held,
		"max <= 1ms": steadystate.Broken, "min >= 100ms": steadystate.Broken,
	} {
		if r := steadystate.MustParseLimit(text).Judge(f); r.Verdict != want {
			t.Errorf("%s: %s, %q; want %s", text, r.Verdict, r.Text, want)
		}
	}
}

// A stray that timed out is of the phase that sent it. Of the next one it may be.
func TestATimeOutFromAnotherPhase(t *testing.T) {
	list := requests(100, 60*s)
	list[1990].To, list[1990].Failed = list[1990].From+2*s, steadystate.TimedOut
	window, record := steadystate.Span{From: 20 * s, To: 30 * s}, steadystate.Span{To: 60 * s}
	f := figuresOf(list, steadystate.Rule{Settle: 10 * s, Allowed: 0.001}, window, record)
	for text, want := range map[string]steadystate.Verdict{
		"errors <= 0.05%": steadystate.Unknown, "errors <= 0.1%": steadystate.Held, "errors >= 0.01%": steadystate.Unknown,
		"max <= 1s": steadystate.Unknown, "p95 <= 1s": steadystate.Held, "max of good <= 1s": steadystate.Held,
	} {
		if r := steadystate.MustParseLimit(text).Judge(f); r.Verdict != want {
			t.Errorf("%s: %s, %q; want %s", text, r.Verdict, r.Text, want)
		}
	}
}
