package runs_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/runs"
	"github.com/aftershockhq/aftershock/runs/audit"
	"github.com/aftershockhq/aftershock/steadystate"
)

const (
	s  = time.Second
	ms = time.Millisecond
)

// shop is a service of three instances, one of which can be killed; a load and
// a fault at once.
type shop struct{ took time.Duration }

func (shop) String() string { return "kill b" }

func (shop) Inject(_ context.Context, rec *record.Recorder) (record.Injection, error) {
	span := steadystate.Instant(rec.Clock().Now())
	rec.Event(record.Event{Span: span, Kind: record.EventGone, Subject: "pod/b", UID: "uid-b"})
	return record.Injection{
		Targets: []record.Target{{Name: "b", UID: "uid-b"}}, Span: span,
		Effects: []record.Effect{{Event: record.EventGone}}, OneShot: true, ChangesPods: true,
	}, nil
}

func (shop) Recover(_ context.Context, rec *record.Recorder) (steadystate.Span, error) {
	return steadystate.Instant(rec.Clock().Now()), nil
}

func (p shop) Drive(ctx context.Context, clock steadystate.Clock, each func(record.Request)) error {
	tick := time.NewTicker(10 * ms)
	defer tick.Stop()
	for seq := uint64(0); ; seq++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := clock.Now()
		each(record.Request{Seq: seq, Planned: now, Sent: now, Answered: now + p.took, Outcome: record.Outcome{Code: 200, Backend: string(rune('a' + seq%3)), Attempts: 1}})
	}
}

func (shop) Stages() map[string][]record.Stage {
	return map[string][]record.Stage{record.TrafficSignal: {{Name: "1", After: -10 * ms, Rate: 100}}}
}

func experiment(limits ...string) experiments.Experiment {
	return experiments.Experiment{
		Name:   "kill one of three",
		Labels: []string{"pods", "kill"},
		Hypothesis: steadystate.Hypothesis{Checks: []steadystate.Check{
			{Name: "answers", Signal: record.TrafficSignal, Good: steadystate.Within(s), Limits: steadystate.Limits(limits...)},
		}},
		Load:   shop{took: 2 * ms},
		Faults: []experiments.Scheduled{{Fault: shop{}}},
		Hold:   5 * s,
		Watch:  20 * s,
	}
}

// cacheEvaluator judges expectations of a kind that this module does not know.
type cacheEvaluator struct{ verdict steadystate.Verdict }

func (cacheEvaluator) Kind() string                      { return "cache" }
func (cacheEvaluator) Key(limit string) string           { return limit }
func (cacheEvaluator) Validate(record.Expectation) error { return nil }

func (j cacheEvaluator) Evaluate(record.Expectation, judge.Result) []judge.Finding {
	return []judge.Finding{{Limit: "warm", Reading: steadystate.Reading{Verdict: j.verdict, Text: "looked at"}}}
}

func directory(t *testing.T) *runs.Directory {
	t.Helper()
	d, err := runs.NewDirectory(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAnExpectationOfAUsersOwnKindIsJudgedByTheirEvaluator(t *testing.T) {
	for _, want := range []steadystate.Verdict{steadystate.Held, steadystate.Broken, steadystate.Unknown} {
		t.Run(want.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := directory(t)
				e := experiment("downtime <= 1s")
				e.Expectations = []record.Expectation{{Name: "cache is warm", Kind: "cache", Subject: "cache/shop"}}
				e.Evaluators = []judge.Evaluator{cacheEvaluator{want}}
				report, err := d.Run(t.Context(), e)
				if err != nil || report.Verdict != want {
					t.Fatalf("%s, error %v, want %s: %s", report.Verdict, err, want, report.Reason)
				}
				if err := d.WriteReports(); err != nil {
					t.Fatal(err)
				}
				for _, f := range reports.Formats() {
					file := f.File
					if text, err := os.ReadFile(filepath.Join(d.Path, file)); err != nil || !strings.Contains(string(text), "cache is warm") {
						t.Errorf("%s: error %v, want the expectation in it", file, err)
					}
				}
			})
		})
	}
}

func TestEachRunHasARecordOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := directory(t)
		e := experiment("downtime <= 1s")
		for _, row := range []struct{ name, file string }{
			{"shop/slow-net", "shop-slow-net.jsonl"},
			{"shop/slow net", "shop-slow-net-2.jsonl"},
			{"shop/slow net", "shop-slow-net-3.jsonl"},
		} {
			e.Name = row.name
			path := d.RecordPath(e.Name)
			if _, err := d.Run(t.Context(), e); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(path); err != nil || filepath.Base(path) != row.file {
				t.Errorf("%s: record %s, error %v, want %s", row.name, path, err, row.file)
			}
		}
	})
}

// With two faults at once neither shows what is its own.
func TestADirectoryRunsOneExperimentAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := directory(t)
		var all sync.WaitGroup
		for i := range 3 {
			all.Go(func() {
				e := experiment("downtime <= 1s")
				e.Name = fmt.Sprint("kill ", i)
				if report, err := d.Run(t.Context(), e); err != nil || report.Verdict != steadystate.Held {
					t.Errorf("%s: error %v, %s", report.Verdict, err, report.Reason)
				}
			})
		}
		time.Sleep(s)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if report, err := d.Run(ended, experiment("downtime <= 1s")); !errors.Is(err, context.Canceled) || report.Experiment != "" {
			t.Errorf("a run whose turn has not come: error %v", err)
		}
		all.Wait()
		for i, report := range d.Reports[1:] {
			if before := d.Reports[i]; report.Started.Before(before.Started.Add(before.Length)) {
				t.Errorf("%s began while %s was under way", report.Experiment, before.Experiment)
			}
		}
		if len(d.Reports) != 3 {
			t.Errorf("%d reports, want 3", len(d.Reports))
		}
	})
}

// A record holds no evaluators: the caller has them, or the verdict is unknown.
func TestARecordIsJudgedAgainWithTheCallersEvaluators(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := directory(t)
		e := experiment("downtime <= 1s")
		e.Expectations = []record.Expectation{{Name: "cache is warm", Kind: "cache", Subject: "cache/shop"}}
		e.Evaluators = []judge.Evaluator{cacheEvaluator{steadystate.Held}}
		path := d.RecordPath(e.Name)
		if _, err := d.Run(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close() //nolint:errcheck // only read
		for _, row := range []struct {
			evaluators []judge.Evaluator
			want       steadystate.Verdict
			reason     string
		}{
			{nil, steadystate.Unknown, `no evaluator of the kind "cache"; kinds: none`},
			{[]judge.Evaluator{cacheEvaluator{steadystate.Held}}, steadystate.Held, ""},
		} {
			report, err := runs.Judge(record.Read(file), nil, row.evaluators...)
			if err != nil || report.Verdict != row.want || !strings.Contains(report.Reason, row.reason) {
				t.Errorf("%s, error %v, want %s with %q: %s", report.Verdict, err, row.want, row.reason, report.Reason)
			}
		}
	})
}

// The baseline of an experiment that asks for it is the control run of its own
// suite, if one was run before and it names no other.
func TestAControlRunIsTheBaselineOfItsSuite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := directory(t)
		e := experiment("p50 <= 2x baseline")
		e.Labels = []string{"shop", "pods", "delay"}
		control, err := d.Run(t.Context(), e.Control())
		if err != nil || control.Verdict != steadystate.Held {
			t.Fatalf("%s, error %v: %s", control.Verdict, err, control.Reason)
		}
		for i, row := range []struct {
			sentence string
			suite    string
			against  bool
			baseline *record.Baseline
			want     string // its run
			unknown  string
		}{
			{"of the same suite", "pods", true, nil, control.Run, ""},
			{"not unless it is asked for", "pods", false, nil, "", ""},
			{"not in place of another run's", "pods", true, &record.Baseline{Run: "other"}, "other", ""},
			{"not in place of one that is none", "pods", true, &record.Baseline{Unknown: "it was lost"}, "", "it was lost"},
			{"not of another suite", "network", true, nil, "", "there is no control run"},
		} {
			e.Name, e.Labels, e.Baseline, e.AgainstControl = fmt.Sprintf("kill %d", i), []string{"shop", row.suite, "kill"}, row.baseline, row.against
			report, err := d.Run(t.Context(), e)
			if err != nil {
				t.Fatal(err)
			}
			var got record.Baseline
			if report.Baseline != nil {
				got = *report.Baseline
			}
			if got.Run != row.want || got.Unknown != row.unknown {
				t.Errorf("%s: the baseline is run %q, unknown %q; want %q, %q", row.sentence, got.Run, got.Unknown, row.want, row.unknown)
			}
		}
	})
}

