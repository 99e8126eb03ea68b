package gamedays

import (
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// dayLog is a log of a day of two pauses and three experiments, as far as an entry.
func dayLog(t *testing.T, n int) []Entry {
	t.Helper()
	at := func(clock string) time.Time { return moment(t, "2026-12-01T"+clock+"Z") }
	from, to := at("09:12:00"), at("09:13:00")
	list := []Entry{
		{Event: Begun, Format: Format, Version: Version, Time: at("09:00:00"), Who: "ann@laptop", Plan: &Plan{
			Name: "storm", Why: "does it hold", Owner: "team <checkout>", Timezone: "Europe/Berlin", File: "aftershock.yaml", SHA256: "0b1c", Sweep: "aftershock sweep -f a.yaml",
			Steps: []PlanStep{
				{Pause: "tell support"},
				{Run: "checkout/pods", Expect: "a quiet pager", Experiments: []string{"checkout/pods/kill-one", "checkout/pods/kill-third"}},
				{Pause: "still here?"},
				{Run: "checkout/network", Experiments: []string{"checkout/network/delay"}},
			},
		}},
		{Event: Asked, Step: 1, Text: "tell support", Time: at("09:00:01")},
		{Event: Answered, Step: 1, Question: 1, Text: GoOn, Time: at("09:10:00"), Who: "ben@desk"},
		{Event: Running, Step: 2, Experiment: "checkout/pods/kill-one", Time: at("09:10:01")},
		{Event: Outcome, Step: 2, Experiment: "checkout/pods/kill-one", Verdict: "held", Time: at("09:12:30")},
		{Event: Noted, Text: "pager fired", From: &from, To: &to, Time: at("09:20:00"), Who: "ann@laptop"},
		{Event: Running, Step: 2, Experiment: "checkout/pods/kill-third", Time: at("09:21:00")},
		{Event: Outcome, Step: 2, Experiment: "checkout/pods/kill-third", Verdict: "broken", Text: "downtime 4s | limit 2s", Time: at("09:23:00")},
		{Event: Noted, Text: "Action: give the pager a runbook", From: &to, To: &to, Time: at("09:24:00")},
		{Event: Ended, Text: "stopped by the plan: checkout/pods/kill-third is broken", NotRun: []string{"checkout/network/delay"}, Time: at("09:25:00")},
	}
	for i := range list {
		list[i].N = i
	}
	return list[:n]
}

func TestThePageOfADay(t *testing.T) {
	var out strings.Builder
	if err := NewPage(dayLog(t, 10), nil).Markdown(&out); err != nil {
		t.Fatal(err)
	}
	const want = `# Game day storm

- **Why**: does it hold
- **Owner**: team &lt;checkout>
- **Verdict**: broken
- **Began**: Tue 2026-12-01 10:00 CET
- **Ended**: stopped by the plan: checkout/pods/kill-third is broken
- **Plan**: aftershock.yaml, SHA-256 0b1c

## Expected and happened

| Step | What | Expected | Happened |
|---|---|---|---|
| 1 | pause: tell support | - | answered: go on, by ben@desk |
| 2 | checkout/pods/kill-one | a quiet pager | held |
| 2 | checkout/pods/kill-third | a quiet pager | broken: downtime 4s \| limit 2s |
| 3 | pause: still here? | - | not reached |
| 4 | checkout/network/delay | - | not run |

## Timeline

| When, Europe/Berlin | What | Who |
|---|---|---|
| 10:00:00 | the day began | ann@laptop |
| 10:00:01 | asked: tell support | - |
| 10:10:00 | answered "tell support": go on | ben@desk |
| 10:10:01 | checkout/pods/kill-one began | - |
| 10:12:00 to 10:13:00 | note: pager fired | ann@laptop |
| 10:12:30 | checkout/pods/kill-one was held | - |
| 10:13:00 | note: Action: give the pager a runbook | - |
| 10:21:00 | checkout/pods/kill-third began | - |
| 10:23:00 | checkout/pods/kill-third was broken: downtime 4s \| limit 2s | - |
| 10:25:00 | the day ended: stopped by the plan: checkout/pods/kill-third is broken | - |

## Actions

- [ ] mend what broke checkout/pods/kill-third: downtime 4s \| limit 2s
- [ ] run checkout/network/delay again: it was not run
- [ ] give the pager a runbook
`
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	out.Reset()
	if err := NewPage(dayLog(t, 10), nil).HTML(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<title>Game day storm: broken</title>", "<dd>team &lt;checkout&gt;</dd>", "<td>10:12:00 to 10:13:00</td><td>note: pager fired</td>", "<li>give the pager a runbook</li>", "width:100%}"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in\n%s", want, out.String())
		}
	}
}

// What was not run, cut off or changed afterwards is never held.
func TestADayIsHeldOnlyAsAWhole(t *testing.T) {
	whole := func() []Entry {
		list := dayLog(t, 10)
		list[0].Plan.Steps, list[7].Verdict, list[9].Text = list[0].Plan.Steps[:2], "held", "all steps were done"
		return list
	}
	for _, row := range []struct {
		sentence string
		entries  []Entry
		damage   []string
		want     steadystate.Verdict
		says     string
	}{
		{"all held", whole(), nil, held, "all steps were done"},
		{"the log was changed", whole(), []string{"line 3 does not follow"}, unknown, "**The log was changed**: line 3 does not follow"},
		{"one was not run", dayLog(t, 5), nil, unknown, "| not run |"},
		{"one was cut off", whole()[:7], nil, unknown, "cut off: no outcome was written down"},
		{"a fault is left", func() []Entry { l := whole(); l[7].Verdict, l[7].LeftBehind = "unknown", true; return l }(), nil, unknown, "# Game day storm\n\n- **May still be in place**: checkout/pods/kill-third left a fault that may still be in place; remove it with aftershock sweep -f a.yaml\n"},
		{"which is the first thing to do", func() []Entry { l := whole(); l[7].Verdict, l[7].LeftBehind = "broken", true; return l }(), nil, broken, "## Actions\n\n- [ ] checkout/pods/kill-third left a fault that may still be in place; remove it with aftershock sweep -f a.yaml\n- [ ] mend"},
		{"so may one that was cut off", whole()[:7], nil, unknown, "- **May still be in place**: checkout/pods/kill-third was cut off, or goes on: a fault of it may be in place; remove it with aftershock sweep -f a.yaml\n"},
		{"no end", dayLog(t, 1), nil, unknown, "no end was written down"},
		{"a word for a verdict that there is not", func() []Entry { l := whole(); l[4].Verdict = "green"; return l }(), nil, unknown, "run checkout/pods/kill-one again: it was green"},
	} {
		page := NewPage(row.entries, row.damage)
		var out strings.Builder
		if err := page.Markdown(&out); err != nil || page.Verdict != row.want || !strings.Contains(out.String(), row.says) {
			t.Errorf("%s: %s, %v; want %s with %q in\n%s", row.sentence, page.Verdict, err, row.want, row.says, out.String())
		}
	}
}
