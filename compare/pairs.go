package compare

import (
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/reports/results"
)

// Pairs compares trials of two experiments that took turns, such as those of two versions
// of a service, one of each in a pair: what drifts while they run affects both. It is held
// if both parts, ratio and share, are held at 95 %, and broken if either is broken at
// 97.5 %. You may look, and stop, after every pair.
type Pairs struct {
	Verdict string `json:"verdict" jsonschema:"enum=held,enum=broken,enum=unknown"`
	// Against names the experiment that is the baseline; PlanHash is its plan's hash.
	Against  string `json:"against"`
	PlanHash string `json:"planHash,omitempty"`
	Baseline Set    `json:"baseline"`
	// NotChosen and BuildUnknown count trials of the baseline, as in a Decision.
	NotChosen    int `json:"notChosen,omitempty"`
	BuildUnknown int `json:"buildUnknown,omitempty"`
	// N is the number of pairs, Unpaired that of runs without a partner that ran right
	// before or right after them.
	N        int `json:"n"`
	Unpaired int `json:"unpaired,omitempty"`
	// RatioMargin is the margin on the ratio in a pair, ShareMargin that on the share.
	RatioMargin float64 `json:"ratioMargin"`
	ShareMargin float64 `json:"shareMargin"`
	// Inside is the number of pairs whose ratio is certainly at most 1 + margin, Beyond of
	// those whose ratio is certainly more. RatioVerdict decides by an anytime-valid sign
	// test whether at least half of all possible pairs are inside.
	Inside       int    `json:"inside"`
	Beyond       int    `json:"beyond"`
	RatioVerdict string `json:"ratioVerdict" jsonschema:"enum=held,enum=broken,enum=unknown"`
	// More is by how much the share of trials beyond the limit is larger than the
	// baseline's, in these pairs. ShareVerdict decides by an anytime-valid test of the mean
	// difference whether it is larger by less than the margin, in all possible pairs.
	More         results.Range `json:"more"`
	ShareVerdict string        `json:"shareVerdict" jsonschema:"enum=held,enum=broken,enum=unknown"`
	// MorePairs is how many further pairs, all inside and within the limit, would make it
	// held; absent if it is decided, or if 100,000 would not.
	MorePairs int `json:"morePairs,omitempty"`
	// EqualHeld and EqualBroken estimate how often so many pairs, looked at after each, are
	// held or broken if the trials are like the baseline, SlowerBroken how often they are
	// broken if the trials take 1.5 times as long: shares of 200 resamplings of the
	// baseline's times, each paired with that of a neighbor.
	EqualHeld    float64 `json:"equalHeld"`
	EqualBroken  float64 `json:"equalBroken"`
	SlowerBroken float64 `json:"slowerBroken"`
}

// pair is a recovery of the trials and one of the baseline.
type pair struct{ of, baseline interval }

// farApart is the longest time from the start of one run of a pair to that of the other:
// what drifts must affect both.
const farApart = 2 * time.Hour

// pairUp pairs each run of an experiment with one of another that ran right before or
// right after it. Runs that a person or the harness ended before the fault do not count.
func pairUp(trials, baseline []results.Result) (paired pairedRuns) {
	type run struct {
		results.Result
		ofBaseline bool
	}
	var all []run
	for _, r := range kept(trials) {
		all = append(all, run{r, false})
	}
	for _, r := range kept(baseline) {
		all = append(all, run{r, true})
	}
	slices.SortStableFunc(all, func(a, b run) int { return a.Run.Started.Compare(b.Run.Started) })
	for i := 0; i < len(all); i++ {
		if i+1 == len(all) || all[i].ofBaseline == all[i+1].ofBaseline || all[i+1].Run.Started.Sub(all[i].Run.Started) > farApart {
			paired.unpaired++
			continue
		}
		x, y := all[i], all[i+1]
		if x.ofBaseline {
			x, y = y, x
			paired.baselineFirst++
		}
		paired.of, paired.baseline = append(paired.of, x.Result), append(paired.baseline, y.Result)
		i++
	}
	return paired
}

// pairedRuns are runs of which each of the first list has its partner in the second.
type pairedRuns struct {
	of, baseline            []results.Result
	baselineFirst, unpaired int
}