// busier is the shop under another load.
type busier struct{ shop }

func (busier) Stages() map[string][]record.Stage {
	return map[string][]record.Stage{record.TrafficSignal: {{Name: "1", After: -10 * ms, Rate: 50}}}
}

// A heavier load makes a service slower, and a limit on a multiple of that loose.
func TestAControlRunUnderAnotherLoadIsNoBaseline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := directory(t)
		e := experiment("p50 <= 2x baseline")
		e.Labels, e.AgainstControl = []string{"shop", "pods", "kill"}, true
		if _, err := d.Run(t.Context(), e.Control()); err != nil {
			t.Fatal(err)
		}
		e.Load = busier{e.Load.(shop)}
		report, err := d.Run(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		if report.Verdict == steadystate.Held || report.Baseline == nil || !strings.Contains(report.Baseline.Unknown, "had another load") {
			t.Errorf("%s, baseline %v", report.Verdict, report.Baseline)
		}
	})
}

func TestEachRecordIsChainedToThoseBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parent := t.TempDir()
		heads := map[string]bool{}
		for range 2 {
			d, err := runs.NewDirectory(parent)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.Run(t.Context(), experiment("downtime <= 1s")); err != nil {
				t.Fatal(err)
			}
			heads[d.Head] = true
			if v, err := audit.Verify(parent, d.Head); err != nil || len(v.Findings)+len(v.Notes) > 0 || v.Head != d.Head {
				t.Errorf("%+v, %v", v, err)
			}
		}
		if len(heads) != 2 {
			t.Errorf("heads %v", heads)
		}
	})
}

// Evidence that cannot be kept as such is not begun to be collected.
func TestARunThatCannotBeChainedDoesNotBegin(t *testing.T) {
	d := directory(t)
	if err := os.Mkdir(filepath.Join(filepath.Dir(d.Path), audit.File), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := d.Run(t.Context(), experiment("downtime <= 1s"))
	if err == nil || !strings.Contains(err.Error(), "nothing was touched: chain records: ") {
		t.Errorf("error %v", err)
	}
	if left, err := os.ReadDir(d.Path); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// An experiment that was not begun has the cases of one that was, and none is green.
func TestAnExperimentWithoutARecordHasAReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := directory(t)
		e := experiment("downtime <= 1s", "ttr <= 1s")
		e.Expectations = []record.Expectation{{Name: "cache is warm", Kind: "cache", Subject: "cache/shop"}}
		e.Evaluators = []judge.Evaluator{cacheEvaluator{steadystate.Held}}
		if _, err := d.Run(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		if err := d.WithoutRecord(record.End{Reason: record.NotBegun, Detail: "the first was interrupted"}, e.Evaluators, e.Plan(), e.Plan()); err != nil {
			t.Fatal(err)
		}
		if err := d.WriteReports(); err != nil {
			t.Fatal(err)
		}
		names := func(r reports.Report) (names []string) {
			for _, f := range r.Findings {
				names = append(names, f.Check+": "+f.Limit)
			}
			for _, p := range r.Proofs {
				names = append(names, p.Name+" of "+p.Signal)
			}
			return names
		}
		ids := map[string]bool{}
		for _, r := range d.Reports {
			ids[r.Run] = true
			if got, want := names(r), names(d.Reports[0]); !slices.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
		}
		if len(ids) != 3 {
			t.Errorf("%d IDs of three runs", len(ids))
		}
		for _, r := range d.Reports[1:] {
			if r.Verdict != steadystate.Unknown || !strings.HasPrefix(r.Reason, "not begun: the first was interrupted") {
				t.Errorf("%s: %s", r.Verdict, r.Reason)
			}
			for _, f := range r.Findings {
				if f.Verdict != steadystate.Unknown {
					t.Errorf("%s: %s is %s", f.Check, f.Limit, f.Verdict)
				}
			}
		}
	})
}
