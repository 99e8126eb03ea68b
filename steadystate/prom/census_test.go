package prom_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/prom"
	"github.com/aftershockhq/aftershock/steadystate/steadystatetest"
)

// The capacity objective "errors", as suites/capacity.go has it.
const errorShare = `(sum(rate(http_count{code=~"5.."}[15s])) or vector(0)) / sum(rate(http_count{code!=""}[15s]))`

// judged is what a limit says of observations, good by a tolerance.
func judged(list []steadystate.Observation, good, limit string) steadystate.Reading {
	all := steadystate.Span{From: -time.Hour, To: time.Hour}
	figures := steadystatetest.Fold(list, steadystate.MustParseTolerance(good), steadystate.Rule{Settle: time.Second}, all, all).Figures()[0]
	return steadystate.MustParseLimit(limit).Judge(figures)
}

// unscraped are a pod that serves 500/s, and one that is not scraped any more.
func unscraped(s *server) [][]sample {
	return [][]sample{
		s.every(`http_count{job="j",instance="a",code="200"}`, 5*time.Second, time.Second, 10000, 12500, 15000, 17500),
		s.every(`http_count{job="j",instance="b",code="200"}`, 5*time.Second, 21*time.Second, 10000, 12500, 15000, 17500),
		s.every(`up{job="j",instance="a"}`, 5*time.Second, time.Second, 1, 1, 1, 1, 1),
		s.every(`up{job="j",instance="b"}`, 5*time.Second, time.Second, 1, 0, 0, 0, 0),
	}
}

// away is a pod that had 3 in its queue and is not scraped any more.
func away(s *server) [][]sample {
	return [][]sample{
		append(s.every(`queued{job="j",instance="a"}`, 5*time.Second, 11*time.Second, 3, 3, 3), stale(`queued{job="j",instance="a"}`, s.Now().Add(-6*time.Second))),
		s.every(`up{job="j",instance="a"}`, 5*time.Second, time.Second, 1, 1, 1, 0, 0),
	}
}

