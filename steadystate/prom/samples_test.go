package prom_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/prom"
)

func values(list []steadystate.Observation) []float64 {
	var v []float64
	for _, o := range list {
		if o.Unknown == "" {
			v = append(v, o.Value)
		}
	}
	return v
}

func count(n int) func([]steadystate.Observation) bool {
	return func(list []steadystate.Observation) bool { return len(values(list)) >= n }
}

// Every sample of a plain selector is one observation, however often it is
// polled, and holds the time of its scrape; those from before are none.
func TestEverySampleIsOneObservation(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{0, 90 * time.Minute, -5 * time.Second} {
		s := start(t, ahead)
		s.fill(t, s.every(`load{i="1"}`, time.Second, time.Second, 90, 91, 92)...)
		clock := steadystate.StartClock()
		l, stop := watch(t, prom.Source{
			Client: client(t, s.URL), Query: prom.MustParse(`load`), Interval: 2 * time.Millisecond,
		}, clock)
		s.asked(t, "load")
		var scraped []time.Time
		at := time.Now()
		for i := range 8 {
			// Two samples of a series cannot be of one millisecond.
			<-time.After(time.Until(at.Add(2 * time.Millisecond)))
			at = time.Now()
			scraped = append(scraped, at)
			s.fill(t, sample{`load{i="1"}`, s.at(at), float64(i)})
			l.until(t, "another sample", count(i+1))
		}
		list := stop()
		if got, want := values(list), []float64{0, 1, 2, 3, 4, 5, 6, 7}; !slices.Equal(got, want) {
			t.Fatalf("ahead %s: observed %v, want %v; unknown: %s", ahead, got, want, reasons(list))
		}
		for i, o := range list {
			if at := clock.At(scraped[i]); o.From > at || o.To < at {
				t.Errorf("ahead %s: sample %d scraped at %s is in %s", ahead, i, at, o.Span)
			}
		}
	}
}

// A scrape was over before the next one of its target, and, where Prometheus
// says how long it took, after that time.
func TestScrapeEnds(t *testing.T) {
	t.Parallel()
	s := start(t, 0)
	c := client(t, s.URL)
	clock := steadystate.StartClock()
	l, stop := watch(t, prom.Source{
		Client: c, Query: prom.MustParse(`{__name__=~"up|other"}`), Reduce: prom.Each, Interval: 24 * time.Hour,
	}, clock)
	l.until(t, "the first poll", func(list []steadystate.Observation) bool { return len(list) == 1 })
	// The next poll is the one after the end.
	first := time.Now()
	second := first.Add(400 * time.Millisecond)
	for _, job := range []string{"known", "unknown"} {
		series := fmt.Sprintf(`{job=%q,instance="a:1"}`, job)
		s.fill(t, sample{"up" + series, s.at(first), 1}, sample{"up" + series, s.at(second), 0})
	}
	s.fill(t, sample{`scrape_duration_seconds{job="known",instance="a:1"}`, s.at(first), 0.01})
	s.fill(t, sample{`other`, s.at(first), 7})
	<-time.After(time.Until(second.Add(600 * time.Millisecond)))
	list := stop()
	if got := values(list); len(got) != 5 {
		t.Fatalf("observed %v, %s", got, reasons(list))
	}
	polled := clock.Now()
	for _, o := range list[1:] {
		at := clock.At(first)
		if o.Value == 0 {
			at = clock.At(second)
		}
		if o.From > at || o.To < at {
			t.Errorf("%g scraped at %s is in %s", o.Value, at, o.Span)
		}
		if o.To > polled {
			t.Errorf("%g ends at %s, after the answer", o.Value, o.To)
		}
	}
	// Of the first scrapes one is known to have taken 10 ms, one ended before
	// the second, and of one nothing more is known than the poll.
	var ends []time.Duration
	for _, o := range list[1:] {
		if o.Value != 0 {
			ends = append(ends, o.To-o.From)
		}
	}
	slices.Sort(ends)
	if ends[0] >= ends[1] || ends[1] >= ends[2] {
		t.Errorf("widths %v: want that of a known duration, of a next scrape, and of a poll", ends)
	}
	if ends[0] < 10*time.Millisecond || ends[1] < 400*time.Millisecond {
		t.Errorf("widths %v: narrower than the scrape may have taken", ends)
	}
}

