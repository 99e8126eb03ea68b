package cause_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments/cause"
	"github.com/aftershockhq/aftershock/experiments/recovery"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
)

// lives are how many runs are made up.
const lives = 400

// Whatever else Kubernetes says, a cause quotes only what has to do with its outage, and it
// mostly quotes what brought it. The truth of each run is known.
func TestCausesUnderAttack(t *testing.T) {
	seen, wrong := map[string]*tally{}, 0
	for seed := range uint64(lives) {
		l := live(seed)
		if bad := l.judge(t, seen); len(bad) > 0 {
			if wrong++; wrong <= 3 {
				t.Errorf("life %d: %s\n%s", seed, l.story, strings.Join(bad, "\n"))
			}
		}
	}
	t.Logf("%d of %d lives quote what has nothing to do with the outage", wrong, lives)
	all := tally{}
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		s := seen[name]
		t.Logf("%-10s %3d lives, in %3d its words are in the record: %3d causes quote them, %3d tell of them", name, s.lives, s.said, s.quoted, s.told)
		all.said, all.told = all.said+s.said, all.told+s.told
		if s.lives == 0 || !slices.Contains([]string{"nothing", "exit"}, name) && s.said == 0 {
			t.Errorf("%s: %+v", name, *s)
		}
	}
	if t.Logf("%d of %d tell of what brought the outage", all.told, all.said); 10*all.told < 9*all.said {
		t.Error("want nine tenths")
	}
}

// A tally counts the lives of one true cause: all, those whose record has its words, and
// those in which these are quoted by Why, or by that or When.
type tally struct{ lives, said, quoted, told int }

// A truth is what a message of Kubernetes has to do with the run: of whom it kept the
// service, and from when to when, in seconds. Of one that has nothing to do with it, both
// are 0. Brought: it is what brought the outage.
type truth struct {
	from, to float64
	brought  bool
	recorded bool
	about    string
}

// A pod of a life. It answers from one instant to another, in seconds.
type pod struct {
	name, uid, owner string
	from, to         float64
	ends             bool // it is gone for good
}

// A life is a run whose truth is known.
type life struct {
	dice    *rand.Rand
	cause   string
	own     string // owner of the service's pods
	resized bool   // it had one pod more once, so which replaced which is not known
	story   string
	entries []record.Entry
	pods    []*pod // of the service
	slow    [2]float64
	truths  []*truth
	named   int // pods

	// How much of what Kubernetes says is seen, and until when.
	share float64
	until float64
	alike map[string]int
}

const (
	injected = 20.0
	over     = 100.0
	never    = 1000.0
)

// between is an instant, to the millisecond.
func (l *life) between(from, to float64) float64 {
	return float64(int(1000*(from+l.dice.Float64()*(to-from)))) / 1000
}

func (l *life) often(share float64) bool { return l.dice.Float64() < share }

func at(seconds float64) time.Duration {
	return time.Duration(seconds*1000) * time.Millisecond
}

// happens adds an event that a watch saw within a moment.
func (l *life) happens(when float64, kind, subject, uid string, attrs ...string) {
	if when > over {
		return
	}
	e := record.Event{Span: steadystate.Span{From: at(max(0, when-0.05)), To: at(when + 0.05)}, Kind: kind, Subject: subject, UID: uid, Attrs: map[string]string{}}
	if kind == record.EventExists {
		e.Span = steadystate.Instant(0)
	}
	for i := 0; i+1 < len(attrs); i += 2 {
		e.Attrs[attrs[i]] = attrs[i+1]
	}
	l.entries = append(l.entries, record.Entry{At: e.To, Event: &e})
}

func (l *life) pod(when float64, kind string, p *pod, attrs ...string) {
	if kind == record.EventExists || kind == record.EventCreated {
		attrs = append(attrs, record.AttrOwner, p.owner)
	}
	l.happens(when, kind, "pod/shop/"+p.name, p.uid, attrs...)
}

func (l *life) endpoint(when float64, kind string, p *pod) {
	l.happens(when, kind, "endpoint/shop/"+p.name, p.uid)
}