// R9: what PromQL leaves out of a value is never taken for nothing.
func TestWhatAValueLeavesOut(t *testing.T) {
	t.Parallel()
	const s5 = 5 * time.Second
	type rows = []sample
	for _, test := range []struct {
		sentence string
		fill     func(s *server) []rows
		query    string
		good     string
		limit    string
		want     steadystate.Verdict
		why      string
	}{
		{
			"a counter that is born at 500 has counted 500",
			func(s *server) []rows {
				return []rows{
					s.every(`http_count{pod="a",code="200"}`, s5, time.Second, 10000, 15000, 19500, 24500),
					s.every(`http_count{pod="a",code="503"}`, s5, time.Second, 500, 500),
				}
			},
			errorShare, "< 0.1%", "mean < 0.1%", steadystate.Unknown, "the limit < 0.1% lies within the bounds of the value: 0% to ",
		},
		{
			"so has one with a single sample",
			func(s *server) []rows {
				return []rows{
					s.every(`http_count{pod="a",code="200"}`, s5, time.Second, 10000, 15000, 19500, 24500),
					s.every(`http_count{pod="a",code="503"}`, s5, time.Second, 500),
				}
			},
			errorShare, "< 0.1%", "mean < 0.1%", steadystate.Unknown, "the limit < 0.1% lies within the bounds of the value: 0% to ",
		},
		{
			"and by increase",
			func(s *server) []rows {
				return []rows{s.every(`http_count{code="200"}`, s5, time.Second, 1, 1, 1, 1), s.every(`http_count{code="503"}`, s5, time.Second, 500, 500)}
			},
			`sum(increase(http_count[15s]))`, "<= 10", "max <= 10", steadystate.Unknown, "the limit <= 10 lies within the bounds of the value: 0 to 500",
		},
		{
			"a counter that comes back with a million counted none of them lately",
			func(s *server) []rows {
				return []rows{
					s.every(`http_count{pod="a",code="200"}`, s5, time.Second, 1000, 1317, 1634, 1950),
					s.every(`http_count{pod="a",code="503"}`, s5, time.Second, 50, 50),
					s.every(`http_count{pod="b",code="200"}`, s5, time.Second, 1e6, 1e6),
				}
			},
			errorShare, "< 0.1%", "outages <= 0", steadystate.Unknown, "the limit < 0.1% lies within the bounds of the value: 0% to ",
		},
		{
			"whichever of several counters they are",
			func(s *server) []rows {
				return []rows{
					s.every(`http_count{pod="a",code="200"}`, s5, time.Second, 1000, 1317, 1634, 1950),
					s.every(`http_count{pod="a",code="503"}`, s5, time.Second, 50, 50),
					s.every(`http_count{pod="b",code="200"}`, s5, time.Second, 1e6, 1e6),
				}
			},
			`(sum(rate(http_count{code="503"}[15s])) or vector(0)) / (sum(rate(http_count{code="200"}[15s])) + sum(rate(http_count{code="503"}[15s])))`,
			"< 0.1%", "outages <= 0", steadystate.Unknown, "lies within the bounds of the value: 0% to ",
		},
		{
			"and of four",
			func(s *server) []rows {
				return []rows{
					s.every(`http_count{pod="a",code="200"}`, s5, time.Second, 1000, 1317, 1634, 1950),
					s.every(`http_count{pod="a",code="503"}`, s5, time.Second, 50, 50),
					s.every(`http_count{pod="b",code="200"}`, s5, time.Second, 1e6, 1e6),
				}
			},
			`((sum(rate(http_count{code="503"}[15s])) or vector(0)) + (sum(rate(http_count{code="504"}[15s])) or vector(0))) / (sum(rate(http_count{code="200"}[15s])) + sum(rate(http_count{code="503"}[15s])))`,
			"< 0.1%", "outages <= 0", steadystate.Unknown, "lies within the bounds of the value: 0% to ",
		},
		{
			"and of what a histogram counted: the slow ones may be of one pod alone",
			func(s *server) []rows {
				var list []rows
				for i, le := range []string{"1", "+Inf"} {
					all := float64(i)
					list = append(list,
						s.every(`d_bucket{pod="a",code="200",le="`+le+`"}`, s5, time.Second, 0, 100, 200, 300),
						s.every(`d_bucket{pod="a",code="503",le="`+le+`"}`, s5, time.Second, 100*all, 100*all),
						s.every(`d_bucket{pod="b",code="200",le="`+le+`"}`, s5, time.Second, 1e6, 1e6))
				}
				return list
			},
			`histogram_quantile(0.9, sum by (le) (rate(d_bucket[15s])))`, "<= 2s", "outages <= 0", steadystate.Unknown, "the limit <= 2s lies within the bounds of the value: at least 0s",
		},
		{
			"where they were all quick it is held",
			func(s *server) []rows {
				var list []rows
				for _, le := range []string{"1", "+Inf"} {
					list = append(list,
						s.every(`d_bucket{pod="a",le="`+le+`"}`, s5, time.Second, 0, 100, 200, 300),
						s.every(`d_bucket{pod="b",le="`+le+`"}`, s5, time.Second, 1e6, 1e6))
				}
				return list
			},
			`histogram_quantile(0.9, sum by (le) (rate(d_bucket[15s])))`, "<= 2s", "max <= 2s", steadystate.Held, "",
		},
		{
			"one that is born at zero changes nothing",
			func(s *server) []rows {
				return []rows{
					s.every(`http_count{pod="a",code="200"}`, s5, time.Second, 10000, 15000, 19500, 24500),
					s.every(`http_count{pod="a",code="503"}`, s5, time.Second, 0, 0),
				}
			},
			errorShare, "< 0.1%", "mean < 0.1%", steadystate.Held, "",
		},
		{
			"a new pod that serves well keeps the service well",
			func(s *server) []rows {
				return []rows{
					s.every(`http_count{pod="a",code="200"}`, s5, time.Second, 10000, 15000, 19500, 24500),
					s.every(`http_count{pod="b",code="200"}`, s5, time.Second, 300, 2800),
				}
			},
			errorShare, "< 0.1%", "mean < 0.1%", steadystate.Held, "",
		},
		{
			"the bucket of a quantile is that without and with what was counted at birth",
			func(s *server) []rows {
				return []rows{
					s.every(`d_bucket{code="200",le="1"}`, s5, time.Second, 0, 100, 200, 300), s.every(`d_bucket{code="200",le="+Inf"}`, s5, time.Second, 0, 100, 200, 300),
					s.every(`d_bucket{code="503",le="1"}`, s5, time.Second, 0, 0), s.every(`d_bucket{code="503",le="+Inf"}`, s5, time.Second, 5000, 5000),
				}
			},
			`histogram_quantile(0.9, sum by (le) (rate(d_bucket[15s])))`, "<= 2s", "max <= 2s", steadystate.Unknown, "the limit <= 2s lies within the bounds of the value: at least 0s",
		},
		{
			"a pod that dies between two scrapes takes its errors with it",
			func(s *server) []rows {
				return []rows{
					s.every(`http_count{pod="a",code="200"}`, s5, time.Second, 10000, 12500, 100, 2600),
					s.every(`http_count{pod="a",code="503"}`, s5, time.Second, 7, 7, 0, 0),
				}
			},
			errorShare, "< 0.1%", "mean < 0.1%", steadystate.Unknown, `ended, restarted or not scraped lately, and what was counted after the last scrape is lost`,
		},
		{
			"one that dies again and again may hide more than a moment",
			func(s *server) []rows {
				return []rows{s.every(`http_count{pod="a",code="200"}`, s5, time.Second, 10000, 12500, 100, 90)}
			},
			errorShare, "< 0.1%", "outages <= 0", steadystate.Unknown, `1 series of http_count{code!=""}: restarted more than once within the range`,
		},
		{
			"so it does if it never comes back",
			func(s *server) []rows {
				return []rows{
					s.every(`http_count{pod="a",code="200"}`, s5, time.Second, 10000, 12500, 15000, 17500),
					append(s.every(`http_count{pod="b",code="200"}`, s5, 6*time.Second, 10000, 12500, 15000), stale(`http_count{pod="b",code="200"}`, s.Now().Add(-2*time.Second))),
				}
			},
			errorShare, "< 0.1%", "mean < 0.1%", steadystate.Unknown, `1 series of http_count{code!=""}: ended`,
		},
		{
			"also if its last scrape was just before the range, and its death within it",
			func(s *server) []rows {
				return []rows{
					s.every(`http_count{pod="a",job="j",instance="a",code="200"}`, s5, time.Second, 10000, 12500, 15000, 17500, 20000, 22500),
					append(s.every(`http_count{pod="b",job="j",instance="b",code="200"}`, s5, 17*time.Second, 10000, 12500, 15000), stale(`http_count{pod="b",job="j",instance="b",code="200"}`, s.Now().Add(-12*time.Second))),
					append(s.every(`up{job="j",instance="b"}`, s5, 17*time.Second, 1, 1, 1), stale(`up{job="j",instance="b"}`, s.Now().Add(-12*time.Second))),
				}
			},
			errorShare, "< 0.1%", "max < 0.1%", steadystate.Unknown, `ended, restarted`,
		},
		{
			"one that was restarted did, although it has counted nothing of what is asked for",
			func(s *server) []rows {
				return []rows{
					s.every(`http_count{job="j",instance="a",code="200"}`, s5, time.Second, 10000, 12500, 12600, 15100),
					s.every(`process_start_time_seconds{job="j",instance="a"}`, s5, time.Second, 7, 7, 9, 9),
				}
			},
			`sum(rate(http_count{code=~"5.."}[15s])) or vector(0)`, "< 1/s", "max < 1/s", steadystate.Unknown, `restarted`,
		},
		{
			"a floor that the others reach is reached, whatever it took with it",
			func(s *server) []rows {
				return []rows{s.every(`http_count{pod="a",code="200"}`, s5, time.Second, 10000, 12500, 100, 2600)}
			},
			`sum(rate(http_count[15s]))`, ">= 100/s", "min >= 100/s", steadystate.Held, "",
		},
		{
			"and one that they do not reach may be",
			func(s *server) []rows {
				return []rows{s.every(`http_count{pod="a",code="200"}`, s5, time.Second, 10000, 12500, 100, 2600)}
			},
			`sum(rate(http_count[15s]))`, ">= 1000/s", "min >= 1000/s", steadystate.Unknown, "lost",
		},
		{
			"the pod that fails is the one that is not scraped",
			unscraped, errorShare, "< 0.1%", "mean < 0.1%", steadystate.Unknown, "1 target of http_count{code=~\"5..\"}: not scraped, so the value covers only the others (b)",
		},
		{
			"so it is of the greatest",
			unscraped, `max(rate(http_count[15s]))`, "<= 600/s", "max <= 600/s", steadystate.Unknown, "1 target of http_count: not scraped, so the value covers only the others (b)",
		},
		{
			"and of a floor that the others do not reach",
			unscraped, `sum(rate(http_count[15s]))`, ">= 900/s", "min >= 900/s", steadystate.Unknown, "1 target of http_count: not scraped",
		},
		{
			"but one that they reach is reached",
			unscraped, `sum(rate(http_count[15s])) or vector(0)`, ">= 400/s", "min >= 400/s", steadystate.Held, "",
		},
		{
			"and a query that reads up says that it is of those that are scraped",
			unscraped, `sum(rate(http_count[15s]) and on (instance) up == 1)`, "<= 600/s", "outages <= 0", steadystate.Held, "",
		},
		{
			"also by its product with up",
			unscraped, `sum(rate(http_count[15s]) * on (instance) group_left up)`, "<= 600/s", "outages <= 0", steadystate.Held, "",
		},
		{
			"and with those excepted that are not",
			unscraped, `sum(sum without (code) (rate(http_count[15s])) unless on (job, instance) (up == 0))`, "<= 600/s", "outages <= 0", steadystate.Held, "",
		},
		{
			"one that divides by how many there are does not",
			unscraped, `sum(rate(http_count[15s])) / count(up{job="j"})`, "<= 300/s", "outages <= 0", steadystate.Unknown, "1 target of http_count: not scraped, so the value covers only the others (b)",
		},
		{
			"nor one that asks whether any is scraped",
			unscraped, `sum(rate(http_count[15s])) and on () count(up == 1) > 0`, "<= 600/s", "outages <= 0", steadystate.Unknown, "1 target of http_count: not scraped",
		},
		{
			"nor whether any of its job is",
			unscraped, `sum(rate(http_count[15s]) and on (job) up == 1)`, "<= 600/s", "outages <= 0", steadystate.Unknown, "1 target of http_count: not scraped",
		},
		{
			"nor one that leaves out those which it finds, and no others",
			unscraped, `count(up unless on (instance) rate(http_count[15s]) > 600)`, "<= 2", "outages <= 0", steadystate.Unknown, "1 target of http_count: not scraped",
		},
		{
			"and what it says of one selector it does not say of another",
			unscraped, `sum(rate(http_count[15s]) and on (instance) up == 1) / sum(rate(http_count{code!=""}[15s]))`, "<= 1", "outages <= 0", steadystate.Unknown, `1 target of http_count{code!=""}: not scraped`,
		},
		{
			"also without an up that says so",
			func(s *server) []rows {
				return []rows{
					s.every(`http_count{pod="a",code="200"}`, s5, time.Second, 10000, 12500, 15000, 17500),
					s.every(`http_count{pod="b",code="200"}`, s5, 21*time.Second, 10000, 12500, 15000, 17500),
				}
			},
			errorShare, "< 0.1%", "mean < 0.1%", steadystate.Unknown, "without up it is unknown whether their target is gone too",
		},
		{
			"and of a gauge",
			func(s *server) []rows {
				return []rows{
					s.every(`queued{job="j",instance="a"}`, s5, time.Second, 3, 3, 3),
					append(s.every(`queued{job="j",instance="b"}`, s5, 11*time.Second, 3, 3, 900), stale(`queued{job="j",instance="b"}`, s.Now().Add(-6*time.Second))),
					s.every(`up{job="j",instance="a"}`, s5, time.Second, 1, 1, 1),
					s.every(`up{job="j",instance="b"}`, s5, time.Second, 1, 0, 0),
				}
			},
			`max(queued)`, "<= 10", "max <= 10", steadystate.Unknown, "1 target of queued: not scraped",
		},
		{
			"and of one whose samples are fetched",
			func(s *server) []rows {
				return []rows{
					s.every(`queued{job="j",instance="a"}`, s5, time.Second, 3, 3, 3),
					append(s.every(`queued{job="j",instance="b"}`, s5, 11*time.Second, 3, 3, 900), stale(`queued{job="j",instance="b"}`, s.Now().Add(-6*time.Second))),
					s.every(`up{job="j",instance="a"}`, s5, time.Second, 1, 1, 1),
					s.every(`up{job="j",instance="b"}`, s5, time.Second, 1, 0, 0),
				}
			},
			`queued`, "<= 1000", "max <= 1000", steadystate.Unknown, "1 target of queued: not scraped",
		},
		{
			"a pod that could never be scraped is missed too",
			func(s *server) []rows {
				return []rows{
					s.every(`http_count{job="j",namespace="shop",pod="a",instance="a",code="200"}`, s5, time.Second, 10000, 12500, 15000, 17500),
					s.every(`up{job="j",namespace="shop",pod="a",instance="a"}`, s5, time.Second, 1, 1, 1, 1, 1, 1, 1, 1, 1),
					s.every(`up{job="j",namespace="shop",pod="b",instance="b"}`, s5, time.Second, 0, 0, 0, 0, 0, 0, 0, 0, 0),
				}
			},
			errorShare, "< 0.1%", "mean < 0.1%", steadystate.Unknown, "not scraped, so the value covers only the others (b)",
		},
		{
			"one that starts is not, nor one of another service",
			func(s *server) []rows {
				return []rows{
					s.every(`http_count{job="j",namespace="shop",pod="a",instance="a",code="200"}`, s5, time.Second, 10000, 12500, 15000, 17500),
					s.every(`up{job="j",namespace="shop",pod="a",instance="a"}`, s5, time.Second, 1, 1, 1, 1, 1, 1, 1, 1, 1),
					s.every(`up{job="j",namespace="shop",pod="b",instance="b"}`, s5, time.Second, 0, 0, 0, 0),
					s.every(`up{job="j",namespace="bazaar",pod="c",instance="c"}`, s5, time.Second, 0, 0, 0, 0, 0, 0, 0, 0, 0),
				}
			},
			errorShare, "< 0.1%", "mean < 0.1%", steadystate.Held, "",
		},
		{
			"a node that is scraped and has no such pod any more is not missed",
			func(s *server) []rows {
				return []rows{
					s.every(`http_count{job="j",instance="a",code="200"}`, s5, time.Second, 10000, 12500, 15000, 17500),
					append(s.every(`http_count{job="j",instance="b",code="200"}`, s5, 61*time.Second, 10000, 12500, 15000), stale(`http_count{job="j",instance="b",code="200"}`, s.Now().Add(-56*time.Second))),
					s.every(`up{job="j",instance="a"}`, s5, time.Second, 1, 1, 1, 1, 1, 1),
					s.every(`up{job="j",instance="b"}`, s5, time.Second, 1, 1, 1, 1, 1, 1),
				}
			},
			errorShare, "< 0.1%", "mean < 0.1%", steadystate.Held, "",
		},
		{
			"one that is scraped again is missed until two scrapes make a difference",
			func(s *server) []rows {
				return []rows{
					s.every(`http_count{job="j",instance="a",code="200"}`, s5, time.Second, 10000, 12500, 15000, 17500),
					s.every(`http_count{job="j",instance="b",code="200"}`, 40*time.Second, time.Second, 10000, 12500),
					s.every(`up{job="j",instance="a"}`, s5, time.Second, 1, 1, 1, 1, 1, 1, 1, 1, 1),
					s.every(`up{job="j",instance="b"}`, s5, time.Second, 1, 0, 0, 0, 0, 0, 0, 0, 1),
				}
			},
			errorShare, "< 0.1%", "mean < 0.1%", steadystate.Unknown, "not scraped, so the value covers only the others (b)",
		},
		{
			"with an offset it is looked for then",
			func(s *server) []rows {
				return []rows{
					s.every(`http_count{job="j",instance="a",code="200"}`, s5, time.Second, 5000, 7500, 10000, 12500, 15000, 17500, 20000),
					s.every(`http_count{job="j",instance="b",code="200"}`, s5, 36*time.Second, 10000, 12500, 15000, 17500),
					s.every(`up{job="j",instance="a"}`, s5, time.Second, 1, 1, 1, 1, 1, 1, 1, 1),
					s.every(`up{job="j",instance="b"}`, s5, time.Second, 1, 0, 0, 0, 0, 0, 0, 0),
				}
			},
			`avg(rate(http_count[15s] offset 10s))`, "<= 900/s", "outages <= 0", steadystate.Unknown, "not scraped, so the value covers only the others (b)",
		},
		{
			"what irate() does not see of a counter that is born it may all be of the last scrape",
			func(s *server) []rows {
				return []rows{
					s.every(`http_count{code="200"}`, s5, time.Second, 1000, 1500, 2000, 2500),
					s.every(`http_count{code="503"}`, s5, time.Second, 500, 500),
				}
			},
			`sum(irate(http_count{code=~"5.."}[15s])) or vector(0)`, "<= 50/s", "max <= 50/s", steadystate.Unknown, "the limit <= 50/s lies within the bounds of the value: 0/s to 100/s",
		},
		{
			"in a subquery too",
			func(s *server) []rows {
				return []rows{
					s.every(`http_count{code="200"}`, s5, time.Second, 1000, 1500, 2000, 2500),
					s.every(`http_count{code="503"}`, s5, time.Second, 500, 500),
				}
			},
			`max_over_time((sum(rate(http_count{code=~"5.."}[15s])) or vector(0))[10s:1s])`, "<= 1/s", "max <= 1/s", steadystate.Unknown, "the limit <= 1/s lies within the bounds of the value: 0/s to 33.3",
		},
		{
			"and if nothing at all is scraped any more",
			func(s *server) []rows {
				return []rows{
					s.every(`http_count{job="j",instance="a",code="200"}`, s5, time.Minute, 10000, 12500, 15000, 17500),
					s.every(`up{job="j",instance="a"}`, s5, time.Minute, 1, 1, 1, 1),
				}
			},
			`sum(rate(http_count{code=~"5.."}[15s])) or vector(0)`, "< 1/s", "max < 1/s", steadystate.Unknown, "1 target of http_count{code=~\"5..\"}: not scraped",
		},
		{
			"what a query supplies for targets of which none is scraped is no reading within a ceiling",
			away, `sum(queued) or vector(0)`, "<= 10", "max <= 10", steadystate.Unknown, "1 target of queued: not scraped",
		},
		{
			"nor good",
			away, `sum(queued) or vector(0)`, "<= 10", "outages <= 0", steadystate.Unknown, "1 target of queued: not scraped",
		},
		{
			"nor one above a floor, below which they might be",
			away, `sum(queued) or vector(0)`, ">= -5", "min >= -5", steadystate.Unknown, "1 target of queued: not scraped",
		},
		{
			"but it is below a floor",
			away, `sum(queued) or vector(0)`, ">= 1", "min >= 1", steadystate.Broken, "1 target of queued: not scraped",
		},
		{
			"which is bad",
			away, `count(queued) or vector(0)`, ">= 1", "outages <= 0", steadystate.Broken, "1 target of queued: not scraped",
		},
		{
			"beside others that are scraped it is part of a value, and nothing is known of that",
			func(s *server) []rows {
				return append(away(s), s.every(`served{job="k",instance="a"}`, s5, time.Second, 3, 3, 3), s.every(`up{job="k",instance="a"}`, s5, time.Second, 1, 1, 1))
			},
			`sum(served) + (sum(queued) or vector(0))`, "<= 10", "max <= 10", steadystate.Unknown, "1 target of queued: not scraped",
		},
		{
			"scraped targets without such a series have none",
			func(s *server) []rows {
				return []rows{s.every(`served{job="k",instance="a"}`, s5, time.Second, 3, 3, 3), s.every(`up{job="k",instance="a"}`, s5, time.Second, 1, 1, 1)}
			},
			`sum(queued) or vector(0)`, "<= 10", "max <= 10", steadystate.Held, "",
		},
		{
			"a pod that was deleted is not missed: its target is gone too",
			func(s *server) []rows {
				gone := s.Now().Add(-30 * time.Second)
				return []rows{
					s.every(`http_count{job="j",instance="a",code="200"}`, s5, time.Second, 10000, 12500, 15000, 17500),
					append(s.every(`http_count{job="j",instance="b",code="200"}`, s5, 35*time.Second, 10000, 12500, 15000), stale(`http_count{job="j",instance="b",code="200"}`, gone)),
					s.every(`up{job="j",instance="a"}`, s5, time.Second, 1, 1, 1, 1, 1),
					append(s.every(`up{job="j",instance="b"}`, s5, 35*time.Second, 1, 1, 1), stale(`up{job="j",instance="b"}`, gone)),
				}
			},
			errorShare, "< 0.1%", "mean < 0.1%", steadystate.Held, "",
		},
	} {
		s := start(t, 0)
		for _, list := range test.fill(s) {
			s.fill(t, list...)
		}
		_, list := once(t, prom.Source{Client: client(t, s.URL), Query: prom.MustParse(test.query), Reduce: map[bool]prom.Reduction{true: prom.Each}[test.query == "queued"]})
		got := judged(list, test.good, test.limit)
		why := got.Undecided
		for _, o := range list {
			why += o.Undecided(steadystate.MustParseTolerance(test.good))
		}
		if got.Verdict != test.want || !strings.Contains(why, test.why) || (test.why == "" && why != "") {
			t.Errorf("%s: %s, %q, want %s, %q; seen %s%s", test.sentence, got.Verdict, why, test.want, test.why, got.Text, show(list...))
		}
	}
}

