package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/internal/trial"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// The same seed gives the same trials, and two whole rounds have every kind at every
// moment, swept and left to the cluster.
func TestThePlanIsSeededAndWhole(t *testing.T) {
	rounds := 2 * len(kinds) * len(moments)
	first, err := plan(rounds, 7, "")
	if err != nil {
		t.Fatal(err)
	}
	again, _ := plan(rounds, 7, "")
	other, _ := plan(rounds, 8, "")
	if !reflect.DeepEqual(first, again) || reflect.DeepEqual(first, other) {
		t.Error("want the same trials for the same seed, and others for another")
	}
	for name := range kinds {
		for _, moment := range moments {
			for _, swept := range []bool{true, false} {
				if !slices.ContainsFunc(first, func(t attempt) bool { return t.Kind == name && t.Moment == moment && t.Swept == swept }) {
					t.Errorf("%s is never killed in %s, swept %t", name, moment, swept)
				}
			}
		}
	}
	if _, err := plan(10, 1, "podKil"); err == nil || !strings.Contains(err.Error(), "podKill") {
		t.Errorf("error %v, want the kinds there are", err)
	}
}

// Every kind of fault of the language is tortured, but for those that the lab cannot
// inject.
func TestEveryKindIsTortured(t *testing.T) {
	for _, name := range config.FaultKinds() {
		if _, there := kinds[name]; !there && !slices.Contains([]string{"networkDuplicate", "networkCorrupt", "networkBandwidth", "chaosMesh"}, name) {
			t.Errorf("no kind %s", name)
		}
	}
}

// Each kind that acts in the networks of pods or among their processes is recognized
// there, by what the lab's look finds.
func TestTheEffectOfEachKindIsRecognized(t *testing.T) {
	const in = "iptables-legacy-save in the network of process 7: "
	seen := map[string]string{
		"networkDelay":     in + "-A POSTROUTING -o eth0 -j NFQUEUE --queue-num 7702 --queue-bypass",
		"networkLoss":      "tc in the network of process 7: qdisc netem 1: dev eth0 root refcnt 2 limit 1000 loss 5%",
		"networkPartition": in + "-A INPUT/netwo_95 -i eth0 -m set --match-set netwo_95 src,dst -j DROP",
		"stressCPU":        "stress-ng-cpu 17",
		"stressMemory":     "memStress 18",
	}
	for name, kind := range kinds {
		acts := strings.HasPrefix(name, "network") || strings.HasPrefix(name, "stress")
		if acts != (kind.effect != nil) || acts && !kind.effect.MatchString(seen[name]) {
			t.Errorf("%s: effect %v, want one that matches %q", name, kind.effect, seen[name])
		}
		for other, what := range seen {
			alike := strings.HasPrefix(name, "networkD") && other == "networkLoss" || name == "networkLoss" && other == "networkDelay"
			if acts && other != name && !alike && kind.effect.MatchString(what) {
				t.Errorf("%s is taken for %s: %q", other, name, what)
			}
		}
	}
}

// A torture that left something, or could not have seen it, has not passed.
func TestWhatHasNotPassedHasFailed(t *testing.T) {
	const queued = "iptables-legacy-save in the network of process 7: -A POSTROUTING -o eth0 -j NFQUEUE --queue-num 7702 --queue-bypass"
	good := result{attempt: attempt{N: 1, Kind: "networkDelay", Moment: inHold}, Killed: true, InPlace: []string{"NetworkChaos shop/a", queued}, Effects: []string{queued}}
	for _, row := range []struct {
		sentence string
		change   func(r *result)
		planned  int
		want     string
	}{
		{"nothing was left", func(*result) {}, 1, ""},
		{"something was", func(r *result) { r.Left = []string{"Lease a/b"} }, 1, "LEFT: Lease a/b"},
		{"it could not tell", func(r *result) { r.Problem = "sweep: forbidden" }, 1, "PROBLEM: sweep: forbidden"},
		{"the look is blind", func(r *result) { r.InPlace, r.Effects = nil, nil }, 1, "the look did not see the fault"},
		{"the look saw the object alone", func(r *result) { r.InPlace, r.Effects = []string{"NetworkChaos shop/a"}, nil }, 1, "the look did not see the fault"},
		{"the look saw another fault's effect", func(r *result) { r.Effects = []string{"stress-ng-cpu 17"} }, 1, "the look did not see the fault"},
		{"the run ended before", func(r *result) { r.Killed = false }, 1, "only 0 of 1 runs were killed"},
		{"it was interrupted", func(*result) {}, 2, "1 of 2 were tried"},
	} {
		r := good
		row.change(&r)
		planned := []attempt{good.attempt, {N: 2, Kind: "networkDelay", Moment: inHold}}[:row.planned]
		err := failure([]result{r}, planned)
		if (err == nil) != (row.want == "") || (err != nil && !strings.Contains(err.Error(), row.want)) {
			t.Errorf("%s: %v, want %q", row.sentence, err, row.want)
		}
	}
}

