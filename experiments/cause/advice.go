package cause

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/experiments/recovery"
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
	// Findings are the broken limits that it is for, as indexes in [judge.Result.Findings].
	Findings []int
	// Rule is the [Cause.Rule] that it follows from, and Fits the [Cause.Why].
	Rule, Fits string
	// Checked is the fact of the cluster or of the record that supports it. Empty:
	// none.
	Checked string
	// Prove is the experiment that would prove the fix: of the catalogue, such as
	// "pods/kill-one", or that of the run. Empty: none.
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
	DrainFirst      = "drain before ending"
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
		DrainFirst, FinishRequests, Room, MaxReplicas, ScaleDownWindow, CPURequest, CPULimit, Memory, ClientRetry, Dependency, LivenessTime, LivenessNeeds, Volume,
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
// record without one, most advice is a question. What depends on the kind of a fault needs
// [record.Injection.Kind], and is left out where that is not known.
func Advise(r judge.Result, causes []Cause) []Advice {
	if len(causes) == 0 {
		return nil
	}
	var list []Advice
	waterfalls := recoveries(r)
	add := func(finding int, a Advice) {
		i := slices.IndexFunc(list, func(o Advice) bool { return o.What == a.What })
		if i < 0 {
			i, list = len(list), append(list, a)
		}
		if of := &list[i].Findings; !slices.Contains(*of, finding) {
			*of = append(*of, finding)
		}
	}
	for i, f := range r.Findings {
		if f.Verdict != steadystate.Broken {
			continue
		}
		for _, c := range Of(r, f, causes) {
			if c.Rule == "" {
				continue
			}
			if a, ok := advise(r, waterfalls, c); ok {
				a.Rule, a.Fits = c.Rule, c.Why
				add(i, a)
			}
		}
	}
	// What to mend comes first.
	slices.SortStableFunc(list, func(a, b Advice) int { return strings.Compare(b.Name(), a.Name()) })
	return list
}

// recoveries are the waterfalls of a result, without what only the requests show.
func recoveries(r judge.Result) []recovery.Waterfall {
	var h recovery.History
	h.Take(record.Entry{At: r.Length})
	for _, e := range r.Events {
		h.Take(record.Entry{At: e.To, Event: &e})
	}
	for _, i := range r.Injections {
		h.Take(record.Entry{At: i.To, Injection: &i.Injection})
		if i.Removed != nil {
			h.Take(record.Entry{At: i.Removed.To, Removal: &record.Removal{Index: i.Index, Fault: i.Fault, Span: *i.Removed}})
		}
	}
	return h.Waterfalls(nil)
}

