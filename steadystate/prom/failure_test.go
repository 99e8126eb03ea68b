package prom_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/prom"
)

func answers(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func success(resultType, result, more string) string {
	return fmt.Sprintf(`{"status":"success","data":{"resultType":%q,"result":%s}%s}`, resultType, result, more)
}

// What Prometheus does not answer well is unknown from when it was asked to
// when it answered, with the reason, and it is an error of Preflight that says
// what to do.
func TestFailures(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	now := float64(time.Now().UnixMilli()) / 1000
	one := fmt.Sprintf(`[{"metric":{},"value":[%.3f,"1"]}]`, now)
	for _, test := range []struct {
		sentence      string
		handler       http.HandlerFunc
		unknown, next string
	}{
		{
			"no credentials", answers(401, "Unauthorized"),
			"client_error: client error: 401 (Unauthorized)", "check the credentials in http_config",
		},
		{
			"not allowed", answers(403, ""),
			"client_error: client error: 403", "check the credentials in http_config",
		},
		{
			"a wrong path", answers(404, "404 page\nnot found"),
			"client_error: client error: 404 (404 page not found)", "check the URL's path: it ends before /api/v1; that of Mimir ends in /prometheus",
		},
		{
			"too many queries", answers(429, "slow down"),
			"client_error: client error: 429 (slow down)", "poll less often, with a longer interval",
		},
		{
			"a query that the server does not know", answers(400, `{"status":"error","errorType":"bad_data","error":"unknown function"}`),
			"bad_data: unknown function", "mend the query",
		},
		{
			"a query that takes too long there", answers(422, `{"status":"error","errorType":"timeout","error":"query timed out"}`),
			"timeout: query timed out", "make the query cheaper",
		},
		{
			"trouble in the server", answers(500, strings.Repeat("stack ", 1000)),
			"server_error: server error: 500 (stack stack", "see its log",
		},
		{
			"a gateway without a server", answers(503, "no endpoints"),
			"server_error: server error: 503 (no endpoints)", "try again",
		},
		{
			"a login page", answers(200, "<html>sign in</html>"),
			"bad_response: ", "check that the URL is a Prometheus' and not a login page's",
		},
		{
			"a redirect to one", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) },
			"bad_response: bad response code 302", "login page",
		},
		{
			"no answer", func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body) // else the server does not see the client leave
				select {
				case <-hang:
				case <-r.Context().Done():
				}
			},
			"no answer within 50ms", "raise the timeout",
		},
		{
			"an answer that breaks off", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "1000")
				_, _ = io.WriteString(w, `{"status":`)
			},
			"unexpected EOF", "",
		},
		{
			"a partial answer", answers(200, success("vector", one, `,"warnings":["store a:10901 is away","b too"]`)),
			"the answer may be partial: b too; store a:10901 is away", "see what the server warns about",
		},
		{
			"an error that calls itself a success", answers(200, `{"status":"error","errorType":"internal","error":"it broke"}`),
			"internal: it broke", "",
		},
		{"nothing", answers(200, success("vector", "[]", "")), "nothing matches: the result is empty", "check the metric's name and labels"},
		{"a sample that is none", answers(200, success("vector", "[null]", "")), "the answer is a vector", "check that the URL is a Prometheus'"},
		{"a string", answers(200, success("string", `[1,"up"]`, "")), `bad_response: unexpected value type "string"`, "check that the URL is a Prometheus'"},
		{"a list of samples", answers(200, success("matrix", `[]`, "")), "the answer is a matrix", "check that the URL is a Prometheus'"},
		{"no value", answers(204, ""), "bad_response: ", "login page"},
	} {
		s := httptest.NewServer(test.handler)
		c := client(t, s.URL)
		for _, query := range []string{`up`, `sum(up)`, `sum(rate(x[1m]))`} {
			source := prom.Source{Client: c, Query: prom.MustParse(query), Timeout: 50 * time.Millisecond}
			if !strings.Contains(test.sentence, "no answer") {
				source.Timeout = 0
			}
			clock, list := once(t, source)
			want := fmt.Sprintf("prometheus: query %q: %s", query, test.unknown)
			if len(list) != 1 || !strings.HasPrefix(list[0].Unknown, want) {
				t.Errorf("%s: observed %s, want %q", test.sentence, show(list...), want)
				continue
			}
			if o := list[0]; len(o.Unknown) > 400 || o.From < 0 || o.To < o.From || o.To > clock.Now() {
				t.Errorf("%s: unknown in %s: %s", test.sentence, o.Span, o.Unknown)
			}
			_, err := source.Preflight(t.Context())
			if err == nil || !strings.Contains(err.Error(), test.unknown) || !strings.Contains(err.Error(), test.next) ||
				!strings.HasPrefix(err.Error(), fmt.Sprintf("preflight prometheus at %s: query %q: ", s.URL, query)) {
				t.Errorf("%s: preflight says %v, want %q and %q", test.sentence, err, test.unknown, test.next)
			}
			if away := strings.HasPrefix(test.unknown, "server_error") || test.sentence == "no answer"; errors.Is(err, prom.ErrAway) != away {
				t.Errorf("%s: away is %t, want %t", test.sentence, !away, away)
			}
		}
		s.CloseClientConnections()
		s.Close()
	}
}

