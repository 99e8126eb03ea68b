package load_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// drive drives the load until n requests were answered, and returns them in
// the order they were sent.
func drive(t *testing.T, c load.HTTP, n int) []record.Request {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var list []record.Request
	err := c.Drive(ctx, steadystate.StartClock(), func(q record.Request) {
		list = append(list, q)
		if len(list) == n {
			cancel()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < n {
		t.Fatalf("%d requests, want %d", len(list), n)
	}
	slices.SortFunc(list, func(a, b record.Request) int { return int(a.Seq) - int(b.Seq) })
	return list
}

func TestRequestsAreNumberedSpansWithTheirAnswerer(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]bool{}
	connections := map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen[r.Header.Get("X-Vegeta-Seq")] = true
		connections[r.RemoteAddr] = true
		mu.Unlock()
		w.Header().Set("X-Pod", "one")
	}))
	defer server.Close()

	list := drive(t, load.HTTP{Shape: load.Constant(200), URL: server.URL, Timeout: 20 * time.Second}, 50)
	for i, q := range list {
		if q.Seq != uint64(i) {
			t.Fatalf("request %d has number %d", i, q.Seq)
		}
		if q.Code != 200 || q.Backend != "one" || q.Attempts != 1 || q.Error != "" {
			t.Errorf("request %d: %+v", i, q)
		}
		if q.Planned > q.Sent || q.Sent >= q.Answered {
			t.Errorf("request %d: planned %s, sent %s, answered %s: out of order", i, q.Planned, q.Sent, q.Answered)
		}
		if i > 0 && q.Planned < list[i-1].Planned {
			t.Errorf("request %d is planned before the one before it", i)
		}
		if !seen[fmt.Sprint(i)] {
			t.Errorf("the server did not see number %d", i)
		}
	}
	if len(connections) != len(list) {
		t.Errorf("%d connections for %d requests, want a fresh one each", len(connections), len(list))
	}
}

func TestFailuresAreDataWithAReason(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	hang := make(chan struct{})
	for _, row := range []struct {
		sentence string
		handler  http.HandlerFunc
		url      string
		want     string
		success  load.Success
	}{
		{sentence: "a redirect, as to a page that says the service is away", handler: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/maintenance", http.StatusFound)
		}, want: "302"},
		{sentence: "a redirect without the body that makes it good", handler: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/login", http.StatusFound)
		}, success: load.Success{Status: []load.StatusRange{{From: 200, To: 399}}, Contains: "paid"}, want: `302 without "paid" in the body`},
		{sentence: "a body that lacks what it must have", handler: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"paid":false}`))
		}, success: load.Success{Contains: `"paid":true`}, want: `200 without "\"paid\":true" in the body`},
		{sentence: "a refused connection", url: closed.URL, want: "connection refused"},
		{sentence: "an answer that says no, however fast", handler: func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
		}, want: "503"},
		{sentence: "a connection reset before the answer", handler: func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		}, want: "connection reset"},
		{sentence: "a connection closed before the answer", handler: func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			_ = conn.Close()
		}, want: "connection closed"},
		{sentence: "an answer that breaks off", handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			_, _ = w.Write([]byte("half"))
		}, want: "connection closed"},
		{sentence: "no answer in time", handler: func(http.ResponseWriter, *http.Request) { <-hang }, want: "time-out"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			url := row.url
			if row.handler != nil {
				server := httptest.NewServer(row.handler)
				defer server.Close()
				if row.want == "time-out" {
					defer close(hang)
				}
				url = server.URL
			}
			for _, q := range drive(t, load.HTTP{Shape: load.Constant(100), URL: url, Timeout: 300 * time.Millisecond, Success: row.success}, 3) {
				if row.want == record.TimedOut && q.Stalled > 0 {
					continue // on a machine as busy as that nothing is known of it
				}
				if got := q.Observation().Failed; got != row.want {
					t.Errorf("failed %q, want %q (%+v)", got, row.want, q)
				}
				if !q.FailedFirst() || q.Local {
					t.Errorf("%+v: want a failure of the service", q)
				}
			}
		})
	}
}

func TestARepetitionOnAReusedConnectionIsAFailedFirstAttempt(t *testing.T) {
	var n atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		// Every fifth request finds its connection gone: Go's client silently
		// sends it again on another one.
		if n.Add(1)%5 == 0 {
			conn, _, _ := w.(http.Hijacker).Hijack()
			_ = conn.Close()
		}
	}))
	defer server.Close()
	repeated := 0
	for _, q := range drive(t, load.HTTP{Shape: load.Constant(100), URL: server.URL, Reuse: true}, 60) {
		if q.Attempts > 1 {
			repeated++
			if !q.FailedFirst() || (q.Code == 200 && q.FailedFinally()) {
				t.Errorf("%+v: want failed at first and not finally", q)
			}
		}
	}
	if repeated == 0 {
		t.Error("no request was retried: the client's retry went unseen")
	}
}

func TestALoadThatCannotKeepUpSaysSo(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		time.Sleep(100 * time.Millisecond)
	}))
	defer server.Close()
	// One worker against 100 ms an answer makes ten a second of the hundred.
	list := drive(t, load.HTTP{Shape: load.Constant(100), URL: server.URL, MaxInFlight: 1}, 12)
	if last := list[11]; last.Late() < 500*time.Millisecond {
		t.Errorf("request 11 was sent %s late, want more than 500ms", last.Late())
	}
}

func TestRefusedBeforeAnythingIsSent(t *testing.T) {
	for _, row := range []struct {
		sentence string
		load     load.HTTP
		want     string
	}{
		{"no shape", load.HTTP{URL: "http://localhost"}, `no shape: want one of "100/s", "ramp`},
		{"no rate", load.HTTP{Shape: load.Constant(0), URL: "http://localhost"}, "rate 0/s: want from 1/min"},
		{"no URL", load.HTTP{Shape: load.Constant(1)}, "load: url: is missing, as in http://checkout.example/checkout; or name a file of targets"},
		{"a URL with a password", load.HTTP{Shape: load.Constant(1), URL: "http://ann:hush@host/"}, `load: url: "http://xxxxx@host/" holds credentials: put them into headers, as in {Authorization: {env: NAME}}`},
		{"a URL with a user", load.HTTP{Shape: load.Constant(1), URL: "http://ann@host/"}, "holds credentials"},
		{"another scheme", load.HTTP{Shape: load.Constant(1), URL: "ftp://host/"}, `url: "ftp://host/": want http`},
		{"reused connections twice", load.HTTP{Shape: load.Constant(1), URL: "http://h/", Reuse: true, ReuseRate: 1}, "the other requests have fresh connections"},
		{"a reuse rate below zero", load.HTTP{Shape: load.Constant(1), URL: "http://h/", ReuseRate: -1}, "reuse rate -1/s: want from 1/min to 100000/s, or none"},
		{"a share that there is not", load.HTTP{Shape: load.Constant(1), URL: "http://h/"}.Share(2, 2), "share 2 of 2: want one from 0"},
		{"a share of none", load.HTTP{Shape: load.Constant(1), URL: "http://h/"}.Share(0, 0), "share 0 of 0"},
		{"a success that is a failure", load.HTTP{Shape: load.Constant(1), URL: "http://h/", Success: load.Success{Status: []load.StatusRange{{From: 200, To: 404}}}}, "success: status 200-404: want codes within 200-399"},
		{"a timeout below zero", load.HTTP{Shape: load.Constant(1), URL: "http://h/", Timeout: -1}, "below zero"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			err := row.load.Drive(t.Context(), steadystate.StartClock(), func(record.Request) { t.Error("sent") })
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want one with %q", err, row.want)
			}
		})
	}
}

