package steadystate

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Limit is a tolerance on a quantity, in one text form:
//
//	downtime <= 2s
//	uptime >= 99.9%
//	p95 < 2s during hold
//	p95 of good <= 500ms
//	p95 <= 1.5x baseline
//	ttr <= 30s after removal
//
// See [Quantities] for the quantities. Without "during" the window is from the
// injection to the end of the watch, so that a longer settle phase never
// dilutes an outage. The baseline is the settled stretch before the fault, or a
// control run.
type Limit struct {
	Quantity string
	// OfGood: the values are those of the observations that did not fail,
	// however slow. Without it a failed observation ranks above any value.
	OfGood    bool
	Tolerance Tolerance
	// Phase is the phase of the experiment it applies to; empty: from the
	// injection to the end of the watch.
	Phase string
	// Baseline: the tolerance is on the ratio to the same quantity of the
	// settled stretch before the fault, or of a control run.
	Baseline bool
	// AfterRemoval: a time to recovery counts from when the fault was gone (T1),
	// not from when it took effect (T0).
	AfterRemoval bool
}

// The quantities that a limit may name, as users write them; [Quantities] has their
// meanings. Any percentile may be named, as p50, p95, p99.9; of those that no limit names,
// reports have p50, p95 and p99 ([Distribution]).
const (
	Downtime = "downtime"
	Uptime   = "uptime"
	Longest  = "outage"
	Count    = "outages"
	TTD      = "ttd"
	TTR      = "ttr"
	MTTR     = "mttr"
	Errors   = "errors"
	Slow     = "slow"
	Rate     = "rate"
	Mean     = "mean"
	Max      = "max"
	Min      = "min"
)

// throughout is the limit of a check that must be good throughout.
const throughout = Count + " <= 0"

// Throughout is the limit that stands for a check without limits, and for one that no
// limit of an experiment's bounds: good throughout.
func Throughout() Limit { return MustParseLimit(throughout) }

// anyDimension stands for the dimension of the signal.
const anyDimension dimension = ""

// subject is what a quantity is computed from.
type subject int

const (
	ofOutages subject = iota + 1
	ofInjections
	ofCounts // of observations
	ofValues
)

// A quantity is what a limit can bound, with all that tells it from others.
// [Limit.Judge] computes it, or package judge if it is of injections.
type quantity struct {
	name      string // one word
	of        subject
	dimension dimension
	meaning   string
	// toward: more observations can only raise it (1), only lower it (-1), or either (0).
	toward int
	// length: it is the length of outages.
	length bool
	// after is what it is after one outage in a window; nil: that is not known.
	after  func(outage, window time.Duration) float64
	breaks breaking // of counts
}

// breaking is which observations break a limit on a count: those that the quantity counts
// or, of a rate, those that it lacks.
type breaking struct {
	those string // in words after their number, "that failed"
	// has reports whether an observation is one of them; known is false if that is open.
	has func(o Observation, good Tolerance) (is, known bool)
}

var (
	failing = breaking{"that failed", func(o Observation, _ Tolerance) (is, known bool) { return o.Failed != "", o.Unknown == "" }}
	slow    = breaking{"that were slow", func(o Observation, good Tolerance) (is, known bool) {
		return o.Failed == "" && o.Bad(good), o.Undecided(good) == ""
	}}
)

