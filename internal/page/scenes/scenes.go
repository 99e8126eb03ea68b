// Package scenes plays runs of each end, for pages and for tests of what is written about
// a run: what broke and why, what to mend, and what only its authors know.
//
//	report, err := runs.Judge(recordtest.All(scenes.Play("broken")), nil, autoscaling.Evaluator{})
package scenes

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

const (
	s    = time.Second
	kill = "kill 1 of the pods app=warm in bazaar"
)

var started = time.Date(2026, 11, 27, 23, 40, 53, 0, time.UTC)

// A scene is a run to be played: one of four pods of a deployment is killed at 5 s, its
// endpoint outlives it, and its replacement, which no probe watches, is Ready before it
// can answer. Later an autoscaler adds two pods.
type scene struct {
	name             string
	limits, replicas []string      // of the requests, and of the number of ready pods
	cold             time.Duration // for which the replacement answers 503 although it is Ready
	change           func([]record.Entry) []record.Entry
}

// play is the record of a scene.
func (c scene) play() []record.Entry {
	const (
		length  = 20 * s
		at      = 5 * s
		removed = at + 500*time.Millisecond
		ready   = 10 * s
		owner   = "ReplicaSet/warm-786b5d5549"
	)
	pods := []string{"hss6q", "bwtcm", "nnzlf", "4xk8d", "cz7k2"}
	name := func(i int) string { return "warm-786b5d5549-" + pods[i] }
	list := []record.Entry{
		{Header: &record.Header{Format: record.Format, Version: record.Version, Run: "6f1d2c3b4a", Started: started, Tool: "0.14.0"}},
		{Plan: &record.Plan{
			Name: "warm/pods/" + c.name, Title: "one of four pods is killed", Service: "warm", Namespace: "bazaar",
			Settle: 3 * s, Hold: 3 * s, Watch: 12 * s, Load: "50/s for 20s, GET http://warm.bazaar/sell", Source: "aftershock.yaml:41", Hash: "3f2a9c0d51e7b8463f2a9c0d51e7b846",
			Faults: []record.Scheduled{{Fault: kill}},
			Checks: []steadystate.Check{
				{Name: "gizmo sells", Signal: record.TrafficSignal, Good: steadystate.Within(500 * time.Millisecond), Limits: steadystate.Limits(c.limits...)},
				{Name: "enough replicas", Signal: "ready pods of deployment/warm", Good: steadystate.AtLeast(4), Limits: steadystate.Limits(c.replicas...)},
			},
			Signals: map[string]string{record.TrafficSignal: "requests of the load", "ready pods of deployment/warm": "deployment/warm in bazaar"},
		}},
		{Environment: map[string]string{"where": "cluster lab (https://198.18.0.2:6443), deployment warm in bazaar", "image.warm": "registry.example/warm@sha256:" + strings.Repeat("ab12cd34", 8), "who": "system:serviceaccount:bazaar:aftershock"}},
		{Workload: &record.Workload{
			Subject: "deployment/bazaar/warm", Replicas: 4, Strategy: "RollingUpdate", MaxUnavailable: "25%", MaxSurge: "25%", GraceSeconds: 30,
			Containers: []record.Container{{
				Name: "warm", Liveness: "GET /healthz every 5s",
				Requests: map[string]string{"cpu": "50m"}, Limits: map[string]string{"memory": "256Mi"},
			}},
			Nodes: map[string]string{name(0): "node-0", name(1): "node-1", name(2): "node-0", name(3): "node-1"}, SchedulableNodes: 2, AllowedNodes: 2,
		}},
		{Phase: record.PhaseSettle},
	}
	event := func(from, to time.Duration, kind, subject, uid string, attrs ...string) {
		e := record.Event{Span: steadystate.Span{From: from, To: to}, Kind: kind, Subject: subject, UID: uid}
		for i := 0; i+1 < len(attrs); i += 2 {
			if e.Attrs == nil {
				e.Attrs = map[string]string{}
			}
			e.Attrs[attrs[i]] = attrs[i+1]
		}
		list = append(list, record.Entry{At: to, Event: &e})
	}
	subject := func(i int) string { return "pod/bazaar/" + name(i) }
	for i := range 4 {
		event(0, 100*time.Millisecond, record.EventExists, subject(i), pods[i], record.AttrNode, fmt.Sprintf("node-%d", i%2), record.AttrReady, "true", record.AttrOwner, owner, record.AttrRevision, "pod-template-hash=786b5d5549")
		event(0, 100*time.Millisecond, record.EventAdded, "endpoint/bazaar/"+name(i), pods[i], record.AttrService, "warm", record.AttrAddress, fmt.Sprintf("10.0.0.%d", 4+i))
	}
	sizes := func(from, to time.Duration, kind string, desired, existing, ready int) {
		event(from, to, kind, "deployment/bazaar/warm", "d", record.AttrDesired, fmt.Sprint(desired), record.AttrExisting, fmt.Sprint(existing), record.AttrReady, fmt.Sprint(ready), record.AttrUpdated, fmt.Sprint(existing))
	}
	sizes(0, 100*time.Millisecond, record.EventExists, 4, 4, 4)
	hpa := func(from, to time.Duration, kind string, current, desired int, spec string) {
		attrs := []string{record.AttrStatus, fmt.Sprintf(`{"currentReplicas":%d,"desiredReplicas":%d,"lastScaleTime":"2026-11-27T23:4%d:00Z","currentMetrics":[{"type":"Resource","resource":{"name":"cpu","current":{"averageUtilization":%d}}}],"conditions":[{"type":"ScalingActive","status":"True"}]}`, current, desired, desired, 40+10*desired)}
		if spec != "" {
			attrs = append(attrs, record.AttrSpec, spec)
		}
		event(from, to, kind, "hpa/bazaar/warm", "h", attrs...)
	}
	hpa(0, 100*time.Millisecond, record.EventExists, 4, 4, `{"scaleTargetRef":{"kind":"Deployment","name":"warm"},"minReplicas":3,"maxReplicas":8,"metrics":[{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":60}}}],"behavior":{"scaleUp":{"policies":[{"type":"Pods","value":2,"periodSeconds":15}]}}}`)
	random := rand.New(rand.NewPCG(6, 28))
	seq := uint64(0)
	var batch []record.Request
	flush := func(now time.Duration) {
		if len(batch) > 0 {
			list = append(list, record.Entry{At: now, Requests: &record.Requests{Signal: record.TrafficSignal, List: batch}})
			batch = nil
		}
	}
	for now := time.Duration(0); now < length; now += 20 * time.Millisecond {
		if now == at {
			flush(now)
			list = append(list, record.Entry{At: now, Phase: record.PhaseInject})
		}
		if now == at+100*time.Millisecond {
			flush(now)
			list = append(list, record.Entry{At: now, Injection: &record.Injection{
				Fault: kill, Targets: []record.Target{{Name: name(0), UID: pods[0]}}, Span: steadystate.Span{From: at, To: now},
				Effects: []record.Effect{{Event: record.EventGone}}, ChangesPods: true, OneShot: true, Of: 4,
			}})
			event(at, now, record.EventTerminating, subject(0), pods[0])
			event(at+50*time.Millisecond, now, record.EventGone, subject(0), pods[0])
			event(at+60*time.Millisecond, now, record.EventCreated, subject(4), pods[4], record.AttrOwner, owner)
			event(at+70*time.Millisecond, now, record.EventScheduled, subject(4), pods[4], record.AttrNode, "node-0")
			sizes(at, now, record.EventChanged, 4, 4, 3)
			list = append(list, record.Entry{At: now, Phase: record.PhaseHold})
		}
		switch now {
		case removed:
			event(now-200*time.Millisecond, now, record.EventRemoved, "endpoint/bazaar/"+name(0), pods[0], record.AttrService, "warm")
		case ready - 2*s:
			event(now-600*time.Millisecond, now, record.EventStarted, subject(4), pods[4], record.AttrIP, "10.0.0.9")
		case ready:
			event(now-800*time.Millisecond, now, record.EventReady, subject(4), pods[4])
			event(now-700*time.Millisecond, now, record.EventAdded, "endpoint/bazaar/"+name(4), pods[4], record.AttrService, "warm", record.AttrAddress, "10.0.0.9")
			sizes(now-800*time.Millisecond, now, record.EventChanged, 4, 4, 4)
		case 8200 * time.Millisecond:
			flush(now)
			list = append(list, record.Entry{At: now, Removal: &record.Removal{Fault: kill, Span: steadystate.Instant(now)}}, record.Entry{At: now, Phase: record.PhaseWatch})
		case 15 * s:
			hpa(now-200*time.Millisecond, now, record.EventChanged, 4, 6, "")
			event(now-150*time.Millisecond, now, record.EventScaled, "replicaset/bazaar/warm-786b5d5549", "rs", "from", "4", "to", "6")
			sizes(now-100*time.Millisecond, now, record.EventChanged, 6, 6, 4)
		case 17 * s:
			sizes(now-400*time.Millisecond, now, record.EventChanged, 6, 6, 6)
		}
		if now%s == 0 {
			n := 4.0
			if now >= at && now < ready {
				n = 3
			}
			list = append(list, record.Entry{At: now, Observations: &record.Observations{Signal: "ready pods of deployment/warm", List: []steadystate.Observation{{Span: steadystate.Instant(now), Value: n}}}})
		}
		by := 1 + int(seq%3)
		switch {
		case seq%4 != 0:
		case now < removed:
			by = 0
		case now > ready:
			by = 4
		}
		took := 2*time.Millisecond + time.Duration(random.ExpFloat64()*float64(3*time.Millisecond))
		q := record.Request{Seq: seq, Planned: now, Sent: now, Answered: now + took, Outcome: record.Outcome{Code: 200, Backend: name(by), Attempts: 1}}
		switch {
		case by == 0 && now >= at:
			q.Outcome = record.Outcome{Error: "connection refused", Attempts: 1}
		case by == 4 && now < ready+c.cold:
			q.Code = 503
		}
		batch = append(batch, q)
		seq++
		if len(batch) == 25 {
			flush(now + 20*time.Millisecond)
		}
	}
	flush(length)
	list = append(list, record.Entry{At: length, End: &record.End{Reason: record.Completed}})
	if c.change != nil {
		list = c.change(list)
	}
	return list
}

