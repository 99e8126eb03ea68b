package reports

import (
	"math"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// However many columns are drawn as one, each bad or unknown observation is in the
// column of its time, and the least and the most value are what they were.
func TestDownSamplingLosesNoBadObservationAndNoExtreme(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 11))
	check := steadystate.Check{Name: "c", Signal: record.TrafficSignal, Good: steadystate.Within(time.Second)}
	for range 60 {
		length := time.Duration(1 + random.Int64N(int64(2*time.Hour)))
		series := NewTimeSeries(length)
		series.Take(record.Entry{Plan: &record.Plan{Checks: []steadystate.Check{check}}})
		type seen struct {
			at  time.Duration
			bad bool
		}
		var list []seen
		least, most := math.Inf(1), math.Inf(-1)
		for range 1 + random.IntN(3000) {
			o := steadystate.Observation{Span: steadystate.Instant(time.Duration(random.Int64N(int64(length)))), Value: random.ExpFloat64() / 10}
			switch random.IntN(50) {
			case 0:
				o.Failed = "503"
			case 1:
				o.Unknown = "away"
			}
			if o.Failed == "" && o.Unknown == "" {
				least, most = min(least, o.Value), max(most, o.Value)
			}
			if o.Unknown != "" || o.Bad(check.Good) {
				list = append(list, seen{o.From, o.Unknown == ""})
			}
			series.Take(record.Entry{Observations: &record.Observations{Signal: record.TrafficSignal, List: []steadystate.Observation{o}}})
		}
		for _, each := range []int{1, 2, 10, 100, columns} {
			merged := series.lines[0].merged(each)
			for _, s := range list {
				c := merged[series.column(s.at)/each]
				if v := levels(c); s.bad && v.bad < 4 || !s.bad && v.unknown < 4 {
					t.Fatalf("%+v is not to be seen in %+v", s, v)
				}
			}
			low, high := math.Inf(1), math.Inf(-1)
			for i := range merged {
				if merged[i].values.N() > 0 {
					low, high = min(low, merged[i].least), max(high, merged[i].most)
				}
			}
			if low != least || high != most {
				t.Fatalf("from %g to %g by %d, want from %g to %g", low, high, each, least, most)
			}
		}
	}
}

// The edges of an outage are drawn where they are, and not at those of a column,
// however short it is beside the run.
func TestEachEdgeOfAnOutageIsDrawnWhereItIs(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 5))
	box := regexp.MustCompile(`<rect x="([0-9.]+)%" width="([0-9.]+)%"[^>]*class="(maybe|surely)"`)
	for range 200 {
		length := time.Hour
		instant := func(from time.Duration) steadystate.Span {
			at := from + time.Duration(random.Int64N(int64(length/50)))
			return steadystate.Span{From: at, To: at + time.Duration(random.Int64N(int64(time.Second)))}
		}
		var want []steadystate.Outage
		for from := time.Duration(0); from < length-length/10; {
			o := steadystate.Outage{Start: instant(from)}
			o.End = steadystate.Span{From: o.Start.To + time.Duration(random.Int64N(int64(50*time.Millisecond)))}
			o.End.To = o.End.From + time.Duration(random.Int64N(int64(time.Second)))
			want, from = append(want, o), o.End.To
		}
		r := Report{Result: judge.Result{Length: length, Checks: []judge.CheckResult{{Check: "c", Figures: steadystate.Figures{Outages: want}}}}, TimeSeries: NewTimeSeries(length)}
		r.TimeSeries.lines = []*line{{Check: steadystate.Check{Name: "c"}}}
		text := r.lanes(nil, 1)
		found := box.FindAllStringSubmatch(text, -1)
		if len(found) != 2*len(want) {
			t.Fatalf("%d boxes for %d outages", len(found), len(want))
		}
		for i, m := range found {
			o := want[i/2]
			span := steadystate.Span{From: o.Start.From, To: o.End.To}
			if m[3] == "surely" {
				span = steadystate.Span{From: o.Start.To, To: o.End.From}
			}
			x, _ := strconv.ParseFloat(m[1], 64)
			width, _ := strconv.ParseFloat(m[2], 64)
			// A thousandth of a percent of an hour is 36 ms.
			for _, edge := range []struct {
				drawn float64
				at    time.Duration
			}{{x, span.From}, {x + width, span.To}} {
				if off := math.Abs(edge.drawn/100*float64(length) - float64(edge.at)); off > 2*36e6 {
					t.Fatalf("the edge at %s is drawn %s away", edge.at, time.Duration(off))
				}
			}
		}
	}
}

func TestEqualColumnsInARowAreWrittenAsOne(t *testing.T) {
	if got := runLengths(strings.Split("a a b a c c c", " ")); got != "a*2|b|a|c*3" {
		t.Errorf("%s", got)
	}
	if got := runLengths([]string{"a|b", "c*2"}); got != "a/b|c×2" {
		t.Errorf("%s: what means something to the script is in a text", got)
	}
}