// fewPairs decide nothing, so that their order does not matter.
const fewPairs = 6

// inTurn returns an error if one of two experiments ran first in more than two thirds of
// the pairs: what the first run leaves behind would favor one of them.
func (p pairedRuns) inTurn(name, against string) error {
	n, first := len(p.of), name
	times := n - p.baselineFirst
	if p.baselineFirst > times {
		first, times = against, p.baselineFirst
	}
	if n < fewPairs || 3*times <= 2*n {
		return nil
	}
	return fmt.Errorf("%s ran first in %d of %s: run both with \"aftershock run --trials N --seed S\", which takes turns", first, times, plural(n, "pair"))
}

var anyURL = regexp.MustCompile(`[a-z]+://[^\s,]+`)

// sameTest says in what two runs of different services differ besides the service; empty
// if in nothing. Their plans name the services, so that hashes of plans always differ.
func sameTest(a, b results.Result) string {
	neutral := func(r results.Result, text string) string {
		text = anyURL.ReplaceAllString(text, "URL")
		for _, name := range []string{workloadOf(r), r.Service} {
			if name != "" {
				text = strings.ReplaceAll(text, name, "SERVICE")
			}
		}
		return text
	}
	for _, of := range []struct {
		what string
		list func(results.Result) []string
	}{
		{"experiment", func(r results.Result) []string {
			_, name, _ := strings.Cut(r.Experiment, "/")
			return []string{name}
		}},
		{"load", func(r results.Result) []string { return []string{neutral(r, r.Load)} }},
		{"faults", func(r results.Result) (list []string) {
			for _, i := range r.Injections {
				list = append(list, neutral(r, i.Fault))
			}
			return list
		}},
		{"limits", func(r results.Result) (list []string) {
			for _, f := range r.Findings {
				list = append(list, f.Check+": "+f.Limit.Text)
			}
			slices.Sort(list)
			return list
		}},
		{"checks", func(r results.Result) (list []string) {
			for _, c := range r.Checks {
				list = append(list, c.Check+": "+c.Good.Text)
			}
			slices.Sort(list)
			return list
		}},
	} {
		if x, y := of.list(a), of.list(b); !slices.Equal(x, y) {
			return fmt.Sprintf("%s: %s, and %s", of.what, strings.Join(x, "; "), strings.Join(y, "; "))
		}
	}
	return ""
}

// workloadOf is the name of what a run is about.
func workloadOf(r results.Result) string {
	if r.Workload == nil {
		return ""
	}
	return r.Workload.Subject[strings.LastIndexByte(r.Workload.Subject, '/')+1:]
}

// pairsOf decides about pairs of recoveries.
func pairsOf(list []pair, limit bound) Pairs {
	p := Pairs{Verdict: unknown, N: len(list), RatioMargin: ratioMargin, ShareMargin: shareMargin}
	looks, low, high := newLooks(), 0, 0
	for _, at := range list {
		looks.add(at, limit)
		switch {
		case at.inside():
			p.Inside++
		case at.beyond():
			p.Beyond++
		}
		least, most := at.more(limit)
		low, high = low+least, high+most
	}
	if n := float64(len(list)); n > 0 {
		p.More = interval{float64(low) / n, float64(high) / n}.bounds()
	}
	p.RatioVerdict, p.ShareVerdict = looks.ratio(), looks.share()
	p.Verdict = worst(p.RatioVerdict, p.ShareVerdict)
	for more := 0; p.Verdict == unknown && more < 100_000; {
		looks.add(pair{}, bound{seconds: 1})
		if more++; looks.verdict() != unknown {
			p.MorePairs = more
			break
		}
	}
	if len(list) == 0 {
		return p
	}
	random := rand.New(rand.NewPCG(15, 50))
	draw := func(by float64) string {
		return stopped(func() pair {
			// A neighbor in time has drifted as far.
			i := random.IntN(len(list))
			j := max(0, min(len(list)-1, i+1-2*random.IntN(2)))
			return pair{scaled(list[j].baseline, by), list[i].baseline}
		}, len(list), limit)
	}
	for range replays {
		equal := draw(1)
		p.EqualHeld += share(equal == held)
		p.EqualBroken += share(equal == broken)
		p.SlowerBroken += share(draw(slower) == broken)
	}
	return p
}

