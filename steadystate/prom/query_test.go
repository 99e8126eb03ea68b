package prom_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/prom"
)

func TestWindowOfAQuery(t *testing.T) {
	t.Parallel()
	const spacing = 15 * time.Second
	for _, c := range []struct{ sentence, query, from, to string }{
		{"a plain selector speaks of the last scrape", `up{job="shop"}`, "-15s", "0s"},
		{"parentheses change nothing", `((up))`, "-15s", "0s"},
		{"a selector by matchers alone is one too", `{__name__=~"up|down"}`, "-15s", "0s"},
		{"an offset moves the window back", `up offset 1m`, "-1m15s", "-1m"},
		{"a rate speaks of its range, whatever the spacing", `rate(x[1m])`, "-1m", "0s"},
		{"ranges and offsets add up", `rate(x[1m] offset 5m)`, "-6m", "-5m"},
		{"of two selectors the one that reaches further counts", `rate(a[1m]) / rate(b[5m])`, "-5m", "0s"},
		{"of two offsets the smaller one ends the window", `rate(a[1m] offset 1m) / rate(a[1m] offset 1h)`, "-1h1m", "-1m"},
		{"an instant selector may reach further than a short range", `rate(x[10s]) * on() up`, "-15s", "0s"},
		{"an aggregation reaches as far as what it is of", `sum by (job) (rate(x[2m]))`, "-2m", "0s"},
		{"a number beside it changes nothing", `sum(up) / 3 or vector(0)`, "-15s", "0s"},
		{"a subquery adds its range to what is in it", `max_over_time(rate(x[1m])[10m:30s])`, "-11m", "0s"},
		{"a subquery of an instant selector adds the spacing", `min_over_time(up[5m:])`, "-5m15s", "0s"},
		{"the offset of a subquery adds up too", `min_over_time(up[5m:1s] offset 1h)`, "-1h5m15s", "-1h"},
		{"subqueries nest", `max_over_time(avg_over_time(rate(x[1m])[2m:])[3m:])`, "-6m", "0s"},
		{"a parameter that is a query counts", `topk(scalar(count(x offset 1h)), rate(y[1m]))`, "-1h15s", "0s"},
		{"a quantile of a histogram speaks of its rate's range", `histogram_quantile(0.95, sum by (le) (rate(x_bucket[30s])))`, "-30s", "0s"},
		{"a scalar of a vector is a number", `scalar(sum(up))`, "-15s", "0s"},
		{"milliseconds count", `rate(x[1500ms])`, "-1.5s", "0s"},
		{"absence is judged by the same sample", `absent(up{job="shop"})`, "-15s", "0s"},
	} {
		q, err := prom.Parse(c.query)
		if err != nil {
			t.Errorf("%s: %v", c.sentence, err)
			continue
		}
		want := steadystate.Span{From: duration(t, c.from), To: duration(t, c.to)}
		if got := q.Window(spacing); got != want {
			t.Errorf("%s: %s: window %s, want %s", c.sentence, c.query, got, want)
		}
	}
}

func duration(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ sentence, query, want string }{
		{"what does not parse, with its position", `sum(rate(x[1m])`, `parse query "sum(rate(x[1m])": 1:16: parse error: unclosed left parenthesis`},
		{"nothing", ``, `parse query "": unknown position: parse error: no expression found in input`},
		{"a function that does not exist", `rat(x[1m])`, `1:1: parse error: unknown function with name "rat"`},
		{"a rate without a range", `rate(x)`, `1:6: parse error: expected type range vector in call to function "rate", got instant vector`},
		{"a range vector", `x[5m]`, `it is a range vector, a list of samples per series: apply a function, as in rate(...) or max_over_time(...)`},
		{"a subquery, which is one too", `rate(x[1m])[5m:]`, `it is a range vector`},
		{"a string", `"up"`, `it is a string, not a number`},
		{"a constant", `1 > bool 0`, `it selects no series: name a metric`},
		{"the time of day", `time()`, `it selects no series`},
		{"a fixed instant", `up @ 1700000000`, `up @ 1700000000.000: with @ it speaks of one fixed instant: leave out the @`},
		{"the end of a range query", `rate(x[1m] @ end())`, `with @ it speaks of one fixed instant`},
		{"a subquery at a fixed instant", `max_over_time(up[5m:] @ start())`, `with @ it speaks of one fixed instant`},
		{"the future", `up offset -1m`, `up offset -1m: a negative offset speaks of the future: leave it out`},
		{"the future of a subquery", `max_over_time(up[5m:] offset -1s)`, `a negative offset speaks of the future`},
		{"more than any run lasts", `rate(x[2y])`, `reaches back more than 400 days`},
		{"ranges that add up to that", `max_over_time(rate(x[300d])[300d:1h])`, `reaches back more than 400 days`},
	} {
		_, err := prom.Parse(c.query)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %s: error %v, want %q", c.sentence, c.query, err, c.want)
		}
	}
}

