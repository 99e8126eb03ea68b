package steadystate_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/steadystatetest"
)

// sample is the figures of values that come every ten milliseconds.
func sample(n int, value func() float64) steadystate.Figures {
	record := steadystate.Span{To: time.Duration(n-1) * 10 * ms}
	f := steadystate.NewFold(steadystate.AtLeast(0), steadystate.Rule{}, record, record)
	for i := range n {
		f.Add(steadystate.Observation{Span: steadystate.Instant(time.Duration(i) * 10 * ms), Value: value()})
	}
	return f.Figures()[0]
}

// R17: with nothing changed, "p95 <= 1.5x baseline" of 20 requests was broken in
// 18 % of the cases.
func TestARatioCarriesTheErrorsOfBothSamples(t *testing.T) {
	for _, d := range []struct {
		name  string
		value func(*rand.Rand) float64
	}{
		{"exponential", (*rand.Rand).ExpFloat64},
		{"with a long tail", func(r *rand.Rand) float64 { return math.Exp(1.5 * r.NormFloat64()) }},
		{"of two kinds", func(r *rand.Rand) float64 { return 1 + float64(r.IntN(10)/9)*20*r.Float64() }},
		{"one of ten answers is slow", func(r *rand.Rand) float64 { return 0.01 + float64(r.IntN(10)/9) }},
	} {
		for n, trials := range map[int]int{20: 1000, 150: 200, 1000: 100} {
			for _, quantity := range []string{"p50", "p95", "mean"} {
				same, unlike := steadystate.MustParseLimit(quantity+" <= 1x baseline"), steadystate.MustParseLimit(quantity+" <= 1.5x baseline")
				wrong, far, decided := 0, 0, 0
				for seed := range trials {
					r := rand.New(rand.NewPCG(uint64(seed), 17))
					base := same.Base(sample(n, func() float64 { return d.value(r) }))
					f := sample(n, func() float64 { return d.value(r) })
					if same.JudgeRatio(f, base, "the settle phase").Verdict == steadystate.Broken {
						wrong++
					}
					switch unlike.JudgeRatio(f, base, "the settle phase").Verdict {
					case steadystate.Broken:
						far++
					case steadystate.Held:
						decided++
					}
				}
				if wrong > trials/100 || far > trials/100 {
					t.Errorf("%s, %s of %d: 1x is broken in %d of %d cases, 1.5x in %d; want at most 1 %%", d.name, quantity, n, wrong, trials, far)
				}
				if n == 1000 && d.name == "exponential" && decided < trials*8/10 {
					t.Errorf("%s of %d: 1.5x of the same held in %d of %d cases only", quantity, n, decided, trials)
				}
			}
		}
	}
}

// What is slower by more than the error is told.
func TestARatioBeyondTheErrorIsBroken(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	base, slow := sample(2000, r.ExpFloat64), sample(1203, func() float64 { return 3 * r.ExpFloat64() })
	for _, quantity := range []string{"p50", "p95", "p95 of good", "mean"} {
		l := steadystate.MustParseLimit(quantity + " <= 1.5x baseline")
		got := l.JudgeRatio(slow, l.Base(base), "the settle phase")
		if got.Verdict != steadystate.Broken || got.Seen == nil || !got.Seen.Holds(3) {
			t.Errorf("%s: %s, %s; want broken by bounds of 3", l, got.Verdict, got.Text)
		}
		if !strings.HasSuffix(got.Text, "x of the settle phase (1,203 observations, and 2,000)") {
			t.Errorf("%s: %q does not say of how many observations it is", l, got.Text)
		}
	}
}

func TestABaseOfTooFewSaysHowManyItTakes(t *testing.T) {
	for _, row := range []struct {
		quantity   string
		few, least int
	}{{"p50", 9, 10}, {"p95", 134, 135}, {"p99", 687, 688}, {"p5 of good", 134, 135}, {"mean", 9, 10}} {
		l := steadystate.MustParseLimit(row.quantity + " <= 2x baseline")
		at := 0
		value := func() float64 { at++; return 1 + float64(at%7)/100 }
		few, enough := l.Base(sample(row.few, value)), l.Base(sample(row.least, value))
		if want := fmt.Sprintf("%s of %d observations; a comparison needs at least %d of each", row.quantity, row.few, row.least); !strings.HasPrefix(few.Unknown, want) {
			t.Errorf("%q, want %q", few.Unknown, want)
		}
		if enough.Unknown != "" || enough.N != row.least || enough.Low < 1 || enough.High > 1.06 {
			t.Errorf("%s of %d: %+v, want bounds", row.quantity, row.least, enough)
		}
		text, err := json.Marshal(enough)
		var read steadystate.Base
		if err != nil || json.Unmarshal(text, &read) != nil || read != enough {
			t.Errorf("%s as JSON: %s, %v", row.quantity, text, err)
		}
	}
}

// The ranks are those of the test package's own computation, term by term.
func TestTheBoundsOfAQuantileAreThoseOfTheOrderStatistics(t *testing.T) {
	for _, n := range []int{1, 10, 134, 135, 700, 3000} {
		for _, q := range []string{"p5", "p50", "p95", "p99"} {
			l := steadystate.MustParseLimit(q + " <= 2x baseline")
			share, _ := l.Percentile()
			var values []float64
			base := l.Base(sample(n, func() float64 { values = append(values, float64(len(values)+1)); return values[len(values)-1] }))
			want := steadystatetest.Quantile(values, share, 1-2*steadystate.Doubt)
			if math.IsInf(want.Low, 0) || math.IsInf(want.High, 0) {
				if base.Unknown == "" {
					t.Errorf("%s of %d: %v, want none", q, n, base.Bounds)
				}
				continue
			}
			if base.Bounds != want {
				t.Errorf("%s of %d: ranks %v, want %v", q, n, base.Bounds, want)
			}
		}
	}
}
