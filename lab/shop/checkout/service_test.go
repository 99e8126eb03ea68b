package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// output may be read while the server writes.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

type line struct {
	Time  int64
	Pod   string
	Event string
	Seq   *uint64
}

func (o *output) lines(t *testing.T) []line {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	var lines []line
	for l := range strings.Lines(o.buf.String()) {
		var x line
		if err := json.Unmarshal([]byte(l), &x); err != nil {
			t.Fatalf("%q is not JSON: %v", l, err)
		}
		lines = append(lines, x)
	}
	return lines
}

func events(lines []line) string {
	var names []string
	for _, l := range lines {
		names = append(names, l.Event)
	}
	return strings.Join(names, " ")
}

func TestRoutes(t *testing.T) {
	out := &output{}
	log, err := openTruth("", "checkout-1", out)
	if err != nil {
		t.Fatal(err)
	}
	s := newCheckout(config{pod: "checkout-1", work: 1}, log)
	server := httptest.NewServer(s.mux)
	defer server.Close()
	for _, c := range []struct {
		says, method, path string
		ready              bool
		code               int
		body               string
	}{
		{"the main route answers", "GET", "/checkout", true, 200, `"pod":"checkout-1"`},
		{"it answers even when it is not ready", "GET", "/checkout", false, 200, `"order":`},
		{"only GET", "POST", "/checkout", true, 404, ""},
		{"alive whether ready or not", "GET", "/healthz", false, 200, "alive"},
		{"ready", "GET", "/readyz", true, 200, "ready"},
		{"not ready", "GET", "/readyz", false, 503, "draining"},
		{"nothing else is there", "GET", "/cart", true, 404, ""},
		{"requests are counted by route, method and code", "GET", "/metrics", true, 200, `http_request_duration_seconds_count{code="200",method="GET",route="/checkout"} 2`},
		{"what is not there is counted under one name", "GET", "/metrics", true, 200, `http_request_duration_seconds_count{code="404",method="GET",route="other"} 1`},
	} {
		t.Run(c.says, func(t *testing.T) {
			s.ready.Store(c.ready)
			req, err := http.NewRequestWithContext(t.Context(), c.method, server.URL+c.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := server.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != c.code || !strings.Contains(string(body), c.body) {
				t.Errorf("%s: %s, want %d and %q", resp.Status, body, c.code, c.body)
			}
			if c.path == "/checkout" && c.code == 200 && resp.Header.Get("X-Pod") != "checkout-1" {
				t.Errorf("X-Pod is %q", resp.Header.Get("X-Pod"))
			}
		})
	}
	if got := events(out.lines(t)); got != "request request" {
		t.Errorf("saw %q; probes, scrapes and other routes are no requests", got)
	}
}

func TestUntilItIsWarmItAnswers503ByName(t *testing.T) {
	for _, c := range []struct {
		says   string
		warmup time.Duration
		code   int
	}{{"cold", time.Hour, 503}, {"warm", 0, 200}} {
		log, err := openTruth("", "checkout-1", io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		s := newCheckout(config{pod: "checkout-1", warmup: c.warmup}, log)
		s.ready.Store(true)
		for path, code := range map[string]int{"/checkout": c.code, "/readyz": 200, "/healthz": 200} {
			got := httptest.NewRecorder()
			s.mux.ServeHTTP(got, httptest.NewRequest(http.MethodGet, path, nil))
			if got.Code != code {
				t.Errorf("%s: %s: %d, want %d", c.says, path, got.Code, code)
			}
			if name := got.Header().Get("X-Pod"); path == "/checkout" && name != "checkout-1" {
				t.Errorf("%s: X-Pod is %q", c.says, name)
			}
		}
	}
}

func TestItTakesAWhileToSayThatItIsAlive(t *testing.T) {
	const delay = 20 * time.Millisecond
	log, err := openTruth("", "checkout-1", io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	s := newCheckout(config{livenessDelay: delay}, log)
	for path, least := range map[string]time.Duration{"/healthz": delay, "/readyz": 0} {
		got, begin := httptest.NewRecorder(), time.Now()
		s.mux.ServeHTTP(got, httptest.NewRequest(http.MethodGet, path, nil))
		if took := time.Since(begin); took < least {
			t.Errorf("%s took %s, want %s at least", path, took, least)
		}
	}
}

func TestRequestsAreWrittenDownWithTheirNumbers(t *testing.T) {
	folder := t.TempDir()
	stdout, file := &output{}, filepath.Join(folder, "checkout-1.log")
	log, err := openTruth(folder, "checkout-1", stdout)
	if err != nil {
		t.Fatal(err)
	}
	handler := newCheckout(config{pod: "checkout-1"}, log).mux
	for _, number := range []string{"0", "18446744073709551615", "", "many"} {
		r := httptest.NewRequest(http.MethodGet, "/checkout", nil)
		r.Header.Set(sequence, number)
		before := time.Now().UnixNano()
		handler.ServeHTTP(httptest.NewRecorder(), r)
		kept, err := os.ReadFile(file) // not closed: nothing is held back
		if err != nil {
			t.Fatal(err)
		}
		held := &output{}
		held.buf.Write(kept)
		lines := held.lines(t)
		last := lines[len(lines)-1]
		if last.Time < before || last.Time > time.Now().UnixNano() {
			t.Errorf("%q: at %d, not within the request", number, last.Time)
		}
		switch number {
		case "0":
			if last.Seq == nil || *last.Seq != 0 {
				t.Errorf("request 0 was written as %v", last.Seq)
			}
		case "", "many":
			if last.Seq != nil {
				t.Errorf("%q became number %d", number, *last.Seq)
			}
		}
	}
	if err := log.Event(listening, ""); err != nil {
		t.Fatal(err)
	}
	if got := events(stdout.lines(t)); got != "listening" {
		t.Errorf("stdout has %s, want what is no request", got)
	}
}

// life runs the server, and returns its address, how to ask it to end, and how it ended.
func life(t *testing.T, c config, out *output, role func(config, *truth) *service) (url string, end func(), ended <-chan error) {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.listen = free.Addr().String()
	_ = free.Close()
	log, err := openTruth("", "checkout-1", out)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- serve(ctx, c, log, role) }()
	return "http://" + c.listen, cancel, done
}

func get(t *testing.T, url string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	return resp, err
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

func TestGracefulShutdown(t *testing.T) {
	for _, c := range []struct {
		path string
		role func(config, *truth) *service
	}{{"/checkout", newCheckout}, {"/pay", newPayments}} {
		t.Run(c.path, func(t *testing.T) { gracefulShutdown(t, c.path, c.role) })
	}
}

func gracefulShutdown(t *testing.T, path string, role func(config, *truth) *service) {
	out := &output{}
	url, end, ended := life(t, config{graceful: true, drainDelay: 500 * time.Millisecond, work: 1}, out, role)
	eventually(t, "it is ready", func() bool { r, err := get(t, url+"/readyz"); return err == nil && r.StatusCode == 200 })
	end()
	eventually(t, "it is not ready", func() bool { r, err := get(t, url+"/readyz"); return err == nil && r.StatusCode == 503 })
	r, err := get(t, url+path)
	if err != nil || r.StatusCode != 200 {
		t.Fatalf("while it drains: %v", err)
	}
	if !r.Close {
		t.Error("an answer while draining keeps its connection")
	}
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
	if got, want := events(out.lines(t)), "start listening terminate request closed exit"; got != want {
		t.Errorf("saw %q, want %q", got, want)
	}
	if _, err := get(t, url+path); err == nil {
		t.Error("it serves after its end")
	}
}

func TestWithoutGracefulShutdownItEndsAtOnce(t *testing.T) {
	out := &output{}
	url, end, ended := life(t, config{graceful: false, drainDelay: time.Hour}, out, newCheckout)
	eventually(t, "it is ready", func() bool { r, err := get(t, url+"/readyz"); return err == nil && r.StatusCode == 200 })
	end()
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
	if got, want := events(out.lines(t)), "start listening terminate exit"; got != want {
		t.Errorf("saw %q, want %q", got, want)
	}
}

func TestASlowStartDoesNotListen(t *testing.T) {
	out := &output{}
	url, end, ended := life(t, config{startDelay: time.Hour}, out, newCheckout)
	eventually(t, "it has started", func() bool { return len(out.lines(t)) == 1 })
	if _, err := get(t, url+"/checkout"); err == nil {
		t.Error("it serves before its time")
	}
	end()
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
	if got, want := events(out.lines(t)), "start terminate exit"; got != want {
		t.Errorf("saw %q, want %q", got, want)
	}
}
