package cause_test

import (
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

// three are the endpoints of three pods.
const three = `
	0 exists endpoint/shop/a a
	0 exists endpoint/shop/b b
	0 exists endpoint/shop/c c
`

// stoppedWithin is the record of a container that was killed within a second.
const stoppedWithin = `
	0      exists    pod/shop/a      a owner=ReplicaSet/rs
	10     inject    kill            a effect=restarted oneshot=true
	10..11 stopped   pod/shop/a      a container=shop reason=Error
	11.1   removed   endpoint/shop/a a
	12     restarted pod/shop/a      a container=shop reason=Error
	12.1   ready     pod/shop/a      a
	12.2   added     endpoint/shop/a a
`

// only is the record of the only pod, which is killed and replaced.
const only = `
	0        exists   pod/shop/a       a  owner=ReplicaSet/rs
	0        exists   endpoint/shop/a  a
	10..10.1 inject   kill             a  effect=gone oneshot=true
	10..10.1 gone     pod/shop/a       a
	10.1     removed  endpoint/shop/a  a
	10.2     created  pod/shop/d       d  owner=ReplicaSet/rs
	13       ready    pod/shop/d       d
	13.1     added    endpoint/shop/d  d
`

// A scene is a record with one outage, and what is said of its cause.
type scene struct {
	name     string
	events   string
	change   func(*record.Injection) // of the first injection; nil: none
	requests [][]record.Entry
	outage   string // START to END of it
	bad      int    // of 100
	query    bool   // the check is on a query
	want     string // "": nothing is said
}

func (s scene) cause(t *testing.T) cause.Cause {
	t.Helper()
	entries := recordtest.Entries(nil, s.events)
	for _, e := range entries {
		if e.Injection != nil && s.change != nil {
			s.change(e.Injection)
			break
		}
	}
	for _, e := range entries {
		if e.Event != nil && e.Event.Attrs[record.AttrMessage] != "" {
			e.Event.Attrs[record.AttrMessage] = strings.ReplaceAll(e.Event.Attrs[record.AttrMessage], "_", " ")
		}
	}
	for _, list := range s.requests {
		entries = append(entries, list...)
	}
	check := judge.CheckResult{Check: "shop answers", Signal: record.TrafficSignal, Tolerance: steadystate.Within(time.Second)}
	if s.query {
		check.Signal = "reads"
	}
	start, end, _ := strings.Cut(s.outage, " to ")
	o := steadystate.Outage{Start: recordtest.Span(start), Bad: s.bad, Total: 100}
	if end == "" {
		end, o.Open = "60", true
	}
	o.End = recordtest.Span(end)
	check.Outages = []steadystate.Outage{o}
	return inquireOf(t, entries, check)[0]
}

// Each rule has what brings it, and what is near and does not.
func TestWhyThereWasAnOutage(t *testing.T) {
	ms := time.Millisecond
	refused := func(from string, n int) []record.Entry {
		return requests(from, n, ms, record.Outcome{Error: "connection refused"})
	}
	well := func(by, from string) []record.Entry {
		return requests(from, 1, 10*ms, record.Outcome{Code: 200, Backend: by})
	}
	slow := func(by, from string, n int) []record.Entry {
		return requests(from, n, 1500*ms, record.Outcome{Code: 200, Backend: by})
	}
	unavailable := func(by, from string, n int) []record.Entry {
		return requests(from, n, ms, record.Outcome{Code: 503, Backend: by})
	}
	reset := func(from string, n int) []record.Entry {
		return requests(from, n, ms, record.Outcome{Error: "connection reset"})
	}
	unreachable := func(from string, n int) []record.Entry {
		return requests(from, n, ms, record.Outcome{Error: "no route to host"})
	}
	all := three + `
		0  exists pod/shop/a a owner=ReplicaSet/shop-1
		0  exists pod/shop/b b owner=ReplicaSet/shop-1
		0  exists pod/shop/c c owner=ReplicaSet/shop-1
		10 inject roll_out a,b,c
		10 removed endpoint/shop/a a
		10 removed endpoint/shop/b b
		10 removed endpoint/shop/c c
	`
	rolls := func(i *record.Injection) { i.Rolls, i.ChangesPods = true, true }
	roll := three + `
		0          exists      pod/shop/a       a  owner=ReplicaSet/old
		0          exists      pod/shop/b       b  owner=ReplicaSet/old
		10..10.1   inject      roll_out         a,b
		10.2       removed     endpoint/shop/a  a
		10.1       terminating pod/shop/a       a
		10.1       terminating pod/shop/b       b
		10.2       removed     endpoint/shop/b  b
		13         added       endpoint/shop/d  d
		16         added       endpoint/shop/e  e
	`
	inTurn := strings.NewReplacer("10.1       terminating pod/shop/b", "11         terminating pod/shop/b", "10.2       removed     endpoint/shop/b", "11.2       removed     endpoint/shop/b").Replace(roll)
	evicted := three + `
		0          exists      pod/shop/a       a  owner=ReplicaSet/rs
		10..10.1   inject      evict_1          a  effect=gone oneshot=true
		10..10.1   evicted     pod/shop/a       a
		10..10.1   terminating pod/shop/a       a
		10.5       removed     endpoint/shop/a  a
		12         gone        pod/shop/a       a
		10.2       created     pod/shop/d       d  owner=ReplicaSet/rs
		15         ready       pod/shop/d       d
		15.1       added       endpoint/shop/d  d
	`
	delayed := `
		0        exists  pod/shop/a  a
		0        exists  pod/shop/b  b
		10..10.1 inject  delay       a
		20..20.1 undo    delay
	`
	bothRestart := `
		0         exists    endpoint/shop/a  a
		0         exists    endpoint/shop/b  b
		13        removed   endpoint/shop/a  a
		13        removed   endpoint/shop/b  b
		13        restarted pod/shop/a       a  container=shop reason=Completed code=0
		14        restarted pod/shop/b       b  container=shop reason=Completed code=0
		15        added     endpoint/shop/a  a
	`
	soon := strings.NewReplacer("13       ready", "10.8     ready", "13.1     added", "10.9     added").Replace(only)
	ofTwo := func(i *record.Injection) { i.Of = 2 }
	const grows = "10..10.1 inject surge requests\n11.8 created pod/shop/d d\n13 created pod/shop/e e\n30 undo surge\n"
	more := func(i *record.Injection) { i.Effects = []record.Effect{{Signal: "requests", Times: 4}} }
	for _, row := range []scene{
		{
			"the only pod was killed", only, nil,
			[][]record.Entry{refused("10.1", 30)},
			"10..10.1 to 13.1..13.3", 100, false,
			"consistent with: no pod was among the endpoints for at least 3s: the only one was taken away, and nothing else could answer",
		},
		{
			"the only pod was killed, and its replacement was slow at first", only, nil,
			[][]record.Entry{refused("10.1", 60)},
			"10..10.1 to 16..16.1", 100, false,
			"consistent with: no pod was among the endpoints for at least 3s: the only one was taken away, and nothing else could answer",
		},
		{
			"a pod was killed, and others were left", three + killed, nil,
			[][]record.Entry{refused("10.1", 30)},
			"10..10.1 to 13.1..13.3", 30, false, "",
		},
		{
			"no pod was left for a small part of the time alone", only, nil,
			[][]record.Entry{refused("10.1", 90)},
			"10..10.1 to 19..19.1", 100, false, "",
		},
		{
			"requests waited for the next pod, so that the outage's bounds are wide", soon, nil,
			[][]record.Entry{slow("d", "10.2", 8)},
			"10.2..11.7 to 10.9..12.4", 100, false,
			"consistent with: no pod was among the endpoints for at least 700ms: the only one was taken away, and nothing else could answer",
		},
		{
			"and one failed a while before, and two after it", soon, nil,
			[][]record.Entry{reset("9.2", 1), slow("d", "10.2", 8), unavailable("d", "12.5", 2)},
			"9.2..9.3 to 12.6..12.7", 30, false,
			"consistent with: no pod was among the endpoints for at least 800ms: the only one was taken away, and nothing else could answer",
		},
		{
			"others were answered meanwhile", soon, nil,
			[][]record.Entry{slow("d", "10.2", 8), well("a", "10.25"), well("a", "10.35"), well("a", "10.45"), well("a", "10.55"), well("a", "10.65"), well("a", "10.75"), well("a", "10.85")},
			"10.2..11.7 to 10.9..12.4", 50, false, "",
		},
		{
			"most were slow when a pod was back", soon, nil,
			[][]record.Entry{slow("d", "10.2", 8), slow("d", "12", 8)},
			"10.2..11.7 to 13..14.5", 100, false, "",
		},
		{
			"for a time nothing was seen of the endpoints", only + "11..12 blind watch/shop/endpointslices\n", nil,
			[][]record.Entry{refused("10.1", 30)},
			"10..10.1 to 13.1..13.3", 100, false, "",
		},
		{
			"all were replaced at once, by pods that cannot start", all + "10.5 created pod/shop/n n owner=ReplicaSet/shop-2\n11 waiting pod/shop/n n container=shop reason=ErrImagePull\n", rolls,
			[][]record.Entry{refused("10.1", 30)},
			"10..10.1", 100, false,
			"consistent with: no pod was among the endpoints for at least 50s: all 3 had left before a new one was ready, and a container of n could not be started (ErrImagePull)",
		},
		{
			"killed for lack of memory", "0 exists pod/shop/b b\n12 stopped pod/shop/b b container=shop reason=OOMKilled code=137\n12.5 restarted pod/shop/b b container=shop reason=OOMKilled code=137\n", nil,
			[][]record.Entry{refused("12.1", 9)},
			"12..12.1 to 13", 30, false,
			"consistent with: container shop of b was killed for lack of memory (OOMKilled)",
		},
		{
			"killed for lack of memory long after it", "0 exists pod/shop/b b\n22 restarted pod/shop/b b container=shop reason=OOMKilled\n", nil,
			[][]record.Entry{refused("12.1", 9)},
			"12..12.1 to 13", 30, false, "",
		},
		{
			"restarts that the fault does not do", delayed + "13 restarted pod/shop/a a container=shop reason=Error code=137\n14 restarted pod/shop/b b container=shop reason=Error code=137\n", nil,
			[][]record.Entry{refused("13.1", 9)},
			"13..13.1 to 15", 30, false,
			"consistent with: container shop of a and 1 more ended and were started again (Error, exit code 137), which the fault does not do: by a liveness probe or a crash",
		},
		{
			"restarts of all pods, which the fault does not do", delayed + bothRestart, nil,
			[][]record.Entry{refused("13.1", 20)},
			"13..13.1 to 15..15.1", 100, false,
			"consistent with: container shop of a and 1 more ended and were started again (Completed, exit code 0), which the fault does not do: by a liveness probe or a crash, and no other was among the endpoints",
		},
		{
			"all were killed for lack of memory", delayed + strings.ReplaceAll(bothRestart, "Completed code=0", "OOMKilled code=137"), nil,
			[][]record.Entry{refused("13.1", 20)},
			"13..13.1 to 15..15.1", 100, false,
			"consistent with: container shop of a and 1 more were killed for lack of memory (OOMKilled), and no other was among the endpoints",
		},
		{
			"one was restarted, and no pod was left", delayed + strings.Replace(bothRestart, "14        restarted pod/shop/b", "14        ready     pod/shop/b", 1), nil,
			[][]record.Entry{refused("13.1", 20)},
			"13..13.1 to 15..15.1", 100, false,
			"consistent with: no pod was among the endpoints for at least 2s: all 2 had left before a new one was ready",
		},
		{
			"restarts that the fault does", "0 exists pod/shop/a a\n10 inject kill a effect=restarted oneshot=true\n10 stopped pod/shop/a a\n11 restarted pod/shop/a a container=shop reason=Error\n", nil,
			[][]record.Entry{refused("10.1", 9)},
			"10..10.1 to 11", 30, false, "",
		},
		{
			"Ready before it can answer", three + killed, nil,
			[][]record.Entry{refused("11.5", 30), well("d", "14.5"), well("b", "12")},
			"11.4..11.5 to 14.4..14.5", 30, false,
			"consistent with: d was Ready at least 3.1s before it could answer",
		},
		{
			"and it said so itself", three + killed, nil,
			[][]record.Entry{unavailable("d", "11.5", 30), well("d", "14.5")},
			"11.4..11.5 to 14.4..14.5", 30, false,
			"consistent with: d was Ready at least 3.1s before it could answer",
		},
		{
			"the others failed, too", three + killed, nil,
			[][]record.Entry{unavailable("b", "11.5", 30), well("d", "14.5")},
			"11.4..11.5 to 14.4..14.5", 30, false, "",
		},
		{
			"a moment later it answers", three + killed, nil,
			[][]record.Entry{refused("11.4", 5), well("d", "11.9")},
			"11.4..11.5 to 11.9..12", 30, false, "",
		},
		{
			"evicted with requests under way", evicted, nil,
			[][]record.Entry{reset("9.9", 9)},
			"9.9..10 to 10.8..11", 30, false,
			"consistent with: a ended before the requests to it had: 9 of 9 bad ones were sent within 1s of its end or of the end of its endpoint",
		},
		{
			"requests still came to a pod that was evicted", evicted, nil,
			[][]record.Entry{refused("10.15", 12)},
			"10.1..10.2 to 11.3..11.4", 30, false,
			"consistent with: requests still came to a after it had begun to end: 12 of 12 bad ones were sent from then to 1s after its endpoint was removed",
		},
		{
			"and it said that it ends", evicted, nil,
			[][]record.Entry{unavailable("a", "10.15", 12)},
			"10.1..10.2 to 11.3..11.4", 30, false,
			"consistent with: requests still came to a after it had begun to end: 12 of 12 bad ones were sent from then to 1s after its endpoint was removed",
		},
		{
			"and none got through to it", evicted, nil,
			[][]record.Entry{unreachable("10.15", 12)},
			"10.1..10.2 to 11.3..11.4", 30, false,
			"consistent with: requests still came to a after it had begun to end: 12 of 12 bad ones were sent from then to 1s after its endpoint was removed",
		},
		{
			"it took requests for a while, and was killed with them", evicted, nil,
			[][]record.Entry{reset("10.15", 12)},
			"10.1..10.2 to 11.3..11.4", 30, false,
			"consistent with: a ended before the requests to it had: 12 of 12 bad ones were sent within 1s of its end or of the end of its endpoint",
		},
		{
			"it answered them, too slowly", evicted, nil,
			[][]record.Entry{slow("a", "10.15", 12)},
			"10.1..10.2 to 11.3..11.4", 30, false,
			"consistent with: a ended before the requests to it had: 12 of 12 bad ones were sent within 1s of its end or of the end of its endpoint",
		},
		{
			"and some were under way to it, too", evicted, nil,
			[][]record.Entry{reset("9.8", 2), refused("10.15", 10)},
			"9.7..9.8 to 11.1..11.2", 30, false,
			"consistent with: a ended before the requests to it had: 12 of 12 bad ones were sent within 1s of its end or of the end of its endpoint",
		},
		{
			"another pod answers with an error meanwhile", evicted, nil,
			[][]record.Entry{unavailable("b", "10.15", 12)},
			"10.1..10.2 to 11.3..11.4", 30, false,
			"consistent with: a ended before the requests to it had: 12 of 12 bad ones were sent within 1s of its end or of the end of its endpoint",
		},
		{
			"an error without a name meanwhile, which may be a new pod's", evicted, nil,
			[][]record.Entry{unavailable("", "10.15", 12)},
			"10.1..10.2 to 11.3..11.4", 30, false,
			"consistent with: a ended before the requests to it had: 12 of 12 bad ones were sent within 1s of its end or of the end of its endpoint",
		},
		{
			"they came to one of two that end in turn", inTurn, rolls,
			[][]record.Entry{refused("10.15", 9)},
			"10.1..10.2 to 11..11.1", 30, false,
			"consistent with: requests still came to a pod after it had begun to end: 9 of 9 bad ones were sent from then to 1s after its endpoint was removed",
		},
		{
			"they may have been under way to the other, which ends next", inTurn, rolls,
			[][]record.Entry{unreachable("10.15", 8)},
			"10.1..10.2 to 11..11.1", 30, false,
			"consistent with: a pod ended before the requests to it had: 8 of 8 bad ones were sent within 1s of its end or of the end of its endpoint",
		},
		{
			"requests were under way to a pod that was killed", three + killed, nil,
			[][]record.Entry{reset("9.2", 8), reset("10.4", 2)},
			"9.2..9.3 to 10.6..10.7", 30, false,
			"consistent with: requests were under way to a when it was killed: 8 of 10 bad ones were sent within 1s before its end",
		},
		{
			"a container ended within a second that is not known, and they were refused", three + stoppedWithin, nil,
			[][]record.Entry{refused("10.2", 9)},
			"10.1..10.2 to 11.2..11.3", 30, false,
			"consistent with: requests went on to a after its end: 9 of 9 bad ones were sent from then to 1s after its endpoint was removed",
		},
		{
			"and they were reset", three + stoppedWithin, nil,
			[][]record.Entry{reset("10.2", 9)},
			"10.1..10.2 to 11.2..11.3", 30, false,
			"consistent with: requests were under way to a when it was killed: 8 of 9 bad ones were sent within 1s before its end",
		},
		{
			"requests went on to a pod that was killed", three + killed, nil,
			[][]record.Entry{reset("9.9", 9)},
			"9.9..10 to 10.8..11", 30, false,
			"consistent with: requests went on to a after its end: 7 of 9 bad ones were sent from then to 1s after its endpoint was removed",
		},
		{
			"its endpoint outlived a pod", three + strings.Replace(killed, "10.2       removed", "14..14.2   removed", 1), nil,
			[][]record.Entry{reset("10.2", 40)},
			"10.2..10.3 to 14.2..14.3", 30, false,
			"consistent with: requests went on to a after its end: 40 of 40 bad ones were sent from then to 1s after its endpoint was removed, which was at least 3.9s later",
		},
		{
			"its endpoint outlived a pod, and all requests failed", three + strings.Replace(killed, "10.2       removed", "14..14.2   removed", 1), nil,
			[][]record.Entry{reset("10.2", 40)},
			"10.2..10.3 to 14.2..14.3", 100, false, "",
		},
		{
			"others answered with an error while its endpoint was there", three + strings.Replace(killed, "10.2       removed", "14..14.2   removed", 1), nil,
			[][]record.Entry{unavailable("b", "11.5", 20), reset("10.2", 10)},
			"10.2..10.3 to 14.2..14.3", 30, false, "",
		},
		{
			"killed, and they fail long after it", three + killed, nil,
			[][]record.Entry{reset("12.5", 9)},
			"12.5..12.6 to 13.4..13.5", 30, false, "",
		},
		{
			"evicted, and they fail long after it", evicted, nil,
			[][]record.Entry{reset("12.5", 9)},
			"12.5..12.6 to 13.4..13.5", 30, false, "",
		},
		{
			"those that are left are too slow", three + killed, nil,
			[][]record.Entry{slow("b", "10.3", 3), slow("c", "10.3", 4)},
			"10.3..10.4 to 11", 90, false,
			"consistent with: too few pods for the load while a was away: those that were left answered too slowly",
		},
		{
			"those that are left answer with an error", three + killed, nil,
			[][]record.Entry{unavailable("b", "10.3", 4)},
			"10.3..10.4 to 11", 90, false, "",
		},
		{
			"too few were left in a rollout", roll, rolls,
			[][]record.Entry{slow("c", "10.5", 30), slow("d", "13.5", 10)},
			"10.5..10.6 to 14.4..14.5", 90, false,
			"consistent with: too few pods for the load: 40 of 40 bad answers were slow ones while fewer than 3 pods were among the endpoints, as few as 1",
		},
		{
			"slow in a rollout when all were back", roll, rolls,
			[][]record.Entry{slow("c", "17", 30)},
			"17..17.1 to 20", 90, false, "",
		},
		{
			"a surge", "10..10.1 inject surge requests\n30 undo surge\n", more,
			[][]record.Entry{slow("b", "12", 100)},
			"12..12.1 to 29", 90, false,
			"consistent with: too few pods for 4 times the load: it began 1.9s to 2.1s after the fault took effect and ended 1s before it was undone",
		},
		{
			"a share of ready pods, while those that a surge brings are not Ready", grows + "14 ready pod/shop/d d\n15 ready pod/shop/e e\n", more,
			nil, "12..12.5 to 15..15.5", 90, true,
			"consistent with: 2 added pods were not Ready yet, and it lasted just as long",
		},
		{
			"a query, for longer than the added pods were not Ready", grows + "14 ready pod/shop/d d\n15 ready pod/shop/e e\n", more,
			nil, "12..12.5 to 25..25.5", 90, true,
			"consistent with: too few pods for 4 times the load: it began 1.9s to 2.5s after the fault took effect and ended 4.5s to 5s before it was undone",
		},
		{
			"a query, from before pods were added", grows + "14 ready pod/shop/d d\n15 ready pod/shop/e e\n", more,
			nil, "10.5 to 15..15.5", 90, true,
			"consistent with: too few pods for 4 times the load: it began 400ms to 500ms after the fault took effect and ended 14.5s to 15s before it was undone",
		},
		{
			"a query with edges as wide as the time in which added pods were not Ready", grows + "14 ready pod/shop/d d\n15 ready pod/shop/e e\n", more,
			nil, "11..13 to 14..16", 90, true,
			"consistent with: too few pods for 4 times the load: it began 900ms to 3s after the fault took effect and ended 14s to 16s before it was undone",
		},
		{
			"one pod went meanwhile", grows + "13 terminating pod/shop/a a\n14 ready pod/shop/d d\n15 ready pod/shop/e e\n", more,
			nil, "12..12.5 to 15..15.5", 90, true,
			"consistent with: too few pods for 4 times the load: it began 1.9s to 2.5s after the fault took effect and ended 14.5s to 15s before it was undone",
		},
		{
			"new pods, and no surge", "10..10.1 inject delay a\n11.8 created pod/shop/d d\n15 ready pod/shop/d d\n30 undo delay\n", nil,
			nil, "12..12.5 to 15..15.5", 90, true,
			"consistent with: the fault itself: it began 1.9s to 2.5s after the fault took effect and ended 14.5s to 15s before it was undone",
		},
		{
			"added pods that are not Ready in the end", grows + "14 ready pod/shop/d d\n14 unschedulable pod/shop/e e reason=Unschedulable message=0/2\n", more,
			nil, "12..12.5", 90, true,
			"consistent with: 1 of the added pods not Ready when the record ended, and no node was found for e (Unschedulable: \"0/2\")",
		},
		{
			"before the surge", "10..10.1 inject surge requests\n30 undo surge\n", more,
			[][]record.Entry{slow("b", "8", 10)},
			"8..8.1 to 9", 90, false, "",
		},
		{
			"while a fault was held, at all pods", delayed, nil,
			[][]record.Entry{slow("a", "11", 50), slow("b", "11", 50)},
			"10.5..10.6 to 20.5..20.6", 90, false,
			"consistent with: the fault itself: it began 400ms to 600ms after the fault took effect and ended 400ms to 600ms after it was undone",
		},
		{
			"while a fault was held, at its pod", delayed, ofTwo,
			[][]record.Entry{slow("a", "11", 50)},
			"10.5..10.6 to 20.5..20.6", 50, false,
			"consistent with: the fault itself: it began 400ms to 600ms after the fault took effect and ended 400ms to 600ms after it was undone, and 50 of 50 bad answers came from the 1 of 2 pods that it was in",
		},
		{
			"after the fault", delayed, nil,
			[][]record.Entry{slow("a", "22", 50)},
			"22..22.1 to 25", 90, false, "",
		},
		{
			"at its end, and for much longer", delayed, nil,
			[][]record.Entry{slow("a", "19", 50)},
			"19..19.1 to 45", 90, false, "",
		},
		{
			"of two faults it is not known which", delayed + "11 inject other b\n19 undo other\n", nil,
			[][]record.Entry{slow("a", "11", 50)},
			"10.5..10.6 to 20.5..20.6", 90, false, "",
		},
		{
			"the new pod lacks what the old one had", killed, nil,
			nil, "10.5..12", 90, true,
			"consistent with: the new pods lack what the old ones had: it lasted until at least 48.8s after all of them were Ready",
		},
		{
			"it is over soon after the new pod is Ready", killed, nil,
			nil, "10.5..12 to 15..16", 90, true,
			"consistent with: a was away: it began 400ms to 2s after the fault took effect, and all pods were Ready again within 1.2s of that",
		},
		{
			"no node was found for the new pod", strings.Split(killed, "10.3       scheduled")[0] + "11 unschedulable pod/shop/d d reason=Unschedulable message=0/2\n", nil,
			nil, "10.5..12", 90, true,
			"consistent with: a was away: it began 400ms to 2s after the fault took effect, and no node was found for d (Unschedulable: \"0/2\")",
		},
		{
			"it began after the new pod was Ready", killed, nil,
			nil, "13..14 to 15..16", 90, true, "",
		},
		{
			"no new pod was seen to be Ready", strings.Replace(killed, "11..11.2   ready        pod/shop/d", "11..11.2   started      pod/shop/d", 1), nil,
			nil, "10.5..12 to 15..16", 90, true, "",
		},
		{
			"it was there before", killed, nil,
			nil, "5..6", 90, true, "",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := row.cause(t).Why; got != row.want {
				t.Errorf("%q, want %q", got, row.want)
			}
		})
	}
}

