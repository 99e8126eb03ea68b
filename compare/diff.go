package compare

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports/results"
)

// DiffFormat and DiffVersion identify the JSON document of a [Diff].
const (
	DiffFormat  = "aftershock/diff"
	DiffVersion = 1
)

// The outcomes of a diff and of its rows.
const (
	// Worse and Better are changes: the sets differ by more than chance explains.
	Worse  = "worse"
	Better = "better"
	// NoChange: no change was shown; the row says how large one these sets would have
	// shown.
	NoChange = "no change"
	// CannotTell: these sets could not have shown a change.
	CannotTell = "cannot tell"
	// Differs and Overlaps compare one run with one other, which cannot show a change.
	Differs  = "differs"
	Overlaps = "overlaps"
)

// A Diff lists what changed between two sets of runs.
type Diff struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	// ToolVersion is the version of the program that wrote the document.
	ToolVersion string `json:"toolVersion,omitempty"`
	// Outcome is worse if any row is, else cannot tell if any row or pair is not decided,
	// else better if any row is, else no change.
	Outcome string `json:"outcome" jsonschema:"enum=worse,enum=better,enum=no change,enum=cannot tell"`
	// ExitCode is 1 for worse, 3 for cannot tell, else 0.
	ExitCode int `json:"exitCode" jsonschema:"enum=0,enum=1,enum=3"`
	// Level is the highest probability that two sets of one service show any change.
	Level float64 `json:"level"`
	// Tests is the number of rows with several runs on both sides. Holm's procedure holds
	// the level over all of them.
	Tests int `json:"tests"`
	// Pairs has one entry for each experiment and plan.
	Pairs []Pair `json:"pairs"`
}

// A Pair compares the runs of one experiment with one plan, before and after.
type Pair struct {
	Experiment string `json:"experiment"`
	// PlanHash is the hash of the plan; absent if the results have none.
	PlanHash string `json:"planHash,omitempty"`
	Before   Set    `json:"before"`
	After    Set    `json:"after"`
	// NotCompared says why there are no rows.
	NotCompared string `json:"notCompared,omitempty"`
	// Missing lists the figures that exist before and not after.
	Missing []string `json:"missing"`
	// Notes lists what else differs, such as limits.
	Notes []string `json:"notes"`
	Rows  []Row    `json:"rows"`
}

