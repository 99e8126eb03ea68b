package runs_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/runs"
	"github.com/aftershockhq/aftershock/steadystate"
)

// The only pod is killed. What is sent while there is none waits for an answer that does
// not come, so that it is not known for how long nothing was answered, and only the share of
// failed requests is surely broken: it has the cause and the advice all the same. Requests
// that fail one by one, at any time, have neither.
func TestAKillThatBreaksAShareAloneIsExplained(t *testing.T) {
	const ms, s = time.Millisecond, time.Second
	for _, row := range []struct {
		sentence string
		lost     func(sent time.Duration) bool // no answer came in time
		broken   []string
		advice   string
	}{
		{"all while no pod is there", func(sent time.Duration) bool { return sent >= 20600*ms && sent < 21300*ms }, []string{"errors <= 1%"}, "Mend more replicas"},
		{"as many, at any time", func(sent time.Duration) bool { return sent >= 20*s && sent < 58*s && sent%(570*ms) == 0 }, []string{"errors <= 1%"}, ""},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			list := slices.Concat([]record.Entry{
				{Header: &record.Header{Format: record.Format, Version: record.Version, Run: "r"}},
				{Plan: &record.Plan{
					Name: "kill", Settle: 10 * s, Load: "a load", Stages: map[string][]record.Stage{record.TrafficSignal: {{Name: "base", Rate: 100}}},
					Faults: []record.Scheduled{{Fault: "kill"}},
					Checks: []steadystate.Check{{
						Name: "answers", Signal: record.TrafficSignal, Good: steadystate.Within(900 * ms), Allowed: 0.001,
						Limits: []steadystate.Limit{steadystate.MustParseLimit("downtime <= 2s"), steadystate.MustParseLimit("errors <= 1%")},
					}},
				}},
				{Workload: &record.Workload{Subject: "deployment/shop/shop", Replicas: 1, Strategy: "RollingUpdate"}},
				{Phase: record.PhaseSettle},
				{At: 20 * s, Phase: record.PhaseInject},
				{At: 20100 * ms, Phase: record.PhaseHold},
				{At: 25 * s, Phase: record.PhaseRecover},
				{At: 25 * s, Phase: record.PhaseWatch},
			}, recordtest.Entries(nil, `
				0        exists    pod/shop/a       a  owner=ReplicaSet/rs
				0        exists    endpoint/shop/a  a
				20..20.1 inject    kill             a  effect=gone oneshot=true
				20..20.1 gone      pod/shop/a       a
				20.1     created   pod/shop/d       d  owner=ReplicaSet/rs
				20.2     scheduled pod/shop/d       d
				20.2     removed   endpoint/shop/a  a
				20.9     started   pod/shop/d       d
				21.1     ready     pod/shop/d       d
				21.1     added     endpoint/shop/d  d
				25       undo      kill
			`))
			requests := &record.Requests{Signal: record.TrafficSignal}
			for at := time.Duration(0); at < 62*s; at += 10 * ms {
				q := record.Request{Seq: uint64(len(requests.List)), Planned: at, Sent: at, Answered: at + 5*ms, Outcome: record.Outcome{Code: 200, Backend: "a", Attempts: 1}}
				if at > 21*s {
					q.Backend = "d"
				}
				if row.lost(at) {
					q.Answered, q.Outcome = at+2*s, record.Outcome{Error: record.TimedOut, Attempts: 1}
				}
				requests.List = append(requests.List, q)
			}
			list = append(list, record.Entry{At: 62 * s, Requests: requests}, record.Entry{At: 62 * s, End: &record.End{Reason: record.Completed}})
			r, err := runs.Judge(recordtest.All(list), nil)
			if err != nil {
				t.Fatal(err)
			}
			var broken, advice []string
			for _, f := range r.Findings {
				if f.Verdict == steadystate.Broken {
					broken = append(broken, f.Limit)
				}
			}
			for _, a := range r.Advice {
				advice = append(advice, a.Name()+" "+a.Kind)
			}
			if !slices.Equal(broken, row.broken) || strings.Join(advice, ", ") != row.advice {
				t.Errorf("%q broken and %q advised, want %q and %q\n%s", broken, advice, row.broken, row.advice, r)
			}
		})
	}
}