// stopped is the verdict on pairs that are drawn until there is one, n at most.
func stopped(draw func() pair, n int, limit bound) string {
	looks := newLooks()
	for range n {
		looks.add(draw(), limit)
		if v := looks.verdict(); v != unknown {
			return v
		}
	}
	return unknown
}

// inside is that the ratio is certainly at most the margin, beyond that it is certainly
// more.
func (p pair) inside() bool { return p.of.high <= (1+ratioMargin)*p.baseline.low }

func (p pair) beyond() bool { return p.of.low > (1+ratioMargin)*p.baseline.high }

// more is how many more of the trials than of the baseline are beyond the limit, at least
// and at most: -1, 0 or 1.
func (p pair) more(limit bound) (least, most int) {
	of, baseline := overLimit([]interval{p.of}, limit), overLimit([]interval{p.baseline}, limit)
	return of.low - baseline.high, of.high - baseline.low
}

// looks are the evidence after each pair.
type looks struct {
	inside, beyond *evidence
	less, more     *bets
}

func newLooks() *looks {
	return &looks{
		inside: &evidence{share: 0.5, others: []float64{0.6, 0.7, 0.8, 0.9, 0.99}},
		beyond: &evidence{share: 0.5, others: []float64{0.4, 0.3, 0.2, 0.1, 0.01}},
		less:   &bets{mean: shareMargin, stakes: []float64{-0.2, -0.5, -0.8, -1.1}},
		more:   &bets{mean: shareMargin, stakes: []float64{0.2, 0.4, 0.6, 0.8}},
	}
}

func (l *looks) add(p pair, limit bound) {
	least, most := p.more(limit)
	l.inside.add(p.inside())
	l.beyond.add(!p.beyond())
	l.less.add(float64(most))
	l.more.add(float64(least))
}

func (l *looks) ratio() string {
	return decided(l.inside.value() >= 1/insideLevel, l.beyond.value() >= 1/beyondLevel)
}

func (l *looks) share() string {
	return decided(l.less.value() >= 1/insideLevel, l.more.value() >= 1/beyondLevel)
}

func (l *looks) verdict() string { return worst(l.ratio(), l.share()) }

// bets are evidence against that the mean of differences from -1 to 1 is what it is said
// to be, or on the other side of it from the stakes: the fortune of one who bets a stake
// on each. See I. Waudby-Smith, A. Ramdas, "Estimating means of bounded random variables
// by betting", JRSS B 86 (2024).
type bets struct {
	mean   float64
	stakes []float64 // of one sign, small enough that nothing loses a whole fortune
	logs   []float64
}

func (b *bets) add(difference float64) {
	if b.logs == nil {
		b.logs = make([]float64, len(b.stakes))
	}
	for i, stake := range b.stakes {
		b.logs[i] += math.Log1p(stake * (difference - b.mean))
	}
}

// value is the mean over the stakes.
func (b *bets) value() float64 { return meanOf(b.logs) }

// String says what was decided, on which pairs, and how often such a decision errs.
func (p Pairs) String() string {
	text := fmt.Sprintf("%d of %s at most %.4g times as long as the baseline, %d longer, %s; the share beyond the limit is larger by %s, %s (at most %s)",
		p.Inside, plural(p.N, "pair"), 1+p.RatioMargin, p.Beyond, p.RatioVerdict, ranged("share", p.More), p.ShareVerdict, format("share", p.ShareMargin))
	if p.Unpaired > 0 {
		text += fmt.Sprintf("; %s without a partner", plural(p.Unpaired, "run"))
	}
	if p.MorePairs > 0 {
		text += fmt.Sprintf("; %d more inside would do", p.MorePairs)
	}
	return text + fmt.Sprintf("; a build like the baseline would be held in %s of cases and broken in %s, one 1.5 times as slow broken in %s",
		format("share", p.EqualHeld), format("share", p.EqualBroken), format("share", p.SlowerBroken))
}
