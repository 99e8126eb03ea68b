package judge

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// delta judges an effect that is a change of a signal: of the signal of each
// target, against the instances that were not hit.
//
// A value is raised if it exceeds the quantile before the fault by at least
// Rise, plus the amount by which that quantile rose where the fault was not. The
// effect is shown if the quantile of the values during the fault is raised, that
// of the values after it is not, and more of the values are raised than chance
// explains: compared with those after it, with all values observed without the
// fault, and with those of instances that were not hit at the same time, each by
// Fisher's exact test. The values after the fault do not affect the threshold,
// so without a fault chance passes in at most one run of 1,000.
//
// Another fault of the run may move the load of the instances that it hits to all
// the others. Instances that no fault hit show by how much; without any, only
// values count of when no other fault was on and as many pods served as before.
type delta struct {
	record.Effect
	fault    string
	requests bool                       // the signal is of a load
	spared   int                        // pods that the fault spared
	targets  []*instanceSeries          // in the injection's order
	hit      map[string]*instanceSeries // the same, by name
	others   map[string]*instanceSeries // those not hit, by name; for a load, whose requests are many, all merge into one
	neither  map[string]bool            // pods that came during the fault, or that it followed
	besides  besides                    // the other faults of the run
	dropped  map[string]bool            // instances that are no comparison because of them
	blank    instanceSeries             // empty series for an instance that was not hit
}

// An instanceSeries is what was observed of one instance of a signal.
type instanceSeries struct {
	name                  string
	left                  *steadystate.Span // it left during the fault; nil: it stayed
	came                  bool              // it came after the first fault, and has no settled stretch
	before, during, after stage
	alone                 stage // during, without other faults anywhere
}

// A stage is a stretch of time with the values observed in it.
type stage struct {
	steadystate.Span
	steadystate.Values
	except  []steadystate.Span // the times whose values do not count
	since   time.Duration      // values that end earlier do not count
	high    bool               // the upper bound of a bounded value counts, else the lower
	unknown string             // the reason of the first unknown observation
}

// add adds an observation of an instant in the stage.
func (s *stage) add(o steadystate.Observation) {
	switch {
	case o.From < s.From || o.To > s.To || o.To < s.since || o.Failed != "":
		return
	case o.Unknown != "":
		s.unknown = cmp.Or(s.unknown, o.Unknown)
		return
	}
	b := o.Bounds()
	if s.high {
		b.Low = b.High
	}
	s.Add(b.Low)
}

// most is the largest value; zero without any.
func (s *stage) most() float64 { return s.Quantile(1).High }

// reaching tallies the values that may be at least v.
func (s *stage) reaching(v float64) tally {
	_, most := s.Reach(v)
	return tally{most, s.N()}
}

// newEffects prepares to judge the injections' effects on signals.
func (j *judge) newEffects() {
	j.follow()
	all := changes(j.Events)
	for n := range j.Injections {
		j.felt(&j.Injections[n], all)
	}
	for _, i := range j.Injections {
		for _, effect := range i.Effects {
			before := j.settledFor(effect.Signal)
			switch {
			case effect.Times > 0:
				j.rates = append(j.rates, j.newRateChange(i, effect, before))
			case effect.Signal != "":
				j.effects = append(j.effects, j.newDelta(i, effect, before))
			}
		}
	}
}

func (j *judge) newDelta(i InjectionResult, effect record.Effect, before steadystate.Span) *delta {
	_, requests := j.Traffic[effect.Signal]
	until := j.until(i)
	// If a value is not known exactly, use the bound that shows less of an
	// effect.
	rises := effect.AtMost == nil
	also := j.besides(i)
	blank := func(name string, high bool) instanceSeries {
		// A value that reaches back beyond the settled stretch counts if it
		// ends in it.
		s := instanceSeries{
			name:   name,
			before: stage{Span: steadystate.Span{From: math.MinInt64, To: before.To}, since: before.From, high: high},
			during: stage{Span: steadystate.Span{From: i.To, To: until.From}, high: !high},
			after:  stage{Span: steadystate.Span{From: until.To, To: j.last}, high: high},
		}
		in := also.within(name)
		s.before.except, s.during.except, s.after.except = in, in, in
		s.alone = s.during
		s.alone.except = also.anywhere
		return s
	}
	c := &delta{
		Effect: effect, fault: i.Fault, requests: requests,
		hit:     map[string]*instanceSeries{},
		others:  map[string]*instanceSeries{},
		neither: map[string]bool{},
		besides: also,
		dropped: map[string]bool{},
		blank:   blank("", !rises),
	}
	if len(i.Hit) > 0 {
		c.spared = i.Hit[0].Of - i.Hit[0].Hit
	}
	for _, p := range i.pods {
		c.neither[p.name] = c.neither[p.name] || p.followed != nil || p.joined(i.From)
	}
	for _, t := range i.Targets {
		own := blank(t.Name, rises)
		p := i.pods[t.UID]
		own.came = p != nil && p.joined(j.Window.From)
		if p != nil && p.to != nil && p.to.From < until.From {
			// A later pod with the same name was not hit.
			own.left = p.to
			own.during.To, own.alone.To, own.after.To = p.to.From, p.to.From, p.to.From
		}
		c.targets = append(c.targets, &own)
		c.hit[t.Name] = &own
	}
	return c
}

