package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// done is how many operations the server has counted.
func done(s *server, op, result string) int {
	return int(testutil.ToFloat64(s.ops.WithLabelValues(op, result)))
}

func TestAClientReadsWhatWasAcknowledged(t *testing.T) {
	s, web := running(t, config{storeName: "healthy"})
	c := newClient(web.URL)
	for range 100 {
		c.step(t.Context())
	}
	if done(s, write, ok) != 50 || done(s, read, ok) != 50 || done(s, read, missing) != 0 {
		t.Errorf("%d writes, %d reads, %d missing", done(s, write, ok), done(s, read, ok), done(s, read, missing))
	}
}

func TestWhatAPodHasLostIsMissed(t *testing.T) {
	s, web := running(t, config{storeName: "healthy"})
	c := newClient(web.URL)
	for range 200 {
		c.step(t.Context())
	}
	lose(t, s)
	for range 100 {
		c.step(t.Context())
	}
	// Of the 100 entries before none is written again so soon, and of 150 at most a third are new.
	if got := done(s, read, missing); got < 20 || got > 50 {
		t.Errorf("%d of 50 reads are missing", got)
	}
}

// lose gives the server an empty store.
func lose(t *testing.T, s *server) {
	t.Helper()
	empty, err := openStore(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = empty.journal.close() })
	s.store.Store(empty)
}

func TestNothingIsExpectedOfAnotherStore(t *testing.T) {
	s, web := running(t, config{storeName: "healthy"})
	c := newClient(web.URL)
	for range 200 {
		c.step(t.Context())
	}
	s.storeName = "another"
	lose(t, s)
	for range 100 {
		c.step(t.Context())
	}
	// The first answer tells the client; if that is one to a read, it was missing.
	if got := done(s, read, missing); got > 1 {
		t.Errorf("%d reads are missing", got)
	}
	if len(c.acked) < 49 {
		t.Errorf("%d entries of the other store are acknowledged", len(c.acked))
	}
}

func TestEntriesAreWrittenInTurnAndNotForEver(t *testing.T) {
	s, web := running(t, config{})
	c := newClient(web.URL)
	for range 2*slots + 100 {
		c.step(t.Context())
	}
	if len(c.acked) != slots || s.store.Load().len() != slots {
		t.Errorf("%d acknowledged, %d in the store, want %d", len(c.acked), s.store.Load().len(), slots)
	}
}

func TestAStoreThatDoesNotAnswerHasAcknowledgedNothing(t *testing.T) {
	s := newServer(config{})
	web := httptest.NewServer(s) // not open: each answer is an error
	defer web.Close()
	c := newClient(web.URL)
	for range 10 {
		c.step(t.Context())
	}
	web.Close()
	c.step(t.Context())
	if len(c.acked) != 0 {
		t.Errorf("%d acknowledged", len(c.acked))
	}
	if done(s, read, failed) != 0 || done(s, write, failed) != 10 {
		t.Errorf("%d reads, %d writes: there was nothing to read", done(s, read, failed), done(s, write, failed))
	}
}

func TestStoresDoNotWaitForEachOther(t *testing.T) {
	s, web := running(t, config{})
	gone := httptest.NewServer(nil)
	gone.Close()
	hung := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or it never sees the client leave
		<-r.Context().Done()
	}))
	defer hung.Close()
	ctx, cancel := context.WithCancel(t.Context())
	env := map[string]string{"STORES": strings.Join([]string{gone.URL, hung.URL, web.URL}, ","), "RATE": "3000"}
	ended := make(chan error, 1)
	go func() { ended <- exec(ctx, []string{"client"}, func(name string) string { return env[name] }) }()
	for end := time.Now().Add(20 * time.Second); done(s, read, ok) < 10; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("a store that answers gets no load")
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
