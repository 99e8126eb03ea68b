package specs_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"
	. "github.com/onsi/gomega"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/steadystate"
	. "github.com/aftershockhq/aftershock/suites/matchers"
	"github.com/aftershockhq/aftershock/suites/specs"
)

const ms = time.Millisecond

// Ginkgo runs one suite in a process, so each test has its suite run by another
// one, named in the environment.
const inSuite = "AFTERSHOCK_TEST_SUITE"

// outcome is where Ginkgo says that a suite failed.
type outcome struct{ failed bool }

func (o *outcome) Fail() { o.failed = true }

func TestMain(m *testing.M) {
	name := os.Getenv(inSuite)
	if name == "" {
		os.Exit(m.Run())
	}
	flag.Parse()
	RegisterFailHandler(Fail)
	map[string]func(){"own": own, "registered": registered, "refused": refused, "interrupted": interrupted, "within": within, "timed": timed}[name]()
	var o outcome
	RunSpecs(&o, name, Label("nightly"))
	if o.failed {
		os.Exit(1)
	}
	os.Exit(0)
}

// shop is a service of three instances under 100 requests a second. All of them
// are away for 100 ms from when one of them is killed. Its times are those of a
// plan, so that a busy machine changes nothing.
type shop struct {
	killed atomic.Int64
	unseen bool   // nothing shows that it was killed
	undone string // a file that says so
}

func (*shop) String() string { return "kill b" }

func (p *shop) Inject(_ context.Context, rec *record.Recorder) (record.Injection, error) {
	span := steadystate.Instant(rec.Clock().Now())
	p.killed.Store(int64(span.From))
	if !p.unseen {
		rec.Event(record.Event{Span: span, Kind: record.EventGone, Subject: "pod/b", UID: "uid-b"})
	}
	return record.Injection{
		Targets: []record.Target{{Name: "b", UID: "uid-b"}}, Span: span,
		Effects: []record.Effect{{Event: record.EventGone}}, ChangesPods: true,
	}, nil
}

func (p *shop) Recover(_ context.Context, rec *record.Recorder) (steadystate.Span, error) {
	time.Sleep(50 * ms) // longer than an instant, as undoing is
	if p.undone != "" {
		return steadystate.Instant(rec.Clock().Now()), os.WriteFile(p.undone, nil, 0o600)
	}
	return steadystate.Instant(rec.Clock().Now()), nil
}

func (p *shop) Drive(ctx context.Context, clock steadystate.Clock, each func(record.Request)) error {
	tick := time.NewTicker(5 * ms)
	defer tick.Stop()
	due := clock.Now()
	for seq := uint64(0); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for ; due <= clock.Now(); seq, due = seq+1, due+10*ms {
			q := record.Request{Seq: seq, Planned: due, Sent: due, Answered: due + 2*ms, Outcome: record.Outcome{Code: 200, Backend: string(rune('a' + seq%3)), Attempts: 1}}
			if since := due - time.Duration(p.killed.Load()); p.killed.Load() > 0 && since >= 0 && since < 100*ms {
				q.Outcome = record.Outcome{Code: 503, Attempts: 1}
			}
			each(q)
		}
	}
}

func (*shop) Stages() map[string][]record.Stage {
	return map[string][]record.Stage{record.TrafficSignal: {{Name: "1", After: -10 * ms, Rate: 100}}}
}

func kill(p *shop, limits ...string) experiments.Experiment {
	return experiments.Experiment{
		Hypothesis: steadystate.Hypothesis{Checks: []steadystate.Check{
			{Name: "answers", Signal: record.TrafficSignal, Good: steadystate.Within(time.Second), Limits: steadystate.Limits(limits...)},
		}},
		Load:   p,
		Faults: []experiments.Scheduled{{Fault: p}},
		Settle: 300 * ms,
		Hold:   300 * ms,
		Watch:  700 * ms,
	}
}

// cache judges expectations of a user's own.
type cache struct{ steadystate.Verdict }

