package judge_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A limit that counts observations holds of polls whatever they read, and says nothing.
func TestLimitsOnTheNumberOfObservationsNeedObservationsThatCount(t *testing.T) {
	const polled, probe = "queue", "grpc"
	for _, row := range []struct {
		sentence, signal, limit string
		attempts, sampled       []string
		want                    steadystate.Verdict
		text                    string
	}{
		{"the errors of polls", polled, "errors <= 1%", nil, nil, steadystate.Unknown, `"slow <= 1%" is the share of polls that are not good`},
		{"their rate", polled, "rate >= 0.5/s", nil, nil, steadystate.Unknown, "this is the rate of polls"},
		{"the share of polls that are not good", polled, "slow <= 90%", nil, nil, steadystate.Held, ""},
		{"the errors of a probe", probe, "errors <= 1%", nil, []string{probe}, steadystate.Held, ""},
		{"its rate", probe, "rate >= 0.5/s", nil, []string{probe}, steadystate.Unknown, "a probe sends at its own rate"},
		{"the errors of attempts of another source", probe, "errors <= 1%", []string{probe}, nil, steadystate.Held, ""},
		{"the errors of requests", record.TrafficSignal, "errors <= 1%", nil, nil, steadystate.Held, ""},
		{"their rate is the load's", record.TrafficSignal, "rate >= 15/s", nil, nil, steadystate.Held, ""},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			sc := scene{injection: record.Injection{Targets: hits("a"), Effects: []record.Effect{{Event: record.EventStopped}}}, events: append(exist("abc"), podEvent(record.EventStopped, "a", 20*s+500*ms, 21*s))}
			check := steadystate.Check{Name: "counted", Signal: row.signal, Good: steadystate.AtMost(100), Limits: steadystate.Limits(row.limit)}
			sc.plan = func(p *record.Plan) {
				p.Checks, p.Attempts, p.Sampled = append(p.Checks, check), row.attempts, row.sampled
			}
			list := sc.entries()
			seen := &record.Observations{Signal: row.signal}
			for at := time.Duration(0); at < 70*s && row.signal != record.TrafficSignal; at += s {
				seen.List = append(seen.List, steadystate.Observation{Span: steadystate.Instant(at), Value: between(at, 21*s, 39*s, 1000.0, 1.0)})
			}
			list = append(list[:len(list)-1], record.Entry{At: 70 * s, Observations: seen}, list[len(list)-1])
			result, err := judge.Judge(recordtest.All(list), nil, sized{})
			if err != nil {
				t.Fatal(err)
			}
			f, err := result.Finding("counted", row.limit)
			if err != nil {
				t.Fatal(err)
			}
			if f.Verdict != row.want || !strings.Contains(f.Undecided, row.text) {
				t.Errorf("%s: %s (%s), want %s with %q", f.Verdict, f.Text, f.Undecided, row.want, row.text)
			}
			_, err = judge.Judge(recordtest.All(list), map[string][]string{"counted": {row.limit}}, sized{})
			if (err != nil) != (row.text != "") || err != nil && !strings.Contains(err.Error(), row.text) {
				t.Errorf("as another limit: %v, want one with %q", err, row.text)
			}
		})
	}
}

// Limits that the record does not have are judged by the same rules.
func TestAnotherLimitOnPollsIsRefusedWithWhatToWrite(t *testing.T) {
	r := scene{polled: func(string, time.Duration) float64 { return 1 }, plan: func(p *record.Plan) {
		p.Checks = append(p.Checks, steadystate.Check{Name: "load", Signal: record.TargetSignal("cpu", "b"), Good: steadystate.AtMost(2), Limits: steadystate.Limits("max <= 2")})
	}}.result(t)
	if _, err := r.Finding("load", "errors <= 1%"); err == nil || !strings.Contains(err.Error(), "the signal is a polled value") {
		t.Errorf("errors: %v", err)
	}
	if f, err := r.Finding("load", "slow <= 1%"); err != nil || f.Verdict != steadystate.Held {
		t.Errorf("slow: %v, %v", f, err)
	}
}
