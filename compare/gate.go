package compare

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/aclements/go-moremath/stats"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports/results"
)

// GateFormat and GateVersion identify the JSON document of a [Gate].
const (
	GateFormat  = "aftershock/gate"
	GateVersion = 1
)

// A Gate decides whether trials of a build are good enough to release it.
type Gate struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	// ToolVersion is the version of the program that wrote the document.
	ToolVersion string `json:"toolVersion,omitempty"`
	// Verdict is broken if any decision is, else unknown if any is, else held.
	Verdict string `json:"verdict" jsonschema:"enum=held,enum=broken,enum=unknown"`
	// ExitCode is 0 for held, 1 for broken, 3 for unknown.
	ExitCode int `json:"exitCode" jsonschema:"enum=0,enum=1,enum=3"`
	// Decisions has one entry for each time to recovery with a limit.
	Decisions []Decision `json:"decisions"`
}

// A Decision judges one time to recovery of one check in one experiment.
type Decision struct {
	Experiment string `json:"experiment"`
	PlanHash   string `json:"planHash,omitempty"`
	Check      string `json:"check"`
	// Subject is ttr, or ttr after removal of the fault.
	Subject string `json:"subject"`
	// LimitSeconds is the limit on a recovery, inclusive if the operator is <=.
	LimitSeconds  float64 `json:"limitSeconds"`
	LimitOperator string  `json:"limitOperator" jsonschema:"enum=<,enum=<="`
	// Verdict is broken if any part (absolute, relative, pairs) is, else unknown if any
	// is, else held.
	Verdict string `json:"verdict" jsonschema:"enum=held,enum=broken,enum=unknown"`
	Trials  Set    `json:"trials"`
	// NotChosen is the number of trials of the experiment with another plan or build than
	// asked for. They do not count.
	NotChosen int `json:"notChosen,omitempty"`
	// BuildUnknown is the number of trials that do not say what they ran although others
	// do. They count as undecided.
	BuildUnknown int      `json:"buildUnknown,omitempty"`
	Absolute     Absolute `json:"absolute"`
	// Relative is absent without a baseline.
	Relative *Relative `json:"relative,omitempty"`
	// Pairs are absent unless the trials are paired with those of another experiment.
	Pairs *Pairs `json:"pairs,omitempty"`
}

// Absolute decides whether at least a share of all recoveries is within the limit. It is
// held if the likelihood ratio against a smaller share, and broken if that against so
// large a one, reaches 1 / (1 - confidence). Both are test martingales (G. Shafer,
// "Testing by Betting", JRSS A 184, 2021), so you may look, and stop, after every trial.
type Absolute struct {
	Verdict    string  `json:"verdict" jsonschema:"enum=held,enum=broken,enum=unknown"`
	Share      float64 `json:"share"`
	Confidence float64 `json:"confidence"`
	// Within is the number of trials whose recovery was certainly within the limit, Beyond
	// of those whose recovery was certainly not, or that broke a limit on something else.
	// Undecided is the rest: the limit lies within the bounds, no recovery was seen, or a
	// limit on something else is unknown. They count against held and against broken.
	Within    int `json:"within"`
	Beyond    int `json:"beyond"`
	Undecided int `json:"undecided"`
	// EvidenceFor is the likelihood ratio for held, EvidenceAgainst that for broken.
	EvidenceFor     float64 `json:"evidenceFor"`
	EvidenceAgainst float64 `json:"evidenceAgainst"`
	// MoreTrials is how many further trials, all within the limit, would make it held.
	MoreTrials int `json:"moreTrials"`
	// HeldAtShare is the probability that so many trials, looked at after each, hold a
	// service of which exactly the share recovers in time. HeldAt99 is that for a share of
	// 0.99, or halfway from the share to 1 if that is more.
	HeldAtShare float64 `json:"heldAtShare"`
	HeldAt99    float64 `json:"heldAt99"`
}

