package compare_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/compare"
	"github.com/aftershockhq/aftershock/reports/results"
)

// began is when the first of the runs of tests did.
var began = time.Date(2026, 3, 2, 10, 15, 0, 0, time.UTC)

var serial int

// run is a result of one run: each ttr is of a check of its own, known to a tenth.
// One below zero was not over after so long.
func run(verdict string, ttrs ...float64) results.Result {
	serial++
	r := results.Result{
		Experiment: "shop/kill", PlanHash: "aa", Verdict: verdict,
		Run: results.Run{ID: fmt.Sprint("run", serial), Started: began.Add(time.Duration(serial) * time.Hour), End: "completed", Complete: true},
	}
	for i, ttr := range ttrs {
		length := results.Length{LowSeconds: math.Abs(ttr) * 0.95, HighSeconds: new(ttr * 1.05)}
		if ttr < 0 {
			length.HighSeconds = nil
		}
		r.Checks = append(r.Checks, results.Check{
			Check: fmt.Sprint("answers", i), Observations: results.Observations{Good: 1000}, Downtime: length,
			Recoveries: []results.Recovery{{Fault: "kill", TTR: length, Open: ttr < 0}},
		})
	}
	return r
}

func runs(verdict string, ttrs ...float64) (list []results.Result) {
	for _, ttr := range ttrs {
		list = append(list, run(verdict, ttr))
	}
	return list
}

func changed(list []results.Result, change func(*results.Result)) []results.Result {
	for i := range list {
		change(&list[i])
	}
	return list
}

func TestDiff(t *testing.T) {
	six, later := []float64{2, 2.1, 2.2, 2.3, 2.4, 2.5}, []float64{4, 4.1, 4.2, 4.3, 4.4, 4.5}
	limit := func(bound string, value, seen float64) func(*results.Result) {
		return func(r *results.Result) {
			r.Findings = []results.Finding{{
				Check: "answers0", Subject: "rate", Verdict: "held", Unit: "perSecond",
				Limit: results.Limit{Text: "rate " + bound, Quantity: "rate", Operator: ">=", Value: &value}, Seen: &results.Range{Low: &seen, High: &seen},
			}}
		}
	}
	for _, row := range []struct {
		sentence      string
		before, after []results.Result
		options       compare.Options
		outcome       string
		code          int
		want          string // in the text
	}{
		{"recoveries that are longer are worse", runs("held", six...), runs("held", later...), compare.Options{}, compare.Worse, 1, "WORSE      answers0 ttr       2.137s to 2.363s -> 4.037s to 4.463s  by 1."},
		{"those that are shorter are better", runs("held", later...), runs("held", six...), compare.Options{}, compare.Better, 0, "BETTER     answers0 ttr"},
		{"the same sets show no change, and say what would", runs("held", six...), runs("held", six...), compare.Options{}, compare.NoChange, 0, "no change that 6 and 6 runs could show; "},
		{"one run a side that differs shows no change", runs("held", 2), runs("held", 4), compare.Options{}, compare.CannotTell, 3, "differs   answers0 ttr       1.9s to 2.1s -> 3.8s to 4.2s  the bounds do not overlap"},
		{"nor does one that overlaps", runs("held", 2), runs("held", 2.1), compare.Options{}, compare.CannotTell, 3, "overlaps  answers0 ttr"},
		{"four a side are too few for three rows", runs("held", six[:4]...), runs("held", later[:4]...), compare.Options{}, compare.CannotTell, 3, "4 and 4 runs can show none; 5 a side could"},
		{"one against a set shows nothing", runs("held", six...), runs("held", 4), compare.Options{}, compare.CannotTell, 3, "cannot tell  answers0 ttr"},
		{"another plan is said, not compared", runs("held", six...), changed(runs("held", later...), func(r *results.Result) { r.PlanHash = "bb" }), compare.Options{}, compare.CannotTell, 3, "not compared: the plan changed"},
		{"nor if it changed half-way", runs("held", six...), append(runs("held", six...), changed(runs("broken", later...), func(r *results.Result) { r.PlanHash = "bb" })...), compare.Options{}, compare.CannotTell, 3, "not compared: the plan changed"},
		{"an experiment that has gone is not unchanged", runs("held", six...), nil, compare.Options{}, compare.CannotTell, 3, "not compared: no run after"},
		{"a result without a hash is of an unknown plan", changed(runs("held", six...), unhashed), changed(runs("held", later...), unhashed), compare.Options{}, compare.CannotTell, 3, "--same-plan takes your word"},
		{"which the caller may vouch for", changed(runs("held", six...), unhashed), changed(runs("held", later...), unhashed), compare.Options{SamePlan: true}, compare.Worse, 1, "WORSE"},
		{"but not for two hashes", runs("held", six...), changed(runs("held", later...), unhashed), compare.Options{SamePlan: true}, compare.CannotTell, 3, "the plan changed"},
		{"what was not over is longer", runs("held", six...), runs("broken", -4, -4, -4, -4, -4, -4), compare.Options{}, compare.Worse, 1, "-> at least 3.8s (6 open)"},
		{"if it lasted so long", runs("held", six...), runs("held", -1, -1, -1, -1, -1, -1), compare.Options{}, compare.CannotTell, 3, "do not bound it well enough to show any"},
		{"verdicts are compared, too", runs("held", six...), runs("broken", six...), compare.Options{}, compare.Worse, 1, "WORSE      verdict            0% broken -> 100% broken              p 0.0065"},
		{"unknown ones may have held", runs("held", six...), runs("unknown", six...), compare.Options{}, compare.CannotTell, 3, "0% to 100% broken (6 unseen)"},
		{"what is not proven was not seen", runs("held", six...), changed(runs("unknown", later...), func(r *results.Result) { r.Caveats = []string{"effect: not seen"} }), compare.Options{}, compare.CannotTell, 3, "-> ? (6 unseen)"},
		{"runs that a person ended are left out", runs("held", six...), changed(runs("unknown", later...), func(r *results.Result) { r.Run.End = "interrupted" }), compare.Options{}, compare.CannotTell, 3, "left out 6 that a person"},
		{"and those that were not begun", runs("held", six...), changed(runs("unknown", later...), func(r *results.Result) { r.Run.End = "not begun" }), compare.Options{}, compare.CannotTell, 3, "left out 6 that a person"},
		{"a lower rate is worse", changed(runs("held", six...), limit(">= 1/s", 1, 9)), changed(runs("held", six...), limit(">= 1/s", 1, 8)), compare.Options{}, compare.Worse, 1, "WORSE      answers0 rate      9/s -> 8/s"},
		{"with other limits verdicts are no measure", changed(runs("held", six...), limit(">= 1/s", 1, 9)), changed(runs("held", six...), limit(">= 2/s", 2, 9)), compare.Options{}, compare.NoChange, 0, "note: limits are not the same"},
		{"a figure that has gone is not unchanged", changed(runs("held", six...), limit(">= 1/s", 1, 9)), runs("held", six...), compare.Options{}, compare.CannotTell, 3, "not compared: answers0 rate has no figure after"},
		{"one that is new has nothing to be compared with", runs("held", six...), changed(runs("held", six...), limit(">= 1/s", 1, 9)), compare.Options{}, compare.NoChange, 0, "note: answers0 rate has no figure before"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			d, err := compare.NewDiff(row.before, row.after, row.options)
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if err := d.Text(&out); err != nil {
				t.Fatal(err)
			}
			if d.Outcome != row.outcome || d.ExitCode != row.code || !strings.Contains(out.String(), row.want) {
				t.Errorf("%s, exit code %d, want %s, %d and %q in\n%s", d.Outcome, d.ExitCode, row.outcome, row.code, row.want, &out)
			}
		})
	}
	same := runs("held", six...)
	if _, err := compare.NewDiff(same, same[2:3], compare.Options{}); !errors.Is(err, compare.ErrOnBothSides) {
		t.Errorf("a run on both sides: %v", err)
	}
}

