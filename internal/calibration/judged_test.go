package calibration

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
)

// judged carries a trial out as Simulate does, and has its record judged.
func (c Cell) judged(t *testing.T, seed uint64, number int, limits ...string) (judge.CheckResult, []judge.Finding) {
	t.Helper()
	from := source(seed, c.String(), number)
	random := rand.New(from)
	p := c.draw(random)
	check := c.check()
	check.Limits = steadystate.Limits(limits...)
	entries := []record.Entry{
		{Header: &record.Header{Format: record.Format, Version: record.Version, Run: "r"}},
		{Plan: &record.Plan{Name: "trial", Settle: c.Settle, Checks: []steadystate.Check{check}, Faults: []record.Scheduled{{Fault: "fault"}}}},
		{Phase: record.PhaseSettle},
	}
	var list []record.Request
	c.requests(p, random, func(backend int, o steadystate.Observation) bool {
		q := record.Request{Seq: uint64(len(list)), Planned: o.From, Sent: o.From, Answered: o.To, Outcome: record.Outcome{Code: 200, Backend: fmt.Sprint(backend), Attempts: 1}}
		if o.Failed != "" {
			q.Code, q.Error = 503, o.Failed
		}
		list = append(list, q)
		return true
	})
	entries = append(
		entries,
		record.Entry{At: p.fault, Phase: record.PhaseInject},
		record.Entry{At: p.fault, Injection: &record.Injection{Fault: "fault", Span: steadystate.Instant(p.fault), OneShot: true}},
		record.Entry{At: p.end, Requests: &record.Requests{Signal: "requests", List: list}},
		record.Entry{At: p.end, End: &record.End{Reason: record.Completed}},
	)
	result, err := judge.Judge(recordtest.All(entries), nil)
	if err != nil {
		t.Fatal(err)
	}
	return result.Checks[0], result.Findings
}

// What the grid tells is of the judge: it says the same of the record of a trial. How
// small the smallest backend's share is, the judge counts by tenths of a second, and
// edges differ by as little.
func TestTheGridTellsOfTheJudge(t *testing.T) {
	const trials, seed, nearly = 5, 3, 100 * time.Millisecond
	near := func(a, b time.Duration) bool { return max(a-b, b-a) <= nearly }
	compared := 0
	for _, c := range Cells() {
		if _, all := c.Shape.out(); c.Rate > 100 || c.Settle > time.Second || all > 3 {
			continue // of ten, each answers so seldom that a tenth of a second matters
		}
		for number := range trials {
			s := c.Simulate(seed, number)
			f := s.Figures
			limits := []string{"ttr <= 1h"}
			for _, share := range []float64{0.7, 1.5} {
				limits = append(limits, fmt.Sprintf("downtime <= %.0fus", share*float64((s.Truth.End.To-s.Truth.Start.To).Microseconds())))
			}
			got, findings := c.judged(t, seed, number, limits...)
			if same := slices.EqualFunc(got.Outages, f.Outages, func(a, b steadystate.Outage) bool {
				return near(a.Start.From, b.Start.From) && near(a.Start.To, b.Start.To) && near(a.End.From, b.End.From) && near(a.End.To, b.End.To) && a.Stray == b.Stray && a.Bad == b.Bad
			}); !same {
				t.Errorf("%s, trial %d: the judge says %s, the grid %s", c, number, outages(got.Outages), outages(f.Outages))
			}
			fault := steadystate.Instant(f.Window.From)
			if ttr, _, _ := f.Recovery(fault, fault, f.Window.To); !near(ttr.Low, got.Recoveries[0].TTR.Low) || !near(ttr.High, got.Recoveries[0].TTR.High) {
				t.Errorf("%s, trial %d: the judge says a ttr of %v, the grid %v", c, number, got.Recoveries[0].TTR, ttr)
			}
			for _, text := range limits[1:] {
				i := slices.IndexFunc(findings, func(f judge.Finding) bool { return f.Limit == text })
				if want := steadystate.MustParseLimit(text).Judge(f); findings[i].Verdict != want.Verdict && findings[i].Verdict != steadystate.Unknown {
					t.Errorf("%s, trial %d: of %s the judge says %s, %q, the grid %s, %q", c, number, text, findings[i].Verdict, findings[i].Text, want.Verdict, want.Text)
				}
				compared += count(findings[i].Verdict != steadystate.Unknown)
			}
		}
	}
	if compared < 50 {
		t.Errorf("%d verdicts compared, want at least 50", compared)
	}
}