// No figure takes what a query supplied for something seen, and nothing settles by it.
func TestWhatAQuerySuppliedIsNothingSeen(t *testing.T) {
	t.Parallel()
	s := start(t, 0)
	for _, list := range away(s) {
		s.fill(t, list...)
	}
	_, list := once(t, prom.Source{Client: client(t, s.URL), Query: prom.MustParse(`sum(queued) or vector(0)`)})
	for _, row := range []struct {
		good  string
		n     int // of those observed, which are bad: none are ready, say
		limit string
		want  steadystate.Verdict
	}{
		{"<= 10", 0, "outage <= 1s", steadystate.Unknown},
		{"<= 10", 0, "downtime <= 1s", steadystate.Unknown},
		{"<= 10", 0, "max <= 10", steadystate.Unknown},
		{">= 1", 4, "outages <= 0", steadystate.Broken},
		{">= 1", 4, "min >= 1", steadystate.Broken},
	} {
		good := steadystate.MustParseTolerance(row.good)
		check := steadystate.Check{Name: "queue", Signal: "queue", Good: good}
		settling := steadystate.NewSettling(check, false, time.Second, 0)
		var all []steadystate.Observation
		for i := range 4 { // as many as settle a check
			for _, o := range list {
				o.Span = steadystate.Instant(time.Duration(i) * time.Second)
				settling.Add(o)
				all = append(all, o)
			}
		}
		window := steadystate.Span{To: 3 * time.Second}
		figures := steadystatetest.Fold(all, good, steadystate.Rule{Settle: time.Second}, window, window).Figures()[0]
		if got := steadystate.MustParseLimit(row.limit).Judge(figures); got.Verdict != row.want || figures.Good != 0 || figures.Observed() != row.n {
			t.Errorf("%s, %s: %s, %q; %d good of %d observed; want %s, and 0 of %d", row.good, row.limit, got.Verdict, got.Text, figures.Good, figures.Observed(), row.want, row.n)
		}
		if got := settling.At(3 * time.Second); got.Verdict == steadystate.Held || got.Seen != 0 {
			t.Errorf("%s: settled by %d: %s, %q", row.good, got.Seen, got.Verdict, got.Why)
		}
		if took, n, _ := figures.Recovery(steadystate.Instant(0), steadystate.Instant(0), time.Hour); row.n == 0 && (n != 0 || took.High != 3*time.Second) {
			t.Errorf("%s: recovered in %v after %d outages; want anything within the 3s of which nothing is known", row.good, took, n)
		}
	}
}

