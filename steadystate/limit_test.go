package steadystate_test

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/steadystatetest"
)

func TestLimitTextRoundTrips(t *testing.T) {
	for _, text := range []string{
		"downtime <= 2s", "uptime >= 99.9%", "outage <= 10s", "mttr <= 30s", "ttr <= 1m", "p95 <= 2s during hold",
		"errors <= 0.1%", "rate >= 1000/min", "p99.9 < 250ms", "mean <= 0.75", "outages <= 0", "max < 1e-09", "uptime >= 0", "slow <= 5%",
		"p95 <= 1.5x baseline", "mean < 2x baseline during hold", "ttd <= 10s",
		"ttr <= 30s after removal", "mttr < 1m after removal", "errors <= 100%", "min >= -3",
		"p95 of good <= 500ms", "mean of good < 2x baseline during hold", "max of good <= 1s during watch",
	} {
		l, err := steadystate.ParseLimit(text)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if l.String() != text {
			t.Errorf("%q reads back as %q", text, l)
		}
		encoded, _ := json.Marshal(l)
		var decoded steadystate.Limit
		if err := json.Unmarshal(encoded, &decoded); err != nil || decoded != l {
			t.Errorf("%q through JSON: %v, %v", text, decoded, err)
		}
	}
}

func TestABadLimitIsRefusedWithTheChoices(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "want QUANTITY OPERATOR VALUE",
		"downtime 2s":                         "want QUANTITY OPERATOR VALUE",
		"downtme <= 2s":                       `no quantity "downtme"; quantities: downtime, uptime`,
		"p100 <= 2s":                          `no quantity "p100"`,
		"downtime <= 2":                       "downtime is a time, and \"2\" is not; units: ns, us",
		"downtime <= 2%":                      "downtime is a time",
		"uptime >= 2s":                        "uptime is a share",
		"errors <= fast":                      `"fast" is not a number with a unit`,
		"p95 <= 2s during lunch":              `no phase "lunch"; phases: settle, inject, hold`,
		"p95 <= NaN":                          "not a finite number",
		"p95 <= 2 s 3":                        "is not a number with a unit",
		"downtime => 2s":                      "want an operator first",
		"rate >= 1000/fortnight":              "is not a number with a unit",
		"mean <= +Inf":                        "not a finite number",
		"uptime >= 99.9% during hold ":        "",
		"ttr <= 2s during hold":               "is not counted within a phase",
		"p95 <= 2s baseline":                  "a baseline goes with a multiple of it",
		"p95 <= 1.5x":                         "a baseline goes with a multiple of it",
		"downtime <= 2x baseline":             "downtime is not compared with a baseline; quantities: mean, pNN",
		"max <= 2x baseline":                  "the max of one sample does not bound that of another; quantities to compare with a baseline: mean, pNN",
		"min of good >= 0.5x baseline":        "the min of one sample does not bound that of another",
		"errors of good <= 1%":                "errors is not of values; quantities of good observations: mean, max, min, pNN",
		"p95 of bad <= 1s":                    `no quantity "p95 of bad"`,
		"uptime >= 99.9":                      `uptime is a share, and "99.9" is not: write it in %, as in "uptime >= 99.9%" or "errors <= 0.1%"`,
		"errors <= 0.1":                       `errors is a share, and "0.1" is not: write it in %`,
		"slow <= 1":                           `slow is a share, and "1" is not`,
		"uptime >= 101%":                      "uptime lies between 0% and 100%",
		"errors <= -1%":                       "errors lies between 0% and 100%",
		"downtime <= -2s":                     "downtime is never below zero",
		"outages <= -1":                       "outages is never below zero",
		"rate >= -1/s":                        "rate is never below zero",
		"p95 <= -1x baseline":                 "p95 is never below zero",
		"p95 <= 2x baseline during settle":    "the baseline is of the settle phase itself; phases to compare with it: inject, hold, recover, watch",
		"ttd <= 2s after removal":             "ttd is not counted from the removal of a fault; quantities: ttr, mttr",
		"p95 <= 2x baseline after removal":    "p95 is not counted from the removal of a fault",
		"ttr <= 2s after removal during hold": "is not counted within a phase",
		"ttr <= 2s during hold after removal": `no phase "hold after removal"`,
		"ttr <= 2s after lunch":               `"2s after lunch" is not a number with a unit`,
		"ttr <= 2% after removal":             "ttr is a time",
	} {
		_, err := steadystate.ParseLimit(text)
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", text, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: error %v, want one with %q", text, err, want)
		}
	}
}

