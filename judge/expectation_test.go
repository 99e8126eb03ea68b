package judge_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
)

// sized expects as many events of its subject as its limit says, "3".
type sized struct{ silent bool }

func (sized) Kind() string { return "size" }

func (sized) Key(string) string { return "size" }

func (sized) Validate(x record.Expectation) error {
	for _, l := range x.Limits {
		if strings.Trim(l, "0123456789") != "" {
			return errors.New("limit " + l + " is no number")
		}
	}
	return nil
}

func (s sized) Evaluate(x record.Expectation, r judge.Result) []judge.Finding {
	if s.silent {
		return nil
	}
	n := 0
	for _, e := range r.Events {
		if e.Subject == x.Subject {
			n++
		}
	}
	var list []judge.Finding
	for _, l := range x.Limits {
		v := steadystate.Broken
		if l == strconv.Itoa(n) {
			v = steadystate.Held
		}
		list = append(list, judge.Finding{Limit: l, Reading: steadystate.Reading{Verdict: v, Text: strconv.Itoa(n)}})
	}
	return list
}

// expecting is a record with an expectation of the one event of pod/b, on top
// of a check that holds.
func expecting(kind string, limits ...string) []record.Entry {
	list := []record.Entry{
		{Header: &record.Header{Format: record.Format, Version: record.Version}},
		{Plan: &record.Plan{
			Name: "expecting", Settle: s,
			Checks:       []steadystate.Check{{Name: "up", Signal: "up", Good: steadystate.AtLeast(1)}},
			Expectations: []record.Expectation{{Name: "b is sized", Kind: kind, Subject: "pod/b", Limits: limits}},
		}},
		{Phase: record.PhaseSettle},
		{At: 2 * s, Phase: record.PhaseInject},
		{At: 3 * s, Event: &record.Event{Span: steadystate.Instant(3 * s), Kind: record.EventGone, Subject: "pod/b"}},
	}
	for at := time.Duration(0); at < 10*s; at += s / 4 {
		list = append(list, record.Entry{At: at, Observations: &record.Observations{Signal: "up", List: []steadystate.Observation{{Span: steadystate.Instant(at), Value: 1}}}})
	}
	return append(list, record.Entry{At: 9 * s, End: &record.End{Reason: record.Completed}})
}

