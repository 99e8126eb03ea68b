package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain makes the test binary the command itself when it is started by the name of that.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "pause" {
		main()
	}
	os.Exit(m.Run())
}

// link is the test binary under the name that counts.
func link(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "pause")
	if err := os.Symlink(self, path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestItBecomesTheCommandWhenItIsResumed(t *testing.T) {
	cmd := exec.Command(link(t), "sh", "-c", "echo $$")
	var out strings.Builder
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	comm := func() string {
		name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", cmd.Process.Pid))
		return string(name)
	}
	if name := comm(); name != "pause\n" {
		t.Errorf("before it was resumed it was called %q", name)
	}
	// As chaos-daemon does it: again and again until the name is another one.
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for comm() == "pause\n" {
		if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		<-tick.C
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(out.String()); got != fmt.Sprint(cmd.Process.Pid) {
		t.Errorf("the command ran as process %s, not in the place of process %d", got, cmd.Process.Pid)
	}
}

func TestItEndsWhenItIsAskedTo(t *testing.T) {
	cmd := exec.Command(link(t), "true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("it ended well, as if it had run the command")
	}
}

func TestWhatCannotBeRunIsSaidAtOnce(t *testing.T) {
	for _, c := range []struct{ says, command, want string }{
		{"nothing", "", "no command to become"},
		{"not found", "there-is-no-such-command", "find the command"},
	} {
		t.Run(c.says, func(t *testing.T) {
			out, err := exec.Command(link(t), strings.Fields(c.command)...).CombinedOutput()
			if err == nil || !strings.Contains(string(out), c.want) {
				t.Errorf("%s, %v", out, err)
			}
		})
	}
}
