package cause

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/experiments/recovery"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

const (
	// propagation is how long after a pod's end, or its loss of the endpoint, the
	// news may still be on the way to those who send to it.
	propagation = time.Second
	// surely is how long a pod must have been Ready without a good answer to have
	// been Ready too early: a request more or less does not show it.
	surely = time.Second
	// lasting is how long after all pods are back what they caused is over, the range
	// of a query included.
	lasting = 10 * time.Second
	// tenth is the time in which nothing is answered if no request that is sent in it is.
	tenth = 100 * time.Millisecond
)

// The values of [Cause.Rule].
const (
	NoneLeft        = "no pod left"
	KilledForMemory = "killed for lack of memory"
	Restarted       = "restarted"
	ReadyTooEarly   = "ready too early"
	ClosedEarly     = "closed before its endpoint"
	Ended           = "ended before its requests"
	Lingered        = "endpoint of a dead pod"
	CutOff          = "died with its requests"
	TooFew          = "too few pods"
	Added           = "added pods were not ready"
	Surged          = "too few pods for more load"
	Faulted         = "the fault itself"
	ReplacedWithout = "new pods lack something"
	Away            = "pods were away"
	AtMax           = "autoscaler at its max"
	NoMetric        = "autoscaler without a metric"
	NoWindow        = "autoscaler without a window"
)

// Rules returns all values of [Cause.Rule].
func Rules() []string {
	return []string{
		NoneLeft, KilledForMemory, Restarted, ReadyTooEarly, ClosedEarly, Ended, Lingered, CutOff, TooFew, Added, Surged, Faulted, ReplacedWithout, Away, AtMax, NoMetric, NoWindow,
	}
}

// why is what an outage is consistent with, by the first rule that fits.
func (in *Inquiry) why(o *outage, c Cause) (rule, text string, quote *Quote) {
	for _, of := range []struct {
		name string
		rule func(*outage, Cause) (string, *Quote)
	}{
		{KilledForMemory, unquoted(in.allKilledForMemory)},
		{Restarted, in.allRestarted},
		{NoneLeft, in.noneLeft},
		{KilledForMemory, unquoted(in.killedForMemory)},
		{Restarted, in.restarted},
		{ReadyTooEarly, unquoted(in.readyTooEarly)},
		{ClosedEarly, unquoted(in.closedEarly)},
		{Ended, unquoted(in.ended)},
		{Lingered, unquoted(in.lingered)},
		{CutOff, unquoted(in.cutOff)},
		{TooFew, in.survivors},
		{TooFew, unquoted(in.shrunk)},
		{Added, in.added},
		{Surged, unquoted(in.surged)},
		{Faulted, unquoted(in.faulted)},
		{ReplacedWithout, unquoted(in.replacedWithout)},
		{NoneLeft, in.noneLeftFirst},
		{Away, in.away},
		{KilledForMemory, unquoted(in.ranOut)},
	} {
		if text, quote := of.rule(o, c); text != "" {
			if slices.Contains(coincident, of.name) && in.ambiguous(o, c) {
				return "", "", nil
			}
			return of.name, "consistent with: " + text, quote
		}
	}
	return "", "", nil
}

// coincident are the rules that tell by what happened when requests failed.
var coincident = []string{KilledForMemory, Restarted, ClosedEarly, Ended, Lingered, CutOff, TooFew}

// unquoted is a rule without a quotation.
func unquoted(rule func(*outage, Cause) string) func(*outage, Cause) (string, *Quote) {
	return func(o *outage, c Cause) (string, *Quote) { return rule(o, c), nil }
}

// and is a sentence with what Kubernetes says after it, if it says something.
func and(text string, quote *Quote) (string, *Quote) {
	if quote != nil {
		text += ", and " + quote.String()
	}
	return text, quote
}

// mostly reports whether n is at least nine tenths of all, and all are some.
func mostly(n, all int) bool { return all > 0 && 10*n >= 9*all }

// noneLeft: while no pod was among the endpoints, nothing could answer. That is certain
// for half of the outage, or nine tenths of what was bad was sent then.
func (in *Inquiry) noneLeft(o *outage, c Cause) (string, *Quote) {
	return in.noneLeftFor(o, c, 2, mostly(o.unanswered(), c.bad()))
}

