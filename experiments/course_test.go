package experiments_test

import (
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/steadystate"
)

// reads keeps the courses that it was given.
type reads struct{ courses map[string]experiments.Course }

func (*reads) Kind() string                           { return "size" }
func (*reads) Validate(experiments.Expectation) error { return nil }
func (r *reads) Judge(_ experiments.Expectation, result experiments.Result) []experiments.Finding {
	r.courses = result.Courses
	return []experiments.Finding{{Limit: "read", Reading: steadystate.Reading{Verdict: steadystate.Held, Text: "read"}}}
}

// course is what the judger of pod/b is told of "cpu", of which the record has
// n values, one a second, each of the second before it and told late by turns.
func course(t *testing.T, signal string, n int) experiments.Course {
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
		list = append(list, experiments.Entry{At: at, Observations: &experiments.Observations{Signal: "cpu", List: []steadystate.Observation{o}}})
	}
	var judger reads
	if _, err := experiments.Judge(all(append(list, end)), nil, &judger); err != nil {
		t.Fatal(err)
	}
	return judger.courses["pod/b"]
}

func TestAnExpectationHasASecondReading(t *testing.T) {
	c := course(t, "cpu", 10)
	if c.Signal != "cpu" || len(c.Samples) != 10 {
		t.Fatalf("%+v, want the ten values of cpu", c)
	}
	for i, x := range c.Samples {
		at := time.Duration(i) * s
		want := experiments.Sample{Span: steadystate.Span{From: at - s, To: at}, Bounds: steadystate.Exactly(at.Seconds())}
		if at == 5*s {
			want = experiments.Sample{Span: want.Span, Unknown: true}
		}
		if x != want {
			t.Errorf("sample %d is %+v, want %+v", i, x, want)
		}
	}
	if c := course(t, "", 10); c.Samples != nil {
		t.Errorf("%+v, and the expectation names no signal", c)
	}
}

func TestACourseIsBoundedAndHidesNothing(t *testing.T) {
	const n = 20_000
	c := course(t, "cpu", n)
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
		t.Errorf("the course ends at %s, want %s", next, (n-1)*s)
	}
}
