package gate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/experiments/local"
	"github.com/aftershockhq/aftershock/internal/bench"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/runs"
	"github.com/aftershockhq/aftershock/runs/audit"
	"github.com/aftershockhq/aftershock/steadystate"
)

// deciderOf decides as a server with this directory does.
func deciderOf(dir string) *decider { return &decider{chain: audit.Verifier{Dir: dir}} }

// A benched runner runs one experiment on a bench: it kills one of three processes.
type benched struct {
	URL      string
	PIDFile  string // of the process
	Downtime string // what it may be, as in "<= 3s"
}

func onBench(t *testing.T, defect bench.Defect, downtime string) (benched, *bench.Bench) {
	t.Helper()
	b, err := bench.Start(context.Background(), bench.Options{Defect: defect})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Stop(); err != nil {
			t.Error(err)
		}
	})
	return benched{URL: b.URL(), PIDFile: b.Services()[1].PIDFile, Downtime: downtime}, b
}

func (b benched) Look(ctx context.Context, build Ask) (string, error) { return b.Revision(ctx, build) }

func (benched) Revision(context.Context, Ask) (string, error) { return revision, nil }

func (benched) Plan(_, _ string, names []string) (map[string]string, string, error) {
	plans := map[string]string{}
	for _, name := range names {
		plans[name] = "abc"
	}
	return plans, "f1", nil
}

func (b benched) Run(ctx context.Context, build Ask, begin func() (*runs.Directory, error)) error {
	directory, err := begin()
	if err != nil {
		return err
	}
	for id, hash := range build.Plans {
		if _, err := directory.Run(ctx, experiments.Experiment{
			Name: id, Hash: hash, Environment: map[string]string{"file.sha256": build.File},
			Hypothesis: steadystate.Hypothesis{Checks: []steadystate.Check{{
				Name: "service answers", Signal: record.TrafficSignal, Good: steadystate.Within(2 * time.Second), Allowed: 0.02,
				Limits: steadystate.Limits("downtime " + b.Downtime),
			}}},
			Observers: []experiments.Observer{podOf(b)},
			Load:      load.HTTP{Shape: load.Constant(100), URL: b.URL + "/"},
			Faults:    []experiments.Scheduled{{Fault: local.Kill(local.Service{Name: "service-2", Find: local.PIDFile(b.PIDFile)})}},
			Settle:    2 * time.Second, Hold: 3 * time.Second, Watch: 6 * time.Second,
		}); err != nil {
			return err
		}
	}
	return directory.WriteReports()
}

// podOf records the process as the pod that it stands for.
type podOf benched

func (b podOf) Observe(ctx context.Context, rec *record.Recorder) error {
	pid, err := os.ReadFile(b.PIDFile)
	if err != nil {
		return err
	}
	rec.Event(record.Event{
		Span: steadystate.Instant(rec.Clock().Now()), Kind: record.EventExists, Subject: "pod/shop/service-2", UID: strings.TrimSpace(string(pid)),
		Attrs: map[string]string{record.AttrRevision: revision},
	})
	<-ctx.Done()
	return nil
}

// Sweep looks that no run holds a process: a kill leaves nothing behind.
func (benched) Sweep(context.Context, string) error { return nil }

// unproven fails the test unless a build is unknown exactly because of what its record
// lacks: a machine that is too busy makes a run unknown, and a gate must not.
func unproven(t *testing.T, dir string, a Answer) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, a.Records, "*.jsonl"))
	if err != nil || len(paths) != 1 {
		t.Fatalf("unknown: %s; its records are %v, %v", a.Why, paths, err)
	}
	r, err := (&decider{}).judge(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	lacks := believed(r)
	if lacks == nil || r.End.Reason == record.NotInjected || r.Verdict != steadystate.Unknown || ran(r, revision) != nil || a.Why != r.Experiment+": "+lacks.Error() {
		t.Fatalf("unknown: %s; its record is %s: %v, %v", a.Why, r.Verdict, lacks, ran(r, revision))
	}
	t.Logf("unknown: %s", a.Why)
}

// decided is a build of which a real run decided. The test is skipped only if three
// records themselves show that this machine was too busy.
func decided(t *testing.T, defect bench.Defect, downtime string, want State) (client, string, string) {
	t.Helper()
	runner, _ := onBench(t, defect, downtime)
	dir := t.TempDir()
	c := serve(t, &Server{Dir: dir, Runner: runner})
	for n := 1; ; n++ {
		build := fmt.Sprintf("checkout:%d", n)
		c.do("POST", "/flagger/confirm-promotion", flagger(build))
		a := c.answer(build)
		for ; !a.State.Ended(); a = c.answer(build) {
			time.Sleep(100 * time.Millisecond)
		}
		switch {
		case a.State == want:
			return c, dir, build
		case a.State != Unknown:
			t.Fatalf("%s: %s; want it %s", a.State, a.Why, want)
		}
		if unproven(t, dir, a); n == 3 {
			t.Skipf("this machine is too busy: %s", a.Why)
		}
	}
}