// Relative compares recoveries with those of a baseline: the ratio of the medians, and by
// how much the share beyond the limit is larger, each with a margin. It is held if both
// are within their margins at 95 % confidence, and broken if either is beyond at 97.5 %.
type Relative struct {
	Verdict  string `json:"verdict" jsonschema:"enum=held,enum=broken,enum=unknown"`
	Baseline Set    `json:"baseline"`
	// Planned is the number of trials to compare. The decision is made once: fewer trials
	// are unknown, and later ones do not count.
	Planned int `json:"planned"`
	// RatioMargin is the margin on the ratio of the medians, ShareMargin that on the
	// share.
	RatioMargin float64 `json:"ratioMargin"`
	ShareMargin float64 `json:"shareMargin"`
	// Ratio is the ratio of the two sets' medians; an unbounded end is absent.
	Ratio        results.Range `json:"ratio"`
	RatioVerdict string        `json:"ratioVerdict" jsonschema:"enum=held,enum=broken,enum=unknown"`
	// RatioConfidence bounds the ratio of the medians of all possible trials: from above at
	// 95 %, from below at 97.5 %, whatever the shapes of the two distributions.
	RatioConfidence results.Range `json:"ratioConfidence"`
	// PInside is the one-sided p-value of the sign test for a ratio of at most 1 + margin,
	// PBeyond that for more.
	PInside float64 `json:"pInside"`
	PBeyond float64 `json:"pBeyond"`
	// More bounds by how much the share beyond the limit is larger than the baseline's, at
	// 95 % on each side (Clopper and Pearson).
	More         results.Range `json:"more"`
	ShareVerdict string        `json:"shareVerdict" jsonschema:"enum=held,enum=broken,enum=unknown"`
	// EqualHeld and EqualBroken estimate how often so many trials that are like the
	// baseline are held or broken, SlowerBroken how often trials that take 1.5 times as
	// long are broken: shares of 200 resamplings of the baseline.
	EqualHeld    float64 `json:"equalHeld"`
	EqualBroken  float64 `json:"equalBroken"`
	SlowerBroken float64 `json:"slowerBroken"`

	compared int // trials
}

// GateOptions say what is good enough. A zero field takes its default.
type GateOptions struct {
	// Within is the limit on a recovery, in seconds. Default: the strictest limit on ttr
	// that the trials were judged by.
	Within float64
	// Share is the least share of recoveries within the limit. Default: 0.9.
	Share float64
	// Confidence is that of the absolute part. Default: 0.95.
	Confidence float64
	// Planned is the number of trials to compare with a baseline. Default:
	// [PlannedTrials].
	Planned int
	// SamePlan accepts trials without a hash of their plan, as in [Options], with a
	// baseline or without.
	SamePlan bool
	// Plans selects trials by the first characters of their plan's hash. Default: all
	// trials, which must have one plan.
	Plans []string
	// Images selects trials that ran all these images, each given by a part of its digest.
	// Default: all trials, which must have run the same images. BaselineImages selects
	// those of the baseline.
	Images, BaselineImages []string
	// Against names the experiment whose trials are the baseline in pairs; the trials of
	// one other experiment are paired with them. Default: no pairs.
	Against string
}

// PlannedTrials is the default number of trials on each side. They hold 95 % of equal
// builds and break 90 % of builds that take 1.5 times as long, if recoveries spread by
// 20 % and are known to 2 %; "make gate-rates" measures this.
const PlannedTrials = 78

const (
	ratioMargin = 0.25
	shareMargin = 0.1
	slower      = 1.5
)

// ErrOtherPlan reports a baseline with another plan than the trials.
var ErrOtherPlan = errors.New("another plan")

