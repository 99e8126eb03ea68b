package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	promapi "github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"go.uber.org/goleak"

	"github.com/aftershockhq/aftershock/internal/bench"
)

// timeout bounds each wait for a state; nothing is judged by how long it
// took.
const timeout = 30 * time.Second

func start(t *testing.T, options bench.Options) *bench.Bench {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	b, err := bench.Start(ctx, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Stop(); err != nil {
			t.Error(err)
		}
		for _, p := range b.Truth().Processes {
			if !exited(p.PID) {
				t.Errorf("process %d of %s is still there after Stop", p.PID, p.Service)
			}
		}
	})
	return b
}

// until polls for a state, and says what it saw last when it gives up.
func until(t *testing.T, what string, state func() error) {
	t.Helper()
	deadline := time.After(timeout)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := state()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waiting until %s: %v", what, err)
		}
	}
}

// get sends one request on a connection of its own, numbered as vegeta does.
func get(t *testing.T, url, attack string, seq int) (pod string, err error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Vegeta-Attack", attack)
	request.Header.Set("X-Vegeta-Seq", strconv.Itoa(seq))
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: timeout}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	pod = response.Header.Get(bench.PodHeader)
	if response.StatusCode != http.StatusOK || !strings.HasPrefix(string(body), pod+" ") {
		return "", fmt.Errorf("%s answered %s: %s", pod, response.Status, body)
	}
	return pod, nil
}

// exited reports whether a process runs no more: a zombie that nobody has
// reaped yet has exited.
func exited(pid int) bool {
	if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) {
		return true
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return errors.Is(err, fs.ErrNotExist) && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
	}
	_, state, _ := bytes.Cut(stat, []byte(") "))
	return bytes.HasPrefix(state, []byte("Z")) || bytes.HasPrefix(state, []byte("X"))
}

// prometheus is an instant query of the bench's Prometheus.
func prometheus(t *testing.T, b *bench.Bench) func(expr string) (model.Vector, error) {
	t.Helper()
	client, err := promapi.NewClient(promapi.Config{Address: b.PrometheusURL()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.(promapi.CloseIdler).CloseIdleConnections)
	api := promv1.NewAPI(client)
	return func(expr string) (model.Vector, error) {
		value, warnings, _, err := api.Query(t.Context(), expr, time.Now())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", expr, err)
		}
		if len(warnings) > 0 {
			return nil, fmt.Errorf("%s: warnings %q", expr, warnings)
		}
		return value.(model.Vector), nil
	}
}

func TestBenchServesAndIsScraped(t *testing.T) {
	b := start(t, bench.Options{})
	const requests = 30
	answered := map[string]int{}
	for seq := range requests {
		pod, err := get(t, b.URL(), "first", seq)
		if err != nil {
			t.Fatal(err)
		}
		answered[pod]++
	}
	for _, s := range b.Services() {
		if answered[s.Name] != requests/3 {
			t.Errorf("%s answered %d of %d requests, want every third: %v", s.Name, answered[s.Name], requests, answered)
		}
	}

	query := prometheus(t, b)
	until(t, "Prometheus counts every request of every service", func() error {
		vector, err := query(`sum by (pod) (http_request_duration_seconds_count{job="service",route="/",code="200"})`)
		if err != nil {
			return err
		}
		for _, s := range vector {
			if int(s.Value) != answered[string(s.Metric["pod"])] {
				return fmt.Errorf("counts %v, want %v", vector, answered)
			}
		}
		if len(vector) != 3 {
			return fmt.Errorf("%d services in %v", len(vector), vector)
		}
		return nil
	})
	// What a process saw may be in its pipe until it ends.
	if err := b.Stop(); err != nil {
		t.Error(err)
	}
	seen := map[string]int{}
	for _, p := range b.Truth().Processes {
		for _, s := range p.Seen {
			seen[p.Service] += s.Requests
			if s.Attack != "first" || int(s.Last) < requests-3 {
				t.Errorf("%s saw %+v, want a last number in %d..%d", p.Service, s, requests-3, requests-1)
			}
		}
		if p.Connections != requests/3 || p.Refused != 0 {
			t.Errorf("%s was given %d connections, %d refused", p.Service, p.Connections, p.Refused)
		}
	}
	for pod, n := range answered {
		if seen[pod] != n {
			t.Errorf("%s says it saw %d requests, and answered %d", pod, seen[pod], n)
		}
	}
}