func ExampleHTTP() {
	fmt.Println(load.HTTP{Shape: load.Constant(100), URL: "http://shop.example/checkout"})
	// Output: requests at 100/s over fresh connections, GET http://shop.example/checkout, timeout 2s
}

func TestALoadEndsWithItsWindow(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(named))
	defer server.Close()
	clock := steadystate.StartClock()
	start := clock.Now() + 100*time.Millisecond
	w := load.NewWindow(clock.Start().Add(start))
	w.End(time.Second)
	var list []record.Request
	// Of 50 a second the last is due at the end itself, and not sent.
	if err := (load.HTTP{Shape: load.Constant(50), URL: server.URL}).In(w).Drive(t.Context(), clock, func(q record.Request) { list = append(list, q) }); err != nil {
		t.Fatal(err)
	}
	if len(list) != 49 {
		t.Errorf("%d requests, want 49", len(list))
	}
	for _, q := range list {
		if want := start + time.Duration(q.Seq+1)*20*time.Millisecond; q.Planned != want {
			t.Errorf("request %d was planned for %s, want %s", q.Seq, q.Planned, want)
		}
	}
}

// What is asked of an answer is asked of each, and one that has it is good.
func TestAnAnswerWithAllThatIsAskedForIsGood(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(`{"paid":true}`))
	}))
	defer server.Close()
	l := load.HTTP{Shape: load.Constant(100), URL: server.URL, Success: load.Success{Status: []load.StatusRange{{From: 200, To: 200}, {From: 201, To: 299}}, Contains: `"paid":true`}}
	for _, q := range drive(t, l, 3) {
		if q.FailedFirst() || q.Code != http.StatusCreated {
			t.Errorf("%+v: want a good answer", q)
		}
	}
	if want := `good with status 200, 201-299 and "\"paid\":true" in the body`; !strings.Contains(l.String(), want) {
		t.Errorf("%s: want %q", l, want)
	}
}

// A redirect is good where it is asked for: a link shortener's users need no more.
func TestARedirectIsGoodWhereItIsAskedFor(t *testing.T) {
	server := httptest.NewServer(http.RedirectHandler("/long", http.StatusMovedPermanently))
	defer server.Close()
	for _, q := range drive(t, load.HTTP{Shape: load.Constant(100), URL: server.URL, Success: load.Success{Status: []load.StatusRange{{From: 200, To: 399}}}}, 3) {
		if q.FailedFirst() || q.Code != http.StatusMovedPermanently {
			t.Errorf("%+v: want a good answer", q)
		}
	}
}
