package main

import (
	"cmp"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aftershockhq/aftershock/experiments/cause"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/runs"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/suites"
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
	// causes are the rules of the causes of what broke, by check, without outages that
	// have none.
	causes map[string][]string
	// advised is what is advised, as "Mend more replicas". Of a run that held, it is what
	// is recommended if it is judged by limits that nothing keeps.
	advised  []string
	truth    string // what the service's own log says of the record
	untrue   string // where it does not agree
	tries    int
	took     time.Duration // with the deployment before it, and all tries
	unknowns []string      // why
}

// asWanted reports whether the verdict is the one wanted, of a fault that was
// seen and is gone: a service that breaks by itself shows nothing. What broke has the
// causes that are wanted, and the advice that is wanted and no other.
func (r row) asWanted() bool {
	return r.verdict == r.want && r.acted() && r.left == nothing && len(r.amiss()) == 0
}

// acted reports whether the fault was seen, if there is one.
func (r row) acted() bool { return r.effect == "seen" || r.faultless && r.effect == noEffect }

// undecided reports whether only the verdict is missing, as on a busy machine. A fault that
// was not seen, or is not gone, is no such thing.
func (r row) undecided() bool { return r.verdict == unknown && r.acted() && r.left == nothing }

// amiss says what is wrong with the causes, the advice, the costliest stage and the truth.
// Each check that broke has a cause. Those of a check that is named are of the rules that are wanted, and it is broken.
func (r row) amiss() (list []string) {
	fits := func(check string, rules []string) bool {
		return len(r.causes[check]) > 0 && !slices.ContainsFunc(r.causes[check], func(rule string) bool { return !slices.Contains(rules, rule) })
	}
	for check, rules := range r.because {
		anyOf := slices.Collect(maps.Keys(r.causes))
		if check != someCheck {
			anyOf = []string{check}
		}
		if !slices.ContainsFunc(anyOf, func(check string) bool { return fits(check, rules) }) {
			list = append(list, fmt.Sprintf("%s has the causes %q, want %q", cmp.Or(check, "no check"), r.causes[check], rules))
		}
	}
	for check, rules := range r.causes {
		if len(rules) == 0 {
			list = append(list, check+" broke without a cause")
		}
	}
	if r.verdict == broken && len(r.causes) == 0 {
		list = append(list, "no check broke")
	}
	if !slices.Equal(slices.Sorted(slices.Values(r.advised)), slices.Sorted(slices.Values(r.advice))) {
		list = append(list, fmt.Sprintf("advice %q, want %q", r.advised, r.advice))
	}
	if r.experiment.costliest != "" && r.costliest != r.experiment.costliest {
		list = append(list, fmt.Sprintf("costliest stage %q, want %q", r.costliest, r.experiment.costliest))
	}
	if r.compare != nil && r.truth != agrees {
		list = append(list, "the service's own log: "+cmp.Or(r.untrue, "not compared"))
	}
	slices.Sort(list)
	return list
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

// take takes in what a run has shown, by its own limits and, if it held, by strict ones, and
// the processes of its faults that are still there.
func (r *row) take(result, strictly reports.Report, left []string) {
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
	r.causes, r.advised = map[string][]string{}, nil
	for _, f := range result.Findings {
		if f.Verdict != steadystate.Broken {
			continue
		}
		rules := r.causes[f.Check]
		for _, c := range cause.Of(result.Result, f, result.Causes) {
			if c.Why != "" && !slices.Contains(rules, c.Rule) {
				rules = append(rules, c.Rule)
			}
		}
		r.causes[f.Check] = rules
	}
	advise := func(list []cause.Advice, questions bool) {
		for _, a := range list {
			if text := advised(a); (questions || !a.Question) && !slices.Contains(r.advised, text) {
				r.advised = append(r.advised, text)
			}
		}
	}
	advise(result.Advice, true)
	advise(strictly.Advice, false)
	r.costliest = "-"
	if len(result.Waterfalls) > 0 {
		if step, undecided := result.Waterfalls[0].Costliest(); undecided == "" {
			r.costliest = step.Stage
		}
	}
	r.t0, r.t1, r.ttr, r.truth, r.untrue = "-", "-", "-", "-", ""
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

// advised is advice as rows want it: "Mend more replicas", "Ask client retry".
func advised(a cause.Advice) string { return a.Name() + " " + a.Kind }

// strictest are limits that nothing keeps. A run that held says by them what would be
// recommended of a sound service, which is nothing.
func strictest(r judge.Result) map[string][]string {
	limits := map[string][]string{}
	for _, c := range r.Checks {
		limits[c.Check] = []string{"downtime <= 0s"}
		if c.Signal == record.TrafficSignal {
			limits[c.Check] = append(limits[c.Check], "errors <= 0%")
		}
	}
	return limits
}

// judged judges a record, and by the strictest limits if it held.
func judged(entries iter.Seq2[record.Entry, error]) (result, strictly reports.Report, err error) {
	result, err = runs.Judge(entries, nil, suites.Evaluators()...)
	if err == nil && result.Verdict == steadystate.Held {
		strictly, err = runs.Judge(entries, strictest(result.Result), suites.Evaluators()...)
	}
	return result, strictly, err
}

// explained are the causes in a cell, by check.
func explained(causes map[string][]string) string {
	var list []string
	for _, check := range slices.Sorted(maps.Keys(causes)) {
		list = append(list, check+": "+cmp.Or(strings.Join(causes[check], ", "), "?"))
	}
	return cmp.Or(strings.Join(list, "; "), "-")
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
		line(r.what, r.service(), r.want, verdict, r.effect, r.t0, r.t1, r.ttr, r.costliest, r.truth, explained(r.causes), listed(r.advised), r.left, fmt.Sprint(r.tries), r.took.Round(time.Second).String())
	}
	_ = tw.Flush() // the reader may have gone
	for _, r := range rows {
		for _, why := range r.unknowns {
			fmt.Fprintf(w, "unknown: %s on %s: %s\n", r.what, r.service(), why)
		}
	}
}
