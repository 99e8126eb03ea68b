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
				if !slices.ContainsFunc(first, func(t trial) bool { return t.Kind == name && t.Moment == moment && t.Swept == swept }) {
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

// A torture that left something, or could not have seen it, has not passed.
func TestWhatHasNotPassedHasFailed(t *testing.T) {
	good := result{trial: trial{N: 1, Kind: "networkDelay", Moment: inHold}, Killed: true, InPlace: []string{"a rule"}}
	for _, row := range []struct {
		sentence string
		change   func(r *result)
		planned  int
		want     string
	}{
		{"nothing was left", func(*result) {}, 1, ""},
		{"something was", func(r *result) { r.Left = []string{"Lease a/b"} }, 1, "LEFT: Lease a/b"},
		{"it could not tell", func(r *result) { r.Problem = "sweep: forbidden" }, 1, "PROBLEM: sweep: forbidden"},
		{"the look is blind", func(r *result) { r.InPlace = nil }, 1, "the look did not see the fault"},
		{"the run ended before", func(r *result) { r.Killed = false }, 1, "only 0 of 1 runs were killed"},
		{"it was interrupted", func(*result) {}, 2, "1 of 2 were tried"},
	} {
		r := good
		row.change(&r)
		err := failure([]result{r}, row.planned)
		if (err == nil) != (row.want == "") || (err != nil && !strings.Contains(err.Error(), row.want)) {
			t.Errorf("%s: %v, want %q", row.sentence, err, row.want)
		}
	}
}

// What was tried is kept, so that an interrupted torture goes on.
func TestResultsAreKept(t *testing.T) {
	dir := t.TempDir()
	want := []result{
		{trial: trial{N: 1, Kind: "evict", Moment: inUndo, Late: 0.25, Swept: true}, Killed: true, Gone: 1.5},
		{trial: trial{N: 2, Kind: "surge", Moment: inHold}, Problem: "no"},
	}
	for _, r := range want {
		if err := keep(dir, r); err != nil {
			t.Fatal(err)
		}
	}
	got, err := readResults(dir)
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
