package autoscaling

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// Kind is the kind of expectation that this package judges.
const Kind = "autoscaler"

// Expect is the expectation on a horizontal autoscaler, with limits in the form
// of [ParseLimit]. The experiment validates the limits before it begins.
func Expect(name, namespace, autoscaler string, limits ...string) record.Expectation {
	return record.Expectation{Name: name, Kind: Kind, Subject: "hpa/" + namespace + "/" + autoscaler, Limits: limits, ChangesPods: true}
}

// An Evaluator judges expectations on autoscalers. It has no state.
type Evaluator struct{}

var _ judge.Evaluator = Evaluator{}

// Kind is "autoscaler".
func (Evaluator) Kind() string { return Kind }

// Key is that of the limit.
func (Evaluator) Key(limit string) string {
	l, err := ParseLimit(limit)
	if err != nil {
		return limit
	}
	return l.Key()
}

// Validate reports a subject that is not an autoscaler, and limits that cannot
// be parsed.
func (Evaluator) Validate(x record.Expectation) error {
	var errs []error
	if parts := strings.Split(x.Subject, "/"); len(parts) != 3 || parts[0] != "hpa" || parts[1] == "" || parts[2] == "" {
		errs = append(errs, fmt.Errorf("subject %q: want hpa/NAMESPACE/NAME", x.Subject))
	}
	_, err := parse(x.Limits)
	return errors.Join(append(errs, err)...)
}

func parse(texts []string) ([]Limit, error) {
	var list []Limit
	var errs []error
	for _, text := range texts {
		l, err := ParseLimit(text)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		list = append(list, l)
	}
	return list, errors.Join(errs...)
}

// Evaluate compares the observations of the autoscaler with its own spec and
// with the limits.
func (Evaluator) Evaluate(x record.Expectation, r judge.Result) []judge.Finding {
	limits, err := parse(x.Limits)
	if err != nil {
		return []judge.Finding{{Limit: "limits", Reading: unknown("not judged", err.Error())}}
	}
	h, reason := newHistory(x.Subject, r)
	if reason == "" && h.gone != nil {
		reason = fmt.Sprintf("it was deleted at %s", h.gone)
	}
	v := verdicts{history: &h, limits: limits}
	if reason == "" {
		v.stages = h.decompose()
	}
	return v.all(reason)
}

// verdicts are the findings on one autoscaler in the making.
type verdicts struct {
	*history
	limits []Limit
	stages Decomposition
}

func unknown(text, why string) steadystate.Reading {
	return steadystate.Reading{Text: text, Undecided: why}
}

func held(text string) steadystate.Reading {
	return steadystate.Reading{Verdict: steadystate.Held, Text: text}
}

func broken(text string) steadystate.Reading {
	return steadystate.Reading{Verdict: steadystate.Broken, Text: text}
}

// has reports whether the user limits a quantity.
func (v verdicts) has(quantity string) bool {
	return slices.ContainsFunc(v.limits, func(l Limit) bool { return l.Quantity == quantity && !l.Tolerance.Holds(math.MaxFloat64) })
}

// stays reports whether a limit of the user caps the size at n.
func (v verdicts) stays(n int) bool {
	return slices.ContainsFunc(v.limits, func(l Limit) bool {
		return l.Quantity == Replicas && !l.Tolerance.Holds(float64(n+1)) && l.Tolerance.Holds(float64(n))
	})
}