func TestABrokenBuildIsRolledBack(t *testing.T) {
	c, _, build := decided(t, bench.NoHealthChecks, "<= 100ms", Broken)
	if status, text := c.do("POST", "/flagger/confirm-promotion", flagger(build)); status != 409 || !strings.HasPrefix(text, "broken: checkout/pods/kill-one: ") {
		t.Errorf("promotion: %d %q, want 409 and why", status, text)
	}
	if status, text := c.do("POST", "/flagger/rollback", flagger(build)); status != 200 {
		t.Errorf("rollback: %d %q, want 200", status, text)
	}
}

func TestAHeldBuildIsPromotedByItsRecordsAlone(t *testing.T) {
	c, dir, build := decided(t, bench.NoDefect, "<= 5s", Held)
	for _, hook := range []string{"confirm-promotion", "confirm-traffic-increase"} {
		if status, text := c.do("POST", "/flagger/"+hook, flagger(build)); status != 200 || !strings.HasPrefix(text, "held: checkout/pods/kill-one") {
			t.Errorf("%s: %d %q, want 200", hook, status, text)
		}
	}
	if status, text := c.do("POST", "/flagger/rollback", flagger(build)); status != 409 {
		t.Errorf("rollback: %d %q, want 409", status, text)
	}
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	var book book
	j, err := openJournal(dir, &book)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.close(); err != nil {
		t.Fatal(err)
	}
	name, checksum, _ := strings.Cut(build, ":")
	b, ok := book.Find(Ask{Namespace: "shop", Name: name, Checksum: checksum}.Key())
	if !ok || b.State != Held {
		t.Fatalf("the journal says %+v", b)
	}
	if state, why, _ := deciderOf(dir).decide(b); state != Held {
		t.Fatalf("%s: %s, want it held", state, why)
	}
	records, err := filepath.Glob(filepath.Join(dir, b.Directory, "*.jsonl"))
	if err != nil || len(records) != 1 {
		t.Fatalf("records %v, %v", records, err)
	}
	for _, test := range []struct {
		sentence string
		change   func(b *entry, dir, path string) error
		want     string
	}{
		{"another experiment was asked for", func(b *entry, _, _ string) error {
			b.Plans = map[string]string{"checkout/pods/kill-third": "abc"}
			return nil
		}, "checkout/pods/kill-one was not asked for"},
		{"one of two is missing", func(b *entry, _, _ string) error {
			b.Plans = map[string]string{"checkout/pods/kill-one": "abc", "checkout/storm": "def"}
			return nil
		}, "there is no record of checkout/storm"},
		{"the pods ran another build", func(b *entry, _, _ string) error {
			b.Revision = "pod-template-hash=other"
			return nil
		}, "pod shop/service-2 ran pod-template-hash=5d8f7c, and the build is pod-template-hash=other"},
		{"what the pods ran was not asked", func(b *entry, _, _ string) error { b.Revision = ""; return nil }, "it is not known what the pods ran"},
		{"another plan was asked for", func(b *entry, _, _ string) error {
			b.Plans = map[string]string{"checkout/pods/kill-one": "def"}
			return nil
		}, "is of another plan"},
		{"the plan has no hash", func(b *entry, _, _ string) error {
			b.Plans = map[string]string{"checkout/pods/kill-one": ""}
			return nil
		}, "is of another plan"},
		{"it was asked by another file", func(b *entry, _, _ string) error { b.File = "f2"; return nil }, "another version of the file"},
		{"the record is older than the question", func(b *entry, _, _ string) error { b.Asked = b.Asked.Add(time.Hour); return nil }, "before the build was asked about"},
		{"no run ended", func(b *entry, _, _ string) error { b.Head = ""; return nil }, "no run completed a record"},
		{"no directory is known", func(b *entry, _, _ string) error { b.Directory = ""; return nil }, "no directory of records"},
		{"it leads elsewhere", func(b *entry, _, _ string) error { b.Directory = "../x"; return nil }, "no directory of records"},
		{"the record was changed", func(_ *entry, _, path string) error {
			text, err := os.ReadFile(path)
			return errors.Join(err, os.WriteFile(path, []byte(strings.Replace(string(text), "service-2", "service-3", 1)), 0o644))
		}, "are not as they were written: changed"},
		{"the record was removed", func(_ *entry, _, path string) error { return os.Remove(path) }, "are not as they were written: missing"},
		{"another was put beside it", func(_ *entry, _, path string) error {
			text, err := os.ReadFile(path)
			return errors.Join(err, os.WriteFile(strings.TrimSuffix(path, ".jsonl")+"-2.jsonl", text, 0o644))
		}, "are not as they were written: inserted"},
		{"the chain was removed", func(_ *entry, dir, _ string) error { return os.Remove(filepath.Join(dir, "audit.jsonl")) }, "are not as they were written: missing"},
		{"the chain was written anew", func(b *entry, _, _ string) error {
			b.Head = strings.Repeat("0", 64) // what the journal knows of the chain is another
			return nil
		}, "are not as they were written: truncated"},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			copied, changed := t.TempDir(), b
			if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			if err := test.change(&changed, copied, filepath.Join(copied, b.Directory, filepath.Base(records[0]))); err != nil {
				t.Fatal(err)
			}
			if state, why, _ := deciderOf(copied).decide(changed); state != Unknown || !strings.Contains(why, test.want) {
				t.Errorf("%s: %s; want it unknown: %s", state, why, test.want)
			}
		})
	}
	// What was held is not promoted any more once its records do not show it.
	if err := os.Remove(records[0]); err != nil {
		t.Fatal(err)
	}
	c = serve(t, &Server{Dir: dir, Runner: benched{}})
	if status, text := c.do("POST", "/flagger/confirm-promotion", flagger(build)); status != 409 || !strings.HasPrefix(text, "unknown: it was held, and its records do not show it any more") {
		t.Errorf("%d %q, want 409 and unknown", status, text)
	}
}