func advise(r judge.Result, waterfalls []recovery.Waterfall, c Cause) (Advice, bool) {
	w := r.Workload
	switch c.Rule {
	case KilledForMemory:
		return Advice{Kind: Memory, Question: true, What: "does it keep memory that it needs no more, or is its limit too low?", Checked: limits(ended(r, c, ofMemory), "memory"), Prove: "capacity/sustained"}, true
	case AtMax, NoMetric, NoWindow:
		return ofAutoscaler(r, c.Rule, subjectOf(r, c.Check))
	case Surged:
		return ofAutoscaler(r, AtMax, limitedScaler(r, c))
	case Faulted:
		return ofFault(r, c)
	case Lingered, CutOff:
		return Advice{Kind: ClientRetry, Question: true, What: "do its clients try again at another pod when a connection is refused, reset or silent (retry)?", Prove: "pods/kill-one"}, true
	case ReplacedWithout:
		return Advice{Kind: Volume, Question: true, What: "is what it must keep on a volume that its new pods get?", Prove: "pods/kill-one"}, true
	case Restarted:
		return ofRestart(r, c)
	}
	if w == nil {
		return Advice{}, false
	}
	name := named(w.Subject)
	if c.Quote != nil && len(c.Quote.Insufficient) > 0 {
		return ofScheduler(w, name, c.Quote.Insufficient), true
	}
	lowers := func(tooMany int) bool { _, ok := maxUnavailable(w, name, tooMany); return ok }
	takers := takersOf(r, waterfalls, c)
	evicted := evictions(r, waterfalls, c, takers)
	rolled := len(takers) > 0 && !slices.ContainsFunc(takers, func(i judge.InjectionResult) bool { return !isRollout(i) })
	switch c.Rule {
	case NoneLeft:
		node, zone := gone(r, c, nil), gone(r, c, w.Zones)
		none, seen := noneAt(r, c)
		switch {
		case node != "" && w.SchedulableNodes > 1 && w.AllowedNodes > 0:
			return spread(r, SpreadOverNodes, "kubernetes.io/hostname", name, fmt.Sprintf("all %d were on node %s, which was not ready", len(w.Nodes), node), w.AllowedNodes, w.SchedulableNodes)
		case zone != "" && w.SchedulableZones > 1 && w.AllowedZones > 0:
			return spread(r, SpreadOverZones, "topology.kubernetes.io/zone", name, fmt.Sprintf("all %d were in zone %s, of which no node that ran one stayed ready", len(w.Nodes), zone), w.AllowedZones, w.SchedulableZones)
		case w.Strategy == "Recreate" && rolled:
			return Advice{Kind: RollingUpdate, What: "roll " + name + " out by RollingUpdate", Checked: "spec.strategy.type is Recreate", Prove: "rollout/bad-image"}, true
		case rolled && lowers(w.Replicas):
			return maxUnavailable(w, name, w.Replicas)
		case w.Replicas == 1 && !isDaemonSet(w) && (!seen || kinOf(r).fell(r, none) <= 1):
			return moreReplicas(r, name)
		case evicted > 1 && w.Budgets != nil && len(w.Budgets) == 0:
			return budget(name, evicted), true
		}
	case TooFew:
		switch {
		case rolled && lowers(1):
			return maxUnavailable(w, name, 1)
		case evicted > 1 && w.Budgets != nil && len(w.Budgets) == 0:
			return budget(name, evicted), true
		}
	case ReadyTooEarly:
		prove := "pods/kill-one"
		if slices.ContainsFunc(takers, func(i judge.InjectionResult) bool {
			return slices.ContainsFunc(i.Effects, func(e record.Effect) bool { return e.Event == record.EventRestarted })
		}) {
			prove = "pods/container-kill"
		}
		if probe := probes(serving(w), func(c record.Container) string { return c.Readiness }); probe != "" {
			if bad := c.bad(); bad > 0 && mostly(c.from([]string{c.Recovering}), bad) {
				return Advice{Kind: EarlyReadiness, What: "have the readiness probe of " + name + " fail until requests can be answered", Checked: fmt.Sprintf("readinessProbe of %s; %d of %d bad answers came from %s after it was Ready", probe, c.from([]string{c.Recovering}), bad, c.Recovering), Prove: prove}, true
			}
			return Advice{Kind: EarlyReadiness, Question: true, What: "is the readiness probe good before requests can be answered?", Checked: "readinessProbe of " + probe, Prove: prove}, true
		}
		return Advice{Kind: ReadinessProbe, What: "give " + name + " a readiness probe", Checked: without(w, "readinessProbe"), Prove: prove}, true
	case ClosedEarly, Ended:
		prove := "pods/evict"
		if slices.ContainsFunc(takers, isRollout) {
			prove = "rollout/restart"
		}
		pod, alone := cutShort(r, c)
		if alone {
			return Advice{Kind: GracePeriod, What: "raise the terminationGracePeriodSeconds of " + name + ", or end sooner", Checked: fmt.Sprintf("it is %d, and %s was killed (exit code 137) when that had passed", w.GraceSeconds, pod), Prove: prove}, true
		}
		hook := slices.ContainsFunc(serving(w), func(c record.Container) bool { return c.PreStop })
		checked := without(w, "preStop hook")
		if hook {
			checked = "a preStop hook is there"
		}
		checked += fmt.Sprintf(", terminationGracePeriodSeconds is %d", w.GraceSeconds)
		// New pods that are sent requests too early fail at the same time.
		unready := probes(serving(w), func(c record.Container) string { return c.Readiness }) == ""
		if unready {
			checked += ", and " + without(w, "readinessProbe")
		}
		switch ask := hook || pod != "" || unready; {
		case c.Rule == ClosedEarly && ask:
			return Advice{Kind: DrainFirst, Question: true, What: "does it go on answering after it is asked to end, until no more requests come?", Checked: checked, Prove: prove}, true
		case c.Rule == ClosedEarly:
			return Advice{Kind: DrainFirst, What: "have the pods of " + name + " go on answering for some seconds after they are asked to end, until no more requests come, as by a preStop hook that sleeps", Checked: checked, Prove: prove}, true
		case ask:
			return Advice{Kind: FinishRequests, Question: true, What: "does it finish the requests under way when it is asked to end, and is its grace long enough?", Checked: checked, Prove: prove}, true
		}
		return Advice{Kind: FinishRequests, What: "have the pods of " + name + " serve until no more requests come: a preStop hook that waits some seconds, then finish those under way", Checked: checked, Prove: prove}, true
	}
	return Advice{}, false
}