// noneLeftFirst: it is certain for a third, or two thirds were sent then, and nothing else
// fits. News of the endpoints takes a while at either end, and a new pod is slow at first.
func (in *Inquiry) noneLeftFirst(o *outage, c Cause) (string, *Quote) {
	return in.noneLeftFor(o, c, 3, 3*o.unanswered() >= 2*c.bad())
}

// unanswered is how many requests were bad in times in which every one was, and no
// endpoint may have been there. The bounds of an outage are wide where requests wait, and
// what fails for a moment before or after it makes it longer: when they were sent is known.
func (o *outage) unanswered() (n int) {
	for _, sent := range o.without {
		if sent.beyond == sent.all {
			n += sent.all
		}
	}
	return n
}

// noneLeftFor is for one of so many parts of the outage, or by when requests were sent.
func (in *Inquiry) noneLeftFor(o *outage, c Cause, parts time.Duration, bySent bool) (string, *Quote) {
	counts, _ := endpoints(in.result)
	without, before, late := time.Duration(0), 0, false
	for _, c := range counts {
		if c.n == 0 && c.Overlaps(o.Span) {
			without += max(0, min(c.To, o.End.To)-max(c.From, o.Start.From))
			if before == 0 {
				before, late = in.kin.fell(in.result, c), c.may.From > o.Start.To+propagation
			}
		}
	}
	// What another fault began is not by the pods that went later.
	begunByOther := late && len(in.actions) > 1 && in.whileHeld(o.Start)
	byTime := 2*o.Bad >= o.Total && parts*without >= o.Length().High && !begunByOther
	if c.bad() == 0 || without == 0 || !byTime && !bySent {
		return "", nil
	}
	text := fmt.Sprintf("no pod was among the endpoints for at least %s", steadystate.FormatSeconds(without.Truncate(digit(without)).Seconds()))
	switch {
	case before == 1:
		text += ": the only one was taken away, and nothing else could answer"
	case before > 1:
		text += fmt.Sprintf(": all %d had left before a new one was ready", before)
	}
	return and(text, in.stuck(o.Span))
}

// stuck is why a pod could not start in a span, in the words of who decided it; nil: none
// could not.
func (in *Inquiry) stuck(span steadystate.Span) *Quote {
	hinders := hinders(span)
	for _, e := range in.result.Events {
		if e.Overlaps(span) && (e.Kind == record.EventUnschedulable || e.Kind == record.EventWaiting) && hinders(in, e) {
			return quoteOf(e)
		}
	}
	if e, ok := in.worst(span, hinders); ok {
		return quoteOf(e)
	}
	return nil
}

// A count is at most how many endpoints there were for a time, for how long there may have
// been no more, and which were removed since one was last added.
type count struct {
	steadystate.Span
	n    int
	may  steadystate.Span
	left []record.Event
}

// fell is how many endpoints were lost until none was there. One whose pod was asked to end,
// as by an autoscaler or in a rollout, may have been one too many. It counts if it left with
// the last one; or soon before and since the first fault, or while a new pod was yet to take
// its place, as long as there are no more than should be.
func (k kin) fell(r judge.Result, none count) (n int) {
	last := none.From - 2*propagation
	soon := max(none.From-lasting, r.Window.From-2*propagation)
	asked, starting := map[string]bool{}, map[string]bool{} // by UID
	for _, e := range r.Events {
		switch {
		case e.From >= last || !strings.HasPrefix(e.Subject, "pod/") || !k.mayServe(e.UID):
		case e.Kind == record.EventCreated:
			starting[e.UID] = true
		case e.Kind == record.EventReady || e.Kind == record.EventGone:
			delete(starting, e.UID)
		case e.Kind == record.EventTerminating:
			asked[e.UID] = true
		}
	}
	for _, e := range r.Events {
		if e.Kind == record.EventEvicted {
			delete(asked, e.UID) // no other comes before it leaves
		}
	}
	missed, others := 0, 0
	for _, e := range none.left {
		switch {
		case !asked[e.UID] || e.To >= last:
			n++
		case e.To >= soon:
			missed++
		default:
			others++
		}
	}
	missed += min(others, len(starting))
	if r.Workload != nil {
		missed = min(missed, max(0, r.Workload.Replicas-n))
	}
	return n + missed
}

