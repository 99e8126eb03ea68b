package load_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/record"
)

func TestAShapeIsWrittenAsItIsRead(t *testing.T) {
	for _, row := range []struct{ text, want string }{
		{"100/s", "100/s"},
		{"1000/min", "1000/min"},
		{"0.5/s", "30/min"},
		{"16.5/s", "990/min"},
		{"  ramp  from 10/s to 100/s   over 60s ", "ramp from 10/s to 100/s over 1m"},
		{"ramp from 100/s to 10/s over 1h0m0s", "ramp from 100/s to 10/s over 1h"},
		{"steps 10/s for 20s, 50/s for 1m30s, 100/s", "steps 10/s for 20s, 50/s for 1m30s, 100/s"},
		{"steps 10/s", "steps 10/s"},
		{"sine 50/s by 30/s every 1m", "sine 50/s by 30/s every 1m"},
		{"spike from 100/s to 1000/s after 10s for 30s", "spike from 100/s to 1000/s after 10s for 30s"},
	} {
		t.Run(row.text, func(t *testing.T) {
			s, err := load.ParseShape(row.text)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.String(); got != row.want && fmt.Sprint(shapeOf(t, got)) != got {
				t.Errorf("%q, want %q", got, row.want)
			}
			text, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			var again load.Shape
			if err := json.Unmarshal(text, &again); err != nil || again.String() != s.String() || again.When(777) != s.When(777) {
				t.Errorf("%s from JSON %s, %v; want %s", again, text, err, s)
			}
		})
	}
}

func TestWhatIsNoShapeIsRefused(t *testing.T) {
	for _, row := range []struct{ sentence, text, want string }{
		{"nothing", "", `no shape begins with ""; want one of "100/s", "ramp from`},
		{"a form that there is not", "wave 1/s", `no shape begins with "wave"; want one of`},
		{"a rate without its unit", "100", `"100" is not a rate, as in 100/s or 1000/min`},
		{"an unknown unit", "100/h", `"100/h" is not a rate`},
		{"no number", "NaN/s", `"NaN/s" is not a rate`},
		{"an infinite one", "inf/s", `"inf/s" is not a rate`},
		{"a rate of zero", "0/s", "rate 0/s: want from 1/min to 100000/s"},
		{"one below zero", "-1/s", "rate -1/s: want from"},
		{"one that no machine drives", "1000000/s", "rate 1000000/s: want from"},
		{"a ramp from nothing", "ramp from 0/s to 10/s over 1m", "rate 0/s: want"},
		{"a ramp to nothing", "ramp from 10/s to 0/s over 1m", "rate 0/s: want"},
		{"a ramp in no time", "ramp from 1/s to 10/s over 0s", "over 0s: want a duration above zero"},
		{"a ramp that goes on for years", "ramp from 1/s to 10/s over 100000h", "at most 720h"},
		{"a word that is missing", "ramp from 1/s to 10/s", `"" where "over" should be`},
		{"a word too many", "ramp from 1/s to 10/s over 1m please", `"please" is left over`},
		{"no duration", "ramp from 1/s to 10/s over soon", `"soon" is not a duration`},
		{"steps without an end", "steps 1/s for 10s", "the last step has no end"},
		{"a step that lasts for good and is not the last", "steps 1/s, 2/s", "for 0s: want a duration"},
		{"a step for no time", "steps 1/s for 0s, 2/s", "step 1: a step for no time"},
		{"a step that is none", "steps 1/s for 10s, fast", `step 2: "fast" is not a rate`},
		{"a sine that comes to nothing", "sine 50/s by 50/s every 1m", "by 50/s: want more than none, and so much less than 50/s"},
		{"a sine that does not swing", "sine 50/s by 0/s every 1m", "by 0/s: want more than none"},
		{"a sine of no period", "sine 50/s by 10/s every 0s", "every 0s: want a duration"},
		{"a spike that is none", "spike from 100/s to 100/s after 10s for 30s", "to 100/s: want more than 100/s"},
		{"a spike for no time", "spike from 100/s to 200/s after 10s for 0s", "for 0s: want a duration"},
		{"a spike below zero", "spike from 100/s to 200/s after -10s for 1s", "after -10s: want a duration"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			_, err := load.ParseShape(row.text)
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want one with %q", err, row.want)
			}
		})
	}
	for _, s := range []load.Shape{{}, load.Constant(math.NaN()), load.Constant(math.Inf(1)), load.Steps(), load.Sine(50, math.NaN(), time.Second), load.Spike(1, math.NaN(), 1, 1), load.Ramp(1, 2, 0)} {
		if err := s.Validate(); err == nil {
			t.Errorf("%s was not refused", s)
		}
		// The record's plan is written before anybody refuses it.
		if stages := (load.HTTP{Shape: s}).Stages()[record.TrafficSignal]; len(stages) != 0 {
			t.Errorf("%s has stages %v", s, stages)
		}
	}
}

