package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/steadystate/prom/promtest"
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

// R20: a query whose range is too long for what is watched could never be held;
// preflight refuses it, and says what would do.
func TestPreflightRefusesARangeTooLongForTheTimes(t *testing.T) {
	server := promtest.NewServer(t)
	now := time.Now()
	for i := range 40 {
		if err := scrapeShop(server.Prometheus, now.Add(-time.Duration(39-i)*5*time.Second-time.Second), 5000*float64(i)); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range []struct {
		sentence, hold, watch string
		want                  []string // none: it is let through
	}{
		{"a quarter of five minutes is more than a minute", "10s", "5m", nil},
		{"of two it is not", "10s", "2m", []string{
			`check "serving" of checkout: the query can miss outages up to 1m1.`,
			`, more than 25% of hold+watch (2m10s): set watch to at least 3m5`,
			`, or shorten its ranges to 31s in total (checkout/pods/`,
		}},
		{"of twenty seconds no range is short enough", "10s", "10s", []string{"more than 25% of hold+watch (20s): set watch to at least 3m5", "s (checkout/pods/"}},
	} {
		text := strings.NewReplacer("hold: 10s", "hold: "+row.hold, "watch: 5m", "watch: "+row.watch).Replace(seenByPrometheus(t, server.URL, "outage <= 2m"))
		session, path := configure(t, versioned(t), text)
		list := atRest(t, session)
		var out bytes.Buffer
		err := preflight(t.Context(), &out, session, list, marks(true))
		if (err == nil) != (row.want == nil) || (err != nil && exitCode(err) != exitUsage) {
			t.Errorf("%s: preflight says\n%s", row.sentence, message(err))
		}
		for _, want := range row.want {
			if said := message(err); !strings.Contains(said, want) || !strings.Contains(said, fmt.Sprintf("%s:%d: ", path, limitLine)) {
				t.Errorf("%s: preflight says\n%swant %q", row.sentence, said, want)
			}
		}
	}
}

// Preflight prints how far Prometheus' clock is from this machine's; a Prometheus
// that refuses connections is told once, and is not ok.
func TestPreflightAsksPrometheusItself(t *testing.T) {
	server := promtest.NewServer(t)
	now := time.Now()
	for i := range 20 {
		if err := scrapeShop(server.Prometheus, now.Add(-time.Duration(19-i)*scrapedEvery-time.Second), 1000*float64(i)*scrapedEvery.Seconds()); err != nil {
			t.Fatal(err)
		}
	}
	session, path := configure(t, versioned(t), seenByPrometheus(t, server.URL, "outage <= 2m"))
	list := atRest(t, session)
	var out bytes.Buffer
	if err := preflight(t.Context(), &out, session, list, marks(true)); err != nil || !strings.Contains(out.String(), "ok    prometheus: its clock is ") {
		t.Errorf("preflight says %v\n%s", err, out.String())
	}
	server.Close()
	out.Reset()
	err := preflight(t.Context(), &out, session, list, marks(true))
	if want := path + ":4: prometheus: cannot be tested now: read the clock of prometheus at " + server.URL + ": connection refused: check that the server listens there"; exitCode(err) != exitUnknown || !strings.Contains(message(err), want) || strings.Count(message(err), "refused") != 1 || !strings.Contains(message(err), "; checkout/pods/kill-one and 8 more use it") {
		t.Errorf("exit code %d, preflight says\n%swant %q once", exitCode(err), message(err), want)
	}
	if strings.Contains(out.String(), "pod signal") || strings.Contains(out.String(), `ok    check "`) {
		t.Errorf("ok although Prometheus is away:\n%s", out.String())
	}
}

// An experiment that asks Prometheus nothing can run without it.
func TestAPrometheusThatIsAwayStopsOnlyWhatAsksIt(t *testing.T) {
	text := strings.Replace(seenByPrometheus(t, "http://127.0.0.1:1", "outage <= 2m"), "checks: [serving]", "checks: [standard/replicas]", 1)
	session, _ := configure(t, versioned(t), text)
	var list []suites.Experiment
	for _, e := range atRest(t, session) {
		if e.Name == "checkout/pods/kill-one" {
			list = append(list, e)
		}
	}
	var out bytes.Buffer
	want := "note  prometheus: cannot be tested now: "
	if err := preflight(t.Context(), &out, session, list, marks(true)); err != nil || len(list) != 1 || !strings.Contains(out.String(), want) || !strings.Contains(out.String(), "; none of these experiments uses it") {
		t.Errorf("preflight of %d says %v\n%swant %q", len(list), err, out.String(), want)
	}
}

// Of a service whose traffic is asked for, preflight says whether there is any.
func TestPreflightSaysThatNoPodTakesTraffic(t *testing.T) {
	for _, row := range []struct {
		sentence string
		rate     float64
		want     string
	}{
		{"none", 0, `note  pod signal "traffic" of checkout: 2 series, `},
		{"some", 10, `ok    pod signal "traffic" of checkout: 2 series, `},
	} {
		server, now := promtest.NewServer(t), time.Now()
		for i := range 40 {
			at := now.Add(-time.Duration(39-i)*5*time.Second - time.Second)
			for _, pod := range []string{"checkout-a", "checkout-b"} {
				labels := fmt.Sprintf(`{job="shop",instance=%q,pod=%[1]q}`, pod)
				if err := errors.Join(server.Append("served_total"+labels, at, row.rate*float64(i)), server.Append("up"+labels, at, 1)); err != nil {
					t.Fatal(err)
				}
			}
		}
		text := strings.Replace(seenByPrometheus(t, server.URL, "outage <= 2m"), "checks: [serving]", "checks: [standard/replicas]", 1)
		text = regexp.MustCompile(`(?m)^    load: .*$`).ReplaceAllString(text, "    traffic: sum by (pod) (rate(served_total[1m]))")
		session, _ := configure(t, versioned(t), text)
		var out bytes.Buffer
		err := preflight(t.Context(), &out, session, atRest(t, session), marks(true))
		if none := strings.Contains(out.String(), "no pod takes traffic now"); err != nil || !strings.Contains(out.String(), row.want) || none != (row.rate == 0) {
			t.Errorf("%s: preflight says %v\n%swant %q", row.sentence, err, out.String(), row.want)
		}
	}
}
