package prom

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A census counts, within the evaluation that gives a value, the missing ones
// among the series that a selector reads. PromQL silently leaves out missing
// series: a sum over two of three pods looks like any other number.
//
// It tells three cases apart, by how long the loss can last:
//
//   - A target that up still lists, with no series within the range, is not
//     scraped. Its state is unknown for as long as that lasts, and so is the value,
//     unless the missing series could only raise it or only lower it. A query that
//     keeps only scraped targets of a selector, as "and on (instance) up == 1"
//     does, is taken at its word.
//   - A target that was scraped within the range and is gone, was restarted, or
//     missed its last scrapes lost the counts since its last scrape. That lasted
//     less than the range, and so short an outage may pass unseen anyway, as the
//     resolution says. So the value is partial: it decides whether the observation
//     is good, and bounds nothing. A target restarted more than once may have lost
//     more than that, and counts as not scraped.
//   - A series born within the range may have counted its first value since the
//     scrape before: rate() takes that value for the counter's start. How much of
//     it is recent is unknown: the first value of a target that was away for longer
//     than the lookback may be old. The value lies between those without and with
//     the first values of each counter.
type census struct {
	unscraped int          // targets that up lists but that yield no series
	target    model.Metric // one of them
	vanished  int          // series that ended, of targets without an up
	lost      int          // series that ended, or restarted, within the range
	restarts  int          // series that restarted more than once within the range
	copies    int          // series with duplicates
}

// replicaLabels distinguish the copies of a series that the Prometheuses of a
// pair store, if no deduplication removes one of them.
var replicaLabels = []string{
	"prometheus_replica", "replica", "__replica__", "prometheus", "receive", "receive_replica", "rule_replica", "thanos_replica", "ha_replica", "monitor",
}

// ofTargets are the labels whose matchers select targets. Other labels, such as
// code or route, select what is counted. A target may never have counted that,
// and still counts as missing.
var ofTargets = []string{
	model.MetricNameLabel, model.JobLabel, model.InstanceLabel, "namespace", "pod", "container", "node", "host", "service", "app", "component", "deployment", "statefulset", "endpoint", "cluster", "region", "zone", "env", "environment",
}

// family is the selector with only its matchers on targets.
func family(v *parser.VectorSelector) *parser.VectorSelector {
	wide := *v
	kept := slices.DeleteFunc(slices.Clone(v.LabelMatchers), func(m *labels.Matcher) bool {
		return !slices.Contains(ofTargets, m.Name) && !strings.HasPrefix(m.Name, "app_") && !strings.HasPrefix(m.Name, "kubernetes_")
	})
	if len(kept) == 0 {
		return v
	}
	wide.LabelMatchers = kept
	return &wide
}

// read is a selector as text: of the samples in a stretch of time, or of the
// latest samples if width is zero.
func read(v *parser.VectorSelector, offset, width time.Duration) string {
	shifted := *v
	shifted.OriginalOffset = offset
	if width == 0 {
		return shifted.String()
	}
	return (&parser.MatrixSelector{VectorSelector: &shifted, Range: width.Round(time.Millisecond)}).String()
}

var (
	up      = &parser.VectorSelector{Name: "up"}
	started = &parser.VectorSelector{Name: "process_start_time_seconds"}
)

// fresh is a selector's latest samples, without series whose next sample is
// overdue. Prometheus marks missing series as stale, but not series with
// timestamps of their own.
func fresh(v *parser.VectorSelector, offset, spacing time.Duration) string {
	return newer(read(v, offset, 0), fmt.Sprintf("time() - %g", offset.Seconds()), spacing)
}

// listed is up of the targets that Prometheus has now, scraped or not.
// Prometheus marks up of a removed target as stale only some scrapes later. If
// it scrapes nothing at all, it has removed no target.
func listed(offset, spacing time.Duration) string {
	all := read(up, offset, 0)
	return newer(all, fmt.Sprintf("scalar(max(timestamp(%s)))", all), spacing)
}

// newer selects the series of a vector whose samples are not overdue at a time.
func newer(vector, at string, spacing time.Duration) string {
	if spacing == 0 {
		return vector
	}
	return fmt.Sprintf("(%s and (timestamp(%s) > %s - %g))", vector, vector, at, overdue(spacing).Seconds())
}