// spread is that pods should be on several nodes, or in several zones, of which so many take
// them, of all that would without a nodeSelector and a node affinity. Where the scheduler had
// to keep them apart by that key, something else brought them together. No experiment of the
// catalogue takes a node away: where no fault did, the run's own is one for people who do.
func spread(r judge.Result, kind, key, name, lost string, allowed, all int) (Advice, bool) {
	_, places, _ := strings.Cut(kind, "over ")
	how, recorded := r.Workload.Spread[key], r.Workload.Spread != nil
	binds := how == "DoNotSchedule" || how == "required"
	by := ": a topologySpreadConstraint with topologyKey " + key
	if how != "" {
		by += " and whenUnsatisfiable DoNotSchedule"
	}
	a := Advice{Kind: kind, What: "spread the pods of " + name + " over " + places + by, Checked: fmt.Sprintf("%s, of %d %s that take pods", lost, allowed, places)}
	if allowed == 1 {
		a.What = "let the nodeSelector and the node affinity of " + name + " allow more " + places
		if !binds {
			a.What += ", and spread its pods over them" + by
		}
		a.Checked = fmt.Sprintf("%s; they allow 1 of %d %s that take pods", lost, all, places)
	}
	switch {
	case how == "ScheduleAnyway":
		a.Checked += "; the constraint is ScheduleAnyway"
	case how == "preferred":
		a.Checked += "; by that key podAntiAffinity is only preferred"
	case recorded && how == "":
		a.Checked += "; nothing keeps them apart by that key"
	}
	if len(r.Injections) == 0 {
		a.Prove = strings.TrimPrefix(r.Experiment, r.Service+"/")
	}
	return a, !binds || allowed == 1
}

// moreReplicas is that the only pod needs others: by the replicas, or by the least that an
// autoscaler leaves.
func moreReplicas(r judge.Result, name string) (Advice, bool) {
	scaler, least := leastOf(r)
	if scaler == "" {
		return Advice{Kind: MoreReplicas, What: "run " + name + " with more than one replica", Checked: "spec.replicas is 1", Prove: "pods/kill-one"}, true
	}
	return Advice{
		Kind: MoreReplicas, What: "raise the minReplicas of autoscaler " + scaler + " to more than one",
		Checked: fmt.Sprintf("spec.minReplicas is %d, and the only pod of %s was taken away", least, name), Prove: "pods/kill-one",
	}, least <= 1
}

// leastOf is the autoscaler of the workload and its minReplicas: of one that the run
// follows, the last that was seen, and of another, that which the workload began with.
// Empty: there is none, or none is known.
func leastOf(r judge.Result) (name string, least int) {
	if subject := scalerOf(r); subject != "" {
		spec, _ := scaler(r, subject)
		return nameOf(subject), spec.min()
	}
	for _, name := range slices.Sorted(maps.Keys(r.Workload.Autoscalers)) {
		return name, r.Workload.Autoscalers[name]
	}
	return "", 0
}

