package cause

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/experiments/recovery"
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

// rank is the place of an event in [reasons]; negative: it is not among them.
func rank(e record.Event) int {
	return slices.IndexFunc(reasons, func(r struct{ name, text string }) bool { return r.name == e.Attrs[record.AttrReason] })
}

// words say what a Kubernetes Event says, about what, and how often:
// `the readiness probe of d failed: "HTTP probe failed with statuscode: 503" (7 times)`.
func words(e record.Event) string {
	text, message := "Kubernetes says of %s: %s", e.Attrs[record.AttrMessage]
	if i := rank(e); i >= 0 {
		text = reasons[i].text
	}
	if probe, failure, ok := probeOf(message); ok {
		text, message = "the "+probe+" probe of %s failed: %s", failure
	}
	said := fmt.Sprintf(text, nameOf(e.Subject), quoted(message))
	if n := e.Attrs[record.AttrCount]; n != "" {
		said += fmt.Sprintf(" (%s times)", n)
	}
	return said
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
// middle of its own span decides whether it is in it; of one that was seen late, nothing
// does.
func (in *Inquiry) worst(span steadystate.Span, fits func(*Inquiry, record.Event) bool) (worst record.Event, ok bool) {
	for _, e := range in.result.Events {
		if e.Kind != record.EventKubernetes || rank(e) < 0 || e.To-e.From > late || !steadystate.Instant(e.Middle()).Overlaps(span) || !fits(in, e) {
			continue
		}
		if was := rank(worst); !ok || cmp.Or(cmp.Compare(rank(e), was), cmp.Compare(worst.To, e.To)) <= 0 {
			worst, ok = e, true
		}
	}
	return worst, ok
}

// hinders reports whether an Event says why a pod that was there is not, or why one that
// is to come, or to be ready, is not: for half of the span at least, as what passes sooner
// keeps nothing away.
func hinders(span steadystate.Span) func(*Inquiry, record.Event) bool {
	return func(in *Inquiry, e record.Event) bool {
		over := "" // the kind of event after which it hinders no more
		switch e.Attrs[record.AttrReason] {
		case "Evicted", "Preempted":
			return true
		case "FailedPreStopHook":
			return false
		case "FailedScheduling":
			over = record.EventScheduled
		case "FailedAttachVolume", "FailedMount", "FailedCreatePodSandBox":
			over = record.EventStarted
		}
		passed := slices.ContainsFunc(in.result.Events, func(o record.Event) bool { return o.Kind == over && about(e, o) && o.To < span.Middle() })
		probe, _, _ := probeOf(e.Attrs[record.AttrMessage])
		return !passed && probe != "liveness" && in.missing(e) && !in.leaving(e) && in.unready(e)
	}
}

// missing reports whether the pod of a Kubernetes Event is one that the fault took or that
// replaces it, or was ready before the fault. If no pod was seen to replace another, any
// that was created later may. Other objects than pods are always.
func (in *Inquiry) missing(e record.Event) bool {
	if !aboutPod(e) || in.exchanged(e) {
		return true
	}
	ready, since := in.readiness(e, in.result.Window.From)
	return ready || since < 0 && !slices.ContainsFunc(in.waterfalls, func(w recovery.Waterfall) bool { return w.Replacement != nil })
}

// concerns reports whether an Event is about a pod that has to do with an outage, or
// about an object that creates pods.
func concerns(c Cause) func(*Inquiry, record.Event) bool {
	return func(in *Inquiry, e record.Event) bool {
		if !aboutPod(e) {
			return true
		}
		name := nameOf(e.Subject)
		known := name == c.Recovering || in.exchanged(e) || slices.ContainsFunc(c.Failures, func(f Failure) bool { return f.Backend == name })
		return known && !in.leaving(e)
	}
}

// said is what Kubernetes said in an outage of the pods in question, unless its cause
// quotes that.
func (in *Inquiry) said(o *outage, c Cause) string {
	e, ok := in.worst(steadystate.Span{From: o.Start.From, To: o.End.To}, concerns(c))
	if !ok || strings.Contains(c.Why, words(e)) {
		return ""
	}
	return "; meanwhile, " + words(e)
}

// exchanged reports whether the pod of a Kubernetes Event was taken away, or replaces one
// that was.
func (in *Inquiry) exchanged(e record.Event) bool {
	return slices.ContainsFunc(in.waterfalls, func(w recovery.Waterfall) bool {
		return w.Victim.UID == e.UID || w.Replacement != nil && w.Replacement.UID == e.UID
	})
}

// about reports whether a Kubernetes Event is about the object of another event.
func about(e, o record.Event) bool { return o.UID == e.UID && "event/"+o.Subject == e.Subject }

// aboutPod reports whether a Kubernetes Event is about a pod.
func aboutPod(e record.Event) bool { return strings.HasPrefix(e.Subject, "event/pod/") }

// leaving reports whether a probe failed of a pod that had begun to end when that was
// seen, as probes then do.
func (in *Inquiry) leaving(e record.Event) bool {
	return slices.Contains([]string{"Unhealthy", "ProbeError"}, e.Attrs[record.AttrReason]) && slices.ContainsFunc(in.result.Events, func(o record.Event) bool {
		return about(e, o) && (o.Kind == record.EventTerminating || o.Kind == record.EventGone) && o.From <= e.To
	})
}

// unready reports whether the pod of a Kubernetes Event may have been not ready when
// that happened. Other objects are never ready.
func (in *Inquiry) unready(e record.Event) bool {
	ready, since := in.readiness(e, e.To)
	return !aboutPod(e) || !ready || since >= e.From
}

// readiness is whether the pod of a Kubernetes Event was ready at a moment, and since when
// that was known; negative: the pod was not there.
func (in *Inquiry) readiness(e record.Event, at time.Duration) (ready bool, since time.Duration) {
	since = -1
	for _, o := range in.result.Events {
		if !about(e, o) || o.To > at {
			continue
		}
		switch {
		case o.Kind == record.EventReady, o.Kind == record.EventExists && o.Attrs[record.AttrReady] != "false":
			ready, since = true, o.To
		case o.Kind == record.EventNotReady, o.Kind == record.EventCreated, o.Kind == record.EventExists:
			ready, since = false, o.To
		}
	}
	return ready, since
}

// killedByProbe says by which probe a container was ended before it was started again,
// in the kubelet's words; empty: the kubelet did not say that a probe did it. A container
// has its grace to end, and what was said before an earlier restart is of that one.
func (in *Inquiry) killedByProbe(restart record.Event) string {
	const grace = time.Minute
	container := restart.Attrs[record.AttrContainer]
	from := restart.From - grace
	for _, e := range in.result.Events {
		if e.Kind == record.EventRestarted && e.UID == restart.UID && e.Attrs[record.AttrContainer] == container && e.To < restart.From {
			from = max(from, e.To)
		}
	}
	before := func(e record.Event) bool {
		return e.Kind == record.EventKubernetes && about(e, restart) &&
			cmp.Or(e.Attrs[record.AttrContainer], container) == container && e.From <= restart.To && e.To >= from
	}
	for _, probe := range []string{"liveness", "startup"} {
		if !slices.ContainsFunc(in.result.Events, func(e record.Event) bool {
			return before(e) && e.Attrs[record.AttrReason] == "Killing" && strings.Contains(e.Attrs[record.AttrMessage], "failed "+probe+" probe")
		}) {
			continue
		}
		text := "by its " + probe + " probe"
		for _, e := range slices.Backward(in.result.Events) {
			if of, failure, ok := probeOf(e.Attrs[record.AttrMessage]); ok && of == probe && before(e) {
				return text + ", which failed: " + quoted(failure)
			}
		}
		return text
	}
	return ""
}

// outOfTime reports whether a probe that ended a container failed by its timeout, in the
// kubelet's words for each kind of probe.
func outOfTime(why string) bool {
	_, failure, ok := strings.Cut(why, "by its liveness probe, which failed: ")
	return ok && slices.ContainsFunc([]string{"deadline exceeded", "Client.Timeout", "timed out", "i/o timeout", "timeout: failed"}, func(words string) bool { return strings.Contains(failure, words) })
}

// insufficient is how the scheduler says that nodes have too little of a resource.
var insufficient = regexp.MustCompile(`"0/(\d+) nodes are available: (\d+) Insufficient ([^\s,"]+)`)

// noRoom is the resource of which no node has enough for a pod, in the scheduler's words;
// empty: it names none, or nodes are ruled out for another reason.
func noRoom(why string) string {
	if m := insufficient.FindStringSubmatch(why); m != nil && m[1] == m[2] {
		return strings.TrimSuffix(m[3], ".")
	}
	return ""
}