// shapes are some of each form, with rates that make slips of a digit show.
func shapes() []load.Shape {
	return []load.Shape{
		load.Constant(100), load.Constant(1000.0 / 60), load.Constant(3000), load.Constant(1.0 / 60),
		load.Ramp(10, 100, time.Minute), load.Ramp(100, 10, time.Minute), load.Ramp(10, 10.001, time.Minute), load.Ramp(1.0/60, 5000, time.Second),
		load.Steps(load.Step{Rate: 10, For: 20 * time.Second}, load.Step{Rate: 50, For: 333 * time.Millisecond}, load.Step{Rate: 100}),
		load.Sine(50, 30, time.Minute), load.Sine(50, 49.9, time.Second), load.Sine(3000, 1, time.Hour),
		load.Spike(100, 1000, 10*time.Second, 30*time.Second),
	}
}

// Each request is due when the integral of the rate comes to its number, and
// never before the one before it.
func TestWhenIsTheInverseOfHits(t *testing.T) {
	for _, s := range shapes() {
		t.Run(s.String(), func(t *testing.T) {
			last := time.Duration(0)
			for n := 1.0; n < 1e6; n = math.Ceil(n * 1.01) {
				at := s.When(n)
				if at < last {
					t.Fatalf("request %g is due at %s, before the one before it", n, at)
				}
				last = at
				// Half a nanosecond of the rate, and what a float has.
				if err := math.Abs(s.Hits(at) - n); err > s.Peak()*0.6e-9+n*1e-12 {
					t.Fatalf("%g requests are due at %s, when the integral is %g (off by %g)", n, at, s.Hits(at), err)
				}
			}
		})
	}
}

// The integral is that of the rate, by the sum of many small steps.
func TestHitsAreTheIntegralOfTheRate(t *testing.T) {
	for _, s := range shapes() {
		t.Run(s.String(), func(t *testing.T) {
			const step = time.Millisecond
			sum := 0.0
			for at := time.Duration(0); at < 90*time.Second; at += step {
				rate := s.Rate(at + step/2)
				if rate < s.Trough()-1e-9 || rate > s.Peak()+1e-9 {
					t.Fatalf("rate %g at %s, want from %g to %g", rate, at, s.Trough(), s.Peak())
				}
				sum += rate * step.Seconds()
			}
			if got := s.Hits(90 * time.Second); math.Abs(got-sum) > 1e-4*sum+1e-3*s.Peak() {
				t.Errorf("%g requests in 90 s, want %g", got, sum)
			}
		})
	}
}

// vegeta's own pacers, asked when nothing is late, want the next request at the
// same time, as near as each of them computes it.
func TestVegetasPacersAgree(t *testing.T) {
	perSecond := func(n int) vegeta.Rate { return vegeta.Rate{Freq: n, Per: time.Second} }
	for _, row := range []struct {
		shape load.Shape
		pacer vegeta.Pacer
		first uint64        // request of which both speak: the linear one sends its first at once
		until time.Duration // and before which both do: a vegeta ramp never ends
		error float64       // in requests
	}{
		// Its interval is a whole number of nanoseconds.
		{load.Constant(100), perSecond(100), 0, time.Hour, 1e-9},
		{load.Constant(3000), perSecond(3000), 0, time.Second, 1e-2},
		{load.Constant(1000.0 / 60), vegeta.Rate{Freq: 1000, Per: time.Minute}, 0, time.Minute, 1e-3},
		// Solved to a thousandth of a request.
		{load.Sine(50, 30, time.Minute), vegeta.SinePacer{Period: time.Minute, Mean: perSecond(50), Amp: perSecond(30)}, 0, 5 * time.Minute, 2e-3},
		// Taken for even from one request to the next.
		{load.Ramp(10, 100, time.Minute), vegeta.LinearPacer{StartAt: perSecond(10), Slope: 1.5}, 1, time.Minute, 1e-2},
	} {
		t.Run(row.shape.String(), func(t *testing.T) {
			for n := row.first; row.shape.When(float64(n)+1) < row.until; n = n*11/10 + 1 {
				elapsed := row.shape.When(float64(n))
				wait, stop := row.pacer.Pace(elapsed, n)
				if got := row.shape.Hits(elapsed + wait); stop || math.Abs(got-float64(n)-1) > row.error {
					t.Fatalf("request %d: vegeta sends it at %s, when %g are due (it stops: %t)", n, elapsed+wait, got, stop)
				}
			}
		})
	}
}

