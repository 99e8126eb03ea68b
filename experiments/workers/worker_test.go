package workers_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/experiments/workers"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/steadystatetest"
)

const ms = time.Millisecond

// A hand is a worker that serves on loopback.
type hand struct {
	url      string
	ended    chan error
	end      context.CancelFunc
	listener *severed
}

// severed is a listener whose connections can all be cut, as those of a worker
// that is killed are.
type severed struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

func (s *severed) Accept() (net.Conn, error) {
	conn, err := s.Listener.Accept()
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.conns = append(s.conns, conn)
	}
	return conn, err
}

func (s *severed) cut() {
	_ = s.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, conn := range s.conns {
		_ = conn.Close()
	}
}

// hire starts a worker of the run "r".
func hire(t *testing.T, w workers.Worker) *hand {
	t.Helper()
	w.Run = "r"
	return hireFor(t, w)
}

// hireFor starts a worker of whatever run it is of.
func hireFor(t *testing.T, w workers.Worker) *hand {
	t.Helper()
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener := &severed{Listener: plain}
	ctx, end := context.WithCancel(context.WithoutCancel(t.Context()))
	h := &hand{url: fmt.Sprintf("http://%s/%s", plain.Addr(), w.Run), ended: make(chan error, 1), end: end, listener: listener}
	served := make(chan struct{})
	go func() {
		defer close(served)
		h.ended <- w.Serve(ctx, listener)
	}()
	t.Cleanup(func() { end(); <-served })
	return h
}

func urls(hands ...*hand) []string {
	var list []string
	for _, h := range hands {
		list = append(list, h.url)
	}
	return list
}

// A truth is a service that notes when it met each request.
type truth struct {
	clock steadystate.Clock
	mu    sync.Mutex
	met   map[string]time.Duration
}

func (s *truth) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.met[r.Header.Get("X-Vegeta-Seq")] = s.clock.Now()
}

// The clock of each worker is wrong by another hour. On the record's clock each
// request was under way when the service met it, by the same clock, and the
// schedule is that of one load.
func TestTheSharesOfWorkersWithWrongClocksMergeToOneLoad(t *testing.T) {
	const rate = 60
	clock := steadystate.StartClock()
	service := &truth{clock: clock, met: map[string]time.Duration{}}
	server := httptest.NewServer(service)
	defer server.Close()
	wrong := []time.Duration{0, time.Hour, -30 * time.Minute}
	var hands []*hand
	for _, by := range wrong {
		hands = append(hands, hire(t, workers.Worker{}.Ahead(by)))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	var list []record.Request
	var notes []string
	// The timeout is for machines that are busy with something else.
	err := workers.Drive(ctx, load.HTTP{Shape: load.Constant(rate), URL: server.URL, Timeout: 20 * time.Second}, clock, urls(hands...),
		func(q record.Request) { list = append(list, q) },
		func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) })
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 2*rate {
		t.Fatalf("%d requests in three seconds and more, want %d a second", len(list), rate)
	}
	known := clocks(t, notes, wrong)
	slices.SortFunc(list, func(a, b record.Request) int { return cmp.Compare(a.Seq, b.Seq) })
	service.mu.Lock()
	defer service.mu.Unlock()
	worst, answered := time.Duration(0), 0
	for i, q := range list {
		if q.Seq != uint64(i) {
			t.Fatalf("number %d is in the place of %d: want all, each once", q.Seq, i)
		}
		if met := service.met[fmt.Sprint(q.Seq)]; q.Code == http.StatusOK {
			answered++
			if met < q.Flight().From || met > q.Flight().To {
				t.Errorf("request %d was met at %s, and is said to have been under way in %s", i, met, q.Flight())
			}
		}
		if q.Skew <= 0 || q.Answered <= q.Sent || q.Planned > q.Sent {
			t.Errorf("request %d: planned %s, sent %s, answered %s, ±%s", i, q.Planned, q.Sent, q.Answered, q.Skew)
		}
		// The workers began at one instant, each by its own clock, which was known
		// so well then and is so well now.
		want := list[0].Planned + time.Duration(i)*time.Second/rate
		leave := q.Skew + list[0].Skew + 2*known + 2*time.Microsecond
		if off := (q.Planned - want).Abs(); off > leave {
			t.Errorf("request %d is planned %s beside the schedule of the whole, want at most the %s that the clocks leave", i, off, leave)
		}
		worst = max(worst, q.Skew)
	}
	if answered < len(list)/2 {
		t.Errorf("%d of %d were answered", answered, len(list))
	}
	t.Logf("%d of %d answered, worst skew %s\n%s", answered, len(list), worst, strings.Join(notes, "\n"))
}

