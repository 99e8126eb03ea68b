package calibration

import (
	"bytes"
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

func TestTheGridHasAllItsCells(t *testing.T) {
	cells, edges := Cells(), 0
	names := map[string]bool{}
	for _, c := range cells {
		names[c.String()] = true
		edges += count(c.edges())
	}
	if len(cells) != 152 || len(names) != 152 {
		t.Errorf("%d cells with %d names, want 152", len(cells), len(names))
	}
	for _, row := range []struct {
		sentence, name string
		want           bool
	}{
		{"a third of a hundred requests", "1s-100/s-1%-1-of-3", true},
		{"a tenth of a hundred are ten", "1s-100/s-0%-1-of-10", true},
		{"and fewer beyond what is allowed", "1s-100/s-0.1%-1-of-10", false},
		{"a thirtieth of a hundred", "1s-100/s-0%-1-of-30", false},
		{"of a thousand", "10s-100/s-1%-1-of-30", true},
		{"the last of four that heal", "1s-100/s-1%-healing", true},
		{"no outage has no edges", "10s-3000/s-1%-none", false},
	} {
		list, err := MatchCells("^" + row.name + "$")
		if err != nil || len(list) != 1 || list[0].edges() != row.want {
			t.Errorf("%s: %v, %v, want edges %t", row.sentence, list, err, row.want)
		}
	}
	if _, err := MatchCells("no such"); err == nil || !strings.Contains(err.Error(), `no cell matches "no such"`) {
		t.Errorf("a pattern that no cell matches: %v", err)
	}
}

// What a trial is follows from seed, cell and number, however many run at once.
func TestATrialCanBeRepeated(t *testing.T) {
	c := Cell{Settle: time.Second, Rate: 100, Allowed: 0.001, Strays: 0.0005, Shape: Third}
	a, b, other, seed := c.Simulate(1, 7), c.Simulate(1, 7), c.Simulate(1, 8), c.Simulate(2, 7)
	if a.Wrong() != b.Wrong() || a.Truth != b.Truth {
		t.Errorf("not the same: %s and %s", a.Wrong(), b.Wrong())
	}
	if a.Truth == other.Truth || a.Truth == seed.Truth {
		t.Errorf("another number or seed has the same truth: %+v", a.Truth)
	}
}

// The simulated service does what its cell says.
func TestTheSimulatedRequestsAreThoseOfTheCell(t *testing.T) {
	for _, row := range []struct {
		sentence string
		shape    Shape
		inTurn   bool
		strays   float64
		low      float64 // share of bad requests while it lasts
		high     float64
	}{
		{"all of them", Total, false, 0, 1, 1},
		{"one of three", Third, false, 0, 0.30, 0.37},
		{"one of three in turn", Third, true, 0, 0.33, 0.34},
		{"nine of ten", Flash, false, 0, 0.88, 0.92},
		{"four that heal one by one are 5/8 on the average", Healing, false, 0, 0.59, 0.66},
		{"strays without an outage", Quiet, false, 0.05, 0.03, 0.07},
	} {
		c := Cell{Settle: time.Second, Rate: 1000, Strays: row.strays, Shape: row.shape, InTurn: row.inTurn}
		bad, all, outside := 0, 0, 0
		for number := range 20 {
			random := rand.New(source(3, c.String(), number))
			p := c.draw(random)
			last := time.Duration(0)
			c.requests(p, random, func(_ int, o steadystate.Observation) bool {
				if o.From < last {
					t.Fatalf("%s: %s is sent before %s", row.sentence, o.From, last)
				}
				last = o.From
				switch inside := o.From >= p.start && o.To < p.start+p.whole; {
				case inside:
					all++
					bad += count(o.Failed != "")
				case o.To < p.start || o.From > p.start+p.whole:
					outside += count(o.Failed != "")
				}
				return true
			})
		}
		if share := float64(bad) / float64(all); share < row.low || share > row.high {
			t.Errorf("%s: %d of %d bad, want %g to %g", row.sentence, bad, all, row.low, row.high)
		}
		if (outside > 0) != (row.strays > 0) {
			t.Errorf("%s: %d bad outside of it", row.sentence, outside)
		}
	}
}

func TestWhatIsTooOftenWrong(t *testing.T) {
	for _, row := range []struct {
		sentence  string
		wrong, n  int
		undecided bool
		again     int // of 10,000
		few       bool
		want      steadystate.Verdict
	}{
		{"four of 2,000 pass", 4, 2000, false, 0, false, steadystate.Held},
		{"21 fail", 21, 2000, false, 0, false, steadystate.Broken},
		{"five are repeated, and 38 of 10,000 pass", 5, 2000, false, 38, false, steadystate.Held},
		{"39 do not", 20, 2000, false, 39, false, steadystate.Broken},
		{"5 % may be unknown", 100, 2000, true, 0, false, steadystate.Held},
		{"and not more", 101, 2000, true, 0, false, steadystate.Broken},
		{"four of the 50 that were reported fail", 4, 50, false, 0, true, steadystate.Broken},
		{"one of so few may be chance", 1, 50, false, 0, true, steadystate.Held},
	} {
		o := Outcome{Comparison: "end", Wrong: row.wrong, N: row.n, Few: row.few}
		if row.undecided {
			o.Comparison = undecided
		}
		if o.settle(); o.Verdict == steadystate.Unknown {
			o.repeat(Outcome{Wrong: row.again, N: 10000})
		}
		if o.Verdict != row.want {
			t.Errorf("%s: %s", row.sentence, o.Verdict)
		}
	}
}

// An instrument that is wrong is caught by the comparison that it fails.
func TestAWrongInstrumentIsCaughtByTheGrid(t *testing.T) {
	c := Cell{Settle: time.Second, Rate: 1000, Shape: Total}
	truth := c.Simulate(1, 0)
	for _, row := range []struct {
		sentence string
		change   func(*steadystate.Figures)
		want     []string
	}{
		{"one that is right", func(*steadystate.Figures) {}, nil},
		{"one that sees nothing", func(f *steadystate.Figures) {
			*f = steadystate.NewFold(c.check().Good, c.check().Rule(c.Settle, true), f.Window, f.Window).Figures()[0]
			f.Good, f.Resolution = 1000, time.Millisecond
		}, []string{"missed", "false held 3%", "false held 20%"}},
		{"one that ends it a quarter too early", func(f *steadystate.Figures) {
			o := &f.Outages[0]
			by := (o.End.To - o.Start.From) / 4
			o.End.From, o.End.To = o.End.From-by, o.End.To-by
			f.Downtime = o.Length()
		}, []string{"end", "length", "downtime", "ttr", "false held 3%", "false held 20%"}},
		{"one that ends it late by a tenth", func(f *steadystate.Figures) {
			o := &f.Outages[0]
			by := (o.End.To - o.Start.From) / 10
			o.End.From, o.End.To = o.End.From+by, o.End.To+by
			f.Downtime = o.Length()
		}, []string{"end", "length", "downtime", "ttr", "false broken 3%"}},
	} {
		from := source(1, c.String(), 0)
		p := c.draw(rand.New(from))
		s := Simulated{Truth: truth.Truth, Figures: c.fold(p, *from)}
		row.change(&s.Figures)
		s.compare(c, p)
		var got []string
		for _, k := range comparisons() {
			if (!k.seen || s.Reported) && k.wrong(s) {
				got = append(got, k.name)
			}
		}
		if strings.Join(got, ", ") != strings.Join(row.want, ", ") {
			t.Errorf("%s: caught by %v, want %v", row.sentence, got, row.want)
		}
	}
}

// What is wrong is of the outages that were reported.
func TestEdgesAreComparedOfWhatWasReported(t *testing.T) {
	c := Cell{Settle: 10 * time.Second, Rate: 100, Allowed: 0.01, Strays: 0.005, Shape: Thirtieth}
	r, _ := c.tally(t.Context(), 10, 0, 60)
	if r.Reported == 0 || r.Reported == r.Trials {
		t.Fatalf("%d of %d reported, want some", r.Reported, r.Trials)
	}
	for _, o := range r.Outcomes {
		want := r.Trials
		if slices.Contains([]string{"start", "end", "length", "downtime", "ttr"}, o.Comparison) {
			want = r.Reported
		}
		if o.N != want || o.Few != (o.N < r.Trials/4) {
			t.Errorf("%s: of %d, few %t, want %d of %d", o.Comparison, o.N, o.Few, want, r.Trials)
		}
	}
}

// A part of the grid: a comparison that is wrong in 0.5 % of the trials has
// more than 8 wrong of 300 once in 35,000.
func TestAPartOfTheGrid(t *testing.T) {
	const trials, most, seed = 300, 8, 10
	for _, name := range checkedCells() {
		list, err := MatchCells("^" + name + "$")
		if err != nil {
			t.Fatal(err)
		}
		r, _ := list[0].tally(t.Context(), seed, 0, trials)
		for _, o := range r.Outcomes {
			if o.Comparison != undecided && o.Wrong > most {
				t.Errorf("%s: %s", name, o)
			}
		}
	}
}

func checkedCells() []string {
	return []string{
		"1s-100/s-0%-none", "1s-1000/s-0%-1-of-3-in-turn", "10s-100/s-0%-1-of-3", "10s-1000/s-0%-1-of-30",
		"10s-1000/s-0%-9-of-10-for-50ms", "1s-1000/s-0.1%-healing", "1s-1000/s-0.1%-2-of-3", "10s-100/s-0.1%-1-of-3",
		"10s-100/s-0.1%-1-of-30", "10s-100/s-1%-all", "1s-1000/s-1%-1-of-3", "10s-1000/s-1%-none",
	}
}

func TestSimulatedStarts(t *testing.T) {
	for _, s := range starts() {
		if r, _ := s.run(t.Context(), 10, 400); r.Verdict != steadystate.Held {
			t.Errorf("%s: %d of %d inject", s, r.Injected, r.N)
		}
	}
}

func TestTheGridIsReported(t *testing.T) {
	cells, _ := MatchCells("^1s-100/s-0%-(all|none)$")
	told := 0
	report, err := Grid(t.Context(), GridOptions{Trials: 20, Seed: 3, Cells: cells, Starts: 20, Progress: func(CellResult) { told++ }})
	if err != nil || told != 2 || report.Verdict != steadystate.Held {
		t.Fatalf("%v, %d cells, %+v", err, told, report)
	}
	var text bytes.Buffer
	if err := report.Text(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1s-100/s-0%-all  20/20", "starts with 1% bad, 0.1% allowed: 0 of 20 inject: held", "grid held: 0 of 15 comparisons in 2 cells fail"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, &text)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	report, err = Grid(ctx, GridOptions{Trials: 20, Cells: cells})
	if err != nil || !report.Interrupted || report.Verdict != steadystate.Unknown || len(report.Cells) != 0 {
		t.Errorf("stopped: %v, %+v", err, report)
	}
	if _, err := Grid(t.Context(), GridOptions{}); err == nil {
		t.Error("no trials are not refused")
	}
}
