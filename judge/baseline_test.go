package judge_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
)

var answers = steadystate.Check{
	Name: "answers", Signal: "latency", Good: steadystate.Within(2 * s),
	Limits: steadystate.Limits("p95 <= 1.5x baseline", "p90 <= 1.5x baseline", "ttr <= 5s", "p95 <= 1s during inject", "slow <= 1%"),
}

// judged is the result of a run of ten seconds of settling and twenty more, with
// ten observations a second of what latency says.
func judged(t *testing.T, plan record.Plan, latency func(at time.Duration) steadystate.Observation) judge.Result {
	t.Helper()
	plan.Name, plan.Settle = "run", s
	list := []record.Entry{
		{Header: &record.Header{Format: record.Format, Version: record.Version, Run: "0123456789"}},
		{Plan: &plan},
		{Phase: record.PhaseSettle},
		{At: 10 * s, Phase: record.PhaseInject},
	}
	if len(plan.Faults) > 0 {
		list = append(list, record.Entry{At: 10 * s, Injection: &record.Injection{Fault: plan.Faults[0].Fault, Span: steadystate.Instant(10 * s)}})
	}
	list = append(list, record.Entry{At: 10 * s, Phase: record.PhaseHold})
	for at := time.Duration(0); at < 30*s; at += s / 10 {
		o := latency(at)
		o.Span = steadystate.Instant(at)
		list = append(list, record.Entry{At: at, Observations: &record.Observations{Signal: "latency", List: []steadystate.Observation{o}}})
	}
	list = append(list, record.Entry{At: 30 * s, End: &record.End{Reason: record.Completed}})
	result, err := judge.Judge(recordtest.All(list), nil)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func constant(v float64) func(time.Duration) steadystate.Observation {
	return func(time.Duration) steadystate.Observation { return steadystate.Observation{Value: v} }
}

// control are the checks of the control run of an experiment with the check.
func control() []steadystate.Check {
	return experiments.Experiment{Hypothesis: steadystate.Hypothesis{Checks: []steadystate.Check{answers}}}.Control().Hypothesis.Checks
}

func TestALimitRefersToTheControlRunIfThereIsOne(t *testing.T) {
	// The settle phase of the run is slow, and so is what comes after.
	slow := constant(0.2)
	good := judged(t, record.Plan{Checks: control()}, constant(0.1))
	if good.Verdict != steadystate.Held {
		t.Fatalf("the control run is %s: %s", good.Verdict, good.Reason)
	}
	whole := judge.NewBaseline(good, []steadystate.Check{answers})
	for _, row := range []struct {
		sentence  string
		baseline  *record.Baseline
		limit     string
		want      steadystate.Verdict
		text, why string
	}{
		{"without one it is what was settled before the fault", nil, "p90 <= 1.5x baseline", steadystate.Held, "1x of the 6.7s before the fault (200 observations, and 67)", ""},
		{"with one it is that", whole, "p95 <= 1.5x baseline", steadystate.Broken, "2x of control run 0123456789 (200 observations, and 200)", ""},
		{"also in a phase", whole, "mean <= 2.5x baseline during hold", steadystate.Held, "2x of control run 0123456789 (200 observations, and 200)", ""},
		{"a percentile that a limit names is there", whole, "p90 <= 2.5x baseline", steadystate.Held, "2x of control run 0123456789 (200 observations, and 200)", ""},
		{"another one is not known", whole, "p42 <= 1.5x baseline", steadystate.Unknown, "no ratio", `the baseline: control run 0123456789 has no p42 of check "answers": name it in a limit`},
		{
			"a control run that was broken is none",
			judge.NewBaseline(judged(t, record.Plan{Checks: control()}, func(at time.Duration) steadystate.Observation {
				return steadystate.Observation{Value: 0.1 + 3*max(0, min(1, (at-25*s).Seconds()))}
			}), []steadystate.Check{answers}),
			"p95 <= 1.5x baseline", steadystate.Unknown, "no ratio", "the baseline: control run 0123456789 was broken: answers: wanted slow <= 1%",
		},
		{
			"one in which nothing was seen is none",
			judge.NewBaseline(judged(t, record.Plan{Checks: control()}, func(time.Duration) steadystate.Observation {
				return steadystate.Observation{Unknown: "Prometheus is away"}
			}), []steadystate.Check{answers}),
			"p95 <= 1.5x baseline", steadystate.Unknown, "no ratio", "the baseline: control run 0123456789 was unknown: ",
		},
		{
			"one with a fault is none",
			judge.NewBaseline(judged(t, record.Plan{Checks: control(), Faults: []record.Scheduled{{Fault: "kill"}}}, constant(0.1)), []steadystate.Check{answers}),
			"p95 <= 1.5x baseline", steadystate.Unknown, "no ratio", "the baseline: control run 0123456789 had a fault",
		},
		{
			"one of another signal is none",
			judge.NewBaseline(good, []steadystate.Check{{Name: "answers", Signal: "requests"}}),
			"p95 <= 1.5x baseline", steadystate.Unknown, "no ratio", "has no p95 of check",
		},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			check := answers
			check.Limits = steadystate.Limits(row.limit)
			result := judged(t, record.Plan{Checks: []steadystate.Check{check}, Baseline: row.baseline}, slow)
			got := result.Findings[0]
			if got.Verdict != row.want || got.Text != row.text || !strings.HasPrefix(got.Undecided, row.why) && !strings.Contains(got.Undecided, row.why) {
				t.Errorf("%s, %q, %q; want %s, %q, %q", got.Verdict, got.Text, got.Undecided, row.want, row.text, row.why)
			}
		})
	}
}