// endpoints counts the endpoints in the window, and before it: a pod counts from when it
// may have been added to when it certainly was removed. If nothing was seen of them for a
// time, there is no count.
func endpoints(r judge.Result) (list []count, before int) {
	type edge struct {
		at    time.Duration
		event record.Event
		add   bool
		key   string
	}
	var edges []edge
	for _, e := range r.Events {
		if e.Kind == record.EventGap && strings.HasSuffix(e.Subject, "/endpointslices") {
			return nil, 0
		}
		if !strings.HasPrefix(e.Subject, "endpoint/") {
			continue
		}
		key := e.Subject + e.UID + e.Attrs[record.AttrService] + e.Attrs[record.AttrSlice]
		switch e.Kind {
		case record.EventExists, record.EventAdded:
			edges = append(edges, edge{e.From, e, true, key})
		case record.EventRemoved:
			edges = append(edges, edge{e.To, e, false, key})
		}
	}
	slices.SortStableFunc(edges, func(a, b edge) int { return cmp.Compare(a.at, b.at) })
	serving, since := map[string]bool{}, steadystate.Instant(r.Window.From)
	var left []record.Event
	for _, e := range edges {
		if e.at >= r.Window.From {
			list = append(list, count{steadystate.Span{From: since.To, To: e.at}, len(serving), steadystate.Span{From: since.From, To: e.event.To}, left})
			since = steadystate.Span{From: e.event.From, To: e.at}
		}
		if e.add {
			serving[e.key] = true
			left = nil
		} else {
			delete(serving, e.key)
			left = append(left, e.event)
		}
		if e.at < r.Window.From {
			before = len(serving)
		}
	}
	if len(edges) > 0 {
		rest := steadystate.Span{From: since.To, To: r.Length}
		list = append(list, count{rest, len(serving), steadystate.Span{From: since.From, To: rest.To}, left})
	}
	return list, before
}

// served are the names of the endpoints right before the fault.
func (in *Inquiry) served() (names []string) {
	for _, e := range in.result.Events {
		if !strings.HasPrefix(e.Subject, "endpoint/") || e.From >= in.result.Window.From {
			continue
		}
		name := nameOf(e.Subject)
		switch e.Kind {
		case record.EventExists, record.EventAdded:
			names = append(names, name)
		case record.EventRemoved:
			names = slices.DeleteFunc(names, func(n string) bool { return n == name })
		}
	}
	return names
}

// stops are those of pods of the service.
func (in *Inquiry) stops(span steadystate.Span, fits func(record.Event) bool) (s stopping) {
	span.From -= 2 * propagation
	for _, e := range in.result.Events {
		if !stopped(in.result, e) || !e.Overlaps(span) || !in.kin.mayServe(e.UID) || !fits(e) {
			continue
		}
		if from := in.endOf(e).From - 2*propagation; len(s.events) == 0 || from < s.from {
			s.from = from
		}
		s.events = append(s.events, e)
		if !slices.Contains(s.names, nameOf(e.Subject)) {
			s.names = append(s.names, nameOf(e.Subject))
		}
	}
	slices.Sort(s.names)
	return s
}

// endOf is the end of a container that was started again, which may have had to wait for
// that; the event itself, if that was not seen or it is the end.
func (in *Inquiry) endOf(restart record.Event) (end record.Event) {
	if end = restart; restart.Kind != record.EventRestarted {
		return end
	}
	for _, e := range in.result.Events {
		if e.UID != restart.UID || e.Attrs[record.AttrContainer] != restart.Attrs[record.AttrContainer] || e.To > restart.From {
			continue
		}
		switch {
		case e.Kind == record.EventStopped:
			end = e
		case e.Kind == record.EventRestarted && e.From < restart.From:
			end = restart // what ended before is that one's
		}
	}
	return end
}

// ofMemory reports whether a container was killed for lack of memory.
func ofMemory(e record.Event) bool { return e.Attrs[record.AttrReason] == "OOMKilled" }

// byNoFault reports whether a container was started again, which no fault does.
func byNoFault(r judge.Result) func(record.Event) bool {
	return func(e record.Event) bool { return e.Kind == record.EventRestarted && !downed(r, e) }
}

// stopped reports whether a container stopped or was started again since the fault.
func stopped(r judge.Result, e record.Event) bool {
	return (e.Kind == record.EventRestarted || e.Kind == record.EventStopped) && strings.HasPrefix(e.Subject, "pod/") && e.To >= r.Window.From
}