func (cache) Kind() string                      { return "cache" }
func (cache) Key(limit string) string           { return limit }
func (cache) Validate(record.Expectation) error { return nil }

func (c cache) Evaluate(record.Expectation, judge.Result) []judge.Finding {
	return []judge.Finding{{Limit: "warm", Reading: steadystate.Reading{Verdict: c.Verdict, Text: "looked at"}}}
}

func own() {
	url := ""
	BeforeSuite(func() { url = "http://found.example" })
	specs.It("holds", func(context.Context) experiments.Experiment {
		e := kill(&shop{}, "downtime <= 1s")
		e.Environment = map[string]string{"where": url}
		return e
	}, func(report reports.Report) {
		Expect(report).To(And(BeHeld(), Meet("answers", "ttr <= 1s"), HaveProof("effect"), LeaveNothingBehind()))
		Expect(report.Environment).To(HaveKeyWithValue("where", "http://found.example"))
	}, Label("a label"))
	specs.It("holds without an assertion", func(context.Context) experiments.Experiment { return kill(&shop{}, "downtime <= 1s") })
	specs.It("is broken", func(context.Context) experiments.Experiment { return kill(&shop{}) })
	specs.It("is broken, as wanted", func(context.Context) experiments.Experiment { return kill(&shop{}) }, specs.Broken, func(report reports.Report) {
		Expect(report).To(BeBroken("answers"))
	})
	specs.It("is broken, and asserts what holds", func(context.Context) experiments.Experiment { return kill(&shop{}) }, func(report reports.Report) {
		Expect(report).To(LeaveNothingBehind())
	})
	specs.It("holds, and broken is wanted", func(context.Context) experiments.Experiment { return kill(&shop{}, "downtime <= 1s") }, specs.Broken)
	specs.It("is unknown, and broken is wanted", func(context.Context) experiments.Experiment { return kill(&shop{unseen: true}, "downtime <= 1s") }, specs.Broken)
	specs.It("is unknown, and nothing is asserted", func(context.Context) experiments.Experiment { return kill(&shop{unseen: true}, "downtime <= 1s") }, func(reports.Report) {})
	specs.It("fails where it asserts", func(context.Context) experiments.Experiment { return kill(&shop{}, "downtime <= 1s") }, func(report reports.Report) {
		Expect(report).To(Meet("answers", "downtime <= 10ms"))
	})
	specs.It("fails where the first of two assertions does", func(context.Context) experiments.Experiment { return kill(&shop{}, "downtime <= 1s") }, func(report reports.Report) {
		Expect(report).To(Meet("answers", "downtime <= 10ms"))
	}, func(reports.Report) {})
	specs.It("takes long to undo", func(context.Context) experiments.Experiment {
		e := kill(&shop{}, "downtime <= 1s")
		e.UndoTimeout = 10 * time.Minute
		return e
	})
	specs.It("takes long to undo, and may", func(context.Context) experiments.Experiment {
		e := kill(&shop{}, "downtime <= 1s")
		e.UndoTimeout = 10 * time.Minute
		return e
	}, []any{GracePeriod(11 * time.Minute)})
	for _, is := range []steadystate.Verdict{steadystate.Held, steadystate.Broken} {
		specs.It("has an evaluator that says "+is.String(), func(context.Context) experiments.Experiment {
			e := kill(&shop{}, "downtime <= 1s")
			e.Expectations = []record.Expectation{{Name: "is warm", Kind: "cache", Subject: "cache/shop"}}
			e.Evaluators = []judge.Evaluator{cache{is}}
			return e
		})
	}
}

func list() []experiments.Experiment {
	first, second, third := kill(&shop{}, "downtime <= 1s"), kill(&shop{}), kill(&shop{}, "downtime <= 1s")
	first.Name, second.Name, third.Name = "first", "second", "third"
	first.Labels, third.Labels = []string{"quick"}, []string{"slow"}
	return []experiments.Experiment{first, second, third}
}

