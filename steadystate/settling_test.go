package steadystate_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/steadystatetest"
)

func answers(allowed float64) steadystate.Check {
	return steadystate.Check{Name: "answers", Signal: "requests", Good: steadystatetest.Good, Allowed: allowed}
}

// polled follows a timeline of one observation a second, and asks at its end.
func polled(timeline string, allowed float64, settle time.Duration) steadystate.Steadiness {
	settling := steadystate.NewSettling(answers(allowed), true, settle, 0)
	for _, o := range steadystatetest.Observations(timeline, s, 0) {
		settling.Add(o)
	}
	return settling.At(time.Duration(len(timeline)-1) * s)
}

func TestSettlingByPolls(t *testing.T) {
	for _, row := range []struct {
		sentence string
		timeline string
		allowed  float64
		settle   time.Duration
		verdict  steadystate.Verdict
		why      string
	}{
		{"what was good for the settle time is steady", "++++++++", 0, 5 * s, steadystate.Held, ""},
		{"what was not yet is not, and says what is left", "++++", 0, 5 * s, steadystate.Unknown, "good for 2s of 5s"},
		{"four observations are the least", "++++", 0, s, steadystate.Held, ""},
		{"three are not enough", "+++", 0, s, steadystate.Unknown, "needs 1 more observation, 1s as they come"},
		{"with nothing allowed a bad one restarts the count", "+++++++++-+++", 0, 5 * s, steadystate.Unknown, "good for 3s of 5s; needs 1 more observation, 2s as they come; it restarted at 9.000s: an outage, 1 of 1 bad"},
		{"what flaps within the settle time is one outage", "+++++--+-+++", 0, 5 * s, steadystate.Unknown, "it restarted at 8.000s: an outage, 3 of 4 bad"},
		{"and once it is long over the service is steady", "+++++++-++++++", 0, 5 * s, steadystate.Held, ""},
		{"time in which nothing is known counts for nothing", "+++??????+++", 0, 5 * s, steadystate.Unknown, "good for 3s of 5s"},
		{"nor does a hole", "+++++      ++++", 0, 7 * s, steadystate.Unknown, "good for 6s of 7s"},
		{"a long one right before the end hides an outage, however long it was good before", "++++++++++++??????+", 0, 5 * s, steadystate.Unknown, "5s of the last 5s were not observed"},
		{"also one that was merely silent", "++++++++++++      +", 0, 5 * s, steadystate.Unknown, "5s of the last 5s were not observed"},
		{"once it is a settle time ago the service is steady again", "++++++++++++??????++++++", 0, 5 * s, steadystate.Held, ""},
		{"a single poll that said nothing hides little", "++++++++++++?++", 0, 5 * s, steadystate.Held, ""},
		{"one poll that is missing is not the end", "+++++++++ ", 0, 5 * s, steadystate.Held, ""},
		{"a signal that is silent now is not steady", "+++++++++    ", 0, 5 * s, steadystate.Unknown, "no observation since 8.000s, for 4s"},
		{"nor is one that does not know", "+++++++++????", 0, 5 * s, steadystate.Unknown, "unknown since 8.000s: "},
		{"what was never observed is not", "     ", 0, 5 * s, steadystate.Unknown, "nothing was observed"},
		{"nor what is never known", "?????", 0, 5 * s, steadystate.Unknown, "unknown: "},
		{"with 20 % allowed one in five is background, which restarts nothing", "+++++-++++-++++-++++-++++-+++++++++++", 0.2, 5 * s, steadystate.Held, ""},
		{"always half is not", "+-+--+-+-+-+-+-+-+-+-+-+-+-+", 0.2, 5 * s, steadystate.Broken, "over the allowed 20% by "},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			got := polled(row.timeline, row.allowed, row.settle)
			if got.Verdict != row.verdict || !strings.Contains(got.Why, row.why) || (got.Why == "") != (row.verdict == steadystate.Held) {
				t.Errorf("%q: %s, %q; want %s with %q", row.timeline, got.Verdict, got.Why, row.verdict, row.why)
			}
		})
	}
}

