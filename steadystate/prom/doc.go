// Package prom makes queries of a Prometheus, or of what speaks its HTTP API
// (Thanos, Mimir), into observations with correct spans.
//
// A value of PromQL is never of the instant at which it was asked for. A rate
// speaks of its range, a selector of the last scrape, and the clock that
// stamped the scrape is another machine's. So a query is parsed: how far back
// each of its selectors reaches is read off it, the age of the samples that an
// instant selector used is asked for in the same evaluation, and the skew
// between the server's clock and the record's is measured with every answer.
// The span of an observation holds all of that. What cannot be known (nothing
// matched, NaN, a partial answer, no connection) is recorded as unknown with
// its reason, never skipped and never a value.
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
// A plain selector, as in up{job="shop"}, is observed by its raw samples: each
// scrape is one observation, dated by the server, and none is missed between
// two polls. Its span begins at the scrape's time and ends when the scrape was
// over: as its scrape_duration_seconds says where that can be found, else by
// the next scrape of the same series, else by the answer that brought it.
//
// Any other expression is evaluated once per [Source.Interval]. The span of
// the value reaches from the oldest sample that it can have used to the
// answer; when series are missing that were there before, from the scrapes
// that did not find them. Two evaluations between which nothing was scraped say the same thing
// twice; that changes no bound of an outage, but counts of observations are
// counts of polls. A value made of several series mixes samples of different
// instants in the span.
//
// [PerSeries] observes each of several series apart, under the value of a label:
// the CPU of each pod.
//
// # What a value leaves out
//
// PromQL leaves out what is not there and says nothing of it, so each evaluation
// also counts the series that it read, and looks at the up of their targets, by
// the labels job and instance. What a check may say while pods come and go:
//
//   - A target that Prometheus has and cannot scrape (up is 0) is unknown once
//     nothing of it is left in the range, and at once where there is no range: the
//     value would be that of the others. One that was never scraped is unknown
//     after half a minute, or the range if that is longer: it may be starting. A
//     floor that the others reach alone, as of a sum of rates, is reached. So it
//     is with series that are gone and have no up.
//   - When a pod dies, what its counters counted after its last scrape is lost:
//     its rate as it was, or two thousand errors. The same goes for a process
//     that is restarted, and while a target has missed its latest scrapes. That
//     lasts less than the range, and so short an outage may pass unseen anyway:
//     the resolution says so. So the value stands for limits on outages, downtime
//     and recovery, and is partial: limits on values (mean, max, p95) are
//     unknown, but for what can only be better, as a floor on a sum is. What it
//     misses may be within its limit too, so a value that is bad for it is unknown.
//   - Prometheus takes some ten seconds and three scrapes to forget a dead pod.
//     With a shorter range it is a target that cannot be scraped for a while.
//     Where those that are scraped are meant, keep only those, and the first rule
//     does not apply: sum(rate(errors_total[5s]) and on (instance) up == 1), or
//     unless ... up == 0, or a product with up. It is said of each selector apart.
//     Then what a pod does that fails its scrapes is for another check to see.
//   - A counter that is born within the range may have counted its first value in
//     it, or some, or nothing if its target was away for more than five minutes;
//     rate() takes that for where it began. The value lies between those without
//     and with the first values, of all series and of those of each selector alone.
//   - What two Prometheuses of a pair scraped is there twice. A sum over it, or a
//     count, is refused, and the label that tells the copies apart is named.
//
// # What to know before trusting a number
//
//   - A recorded series (its name has a colon, as in job:requests:rate5m)
//     speaks of its rule's range, which is not in the query. Preflight says so;
//     use the rule's expression instead.
//   - histogram_quantile is interpolated within a bucket, so all that is known
//     is the bucket: an observation carries it, and is good or bad only if the
//     whole bucket is. Set limits to where a bucket ends. It is the bucket of the
//     nearest rank, in the counts as rate() extrapolates them, and the lowest
//     one begins at zero. Within another expression it is refused.
//     histogram_fraction is interpolated too, and Preflight says so; the share
//     of a bucket, such as that of le="2" over all, is exact.
//   - The clock measured is that of the server asked. Behind Thanos or Mimir
//     samples are stamped by others, whose clocks must agree with it.
//   - Samples with timestamps of the exporter's own are taken at its word.
//   - A series of a plain selector that ends (its target is gone, which
//     Prometheus marks as stale) is not observed any more. While no series is
//     left the signal is unknown. To see that one of several is gone, count
//     them: sum(up{job="shop"}).
package prom
