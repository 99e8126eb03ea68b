// Package prom turns queries of a Prometheus, or of a compatible server (Thanos,
// Mimir), into observations with correct spans.
//
// The value of a PromQL query never describes the instant of the query. A rate covers
// its range, a selector returns the last scrape, and another machine's clock stamped
// that scrape. So the package parses each query to learn how far back its selectors
// reach, asks in the same evaluation how old the samples of its instant selectors are,
// and measures the skew between the server's clock and the record's with every answer.
// The span of an observation covers all of that. What cannot be known (no series, NaN,
// a partial answer, no connection) is recorded as unknown with its reason. It is never
// skipped and never becomes a value.
//
//	client, err := prom.NewClient(prom.Config{URL: "http://prometheus.example:9090"})
//	source := prom.Source{
//		Client: client,
//		Query:  prom.MustParse(`sum(rate(http_requests_total{code=~"5.."}[10s])) / sum(rate(http_requests_total[10s]))`),
//	}
//	found, err := source.Preflight(ctx)             // does it give one number, and how fine?
//	err = limit.Decidable(found.Resolution, window) // can it decide "downtime <= 20s"?
//	hypothesis.Signals = append(hypothesis.Signals, source.Signal("error share"))
//
// # Two ways to observe
//
// A plain selector, such as up{job="shop"}, is observed by its raw samples: each scrape
// is one observation with the server's timestamp, and none is lost between two polls.
// Its span begins at the scrape's timestamp and ends when the scrape was over: after
// its scrape_duration_seconds if that exists, else at the next scrape of the series,
// else when the answer arrived.
//
// Any other expression is evaluated once per [Source.Interval]. The span of the value
// reaches from the oldest sample that it may have used to the answer; if series have
// disappeared, it begins at the scrapes that did not find them. Two evaluations without
// a scrape between them return the same value twice. That changes no bound of an
// outage, but counts of observations are counts of polls. A value made from several
// series mixes samples of different instants within the span.
//
// [PerSeries] observes several series separately, under the value of a label: the CPU
// of each pod.
//
// # What a value leaves out
//
// PromQL silently leaves out what is missing. So each evaluation also counts the series
// that it read, and looks up the metric up of their targets by the labels job and
// instance. While pods come and go:
//
//   - A target that Prometheus knows but cannot scrape (up is 0) makes the value
//     unknown once none of its samples is left in the range, or at once if there is no
//     range: the value would be that of the other targets. A target that was never scraped
//     makes it unknown after half a minute, or after the range if that is longer, since
//     it may be starting. A lower limit that the other targets reach alone, as on a sum
//     of rates, is reached. Series that are gone and have no up are treated alike. What
//     a query supplies while none of its targets is scraped, as "or vector(0)" does, may
//     be bad, and is never good.
//   - When a pod dies, its counts since its last scrape are lost: perhaps its usual
//     rate, perhaps two thousand errors. The same holds for a process that restarts,
//     and while a target has missed its latest scrapes. This lasts less than the range,
//     and an outage that short may pass unseen anyway, as the resolution says. So the
//     value counts for limits on outages, downtime and recovery, but is partial: limits
//     on values (mean, max, p95) are unknown, unless the lost part could only improve
//     it, as for a lower limit on a sum. The lost part may also bring a bad value within
//     its limit, so a bad value is unknown.
//   - Prometheus takes about ten seconds and three scrapes to forget a dead pod. With a
//     shorter range, the pod counts for a while as a target that cannot be scraped. To
//     drop such targets, filter by up, and the first rule does not apply:
//     sum(rate(errors_total[5s]) and on (instance) up == 1), or unless ... up == 0, or a
//     product with up. The filter works for each selector separately. Use another check
//     to see what a pod does while its scrapes fail.
//   - A counter that appears within the range may have counted its first value in the
//     range, or partly so, or not at all if its target was away for more than five
//     minutes; rate() takes the first value for the starting point. The value is known
//     to lie between the result without and with the first values, of all series and of
//     those of each selector alone.
//   - Two Prometheus replicas hold every series twice. A sum or a count over both is
//     refused, and the error names the label that distinguishes the copies.
//
// # What to know before trusting a number
//
//   - A recorded series (its name has a colon, as in job:requests:rate5m) covers its
//     rule's range, which is not in the query. Preflight says so; use the rule's
//     expression instead.
//   - histogram_quantile interpolates within a bucket, so only the bucket is known: the
//     observation carries it, and is good or bad only if the whole bucket is. Set limits
//     at bucket boundaries. It is the bucket of the nearest rank, in the counts as
//     rate() extrapolates them; the lowest bucket begins at zero. Within another
//     expression histogram_quantile is refused. histogram_fraction interpolates, too,
//     and Preflight says so; the share of a bucket, such as le="2" over all, is exact.
//   - The measured clock is that of the server that answers. Behind Thanos or Mimir,
//     other machines stamp the samples, and their clocks must agree with it.
//   - Timestamps that an exporter sets itself are trusted.
//   - When a series of a plain selector ends (its target is gone, which Prometheus
//     marks as stale), it is no longer observed. While no series is left, the signal is
//     unknown. To notice that one of several is gone, count them: sum(up{job="shop"}).
package prom
