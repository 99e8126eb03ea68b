package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain makes the test binary nsexec itself when it is started by that name.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "nsexec" {
		main()
	}
	os.Exit(m.Run())
}

func nsexec(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &exec.Cmd{Path: path, Args: append([]string{"nsexec"}, args...), Env: os.Environ()}
}

// other is a process in namespaces of its own, that has run the script in them.
func other(t *testing.T, script string) (namespace func(kind string) string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root makes namespaces")
	}
	cmd := exec.Command("sh", "-c", "mount --make-rprivate / && "+script+" && echo ready && read -r end")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL,
	}
	in, out := pipes(t, cmd)
	if err := cmd.Start(); err != nil {
		t.Skipf("this machine does not let namespaces be made: %v", err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("the other process said %q, %v", line, err)
	}
	return func(kind string) string { return fmt.Sprintf("/proc/%d/ns/%s", cmd.Process.Pid, kind) }
}

func pipes(t *testing.T, cmd *exec.Cmd) (io.WriteCloser, io.ReadCloser) {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	return in, out
}

func TestTheCommandIsInTheNamespace(t *testing.T) {
	namespace := other(t, "true")
	for flag, kind := range map[string]string{"-n": "net", "-p": "pid", "-i": "ipc"} {
		want, err := os.Readlink(namespace(kind))
		if err != nil {
			t.Fatal(err)
		}
		out, err := nsexec(t, flag, namespace(kind), "--", "readlink", "/proc/self/ns/"+kind).Output()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%s: in %s, %v, want %s", flag, got, err, want)
		}
	}
}

func TestTheCommandIsLookedUpInTheMountNamespace(t *testing.T) {
	folder := t.TempDir()
	namespace := other(t, fmt.Sprintf("mount -t tmpfs none %s && cp /bin/echo %[1]s/hidden", folder))
	if _, err := os.Stat(filepath.Join(folder, "hidden")); err == nil {
		t.Fatal("the other's mount is seen here too")
	}
	cmd := nsexec(t, "-p", namespace("pid"), "-m", namespace("mnt"), "--", "hidden", "found")
	cmd.Env = append(os.Environ(), "PATH="+folder)
	if out, err := cmd.Output(); err != nil || string(out) != "found\n" {
		t.Errorf("%q, %v", out, err)
	}
}

func TestTheExitCodeIsTheCommands(t *testing.T) {
	namespace := other(t, "true")
	for _, c := range []struct {
		says string
		args []string
		code int
		text string
	}{
		{"in its place", []string{"-n", namespace("net"), "--", "sh", "-c", "exit 7"}, 7, ""},
		{"as its child", []string{"-p", namespace("pid"), "--", "sh", "-c", "exit 7"}, 7, ""},
		{"ended by a signal", []string{"-p", namespace("pid"), "--", "sh", "-c", "kill -9 $$"}, 137, ""},
		{"not found", []string{"-p", namespace("pid"), "--", "there-is-no-such-command"}, 127, "find the command"},
		{"no such namespace", []string{"-n", "/proc/0/ns/net", "--", "true"}, 125, "open namespace /proc/0/ns/net"},
		{"no such process", []string{"-p", "/proc/0/ns/pid", "--", "true"}, 125, "open namespace /proc/0/ns/pid"},
		{"the wrong kind of namespace", []string{"-n", namespace("pid"), "--", "true"}, 125, "join namespace"},
		{"wrong usage", []string{"true"}, 125, "wrong usage"},
	} {
		t.Run(c.says, func(t *testing.T) {
			cmd := nsexec(t, c.args...)
			var complaint bytes.Buffer
			cmd.Stderr = &complaint
			err := cmd.Run()
			if code := cmd.ProcessState.ExitCode(); code != c.code || !strings.Contains(complaint.String(), c.text) {
				t.Errorf("exit code %d, %v, said %q, want %d and %q", code, err, &complaint, c.code, c.text)
			}
		})
	}
}

func TestTerminationIsPassedOn(t *testing.T) {
	namespace := other(t, "true")
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		cmd := nsexec(t, "-p", namespace("pid"), "--", "sh", "-c", "trap 'exit 3' TERM; echo ready; while :; do read -r x; done")
		in, out := pipes(t, cmd)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
			t.Fatalf("%q, %v", line, err)
		}
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		_ = in.Close() // dash runs a trap only between commands
		_ = cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != 3 {
			t.Errorf("%v: exit code %d, want that of the command's own handler", signal, code)
		}
	}
}

func TestTheCommandDiesWithNsexec(t *testing.T) {
	namespace := other(t, "true")
	// In that namespace the command has a small number; the number here is what this /proc says.
	cmd := nsexec(t, "-p", namespace("pid"), "--", "sh", "-c", "read -r pid rest < /proc/self/stat; echo $pid; exec sleep 1000")
	_, out := pipes(t, cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || pid == cmd.Process.Pid {
		t.Fatalf("pid %q, %v", line, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !over(pid) {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal("the command lives on")
		}
	}
}

// over says whether a process has ended, reaped or not.
func over(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) || bytes.Contains(stat, []byte(") Z "))
}
