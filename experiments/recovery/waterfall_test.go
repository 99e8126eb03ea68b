package recovery_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aftershockhq/aftershock/experiments/recovery"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
)

// before is what was there: three pods of one replica set, followed.
const before = `
	0  exists  pod/shop/a       a  owner=ReplicaSet/rs
	0  exists  pod/shop/b       b  owner=ReplicaSet/rs
	0  exists  pod/shop/c       c  owner=ReplicaSet/rs
	0  exists  endpoint/shop/a  a  slice=s
	0  exists  endpoint/shop/b  b  slice=s
	0  exists  endpoint/shop/c  c  slice=s
	1..1.01  answer  a
	1..1.02  answer  b
`

func TestARecoveryIsToldStageByStage(t *testing.T) {
	for _, row := range []struct {
		name   string
		script string
		checks []judge.CheckResult
		want   []string // one waterfall each
	}{
		{"a killed pod is replaced, and every stage is known exactly", before + `
			10    inject       kill             a  effect=gone
			10    terminating  pod/shop/a       a
			10.1  gone         pod/shop/a       a
			10.2  removed      endpoint/shop/a  a  slice=s
			10.3  created      pod/shop/d       d  owner=ReplicaSet/rs
			10.4  scheduled    pod/shop/d       d
			14    started      pod/shop/d       d
			15    ready        pod/shop/d       d
			15.1  added        endpoint/shop/d  d  slice=s
			15.2..15.3  answer d
			15.2..15.4  answer b
			60    end
		`, []judge.CheckResult{outage("10", "15.5")}, []string{`
			recovery of a, replaced by d
			fault: at 10.000s
			victim leaves: at 10.000s took 0s since fault
			endpoint removed: at 10.200s took 200ms since victim leaves
			replacement created: at 10.300s took 300ms since victim leaves
			scheduled: at 10.400s took 100ms since replacement created
			containers started: at 14.000s took 3.6s since scheduled
			ready: at 15.000s took 1s since containers started
			endpoint added: at 15.100s took 100ms since ready
			first good answer: at 15.200s..15.300s took 100ms to 200ms since endpoint added
			hypothesis good: at 15.500s took 200ms to 300ms since first good answer
			costliest: containers started
		`}},
		{"two watches saw the same end: it lies in both their spans, and the stages follow each other", before + `
			10..10.1    inject       kill             a  effect=gone
			9..10.2     terminating  pod/shop/a       a
			10..10.3    terminating  pod/shop/a       a  by=PodChaos
			9..10.4     removed      endpoint/shop/a  a  slice=s
			9..10.5     created      pod/shop/d       d  owner=ReplicaSet/rs
			9..10.6     scheduled    pod/shop/d       d
			10.4..11.4  started      pod/shop/d       d
			10.2..11.2  ready        pod/shop/d       d
			10.9..11.3  added        endpoint/shop/d  d  slice=s
			60          end
		`, nil, []string{`
			recovery of a, replaced by d
			fault: at 10.000s..10.100s
			victim leaves: at 10.000s..10.200s took 0s to 200ms since fault
			endpoint removed: at 10.000s..10.400s took 0s to 400ms since victim leaves
			replacement created: at 10.000s..10.500s took 0s to 500ms since victim leaves
			scheduled: at 10.000s..10.600s took 0s to 600ms since replacement created
			containers started: at 10.400s..11.200s took 0s to 1.2s since scheduled
			ready: at 10.400s..11.200s took 0s to 800ms since containers started
			endpoint added: at 10.900s..11.300s took 0s to 900ms since ready
			first good answer: took 48.7s to 49.1s since endpoint added open (not seen until the record ended)
			hypothesis good: (not judged)
			costliest: first good answer
		`}},
		{"the replacement never becomes ready: it took at least until the end, and what waits for it is not blamed", before + `
			10    inject       kill             a  effect=gone
			10    terminating  pod/shop/a       a
			10    removed      endpoint/shop/a  a  slice=s
			10.3  created      pod/shop/d       d  owner=ReplicaSet/rs
			10.4  scheduled    pod/shop/d       d
			12    started      pod/shop/d       d
			60    end
		`, []judge.CheckResult{outage("10", "59..60", true)}, []string{`
			recovery of a, replaced by d
			fault: at 10.000s
			victim leaves: at 10.000s took 0s since fault
			endpoint removed: at 10.000s took 0s since victim leaves
			replacement created: at 10.300s took 300ms since victim leaves
			scheduled: at 10.400s took 100ms since replacement created
			containers started: at 12.000s took 1.6s since scheduled
			ready: took 48s since containers started open (not seen until the record ended)
			endpoint added: (waits for: ready)
			first good answer: (waits for: ready)
			hypothesis good: open (an outage was not over when the record ended)
			costliest: ready
		`}},
		{"nobody is created, while the others carry the load again", before + `
			10  inject       kill             a  effect=gone
			10  terminating  pod/shop/a       a
			12  removed      endpoint/shop/a  a  slice=s
			60  end
		`, []judge.CheckResult{outage("10", "12.1")}, []string{`
			recovery of a, no replacement was seen
			fault: at 10.000s
			victim leaves: at 10.000s took 0s since fault
			endpoint removed: at 12.000s took 2s since victim leaves
			replacement created: took 50s since victim leaves open (not seen until the record ended)
			scheduled: (waits for: replacement created)
			containers started: (waits for: replacement created)
			ready: (waits for: replacement created)
			endpoint added: (waits for: replacement created)
			first good answer: (waits for: replacement created)
			hypothesis good: at 12.100s took 100ms since endpoint removed
			costliest: replacement created
		`}},
		{"a stage was not seen: the next one counts since the one before, and a watch that was blind proves nothing", before + `
			10      inject       kill             a  effect=gone
			10      terminating  pod/shop/a       a
			10      removed      endpoint/shop/a  a  slice=s
			10.3    created      pod/shop/d       d  owner=ReplicaSet/rs
			10.4    scheduled    pod/shop/d       d
			15      ready        pod/shop/d       d
			20..59  blind        watch/shop/endpointslices
			60      end
		`, []judge.CheckResult{healthy()}, []string{`
			recovery of a, replaced by d
			fault: at 10.000s
			victim leaves: at 10.000s took 0s since fault
			endpoint removed: at 10.000s took 0s since victim leaves
			replacement created: at 10.300s took 300ms since victim leaves
			scheduled: at 10.400s took 100ms since replacement created
			containers started: (not seen, though a later stage was)
			ready: at 15.000s took 4.6s since scheduled
			endpoint added: took 0s to 45s since ready open (not seen, and for a time nothing could be)
			first good answer: (waits for: endpoint added)
			hypothesis good: (no outage was seen)
			costliest: within the error: ready, endpoint added
		`}},
		{"without endpoints and load these stages are unknown, and nothing else is", `
			0     exists       pod/shop/a  a  owner=ReplicaSet/rs
			10    inject       kill        a  effect=gone
			10    terminating  pod/shop/a  a
			10.3  created      pod/shop/d  d  owner=ReplicaSet/rs
			10.4  scheduled    pod/shop/d  d
			12    started      pod/shop/d  d
			15    ready        pod/shop/d  d
			60    end
		`, []judge.CheckResult{outage("10", "15.5")}, []string{`
			recovery of a, replaced by d
			fault: at 10.000s
			victim leaves: at 10.000s took 0s since fault
			endpoint removed: (no endpoints were followed)
			replacement created: at 10.300s took 300ms since victim leaves
			scheduled: at 10.400s took 100ms since replacement created
			containers started: at 12.000s took 1.6s since scheduled
			ready: at 15.000s took 3s since containers started
			endpoint added: (no endpoints were followed)
			first good answer: (no load was driven)
			hypothesis good: at 15.500s took 500ms since ready
			costliest: ready
		`}},
		{"nobody watched the pods, and no answer has a name", `
			1..2   answer       -
			10     inject       kill        a  effect=gone
			10.1   gone         pod/shop/a  a
			60     end
		`, []judge.CheckResult{{Check: "never observed"}}, []string{`
			recovery of a, no replacement was seen
			fault: at 10.000s
			victim leaves: at 10.100s took 100ms since fault
			endpoint removed: (no endpoints were followed)
			replacement created: (the victim's owner is not in the record, so its replacement is not known)
			scheduled: (the victim's owner is not in the record, so its replacement is not known)
			containers started: (the victim's owner is not in the record, so its replacement is not known)
			ready: (the victim's owner is not in the record, so its replacement is not known)
			endpoint added: (no endpoints were followed)
			first good answer: (no answer named the pod that gave it: let the service name itself in a response header)
			hypothesis good: (1 of 1 checks were not observed)
			costliest: victim leaves
		`}},
		{"a victim of which nothing at all was seen", `
			10  inject  kill  a  effect=gone
			60  end
		`, nil, []string{`
			recovery of a, no replacement was seen
			fault: at 10.000s
			victim leaves: took 50s since fault open (not seen until the record ended)
			ready: (waits for: victim leaves)
			first good answer: (no load was driven)
			hypothesis good: (not judged)
			costliest: victim leaves
		`}},
		{"the kubelet evicts a pod: the object stays, the pod has failed, and it was long until somebody noticed", before + `
			10    inject     stress           a
			30    stopped    pod/shop/a       a
			30    failed     pod/shop/a       a  reason=Evicted
			30.1  removed    endpoint/shop/a  a  slice=s
			30.3  created    pod/shop/d       d  owner=ReplicaSet/rs
			30.4  scheduled  pod/shop/d       d
			32    started    pod/shop/d       d
			33    ready      pod/shop/d       d
			33.1  added      endpoint/shop/d  d  slice=s
			33.2  answer     d
			40    undo       stress
			60    end
		`, []judge.CheckResult{healthy()}, []string{`
			recovery of a, replaced by d
			fault: at 10.000s
			victim leaves: at 30.000s took 20s since fault
			endpoint removed: at 30.100s took 100ms since victim leaves
			replacement created: at 30.300s took 300ms since victim leaves
			scheduled: at 30.400s took 100ms since replacement created
			containers started: at 32.000s took 1.6s since scheduled
			ready: at 33.000s took 1s since containers started
			endpoint added: at 33.100s took 100ms since ready
			first good answer: at 33.200s took 100ms since endpoint added
			hypothesis good: (no outage was seen)
			costliest: victim leaves
		`}},
		{"a pod of a stateful set comes back under its name: answers from before do not count", `
			0           exists       pod/shop/db-0  old  owner=StatefulSet/db
			9.9..9.95   answer       db-0
			10          inject       kill           old  effect=gone
			10..10.01   answer       db-0
			10          terminating  pod/shop/db-0  old
			10.2        gone         pod/shop/db-0  old
			10.3        created      pod/shop/db-0  new  owner=StatefulSet/db
			10.4        scheduled    pod/shop/db-0  new
			12          started      pod/shop/db-0  new
			15          ready        pod/shop/db-0  new
			15.5..15.6  fail         db-0
			15.7..15.8  answer       db-0
			60          end
		`, nil, []string{`
			recovery of db-0, replaced under the same name
			fault: at 10.000s
			victim leaves: at 10.000s took 0s since fault
			endpoint removed: (no endpoints were followed)
			replacement created: at 10.300s took 300ms since victim leaves
			scheduled: at 10.400s took 100ms since replacement created
			containers started: at 12.000s took 1.6s since scheduled
			ready: at 15.000s took 3s since containers started
			endpoint added: (no endpoints were followed)
			first good answer: at 15.700s..15.800s took 700ms to 800ms since ready
			hypothesis good: (not judged)
			costliest: ready
		`}},
		{"a process has no stages in between", `
			9.9..9.95     answer  shop-1
			10..10.01     inject  kill            77  effect=gone
			10..10.01     gone    process/shop-1  77
			10.4..10.45   ready   process/shop-1  78
			10.5..10.52   answer  shop-1
			60            end
		`, []judge.CheckResult{outage("10", "10.4..10.5")}, []string{`
			recovery of shop-1, replaced under the same name
			fault: at 10.000s..10.010s
			victim leaves: at 10.000s..10.010s took 0s to 10ms since fault
			ready: at 10.400s..10.450s took 390ms to 450ms since victim leaves
			first good answer: at 10.500s..10.520s took 50ms to 120ms since ready
			hypothesis good: at 10.400s..10.500s took 0s since first good answer
			costliest: ready
		`}},
		{"a process whose readiness is not recorded", `
			9.9..9.95     answer  shop-1
			10..10.01     inject  kill            77  effect=gone
			10..10.01     gone    process/shop-1  77
			10.5..10.52   answer  shop-1
			60            end
		`, []judge.CheckResult{outage("10", "10.4..10.5")}, []string{`
			recovery of shop-1, no replacement was seen
			fault: at 10.000s..10.010s
			victim leaves: at 10.000s..10.010s took 0s to 10ms since fault
			ready: (no process was recorded as ready)
			first good answer: at 10.500s..10.520s took 490ms to 520ms since victim leaves
			hypothesis good: at 10.400s..10.500s took 0s since first good answer
			costliest: first good answer
		`}},
		{"a killed container is started again in the same pod", before + `
			10          inject     container-kill   a  effect=restarted
			10.1        stopped    pod/shop/a       a  container=app
			10.1        not_ready  pod/shop/a       a
			10.2        removed    endpoint/shop/a  a  slice=s
			11          restarted  pod/shop/a       a  container=app
			11          started    pod/shop/a       a
			13          ready      pod/shop/a       a
			13.1        added      endpoint/shop/a  a  slice=s
			13.2..13.3  answer     a
			20          undo       container-kill
			50          terminating pod/shop/a      a
			60          end
		`, []judge.CheckResult{outage("10", "10.3")}, []string{`
			recovery of a, in place
			fault: at 10.000s
			containers stopped: at 10.100s took 100ms since fault
			not ready: at 10.100s took 0s since containers stopped
			endpoint removed: at 10.200s took 100ms since not ready
			containers started: at 11.000s took 900ms since not ready
			ready: at 13.000s took 2s since containers started
			endpoint added: at 13.100s took 100ms since ready
			first good answer: at 13.200s..13.300s took 100ms to 200ms since endpoint added
			hypothesis good: at 10.300s took 100ms since endpoint removed
			costliest: ready
		`}},
		{"a failed pod can only be back once the fault is undone, and that time is not the service's", before + `
			10    inject     pod-failure      a  effect=not_ready
			10.1  stopped    pod/shop/a       a
			10.1  not_ready  pod/shop/a       a
			10.2  removed    endpoint/shop/a  a  slice=s
			11    restarted  pod/shop/a       a
			11    started    pod/shop/a       a
			30    undo       pod-failure
			30.2  stopped    pod/shop/a       a
			31    restarted  pod/shop/a       a
			31    started    pod/shop/a       a
			33    ready      pod/shop/a       a
			33.1  added      endpoint/shop/a  a  slice=s
			33.2  answer     a
			60    end
		`, []judge.CheckResult{outage("10", "33.2")}, []string{`
			recovery of a, in place
			fault: at 10.000s
			containers stopped: at 10.100s took 100ms since fault
			not ready: at 10.100s took 0s since containers stopped
			endpoint removed: at 10.200s took 100ms since not ready
			fault undone: at 30.000s took 20s since fault
			containers started: at 31.000s took 1s since fault undone
			ready: at 33.000s took 2s since containers started
			endpoint added: at 33.100s took 100ms since ready
			first good answer: at 33.200s took 100ms since endpoint added
			hypothesis good: at 33.200s took 0s since first good answer
			costliest: ready
		`}},
		{"two faults of one text: the removal of one is not that of the other, which failed", before + `
			10    inject     pod-failure  a  effect=not_ready  index=0
			10    inject     pod-failure  b  effect=not_ready  index=1
			10.1  not_ready  pod/shop/a   a
			10.1  not_ready  pod/shop/b   b
			30    undo       pod-failure  -  index=1
			30    undo       pod-failure  -  index=0  error=left
			33    ready      pod/shop/b   b
			33.2  answer     b
			60    end
		`, []judge.CheckResult{healthy()}, []string{`
			recovery of a, in place
			fault: at 10.000s
			not ready: at 10.100s took 100ms since fault
			ready: took 49.9s since not ready open (not seen until the record ended)
			first good answer: (waits for: ready)
			hypothesis good: (no outage was seen)
			costliest: ready
		`, `
			recovery of b, in place
			fault: at 10.000s
			not ready: at 10.100s took 100ms since fault
			fault undone: at 30.000s took 20s since fault
			ready: at 33.000s took 3s since fault undone
			first good answer: at 33.200s took 200ms since ready
			hypothesis good: (no outage was seen)
			costliest: ready
		`}},
		{"a slow network takes a pod's readiness, twice: it is back when it stays back", before + `
			10    inject     delay            a
			13    not_ready  pod/shop/a       a
			13.1  removed    endpoint/shop/a  a  slice=s
			15    ready      pod/shop/a       a
			15.1  added      endpoint/shop/a  a  slice=s
			16    not_ready  pod/shop/a       a
			16.1  removed    endpoint/shop/a  a  slice=s
			30    undo       delay
			34    ready      pod/shop/a       a
			34.1  added      endpoint/shop/a  a  slice=s
			34.2  answer     a
			60    end
		`, []judge.CheckResult{healthy()}, []string{`
			recovery of a, in place
			fault: at 10.000s
			not ready: at 13.000s took 3s since fault
			endpoint removed: at 13.100s took 100ms since not ready
			fault undone: at 30.000s took 20s since fault
			ready: at 34.000s took 4s since fault undone
			endpoint added: at 34.100s took 100ms since ready
			first good answer: at 34.200s took 100ms since endpoint added
			hypothesis good: (no outage was seen)
			costliest: ready
		`}},
		{"a container that does not come back", before + `
			10    inject     container-kill   a  effect=restarted
			10.1  stopped    pod/shop/a       a
			10.1  not_ready  pod/shop/a       a
			10.2..10.3  answer a
			10.2  removed    endpoint/shop/a  a  slice=s
			60    end
		`, []judge.CheckResult{outage("10", "12")}, []string{`
			recovery of a, in place
			fault: at 10.000s
			containers stopped: at 10.100s took 100ms since fault
			not ready: at 10.100s took 0s since containers stopped
			endpoint removed: at 10.200s took 100ms since not ready
			containers started: took 49.9s since not ready open (not seen until the record ended)
			ready: (waits for: containers started)
			endpoint added: (waits for: containers started)
			first good answer: (waits for: containers started)
			hypothesis good: at 12.000s took 1.8s since endpoint removed
			costliest: containers started
		`}},
		{"a fault that says it restarts containers, and none was seen to", before + `
			10  inject  container-kill  a  effect=restarted
			20  undo    container-kill
			60  end
		`, nil, []string{`
			recovery of a, in place
			fault: at 10.000s
			fault undone: at 20.000s took 10s since fault
			first good answer: (nothing was seen to happen to the victim)
			hypothesis good: (not judged)
			costliest: nothing is known
		`}},
		{"two victims at once: the k-th created replaces the k-th gone, and the note says that this is a convention", before + `
			10    inject       kill             b,a  effect=gone
			10    terminating  pod/shop/a       a
			10.1  terminating  pod/shop/b       b
			10.2  created      pod/shop/d       d  owner=ReplicaSet/rs
			10.3  created      pod/shop/e       e  owner=ReplicaSet/rs
			10.3  created      pod/other/x      x  owner=ReplicaSet/rs
			60    end
		`, nil, []string{`
			recovery of b, replaced by e
			fault: at 10.000s
			victim leaves: at 10.100s took 100ms since fault
			endpoint removed: took 49.9s since victim leaves open (not seen until the record ended)
			replacement created: at 10.300s took 200ms since victim leaves
			scheduled: took 49.7s since replacement created open (not seen until the record ended)
			containers started: (waits for: scheduled)
			ready: (waits for: scheduled)
			endpoint added: (waits for: scheduled)
			first good answer: (waits for: scheduled)
			hypothesis good: (not judged)
			costliest: within the error: endpoint removed, scheduled
			note: ReplicaSet/rs lost 2 and created 2: which replaced which is told from the order alone
		`, `
			recovery of a, replaced by d
			fault: at 10.000s
			victim leaves: at 10.000s took 0s since fault
			endpoint removed: took 50s since victim leaves open (not seen until the record ended)
			replacement created: at 10.200s took 200ms since victim leaves
			scheduled: took 49.8s since replacement created open (not seen until the record ended)
			containers started: (waits for: scheduled)
			ready: (waits for: scheduled)
			endpoint added: (waits for: scheduled)
			first good answer: (waits for: scheduled)
			hypothesis good: (not judged)
			costliest: within the error: endpoint removed, scheduled
			note: ReplicaSet/rs lost 2 and created 2: which replaced which is told from the order alone
		`}},
		{"a pod is in two slices: nothing is sent to it once it is out of both, something once it is in one", before + `
			0     exists       endpoint/shop/a  a  slice=v6
			10    inject       kill             a  effect=gone
			10    terminating  pod/shop/a       a
			10.2  removed      endpoint/shop/a  a  slice=s
			10.5  removed      endpoint/shop/a  a  slice=v6
			10.6  created      pod/shop/d       d  owner=ReplicaSet/rs
			10.7  scheduled    pod/shop/d       d
			11    started      pod/shop/d       d
			12    ready        pod/shop/d       d
			12.1  added        endpoint/shop/d  d  slice=v6
			12.4  added        endpoint/shop/d  d  slice=s
			12.2  answer       d
			60    end
		`, []judge.CheckResult{healthy(), outage("10", "11.9"), outage("10", "12")}, []string{`
			recovery of a, replaced by d
			fault: at 10.000s
			victim leaves: at 10.000s took 0s since fault
			endpoint removed: at 10.500s took 500ms since victim leaves
			replacement created: at 10.600s took 600ms since victim leaves
			scheduled: at 10.700s took 100ms since replacement created
			containers started: at 11.000s took 300ms since scheduled
			ready: at 12.000s took 1s since containers started
			endpoint added: at 12.100s took 100ms since ready
			first good answer: at 12.200s took 100ms since endpoint added
			hypothesis good: at 12.000s took 0s since ready
			costliest: ready
		`}},
		{"the next fault hits the replacement: outages belong to the fault before them", `
			0     exists       pod/shop/a  a  owner=ReplicaSet/rs
			30    inject       again       d  effect=gone
			10    inject       kill        a  effect=gone
			10    terminating  pod/shop/a  a
			11    created      pod/shop/d  d  owner=ReplicaSet/rs
			30    terminating  pod/shop/d  d
			32    created      pod/shop/e  e  owner=ReplicaSet/rs
			60    end
		`, []judge.CheckResult{{
			Figures: steadystate.Figures{Good: 9, Outages: []steadystate.Outage{{Start: recordtest.Span("10"), End: recordtest.Span("12")}, {Start: recordtest.Span("31"), End: recordtest.Span("35")}}},
		}}, []string{`
			recovery of a, replaced by d
			fault: at 10.000s
			victim leaves: at 10.000s took 0s since fault
			endpoint removed: (no endpoints were followed)
			replacement created: at 11.000s took 1s since victim leaves
			scheduled: took 49s since replacement created open (not seen until the record ended)
			containers started: (waits for: scheduled)
			ready: (waits for: scheduled)
			endpoint added: (no endpoints were followed)
			first good answer: (no load was driven)
			hypothesis good: at 12.000s took 2s since fault
			costliest: scheduled
			note: ReplicaSet/rs lost 2 and created 2: which replaced which is told from the order alone
		`, `
			recovery of d, replaced by e
			fault: at 30.000s
			victim leaves: at 30.000s took 0s since fault
			endpoint removed: (no endpoints were followed)
			replacement created: at 32.000s took 2s since victim leaves
			scheduled: took 28s since replacement created open (not seen until the record ended)
			containers started: (waits for: scheduled)
			ready: (waits for: scheduled)
			endpoint added: (no endpoints were followed)
			first good answer: (no load was driven)
			hypothesis good: at 35.000s took 5s since fault
			costliest: scheduled
			note: ReplicaSet/rs lost 2 and created 2: which replaced which is told from the order alone
		`}},
		{"a fault that brings nothing down leaves nothing to recover from; a later scale-down is not its doing", before + `
			10  inject       stress      a
			20  undo         stress
			40  terminating  pod/shop/a  a
			60  end
		`, []judge.CheckResult{outage("10", "15")}, nil},
		{"what was not injected has no victim", before + `
			10  inject       kill        a  effect=gone  shortfall=no-pod
			10  terminating  pod/shop/a  a
			60  end
		`, nil, nil},
		{"a target that is no pod, and of which nothing is recorded", before + `
			10  inject  delay  balancer
			60  end
		`, nil, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			var got []string
			for _, w := range read(t, recordtest.Entries(nil, row.script), row.checks...) {
				got = append(got, lines(w))
			}
			if len(got) != len(row.want) {
				t.Fatalf("%d waterfalls, want %d:\n%s", len(got), len(row.want), strings.Join(got, "\n"))
			}
			for i, want := range row.want {
				if want := strings.ReplaceAll(strings.TrimSpace(want), "\t", "") + "\n"; got[i] != want {
					t.Errorf("got:\n%s\nwant:\n%s", got[i], want)
				}
			}
		})
	}
}