// A rate over a minute of scrapes every 15 s, polled every 5 s: its span begins
// before the run at first, and each is told three times.
func TestSettlingByARateThatBeganBeforeTheRun(t *testing.T) {
	settling := steadystate.NewSettling(answers(0), true, 120*s, 0)
	steady := time.Duration(0)
	for now := 5 * s; now <= 180*s && steady == 0; now += 5 * s {
		to := now / (15 * s) * 15 * s
		settling.Add(steadystate.Observation{Span: steadystate.Span{From: to - 60*s, To: to}, Value: 1, Whole: true})
		if settling.At(now).Verdict == steadystate.Held {
			steady = now
		}
	}
	if steady < 120*s || steady > 150*s {
		t.Errorf("steady at %s, want soon after 120s", steady)
	}
}

// How many observations it takes follows from the odds of 200:1 alone.
// A series of a pod that is gone may be read for minutes. Each observation is then as
// old as its last sample.
func TestOldSamplesDoNotSettle(t *testing.T) {
	for _, row := range []struct {
		oldest time.Duration // when the last sample of the series was taken
		want   string
	}{
		{-85 * s, "needs 4 more observations; the last one may be of 100s before, which is too old to count"},
		{-time.Second, "needs 4 more observations; the last one may be of 16s before, which is too old to count"},
	} {
		settling := steadystate.NewSettling(answers(0), true, 3*s, 0)
		for at := range 16 {
			settling.Add(steadystate.Observation{Span: steadystate.Span{From: row.oldest, To: time.Duration(at) * s}, Value: 1})
		}
		if got := settling.At(15 * s); got.Verdict != steadystate.Unknown || got.Why != row.want {
			t.Errorf("since %s: %s, %q, want %q", row.oldest, got.Verdict, got.Why, row.want)
		}
	}
	settling := steadystate.NewSettling(answers(0), true, 3*s, 0)
	for at := range 16 {
		now := time.Duration(at) * s
		settling.Add(steadystate.Observation{Span: steadystate.Span{From: now - 85*s, To: now}, Value: 1})
		settling.Add(steadystate.Observation{Span: steadystate.Instant(now), Value: 1})
	}
	if got := settling.At(15 * s); got.Verdict != steadystate.Held {
		t.Errorf("one of two observations is old: %s, %q", got.Verdict, got.Why)
	}
}

func TestObservationsToSettle(t *testing.T) {
	for _, row := range []struct {
		allowed  float64
		min, max int
	}{{0, 4, 4}, {0.0001, 5000, 7000}, {0.001, 550, 800}, {0.01, 50, 80}, {0.2, 4, 10}} {
		if n := steadystate.ObservationsToSettle(answers(row.allowed), true); n < row.min || n > row.max {
			t.Errorf("with %g allowed it takes %d, want %d to %d", row.allowed, n, row.min, row.max)
		}
	}
	p95 := answers(0)
	p95.Limits = steadystate.Limits("p95 <= 1.5x baseline", "p99 <= 1s")
	if n := steadystate.ObservationsToSettle(p95, true); n != 149 {
		t.Errorf("a p95 as a baseline takes %d, want 135 and a tenth for those in flight", n)
	}
	if n := steadystate.ObservationsToSettle(p95, false); n != 135 {
		t.Errorf("a p95 of polls as a baseline takes %d, want 135: none is in flight", n)
	}
	settling := steadystate.NewSettling(answers(0.001), true, s, 0)
	for at := time.Duration(0); at < 3*s; at += 10 * time.Millisecond {
		settling.Add(steadystate.Observation{Span: steadystate.Instant(at), Value: 1})
	}
	if got := settling.At(3 * s); got.Verdict != steadystate.Unknown || got.More != steadystate.ObservationsToSettle(answers(0.001), true)-300 || !strings.Contains(got.Why, "needs 363 more observations, 3.63s as they come") {
		t.Errorf("after 300 of 100/s: %s, %q", got.Verdict, got.Why)
	}
}

