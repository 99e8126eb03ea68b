package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aftershockhq/aftershock/internal/calibration"
	"github.com/aftershockhq/aftershock/steadystate"
)

func TestCalibrateRefuses(t *testing.T) {
	for _, row := range []struct {
		sentence string
		args     []string
		want     string
	}{
		{"no trial", []string{"--trials", "0"}, "0 trials: want at least one of each kind"},
		{"a rate that this machine cannot drive", []string{"--rate", "1000000"}, "rate 1000000: want 20 to 2000"},
		{"a kind that there is not", []string{"--kinds", "refused,flood"}, `no kind "flood"; kinds: refused, reset, blackhole, 5xx, slow, one-of-three, flapping, kill, stall`},
		{"an output that there is not", []string{"-o", "yaml"}, `output "yaml": want one of text, json`},
		{"a plot that cannot be written, before the trials", []string{"--plot", "no/such/dir/x.svg"}, "no such file"},
		{"no trial of a cell", []string{"--grid", "--trials", "0"}, "0 trials: want at least one of each cell"},
		{"a cell that there is not", []string{"--grid", "--cell", "2-of-5"}, `no cell matches "2-of-5"; one of 152 is "1s-100/s-0%-1-of-3"`},
		{"a grid of real trials", []string{"--grid", "--kinds", "kill"}, "--kinds selects planted outages, but --grid simulates: use --cell"},
		{"a cell without the grid", []string{"--cell", "all"}, "--cell works only with --grid"},
		{"an output that a grid has not", []string{"--grid", "-o", "yaml"}, `output "yaml": want one of text, json`},
		{"an argument", []string{"refused"}, "one argument too many"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			code, _, stderr := call(t, append([]string{"calibrate"}, row.args...)...)
			if code != exitUsage || !strings.Contains(stderr, row.want) {
				t.Errorf("exit code %d, want %d and %q\n%s", code, exitUsage, row.want, stderr)
			}
		})
	}
}

// One real trial: the whole way from the flags to the JSON and the plot.
func TestCalibrate(t *testing.T) {
	dir := t.TempDir()
	plot := filepath.Join(dir, "plot.svg")
	code, stdout, stderr := call(t, "calibrate", "--trials", "1", "--kinds", "reset", "--seed", "9", "-o", "json", "--plot", plot, "--misses", dir)
	var report calibration.Report
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatalf("%v\n%s%s", err, stdout, stderr)
	}
	if code != exitHeld || report.Verdict != steadystate.Held || report.Seed != 9 || report.Rate != 100 || len(report.List) != 1 {
		t.Errorf("exit code %d, %+v", code, report)
	}
	if report.Machine.Cores == 0 || report.Machine.Go == "" {
		t.Errorf("machine %+v", report.Machine)
	}
	if !strings.Contains(stderr, "1 of 1 trials, 0 wrong") {
		t.Errorf("no progress in\n%s", stderr)
	}
	text, err := os.ReadFile(plot)
	if err != nil || !bytes.Contains(text, []byte("</svg>")) {
		t.Errorf("plot %q, %v", text, err)
	}
}

// One cell of the grid: the whole way from the flags to the JSON, and the exit
// codes.
func TestCalibrateGrid(t *testing.T) {
	code, stdout, stderr := call(t, "calibrate", "--grid", "--cell", "^1s-100/s-0%-all$", "--trials", "20", "--seed", "9", "-o", "json")
	var report calibration.GridReport
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatalf("%v\n%s%s", err, stdout, stderr)
	}
	if code != exitHeld || report.Verdict != steadystate.Held || report.Seed != 9 || report.Trials != 20 || len(report.Cells) != 1 || report.Cells[0].Reported != 20 {
		t.Errorf("exit code %d, %+v", code, report)
	}
	if !strings.Contains(stderr, "1 of 1 cells") {
		t.Errorf("no progress in\n%s", stderr)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	if code := execute(ctx, []string{"calibrate", "--grid"}, &out, &errs); code != exitFailed || !strings.Contains(out.String(), "stopped after 0 cells") {
		t.Errorf("exit code %d\n%s%s", code, &out, &errs)
	}
}

func TestCalibrateThatIsStoppedSaysWhatItHas(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	code := execute(ctx, []string{"calibrate", "--trials", "5"}, &out, &errs)
	if code != exitFailed || !strings.Contains(out.String(), "stopped after 0 of 45 trials") {
		t.Errorf("exit code %d\n%s%s", code, &out, &errs)
	}
}

// A trial that is wrong is told of, kept, and ends in another exit code.
func TestCalibrateKeepsWhatIsWrong(t *testing.T) {
	var errs bytes.Buffer
	f := calibrateFlags{misses: t.TempDir()}
	f.Trials, f.Kinds = 1, []calibration.Kind{calibration.Kill}
	wrong := calibration.Trial{
		Plan:       calibration.Plan{Kind: calibration.Kill, Number: 7},
		Comparison: calibration.Comparison{Planted: true, Missed: true},
	}
	f.progress(&errs)(wrong)
	if want := "kill, trial 7: stated no outage, truth no outage, resolution 0s\n1 of 1 trials, 1 wrong"; !strings.Contains(errs.String(), want) {
		t.Errorf("no %q in\n%s", want, &errs)
	}
	if err := f.keep(wrong, []byte("record")); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(f.misses, "kill-7.jsonl")); err != nil || string(text) != "record" {
		t.Errorf("record %q, %v", text, err)
	}
}