// besides are the other faults of the run, as far as they may have caused what
// instances show.
type besides struct {
	// in is when a fault was in an instance, by name, and by no name when a surge was
	// on, which is in all of them. Values of that time count for neither fault.
	in map[string][]steadystate.Span
	// hit are the instances that a fault hit by the time that this one was over.
	hit map[string]bool
	// anywhere is when a fault was on, or had left fewer pods to serve than before.
	anywhere []steadystate.Span
}

func (j *judge) besides(i InjectionResult) besides {
	b := besides{in: map[string][]steadystate.Span{}, hit: map[string]bool{}}
	on := steadystate.Span{From: i.From, To: j.until(i).To}
	var surges []steadystate.Span
	for _, other := range j.Injections {
		if other.Index == i.Index {
			continue
		}
		b.anywhere = append(b.anywhere, other.felt)
		for _, t := range other.Targets {
			switch {
			case isOfLoad(other.Injection, t):
				surges = append(surges, other.felt)
				continue
			case !other.ChangesPods:
				b.in[t.Name] = append(b.in[t.Name], other.in)
			}
			b.hit[t.Name] = b.hit[t.Name] || other.From <= on.To && (other.passing() || other.felt.To >= on.From)
		}
	}
	for name, spans := range b.in {
		b.in[name] = append(spans, surges...)
	}
	b.in[""] = surges
	return b
}

// within is when another fault was in an instance.
func (b besides) within(name string) []steadystate.Span {
	if spans, ok := b.in[name]; ok {
		return spans
	}
	return b.in[""]
}

// A change is an event of a pod, and by how much it changes how many pods serve.
type change struct {
	record.Event
	served int // 1 if the pod served before it
	by     int
	leaves bool // it will not serve again
}

// changes are those in the events, in order. A pod that was there before its first
// event served, unless that says otherwise.
func changes(events []record.Event) (list []change) {
	type state struct{ ready, stopped, leaves bool }
	pods := map[string]state{}
	serves := func(s state) int {
		if s.ready && !s.stopped && !s.leaves {
			return 1
		}
		return 0
	}
	for _, e := range slices.SortedStableFunc(slices.Values(events), func(a, b record.Event) int { return cmp.Compare(a.To, b.To) }) {
		if kind, _, _ := strings.Cut(e.Subject, "/"); e.UID == "" || kind != "pod" && kind != "process" {
			continue
		}
		was, known := pods[e.UID]
		if !known {
			was.ready = e.Kind != record.EventReady && e.Kind != record.EventCreated
		}
		is := was
		switch e.Kind {
		case record.EventExists:
			is.ready = e.Attrs["ready"] != "false"
		case record.EventReady:
			is.ready, is.stopped = true, false
		case record.EventNotReady:
			is.ready = false
		case record.EventStopped:
			is.stopped = true
		case record.EventStarted, record.EventRestarted:
			is.stopped = false
		case record.EventTerminating, record.EventEvicted, record.EventFailed, record.EventGone:
			is.leaves = true
		}
		pods[e.UID] = is
		list = append(list, change{e, serves(was), serves(is) - serves(was), is.leaves})
	}
	return list
}

// passing reports whether a fault removes pods or is over at once: it stays in no
// instance, but what it hit is no longer what it was.
func (i InjectionResult) passing() bool { return i.OneShot || i.ChangesPods }

