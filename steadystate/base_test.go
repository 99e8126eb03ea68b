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

// ofPolls are the figures of polls.
func ofPolls(byChance bool, list []steadystate.Observation) steadystate.Figures {
	record := steadystate.Span{To: list[len(list)-1].To}
	f := steadystate.NewFold(steadystate.AtLeast(0), steadystate.Rule{ByChance: byChance}, record, record)
	for _, o := range list {
		f.Add(o)
	}
	return f.Figures()[0]
}

// scraped are polls of a value that is scraped every 15 s, all of one scrape alike.
func scraped(n int, value func() float64) (list []steadystate.Observation) {
	var v float64
	for i := range n {
		at := time.Duration(i) * time.Second
		if i%15 == 0 {
			v = value()
		}
		scrape := at - at%(15*time.Second)
		list = append(list, steadystate.Observation{Span: steadystate.Span{From: scrape, To: at + 100*ms}, Value: v})
	}
	return list
}

// ranged are polls of the mean of the last 15 s, each of which has a value of its own.
func ranged(n int, value func() float64) (list []steadystate.Observation) {
	var last []float64
	for i := range n + 15 {
		last = append(last, value())
		if i < 15 {
			continue
		}
		sum := 0.0
		for _, v := range last[i-14:] {
			sum += v
		}
		at := time.Duration(i-15) * time.Second
		list = append(list, steadystate.Observation{Span: steadystate.Span{From: at, To: at + 15*time.Second}, Value: sum / 15, Whole: true})
	}
	return list
}

// The truth is known: the service is the same, or slower than the limit allows. Were each
// poll a sample of its own, as each request is, one verdict in six would be wrong where
// nothing changed, and one in ten where the service is too slow. None of 100 is.
func TestARatioOfPollsCountsWhatTheyShareOnce(t *testing.T) {
	const trials, most = 100, 1
	for _, d := range []struct {
		name  string
		polls func(n int, value func() float64) []steadystate.Observation
		n     int
		limit string
		truth float64 // how much slower the service is
		wrong steadystate.Verdict
		naive int // at least so many wrong ones, if each poll were a sample
	}{
		{"one scrape, and nothing changed", scraped, 300, "p50 <= 1x baseline", 1, steadystate.Broken, 3},
		{"one scrape, and nothing changed", scraped, 2100, "p95 <= 1x baseline", 1, steadystate.Broken, 3},
		{"one scrape, and nothing changed", scraped, 300, "mean <= 1x baseline", 1, steadystate.Broken, 3},
		{"one scrape, and too slow", scraped, 300, "p50 <= 1.2x baseline", 1.25, steadystate.Held, 2},
		{"one scrape, and too slow", scraped, 300, "mean <= 1.2x baseline", 1.25, steadystate.Held, 2},
		{"one range, and nothing changed", ranged, 300, "p50 <= 1x baseline", 1, steadystate.Broken, 3},
		{"one range, and nothing changed", ranged, 300, "mean <= 1x baseline", 1, steadystate.Broken, 3},
		{"one range, and too slow", ranged, 300, "mean <= 1.2x baseline", 1.25, steadystate.Held, 2},
	} {
		l := steadystate.MustParseLimit(d.limit)
		verdicts := func(byChance bool) (wrong, right int) {
			for seed := range trials {
				r := rand.New(rand.NewPCG(uint64(seed), 23))
				base := l.Base(ofPolls(byChance, d.polls(d.n, r.ExpFloat64)))
				switch l.JudgeRatio(ofPolls(byChance, d.polls(d.n, func() float64 { return d.truth * r.ExpFloat64() })), base, "the settle phase").Verdict {
				case d.wrong:
					wrong++
				case steadystate.Held, steadystate.Broken:
					right++
				}
			}
			return wrong, right
		}
		naive, _ := verdicts(true)
		wrong, right := verdicts(false)
		t.Logf("%s, %s: %d of %d wrong, %d right; %d wrong if each poll were a sample", d.name, d.limit, wrong, trials, right, naive)
		if wrong > most || naive < d.naive {
			t.Errorf("%s, %s: %d of %d are %s, and %d if each poll were a sample; want at most %d, and at least %d", d.name, d.limit, wrong, trials, d.wrong, naive, most, d.naive)
		}
	}
}

// What changed by more than the error is told of polls too, and by how many samples.
func TestARatioOfPollsSaysHowManySamplesThereWere(t *testing.T) {
	for _, row := range []struct {
		sentence string
		polls    func(n int, value func() float64) []steadystate.Observation
		n        int
		limit    string
		want     steadystate.Verdict
		text     string
	}{
		{"of a scrape", scraped, 300, "mean <= 1.5x baseline", steadystate.Broken, "x of the settle phase (20 independent observations, and 20)"},
		{"of a range", ranged, 400, "mean <= 1.5x baseline", steadystate.Broken, "x of the settle phase (27 independent observations, and 27)"},
		{"of too few scrapes, however many polls", scraped, 135, "mean <= 1.5x baseline", steadystate.Unknown, "mean of 9 independent observations; a comparison needs at least 10 of each, and more for a smaller difference: a longer phase, or more frequent scrapes and a shorter range"},
		{"of so few that they have no such percentile", scraped, 285, "p95 <= 1.5x baseline", steadystate.Unknown, "19 independent observations: p95 needs at least 20 observations: a longer phase, or more frequent scrapes and a shorter range"},
		{"of one poll for each scrape", func(n int, value func() float64) (list []steadystate.Observation) {
			for i, o := range scraped(15*n, value) {
				if i%15 == 0 {
					list = append(list, o)
				}
			}
			return list
		}, 20, "mean <= 1.5x baseline", steadystate.Broken, "x of the settle phase (20 observations, and 20)"},
	} {
		r := rand.New(rand.NewPCG(1, 2))
		l := steadystate.MustParseLimit(row.limit)
		base := l.Base(ofPolls(false, row.polls(row.n, func() float64 { return 1 + r.Float64() })))
		got := l.JudgeRatio(ofPolls(false, row.polls(row.n, func() float64 { return 3 + r.Float64() })), base, "the settle phase")
		if text := got.Text + ": " + got.Undecided; got.Verdict != row.want || !strings.Contains(text, row.text) {
			t.Errorf("%s: %s, %q; want %s, %q", row.sentence, got.Verdict, text, row.want, row.text)
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

// A multiple of a baseline is a limit on the figure, broken for certain beyond it.
func TestAMultipleOfABaselineIsALimitOnTheFigure(t *testing.T) {
	base := steadystate.Base{Bounds: steadystate.Bounds[float64]{Low: 0.2, High: 0.25}, N: 200}
	for _, row := range []struct {
		limit          string
		broken, within float64
	}{
		{"p95 <= 2x baseline", 0.51, 0.5},
		{"p95 < 2x baseline during hold", 0.5, 0.49},
		{"mean of good >= 0.5x baseline", 0.09, 0.1},
	} {
		l := steadystate.MustParseLimit(row.limit)
		got := l.Times(base)
		if got.Baseline || got.Quantity != l.Quantity || got.OfGood != l.OfGood || got.Phase != l.Phase || got.Tolerance.Holds(row.broken) || !got.Tolerance.Holds(row.within) {
			t.Errorf("%s: %+v, want one that %g keeps and %g breaks", row.limit, got, row.within, row.broken)
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