// maxUnavailable is that a rollout should take fewer pods away at a time, so many or more of
// which are too many. One that adds no pod before cannot take none away.
func maxUnavailable(w *record.Workload, name string, tooMany int) (Advice, bool) {
	a := Advice{Kind: MaxUnavailable, What: "lower the maxUnavailable of " + name, Checked: fmt.Sprintf("maxUnavailable is %s of %d pods", w.MaxUnavailable, w.Replicas), Prove: "rollout/restart"}
	n, least := takenAway(w)
	surge, known := pods(w.MaxSurge, w.Replicas, true)
	if n == least && known && surge == 0 && !isDaemonSet(w) {
		a.What = "have a rollout of " + name + " add a pod before it takes one away: a maxSurge of 1, and a maxUnavailable of 0"
		a.Checked = fmt.Sprintf("maxSurge is %s, and %s", w.MaxSurge, a.Checked)
		return a, n >= tooMany
	}
	return a, n >= tooMany && n > least
}

// takenAway is how many pods a rollout takes away before others are ready, and the least
// that could be: none where it may add pods before, which is not known of a workload without
// a maxSurge. The controllers round a percentage of those down, and that of DaemonSets up.
func takenAway(w *record.Workload) (n, least int) {
	n, known := pods(w.MaxUnavailable, w.Replicas, isDaemonSet(w))
	if !known {
		return 0, 0
	}
	if surge, known := pods(w.MaxSurge, w.Replicas, true); !known || surge == 0 {
		least = 1
		if known {
			n = max(n, 1)
		}
	}
	return n, least
}

// pods is a number, or a percentage of all pods.
func pods(text string, all int, up bool) (n int, known bool) {
	number, percent := strings.CutSuffix(text, "%")
	n, err := strconv.Atoi(number)
	if percent && up {
		n = (n*all + 99) / 100
	} else if percent {
		n = n * all / 100
	}
	return n, err == nil
}

func isDaemonSet(w *record.Workload) bool { return strings.HasPrefix(w.Subject, "daemonset/") }

// ofRestart asks of the liveness probe by which containers were ended and started again, as
// the kubelet says; without Kubernetes Events in the record, of that which they have.
func ofRestart(r judge.Result, c Cause) (Advice, bool) {
	blamed := c.Quote
	told := false
	during := timeOf(r, c)
	for _, e := range r.Events {
		told = told || e.Kind == record.EventKubernetes
		if blamed == nil && stopped(r, e) && byNoFault(r)(e) && e.Overlaps(during) {
			if q := killedByProbe(r, e); q != nil && q.Probe == "liveness" {
				blamed = q
			}
		}
	}
	probe := probes(ended(r, c, byNoFault(r)), func(c record.Container) string { return c.Liveness })
	if probe == "" || blamed == nil && told || blamed != nil && blamed.Probe != "liveness" {
		return Advice{}, false
	}
	if blamed != nil && blamed.TimedOut {
		switch withheld, known := withheld(r, c); {
		case !known:
			return Advice{}, false
		case !withheld:
			return Advice{Kind: LivenessTime, Question: true, What: "do the timeoutSeconds and failureThreshold of the liveness probe leave it the time that it needs under load?", Checked: "it ran out of time, as the kubelet says; livenessProbe of " + probe}, true
		}
	}
	return Advice{Kind: LivenessNeeds, Question: true, What: "does the liveness probe need what the fault took away?", Checked: "livenessProbe of " + probe}, true
}

// withheld reports whether the faults of an outage kept others from answering the workload,
// so that a probe which asks them waits in vain. If one did and another did not, it is not
// known by which a probe failed.
func withheld(r judge.Result, c Cause) (withheld, known bool) {
	during := timeOf(r, c)
	during.From -= restarted
	answers := map[bool]bool{}
	for _, i := range r.Injections {
		if !heldFor(r, i).Overlaps(during) {
			continue
		}
		withholds, known := withholds(r, i)
		if !known {
			return false, false
		}
		answers[withholds] = true
	}
	return answers[true], len(answers) < 2
}

// withholds reports whether a fault keeps others from answering the workload: it loses
// packets, is between the pods and others, or is in pods of others. Of one whose kind, or
// whose pods, are not known that is not known either.
func withholds(r judge.Result, i judge.InjectionResult) (withholds, known bool) {
	if lossy(i.Kind) || len(i.Peers) > 0 {
		return true, true
	}
	known = i.Kind != ""
	if i.Kind == record.KindSurge { // whose targets are no pods
		return false, true
	}
	kin := kinOf(r)
	for _, t := range i.Targets {
		switch own, sure := kin.owns(r.Workload.Subject, t.UID); {
		case !sure:
			known = false
		case !own:
			return true, true
		}
	}
	return false, known
}