// R9: a value in the last bucket of a histogram is as partial as any other when a
// pod has died.
func TestADeathWithAQuantileInTheLastBucket(t *testing.T) {
	t.Parallel()
	s := start(t, 0)
	for le, slow := range map[string]float64{"1": 50, "2": 90, "+Inf": 100} {
		s.fill(t, s.every(`d_bucket{pod="a",le="`+le+`"}`, 5*time.Second, time.Second, 0, slow, 2*slow, 3*slow)...)
		s.fill(t, append(s.every(`d_bucket{pod="b",le="`+le+`"}`, 5*time.Second, 6*time.Second, 0, slow, 2*slow), stale(`d_bucket{pod="b",le="`+le+`"}`, s.Now().Add(-2*time.Second)))...)
	}
	_, list := once(t, prom.Source{Client: client(t, s.URL), Query: prom.MustParse(`histogram_quantile(0.95, sum by (le) (rate(d_bucket[15s])))`)})
	for _, test := range []struct{ good, limit string }{{"<= 1s", "outages <= 0"}, {"<= 3s", "outages <= 0"}, {"<= 1s", "max <= 1s"}, {">= 1s", "min >= 1s"}} {
		if got := judged(list, test.good, test.limit); got.Verdict != steadystate.Unknown {
			t.Errorf("%s: %s %s %s, want unknown; seen %s", test.limit, got.Verdict, got.Text, got.Undecided, show(list...))
		}
		for _, o := range list {
			if good := steadystate.MustParseTolerance(test.good); o.Partial+o.Missing == "" || o.Bad(good) {
				t.Errorf("%s: %+v is bad: %t, want it to say what is lost, and not bad", test.good, o, o.Bad(good))
			}
		}
	}
}