// overdue is the time without a sample after which a scrape counts as missed:
// the second in a row is late.
func overdue(spacing time.Duration) time.Duration { return spacing * 5 / 2 }

// The parts of a census.
const (
	partUnscraped = "unscraped"
	partTarget    = "target"
	partVanished  = "vanished"
	partLost      = "lost"
	partRestarts  = "restarts"
	partTwice     = "twice"
)

// byTarget matches series of the same target.
const byTarget = "on (job, instance)"

// census returns the parts that query the census of the selector with that
// number.
func (s selector) census(number int, spacing, lookback time.Duration, reduce Reduction) []string {
	var parts []string
	add := func(name, text string) { parts = append(parts, named(text, numbered(name, number))) }
	wide := family(s.vector)
	before := func(v *parser.VectorSelector) string {
		return fmt.Sprintf("last_over_time(%s)", read(v, s.offset+s.width, lookback))
	}
	now := func(v *parser.VectorSelector) string {
		if s.instant() {
			return read(v, s.offset, 0)
		}
		return fmt.Sprintf("last_over_time(%s)", read(v, s.offset, s.width))
	}
	if !s.ofScraped() {
		unscraped := s.unscraped(spacing, before(wide), now(wide))
		add(partUnscraped, fmt.Sprintf("count(%s)", unscraped))
		add(partTarget, fmt.Sprintf("topk(1, %s)", unscraped))
		add(partVanished, fmt.Sprintf("count(%s unless %s unless %s last_over_time(%s))",
			before(s.vector), now(s.vector), byTarget, read(up, s.offset, s.width+lookback)))
	}
	if s.counter() {
		// Counts lost since a scrape just before the range may reach into it.
		reach := s.back - s.offset + 2*spacing
		known := fmt.Sprintf("and %s last_over_time(%s)", byTarget, read(wide, s.offset, lookback))
		add(partLost, "count("+strings.Join([]string{
			fmt.Sprintf("(last_over_time(%s) unless %s)", read(s.vector, s.offset, reach), fresh(s.vector, s.offset, spacing)),
			fmt.Sprintf("(resets(%s) > 0)", read(s.vector, s.offset, reach)),
			fmt.Sprintf("((last_over_time(%s) unless (min_over_time(%s) > 0 and %s)) %s unless %s %s)",
				read(up, s.offset, reach), read(up, s.offset, reach), listed(s.offset, spacing), known, byTarget, fresh(wide, s.offset, spacing)),
			fmt.Sprintf("((changes(%s) > 0) %s)", read(started, s.offset, reach), known),
		}, " or ")+")")
		add(partRestarts, fmt.Sprintf("count((resets(%s) > 1) or ((changes(%s) > 1) %s))",
			read(s.vector, s.offset, reach), read(started, s.offset, reach), known))
	}
	if summed := s.summed(reduce); len(summed) > 0 {
		add(partTwice, s.copies(summed))
	}
	return parts
}

// unscraped is up of the targets that Prometheus has but reads nothing from.
// before and now are the selector's family as it was and as it is.
func (s selector) unscraped(spacing time.Duration, before, now string) string {
	// A target that was scraped all the time misses nothing: it has no such
	// series, as a node has none of a pod that is gone.
	failing := fmt.Sprintf("(%s == 0)", listed(s.offset, spacing))
	if !s.instant() {
		failing = fmt.Sprintf("(%s unless min_over_time(%s) > 0)", listed(s.offset, spacing), read(up, s.offset, s.width))
	}
	there := now
	if s.counter() {
		there = fmt.Sprintf("(count_over_time(%s) > 1)", read(family(s.vector), s.offset, s.width)) // for a difference
	}
	return fmt.Sprintf("((%s and %s %s or %s) unless %s %s)", failing, byTarget, before, s.neverScraped(spacing, now), byTarget, there)
}

// starting is how long a pod that was never scraped may still be starting.
const starting = 30 * time.Second

// byKind matches the targets of one kind: all labels are the same except those
// that distinguish the targets.
const byKind = "on (job, namespace, service, app, component, deployment, statefulset, endpoint, cluster, region, env, environment)"