// mark has a truth for a message, which it ends with.
func (l *life) mark(message string, is truth) (string, *truth) {
	is.about = message
	l.truths = append(l.truths, &is)
	return fmt.Sprintf("%s #%d", message, len(l.truths)-1), &is
}

// says adds a Kubernetes Event that is repeated, each time after half as long again, until
// it ends: seen late, or not at all.
func (l *life) says(from, to float64, subject, uid, reason, message string, is truth) {
	text, known := l.mark(message, is)
	kept := l.often(l.share)
	count, last, step := 0, -never, l.between(0.2, 8)
	for when := from; when <= to; when, step = when+step, 1.5*step {
		count++
		late := l.between(0, 0.3)
		if l.often(0.1) {
			late = l.between(1, 12)
		}
		alike := uid + reason
		if seen := when + late; !kept || seen > min(over, l.until) || seen < last+10 || l.alike[alike] == 20 {
			continue
		}
		last = when + late
		l.alike[alike]++
		known.recorded = true
		e := record.Event{
			Span: steadystate.Span{From: at(max(0, min(last-1, float64(int(when))))), To: at(last)},
			Kind: record.EventKubernetes, Subject: "event/" + subject, UID: uid,
			Attrs: map[string]string{record.AttrReason: reason, record.AttrMessage: text},
		}
		if count > 1 {
			e.Attrs[record.AttrCount] = strconv.Itoa(count)
		}
		l.entries = append(l.entries, record.Entry{At: e.To, Event: &e})
	}
}

func (l *life) saysOf(p *pod, from, to float64, reason, message string, is truth) {
	l.says(from, to, "pod/shop/"+p.name, p.uid, reason, message, is)
}

// newPod names one.
func (l *life) newPod(owner string) *pod {
	l.named++
	_, set, _ := strings.Cut(owner, "/")
	name := fmt.Sprintf("%s-%c", set, 'a'+l.named-1)
	return &pod{name: name, uid: "uid-" + name, owner: owner, from: never, to: never}
}

// next is the pod that replaces one. A StatefulSet's has its name.
func (l *life) next(p *pod) *pod {
	n := l.newPod(p.owner)
	if strings.HasPrefix(p.owner, "StatefulSet/") {
		n.name = p.name
	}
	return n
}

// starts are the stages of a new pod, up to one that it does not come to before an instant.
func (l *life) starts(p *pod, created float64, stage string, heal float64) {
	when := created
	l.pod(when, record.EventCreated, p)
	for _, s := range []struct {
		kind string
		took float64
	}{{record.EventScheduled, 0.2}, {record.EventStarted, 1.5}, {record.EventReady, 1}} {
		if when += l.between(0.1, s.took); s.kind == stage {
			when = max(when, heal)
		}
		l.pod(when, s.kind, p)
	}
	p.from = when + l.between(0, 0.4)
	l.endpoint(p.from, record.EventAdded, p)
	l.pods = append(l.pods, p)
}

// leaves takes the endpoint of a pod away that does not answer from then on.
func (l *life) leaves(p *pod, when float64) {
	p.to = when
	l.endpoint(when+l.between(0.05, 0.3), record.EventRemoved, p)
}

const other = "ReplicaSet/cart-5c"

// owner is the subject of what owns the service's pods.
func (l *life) owner() string {
	kind, name, _ := strings.Cut(l.own, "/")
	return strings.ToLower(kind) + "/shop/" + name
}

// live makes up a run.
func live(seed uint64) *life {
	l := &life{dice: rand.New(rand.NewPCG(seed, 14)), share: 1, until: never, alike: map[string]int{}, own: "ReplicaSet/shop-7d"}
	if l.often(0.25) {
		l.own = "StatefulSet/shop"
	}
	switch l.dice.IntN(10) {
	case 0:
		l.share = 0 // no right
	case 1:
		l.share = 0.5
	case 2:
		l.until = l.between(injected, 60) // the record has enough
	}
	n := 1 + l.dice.IntN(3)
	var served []*pod
	for range n {
		p := l.newPod(l.own)
		p.from = 0
		l.pod(0, record.EventExists, p, record.AttrNode, "n1", record.AttrReady, "true")
		l.endpoint(0, record.EventExists, p)
		served = append(served, p)
	}
	l.pods = slices.Clone(served)
	l.happens(0, record.EventExists, l.owner(), "uid-"+l.owner())
	l.happens(0, record.EventExists, "node/n1", "uid-n1", record.AttrReady, "true")
	heal := injected + l.between(8, 40)
	if l.often(0.2) {
		heal = never
	}
	if l.dice.IntN(5) < 3 {
		l.killed(served, heal)
	} else {
		heal = injected + l.between(30, 60)
		l.held(served, heal)
	}
	l.noise(served, min(heal, over))
	return l
}

