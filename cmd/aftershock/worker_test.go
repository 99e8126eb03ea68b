package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestALoadWorkerSaysWhereItListensAndEndsWhenItIsToldTo(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	defer end()
	out, in := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- execute(ctx, []string{"load-worker", "--run", "r", "--listen", "127.0.0.1:0"}, in, io.Discard)
		_ = in.Close()
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address, ok := strings.CutPrefix(strings.TrimSpace(line), "load worker of run r listens on ")
	if !ok {
		t.Fatalf("it says %q", line)
	}
	for path, want := range map[string]int{"/r/clock": http.StatusOK, "/other/clock": http.StatusNotFound} {
		resp, err := http.Get("http://" + address + path)
		if err != nil || resp.StatusCode != want {
			t.Fatalf("%s: %v, %v; want %d", path, resp, err, want)
		}
		_ = resp.Body.Close()
	}
	end()
	if got := <-code; got != exitHeld {
		t.Errorf("exit code %d, want 0", got)
	}
}

func TestALoadWorkerIsHiddenAndSaysWhatItIs(t *testing.T) {
	if _, stdout, _ := call(t, "--help"); strings.Contains(stdout, "load-worker") {
		t.Error("the list of commands has it")
	}
	if code, stdout, _ := call(t, "load-worker", "--help"); code != exitHeld || !strings.Contains(stdout, "SIGTERM") {
		t.Errorf("exit code %d, help %s", code, stdout)
	}
	if code, _, stderr := call(t, "load-worker"); code != exitUsage || !strings.Contains(stderr, "--run is missing") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}