var quantities = []quantity{
	{name: Downtime, of: ofOutages, dimension: timespan, meaning: "time in outages", toward: 1, length: true, after: took},
	{name: Uptime, of: ofOutages, dimension: share, meaning: "1 - downtime / window", after: func(outage, window time.Duration) float64 { return 1 - outage.Seconds()/window.Seconds() }},
	{name: Longest, of: ofOutages, dimension: timespan, meaning: "length of the longest outage", toward: 1, length: true, after: took},
	{name: Count, of: ofOutages, dimension: number, meaning: "number of outages", toward: 1, after: func(time.Duration, time.Duration) float64 { return 1 }},
	{name: TTD, of: ofInjections, dimension: timespan, meaning: "longest time to detection, the first bad observation, over the injections", toward: 1},
	{name: TTR, of: ofInjections, dimension: timespan, meaning: "longest time to recovery over the injections", toward: 1, length: true, after: took},
	{name: MTTR, of: ofInjections, dimension: timespan, meaning: "mean time to recovery over the injections", length: true},
	{name: Errors, of: ofCounts, dimension: share, meaning: "failed requests or probes / all of them; not of a polled value", breaks: failing},
	{name: Slow, of: ofCounts, dimension: share, meaning: "observations that did not fail, outside of what counts as good / all observations", breaks: slow},
	{name: Rate, of: ofCounts, dimension: frequency, meaning: "requests of a load per unit of time", breaks: failing},
	{name: Mean, of: ofValues, dimension: anyDimension, meaning: "mean of the values"},
	{name: Max, of: ofValues, dimension: anyDimension, meaning: "largest value", toward: 1},
	{name: Min, of: ofValues, dimension: anyDimension, meaning: "smallest value", toward: -1},
}

func took(outage, _ time.Duration) float64 { return outage.Seconds() }

// quantityOf is the quantity of that name; ok is false if there is none.
func quantityOf(name string) (q quantity, ok bool) {
	if i := slices.IndexFunc(quantities, func(q quantity) bool { return q.name == name }); i >= 0 {
		return quantities[i], true
	}
	_, ok = Limit{Quantity: name}.Percentile()
	return quantity{name: name, of: ofValues, dimension: anyDimension}, ok
}

// named are the names of quantities: "mean, max, min".
func named(fits func(quantity) bool) string {
	var names []string
	for _, q := range quantities {
		if fits(q) {
			names = append(names, q.name)
		}
	}
	return strings.Join(names, ", ")
}

// Quantities lists the quantities with their meanings, for help texts.
func Quantities() []string {
	var list []string
	for _, q := range quantities {
		list = append(list, fmt.Sprintf("%-9s %s", q.name, q.meaning))
	}
	return append(list,
		fmt.Sprintf("%-9s %s", "pNN", "percentile of the values, failed ones counted as infinitely late: p50, p95, p99.9"),
		fmt.Sprintf("%-9s %s", ofGood, "after mean, max, min or pNN: of the observations that did not fail, as in \"p95 of good\""),
	)
}

const (
	ofGood       = "of good"
	baseline     = "baseline"
	afterRemoval = "after removal"
	settlePhase  = "settle"
)

// Phases lists the phases that a limit may name with "during".
func Phases() []string { return []string{settlePhase, "inject", "hold", "recover", "watch"} }

var percentile = regexp.MustCompile(`^p(\d{1,2}(?:\.\d+)?)$`)

// Percentile is the share below a pNN quantity, 0.95 for "p95"; ok is false
// for other quantities.
func (l Limit) Percentile() (q float64, ok bool) {
	m := percentile.FindStringSubmatch(l.Quantity)
	if m == nil {
		return 0, false
	}
	percent, err := strconv.ParseFloat(m[1], 64)
	return percent / 100, err == nil && percent > 0
}

