package load_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// Two streams from one load: each has its numbers, its signal and its kind of
// connections.
func TestFreshAndReusedConnectionsAreApart(t *testing.T) {
	var mu sync.Mutex
	connections := map[string]map[string]int{} // by stream, address
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		stream := r.Header.Get("X-Vegeta-Attack")
		if connections[stream] == nil {
			connections[stream] = map[string]int{}
		}
		connections[stream][r.RemoteAddr]++
	}))
	defer server.Close()

	var file bytes.Buffer
	rec := record.NewRecorder(&file)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	count := map[string]int{}
	err := load.HTTP{Shape: load.Constant(200), ReuseRate: 100, URL: server.URL}.Drive(ctx, rec.Clock(), func(q record.Request) {
		count[q.Signal]++
		signal := q.Signal
		if signal == "" {
			signal = record.TrafficSignal
		}
		rec.Request(signal, q)
		if count[""] >= 100 && count[load.ReusedSignal] >= 50 {
			cancel()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	rec.Flush()
	seen := map[string]map[uint64]bool{}
	for e, err := range record.Read(bytes.NewReader(file.Bytes())) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Requests == nil {
			continue
		}
		if seen[e.Requests.Signal] == nil {
			seen[e.Requests.Signal] = map[uint64]bool{}
		}
		for _, q := range e.Requests.List {
			seen[e.Requests.Signal][q.Seq] = true
		}
	}
	for signal, want := range map[string]int{record.TrafficSignal: count[""], load.ReusedSignal: count[load.ReusedSignal]} {
		if len(seen[signal]) != want {
			t.Errorf("%s: %d requests in the record, want %d, each with its number", signal, len(seen[signal]), want)
		}
		for seq := range want {
			if !seen[signal][uint64(seq)] {
				t.Errorf("%s: no request %d", signal, seq)
			}
		}
	}
	if n := len(connections[record.TrafficSignal]); n != count[""] {
		t.Errorf("%d connections for %d fresh requests", n, count[""])
	}
	// As many as were in flight at once, which is few, unless the machine is
	// very busy.
	if n := len(connections[load.ReusedSignal]); n >= count[load.ReusedSignal] {
		t.Errorf("%d connections for %d requests on reused ones", n, count[load.ReusedSignal])
	}
}

func TestALoadNamesItsSignals(t *testing.T) {
	one := load.HTTP{Shape: load.Constant(100), URL: "http://shop.example/"}
	if got := one.Signals(); len(got) != 1 || !strings.HasPrefix(got[record.TrafficSignal], "requests at 100/s over fresh connections") {
		t.Errorf("%v", got)
	}
	one.ReuseRate = 20
	got := one.Signals()
	if len(got) != 2 || !strings.HasPrefix(got[load.ReusedSignal], "requests at 20/s over reused connections") || strings.Contains(got[record.TrafficSignal], "reused") {
		t.Errorf("%v", got)
	}
	if want := "requests at 100/s over fresh connections and 20/s over reused ones, GET"; !strings.HasPrefix(one.String(), want) {
		t.Errorf("%s, want %s", one, want)
	}
}

// What cannot be recorded ends the load with an error, never in silence.
func TestALoadWhoseRecordHangsEndsWithAnError(t *testing.T) {
	var last atomic.Int64 // request's time
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { last.Store(time.Now().UnixNano()) }))
	defer server.Close()
	recorded := 0
	err := load.HTTP{Shape: load.Constant(500), URL: server.URL}.WithRoom(20).Drive(t.Context(), steadystate.StartClock(), func(record.Request) {
		// It hangs for as long as requests come.
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for time.Since(time.Unix(0, last.Load())) < 200*time.Millisecond {
			<-tick.C
		}
		recorded++
	})
	if want := "is behind by more than 20 requests: is the disk full"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one with %q", err, want)
	}
	if recorded < 20 {
		t.Errorf("%d requests were recorded, want all that were held", recorded)
	}
}