// NewGate decides from trials and, unless baseline is nil, compares them with it. It
// returns an error if there is no trial, if the trials of an experiment have several plans
// or builds, if none has a limit on ttr and o.Within is zero, if the baseline has another
// plan ([ErrOtherPlan]), or if a run is on both sides ([ErrOnBothSides]). Too few trials
// are no error but an unknown verdict.
func NewGate(trials, baseline []results.Result, o GateOptions) (Gate, error) {
	o.Share, o.Confidence, o.Planned = cmp.Or(o.Share, 0.9), cmp.Or(o.Confidence, 0.95), cmp.Or(o.Planned, PlannedTrials)
	g := Gate{Format: GateFormat, Version: GateVersion, ToolVersion: record.Tool(), Decisions: []Decision{}}
	sets, bases := byExperiment(trials), byExperiment(baseline)
	against, err := o.against(sets)
	if err != nil {
		return Gate{}, err
	}
	for _, name := range slices.Sorted(maps.Keys(sets)) {
		of, err := choice{"trials", "--image", o.Plans, o.Images, o.SamePlan}.of(name, sets[name])
		if err != nil {
			return Gate{}, err
		}
		var base chosen
		if baseline != nil {
			if base, err = o.baselineOf(name, of.plan, bases[name]); err != nil {
				return Gate{}, err
			}
		}
		if run := both(of.runs, base.runs); run != "" {
			return Gate{}, fmt.Errorf("run %s is %w", run, ErrOnBothSides)
		}
		before := len(g.Decisions)
		for _, s := range recoverySubjects(of.runs) {
			limit, ok := o.limit(of.runs, s)
			if !ok {
				continue
			}
			d := decide(plan{name, of.plan}, s, limit, of.runs, base.runs, o)
			if o.Against != "" {
				if err := d.pair(s, limit, of.runs, against, o); err != nil {
					return Gate{}, err
				}
			}
			d.NotChosen, d.BuildUnknown = of.notChosen, of.buildUnknown
			g.Decisions = append(g.Decisions, d)
		}
		// What nothing is decided of must not pass beside what is held.
		switch {
		case len(g.Decisions) > before:
		case o.Within > 0:
			return Gate{}, fmt.Errorf("no trial of %s shows a time to recovery: gate those of other experiments", name)
		default:
			return Gate{}, fmt.Errorf("no trial of %s has a limit on ttr: say what a recovery may take, as in --within 30s", name)
		}
	}
	if len(g.Decisions) == 0 {
		return Gate{}, errors.New("there is no trial")
	}
	var all []string
	for _, d := range g.Decisions {
		all = append(all, d.Verdict)
	}
	g.Verdict = worst(all...)
	g.ExitCode = map[string]int{held: 0, broken: 1, unknown: 3}[g.Verdict]
	return g, nil
}

// against removes the trials that others are paired with from the sets and returns them.
func (o GateOptions) against(sets map[string][]results.Result) (chosen, error) {
	if o.Against == "" {
		return chosen{}, nil
	}
	set, ok := sets[o.Against]
	if names := slices.Sorted(maps.Keys(sets)); !ok || len(sets) != 2 {
		return chosen{}, fmt.Errorf("pairs are of %q and one other experiment; there are trials of %s", o.Against, strings.Join(names, ", "))
	}
	delete(sets, o.Against)
	return choice{what: "trials", flag: "--baseline-image", plans: o.Plans, images: o.BaselineImages, samePlan: o.SamePlan}.of(o.Against, set)
}

// pair also decides about the trials in pairs with those of another experiment.
func (d *Decision) pair(s subject, limit bound, trials []results.Result, with chosen, o GateOptions) error {
	if differs := sameTest(trials[0], with.runs[0]); differs != "" && !o.SamePlan {
		return fmt.Errorf("%s and %s are not the same test of two services (%s); --same-plan takes your word for it", d.Experiment, o.Against, differs)
	}
	if !slices.Contains(recoverySubjects(with.runs), s) {
		return fmt.Errorf("no trial of %s shows the %s of %s", o.Against, s.subject, s.check)
	}
	runs := pairUp(trials, with.runs)
	if err := runs.inTurn(d.Experiment, o.Against); err != nil {
		return err
	}
	of, baseline := recoveriesOf(s, runs.of), recoveriesOf(s, runs.baseline)
	var list []pair
	for i := range of {
		list = append(list, pair{of[i], baseline[i]})
	}
	p := pairsOf(list, limit)
	p.Against, p.PlanHash, p.Baseline = o.Against, with.plan, newSet(with.runs)
	p.Unpaired, p.NotChosen, p.BuildUnknown = runs.unpaired, with.notChosen, with.buildUnknown
	d.Pairs, d.Verdict = &p, worst(d.Verdict, p.Verdict)
	return nil
}

const held, broken, unknown = "held", "broken", "unknown"

// worst is broken if a verdict is, else unknown if one is.
func worst(verdicts ...string) string {
	for _, v := range []string{broken, unknown} {
		if slices.Contains(verdicts, v) {
			return v
		}
	}
	return held
}

// both names a run that is in both sets; empty if none is.
func both(a, b []results.Result) string {
	for _, x := range a {
		for _, y := range b {
			if x.Run.ID == y.Run.ID && x.Experiment == y.Experiment {
				return x.Run.ID + " of " + x.Experiment
			}
		}
	}
	return ""
}