// allKilledForMemory and allRestarted: it happened to every pod that had served, which
// is why none was left.
func (in *Inquiry) allKilledForMemory(o *outage, c Cause) string {
	if !in.ofAll(o, c, o.memory) {
		return ""
	}
	return in.killedForMemory(o, c) + andNoOther
}

func (in *Inquiry) allRestarted(o *outage, c Cause) (string, *Quote) {
	if !in.ofAll(o, c, o.again) {
		return "", nil
	}
	text, quote := in.restarted(o, c)
	return text + andNoOther, quote
}

const andNoOther = ", and no other was among the endpoints"

func (in *Inquiry) ofAll(o *outage, c Cause, s stopping) bool {
	served := in.served()
	none, _ := in.noneLeft(o, c)
	return len(served) > 0 && s.explains(o, c) && !slices.ContainsFunc(served, func(name string) bool { return !slices.Contains(s.names, name) }) && none != ""
}

// killedForMemory: a container had no memory left.
func (in *Inquiry) killedForMemory(o *outage, c Cause) string {
	if !o.memory.explains(o, c) {
		return ""
	}
	return fmt.Sprintf("container %s of %s killed for lack of memory (OOMKilled)", o.memory.events[0].Attrs[record.AttrContainer], was(o.memory.names, ""))
}

// restarted: containers ended, and no fault does that.
func (in *Inquiry) restarted(o *outage, c Cause) (string, *Quote) {
	names, list := o.again.names, o.again.events
	if !o.again.explains(o, c) {
		return "", nil
	}
	first := list[0]
	how, by := first.Attrs[record.AttrReason], "by a liveness probe or a crash"
	if code := first.Attrs[record.AttrCode]; code != "" {
		how = strings.TrimPrefix(how+", exit code "+code, ", ")
	}
	quote := killedByProbe(in.result, first)
	if quote != nil && slices.ContainsFunc(list, func(e record.Event) bool { q := killedByProbe(in.result, e); return q == nil || q.Probe != quote.Probe }) {
		quote = nil
	}
	if quote != nil {
		by = "by its " + quote.Probe + " probe"
		if quote.Reason != killing {
			by += ", which failed: " + quoted(quote.Message)
		}
	}
	return fmt.Sprintf("container %s of %s started again (%s), which the fault does not do: %s", first.Attrs[record.AttrContainer], was(names, "ended and "), how, by), quote
}

// readyTooEarly: a pod was sent requests before it could answer.
func (in *Inquiry) readyTooEarly(o *outage, c Cause) string {
	if c.Stage != recovery.Answered || o.Bad == o.Total || in.whileHeld(o.Span) {
		return ""
	}
	others := 0
	for _, f := range c.Failures {
		if f.Backend != "" && f.Backend != c.Recovering {
			others += f.Requests
		}
	}
	step := in.waterfalls[0].Step(recovery.Answered)
	if 10*others > c.bad() || step.Took == nil || step.Took.Low < surely {
		return ""
	}
	return fmt.Sprintf("%s was Ready at least %s before it could answer", c.Recovering, steadystate.FormatSeconds(step.Took.Low.Truncate(digit(step.Took.Low)).Seconds()))
}

// An ending is the end of a pod that was asked to end: the time around it, from when requests
// may have been under way to when no more were sent to it; that in which they may have been
// under way, to when it was asked; when it was asked; and the time after that.
type ending struct {
	name                        string
	around, before, asked, late steadystate.Span
}

// endings are those of the victims.
func endings(r judge.Result, waterfalls []recovery.Waterfall) (list []ending) {
	for _, w := range waterfalls {
		left, removed := w.Step(recovery.Left).Reached, w.Step(recovery.Removed).Reached
		if asked, killed := askedOrKilled(r, w.Victim); left == nil || w.InPlace || !asked || killed {
			continue
		}
		s := steadystate.Span{From: left.From - propagation, To: left.To + propagation}
		if removed != nil {
			s.To = max(s.To, removed.To+propagation)
		}
		list = append(list, ending{
			name: w.Victim.Name, around: s, asked: *left,
			before: steadystate.Span{From: s.From, To: left.To}, late: steadystate.Span{From: left.To, To: s.To},
		})
	}
	return list
}

