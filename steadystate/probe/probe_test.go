package probe_test

import (
	"context"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/aftershockhq/aftershock/steadystate"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// observed observes until enough says so, and returns what was.
func observed(t *testing.T, source steadystate.Source, enough func(all []steadystate.Observation) bool) []steadystate.Observation {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	clock := steadystate.StartClock()
	var all []steadystate.Observation
	err := source.Observe(ctx, clock, func(o steadystate.Observation) {
		all = append(all, o)
		if enough(all) {
			cancel()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if !enough(all) {
		t.Fatalf("after a minute: %v", all)
	}
	for i, o := range all {
		if !o.Valid() || o.To > clock.Now() || (i > 0 && o.From < all[i-1].To) {
			t.Errorf("observation %d, %s, after %v: out of order", i, o, all[max(0, i-1)])
		}
		if o.Failed == "" && o.Unknown == "" && o.Value != o.Width().Seconds() {
			t.Errorf("%s: want the seconds of its span", o)
		}
	}
	return all
}

// atLeast is enough of that many observations of a kind.
func atLeast(n int, is func(steadystate.Observation) bool) func([]steadystate.Observation) bool {
	return func(all []steadystate.Observation) bool {
		return len(slices.DeleteFunc(slices.Clone(all), func(o steadystate.Observation) bool { return !is(o) })) >= n
	}
}

func answered(o steadystate.Observation) bool { return o.Failed == "" && o.Unknown == "" }

func failed(why string) func(steadystate.Observation) bool {
	return func(o steadystate.Observation) bool { return o.Failed == why }
}

// inOrder is enough when there was first the one, then the other and so on.
func inOrder(kinds ...func(steadystate.Observation) bool) func([]steadystate.Observation) bool {
	return func(all []steadystate.Observation) bool {
		i := 0
		for _, o := range all {
			if i < len(kinds) && kinds[i](o) {
				i++
			}
		}
		return i == len(kinds)
	}
}

// blackHole takes connections and says nothing.
func blackHole(t *testing.T) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conns []net.Conn
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conns = append(conns, conn)
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		accepting.Wait()
		for _, c := range conns {
			_ = c.Close()
		}
	})
	return listener.Addr().String()
}

// refused is an address without a listener.
func refused(t *testing.T) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}
