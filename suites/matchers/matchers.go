package matchers

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/onsi/gomega/format"
	"github.com/onsi/gomega/types"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/steadystate"
)

// BeHeld succeeds if the verdict is held: all limits are held and all proofs found.
func BeHeld() types.GomegaMatcher {
	return claim{"BeHeld", "to be held", func(r reports.Report) (reports.Report, steadystate.Verdict, error) {
		return r, r.Verdict, nil
	}}
}

// BeBroken succeeds if the verdict is broken or, with checks, if a limit of each of these
// checks is broken. It shows that an experiment finds a planted defect. Checks and
// expectations are named as in the report.
//
// Without the proof that the fault took effect the claim is unknown: a service that is
// broken anyway says nothing about the defect. A fault that the service's own
// configuration refused, such as an eviction, needs no such proof: the refusal is the
// defect. To prove that a defect shows only under the fault, run the experiment a second
// time without the defect: it must be held.
func BeBroken(checks ...string) types.GomegaMatcher {
	text := "to be broken"
	if len(checks) > 0 {
		text += " by " + quoted(checks)
	}
	return claim{"BeBroken", text, func(r reports.Report) (reports.Report, steadystate.Verdict, error) {
		var unproven []judge.Proof
		if !slices.ContainsFunc(r.Injections, func(i judge.InjectionResult) bool { return i.Refused != "" }) {
			unproven = slices.DeleteFunc(proofs(r, "effect"), func(p judge.Proof) bool { return p.Verdict == steadystate.Held })
		}
		shown := func(v steadystate.Verdict) steadystate.Verdict {
			if v = opposite(v); v == steadystate.Held && len(unproven) > 0 {
				return steadystate.Unknown
			}
			return v
		}
		if len(checks) == 0 {
			return r, shown(r.Verdict), nil
		}
		var about []judge.Finding
		var verdicts []steadystate.Verdict
		for _, name := range checks {
			list, err := findings(r, name)
			if err != nil {
				return r, steadystate.Unknown, err
			}
			about, verdicts = append(about, list...), append(verdicts, shown(worst(list)))
		}
		return part(r, about, unproven), steadystate.Worst(verdicts...), nil
	}}
}

// Meet succeeds if a check meets the limits, written as in an experiment: "downtime <= 2s",
// "p95 of good <= 500ms during hold". They need not be limits of the experiment. Without
// limits, all of the check's own must be held.
//
// Each limit is judged as it would be in the experiment. A limit that the figures meet is
// unknown all the same if the run proves nothing, for example because the fault had no
// effect, or if an outage was not over when the run ended.
func Meet(check string, limits ...string) types.GomegaMatcher {
	text := fmt.Sprintf("to meet the limits of %q", check)
	if len(limits) > 0 {
		text = fmt.Sprintf("to meet %s on %q", quoted(limits), check)
	}
	return claim{"Meet", text, func(r reports.Report) (reports.Report, steadystate.Verdict, error) {
		list, err := findings(r, check, limits...)
		if err != nil {
			return r, steadystate.Unknown, err
		}
		verdict := worst(list)
		if end, err := r.Finding(check, "good at the end"); err == nil && len(limits) > 0 {
			list = append(list, end)
		}
		if verdict == steadystate.Held && (len(r.Caveats) > 0 || worst(list) != steadystate.Held) {
			verdict = steadystate.Unknown
		}
		return part(r, list, slices.DeleteFunc(slices.Clone(r.Proofs), func(p judge.Proof) bool { return p.Verdict == steadystate.Held })), verdict, nil
	}}
}

// HaveProof succeeds if the report has the proof of this name: "injected", "effect",
// "exposed", "steady", "load held", "observed", "covered" or "undone". A missing proof is
// a plain mismatch, so that Not(HaveProof(...)) shows that a run lacks it.
func HaveProof(name string) types.GomegaMatcher {
	return claim{"HaveProof", fmt.Sprintf("to have the proof %q", name), func(r reports.Report) (reports.Report, steadystate.Verdict, error) {
		list := proofs(r, name)
		if len(list) == 0 {
			var names []string
			for _, p := range r.Proofs {
				names = append(names, p.Name)
			}
			return r, steadystate.Unknown, fmt.Errorf("no proof %q in the report; proofs: %s", name, quoted(names))
		}
		verdict := steadystate.Held
		if slices.ContainsFunc(list, func(p judge.Proof) bool { return p.Verdict != steadystate.Held }) {
			verdict = steadystate.Broken
		}
		return part(r, nil, list), verdict, nil
	}}
}

