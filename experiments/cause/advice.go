package cause

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// An Advice is a recommendation, or a question that neither the cluster nor the
// record can answer: whether the code has timeouts, retries, or shuts down cleanly.
type Advice struct {
	// Kind is what to mend or to ask about, one of the constants such as
	// [MoreReplicas].
	Kind     string
	Question bool // What is a question
	What     string
	// Fits is the [Cause.Why] that it follows from.
	Fits string
	// Checked is the fact of the cluster or of the record that supports it. Empty:
	// none.
	Checked string
	// Prove is the experiment of the catalogue that would prove the fix, such as
	// "pods/kill-one". Empty: none.
	Prove string
}

// The values of [Advice.Kind].
const (
	MoreReplicas    = "more replicas"
	SpreadOverNodes = "spread over nodes"
	SpreadOverZones = "spread over zones"
	Budget          = "disruption budget"
	RollingUpdate   = "rolling update"
	MaxUnavailable  = "max unavailable"
	ReadinessProbe  = "readiness probe" // there is none
	EarlyReadiness  = "early readiness" // the probe passes before requests can be answered
	GracePeriod     = "grace period"
	FinishRequests  = "finish requests" // before it ends
	Room            = "room"            // on nodes
	MaxReplicas     = "max replicas"    // of an autoscaler
	ScaleDownWindow = "scale-down window"
	CPURequest      = "CPU request"
	CPULimit        = "CPU limit"
	Memory          = "memory"
	ClientRetry     = "client retry"
	Dependency      = "dependency" // timeout, retry, circuit breaker
	LivenessTime    = "liveness time"
	LivenessNeeds   = "liveness needs"
	Volume          = "volume"
)

// Kinds returns all values of [Advice.Kind].
func Kinds() []string {
	return []string{
		MoreReplicas, SpreadOverNodes, SpreadOverZones, Budget, RollingUpdate, MaxUnavailable, ReadinessProbe, EarlyReadiness, GracePeriod,
		FinishRequests, Room, MaxReplicas, ScaleDownWindow, CPURequest, CPULimit, Memory, ClientRetry, Dependency, LivenessTime, LivenessNeeds, Volume,
	}
}

// Name returns "Ask" for a question and "Mend" for a recommendation.
func (a Advice) Name() string {
	if a.Question {
		return "Ask"
	}
	return "Mend"
}

// String returns What, with Checked and Prove where they are set.
func (a Advice) String() string {
	text := a.What
	if a.Checked != "" {
		text += " (" + a.Checked + ")"
	}
	if a.Prove != "" {
		text += "; " + a.Prove + " would prove it"
	}
	return text
}