func TestAWorkerOfAnotherVersionIsNoted(t *testing.T) {
	var notes []string
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // so that the load does not begin
	same, other := hire(t, workers.Worker{}), hire(t, workers.Worker{}.Of("v0.9.0"))
	if err := workers.Drive(ctx, load.HTTP{Shape: load.Constant(1), URL: "http://127.0.0.1:1/"}, steadystate.StartClock(), urls(same, other), nil,
		func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }); err != nil {
		t.Fatal(err)
	}
	if want := "the worker at " + other.url + ": " + faults.OtherBuild("v0.9.0"); len(notes) != 3 || !slices.Contains(notes, want) {
		t.Errorf("notes %q, want one on each clock, and %q", notes, want)
	}
}

// clocks looks whether the notes tell by how much the clocks of the workers are
// wrong, and returns how well the least known is known.
func clocks(t *testing.T, notes []string, wrong []time.Duration) (worst time.Duration) {
	t.Helper()
	said := regexp.MustCompile(`: its wall clock is (\S+) ahead of ours, known to ±(\S+)$`)
	for i, ahead := range wrong {
		m := said.FindStringSubmatch(notes[i])
		if m == nil {
			t.Fatalf("note %q does not tell of a clock", notes[i])
		}
		by, _ := time.ParseDuration(m[1])
		known, _ := time.ParseDuration(m[2])
		// Both are rounded, and the wall clock and the monotonic one are read one
		// after the other.
		known += 100 * time.Microsecond
		if off := (by - ahead).Abs(); off > known {
			t.Errorf("%q is wrong by %s", notes[i], off)
		}
		worst = max(worst, known)
	}
	return worst
}

// Three workers and one, at the same time against the same service: within the
// bounds of their samples they see the same.
func TestThreeWorkersSeeWhatOneSees(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		time.Sleep(time.Duration(5+rand.ExpFloat64()*10) * ms)
	}))
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	defer cancel()
	took := map[int][]float64{}
	var mu sync.Mutex
	var driving sync.WaitGroup
	for _, count := range []int{1, 3} {
		var hands []*hand
		for range count {
			hands = append(hands, hire(t, workers.Worker{}))
		}
		driving.Go(func() {
			err := workers.Drive(ctx, load.HTTP{Shape: load.Constant(60), URL: server.URL, Timeout: 20 * time.Second}, steadystate.StartClock(), urls(hands...),
				func(q record.Request) {
					mu.Lock()
					defer mu.Unlock()
					took[count] = append(took[count], (q.Answered - q.Sent).Seconds())
				}, func(string, ...any) {})
			if err != nil {
				t.Errorf("%d workers: %v", count, err)
			}
		})
	}
	driving.Wait()
	compare := func(what string, bounds func([]float64) steadystate.Bounds[float64]) {
		one, three := bounds(took[1]), bounds(took[3])
		t.Logf("%s: %v s by one of %d, %v s by three of %d", what, one, len(took[1]), three, len(took[3]))
		if one.Low > three.High || three.Low > one.High {
			t.Errorf("%s: %v s by one worker and %v s by three do not meet", what, one, three)
		}
	}
	for _, q := range []float64{0.5, 0.95} {
		compare(fmt.Sprintf("p%g", 100*q), func(v []float64) steadystate.Bounds[float64] { return steadystatetest.Quantile(v, q, 0.9999) })
	}
	compare("mean", func(v []float64) steadystate.Bounds[float64] { return steadystatetest.Mean(v, 4) })
}