// ofNetwork reports whether a kind of fault is in the network.
func ofNetwork(kind string) bool {
	return lossy(kind) || slices.Contains([]string{record.KindNetworkDelay, record.KindNetworkDuplicate, record.KindNetworkBandwidth}, kind)
}

// lossy reports whether packets are lost in a fault of a kind. Checksums find those that
// are corrupt, which are lost then.
func lossy(kind string) bool {
	return slices.Contains([]string{record.KindNetworkPartition, record.KindNetworkLoss, record.KindNetworkCorrupt}, kind)
}

// ended are the containers to which such an event happened in an outage, or right before it;
// if none is known, those that serve.
func ended(r judge.Result, c Cause, fits func(record.Event) bool) (list []record.Container) {
	w, during, kin := r.Workload, timeOf(r, c), kinOf(r)
	if w == nil {
		return nil
	}
	for _, c := range w.Containers {
		if slices.ContainsFunc(r.Events, func(e record.Event) bool {
			return stopped(r, e) && e.Overlaps(during) && kin.mayServe(e.UID) && fits(e) && e.Attrs[record.AttrContainer] == c.Name
		}) {
			list = append(list, c)
		}
	}
	if len(list) == 0 {
		return serving(w)
	}
	return list
}

// serving is the container that serves; if it is not known, all of them.
func serving(w *record.Workload) []record.Container {
	if w == nil {
		return nil
	}
	if i := slices.IndexFunc(w.Containers, func(c record.Container) bool { return c.Name == w.Serving }); i >= 0 {
		return w.Containers[i : i+1]
	}
	return w.Containers
}

// without says that the container that serves has no such thing.
func without(w *record.Workload, thing string) string {
	if len(w.Containers) > 1 && w.Serving != "" {
		return "container " + w.Serving + " has no " + thing
	}
	return "no container has a " + thing
}

// ofScheduler is to make room where every node has too little of some resources.
func ofScheduler(w *record.Workload, name string, lacking []string) Advice {
	said := "every node has too little of it, as the scheduler says"
	if len(lacking) > 1 {
		said = "every node has too little of each, as the scheduler says"
	}
	var requested, given []string
	for _, resource := range lacking {
		if text := requests(w, resource); text != "" {
			requested = append(requested, resource)
			said += text
		} else {
			given = append(given, resource)
			said += "; no container of the template requests " + resource
		}
	}
	var how []string
	if len(requested) > 0 {
		how = append(how, "lower their requests of "+strings.Join(requested, " and "))
	}
	if len(given) > 0 {
		how = append(how, "look for what gives them their requests of "+strings.Join(given, " and ")+" (a LimitRange or a webhook)")
	}
	return Advice{
		Kind:    Room,
		What:    fmt.Sprintf("make room for the pods of %s: %s, or add nodes", name, strings.Join(how, ", ")),
		Checked: said, Prove: "pods/kill-one",
	}
}

// timeOf is the time of a cause's outage, and a moment before it; of one without an outage,
// that of the fault that it names, or all time.
func timeOf(r judge.Result, c Cause) steadystate.Span {
	check, err := r.Check(c.Check)
	switch {
	case c.fault != nil:
		return heldFor(r, *c.fault)
	case err != nil || c.Outage == NoOutage:
		return steadystate.Span{To: math.MaxInt64}
	}
	during := wholeOf(check.Outages[c.Outage])
	during.From -= 2 * propagation
	return during
}

// takersOf are the faults that took pods away which were away in an outage, or soon before it.
func takersOf(r judge.Result, waterfalls []recovery.Waterfall, c Cause) (list []judge.InjectionResult) {
	during := timeOf(r, c)
	during.From -= lasting
	for _, i := range r.Injections {
		inTime, seen := heldFor(r, i).Overlaps(during), false
		for _, w := range waterfalls {
			if (action{of: i}).brought(w) {
				inTime = seen && inTime || absence(w, r.Length).Overlaps(during)
				seen = true
			}
		}
		if takesPods(i) && inTime {
			list = append(list, i)
		}
	}
	return list
}