// felt finds when what pods show may be an injection's doing.
func (j *judge) felt(i *InjectionResult, changes []change) {
	i.in = steadystate.Span{From: i.From, To: j.until(*i).To}
	if i.OneShot {
		i.in = i.Span
	}
	i.felt = i.in
	switch {
	case len(changes) > 0:
		i.felt.To = i.wholeAgain(changes, j.last)
	case i.passing():
		i.felt.To = j.last
	}
	if i.OneShot && len(changes) > 0 {
		i.in = i.felt // a container that it ended is back later
	}
}

// wholeAgain is when as many pods serve again as did before the fault; the record's
// end, last, if they never do. Others may take the place of those that it removed. If it
// removes none, it is when those that it hit serve: one that left no longer counts among
// them, but then all pods do.
func (i InjectionResult) wholeAgain(changes []change, last time.Duration) time.Duration {
	late := soon
	if !i.passing() {
		late = watchWidth
	}
	type serving struct{ n, before int }
	var all, own serving
	was := map[string]int{} // 1 for a pod that served before
	replaceable, fewer, again := i.ChangesPods, false, i.in.To
	for _, c := range changes {
		hit := slices.ContainsFunc(i.Targets, func(t record.Target) bool { return isOf(c.Event, t) })
		all.n += c.by
		if hit {
			own.n += c.by
		}
		before := c.To < i.in.From
		if _, known := was[c.UID]; before || !known {
			was[c.UID] = c.served
		}
		if before {
			all.before, own.before = all.n, own.n
			was[c.UID] += c.by
			continue
		}
		if hit && c.leaves {
			own.before -= was[c.UID]
			was[c.UID], replaceable = 0, true
		}
		if !replaceable && !hit {
			continue
		}
		if fewer && again < last && c.To > again {
			break
		}
		short := replaceable && all.n < all.before || !i.ChangesPods && own.n < own.before
		// A container that was started again did not serve before.
		if fewer = fewer || (short || c.Kind == record.EventRestarted) && c.From <= i.in.To+late; fewer {
			if again = last; !short {
				again = max(i.in.To, c.To)
			}
		}
	}
	return again
}

// covered is how much of a span others cover.
func covered(span steadystate.Span, by []steadystate.Span) time.Duration {
	sum, at := time.Duration(0), span.From
	for _, s := range slices.SortedFunc(slices.Values(by), func(a, b steadystate.Span) int { return cmp.Compare(a.From, b.From) }) {
		from, to := max(at, s.From), min(s.To, span.To)
		if from < to {
			sum, at = sum+to-from, to
		}
	}
	return sum
}

// instance is the instance that a signal belongs to, if the delta is of that
// signal.
func (c *delta) instance(signal string) (name string, ok bool) {
	return strings.CutPrefix(signal, record.TargetSignal(c.Signal, ""))
}

// add adds an observation of an instance.
func (c *delta) add(name string, o steadystate.Observation) {
	if slices.ContainsFunc(c.besides.within(name), o.Overlaps) {
		return
	}
	of := c.hit[name]
	if of == nil {
		if c.besides.hit[name] {
			c.dropped[name] = true
			return
		}
		if c.neither[name] {
			return
		}
		if c.requests {
			name = ""
		}
		if of = c.others[name]; of == nil {
			blank := c.blank
			of = &blank
			c.others[name] = of
		}
	}
	of.before.add(o)
	of.during.add(o)
	of.after.add(o)
	if !slices.ContainsFunc(c.besides.anywhere, o.Overlaps) {
		of.alone.add(o)
	}
}

// leastValues is the smallest number of values with a usable quantile.
const leastValues = 3

// seen describes the observed change; missing says what was not observed, if
// anything.
func (c *delta) seen() (text, missing string) {
	var texts []string
	stayed := false
	c.lend()
	if !c.comparable() {
		for _, t := range c.targets {
			t.during = t.alone
		}
	}
	for _, t := range c.targets {
		text, missing := c.shown(t)
		if missing != "" {
			return "", t.name + ": " + missing
		}
		stayed = stayed || t.left == nil
		texts = append(texts, text)
	}
	if !stayed {
		return "", "no target stayed until the fault was gone: " + strings.Join(texts, "; ")
	}
	var before, during steadystate.Values
	for _, o := range c.others {
		before.Merge(&o.before.Values)
		during.Merge(&o.during.Values)
	}
	text = "none is known that was not hit, so this is compared with before and after alone"
	if before.N() > 0 && during.N() > 0 {
		q := c.quantile()
		text = fmt.Sprintf("p%.4g of those not hit %s before the fault, %s while it was on", 100*q, c.format(before.Quantile(q).Low), c.format(during.Quantile(q).Low))
	}
	return strings.Join(append(texts, text), "; "), ""
}

