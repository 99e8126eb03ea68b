package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/suites"
)

// alwaysUp observes a service that is up, each 20 ms.
func alwaysUp(ctx context.Context, clock steadystate.Clock, see func(steadystate.Observation)) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			see(steadystate.Observation{Span: steadystate.Instant(clock.Now()), Value: 1})
		}
	}
}

// Each trial is a run of its own, of experiments that were made for it, with a record
// that gate, diff and trend read.
func TestTrialsAreRunsOfTheirOwn(t *testing.T) {
	made := 0
	list := func() ([]suites.Experiment, error) {
		made++
		return []suites.Experiment{{Experiment: experiments.Experiment{
			Name: "shop/kill", Hash: "0123", Settle: 200 * time.Millisecond, Watch: 300 * time.Millisecond, Traffic: "up",
			Hypothesis: steadystate.Hypothesis{
				Checks:  []steadystate.Check{{Name: "up", Signal: "up", Good: steadystate.AtLeast(1)}},
				Signals: []steadystate.Signal{{Name: "up", Source: steadystate.SourceFunc(alwaysUp)}},
			},
			Faults: []experiments.Scheduled{{Fault: boom{how: "fine"}}},
		}}}, nil
	}
	first, err := list()
	if err != nil {
		t.Fatal(err)
	}
	all, err := rounds(3, first, asNamed, list)
	if err != nil || len(all) != 3 || made != 3 {
		t.Fatalf("%d experiments of %d that were made, %v", len(all), made, err)
	}
	dir := filepath.Join(t.TempDir(), "trials")
	var out bytes.Buffer
	cmd := &cobra.Command{}
	cmd.SetContext(t.Context())
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	if err := runAll(cmd, "aftershock.yaml", dir, "default", false, all); exitCode(err) != exitUnknown { // a fault without an effect is not proven
		t.Fatalf("%v\n%s", err, &out)
	}
	records, err := filepath.Glob(filepath.Join(dir, "*", "*.jsonl"))
	var names []string
	for _, path := range records {
		names = append(names, filepath.Base(path))
	}
	if want := []string{"shop-kill-2.jsonl", "shop-kill-3.jsonl", "shop-kill.jsonl"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("%v, %v, want %v", names, err, want)
	}
	if code, stdout, _ := call(t, "trend", dir); code != exitHeld || !strings.Contains(stdout, "shop/kill  3 runs") {
		t.Errorf("exit code %d\n%s", code, stdout)
	}
	if junit, err := os.ReadFile(filepath.Join(filepath.Dir(records[0]), "junit.xml")); err != nil || !bytes.Contains(junit, []byte("trial 3: ")) {
		t.Errorf("%v: no third trial in JUnit", err)
	}
	gone := errors.New("the service has gone")
	if _, err := rounds(2, first, asNamed, func() ([]suites.Experiment, error) { return nil, gone }); !errors.Is(err, gone) {
		t.Errorf("a round that cannot be made: %v", err)
	}
}

// With a seed the order within a round is drawn, and the next round has its reverse, so
// that two experiments make pairs of which each is first as often.
func TestTheOrderOfRoundsIsDrawn(t *testing.T) {
	first := []suites.Experiment{{Experiment: experiments.Experiment{Name: "a"}}, {Experiment: experiments.Experiment{Name: "b"}}}
	again := func() ([]suites.Experiment, error) { return first, nil }
	orders := map[string]int{}
	for seed := range uint64(20) {
		var names []string
		for range 2 {
			list, err := rounds(4, first, drawn(seed), again)
			if err != nil {
				t.Fatal(err)
			}
			name := ""
			for _, e := range list {
				name += e.Name
			}
			names = append(names, name)
		}
		if names[0] != names[1] {
			t.Errorf("seed %d gives %s and then %s", seed, names[0], names[1])
		}
		for _, block := range []string{names[0][:4], names[0][4:]} {
			orders[block]++
		}
	}
	if len(orders) != 2 || orders["abba"] < 8 || orders["baab"] < 8 {
		t.Errorf("blocks %v, want abba and baab, about 20 each", orders)
	}
}

// A control run stays before the experiments that it is the baseline of.
func TestAControlRunStaysBeforeItsExperiments(t *testing.T) {
	plain := suites.Experiment{Experiment: experiments.Experiment{Name: "a", Faults: []experiments.Scheduled{{Fault: boom{how: "fine"}}}}}
	named := func(e suites.Experiment, name string) suites.Experiment {
		e.Name = name
		return e
	}
	control := suites.Experiment{Experiment: plain.Control()}
	first := []suites.Experiment{named(control, "1"), plain, named(plain, "b"), named(control, "2"), named(plain, "c")}
	orders := map[string]bool{}
	for seed := range uint64(20) {
		list, err := rounds(1, first, drawn(seed), nil)
		if err != nil {
			t.Fatal(err)
		}
		name := ""
		for _, e := range list {
			name += e.Name
		}
		orders[name] = true
	}
	if len(orders) != 2 || !orders["1ab2c"] || !orders["2c1ab"] {
		t.Errorf("orders %v, want 1ab2c and 2c1ab", orders)
	}
}
