package calibration

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// GridOptions select the simulated cells of the grid.
type GridOptions struct {
	// Trials of each cell; zero is refused.
	Trials int
	// Seed is what all trials are drawn from.
	Seed uint64
	// Cells to simulate. Default: all.
	Cells []Cell
	// Starts is how many starts are simulated of each kind; none by default.
	Starts int
	// Progress is told of each cell when it is over.
	Progress func(CellResult)
}

// MatchCells are the cells whose names match a regular expression.
func MatchCells(pattern string) ([]Cell, error) {
	expression, err := regexp.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("cell: %w", err)
	}
	list := slices.DeleteFunc(Cells(), func(c Cell) bool { return !expression.MatchString(c.String()) })
	if len(list) == 0 {
		return nil, fmt.Errorf("no cell matches %q; one of %d is %q", pattern, len(Cells()), Cells()[2])
	}
	return list, nil
}

// A comparison is one criterion of a trial.
type comparison struct {
	name  string
	of    func(Cell) bool // the cells that it is made for
	wrong func(Simulated) bool
	seen  bool // of trials whose outage was reported only
}

// comparisons are all of them, in the order of reports.
func comparisons() []comparison {
	any := func(Cell) bool { return true }
	out := func(c Cell) bool { return c.Shape != Quiet }
	return []comparison{
		{"start", Cell.edges, func(s Simulated) bool { return !s.Held.Start }, true},
		{"end", Cell.edges, func(s Simulated) bool { return !s.Held.End }, true},
		{"length", Cell.edges, func(s Simulated) bool { return !s.Held.Length }, true},
		{"downtime", Cell.edges, func(s Simulated) bool { return !s.Downtime }, true},
		{"ttr", Cell.edges, func(s Simulated) bool { return !s.TTR }, true},
		{"missed", out, func(s Simulated) bool { return s.Missed }, false},
		{"invented", any, func(s Simulated) bool { return s.Invented > 0 }, false},
		{"false held 3%", out, func(s Simulated) bool { return s.False[0].Held }, false},
		{"false held 20%", out, func(s Simulated) bool { return s.False[1].Held }, false},
		{"false broken 3%", any, func(s Simulated) bool { return s.False[0].Broken }, false},
		{"false broken 20%", any, func(s Simulated) bool { return s.False[1].Broken }, false},
	}
}

// undecided is the comparison of the unknown verdicts at 20 %, of total
// outages: at most as many are acceptable, of all trials.
const (
	undecided      = "unknown 20%"
	mostUndecided  = 0.05
	repeatedOf     = 5 // as many new trials, for each one that left it open
	passesBelow    = 4.0 / 2000
	failsAbove     = 20.0 / 2000
	repeatedPasses = 38.0 / 10000
	beyondChance   = 3 // sampling errors
	// fewest are the outages to be reported, of all trials, that the ones
	// reported are judged by as strictly; of fewer only what is wrong beyond
	// chance is told.
	fewest = 0.25
)

// An Outcome says how often one comparison was wrong in a cell.
type Outcome struct {
	Comparison string `json:"comparison"`
	Wrong      int    `json:"wrong"`
	N          int    `json:"n"`
	// Again is how often it was wrong in AgainN new trials, which were made since
	// the first ones left it open whether it is wrong too often.
	Again  int `json:"again,omitempty"`
	AgainN int `json:"againN,omitempty"`
	// First is the number of the first wrong trial, and Example what is wrong
	// with it.
	First   int    `json:"first,omitempty"`
	Example string `json:"example,omitempty"`
	// Few: so few outages of this cell were reported that the comparison shows
	// only what is very wrong.
	Few     bool                `json:"few,omitempty"`
	Verdict steadystate.Verdict `json:"verdict"`
}

func (o *Outcome) count(s Simulated) {
	if o.Wrong++; o.Wrong == 1 || s.Number < o.First {
		o.First, o.Example = s.Number, s.Wrong()
	}
}

// A CellResult is what the trials of one cell showed.
type CellResult struct {
	Cell     Cell      `json:"cell"`
	Name     string    `json:"name"`
	Trials   int       `json:"trials"`
	Reported int       `json:"reported"` // outages that were seen
	Unknown  [2]int    `json:"unknown"`  // trials with a verdict that is, by Beside
	Outcomes []Outcome `json:"outcomes"`
	// Edges are judged, and are not where too few requests meet the outage.
	Edges bool          `json:"edges"`
	Took  time.Duration `json:"took"`
}

// Verdict is Held if no comparison is wrong too often.
func (r CellResult) Verdict() steadystate.Verdict {
	var list []steadystate.Verdict
	for _, o := range r.Outcomes {
		list = append(list, o.Verdict)
	}
	return steadystate.Worst(list...)
}

// A GridReport is what the simulated trials showed.
type GridReport struct {
	Machine     Machine             `json:"machine"`
	Trials      int                 `json:"trials"`
	Seed        uint64              `json:"seed"`
	Took        time.Duration       `json:"took"`
	Interrupted bool                `json:"interrupted"`
	Verdict     steadystate.Verdict `json:"verdict"`
	Cells       []CellResult        `json:"cells"`
	Starts      []StartResult       `json:"starts,omitempty"`
}