func registered() {
	specs.Register("shop", list(), "runs", func(_ context.Context, chosen []experiments.Experiment) error {
		if len(chosen) != 2 {
			return errors.New("the label filter leaves two")
		}
		return nil
	})
	specs.It("besides", func(context.Context) experiments.Experiment { return kill(&shop{}, "downtime <= 1s") })
}

func refused() {
	specs.Register("shop", list(), "runs", func(context.Context, []experiments.Experiment) error {
		return errors.New("the cluster is on fire")
	})
}

func within() {
	Describe("team", Label("chaos"), func() {
		specs.Register("shop", list(), "runs", func(_ context.Context, chosen []experiments.Experiment) error {
			names := ""
			for _, e := range chosen {
				names += e.Name + " "
			}
			file, err := os.OpenFile("preflighted", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
			if err != nil {
				return err
			}
			defer file.Close() //nolint:errcheck // the test reads it
			if _, err := file.WriteString(names + "\n"); err != nil || len(chosen) == 1 {
				return err
			}
			return errors.New("that is enough")
		})
	})
}

// timed are experiments under go test's -timeout.
func timed() {
	Describe("in this order", Ordered, Serial, ContinueOnFailure, func() {
		for _, name := range []string{"fits", "takes longer than it should", "comes too late"} {
			specs.It(name, func(context.Context) experiments.Experiment {
				e := kill(&shop{undone: name}, "downtime <= 1s")
				e.UndoTimeout = time.Second // with what else the cleanup needs, 61 s
				if name == "takes longer than it should" {
					e.Deadline = time.Minute
					e.Faults[0].Fault = &late{e.Load.(*shop)}
				}
				return e
			})
		}
	})
}

// late is a fault that takes much longer to inject than planned.
type late struct{ *shop }

func (f *late) Inject(ctx context.Context, rec *record.Recorder) (record.Injection, error) {
	injection, _ := f.shop.Inject(ctx, rec)
	<-ctx.Done()
	return injection, context.Cause(ctx)
}

func interrupted() {
	specs.It("is interrupted", func(context.Context) experiments.Experiment {
		e := kill(&shop{undone: "undone"}, "downtime <= 1s")
		e.Hold = time.Minute
		return e
	}, NodeTimeout(2*time.Second))
}

// suite runs a suite in a directory of its own, and returns the reports of its
// specs by their text.
func suite(t *testing.T, name string, flags ...string) (dir string, found map[string]types.SpecReport) {
	t.Helper()
	dir = t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0], append(flags, "--ginkgo.json-report="+filepath.Join(dir, "ginkgo.json"), "--ginkgo.no-color")...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), inSuite+"="+name)
	output, _ := cmd.CombinedOutput() // it fails if one of its specs does
	if err := os.WriteFile(filepath.Join(dir, "output"), output, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s", output)
		}
	})
	text, err := os.ReadFile(filepath.Join(dir, "ginkgo.json"))
	if err != nil {
		t.Fatal(err, string(output))
	}
	var all []types.Report
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	found = map[string]types.SpecReport{}
	for _, s := range all[0].SpecReports.WithLeafNodeType(types.NodeTypeIt) {
		found[s.LeafNodeText] = s
	}
	return dir, found
}

