package prom_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/prom"
)

// A gateway stands before the server, and can be shut.
type gateway struct {
	*httptest.Server
	shut atomic.Bool

	mu      sync.Mutex
	refused []time.Time
}

func (s *server) behind(t *testing.T) *gateway {
	t.Helper()
	g := &gateway{}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.shut.Load() {
			g.mu.Lock()
			g.refused = append(g.refused, time.Now())
			g.mu.Unlock()
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		s.ServeHTTP(w, r)
	}))
	t.Cleanup(g.Close)
	return g
}

// refusals are when queries were refused.
func (g *gateway) refusals() []time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.refused)
}

// While Prometheus is away for less than scrapes are apart, nothing is missed:
// the next poll fetches all there is, and no time is unknown.
func TestAGapShorterThanTheSpacingIsNotUnknown(t *testing.T) {
	t.Parallel()
	s := start(t, 0)
	s.fill(t, s.every(`up`, time.Hour, time.Second, 1, 1)...)
	g := s.behind(t)
	clock := steadystate.StartClock()
	source := prom.Source{Client: client(t, g.URL), Query: prom.MustParse(`up`), Interval: 2 * time.Millisecond, Lookback: 3 * time.Hour}
	l, stop := watch(t, source, clock)
	sums, stopSums := watch(t, prom.Source{Client: source.Client, Query: prom.MustParse(`sum(up)`), Interval: 2 * time.Millisecond}, clock)
	s.asked(t, "up")
	sums.until(t, "a sum", count(1))
	s.fill(t, sample{`up`, time.Now(), 1})
	l.until(t, "a sample", count(1))

	g.shut.Store(true)
	// An evaluation that failed is never made good.
	sums.until(t, "503", func(list []steadystate.Observation) bool {
		return strings.Contains(reasons(list), "server_error: server error: 503") && len(g.refusals()) > 10
	})
	at := time.Now()
	s.fill(t, sample{`up`, at, 0})
	g.shut.Store(false)
	l.until(t, "the sample that was scraped meanwhile", count(2))
	stopSums()
	list := stop()
	if got := values(list); !slices.Equal(got, []float64{1, 0}) || reasons(list) != "" {
		t.Errorf("observed %s, want what was scraped and nothing unknown", show(list...))
	}
	if o := list[1]; o.From > clock.At(at) || o.To < clock.At(at) {
		t.Errorf("%s does not hold its scrape at %s", o, clock.At(at))
	}
}

// Nothing comes after the last poll that could make good what it missed, so
// all of the gap is unknown.
func TestAGapThatIsOnInTheEndIsUnknown(t *testing.T) {
	t.Parallel()
	s := start(t, 0)
	s.fill(t, s.every(`up`, time.Hour, time.Second, 1, 1)...)
	g := s.behind(t)
	clock := steadystate.StartClock()
	l, stop := watch(t, prom.Source{Client: client(t, g.URL), Query: prom.MustParse(`up`), Interval: 2 * time.Millisecond, Lookback: 3 * time.Hour}, clock)
	s.asked(t, "up")
	s.fill(t, sample{`up`, time.Now(), 1})
	l.until(t, "a sample", count(1))
	g.shut.Store(true)
	for len(g.refusals()) < 3 {
		<-time.After(time.Millisecond)
	}
	list := stop()
	last := list[len(list)-1]
	if len(list) != 2 || !strings.Contains(last.Unknown, "server error: 503") {
		t.Fatalf("observed %s, want one sample and one unknown", show(list...))
	}
	if first := clock.At(g.refusals()[0]); last.From > first || last.To > clock.Now() {
		t.Errorf("unknown in %s, want from before the first refusal at %s", last.Span, first)
	}
}