// What a multiple of the baseline amounts to is known as long as the baseline is.
func TestALimitOnTheBaselineIsOneOnTheFigure(t *testing.T) {
	whole := judge.NewBaseline(judged(t, record.Plan{Checks: control()}, constant(0.1)), []steadystate.Check{answers})
	own := judged(t, record.Plan{Checks: []steadystate.Check{answers}}, constant(0.2))
	other := judged(t, record.Plan{Checks: []steadystate.Check{answers}, Baseline: whole}, constant(0.2))
	text, err := json.Marshal(own)
	var read judge.Result
	if err != nil || json.Unmarshal(text, &read) != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		sentence string
		result   judge.Result
		limit    string
		known    bool
		bound    float64
	}{
		{"of the stretch before the fault", own, "p90 <= 1.5x baseline", true, 0.3},
		{"of a control run", other, "p95 <= 1.5x baseline", true, 0.15},
		{"of a control run without that figure", other, "p42 <= 1.5x baseline", false, 0},
		{"of a result that was read from JSON", read, "p90 <= 1.5x baseline", false, 0},
		{"another limit is its own", read, "p95 <= 1s", true, 1},
	} {
		l, known := row.result.Absolute(row.result.Checks[0], steadystate.MustParseLimit(row.limit))
		if known != row.known || known && (l.Baseline || math.Abs(l.Tolerance.Value()-row.bound) > 1e-9) {
			t.Errorf("%s: %+v, %v; want %g, %v", row.sentence, l, known, row.bound, row.known)
		}
	}
}