// gateVariable makes this test binary a gate: it has the gate as JSON.
const gateVariable = "AFTERSHOCK_GATE_TEST"

type gateOf struct {
	Dir     string
	Address string
	Bench   benched
}

func gateProcess() int {
	var of gateOf
	err := json.Unmarshal([]byte(os.Getenv(gateVariable)), &of)
	var listener net.Listener
	if err == nil {
		listener, err = net.Listen("tcp", of.Address)
	}
	if err == nil {
		s := Server{Dir: of.Dir, Runner: of.Bench, Token: token, Namespaces: []string{"shop"}, Say: func(text string) { fmt.Println(text) }}
		err = s.Serve(context.Background(), listener)
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// A gate that is killed in the middle begins the experiment once more, after what it
// left is over, and never a third time.
func TestAKilledGateInjectsNothingTwiceAtOnce(t *testing.T) {
	runner, b := onBench(t, bench.NoDefect, "<= 5s")
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	of := gateOf{Dir: t.TempDir(), Address: free.Addr().String(), Bench: runner}
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(of)
	if err != nil {
		t.Fatal(err)
	}
	c := client{T: t, url: "http://" + of.Address}
	start := func() *exec.Cmd {
		process := exec.Command(os.Args[0])
		process.Env = append(os.Environ(), gateVariable+"="+string(text))
		process.Stdout, process.Stderr = t.Output(), t.Output()
		process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := process.Start(); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			if at, err := net.Dial("tcp", of.Address); err == nil {
				_ = at.Close()
				return process
			}
			if time.Now().After(end) {
				t.Fatal("the gate does not answer")
			}
		}
	}
	kill := func(process *exec.Cmd) {
		_ = process.Process.Kill()
		_ = process.Wait()
	}
	// injected waits until the bench has lost so many processes of the service.
	injected := func(n int) {
		t.Helper()
		for end := time.Now().Add(60 * time.Second); len(b.Truth().Absences()) < n; time.Sleep(10 * time.Millisecond) {
			if a := c.answer("checkout:1"); a.State == Unknown && len(b.Truth().Absences()) < n {
				unproven(t, of.Dir, a)
				t.Skipf("this machine is too busy: %s", a.Why)
			}
			if time.Now().After(end) {
				t.Fatalf("%d processes were killed within a minute, want %d; the build is %+v", len(b.Truth().Absences()), n, c.answer("checkout:1"))
			}
		}
	}
	// back waits until the service has started what was killed, so that it can be killed.
	back := func() {
		t.Helper()
		for end := time.Now().Add(60 * time.Second); slices.ContainsFunc(b.Truth().Absences(), func(a bench.Absence) bool { return a.Back.IsZero() }); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("the service has not started its process again within a minute")
			}
		}
	}
	process := start()
	defer func() { kill(process) }()
	c.do("POST", "/flagger/confirm-promotion", flagger("checkout:1"))
	injected(1)
	kill(process)
	back()
	process = start()
	c.do("POST", "/flagger/confirm-promotion", flagger("checkout:1"))
	injected(2)
	kill(process)
	process = start()
	if a := c.until("checkout:1", Unknown); !strings.Contains(a.Why, "the gate was killed while it was tested") {
		t.Errorf("why %q", a.Why)
	}
	for range 3 {
		if status, text := c.do("POST", "/flagger/confirm-promotion", flagger("checkout:1")); status != 409 {
			t.Errorf("%d %q, want 409", status, text)
		}
	}
	time.Sleep(4 * time.Second) // a run settles for two
	absences := b.Truth().Absences()
	if len(absences) != 2 {
		t.Fatalf("%d processes were killed, want 2", len(absences))
	}
	if back, gone := absences[0].Back, absences[1].Gone; back.IsZero() || gone.From.Before(back.From) {
		t.Errorf("the second kill came at %s, before the service was back at %s", gone.From, back.From)
	}
}