// An ordinary death of a pod makes no hole: what is lost is shorter than what can
// pass unseen anyway. But no figure of the values is certain.
func TestADeathIsNoHole(t *testing.T) {
	t.Parallel()
	s := start(t, 0)
	s.fill(t, s.every(`http_count{pod="a",code="200"}`, 5*time.Second, time.Second, 10000, 12500, 15000, 17500)...)
	s.fill(t, append(s.every(`http_count{pod="b",code="200"}`, 5*time.Second, 6*time.Second, 10000, 12500, 15000), stale(`http_count{pod="b",code="200"}`, s.Now().Add(-2*time.Second)))...)
	_, list := once(t, prom.Source{Client: client(t, s.URL), Query: prom.MustParse(errorShare)})
	for _, test := range []struct {
		limit string
		want  steadystate.Verdict
	}{{"outages <= 0", steadystate.Held}, {"max < 0.1%", steadystate.Unknown}, {"p50 < 0.1%", steadystate.Unknown}} {
		if got := judged(list, "< 0.1%", test.limit); got.Verdict != test.want {
			t.Errorf("%s: %s %s %s, want %s", test.limit, got.Verdict, got.Text, got.Undecided, test.want)
		}
	}
}

// R23: a sum over what two Prometheuses scraped is twice the truth.
func TestReplicasAreNamed(t *testing.T) {
	t.Parallel()
	for _, label := range []string{"prometheus_replica", "replica", "__replica__", "prometheus", "receive"} {
		s := start(t, 0)
		for _, r := range []string{"0", "1"} {
			s.fill(t, s.every(`http_count{pod="a",code="200",`+label+`="`+r+`"}`, 5*time.Second, time.Second, 0, 50, 100, 150)...)
		}
		c := client(t, s.URL)
		want := "differ only in their label " + label + ": two Prometheuses scraped the same targets, and everything counts twice"
		for _, query := range []string{
			`sum(rate(http_count{pod="a"}[15s]))`,
			`sum by (pod) (rate(http_count[15s]))`,
			`max(sum without (` + label + `) (rate(http_count[15s])))`,
			`sum(sum by (` + label + `) (rate(http_count[15s])))`,
			`sum(http_count)`,
			`count(http_count)`,
		} {
			source := prom.Source{Client: c, Query: prom.MustParse(query)}
			if _, err := source.Preflight(t.Context()); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "max without ("+label+") (...)") {
				t.Errorf("%s: preflight says %v, want %q", query, err, want)
			}
			if _, list := once(t, source); len(list) != 1 || !strings.Contains(list[0].Unknown, want) {
				t.Errorf("%s: observed %s, want unknown: %q", query, show(list...), want)
			}
		}
		for _, query := range []string{
			`sum(max without (` + label + `) (rate(http_count[15s])))`,
			`max(sum by (` + label + `) (rate(http_count[15s])))`,
			`max(rate(http_count[15s]))`,
		} {
			_, list := once(t, prom.Source{Client: c, Query: prom.MustParse(query)})
			if len(list) != 1 || list[0].Value < 9 || list[0].Value > 11 {
				t.Errorf("%s: observed %s, want 10", query, show(list...))
			}
		}
	}
	// A metric with such a label of its own, of a target that is scraped once.
	s := start(t, 0)
	s.fill(t, s.every(`lag{job="db",instance="a",replica="0"}`, time.Second, time.Second, 1, 1)...)
	s.fill(t, s.every(`lag{job="db",instance="a",replica="1"}`, time.Second, time.Second, 2, 2)...)
	s.fill(t, s.every(`up{job="db",instance="a"}`, time.Second, time.Second, 1, 1)...)
	_, list := once(t, prom.Source{Client: client(t, s.URL), Query: prom.MustParse(`sum(lag)`)})
	if len(list) != 1 || list[0].Unknown != "" || list[0].Value != 3 {
		t.Errorf("a metric's own label: observed %s, want 3", show(list...))
	}
}
