package reports

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/experiments/cause"
	"github.com/aftershockhq/aftershock/experiments/recovery"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A Line is one statement about a run on the page and the terminal.
type Line struct {
	Name string // "What", "Who", "When", "Why", "Mend", "Ask", "Look", "Fault", "Repair", "p95", "Load", "Also", "Unseen"
	Text string
}

// Story returns what was done to the service, what followed, and how it recovered.
func (r Report) Story() (lines []Line) {
	add := func(name, text string) {
		if line := (Line{name, text}); text != "" && (name != "p95" || !slices.Contains(lines, line)) { // checks of one load share its latency
			lines = append(lines, line)
		}
	}
	told := r.explanation()
	add("What", told.what)
	add("Who", inLine(told.of.Who))
	add("When", inLine(told.of.When))
	add("Why", inLine(told.of.Why))
	whys := []string{"", told.of.Why} // that are told
	for _, c := range r.furtherCauses(told) {
		add("Why", inLine(c.Check+": "+c.Why))
		whys = append(whys, c.Why)
	}
	for _, a := range r.Advice {
		text := a.String()
		if !slices.Contains(whys, a.Fits) {
			text += "; " + a.Fits
			whys = append(whys, a.Fits)
		}
		add(a.Name(), inLine(text))
	}
	add("Look", inLine(r.look(told)))
	for _, i := range r.Injections {
		add("Fault", r.faultStory(i))
	}
	if len(r.Waterfalls) > 0 {
		add("Repair", recovered(r.Waterfalls[0]))
	}
	for _, c := range r.Checks {
		add("p95", r.latency(c))
	}
	for _, signal := range keys(r.Traffic) {
		add("Load", loadStory(signal, r.Traffic[signal]))
	}
	add("Also", r.also())
	add("Unseen", r.unseen())
	return lines
}

// also is what else happened, or that nothing did.
func (r Report) also() string {
	if r.Window.Width() == 0 {
		return ""
	}
	const most = 4
	var texts []string
	for i, m := range r.Disturbances {
		if i == most {
			texts = append(texts, fmt.Sprintf("and %d more", len(r.Disturbances)-most))
			break
		}
		// Several steps, as of a scaling, are one disturbance, which began with the first.
		began := steadystate.Span{From: m.From, To: min(m.To, m.From+time.Second)}
		texts = append(texts, fmt.Sprintf("%s at %s", m, r.When(began)))
	}
	switch {
	case r.Unwatched == cause.NoPods && len(texts) == 0:
		return ""
	case r.Unwatched != "":
		texts = append(texts, "whether anything else changed is not known: "+r.Unwatched)
	case len(texts) == 0:
		return "nothing else changed: no restart, no rollout, no scaling was seen" + r.others()
	}
	return inLine(strings.Join(texts, "; "))
}

// others says what is known of faults of others.
func (r Report) others() string {
	for _, i := range r.Injections {
		if i.Unsurveyed != "" {
			return "; for some faults of others it could not be looked"
		}
	}
	return ""
}

// InPlace says what may still be in place; empty: nothing.
func (r Report) InPlace() string {
	for _, p := range r.Proofs {
		if p.Name == "undone" && p.Verdict != steadystate.Held {
			return p.Text
		}
	}
	return ""
}

// Undone says that every fault that was injected is gone, and when the last one was;
// empty: none was, or it is not known.
func (r Report) Undone() string {
	var last time.Duration
	for _, i := range r.Injections {
		if i.Removed == nil {
			return ""
		}
		last = max(last, i.Removed.To)
	}
	if len(r.Injections) == 0 || r.InPlace() != "" {
		return ""
	}
	return fmt.Sprintf("every fault is undone, since %s (+%s)", r.clock(last), rounded(last))
}

// Facts returns what is true of the whole run, whatever its limits, such as INTERRUPTED.
func (r Report) Facts() (list []string) {
	if r.InPlace() != "" {
		list = append(list, "A FAULT MAY STILL BE IN PLACE")
	}
	switch r.End.Reason {
	case record.Completed, "":
	case "cut":
		list = append(list, "CUT OFF")
	default:
		list = append(list, strings.ToUpper(r.End.Reason))
	}
	return list
}

