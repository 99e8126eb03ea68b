package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain makes the test binary the command itself when it is started by the name of that.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "memStress" {
		main()
		return
	}
	os.Exit(m.Run())
}

func start(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := &exec.Cmd{
		Path: self, Args: append([]string{"memStress"}, args...), Env: os.Environ(), Stderr: os.Stderr,
		SysProcAttr: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// until polls: nothing here tells of itself.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatalf("never: %s", what)
		}
	}
}

// workersOf are the children of all of a process's threads.
func workersOf(pid int) []int {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	var pids []int
	for _, file := range files {
		content, _ := os.ReadFile(file)
		for field := range strings.FieldsSeq(string(content)) {
			child, _ := strconv.Atoi(field)
			pids = append(pids, child)
		}
	}
	return pids
}

// resident is how many bytes of a process are in memory.
func resident(pid int) int {
	content, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	fields := strings.Fields(string(content))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.Atoi(fields[1])
	return pages * os.Getpagesize()
}

func over(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) || bytes.Contains(stat, []byte(") Z "))
}

func TestWorkersHoldTheMemoryUntilTheyAreAskedToEnd(t *testing.T) {
	cmd := start(t, "--workers", "2", "--size", "32MiB", "--time", "20ms")
	until(t, "two workers hold 16 MiB each", func() bool {
		workers := workersOf(cmd.Process.Pid)
		return len(workers) == 2 && resident(workers[0]) >= 16<<20 && resident(workers[1]) >= 16<<20
	})
	workers := workersOf(cmd.Process.Pid)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("asked to end: %v", err)
	}
	for _, pid := range workers {
		if _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); err == nil {
			t.Errorf("worker %d was not reaped", pid)
		}
	}
}

func TestAWorkerThatIsKilledIsReplaced(t *testing.T) {
	cmd := start(t, "--workers", "1", "--size", "1MB")
	until(t, "a worker", func() bool { return len(workersOf(cmd.Process.Pid)) == 1 })
	first := workersOf(cmd.Process.Pid)[0]
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	until(t, "another worker", func() bool {
		workers := workersOf(cmd.Process.Pid)
		return len(workers) == 1 && workers[0] != first
	})
	_ = cmd.Process.Signal(os.Interrupt)
	if err := cmd.Wait(); err != nil {
		t.Errorf("asked to end: %v", err)
	}
}

func TestWorkersDieWithTheirParent(t *testing.T) {
	cmd := start(t, "--workers", "2", "--size", "1MB")
	until(t, "two workers", func() bool { return len(workersOf(cmd.Process.Pid)) == 2 })
	workers := workersOf(cmd.Process.Pid)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	for _, pid := range workers {
		until(t, "a worker dies", func() bool { return over(pid) })
	}
}

func TestParseSize(t *testing.T) {
	half := func() (uint64, error) { return 1000, nil }
	for _, c := range []struct {
		says, text string
		want       uint64
		wrong      string
	}{
		{"bytes", "4096", 4096, ""},
		{"powers of ten", "64MB", 64_000_000, ""},
		{"powers of ten, written short", "64m", 64_000_000, ""},
		{"powers of two", "64MiB", 64 << 20, ""},
		{"a share", "25%", 250, ""},
		{"a share with a fraction", "12.5%", 125, ""},
		{"nothing", "", 0, "--size is missing"},
		{"no number", "much", 0, "not an amount of memory"},
		{"none", "0", 0, "not an amount of memory"},
		{"more than all", "101%", 0, "not a percentage"},
		{"a share of nothing", "x%", 0, "not a percentage"},
	} {
		t.Run(c.says, func(t *testing.T) {
			got, err := parseSize(c.text, half)
			if c.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), c.wrong) {
					t.Errorf("%d, %v, want %q", got, err, c.wrong)
				}
				return
			}
			if err != nil || got != c.want {
				t.Errorf("%d, %v, want %d", got, err, c.want)
			}
		})
	}
}

func TestAllowedIsNoMoreThanTheMachineHas(t *testing.T) {
	got, err := allowed()
	if err != nil || got == 0 || got > 1<<50 {
		t.Errorf("%d, %v", got, err)
	}
}

func TestWrongUsage(t *testing.T) {
	for _, c := range []struct{ says, line, want string }{
		{"no workers", "--workers 0 --size 1MB", "--workers must be at least 1"},
		{"an unknown flag", "--vm 1 --size 1MB", "flag provided but not defined: -vm"},
		{"an argument too many", "--size 1MB more", `unknown argument "more"`},
		{"a time that runs backwards", "--size 1MB --time -1s", "--time must not be negative"},
		{"no size", "--workers 1", "--size is missing"},
	} {
		t.Run(c.says, func(t *testing.T) {
			err := run(t.Context(), strings.Fields(c.line), &bytes.Buffer{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}