// Each quantity of values or of counts says which observations break a limit on it.
func TestWhichObservationsBreakALimit(t *testing.T) {
	want := map[string]string{
		steadystate.Errors: "that failed --+?", steadystate.Rate: "that failed --+?", steadystate.Slow: "that were slow -+-?",
		steadystate.Mean: "beyond the limit -++?", steadystate.Max: "beyond the limit -++?", steadystate.Min: "beyond the limit -++?",
		"p50": "beyond the limit -++?", "p50 of good": "beyond the limit -+??",
	}
	names := []string{"p50", "p50 of good"}
	for _, line := range steadystate.Quantities() {
		if name := strings.Fields(line)[0]; name != "pNN" && name != "of" { // are of others
			names = append(names, name)
		}
	}
	for _, name := range names {
		var l steadystate.Limit
		for _, bound := range []string{"1", "1s", "1%", "1/s"} {
			if one, err := steadystate.ParseLimit(name + " <= " + bound); err == nil {
				l = one
			}
		}
		if l.Quantity == "" {
			t.Errorf("no limit on %q can be read: a quantity is one word", name)
		}
		if !l.OfValues() && !l.OfCounts() {
			continue
		}
		got := l.Those() + " "
		for _, o := range []steadystate.Observation{{Value: 0.5}, {Value: 2}, {Failed: "503"}, {Unknown: "blind"}} {
			switch is, known := l.Breaking(o, steadystate.MustParseTolerance("<= 1s")); {
			case !known:
				got += "?"
			case is:
				got += "+"
			default:
				got += "-"
			}
		}
		if got != want[name] {
			t.Errorf("%s: %s, want %q", name, got, want[name])
		}
	}
}

func FuzzParseLimit(f *testing.F) {
	f.Add("downtime <= 2s")
	f.Add("p99.9 < 1e3ms during watch")
	f.Add("rate >= 1000/min")
	f.Add("uptime >= 0x1p-2")
	f.Add("ttr <= 1m30s after removal")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := steadystate.ParseLimit(text)
		if err != nil {
			return
		}
		again, err := steadystate.ParseLimit(l.String())
		if err != nil {
			t.Fatalf("%q was read as %q, which cannot be read: %v", text, l, err)
		}
		if a, b := l.Tolerance.Value(), again.Tolerance.Value(); a != b && math.Abs(a-b) > 1e-12*math.Abs(a) {
			t.Fatalf("%q is %g, and read back as %q it is %g", text, a, again, b)
		}
		l.Tolerance, again.Tolerance = steadystate.Tolerance{}, steadystate.Tolerance{}
		if l != again {
			t.Fatalf("%q is %+v, and read back %+v", text, l, again)
		}
	})
}