// Headline returns the reason for the verdict, with what is true of the whole run first.
func (r Report) Headline() string {
	parts := r.Facts()
	counts := map[steadystate.Verdict]int{}
	for _, f := range r.Findings {
		counts[f.Verdict]++
	}
	of, proofs := len(r.Findings), 0
	for _, proof := range r.Proofs {
		if proof.Verdict == steadystate.Held {
			proofs++
		}
	}
	switch {
	case of == 0:
		parts = append(parts, "no limit was judged")
	case counts[steadystate.Held] == of && r.Verdict != steadystate.Held:
		parts = append(parts, fmt.Sprintf("NOT PROVEN, %d of %d within limits", of, of))
	case counts[steadystate.Broken] > 0:
		parts = append(parts, fmt.Sprintf("%d of %d limits broken", counts[steadystate.Broken], of))
	case counts[steadystate.Unknown] > 0:
		parts = append(parts, fmt.Sprintf("%d of %d limits undecided", counts[steadystate.Unknown], of))
	default:
		parts = append(parts, fmt.Sprintf("%d of %d limits held", counts[steadystate.Held], of))
	}
	if len(r.Facts()) == 0 {
		parts = append(parts, fmt.Sprintf("proof %d of %d", proofs, len(r.Proofs)))
	}
	return strings.Join(parts, ", ")
}

// Short returns the reason for the verdict in one line: what is true of the whole run,
// then the first limit that is broken, or what is not proven or not decided.
func (r Report) Short() string {
	of := func(v steadystate.Verdict) (texts []string) {
		for _, f := range r.Findings {
			if f.Verdict == v {
				quantity, wanted := Parts(f)
				texts = append(texts, strings.TrimSpace(quantity+" "+wanted)+": "+Seen(f))
			}
		}
		return texts
	}
	texts := r.Facts()
	switch broken, unknown := of(steadystate.Broken), of(steadystate.Unknown); {
	case len(broken) > 0:
		texts = append(texts, broken[0])
	case len(r.Caveats) > 0:
		texts = append(texts, r.Caveats[0])
	case len(unknown) > 0:
		texts = append(texts, unknown[0])
	default:
		return r.Headline()
	}
	return strings.Join(texts, ": ")
}

// address is that of a cluster's API.
var address = regexp.MustCompile(` \(https?://[^)]*\)`)

// About returns when the run was, how long it took, and where.
func (r Report) About() string {
	about := r.Started.UTC().Format("2006-01-02 15:04:05 UTC") + ", " + rounded(r.Length)
	if where := r.Environment["where"]; where != "" {
		about += " on " + address.ReplaceAllString(r.own(where), "")
	}
	return about
}

// own leaves of a list that begins with the cluster, and names the workloads of a whole
// session, the one that this run is about; if that is not known, all.
func (r Report) own(where string) string {
	if r.Workload == nil {
		return where
	}
	kind, rest, _ := strings.Cut(r.Workload.Subject, "/")
	namespace, name, _ := strings.Cut(rest, "/")
	parts := strings.Split(where, ", ")
	if workload := fmt.Sprintf("%s %s in %s", kind, name, namespace); slices.Contains(parts[1:], workload) {
		return parts[0] + ", " + workload
	}
	return where
}

// Good says what counted as good for the check of a limit.
func (r Report) Good(f judge.Finding) string {
	check, err := r.Check(f.Check)
	switch {
	case err != nil || !check.Tolerance.IsSet():
		return ""
	case r.Traffic[check.Signal].Sent > 0:
		return "good: answered, " + check.Tolerance.String()
	}
	return "good: " + check.Tolerance.String()
}

// ByCheck groups findings by check and keeps their order.
func ByCheck(list []judge.Finding) (groups [][]judge.Finding) {
	for _, f := range list {
		if i := slices.IndexFunc(groups, func(g []judge.Finding) bool { return g[0].Check == f.Check }); i >= 0 {
			groups[i] = append(groups[i], f)
			continue
		}
		groups = append(groups, []judge.Finding{f})
	}
	return groups
}

var comparison = regexp.MustCompile(` (<=|>=|==|<|>) `)

// Parts returns the quantity of a limit and what is wanted of it.
func Parts(f judge.Finding) (quantity, wanted string) {
	limit := inLine(f.Limit)
	if at := comparison.FindStringIndex(limit); at != nil {
		return limit[:at[0]], limit[at[0]+1:]
	}
	return limit, ""
}

// clock is an instant of a run on the wall.
func (r Report) clock(at time.Duration) string {
	return r.Started.Add(at).Round(100 * time.Millisecond).UTC().Format("15:04:05.0")
}