// A Prometheus that goes away is unknown while it is, and observed again when
// it is back, with what it scraped meanwhile.
func TestAwayAndBack(t *testing.T) {
	t.Parallel()
	s := start(t, 0)
	s.fill(t, s.every(`up`, time.Second, time.Second, 1, 1)...)
	address := s.Listener.Addr().String()
	clock := steadystate.StartClock()
	c := client(t, s.URL)
	samples, stopSamples := watch(t, prom.Source{Client: c, Query: prom.MustParse(`up`), Interval: 5 * time.Millisecond}, clock)
	sums, stopSums := watch(t, prom.Source{Client: c, Query: prom.MustParse(`sum(up)`), Interval: 5 * time.Millisecond}, clock)
	sums.until(t, "a sum", count(1))

	s.Server.Close()
	away := func(list []steadystate.Observation) bool {
		return strings.Contains(reasons(list), "connection refused")
	}
	samples.until(t, "refused", away)
	sums.until(t, "refused", away)
	missed := time.Now()
	s.fill(t, sample{`up`, missed, 2})

	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	again := &httptest.Server{Listener: listener, Config: &http.Server{Handler: s.Prometheus}}
	again.Start()
	t.Cleanup(again.Close)
	samples.until(t, "what was missed", count(1))
	sums.until(t, "a sum", func(list []steadystate.Observation) bool {
		v := values(list)
		return v[len(v)-1] == 2
	})
	stopSums()
	for _, o := range stopSamples() {
		if at := clock.At(missed); o.Unknown == "" && (o.Value != 2 || o.From > at || o.To < at) {
			t.Errorf("observed %s, want what was scraped at %s", show(o), at)
		}
		if o.Unknown != "" && !strings.HasPrefix(o.Unknown, `prometheus: query "up": `) {
			t.Errorf("reason %q does not name the query", o.Unknown)
		}
	}
	_, err = prom.Source{Client: client(t, "http://"+unused(t)), Query: prom.MustParse(`up`)}.Preflight(t.Context())
	if err == nil || !strings.Contains(err.Error(), "connection refused: check that the server listens there and that it can be reached from this machine") {
		t.Errorf("preflight says %v", err)
	}
}

// unused is an address without a listener.
func unused(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func TestSourceRefuses(t *testing.T) {
	t.Parallel()
	c := client(t, "http://127.0.0.1:9")
	q := prom.MustParse("up")
	for _, test := range []struct {
		sentence string
		source   prom.Source
		want     string
	}{
		{"no client", prom.Source{Query: q}, "observe prometheus: a source needs a client: prom.NewClient"},
		{"no query", prom.Source{Client: c}, "observe prometheus: a source needs a query: prom.Parse"},
		{"a reduction that does not exist", prom.Source{Client: c, Query: q, Reduce: "median"}, `observe prometheus: query "up": no reduction "median": say one of ["sum" "max" "min" "avg" "each"]`},
		{"an interval below zero", prom.Source{Client: c, Query: q, Interval: -1}, `observe prometheus: query "up": interval -1ns is below zero`},
		{"a timeout below zero", prom.Source{Client: c, Query: q, Timeout: -1}, `timeout -1ns is below zero`},
		{"a lookback below zero", prom.Source{Client: c, Query: q, Lookback: -1}, `lookback -1ns is below zero`},
	} {
		err := test.source.Observe(t.Context(), steadystate.StartClock(), func(o steadystate.Observation) {
			t.Errorf("%s: recorded %s", test.sentence, show(o))
		})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.sentence, err, test.want)
		}
		if _, again := test.source.Preflight(t.Context()); again == nil || again.Error() != err.Error() {
			t.Errorf("%s: preflight says %v, want %v", test.sentence, again, err)
		}
	}
}

func TestSignal(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		sentence string
		source   prom.Source
		want     string
	}{
		{"a plain selector", prom.Source{Query: prom.MustParse("up")}, "prometheus: up (raw samples, fetched every 1s)"},
		{"each of its series", prom.Source{Query: prom.MustParse("up"), Reduce: prom.Each}, "prometheus: each of up (raw samples, fetched every 1s)"},
		{"its series at one instant", prom.Source{Query: prom.MustParse("up"), Reduce: prom.Min}, "prometheus: min of up (evaluated every 1s)"},
		{"an expression", prom.Source{Query: prom.MustParse("rate(x[1m])"), Interval: 5 * time.Second}, "prometheus: rate(x[1m]) (evaluated every 5s)"},
	} {
		signal := test.source.Signal("name")
		if signal.Name != "name" || signal.Describe != test.want || signal.Source == nil {
			t.Errorf("%s: %+v, want %q", test.sentence, signal, test.want)
		}
	}
}

// A preflight that is stopped says so, and not that Prometheus was slow.
func TestPreflightIsStopped(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
	}))
	t.Cleanup(s.Close)
	_, err := prom.Source{Client: client(t, s.URL), Query: prom.MustParse("up")}.Preflight(ctx)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "stopped before it was answered") {
		t.Errorf("error %v", err)
	}
}
