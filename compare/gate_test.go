package compare_test

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/aftershockhq/aftershock/compare"
	"github.com/aftershockhq/aftershock/reports/results"
)

// n are so many trials with one time to recovery.
func n(n int, ttr float64) []results.Result { return runs("held", slices.Repeat([]float64{ttr}, n)...) }

// lognormal are trials around a median, with a spread of 20 %.
func lognormal(random *rand.Rand, n int, median func() float64) (list []results.Result) {
	for range n {
		r := run("held", median()*math.Exp(0.2*random.NormFloat64()))
		ttr := &r.Checks[0].Recoveries[0].TTR
		*ttr = results.Length{LowSeconds: ttr.LowSeconds / 0.95 * 0.99, HighSeconds: new(*ttr.HighSeconds / 1.05 * 1.01)}
		list = append(list, r)
	}
	return list
}

func always(median float64) func() float64 { return func() float64 { return median } }

func gated(t *testing.T, trials, baseline []results.Result, o compare.GateOptions) compare.Gate {
	t.Helper()
	g, err := compare.NewGate(trials, baseline, o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestGateOfTrialsAlone(t *testing.T) {
	within := compare.GateOptions{Within: 5}
	for _, row := range []struct {
		sentence string
		trials   []results.Result
		options  compare.GateOptions
		verdict  string
		code     int
		want     string
	}{
		{"32 of 32 are enough", n(32, 2), within, "held", 0, "HELD     shop/kill  answers0 ttr <= 5s  plan aa\n"},
		{"31 are not", n(31, 2), within, "unknown", 3, "31 of 31 within the limit: 1 more within it would show that at least 90% of all are, at 95%"},
		{"five are unknown, and say how many would do", n(5, 2), within, "unknown", 3, "5 of 5 within the limit: 27 more within it"},
		{"a failure costs 24 more or so", append(n(55, 2), n(1, 9)...), within, "unknown", 3, "55 of 56 within the limit: 1 more within it"},
		{"56 and one are enough", append(n(56, 2), n(1, 9)...), within, "held", 0, "56 of 57 within the limit: at least 90%"},
		{"most beyond it are broken", append(n(2, 2), n(4, 9)...), within, "broken", 1, "2 of 6 within the limit: not at least 90%"},
		{"what the limit is within the bounds of is neither", append(n(31, 2), n(1, 5)...), within, "unknown", 3, "31 of 32 within the limit, 1 undecided"},
		{"nor does it break anything", n(20, 5), within, "unknown", 3, "0 of 20 within the limit, 20 undecided"},
		{"what was not over by the limit is beyond it", n(3, -9), within, "broken", 1, "0 of 3 within the limit: not"},
		{"a run that is not proven is undecided", append(n(31, 2), changed(n(1, 2), func(r *results.Result) { r.Caveats = []string{"x"} })...), within, "unknown", 3, "31 of 32 within the limit, 1 undecided"},
		{"one that a person ended is left out", append(n(32, 2), changed(runs("unknown", 9), func(r *results.Result) { r.Run.End = "interrupted" })...), within, "held", 0, "left out 1 that a person"},
		{"one that a person ended after its fault is undecided", append(n(32, 2), changed(runs("unknown", 9), func(r *results.Result) {
			r.Run.End, r.Caveats, r.Injections = "interrupted", []string{"interrupted"}, []results.Injection{{Fault: "kill"}}
		})...), within, "unknown", 3, "32 of 33 within the limit, 1 undecided"},
		{"one that broke another limit is beyond, however soon it recovered", append(n(31, 2), changed(n(1, 2), func(r *results.Result) {
			r.Verdict, r.Findings = "broken", append(r.Findings, results.Finding{Check: "answers0", Subject: "errors", Verdict: "broken"})
		})...), within, "unknown", 3, "31 of 32 within the limit: "},
		{"nor by its time after the removal, where --within is of that since the fault", append(n(31, 2), changed(n(1, 2), func(r *results.Result) {
			r.Verdict, r.Findings = "broken", append(r.Findings, results.Finding{Check: "answers0", Subject: "ttr after removal", Verdict: "broken"})
		})...), within, "unknown", 3, "31 of 32 within the limit: "},
		{"a build of which all do is broken", changed(n(40, 2), func(r *results.Result) {
			r.Verdict, r.Findings = "broken", append(r.Findings, results.Finding{Check: "answers0", Subject: "errors", Verdict: "broken"})
		}), within, "broken", 1, "0 of 40 within the limit: not"},
		{"thousands of trials have evidence that JSON can say", n(9000, 2), within, "held", 0, "9000 of 9000 within the limit"},
		{"the limit is that of the trials", changed(n(32, 2), func(r *results.Result) {
			r.Findings = []results.Finding{{Check: "answers0", Subject: "ttr", Unit: "seconds", Limit: results.Limit{Text: "ttr <= 3s", Operator: "<=", Value: new(3.)}, Seen: &results.Range{Low: new(2.), High: new(2.)}}}
		}), compare.GateOptions{}, "held", 0, "answers0 ttr <= 3s"},
		{"half at 99 % is another question", n(7, 2), compare.GateOptions{Within: 5, Share: 0.5, Confidence: 0.99}, "held", 0, "at least 50% of all are, at 99%"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			g := gated(t, row.trials, nil, row.options)
			var out bytes.Buffer
			if err := g.Text(&out); err != nil {
				t.Fatal(err)
			}
			if g.Verdict != row.verdict || g.ExitCode != row.code || !strings.Contains(out.String(), row.want) {
				t.Errorf("%s, %d, want %s, %d and %q in\n%s", g.Verdict, g.ExitCode, row.verdict, row.code, row.want, &out)
			}
			if err := g.JSON(&bytes.Buffer{}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWhatAGateRefuses(t *testing.T) {
	within := compare.GateOptions{Within: 5}
	trials := n(3, 2)
	for _, row := range []struct {
		sentence         string
		trials, baseline []results.Result
		options          compare.GateOptions
		is               error
		want             string
	}{
		{"another plan", trials, changed(n(3, 2), func(r *results.Result) { r.PlanHash = "bb" }), within, compare.ErrOtherPlan, `must have the hash "aa"`},
		{"a plan that is not known", changed(n(3, 2), unhashed), changed(n(3, 2), unhashed), within, compare.ErrOtherPlan, "--same-plan"},
		{"several plans", append(changed(n(1, 2), func(r *results.Result) { r.PlanHash = "bb" }), trials...), nil, within, nil, "several plans"},
		{"its own trials as a baseline", trials, trials, within, compare.ErrOnBothSides, "on both sides"},
		{"trials without a limit", trials, nil, compare.GateOptions{}, nil, "--within 30s"},
		{"an empty baseline", trials, []results.Result{}, within, compare.ErrOtherPlan, "the baseline"},
	} {
		_, err := compare.NewGate(row.trials, row.baseline, row.options)
		if err == nil || row.is != nil && !errors.Is(err, row.is) || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", row.sentence, err, row.want)
		}
	}
	gated(t, changed(n(3, 2), unhashed), changed(n(3, 2), unhashed), compare.GateOptions{Within: 5, SamePlan: true})
}

func TestAGateSaysHowOftenItErrs(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 15))
	g := gated(t, lognormal(random, 40, always(2)), lognormal(random, 40, always(2)), compare.GateOptions{Within: 6})
	r, a := g.Decisions[0].Relative, g.Decisions[0].Absolute
	if g.Verdict != "held" || r.EqualHeld < 0.9 || r.EqualBroken > 0.05 || r.SlowerBroken < 0.85 || a.HeldAtShare > 0.06 || a.HeldAt99 < 0.6 {
		t.Errorf("%s: %+v, %+v", g.Verdict, a, r)
	}
	five := gated(t, lognormal(random, 5, always(2)), lognormal(random, 40, always(2)), compare.GateOptions{Within: 6})
	var out bytes.Buffer
	if err := five.Text(&out); err != nil {
		t.Fatal(err)
	}
	if d := five.Decisions[0]; d.Relative.Verdict != "unknown" || d.Absolute.Verdict != "unknown" || !strings.Contains(out.String(), "40 a side are planned, 35 more would do") {
		t.Errorf("five trials:\n%s", &out)
	}
	document := written(t, g.JSON)
	schemaIs(t, "gate.schema.json", compare.GateSchema(), &compare.Gate{},
		about("Whether trials of a service are good enough, version 1", "urn:aftershock:gate:1", compare.GateFormat, compare.GateVersion, "gate.go", "diff.go"))
	if err := takes(t, compare.GateSchema(), document); err != nil {
		t.Error(err)
	}
	perfect := gated(t, n(40, 0), n(40, 0), compare.GateOptions{Within: 6})
	if r := perfect.Decisions[0].Relative; r.Verdict != "held" {
		t.Errorf("no outage in any trial is not longer than none: %+v", r)
	}
}