// worstCheck is the check of the worst finding that had outages, or none.
func (r Report) worstCheck() string {
	for _, v := range worstFirst {
		for _, f := range r.Findings {
			if c, err := r.Check(f.Check); err == nil && f.Verdict == v && len(c.Outages) > 0 && c.Window.Width() > 0 {
				return c.Check
			}
		}
	}
	return ""
}

// An explanation is what is told first of a run: what broke, and why.
type explanation struct {
	what   string
	outage *steadystate.Outage // nil: what broke is a limit that no outage explains
	of     cause.Cause
	broken *judge.Finding // the limit; nil: none is
}

// worst is what explains the first limit that is broken, as text and cause.
func (r Report) worst() (string, cause.Cause) {
	e := r.explanation()
	return e.what, e.of
}

// explanation explains the first limit that is broken and of which there is a cause, by
// an outage or without one. If there is none, it is who failed of the first that no outage
// broke, else that limit alone, and else the worst outage: that of a check which held
// explains no broken limit.
func (r Report) explanation() (e explanation) {
	for _, f := range r.broken() {
		o, c := r.explained(f)
		if o != nil {
			return explanation{r.toldOutage(f.Check, o, c), o, c, &f}
		}
		if e.what == "" || c.Why != "" || c.Who != "" && e.of.Who == "" {
			e = explanation{missed(f, c.Quote), nil, c, &f}
		}
		if c.Why != "" {
			break
		}
	}
	if e.what != "" {
		return e
	}
	check := r.worstCheck()
	if o, c := r.Longest(check); o != nil {
		return explanation{r.toldOutage(check, o, c), o, c, nil}
	}
	return e
}

// broken are the limits of the plan that are broken.
func (r Report) broken() []judge.Finding {
	return slices.DeleteFunc(slices.Clone(r.Findings), func(f judge.Finding) bool { return f.Verdict != steadystate.Broken || f.OfRun })
}

// furtherCauses are those of what broke beside what is told, each once. What happened to
// another check at the same time is the same.
func (r Report) furtherCauses(told explanation) (list []cause.Cause) {
	whys := []string{"", told.of.Why}
	for _, f := range r.broken() {
		o, c := r.explained(f)
		if slices.Contains(whys, c.Why) || o != nil && told.outage != nil && o.Start.From <= told.outage.End.To && told.outage.Start.From <= o.End.To {
			continue
		}
		whys = append(whys, c.Why)
		list = append(list, c)
	}
	return list
}

// lookAt says by the stage that a pod had to reach, while requests failed, where to look.
var lookAt = map[string]string{
	recovery.Created:   "what kept a new pod from being created (%s)",
	recovery.Scheduled: "why %s had no node sooner",
	recovery.Started:   "what %s waited for before it started: image, volumes, init containers",
	recovery.Ready:     "what %s did until its readiness probe passed",
	recovery.Added:     "why %s got its endpoint so late",
	recovery.Answered:  "what %s did from when it was Ready to its first good answer",
}

// lookBack is for how long before an outage what happened is where to look.
const lookBack = 30 * time.Second

// look is where to look for why a limit broke, if nothing that is to be mended or asked
// says it: what Kubernetes spoke of, else the pod that was to come back, the one that
// failed, or what happened last before, else the service.
func (r Report) look(told explanation) string {
	of := told.of
	if told.broken == nil || of.Why != "" && slices.ContainsFunc(r.Advice, func(a cause.Advice) bool { return a.Fits == of.Why }) {
		return ""
	}
	at := ""
	if told.outage != nil {
		at = " from " + r.When(told.outage.Start)
	}
	most := 0 // of the requests that failed at the backend with the most
	for _, f := range of.Failures {
		if f.Backend == of.Failures[0].Backend {
			most += 2 * f.Requests
		}
		most -= f.Requests
	}
	_, noCheck := r.Check(told.broken.Check) // but an expectation
	pod, stage := of.Recovering, lookAt[of.Stage]
	if stage == "" && slices.Contains([]string{cause.NoneLeft, cause.TooFew, cause.Away}, of.Rule) {
		pod, stage = r.slowest()
	}
	switch {
	case of.Quote != nil && of.Quote.Probe != "":
		return fmt.Sprintf("the %s probe of %s", of.Quote.Probe, of.Quote.Subject)
	case of.Quote != nil:
		return fmt.Sprintf("the Events of %s (%s)", of.Quote.Subject, of.Quote.Reason)
	case noCheck != nil && told.broken.Where != "":
		return told.broken.Where
	case stage != "" && pod != "":
		return fmt.Sprintf(stage, pod)
	case most > 0 && of.Failures[0].Backend != "":
		return "the log of " + of.Failures[0].Backend + at
	case of.Before != nil && told.outage != nil && of.Before.To >= told.outage.Start.From-lookBack && of.Before.Kind != cause.FaultOn && of.Before.Kind != cause.FaultOff && !r.hit(of.Before.Subject):
		what := "the Events"
		if strings.HasPrefix(of.Before.Subject, "pod/") {
			what = "the log and the Events"
		}
		return fmt.Sprintf("%s of %s at %s", what, of.Before.Subject, r.When(of.Before.Span))
	case r.Workload != nil:
		return "the log of " + r.Workload.Subject + at
	}
	return "the log of the service" + at
}