func TestASpecPassesOnlyIfItsExperimentDoes(t *testing.T) {
	dir, found := suite(t, "own")
	for _, row := range []struct {
		text string
		want types.SpecState
		says string
	}{
		{"holds", types.SpecStatePassed, ""},
		{"holds without an assertion", types.SpecStatePassed, ""},
		{"is broken", types.SpecStateFailed, "BROKEN: is broken\n"},
		{"is broken, as wanted", types.SpecStatePassed, ""},
		{"is broken, and asserts what holds", types.SpecStateFailed, "BROKEN: is broken, and asserts what holds\n"},
		{"holds, and broken is wanted", types.SpecStateFailed, "wanted is a verdict of broken:\nHELD: "},
		{"is unknown, and broken is wanted", types.SpecStateFailed, "wanted is a verdict of broken:\nUNKNOWN: "},
		{"is unknown, and nothing is asserted", types.SpecStateFailed, "UNKNOWN: is unknown, and nothing is asserted\n  no proof that the fault took effect"},
		{"fails where it asserts", types.SpecStateFailed, `to meet "downtime <= 10ms" on "answers"`},
		{"fails where the first of two assertions does", types.SpecStateFailed, `to meet "downtime <= 10ms" on "answers"`},
		{"takes long to undo", types.SpecStateFailed, "its cleanup of up to 10m30s does not fit into the spec's grace period of 6m0s, after which Ginkgo leaves the fault to the next spec: add ginkgo.GracePeriod(660 * time.Second)"},
		{"takes long to undo, and may", types.SpecStatePassed, ""},
		{"has an evaluator that says held", types.SpecStatePassed, ""},
		{"has an evaluator that says broken", types.SpecStateFailed, "is warm: wanted warm, seen looked at"},
	} {
		s, ok := found[row.text]
		if !ok || s.State != row.want || !strings.Contains(s.Failure.Message, row.says) {
			t.Errorf("%s: %s, want %s with %q:\n%s", row.text, s.State, row.want, row.says, s.Failure.Message)
		}
		if !s.IsSerial || filepath.Base(s.LeafNodeLocation.FileName) != "specs_test.go" {
			t.Errorf("%s: serial %t, at %s", row.text, s.IsSerial, s.LeafNodeLocation)
		}
		if row.text == "fails where it asserts" && filepath.Base(s.Failure.Location.FileName) != "specs_test.go" {
			t.Errorf("it failed at %s, want the line of the assertion", s.Failure.Location)
		}
	}
	if s := found["holds"]; len(s.ReportEntries) == 0 || !strings.Contains(s.ReportEntries[0].StringRepresentation(), "HELD: holds\n") {
		t.Errorf("the report is not among the entries: %v", s.ReportEntries)
	}
	if n := len(reported(t, dir)); n != len(found)-1 {
		t.Errorf("%d results in the directory of the run, want one for each of the others of %d specs", n, len(found))
	}
}

// reported are the results in the only directory of runs.
func reported(t *testing.T, dir string) []reports.Report {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "runs", "*", "results.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("error %v, in %v", err, files)
	}
	file, err := os.Open(files[0])
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // only read
	list, err := reports.ReadJSON(file)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestRegisteredExperimentsRunInTheirOrder(t *testing.T) {
	dir, found := suite(t, "registered", "--ginkgo.label-filter=!slow", "--ginkgo.randomize-all")
	for text, want := range map[string]types.SpecState{"first": types.SpecStatePassed, "second": types.SpecStateFailed, "third": types.SpecStateSkipped, "besides": types.SpecStatePassed} {
		if s := found[text]; s.State != want || !s.IsSerial || filepath.Base(s.LeafNodeLocation.FileName) != "specs_test.go" {
			t.Errorf("%s: %s, want %s; serial %t, at %s: %s", text, s.State, want, s.IsSerial, s.LeafNodeLocation, s.Failure.Message)
		}
	}
	if found["second"].StartTime.Before(found["first"].EndTime) {
		t.Error("the second came before the first")
	}
	if n := len(reported(t, dir)); n != 3 {
		t.Errorf("%d results, want those of one directory", n)
	}
}

