package steadystate_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/steadystatetest"
)

// The examples of docs/limits.md are what the package says.
func TestTheExamplesOfLimits(t *testing.T) {
	text, err := os.ReadFile("../docs/limits.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.ReplaceAll(line, "`", ""), "|")
		if len(cells) != 6 {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		limit, err := steadystate.ParseLimit(cells[1])
		if err != nil {
			continue // of another table
		}
		got := limitOf(limit, cells[2])
		seen[limit.Quantity] = true
		says := got.Text
		if got.Undecided != "" {
			says += "; " + got.Undecided
		}
		if start, cut := strings.CutSuffix(cells[4], "..."); cut && strings.HasPrefix(says, start) {
			says = cells[4]
		}
		if cells[3] != got.Verdict.String() || cells[4] != says {
			t.Errorf("want | `%s` | `%s` | %s | %s |", limit, cells[2], got.Verdict, says)
		}
	}
	for _, line := range steadystate.Quantities() {
		switch quantity := strings.Fields(line)[0]; {
		case quantity == "pNN" && seen["p95"], quantity == "of": // after another
		case quantity == steadystate.MTTR: // which package judge computes
		case !seen[quantity]:
			t.Errorf("docs/limits.md has no example of %s", quantity)
		}
	}
}

// limitOf judges a limit on the observations of an example.
func limitOf(l steadystate.Limit, observations string) steadystate.Reading {
	if strings.Trim(observations, "+-?") != "" {
		return l.Judge(answered(observations))
	}
	end := time.Duration(len(observations)) * s
	f := steadystatetest.Fold(steadystatetest.Observations(observations, s, 0), steadystatetest.Good, steadystate.Rule{Settle: 2 * s}, steadystate.Span{To: end}, steadystate.Span{From: 5 * s, To: end}).Figures()[0]
	if !l.OfInjections() {
		return l.Judge(f)
	}
	injected := steadystate.Instant(5 * s)
	from := injected
	if l.AfterRemoval {
		from = steadystate.Instant(10 * s)
	}
	took, _, open := f.Recovery(injected, from, end)
	if l.Quantity == steadystate.TTD {
		at, ok := f.Detected(injected, end)
		if !ok {
			return steadystate.Reading{Text: "not detected"}
		}
		took, open = steadystate.Instant(at).Since(injected), false
	}
	return f.Compare(l, steadystate.Seconds(took), steadystate.FormatSeconds, open)
}

// answered are 1,000 requests at 10/s that took 1 ms to 1 s, of which so many of
// the slowest failed or are unknown: "60 failed".
func answered(what string) steadystate.Figures {
	n, kind := 0, ""
	_, _ = fmt.Sscanf(what, "%d %s", &n, &kind) // "none failed" is none
	list := requests(10, 100*s)
	for i := range list {
		took := (i*997)%1000 + 1 // ms
		o := &list[i]
		o.Value, o.To = float64(took)/1000, o.From+time.Duration(took)*ms
		switch {
		case took <= 1000-n:
		case kind == "failed":
			o.Failed = "503"
		default:
			o.Unknown = "no local port"
		}
	}
	all := steadystate.Span{To: 100 * s}
	return steadystatetest.Fold(list, steadystate.Within(500*ms), steadystate.Rule{Settle: 10 * s, ByChance: true}, all, all).Figures()[0]
}