// comparable reports whether an instance that no fault hit was observed before the
// fault and while it was on.
func (c *delta) comparable() bool {
	for _, o := range c.others {
		if o.before.N() >= leastValues && o.during.N() >= leastValues {
			return true
		}
	}
	return false
}

// lend gives targets that came after the first fault the settled stretch of the
// instances that existed then: they have none of their own.
func (c *delta) lend() {
	var settled steadystate.Values
	for _, t := range c.targets {
		if !t.came {
			settled.Merge(&t.before.Values)
		}
	}
	for _, o := range c.others {
		settled.Merge(&o.before.Values)
	}
	for _, t := range c.targets {
		if t.came {
			t.before.Values = steadystate.Values{}
			t.before.Merge(&settled)
		}
	}
}

// shown describes the observed change of one target.
func (c *delta) shown(t *instanceSeries) (text, missing string) {
	signal := record.TargetSignal(c.Signal, t.name)
	for _, s := range []struct {
		name  string
		stage *stage
	}{{"before the fault", &t.before}, {"while it was on", &t.during}, {"after it", &t.after}} {
		n := s.stage.N()
		switch {
		case covered(s.stage.Span, c.besides.within(t.name)) > 0:
			s.name += " and no other fault was in it"
		case s.stage == &t.during && covered(s.stage.Span, s.stage.except) > 0:
			s.name += ", no other fault was and as many pods served as before (no pod that no fault hit is there to compare with)"
		}
		switch {
		case n >= leastValues || (t.left != nil && s.stage == &t.after):
		case t.left != nil && s.stage == &t.during:
			return fmt.Sprintf("%s left at %s, too soon to tell", t.name, t.left), ""
		case s.stage.unknown != "":
			return "", fmt.Sprintf("%s was observed %d times %s, wanted at least %d: %s", signal, n, s.name, leastValues, s.stage.unknown)
		// A fault that lets nothing through leaves no answered requests; for a
		// polled signal, silence shows nothing.
		case c.AtMost == nil || s.stage != &t.during || !c.requests:
			return "", fmt.Sprintf("%s was observed %d times %s, wanted at least %d", signal, n, s.name, leastValues)
		}
	}
	if c.AtMost != nil {
		text, missing = c.fell(t)
	} else {
		text, missing = c.rose(t)
	}
	return text, missing
}

// elsewhere is what to do about an effect that was not seen.
const elsewhere = "if the fault shows in another signal or quantile, name it under its effects; else it may be too weak"

// format writes a value of the signal: the requests of a load are in seconds, and
// the unit of a query is its own.
func (c *delta) format(v float64) string {
	if c.requests {
		return steadystate.FormatSeconds(v)
	}
	return fmt.Sprintf("%.4g", v)
}

// quantile is the quantile that must rise.
func (c *delta) quantile() float64 { return cmp.Or(c.Quantile, 0.5) }

// without returns the samples of a target's values without the fault: those
// after it, and all of them.
func (t *instanceSeries) without(of func(*stage) tally) []sample {
	before := of(&t.before)
	if t.left != nil {
		return []sample{{"before the fault", before}}
	}
	after := of(&t.after)
	return []sample{{"after it", after}, {"without it", tally{before.reach + after.reach, before.n + after.n}}}
}

// later is the end of a target's text.
func (t *instanceSeries) later(after string) string {
	if t.left != nil {
		return fmt.Sprintf(", until it left at %s", t.left)
	}
	return fmt.Sprintf(", %s after it", after)
}

// rose judges an effect that lifts a quantile of a target's values.
func (c *delta) rose(t *instanceSeries) (text, missing string) {
	q := c.quantile()
	before, during, after := t.before.Quantile(q), t.during.Quantile(q), t.after.Quantile(q)
	text = fmt.Sprintf("p%.4g of %s %s before the fault, %s while it was on%s", 100*q, record.TargetSignal(c.Signal, t.name), c.format(before.Low), c.format(during.Low), t.later(c.format(after.Low)))
	shift := c.shift()
	raised := c.raised(before.High, shift)
	switch {
	case during.Low < raised:
		wanted := fmt.Sprintf("at least %s more", c.format(c.Rise))
		if shift > 0 {
			wanted += fmt.Sprintf(" than the %s by which it rose where the fault was not", c.format(shift))
		}
		if c.Ceiling > 0 {
			wanted += fmt.Sprintf(", or %s of the %s that there can be,", c.format(0.9*c.Ceiling), c.format(c.Ceiling))
		}
		return "", fmt.Sprintf("%s, wanted %s while it was on; %s", text, wanted, elsewhere)
	case t.left == nil && after.High >= c.raised(before.High, 0):
		return "", text + ": it did not fall again"
	}
	reach, _ := t.during.Reach(raised)
	samples := t.without(func(s *stage) tally { return s.reaching(raised) })
	spare, missing := c.spare(func(o *instanceSeries) tally {
		return o.during.reaching(c.raised(o.before.Quantile(q).Low, shift))
	})
	those := tally{reach, t.during.N()}
	if alike := those.alike(append(samples, spare...)); missing == "" && alike != "" {
		missing = fmt.Sprintf("%d of %d values were at least %s while it was on, and %s: chance does that too", those.reach, those.n, c.format(raised), alike)
	}
	if missing != "" {
		return "", text + ": " + missing
	}
	return text, ""
}