// A Set is the runs of one side.
type Set struct {
	// Runs lists the IDs of the runs that are compared, in the order of their starts.
	Runs []string `json:"runs"`
	// LeftOut lists the IDs of the runs that a person or the harness ended before a fault
	// was injected.
	LeftOut []string `json:"leftOut"`
	Held    int      `json:"held"`
	Broken  int      `json:"broken"`
	Unknown int      `json:"unknown"`
	// First and Last are the starts of the first and of the last run.
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`
	// Versions lists what ran: the image digests by container, and Aftershock's version.
	Versions []string `json:"versions"`
}

// A Row is one figure before and after.
type Row struct {
	// Check is absent in the row of the verdict.
	Check string `json:"check,omitempty"`
	// Subject names the figure: a limit without its bound, ttr, ttr after removal,
	// downtime, or verdict, which is the share of broken runs.
	Subject string `json:"subject"`
	Unit    string `json:"unit,omitempty" jsonschema:"enum=seconds,enum=share,enum=perSecond,enum=number,enum=multiple"`
	// WorseIf is the direction of a change for the worse.
	WorseIf string  `json:"worseIf" jsonschema:"enum=larger,enum=smaller"`
	Before  Summary `json:"before"`
	After   Summary `json:"after"`
	// Outcome is worse or better if the sets differ at the level of the diff.
	Outcome string `json:"outcome" jsonschema:"enum=worse,enum=better,enum=no change,enum=cannot tell,enum=differs,enum=overlaps"`
	// P is the two-sided p-value of the exact Mann-Whitney test, or of Fisher's for
	// verdicts, for those values within the bounds that differ least; absent with one run
	// on a side.
	P *float64 `json:"p,omitempty"`
	// AdjustedP is P adjusted by Holm over all rows; a row changed if it is at most the
	// level.
	AdjustedP *float64 `json:"adjustedP,omitempty"`
	// Shift is the 95 % confidence interval, of this row alone, of how much larger the
	// figure is after; an unbounded end is absent.
	Shift *results.Range `json:"shift,omitempty"`
	// Detectable is the shift that sets like these show nine times in ten, at this row's
	// part of the level; absent if no shift is, if the row changed, or with one run on a
	// side.
	Detectable *float64 `json:"detectable,omitempty"`
	// DetectableBroken is how many runs after would have to be broken for the row of the
	// verdict to be worse.
	DetectableBroken int `json:"detectableBroken,omitempty"`
	// RunsNeeded is how many runs each side needs to show any change, if these are too
	// few.
	RunsNeeded int `json:"runsNeeded,omitempty"`

	floor         bool
	before, after []interval
}

// A Summary describes a figure over the runs of one side.
type Summary struct {
	N int `json:"n"`
	// Unseen is the number of runs that say nothing about the figure.
	Unseen int `json:"unseen,omitempty"`
	// Open is the number of runs without an upper bound: the outage was not over.
	Open int `json:"open,omitempty"`
	// Median ranges from the median of the lower ends to that of the upper ones; for
	// verdicts it is the share of broken runs.
	Median results.Range `json:"median"`
}

// ErrOnBothSides reports a run that is in both sets.
var ErrOnBothSides = errors.New("on both sides")

// Options say how runs are paired.
type Options struct {
	// SamePlan also compares results without a hash of their plan: the caller vouches
	// that they did the same. Default: they are not compared.
	SamePlan bool
}

// NewDiff compares the runs of two sets, experiment by experiment. The only error is
// [ErrOnBothSides]; what cannot be compared is an outcome.
func NewDiff(before, after []results.Result, o Options) (Diff, error) {
	if run := both(before, after); run != "" {
		return Diff{}, fmt.Errorf("run %s is %w", run, ErrOnBothSides)
	}
	d := Diff{Format: DiffFormat, Version: DiffVersion, ToolVersion: record.Tool(), Level: Level, Pairs: pairs(before, after, o)}
	d.test()
	d.Outcome = d.outcome()
	d.ExitCode = map[string]int{Worse: 1, CannotTell: 3}[d.Outcome]
	return d, nil
}

const noRunBefore = "no run before"

// A plan identifies runs that did the same.
type plan struct{ experiment, hash string }

func byPlan(list []results.Result) map[plan][]results.Result {
	sets := map[plan][]results.Result{}
	for _, r := range list {
		p := plan{r.Experiment, r.PlanHash}
		sets[p] = append(sets[p], r)
	}
	for _, set := range sets {
		slices.SortStableFunc(set, func(a, b results.Result) int { return a.Run.Started.Compare(b.Run.Started) })
	}
	return sets
}

func pairs(before, after []results.Result, o Options) []Pair {
	old, now := byPlan(before), byPlan(after)
	keys := map[plan]bool{}
	for p := range old {
		keys[p] = true
	}
	for p := range now {
		keys[p] = true
	}
	list := []Pair{}
	for _, p := range slices.SortedFunc(maps.Keys(keys), func(a, b plan) int {
		return cmp.Or(cmp.Compare(a.experiment, b.experiment), cmp.Compare(a.hash, b.hash))
	}) {
		pair := Pair{Experiment: p.experiment, PlanHash: p.hash, Missing: []string{}, Notes: []string{}, Rows: []Row{}}
		was, is := kept(old[p]), kept(now[p])
		pair.Before, pair.After = newSet(old[p]), newSet(now[p])
		switch has := func(sets map[plan][]results.Result) bool { return named(sets, p.experiment) }; {
		case len(old[p]) == 0 && has(old), len(now[p]) == 0 && has(now):
			pair.NotCompared = "the plan changed: no run on the other side has this hash"
		case len(now[p]) == 0:
			pair.NotCompared = "no run after"
		case len(old[p]) == 0:
			pair.NotCompared = noRunBefore
		case len(was) == 0 || len(is) == 0:
			pair.NotCompared = "all runs of a side were ended by a person or by the harness"
		case p.hash == "" && !o.SamePlan:
			pair.NotCompared = "the results have no hash of the plan, so that nothing says that they did the same; --same-plan takes your word for it"
		default:
			pair.compare(was, is)
		}
		list = append(list, pair)
	}
	return list
}

// named reports whether an experiment has runs, whatever their plan.
func named(sets map[plan][]results.Result, experiment string) bool {
	for p := range sets {
		if p.experiment == experiment {
			return true
		}
	}
	return false
}

// kept returns the runs that say something about the service.
func kept(set []results.Result) []results.Result {
	return slices.DeleteFunc(slices.Clone(set), leftOut)
}

func newSet(list []results.Result) Set {
	s := Set{Runs: []string{}, LeftOut: []string{}, Versions: []string{}}
	for _, r := range list {
		if leftOut(r) {
			s.LeftOut = append(s.LeftOut, r.Run.ID)
			continue
		}
		s.Runs = append(s.Runs, r.Run.ID)
		s.count(r.Verdict)
		if len(s.Runs) == 1 {
			s.First = r.Run.Started
		}
		s.Last = r.Run.Started
		for _, v := range versions(r) {
			if !slices.Contains(s.Versions, v) {
				s.Versions = append(s.Versions, v)
			}
		}
	}
	return s
}

func (s *Set) count(verdict string) {
	switch verdict {
	case "held":
		s.Held++
	case "broken":
		s.Broken++
	default:
		s.Unknown++
	}
}

// versions lists what ran in a run.
func versions(r results.Result) (list []string) {
	for _, i := range r.Images {
		list = append(list, i.Container+" "+strings.Join(i.Digests, ", "))
	}
	if r.Run.ToolVersion != "" {
		list = append(list, "aftershock "+r.Run.ToolVersion)
	}
	return list
}

// compare adds a row for each figure that both sides have.
func (p *Pair) compare(before, after []results.Result) {
	type side struct {
		order []subject
		runs  []map[subject]interval
	}
	of := func(set []results.Result) (s side) {
		for _, r := range set {
			order, seen := figures(r)
			s.runs = append(s.runs, seen)
			for _, of := range order {
				if !slices.Contains(s.order, of) {
					s.order = append(s.order, of)
				}
			}
		}
		return s
	}
	values := func(s side, of subject) (list []interval) {
		for _, seen := range s.runs {
			i, ok := seen[of]
			if !ok {
				i = anything
			}
			list = append(list, i)
		}
		return list
	}
	old, now := of(before), of(after)
	for _, s := range old.order {
		if !slices.Contains(now.order, s) {
			p.Missing = append(p.Missing, s.check+" "+s.subject)
			continue
		}
		r := Row{Check: s.check, Subject: s.subject, Unit: s.unit, WorseIf: "larger", floor: s.floor, before: values(old, s), after: values(now, s)}
		if s.floor {
			r.WorseIf = "smaller"
		}
		r.Before, r.After = r.summary(r.before), r.summary(r.after)
		p.Rows = append(p.Rows, r)
	}
	for _, s := range now.order {
		if !slices.Contains(old.order, s) {
			p.Notes = append(p.Notes, s.check+" "+s.subject+" has no figure before")
		}
	}
	if was, is := limits(before), limits(after); !slices.Equal(was, is) {
		p.Notes = append(p.Notes, "limits are not the same, so that verdicts are not compared; \"aftershock judge --limit\" judges records by others")
		p.Rows = slices.DeleteFunc(p.Rows, func(r Row) bool { return r.Subject == verdictSubject })
	}
}

// limits lists the limits that the runs were judged by.
func limits(list []results.Result) (texts []string) {
	for _, r := range list {
		for _, f := range r.Findings {
			if text := f.Check + ": " + f.Limit.Text; !f.OfRun && !slices.Contains(texts, text) {
				texts = append(texts, text)
			}
		}
	}
	slices.Sort(texts)
	return texts
}

func (r Row) summary(set []interval) Summary {
	s := Summary{N: len(set)}
	for _, i := range set {
		switch {
		case r.Subject == verdictSubject && !i.exact(), i == anything:
			s.Unseen++
		case math.IsInf(i.high, 1):
			s.Open++
		}
	}
	middle := median(set)
	if r.Subject == verdictSubject {
		c := count(set)
		middle = interval{float64(c.low) / float64(len(set)), float64(c.high) / float64(len(set))}
	}
	s.Median = middle.bounds()
	return s
}

func (i interval) bounds() (r results.Range) {
	if !math.IsInf(i.low, 0) {
		r.Low = &i.low
	}
	if !math.IsInf(i.high, 0) {
		r.High = &i.high
	}
	return r
}

// test compares the sets of every row.
func (d *Diff) test() {
	var tested []*Row
	for p := range d.Pairs {
		for i := range d.Pairs[p].Rows {
			r := &d.Pairs[p].Rows[i]
			switch a, b := r.before, r.after; {
			case len(a) > 1 && len(b) > 1:
				tested = append(tested, r)
			case len(a) > 1 || len(b) > 1:
				r.Outcome = CannotTell
			case a[0].high < b[0].low || b[0].high < a[0].low:
				r.Outcome = Differs
			default:
				r.Outcome = Overlaps
			}
		}
	}
	d.Tests = len(tested)
	ps, larger := make([]float64, len(tested)), make([]bool, len(tested))
	for i, r := range tested {
		if r.Subject == verdictSubject {
			ps[i], larger[i] = fisher(r.before, r.after)
		} else {
			ps[i], larger[i] = mannWhitney(r.before, r.after)
		}
	}
	known := table{}
	adjusted := holm(ps)
	for i, r := range tested {
		r.P, r.AdjustedP = &ps[i], &adjusted[i]
		if r.Subject != verdictSubject {
			r.Shift = new(known.shift(r.before, r.after, Level).bounds())
		}
		if adjusted[i] <= Level {
			r.Outcome = Better
			if larger[i] != r.floor {
				r.Outcome = Worse
			}
			continue
		}
		r.power(known, Level/float64(len(tested)))
		switch {
		case r.Detectable == nil && r.DetectableBroken == 0:
			r.Outcome = CannotTell
			if n := leastRuns(Level / float64(len(tested))); n > min(len(r.before), len(r.after)) {
				r.RunsNeeded = n
			}
		default:
			r.Outcome = NoChange
		}
	}
}

// power finds the smallest change for the worse that the row could have shown.
func (r *Row) power(known table, level float64) {
	if r.Subject == verdictSubject {
		r.DetectableBroken = max(0, leastBroken(r.before, r.after, level))
		return
	}
	before, after := r.before, r.after
	if r.floor {
		before, after = mirrored(before), mirrored(after)
	}
	if by := known.detectable(before, after, level); !math.IsInf(by, 1) {
		r.Detectable = &by
	}
}

// outcome combines the outcomes of all rows. An experiment that is new after has nothing
// to be compared with and decides nothing.
func (d Diff) outcome() string {
	seen, rows := map[string]bool{}, 0
	for _, p := range d.Pairs {
		if p.NotCompared != "" && p.NotCompared != noRunBefore || len(p.Missing) > 0 {
			seen[CannotTell] = true
		}
		for _, r := range p.Rows {
			rows++
			seen[r.Outcome] = true
		}
	}
	switch {
	case seen[Worse]:
		return Worse
	case rows == 0 || seen[CannotTell] || seen[Differs] || seen[Overlaps]:
		return CannotTell
	case seen[Better]:
		return Better
	}
	return NoChange
}