// hit reports whether a subject is a target of a fault, to which it happened by that.
func (r Report) hit(subject string) bool {
	return slices.ContainsFunc(r.Injections, func(i judge.InjectionResult) bool {
		return slices.ContainsFunc(i.Targets, func(t record.Target) bool { return strings.HasSuffix(subject, "/"+t.Name) })
	})
}

// slowest is the pod whose recovery spent the longest time, for certain, in one stage, and
// where to look for that.
func (r Report) slowest() (pod, look string) {
	longest := time.Duration(0)
	for _, w := range r.Waterfalls {
		for _, s := range w.Steps {
			if s.Took == nil || s.Took.Low <= longest || lookAt[s.Stage] == "" {
				continue
			}
			pod, look, longest = w.Victim.Name, lookAt[s.Stage], s.Took.Low
			if w.Replacement != nil {
				pod = w.Replacement.Name
			}
		}
	}
	return pod, look
}

// missed is a limit, what was seen and what was wanted. What the quote of a cause says is
// left out.
func missed(f judge.Finding, quote *cause.Quote) string {
	quantity, wanted := Parts(f)
	text := f.Check + ": " + quantity + ": " + unquoted(Seen(f), quote)
	if wanted != "" {
		text += ", wanted " + wanted
	}
	return text
}

// unquoted is what was seen without the message of a condition that the cause quotes.
func unquoted(seen string, quote *cause.Quote) string {
	if quote == nil || quote.Message == "" {
		return seen
	}
	return strings.Replace(seen, quote.Reason+": "+quote.Message, quote.Reason, 1)
}

// toldOutage tells of an outage of a check, and how many it had; of is its cause.
func (r Report) toldOutage(check string, o *steadystate.Outage, of cause.Cause) string {
	text := "one outage of " + check
	if c, _ := r.Check(check); len(c.Outages) > 1 {
		which := "the longest"
		if slices.ContainsFunc(c.Outages, func(other steadystate.Outage) bool { return other.Length().High > o.Length().High }) {
			which = "one of them"
		}
		text = fmt.Sprintf("%d outages of %s, %s", len(c.Outages), check, which)
	}
	text += " from " + r.When(o.Start)
	if o.Open {
		text += ", not over when the record ended, after " + lasted(o.Length(), true)
	} else {
		end, _, _ := strings.Cut(r.When(o.End), " ") // how long after the start it was says the length
		text += " to " + end + ", lasted " + between("time", steadystate.Seconds(o.Length()), nil)
	}
	text += "; " + depth(*o)
	if o.Reason != "" && of.Who == "" {
		text += ", first: " + o.Reason
	}
	if o.Stretches > 1 {
		text += "; good pauses shorter than the settle time count as downtime"
	}
	return text
}

// depth is how deep an outage was: "degraded: 50 of 102 bad (49%)", without that word if all
// were, and how long its stretches last together if it flapped. Slow answers and values of a
// query are bad, too, so that no outage is said to be more than that.
func depth(o steadystate.Outage) string {
	text := fmt.Sprintf("%d of %d bad (%.0f%%)", o.Bad, o.Total, 100*float64(o.Bad)/float64(max(1, o.Total)))
	if o.Bad < o.Total {
		text = "degraded: " + text
	}
	if o.Stretches > 1 {
		text += fmt.Sprintf(", in %d stretches that last %s together",
			o.Stretches, between("time", steadystate.Seconds(o.Down), nil))
	}
	return text
}