// A baseline is of samples that share nothing, and what settles is what makes one: once the
// check is steady, the figures of its stretch have a base.
func TestABaselineOfPollsSettlesOnceItHasItsSamples(t *testing.T) {
	check := steadystate.Check{Name: "pool", Signal: "pool", Good: steadystate.AtLeast(0), Limits: steadystate.Limits("mean <= 1.2x baseline")}
	value := func() float64 { return 1 }
	for _, row := range []struct {
		sentence string
		polls    []steadystate.Observation
		early    int // the poll after which it is not, and says why
		why      string
		steady   time.Duration
	}{
		{"polls of a value that is scraped every 15 s", scraped(300, value), 60, "needs 5 more independent observations, 75s as they come", 136 * s},
		{"polls of the mean of the last 15 s", ranged(300, value), 60, "needs 5 more independent observations, 75s as they come", 151 * s},
		{"polls that share nothing", sampled(300), 5, "needs 4 more observations, 4s as they come", 10 * s},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			settling, steady := steadystate.NewSettling(check, false, 5*s, 0), time.Duration(0)
			for i, o := range row.polls {
				settling.Add(o)
				got := settling.At(o.To)
				if steady == 0 && got.Verdict == steadystate.Held {
					steady = o.To
					if base := check.Limits[0].Base(ofPolls(false, row.polls[:i+1])); base.Unknown != "" {
						t.Errorf("steady at %s, and no baseline: %s", steady, base.Unknown)
					}
				}
				if i == row.early && !strings.Contains(got.Why, row.why) {
					t.Errorf("at %s: %q, want %q", o.To, got.Why, row.why)
				}
			}
			if steady < row.steady-s || steady > row.steady+s {
				t.Errorf("steady at %s, want %s", steady, row.steady)
			}
		})
	}
}

// sampled are polls, one a second, that share nothing.
func sampled(n int) (list []steadystate.Observation) {
	for i := range n {
		list = append(list, steadystate.Observation{Span: steadystate.Instant(time.Duration(i) * s), Value: 1})
	}
	return list
}

// live follows requests that come at random as a gate does, until it says that
// the service is steady, that it is not, or the time is over. bad says which
// are.
func live(r *rand.Rand, rate float64, allowed float64, settle, timeout time.Duration, bad func(at time.Duration) bool) (steadystate.Steadiness, time.Duration) {
	settling := steadystate.NewSettling(answers(allowed), true, settle, 0)
	look := time.Duration(0)
	for at := time.Duration(0); ; at += time.Duration(r.ExpFloat64() / rate * float64(s)) {
		for ; look < at; look += 200 * time.Millisecond {
			if got := settling.At(look); got.Verdict != steadystate.Unknown || look >= timeout {
				return got, look
			}
		}
		o := steadystate.Observation{Span: steadystate.Span{From: at, To: at + time.Duration(r.ExpFloat64()*float64(5*time.Millisecond))}, Value: 1}
		if bad(at) {
			o.Failed = "503"
		}
		settling.Add(o)
	}
}

// Newcomer 3 and "must be shown" 3: of 2,000 starts with ten times the allowed
// share of errors at most 20 inject; with half of it at least 95 % do.
func TestStartsWithABackground(t *testing.T) {
	for _, row := range []struct {
		rate   float64
		settle time.Duration
		starts uint64
	}{{50, 5 * s, 2000}, {50, 10 * s, 2000}, {100, 10 * s, 2000}, {1000, s, 200}} {
		steady := func(share float64) (n uint64) {
			for seed := range row.starts {
				r := rand.New(rand.NewPCG(seed, 11))
				got, _ := live(r, row.rate, 0.001, row.settle, row.settle+time.Minute, func(time.Duration) bool { return r.Float64() < share })
				if got.Verdict == steadystate.Held {
					n++
				}
			}
			return n
		}
		worse, better := steady(0.01), steady(0.0005)
		t.Logf("settle %s at %g/s: of %d starts with 1 %% %d inject, with 0.05 %% %d", row.settle, row.rate, row.starts, worse, better)
		if worse > row.starts/100 || better < row.starts*95/100 {
			t.Errorf("settle %s at %g/s: of %d starts %d inject with 1 %% in the background, want at most 1 in 100; %d with 0.05 %%, want at least 95", row.settle, row.rate, row.starts, worse, better)
		}
	}
}

