package prom_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/steadystate/prom"
)

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
	s.Close()
	c, err := prom.NewClient(prom.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Ahead(t.Context()); err == nil || !strings.Contains(err.Error(), url+": connection refused: check that the server listens there") {
		t.Errorf("a server that is away: %v", err)
	}
}