func TestARolloutReplacesPodsByThoseOfAnotherRevision(t *testing.T) {
	for _, row := range []struct {
		name, victim, owner string
		unknown             bool
	}{
		{"another revision of the same deployment", "ReplicaSet/checkout-1", "ReplicaSet/checkout-2", true},
		{"another deployment's pod is none", "ReplicaSet/checkout-1", "ReplicaSet/payments-2", false},
		{"a stateful set is one owner for all its revisions", "StatefulSet/db-orders", "StatefulSet/db-carts", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			list := read(t, recordtest.Entries(nil, `
				0     exists       pod/shop/a       a  owner=`+row.victim+`
				0     exists       endpoint/shop/a  a  slice=s
				10    inject       restart          a  effect=gone
				10.3  created      pod/shop/d       d  owner=`+row.owner+`
				15    ready        pod/shop/d       d
				16    terminating  pod/shop/a       a
				16.1  removed      endpoint/shop/a  a  slice=s
				17    gone         pod/shop/a       a
				60    end
			`))
			if len(list) != 1 {
				t.Fatalf("%d waterfalls, want one", len(list))
			}
			got := lines(list[0])
			if unknown := strings.Contains(got, "replacement created: (pods of another revision came, and which of them is its replacement is not known)"); unknown != row.unknown {
				t.Errorf("told:\n%s", got)
			}
			if open := strings.Contains(got, "replacement created: took"); open == row.unknown {
				t.Errorf("that nothing was created is said, or not, in:\n%s", got)
			}
		})
	}
}

