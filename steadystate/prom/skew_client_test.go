package prom_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/steadystate/prom"
)

// A context that ends between two answers leaves the ones that there are.
func TestAheadByTheAnswersThatThereAre(t *testing.T) {
	t.Parallel()
	ctx, end := context.WithCancel(t.Context())
	var first atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !first.CompareAndSwap(false, true) {
			_, _ = io.Copy(io.Discard, r.Body) // else the server does not see the client leave
			end()
			<-r.Context().Done()
			return
		}
		w.Header().Set("Content-Type", "application/json")
		now := float64(time.Now().UnixMilli()) / 1000
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[%.3f,"0"]}]}}`, now)
	}))
	t.Cleanup(server.Close)
	got, err := client(t, server.URL).Ahead(ctx)
	if err != nil || got.Low > 0 || got.High < 0 {
		t.Errorf("ahead by %s to %s, %v; in truth by 0s", got.Low, got.High, err)
	}
}

// The difference of the clocks is measured, and a server that refuses connections
// is an error that says what to do.
func TestAheadOfAServer(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{0, 90 * time.Second, -time.Hour} {
		got, err := client(t, start(t, ahead).URL).Ahead(t.Context())
		if err != nil || got.Low > ahead || got.High < ahead || got.High-got.Low > time.Second {
			t.Errorf("ahead by %s to %s, %v; in truth by %s", got.Low, got.High, err, ahead)
		}
	}
	s := start(t, 0)
	url := s.URL
	s.Server.Close()
	c, err := prom.NewClient(prom.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Ahead(t.Context()); err == nil || !strings.Contains(err.Error(), url+": connection refused: check that the server listens there") {
		t.Errorf("a server that is away: %v", err)
	}
}