func TestLimitVerdicts(t *testing.T) {
	for _, row := range []struct {
		sentence string
		limit    string
		timeline string // one a second
		want     steadystate.Verdict
		text     string
	}{
		{"held: the worst case holds", "downtime <= 4s", "++++--++++++", steadystate.Held, "1s to 3s"},
		{"broken: even the best case breaks it", "downtime <= 500ms", "++++---+++++", steadystate.Broken, "2s to 4s"},
		{"unknown: the limit lies between the two", "downtime <= 2s", "++++--++++++", steadystate.Unknown, "1s to 3s"},
		{"unknown: nothing seen to break it, but the resolution is coarser", "downtime <= 500ms", "++++++++++++", steadystate.Unknown, "0s (no outage seen; resolution 1s)"},
		{"held: no outage, and the resolution is printed", "outages <= 0", "++++++++++++", steadystate.Held, "0 (no outage seen; resolution 1s)"},
		{"broken: one outage is one too many", "outages <= 0", "++++-+++++++", steadystate.Broken, "1"},
		{"unknown: one could hide in what is unknown", "outages <= 0", "++++?+++++++", steadystate.Unknown, "0 to 1"},
		{"unknown: two could, a settle time apart", "outages <= 1", "++++??++++++", steadystate.Unknown, "0 to 2"},
		{"unknown: nothing was observed", "outages <= 0", "????????????", steadystate.Unknown, "no observation"},
		{"unknown: the outage was not over in the end", "downtime <= 20s", "+++++++++---", steadystate.Unknown, "and not over when the record ended"},
		{"uptime is downtime over the window", "uptime >= 70%", "++++--++++++", steadystate.Held, "75% to 91.667%"},
		{"the share of errors counts observations", "errors <= 10%", "++++!!++++++", steadystate.Broken, "16.667% of 12 observations"},
		{"unknown observations could have failed", "errors <= 20%", "++++!!+?++++", steadystate.Unknown, "16.667% to 25% of 11 observations"},
		{"what is slow is no error", "errors <= 0%", "++++--++++++", steadystate.Held, "0% of 12 observations"}, // newcomer 7
		{"it has a share of its own", "slow <= 10%", "++++--!+++++", steadystate.Broken, "16.667% of 12 observations"},
		{"unknown observations could have been slow", "slow <= 20%", "++++--+?++++", steadystate.Unknown, "16.667% to 25% of 11 observations"},
		{"of good ones leaves out what failed", "mean of good <= 1", "+++!++++++++", steadystate.Held, "1 of 11 observations"},
		{"of good ones keeps what is slow", "min of good >= 1", "+++-!+++++++", steadystate.Broken, "0 of 11 observations"},
		{"a percentile of good ones", "p90 of good <= 1", "++++!!++++++", steadystate.Held, "1 of 10 observations"},
		{"without good ones there is nothing to say", "mean of good <= 1", "!!!!!!!!!!!!", steadystate.Unknown, "no value"},
		{"a percentile with more failures than it leaves out has no value", "p90 <= 2", "++++!!++++++", steadystate.Broken, "beyond any value: 2 of 12 failed"},
		{"a percentile of what there is", "p50 <= 1", "++++!!++++++", steadystate.Held, "1"},
		{"a mean of failures only", "mean <= 1", "!!!!", steadystate.Broken, "no value: 4 of 4 failed"},
		{"a mean says nothing when more failed than is allowed", "mean <= 1", "+++!++++++++", steadystate.Broken, "no value: 1 of 12 failed"},
		{"nor does a maximum", "max <= 1", "+++!++++++++", steadystate.Broken, "no value: 1 of 12 failed"},
		{"a mean says what it is at least when some are unknown", "mean <= 0.5", "+++?++++++++", steadystate.Broken, "at least 0.916667 of 11 observations"},
		{"but not that it is no more", "mean <= 1", "+++?++++++++", steadystate.Unknown, "at least 0.916667 of 11 observations"},
		{"a maximum may be in what is unknown", "max <= 1", "+++?++++++++", steadystate.Unknown, "1"},
		{"the rate counts what was done, not what failed", "rate >= 0.9/s", "++++!!!+++++", steadystate.Broken, "0.6667/s to 0.8333/s"},
		{"a percentile needs as many observations as it leaves one out of", "p99 <= 1", "++++++++++++", steadystate.Unknown, "12 observations"},
		{"one outage could hide in each stretch of unknown time", "outages <= 1", "+?+++?++++++", steadystate.Unknown, "0 to 2"},
		{"the rate of observations", "rate >= 0.5/s", "++++++++++++", steadystate.Held, "0.9167/s to 1.083/s"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			window := steadystate.Span{To: time.Duration(len(row.timeline)) * s}
			figures := steadystatetest.Fold(steadystatetest.Observations(row.timeline, s, 0), steadystatetest.Good, steadystate.Rule{Settle: 2 * s}, window, window).Figures()[0]
			got := steadystate.MustParseLimit(row.limit).Judge(figures)
			if got.Verdict != row.want || !strings.Contains(got.Text, row.text) {
				t.Errorf("%s on %q: %s %q, want %s %q", row.limit, row.timeline, got.Verdict, got.Text, row.want, row.text)
			}
			if (got.Undecided != "") != (got.Verdict == steadystate.Unknown) {
				t.Errorf("%s and undecided %q: an unknown verdict says what would decide it, and only that", got.Verdict, got.Undecided)
			}
		})
	}
}

