package judge_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
)

// R16: a probe over fresh connections meets one of three backends, so that good
// answers prove less while one is out. The bounds hold the truth if the plan says
// that it samples; they did in 35 % of such runs.
func TestAProbeThatSamplesHasWiderEdges(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	const runs, t0, until, last = 200, 20 * s, 25 * s, 50 * s
	held := func(sampled []string) (n int) {
		for seed := range uint64(runs) {
			r := rand.New(rand.NewPCG(seed, 16))
			from, to := t0+time.Duration(r.Float64()*float64(s)), until+time.Duration(r.Float64()*float64(s))
			var list []steadystate.Observation
			for at := time.Duration(0); at < last; at += 100 * ms {
				o := steadystate.Observation{Span: steadystate.Span{From: at, To: at + 5*ms}, Value: 0.005}
				if from <= at && at < to && r.IntN(3) == 0 {
					o.Failed = "connection refused"
				}
				list = append(list, o)
			}
			result, err := judge.Judge(recordtest.All([]record.Entry{
				{Header: &record.Header{Format: record.Format, Version: record.Version, Run: "r"}},
				{Plan: &record.Plan{Name: "kill a", Settle: 10 * s, Faults: []record.Scheduled{{Fault: "kill"}}, Sampled: sampled, Checks: []steadystate.Check{{Name: "probe", Signal: "probe", Good: steadystate.Within(s), Limits: steadystate.Limits("downtime <= 30s")}}}},
				{Phase: record.PhaseSettle},
				{At: t0, Phase: record.PhaseInject},
				{At: t0, Injection: &record.Injection{Fault: "kill", Span: steadystate.Instant(t0), OneShot: true}},
				{At: last, Observations: &record.Observations{Signal: "probe", List: list}},
				{At: last, End: &record.End{Reason: record.Completed}},
			}), nil)
			if err != nil {
				t.Fatal(err)
			}
			if seen := result.Checks[0].Outages; len(seen) == 1 && seen[0].Start.From <= from && from <= seen[0].Start.To && seen[0].End.From <= to && to <= seen[0].End.To+5*ms {
				n++
			}
		}
		return n
	}
	if n := held([]string{"probe"}); n < runs-1 {
		t.Errorf("the bounds hold in %d of %d runs, want all but one", n, runs)
	}
	if n := held(nil); n > runs*3/4 {
		t.Errorf("without a word of sampling they hold in %d of %d, so this test shows nothing", n, runs)
	}
}

// A probe that samples does not name the backend it met: how small a part may be out unseen
// is known from the load's answers.
func TestAProbeThatSamplesHasTheLoadsBackends(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	const t0, last = 20 * s, 60 * s
	var list []steadystate.Observation
	for at := time.Duration(0); at < last; at += 100 * ms {
		list = append(list, steadystate.Observation{Span: steadystate.Span{From: at, To: at + 5*ms}, Value: 0.005})
	}
	var requests []record.Request
	for i := range int(last / (10 * ms)) {
		at := time.Duration(i) * 10 * ms
		requests = append(requests, record.Request{Seq: uint64(i), Planned: at, Sent: at, Answered: at + 5*ms, Outcome: record.Outcome{Code: 200, Backend: "abc"[i%3 : i%3+1], Attempts: 1}})
	}
	for _, row := range []struct {
		limit  string
		reused []string
		want   steadystate.Verdict
		text   string
		why    string
	}{
		{"downtime <= 500ms", nil, steadystate.Unknown, "of one backend", "or give the check a finer signal"},
		{"downtime <= 5s", nil, steadystate.Held, "of one backend", ""},
		{"downtime <= 5s", []string{"probe"}, steadystate.Unknown, "resolution 40s of one backend: its connection met one only", `limit "downtime <= 5s": the probe keeps one connection (reuse: true), which met one of several backends, so that an outage of another would pass unseen: leave reuse out`},
		{"outages <= 0", []string{"probe"}, steadystate.Held, "resolution 40s of one backend: its connection met one only", ""},
		{"uptime >= 50%", []string{"probe"}, steadystate.Unknown, "its connection met one only", "leave reuse out"},
	} {
		name, want := row.limit, row.want
		result, err := judge.Judge(recordtest.All([]record.Entry{
			{Header: &record.Header{Format: record.Format, Version: record.Version, Run: "r"}},
			{Plan: &record.Plan{Name: "kill a", Settle: 10 * s, Faults: []record.Scheduled{{Fault: "kill"}}, Sampled: []string{"probe"}, Reused: row.reused, Checks: []steadystate.Check{{Name: "probe", Signal: "probe", Good: steadystate.Within(s), Limits: steadystate.Limits(name)}}}},
			{Phase: record.PhaseSettle},
			{At: t0, Phase: record.PhaseInject},
			{At: t0, Injection: &record.Injection{Fault: "kill", Span: steadystate.Instant(t0), OneShot: true}},
			{At: last, Observations: &record.Observations{Signal: "probe", List: list}},
			{At: last, Requests: &record.Requests{Signal: "requests", List: requests}},
			{At: last, End: &record.End{Reason: record.Completed}},
		}), nil)
		if err != nil {
			t.Fatal(err)
		}
		if f := result.Findings[0]; f.Verdict != want || !strings.Contains(f.Text, row.text) || !strings.Contains(f.Undecided, row.why) {
			t.Errorf("%s: %s, %q, %q; want %s: one of three may be out for 2 s unseen", name, f.Verdict, f.Text, f.Undecided, want)
		}
	}
}