// LeaveNothingBehind succeeds if the record shows that every fault was undone. If the
// record ends before that, the claim is unknown.
func LeaveNothingBehind() types.GomegaMatcher {
	return claim{"LeaveNothingBehind", "to leave nothing behind", func(r reports.Report) (reports.Report, steadystate.Verdict, error) {
		list, verdict := proofs(r, "undone"), steadystate.Unknown
		switch {
		case len(r.LeftBehind) > 0:
			verdict = steadystate.Broken
		case len(list) > 0:
			verdict = list[0].Verdict
		}
		return part(r, nil, list), verdict, nil
	}}
}

// A claim about a report is true, false or unknown. Judge says which, and returns
// the part of the report that the claim is about; its error is a mistake in the
// claim.
type claim struct {
	name, text string
	judge      func(reports.Report) (about reports.Report, is steadystate.Verdict, err error)
}

// Match is an error if the claim is unknown, which fails its negation too.
func (c claim) Match(actual any) (bool, error) {
	about, is, err := c.of(actual)
	if err != nil {
		return false, err
	}
	if is == steadystate.Unknown {
		return false, errors.New(format.Message(about, c.text+", or not to: that is unknown"))
	}
	return is == steadystate.Held, nil
}

// FailureMessage shows the part of the report.
func (c claim) FailureMessage(actual any) string { return c.message(actual, c.text) }

// NegatedFailureMessage shows the part of the report.
func (c claim) NegatedFailureMessage(actual any) string { return c.message(actual, "not "+c.text) }

func (c claim) message(actual any, text string) string {
	about, _, err := c.of(actual)
	if err != nil {
		return err.Error()
	}
	return format.Message(about, text)
}

// of judges the claim by what a run returned.
func (c claim) of(actual any) (about reports.Report, is steadystate.Verdict, err error) {
	var report reports.Report
	switch r := actual.(type) {
	case reports.Report:
		report = r
	case *reports.Report:
		if r != nil {
			report = *r
		}
	case judge.Result:
		report.Result = r
	case *judge.Result:
		if r != nil {
			report.Result = *r
		}
	}
	if report.Experiment == "" {
		return report, steadystate.Unknown, fmt.Errorf("%s expects the report of a run, a reports.Report or a judge.Result, as runs.Directory.Run, runs.Judge and judge.Judge return them. Got:\n%s", c.name, format.Object(actual, 1))
	}
	if about, is, err = c.judge(report); err != nil {
		return report, steadystate.Unknown, fmt.Errorf("%s: %w", c.name, err)
	}
	return about, is, nil
}

// part is what the report says of some findings and proofs.
func part(r reports.Report, findings []judge.Finding, proofs []judge.Proof) reports.Report {
	r.Findings, r.Proofs = findings, proofs
	r.Checks, r.Injections, r.Traffic, r.Waterfalls, r.Scalings, r.Notes = nil, nil, nil, nil, nil, nil
	return r
}

// findings are those of a check or an expectation, for the limits or for all.
func findings(r reports.Report, check string, limits ...string) (list []judge.Finding, err error) {
	list = slices.DeleteFunc(slices.Clone(r.Findings), func(f judge.Finding) bool { return f.Check != check })
	if _, err := r.Check(check); err != nil && len(list) == 0 {
		return nil, err
	}
	if len(limits) == 0 {
		return list, nil
	}
	list = nil
	for _, limit := range limits {
		f, errOfOne := r.Finding(check, limit)
		list, err = append(list, f), errors.Join(err, errOfOne)
	}
	return list, err
}

// proofs are those of a name: there is one "load held" for each signal of a load.
func proofs(r reports.Report, name string) []judge.Proof {
	return slices.DeleteFunc(slices.Clone(r.Proofs), func(p judge.Proof) bool { return p.Name != name })
}

// worst is the worst verdict of findings.
func worst(list []judge.Finding) steadystate.Verdict {
	var verdicts []steadystate.Verdict
	for _, f := range list {
		verdicts = append(verdicts, f.Verdict)
	}
	return steadystate.Worst(verdicts...)
}

// opposite is the verdict of the claim that another is false.
func opposite(v steadystate.Verdict) steadystate.Verdict {
	switch v {
	case steadystate.Held:
		return steadystate.Broken
	case steadystate.Broken:
		return steadystate.Held
	}
	return steadystate.Unknown
}

func quoted(list []string) string {
	var texts []string
	for _, text := range list {
		texts = append(texts, fmt.Sprintf("%q", text))
	}
	return strings.Join(texts, ", ")
}
