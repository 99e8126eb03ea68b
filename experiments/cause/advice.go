package cause

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// An Advice is something to mend, or a question that the cluster and the record
// cannot answer: whether code times out, retries, or ends as it should.
type Advice struct {
	Question bool
	What     string
	// Fits is why it fits what was seen.
	Fits string
	// Checked is the fact of the cluster, or of the record, that was looked at.
	Checked string
	// Prove is the experiment of the catalogue that would prove the mend.
	Prove string
}

// Name is "Ask" for a question, and "Mend" for what is recommended.
func (a Advice) Name() string {
	if a.Question {
		return "Ask"
	}
	return "Mend"
}

// String is the advice, with what was checked, and what would prove it.
func (a Advice) String() string {
	text := a.What
	if a.Checked != "" {
		text += " (" + a.Checked + ")"
	}
	if a.Prove != "" {
		text += "; " + a.Prove + " proves it"
	}
	return text
}

// Advise is what to do about the limits that a run broke, each once. It needs the
// workload's description: a record without one has only questions.
func Advise(r judge.Result, causes []Cause) []Advice {
	var list []Advice
	add := func(a Advice, ok bool) {
		if ok && !slices.ContainsFunc(list, func(o Advice) bool { return o.What == a.What }) {
			list = append(list, a)
		}
	}
	for _, f := range r.Findings {
		if f.Verdict != steadystate.Broken {
			continue
		}
		a, ok := ofAutoscaler(r, f)
		add(a, ok)
		for _, c := range causes {
			if c.Check == f.Check && c.Rule != "" {
				a, ok := advise(r, c)
				a.Fits = c.Why
				add(a, ok)
			}
		}
	}
	// What to mend comes first.
	slices.SortStableFunc(list, func(a, b Advice) int { return strings.Compare(b.Name(), a.Name()) })
	return list
}

func advise(r judge.Result, c Cause) (Advice, bool) {
	w := r.Workload
	switch c.Rule {
	case KilledForMemory:
		return Advice{Question: true, What: "does it keep memory that it needs no more, or is its limit too low?", Checked: limits(w, "memory"), Prove: "capacity/sustained"}, true
	case Faulted:
		return ofFault(r)
	case Lingered, CutOff:
		return Advice{Question: true, What: "do its clients try again at another pod when a connection is refused, reset or silent (retry)?", Prove: "pods/kill-one"}, true
	case ReplacedWithout:
		return Advice{Question: true, What: "is what it must keep on a volume that its new pods get?", Prove: "pods/kill-one"}, true
	case Restarted:
		if probe := probes(w, func(c record.Container) string { return c.Liveness }); probe != "" {
			return Advice{Question: true, What: "does the liveness probe need what the fault took away?", Checked: "livenessProbe of " + probe}, true
		}
		return Advice{}, false
	}
	if w == nil {
		return Advice{}, false
	}
	name := named(w.Subject)
	switch c.Rule {
	case NoneLeft:
		switch n, err := strconv.Atoi(w.MaxUnavailable); {
		case w.Replicas == 1 && !strings.HasPrefix(w.Subject, "daemonset/"):
			return Advice{What: "run " + name + " with more than one replica", Checked: "spec.replicas is 1", Prove: "pods/kill-one"}, true
		case w.Strategy == "Recreate" && rolls(r):
			return Advice{What: "roll " + name + " out by RollingUpdate", Checked: "spec.strategy.type is Recreate", Prove: "rollout/bad-image"}, true
		case rolls(r) && (w.MaxUnavailable == "100%" || err == nil && n >= w.Replicas):
			return Advice{What: "lower the maxUnavailable of " + name, Checked: fmt.Sprintf("maxUnavailable is %s of %d pods", w.MaxUnavailable, w.Replicas), Prove: "rollout/restart"}, true
		}
	case ReadyTooEarly:
		prove := "pods/kill-one"
		if len(r.Injections) > 0 && slices.ContainsFunc(r.Injections[0].Effects, func(e record.Effect) bool { return e.Event == record.EventRestarted }) {
			prove = "pods/container-kill"
		}
		if probe := probes(w, func(c record.Container) string { return c.Readiness }); probe != "" {
			return Advice{Question: true, What: "is the readiness probe good before requests can be answered?", Checked: "readinessProbe of " + probe, Prove: prove}, true
		}
		return Advice{What: "give " + name + " a readiness probe", Checked: "no container has a readinessProbe", Prove: prove}, true
	case Ended:
		prove := "pods/evict"
		if rolls(r) {
			prove = "rollout/restart"
		}
		if slices.ContainsFunc(w.Containers, func(c record.Container) bool { return c.PreStop }) {
			return Advice{Question: true, What: "does it finish the requests under way when it is asked to end, and is its grace long enough?", Checked: fmt.Sprintf("a preStop hook is there, terminationGracePeriodSeconds is %d", w.GraceSeconds), Prove: prove}, true
		}
		return Advice{What: "have the pods of " + name + " serve until no more requests come: a preStop hook that waits some seconds, then finish those under way", Checked: fmt.Sprintf("no container has a preStop hook, terminationGracePeriodSeconds is %d", w.GraceSeconds), Prove: prove}, true
	}
	return Advice{}, false
}