// faultStory is what was injected, when, and into what.
func (r Report) faultStory(i judge.InjectionResult) string {
	text := i.Fault
	if hit := i.HitText(); hit != "" {
		text += ": " + hit
	}
	text += ", at " + r.When(i.Span)
	switch {
	case i.FailureReason != "":
		text += "; " + i.FailureReason
	case i.Removed == nil:
		text += ", not seen to be undone"
	case !i.OneShot:
		text += ", undone at " + r.When(*i.Removed)
	}
	return text
}

// told are those of a recovery that are told, in their order.
var told = []string{recovery.Scheduled, recovery.Ready, recovery.Undone, recovery.Answered}

// recovered is how a pod recovered, by its stages.
func recovered(w recovery.Waterfall) string {
	who := w.Victim.Name
	if w.Replacement != nil {
		who = w.Replacement.Name
	}
	var reached []string
	for _, step := range w.Steps[min(1, len(w.Steps)):] {
		if step.Reached == nil || !slices.Contains(told, step.Stage) {
			continue
		}
		at := step.Reached.Since(*w.Steps[0].Reached)
		reached = append(reached, step.Stage+" "+between("time", steadystate.Seconds(at), nil))
	}
	if len(reached) == 0 {
		return ""
	}
	return who + ": " + strings.Join(reached, ", ") + " after the fault"
}

// latency compares the latency before, during and after the fault.
func (r Report) latency(c judge.CheckResult) string {
	if r.Traffic[c.Signal].Sent == 0 {
		return ""
	}
	var texts []string
	for _, of := range []struct{ phase, name string }{{record.PhaseSettle, "before"}, {record.PhaseHold, "while faulted"}, {record.PhaseWatch, "after"}} {
		for _, p := range c.Phases {
			if p.Phase == of.phase && p.N > 0 {
				texts = append(texts, between("time", p.P95, nil)+" "+of.name)
			}
		}
	}
	return strings.Join(texts, ", ")
}

// loadStory is how many requests there were in the whole record, as opposed to the window
// that limits are judged over, and how they failed.
func loadStory(signal string, t judge.Traffic) string {
	text := fmt.Sprintf("%d %s at %.4g/s in the whole record, ", t.Sent, signal, t.Rate)
	failed := t.FailedFirst + t.Local
	if failed == 0 {
		return text + "none failed"
	}
	var why []string
	for _, reason := range keys(t.Failures) {
		if t.Failures[reason] == failed { // the only one
			why = append(why, reason)
			break
		}
		why = append(why, fmt.Sprintf("%d %s", t.Failures[reason], reason))
	}
	return text + fmt.Sprintf("%d failed: %s", failed, strings.Join(why, ", "))
}

// unseen says what could have passed unseen: of the whole service and, for longer,
// of its smallest backend.
func (r Report) unseen() string {
	var texts []string
	for _, c := range r.Checks {
		if c.Observed() == 0 || c.Resolution == 0 {
			continue
		}
		text := rounded(c.Resolution)
		if c.OfSmallest() > c.Resolution {
			text += ", or " + rounded(c.OfSmallest()) + " of one backend"
		}
		texts = append(texts, fmt.Sprintf("%s (%s)", text, inLine(c.Check)))
	}
	if len(texts) == 0 {
		return ""
	}
	return "outages shorter than " + strings.Join(texts, ", ")
}

var worstFirst = []steadystate.Verdict{steadystate.Broken, steadystate.Unknown, steadystate.Held}

// WorstFirst returns the reports in the order in which they need attention: what may still
// be in place, then what is broken, unknown and held.
func WorstFirst(list ...Report) []Report {
	worst := make([]Report, 0, len(list))
	for _, i := range order(list) {
		worst = append(worst, list[i])
	}
	return worst
}

// order is where each of the reports, the worst first, is in the list.
func order(list []Report) []int {
	at, rank := make([]int, len(list)), make([]int, len(list))
	for i, r := range list {
		at[i], rank[i] = i, slices.Index(worstFirst, r.Verdict)
		if r.InPlace() != "" {
			rank[i] = -1
		}
	}
	slices.SortStableFunc(at, func(a, b int) int { return cmp.Compare(rank[a], rank[b]) })
	return at
}

// Counts returns the number of experiments with each verdict, as in "3 experiments: 1
// broken, 2 held".
func Counts(list ...Report) string {
	noun := "experiments"
	if len(list) == 1 {
		noun = "experiment"
	}
	var parts []string
	for _, v := range worstFirst {
		n := 0
		for _, r := range list {
			if r.Verdict == v {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, v))
		}
	}
	return fmt.Sprintf("%d %s: %s", len(list), noun, strings.Join(parts, ", "))
}