func TestWhatElseHappened(t *testing.T) {
	const pods = "0 exists pod/shop/a a owner=ReplicaSet/rs\n0 exists pod/shop/b b owner=ReplicaSet/rs\n0 exists replicaset/shop/rs r\n"
	const deployed = "0 exists replicaset/shop/shop-1 r owner=Deployment/shop\n0 exists pod/shop/a a owner=ReplicaSet/shop-1\n0 exists replicaset/shop/cart-1 c owner=Deployment/cart\n0 exists pod/shop/x x owner=ReplicaSet/cart-1\n"
	const kill = "10..10.1 inject kill a effect=gone oneshot=true\n10..10.1 gone pod/shop/a a\n10.2 created pod/shop/d d owner=ReplicaSet/rs\n12 ready pod/shop/d d\n"
	for _, row := range []struct {
		name, events string
		rolls        bool
		want         string
		unwatched    string
	}{
		{"nothing but the fault", pods + kill, false, "", ""},
		{"nothing was watched", "", false, "", "no pods were watched"},
		{"for a time nothing was seen", pods + "20..22 blind watch/shop/pods\n", false, "", "from 20.000s to 22.000s nothing was seen of pods"},
		{"its replica set was not seen", "0 exists pod/shop/a a owner=ReplicaSet/rs\n", false, "", "nothing was seen of ReplicaSet/rs, whose events show a scaling or a rollout"},
		{"another replica set was seen", "0 exists pod/shop/a a owner=ReplicaSet/rs\n0 exists replicaset/shop/old o\n15 restarted pod/shop/a a reason=Error\n", false, "a container of a was started again (Error)", "nothing was seen of ReplicaSet/rs, whose events show a scaling or a rollout"},
		{"one of its name was seen in another namespace", "0 exists pod/shop/a a owner=ReplicaSet/rs\n0 exists replicaset/other/rs r\n", false, "", "nothing was seen of ReplicaSet/rs, whose events show a scaling or a rollout"},
		{"a stateful set that was seen", "0 exists pod/shop/x-0 a owner=StatefulSet/x\n0 exists statefulset/shop/x x replicas=3\n", false, "", ""},
		{"for a time nothing was seen of replica sets", pods + "20..22 blind watch/shop/replicasets\n", false, "", "from 20.000s to 22.000s nothing was seen of replicasets"},
		{"a new pod of a replica set that was not seen", pods + "20 created pod/shop/n n owner=ReplicaSet/new\n", false, "", "nothing was seen of ReplicaSet/new, whose events show a scaling or a rollout"},
		{"a new pod of a new replica set", pods + "19 created replicaset/shop/new n\n20 created pod/shop/n n owner=ReplicaSet/new\n", false, "replica set new was created", ""},
		{"its autoscaler was not seen", pods + "expects", false, "", "nothing was seen of hpa/checkout, whose events show a scaling or a rollout"},
		{"its autoscaler was seen", pods + "0 exists hpa/shop/checkout h\nexpects", false, "", ""},
		{"a pod without an owner", "0 exists pod/shop/a a\n", false, "", ""},
		{"a restart of another pod", pods + kill + "15 stopped pod/shop/b b\n16 restarted pod/shop/b b reason=OOMKilled\n16 not_ready pod/shop/b b\n", false, "a container of b was started again (OOMKilled)", ""},
		{"a restart of the new pod", pods + kill + "15 restarted pod/shop/d d reason=Error\n", false, "a container of d was started again (Error)", ""},
		{"a restart before the window", pods + "5 restarted pod/shop/b b\n", false, "", ""},
		{"a restart under a fault that does not restart", pods + "10 inject delay a\n12 restarted pod/shop/a a reason=Error\n", false, "a container of a was started again (Error)", ""},
		{"a restart that is the fault", pods + "10 inject kill a effect=restarted\n12 restarted pod/shop/a a reason=Error\n", false, "", ""},
		{"a pod that went", pods + "20 terminating pod/shop/b b\n21 gone pod/shop/b b\n", false, "b was marked for deletion", ""},
		{"the rollout of another", pods + "20 created replicaset/shop/new n\n20.5 scaled replicaset/shop/new n from=1 to=2\n20.6 scaled replicaset/shop/new n from=2 to=3\n21 scaled replicaset/shop/old o from=3 to=2\n22 scaled replicaset/shop/old o from=2 to=0\n", false, "replica set new was created; replica set old was scaled (3 to 0)", ""},
		{"the rollout that is the fault", pods + "10 inject restart a\n11 created replicaset/shop/new n\n12 scaled replicaset/shop/old o from=3 to=2\n12 terminating pod/shop/b b\n13 restarted pod/shop/b b\n", true, "a container of b was started again", ""},
		{"the rollout of another during the one that is the fault", deployed + "10 inject restart a\n20 scaled replicaset/shop/cart-1 c from=3 to=0\n21 terminating pod/shop/x x\n", true, "replica set cart-1 was scaled (3 to 0); x was marked for deletion", ""},
		{"a pod that went long after the rollout that is the fault", deployed + "10 inject restart a\n11 created pod/shop/d d owner=ReplicaSet/shop-1\n12 terminating pod/shop/a a\n13 gone pod/shop/a a\n40 terminating pod/shop/d d\n", true, "d was marked for deletion", ""},
		{"a rollout that is the fault is undone after all that it replaced was gone", deployed + "10 inject image a\n11 terminating pod/shop/a a\n15 gone pod/shop/a a\n15.2 created replicaset/shop/shop-2 r2 owner=Deployment/shop\n15.3 created pod/shop/d d owner=ReplicaSet/shop-2\n40 undo image\n40.2 scaled replicaset/shop/shop-2 r2 from=1 to=0\n40.3 terminating pod/shop/d d\n", true, "", ""},
		{"the rollout of another that a second fault is in, during the one that is the fault", deployed + "10 inject restart a\n15 inject restart x index=1\n16 undo restart index=1\n13 scaled replicaset/shop/cart-1 c from=3 to=0\n", true, "replica set cart-1 was scaled (3 to 0)", ""},
		{"a second restart, of which the first is the fault", pods + "10 inject kill a effect=restarted oneshot=true\n12 restarted pod/shop/a a reason=Error\n40 restarted pod/shop/a a reason=OOMKilled\n", false, "a container of a was started again (OOMKilled)", ""},
		{"a scaling", pods + "20 scaled replicaset/shop/rs r from=2 to=4\n25 scaled replicaset/shop/rs r from=4 to=5\n", false, "replica set rs was scaled (2 to 5)", ""},
		{"a stateful set is scaled", pods + "0 exists statefulset/shop/x x replicas=3\n20 changed statefulset/shop/x x replicas=5 existing=3 updated=3\n", false, "statefulset/shop/x scaled (3 to 5)", ""},
		{"a stateful set has a pod less for a time", pods + "0 exists statefulset/shop/x x replicas=3\n20 changed statefulset/shop/x x replicas=3 existing=3 updated=2\n", false, "", ""},
		{"a rollout that an old record does not call one", pods + "10 inject restart_deployment_x_in_shop b\n11 created replicaset/shop/new n\n12 terminating pod/shop/b b\n", false, "", ""},
		{"a fault of another", pods + "20 event also_hit pod/shop/b b by=PodChaos/shop/other\n", false, "b was hit by another fault (PodChaos/shop/other)", ""},
		{"a node that failed", pods + "20 not_ready node/node2\n", false, "node node2 was not ready", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			r, history := judge.Result{Window: recordtest.Span("10..60")}, recovery.History{}
			if events, ok := strings.CutSuffix(row.events, "expects"); ok {
				row.events, r.Findings = events, []judge.Finding{{Check: "autoscaler", Signal: "hpa/shop/checkout"}}
			}
			for _, e := range recordtest.Entries(nil, strings.NewReplacer("not_ready", "event not_ready").Replace(row.events)) {
				history.Take(e)
				if e.Event != nil {
					r.Events = append(r.Events, *e.Event)
				}
				if e.Injection != nil {
					e.Injection.Rolls = row.rolls
					r.Injections = append(r.Injections, judge.InjectionResult{Injection: *e.Injection})
				}
				if e.Removal != nil {
					r.Injections[e.Removal.Index].Removed = &e.Removal.Span
				}
			}
			list, unwatched := cause.Disturbances(r, history.Waterfalls(nil))
			var texts []string
			for _, m := range list {
				texts = append(texts, m.String())
			}
			if got := strings.Join(texts, "; "); got != row.want || unwatched != row.unwatched {
				t.Errorf("%q and %q, want %q and %q", got, unwatched, row.want, row.unwatched)
			}
		})
	}
}
