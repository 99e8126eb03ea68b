package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestServeLeavesTheServiceUpUntilItIsInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	r, w := io.Pipe()
	var errs bytes.Buffer
	code := make(chan int, 1)
	go func() {
		code <- execute(ctx, []string{"demo", "--serve", "-o", "json"}, w, &errs)
		_ = w.Close()
	}()
	line, err := bufio.NewReader(r).ReadBytes('\n')
	if err != nil {
		t.Fatal(err, errs.String())
	}
	var s served
	if err := json.Unmarshal(line, &s); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	for _, url := range []string{s.URL, s.Prometheus + "/-/ready"} {
		response, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusOK {
			t.Errorf("%s: %s, %v", url, response.Status, err)
		}
	}
	if len(s.Services) != 3 || s.Services[2].Name != "service-3" || s.Services[2].PID == 0 || s.Services[2].PIDFile != s.PIDs+"/service-3.pid" {
		t.Errorf("services %+v", s.Services)
	}
	interrupt()
	if got := <-code; got != exitHeld || errs.Len() > 0 {
		t.Errorf("exit code %d, %s", got, &errs)
	}
	if _, err := os.Stat(s.PIDs); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", s.PIDs, err)
	}
}

// As one is that reads the terminal in the background.
func TestServeInterruptsACommandThatIsStopped(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	r, w := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- execute(ctx, []string{"demo", "--serve", "--", "sh", "-c", "echo $$; kill -STOP $$; sleep 1"}, w, io.Discard)
	}()
	var pid int
	if _, err := fmt.Fscanln(r, &pid); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // it stops itself
	interrupt()
	select {
	case got := <-code:
		if got != exitFailed {
			t.Errorf("exit code %d", got)
		}
	case <-time.After(20 * time.Second):
		_ = syscall.Kill(-pid, syscall.SIGKILL)
		t.Errorf("it waits for ever: exit code %d once the command was killed", <-code)
	}
}

func TestServeKillsACommandThatIgnoresTheInterrupt(t *testing.T) {
	r, w := io.Pipe()
	ctx, interrupt := context.WithCancel(t.Context())
	cmd := demoCommand()
	cmd.SetContext(ctx)
	cmd.SetOut(w)
	ended := make(chan error, 1)
	go func() {
		ended <- served{}.run(cmd, []string{"sh", "-c", `trap "" INT; echo; sleep 60; true`}, 100*time.Millisecond)
	}()
	if _, err := r.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	interrupt()
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), "sh still ran 100ms after it was interrupted, and was killed") {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("it waits for ever")
	}
}

func TestServeRunsACommand(t *testing.T) {
	for _, row := range []struct {
		sentence string
		args     []string
		code     int
		want     string // in stdout or stderr
	}{
		{"it has what it needs in its environment", []string{"--serve", "--", "sh", "-c", `test -s "$AFTERSHOCK_DEMO_PIDS/service-2.pid" && echo "$AFTERSHOCK_DEMO_URL $AFTERSHOCK_DEMO_PROMETHEUS"`}, 0, "http://127.0.0.1:"},
		{"its exit code is passed on", []string{"--serve", "--", "sh", "-c", "echo no >&2; exit 7"}, 7, "no\n"},
		{"one that is not there is an error", []string{"--serve", "--", "no-such-program"}, exitFailed, "no-such-program"},
		{"a command needs the service", []string{"--", "true"}, exitUsage, `one argument too many: "true"; usage: aftershock demo [--serve [-- COMMAND ARGUMENT...]]`},
		{"and the dashes", []string{"--serve", "true"}, exitUsage, `one argument too many: "true"; usage: aftershock demo [--serve [-- COMMAND ARGUMENT...]]`},
		{"the demo itself has no JSON", []string{"-o", "json"}, exitUsage, "--output json: want text, or json with --serve and no command"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			code, stdout, stderr := call(t, append([]string{"demo"}, row.args...)...)
			if code != row.code || !strings.Contains(stdout+stderr, row.want) || strings.HasSuffix(stderr, "ended with 7\n") {
				t.Errorf("exit code %d, want %d\n%s%s", code, row.code, stdout, stderr)
			}
		})
	}
}
