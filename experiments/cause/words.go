package cause

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/experiments/recovery"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// reasons are those of Kubernetes Events that explain why a pod does not serve, each with
// what is said of an object and its message. Earlier ones are preferred: what keeps a pod
// from being there comes before what it does.
var reasons = []struct{ name, text string }{
	{"FailedCreate", "%s could not create a pod: %s"},
	{"FailedScheduling", "%s could not be scheduled: %s"},
	{"FailedAttachVolume", "a volume of %s could not be attached: %s"},
	{"FailedMount", "a volume of %s could not be mounted: %s"},
	{"FailedCreatePodSandBox", "%s has no sandbox: %s"},
	{"Evicted", "%s was evicted: %s"},
	{"Preempted", "%s was preempted: %s"},
	{"Failed", "a container of %s could not be started: %s"},
	{"FailedPostStartHook", "the postStart hook of %s failed: %s"},
	{"BackOff", "%s waits before its next attempt: %s"},
	{"NodeNotReady", "the node of %s was not ready: %s"},
	{"Unhealthy", "a probe of %s failed: %s"},
	{"ProbeError", "a probe of %s failed: %s"},
	{"FailedPreStopHook", "the preStop hook of %s failed: %s"},
}

// rank is the place of a reason in [reasons]; negative: it is not among them.
func rank(reason string) int {
	return slices.IndexFunc(reasons, func(r struct{ name, text string }) bool { return r.name == reason })
}

// unschedulable is the reason of a pod's condition, as opposed to the scheduler's Event.
const unschedulable = "Unschedulable"

// A Quote is what Kubernetes says of an object, as a cause quotes it.
type Quote struct {
	// Subject is the object, as in the events of the record: pod/NAMESPACE/NAME.
	Subject string
	// Reason is Kubernetes' word for it, such as FailedScheduling. Message is what it says,
	// in one line, as far as it is quoted; of a probe, how that failed.
	Reason, Message string
	// Count is how often it happened; 0: once.
	Count int
	// Probe is the kind of the probe that failed: readiness, liveness or startup. Empty: it
	// was none, or its kind is not known.
	Probe string
	// TimedOut: the probe had no answer within its timeout.
	TimedOut bool
	// Insufficient lists the resources of which every node has too little for the pod.
	Insufficient []string
}

// quoteOf is what an event quotes: a Kubernetes Event, or the state of a pod.
func quoteOf(e record.Event) *Quote {
	message := e.Attrs[record.AttrMessage]
	q := &Quote{Subject: strings.TrimPrefix(e.Subject, "event/"), Reason: e.Attrs[record.AttrReason]}
	q.Count, _ = strconv.Atoi(e.Attrs[record.AttrCount])
	if probe, failure, ok := probeOf(message); ok {
		q.Probe, q.TimedOut, message = probe, timedOut(failure), failure
	}
	if q.Reason == unschedulable || q.Reason == "FailedScheduling" {
		q.Insufficient = insufficient(message)
	}
	q.Message = brief(message)
	return q
}

// String says what Kubernetes says, about what, and how often:
// `the readiness probe of d failed: "HTTP probe failed with statuscode: 503" (7 times)`.
func (q Quote) String() string {
	i := rank(q.Reason)
	if i < 0 { // the state of a pod
		text := "a container of %s could not be started (%s)"
		if q.Reason == unschedulable {
			text = "no node was found for %s (%s)"
		}
		why := q.Reason
		if q.Message != "" {
			why += ": " + quoted(q.Message)
		}
		if !strings.HasPrefix(q.Subject, "pod/") {
			text = "%s says %s"
		}
		return fmt.Sprintf(text, nameOf(q.Subject), why)
	}
	text := reasons[i].text
	if q.Probe != "" {
		text = "the " + q.Probe + " probe of %s failed: %s"
	}
	said := fmt.Sprintf(text, nameOf(q.Subject), quoted(q.Message))
	if q.Count > 0 {
		said += fmt.Sprintf(" (%d times)", q.Count)
	}
	return said
}

// repeats reports whether both quote the same words about the same object.
func (q *Quote) repeats(o *Quote) bool {
	return q != nil && o != nil && q.Subject == o.Subject && q.Message == o.Message
}

// probeOf is the probe that a message of the kubelet is about, and how it failed.
func probeOf(message string) (probe, failure string, ok bool) {
	first, rest, _ := strings.Cut(message, " ")
	for _, how := range []string{"probe failed: ", "probe errored: ", "probe errored and resulted in unknown state: "} {
		if failure, ok = strings.CutPrefix(rest, how); ok {
			return strings.ToLower(first), failure, slices.Contains([]string{"Readiness", "Liveness", "Startup"}, first)
		}
	}
	return "", "", false
}

