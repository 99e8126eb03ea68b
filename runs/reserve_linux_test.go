package runs_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/runs"
	"github.com/aftershockhq/aftershock/steadystate"
)

// smallDisk is a directory on a disk of its own.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("mount a small disk: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// fill leaves no room on the disk of a directory.
func fill(t *testing.T, dir string) {
	t.Helper()
	file, err := os.Create(filepath.Join(dir, "filler"))
	for err == nil {
		_, err = file.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	_ = file.Close()
}

// A run whose disk becomes full undoes its fault, its record says why to its end, and
// its reports are there.
func TestARecordIsCompleteOnADiskThatBecomesFull(t *testing.T) {
	d, err := runs.NewDirectory(smallDisk(t, "6m"))
	if err != nil {
		t.Fatal(err)
	}
	e := experiment("downtime <= 1s")
	e.Settle, e.Watch = s, s
	full := false
	report, err := d.Run(t.Context(), e, func(entry record.Entry) {
		if entry.Phase == record.PhaseHold && !full {
			full = true
			fill(t, filepath.Dir(d.Path))
		}
	})
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("error %v, want that the disk is full", err)
	}
	if report.Verdict != steadystate.Unknown || report.End.Reason != record.Failed || !strings.Contains(report.End.Detail, "no space left on device") {
		t.Errorf("%s, ended %+v; want a record that says why", report.Verdict, report.End)
	}
	if len(report.LeftBehind) > 0 || len(report.Injections) != 1 {
		t.Errorf("%d injections, left behind: %v", len(report.Injections), report.LeftBehind)
	}
	if err := d.WriteReports(); err != nil {
		t.Error(err)
	}
}

// A run is not begun on a disk that has no room for the record's end.
func TestAFullDiskIsFoundBeforeTheRun(t *testing.T) {
	dir := smallDisk(t, "1m")
	d, err := runs.NewDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if _, err := d.Run(t.Context(), experiment()); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "nothing was touched") {
		t.Errorf("error %v after %s", err, time.Since(begun))
	}
	if left, _ := os.ReadDir(d.Path); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}
