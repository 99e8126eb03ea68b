package prom_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/prom"
)

// The span of a value reaches back to the oldest sample that the evaluation
// used, and ends with the answer.
func TestSpanOfAnEvaluation(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{0, time.Hour, -3 * time.Second} {
		s := start(t, ahead)
		c := client(t, s.URL)
		began := time.Now()
		s.fill(t, s.every(`up{instance="a"}`, 10*time.Second, 2*time.Second, 1, 1, 1, 1)...)
		s.fill(t, s.every(`up{instance="b"}`, 10*time.Second, 8*time.Second, 1, 1, 1, 1)...)
		s.fill(t, s.every(`x`, 10*time.Second, time.Second, 10, 20, 30, 40, 50, 60, 70)...)
		for _, test := range []struct {
			sentence, query string
			value           float64
			oldest          time.Duration // before began
		}{
			{"the older of two samples begins the span", `sum(up)`, 2, 8 * time.Second},
			{"one of them alone begins its own", `sum(up{instance="a"})`, 1, 2 * time.Second},
			{"a rate begins with its range", `increase(x[30s])`, 30, 30 * time.Second},
			{"of a rate and an instant the older begins", `sum(up) * scalar(increase(x[30s]))`, 60, 30 * time.Second},
			{"a comparison that gives a number", `sum(up) >= bool 2`, 1, 8 * time.Second},
			{"a scalar is a value", `scalar(sum(up))`, 2, 8 * time.Second},
			{"a scalar of a rate is a value", `scalar(increase(x[30s]))`, 30, 30 * time.Second},
			{"a subquery begins with the oldest sample of its oldest step", `sum(min_over_time(up{instance="b"}[11s:1s]))`, 1, 18 * time.Second},
			{"a subquery of a subquery too", `max(max_over_time(min_over_time(up{instance="b"}[6s:1s])[6s:1s]))`, 1, 18 * time.Second},
			{"an offset begins with the sample before it", `sum(up{instance="a"} offset 15s)`, 1, 22 * time.Second},
			{"a comment swallows nothing", `sum(up) # both`, 2, 8 * time.Second},
			{"what is missing begins as long before as two scrapes last", `sum(up{instance="c"}) or sum(up)`, 2, 5 * time.Minute},
		} {
			sent := time.Now()
			clock, list := once(t, prom.Source{Client: c, Query: prom.MustParse(test.query)})
			answered := time.Now()
			if len(list) != 1 || list[0].Unknown != "" {
				t.Errorf("%s: %s: observed %s", test.sentence, test.query, show(list...))
				continue
			}
			o := list[0]
			if o.Value < test.value-0.001 || o.Value > test.value+0.001 {
				t.Errorf("%s: %s is %g, want %g", test.sentence, test.query, o.Value, test.value)
			}
			if ranges := strings.Contains(test.query, "["); o.Whole != ranges {
				t.Errorf("%s: %s is of its whole span: %t, want %t", test.sentence, test.query, o.Whole, ranges)
			}
			// The samples are dated relative to began or a little later, and an
			// evaluation relative to sent or a little later.
			earliest, latest := clock.At(began)-test.oldest, clock.At(answered)-test.oldest
			slack := 10*time.Millisecond + answered.Sub(sent) + test.oldest/1000
			if o.From < earliest-slack || o.From > latest {
				t.Errorf("%s: ahead %s: %s: begins %s, want within %s..%s", test.sentence, ahead, test.query, o.From, earliest-slack, latest)
			}
			if o.To < clock.At(sent) || o.To > clock.At(answered) {
				t.Errorf("%s: %s: ends %s, want the answer's, at most %s", test.sentence, test.query, o.To, clock.At(answered))
			}
		}
	}
}

// While nothing is left of what is selected, the span reaches back as long as
// two scrapes take, and not beyond the last evaluation that used a sample.
func TestSpanOfAbsence(t *testing.T) {
	t.Parallel()
	s := start(t, 0)
	s.fill(t, s.every(`up`, 10*time.Second, time.Second, 1, 1, 1, 1)...)
	clock := steadystate.StartClock()
	l, stop := watch(t, prom.Source{
		Client: client(t, s.URL), Query: prom.MustParse(`sum(up) or vector(0)`), Interval: 5 * time.Millisecond,
	}, clock)
	value := func(v float64) func([]steadystate.Observation) bool {
		return func(list []steadystate.Observation) bool {
			return len(list) > 0 && list[len(list)-1].Value == v
		}
	}
	l.until(t, "up", value(1))
	gone := time.Now()
	s.fill(t, stale(`up`, gone))
	l.until(t, "gone", value(0))
	for _, o := range stop() {
		if o.Unknown != "" {
			t.Fatalf("unknown: %s", o.Unknown)
		}
		switch o.Value {
		case 0:
			// The mark of staleness has its time cut to the millisecond.
			if o.To < clock.At(gone)-time.Millisecond || o.From < clock.At(gone)-21*time.Second {
				t.Errorf("gone in %s, which was at %s", o.Span, clock.At(gone))
			}
		case 1:
			if o.From > clock.At(gone) {
				t.Errorf("up in %s, after it was gone at %s", o.Span, clock.At(gone))
			}
		}
	}
}