func TestNoProcessOutlivesItsParent(t *testing.T) {
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.CommandContext(t.Context(), executable)
	// What it leaves behind is then in a directory of this test.
	temporary := t.TempDir()
	parent.Env = append(os.Environ(), parentVariable+"=1", "TMPDIR="+temporary)
	parent.Stderr = os.Stderr
	stdin, err := parent.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stdin.Close() }()
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var services []bench.Service
	if err := json.NewDecoder(stdout).Decode(&services); err != nil || len(services) != 3 {
		t.Errorf("services of the program: %+v, %v", services, err)
	}
	for _, s := range services {
		if exited(s.PID) {
			t.Errorf("process %d of %s is not there before its parent is killed", s.PID, s.Name)
		}
	}
	if err := parent.Process.Kill(); err != nil {
		t.Error(err)
	}
	if err := parent.Wait(); err == nil {
		t.Error("the program ended in good order, want it killed")
	}
	for _, s := range services {
		until(t, fmt.Sprintf("process %d of %s is gone", s.PID, s.Name), func() error {
			if !exited(s.PID) {
				return errors.New("it is there")
			}
			return nil
		})
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("left in the temporary directory: %v, %v", left, err)
	}
}

func TestStopLeavesNothing(t *testing.T) {
	before := goleak.IgnoreCurrent()
	b := start(t, bench.Options{Services: 2})
	// A connection that is open and idle is no reason to wait.
	address := strings.TrimPrefix(b.URL(), "http://")
	idle, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = idle.Close() }()
	for range 2 {
		if err := b.Stop(); err != nil {
			t.Error(err)
		}
	}
	goleak.VerifyNone(t, before)
	for _, p := range b.Truth().Processes {
		if !exited(p.PID) || p.End != bench.Stopped || p.Gone.IsZero() {
			t.Errorf("after Stop: %+v", p)
		}
	}
	if absences := b.Truth().Absences(); len(absences) != 0 {
		t.Errorf("absences %+v, want none: the end of the bench is none", absences)
	}
	for _, s := range b.Services() {
		if s.PID != 0 || s.Address != "" {
			t.Errorf("after Stop: %+v", s)
		}
	}
	for _, url := range []string{b.URL(), b.PrometheusURL()} {
		if _, err := get(t, url, "", 0); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("%s after Stop: %v, want a refused connection", url, err)
		}
	}
}

func TestStopKeepsADirectoryThatWasGiven(t *testing.T) {
	dir := t.TempDir()
	if err := start(t, bench.Options{Services: 1, Dir: dir}).Stop(); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) == 0 {
		t.Errorf("the database is not in the directory it was given: %v, %v", entries, err)
	}
}

func TestStartThatIsCancelledLeavesNothing(t *testing.T) {
	before := goleak.IgnoreCurrent()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("stopped by a person"))
	if _, err := bench.Start(ctx, bench.Options{}); err == nil || !strings.Contains(err.Error(), "start service-1: stopped by a person") {
		t.Errorf("start: %v", err)
	}
	goleak.VerifyNone(t, before)
}

func TestEnvironmentSaysThatThisIsNoCluster(t *testing.T) {
	sound := start(t, bench.Options{Services: 1}).Environment()
	if sound["bench"] != "processes on this machine, not a cluster" || sound["balancer"] != "checks each backend every 100ms" {
		t.Errorf("environment %q", sound)
	}
	defective := start(t, bench.Options{Services: 1, Defect: bench.NoHealthChecks}).Environment()
	if defective["balancer"] != "defective: no health checks" {
		t.Errorf("environment %q", defective)
	}
}