func TestAWorkerThatFailsIsAnErrorAndNoMissingRequest(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	for _, row := range []struct {
		sentence string
		hurt     func(*hand)
		want     string
	}{
		{"one whose connections break", func(h *hand) { h.listener.cut() }, "broke off"},
		{"one that is told to end says so", func(h *hand) { h.end() }, "did not drive its share to the end: interrupted: the worker was told to end"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			hands := []*hand{hire(t, workers.Worker{}), hire(t, workers.Worker{})}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			var once sync.Once
			begun := time.Now()
			err := workers.Drive(ctx, load.HTTP{Shape: load.Constant(100), URL: server.URL}, steadystate.StartClock(), urls(hands...),
				func(record.Request) { once.Do(func() { row.hurt(hands[1]) }) }, func(string, ...any) {})
			if err == nil || !strings.Contains(err.Error(), row.want) || !strings.Contains(err.Error(), hands[1].url) {
				t.Errorf("error %v, want one with %q that names %s", err, row.want, hands[1].url)
			}
			if ctx.Err() != nil {
				t.Errorf("it took %s to notice", time.Since(begun))
			}
		})
	}
}

func TestALoadThatEndsAtOnceIsNoError(t *testing.T) {
	h := hire(t, workers.Worker{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := workers.Drive(ctx, load.HTTP{Shape: load.Constant(1), URL: "http://127.0.0.1:1/"}, steadystate.StartClock(), urls(h), func(record.Request) {}, func(string, ...any) {})
	if err != nil {
		t.Error(err)
	}
}

func TestAWorkerRefuses(t *testing.T) {
	h := hire(t, workers.Worker{})
	order := func(change map[string]any) []byte {
		o := map[string]any{"shape": "10/s", "targets": []map[string]any{{"method": "GET", "url": "http://127.0.0.1:1/"}}, "worker": 0, "of": 2, "start": time.Hour}
		maps.Copy(o, change)
		text, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for _, row := range []struct {
		sentence, url, path string
		body                []byte
		code                int
		want                string
	}{
		{"who does not name its run", strings.TrimSuffix(h.url, "/r"), "/other/order", order(nil), http.StatusNotFound, ""},
		{"what is no load", h.url, "/order", []byte("load"), http.StatusBadRequest, "read the load"},
		{"a load with what it does not know", h.url, "/order", order(map[string]any{"colour": "red"}), http.StatusBadRequest, `unknown field "colour": is the workers' image of this version?`},
		{"a shape that there is not", h.url, "/order", order(map[string]any{"shape": "much"}), http.StatusBadRequest, `"much" is not a rate`},
		{"a share that there is not", h.url, "/order", order(map[string]any{"worker": 2}), http.StatusBadRequest, "share 2 of 2"},
		{"a load of nothing", h.url, "/order", order(map[string]any{"targets": nil}), http.StatusBadRequest, "no target"},
		{"a target that is none", h.url, "/order", order(map[string]any{"targets": []map[string]any{{"method": "GET", "url": "ftp://h/"}}}), http.StatusBadRequest, `target 1: url "ftp://h/"`},
		{"authorities that are none", h.url, "/order", order(map[string]any{"authorities": []byte("x")}), http.StatusBadRequest, "no certificate in PEM"},
		{"to stop what it does not drive", h.url, "/stop?after=1s", nil, http.StatusConflict, "it has no load"},
		{"to stop at no time", h.url, "/stop?after=soon", nil, http.StatusBadRequest, "when the load ends"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			resp, err := http.Post(row.url+row.path, "application/json", bytes.NewReader(row.body))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			text, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != row.code || !strings.Contains(string(text), row.want) {
				t.Errorf("%d %s, %v; want %d and %q", resp.StatusCode, text, err, row.code, row.want)
			}
		})
	}
}

func TestAWorkerTakesOneLoadAndDrivesItOnce(t *testing.T) {
	const later, past = `{"shape":"10/s","targets":[{"method":"GET","url":"http://127.0.0.1:1/"}],"worker":0,"of":1,"start":3600000000000}`,
		`{"shape":"10/s","targets":[{"method":"GET","url":"http://127.0.0.1:1/"}],"worker":0,"of":1,"start":-1}`
	h, late := hire(t, workers.Worker{}), hire(t, workers.Worker{})
	for _, row := range []struct {
		sentence, method, url, body string
		code                        int
		want                        string
	}{
		{"none is none to drive", http.MethodGet, h.url + "/drive", "", http.StatusConflict, "it has no load"},
		{"the first is taken", http.MethodPost, h.url + "/order", later, http.StatusNoContent, ""},
		{"and no other", http.MethodPost, h.url + "/order", later, http.StatusConflict, "it has a load already"},
		{"it is driven", http.MethodGet, h.url + "/drive", "", http.StatusOK, `"format":"aftershock/record"`},
		{"and not twice", http.MethodGet, h.url + "/drive", "", http.StatusConflict, "it drives its load already"},
		{"one that was to begin in the past", http.MethodPost, late.url + "/order", past, http.StatusNoContent, ""},
		{"is not driven", http.MethodGet, late.url + "/drive", "", http.StatusConflict, "the load was to begin"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), row.method, row.url, strings.NewReader(row.body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		line, _ := bufio.NewReader(resp.Body).ReadString('\n')
		t.Cleanup(func() { _ = resp.Body.Close() })
		if resp.StatusCode != row.code || !strings.Contains(line, row.want) {
			t.Errorf("%s: %d %s, want %d and %q", row.sentence, resp.StatusCode, line, row.code, row.want)
		}
	}
}

func TestAWorkerEndsByItself(t *testing.T) {
	t.Run("when nobody calls, with an error", func(t *testing.T) {
		h := hire(t, workers.Worker{Idle: 50 * ms})
		if err := <-h.ended; !errors.Is(err, workers.ErrUnwanted) {
			t.Errorf("it ended with %v", err)
		}
	})
	t.Run("when its load is over, without one", func(t *testing.T) {
		h := hire(t, workers.Worker{Idle: 2 * time.Second})
		ctx, cancel := context.WithCancel(t.Context())
		resp := driven(ctx, t, h.url, `{"shape":"10/s","targets":[{"method":"GET","url":"http://127.0.0.1:1/"}],"worker":0,"of":1,"start":3600000000000}`)
		cancel() // whoever asked is gone
		_ = resp.Body.Close()
		if err := <-h.ended; err != nil {
			t.Errorf("it ended with %v", err)
		}
	})
	t.Run("it does not while it drives, and shows that it lives", func(t *testing.T) {
		h := hire(t, workers.Worker{Idle: 1500 * ms})
		resp := driven(t.Context(), t, h.url, `{"shape":"1/min","targets":[{"method":"GET","url":"http://127.0.0.1:1/"}],"worker":0,"of":1,"start":3600000000000}`)
		defer func() { _ = resp.Body.Close() }()
		lines := 0
		for _, err := range record.Read(resp.Body) {
			if err != nil {
				t.Fatalf("after %d lines: %v", lines, err)
			}
			if lines++; lines == 3 { // the header, and two signs of life
				break
			}
		}
		if lines != 3 {
			t.Errorf("%d lines, want two signs of life after the header", lines)
		}
	})
}

// driven has a worker take a load and drive it.
func driven(ctx context.Context, t *testing.T, url, order string) *http.Response {
	t.Helper()
	taken, err := http.Post(url+"/order", "application/json", strings.NewReader(order))
	if err != nil || taken.StatusCode != http.StatusNoContent {
		t.Fatalf("%v, %v", taken, err)
	}
	_ = taken.Body.Close()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/drive", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%v, %v", resp, err)
	}
	return resp
}