// isLate reports whether a request surely came to a pod that had begun to end and no longer
// answered. One that was cut off may have been under way there, or in one that was about to
// end; what is refused never is. A status without a name may be that of a new pod.
func (in *Inquiry) isLate(q record.Request, failed string) bool {
	if failed == "" || failed != record.ConnectionRefused && cut(failed) || q.Code != 0 && q.Backend == "" {
		return false
	}
	sent, late := steadystate.Instant(q.Sent), false
	for _, e := range in.endings {
		switch {
		case q.Backend != "" && q.Backend != e.name:
		case failed == record.ConnectionRefused:
			late = late || sent.Overlaps(e.asked.Hull(e.late))
		case sent.Overlaps(e.before):
			return false
		default:
			late = late || sent.Overlaps(e.late)
		}
	}
	return late
}

// closedEarly: requests still came to pods that had begun to end, and at most one in twenty
// was under way to one. All outages of the check tell that: one of them may have few.
func (in *Inquiry) closedEarly(o *outage, c Cause) string {
	late, all := 0, 0
	for _, other := range in.open {
		if other.check.Check == o.check.Check {
			late, all = late+other.late, all+other.ending
		}
	}
	if in.ended(o, c) == "" || 3*o.late < 2*c.bad() || 20*late < 19*all {
		return ""
	}
	names, _ := in.endingsOf(o)
	return fmt.Sprintf("requests still came to %s after it had begun to end: %d of %d bad ones were sent from then to %s after its endpoint was removed", only(names), o.late, c.bad(), steadystate.FormatSeconds(propagation.Seconds()))
}

// endingsOf are the pods that were asked to end in the time of an outage, and from when on
// requests may have been under way to them.
func (in *Inquiry) endingsOf(o *outage) (names []string, from time.Duration) {
	for _, e := range in.endings {
		if e.around.Overlaps(o.Span) {
			names, from = earlier(names, e.name, from, e.around.From)
		}
	}
	return names, from
}

// earlier adds a pod to those of an outage.
func earlier(names []string, name string, first, from time.Duration) ([]string, time.Duration) {
	if len(names) == 0 || from < first {
		first = from
	}
	if !slices.Contains(names, name) {
		names = append(names, name)
	}
	return names, first
}

// only is the only one of several pods, by name.
func only(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return "a pod"
}

// cut reports whether a connection was refused, or ended before the answer, which no fault
// of the network or of resources brings about.
func cut(failed string) bool {
	return slices.Contains([]string{record.ConnectionRefused, "connection reset", "connection closed"}, failed)
}

// askedOrKilled reports whether a pod was asked to end, by an eviction or a rollout, and
// whether a fault killed it. If it was surely killed first, it was only killed.
func askedOrKilled(r judge.Result, victim record.Target) (asked, killed bool) {
	var kills []steadystate.Span
	evicted := slices.ContainsFunc(r.Events, func(e record.Event) bool { return e.Kind == record.EventEvicted && e.UID == victim.UID })
	for _, i := range r.Injections {
		switch {
		case !hits(i, victim.UID):
		case isRollout(i):
			asked = true
		case i.Kind == record.KindPodKill && i.FailureReason == "":
			kills = append(kills, i.Span)
		}
	}
	asked = asked || evicted
	if !asked || len(kills) == 0 {
		return asked, false
	}
	before := slices.ContainsFunc(r.Events, func(e record.Event) bool {
		return (e.Kind == record.EventTerminating || e.Kind == record.EventEvicted) && e.UID == victim.UID && !slices.ContainsFunc(kills, func(kill steadystate.Span) bool { return kill.To < e.From })
	})
	return before, true
}

// ended: requests failed around the end of pods that were asked to end. Two thirds of
// them are enough: a new pod that was not ready for all, and a busy machine, have theirs.
func (in *Inquiry) ended(o *outage, c Cause) string {
	names, from := in.endingsOf(o)
	if 3*o.ending < 2*c.bad() || c.bad() == 0 || o.Bad == o.Total || o.Start.To < from && !mostly(o.ending, c.bad()) {
		return ""
	}
	return fmt.Sprintf("%s ended before the requests to it had: %d of %d bad ones were sent within %s of its end or of the end of its endpoint", only(names), o.ending, c.bad(), steadystate.FormatSeconds(propagation.Seconds()))
}

// A death is the time around the end of a pod that was killed: when requests to it may
// have been under way, and from when it was surely dead to when no more were sent to it.
type death struct {
	name          string
	around, after steadystate.Span
	lag           time.Duration // for which its endpoint surely outlived it
}

