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

// DiffFormat and DiffVersion name the document of a [Diff].
const (
	DiffFormat  = "aftershock/diff"
	DiffVersion = 1
)

// Outcomes of a diff and of its rows.
const (
	// Worse and Better are changes: sets of runs differ, more than chance explains.
	Worse  = "worse"
	Better = "better"
	// NoChange is that none was shown; how large one would have had to be is said.
	NoChange = "no change"
	// CannotTell is that none could have been shown.
	CannotTell = "cannot tell"
	// Differs and Overlaps are of one run a side, which shows no change.
	Differs  = "differs"
	Overlaps = "overlaps"
)

// A Diff is what changed between two sets of runs.
type Diff struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	// ToolVersion is the version of the program that wrote the document.
	ToolVersion string `json:"toolVersion,omitempty"`
	// Outcome is worse if a row is, else cannot tell if that is true of a row or of a
	// pair, else better if a row is.
	Outcome string `json:"outcome" jsonschema:"enum=worse,enum=better,enum=no change,enum=cannot tell"`
	// ExitCode is 1 for worse, 3 for cannot tell, else 0.
	ExitCode int `json:"exitCode" jsonschema:"enum=0,enum=1,enum=3"`
	// Level is how often, at most, sets of the same service show any change.
	Level float64 `json:"level"`
	// Tests is the number of rows with sets of runs on both sides, over which the
	// level is held by Holm's procedure.
	Tests int `json:"tests"`
	// Pairs are one for each experiment and plan.
	Pairs []Pair `json:"pairs"`
}

// A Pair is the runs of one experiment with one plan, before and after.
type Pair struct {
	Experiment string `json:"experiment"`
	// PlanHash is that of the results; absent: they have none.
	PlanHash string `json:"planHash,omitempty"`
	Before   Set    `json:"before"`
	After    Set    `json:"after"`
	// NotCompared says why there are no rows.
	NotCompared string `json:"notCompared,omitempty"`
	// Missing are figures that there are before and not after.
	Missing []string `json:"missing"`
	// Notes are what else is not the same, such as limits.
	Notes []string `json:"notes"`
	Rows  []Row    `json:"rows"`
}

// A Set is the runs of one side.
type Set struct {
	// Runs are the ids of those that are compared, in their order.
	Runs []string `json:"runs"`
	// LeftOut are the ids of those that a person or the harness ended before a fault was
	// in place.
	LeftOut []string `json:"leftOut"`
	Held    int      `json:"held"`
	Broken  int      `json:"broken"`
	Unknown int      `json:"unknown"`
	// First and Last are when the first and the last of the runs began.
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`
	// Versions are those of what ran: images, and of the program.
	Versions []string `json:"versions"`
}

// A Row is one figure before and after.
type Row struct {
	// Check is absent of the verdict.
	Check string `json:"check,omitempty"`
	// Subject is what the figure is: a limit without its bound, ttr, downtime, or
	// verdict, the share of runs that are broken.
	Subject string `json:"subject"`
	Unit    string `json:"unit,omitempty" jsonschema:"enum=seconds,enum=share,enum=perSecond,enum=number,enum=multiple"`
	// WorseIf says which way is for the worse.
	WorseIf string  `json:"worseIf" jsonschema:"enum=larger,enum=smaller"`
	Before  Summary `json:"before"`
	After   Summary `json:"after"`
	// Outcome is worse or better if the sets differ, at the level of the diff.
	Outcome string `json:"outcome" jsonschema:"enum=worse,enum=better,enum=no change,enum=cannot tell,enum=differs,enum=overlaps"`
	// P is the p-value of the exact test of Mann and Whitney, of verdicts that of
	// Fisher, both two-sided, for the values within their bounds that show it least;
	// absent: there are no sets of runs.
	P *float64 `json:"p,omitempty"`
	// AdjustedP is P by Holm, over all rows; a change is one that is at most the level.
	AdjustedP *float64 `json:"adjustedP,omitempty"`
	// Shift is by how much the figure is larger after, for this row alone at 95 %; an
	// end that is not bounded is absent.
	Shift *results.Range `json:"shift,omitempty"`
	// Detectable is the shift that these sets would show nine times in ten at the
	// level of one of all rows; absent: none, or the row has changed, or there are no
	// sets.
	Detectable *float64 `json:"detectable,omitempty"`
	// DetectableBroken is, of verdicts, how many runs after would have to be broken.
	DetectableBroken int `json:"detectableBroken,omitempty"`
	// RunsNeeded is how many runs a side could show any change, where these cannot.
	RunsNeeded int `json:"runsNeeded,omitempty"`

	floor         bool
	before, after []interval
}

// A Summary is a figure over the runs of a side.
type Summary struct {
	N int `json:"n"`
	// Unseen is how many of them do not bound it.
	Unseen int `json:"unseen,omitempty"`
	// Open is how many do not bound it from above: an outage that was not over.
	Open int `json:"open,omitempty"`
	// Median is between the median of the lower ends and that of the upper ones; of
	// verdicts, the share that is broken.
	Median results.Range `json:"median"`
}

// ErrOnBothSides is that a run is in both sets.
var ErrOnBothSides = errors.New("on both sides")

// Options say how runs are paired.
type Options struct {
	// SamePlan pairs experiments by their names alone where no result has a hash of its
	// plan: that they did the same is on the caller's word.
	SamePlan bool
}

// NewDiff compares sets of runs.
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

// A plan is what runs have in common that did the same.
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

// kept are the runs that say something about the service.
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

// versions are those of what ran in a run.
func versions(r results.Result) (list []string) {
	for _, i := range r.Images {
		list = append(list, i.Container+" "+strings.Join(i.Digests, ", "))
	}
	if r.Run.ToolVersion != "" {
		list = append(list, "aftershock "+r.Run.ToolVersion)
	}
	return list
}

// compare makes a row of each figure that both sides have.
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

// limits are all that runs were judged by.
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

// power finds what the row could have shown, for the worse.
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

// outcome is that of all rows. What is new after has nothing to be compared with, and
// decides nothing.
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