// Whatever the outage in the settle phase is, the count restarts after it;
// none of it lies in the stretch that is then called steady.
func TestAnOutageBeginsTheCountAnew(t *testing.T) {
	for _, row := range []struct {
		sentence string
		share    float64
		truth    steadystate.Span
	}{
		{"a cold start", 1, steadystate.Span{From: 0, To: 12 * s}},
		{"all of it for a second", 1, steadystate.Span{From: 6 * s, To: 7 * s}},
		{"one of three backends", 1. / 3, steadystate.Span{From: 4 * s, To: 9 * s}},
		{"one of ten", 0.1, steadystate.Span{From: 4 * s, To: 9 * s}},
		{"one of thirty", 1. / 30, steadystate.Span{From: 2 * s, To: 9 * s}},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			const trials = 300
			early, never := 0, 0
			for seed := range uint64(trials) {
				r := rand.New(rand.NewPCG(seed, 12))
				last := time.Duration(0)
				got, at := live(r, 100, 0.001, 10*s, 70*s, func(at time.Duration) bool {
					share := 0.0005
					if row.truth.Overlaps(steadystate.Instant(at)) {
						share = row.share
					}
					bad := r.Float64() < share
					if bad && row.truth.Overlaps(steadystate.Instant(at)) {
						last = at
					}
					return bad
				})
				switch {
				case got.Verdict != steadystate.Held:
					never++
				case got.Since < last || at < last+10*s:
					early++
				}
			}
			if early > trials/50 || never > trials/50 {
				t.Errorf("of %d starts %d counted from before the end of the outage, and %d were never steady; want at most %d each", trials, early, never, trials/50)
			}
		})
	}
}

// R6a and the gate's own row: of a black hole nothing is in until its timeouts
// are over, and what is in looks good.
func TestABlackHoleIsNotSteady(t *testing.T) {
	ms := time.Millisecond
	for _, row := range []struct {
		sentence string
		lost     func(i int) bool // of those since 17 s
		told     bool             // which ones are under way is known
		want     steadystate.Verdict
	}{
		{"all of it, by the silence alone", func(int) bool { return true }, false, steadystate.Unknown},
		{"all of it, by what is under way", func(int) bool { return true }, true, steadystate.Unknown},
		{"one of three backends", func(i int) bool { return i%3 == 0 }, true, steadystate.Unknown},
		{"one of thirty", func(i int) bool { return i%30 == 0 }, true, steadystate.Unknown},
		{"one lost request is a stray", func(i int) bool { return i == 150 }, true, steadystate.Held},
		{"without one it is steady", func(int) bool { return false }, true, steadystate.Held},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			settling := steadystate.NewSettling(answers(0.001), true, 10*s, 0)
			var ahead []steadystate.Observation
			for at := 10 * ms; at < 20*s; at += 10 * ms {
				o := steadystate.Observation{Span: steadystate.Span{From: at, To: at + 5*ms}, Value: 1}
				switch {
				case at < 17*s:
					settling.Add(o)
					continue
				case row.lost(int((at - 17*s) / (10 * ms))):
					if !row.told {
						continue
					}
					o.To, o.Failed = at+5*s, steadystate.TimedOut
				}
				ahead = append(ahead, o)
			}
			if got := settling.At(17 * s); got.Verdict != steadystate.Held {
				t.Fatalf("before: %s, %q", got.Verdict, got.Why)
			}
			if got := settling.At(20*s, ahead...); got.Verdict != row.want {
				t.Errorf("%s, %q; want %s", got.Verdict, got.Why, row.want)
			}
			if got := settling.At(17 * s); got.Verdict != steadystate.Held {
				t.Errorf("asking changed it: %s, %q", got.Verdict, got.Why)
			}
		})
	}
}