// late is how much later than its stamp an Event may have been seen.
const late = 10 * time.Second

// worst is the Kubernetes Event in a span that explains most, the last one of its kind. The
// middle of its own span decides whether it is in it, or that it was seen in it and stamped
// at most a second before, which is what a stamp resolves; of one that was seen late,
// nothing does.
func (in *Inquiry) worst(span steadystate.Span, fits func(*Inquiry, record.Event) bool) (worst record.Event, ok bool) {
	for _, e := range in.result.Events {
		within := span
		if takes(e) {
			within.From -= 2 * propagation // what it takes away goes a moment later
		}
		inside := steadystate.Instant(e.Middle()).Overlaps(within) || e.From >= within.From-time.Second && steadystate.Instant(e.To).Overlaps(within)
		if e.Kind != record.EventKubernetes || rank(e.Attrs[record.AttrReason]) < 0 || e.To-e.From > late || !inside || !fits(in, e) {
			continue
		}
		if !ok || cmp.Or(cmp.Compare(rank(e.Attrs[record.AttrReason]), rank(worst.Attrs[record.AttrReason])), cmp.Compare(worst.To, e.To)) <= 0 {
			worst, ok = e, true
		}
	}
	return worst, ok
}

// takes reports whether a Kubernetes Event says why a pod that was there is not.
func takes(e record.Event) bool {
	return slices.Contains([]string{"Evicted", "Preempted", "NodeNotReady"}, e.Attrs[record.AttrReason])
}

// hinders reports whether an event says why a pod that was there is not, or why one that
// is to come, or to be ready, is not: for half of the span at least, as what passes sooner
// keeps nothing away.
func hinders(span steadystate.Span) func(*Inquiry, record.Event) bool {
	return func(in *Inquiry, e record.Event) bool {
		switch {
		case !in.missing(e) || e.Attrs[record.AttrReason] == "FailedPreStopHook":
			return false
		case takes(e):
			return true
		}
		probe, _, _ := probeOf(e.Attrs[record.AttrMessage])
		return probe != "liveness" && !in.leaving(e) && in.unready(e) && !in.passed(e, span.Middle())
	}
}

// passed reports whether what an event says was over before an instant: its pod had come to
// the next stage, or to a later one.
func (in *Inquiry) passed(e record.Event, before time.Duration) bool {
	next := record.EventReady
	switch reason := e.Attrs[record.AttrReason]; {
	case reason == "FailedCreate":
		next = record.EventCreated
	case slices.Contains([]string{unschedulable, "FailedScheduling"}, reason):
		next = record.EventScheduled
	case slices.Contains([]string{"FailedAttachVolume", "FailedMount", "FailedCreatePodSandBox", "Failed"}, reason),
		strings.Contains(strings.ToLower(e.Attrs[record.AttrMessage]), "pull"):
		next = record.EventStarted
	}
	stages := []string{record.EventCreated, record.EventScheduled, record.EventStarted, record.EventReady}
	stages = stages[slices.Index(stages, next):]
	return slices.ContainsFunc(in.result.Events, func(o record.Event) bool {
		of := about(e, o) || next == record.EventCreated && o.Attrs[record.AttrOwner] != "" && ownerOf(o.Subject, o.Attrs[record.AttrOwner]) == subjectOfEvent(e)
		return of && slices.Contains(stages, o.Kind) && o.To >= e.From && o.To < before
	})
}

// missing reports whether the pod of an event is one that the fault took or that replaces
// it, or that served before the fault. If no pod was seen to replace another, any of the
// service's that was created later may. An object that creates pods is one if those are of
// the service.
func (in *Inquiry) missing(e record.Event) bool {
	switch {
	case !aboutPod(e):
		return in.kin.ofService(subjectOfEvent(e))
	case in.exchanged(e):
		return true
	case !in.kin.ofService(in.kin.pods[e.UID]):
		return false
	}
	ready, since := in.readiness(e, in.result.Window.From)
	return ready || since < 0 && !slices.ContainsFunc(in.waterfalls, func(w recovery.Waterfall) bool { return w.Replacement != nil })
}

// concerns reports whether an Event is about a pod that has to do with an outage, or
// about an object that creates those of the service, and of what did not pass soon.
func concerns(span steadystate.Span, c Cause) func(*Inquiry, record.Event) bool {
	return func(in *Inquiry, e record.Event) bool {
		if in.passed(e, span.Middle()) {
			return false
		}
		if !aboutPod(e) {
			return in.kin.ofService(subjectOfEvent(e))
		}
		name := nameOf(e.Subject)
		known := name == c.Recovering || in.exchanged(e) || slices.ContainsFunc(c.Failures, func(f Failure) bool { return f.Backend == name })
		probed := slices.Contains([]string{"Unhealthy", "ProbeError"}, e.Attrs[record.AttrReason])
		return known && (!probed || !in.leaving(e))
	}
}