// recoverySubjects lists the times to recovery that trials show.
func recoverySubjects(list []results.Result) (subjects []subject) {
	for _, r := range list {
		order, _ := figures(r)
		for _, s := range order {
			if (s.subject == ttr || s.subject == ttrAfter) && !slices.Contains(subjects, s) {
				subjects = append(subjects, s)
			}
		}
	}
	return subjects
}

// limit is the strictest limit on a time to recovery that a trial was judged by.
func (o GateOptions) limit(list []results.Result, s subject) (limit bound, ok bool) {
	if o.Within > 0 {
		return bound{seconds: o.Within}, s.subject == ttr
	}
	limit.seconds = math.Inf(1)
	for _, r := range list {
		for _, f := range r.Findings {
			if f.Check == s.check && f.Subject == s.subject && f.Limit.Value != nil && strings.HasPrefix(f.Limit.Operator, "<") {
				is := bound{*f.Limit.Value, f.Limit.Operator == "<"}
				if is.seconds < limit.seconds || is.seconds == limit.seconds && is.strict {
					limit = is
				}
			}
		}
	}
	return limit, !math.IsInf(limit.seconds, 1)
}

// A bound limits a time: inclusive, or, if strict, exclusive.
type bound struct {
	seconds float64
	strict  bool
}

func (b bound) operator() string {
	if b.strict {
		return "<"
	}
	return "<="
}

// within reports whether a time certainly meets the bound, beyond whether it certainly
// does not.
func (b bound) within(i interval) bool { return i.high < b.seconds || !b.strict && i.high == b.seconds }

func (b bound) beyond(i interval) bool { return i.low > b.seconds || b.strict && i.low == b.seconds }

func decide(p plan, s subject, limit bound, trials, baseline []results.Result, o GateOptions) Decision {
	d := Decision{Experiment: p.experiment, PlanHash: p.hash, Check: s.check, Subject: s.subject, LimitSeconds: limit.seconds, LimitOperator: limit.operator(), Trials: newSet(trials)}
	set := recoveriesOf(s, trials)
	d.Absolute = absolute(withOtherLimits(set, trials, o), limit, o)
	d.Verdict = d.Absolute.Verdict
	if baseline != nil {
		r := relative(set, recoveriesOf(s, baseline), limit, o.Planned)
		r.Baseline = newSet(baseline)
		d.Relative = &r
		d.Verdict = worst(d.Verdict, r.Verdict)
	}
	return d
}

// recoveriesOf returns the times to recovery of the runs that say something about the
// service, in their order.
func recoveriesOf(s subject, list []results.Result) (set []interval) {
	for _, r := range kept(list) {
		_, seen := figures(r)
		i, ok := seen[s]
		if !ok {
			i = anything
		}
		set = append(set, i)
	}
	return set
}

// withOtherLimits returns recoveries in which trials that broke a limit on something else
// never end, and those of which such a limit is not held may not: a service that recovers
// in time and loses orders is not good. A time to recovery that has a decision of its own
// is not something else.
func withOtherLimits(set []interval, list []results.Result, o GateOptions) []interval {
	set = slices.Clone(set)
	for i, r := range kept(list) {
		for _, f := range r.Findings {
			switch {
			case f.Subject == ttr, f.Subject == ttrAfter && o.Within == 0, f.Verdict == held:
			case f.Verdict == broken:
				set[i] = interval{math.Inf(1), math.Inf(1)}
			default:
				set[i].high = math.Inf(1)
			}
		}
	}
	return set
}

// An evidence speaks against a share of successes: the mean, over other shares, of the
// likelihood ratio to it. If the share is true, it ever reaches x with a probability of at
// most 1/x (Ville). See G. Shafer, "Testing by Betting", JRSS A 184 (2021).
type evidence struct {
	share  float64
	others []float64
	logs   []float64
}

func (e *evidence) add(success bool) {
	if e.logs == nil {
		e.logs = make([]float64, len(e.others))
	}
	for i, other := range e.others {
		if success {
			e.logs[i] += math.Log(other / e.share)
		} else {
			e.logs[i] += math.Log((1 - other) / (1 - e.share))
		}
	}
}

