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

// A census counts, in the evaluation that gives a value, what is missing of the
// series that a selector reads. PromQL leaves out what is not there and says
// nothing of it: a sum over two of three pods is a number like any other.
//
// Three things are told apart, by how long the loss can last:
//
//   - A target that up still lists and of which nothing is within the range is
//     not scraped: what it does is unknown, for as long as it takes. So is the
//     value, unless it can only be higher, or only lower, for it. A query that
//     keeps only what is scraped of a selector, as "and on (instance) up == 1"
//     does, is taken at its word.
//   - A target that was scraped within the range and is gone, was restarted, or
//     has missed its last scrapes took with it what its counters counted since
//     the last one. That lasted less than the range, and an outage so short may
//     pass unseen anyway, as the resolution says. So the value is partial: it
//     decides what is good, and bounds nothing. If it was restarted more than
//     once, what was lost may come to more than that, and it is as if it were not
//     scraped.
//   - A series that is born within the range may have counted its first value
//     since the scrape before: rate() takes it for where the counter began. How
//     much of it, is not known: of a target that was away for longer than the
//     lookback, it is of long ago. The value lies between those that it has
//     without and with the first values of each counter.
type census struct {
	unscraped int          // targets that up lists, and of which nothing is read
	target    model.Metric // one of them
	vanished  int          // series that were there, of targets without an up
	lost      int          // series that ended, or restarted, within the range
	restarts  int          // series that restarted more than once within the range
	copies    int          // series that there are several of
}

// replicaLabels tell the copies of a series apart that the Prometheuses of a pair
// have, where nothing takes one of them away.
var replicaLabels = []string{
	"prometheus_replica", "replica", "__replica__", "prometheus", "receive", "receive_replica", "rule_replica", "thanos_replica", "ha_replica", "monitor",
}

// ofTargets are the labels that a matcher of which says what targets are meant.
// Others, such as code or route, say what is counted, and a target may never have
// counted it: it is missed all the same.
var ofTargets = []string{
	model.MetricNameLabel, model.JobLabel, model.InstanceLabel, "namespace", "pod", "container", "node", "host", "service", "app", "component", "deployment", "statefulset", "endpoint", "cluster", "region", "zone", "env", "environment",
}

// family is the selector without the matchers that say what is counted.
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

// read is a selector as text: of the samples of a stretch of time, or of the
// last ones if that is zero.
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

// fresh is a selector's last samples, but for those of series whose next one is
// overdue: Prometheus marks as stale what it does not find any more, but not
// series with times of their own.
func fresh(v *parser.VectorSelector, offset, spacing time.Duration) string {
	return newer(read(v, offset, 0), fmt.Sprintf("time() - %g", offset.Seconds()), spacing)
}

// listed is up of the targets that Prometheus has now, scraped or not: it marks
// that of a target it was told to forget as stale only some scrapes later. If it
// scrapes nothing at all it has forgotten none.
func listed(offset, spacing time.Duration) string {
	all := read(up, offset, 0)
	return newer(all, fmt.Sprintf("scalar(max(timestamp(%s)))", all), spacing)
}

// newer are the series of a vector whose samples are not overdue at a time.
func newer(vector, at string, spacing time.Duration) string {
	if spacing == 0 {
		return vector
	}
	return fmt.Sprintf("(%s and (timestamp(%s) > %s - %g))", vector, vector, at, overdue(spacing).Seconds())
}

// overdue is after how long without a sample one is missing: when the second in
// a row is late.
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

// byTarget matches what is of one target.
const byTarget = "on (job, instance)"

// census asks for the census of a query's selector, by its number.
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
		// What was lost since a scrape just before the range may reach into it.
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

// unscraped is up of the targets that Prometheus has and of which nothing is
// read. Before and now are what the selector's family was and is.
func (s selector) unscraped(spacing time.Duration, before, now string) string {
	// Of a target that was scraped all the time nothing is missing: it has no such
	// series, as a node has none of a pod that is gone.
	failing := fmt.Sprintf("(%s == 0)", listed(s.offset, spacing))
	if !s.instant() {
		failing = fmt.Sprintf("(%s unless min_over_time(%s) > 0)", listed(s.offset, spacing), read(up, s.offset, s.width))
	}
	there := now
	if s.counter() {
		there = fmt.Sprintf("(count_over_time(%s) > 1)", read(family(s.vector), s.offset, s.width)) // for a difference
	}
	text := fmt.Sprintf("((%s and %s %s or %s) unless %s %s)", failing, byTarget, before, s.neverScraped(spacing, now), byTarget, there)
	if s.instant() {
		// Without series there is no value, unless the query supplies
		// one, as in "or vector(0)".
		text = fmt.Sprintf("(%s and on () count(%s))", text, now)
	}
	return text
}

// starting is how long a pod that was never scraped may be one that starts.
const starting = 30 * time.Second

// byKind matches the targets of one kind: their labels are the same but for those
// that tell one from another.
const byKind = "on (job, namespace, service, app, component, deployment, statefulset, endpoint, cluster, region, env, environment)"

// neverScraped is up of the targets that could not be scraped for longer than a
// range, nor than a pod may take to start, of the kind of those that are read.
func (s selector) neverScraped(spacing time.Duration, now string) string {
	reach := max(s.width, starting)
	return fmt.Sprintf("(%s and (max_over_time(%s) == 0) and %s and %s %s)", listed(s.offset, spacing), read(up, s.offset, reach), read(up, s.offset+reach, 0), byKind, now)
}

// copies counts the series that there are several of, which differ only in the
// labels. A metric may have such a label of its own: then its target's up has
// none.
func (s selector) copies(labels []string) string {
	return fmt.Sprintf("count(count without (%s) (%s) > 1 unless %s up{%s=\"\"})",
		strings.Join(labels, ", "), read(s.vector, s.offset, 0), byTarget, strings.Join(labels, "=\"\","))
}

// summed are the labels whose copies of a series are added up.
func (s selector) summed(reduce Reduction) []string {
	return slices.DeleteFunc(slices.Clone(replicaLabels), func(label string) bool { return !s.isSummed(label, reduce) })
}

// copied is the error that names the label by which series are there twice.
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

// take takes in one part of a census.
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

// missing is why nothing is known of a value of the selector.
func (c census) missing(s selector) error {
	switch {
	case c.unscraped > 0:
		return &failure{
			reason: fmt.Sprintf("%s of %s: not scraped, so that the value is that of the others (%s)", count(c.unscraped, "target"), s.vector, nameOf(c.target)),
			next:   "see the server's targets page; where those that are scraped are meant, say so, as in sum(rate(...) and on (instance) up == 1)",
		}
	case c.restarts > 0:
		return &failure{
			reason: fmt.Sprintf("%s of %s: restarted more than once within the range, and what was counted before is lost each time", count(c.restarts, "series"), s.vector),
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

// partial is why the values of the selector are of a part; empty if they are not.
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