func TestAPodThatWaitedForTheBudgetIsNotChargedForIt(t *testing.T) {
	list := read(t, recordtest.Entries(nil, before+`
		10..10.1  inject       evict            a,b  effect=gone
		10..10.1  evicted      pod/shop/a       a
		10.1      terminating  pod/shop/a       a
		10.1      gone         pod/shop/a       a
		30..30.2  evicted      pod/shop/b       b
		30.1      terminating  pod/shop/b       b
		30.1      gone         pod/shop/b       b
		60        end
	`))
	if len(list) != 2 {
		t.Fatalf("%d waterfalls, want one for each victim", len(list))
	}
	for i, want := range []string{"10..10.1", "30..30.1"} {
		if got := list[i].Step(recovery.Fault).Reached; got == nil || *got != recordtest.Span(want) {
			t.Errorf("the fault befell %s at %v, want %s", list[i].Victim.Name, got, want)
		}
	}
}

// A pod that several faults are in leaves once, by the last one that takes pods away.
func TestAPodThatSeveralFaultsHitLeavesOnce(t *testing.T) {
	const kill = "9.8..10.1 gone pod/shop/a a\n10.3 created pod/shop/d d owner=ReplicaSet/rs\n12 ready pod/shop/d d\n"
	for _, row := range []struct{ name, events, want string }{
		{"its network was slow when it was killed", "5 inject delay a\n10..10.1 inject kill a effect=gone oneshot=true\n20 undo delay\n" + kill, "kill"},
		{"it was not ready because of that, before it was killed", "5 inject delay a\n7 not_ready pod/shop/a a\n10..10.1 inject kill a effect=gone oneshot=true\n20 undo delay\n" + kill, "delay, kill"},
		{"it was killed before the rollout came to it", "5 inject restart a effect=gone\n10..10.1 inject kill a effect=gone oneshot=true\n" + kill, "kill"},
		{"the rollout had asked it to end when it was killed", "5 inject restart a effect=gone\n8 terminating pod/shop/a a\n10..10.1 inject kill a effect=gone oneshot=true\n" + kill, "restart"},
		{"a container was killed before the rollout came to it", "5 inject restart a effect=gone\n8 inject container a effect=restarted oneshot=true\n8..8.1 stopped pod/shop/a a\n9 restarted pod/shop/a a\n20 terminating pod/shop/a a\n22 gone pod/shop/a a\n", "restart, container"},
		{"its network was slow, and it was not ready, before the rollout came to it", "5 inject restart a effect=gone\n8 inject delay a\n9 not_ready pod/shop/a a\n11 ready pod/shop/a a\n30 undo delay\n20 terminating pod/shop/a a\n22 gone pod/shop/a a\n", "restart, delay"},
		{"its network was slow before the rollout came to it", "5 inject restart a effect=gone\n8 inject delay a\n30 undo delay\n20 terminating pod/shop/a a\n22 gone pod/shop/a a\n", "restart"},
		{"a fault hit it when it was gone", "10..10.1 inject kill a effect=gone oneshot=true\n10.2 inject delay a\n20 undo delay\n" + kill, "kill"},
	} {
		var faults []string
		for _, w := range read(t, recordtest.Entries(nil, "0 exists pod/shop/a a owner=ReplicaSet/rs\n"+row.events+"60 end\n")) {
			faults = append(faults, w.Fault)
			if !slices.ContainsFunc(w.Steps[1:], func(s judge.Step) bool { return s.Reached != nil }) {
				t.Errorf("%s: nothing happened to the victim of %s", row.name, w.Fault)
			}
		}
		if got := strings.Join(faults, ", "); got != row.want {
			t.Errorf("%s: recoveries from %q, want %q", row.name, got, row.want)
		}
	}
}