// kinds of life in which pods are killed, by what keeps their replacements away.
var kinds = []string{"nothing", "no room", "quota", "pull", "mount", "readiness", "startup", "crash", "sandbox"}

// killed kills all pods, or all but one, which is slow then.
func (l *life) killed(served []*pod, heal float64) {
	l.cause = kinds[l.dice.IntN(len(kinds))]
	victims := served
	if len(served) > 1 && l.often(0.3) {
		victims = served[:len(served)-1]
		l.slow = [2]float64{injected, min(over, heal)}
	}
	injection := &record.Injection{Fault: "kill", Span: steadystate.Span{From: at(injected), To: at(injected + 0.1)}, OneShot: true, ChangesPods: true, Effects: []record.Effect{{Event: record.EventGone}}, Of: len(served)}
	for _, v := range victims {
		injection.Targets = append(injection.Targets, record.Target{Name: v.name, UID: v.uid})
		l.pod(injected+0.05, record.EventGone, v)
		l.leaves(v, injected+0.05)
		v.ends = true
	}
	l.entries = append(l.entries, record.Entry{At: at(injected + 0.1), Injection: injection})
	if l.cause == "quota" {
		l.says(injected+0.2, heal, l.owner(), "uid-"+l.owner(), "FailedCreate", `pods "shop-7d-x" is forbidden: exceeded quota: compute, requested: pods=1`, truth{from: injected, to: heal, brought: true})
	}
	for _, v := range victims {
		l.replaced(l.next(v), injected+l.between(0.1, 0.4), heal)
	}
}

// replaced creates a pod that the true cause keeps away until it heals.
func (l *life) replaced(p *pod, created, heal float64) {
	is := truth{from: created, to: heal, brought: true}
	state := func(when float64, kind, reason, message string) {
		if l.often(0.6) {
			text, known := l.mark(message, is)
			known.recorded = true
			l.pod(when, kind, p, record.AttrContainer, "shop", record.AttrReason, reason, record.AttrMessage, text)
		}
	}
	stage := record.EventStarted
	switch l.cause {
	case "nothing":
		stage = record.EventReady // it is slow
	case "quota":
		if heal < never {
			l.starts(p, heal, "", 0)
		}
		return
	case "no room":
		stage = record.EventScheduled
		const message = "0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod."
		state(created+0.1, record.EventUnschedulable, "Unschedulable", message)
		l.saysOf(p, created+0.1, heal, "FailedScheduling", message, is)
	case "pull":
		state(created+1, record.EventWaiting, "ErrImagePull", `failed to pull and unpack image "shop:2": not found`)
		l.saysOf(p, created+1, heal, "Failed", `Failed to pull image "shop:2": not found`, is)
		l.saysOf(p, created+1, heal, "Failed", "Error: ErrImagePull", is)
		l.saysOf(p, created+2, heal, "BackOff", `Back-off pulling image "shop:2"`, is)
	case "mount":
		reason := []string{"FailedMount", "FailedAttachVolume"}[l.dice.IntN(2)]
		l.saysOf(p, created+0.5, heal, reason, `MountVolume.SetUp failed for volume "config": configmap "shop" not found`, is)
	case "sandbox":
		l.saysOf(p, created+0.5, heal, "FailedCreatePodSandBox", "Failed to create pod sandbox: plugin cni failed (add): no IP", is)
	case "readiness":
		stage = record.EventReady
		l.saysOf(p, created+2, heal, "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503", is)
	case "startup":
		stage = record.EventReady
		l.saysOf(p, created+2, heal, "Unhealthy", `Startup probe failed: Get "http://10.0.0.1/": context deadline exceeded`, is)
		l.restarts(p, created+8, heal, "Error", func(when float64) {
			l.saysOf(p, when-0.5, when-0.5, "Killing", "Container shop failed startup probe, will be restarted", is)
		})
	case "crash":
		stage = record.EventReady
		state(created+2.5, record.EventWaiting, "CrashLoopBackOff", "back-off 10s restarting failed container=shop")
		l.restarts(p, created+3, heal, "Error", func(when float64) {
			l.saysOf(p, when-0.5, when-0.5, "BackOff", "Back-off restarting failed container shop in pod "+p.name, is)
		})
	}
	if heal == never && stage != record.EventScheduled {
		// It comes up to that stage.
		l.starts(p, created, stage, never)
		return
	}
	l.starts(p, created, stage, heal)
}