// noneAt is the time in an outage in which there were no endpoints.
func noneAt(r judge.Result, c Cause) (none count, ok bool) {
	counts, _ := endpoints(r)
	i := slices.IndexFunc(counts, func(n count) bool { return n.n == 0 && n.Overlaps(timeOf(r, c)) })
	if i < 0 {
		return count{}, false
	}
	return counts[i], true
}

// evictions are how many pods that were away in an outage, or soon before it, were evicted;
// none if a fault that evicts none took pods away.
func evictions(r judge.Result, waterfalls []recovery.Waterfall, c Cause, takers []judge.InjectionResult) int {
	pods, during := map[string]bool{}, timeOf(r, c)
	during.From -= lasting
	for _, e := range r.Events {
		if e.Kind == record.EventEvicted && (e.Overlaps(during) || slices.ContainsFunc(waterfalls, func(w recovery.Waterfall) bool {
			return w.Victim.UID == e.UID && absence(w, r.Length).Overlaps(during)
		})) {
			pods[e.UID] = true
		}
	}
	if slices.ContainsFunc(takers, func(i judge.InjectionResult) bool {
		return !slices.ContainsFunc(i.Targets, func(t record.Target) bool { return pods[t.UID] })
	}) {
		return 0
	}
	return len(pods)
}

// budget is that a workload should have one.
func budget(name string, evicted int) Advice {
	return Advice{Kind: Budget, What: "give " + name + " a PodDisruptionBudget", Checked: fmt.Sprintf("none covers its pods, of which %d were evicted", evicted), Prove: "disruption/drain"}
}

// gone is the one node, or zone, of several pods, if every node that ran one of them was
// lost in an outage, or right before it, and no later than the pod and the endpoints; empty:
// there is none.
func gone(r judge.Result, c Cause, zones map[string]string) string {
	if _, err := r.Check(c.Check); err != nil || c.Outage == NoOutage || len(r.Workload.Nodes) < 2 {
		return ""
	}
	during := timeOf(r, c)
	if none, ok := noneAt(r, c); ok {
		during.To = min(during.To, none.From)
	}
	places := map[string]bool{}
	for pod, node := range r.Workload.Nodes {
		left := time.Duration(math.MaxInt64)
		for _, e := range r.Events {
			if e.Kind == record.EventGone && strings.HasPrefix(e.Subject, "pod/") && nameOf(e.Subject) == pod {
				left = min(left, e.To)
			}
		}
		place := node
		if zones != nil {
			place = zones[node]
		}
		places[place] = true
		if !slices.ContainsFunc(r.Events, func(e record.Event) bool {
			return e.Subject == "node/"+node && (e.Kind == record.EventNotReady || e.Kind == record.EventGone) && e.Overlaps(during) && e.From <= left
		}) {
			return ""
		}
	}
	if len(places) != 1 {
		return ""
	}
	return slices.Collect(maps.Keys(places))[0]
}

// cutShort is a pod that was asked to end, and whose container that serves was killed in an
// outage, or right before or after it, when its grace had passed, to the second in which a
// grace is given; empty: none was seen. Alone: no other pod that was not killed so began to
// end when the outage began, which could be why.
func cutShort(r judge.Result, c Cause) (pod string, alone bool) {
	w := r.Workload
	check, err := r.Check(c.Check)
	if err != nil || c.Outage == NoOutage || w.GraceSeconds == 0 || len(serving(w)) != 1 {
		return "", false
	}
	o, passed := check.Outages[c.Outage], time.Duration(w.GraceSeconds)*time.Second
	begin := steadystate.Span{From: o.Start.From - 2*propagation, To: o.Start.To}
	during := steadystate.Span{From: begin.From, To: o.End.To + propagation}
	others, kin := false, kinOf(r)
	for _, asked := range r.Events {
		if own, sure := kin.owns(w.Subject, asked.UID); asked.Kind != record.EventTerminating || sure && !own {
			continue
		}
		killed := slices.ContainsFunc(r.Events, func(e record.Event) bool {
			return e.Kind == record.EventStopped && e.UID == asked.UID && e.Overlaps(during) && e.Attrs[record.AttrContainer] == serving(w)[0].Name &&
				e.Attrs[record.AttrCode] == "137" && e.Attrs[record.AttrReason] != "OOMKilled" && e.To-asked.From >= passed && e.From-asked.To > passed-time.Second
		})
		switch {
		case killed && pod == "":
			pod = nameOf(asked.Subject)
		case !killed && asked.Overlaps(begin):
			others = true
		}
	}
	return pod, pod != "" && !others
}

