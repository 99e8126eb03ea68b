package prom_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/prom"
)

// A seriesLog keeps what is recorded of each series.
type seriesLog struct {
	mu   sync.Mutex
	of   map[string]*log
	more chan struct{}
}

func (l *seriesLog) record(name string, o steadystate.Observation) {
	l.mu.Lock()
	one := l.of[name]
	if one == nil {
		one = newLog()
		l.of[name] = one
	}
	l.mu.Unlock()
	one.record(o)
	select {
	case l.more <- struct{}{}:
	default:
	}
}

// series is the log of one, once there is one.
func (l *seriesLog) series(t testing.TB, name string) *log {
	t.Helper()
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	for {
		l.mu.Lock()
		one := l.of[name]
		l.mu.Unlock()
		if one != nil {
			return one
		}
		select {
		case <-l.more:
		case <-deadline.C:
			t.Fatalf("nothing of %s within 30s", name)
		}
	}
}

func (l *seriesLog) names() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.of))
}

func watchSeries(t testing.TB, p prom.PerSeries, clock steadystate.Clock) (l *seriesLog, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l = &seriesLog{of: map[string]*log{}, more: make(chan struct{}, 1)}
	ended := make(chan error, 1)
	go func() { ended <- p.Observe(ctx, clock, l.record) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return l, stop
}

func onceSeries(t testing.TB, p prom.PerSeries) map[string][]steadystate.Observation {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	got := map[string][]steadystate.Observation{}
	err := p.Observe(ctx, steadystate.StartClock(), func(name string, o steadystate.Observation) { got[name] = append(got[name], o) })
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// One pod's CPU rises and the other's does not; each is recorded under its
// name, with a span that holds the rate's range.
func TestEachPodHasItsOwnSignal(t *testing.T) {
	t.Parallel()
	s := start(t, 7*time.Second)
	c := client(t, s.URL)
	cpu := func(pod, container string) string {
		return fmt.Sprintf(`container_cpu_usage_seconds_total{namespace="shop",pod=%q,container=%q}`, pod, container)
	}
	s.fill(t, s.every(cpu("a", "app"), 5*time.Second, time.Second, 10, 14.5, 19, 23.5, 28)...)
	s.fill(t, s.every(cpu("a", "proxy"), 5*time.Second, time.Second, 0, 0.5, 1, 1.5, 2)...)
	s.fill(t, s.every(cpu("b", "app"), 5*time.Second, time.Second, 7, 7.5, 8, 8.5, 9)...)
	s.fill(t, s.every(`container_cpu_usage_seconds_total{namespace="shop"}`, 5*time.Second, time.Second, 1, 2, 3)...)
	p := prom.Source{
		Client: c,
		Query:  prom.MustParse(`sum by (pod) (rate(container_cpu_usage_seconds_total{namespace="shop"}[15s]))`),
	}.Per("pod")

	found, err := p.Preflight(t.Context())
	if err != nil || !slices.Contains(found.Notes, "1 series without the label pod are left out") || !slices.Equal(found.Names, []string{"a", "b"}) {
		t.Errorf("preflight: %v, %+v", err, found)
	}
	got := onceSeries(t, p)
	if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, []string{"a", "b"}) {
		t.Fatalf("recorded %v, want a and b", names)
	}
	for name, want := range map[string]float64{"a": 1, "b": 0.1} {
		list := got[name]
		if len(list) != 1 || list[0].Unknown != "" || list[0].Value < want-0.001 || list[0].Value > want+0.001 {
			t.Errorf("cpu of %s: %s, want %g", name, show(list...), want)
			continue
		}
		if width := list[0].Width(); width < 15*time.Second || width > 40*time.Second {
			t.Errorf("cpu of %s: span %s, want one that holds the 15s of its range", name, list[0].Span)
		}
	}
	if want := "prometheus: sum by (pod) (rate(container_cpu_usage_seconds_total{namespace=\"shop\"}[15s])) (evaluated every 1s), by pod"; p.String() != want {
		t.Errorf("%q, want %q", p, want)
	}
}

// Raw samples have the spans of their own scrapes, and a pod that is gone is
// unknown from then on.
func TestMemoryOfAPodThatGoes(t *testing.T) {
	t.Parallel()
	s := start(t, 0)
	clock := steadystate.StartClock()
	l, stop := watchSeries(t, prom.Source{
		Client: client(t, s.URL), Query: prom.MustParse(`container_memory_working_set_bytes`), Interval: 2 * time.Millisecond,
	}.Per("pod"), clock)
	s.asked(t, "container_memory_working_set_bytes")
	a, b := `container_memory_working_set_bytes{pod="a"}`, `container_memory_working_set_bytes{pod="b"}`
	atA, atB := time.Now(), time.Now()
	s.fill(t, sample{a, atA, 100}, sample{b, atB, 200})
	l.series(t, "a").until(t, "a's memory", count(1))
	l.series(t, "b").until(t, "b's memory", count(1))
	gone := time.Now().Add(time.Millisecond)
	s.fill(t, stale(a, gone))
	l.series(t, "a").until(t, "a gone", func(list []steadystate.Observation) bool {
		return strings.Contains(reasons(list), `no series with pod="a" any more`)
	})
	s.fill(t, sample{b, gone, 210})
	l.series(t, "b").until(t, "b's memory", count(2))
	stop()
	if got := l.names(); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("recorded %v", got)
	}
	if got := values(l.series(t, "a").all()); !slices.Equal(got, []float64{100}) {
		t.Errorf("a: %v", got)
	}
	list := l.series(t, "b").all()
	if got := values(list); !slices.Equal(got, []float64{200, 210}) || reasons(list) != "" {
		t.Errorf("b: %v, %s", got, reasons(list))
	}
	if o := list[0]; o.From > clock.At(atB) || o.To < clock.At(atB) {
		t.Errorf("b: %s does not hold its scrape at %s", o, clock.At(atB))
	}
}