// restarts restarts the container of a pod at growing distances; before is what comes
// before each.
func (l *life) restarts(p *pod, from, to float64, reason string, before func(when float64)) {
	for when, step := from, 6.0; when < min(to, over)-1; when, step = when+step, 1.7*step {
		before(when)
		l.pod(when-0.2, record.EventStopped, p, record.AttrContainer, "shop", record.AttrReason, reason, record.AttrCode, "137")
		l.pod(when, record.EventRestarted, p, record.AttrContainer, "shop", record.AttrReason, reason, record.AttrCode, "137")
	}
}

// held delays one pod, while the pods go for another reason, if for any.
func (l *life) held(served []*pod, heal float64) {
	l.cause = []string{"nothing", "liveness", "memory", "evicted", "node", "preempted", "exit"}[l.dice.IntN(7)]
	injection := &record.Injection{Fault: "delay", Span: steadystate.Span{From: at(injected), To: at(injected + 0.1)}, Effects: []record.Effect{{Signal: record.TrafficSignal}}, Of: len(served)}
	for _, p := range served {
		injection.Targets = append(injection.Targets, record.Target{Name: p.name, UID: p.uid})
	}
	l.entries = append(l.entries, record.Entry{At: at(injected + 0.1), Injection: injection},
		record.Entry{At: at(injected + 30), Removal: &record.Removal{Fault: "delay", Span: steadystate.Instant(at(injected + 30))}})
	if l.cause == "nothing" {
		l.slow = [2]float64{injected, min(heal, injected+30)}
		return
	}
	from := injected + l.between(4, 10)
	for _, p := range served {
		gone := from + l.between(0, 0.5)
		is := truth{from: gone - 4, to: heal, brought: true}
		switch l.cause {
		case "liveness":
			l.saysOf(p, gone-3, gone-0.6, "Unhealthy", `Liveness probe failed: Get "http://10.0.0.1/": context deadline exceeded`, is)
			l.saysOf(p, gone-0.5, gone-0.5, "Killing", "Container shop failed liveness probe, will be restarted", is)
			l.again(p, gone, heal, "Error")
		case "memory":
			l.again(p, gone, heal, "OOMKilled")
		case "exit":
			l.again(p, gone, heal, "Error")
		case "evicted":
			l.saysOf(p, gone-0.1, gone-0.1, "Evicted", "The node was low on resource: memory. Threshold quantity: 100Mi, available: 90Mi.", is)
			l.pod(gone, record.EventFailed, p, record.AttrReason, "Evicted")
			l.ended(p, gone, heal)
		case "preempted":
			l.saysOf(p, gone-0.1, gone-0.1, "Preempted", "Preempted by pod 7d1 on node n1", is)
			l.pod(gone, record.EventTerminating, p, record.AttrReason, "PreemptionByScheduler")
			l.ended(p, gone, heal)
		case "node":
			l.happens(gone-0.1, record.EventNotReady, "node/n1", "uid-n1", record.AttrReason, "NodeStatusUnknown: Kubelet stopped posting node status.")
			l.saysOf(p, gone+0.1, gone+0.1, "NodeNotReady", "Node is not ready", is)
			l.pod(gone, record.EventNotReady, p)
			l.leaves(p, gone)
			l.back(p, heal)
		}
	}
}