func FuzzParseShape(f *testing.F) {
	for _, s := range shapes() {
		f.Add(s.String())
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := load.ParseShape(text)
		if err != nil {
			return
		}
		again, err := load.ParseShape(s.String())
		if err != nil {
			t.Fatalf("%q is written %q, which does not read back: %v", text, s, err)
		}
		for range 10 {
			if n := math.Floor(math.Exp(rand.Float64() * 20)); again.When(n) != s.When(n) {
				t.Fatalf("%q reads back as %q: request %g is due at %s, was at %s", text, again, n, again.When(n), s.When(n))
			}
		}
	})
}

func ExampleParseShape() {
	shape, err := load.ParseShape("ramp from 10/s to 100/s over 1m")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%g/s after half a minute, %g requests by then\n", shape.Rate(30*time.Second), shape.Hits(30*time.Second))
	// Output: 55/s after half a minute, 975 requests by then
}

func TestTheStagesOfAShapeAreThoseOfThePlan(t *testing.T) {
	for _, row := range []struct {
		shape string
		want  string
	}{
		// Counted from the first request, which is due when one is.
		{"100/s", "[{1: 100/s -10ms 100 0 0 0s}]"},
		{"sine 50/s by 30/s every 1m", "[{1: 50/s -19.987449ms 50 0 30 1m0s}]"},
		{"steps 10/s for 20s, 1000/min", "[{1: 10/s -100ms 10 0 0 0s} {2: 1000/min 19.9s 16.666666666666668 0 0 0s}]"},
		{"spike from 100/s to 1000/s after 10s for 30s", "[{1: 100/s -10ms 100 0 0 0s} {2: 1000/s 9.99s 1000 0 0 0s} {3: 100/s 39.99s 100 0 0 0s}]"},
		{"ramp from 10/s to 100/s over 1m", "[{1: 10/s to 100/s -99.261043ms 10 1.5 0 0s} {2: 100/s 59.900738957s 100 0 0 0s}]"},
	} {
		t.Run(row.shape, func(t *testing.T) {
			l := load.HTTP{Shape: shapeOf(t, row.shape), ReuseRate: 5, URL: "http://h/"}
			if got := fmt.Sprint(l.Stages()["requests"]); got != row.want {
				t.Errorf("%s, want %s", got, row.want)
			}
			if got, want := fmt.Sprint(l.Stages()[load.ReusedSignal]), "[{1: 5/s -200ms 5 0 0 0s}]"; got != want {
				t.Errorf("of the reused connections %s, want %s", got, want)
			}
		})
	}
}

func TestTheTextOfARate(t *testing.T) {
	for text, want := range map[string]load.Rate{"100/s": 100, "1000/min": 1000.0 / 60, "0.5/s": 0.5} {
		var r load.Rate
		if err := r.UnmarshalText([]byte(text)); err != nil || r != want {
			t.Errorf("%q: %v, %v, want %v", text, r, err, want)
		}
	}
	for text, want := range map[string]string{
		"":          "is not a rate, as in 100/s or 1000/min",
		"100":       `"100" is not a rate, as in 100/s or 1000/min`,
		"100/h":     "is not a rate, as in 100/s or 1000/min",
		"100/s 2/s": `"100/s 2/s" is not a rate, as in 100/s or 1000/min`,
		"NaN/s":     "is not a rate",
		"0/s":       "rate 0/s: want from 1/min to 100000/s",
		"-1/s":      "rate -1/s: want from 1/min to 100000/s",
	} {
		var r load.Rate
		if err := r.UnmarshalText([]byte(text)); err == nil || r != 0 || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, error %v, want one with %q", text, r, err, want)
		}
	}
}

func FuzzRate(f *testing.F) {
	f.Add("100/s")
	f.Add("1000/min")
	f.Fuzz(func(t *testing.T, text string) {
		var r, back load.Rate
		if r.UnmarshalText([]byte(text)) != nil {
			return
		}
		if err := back.UnmarshalText([]byte(r.String())); err != nil || back != r {
			t.Errorf("%q is %v, which reads back as %v, %v", text, r, back, err)
		}
	})
}

func shapeOf(t *testing.T, text string) load.Shape {
	t.Helper()
	s, err := load.ParseShape(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