// Ginkgo runs a spec by its own labels, those of its containers and those of its suite.
func TestEveryExperimentThatRunsWasPreflighted(t *testing.T) {
	for _, row := range []struct {
		sentence, filter string
		want             string // of each preflight
		ran              int
	}{
		{"a label of the container", "chaos", "first second third \n", 0},
		{"without one it counts, too", "!chaos || slow", "third \n", 1},
		{"one of two, which is that of the container", "chaos || slow", "first second third \n", 0},
		{"both", "chaos && slow", "third \n", 1},
		{"a label of the suite", "nightly", "first second third \n", 0},
		{"the second runs by a label of the suite, when the first is over", "quick || nightly", "first \nfirst second third \n", 1},
	} {
		dir, _ := suite(t, "within", "--ginkgo.label-filter="+row.filter)
		preflighted, err := os.ReadFile(filepath.Join(dir, "preflighted"))
		if err != nil || string(preflighted) != row.want {
			t.Errorf("%s, %s: %v, preflighted %q, want %q", row.sentence, row.filter, err, preflighted, row.want)
		}
		ran := 0
		if _, err := os.Stat(filepath.Join(dir, "runs")); err == nil {
			ran = len(reported(t, dir))
		}
		if ran != row.ran {
			t.Errorf("%s, %s: %d ran, want %d", row.sentence, row.filter, ran, row.ran)
		}
	}
}

// What refuses a run comes before anything is touched, and no spec is skipped
// because of it: a skip is green.
func TestARefusedSuiteFailsEverySpecAndTouchesNothing(t *testing.T) {
	for _, row := range []struct {
		suite, flag, says string
	}{
		{"refused", "--ginkgo.v", "preflight, nothing was touched:\nthe cluster is on fire"},
		{"own", "--ginkgo.flake-attempts=2", "flake attempts are refused"},
	} {
		dir, found := suite(t, row.suite, row.flag)
		for text, s := range found {
			if s.State != types.SpecStateFailed || !strings.Contains(s.Failure.Message, row.says) {
				t.Errorf("%s: %s: %s: %s", row.flag, text, s.State, s.Failure.Message)
			}
		}
		if _, err := os.Stat(filepath.Join(dir, "runs")); err == nil || len(found) < 3 {
			t.Errorf("%s: %d specs, and there are records", row.flag, len(found))
		}
	}
}

func TestAnInterruptedSpecUndoesItsFault(t *testing.T) {
	dir, found := suite(t, "interrupted")
	if s := found["is interrupted"]; s.State != types.SpecStateTimedout {
		t.Errorf("%s: %s", s.State, s.Failure.Message)
	}
	if _, err := os.Stat(filepath.Join(dir, "undone")); err != nil {
		t.Error(err)
	}
	output, err := os.ReadFile(filepath.Join(dir, "output"))
	if want := `the faults of experiment "is interrupted" are being undone, which may take 3m30s; another signal ends this at once and leaves them`; err != nil || !strings.Contains(string(output), want) {
		t.Errorf("%v, it did not say %q", err, want)
	}
	if list := reported(t, dir); len(list) != 1 || list[0].Verdict != steadystate.Unknown || len(list[0].LeftBehind) > 0 {
		t.Errorf("%+v", list)
	}
}

// At its -timeout go test ends the process at once.
func TestNoFaultIsInPlaceAtTheTimeoutOfGoTest(t *testing.T) {
	dir, found := suite(t, "timed", "-test.timeout=70s")
	for _, row := range []struct {
		text   string
		want   types.SpecState
		says   string
		undone bool
	}{
		{"fits", types.SpecStatePassed, "", true},
		{"takes longer than it should", types.SpecStateFailed, "go test would soon end this process, after 1m10s, and its faults would stay: add -timeout 0 to go test", true},
		{"comes too late", types.SpecStateFailed, `experiment "comes too late": go test ends this process after 1m10s, and its faults would stay: the experiment takes 1.3s at least and its cleanup up to 31s, and 1m1s are left: add -timeout 0 to go test`, false},
	} {
		if s := found[row.text]; s.State != row.want || !strings.Contains(s.Failure.Message, row.says) {
			t.Errorf("%s: %s, want %s with %q:\n%s", row.text, s.State, row.want, row.says, s.Failure.Message)
		}
		if _, err := os.Stat(filepath.Join(dir, row.text)); (err == nil) != row.undone {
			t.Errorf("%s: undone: %v, want %t", row.text, err, row.undone)
		}
	}
	if n := len(reported(t, dir)); n != 2 {
		t.Errorf("%d reports, want that of each run", n)
	}
}