// ParseLimit reads a limit from its text form. The error lists the valid
// choices.
func ParseLimit(text string) (Limit, error) {
	fail := func(format string, args ...any) (Limit, error) {
		return Limit{}, fmt.Errorf("limit %q: "+format, append([]any{text}, args...)...)
	}
	at := strings.IndexAny(text, "<>=")
	if at < 0 {
		return fail("want QUANTITY OPERATOR VALUE [during PHASE | after removal], as in \"downtime <= 2s\"")
	}
	l := Limit{Quantity: strings.TrimSpace(text[:at])}
	l.Quantity, l.OfGood = strings.CutSuffix(l.Quantity, " "+ofGood)
	rest := text[at:]
	if before, phase, found := strings.Cut(rest, " during "); found {
		rest, l.Phase = before, strings.TrimSpace(phase)
		if !slices.Contains(Phases(), l.Phase) {
			return fail("no phase %q; phases: %s", l.Phase, strings.Join(Phases(), ", "))
		}
	}
	q, ok := quantityOf(l.Quantity)
	if !ok {
		return fail("no quantity %q; quantities: %s, pNN as in p99.9", l.Quantity, named(func(quantity) bool { return true }))
	}
	want := q.dimension
	compared := func(q quantity) bool { return q.of == ofValues && q.toward == 0 }
	removable := func(q quantity) bool { return q.of == ofInjections && q.length }
	rest, l.AfterRemoval = strings.CutSuffix(strings.TrimSpace(rest), " "+afterRemoval)
	rest, l.Baseline = strings.CutSuffix(strings.TrimSpace(rest), " "+baseline)
	units := want
	if l.Baseline {
		units = ratio
	}
	tolerance, got, err := parseTolerance(rest, units)
	if err != nil {
		return fail("%w", err)
	}
	switch {
	case l.Baseline != (got == ratio):
		return fail("a baseline goes with a multiple of it, as in \"p95 <= 1.5x baseline\"")
	case l.OfGood && q.of != ofValues:
		return fail("%s is not of values; quantities of good observations: %s, pNN", l.Quantity, named(func(q quantity) bool { return q.of == ofValues }))
	case l.Baseline && q.of != ofValues:
		return fail("%s is not compared with a baseline; quantities: %s, pNN as in p99.9", l.Quantity, named(compared))
	case l.Baseline && !compared(q):
		return fail("the %s of one sample does not bound that of another; quantities to compare with a baseline: %s, pNN", l.Quantity, named(compared))
	case l.Baseline && l.Phase == settlePhase:
		return fail("the baseline is of the settle phase itself; phases to compare with it: %s", strings.Join(Phases()[1:], ", "))
	case l.Baseline:
	case want == anyDimension, got == want:
	case got == number && tolerance.value == 0: // "downtime <= 0" needs no unit
	case want == share:
		return fail("%s is a share, and %q is not: write it in %%, as in \"uptime >= 99.9%%\" or \"errors <= 0.1%%\"", l.Quantity, tolerance.number())
	default:
		return fail("%s is a %s, and %q is not; units: %s", l.Quantity, want, tolerance.number(), unitsOf[want])
	}
	switch {
	case want == share && (tolerance.value < 0 || tolerance.value > 1):
		return fail("%s lies between 0%% and 100%%", l.Quantity)
	case (l.Baseline || want != anyDimension) && tolerance.value < 0:
		return fail("%s is never below zero", l.Quantity)
	}
	if l.Phase != "" && q.of == ofInjections {
		return fail("%s is not counted within a phase; remove \"during %s\"", l.Quantity, l.Phase)
	}
	if l.AfterRemoval && !removable(q) {
		return fail("%s is not counted from the removal of a fault; quantities: %s", l.Quantity, named(removable))
	}
	l.Tolerance = tolerance
	return l, nil
}

// MustParseLimit is ParseLimit for literals in code; it panics if the text does
// not parse.
func MustParseLimit(text string) Limit {
	l, err := ParseLimit(text)
	if err != nil {
		panic(err)
	}
	return l
}

// Limits parses several limits given as literals in code; it panics as
// MustParseLimit does.
func Limits(texts ...string) []Limit {
	limits := make([]Limit, 0, len(texts))
	for _, text := range texts {
		limits = append(limits, MustParseLimit(text))
	}
	return limits
}

// OfValues reports whether the quantity is computed from the signal's values
// (mean, max, min, percentiles), so that the tolerance has the signal's unit.
func (l Limit) OfValues() bool {
	q, ok := quantityOf(l.Quantity)
	return ok && q.of == ofValues
}

// OfCounts reports whether the quantity is computed from how many observations failed,
// were slow, or were there (errors, slow, rate).
func (l Limit) OfCounts() bool {
	q, _ := quantityOf(l.Quantity)
	return q.of == ofCounts
}