// again restarts a pod's container, which is ready again when it heals.
func (l *life) again(p *pod, gone, heal float64, reason string) {
	l.pod(gone, record.EventStopped, p, record.AttrContainer, "shop", record.AttrReason, reason, record.AttrCode, "137")
	l.pod(gone, record.EventNotReady, p)
	l.leaves(p, gone)
	l.pod(gone+0.8, record.EventRestarted, p, record.AttrContainer, "shop", record.AttrReason, reason, record.AttrCode, "137")
	l.pod(gone+0.8, record.EventStarted, p)
	l.back(p, heal)
}

// back adds the endpoint of a pod again.
func (l *life) back(p *pod, heal float64) {
	l.pod(heal, record.EventReady, p)
	l.endpoint(heal+0.1, record.EventAdded, p)
	l.pods = append(l.pods, &pod{name: p.name, uid: p.uid, owner: p.owner, from: heal + 0.1, to: never})
}

// ended replaces a pod that ends.
func (l *life) ended(p *pod, gone, heal float64) {
	l.pod(gone, record.EventNotReady, p)
	l.leaves(p, gone)
	p.ends = true
	l.pod(gone+2, record.EventGone, p)
	l.starts(l.next(p), gone+0.2, record.EventReady, heal)
}

// noise is what has nothing to do with the outage, or passes.
func (l *life) noise(served []*pod, heal float64) {
	whenever := func() float64 { return l.between(injected+0.5, min(heal, over-10)) }
	troubles := []struct{ reason, message string }{
		{"FailedScheduling", "0/3 nodes are available: 3 Insufficient memory."},
		{"FailedMount", `MountVolume.SetUp failed for volume "cart": timed out`},
		{"Failed", `Failed to pull image "cart:9": not found`},
		{"BackOff", "Back-off restarting failed container cart"},
		{"Unhealthy", "Readiness probe failed: connection refused"},
		{"Evicted", "The node was low on resource: ephemeral-storage."},
		{"Preempted", "Preempted by pod c2 on node n2"},
		{"NodeNotReady", "Node is not ready"},
		{"FailedPostStartHook", "PostStartHook failed"},
		{"FailedCreatePodSandBox", "Failed to create pod sandbox: no IP"},
	}
	trouble := func(p *pod, from, to float64) {
		of := troubles[l.dice.IntN(len(troubles))]
		l.saysOf(p, from, to, of.reason, of.message, truth{})
	}
	for range l.dice.IntN(4) {
		switch l.dice.IntN(13) {
		case 0: // a pod of another workload that the selector has too
			p, when := l.newPod(other), whenever()
			l.pod(when, record.EventCreated, p)
			text, _ := l.mark("0/3 nodes are available: 3 Insufficient memory.", truth{})
			if l.often(0.5) {
				l.pod(when+0.1, record.EventUnschedulable, p, record.AttrReason, "Unschedulable", record.AttrMessage, text)
			}
			trouble(p, when+0.1, heal)
		case 1: // one that was there, and ready, and that another run takes away
			p, when := l.newPod(other), whenever()
			l.pod(0, record.EventExists, p, record.AttrReady, "true")
			l.pod(when, record.EventGone, p)
			trouble(p, when-0.5, when+3)
			next := l.newPod(other)
			l.pod(when+0.2, record.EventCreated, next)
			text, _ := l.mark("failed to pull image cart:9", truth{})
			l.pod(when+0.5, record.EventWaiting, next, record.AttrContainer, "cart", record.AttrReason, "ErrImagePull", record.AttrMessage, text)
			trouble(next, when+0.3, heal)
		case 2: // its replica set
			l.happens(0, record.EventExists, "replicaset/shop/cart-5c", "uid-cart-5c")
			l.says(whenever(), heal, "replicaset/shop/cart-5c", "uid-cart-5c", "FailedCreate", `pods "cart-5c-x" is forbidden: exceeded quota`, truth{})
		case 3: // a pod of the service that is fine: one probe failed of it
			for _, p := range l.pods {
				if p.from < injected && p.to > over && l.slow[1] == 0 {
					when := whenever()
					l.saysOf(p, when, when, "Unhealthy", "Readiness probe failed: EOF", truth{})
				}
			}
		case 4: // one that had ended before the fault
			if l.resized {
				break
			}
			l.resized = true
			p := l.newPod(l.own)
			l.pod(0, record.EventExists, p, record.AttrReady, "true")
			l.pod(8, record.EventTerminating, p)
			l.pod(9, record.EventGone, p)
			trouble(p, l.between(6, 19), l.between(10, heal))
		case 5: // one that was never ready
			p := l.newPod(l.own)
			l.pod(0, record.EventExists, p, record.AttrReady, "false")
			trouble(p, l.between(1, 5), over)
		case 6: // before the fault
			p := served[l.dice.IntN(len(served))]
			when := l.between(5, 15)
			l.saysOf(p, when, when+l.between(0, 3), "Unhealthy", "Readiness probe failed: context deadline exceeded", truth{from: when, to: when + 3})
		case 7: // after the outage
			if heal < over-20 {
				p := l.pods[len(l.pods)-1]
				when := heal + l.between(12, 18)
				l.saysOf(p, when, over, "Unhealthy", "Liveness probe failed: EOF", truth{})
			}
		case 8: // what passes soon keeps no replacement away for long
			if len(l.pods) > len(served) && l.cause != "quota" && l.cause != "no room" {
				p := l.pods[len(l.pods)-1]
				if p.name != served[len(served)-1].name {
					l.saysOf(p, injected+0.3, injected+0.3, "FailedScheduling", "0/3 nodes are available: 3 Too many pods.", truth{from: injected, to: injected + 1})
				}
			}
		case 9: // the end of a pod that was killed
			p := served[0]
			if p.ends {
				l.saysOf(p, p.to+0.2, p.to+0.2, "Killing", "Stopping container shop", truth{})
				l.saysOf(p, p.to+0.3, p.to+2, "Unhealthy", "Readiness probe failed: connection reset", truth{})
			}
		case 10: // another kind of object
			l.says(whenever(), heal, "hpa/shop/shop", "uid-hpa", "FailedGetResourceMetric", "no metrics returned from resource metrics API", truth{})
			l.says(whenever(), heal, "deployment/shop/cart", "uid-cart", "FailedCreate", "no", truth{})
		case 11: // a probe ended a container long before, and it was started again
			p := served[0]
			l.saysOf(p, 4, 4, "Unhealthy", "Liveness probe failed: EOF", truth{from: 4, to: 6})
			l.saysOf(p, 5, 5, "Killing", "Container shop failed liveness probe, will be restarted", truth{from: 5, to: 6})
			l.pod(5.9, record.EventRestarted, p, record.AttrContainer, "shop", record.AttrReason, "Error", record.AttrCode, "137")
		case 12: // a pod that an autoscaler adds besides those that replace others
			if len(l.pods) > len(served) && l.cause != "quota" && served[0].to < injected+1 && !l.resized {
				l.resized = true
				p, when := l.newPod(l.own), whenever()
				l.pod(when, record.EventCreated, p)
				trouble(p, when+0.1, heal)
			}
		}
	}
}

