package calibration_test

import (
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/internal/calibration"
	"github.com/aftershockhq/aftershock/steadystate"
)

func span(from, to int) steadystate.Span {
	return steadystate.Span{From: time.Duration(from) * time.Millisecond, To: time.Duration(to) * time.Millisecond}
}

// stretch was bad from one instant, in milliseconds, to another.
func stretch(from, to int) calibration.Stretch {
	return calibration.Stretch{Start: span(from, from), End: span(to, to)}
}

func outage(start, end steadystate.Span) steadystate.Outage {
	return steadystate.Outage{Start: start, End: end}
}

func TestCompare(t *testing.T) {
	type list = []steadystate.Outage
	right := outage(span(95, 105), span(195, 205))
	for _, row := range []struct {
		sentence   string
		truth      []calibration.Stretch
		reported   list
		resolution int
		ok         bool
		want       calibration.Comparison // without widths and errors
	}{
		{
			"bounds that hold the truth are right",
			[]calibration.Stretch{stretch(100, 200)},
			list{right},
			10, true,
			calibration.Comparison{Planted: true, Reported: true, Held: calibration.Held{Start: true, End: true, Length: true}},
		},
		{
			"it is enough to touch the span in which the truth lies",
			[]calibration.Stretch{{Start: span(80, 95), End: span(205, 220)}},
			list{right},
			10, true,
			calibration.Comparison{Planted: true, Reported: true, Held: calibration.Held{Start: true, End: true, Length: true}},
		},
		{
			"a start that is stated too late is wrong",
			[]calibration.Stretch{stretch(94, 200)},
			list{right},
			10, false,
			calibration.Comparison{Planted: true, Reported: true, Held: calibration.Held{End: true, Length: true}},
		},
		{
			"so is an end that is stated too early",
			[]calibration.Stretch{stretch(100, 206)},
			list{right},
			10, false,
			calibration.Comparison{Planted: true, Reported: true, Held: calibration.Held{Start: true, Length: true}},
		},
		{
			"edges that are both a little off make a length that is far off",
			[]calibration.Stretch{stretch(90, 210)},
			list{right},
			10, false,
			calibration.Comparison{Planted: true, Reported: true},
		},
		{
			"an outage where none was is invented",
			nil,
			list{right},
			10, false,
			calibration.Comparison{Invented: 1},
		},
		{
			"so is one beside the one that was",
			[]calibration.Stretch{stretch(100, 200)},
			list{right, outage(span(300, 310), span(320, 330))},
			10, false,
			calibration.Comparison{Planted: true, Reported: true, Invented: 1, Held: calibration.Held{Start: true, End: true, Length: true}},
		},
		{
			"an outage longer than the resolution that was not reported is missed",
			[]calibration.Stretch{stretch(100, 200)},
			nil,
			99, false,
			calibration.Comparison{Planted: true, Missed: true},
		},
		{
			"one that is no longer than it could not be seen, as was said",
			[]calibration.Stretch{stretch(100, 200)},
			nil,
			100, true,
			calibration.Comparison{Planted: true, Unseeable: true},
		},
		{
			"without an outage none is right",
			nil,
			nil,
			10, true,
			calibration.Comparison{},
		},
		{
			"one outage reported as two is wrong, however exact the first",
			[]calibration.Stretch{stretch(100, 200)},
			list{outage(span(95, 105), span(120, 130)), outage(span(180, 190), span(195, 205))},
			10, false,
			calibration.Comparison{Planted: true, Reported: true, Split: true},
		},
		{
			"flapping is one outage from its first stretch to its last",
			[]calibration.Stretch{stretch(100, 120), stretch(140, 160), stretch(180, 200)},
			list{right},
			10, true,
			calibration.Comparison{Planted: true, Reported: true, Held: calibration.Held{Start: true, End: true, Length: true}},
		},
		{
			"a first stretch below the resolution may go unseen",
			[]calibration.Stretch{stretch(50, 55), stretch(100, 200)},
			list{right},
			10, true,
			calibration.Comparison{Planted: true, Reported: true, Held: calibration.Held{Start: true, End: true, Length: true}},
		},
		{
			"one above it may not",
			[]calibration.Stretch{stretch(50, 65), stretch(100, 200)},
			list{right},
			10, false,
			calibration.Comparison{Planted: true, Reported: true, Held: calibration.Held{End: true}},
		},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			got := calibration.Compare(row.truth, row.reported, time.Duration(row.resolution)*time.Millisecond)
			if got.OK() != row.ok {
				t.Errorf("ok is %t, want %t", got.OK(), row.ok)
			}
			got.StartWidth, got.EndWidth, got.StartError, got.EndError, got.LengthError = 0, 0, 0, 0, 0
			if got != row.want {
				t.Errorf("got %+v\nwant %+v", got, row.want)
			}
		})
	}
}

func TestErrorsAreOfTheMiddle(t *testing.T) {
	c := calibration.Compare([]calibration.Stretch{stretch(100, 200)}, []steadystate.Outage{outage(span(90, 98), span(200, 220))}, 0)
	if c.StartWidth != 8*time.Millisecond || c.EndWidth != 20*time.Millisecond {
		t.Errorf("widths %s and %s, want 8ms and 20ms", c.StartWidth, c.EndWidth)
	}
	if c.StartError != -6*time.Millisecond || c.EndError != 10*time.Millisecond || c.LengthError != 16*time.Millisecond {
		t.Errorf("errors %s, %s and %s, want -6ms, 10ms and 16ms", c.StartError, c.EndError, c.LengthError)
	}
}