// A service of which one answer in a hundred takes a second, which the check
// tolerates, always has some under way for longer than most take.
func TestSlowButGoodAnswersAreSteady(t *testing.T) {
	ms := time.Millisecond
	for _, row := range []struct {
		sentence string
		lost     bool // what is slow since 18 s is never answered
		want     steadystate.Verdict
	}{
		{"what is slow is good in the end", false, steadystate.Held},
		{"what takes longer than any good one is overdue", true, steadystate.Unknown},
	} {
		settling := steadystate.NewSettling(answers(0.001), true, 10*s, 0)
		now := 20 * s
		var ahead []steadystate.Observation
		for i := range 20_000 {
			at := time.Duration(i) * ms
			o := steadystate.Observation{Span: steadystate.Span{From: at, To: at + 5*ms}, Value: 1}
			if i%100 == 0 {
				o.To = at + s
				if row.lost && at >= 18*s {
					o.To, o.Failed = at+5*s, steadystate.TimedOut
				}
			}
			if len(ahead) > 0 || o.To > now {
				ahead = append(ahead, o) // the first one that is under way
				continue
			}
			settling.Add(o)
		}
		if got := settling.At(now, ahead...); got.Verdict != row.want {
			t.Errorf("%s: %s, %q; want %s", row.sentence, got.Verdict, got.Why, row.want)
		}
	}
}

// R6a and R12: a request that was under way when the fault came may be the
// fault's doing; one that was long overdue then is not.
func TestWhatWasUnderWayWhenTheFaultCame(t *testing.T) {
	ms := time.Millisecond
	for _, row := range []struct {
		sentence string
		cut      time.Duration // what is sent from here on until 20 s is not answered for 5 s
		slow     bool          // but well then
		want     steadystate.Verdict
	}{
		{"a black hole 3 s before the fault is not its doing", 17 * s, false, steadystate.Unknown},
		{"nor is one 100 ms before", 19900 * ms, false, steadystate.Unknown},
		{"what was sent an instant before is", 19990 * ms, false, steadystate.Held},
		{"slow but good answers show a steady service", 17 * s, true, steadystate.Held},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			settling := steadystate.NewSettling(answers(0.001), true, 10*s, 0)
			for at := 10 * ms; at < 25*s; at += 10 * ms {
				o := steadystate.Observation{Span: steadystate.Span{From: at, To: at + 5*ms}, Value: 1}
				if at >= row.cut {
					o.To = at + 5*s
					if !row.slow {
						o.Failed = steadystate.TimedOut
					}
				}
				settling.AddBefore(20*s, o)
			}
			if got := settling.At(20 * s); got.Verdict != row.want {
				t.Errorf("%s, %q; want %s", got.Verdict, got.Why, row.want)
			}
		})
	}
}

// What happens to the service while it settles restarts the count, whatever
// the answers look like.
func TestWhatHappensBeginsTheCountAnew(t *testing.T) {
	settling := steadystate.NewSettling(answers(0), true, 5*s, 0)
	list := steadystatetest.Observations("++++++++++++++++", s, 0)
	for _, o := range list[:9] {
		settling.Add(o)
	}
	if got := settling.At(8 * s); got.Verdict != steadystate.Held {
		t.Fatalf("%s, %q", got.Verdict, got.Why)
	}
	settling.Begin(8*s, "deployment/shop/checkout changed")
	if got := settling.At(8 * s); got.Verdict != steadystate.Unknown || !strings.Contains(got.Why, "good for 0s of 5s; needs 4 more observations, 5s as they come; it restarted at 8.000s: deployment/shop/checkout changed") {
		t.Errorf("%s, %q", got.Verdict, got.Why)
	}
	for _, o := range list[9:] {
		settling.Add(o)
	}
	got := settling.At(15 * s)
	if got.Verdict != steadystate.Held || got.Since != 8*s || got.String() != "7 observations since 8.000s, 0 bad; it restarted at 8.000s: deployment/shop/checkout changed" {
		t.Errorf("%s since %s, %q: %s", got.Verdict, got.Since, got.Why, got)
	}
}
