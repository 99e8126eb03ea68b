package judge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/aftershockhq/aftershock/steadystate"
)

// Check is the result of the check of that name. The error lists the checks that
// there are.
func (r Result) Check(name string) (CheckResult, error) {
	i := slices.IndexFunc(r.Checks, func(c CheckResult) bool { return c.Check == name })
	if i < 0 {
		return CheckResult{}, fmt.Errorf("no check %q; checks: %s", name, choices(r.Checks, func(c CheckResult) string { return c.Check }))
	}
	return r.Checks[i], nil
}

// Finding is the finding of a limit on a check or an expectation. A limit on a
// check need not be one of the experiment's: any other is judged by the same
// record, as the experiment's own are. It is then not among the Findings and is
// no part of the verdict: ask for Caveats and for "good at the end" too.
//
// The error says what is wrong with the limit, and lists the choices. A result
// that was read from JSON has only the findings in it.
func (r Result) Finding(check, limit string) (Finding, error) {
	l, invalid := steadystate.ParseLimit(limit)
	if invalid == nil {
		limit = l.String()
	}
	of := r.findingsOf(check)
	if i := slices.IndexFunc(of, func(f Finding) bool { return f.Limit == limit }); i >= 0 {
		return of[i], nil
	}
	limits := choices(of, func(f Finding) string { return f.Limit })
	c, err := r.Check(check)
	switch {
	case err != nil && len(of) == 0:
		return Finding{}, err
	case err != nil: // an expectation: its evaluator alone can judge it
		return Finding{}, fmt.Errorf("no limit %q on %q; limits: %s", limit, check, limits)
	case invalid != nil:
		return Finding{}, fmt.Errorf("check %q: %w; limits in the report: %s", check, invalid, limits)
	case c.during == nil:
		return Finding{}, fmt.Errorf("check %q: no finding of the limit %q, and a result read from JSON cannot be asked for another: judge its record; limits: %s", check, limit, limits)
	}
	if err := cmp.Or(l.Fits(c.Tolerance), l.Counts(c.kind)); err != nil {
		return Finding{}, fmt.Errorf("check %q: %w", check, err)
	}
	f := r.finding(c, l)
	if slices.ContainsFunc(r.Proofs, func(p Proof) bool { return p.Name == proofLoad && p.Verdict != steadystate.Held }) {
		f.taint()
	}
	return f, nil
}

// findingsOf are the findings of a check or an expectation.
func (r Result) findingsOf(name string) []Finding {
	return slices.DeleteFunc(slices.Clone(r.Findings), func(f Finding) bool { return f.Check != name })
}

// choices lists names for an error, each once.
func choices[T any](list []T, name func(T) string) string {
	var names []string
	for _, v := range list {
		if quoted := fmt.Sprintf("%q", name(v)); !slices.Contains(names, quoted) {
			names = append(names, quoted)
		}
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