// value is the mean over the other shares.
func (e *evidence) value() float64 { return meanOf(e.logs) }

// meanOf is the mean of numbers by their logarithms; of none it is 1, which is what
// evidence is before the first trial.
func meanOf(logs []float64) (mean float64) {
	if logs == nil {
		return 1
	}
	for _, l := range logs {
		mean += math.Exp(l) / float64(len(logs))
	}
	return min(mean, math.MaxFloat64) // JSON has no infinity
}

// good is the share that is tested against one: 0.99 against 0.9.
func good(share float64) float64 { return max(0.99, 1-(1-share)/2) }

func forHeld(share float64) *evidence { return &evidence{share: share, others: []float64{good(share)}} }

func forBroken(share float64) *evidence {
	return &evidence{share: share, others: []float64{0.85 * share, 0.5 * share, 0.1 * share}}
}

func absolute(set []interval, limit bound, o GateOptions) Absolute {
	a := Absolute{Verdict: unknown, Share: o.Share, Confidence: o.Confidence}
	in, out := forHeld(o.Share), forBroken(o.Share)
	for _, i := range set {
		switch {
		case limit.within(i):
			a.Within++
		case limit.beyond(i):
			a.Beyond++
		default:
			a.Undecided++
		}
		in.add(limit.within(i))
		out.add(!limit.beyond(i))
	}
	a.EvidenceFor, a.EvidenceAgainst = in.value(), out.value()
	need := 1 / (1 - o.Confidence)
	switch {
	case a.EvidenceFor >= need:
		a.Verdict = held
	case a.EvidenceAgainst >= need:
		a.Verdict = broken
	}
	for in.value() < need {
		in.add(true)
		a.MoreTrials++
	}
	a.HeldAtShare, a.HeldAt99 = heldWithin(len(set), o.Share, o), heldWithin(len(set), good(o.Share), o)
	return a
}

// heldWithin is how often trials of a service with that share of recoveries in time
// are held at one of the first n looks: 2,000 replays.
func heldWithin(n int, share float64, o GateOptions) float64 {
	const replays = 2000
	random := rand.New(rand.NewPCG(15, 32))
	up, down := math.Log(good(o.Share)/o.Share), math.Log((1-good(o.Share))/(1-o.Share))
	times := 0
	for range replays {
		sum := 0.0
		for range n {
			if random.Float64() < share {
				sum += up
			} else {
				sum += down
			}
			if sum >= -math.Log(1-o.Confidence) {
				times++
				break
			}
		}
	}
	return float64(times) / replays
}

// relative compares the planned number of trials with a baseline, once.
func relative(set, baseline []interval, limit bound, planned int) Relative {
	r := Relative{
		Verdict: unknown, Planned: planned, RatioMargin: ratioMargin, ShareMargin: shareMargin,
		RatioVerdict: unknown, ShareVerdict: unknown, PInside: 1, PBeyond: 1,
	}
	n := min(planned, len(set))
	r.compared = n
	if n == 0 || len(baseline) == 0 {
		return r
	}
	set = set[:n]
	margin := scaledAll(baseline, 1+ratioMargin)
	known := strengths{}
	r.PInside, r.PBeyond = byCoins(notLonger(set, margin), n, len(baseline)), byCoins(longer(set, margin), n, len(baseline))
	r.RatioConfidence = known.ratio(set, baseline, beyondLevel, insideLevel).bounds()
	a, b := median(set), median(baseline)
	switch {
	case a.high == 0: // at once, which no baseline is quicker than
		r.Ratio = interval{}.bounds()
	case b.low > 0:
		r.Ratio = interval{max(0, a.low) / b.high, a.high / b.low}.bounds()
	}
	r.RatioVerdict = decided(r.PInside <= insideLevel, r.PBeyond <= beyondLevel)
	r.More = more(set, baseline, limit, insideLevel).bounds()
	r.ShareVerdict = ofShares(set, baseline, limit)
	if n == planned && len(baseline) >= planned { // what was planned is compared once
		r.Verdict = worst(r.RatioVerdict, r.ShareVerdict)
	}
	random := rand.New(rand.NewPCG(15, 25))
	draw := func(n int, by float64) (list []interval) {
		for range n {
			list = append(list, scaled(anew(random, baseline), by))
		}
		return list
	}
	baseline = slices.SortedFunc(slices.Values(baseline), byEnds)
	for range replays {
		base := draw(len(baseline), 1)
		equal := known.replayed(draw(n, 1), base, limit)
		r.EqualHeld += share(equal == held)
		r.EqualBroken += share(equal == broken)
		r.SlowerBroken += share(known.replayed(draw(n, slower), base, limit) == broken)
	}
	return r
}

