package compare_test

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/aftershockhq/aftershock/compare"
	"github.com/aftershockhq/aftershock/reports/results"
)

func imaged(digest string) func(*results.Result) {
	return func(r *results.Result) { r.Images = []results.Image{{Container: "shop", Digests: []string{digest}}} }
}

func TestTrend(t *testing.T) {
	serial = 0
	slow := []results.Result{run("held", 4), run("broken", -10), run("unknown", 4), run("held", 8)}
	slow[2].Run.End = "interrupted"
	for _, row := range []struct {
		sentence string
		list     []results.Result
		want     string
		never    string
	}{
		{"nothing", nil, "", "experiment"},
		{
			"versions of the service are apart, and runs are in their order",
			append(changed(slow, imaged("sha256:2222222222222222")), changed(runs("held", 1, 2), imaged("sha256:1111111111111111"))...),
			`shop/kill  6 runs
  1  2026-03-02 11:15 to 2026-03-02 14:15, 4 runs: 2 held, 1 broken, 1 left out
     plan aa
     shop sha256:222222222222…
     +-.+
     ▄↑ █
     answers0 ttr: median 7.6s to 8.4s (95%: too few runs to bound it), p90 not reached (95%: at least 3.8s); 3 runs, 1 not over
  2  2026-03-02 15:15 to 2026-03-02 16:15, 2 runs: 2 held
     plan aa
     shop sha256:111111111111…
     ++
     ▁▂
`,
			"",
		},
		{"what was never over has no median", runs("broken", -3, -4), "answers0 ttr: median not reached (95%: too few runs to bound it), p90 not reached (95%: at least 2.85s); 2 runs, 2 not over", ""},
		{"what was not proven was not seen", changed(runs("unknown", 3), func(r *results.Result) { r.Caveats = []string{"x"} }), "     ?\n     answers0 ttr: 0 runs, 1 not seen", "median"},
		{
			"what was not seen was anything, from at once to never",
			append(runs("held", 1, 2, 3, 4, 5), changed(runs("unknown", 1, 1), func(r *results.Result) { r.Caveats = []string{"x"} })...),
			"answers0 ttr: median 1.9s to 4.2s (95%: at least 0s), p90 at least 4.75s (95%: at least 1.9s); 5 runs, 2 not seen", "",
		},
		{"all at once have bounds", runs("held", 0, 0, 0, 0, 0, 0), "median 0s (95%: 0s), p90 0s (95%: at least 0s); 6 runs", ""},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			var out bytes.Buffer
			if err := compare.NewTrend(row.list).Text(&out); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(out.String(), row.want) || row.never != "" && strings.Contains(out.String(), row.never) {
				t.Errorf("want %q in\n%s", row.want, &out)
			}
		})
	}
}

// The longest of all checks is not seen to be over, where that of one is not.
func TestATrendOfSeveralChecks(t *testing.T) {
	trend := compare.NewTrend([]results.Result{run("broken", 2, -3), run("held", 1, 1.5)})
	s := trend.Experiments[0].Stretches[0]
	if len(s.Recoveries) != 2 || s.Recoveries[0].Open != 0 || s.Recoveries[1].Open != 1 || s.Recoveries[1].N != 2 {
		t.Errorf("%+v", s.Recoveries)
	}
	if high := s.Recoveries[0].Median.Seconds.High; high == nil || math.Abs(*high-1.05) > 1e-9 {
		t.Errorf("median %v", s.Recoveries[0].Median)
	}
}

func TestTheSchemaOfATrend(t *testing.T) {
	schemaIs(t, "trend.schema.json", compare.TrendSchema(), &compare.Trend{},
		about("How experiments went, run by run, version 1", "urn:aftershock:trend:1", compare.TrendFormat, compare.TrendVersion))
	trend := compare.NewTrend(append(runs("held", 1, 2, -3), runs("unknown", 0)...))
	document := written(t, trend.JSON)
	if err := takes(t, compare.TrendSchema(), document); err != nil {
		t.Error(err)
	}
	if err := takes(t, compare.TrendSchema(), strings.Replace(document, `"verdict": "`, `"verdict": "un`, 1)); err == nil {
		t.Error("a verdict that there is not is taken")
	}
}