// all are the findings. They are the same for every run of a plan; those of an
// autoscaler that was not watched are unknown, and missing says why.
func (v verdicts) all(missing string) []judge.Finding {
	var list []judge.Finding
	judged := func(f judge.Finding, read func() steadystate.Reading) {
		if missing != "" {
			f.Reading = unknown("not judged", missing)
		} else if f.Reading = read(); f.Verdict != steadystate.Held {
			f.Where = fmt.Sprintf("%s: %s replicas", v.subject, v.trajectory())
		}
		list = append(list, f)
	}
	add := func(rule string, read func() steadystate.Reading) { judged(judge.Finding{Limit: rule}, read) }
	add("scales out", v.scaledOut)
	add("within min and max", v.ranged)
	add("steps within its policies", v.stepped)
	add("no step down inside its stabilization window", v.stabilized)
	add("sizes as its metrics ask", v.followed)
	add("not held back by its max", v.unlimited)
	add("able to scale", v.able)
	limits := v.limits
	if !v.has(Turns) {
		// Up and then down.
		limits = append([]Limit{{Quantity: Turns, Tolerance: steadystate.AtMost(1)}}, limits...)
	}
	if !v.has(Back) {
		add("back at the old size", v.returned)
	}
	for _, l := range limits {
		judged(judge.Finding{Limit: l.String(), Subject: l.subject(), Wanted: judge.NewWanted(l.Quantity, l.Tolerance, l.dimension())}, func() steadystate.Reading {
			switch l.Quantity {
			case Turns:
				return v.directionChanges(l)
			case Replicas:
				return v.reached(l)
			}
			return v.took(l)
		})
	}
	return list
}

// took judges a limit on the time of a stage.
func (v verdicts) took(l Limit) steadystate.Reading {
	p := v.stages.Step(l.Quantity)
	b := p.Took
	if b != nil && l.SinceFault {
		b = new(v.sinceFault(p))
	}
	if b == nil {
		return unknown("no time", p.Note)
	}
	seen, text := steadystate.Seconds(*b), steadystate.FormatLengths(*b)
	if p.Open {
		seen.High, text = math.Inf(1), "at least "+steadystate.FormatSeconds(seen.Low)+", "+p.Note
	}
	r := l.judge(seen, text)
	if p.Open && r.Verdict == steadystate.Unknown {
		r.Undecided = "it was not over when the fault or the record was: hold, or watch, for longer"
	}
	return r
}

// sinceFault is the time of a step counted from the fault.
func (v verdicts) sinceFault(p judge.Step) steadystate.Bounds[time.Duration] {
	if p.Reached != nil {
		return p.Reached.Since(v.t0)
	}
	since := v.stages.Step(p.Since).Reached
	if since == nil {
		since = &v.overdue.start
	}
	return since.Since(v.t0).Plus(*p.Took)
}

// reached judges a limit on the largest size.
func (v verdicts) reached(l Limit) steadystate.Reading {
	if len(v.sizes) == 0 {
		return unknown("no size", v.target+" was not followed: whether what was wanted was ever ready is not known")
	}
	n := 0
	for _, s := range v.during(steadystate.Span{From: v.t0.To, To: v.end}) {
		n = max(n, s.ready)
	}
	gap := ""
	if overlap(v.sizeGaps, steadystate.Span{From: v.t0.From, To: v.end}) {
		gap = "for a time nothing was seen of " + v.target
	}
	return v.count(l, n, fmt.Sprintf("%d ready", n), gap)
}

// count judges a limit on a number, which was larger if it grew in a gap.
func (v verdicts) count(l Limit, n int, text, gap string) steadystate.Reading {
	seen := steadystate.Exactly(float64(n))
	if gap != "" {
		seen.High = math.Inf(1)
	}
	r := l.judge(seen, text)
	more := l.Tolerance.Floor() || l.Tolerance.Bound() == "==" && float64(n) < l.Tolerance.Value() // would be better
	switch {
	case r.Verdict == steadystate.Unknown:
		r.Undecided = gap
	case !v.whole && (r.Verdict == steadystate.Held) != more:
		r.Verdict, r.Undecided = steadystate.Unknown, "the run did not come to its end, which could have made it more"
	}
	return r
}

// directionChanges judges a limit on direction changes.
func (v verdicts) directionChanges(l Limit) steadystate.Reading {
	n, up := 0, false
	list := v.steps()
	for i, s := range list {
		if i > 0 && (s.desired > s.from) != up {
			n++
		}
		up = s.desired > s.from
	}
	r := v.count(l, n, fmt.Sprintf("%d in %s, %s", n, steps(len(list)), v.trajectory()), v.unseen())
	if r.Verdict == steadystate.Broken && !l.Tolerance.Floor() {
		r.Text += ": it flaps"
	}
	return r
}

func steps(n int) string {
	if n == 1 {
		return "1 step"
	}
	return fmt.Sprintf("%d steps", n)
}