func byEnds(a, b interval) int { return cmp.Or(cmp.Compare(a.low, b.low), cmp.Compare(a.high, b.high)) }

// anew draws between two neighbours of sorted times: the same ones again and again would
// have ties that the times do not have, at which signs show less.
func anew(random *rand.Rand, sorted []interval) interval {
	i, by := random.IntN(len(sorted)), random.Float64()
	a := sorted[i]
	if i == 0 {
		return a
	}
	b := sorted[i-1]
	if math.IsInf(a.low, 0) || math.IsInf(a.high, 0) || math.IsInf(b.low, 0) || math.IsInf(b.high, 0) {
		return a
	}
	return interval{a.low + by*(b.low-a.low), a.high + by*(b.high-a.high)}
}

const insideLevel, beyondLevel = 0.05, 0.025 // of one side

// replayed is the verdict on sets.
func (t strengths) replayed(set, baseline []interval, limit bound) string {
	margin := scaledAll(baseline, 1+ratioMargin)
	ratio := decided(t.isNotLonger(set, margin, insideLevel), t.isLonger(set, margin, beyondLevel))
	return worst(ratio, ofShares(set, baseline, limit))
}

// ofShares is the verdict on how much more often a set is beyond the limit.
func ofShares(set, baseline []interval, limit bound) string {
	return decided(more(set, baseline, limit, insideLevel).high < shareMargin, more(set, baseline, limit, beyondLevel).low > shareMargin)
}

func share(happened bool) float64 {
	if happened {
		return 1. / replays
	}
	return 0
}

func decided(isHeld, isBroken bool) string {
	switch {
	case isBroken:
		return broken
	case isHeld:
		return held
	}
	return unknown
}

func scaledAll(set []interval, by float64) (list []interval) {
	for _, i := range set {
		list = append(list, scaled(i, by))
	}
	return list
}

func scaled(i interval, by float64) interval { return interval{i.low * by, i.high * by} }

// more is by how much more often a set is beyond the limit than a baseline, each end
// at a confidence of 1 - level, half of which is spent on each of the two shares.
func more(set, baseline []interval, limit bound, level float64) interval {
	a, b := overLimit(set, limit), overLimit(baseline, limit)
	return interval{
		clopperPearsonLow(a.low, len(set), level/2) - clopperPearsonHigh(b.high, len(baseline), level/2),
		clopperPearsonHigh(a.high, len(set), level/2) - clopperPearsonLow(b.low, len(baseline), level/2),
	}
}

// overLimit counts the times beyond the limit: those that certainly are, and at most.
func overLimit(set []interval, limit bound) (c tally) {
	for _, i := range set {
		if limit.beyond(i) {
			c.low++
		}
		if !limit.within(i) {
			c.high++
		}
	}
	return c
}

// clopperPearsonLow is the lower confidence bound of a share of which k of n were seen: the
// least share at which at least k of n is no rarer than the level. C. J. Clopper, E. S.
// Pearson, Biometrika 26 (1934).
func clopperPearsonLow(k, n int, level float64) float64 {
	if k == 0 {
		return 0
	}
	low, high := 0.0, 1.0
	for range 30 {
		p := (low + high) / 2
		if d := (stats.BinomialDist{N: n, P: p}); 1-d.CDF(float64(k-1)) < level {
			low = p
		} else {
			high = p
		}
	}
	return low
}

func clopperPearsonHigh(k, n int, level float64) float64 {
	return 1 - clopperPearsonLow(n-k, n, level)
}

// JSON writes the gate as a JSON document, which [GateSchema] describes.
func (g Gate) JSON(w io.Writer) error { return writeJSON(w, g) }