func TestSeriesOfAPlainSelector(t *testing.T) {
	t.Parallel()
	s := start(t, 0)
	clock := steadystate.StartClock()
	c := client(t, s.URL)
	each, stopEach := watch(t, prom.Source{
		Client: c, Query: prom.MustParse(`up`), Reduce: prom.Each, Interval: 2 * time.Millisecond,
	}, clock)
	one, stopOne := watch(t, prom.Source{Client: c, Query: prom.MustParse(`up`), Interval: 2 * time.Millisecond}, clock)
	says := func(l *log, reason string) {
		t.Helper()
		from := len(l.all())
		l.until(t, reason, func(list []steadystate.Observation) bool {
			return strings.Contains(reasons(list[from:]), reason)
		})
	}
	says(each, "nothing matches: the result is empty")
	says(one, "nothing matches: the result is empty")

	s.fill(t, sample{`up{pod="a"}`, time.Now(), 1})
	each.until(t, "the first", count(1))
	one.until(t, "the first", count(1))

	// While there are two, one source observes both and the other neither.
	s.fill(t, sample{`up{pod="b"}`, time.Now(), 2})
	each.until(t, "the second", count(2))
	says(one, "2 series, and no reduction")

	// A series that ended leaves the other.
	s.fill(t, stale(`up{pod="a"}`, time.Now()))
	s.fill(t, sample{`up{pod="b"}`, time.Now().Add(time.Millisecond), 3})
	each.until(t, "the third", count(3))
	one.until(t, "the third", count(2))

	// With none left nothing is known.
	s.fill(t, stale(`up{pod="b"}`, time.Now().Add(2*time.Millisecond)))
	says(each, "nothing matches: the result is empty")
	says(one, "nothing matches: the result is empty")

	if got := values(stopEach()); !slices.Equal(got, []float64{1, 2, 3}) {
		t.Errorf("each: %v", got)
	}
	if got := values(stopOne()); got[0] != 1 || got[len(got)-1] != 3 {
		t.Errorf("one: %v, want the first and the last", got)
	}
}

// A series that has no new sample, though it is not marked as stale, is not
// being scraped.
func TestSilentSeries(t *testing.T) {
	t.Parallel()
	s := start(t, 0)
	c := client(t, s.URL)
	s.fill(t, s.every(`up{job="late"}`, 10*time.Second, 25*time.Second, 1, 1, 1, 1)...)
	s.fill(t, s.every(`up{job="timely"}`, 10*time.Second, 15*time.Second, 1, 1, 1, 1)...)
	_, list := once(t, prom.Source{Client: c, Query: prom.MustParse(`up{job="late"}`)})
	if got := reasons(list); !strings.Contains(got, `up{job="late"}: no sample for `) || !strings.Contains(got, "though scraped every 10s") {
		t.Errorf("late: %q", got)
	}
	if _, list := once(t, prom.Source{Client: c, Query: prom.MustParse(`up{job="timely"}`)}); len(list) != 0 {
		t.Errorf("timely: observed %s: no sample is new, and none is due", show(list...))
	}
}

// What was scraped before the end is in, also when no poll was due.
func TestDrain(t *testing.T) {
	t.Parallel()
	s := start(t, 0)
	s.fill(t, s.every(`up`, time.Second, time.Second, 1, 1)...)
	clock := steadystate.StartClock()
	_, stop := watch(t, prom.Source{
		Client: client(t, s.URL), Query: prom.MustParse(`up`), Interval: 24 * time.Hour,
	}, clock)
	s.asked(t, "up")
	at := time.Now()
	s.fill(t, sample{`up`, at, 0})
	list := stop()
	if got := values(list); !slices.Equal(got, []float64{0}) || list[0].From > clock.At(at) || list[0].To < clock.At(at) {
		t.Errorf("observed %s, want what was scraped at %s", show(list...), clock.At(at))
	}
}

// What is asked for is the same text each time: a cache in front of the server
// and its log of queries can tell.
func TestWhatIsAskedForIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	s := start(t, 0)
	s.fill(t, s.every(`queued{job="j",instance="a"}`, time.Second, time.Second, 1, 1)...)
	c := client(t, s.URL)
	for _, query := range []string{`queued`, `sum(queued)`} {
		asked := map[string]bool{}
		for range 12 {
			before := len(s.Queries())
			once(t, prom.Source{Client: c, Query: prom.MustParse(query)})
			for _, text := range s.Queries()[before:] {
				if strings.Contains(text, "aftershock_part") {
					asked[text] = true
				}
			}
		}
		if len(asked) != 1 {
			t.Errorf("%s: asked for as %d texts, want 1", query, len(asked))
		}
	}
}
