package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/steadystate"
)

// row is what came of an experiment.
type row struct {
	experiment
	what    string
	verdict string
	reason  string
	effect  string
	t0, t1  string
	ttr     string // of the first check
	left    string
	// costliest is the stage of the recovery that certainly cost the most.
	costliest string
	// causes are the rules of the causes of what broke, and advised the kinds of advice.
	causes, advised []string
	truth           string // what the service's own log says of the record
	tries           int
	took            time.Duration // all tries
	unknowns        []string      // why
}

// asWanted reports whether the verdict is the one wanted, of a fault that was
// seen and is gone: a service that breaks by itself shows nothing. What broke has a
// cause, and the advice that is wanted and no other.
func (r row) asWanted() bool {
	return r.verdict == r.want && (r.effect == "seen" || r.faultless && r.effect == noEffect) && r.left == nothing && r.explained() &&
		(r.experiment.costliest == "" || r.costliest == r.experiment.costliest) &&
		(r.compare == nil || r.truth == agrees)
}

// explained reports whether a broken run has a cause, and all advice is what is wanted.
func (r row) explained() bool {
	return (r.verdict != broken || len(r.causes) > 0) && slices.Equal(slices.Sorted(slices.Values(r.advised)), slices.Sorted(slices.Values(r.advice)))
}

const (
	// noEffect is the effect of what has no proof of one.
	noEffect = "?"
	// nothing is what is to be left.
	nothing = "nothing"
	// agrees is what the service's own log is to say.
	agrees = "agrees"
)

func (r row) service() string { return cmp.Or(r.defect, "healthy") }

// take takes in what a run has shown, and the processes of its faults that are
// still there.
func (r *row) take(result reports.Report, left []string) {
	r.verdict, r.reason = result.Verdict.String(), result.Reason
	r.effect, r.left = noEffect, "?"
	// Each of several faults has its own.
	for _, p := range result.Proofs {
		switch proven := p.Verdict.String() == held; {
		case p.Name == "effect" && !proven:
			r.effect = "not seen"
		case p.Name == "effect" && r.effect == noEffect:
			r.effect = "seen"
		case p.Name == "undone" && !proven:
			r.left = p.Text
		case p.Name == "undone" && r.left == "?":
			r.left = nothing
		}
	}
	if len(left) > 0 {
		r.left = strings.Join(left, ", ")
	}
	r.causes, r.advised = nil, nil
	for _, c := range result.Causes {
		if c.Why != "" && !slices.Contains(r.causes, c.Rule) && slices.ContainsFunc(result.Findings, func(f judge.Finding) bool {
			return f.Verdict == steadystate.Broken && f.Check == c.Check && (c.Limit == "" || c.Limit == f.Limit)
		}) {
			r.causes = append(r.causes, c.Rule)
		}
	}
	for _, a := range result.Advice {
		if !slices.Contains(r.advised, a.Kind) {
			r.advised = append(r.advised, a.Kind)
		}
	}
	r.costliest = "-"
	if len(result.Waterfalls) > 0 {
		if step, undecided := result.Waterfalls[0].Costliest(); undecided == "" {
			r.costliest = step.Stage
		}
	}
	r.t0, r.t1, r.ttr, r.truth = "-", "-", "-", "-"
	if len(result.Injections) > 0 {
		i := result.Injections[0]
		r.t0 = i.String()
		if i.Removed != nil {
			r.t1 = i.Removed.String()
		}
	}
	if len(result.Checks) > 0 && len(result.Checks[0].Recoveries) > 0 {
		recovery := result.Checks[0].Recoveries[0]
		r.ttr = fmt.Sprintf("%s..%s", recovery.TTR.Low.Round(time.Millisecond), recovery.TTR.High.Round(time.Millisecond))
		if recovery.Open {
			r.ttr = ">" + recovery.TTR.Low.Round(time.Millisecond).String()
		}
	}
}

// listed are words in a cell.
func listed(words []string) string { return cmp.Or(strings.Join(words, ", "), "-") }

// table prints the rows, and what was unknown at first.
func table(w io.Writer, rows []row) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(cells ...string) { fmt.Fprintln(tw, strings.Join(cells, "\t")) }
	line("experiment", "service", "wanted", "verdict", "effect", "T0", "T1", "TTR", "costliest", "truth", "cause", "advice", "left", "runs", "took")
	for _, r := range rows {
		verdict := r.verdict
		if !r.asWanted() {
			verdict = strings.ToUpper(verdict)
		}
		line(r.what, r.service(), r.want, verdict, r.effect, r.t0, r.t1, r.ttr, r.costliest, r.truth, listed(r.causes), listed(r.advised), r.left, fmt.Sprint(r.tries), r.took.Round(time.Second).String())
	}
	_ = tw.Flush() // the reader may have gone
	for _, r := range rows {
		for _, why := range r.unknowns {
			fmt.Fprintf(w, "unknown: %s on %s: %s\n", r.what, r.service(), why)
		}
	}
}