// Grid simulates the cells, on all cores. When ctx ends, the report covers the
// cells that were finished by then, and says so.
func Grid(ctx context.Context, o GridOptions) (GridReport, error) {
	if o.Trials <= 0 {
		return GridReport{}, errors.New("calibrate: want at least one trial of each cell")
	}
	if len(o.Cells) == 0 {
		o.Cells = Cells()
	}
	report := GridReport{Machine: thisMachine(), Trials: o.Trials, Seed: o.Seed}
	begin := time.Now()
	var verdicts []steadystate.Verdict
	for _, c := range o.Cells {
		r, ok := c.run(ctx, o.Seed, o.Trials)
		if !ok {
			break
		}
		report.Cells = append(report.Cells, r)
		verdicts = append(verdicts, r.Verdict())
		if o.Progress != nil {
			o.Progress(r)
		}
	}
	if o.Starts > 0 {
		for _, s := range starts() {
			r, ok := s.run(ctx, o.Seed, o.Starts)
			if !ok {
				break
			}
			report.Starts = append(report.Starts, r)
			verdicts = append(verdicts, r.Verdict)
		}
	}
	report.Interrupted = ctx.Err() != nil
	if report.Interrupted {
		verdicts = append(verdicts, steadystate.Unknown)
	}
	report.Verdict = steadystate.Worst(verdicts...)
	report.Took = time.Since(begin)
	return report, nil
}

// each calls do with each number below n, in any order, on all cores; done is
// false if ctx ended before.
func each(ctx context.Context, n int, do func(number int)) (done bool) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for number := int(next.Add(1)) - 1; number < n && ctx.Err() == nil; number = int(next.Add(1)) - 1 {
				do(number)
			}
		})
	}
	wg.Wait()
	return ctx.Err() == nil
}

// run simulates the trials of the cell, and more of them where these leave it
// open whether a comparison is wrong too often; ok is false if ctx ended before.
func (c Cell) run(ctx context.Context, seed uint64, trials int) (r CellResult, ok bool) {
	begin := time.Now()
	r, ok = c.tally(ctx, seed, 0, trials)
	if !ok {
		return r, false
	}
	var again *CellResult
	for i := range r.Outcomes {
		o := &r.Outcomes[i]
		if o.settle(); o.Verdict != steadystate.Unknown {
			continue
		}
		if again == nil {
			more, ok := c.tally(ctx, seed, trials, repeatedOf*trials)
			if !ok {
				return r, false
			}
			again = &more
		}
		o.repeat(again.Outcomes[i])
	}
	r.Took = time.Since(begin)
	return r, true
}

// tally counts what is wrong with so many trials, from a number on.
func (c Cell) tally(ctx context.Context, seed uint64, from, trials int) (r CellResult, ok bool) {
	r = CellResult{Cell: c, Name: c.String(), Trials: trials, Edges: c.edges()}
	var made []comparison
	for _, k := range comparisons() {
		if k.of(c) {
			made = append(made, k)
			r.Outcomes = append(r.Outcomes, Outcome{Comparison: k.name})
		}
	}
	// With stalls the downtime is known to what they may hide only.
	if c.Shape == Total && !c.Stalls {
		made = append(made, comparison{undecided, nil, func(s Simulated) bool { return s.False[1].Unknown }, false})
		r.Outcomes = append(r.Outcomes, Outcome{Comparison: undecided})
	}
	var mu sync.Mutex
	ok = each(ctx, trials, func(number int) {
		s := c.Simulate(seed, from+number)
		mu.Lock()
		defer mu.Unlock()
		r.Reported += count(s.Reported)
		for i := range r.Unknown {
			r.Unknown[i] += count(s.False[i].Unknown)
		}
		for i, k := range made {
			if k.seen && !s.Reported {
				continue
			}
			r.Outcomes[i].N++
			if k.wrong(s) {
				r.Outcomes[i].count(s)
			}
		}
	})
	for i := range r.Outcomes {
		o := &r.Outcomes[i]
		o.Few = float64(o.N) < fewest*float64(trials)
	}
	return r, ok
}

// settle decides by the first trials, if they do.
func (o *Outcome) settle() {
	switch n, wrong := float64(o.N), float64(o.Wrong); {
	case o.Comparison == undecided:
		o.Verdict = verdict(wrong <= mostUndecided*n)
	case o.Few:
		o.Verdict = verdict(wrong <= failsAbove*n+beyondChance*math.Sqrt(failsAbove*n))
	case wrong <= passesBelow*n:
		o.Verdict = steadystate.Held
	case wrong > failsAbove*n:
		o.Verdict = steadystate.Broken
	}
}

// repeat decides by new trials.
func (o *Outcome) repeat(again Outcome) {
	o.Again, o.AgainN = again.Wrong, again.N
	o.Verdict = verdict(float64(again.Wrong) <= repeatedPasses*float64(again.N))
}

func verdict(ok bool) steadystate.Verdict {
	if ok {
		return steadystate.Held
	}
	return steadystate.Broken
}