func TestReduce(t *testing.T) {
	t.Parallel()
	s := start(t, 0)
	c := client(t, s.URL)
	for series, v := range map[string]float64{`x{i="1"}`: 1, `x{i="2"}`: 2, `x{i="3"}`: 6} {
		s.fill(t, s.every(series, time.Second, 100*time.Millisecond, v, v)...)
	}
	for _, test := range []struct {
		sentence string
		query    string
		reduce   prom.Reduction
		want     []float64
		unknown  string
	}{
		{"the sum of a plain selector's series", `x`, prom.Sum, []float64{9}, ""},
		{"the largest", `x`, prom.Max, []float64{6}, ""},
		{"the smallest", `x`, prom.Min, []float64{1}, ""},
		{"the mean", `x`, prom.Avg, []float64{3}, ""},
		{"each of an expression is an observation", `x * 2`, prom.Each, []float64{2, 4, 12}, ""},
		{"one series needs no reduction", `x{i="2"} * 2`, "", []float64{4}, ""},
		{"and may have one", `x{i="2"} * 2`, prom.Sum, []float64{4}, ""},
		{"several without one are unknown", `x * 2`, "", nil, `prometheus: query "x * 2": 3 series, and no reduction: say reduce: sum|min|max|avg|each`},
		{"so are those of a plain selector", `x`, "", nil, `prometheus: query "x": 3 series, and no reduction: say reduce: sum|min|max|avg|each`},
	} {
		_, list := once(t, prom.Source{Client: c, Query: prom.MustParse(test.query), Reduce: test.reduce})
		var got []float64
		for _, o := range list {
			if o.Unknown == "" {
				got = append(got, o.Value)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, test.want) || strings.TrimSpace(reasons(list)) != test.unknown {
			t.Errorf("%s: got %v, %q; want %v, %q", test.sentence, got, reasons(list), test.want, test.unknown)
		}
	}
}

// What is no number is unknown, with the reason, whatever would count as good.
func TestNoNumber(t *testing.T) {
	t.Parallel()
	s := start(t, 0)
	c := client(t, s.URL)
	s.fill(t, s.every(`zero`, time.Second, 100*time.Millisecond, 0, 0)...)
	s.fill(t, s.every(`garbled`, time.Second, 100*time.Millisecond, math.NaN(), math.NaN())...)
	s.fillHistogram(t, `native`)
	for _, test := range []struct{ sentence, query, want string }{
		{"nothing divided by nothing", `zero / zero`, "the value is NaN"},
		{"something divided by nothing", `(zero + 1) / zero`, "the value is +Inf"},
		{"and below", `(zero - 1) / zero`, "the value is -Inf"},
		{"a series that does not exist", `sum(typo)`, "nothing matches: the result is empty"},
		{"a plain selector of one", `typo`, "nothing matches: the result is empty"},
		{"a comparison that drops everything", `zero > 1`, "nothing matches: the result is empty"},
		{"a rate that has no two samples", `rate(zero[10ms])`, "nothing matches: the result is empty"},
		{"NaN as it was scraped", `sum(garbled)`, "the value is NaN"},
		{"a query that fails while it is evaluated", `zero * on() {__name__=~"zero|garbled"}`, "execution: found duplicate series for the match group {} on the right hand-side of the operation"},
		{"what the engine warns about", `histogram_quantile(0.9, sum by (le) (zero))`, `the answer may be partial: PromQL warning: bucket label "le" is missing`},
		{"a plain selector of native histograms", `native`, `native is a native histogram, not a number`},
		{"a sum of them", `sum(native)`, `{} is a native histogram, not a number`},
	} {
		sent := time.Now()
		clock, list := once(t, prom.Source{Client: c, Query: prom.MustParse(test.query)})
		if len(list) != 1 || !strings.HasPrefix(list[0].Unknown, fmt.Sprintf("prometheus: query %q: %s", test.query, test.want)) {
			t.Errorf("%s: observed %s, want %q", test.sentence, show(list...), test.want)
			continue
		}
		if o := list[0]; o.Good(steadystate.AtLeast(0)) || o.Bad(steadystate.AtLeast(0)) {
			t.Errorf("%s: counts as good or bad", test.sentence)
		} else if !o.Valid() || o.To > clock.Now() || o.From < clock.At(sent)-time.Minute {
			t.Errorf("%s: span %s", test.sentence, o.Span)
		}
	}
}
