package prom

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A scrape identifies one scrape of a target, by Prometheus' time of it.
type scrape struct {
	job, instance model.LabelValue
	at            model.Time
}

func scrapeOf(m model.Metric, at model.Time) scrape {
	return scrape{job: m[model.JobLabel], instance: m[model.InstanceLabel], at: at}
}

// mostTargets bounds the query for scrape durations. With more targets they are
// not queried, and the bounds are wider.
const mostTargets = 50

// scrapes queries the recent scrape durations of some series' targets. They only
// narrow spans, so on any error the result is empty.
func (c *Client) scrapes(ctx context.Context, clock steadystate.Clock, timeout time.Duration, of []model.Metric, within time.Duration) map[scrape]time.Duration {
	var jobs, instances []string
	for _, m := range of {
		if m[model.JobLabel] == "" || m[model.InstanceLabel] == "" {
			continue
		}
		jobs = append(jobs, regexp.QuoteMeta(string(m[model.JobLabel])))
		instances = append(instances, regexp.QuoteMeta(string(m[model.InstanceLabel])))
	}
	jobs, instances = distinct(jobs), distinct(instances)
	if len(jobs) == 0 || len(instances) > mostTargets {
		return nil
	}
	a, err := c.ask(ctx, clock, timeout, fmt.Sprintf("scrape_duration_seconds{job=~%q,instance=~%q}[%s]",
		strings.Join(jobs, "|"), strings.Join(instances, "|"), model.Duration(within)))
	if err != nil {
		return nil
	}
	matrix, err := a.matrix()
	if err != nil {
		return nil
	}
	took := map[scrape]time.Duration{}
	for _, stream := range matrix {
		for _, sample := range stream.Values {
			seconds := float64(sample.Value)
			if seconds < 0 || seconds > within.Seconds() || math.IsNaN(seconds) {
				continue
			}
			// If two scrapes share a name, the longer one bounds both.
			s := scrapeOf(stream.Metric, sample.Timestamp)
			took[s] = max(took[s], time.Duration(seconds*float64(time.Second)))
		}
	}
	return took
}

func distinct(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// mostSeries bounds the series fetched to learn the spacing of scrapes.
const mostSeries = 50

// scrapes is the spacing of scrapes of a selector's series: the largest of the
// medians of all series. For a selector without series, as of errors that were
// never counted, it uses the targets. Zero: no series had two scrapes.
func (s Source) scrapes(ctx context.Context, clock steadystate.Clock, of selector) (time.Duration, error) {
	spacing, err := s.scrapesOf(ctx, clock, of)
	if wide := family(of.vector); spacing == 0 && err == nil && len(wide.LabelMatchers) < len(of.vector.LabelMatchers) {
		of.vector = wide
		return s.scrapesOf(ctx, clock, of)
	}
	return spacing, err
}

func (s Source) scrapesOf(ctx context.Context, clock steadystate.Clock, of selector) (time.Duration, error) {
	// The server warns when the limit drops series; the rest suffices here.
	a, err := s.Client.ask(ctx, clock, s.Timeout, of.ranged(s.Lookback), v1.WithLimit(mostSeries))
	if err != nil {
		return 0, err
	}
	matrix, err := a.matrix()
	if err != nil {
		return 0, err
	}
	spacing := time.Duration(0)
	for _, stream := range matrix {
		var known series
		slices.SortFunc(stream.Values, func(a, b model.SamplePair) int { return cmp.Compare(a.Timestamp, b.Timestamp) })
		for _, sample := range stream.Values {
			known.follow(sample.Timestamp)
		}
		spacing = max(spacing, known.spacing())
	}
	return spacing, nil
}