func TestAnExpectationCountsTowardsTheVerdict(t *testing.T) {
	for _, row := range []struct {
		sentence   string
		record     []record.Entry
		override   map[string][]string
		evaluators []judge.Evaluator
		verdict    steadystate.Verdict
		want       string // in the reason, or in the error
		refused    bool
	}{
		{"one that holds", expecting("size", "1"), nil, []judge.Evaluator{sized{}}, steadystate.Held, "", false},
		{"one that does not", expecting("size", "12"), nil, []judge.Evaluator{sized{}}, steadystate.Broken, "b is sized: wanted 12, seen 1", false},
		{"one without an evaluator", expecting("size", "1"), nil, nil, steadystate.Unknown, `no evaluator of the kind "size"; kinds: none`, false},
		{"one of an unknown kind", expecting("colour", "1"), nil, []judge.Evaluator{sized{}}, steadystate.Unknown, `no evaluator of the kind "colour"; kinds: "size"`, false},
		{"one of which its evaluator says nothing", expecting("size", "1"), nil, []judge.Evaluator{sized{silent: true}}, steadystate.Unknown, "its evaluator returned no finding", false},
		{"one whose recorded limit cannot be read", expecting("size", "one"), nil, []judge.Evaluator{sized{}}, steadystate.Unknown, "limit one is no number", false},
		{"another limit", expecting("size", "1"), map[string][]string{"b is sized": {"12"}}, []judge.Evaluator{sized{}}, steadystate.Broken, "wanted 12", false},
		{"another limit that cannot be read", expecting("size", "1"), map[string][]string{"b is sized": {"one"}}, []judge.Evaluator{sized{}}, 0, `expectation "b is sized": limit one is no number`, true},
		{"another limit of a check that cannot be read", expecting("size", "1"), map[string][]string{"up": {"downtme <= 1s"}}, []judge.Evaluator{sized{}}, 0, `check "up": limit "downtme <= 1s": no quantity`, true},
		{"a limit of what there is not", expecting("size", "1"), map[string][]string{"b": {"1"}}, []judge.Evaluator{sized{}}, 0, `no check "b" in the record; checks: "up", "b is sized"`, true},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			result, err := judge.Judge(recordtest.All(row.record), row.override, row.evaluators...)
			if row.refused {
				if err == nil || !strings.Contains(err.Error(), row.want) {
					t.Errorf("error %v, want %q", err, row.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if result.Verdict != row.verdict || !strings.Contains(result.Reason, row.want) {
				t.Errorf("%s: %s, want %s: %s", result.Verdict, result.Reason, row.verdict, row.want)
			}
			last := result.Findings[len(result.Findings)-1]
			if last.Check != "b is sized" || last.Signal != "pod/b" {
				t.Errorf("%+v, want the expectation's name and subject", last)
			}
		})
	}
}

// reads keeps the time series that it was given.
type reads struct{ series map[string]judge.TimeSeries }

func (*reads) Kind() string                      { return "size" }
func (*reads) Key(limit string) string           { return limit }
func (*reads) Validate(record.Expectation) error { return nil }
func (r *reads) Evaluate(_ record.Expectation, result judge.Result) []judge.Finding {
	r.series = result.TimeSeries
	return []judge.Finding{{Limit: "read", Reading: steadystate.Reading{Verdict: steadystate.Held, Text: "read"}}}
}

// series is what the evaluator of pod/b is told of "cpu", of which the record has
// n values, one a second, each of the second before it and told late by turns.
func series(t *testing.T, signal string, n int) judge.TimeSeries {
	t.Helper()
	list := expecting("size")
	list[1].Plan.Expectations[0].Signal = signal
	end := list[len(list)-1]
	list = list[:len(list)-1]
	for i := range n {
		at := time.Duration(i^1) * s
		o := steadystate.Observation{Span: steadystate.Span{From: at - s, To: at}, Value: at.Seconds()}
		if at == 5*s {
			o = steadystate.Observation{Span: o.Span, Unknown: "not scraped"}
		}
		list = append(list, record.Entry{At: at, Observations: &record.Observations{Signal: "cpu", List: []steadystate.Observation{o}}})
	}
	var evaluator reads
	if _, err := judge.Judge(recordtest.All(append(list, end)), nil, &evaluator); err != nil {
		t.Fatal(err)
	}
	return evaluator.series["pod/b"]
}

func TestAnExpectationHasASecondReading(t *testing.T) {
	c := series(t, "cpu", 10)
	if c.Signal != "cpu" || len(c.Samples) != 10 {
		t.Fatalf("%+v, want the ten values of cpu", c)
	}
	for i, x := range c.Samples {
		at := time.Duration(i) * s
		want := judge.Sample{Span: steadystate.Span{From: at - s, To: at}, Bounds: steadystate.Exactly(at.Seconds())}
		if at == 5*s {
			want = judge.Sample{Span: want.Span, Unknown: true}
		}
		if x != want {
			t.Errorf("sample %d is %+v, want %+v", i, x, want)
		}
	}
	if c := series(t, "", 10); c.Samples != nil {
		t.Errorf("%+v, and the expectation names no signal", c)
	}
}

func TestACourseIsBoundedAndHidesNothing(t *testing.T) {
	const n = 20_000
	c := series(t, "cpu", n)
	if len(c.Samples) >= 1<<12 {
		t.Errorf("%d samples of %d values", len(c.Samples), n)
	}
	next := -s
	for _, x := range c.Samples {
		if x.From > next {
			t.Fatalf("nothing from %s to %s", next, x.From)
		}
		next = x.To
		if !x.Unknown && (x.Low > (x.From+s).Seconds() || x.High < x.To.Seconds()) {
			t.Errorf("%+v does not hold all the values in its span", x)
		}
	}
	if next != (n-1)*s {
		t.Errorf("the time series ends at %s, want %s", next, (n-1)*s)
	}
}