// A gap longer than scrapes are apart is unknown from its beginning, while it
// lasts: whoever watches must learn that nothing is seen.
func TestAGapLongerThanTheSpacingIsUnknown(t *testing.T) {
	t.Parallel()
	s := start(t, 0)
	s.fill(t, s.every(`up`, 200*time.Millisecond, 0, 1, 1, 1)...)
	g := s.behind(t)
	clock := steadystate.StartClock()
	l, stop := watch(t, prom.Source{Client: client(t, g.URL), Query: prom.MustParse(`up`), Interval: 2 * time.Millisecond}, clock)
	s.asked(t, "up")
	at := time.Now().Add(10 * time.Millisecond)
	<-time.After(time.Until(at))
	s.fill(t, sample{`up`, at, 1})
	l.until(t, "a sample", count(1))
	g.shut.Store(true)
	l.until(t, "503", func(list []steadystate.Observation) bool { return strings.Contains(reasons(list), "503") })
	for _, o := range stop() {
		if o.Unknown == "" || !strings.Contains(o.Unknown, "503") {
			continue
		}
		if first := clock.At(g.refusals()[0]); o.From > first || o.To < first {
			t.Errorf("unknown in %s, want from the poll that was refused at %s", o.Span, first)
		}
		return
	}
}

// A counter that begins again, as that of a pod that was restarted, makes no
// rate negative or huge.
func TestACounterThatIsReset(t *testing.T) {
	t.Parallel()
	s := start(t, 0)
	s.fill(t, s.every(`served_total`, 10*time.Second, time.Second, 1000, 1100, 1200, 0, 100, 200)...)
	_, list := once(t, prom.Source{Client: client(t, s.URL), Query: prom.MustParse(`sum(rate(served_total[55s]))`)})
	if len(list) != 1 || list[0].Unknown != "" || list[0].Value < 7 || list[0].Value > 10.01 {
		t.Errorf("observed %s, want a rate below the true one of 10 by what the reset hid, and above zero", show(list...))
	}
}

// What the engine takes for a mistake is said before anything is hurt.
func TestPreflightSaysWhatTheServerNotes(t *testing.T) {
	t.Parallel()
	s := start(t, 0)
	s.fill(t, s.every(`temperature`, time.Second, time.Second, 20, 21)...)
	found, err := prom.Source{Client: client(t, s.URL), Query: prom.MustParse(`sum(rate(temperature[10s]))`)}.Preflight(t.Context())
	if notes := strings.Join(found.Notes, "\n"); err != nil || !strings.Contains(notes, "the server says: PromQL info: metric might not be a counter") {
		t.Errorf("preflight: %v, notes %q", err, notes)
	}
}

// An answer that comes too late is unknown until the timeout and no longer.
func TestATimeOutOfTheRealEngine(t *testing.T) {
	t.Parallel()
	s := start(t, 0)
	s.fill(t, s.every(`up`, time.Second, time.Second, 1, 1)...)
	var slow atomic.Bool
	release := make(chan struct{})
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slow.Load() {
			_, _ = io.Copy(io.Discard, r.Body)
			select {
			case <-release:
			case <-r.Context().Done():
			}
			return
		}
		s.ServeHTTP(w, r)
	}))
	t.Cleanup(gateway.Close)
	t.Cleanup(func() { close(release) })
	l, stop := watch(t, prom.Source{
		Client: client(t, gateway.URL), Query: prom.MustParse(`sum(up)`), Interval: 2 * time.Millisecond, Timeout: 200 * time.Millisecond,
	}, steadystate.StartClock())
	l.until(t, "a value", count(1))
	slow.Store(true)
	l.until(t, "a timeout", func(list []steadystate.Observation) bool {
		return strings.Contains(reasons(list), "no answer within 200ms")
	})
	n := len(values(l.all()))
	slow.Store(false)
	l.until(t, "a value again", count(n+1))
	for _, o := range stop() {
		if strings.Contains(o.Unknown, "no answer within") && o.Width() < 200*time.Millisecond {
			t.Errorf("unknown in %s, shorter than the timeout", o.Span)
		}
	}
}