// A torture in which a planned kind or moment was never killed has not passed, however
// few its runs are. What is not planned need not be.
func TestEveryPlannedKindAndMomentIsKilled(t *testing.T) {
	all, err := plan(len(kinds)*len(moments), 1, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		sentence string
		n        int
		ended    func(a attempt) bool // the run ended before its moment
		want     string
	}{
		{"all were killed", len(all), func(attempt) bool { return false }, ""},
		{"as few as a pipeline has", 10, func(attempt) bool { return false }, ""},
		{"a kind was never killed", len(all), func(a attempt) bool { return a.Kind == "evict" }, "no run of evict was killed"},
		{"a kind was killed only before it was in place", len(all), func(a attempt) bool {
			return a.Kind == "networkLoss" && (a.Moment == inHold || a.Moment == inUndo)
		}, "no run of networkLoss was killed in hold"},
		{"a kind was killed only when it may have been undone", len(all), func(a attempt) bool {
			return a.Kind == "networkLoss" && a.Moment == inHold
		}, "no run of networkLoss was killed in hold"},
		{"of a kind that is killed in hold, one run ended before its undo", len(all), func(a attempt) bool { return a.Kind == "evict" && a.Moment == inUndo }, ""},
		{"a moment was never met", 10, func(a attempt) bool { return a.Moment == inSettle }, "no run was killed in settle"},
		{"the only run of a kind in hold ended before", 10, func(a attempt) bool { return a.Kind == "surge" && a.Moment == inHold }, "no run of surge was killed in hold"},
	} {
		var list []result
		for _, a := range all[:row.n] {
			effects := map[string][]string{
				"networkPartition": {"iptables-legacy-save in the network of process 7: -A INPUT/a -j DROP"},
				"stressCPU":        {"stress-ng 7"}, "stressMemory": {"memStress 7"},
			}[a.Kind]
			if effects == nil {
				effects = []string{"iptables-legacy-save in the network of process 7: -A POSTROUTING -j NFQUEUE --queue-num 1"}
			}
			list = append(list, result{attempt: a, Killed: !row.ended(a), InPlace: effects, Effects: effects})
		}
		err := failure(list, all[:row.n])
		if (err == nil) != (row.want == "") || (err != nil && !strings.Contains(err.Error(), row.want)) {
			t.Errorf("%s: %v, want %q", row.sentence, err, row.want)
		}
	}
}