// Advise returns what to do about the limits that a run broke, without repetition,
// recommendations first. Most recommendations need the workload's description: from a
// record without one, most advice is a question.
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
		for _, c := range causes {
			if c.Check == f.Check && c.Rule != "" && (c.Limit == "" || c.Limit == f.Limit) {
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
		return Advice{Kind: Memory, Question: true, What: "does it keep memory that it needs no more, or is its limit too low?", Checked: limits(w, "memory"), Prove: "capacity/sustained"}, true
	case AtMax, NoMetric, NoWindow:
		return ofAutoscaler(r, c.Rule, subjectOf(r, c.Check))
	case Surged:
		return ofAutoscaler(r, AtMax, limitedScaler(r))
	case Faulted:
		return ofFault(r)
	case Lingered, CutOff:
		return Advice{Kind: ClientRetry, Question: true, What: "do its clients try again at another pod when a connection is refused, reset or silent (retry)?", Prove: "pods/kill-one"}, true
	case ReplacedWithout:
		return Advice{Kind: Volume, Question: true, What: "is what it must keep on a volume that its new pods get?", Prove: "pods/kill-one"}, true
	case Restarted:
		if probe := probes(w, func(c record.Container) string { return c.Liveness }); probe != "" {
			if c.Quote != nil && c.Quote.Probe == "liveness" && c.Quote.TimedOut {
				return Advice{Kind: LivenessTime, Question: true, What: "do the timeoutSeconds and failureThreshold of the liveness probe leave it the time that it needs under load?", Checked: "it ran out of time, as the kubelet says; livenessProbe of " + probe}, true
			}
			return Advice{Kind: LivenessNeeds, Question: true, What: "does the liveness probe need what the fault took away?", Checked: "livenessProbe of " + probe}, true
		}
		return Advice{}, false
	}
	if w == nil {
		return Advice{}, false
	}
	name := named(w.Subject)
	if c.Quote != nil && len(c.Quote.Insufficient) > 0 {
		return ofScheduler(w, name, c.Quote.Insufficient), true
	}
	switch c.Rule {
	case NoneLeft:
		node, zone := gone(r, c, nil), gone(r, c, w.Zones)
		switch n, err := strconv.Atoi(w.MaxUnavailable); {
		case w.Replicas == 1 && !strings.HasPrefix(w.Subject, "daemonset/"):
			return Advice{Kind: MoreReplicas, What: "run " + name + " with more than one replica", Checked: "spec.replicas is 1", Prove: "pods/kill-one"}, true
		case node != "":
			return Advice{Kind: SpreadOverNodes, What: "spread the pods of " + name + " over nodes", Checked: fmt.Sprintf("all %d were on node %s, which was not ready", len(w.Nodes), node), Prove: "disruption/drain"}, true
		case zone != "":
			return Advice{Kind: SpreadOverZones, What: "spread the pods of " + name + " over zones", Checked: fmt.Sprintf("all %d were in zone %s, of which no node that ran one stayed ready", len(w.Nodes), zone), Prove: "disruption/drain"}, true
		case evictions(r) > 1 && w.Budgets != nil && len(w.Budgets) == 0:
			return budget(r, name), true
		case w.Strategy == "Recreate" && rolls(r):
			return Advice{Kind: RollingUpdate, What: "roll " + name + " out by RollingUpdate", Checked: "spec.strategy.type is Recreate", Prove: "rollout/bad-image"}, true
		case rolls(r) && (w.MaxUnavailable == "100%" || err == nil && n >= w.Replicas):
			return Advice{Kind: MaxUnavailable, What: "lower the maxUnavailable of " + name, Checked: fmt.Sprintf("maxUnavailable is %s of %d pods", w.MaxUnavailable, w.Replicas), Prove: "rollout/restart"}, true
		}
	case TooFew:
		n, err := strconv.Atoi(strings.TrimSuffix(w.MaxUnavailable, "%"))
		if strings.HasSuffix(w.MaxUnavailable, "%") {
			n = n * w.Replicas / 100 // rounded down, as the controller of Deployments does
		}
		switch {
		case rolls(r) && err == nil && n > 0:
			return Advice{Kind: MaxUnavailable, What: "lower the maxUnavailable of " + name, Checked: fmt.Sprintf("maxUnavailable is %s of %d pods", w.MaxUnavailable, w.Replicas), Prove: "rollout/restart"}, true
		case evictions(r) > 1 && w.Budgets != nil && len(w.Budgets) == 0:
			return budget(r, name), true
		}
	case ReadyTooEarly:
		prove := "pods/kill-one"
		if len(r.Injections) > 0 && slices.ContainsFunc(r.Injections[0].Effects, func(e record.Effect) bool { return e.Event == record.EventRestarted }) {
			prove = "pods/container-kill"
		}
		if probe := probes(w, func(c record.Container) string { return c.Readiness }); probe != "" {
			if bad := c.bad(); bad > 0 && mostly(c.of(c.Recovering), bad) {
				return Advice{Kind: EarlyReadiness, What: "have the readiness probe of " + name + " fail until requests can be answered", Checked: fmt.Sprintf("readinessProbe of %s; %d of %d bad answers came from %s after it was Ready", probe, c.of(c.Recovering), bad, c.Recovering), Prove: prove}, true
			}
			return Advice{Kind: EarlyReadiness, Question: true, What: "is the readiness probe good before requests can be answered?", Checked: "readinessProbe of " + probe, Prove: prove}, true
		}
		return Advice{Kind: ReadinessProbe, What: "give " + name + " a readiness probe", Checked: "no container has a readinessProbe", Prove: prove}, true
	case Ended:
		prove := "pods/evict"
		if rolls(r) {
			prove = "rollout/restart"
		}
		if pod := cutShort(r, w.GraceSeconds); pod != "" {
			return Advice{Kind: GracePeriod, What: "raise the terminationGracePeriodSeconds of " + name + ", or end sooner", Checked: fmt.Sprintf("it is %d, and %s was killed (exit code 137) when that had passed", w.GraceSeconds, pod), Prove: prove}, true
		}
		if slices.ContainsFunc(w.Containers, func(c record.Container) bool { return c.PreStop }) {
			return Advice{Kind: FinishRequests, Question: true, What: "does it finish the requests under way when it is asked to end, and is its grace long enough?", Checked: fmt.Sprintf("a preStop hook is there, terminationGracePeriodSeconds is %d", w.GraceSeconds), Prove: prove}, true
		}
		return Advice{Kind: FinishRequests, What: "have the pods of " + name + " serve until no more requests come: a preStop hook that waits some seconds, then finish those under way", Checked: fmt.Sprintf("no container has a preStop hook, terminationGracePeriodSeconds is %d", w.GraceSeconds), Prove: prove}, true
	}
	return Advice{}, false
}