// The parser's experiments are switched on for the whole program by whoever
// links it; not in parallel with other tests.
func TestParseRefusesExperiments(t *testing.T) {
	parser.ExperimentalDurationExpr, parser.EnableExtendedRangeSelectors = true, true
	defer func() { parser.ExperimentalDurationExpr, parser.EnableExtendedRangeSelectors = false, false }()
	for _, c := range []struct{ sentence, query, want string }{
		{"a computed range", `rate(x[1m + 1m])`, "computed durations are not supported: write them out"},
		{"a computed offset", `x offset (1m * 2)`, "computed durations are not supported: write them out"},
		{"a computed subquery", `max_over_time(x[1m + 1m:])`, "computed durations are not supported: write them out"},
		{"a computed step", `max_over_time(x[1m:1s * 2])`, "computed durations are not supported: write them out"},
		{"a smoothed selector", `rate(x[1m] smoothed)`, "anchored and smoothed selectors read samples outside their range"},
		{"an anchored selector", `increase(x[1m] anchored)`, "anchored and smoothed selectors read samples outside their range"},
	} {
		_, err := prom.Parse(c.query)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %s: error %v, want %q", c.sentence, c.query, err, c.want)
		}
	}
}

func TestMustParsePanics(t *testing.T) {
	t.Parallel()
	defer func() {
		if p := recover(); p == nil {
			t.Error("a query that does not parse passes")
		}
	}()
	prom.MustParse("sum(")
}

func TestQueryIsText(t *testing.T) {
	t.Parallel()
	if q := prom.MustParse(" sum( up ) # all"); q.String() != " sum( up ) # all" {
		t.Errorf("text %q: want it as it was written", q)
	}
	if q := (prom.Query{}); q.String() != "" || q.Window(time.Second) != (steadystate.Span{}) {
		t.Errorf("the zero value: %q, %s: want nothing", q, q.Window(time.Second))
	}
}

// Whatever parses has a window that ends at or before the evaluation, and its
// text parses back to the same.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`up`, `rate(x[1m] offset 5m)`, `max_over_time(rate(x[1m])[10m:30s] offset 1h)`, `a / on(x) group_left b`,
		`x @ 5`, `x offset -5m`, `topk(3, x) # c`, `{"a.b"="c"}`, `x[1y:1ms]`, `sum(`, "up\x00", `x[9223372036854ms]`,
		`label_replace(x, "a", "b", "", "") or vector(1)`, `-up`, `max_over_time((-up)[1m:])`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := prom.Parse(text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "parse query ") {
				t.Errorf("error %q does not name the query", err)
			}
			return
		}
		w := q.Window(time.Second)
		if !w.Valid() || w.To > 0 {
			t.Errorf("%q: window %s", text, w)
		}
		if _, err := parser.ParseExpr(q.WithTimes()); err != nil {
			t.Errorf("%q: is asked for as %q: %v", text, q.WithTimes(), err)
		}
		again, err := prom.Parse(q.String())
		if err != nil || again.Window(time.Second) != w {
			t.Errorf("%q: parses back to %v, %v", text, again, err)
		}
	})
}