// deaths are those of pods, and of containers, that were killed and not asked to end.
func deaths(r judge.Result, waterfalls []recovery.Waterfall) (list []death) {
	for _, w := range waterfalls {
		end, removed := cmp.Or(w.Step(recovery.Left).Reached, w.Step(recovery.Stopped).Reached), w.Step(recovery.Removed).Reached
		if asked, _ := askedOrKilled(r, w.Victim); end == nil || removed == nil || asked {
			continue
		}
		list = append(list, death{
			name: w.Victim.Name, lag: removed.From - end.To,
			around: steadystate.Span{From: end.From - propagation, To: end.To},
			after:  steadystate.Span{From: end.To, To: max(end.To, removed.To+propagation)},
		})
	}
	return list
}

// lingered: requests went on to pods that were dead, as long as they were endpoints.
func (in *Inquiry) lingered(o *outage, c Cause) string {
	if !in.died(o, c) || o.lingering <= o.cutOff {
		return ""
	}
	names, _ := in.deathsOf(o)
	text := fmt.Sprintf("requests went on to %s after its end: %d of %d bad ones were sent from then to %s after its endpoint was removed", only(names), o.lingering, c.bad(), steadystate.FormatSeconds(propagation.Seconds()))
	if len(in.deaths) == 1 && in.deaths[0].lag >= surely {
		text += fmt.Sprintf(", which was at least %s later", steadystate.FormatSeconds(in.deaths[0].lag.Truncate(digit(in.deaths[0].lag)).Seconds()))
	}
	return text
}

// cutOff: requests were under way to pods that were killed.
func (in *Inquiry) cutOff(o *outage, c Cause) string {
	if !in.died(o, c) {
		return ""
	}
	names, _ := in.deathsOf(o)
	return fmt.Sprintf("requests were under way to %s when it was killed: %d of %d bad ones were sent within %s before its end", only(names), o.cutOff, c.bad(), steadystate.FormatSeconds(propagation.Seconds()))
}

// died reports whether at least two thirds of the bad requests were sent around the
// deaths of pods, while others answered.
func (in *Inquiry) died(o *outage, c Cause) bool {
	_, from := in.deathsOf(o)
	n := o.lingering + o.cutOff
	return c.bad() > 0 && 3*n >= 2*c.bad() && o.Bad < o.Total && (o.Start.To >= from || mostly(n, c.bad()))
}

// deathsOf are the pods that were killed in the time of an outage, and from when on requests
// may have been under way to them.
func (in *Inquiry) deathsOf(o *outage) (names []string, from time.Duration) {
	for _, d := range in.deaths {
		if d.around.Hull(d.after).Overlaps(o.Span) {
			names, from = earlier(names, d.name, from, d.around.From)
		}
	}
	return names, from
}

// survivors: those that were left were slow while a pod was away.
func (in *Inquiry) survivors(o *outage, c Cause) (string, *Quote) {
	if len(in.waterfalls) != 1 || len(in.result.Injections) != 1 || c.Stage == "" || c.Stage == recovery.Answered {
		return "", nil
	}
	w, slow := in.waterfalls[0], 0
	if lost(w) > o.Start.To+propagation {
		return "", nil
	}
	for _, f := range c.Failures {
		if f.Backend != "" && f.Backend != w.Victim.Name && f.Backend != c.Recovering && f.Reason == Slow {
			slow += f.Requests
		}
	}
	if !mostly(slow, c.bad()) {
		return "", nil
	}
	return and(fmt.Sprintf("too few pods for the load while %s was away: those that were left answered too slowly", w.Victim.Name), in.stuck(o.Span))
}

// shrunk: several pods were away at once or in turn, and answers were slow while fewer
// were there than before.
func (in *Inquiry) shrunk(o *outage, c Cause) string {
	if len(in.waterfalls) < 2 || !mostly(o.short, c.bad()) || in.whileHeld(o.Span) {
		return ""
	}
	counts, before := endpoints(in.result)
	least := before
	for _, c := range counts {
		least = min(least, c.n)
	}
	return fmt.Sprintf("too few pods for the load: %d of %d bad answers were slow ones while fewer than %d pods were among the endpoints, as few as %d", o.short, c.bad(), before, least)
}