// neverScraped is up of the targets of the same kind as those read that have
// never been scraped, for longer than the range and than a pod may take to
// start.
func (s selector) neverScraped(spacing time.Duration, now string) string {
	reach := max(s.width, starting)
	return fmt.Sprintf("(%s and (max_over_time(%s) == 0) and %s and %s %s)", listed(s.offset, spacing), read(up, s.offset, reach), read(up, s.offset+reach, 0), byKind, now)
}

// copies counts the series with copies that differ only in the labels. A metric
// may have such a label of its own: its target's up then lacks the label.
func (s selector) copies(labels []string) string {
	return fmt.Sprintf("count(count without (%s) (%s) > 1 unless %s up{%s=\"\"})",
		strings.Join(labels, ", "), read(s.vector, s.offset, 0), byTarget, strings.Join(labels, "=\"\","))
}

// summed are the labels whose copies of a series the query adds up.
func (s selector) summed(reduce Reduction) []string {
	return slices.DeleteFunc(slices.Clone(replicaLabels), func(label string) bool { return !s.isSummed(label, reduce) })
}

// copied is the error that names the label in which duplicate series differ.
func (s Source) copied(ctx context.Context, clock steadystate.Clock, of selector) error {
	summed := of.summed(s.Reduce)
	name := strings.Join(summed, " or ")
	for _, label := range summed {
		a, err := s.Client.ask(ctx, clock, s.Timeout, of.copies([]string{label}))
		if err != nil {
			break
		}
		if found, err := a.vector(); err == nil && len(found) > 0 {
			name = label
			break
		}
	}
	return &failure{
		reason: fmt.Sprintf("series of %s differ only in their label %s: two Prometheuses scraped the same targets, and everything counts twice", of.vector, name),
		next:   fmt.Sprintf("take one of the copies first, as in sum(max without (%s) (...)), or ask a Thanos or Mimir that deduplicates", name),
	}
}

// take adds one part of a census.
func (c *census) take(what string, sample *model.Sample) {
	n := int(math.Round(float64(sample.Value)))
	switch what {
	case partUnscraped:
		c.unscraped = n
	case partTarget:
		c.target = sample.Metric.Clone()
		delete(c.target, part)
	case partVanished:
		c.vanished = n
	case partLost:
		c.lost = n
	case partRestarts:
		c.restarts = n
	case partTwice:
		c.copies = n
	}
}

// missing says why a value of the selector is unknown.
func (c census) missing(s selector) error {
	switch {
	case c.unscraped > 0:
		return &failure{
			reason: fmt.Sprintf("%s of %s: not scraped, so the value covers only the others (%s)", count(c.unscraped, "target"), s.vector, nameOf(c.target)),
			next:   "see the server's targets page; to count only scraped targets, filter by up, as in sum(rate(...) and on (instance) up == 1)",
		}
	case c.restarts > 0:
		return &failure{
			reason: fmt.Sprintf("%s of %s: restarted more than once within the range; each restart loses counts", count(c.restarts, "series"), s.vector),
			next:   "see why the process is restarted",
		}
	case c.vanished > 0:
		return &failure{
			reason: fmt.Sprintf("%s of %s: gone, and without up it is unknown whether their target is gone too", count(c.vanished, "series"), s.vector),
			next:   "ask for series with the labels job and instance of their targets",
		}
	}
	return nil
}

// partial says why the selector's values are partial; empty if they are not.
func (c census) partial(s selector) string {
	if c.lost == 0 {
		return ""
	}
	return fmt.Sprintf("%s of %s: ended, restarted or not scraped lately, and what was counted after the last scrape is lost", count(c.lost, "series"), s.vector)
}

func count(n int, what string) string {
	if n == 1 || strings.HasSuffix(what, "s") {
		return strconv.Itoa(n) + " " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// nameOf is a target for people.
func nameOf(m model.Metric) string {
	for _, label := range []model.LabelName{"pod", model.InstanceLabel, model.JobLabel} {
		if name := m[label]; name != "" {
			return string(name)
		}
	}
	return m.String()
}