// ended are the entries with another end.
func ended(reason, detail string) func([]record.Entry) []record.Entry {
	return func(list []record.Entry) []record.Entry {
		list[len(list)-1].End = &record.End{Reason: reason, Detail: detail}
		return list
	}
}

// left are the entries of a run whose fault was not undone.
func left(list []record.Entry) []record.Entry {
	for _, e := range list {
		if e.Removal != nil {
			e.Removal.Error = "delete PodChaos/bazaar/pod-kill-6f1d2c3b4a: context deadline exceeded"
		}
	}
	return list
}

// blind are the entries of a run that did not see its fault take effect.
func blind(list []record.Entry) []record.Entry {
	return slices.DeleteFunc(list, func(e record.Entry) bool { return e.Event != nil })
}

// scenes are a run of each end.
func scenes() []scene {
	held := scene{name: "held", limits: []string{"downtime <= 10s", "ttr <= 10s", "errors <= 20%"}, replicas: []string{"downtime <= 1m"}}
	broken := scene{name: "broken", limits: []string{"downtime <= 1s", "ttr <= 2s", "errors <= 1%", "p95 <= 500ms"}, replicas: []string{"downtime <= 2s"}, cold: 2500 * time.Millisecond}
	as := func(name string, of scene, change func([]record.Entry) []record.Entry) scene {
		of.name, of.change = name, change
		return of
	}
	return []scene{
		held, broken, as("unknown", held, blind),
		as("interrupted", broken, ended(record.Interrupted, "signal: interrupt")), as("left-behind", broken, left),
	}
}

// Names are those of the runs.
func Names() (names []string) {
	for _, c := range scenes() {
		names = append(names, c.name)
	}
	return names
}

// Play is the record of the run of that name. It panics if there is none.
func Play(name string) []record.Entry {
	list := scenes()
	return list[slices.IndexFunc(list, func(c scene) bool { return c.name == name })].play()
}