func TestALimitFinerThanItsSignalIsRefusedWithTheFinest(t *testing.T) {
	err := steadystate.MustParseLimit("outage <= 5s").Decidable(75*s, 5*time.Minute)
	if err == nil || !strings.Contains(err.Error(), `the finest limit that could be decided is "outage <= 1m15s"`) {
		t.Errorf("error %v, want one that names the finest limit", err)
	}
	if err := steadystate.MustParseLimit("outage <= 80s").Decidable(75*s, 5*time.Minute); err != nil {
		t.Errorf("a limit above the resolution: %v", err)
	}
	err = steadystate.MustParseLimit("ttr <= 5s after removal").Decidable(75*s, 5*time.Minute)
	if err == nil || !strings.Contains(err.Error(), `"ttr <= 1m15s after removal"`) {
		t.Errorf("error %v, want one that names the finest limit of its form", err)
	}
	err = steadystate.MustParseLimit("uptime >= 99.9%").Decidable(s, 100*s)
	if err == nil || !strings.Contains(err.Error(), `the finest limit that could be decided is "uptime >= 99%" over 1m40s, or`) {
		t.Errorf("error %v, want one that names 99%%", err)
	}
}

// What is named in place of a limit that is too fine is not refused in its turn.
func TestTheFinestLimitIsDecidable(t *testing.T) {
	named := regexp.MustCompile(`could be decided is "([^"]+)"`)
	for _, window := range []time.Duration{7 * s, 90 * s, 100 * s, 13*time.Minute + s, 25 * time.Hour} {
		for _, resolution := range []time.Duration{time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond, 333 * time.Millisecond, s, 2 * s, 6 * s} {
			for _, text := range []string{"uptime >= 99.9999999%", "uptime > 99.9999999% during hold", "downtime < 1us", "ttr <= 1us after removal"} {
				err := steadystate.MustParseLimit(text).Decidable(resolution, window)
				if err == nil {
					t.Fatalf("%s with a resolution of %s in %s is taken", text, resolution, window)
				}
				m := named.FindStringSubmatch(err.Error())
				if m == nil {
					t.Fatalf("%v names no limit", err)
				}
				l, err := steadystate.ParseLimit(m[1])
				if err == nil {
					err = l.Decidable(resolution, window)
				}
				if err != nil {
					t.Errorf("%s in place of %s: %v", m[1], text, err)
				}
			}
		}
	}
}

func TestWorst(t *testing.T) {
	const u, h, b = steadystate.Unknown, steadystate.Held, steadystate.Broken
	for _, row := range []struct {
		sentence string
		verdicts []steadystate.Verdict
		want     steadystate.Verdict
	}{
		{"nothing judged is unknown", nil, u},
		{"all held is held", []steadystate.Verdict{h, h}, h},
		{"one unknown makes it unknown", []steadystate.Verdict{h, u, h}, u},
		{"one broken settles it", []steadystate.Verdict{u, b, h}, b},
	} {
		if got := steadystate.Worst(row.verdicts...); got != row.want {
			t.Errorf("%s: %s, want %s", row.sentence, got, row.want)
		}
	}
	var zero steadystate.Verdict
	if zero != steadystate.Unknown {
		t.Error("the zero verdict must be unknown")
	}
}

func ExampleParseLimit() {
	_, err := steadystate.ParseLimit("downtime <= 2%")
	fmt.Println(err)
	// Output: limit "downtime <= 2%": downtime is a time, and "2%" is not; units: ns, us, ms, s, m, h
}

func ExampleFold_Outages() {
	// One observation a second; two bad ones.
	list := steadystatetest.Observations("++++--++++++", time.Second, 0)
	record := steadystate.Span{To: 12 * time.Second}
	fold := steadystate.NewFold(steadystatetest.Good, steadystate.Rule{Settle: 3 * time.Second}, record)
	for _, o := range list {
		fold.Add(o)
	}
	for _, o := range fold.Outages() {
		fmt.Printf("from %s to %s, %d bad\n", o.Start, o.End, o.Bad)
	}
	// Output: from 3.000s..4.000s to 5.000s..6.000s, 2 bad
}

// obs are n observations of the value, a second apart from the first on.
func obs(first, n int, o steadystate.Observation) []steadystate.Observation {
	var list []steadystate.Observation
	for i := range n {
		o.Span = steadystate.Instant(time.Duration(first+i) * s)
		list = append(list, o)
	}
	return list
}

