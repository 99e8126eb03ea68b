package prom_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/prom"
)

func TestPreflight(t *testing.T) {
	t.Parallel()
	const ahead = 42 * time.Second
	s := start(t, ahead)
	c := client(t, s.URL)
	up := `up{job="shop",instance="a:1"}`
	s.fill(t, s.every(up, 15*time.Second, 15*time.Second, 1, 1, 1, 1)...)
	s.fill(t, sample{up, s.Now(), 1}, sample{`scrape_duration_seconds{job="shop",instance="a:1"}`, s.Now(), 0.25})
	s.fill(t, s.every(`up{job="till",instance="b:1"}`, 30*time.Second, time.Second, 1, 1, 1)...)
	s.fill(t, s.every(`x_total`, 15*time.Second, time.Second, 0, 10, 20, 30, 40, 50)...)
	s.fill(t, s.every(`job:x:rate5m`, 15*time.Second, time.Second, 1, 1)...)
	s.fill(t, s.every(`once`, 0, time.Second, 1)...)
	s.fill(t, s.every(`x_bucket{le="1"}`, 15*time.Second, time.Second, 0, 1)...)
	s.fill(t, s.every(`x_bucket{le="+Inf"}`, 15*time.Second, time.Second, 0, 2)...)
	for _, test := range []struct {
		sentence   string
		source     prom.Source
		series     int
		values     []float64
		spacing    time.Duration
		window     string
		resolution time.Duration // but for the round trip
		note       string
	}{
		{
			"samples are as fine as the scrapes and what one takes",
			prom.Source{Query: prom.MustParse(`up{job="shop"}`)},
			1,
			[]float64{1},
			15 * time.Second, "-15.000s..0.000s", 15*time.Second + 250*time.Millisecond, "",
		},
		{
			"without a scrape's duration, as fine as the next poll tells",
			prom.Source{Query: prom.MustParse(`up{job="till"}`), Interval: 3 * time.Second},
			1,
			[]float64{1},
			30 * time.Second, "-30.000s..0.000s", 33 * time.Second, "",
		},
		{
			"an aggregation is as fine as its most seldom scraped series and the next poll",
			prom.Source{Query: prom.MustParse(`sum(up)`)},
			1,
			[]float64{2},
			30 * time.Second, "-30.000s..0.000s", 31 * time.Second, "",
		},
		{
			"so is a reduction, and a scrape that takes long adds to it",
			prom.Source{Query: prom.MustParse(`up`), Reduce: prom.Sum, Interval: 2 * time.Second},
			2,
			[]float64{2},
			30 * time.Second, "-30.000s..0.000s", 32*time.Second + 250*time.Millisecond, "",
		},
		{
			"each series is a value",
			prom.Source{Query: prom.MustParse(`up + 1`), Reduce: prom.Each},
			2,
			[]float64{2, 2},
			30 * time.Second, "-30.000s..0.000s", 31*time.Second + 250*time.Millisecond, "",
		},
		{
			"a rate is as fine as its range",
			prom.Source{Query: prom.MustParse(`round(sum(increase(x_total[1m])))`)},
			1,
			[]float64{40},
			15 * time.Second, "-60.000s..0.000s", 61 * time.Second, "",
		},
		{
			"a range that holds two scrapes only at times is worth a note",
			prom.Source{Query: prom.MustParse(`sum(count_over_time(x_total[20s]))`)},
			1, nil, 15 * time.Second, "-20.000s..0.000s", 21 * time.Second,
			"x_total[20s] holds fewer than two scrapes at times: they are 15s apart, so give it a range of 30s or more",
		},
		{
			"so is a recorded series",
			prom.Source{Query: prom.MustParse(`job:x:rate5m`)},
			1,
			[]float64{1},
			15 * time.Second, "-15.000s..0.000s", 16 * time.Second,
			"job:x:rate5m is a recorded series by its name",
		},
		{
			"so is the quantile of a histogram",
			prom.Source{Query: prom.MustParse(`histogram_quantile(0.5, x_bucket)`)},
			1,
			[]float64{1},
			15 * time.Second, "-15.000s..0.000s", 16 * time.Second,
			"known to its bucket, now 0..1",
		},
		{
			"so is a series that was scraped once: a value may be as old as the server allows",
			prom.Source{Query: prom.MustParse(`once`), Lookback: time.Minute},
			1,
			[]float64{1},
			time.Minute, "-60.000s..0.000s", 61 * time.Second,
			"once: fewer than two scrapes in the last 1m0s, so that is how old a value may be",
		},
		{
			"so is a ratio whose range is shorter than it takes to forget a pod that died",
			prom.Source{Query: prom.MustParse(`sum(increase(x_total[1m])) / sum(increase(x_total[1m]))`)},
			1,
			[]float64{1},
			15 * time.Second, "-60.000s..0.000s", 61 * time.Second,
			"x_total[1m]: when a pod dies, Prometheus has its target for some 47.5s more, in which the value is unknown: give it a range of 1m2.5s or more",
		},
		{
			"of errors that were never counted, the targets tell how far apart scrapes are",
			prom.Source{Query: prom.MustParse(`round((sum(increase(x_total{code="500"}[1m])) or vector(0)) + sum(up{job="till"}))`)},
			1,
			[]float64{1},
			30 * time.Second, "-60.000s..0.000s", 61 * time.Second, "",
		},
		{
			"unless it is said that those are meant which are scraped",
			prom.Source{Query: prom.MustParse(`sum(increase(x_total[1m]) unless on (instance) up == 0) / sum(increase(x_total[1m]) unless on (instance) up == 0)`)},
			1,
			[]float64{1},
			30 * time.Second, "-60.000s..0.000s", 61 * time.Second, "",
		},
		{
			"so is a value that is no number yet",
			prom.Source{Query: prom.MustParse(`(x_total - x_total) / (x_total - x_total)`)},
			1, nil, 15 * time.Second, "-15.000s..0.000s", 16 * time.Second,
			"the value is NaN: 0 divided by 0: is there traffic?",
		},
	} {
		test.source.Client = c
		found, err := test.source.Preflight(t.Context())
		if err != nil {
			t.Errorf("%s: %v", test.sentence, err)
			continue
		}
		if found.Series != test.series || (test.values != nil && !slices.Equal(found.Values, test.values)) ||
			found.Spacing != test.spacing || found.Window.String() != test.window {
			t.Errorf("%s: found %+v", test.sentence, found)
		}
		if found.Ahead.Low > ahead || found.Ahead.High < ahead {
			t.Errorf("%s: the clock is ahead by %s to %s, in truth by %s", test.sentence, found.Ahead.Low, found.Ahead.High, ahead)
		}
		// The round trip's share of it is not the machine's to promise.
		trip := found.Ahead.High - found.Ahead.Low
		if rest := found.Resolution - trip; rest < test.resolution || rest > test.resolution+20*time.Millisecond {
			t.Errorf("%s: resolution %s with a round trip of %s, want %s", test.sentence, found.Resolution, trip, test.resolution)
		}
		if notes := strings.Join(found.Notes, "\n"); !strings.Contains(notes, test.note) || (test.note == "" && notes != "") {
			t.Errorf("%s: notes %q, want %q", test.sentence, notes, test.note)
		}
		if _, err := json.Marshal(found); err != nil {
			t.Errorf("%s: %v", test.sentence, err)
		}
	}
}