// Text writes the gate for people, a few lines for each decision.
func (g Gate) Text(w io.Writer) error {
	var out bytes.Buffer
	for _, d := range g.Decisions {
		fmt.Fprintf(&out, "%-8s %s  %s %s %s %s%s\n", strings.ToUpper(d.Verdict), d.Experiment, d.Check, d.Subject, d.LimitOperator, format("seconds", d.LimitSeconds), planOf(d.PlanHash))
		d.Trials.text(&out, "trials")
		notAll(&out, d.NotChosen, d.BuildUnknown)
		if d.Relative != nil {
			d.Relative.Baseline.text(&out, "baseline")
		}
		fmt.Fprintf(&out, "  %-8s absolute: %s\n", d.Absolute.Verdict, d.Absolute)
		if d.Relative != nil {
			fmt.Fprintf(&out, "  %-8s relative: %s\n", d.Relative.Verdict, d.Relative)
		}
		if d.Pairs != nil {
			d.Pairs.Baseline.text(&out, "pairs")
			notAll(&out, d.Pairs.NotChosen, d.Pairs.BuildUnknown)
			fmt.Fprintf(&out, "  %-8s pairs with %s%s: %s\n", d.Pairs.Verdict, d.Pairs.Against, planOf(d.Pairs.PlanHash), d.Pairs)
		}
		out.WriteString("\n")
	}
	fmt.Fprintf(&out, "%s\n", strings.ToUpper(g.Verdict))
	_, err := w.Write(out.Bytes())
	return err
}

// notAll says how many trials of a set do not count, and why.
func notAll(w io.Writer, notChosen, buildUnknown int) {
	if notChosen > 0 {
		fmt.Fprintf(w, "  %s of another plan or build not chosen\n", plural(notChosen, "trial"))
	}
	if buildUnknown > 0 {
		fmt.Fprintf(w, "  %s without the images that it ran: undecided\n", plural(buildUnknown, "trial"))
	}
}

// String says what was decided, on which trials, and how often such a decision errs.
func (a Absolute) String() string {
	n := a.Within + a.Beyond + a.Undecided
	text := fmt.Sprintf("%d of %d within the limit", a.Within, n)
	if a.Undecided > 0 {
		text += fmt.Sprintf(", %d undecided", a.Undecided)
	}
	wanted := fmt.Sprintf("at least %s of all are, at a confidence of %s", format("share", a.Share), format("share", a.Confidence))
	switch a.Verdict {
	case held:
		text += ": " + wanted
	case broken:
		text += ": not " + wanted
	default:
		text += fmt.Sprintf(": %d more within it would show that %s", a.MoreTrials, wanted)
	}
	return text + fmt.Sprintf("; with %s, a true share of %s is held in %s of cases, one of %s in %s", plural(n, "trial"),
		format("share", a.Share), format("share", a.HeldAtShare), format("share", good(a.Share)), format("share", a.HeldAt99))
}

// levels are the ends of the ratio of all possible trials, each with its confidence.
func levels(of results.Range) string {
	var ends []string
	if of.Low != nil && *of.Low > 0 { // every ratio is at least 0
		ends = append(ends, fmt.Sprintf("at least %s at %s", format("number", *of.Low), format("share", 1-beyondLevel)))
	}
	if of.High != nil {
		ends = append(ends, fmt.Sprintf("at most %s at %s", format("number", *of.High), format("share", 1-insideLevel)))
	}
	if len(ends) == 0 {
		return ""
	}
	return ", of all possible trials " + strings.Join(ends, " and ")
}

// String says what was decided, on which trials, and how often such a decision errs.
func (r Relative) String() string {
	text := fmt.Sprintf("median %s times the baseline's%s, %s (at most %.4g); the share beyond the limit is larger by %s (95%% on each side), %s (at most %s)",
		ranged("number", r.Ratio), levels(r.RatioConfidence), r.RatioVerdict, 1+r.RatioMargin, ranged("share", r.More), r.ShareVerdict, format("share", r.ShareMargin))
	if n := min(len(r.Baseline.Runs), r.compared); n < r.Planned {
		text += fmt.Sprintf("; %d a side are planned, %d more would do", r.Planned, r.Planned-n)
	}
	return text + fmt.Sprintf("; a build like the baseline would be held in %s of cases and broken in %s, one 1.5 times as slow broken in %s",
		format("share", r.EqualHeld), format("share", r.EqualBroken), format("share", r.SlowerBroken))
}