// said is what Kubernetes said in an outage of the pods in question, unless its cause
// quotes that.
func (in *Inquiry) said(o *outage, c Cause) string {
	e, ok := in.worst(o.Span, concerns(o.Span, c))
	if q := quoteOf(e); ok && !q.repeats(c.Quote) {
		return "; meanwhile, " + q.String()
	}
	return ""
}

// exchanged reports whether the pod of an event was taken away, or replaces one that was.
func (in *Inquiry) exchanged(e record.Event) bool {
	return slices.ContainsFunc(in.waterfalls, func(w recovery.Waterfall) bool {
		return w.Victim.UID == e.UID || w.Replacement != nil && w.Replacement.UID == e.UID
	})
}

// A kin is what the record says of who owns whom, by owner references.
type kin struct {
	pods map[string]string // the owners of pods, by the UIDs of these
	sets map[string]string // the owners of replica sets, by the subjects of these
	// families are those of the pods of the service: of its workload, of the targets of
	// faults, and of endpoints.
	families map[string]bool
}

func kinOf(r judge.Result) kin {
	k := kin{map[string]string{}, map[string]string{}, map[string]bool{}}
	for _, e := range r.Events {
		owner := e.Attrs[record.AttrOwner]
		switch {
		case owner == "":
		case aboutPod(e):
			k.pods[e.UID] = ownerOf(e.Subject, owner)
		case strings.HasPrefix(e.Subject, "replicaset/"):
			k.sets[e.Subject] = ownerOf(e.Subject, owner)
		}
	}
	add := func(uid string) {
		if owner := k.pods[uid]; owner != "" {
			k.families[k.family(owner)] = true
		}
	}
	for _, i := range r.Injections {
		for _, t := range i.Targets {
			add(t.UID)
		}
	}
	for _, e := range r.Events {
		if strings.HasPrefix(e.Subject, "endpoint/") {
			add(e.UID)
		}
	}
	if r.Workload != nil && len(k.families) > 0 {
		k.families[r.Workload.Subject] = true
		k.families[strings.Replace(r.Workload.Subject, "deployment/", "replicaset/", 1)] = true
	}
	return k
}

// owns reports whether a workload owns a pod, itself or by a replica set. All pods that the
// selector of the workload has are in the record; sure: their owners, too.
func (k kin) owns(workload, pod string) (own, sure bool) {
	owner := k.pods[pod]
	if owner == "" {
		return false, len(k.pods) > 0 // it is not among them
	}
	if set := k.sets[owner]; set != "" {
		owner = set
	} else if strings.HasPrefix(owner, "replicaset/") {
		return false, false
	}
	return owner == workload, true
}

// family is what the owner of a pod is one of: the replica sets of one Deployment. If the
// record does not say whose a replica set is, those have names that differ in the last part.
func (k kin) family(owner string) string {
	if set := k.sets[owner]; set != "" {
		return set
	}
	name := nameOf(owner)
	if i := strings.LastIndex(name, "-"); i > 0 && strings.HasPrefix(owner, "replicaset/") {
		return strings.TrimSuffix(owner, name[i:])
	}
	return owner
}

// ofService reports whether the owner of a pod owns pods of the service. If no owner is
// known, any may.
func (k kin) ofService(owner string) bool {
	return len(k.families) == 0 || k.families[k.family(owner)]
}

// mayServe reports whether a pod may be one of the service's.
func (k kin) mayServe(uid string) bool { return k.pods[uid] == "" || k.ofService(k.pods[uid]) }

// subjectOfEvent is the subject of an event, or that of the object which a Kubernetes Event
// is about.
func subjectOfEvent(e record.Event) string { return strings.TrimPrefix(e.Subject, "event/") }

// about reports whether an event is about the object of another one.
func about(e, o record.Event) bool { return o.UID == e.UID && o.Subject == subjectOfEvent(e) }

// aboutPod reports whether an event is about a pod.
func aboutPod(e record.Event) bool { return strings.HasPrefix(subjectOfEvent(e), "pod/") }

// leaving reports whether the pod of an event had begun to end when that was seen: its
// probes fail then.
func (in *Inquiry) leaving(e record.Event) bool {
	return slices.ContainsFunc(in.result.Events, func(o record.Event) bool {
		return about(e, o) && slices.Contains([]string{record.EventTerminating, record.EventFailed, record.EventGone}, o.Kind) && o.From <= e.To
	})
}