// added: of a check that is on no requests, while the load was raised and no pod went:
// from when pods were added to when all of them were Ready.
func (in *Inquiry) added(o *outage, c Cause) (string, *Quote) {
	raised := slices.ContainsFunc(in.actions, func(a action) bool { return raises(a.of) > 1 && a.Overlaps(o.Start) })
	blurred := !o.Open && 2*(o.Start.Width()+o.End.Width()) > o.Width()
	if !raised || blurred || c.bad() > 0 || len(in.waterfalls) > 0 || in.result.Traffic[o.check.Signal].Sent > 0 {
		return "", nil
	}
	near := func(at, edge steadystate.Span) bool {
		return at.Overlaps(steadystate.Span{From: edge.From - 2*propagation, To: edge.To})
	}
	begun, waiting, last := false, map[string]bool{}, steadystate.Span{}
	for _, e := range in.result.Events {
		switch {
		case !strings.HasPrefix(e.Subject, "pod/") || !in.kin.mayServe(e.UID) || e.To < o.From-2*propagation || e.From > o.To:
		case e.Kind == record.EventTerminating || e.Kind == record.EventGone:
			return "", nil
		case e.Kind == record.EventCreated:
			begun = begun || near(e.Span, o.Start)
			waiting[e.UID] = true
		case e.Kind == record.EventReady && waiting[e.UID]:
			waiting[e.UID] = false
			last = e.Span
		}
	}
	n := len(waiting)
	maps.DeleteFunc(waiting, func(_ string, notReady bool) bool { return !notReady })
	switch {
	case !begun:
		return "", nil
	case len(waiting) == 0 && near(last, o.End):
		if n == 1 {
			return "an added pod was not Ready yet, and it lasted just as long", nil
		}
		return fmt.Sprintf("%d added pods were not Ready yet, and it lasted just as long", n), nil
	case len(waiting) > 0 && o.Open:
		return and(fmt.Sprintf("%d of the added pods not Ready when the record ended", len(waiting)), in.stuck(o.Span))
	}
	return "", nil
}

// surged: the load was raised.
func (in *Inquiry) surged(o *outage, c Cause) string {
	for f, i := range in.result.Injections {
		if raises(i) == 0 || !in.within(o, i) || !in.alone(f, o.Start, o) {
			continue
		}
		return fmt.Sprintf("too few pods for %.4g times the load: it began %s", raises(i), around(o, i))
	}
	return ""
}

// within reports whether an outage began while a fault was held, and spent most of
// its time in it.
func (in *Inquiry) within(o *outage, i judge.InjectionResult) bool {
	if i.OneShot || i.FailureReason != "" || o.Start.To < i.From {
		return false
	}
	until := in.result.Length
	if i.Removed != nil {
		until = i.Removed.To
	}
	return o.Start.From <= until && 2*(min(o.End.From, until)-o.Start.To) >= o.End.From-o.Start.To
}

// around says how long after a fault an outage began and ended.
func around(o *outage, i judge.InjectionResult) string {
	text := fmt.Sprintf("%s after the fault took effect", lengths(o.Start.Since(i.Span)))
	switch {
	case o.Open:
		return text + " and was not over when the record ended"
	case i.Removed == nil:
		return text
	case o.End.To < i.Removed.From:
		return text + fmt.Sprintf(" and ended %s before it was undone", lengths(i.Removed.Since(o.End)))
	}
	return text + fmt.Sprintf(" and ended %s after it was undone", lengths(o.End.Since(*i.Removed)))
}

// faulted: it is the time of one fault, which was held and brought no pod down.
func (in *Inquiry) faulted(o *outage, c Cause) string {
	f := slices.IndexFunc(in.result.Injections, func(i judge.InjectionResult) bool { return in.within(o, i) })
	if f < 0 || !in.alone(f, o.Span, o) {
		return ""
	}
	i := in.result.Injections[f]
	if takesPods(i) {
		return ""
	}
	hit, named := 0, 0
	for _, f := range c.Failures {
		if f.Backend == "" {
			continue
		}
		named += f.Requests
		if slices.ContainsFunc(i.Targets, func(t record.Target) bool { return t.Name == f.Backend }) {
			hit += f.Requests
		}
	}
	text := "the fault itself"
	if len(in.result.Injections) > 1 {
		text += " (" + i.Fault + ")"
	}
	text += ": it began " + around(o, i)
	if i.Of > len(i.Targets) && mostly(hit, c.bad()) {
		text += fmt.Sprintf(", and %d of %d bad answers came from the %d of %d pods that it was in", hit, c.bad(), len(i.Targets), i.Of)
	}
	return text
}

