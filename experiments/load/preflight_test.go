package load_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments/load"
)

// nobody is an address at which nothing listens.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return "http://" + l.Addr().String()
}

// A load that must reach certain backends looks for one of them, and says which
// others answer.
func TestPreflightLooksForABackend(t *testing.T) {
	var sent atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		switch n := sent.Add(1); {
		case n%30 == 0:
			w.Header().Set("X-Pod", "rare")
		case n%2 == 0:
			w.Header().Set("X-Pod", "even")
		case n%5 == 0:
		default:
			w.Header().Set("X-Pod", "odd")
		}
	}))
	defer server.Close()
	for _, row := range []struct {
		sentence string
		rate     float64
		backend  string
		err      string // empty: it is found
		sent     int64
	}{
		{"that answers first", 100, "odd", "", 1},
		{"that answers next", 100, "even", "", 11},
		{"that answers seldom", 100, "rare", "", 31},
		{"that answers none of a hundred more", 100, "none", "GET " + server.URL + "/: 91 answers name even, odd, rare", 101},
		{"that answers none of what a slow load sends in ten seconds", 2, "none", "GET " + server.URL + "/: 19 answers name even, odd", 21},
		{"by ten requests at least", 0.1, "none", "GET " + server.URL + "/: 10 answers name even, odd", 11},
	} {
		sent.Store(0)
		traffic := load.HTTP{URL: server.URL + "/", Shape: load.Constant(row.rate)}
		found, err := traffic.Preflight(t.Context(), func(name string) bool { return name == row.backend })
		if row.err == "" && (err != nil || !strings.Contains(found, "X-Pod names the pod")) || row.err != "" && (err == nil || err.Error() != row.err) {
			t.Errorf("%s: %q, %v; want %q", row.sentence, found, err, row.err)
		}
		if _, ok := errors.AsType[*load.ElsewhereError](err); ok != (row.err != "") {
			t.Errorf("%s: %T", row.sentence, err)
		}
		if got := sent.Load(); got != row.sent {
			t.Errorf("%s: %d requests, want %d", row.sentence, got, row.sent)
		}
	}
}

func TestPreflightSendsRequests(t *testing.T) {
	var sent atomic.Int64
	var flaky atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent.Add(1)
		switch r.URL.Path {
		case "/missing":
			w.WriteHeader(http.StatusNotFound)
			return
		case "/secret":
			w.WriteHeader(http.StatusUnauthorized)
			return
		case "/moved":
			http.Redirect(w, r, "/", http.StatusFound)
			return
		case "/cached":
			w.WriteHeader(http.StatusNotModified)
			return
		case "/away":
			http.Redirect(w, r, "https://user:pass@login.example:8443/token?t=secret", http.StatusTemporaryRedirect)
			return
		case "/slow":
			time.Sleep(300 * time.Millisecond)
		case "/flaky":
			if flaky.Add(1) == 1 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
		case "/unnamed":
			return
		}
		w.Header().Set("X-Pod", "one")
	}))
	defer server.Close()
	away := nobody(t)
	directory := files(t, map[string]string{
		"both":     "GET " + server.URL + "/\nGET " + server.URL + "/missing\nPUT " + server.URL + "/missing\n",
		"one-name": "GET " + server.URL + "/\nGET " + server.URL + "/unnamed\n",
		"many":     strings.Repeat("GET "+server.URL+"/\n", 25),
	})
	in := func(name string) string { return filepath.Join(directory, name) }
	for _, row := range []struct {
		sentence string
		load     load.HTTP
		found    string // empty: it is an error
		err      string
		sent     int64
	}{
		{"that are answered", load.HTTP{URL: server.URL}, ", and X-Pod names the pod", "", 1},
		{"and again after a stray failure", load.HTTP{URL: server.URL + "/flaky"}, "; it answers within ", "", 2},
		{"of each target", load.HTTP{Targets: in("one-name")}, ", 2 targets; it answers within ", "", 2},
		{"of ten targets at most", load.HTTP{Targets: in("many")}, ", 25 targets; it answers within ", "", 10},
		{"to an address where nothing listens", load.HTTP{URL: away}, "", "GET " + away + ": connection refused: check that the service listens there and that it can be reached from this machine (a port-forward that ended?)", 0},
		{"to a path that is not there", load.HTTP{URL: server.URL + "/missing"}, "", "GET " + server.URL + "/missing: 404: check the URL's path", 3},
		{"without the credentials", load.HTTP{URL: server.URL + "/secret"}, "", "401: check load.headers", 3},
		{"that are redirected", load.HTTP{URL: server.URL + "/moved"}, "", "/moved: 302: a redirect, which a load does not follow: give the URL that it leads to, or, if users need no more than that answer, load.success: {status: [200-399]}", 3},
		{"that are redirected elsewhere, without what may be secret", load.HTTP{URL: server.URL + "/away"}, "", "/away: 307: a redirect to the host login.example:8443, which a load does not follow: give", 3},
		{"whose answer has not changed", load.HTTP{URL: server.URL + "/cached"}, "", "/cached: 304: if users need no more than that answer, load.success: {status: [200-399]}", 3},
		{"that are redirected, where the user said which statuses are good", load.HTTP{URL: server.URL + "/moved", Success: load.Success{Status: []load.StatusRange{{From: 200, To: 200}}}}, "", "/moved: 302: load.success.status does not name it: add 302 if users need no more than that answer, or give the URL that the redirect leads to", 3},
		{"that are redirected, which is good", load.HTTP{URL: server.URL + "/moved", Success: load.Success{Status: []load.StatusRange{{From: 200, To: 399}}}}, "", "/moved: no answer names its backend", 1},
		{"whose redirect lacks the text that makes it good", load.HTTP{URL: server.URL + "/moved", Success: load.Success{Status: []load.StatusRange{{From: 200, To: 399}}, Contains: "paid"}}, "", `302 without "paid" in the body: load.success asks for something else`, 3},
		{"without the text that makes them good", load.HTTP{URL: server.URL, Success: load.Success{Contains: "paid"}}, "", `200 without "paid" in the body: load.success asks for something else`, 3},
		{"that are answered too late", load.HTTP{URL: server.URL + "/slow", Timeout: 50 * time.Millisecond}, "", "/slow: time-out: check that the address can be reached from this machine, and load.timeout", 3},
		{"of several targets with one reason once", load.HTTP{Targets: in("both")}, "", "GET " + server.URL + "/missing and 1 more: 404: check the URL's path", 7},
		{"whose answers name no pod", load.HTTP{URL: server.URL + "/unnamed", BackendHeader: "X-Instance"}, "", "GET " + server.URL + "/unnamed: no answer names its backend in the header X-Instance: have the service send its pod's name in a response header, and say which one under load.backendHeader", 1},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			sent.Store(0)
			row.load.Shape = load.Constant(10)
			found, err := row.load.Preflight(t.Context(), nil)
			switch {
			case row.err == "" && (err != nil || !strings.Contains(found, row.found)):
				t.Errorf("%q, %v; want %q", found, err, row.found)
			case row.err != "" && (err == nil || !strings.Contains(err.Error(), row.err)):
				t.Errorf("error\n%v\nwant\n%s", err, row.err)
			case errors.Is(err, load.ErrUnnamed) != strings.Contains(row.err, "names its backend"):
				t.Errorf("%v wraps ErrUnnamed: %t", err, errors.Is(err, load.ErrUnnamed))
			}
			if got := sent.Load(); got != row.sent {
				t.Errorf("%d requests, want %d", got, row.sent)
			}
		})
	}
}