// raised is the smallest value that shows the effect, given the quantile before
// the fault and its rise where the fault was not.
func (c *delta) raised(before, shift float64) float64 {
	raised := before + shift + c.Rise
	if full := 0.9 * c.Ceiling; before < full {
		return min(raised, full)
	}
	return raised
}

// shift is by how much the quantile rose where the fault was not: the median
// rise, or zero if it fell.
func (c *delta) shift() float64 {
	var rises []float64
	for _, o := range c.others {
		if o.before.N() >= leastValues && o.during.N() >= leastValues {
			rises = append(rises, o.during.Quantile(c.quantile()).High-o.before.Quantile(c.quantile()).Low)
		}
	}
	if len(rises) == 0 {
		return 0
	}
	slices.Sort(rises)
	return max(0, rises[len(rises)/2])
}

// fell judges an effect that lets nothing of a target's pass. That nothing
// passed is compared value by value; for a load, whose answers are what passes,
// instant by instant and with the target's share of all answers.
func (c *delta) fell(t *instanceSeries) (text, missing string) {
	before, during, after := t.before.most(), t.during.most(), t.after.most()
	text = fmt.Sprintf("%s at most %s before the fault, at most %s in %d observations while it was on%s", record.TargetSignal(c.Signal, t.name), c.format(before), c.format(during), t.during.N(), t.later(c.format(after)))
	switch {
	case before <= *c.AtMost:
		return "", fmt.Sprintf("%s: it was no more than %s before", text, c.format(*c.AtMost))
	case t.during.N() > 0 && during > *c.AtMost:
		return "", fmt.Sprintf("%s, wanted at most %s while it was on; %s", text, c.format(*c.AtMost), elsewhere)
	case t.left == nil && after <= *c.AtMost:
		return "", text + ": it did not rise again"
	}
	quiet := func(s *stage) tally {
		n := s.N()
		if c.requests {
			span := steadystate.Span{From: max(s.From, s.since), To: s.To}
			n = int((span.Width() - covered(span, s.except)) / time.Millisecond)
		}
		passed, _ := s.Reach(math.Nextafter(*c.AtMost, math.Inf(1)))
		return tally{max(0, n-passed), n}
	}
	those := quiet(&t.during)
	if alike := those.alike(t.without(quiet)); alike != "" {
		return "", text + ": nothing passes for so long by chance either, as in " + alike
	}
	quietly := func(o *instanceSeries) tally { return quiet(&o.during) }
	if o := c.others[""]; o != nil && c.requests {
		those = tally{o.during.N(), o.during.N() + t.during.N()}
		quietly = func(o *instanceSeries) tally { return tally{o.before.N(), o.before.N() + t.before.N()} }
	}
	spare, missing := c.spare(quietly)
	if alike := those.alike(spare); missing == "" && alike != "" {
		missing = "it fell where the fault was not, too"
	}
	if missing != "" {
		return "", text + ": " + missing
	}
	return text, ""
}

// spare is the sample of the instances that were not hit; missing says that such
// pods existed but were not observed.
func (c *delta) spare(of func(*instanceSeries) tally) (s []sample, missing string) {
	var sum tally
	for _, o := range c.others {
		if o.before.N() >= leastValues {
			sum = tally{sum.reach + of(o).reach, sum.n + of(o).n}
		}
	}
	switch {
	case sum.n > 0:
		return []sample{{"where the fault was not", sum}}, ""
	case c.spared > len(c.dropped):
		return nil, "nothing was observed where the fault was not, to compare it with"
	}
	return nil, ""
}