// rolls reports whether a fault of the run was a rollout.
func rolls(r judge.Result) bool {
	return slices.ContainsFunc(r.Injections, isRollout)
}

// ofFault asks of what only code can tell, by the kind of fault.
func ofFault(r judge.Result) (Advice, bool) {
	if len(r.Injections) != 1 {
		return Advice{}, false
	}
	text := r.Injections[0].Fault
	verb, _, _ := strings.Cut(text, " ")
	switch {
	case strings.HasPrefix(text, "keep ") && strings.Contains(text, "CPU"):
		return Advice{Question: true, What: "is the CPU limit enough for the load and what runs beside it?", Checked: limits(r.Workload, "cpu"), Prove: "stress/cpu-one"}, true
	case slices.Contains([]string{"delay", "drop", "lose", "partition", "corrupt", "duplicate", "cut", "limit"}, verb):
		return Advice{Question: true, What: "does it give up on what does not answer (timeout), try again (retry), and stop asking for a while (circuit breaker)?"}, true
	}
	return Advice{}, false
}

// ofAutoscaler is what to mend of an autoscaler of which a rule or a limit is broken.
func ofAutoscaler(r judge.Result, f judge.Finding) (Advice, bool) {
	for _, e := range slices.Backward(r.Events) {
		if !strings.HasPrefix(e.Subject, "hpa/") || e.From > r.Window.To {
			continue
		}
		spec, status, ok := scaler(r, e.Subject)
		if !ok {
			return Advice{}, false
		}
		name := "autoscaler " + nameOf(e.Subject)
		switch {
		case f.Limit == "not held back by its max":
			return Advice{What: "raise the maxReplicas of " + name, Fits: f.Text, Checked: fmt.Sprintf("spec.maxReplicas is %d", spec.Max), Prove: "autoscaling/surge"}, true
		case f.Wanted != nil && f.Wanted.Quantity == "turns" && spec.window() == 0:
			return Advice{What: "give the scale-down of " + name + " a stabilization window", Fits: f.Text, Checked: "behavior.scaleDown.stabilizationWindowSeconds is 0", Prove: "autoscaling/rest"}, true
		case status.reason("ScalingActive", "False") == "FailedGetResourceMetric" && r.Workload != nil:
			for _, c := range r.Workload.Containers {
				if c.Requests["cpu"] == "" && c.Limits["cpu"] == "" {
					return Advice{What: "have container " + c.Name + " request CPU", Fits: f.Text, Checked: "it requests none, and the autoscaler says FailedGetResourceMetric", Prove: "autoscaling/surge"}, true
				}
			}
		}
		return Advice{}, false
	}
	return Advice{}, false
}

// hpaSpec and hpaStatus are what is read of an autoscaler.
type hpaSpec struct {
	Max      int `json:"maxReplicas"`
	Behavior *struct {
		ScaleDown *struct {
			Window *int `json:"stabilizationWindowSeconds"`
		} `json:"scaleDown"`
	} `json:"behavior"`
}

// window is the stabilization window of a scale-down; -1: it is not said.
func (s hpaSpec) window() int {
	if s.Behavior == nil || s.Behavior.ScaleDown == nil || s.Behavior.ScaleDown.Window == nil {
		return -1
	}
	return *s.Behavior.ScaleDown.Window
}

type hpaStatus struct {
	Conditions []struct{ Type, Status, Reason string } `json:"conditions"`
}

func (s hpaStatus) reason(of, status string) string {
	for _, c := range s.Conditions {
		if c.Type == of && c.Status == status {
			return c.Reason
		}
	}
	return ""
}

// scaler is the last spec and status that were recorded of an autoscaler.
func scaler(r judge.Result, subject string) (spec hpaSpec, status hpaStatus, ok bool) {
	for _, e := range r.Events {
		if e.Subject != subject {
			continue
		}
		if text := e.Attrs[record.AttrSpec]; text != "" {
			spec = hpaSpec{}
			ok = json.Unmarshal([]byte(text), &spec) == nil
		}
		if text := e.Attrs[record.AttrStatus]; text != "" {
			status = hpaStatus{}
			if json.Unmarshal([]byte(text), &status) != nil {
				return spec, hpaStatus{}, false
			}
		}
	}
	return spec, status, ok
}

// probes are the probes that containers have: "checkout: GET /healthz every 5s".
func probes(w *record.Workload, of func(record.Container) string) string {
	if w == nil {
		return ""
	}
	var list []string
	for _, c := range w.Containers {
		if probe := of(c); probe != "" {
			list = append(list, c.Name+": "+probe)
		}
	}
	return strings.Join(list, ", ")
}

// limits are those of a resource, by container.
func limits(w *record.Workload, resource string) string {
	if w == nil {
		return ""
	}
	var list []string
	for _, c := range w.Containers {
		if limit := c.Limits[resource]; limit != "" {
			list = append(list, fmt.Sprintf("the limit of %s is %s", c.Name, limit))
		}
	}
	return strings.Join(list, ", ")
}

// named is a subject as kind/name.
func named(subject string) string {
	kind, _, _ := strings.Cut(subject, "/")
	return kind + "/" + nameOf(subject)
}