// A pod that is not scraped any more is unknown, and the other is not.
func TestOnePodIsNotScraped(t *testing.T) {
	t.Parallel()
	s := start(t, 0)
	s.fill(t, s.every(`m{pod="late"}`, time.Second, 10*time.Second, 1, 1, 1, 1)...)
	s.fill(t, s.every(`m{pod="timely"}`, time.Second, time.Second, 1, 1, 1, 1)...)
	got := onceSeries(t, prom.Source{Client: client(t, s.URL), Query: prom.MustParse(`m`)}.Per("pod"))
	if r := reasons(got["late"]); !strings.Contains(r, `no sample for `) {
		t.Errorf("late: %q", r)
	}
	if r := reasons(got["timely"]); r != "" {
		t.Errorf("timely: %q", r)
	}
}

// While Prometheus is away every series that was known is unknown.
func TestSeriesAreUnknownWhilePrometheusIsAway(t *testing.T) {
	t.Parallel()
	s := start(t, 0)
	s.fill(t, s.every(`m{pod="a"}`, time.Second, 0, 1, 1)...)
	s.fill(t, s.every(`m{pod="b"}`, time.Second, 0, 1, 1)...)
	l, stop := watchSeries(t, prom.Source{
		Client: client(t, s.URL), Query: prom.MustParse(`sum by (pod) (m)`), Interval: 2 * time.Millisecond,
	}.Per("pod"), steadystate.StartClock())
	l.series(t, "b").until(t, "b", count(1))
	s.Server.Close()
	for _, name := range []string{"a", "b"} {
		l.series(t, name).until(t, name+" unknown", func(list []steadystate.Observation) bool {
			return strings.Contains(reasons(list), `prometheus: query "sum by (pod) (m)": connection refused`)
		})
	}
	stop()
}

func TestPerSeriesRefuses(t *testing.T) {
	t.Parallel()
	s := start(t, 0)
	c := client(t, s.URL)
	for _, container := range []string{"app", "proxy"} {
		s.fill(t, s.every(fmt.Sprintf(`m{pod="a",container=%q}`, container), time.Second, 0, 1, 1)...)
	}
	m := prom.Source{Client: c, Query: prom.MustParse(`m`)}
	for _, test := range []struct {
		sentence string
		p        prom.PerSeries
		want     string
	}{
		{"no label", m.Per(""), `observe prometheus: query "m": series that are observed apart need a label that names them, as in "pod"`},
		{"the metric's name", m.Per("__name__"), `need a label that names them`},
		{"a reduction", prom.Source{Client: c, Query: m.Query, Reduce: prom.Sum}.Per("pod"), `series that are observed apart are not reduced: leave out sum`},
		{"no client", prom.Source{Query: m.Query}.Per("pod"), "a source needs a client"},
	} {
		err := test.p.Observe(t.Context(), steadystate.StartClock(), func(name string, o steadystate.Observation) {
			t.Errorf("%s: recorded %s of %s", test.sentence, o, name)
		})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.sentence, err, test.want)
		}
		if _, again := test.p.Preflight(t.Context()); again == nil || again.Error() != err.Error() {
			t.Errorf("%s: preflight says %v, want %v", test.sentence, again, err)
		}
	}

	// What only the series show.
	for _, test := range []struct {
		sentence string
		p        prom.PerSeries
		want     string
	}{
		{"several with one name", m.Per("pod"), `2 series have pod="a": aggregate them by it, as in sum by (pod) (...)`},
		{"a label that none has", m.Per("node"), `no series has the label node: aggregate them by it, as in sum by (node) (...)`},
		{"no series", prom.Source{Client: c, Query: prom.MustParse(`typo`)}.Per("pod"), `nothing matches: the result is empty`},
	} {
		if _, err := test.p.Preflight(t.Context()); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: preflight says %v, want %q", test.sentence, err, test.want)
		}
	}
	got := onceSeries(t, m.Per("pod"))
	if list := got["a"]; len(list) != 1 || !strings.Contains(list[0].Unknown, `2 series have pod="a"`) {
		t.Errorf("several with one name: observed %s", show(list...))
	}
}