func unhashed(r *results.Result) { r.PlanHash = "" }

// Of 200 pairs of sets of the same service, 25 runs a side in 10 rows with a spread of
// 20 %, at most 16 show any change; of 200 in which all rows, or only one, became 30 %
// longer, at least 180 do, and say that it is worse.
func TestHowOftenADiffShowsAChange(t *testing.T) {
	const pairs, n, rows = 200, 25, 5 // checks, each with a row of its ttr and of its downtime
	set := func(random *rand.Rand, slower func(check int) float64) (list []results.Result) {
		for range n {
			var ttrs []float64
			for check := range rows {
				ttrs = append(ttrs, 2*slower(check)*math.Exp(0.2*random.NormFloat64()))
			}
			r := run("held", ttrs...)
			for i := range r.Checks { // downtime is another figure than ttr
				low := 2 * slower(i) * math.Exp(0.2*random.NormFloat64())
				r.Checks[i].Downtime = results.Length{LowSeconds: low * 0.99, HighSeconds: new(low * 1.01)}
				r.Checks[i].Recoveries[0].TTR = results.Length{LowSeconds: ttrs[i] * 0.99, HighSeconds: new(ttrs[i] * 1.01)}
			}
			list = append(list, r)
		}
		return list
	}
	for _, row := range []struct {
		sentence    string
		slower      func(check int) float64
		least, most int // pairs with a change
	}{
		{"equal sets", func(int) float64 { return 1 }, 0, 16},
		{"all rows 30 % longer", func(int) float64 { return 1.3 }, 180, pairs},
		{"one check 30 % longer", func(check int) float64 { return map[bool]float64{true: 1.3, false: 1}[check == 0] }, 180, pairs},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			random := rand.New(rand.NewPCG(2026, 14))
			worse, better := 0, 0
			for range pairs {
				d, err := compare.NewDiff(set(random, func(int) float64 { return 1 }), set(random, row.slower), compare.Options{})
				if err != nil {
					t.Fatal(err)
				}
				if d.Tests != 11 {
					t.Fatalf("%d rows, want 10 and the verdict", d.Tests)
				}
				of := func(outcome string) bool {
					return slices.ContainsFunc(d.Pairs[0].Rows, func(r compare.Row) bool { return r.Outcome == outcome })
				}
				switch {
				case of(compare.Worse):
					worse++
				case of(compare.Better):
					better++
				}
			}
			t.Logf("of %d pairs %d are worse, %d better", pairs, worse, better)
			if any := worse + better; any < row.least || any > row.most || row.least > 0 && worse < row.least {
				t.Errorf("of %d pairs %d are worse, %d better; want %d to %d", pairs, worse, better, row.least, row.most)
			}
		})
	}
}