// Breaking reports whether an observation is one of those that break the limit, of a check
// with that tolerance. Known is false if that is open, as of an unknown one, and if it
// is none of those that the limit is on: of good ones, or of no observations.
func (l Limit) Breaking(o Observation, good Tolerance) (is, known bool) {
	q, _ := quantityOf(l.Quantity)
	switch {
	case q.breaks.has != nil:
		return q.breaks.has(o, good)
	case q.of != ofValues || l.OfGood && o.Failed != "":
		return false, false
	}
	return o.Bad(l.Tolerance), o.Undecided(l.Tolerance) == ""
}

// Those says which observations break the limit, after their number: "that failed".
func (l Limit) Those() string {
	q, _ := quantityOf(l.Quantity)
	return cmp.Or(q.breaks.those, "beyond the limit")
}

// OfInjections reports whether the quantity counts from injections (ttd, ttr,
// mttr), so that it cannot be judged without one.
func (l Limit) OfInjections() bool {
	q, _ := quantityOf(l.Quantity)
	return q.of == ofInjections
}

// OfLength reports whether the quantity is the length of outages, of which one that is
// not over may still be within the limit.
func (l Limit) OfLength() bool {
	q, _ := quantityOf(l.Quantity)
	return q.length
}

// Toward is 1 if more observations can only raise the quantity, -1 if they can only lower
// it, and 0 if they can do either.
func (l Limit) Toward() int {
	q, _ := quantityOf(l.Quantity)
	return q.toward
}

// BrokenBy reports whether one outage of that length in a window breaks the limit; false
// also if that is not known.
func (l Limit) BrokenBy(outage, window time.Duration) bool {
	q, _ := quantityOf(l.Quantity)
	return q.after != nil && !l.Tolerance.Holds(q.after(outage, window))
}

// Fits returns an error if the limit is on values and in another unit than what
// counts as good of them: "p95 <= 500" on a signal in seconds would hold for 500
// seconds, and "max <= 8" on one in percent for 800 %. Zero needs no unit, nor does
// a share of at most 1.
func (l Limit) Fits(good Tolerance) error {
	got, want := dimension(l.Tolerance.Dimension()), dimension(good.Dimension())
	switch {
	case !l.OfValues(), l.Baseline, !good.IsSet(), got == want, want == number:
		return nil
	case got == number && (l.Tolerance.value == 0 || want == share && l.Tolerance.value <= 1):
		return nil
	}
	return fmt.Errorf("limit %q: good is %q, a %s, and %q is not; units: %s", l, good, want, l.Tolerance.number(), unitsOf[want])
}

// Counts returns an error if the limit counts observations of which its quantity says
// nothing: a share of errors where none can fail, or a rate that is that of the
// observer. It says what to limit instead.
func (l Limit) Counts(of Kind) error {
	switch {
	case of == Polls && l.Quantity == Errors:
		return fmt.Errorf("limit %q: the signal is a polled value, no poll of which fails, so this always holds; limit the value: \"slow <= 1%%\" is the share of polls that are not good, or write downtime, mean or max", l)
	case of == Polls && l.Quantity == Rate:
		return fmt.Errorf("limit %q: the signal is a polled value, and this is the rate of polls; limit the value with mean, max or min, or write downtime", l)
	case of == Attempts && l.Quantity == Rate:
		return fmt.Errorf("limit %q: a probe sends at its own rate; rate is for the requests of a load, and errors, slow and downtime are for a probe, too", l)
	}
	return nil
}

// Figure is the subject of the tolerance: the quantity and its values, as in
// "p95 of good".
func (l Limit) Figure() string {
	if l.OfGood {
		return l.Quantity + " " + ofGood
	}
	return l.Quantity
}

