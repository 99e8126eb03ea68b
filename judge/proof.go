package judge

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// prove collects the proofs that the verdict rests on.
func (j *judge) prove() {
	if len(j.plan.Faults)+len(j.Injections) > 0 {
		j.proof(ProofInjected, j.injected)
		j.proof("effect", j.effect)
		j.proof("exposed", j.exposed)
	}
	j.proof("steady", j.steady)
	signals := map[string]bool{}
	for signal := range j.plan.Stages {
		signals[signal] = true
	}
	for signal := range j.Traffic {
		signals[signal] = true
	}
	if hasLoad(j.plan) && len(signals) == 0 {
		signals[record.TrafficSignal] = true // none was sent
	}
	for _, signal := range slices.Sorted(maps.Keys(signals)) {
		held := j.proof(proofLoad, func() (string, lack) { return j.loadHeld(signal) })
		j.Proofs[len(j.Proofs)-1].Signal = signal
		if !held {
			j.taint()
		}
	}
	j.proof("observed", j.observed)
	j.proof("covered", j.covered)
	j.proof(ProofUndone, j.undone)
}

// A lack is why a proof is missing; zero: it is not.
type lack struct {
	reason lackReason
	text   string
}

// A lackReason sets apart proofs that are missing only because of what is said elsewhere.
type lackReason int

const (
	ofItsOwn     lackReason = iota
	noFault                 // no fault was injected
	neverFaulted            // the run never came to its fault
)

const (
	noFaultText      = "no fault was injected"
	neverFaultedText = "the run never came to its fault"
)

// lacks is a lack with a reason of its own.
func lacks(format string, args ...any) lack { return lack{text: fmt.Sprintf(format, args...)} }

// proof adds a proof by what was seen, unless something is missing.
func (j *judge) proof(name string, of func() (seen string, missing lack)) (held bool) {
	seen, missing := of()
	p := Proof{Name: name, Text: cmp.Or(missing.text, seen)}
	if held = seen != "" && missing.text == ""; held {
		p.Verdict = steadystate.Held
	}
	j.Proofs = append(j.Proofs, p)
	j.lacks = append(j.lacks, missing.reason)
	return held
}

// taint turns all findings to unknown: the machine of the load failed, and any
// signal may show only that.
func (j *judge) taint() {
	for i := range j.Findings {
		j.Findings[i].taint()
	}
}

func (f *Finding) taint() {
	f.Verdict, f.Undecided = steadystate.Unknown, "the load was not driven as asked, so what was seen may be the load's doing"
}

// refused adds a finding for each fault that the service's own configuration
// forbids. It does not depend on the load or on anything observed.
func (j *judge) refused() {
	for _, i := range j.Injections {
		if i.Refused != "" {
			j.Findings = append(j.Findings, Finding{
				Check: i.Fault, Limit: i.Refused, OfRun: true,
				Reading: steadystate.Reading{Verdict: steadystate.Broken, Text: i.FailureReason},
			})
		}
	}
}

// aborted is the finding of a run whose abort condition was met: a limit of the
// file's on how far an experiment may go. The event proves it, which is written
// when an observation shows it: a run that was killed while it undid its faults
// has nothing else to say so.
func (j *judge) aborted() {
	var seen []string
	if j.End.Reason == record.Aborted {
		seen = append(seen, j.End.Detail)
	} else {
		for _, e := range j.Events {
			if e.Kind == record.EventAborting {
				seen = append(seen, e.Attrs[record.AttrReason])
			}
		}
	}
	if len(seen) == 0 {
		return
	}
	if j.End.Reason == "" {
		seen = append(seen, "the run was killed before its end")
	}
	j.Findings = append(j.Findings, Finding{
		Check: "run", Limit: NotAborted, OfRun: true,
		Reading: steadystate.Reading{Verdict: steadystate.Broken, Text: strings.Join(seen, "; ")},
	})
}

func (j *judge) injected() (seen string, missing lack) {
	var done []string
	which := map[int]bool{}
	for _, i := range j.Injections {
		if i.FailureReason != "" {
			return "", lacks("%s: %s", i.Fault, i.FailureReason)
		}
		if len(i.Targets) == 0 {
			return "", lacks("%s: no target", i.Fault)
		}
		names := []string{}
		for _, t := range i.Targets {
			names = append(names, t.Name)
		}
		which[i.Index] = true
		done = append(done, fmt.Sprintf("%s: into %s, T0 %s", i.Fault, strings.Join(names, ", "), i.Span))
	}
	for index := range j.plan.Faults {
		if !which[index] {
			return "", lacks("%d of %d faults were injected", len(which), len(j.plan.Faults))
		}
	}
	return strings.Join(done, "; "), lack{}
}

