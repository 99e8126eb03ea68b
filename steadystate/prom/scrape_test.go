package prom_test

import (
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/prom"
	"github.com/aftershockhq/aftershock/steadystate/steadystatetest"
)

// scrapes has the server scrape a target as Prometheus does, until stop.
func (s *server) scrapes(t *testing.T, spacing, timeout time.Duration, target string) {
	t.Helper()
	text := fmt.Sprintf("scrape_configs: [{job_name: shop, scrape_interval: %s, scrape_timeout: %s}]", model.Duration(spacing), model.Duration(timeout))
	cfg, err := config.Load(text, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	manager, err := scrape.NewManager(&scrape.Options{DiscoveryReloadInterval: model.Duration(time.Millisecond)}, nil, nil, s.Storage, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	if err := manager.ApplyConfig(cfg); err != nil {
		t.Fatal(err)
	}
	targets := make(chan map[string][]*targetgroup.Group)
	var running sync.WaitGroup
	running.Go(func() {
		if err := manager.Run(targets); err != nil {
			t.Errorf("scrape: %v", err)
		}
	})
	t.Cleanup(func() { manager.Stop(); running.Wait() })
	targets <- map[string][]*targetgroup.Group{"shop": {{
		Source:  "test",
		Targets: []model.LabelSet{{model.AddressLabel: model.LabelValue(strings.TrimPrefix(target, "http://"))}},
	}}}
}

// failedOutside reads from the storage which scrapes failed, but for those that
// were under way at some instant in the span.
func (s *server) failedOutside(t *testing.T, clock steadystate.Clock, span steadystate.Span) []steadystate.Span {
	t.Helper()
	querier, err := s.Storage.Querier(0, math.MaxInt64)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = querier.Close() }()
	read := func(name string) map[int64]float64 {
		found := map[int64]float64{}
		set := querier.Select(t.Context(), false, nil, labels.MustNewMatcher(labels.MatchEqual, model.MetricNameLabel, name))
		for set.Next() {
			samples := set.At().Iterator(nil)
			for samples.Next() == chunkenc.ValFloat {
				at, v := samples.At()
				found[at] = v
			}
		}
		if err := set.Err(); err != nil {
			t.Fatal(err)
		}
		return found
	}
	durations := read("scrape_duration_seconds")
	var failed []steadystate.Span
	for at, up := range read("up") {
		began := clock.At(time.UnixMilli(at))
		scrape := steadystate.Span{From: began, To: began + time.Duration(durations[at]*float64(time.Second))}
		if up == 0 && !scrape.Overlaps(span) {
			failed = append(failed, scrape)
		}
	}
	return failed
}

// With a real Prometheus scraping a target that hangs, and later answers
// again, every bound contains the truth: also where a scrape that timed out is
// dated by its beginning, at which the target still served.
func TestScrapeOfATargetThatHangs(t *testing.T) {
	t.Parallel()
	s := start(t, 0)
	var hangs atomic.Bool
	var served atomic.Int64
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// It may hang at any instant of the scrape.
		select {
		case <-time.After(30 * time.Millisecond):
		case <-r.Context().Done():
			return
		}
		if hangs.Load() {
			<-r.Context().Done()
			return
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		fmt.Fprintf(w, "served_total %d\nshop_ready 1\n", served.Add(1))
	}))
	t.Cleanup(target.Close)
	s.scrapes(t, 400*time.Millisecond, 350*time.Millisecond, target.URL)

	c := client(t, s.URL)
	clock := steadystate.StartClock()
	signals := []struct {
		name, query string
		reduce      prom.Reduction
		good        steadystate.Tolerance
	}{
		{"samples", `up`, "", steadystate.AtLeast(1)},
		{"evaluated samples", `up`, prom.Sum, steadystate.AtLeast(1)},
		{"what is missing while it hangs", `sum(shop_ready) or vector(0)`, "", steadystate.AtLeast(1)},
		{"how many there are", `count(shop_ready) or vector(0)`, "", steadystate.AtLeast(1)},
	}
	var logs []*log
	var stops []func() []steadystate.Observation
	for _, signal := range signals {
		l, stop := watch(t, prom.Source{Client: c, Query: prom.MustParse(signal.query), Reduce: signal.reduce, Interval: 10 * time.Millisecond}, clock)
		logs, stops = append(logs, l), append(stops, stop)
	}
	good := func(want bool) {
		t.Helper()
		for i, signal := range signals {
			logs[i].until(t, signal.name, func(list []steadystate.Observation) bool {
				return len(list) > 0 && list[len(list)-1].Unknown == "" && list[len(list)-1].Good(signal.good) == want
			})
		}
	}
	good(true)
	// Three scrapes tell how far apart they are.
	logs[0].until(t, "three scrapes", count(3))
	good(true)
	before := clock.Now()
	hangs.Store(true)
	down := steadystate.Span{From: before, To: clock.Now()}
	good(false)
	before = clock.Now()
	hangs.Store(false)
	up := steadystate.Span{From: before, To: clock.Now()}
	good(true)

	// Scrapes that failed without the target's hanging: this machine was too
	// slow for them.
	slow := s.failedOutside(t, clock, steadystate.Span{From: down.From, To: up.To})
	for i, signal := range signals {
		list := stops[i]()
		// What was seen before the target was first scraped is none of the truth.
		first := 0
		for !list[first].Good(signal.good) {
			first++
		}
		for _, o := range list[first:] {
			// The target served until down and from up on.
			if o.Good(signal.good) && o.From > down.To && o.To < up.From {
				t.Errorf("%s: good in %s, while it hung from %s to %s", signal.name, o.Span, down, up)
			}
		}
		if len(slow) > 0 {
			t.Logf("scrapes failed in %s: what was bad is not the target's alone", slow)
			continue
		}
		outages := steadystatetest.Fold(list[first:], signal.good, steadystate.Rule{Settle: time.Minute}, steadystate.Span{To: clock.Now()}).Outages()
		if len(outages) != 1 {
			t.Errorf("%s: %d outages: %s", signal.name, len(outages), show(list...))
			continue
		}
		o := outages[0]
		t.Logf("%s: %s to %s; truth %s to %s", signal.name, o.Start, o.End, down, up)
		if !o.Start.Overlaps(down) || !o.End.Overlaps(up) {
			t.Errorf("%s: from %s to %s, in truth from %s to %s", signal.name, o.Start, o.End, down, up)
		}
		// What is missing is of the last scrapes, not of all that may be used.
		if o.Start.Width() > time.Minute || o.End.Width() > time.Minute {
			t.Errorf("%s: from %s to %s: wider than some scrapes", signal.name, o.Start, o.End)
		}
	}
	scraped := false
	for _, o := range stops[0]() {
		// A scrape takes 30 ms, and Prometheus said so.
		scraped = scraped || (o.Value == 1 && o.Width() >= 30*time.Millisecond)
		if o.Unknown == "" && o.Width() < 30*time.Millisecond {
			t.Errorf("up %g in %s: narrower than a scrape", o.Value, o.Span)
		}
	}
	if !scraped {
		t.Error("no scrape of a target that answers was seen")
	}
}