// A value that a query supplies for what is not scraped is no reading.
func TestPreflightSaysThatNoTargetIsScraped(t *testing.T) {
	t.Parallel()
	s := start(t, 0)
	for _, list := range away(s) {
		s.fill(t, list...)
	}
	found, err := prom.Source{Client: client(t, s.URL), Query: prom.MustParse(`sum(queued) or vector(0)`)}.Preflight(t.Context())
	if notes := strings.Join(found.Notes, "\n"); err != nil || !strings.Contains(notes, "1 target of queued: not scraped") {
		t.Errorf("%v, notes %q", err, notes)
	}
}

// A limit that is finer than the scrapes is refused before anything is hurt.
func TestPreflightDecides(t *testing.T) {
	t.Parallel()
	s := start(t, 0)
	s.fill(t, s.every(`up`, 15*time.Second, time.Second, 1, 1, 1)...)
	found, err := prom.Source{Client: client(t, s.URL), Query: prom.MustParse(`up`)}.Preflight(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := steadystate.MustParseLimit("downtime <= 30s").Decidable(found.Resolution, time.Hour); err != nil {
		t.Errorf("30s: %v", err)
	}
	if err := steadystate.MustParseLimit("downtime <= 2s").Decidable(found.Resolution, time.Hour); err == nil {
		t.Error("2s passes with scrapes 15s apart")
	}
}

func TestPreflightRefuses(t *testing.T) {
	t.Parallel()
	s := start(t, 0)
	c := client(t, s.URL)
	s.fill(t, s.every(`x{i="1"}`, time.Second, time.Second, 1, 1)...)
	s.fill(t, s.every(`x{i="2"}`, time.Second, time.Second, 1, 1)...)
	s.fill(t, s.every(`silent`, time.Second, 10*time.Second, 1, 1)...)
	for _, test := range []struct{ sentence, query, want string }{
		{"several series without a reduction", `x`, "2 series, and no reduction: say reduce: sum|min|max|avg|each: or aggregate in the query, as in sum(...)"},
		{"a name with a typo", `sum(y)`, "nothing matches: the result is empty: check the metric's name and labels; if scraped targets without series mean zero, add: or vector(0)"},
		{"a comparison that drops what is good", `sum(x) > 5`, "nothing matches: the result is empty: a comparison drops what does not match: write > bool to get 0 or 1"},
		{"a rate over less than two scrapes", `rate(x[10ms])`, "a rate needs two scrapes in its range"},
		{"a query that the engine cannot evaluate", `x * on() x`, "execution: found duplicate series for the match group {}"},
		{"a target that is not being scraped", `silent`, "silent: no sample for "},
	} {
		_, err := prom.Source{Client: c, Query: prom.MustParse(test.query)}.Preflight(t.Context())
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %s: error %v, want %q", test.sentence, test.query, err, test.want)
		}
	}
}