func TestNoVerdictWithoutItsGround(t *testing.T) {
	value := func(v float64) steadystate.Observation { return steadystate.Observation{Value: v} }
	failed := steadystate.Observation{Failed: "503"}
	unknown := steadystate.Observation{Unknown: "not seen"}
	open := steadystate.Observation{Value: 10, Bucket: steadystate.Bucket{Low: 10, High: math.Inf(1)}}
	for _, row := range []struct {
		sentence         string
		baseline, window []steadystate.Observation
		limit            string
		want             steadystate.Verdict
		text             string
	}{
		{"a mean of the few that were answered is none", obs(0, 50, value(1)), append(obs(100, 49, failed), obs(149, 1, value(1))...), "mean <= 1.5x baseline", steadystate.Broken, "no value: 49 of 50 failed"},
		{"failed requests are beyond any multiple", obs(0, 90, value(1)), append(obs(100, 30, value(1)), obs(130, 20, failed)...), "p90 <= 1.5x baseline", steadystate.Broken, "beyond any value: 20 of 50 failed"},
		{"a baseline that failed is none", obs(0, 50, failed), obs(100, 50, value(1)), "mean <= 1.5x baseline", steadystate.Unknown, "no ratio"},
		{"unknown ones could be the quick ones", nil, append(obs(100, 10, value(5)), obs(110, 90, unknown)...), "p50 <= 1", steadystate.Unknown, "anything"},
		{"an open bucket has no end", nil, obs(100, 50, open), "p95 <= 20", steadystate.Unknown, "at least 10"},
		{"and may be beyond the limit for certain", nil, obs(100, 50, open), "p95 <= 5", steadystate.Broken, "at least 10"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			record := steadystate.Span{To: 150 * s}
			fold := steadystate.NewFold(steadystate.Within(2*s), steadystate.Rule{Settle: s}, record, steadystate.Span{To: 90 * s}, steadystate.Span{From: 95 * s, To: 150 * s})
			for _, o := range append(row.baseline, row.window...) {
				fold.Add(o)
			}
			figures := fold.Figures()
			limit := steadystate.MustParseLimit(row.limit)
			reading := limit.Judge(figures[1])
			if limit.Baseline {
				reading = limit.JudgeRatio(figures[1], limit.Base(figures[0]), "the settle phase")
			}
			if reading.Verdict != row.want || !strings.Contains(reading.Text, row.text) {
				t.Errorf("%s, %q, want %s, %q", reading.Verdict, reading.Text, row.want, row.text)
			}
			if reading.Verdict == steadystate.Unknown && reading.Undecided == "" {
				t.Error("it does not say what would decide it")
			}
			if _, err := json.Marshal(struct {
				steadystate.Reading
				steadystate.Figures
			}{reading, figures[1]}); err != nil {
				t.Errorf("as JSON: %v", err)
			}
		})
	}
}

// An outage that may have been over when the window began does not count for
// certain.
func TestAnOutageAtTheWindowsEdgeMayBeOutsideOfIt(t *testing.T) {
	window := steadystate.Span{From: 6500 * time.Millisecond, To: 20 * s}
	f := steadystatetest.Fold(steadystatetest.Observations("++++---+++++++++++++", s, 0), steadystatetest.Good, steadystate.Rule{Settle: 2 * s}, steadystate.Span{To: 20 * s}, window).Figures()[0]
	if r := steadystate.MustParseLimit("outages <= 0").Judge(f); r.Verdict != steadystate.Unknown || r.Text != "0 to 1" {
		t.Errorf("%s, %q: want unknown, since it ended between 6s and 7s", r.Verdict, r.Text)
	}
}

func TestALimitOnValuesHasTheirUnit(t *testing.T) {
	for _, row := range []struct {
		good, limit string
		fits        bool
	}{
		{"<= 500ms", "p95 <= 1s", true},
		{"<= 500ms", "max <= 0", true},
		{"<= 500ms", "max <= 1", false},
		{"<= 500ms", "downtime <= 2s", true}, // not on values
		{"<= 5%", "max <= 8%", true},
		{"<= 5%", "max <= 0.08", true},
		{"<= 5%", "max <= 8", false},
		{"<= 5%", "mean <= 500ms", false},
		{"<= 600/min", "max <= 550/min", true},
		{"<= 600/min", "max <= 550", false},
		{">= 2", "min >= 1", true},
		{">= 2", "p50 <= 1.5x baseline", true},
	} {
		good, err := steadystate.ParseTolerance(row.good)
		if err != nil {
			t.Fatal(err)
		}
		if err := steadystate.MustParseLimit(row.limit).Fits(good); (err == nil) != row.fits {
			t.Errorf("%s where %s is good: %v, want it to fit: %t", row.limit, row.good, err, row.fits)
		}
	}
}