// isOf reports whether the event is of the target: by its UID, or by its name if
// there is none.
func isOf(e record.Event, t record.Target) bool {
	if t.UID == "" {
		return e.Subject == t.Name || strings.HasSuffix(e.Subject, "/"+t.Name)
	}
	return e.UID == t.UID
}

// isOfLoad reports whether a target is a signal of the load, whose rate the
// fault changes.
func isOfLoad(i record.Injection, t record.Target) bool {
	return slices.ContainsFunc(i.Effects, func(e record.Effect) bool { return e.Times > 0 && e.Signal == t.Name })
}

// noCheck is what a proof of all checks says of a plan without one.
const noCheck = "there is no check"

func (j *judge) observed() (seen string, missing lack) {
	var counts []string
	enough := true
	for _, c := range j.Checks {
		text := fmt.Sprintf("%s: %d", c.Check, c.Observed())
		if c.Unknown > 0 {
			text += fmt.Sprintf(" and %d unknown", c.Unknown)
		}
		if c.Observed() < steadystate.MinObservations {
			enough = false
			if why := c.WhyUnknown(); why != "" {
				text += " (" + why + ")"
			}
		}
		counts = append(counts, text)
	}
	text := cmp.Or(strings.Join(counts, ", "), noCheck)
	if !enough {
		return "", lacks("%s; wanted at least %d each", text, steadystate.MinObservations)
	}
	return text, lack{}
}

// MostUnseen is the share of the time after the fault that may pass unobserved
// in one piece.
const MostUnseen = 0.25

// covered: the observations of each check cover what its limits judge, without a
// hole in which much could have happened. Limits on phases leave the others out;
// the end is a finding of its own.
func (j *judge) covered() (seen string, missing lack) {
	switch _, injected := j.windowStart(); {
	case len(j.Checks) == 0:
	case !injected:
		return "", lack{neverFaulted, neverFaultedText}
	case j.Window.Width() == 0:
		return "", lacks("nothing was recorded after the fault")
	}
	var covered, uncovered []string
	for i, c := range j.Checks {
		whole, unknown := c.Window.Width(), []string{}
		holed := whole > 0 && float64(c.Resolution) > MostUnseen*float64(whole)
		for _, part := range c.judged(j.checks[i].Limits) {
			text := "unknown " + part.UnknownTime.Round(time.Millisecond).String()
			if width := part.Window.Width(); width != whole {
				text += " of " + width.Round(time.Millisecond).String()
			}
			unknown = append(unknown, text)
			holed = holed || part.UnknownTime > part.Window.Width()/20 || part.Unknown > part.Observed()/4
		}
		text := fmt.Sprintf("%s: resolution %s, %s", c.Check, c.Resolution.Round(time.Millisecond), strings.Join(unknown, ", "))
		if !holed {
			covered = append(covered, text)
			continue
		}
		if why := c.WhyUnknown(); why != "" {
			text += " (" + why + ")"
		}
		uncovered = append(uncovered, text)
	}
	window := fmt.Sprintf("of a window of %s: ", j.Window.Width().Round(time.Millisecond))
	switch {
	case len(uncovered) == 0:
		return window + strings.Join(covered, "; "), lack{}
	case len(covered) > 0: // what is missing comes first, and what is not has no room on a screen
		uncovered = append(uncovered, fmt.Sprintf("%d of %d checks are covered", len(covered), len(j.Checks)))
	}
	return "", lack{text: window + strings.Join(uncovered, "; ")}
}

// judged are the figures that the limits are on: those of phases, each once, if all
// limits name one, or else those of the window.
func (c CheckResult) judged(limits []steadystate.Limit) (parts []steadystate.Figures) {
	var phases []string
	for _, l := range limits {
		if l.Phase == "" {
			return []steadystate.Figures{c.Figures}
		}
		if !slices.Contains(phases, l.Phase) {
			phases = append(phases, l.Phase)
			parts = append(parts, c.during[l.Phase])
		}
	}
	if len(parts) == 0 {
		return []steadystate.Figures{c.Figures}
	}
	return parts
}