// requests are five in a second, each to the next of the pods that answer then.
func (l *life) requests() (list []record.Entry) {
	n := 0
	for when := 0.1; when < over; when += 0.2 {
		n++
		var there []*pod
		for _, p := range l.pods {
			if p.from <= when && when < p.to {
				there = append(there, p)
			}
		}
		q := record.Request{Seq: uint64(n), Planned: at(when), Sent: at(when), Answered: at(when + 0.01), Outcome: record.Outcome{Attempts: 1, Error: "connection refused"}}
		if len(there) > 0 {
			q.Outcome = record.Outcome{Attempts: 1, Code: 200, Backend: there[n%len(there)].name}
			if l.slow[0] < when && when < l.slow[1] {
				q.Answered = at(when + 1.5)
			}
		}
		list = append(list, record.Entry{At: q.Answered, Requests: &record.Requests{Signal: record.TrafficSignal, List: []record.Request{q}}})
	}
	return list
}

// ready is the share of the pods that answer, seen each second.
func (l *life) ready() (list []record.Entry) {
	for when := 0.5; when < over; when++ {
		n := 0.0
		for _, p := range l.pods {
			if p.from <= when && when < p.to {
				n++
			}
		}
		o := steadystate.Observation{Span: steadystate.Instant(at(when)), Value: n}
		list = append(list, record.Entry{At: o.To, Observations: &record.Observations{Signal: "pods", List: []steadystate.Observation{o}}})
	}
	return list
}