// ofScheduler is to make room where every node has too little of some resources.
func ofScheduler(w *record.Workload, name string, lacking []string) Advice {
	said := "every node has too little of it, as the scheduler says"
	if len(lacking) > 1 {
		said = "every node has too little of each, as the scheduler says"
	}
	for _, resource := range lacking {
		said += requests(w, resource)
	}
	return Advice{
		Kind:    Room,
		What:    fmt.Sprintf("make room for the pods of %s: lower their requests of %s, or add nodes", name, strings.Join(lacking, " and ")),
		Checked: said, Prove: "pods/kill-one",
	}
}

// rolls reports whether a fault of the run was a rollout.
func rolls(r judge.Result) bool {
	return slices.ContainsFunc(r.Injections, isRollout)
}

// of is how many of the bad requests a backend answered.
func (c Cause) of(backend string) (n int) {
	for _, f := range c.Failures {
		if backend != "" && f.Backend == backend {
			n += f.Requests
		}
	}
	return n
}

// evictions are how many pods were evicted.
func evictions(r judge.Result) int {
	pods := map[string]bool{}
	for _, e := range r.Events {
		if e.Kind == record.EventEvicted {
			pods[e.UID] = true
		}
	}
	return len(pods)
}

// budget is that a workload should have one.
func budget(r judge.Result, name string) Advice {
	return Advice{Kind: Budget, What: "give " + name + " a PodDisruptionBudget", Checked: fmt.Sprintf("none covers its pods, of which %d were evicted", evictions(r)), Prove: "disruption/drain"}
}

// gone is the one node, or zone, of several pods, if every node that ran one of them was
// lost in an outage, or right before it; empty: there is none.
func gone(r judge.Result, c Cause, zones map[string]string) string {
	check, err := r.Check(c.Check)
	if err != nil || c.Outage == NoOutage || len(r.Workload.Nodes) < 2 {
		return ""
	}
	o := check.Outages[c.Outage]
	during := steadystate.Span{From: o.Start.From - 2*propagation, To: o.End.To}
	places := map[string]bool{}
	for _, node := range r.Workload.Nodes {
		place := node
		if zones != nil {
			place = zones[node]
		}
		places[place] = true
		if !slices.ContainsFunc(r.Events, func(e record.Event) bool {
			return e.Subject == "node/"+node && (e.Kind == record.EventNotReady || e.Kind == record.EventGone) && e.Overlaps(during)
		}) {
			return ""
		}
	}
	if len(places) != 1 {
		return ""
	}
	return slices.Collect(maps.Keys(places))[0]
}