func (j *judge) undone() (seen string, missing lack) {
	if len(j.LeftBehind) > 0 {
		var left []string
		for _, l := range j.LeftBehind {
			left = append(left, l.String())
		}
		return "", lacks("may still be in place: %s", strings.Join(left, "; "))
	}
	for _, i := range j.Injections {
		if i.Removed == nil {
			return "", lacks("%s: the record does not show that it was undone", i.Fault)
		}
	}
	if j.End.Reason == "" {
		// A fault that was being injected when the record was cut has no entry.
		for index, f := range j.plan.Faults {
			if !slices.ContainsFunc(j.removals, func(r record.Removal) bool { return r.Index == index }) {
				return "", lacks("%s: the record ends before it shows that it was undone", f.Fault)
			}
		}
	}
	return "every fault is gone", lack{}
}

// verdict combines findings and proofs.
func (j *judge) verdict() {
	_, injected := j.windowStart()
	var verdicts []steadystate.Verdict
	var broken, unknown []string
	for _, f := range j.Findings {
		verdicts = append(verdicts, f.Verdict)
		switch f.Verdict {
		case steadystate.Broken:
			broken = append(broken, fmt.Sprintf("%s: wanted %s, seen %s", f.Check, f.Limit, f.Text))
		case steadystate.Unknown:
			if !injected {
				continue // said once, of all
			}
			unknown = append(unknown, fmt.Sprintf("%s: %s: %s", f.Check, f.Limit, cmp.Or(f.Undecided, f.Text)))
		}
	}
	var unproven []string
	missing := map[string]bool{}
	for i, p := range j.Proofs {
		verdicts = append(verdicts, p.Verdict)
		if p.Verdict == steadystate.Held {
			continue
		}
		missing[p.Name] = true
		// What the run's end says, and that no fault was injected, is said once.
		if slices.Contains(saidByEnd[j.End.Reason], p.Name) ||
			missing[ProofInjected] && j.lacks[i] == noFault || !injected && p.Name == "observed" || j.lacks[i] == neverFaulted {
			continue
		}
		unproven = append(unproven, fmt.Sprintf("no proof that %s: %s", sentence[p.Name], p.Text))
	}
	// The run's end and missing proofs come first: they are why the
	// findings are unknown.
	switch {
	case j.End.Reason == "":
		j.End.Reason = "cut"
		j.Caveats = append(j.Caveats, "the record ends before the run did")
	case j.End.Reason != record.Completed:
		j.Caveats = append(j.Caveats, strings.TrimSuffix(j.End.Reason+": "+j.End.Detail, ": "))
	}
	j.Caveats = append(j.Caveats, unproven...)
	if !injected {
		j.Caveats = append(j.Caveats, "no limit was judged: "+neverFaultedText)
	}
	unknown = append(slices.Clone(j.Caveats), unknown...)
	j.Verdict = steadystate.Worst(verdicts...)
	if len(j.Caveats) > 0 && j.Verdict != steadystate.Broken {
		j.Verdict = steadystate.Unknown
	}
	switch j.Verdict {
	case steadystate.Broken:
		j.Reason = strings.Join(broken, "; ")
		if len(j.Caveats) > 0 {
			j.Reason += "; besides: " + strings.Join(j.Caveats, "; ")
		}
	case steadystate.Unknown:
		j.Reason = unknown[0]
		if more := len(unknown) - 1; more > 0 {
			j.Reason += fmt.Sprintf(" (and %d more below)", more)
		}
	default:
		j.Reason = fmt.Sprintf("%d limits held and all %d proofs are there", len(j.Findings), len(j.Proofs))
	}
}

// The names of proofs and of a finding that reports show in places of their own.
const (
	ProofInjected = "injected"
	ProofUndone   = "undone"
	NotAborted    = "not aborted"
)

const proofLoad = "load held"

// saidByEnd lists the proofs whose absence the reason of a run's end explains.
var saidByEnd = map[string][]string{
	record.NotSteady:   {"steady", ProofInjected},
	record.NotInjected: {ProofInjected},
}

// sentence completes "no proof that ..." for a proof's name.
var sentence = map[string]string{
	ProofInjected: "every fault was injected",
	"effect":      "the fault took effect",
	"steady":      "the service was steady before the fault",
	"exposed":     "the targets took traffic",
	proofLoad:     "the load was driven as asked",
	"observed":    "every check was observed",
	"covered":     "the data covers the window",
	ProofUndone:   "every fault is gone",
}