var marked = regexp.MustCompile(`#(\d+)`)

// judge judges the record of the life, and what the causes in it quote.
func (l *life) judge(t *testing.T, seen map[string]*tally) (wrong []string) {
	wanted := 0.0
	for _, p := range l.pods {
		if p.from < injected && p.to > injected {
			wanted++
		}
	}
	plan := &record.Plan{
		Name: "shop", Settle: 10 * time.Second, Load: "steady", Faults: []record.Scheduled{{Fault: "a fault"}},
		Checks: []steadystate.Check{
			{Name: "answers", Signal: record.TrafficSignal, Good: steadystate.Within(time.Second)},
			{Name: "pods", Signal: "pods", Good: steadystate.AtLeast(wanted)},
		},
	}
	entries := append(append(l.entries, l.requests()...), l.ready()...)
	entries = append(entries, record.Entry{Phase: record.PhaseSettle}, record.Entry{At: at(injected), Phase: record.PhaseInject}, record.Entry{At: at(injected + 0.2), Phase: record.PhaseWatch},
		record.Entry{At: at(over + 2), End: &record.End{Reason: record.Completed}})
	slices.SortStableFunc(entries, func(a, b record.Entry) int { return cmp.Compare(a.At, b.At) })
	entries = append(recordtest.Entries(plan, ""), entries...)
	result, err := judge.Judge(recordtest.All(entries), nil)
	if err != nil {
		t.Fatal(err)
	}
	var history recovery.History
	for _, e := range entries {
		history.Take(e)
	}
	in := cause.NewInquiry(result, history.Waterfalls(result.Checks))
	for _, e := range entries {
		in.Take(e)
	}
	if seen[l.cause] == nil {
		seen[l.cause] = &tally{}
	}
	of := seen[l.cause]
	of.lives++
	said, quoted, told := false, false, false
	for _, is := range l.truths {
		said = said || is.recorded && is.brought
	}
	causes := in.Causes()
	l.story = fmt.Sprintf("%s, %d causes", l.cause, len(causes))
	for _, c := range causes {
		l.story += fmt.Sprintf("\n  %s\n    why: %s\n    when: %s", c.Check, c.Why, c.When)
	}
	for _, c := range causes {
		check, err := result.Check(c.Check)
		if err != nil || c.Outage == cause.NoOutage {
			continue
		}
		o := check.Outages[c.Outage]
		if q := c.Quote; q != nil && q.Reason != "Killing" && !strings.Contains(c.Why, q.Message) {
			wrong = append(wrong, fmt.Sprintf("%q does not quote %+v", c.Why, *q))
		}
		for _, text := range []string{c.Why, c.When} {
			for _, m := range marked.FindAllStringSubmatch(text, -1) {
				n, _ := strconv.Atoi(m[1])
				is := l.truths[n]
				least := 0.0
				if text == c.Why {
					least = 0.25
				}
				hindered := min(is.to, o.End.To.Seconds()) - max(is.from, o.Start.From.Seconds())
				if is.to == 0 || hindered <= least*(o.End.To-o.Start.From).Seconds() {
					wrong = append(wrong, fmt.Sprintf("outage %s to %s: %q quotes %q, which has to do with %g to %g", o.Start, o.End, text, is.about, is.from, is.to))
				}
				quoted = quoted || is.brought && text == c.Why
				told = told || is.brought
			}
		}
		if l.cause == "memory" && c.Rule == cause.KilledForMemory || l.cause == "node" && strings.Contains(c.When, "node n1") {
			said, told = true, true
		}
	}
	if said {
		of.said++
	}
	if quoted {
		of.quoted++
	}
	if told {
		of.told++
	}
	return wrong
}