// cutShort is a pod that was asked to end, and killed when its grace had passed, to the
// second in which a grace is given; empty: none was seen.
func cutShort(r judge.Result, grace int) string {
	passed := time.Duration(grace) * time.Second
	for _, asked := range r.Events {
		if asked.Kind != record.EventTerminating || grace == 0 {
			continue
		}
		for _, e := range r.Events {
			if e.Kind == record.EventStopped && e.UID == asked.UID && e.Attrs[record.AttrCode] == "137" && e.Attrs[record.AttrReason] != "OOMKilled" && e.To-asked.From >= passed && e.From-asked.To > passed-time.Second {
				return nameOf(e.Subject)
			}
		}
	}
	return ""
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
		limit := limits(r.Workload, "cpu")
		return Advice{Kind: CPULimit, Question: true, What: "is the CPU limit enough for the load and what runs beside it?", Checked: limit, Prove: "stress/cpu-one"}, r.Workload == nil || limit != ""
	case slices.Contains([]string{"delay", "drop", "lose", "partition", "corrupt", "duplicate", "cut", "limit"}, verb):
		return Advice{Kind: Dependency, Question: true, What: "does it give up on what does not answer (timeout), try again (retry), and stop asking for a while (circuit breaker)?"}, true
	}
	return Advice{}, false
}

// ofAutoscaler is what to mend of an autoscaler of which a rule or a limit is broken.
func ofAutoscaler(r judge.Result, rule, subject string) (Advice, bool) {
	spec, status, ok := scaler(r, subject)
	if !ok {
		return Advice{}, false
	}
	name := "autoscaler " + nameOf(subject)
	switch rule {
	case AtMax:
		return Advice{Kind: MaxReplicas, What: "raise the maxReplicas of " + name, Checked: fmt.Sprintf("spec.maxReplicas is %d", spec.Max), Prove: "autoscaling/surge"}, true
	case NoWindow:
		return Advice{Kind: ScaleDownWindow, What: "give the scale-down of " + name + " a stabilization window", Checked: "behavior.scaleDown.stabilizationWindowSeconds is 0", Prove: "autoscaling/rest"}, true
	case NoMetric:
		if status.of("ScalingActive", "False").Reason != "FailedGetResourceMetric" || r.Workload == nil {
			break
		}
		for _, c := range r.Workload.Containers {
			if c.Requests["cpu"] == "" && c.Limits["cpu"] == "" {
				return Advice{Kind: CPURequest, What: "have container " + c.Name + " request CPU", Checked: "it requests none, and the autoscaler says FailedGetResourceMetric", Prove: "autoscaling/surge"}, true
			}
		}
	}
	return Advice{}, false
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
	return amounts(w, "the limit of %s is %s", func(c record.Container) string { return c.Limits[resource] })
}

// requests are those of a resource, by container, after what they explain.
func requests(w *record.Workload, resource string) string {
	text := amounts(w, "%s requests %s", func(c record.Container) string { return c.Requests[resource] })
	if text == "" {
		return ""
	}
	return "; " + text
}

// amounts are those of the containers that have one.
func amounts(w *record.Workload, format string, of func(record.Container) string) string {
	if w == nil {
		return ""
	}
	var list []string
	for _, c := range w.Containers {
		if amount := of(c); amount != "" {
			list = append(list, fmt.Sprintf(format, c.Name, amount))
		}
	}
	return strings.Join(list, ", ")
}

// named is a subject as kind/name.
func named(subject string) string {
	kind, _, _ := strings.Cut(subject, "/")
	return kind + "/" + nameOf(subject)
}