// Dimension of the quantity, as that of a [Tolerance], or "multiple" of a baseline;
// empty: that of the signal.
func (l Limit) Dimension() string {
	if l.Baseline {
		return string(ratio)
	}
	q, _ := quantityOf(l.Quantity)
	return string(q.dimension)
}

// Subject is the limit without its bound, as in "p95 of good during hold". Only
// limits in two directions, such as "rate >= 10/s" and "rate <= 20/s", have one in
// common.
func (l Limit) Subject() string { return l.Figure() + l.scope() }

// Key identifies the subject of a limit. It is the same for limits on one figure
// in one phase, with the same direction, baseline and starting point.
func (l Limit) Key() string {
	if q, ok := l.Percentile(); ok { // p95.0 is p95
		l.Quantity = fmt.Sprintf("p%g", 100*q)
	}
	return l.Figure() + " " + l.Tolerance.Bound() + l.scope()
}

// String is the text form.
func (l Limit) String() string { return l.Figure() + " " + l.Tolerance.String() + l.scope() }

// scope is the text after the tolerance.
func (l Limit) scope() (text string) {
	if l.Baseline {
		text += " " + baseline
	}
	if l.AfterRemoval {
		text += " " + afterRemoval
	}
	if l.Phase != "" {
		text += " during " + l.Phase
	}
	return text
}

// MarshalText writes the text form.
func (l Limit) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads the text form.
func (l *Limit) UnmarshalText(text []byte) (err error) {
	*l, err = ParseLimit(string(text))
	return err
}

// Finest is the shortest outage that the limit must tell from no outage, over a
// window of the given length; ok is false for limits that are not about outages.
func (l Limit) Finest(window time.Duration) (finest time.Duration, ok bool) {
	switch {
	case l.OfLength():
		return time.Duration(l.Tolerance.value * float64(time.Second)), true
	case l.Quantity == Uptime:
		return time.Duration((1 - l.Tolerance.value) * float64(window)), true
	}
	return 0, false
}

// BoundsOutages reports whether the limit bounds how long outages may be, from the
// injection to the end of the watch. A check that no limit bounds so must be good
// throughout.
func (l Limit) BoundsOutages() bool {
	_, length := l.Finest(time.Second)
	return length && l.Phase == "" && strings.HasPrefix(l.Tolerance.op, "<") != (l.Quantity == Uptime)
}

// Decidable returns an error if a source of the given resolution could never
// decide the limit, because the outages it must exclude can hide between two
// observations. The error names the finest decidable limit.
func (l Limit) Decidable(resolution, window time.Duration) error {
	finest, ok := l.Finest(window)
	// A limit of zero asks for no outage at all; the report then shows the
	// resolution beside the answer.
	if !ok || finest == 0 || resolution <= finest {
		return nil
	}
	resolution = (resolution + time.Millisecond - 1).Truncate(time.Millisecond)
	coarsest, over := fmt.Sprintf("%s <= %s", l.Quantity, resolution), ""
	if l.Quantity == Uptime {
		coarsest, over = coarsestUptime(resolution, window), " over "+FormatDuration(window)
	}
	coarsest += l.scope()
	return fmt.Errorf("limit %q is finer than its signal can decide: an outage of up to %s can pass between two observations; the finest limit that could be decided is %q%s, or give the check a finer signal (traffic at a higher rate, a shorter scrape interval or range)", l, resolution, coarsest, over)
}

// coarsestUptime is the highest limit on the uptime, to two digits of the downtime, that
// an outage as long as the resolution does not break.
func coarsestUptime(resolution, window time.Duration) string {
	down := 100 * resolution.Seconds() / window.Seconds()
	step := math.Pow10(max(0, 1-int(math.Floor(math.Log10(down))))) // of them make 1%
	for n := math.Ceil(down * step); ; n++ {
		text := fmt.Sprintf("%s >= %g%%", Uptime, max(0, (100*step-n)/step))
		if finest, _ := MustParseLimit(text).Finest(window); resolution <= finest || resolution >= window {
			return text
		}
	}
}
