package cause

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/redact"
)

// ofScalers are the causes of the broken limits of autoscalers.
func ofScalers(r judge.Result) (list []Cause) {
	for _, f := range r.Findings {
		subject := subjectOf(r, f.Check)
		if f.Verdict != steadystate.Broken || subject == "" {
			continue
		}
		c := Cause{Check: f.Check, Outage: NoOutage, Limit: f.Limit}
		c.Rule, c.Why, c.Quote = ofScaler(r, f, subject)
		list = append(list, c)
	}
	return list
}

// subjectOf is the autoscaler that an expectation is about; empty: it is about none, or
// the record does not say which.
func subjectOf(r judge.Result, expectation string) string {
	if _, err := r.Check(expectation); err == nil {
		return ""
	}
	for _, f := range r.Findings {
		if f.Check == expectation && strings.HasPrefix(f.Signal, "hpa/") {
			return f.Signal
		}
	}
	return ""
}

// ofScaler is what a broken limit of an autoscaler is consistent with, in its own words.
func ofScaler(r judge.Result, f judge.Finding, subject string) (rule, why string, quote *Quote) {
	spec, ok := scaler(r, subject)
	if !ok {
		return "", "", nil
	}
	limited, blind := said(r, subject, r.Window)
	slow := f.Wanted != nil && slices.Contains([]string{"decision", "actuation", "ready", "relieved"}, f.Wanted.Quantity)
	switch {
	case f.Wanted != nil && f.Wanted.Quantity == "turns":
		if spec.window() == 0 {
			return NoWindow, "consistent with: its scale-down has no stabilization window: it takes pods away as soon as one look finds them idle", nil
		}
	case blind.Reason != "" && (slow || f.Limit == "scales out" || f.Limit == "able to scale" || f.Limit == "sizes as its metrics ask"):
		return NoMetric, "consistent with: it had no metric to scale by: " + blind.String(), blind.quote(subject)
	case f.Limit == "not held back by its max", limited.Reason != "" && f.Wanted != nil && f.Wanted.Quantity == "relieved":
		why = fmt.Sprintf("consistent with: the load needs more than its max of %d pods", spec.Max)
		if limited.Reason != "" {
			why, quote = why+": "+limited.String(), limited.quote(subject)
		}
		return AtMax, why, quote
	}
	return "", "", nil
}

// said is what an autoscaler said in a span of its max, and of a metric that it did not
// have.
func said(r judge.Result, subject string, span steadystate.Span) (limited, blind condition) {
	for _, e := range r.Events {
		var s hpaStatus
		if text := e.Attrs[record.AttrStatus]; e.Subject != subject || !e.Overlaps(span) || text == "" || json.Unmarshal([]byte(text), &s) != nil {
			continue
		}
		if c := s.of("ScalingLimited", "True"); c.Reason == "TooManyReplicas" {
			limited = c
		}
		if c := s.of("ScalingActive", "False"); c.Reason != "" && c.Reason != "ScalingDisabled" {
			blind = c
		}
	}
	return limited, blind
}

// limitedScaler is the autoscaler of the workload that was held back by its max while the
// load was raised; empty: none was.
func limitedScaler(r judge.Result, c Cause) string {
	seen := map[string]bool{}
	for _, e := range r.Events {
		if seen[e.Subject] || !strings.HasPrefix(e.Subject, "hpa/") {
			continue
		}
		seen[e.Subject] = true
		if spec, ok := scaler(r, e.Subject); ok && r.Workload != nil && spec.Target.Kind != "" && !spec.scales(r.Workload, e.Subject) {
			continue
		}
		for _, i := range r.Injections {
			if raises(i) <= 1 || !heldFor(r, i).Overlaps(timeOf(r, c)) {
				continue
			}
			if limited, _ := said(r, e.Subject, heldFor(r, i)); limited.Reason != "" {
				return e.Subject
			}
		}
	}
	return ""
}

// longest is how much of what others wrote is quoted, in bytes.
const longest = 200

// brief is what others wrote, as much as is read.
func brief(text string) string { return redact.Excerpt(text, longest) }

// quoted is a text in quotation marks.
func quoted(text string) string { return `"` + text + `"` }

// hpaSpec and hpaStatus are what is read of an autoscaler.
type hpaSpec struct {
	Min      *int                        `json:"minReplicas"`
	Max      int                         `json:"maxReplicas"`
	Target   struct{ Kind, Name string } `json:"scaleTargetRef"`
	Behavior *struct {
		ScaleDown *struct {
			Window *int `json:"stabilizationWindowSeconds"`
		} `json:"scaleDown"`
	} `json:"behavior"`
}

// scales reports whether an autoscaler scales a workload.
func (s hpaSpec) scales(w *record.Workload, subject string) bool {
	kind, rest, _ := strings.Cut(w.Subject, "/")
	namespace, name, _ := strings.Cut(rest, "/")
	return strings.HasPrefix(subject, "hpa/"+namespace+"/") && strings.EqualFold(s.Target.Kind, kind) && s.Target.Name == name
}

// min is the least number of pods that an autoscaler leaves.
func (s hpaSpec) min() int {
	if s.Min == nil {
		return 1
	}
	return *s.Min
}

// window is the stabilization window of a scale-down; -1: it is not said.
func (s hpaSpec) window() int {
	if s.Behavior == nil || s.Behavior.ScaleDown == nil || s.Behavior.ScaleDown.Window == nil {
		return -1
	}
	return *s.Behavior.ScaleDown.Window
}

type hpaStatus struct {
	Conditions []condition `json:"conditions"`
}

type condition struct{ Type, Status, Reason, Message string }

// of is the condition of a type, if it has that status.
func (s hpaStatus) of(of, status string) condition {
	for _, c := range s.Conditions {
		if c.Type == of && c.Status == status {
			return c
		}
	}
	return condition{}
}

// String quotes a condition.
func (c condition) String() string {
	if c.Message == "" {
		return c.Reason
	}
	return c.Reason + ": " + quoted(brief(c.Message))
}

// quote is a condition of an autoscaler as it is quoted.
func (c condition) quote(subject string) *Quote {
	return &Quote{Subject: subject, Reason: c.Reason, Message: brief(c.Message)}
}

// scaler is the last spec that was recorded of an autoscaler.
func scaler(r judge.Result, subject string) (spec hpaSpec, ok bool) {
	for _, e := range r.Events {
		if text := e.Attrs[record.AttrSpec]; e.Subject == subject && text != "" {
			spec = hpaSpec{}
			ok = json.Unmarshal([]byte(text), &spec) == nil
		}
	}
	return spec, ok
}
