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

// limited are by a limit of 5 s, of a time to recovery of exactly that.
func limited(operator string) func(*results.Result) {
	return func(r *results.Result) {
		r.Findings = []results.Finding{{
			Check: "answers0", Subject: "ttr", Unit: "seconds",
			Limit: results.Limit{Text: "ttr " + operator + " 5s", Operator: operator, Value: new(5.)}, Seen: &results.Range{Low: new(5.), High: new(5.)},
		}}
	}
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
		{"31 are not", n(31, 2), within, "unknown", 3, "31 of 31 within the limit: 1 more within it would show that at least 90% of all are, at a confidence of 95%"},
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
		{"one whose record is cut before its fault may have gone on", append(n(32, 2), changed(runs("unknown", 9), func(r *results.Result) {
			r.Run.End, r.Caveats = "cut", []string{"the record ends before the run did"}
		})...), within, "unknown", 3, "32 of 33 within the limit, 1 undecided"},
		{"one that broke another limit is beyond, however soon it recovered", append(n(31, 2), changed(n(1, 2), func(r *results.Result) {
			r.Verdict, r.Findings = "broken", append(r.Findings, results.Finding{Check: "answers0", Subject: "errors", Verdict: "broken"})
		})...), within, "unknown", 3, "31 of 32 within the limit: "},
		{"nor by its time after the removal, where --within is of that since the fault", append(n(31, 2), changed(n(1, 2), func(r *results.Result) {
			r.Verdict, r.Findings = "broken", append(r.Findings, results.Finding{Check: "answers0", Subject: "ttr after removal", Verdict: "broken"})
		})...), within, "unknown", 3, "31 of 32 within the limit: "},
		{"one whose other limit is unknown is undecided, however soon it recovered", changed(n(32, 2), func(r *results.Result) {
			r.Verdict, r.Findings = "unknown", append(r.Findings, results.Finding{Check: "answers0", Subject: "errors", Verdict: "unknown", Seen: &results.Range{Low: new(0.), High: new(0.5)}})
		}), within, "unknown", 3, "0 of 32 within the limit, 32 undecided"},
		{"one whose other limit is unknown is beyond if its recovery is", changed(n(3, 9), func(r *results.Result) {
			r.Findings = append(r.Findings, results.Finding{Check: "answers0", Subject: "errors", Verdict: "unknown"})
		}), within, "broken", 1, "0 of 3 within the limit: not"},
		{"one whose other limits are held counts by its recovery", changed(n(32, 2), func(r *results.Result) {
			r.Findings = append(r.Findings, results.Finding{Check: "answers0", Subject: "errors", Verdict: "held"})
		}), within, "held", 0, "32 of 32 within the limit"},
		{"an unknown time to recovery of another check has a decision of its own", changed(n(32, 2), func(r *results.Result) {
			r.Findings = append(r.Findings, results.Finding{Check: "answers1", Subject: "ttr", Verdict: "unknown", Unit: "seconds", Limit: results.Limit{Text: "ttr <= 5s", Operator: "<=", Value: new(5.)}})
		}), within, "unknown", 3, "HELD     shop/kill  answers0 ttr <= 5s"},
		{"a build of which all do is broken", changed(n(40, 2), func(r *results.Result) {
			r.Verdict, r.Findings = "broken", append(r.Findings, results.Finding{Check: "answers0", Subject: "errors", Verdict: "broken"})
		}), within, "broken", 1, "0 of 40 within the limit: not"},
		{"thousands of trials have evidence that JSON can say", n(9000, 2), within, "held", 0, "9000 of 9000 within the limit"},
		{"a trial that does not say what it ran, where others do, is undecided", append(changed(n(31, 2), imaged("sha256:11")), n(1, 2)...), within, "unknown", 3, "1 trial without the images that it ran: undecided"},
		{"those of one build are chosen, by a part of its digest", append(changed(n(32, 2), imaged("sha256:11")), changed(n(9, 9), imaged("sha256:22"))...), compare.GateOptions{Within: 5, Images: []string{"11"}}, "held", 0, "9 trials of another plan or build not chosen"},
		{"trials that do not say what they ran are not those of a build that is chosen", n(32, 2), compare.GateOptions{Within: 5, Images: []string{"11"}}, "unknown", 3, "32 trials without the images that it ran: undecided"},
		{"those of one plan, too", append(n(32, 2), changed(n(9, 9), func(r *results.Result) { r.PlanHash = "bb" })...), compare.GateOptions{Within: 5, Plans: []string{"a"}}, "held", 0, "9 trials of another plan or build not chosen"},
		{"less than a limit is not exactly it", changed(n(32, 5), limited("<")), compare.GateOptions{}, "broken", 1, "answers0 ttr < 5s"},
		{"at most a limit is", changed(n(32, 5), limited("<=")), compare.GateOptions{}, "held", 0, "answers0 ttr <= 5s"},
		{"the stricter of two is that without the limit itself", append(changed(n(31, 5), limited("<=")), changed(n(1, 5), limited("<"))...), compare.GateOptions{}, "broken", 1, "answers0 ttr < 5s"},
		{"what touches a strict limit from below is not decided", changed(n(32, 5), func(r *results.Result) {
			limited("<")(r)
			r.Findings[0].Seen.Low = new(4.9)
		}), compare.GateOptions{}, "unknown", 3, "32 undecided"},
		{"the limit is that of the trials", changed(n(32, 2), func(r *results.Result) {
			r.Findings = []results.Finding{{Check: "answers0", Subject: "ttr", Unit: "seconds", Limit: results.Limit{Text: "ttr <= 3s", Operator: "<=", Value: new(3.)}, Seen: &results.Range{Low: new(2.), High: new(2.)}}}
		}), compare.GateOptions{}, "held", 0, "answers0 ttr <= 3s"},
		{"half at 99 % is another question", n(7, 2), compare.GateOptions{Within: 5, Share: 0.5, Confidence: 0.99}, "held", 0, "at least 50% of all are, at a confidence of 99%"},
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
	trials, twice := n(3, 2), slices.Repeat(n(1, 2), 2)
	for _, row := range []struct {
		sentence         string
		trials, baseline []results.Result
		options          compare.GateOptions
		is               error
		want             string
	}{
		{"another plan", trials, changed(n(3, 2), func(r *results.Result) { r.PlanHash = "bb" }), within, compare.ErrOtherPlan, `must have the hash "aa"`},
		{"plans that are not known", changed(n(40, 2), unhashed), nil, within, nil, "--same-plan"},
		{"also of a baseline", changed(n(3, 2), unhashed), changed(n(3, 2), unhashed), within, nil, "--same-plan"},
		{"several plans", append(changed(n(1, 2), func(r *results.Result) { r.PlanHash = "bb" }), n(40, 2)...), nil, within, nil, "several plans (aa in 40 runs; bb in 1 run): choose those of one with --plan HASH"},
		{"one that is not known beside one that is", append(changed(n(1, 2), unhashed), n(40, 2)...), nil, compare.GateOptions{Within: 5, SamePlan: true}, nil, "several plans (no hash in 1 run; aa in 40 runs)"},
		{"several builds", append(changed(n(30, 2), imaged("sha256:1111111111111111")), changed(n(3, 2), imaged("sha256:2222222222222222"))...), nil, within, nil, "several builds (shop sha256:111111111111… in 30 runs; shop sha256:222222222222… in 3 runs): choose those of one with --image DIGEST"},
		{"a build that none ran", changed(n(30, 2), imaged("sha256:1111111111111111")), nil, compare.GateOptions{Within: 5, Images: []string{"22"}}, nil, `has the plan "" and the images "22"`},
		{"a plan that none has", n(30, 2), nil, compare.GateOptions{Within: 5, Plans: []string{"bb"}}, nil, `has the plan "bb"`},
		{"a baseline of several builds", trials, append(changed(n(30, 2), imaged("sha256:1111111111111111")), changed(n(3, 2), imaged("sha256:2222222222222222"))...), within, nil, "--baseline-image DIGEST"},
		{"a run that counts twice", append(n(30, 2), twice...), nil, within, nil, "is there twice"},
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

// Trials of two versions that ran in turn are paired, and those of the one are decided
// about.
func TestAGateOfPairs(t *testing.T) {
	const old = "old/kill"
	draw := func(pairs int, ttr float64) (list []results.Result) {
		for i := range 2 * pairs {
			r := run("held", ttr)
			if i%4 == 1 || i%4 == 2 {
				r = run("held", 2)
				r.Experiment, r.PlanHash = old, "bb"
			}
			list = append(list, r)
		}
		return list
	}
	for _, row := range []struct {
		pairs   int
		ttr     float64
		verdict string
	}{{40, 2, "held"}, {10, 2, "unknown"}, {40, 4, "broken"}} {
		g := gated(t, draw(row.pairs, row.ttr), nil, compare.GateOptions{Against: old, Within: 6})
		if len(g.Decisions) != 1 || g.Decisions[0].Experiment != "shop/kill" || g.Decisions[0].Pairs == nil {
			t.Fatalf("%d pairs: %+v", row.pairs, g.Decisions)
		}
		p := g.Decisions[0].Pairs
		if p.Verdict != row.verdict || p.N != row.pairs || p.Against != old || p.PlanHash != "bb" || len(p.Baseline.Runs) != row.pairs {
			t.Errorf("%d pairs of %gs: %+v", row.pairs, row.ttr, p)
		}
		if row.verdict == "held" && (p.MorePairs != 0 || p.EqualHeld < 0.9 || p.EqualBroken > 0.1 || p.SlowerBroken < 0.9) {
			t.Errorf("how often it errs: %+v", p)
		}
		if row.verdict == "unknown" && (p.MorePairs < 10 || p.MorePairs > 40) {
			t.Errorf("%d more pairs", p.MorePairs)
		}
	}
	another := changed(draw(40, 2), func(r *results.Result) {
		if r.Experiment != old {
			r.Experiment = "shop/other"
		}
	})
	for _, row := range []struct {
		of   []results.Result
		o    compare.GateOptions
		want string
	}{
		{n(3, 2), compare.GateOptions{Against: old, Within: 6}, `pairs are of "old/kill" and one other experiment; there are trials of shop/kill`},
		{another, compare.GateOptions{Against: old, Within: 6}, "shop/other and old/kill are not the same test of two services (experiment: other, and kill)"},
		{another, compare.GateOptions{Against: old, Within: 6, SamePlan: true}, ""},
	} {
		if _, err := compare.NewGate(row.of, nil, row.o); (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%v, want %q", err, row.want)
		}
	}
}

func TestAGateSaysHowOftenItErrs(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 15))
	g := gated(t, lognormal(random, compare.PlannedTrials, always(2)), lognormal(random, compare.PlannedTrials, always(2)), compare.GateOptions{Within: 6})
	r, a := g.Decisions[0].Relative, g.Decisions[0].Absolute
	if g.Verdict != "held" || r.EqualHeld < 0.9 || r.EqualBroken > 0.05 || r.SlowerBroken < 0.7 || a.HeldAtShare > 0.06 || a.HeldAt99 < 0.6 {
		t.Errorf("%s: %+v, %+v", g.Verdict, a, r)
	}
	five := gated(t, lognormal(random, 5, always(2)), lognormal(random, compare.PlannedTrials, always(2)), compare.GateOptions{Within: 6})
	var out bytes.Buffer
	if err := five.Text(&out); err != nil {
		t.Fatal(err)
	}
	if d := five.Decisions[0]; d.Relative.Verdict != "unknown" || d.Absolute.Verdict != "unknown" || !strings.Contains(out.String(), "78 a side are planned, 73 more would do") {
		t.Errorf("five trials:\n%s", &out)
	}
	document := written(t, g.JSON)
	schemaIs(t, "gate.schema.json", compare.GateSchema(), &compare.Gate{},
		about("Whether trials of a service are good enough, version 1", "urn:aftershock:gate:1", compare.GateFormat, compare.GateVersion))
	if err := takes(t, compare.GateSchema(), document); err != nil {
		t.Error(err)
	}
	perfect := gated(t, n(compare.PlannedTrials, 0), n(compare.PlannedTrials, 0), compare.GateOptions{Within: 6})
	if r := perfect.Decisions[0].Relative; r.Verdict != "held" {
		t.Errorf("no outage in any trial is not longer than none: %+v", r)
	}
}