// The gate lets a fault in once its comparison can be decided, whatever the polls have in
// common: a fault for a verdict that must be unknown is wasted.
func TestTheGateWaitsForTheSamplesOfABaseline(t *testing.T) {
	const length = 10 * time.Minute
	scraped := func(at time.Duration) steadystate.Span { return steadystate.Span{From: at - at%(15*s), To: at + 20*ms} }
	for _, row := range []struct {
		sentence string
		span     func(at time.Duration) steadystate.Span
		whole    bool
		least    time.Duration
	}{
		{"of one scrape each 15 s", scraped, false, 135 * s},
		{"of ranges of 15 s", func(at time.Duration) steadystate.Span { return steadystate.Span{From: at - 15*s, To: at + 20*ms} }, true, 150 * s},
		{"that share nothing", func(at time.Duration) steadystate.Span { return steadystate.Span{From: at, To: at + 20*ms} }, false, 9 * s},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			plan := &record.Plan{Name: "run", Settle: 5 * s, Checks: []steadystate.Check{{Name: "pool", Signal: "pool", Good: steadystate.AtMost(10), Limits: steadystate.Limits("mean <= 1.2x baseline")}}}
			list := []record.Entry{{Header: &record.Header{Format: record.Format, Version: record.Version}}, {Plan: plan}, {Phase: record.PhaseSettle}}
			gate, injected := judge.NewGate(plan), time.Duration(0)
			gate.See(list[2])
			for at := time.Duration(0); at < length; at += s {
				e := record.Entry{At: at + 20*ms, Observations: &record.Observations{Signal: "pool", List: []steadystate.Observation{{Span: row.span(at), Value: 1, Whole: row.whole}}}}
				list = append(list, e)
				if gate.See(e); injected == 0 && gate.Steady(e.At).Verdict == steadystate.Held {
					injected = e.At + 10*ms
					list = append(list, record.Entry{At: injected, Phase: record.PhaseInject}, record.Entry{At: injected, Injection: &record.Injection{Fault: "kill", Span: steadystate.Instant(injected)}}, record.Entry{At: injected, Phase: record.PhaseHold})
				}
			}
			if injected < row.least || injected > row.least+20*s {
				t.Fatalf("the fault came at %s, want at %s", injected, row.least)
			}
			result, err := judge.Judge(recordtest.All(append(list, record.Entry{At: length, End: &record.End{Reason: record.Completed}})), nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := result.Findings[0]; got.Verdict != steadystate.Held {
				t.Errorf("injected at %s: %s, %q, %q", injected, got.Verdict, got.Text, got.Undecided)
			}
		})
	}
}

func TestABaselineSurvivesTheRecord(t *testing.T) {
	b := judge.NewBaseline(judged(t, record.Plan{Checks: control()}, constant(0.1)), []steadystate.Check{answers})
	text, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	var read record.Baseline
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	p90 := read.Figures["answers"]["p90"]
	if p90 != b.Figures["answers"]["p90"] || p90.Low != 0.1 || p90.N != 200 || read.Length != 20*s {
		t.Errorf("read back %+v, want a p90 of 0.1 of 200 observations in 20s", read)
	}
	for want, b := range map[string]*record.Baseline{
		"control run 0123456789, 20s long":                                           &read,
		"control run 0123456789, 20s long, not usable as a baseline: it was unknown": {Run: "0123456789", Length: 20 * s, Unknown: "it was unknown"},
		"no baseline: there is no control run":                                       {Unknown: "there is no control run"},
	} {
		if b.String() != want {
			t.Errorf("%q, want %q", b, want)
		}
	}
}

func TestAResultThatWasReadFromJSONMakesNoFigure(t *testing.T) {
	text, err := json.Marshal(judged(t, record.Plan{Checks: control()}, constant(0.1)))
	if err != nil {
		t.Fatal(err)
	}
	var read judge.Result
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	for quantity, base := range judge.NewBaseline(read, []steadystate.Check{answers}).Figures["answers"] {
		if base.Unknown == "" {
			t.Errorf("%s is %v, and the values are not there", quantity, base.Bounds)
		}
	}
}

func TestAControlRunHasTheLimitsThatMakeSenseWithoutAFault(t *testing.T) {
	e := experiments.Experiment{Name: "kill", Labels: []string{"shop", "pods", "kill"}, Source: "aftershock.yaml:41", Hash: "3f2a", AgainstControl: true, Faults: []experiments.Scheduled{{Fault: nil}}, Hold: s, Hypothesis: steadystate.Hypothesis{Checks: []steadystate.Check{answers}}}
	c := e.Control()
	if c.Name != "control run of kill" || len(c.Faults) > 0 || c.Hold != s || !slices.Equal(c.Labels, []string{"shop", "pods", "control"}) || c.AgainstControl || c.Source != e.Source || c.Hash != "" {
		t.Errorf("control %+v", c)
	}
	if limits := c.Hypothesis.Checks[0].Limits; len(limits) != 1 || limits[0].String() != "slow <= 1%" {
		t.Errorf("limits %v, want only what is slow", limits)
	}
	if len(e.Hypothesis.Checks[0].Limits) != 5 || len(e.Faults) != 1 || e.Labels[2] != "kill" {
		t.Error("the experiment itself was changed")
	}
}