// replacedWithout: pods are back, and it goes on.
func (in *Inquiry) replacedWithout(o *outage, c Cause) string {
	list, first := in.during(o)
	if c.bad() > 0 || first == nil || in.result.Traffic[o.check.Signal].Sent > 0 {
		return ""
	}
	back := time.Duration(0)
	for _, w := range list {
		ready := w.Step(recovery.Ready).Reached
		if w.InPlace || ready == nil {
			return ""
		}
		back = max(back, ready.To)
	}
	if o.Start.To < first.From || o.End.From < back+lasting || in.whileHeld(steadystate.Span{From: back, To: o.End.From}) {
		return ""
	}
	return fmt.Sprintf("the new pods lack what the old ones had: it lasted until at least %s after all of them were Ready", steadystate.FormatSeconds((o.End.From - back).Truncate(100*time.Millisecond).Seconds()))
}

// away: of a check that is on no requests, and over when all pods were back.
func (in *Inquiry) away(o *outage, c Cause) (string, *Quote) {
	list, first := in.during(o)
	if c.bad() > 0 || first == nil || in.result.Traffic[o.check.Signal].Sent > 0 || slices.ContainsFunc(in.held, o.matches) {
		return "", nil
	}
	back, open := time.Duration(0), false
	for _, w := range list {
		if ready := w.Step(recovery.Ready).Reached; ready != nil {
			back = max(back, ready.To)
		} else {
			open = true
		}
	}
	pods := list[0].Victim.Name + " was"
	if n := len(list); n > 1 {
		pods = fmt.Sprintf("%d pods were", n)
	}
	switch stuck := in.stuck(o.Span); {
	case o.Start.To < first.From:
		return "", nil
	case open && stuck != nil:
		return and(fmt.Sprintf("%s away: it began %s after the fault took effect", pods, lengths(o.Start.Since(*first))), stuck)
	case open || o.Open || o.Start.From > back || o.End.From > back+lasting:
		return "", nil
	}
	return fmt.Sprintf("%s away: it began %s after the fault took effect, and all pods were Ready again within %s of that", pods, lengths(o.Start.Since(*first)), steadystate.FormatSeconds(up(back-first.From).Seconds())), nil
}

// ranOut: of a query of memory that was bad before a container had none left, as its use
// rose, and good again soon after. No fault was there meanwhile.
func (in *Inquiry) ranOut(o *outage, _ Cause) string {
	if len(o.memory.events) == 0 || o.Open || !ofMemoryUse(in.result.Signals[o.check.Signal]) ||
		slices.ContainsFunc(in.actions, func(a action) bool { return a.Overlaps(o.Span) }) {
		return ""
	}
	last := in.endOf(slices.MaxFunc(o.memory.events, func(a, b record.Event) int { return cmp.Compare(in.endOf(a).From, in.endOf(b).From) }))
	if o.Start.To > o.memory.from+2*propagation || o.End.From > last.To+lasting {
		return ""
	}
	pod := nameOf(last.Subject)
	if n := len(o.memory.names); n > 1 {
		pod += fmt.Sprintf(", the last of %d pods,", n)
	}
	return fmt.Sprintf("memory ran out: it was over within %s of container %s of %s being killed for lack of memory (OOMKilled)",
		steadystate.FormatSeconds(up(o.End.To-last.From).Seconds()), last.Attrs[record.AttrContainer], pod)
}

// ofMemoryUse reports whether a signal, as it describes itself, is a query of memory.
func ofMemoryUse(signal string) bool {
	return strings.HasPrefix(signal, "prometheus: ") && strings.Contains(signal, "memory")
}

// matches reports whether an outage began soon after something did, and ended with it or
// soon after.
func (o *outage) matches(held steadystate.Span) bool {
	return o.Start.To >= held.From && o.Start.From <= held.From+lasting && o.End.To >= held.To && (o.Open || o.End.From <= held.To+lasting)
}

// some is the first of several names, and how many more there are: those of pods are long.
func some(names []string) string {
	if len(names) > 1 {
		return fmt.Sprintf("%s and %d more", names[0], len(names)-1)
	}
	return strings.Join(names, "")
}

// was are [some] names, what they did and "was" or "were".
func was(names []string, did string) string {
	verb := "was"
	if len(names) > 1 {
		verb = "were"
	}
	return some(names) + " " + did + verb
}
