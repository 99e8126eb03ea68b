package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/suites"
)

// versioned is a Kubernetes that tells its version.
func versioned(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/version" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"gitVersion":"v1.34.0","platform":"linux/amd64"}`)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// Preflight prints how far Prometheus' clock is from this machine's; a Prometheus
// that refuses connections is told once, and is not ok.
func TestPreflightAsksPrometheusItself(t *testing.T) {
	m := newMonitoring(t)
	server := httptest.NewServer(m)
	t.Cleanup(func() {
		if err := m.close(); err != nil {
			t.Error(err)
		}
	})
	now := time.Now()
	for i := range 20 {
		if err := m.scraped(now.Add(-time.Duration(19-i)*scrapedEvery-time.Second), 1000*float64(i)*scrapedEvery.Seconds()); err != nil {
			t.Fatal(err)
		}
	}
	target, path := configure(t, versioned(t), seenByPrometheus(server.URL, "outage <= 2m"))
	atRest(t, target)
	var out bytes.Buffer
	if err := preflight(t.Context(), &out, target, suites.All(target)); err != nil || !strings.Contains(out.String(), "ok  prometheus: its clock is ") {
		t.Errorf("preflight says %v\n%s", err, out.String())
	}
	server.Close()
	out.Reset()
	err := preflight(t.Context(), &out, target, suites.All(target))
	if want := path + ":12: prometheus: read the clock of prometheus at " + server.URL + ": connection refused: check that the server listens there"; exitCode(err) != exitUsage || !strings.Contains(message(err), want) || strings.Count(message(err), "refused") != 1 {
		t.Errorf("exit code %d, preflight says\n%swant %q once", exitCode(err), message(err), want)
	}
	if strings.Contains(out.String(), "pod signal") || strings.Contains(out.String(), "ok  check") {
		t.Errorf("ok although Prometheus is away:\n%s", out.String())
	}
}