// ofFault asks of what only code can tell, by the kind of the one fault that was held in an
// outage, if that is known.
func ofFault(r judge.Result, c Cause) (Advice, bool) {
	during := timeOf(r, c)
	list := slices.DeleteFunc(slices.Clone(r.Injections), func(i judge.InjectionResult) bool {
		return takesPods(i) || i.OneShot || i.From > during.To || i.Removed != nil && i.Removed.To < during.From
	})
	if len(list) != 1 {
		return Advice{}, false
	}
	switch kind := list[0].Kind; {
	case kind == record.KindStressCPU:
		limit := limits(serving(r.Workload), "cpu")
		return Advice{Kind: CPULimit, Question: true, What: "is the CPU limit enough for the load and what runs beside it?", Checked: limit, Prove: "stress/cpu-one"}, r.Workload == nil || limit != ""
	case ofNetwork(kind):
		silent := "what does not answer"
		if peers := list[0].Peers; len(peers) > 0 {
			silent = strings.Join(peers, " or ") + " if they do not answer"
		}
		return Advice{Kind: Dependency, Question: true, What: "does it give up on " + silent + " (timeout), try again (retry), and stop asking for a while (circuit breaker)?"}, true
	}
	return Advice{}, false
}

// ofAutoscaler is what to mend of an autoscaler of which a rule or a limit is broken.
func ofAutoscaler(r judge.Result, rule, subject string) (Advice, bool) {
	spec, ok := scaler(r, subject)
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
		// Without a metrics server there is no metric either.
		_, blind := said(r, subject, r.Window)
		if blind.Reason != "FailedGetResourceMetric" || !strings.Contains(blind.Message, "missing request for cpu") || r.Workload == nil {
			break
		}
		_, of, named := strings.Cut(blind.Message, "missing request for cpu in container ")
		for _, c := range r.Workload.Containers {
			if c.Requests["cpu"] == "" && c.Limits["cpu"] == "" && (!named || of == c.Name || strings.HasPrefix(of, c.Name+" ")) {
				return Advice{Kind: CPURequest, What: "have container " + c.Name + " request CPU", Checked: "it requests none, and the autoscaler says FailedGetResourceMetric: missing request for cpu", Prove: "autoscaling/surge"}, true
			}
		}
	}
	return Advice{}, false
}

// scalerOf is the autoscaler of the workload; empty: the record has none.
func scalerOf(r judge.Result) string {
	for _, e := range r.Events {
		if spec, ok := scaler(r, e.Subject); ok && spec.scales(r.Workload, e.Subject) {
			return e.Subject
		}
	}
	return ""
}

// probes are the probes that containers have: "checkout: GET /healthz every 5s".
func probes(containers []record.Container, of func(record.Container) string) string {
	var list []string
	for _, c := range containers {
		if probe := of(c); probe != "" {
			list = append(list, c.Name+": "+probe)
		}
	}
	return strings.Join(list, ", ")
}

// limits are those of a resource, by container.
func limits(containers []record.Container, resource string) string {
	return amounts(containers, "the limit of %s is %s", func(c record.Container) string { return c.Limits[resource] })
}

// requests are those of a resource, by container, after what they explain. A limit is a
// request where there is no other.
func requests(w *record.Workload, resource string) string {
	text := amounts(w.Containers, "%s requests %s", func(c record.Container) string { return cmp.Or(c.Requests[resource], c.Limits[resource]) })
	if text == "" {
		return ""
	}
	return "; " + text
}

// amounts are those of the containers that have one.
func amounts(containers []record.Container, format string, of func(record.Container) string) string {
	var list []string
	for _, c := range containers {
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
