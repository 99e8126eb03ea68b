package judge_test

import (
	"strings"
	"testing"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/steadystatetest"
)

// Where to look has the last events before an outage, which may be why it began, however
// many were before them, and says how many of those in it are left out.
func TestWhereToLook(t *testing.T) {
	const outage = "outage from 00:00:15.5 (+15.5s) to 00:00:21.5 (+21.5s): 6 of 6 bad, first: 0 is not >= 1"
	// The pod that replaces a is ready, and gets requests, before it can answer.
	const early = `
		5            added     endpoint/shop/c  c
		10.2         created   pod/shop/d       d
		10..10.2     removed   endpoint/shop/a  a
		10.1..10.3   removed   endpoint/shop/a  a
		10.3         scheduled pod/shop/d       d
		11           started   pod/shop/d       d
		15           ready     pod/shop/d       d
		15.1..15.3   added     endpoint/shop/d  d
		15.2..15.4   added     endpoint/shop/d  d`
	const before = "; before: pod/shop/d ready at 00:00:15.000 (+15s), endpoint/shop/d added at 00:00:15.3 (+15.3s)"
	for _, row := range []struct{ sentence, events, want string }{
		{"nothing else happened since the fault", "\n5 added endpoint/shop/c c", outage + "; before: pod/shop/a gone at 00:00:10.05 (+10.05s)"},
		{"what two watches saw is told once", early, outage + before},
		{
			"what follows is told as far as there is room", early + `
			16..16.2     restarted pod/shop/d       d
			17..17.2     restarted pod/shop/d       d
			18..18.2     not_ready pod/shop/d       d
			19..19.2     removed   endpoint/shop/d  d
			19..19.4     ready     pod/shop/d       d
			19.5         added     endpoint/shop/d  d
			20           created   pod/shop/e       e
			20.5         changed   deployment/shop  shop
			30           gone      pod/shop/e       e`,
			outage + before + "; then: pod/shop/d restarted at 00:00:16.1 (+16.1s), pod/shop/d not ready at 00:00:18.1 (+18.1s), endpoint/shop/d removed at 00:00:19.1 (+19.1s), pod/shop/d ready at 00:00:19.2 (+19.2s), and 2 more",
		},
	} {
		plan := &record.Plan{Name: "kill", Settle: 5 * s, Faults: []record.Scheduled{{Fault: "kill"}}, Checks: []steadystate.Check{{
			Name: "whole", Signal: "replicas", Good: steadystatetest.Good, Limits: steadystate.Limits("downtime <= 1s"),
		}}}
		list := recordtest.Entries(plan, `
			0         phase   settle
			0         see     replicas    ++++++++++++++++------++++++++++++++++++
			0         exists  pod/shop/b  b
			10        phase   inject
			10..10.1  inject  kill        a      effect=gone
			10..10.1  gone    pod/shop/a  a
			10.1      phase   hold
			12        undo    kill
			12        phase   watch`+strings.ReplaceAll(row.events, "\n\t\t\t", "\n")+`
			40        end`)
		result, err := judge.Judge(recordtest.All(list), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := result.Findings[0].Where; got != row.want {
			t.Errorf("%s:\n%s\nwant:\n%s", row.sentence, got, row.want)
		}
		rest := row.want
		for _, i := range result.Findings[0].Near {
			e := result.Events[i]
			_, after, named := strings.Cut(rest, e.Subject+" "+e.Kind+" at "+result.When(e.Span))
			if !named {
				t.Errorf("%s: %s %s is referred to, and not named next in %q", row.sentence, e.Subject, e.Kind, rest)
			}
			rest = after
		}
		if strings.Contains(rest, " at ") {
			t.Errorf("%s: %q is not referred to", row.sentence, rest)
		}
	}
}

// An instant has the digits that are known of it.
func TestWhen(t *testing.T) {
	for span, want := range map[string]string{
		"2..4":        "00:00:03 (+3s)",
		"2..2.9":      "00:00:02.5 (+2.5s)",
		"2.25..2.31":  "00:00:02.28 (+2.28s)",
		"2.25":        "00:00:02.250 (+2.25s)",
		"0.049..0.05": "00:00:00.050 (+50ms)",
		"119..121":    "00:02:00 (+2m0s)",
	} {
		if got := (judge.Result{}).When(recordtest.Span(span)); got != want {
			t.Errorf("%s is %q, want %q", span, got, want)
		}
	}
}