// What was tried is kept, so that an interrupted torture goes on.
func TestResultsAreKept(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(t.TempDir(), "aftershock")
	if err := os.WriteFile(program, []byte("a build"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := trial.ReadResults[result](dir, program); err != nil {
		t.Fatal(err)
	}
	want := []result{
		{attempt: attempt{N: 1, Kind: "evict", Moment: inUndo, Late: 0.25, Swept: true}, Killed: true, Gone: 1.5},
		{attempt: attempt{N: 2, Kind: "surge", Moment: inHold}, Problem: "no"},
	}
	for _, r := range want {
		if err := trial.Keep(dir, program, r); err != nil {
			t.Fatal(err)
		}
	}
	got, err := trial.ReadResults[result](dir, program)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	var out bytes.Buffer
	summarize(&out, got, time.Minute)
	if !strings.Contains(out.String(), "2 killed, 1 of them left something, 0 ended before their moment") {
		t.Errorf("%s", &out)
	}
}

// What of a record a kill costs is counted from its last readable entry.
func TestWhatAKillCostsIsOfTheReadablePart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.jsonl")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	rec := record.NewRecorder(file)
	if err := rec.Begin(&record.Plan{Name: "a", Checks: []steadystate.Check{{Name: "answers", Signal: "requests", Good: steadystate.AtLeast(1)}}}); err != nil {
		t.Fatal(err)
	}
	rec.Note("the last")
	noted := time.Now()
	if _, err := file.WriteString(`{"at":99`); err != nil {
		t.Fatal(err)
	}
	if got, err := lost(path, noted.Add(3*time.Second)); err != nil || got < 3 || got > 60 {
		t.Errorf("lost %.2f s, %v; want at least 3", got, err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := lost(path, noted); err == nil {
		t.Error("want an error for an empty record")
	}
}

// refusedBy is what a run prints that is refused.
func refusedBy(run string) string {
	return "aftershock: preflight, nothing was touched:\nrefused for now: deployment checkout in shop is held by run " + run +
		" of ann@laptop since 14:03:10 (checkout/contest), alive, until 14:09:10 at the latest; wait for it, or run with --wait"
}

// A contest passes if no two faults were in place at once, by the records and by the
// API server, and each run that was refused names a holder that is alive.
func TestOnlyAContestWithoutTwoAtOnceHasPassed(t *testing.T) {
	at := func(seconds int) time.Time { return time.Unix(int64(seconds), 0) }
	for _, row := range []struct {
		sentence string
		change   func(list []entrant, sights []sight) ([]entrant, []sight)
		want     string
	}{
		{"one after the other", nil, ""},
		{"two by the records", func(list []entrant, s []sight) ([]entrant, []sight) {
			list[1].from = at(15)
			return list, s
		}, "two faults in place at once by the records"},
		{"two by the API server", func(list []entrant, s []sight) ([]entrant, []sight) {
			s[1], s[2] = s[2], s[1]
			return list, s
		}, "runs aaa and bbb have objects at once"},
		{"one was not undone", func(list []entrant, s []sight) ([]entrant, []sight) {
			list[1].to = time.Time{}
			return list, s
		}, "its fault was not seen gone"},
		{"the API server showed nothing", func(list []entrant, _ []sight) ([]entrant, []sight) {
			return list, nil
		}, "one of both proves nothing"},
		{"one that waits was refused", func(list []entrant, s []sight) ([]entrant, []sight) {
			list[2].patient = true
			return list, s
		}, "it did not run"},
		{"another exit code", func(list []entrant, s []sight) ([]entrant, []sight) {
			list[2].code = 5
			return list, s
		}, "want 4"},
		{"a fault left behind", func(list []entrant, s []sight) ([]entrant, []sight) {
			list[1].code = 5
			return list, s
		}, "ended with 5"},
		{"no holder named", func(list []entrant, s []sight) ([]entrant, []sight) {
			list[2].printed = "aftershock: refused for now"
			return list, s
		}, "it did not name a holder"},
		{"a holder that is none", func(list []entrant, s []sight) ([]entrant, []sight) {
			list[2].printed = refusedBy("ccc")
			return list, s
		}, "it did not name a holder"},
		{"a holder that is alive and seems to be dead", func(list []entrant, s []sight) ([]entrant, []sight) {
			list[2].printed = "deployment checkout in shop is held by run aaa of ann@laptop since 14:03:10 (checkout/contest), which has not renewed its Lease for 7s and seems to be dead"
			return list, s
		}, "it did not name a holder"},
		{"a clock that was to be ahead, and was not", func(list []entrant, s []sight) ([]entrant, []sight) {
			list[1].ahead = 30 * time.Second
			return list, s
		}, "its wall clock was 0s ahead of this machine's, and was to be 30s"},
		{"a clock that was to be behind, and was", func(list []entrant, s []sight) ([]entrant, []sight) {
			list[1].ahead, list[1].was = -30*time.Second, -31*time.Second
			return list, s
		}, ""},
		{"nobody ran", func(list []entrant, _ []sight) ([]entrant, []sight) {
			return list[2:], nil
		}, "no run had a fault in place"},
		{"nobody was refused", func(list []entrant, s []sight) ([]entrant, []sight) {
			return list[:2], s
		}, "they did not begin at once"},
	} {
		list := []entrant{
			{n: 0, code: 3, run: "aaa", from: at(10), to: at(20)},
			{n: 1, patient: true, run: "bbb", from: at(22), to: at(30)},
			{n: 2, code: 4, printed: refusedBy("aaa")},
		}
		sights := []sight{{"aaa", "x", false}, {"aaa", "x", true}, {"bbb", "y", false}, {"bbb", "y", false}, {"bbb", "y", true}}
		if row.change != nil {
			list, sights = row.change(list, sights)
		}
		err := judge(list, sights)
		if (err == nil) != (row.want == "") || (err != nil && !strings.Contains(err.Error(), row.want)) {
			t.Errorf("%s: %v, want %q", row.sentence, err, row.want)
		}
	}
}

// By how much a run's wall clock is ahead of this machine's is the difference between
// when its record says that it began, and when it did.
func TestTheClockOfARunIsReadFromItsRecord(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "run"), 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "run", "a.jsonl")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	record.NewRecorder(file)
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	for _, ahead := range []time.Duration{0, 30 * time.Second, -30 * time.Second} {
		written := time.Now().Add(-ahead) // by the clock of this machine, if the run's is ahead
		if err := os.Chtimes(path, written, written); err != nil {
			t.Fatal(err)
		}
		var e entrant
		if err := e.read(dir); err != nil || (e.was-ahead).Abs() > clockError {
			t.Errorf("a clock %s ahead: %s, %v", ahead, e.was, err)
		}
	}
	if c := (contest{apart: true}); c.ahead(0) != -30*time.Second || c.ahead(1) != 0 || c.ahead(2) != 30*time.Second {
		t.Error("want wall clocks 30 s behind, right and 30 s ahead")
	}
	if (contest{}).ahead(2) != 0 {
		t.Error("want this machine's clock in a contest of one clock")
	}
}

// An abort is timed from the first observation that shows the breach, recorded early
// or late.
func TestAnAbortIsTimedFromTheFirstBadObservation(t *testing.T) {
	began := time.Unix(1000, 0)
	answer := func(seq uint64, sent, answered time.Duration) record.Request {
		return record.Request{Seq: seq, Planned: sent, Sent: sent, Answered: answered, Outcome: record.Outcome{Code: 200, Attempts: 1}}
	}
	list := []record.Entry{
		{Header: &record.Header{Started: began}},
		{Requests: &record.Requests{Signal: record.TrafficSignal, List: []record.Request{answer(1, 0, time.Second)}}}, // before the fault
		{Event: &record.Event{Span: steadystate.Instant(3 * time.Second), Kind: "creating"}},
		{Requests: &record.Requests{Signal: record.TrafficSignal, List: []record.Request{
			answer(3, 3*time.Second, 4100*time.Millisecond), answer(2, 3*time.Second, 4*time.Second), answer(4, 3*time.Second, 3010*time.Millisecond),
		}}},
		{Event: &record.Event{Kind: "abort condition met"}},
		{Removal: &record.Removal{Span: steadystate.Span{From: 4200 * time.Millisecond, To: 4600 * time.Millisecond}}},
	}
	got := timing{abortTrial: abortTrial{Kind: "networkDelay"}}
	if err := got.read(list, began.Add(4500*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if want := (timing{abortTrial: got.abortTrial, Issued: 0.2, Gone: 0.5, Removed: 0.6}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for want, list := range map[string][]record.Entry{
		"was not aborted":  append(slices.Clone(list[:4]), list[5]),
		"was not undone":   list[:5],
		"does not see it":  append(slices.Clone(list[:5]), record.Entry{Removal: &record.Removal{Span: steadystate.Span{From: 4700 * time.Millisecond, To: 5 * time.Second}}}),
		"by its condition": append(slices.Clone(list[:3]), list[4:]...),
	} {
		if err := got.read(list, began.Add(4500*time.Millisecond)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// Two aborts of fifty may take longer than a second, and three may not.
func TestThreeLateAbortsOfFiftyHaveNotPassed(t *testing.T) {
	trials, err := planAborts(50, 7, "")
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := planAborts(50, 7, ""); !reflect.DeepEqual(trials, again) {
		t.Error("want the same trials for the same seed")
	}
	if first, _ := planAborts(10, 7, ""); !reflect.DeepEqual(trials[:10], first) {
		t.Error("want a shorter plan to be the beginning of a longer one")
	}
	list := make([]timing, len(trials))
	for i, trial := range trials {
		list[i] = timing{abortTrial: trial, Issued: 0.1, Gone: 0.1 * float64(1+i%9)}
	}
	list[3].Issued, list[4].Gone, list[5].Gone = 1.5, 1.5, 1.5
	if err := late(list, 50); err != nil {
		t.Error(err)
	}
	list[6].Gone = 1.01
	if err := late(list, 50); err == nil || err.Error() != "effect gone: 3 of 50 took longer than 1 s" {
		t.Errorf("error %v", err)
	}
	list[6].Gone, list[7].Problem = 0.9, "forbidden"
	if err := late(list[:49], 50); err == nil || !strings.Contains(err.Error(), "PROBLEM: forbidden") || !strings.Contains(err.Error(), "49 of 50 were tried") {
		t.Errorf("error %v", err)
	}
	sorted := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25}
	if p50, p95 := quantile(sorted, 0.5), quantile(sorted, 0.95); p50 != 13 || p95 != 24 {
		t.Errorf("p50 %v, p95 %v", p50, p95)
	}
}