// unready reports whether the pod of an event may have been not ready when that happened.
// Other objects are never ready.
func (in *Inquiry) unready(e record.Event) bool {
	ready, since := in.readiness(e, e.To)
	return !aboutPod(e) || !ready || since >= e.From
}

// readiness is whether the pod of an event was ready at a moment, and since when that was
// known; negative: the pod was not there.
func (in *Inquiry) readiness(e record.Event, at time.Duration) (ready bool, since time.Duration) {
	since = -1
	for _, o := range in.result.Events {
		if !about(e, o) || o.To > at {
			continue
		}
		switch {
		case o.Kind == record.EventReady, o.Kind == record.EventExists && o.Attrs[record.AttrReady] != "false":
			ready, since = true, o.To
		case slices.Contains([]string{record.EventNotReady, record.EventCreated, record.EventExists, record.EventTerminating, record.EventGone}, o.Kind):
			ready, since = false, o.To
		}
	}
	return ready, since
}

// killedByProbe is what the kubelet says of the probe by which a container was ended before
// it was started again: how it failed, or only that it did; nil: not that a probe did it. A
// container has its grace to end, and what was said before an earlier restart is of that
// one.
func killedByProbe(r judge.Result, restart record.Event) *Quote {
	container := restart.Attrs[record.AttrContainer]
	within := restarted + graceOf(r.Workload, container)
	earlier := time.Duration(-1)
	for _, e := range r.Events {
		if e.Kind == record.EventRestarted && e.UID == restart.UID && e.Attrs[record.AttrContainer] == container && e.To < restart.From {
			earlier = max(earlier, e.To)
		}
	}
	before := func(e record.Event) bool {
		return e.Kind == record.EventKubernetes && about(e, restart) &&
			cmp.Or(e.Attrs[record.AttrContainer], container) == container && e.From <= restart.To && e.To >= restart.From-within && e.From > earlier
	}
	for _, probe := range []string{"liveness", "startup"} {
		i := slices.IndexFunc(r.Events, func(e record.Event) bool {
			return before(e) && e.Attrs[record.AttrReason] == killing && strings.Contains(e.Attrs[record.AttrMessage], "failed "+probe+" probe")
		})
		if i < 0 {
			continue
		}
		for _, e := range slices.Backward(r.Events) {
			if !before(e) {
				continue
			}
			if q := quoteOf(e); q.Probe == probe {
				return q
			}
		}
		q := quoteOf(r.Events[i])
		q.Probe = probe
		return q
	}
	return nil
}

// restarted is how long after its end a container may have been started again, and seen so.
const restarted = 30 * time.Second

// graceOf is how long a container of a workload may take to end after a probe failed: as its
// description says, or Kubernetes' default.
func graceOf(w *record.Workload, container string) time.Duration {
	const byDefault = 30 * time.Second
	if w == nil {
		return byDefault
	}
	seconds := w.GraceSeconds
	for _, c := range w.Containers {
		if c.Name == container && c.GraceSeconds > 0 {
			seconds = c.GraceSeconds
		}
	}
	return max(byDefault, time.Duration(seconds)*time.Second)
}

// killing is the reason of the Event that a container is ended.
const killing = "Killing"

// timedOut reports whether a probe failed by its timeout, in the kubelet's words for each
// kind of probe.
func timedOut(failure string) bool {
	return slices.ContainsFunc([]string{"deadline exceeded", "Client.Timeout", "timed out", "i/o timeout", "timeout: failed"}, func(words string) bool { return strings.Contains(failure, words) })
}

// tooLittle is how the scheduler says why no node is available, and of which resource how
// many of them have too little.
var (
	unavailable = regexp.MustCompile(`^0/(\d+) nodes are available: (.*)`)
	tooLittle   = regexp.MustCompile(`\b(\d+) Insufficient ([^\s,]+)`)
)

// insufficient lists the resources of which no node has enough for a pod, in the
// scheduler's words; nil: it names none, or nodes are ruled out for another reason.
func insufficient(message string) (resources []string) {
	now, _, _ := strings.Cut(message, " preemption:") // as opposed to what it would be like without other pods
	m := unavailable.FindStringSubmatch(now)
	if m == nil {
		return nil
	}
	nodes, of := m[1], m[2]
	for _, m := range tooLittle.FindAllStringSubmatch(of, -1) {
		if m[1] == nodes {
			resources = append(resources, strings.TrimSuffix(m[2], "."))
		}
	}
	return resources
}
