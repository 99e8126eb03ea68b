package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Format and Version name the document.
const (
	Format  = "aftershock/results"
	Version = 1
)

// A Document is the results of runs.
type Document struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	// ToolVersion is the version of the program that wrote the document.
	ToolVersion string `json:"toolVersion,omitempty"`
	// Verdict is the worst of the results': broken if one is, else unknown if one is
	// or there is none.
	Verdict string `json:"verdict" jsonschema:"enum=held,enum=broken,enum=unknown"`
	// ExitCode is that of all runs together: 0 held, 1 broken, 3 unknown, 4 stopped or
	// failed, 5 a fault may still be in place.
	ExitCode int `json:"exitCode" jsonschema:"enum=0,enum=1,enum=3,enum=4,enum=5"`
	// Results are one for each run, in the order of the runs.
	Results []Result `json:"results"`
}

// A Result is what the record of one run says of its experiment.
type Result struct {
	// Experiment is the name of the experiment, unique in its configuration:
	// SERVICE/SUITE/NAME or SERVICE/NAME.
	Experiment string `json:"experiment"`
	// Title is what the experiment does, in a sentence.
	Title  string   `json:"title,omitempty"`
	Labels []string `json:"labels"`
	// Service is what the experiment is about, by its name in the configuration.
	Service   string `json:"service,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	// Source is the place in the configuration that names the experiment.
	Source *Source `json:"source,omitempty"`
	// PlanHash is over what was done: load, faults, times and the definitions of the
	// checks, but not the limits. Runs with one hash did the same.
	PlanHash string `json:"planHash,omitempty"`
	// Load describes the load.
	Load string `json:"load,omitempty"`
	Run  Run    `json:"run"`
	// Verdict is held only if every finding and every proof is, and the run was
	// complete; broken if a finding is.
	Verdict string `json:"verdict" jsonschema:"enum=held,enum=broken,enum=unknown"`
	// Reason is the verdict in a sentence.
	Reason string `json:"reason"`
	// Caveats are true of the run beside its findings, whatever the verdict. A run
	// with caveats is never held.
	Caveats []string `json:"caveats"`
	// Images are those that the service's containers ran when the run began.
	Images []Image `json:"images"`
	// Environment is what was recorded of the place of the run, by name.
	Environment map[string]string `json:"environment"`
	// Baseline is what limits on a multiple of it refer to; absent: the settled
	// stretch before the fault.
	Baseline *Baseline `json:"baseline,omitempty"`
	// Window is what limits without a phase are judged over.
	Window Span    `json:"window"`
	Phases []Phase `json:"phases"`
	// Findings are one for each limit, the same for every run of a plan, and those of
	// the run itself.
	Findings []Finding `json:"findings"`
	// Proofs are the reasons to believe the verdict.
	Proofs     []Proof     `json:"proofs"`
	Checks     []Check     `json:"checks"`
	Injections []Injection `json:"injections"`
	Traffic    []Traffic   `json:"traffic"`
	// PodRecoveries are the recovery of each pod that a fault brought down, by stage.
	PodRecoveries []PodRecovery `json:"podRecoveries"`
	// Autoscaling is what each autoscaler did, by stage.
	Autoscaling []Autoscaling `json:"autoscaling"`
	Events      []Event       `json:"events"`
	// Workload is what the run is about, as it was configured when the run began;
	// absent: not recorded.
	Workload *Workload `json:"workload,omitempty"`
	// Advice is what to mend or to ask, if a limit is broken.
	Advice []Advice `json:"advice"`
	// Disturbances are what happened to the service in the window by no fault of the
	// run: restarts, pods that went, rollouts, scalings, faults of others, nodes that
	// failed.
	Disturbances []Moment `json:"disturbances"`
	// UnwatchedBecause says why there may be more; absent: with no disturbances,
	// nothing else changed.
	UnwatchedBecause string `json:"unwatchedBecause,omitempty"`
	// Notes are remarks that the run made.
	Notes []string `json:"notes"`
	// Signals says of each signal, by its name, what it is.
	Signals map[string]string `json:"signals"`
}

// A Source is a line of a file.
type Source struct {
	File string `json:"file"`
	Line int    `json:"line,omitempty"`
}

// A Run is how the run went.
type Run struct {
	// ID is unique to the run; what it made in the cluster is labelled with it.
	ID string `json:"id"`
	// Started is the wall clock at offset zero.
	Started time.Time `json:"started"`
	// LengthSeconds is that of the record.
	LengthSeconds float64 `json:"lengthSeconds"`
	// Complete: the run came to its end.
	Complete bool `json:"complete"`
	// End is why it ended; cut: the record ends before the run did.
	End string `json:"end" jsonschema:"enum=completed,enum=not steady,enum=not injected,enum=interrupted,enum=refused,enum=stopped,enum=aborted,enum=blind,enum=failed,enum=cut"`
	// EndDetail says more about it.
	EndDetail string `json:"endDetail,omitempty"`
	// ExitCode is that of "aftershock run" for this run alone.
	ExitCode int `json:"exitCode" jsonschema:"enum=0,enum=1,enum=3,enum=4,enum=5"`
	// LeftBehind are the faults that may still be in place.
	LeftBehind []Left `json:"leftBehind"`
	// ToolVersion is the version of the program that made the record.
	ToolVersion string `json:"toolVersion,omitempty"`
	// ConfigurationSHA256 is the digest of the configuration file.
	ConfigurationSHA256 string `json:"configurationSha256,omitempty"`
}

// A Left is a fault that may still be in place.
type Left struct {
	Fault string `json:"fault"`
	// Error is that of undoing it.
	Error string `json:"error"`
}

// An Image is what containers of one name ran.
type Image struct {
	Container string `json:"container"`
	// Digests are the ids by which the nodes have the images; more than one: the pods
	// ran different ones.
	Digests []string `json:"digests"`
}

// A Span is an instant that is known between bounds, or a stretch of time, in
// seconds since the run's start.
type Span struct {
	FromSeconds float64 `json:"fromSeconds"`
	ToSeconds   float64 `json:"toSeconds"`
}

// A Length is a length of time known between bounds.
type Length struct {
	LowSeconds float64 `json:"lowSeconds"`
	// HighSeconds is absent for what was not over when the record ended.
	HighSeconds *float64 `json:"highSeconds,omitempty"`
}

// A Range is a quantity known between bounds.
type Range struct {
	// Low is absent if there is no lower bound.
	Low *float64 `json:"low,omitempty"`
	// High is absent if there is no upper bound.
	High *float64 `json:"high,omitempty"`
}

// A Baseline is the figures of a control run.
type Baseline struct {
	// Run is the id of the control run.
	Run           string  `json:"run"`
	LengthSeconds float64 `json:"lengthSeconds"`
	// UnusableBecause says why the run gives no baseline.
	UnusableBecause string           `json:"unusableBecause,omitempty"`
	Figures         []BaselineFigure `json:"figures"`
}

// A BaselineFigure is one figure of a control run.
type BaselineFigure struct {
	Check string `json:"check"`
	// Quantity is as in a limit.
	Quantity string `json:"quantity"`
	// Low and High are in the unit of the check, and include the sampling error.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	// N is the number of observations.
	N int `json:"n"`
	// UnknownBecause says why there is no figure; the bounds then mean nothing.
	UnknownBecause string `json:"unknownBecause,omitempty"`
}

// A Phase is when a phase of the run was.
type Phase struct {
	Phase string `json:"phase" jsonschema:"enum=settle,enum=inject,enum=hold,enum=recover,enum=watch"`
	Span
}

// A Limit is what is wanted: a bound on a quantity, or a rule in words.
type Limit struct {
	// Text is the whole limit, as in the configuration.
	Text string `json:"text"`
	// Quantity is what is bounded, as in limits: "downtime", "p95 of good"; absent of a
	// rule.
	Quantity string `json:"quantity,omitempty"`
	Operator string `json:"operator,omitempty" jsonschema:"enum=<,enum=<=,enum===,enum=>=,enum=>"`
	// Value is in the unit of the finding.
	Value *float64 `json:"value,omitempty"`
}

// A Finding is the outcome of one limit on one check or expectation.
type Finding struct {
	// Check is the name of the check or the expectation.
	Check string `json:"check"`
	// Signal is what the check is on, or the subject of the expectation.
	Signal string `json:"signal"`
	// Subject is the limit without its bound. It stays the same when the bound is
	// changed.
	Subject string `json:"subject"`
	Limit   Limit  `json:"limit"`
	// Source is where the limit is written; of one of the catalogue's, where the
	// configuration asks for it.
	Source *Source `json:"source,omitempty"`
	// Verdict is held if the worst case is within the limit, broken if the best case
	// is not.
	Verdict string `json:"verdict" jsonschema:"enum=held,enum=broken,enum=unknown"`
	// Unit of the limit's value and of what was seen; absent of a rule.
	Unit string `json:"unit,omitempty" jsonschema:"enum=seconds,enum=share,enum=perSecond,enum=number,enum=multiple"`
	// Seen bounds the quantity; absent: it was not observed.
	Seen *Range `json:"seen,omitempty"`
	// Open: an outage was not over when the record ended.
	Open bool `json:"open,omitempty"`
	// Text is what was seen, for people.
	Text string `json:"text"`
	// UndecidedBecause says why the verdict is unknown, and what would decide it.
	UndecidedBecause string `json:"undecidedBecause,omitempty"`
	// LookAt says where to look, if the verdict is not held.
	LookAt string `json:"lookAt,omitempty"`
	// Cause is what the record shows of why, if the limit is broken and no outage of
	// its check is why, or if it is of an autoscaler.
	Cause *Cause `json:"cause,omitempty"`
	// OfRun: it is of the run itself and of no limit of the plan: that it was not
	// aborted, or that the service's configuration forbids a fault.
	OfRun bool `json:"ofRun,omitempty"`
}

// A Proof is one reason to believe the verdict.
type Proof struct {
	// Proof is what is proved: the faults were injected, took effect and were in what
	// takes traffic (exposed), the service was steady before, the load was driven as
	// asked (load held), the checks were observed, without a hole (covered), and the
	// faults are undone.
	Proof string `json:"proof" jsonschema:"enum=injected,enum=effect,enum=exposed,enum=steady,enum=load held,enum=observed,enum=covered,enum=undone"`
	// Signal is that of the load that it is about.
	Signal string `json:"signal,omitempty"`
	// Verdict is held if the proof was found.
	Verdict string `json:"verdict" jsonschema:"enum=held,enum=unknown"`
	// Text is what was seen, or what is missing.
	Text string `json:"text"`
}

// A Check is the figures of a check over the window.
type Check struct {
	Check  string `json:"check"`
	Signal string `json:"signal"`
	// Good is what counts as good: an operator, a number and its unit, as in "<= 2s".
	Good string `json:"good"`
	// Unit of the check's values.
	Unit         string       `json:"unit,omitempty" jsonschema:"enum=seconds,enum=share,enum=perSecond,enum=number"`
	Window       Span         `json:"window"`
	Observations Observations `json:"observations"`
	// ResolutionSeconds is the longest total outage that could have passed unseen.
	ResolutionSeconds float64 `json:"resolutionSeconds"`
	// PartialResolution is that of an outage of a share of the observations.
	PartialResolution *PartialResolution `json:"partialResolution,omitempty"`
	// Gaps are the stretches without knowledge, and GapSeconds the time in them.
	Gaps       []Span   `json:"gaps"`
	GapSeconds float64  `json:"gapSeconds"`
	Outages    []Outage `json:"outages"`
	// Downtime is the time of the window in outages.
	Downtime Length `json:"downtime"`
	// UptimeShare is 1 - downtime / window; absent: nothing was observed.
	UptimeShare *Range `json:"uptimeShare,omitempty"`
	// Recoveries are one for each injection.
	Recoveries []Recovery `json:"recoveries"`
	// MTTR is the mean time to recovery over the injections that were recovered from;
	// absent: none was.
	MTTR *Length `json:"mttr,omitempty"`
	// Unrecovered is how many were not.
	Unrecovered int `json:"unrecovered"`
	// Values are the distributions of the values in each phase that has some, in the
	// check's unit.
	Values []PhaseValues `json:"values"`
}

// Observations are counts of a check's observations in the window.
type Observations struct {
	Good    int `json:"good"`
	Bad     int `json:"bad"`
	Unknown int `json:"unknown"`
	// Failed are the bad ones without a value, such as requests without a good answer.
	Failed int `json:"failed"`
	// Doubtful ones began before the window and timed out in it; no other count
	// includes them.
	Doubtful int `json:"doubtful"`
	// Missing estimates the number lost in the gaps.
	Missing int `json:"missing"`
}

// A PartialResolution is the longest outage of a share of the observations that
// could have passed unseen.
type PartialResolution struct {
	Share         float64 `json:"share"`
	LengthSeconds float64 `json:"lengthSeconds"`
}

// An Outage is from the first bad observation until the signal stays good for the
// settle time, clipped to the window.
type Outage struct {
	// Start contains the instant at which it began.
	Start Span `json:"start"`
	// End contains the instant at which it ended; absent: it was not over when the
	// record ended.
	End *Span `json:"end,omitempty"`
	// SeenUntil is how far an outage without an end was seen.
	SeenUntil *Span `json:"seenUntil,omitempty"`
	// Length is how long it lasted.
	Length Length `json:"length"`
	// Bad of Total observations within it were bad.
	Bad   int `json:"bad"`
	Total int `json:"total"`
	// Stretches is the number of times the signal was bad, separated by good
	// observations; Down is the sum of their lengths.
	Stretches int    `json:"stretches"`
	Down      Length `json:"down"`
	// BadShare is bad / total; absent: nothing was observed.
	BadShare *float64 `json:"badShare,omitempty"`
	// Stray: the bad observations may be chance.
	Stray bool `json:"stray,omitempty"`
	// Reason is that of the first bad observation.
	Reason string `json:"reason,omitempty"`
	// Cause is what the record shows of who failed, and when.
	Cause *Cause `json:"cause,omitempty"`
}

// A Cause is what the record shows of the cause of an outage, or of a broken limit.
type Cause struct {
	// Who says in a sentence which backends failed and how.
	Who string `json:"who,omitempty"`
	// Rule is the rule by which why is told.
	Rule string `json:"rule,omitempty" jsonschema:"enum=no pod left,enum=killed for lack of memory,enum=restarted,enum=ready too early,enum=ended before its requests,enum=endpoint of a dead pod,enum=died with its requests,enum=too few pods,enum=the fault itself,enum=new pods lack something,enum=pods were away,enum=autoscaler at its max,enum=autoscaler without a metric,enum=autoscaler without a window"`
	// Why is what that is consistent with, by the first rule that fits; absent: none
	// does.
	Why string `json:"why,omitempty"`
	// When says in a sentence what happened around the start.
	When string `json:"when,omitempty"`
	// Failures are the bad requests in the outage, by backend and reason, the most
	// first; a reason may be "too slow".
	Failures []Failure `json:"failures"`
	// Before is the last event before it began, by the middle of its span.
	Before *Moment `json:"before,omitempty"`
	// Inside is the first event in it.
	Inside *Moment `json:"inside,omitempty"`
	// MoreEvents is the number of events in it besides.
	MoreEvents int `json:"moreEvents,omitempty"`
	// Stage is the stage of the one recovery that was under way for more than half
	// of the bad requests.
	Stage string `json:"stage,omitempty"`
	// Recovering is the pod that was to reach it.
	Recovering string `json:"recovering,omitempty"`
}

// An Advice is something to mend, or a question that the cluster and the record
// cannot answer.
type Advice struct {
	// Question: it is one, and no recommendation.
	Question bool   `json:"question,omitempty"`
	What     string `json:"what"`
	// Fits is why it fits what was seen.
	Fits string `json:"fits"`
	// Checked is the fact of the cluster, or of the record, that was looked at.
	Checked string `json:"checked,omitempty"`
	// Prove is the experiment of the catalogue that would prove the mend.
	Prove string `json:"prove,omitempty"`
}

// A Workload is what a run is about.
type Workload struct {
	// Subject is that of its events: deployment/NAMESPACE/NAME.
	Subject  string `json:"subject"`
	Replicas int    `json:"replicas"`
	// Strategy is how it replaces pods: RollingUpdate, Recreate or OnDelete.
	Strategy string `json:"strategy,omitempty"`
	// MaxUnavailable is how many pods a rollout may take away before others are
	// ready, as a number or a percentage.
	MaxUnavailable string `json:"maxUnavailable,omitempty"`
	// GraceSeconds is how long a pod that is asked to end may take.
	GraceSeconds int         `json:"graceSeconds"`
	Containers   []Container `json:"containers"`
	// Nodes are those on which its pods were, by pod.
	Nodes map[string]string `json:"nodes,omitempty"`
	// Zones are those of the nodes, by node.
	Zones map[string]string `json:"zones,omitempty"`
	// Budgets are the names of the PodDisruptionBudgets that cover its pods; absent:
	// they were not read, which they are for an eviction.
	Budgets []string `json:"budgets,omitzero"`
}

// A Container is one of a pod's containers.
type Container struct {
	Name string `json:"name"`
	// Readiness is its readiness probe in a few words; absent: it has none.
	Readiness string `json:"readiness,omitempty"`
	// Liveness is its liveness probe.
	Liveness string `json:"liveness,omitempty"`
	// PreStop: something runs in it before it is asked to end.
	PreStop bool `json:"preStop,omitempty"`
	// Requests are those of resources, by name.
	Requests map[string]string `json:"requests,omitempty"`
	Limits   map[string]string `json:"limits,omitempty"`
}

// A Moment is an event, or the instant at which a fault took effect or was undone.
type Moment struct {
	Span
	// Kind is that of an event, or "fault took effect" or "fault undone".
	Kind string `json:"kind"`
	// Subject is that of the event, or the fault.
	Subject string `json:"subject"`
	Reason  string `json:"reason,omitempty"`
}

// A Recovery is what a check shows of the time after one injection.
type Recovery struct {
	Fault string `json:"fault"`
	// OutageCount is the number of outages that may be its effect.
	OutageCount int `json:"outageCount"`
	// TTR is the time from when the fault took effect until the check was good and
	// stayed so; zero without an outage.
	TTR Length `json:"ttr"`
	// TTD is the time until the first bad observation; absent: there was none.
	TTD *Length `json:"ttd,omitempty"`
	// TTRAfterRemoval counts from when a held fault was gone; absent: the fault was
	// not held, or its removal was not seen.
	TTRAfterRemoval *Length `json:"ttrAfterRemoval,omitempty"`
	// Open: not recovered when the record ended.
	Open bool `json:"open,omitempty"`
}

// PhaseValues are the distribution of values in a phase.
type PhaseValues struct {
	Phase string `json:"phase" jsonschema:"enum=settle,enum=inject,enum=hold,enum=recover,enum=watch"`
	Distribution
}

// A Distribution sums up values.
type Distribution struct {
	// N is the number of values.
	N    int   `json:"n"`
	Mean Range `json:"mean"`
	P50  Range `json:"p50"`
	P95  Range `json:"p95"`
	P99  Range `json:"p99"`
	Max  Range `json:"max"`
}

// A Target is something that a fault was injected into.
type Target struct {
	// Name is as it names itself to the load, such as a pod's.
	Name string `json:"name"`
	UID  string `json:"uid,omitempty"`
}

// An Injection is how a fault was put in place.
type Injection struct {
	// Index is the fault's index in the plan, from 0.
	Index   int      `json:"index"`
	Fault   string   `json:"fault"`
	Targets []Target `json:"targets"`
	// TookEffect contains the instant at which it took effect, T0.
	TookEffect Span `json:"tookEffect"`
	// Undone contains the instant at which it was undone, T1; absent: the record does
	// not show it.
	Undone *Span `json:"undone,omitempty"`
	// Effects are what must be seen of it.
	Effects []Effect `json:"effects"`
	// UnprovableBecause says why there are none to look for.
	UnprovableBecause string `json:"unprovableBecause,omitempty"`
	// OfPods is the number of pods that it could have hit; absent: unknown.
	OfPods int `json:"ofPods,omitempty"`
	// Shares are how many of the service's pods it was in, over time.
	Shares []Share `json:"shares"`
	// UnsurveyedBecause says which faults of others the account had no right to look
	// for in its pods.
	UnsurveyedBecause string `json:"unsurveyedBecause,omitempty"`
	// ChangesPods: it adds or removes pods itself.
	ChangesPods bool `json:"changesPods,omitempty"`
	// Follows: it reaches pods that come later.
	Follows bool `json:"follows,omitempty"`
	// Rolls: it changes the pod template.
	Rolls bool `json:"rolls,omitempty"`
	// EndsOnRestart: a restarted container is free of it.
	EndsOnRestart bool `json:"endsOnRestart,omitempty"`
	// OneShot: it was over once done, as a kill is.
	OneShot bool `json:"oneShot,omitempty"`
	// FailedBecause says what could not be shown, if it was not injected.
	FailedBecause string `json:"failedBecause,omitempty"`
	// Refused says what must be possible, if the service's own configuration forbids
	// it.
	Refused string `json:"refused,omitempty"`
}

// An Effect is what must be seen of a fault: an event, or a change of a signal.
type Effect struct {
	// Event is its kind.
	Event     string `json:"event,omitempty"`
	Container string `json:"container,omitempty"`
	// On is the subject, if it is not the target.
	On     *Target `json:"on,omitempty"`
	Signal string  `json:"signal,omitempty"`
	// Rise is the least rise of the quantile, in the signal's unit.
	Rise float64 `json:"rise,omitempty"`
	// Quantile is a share from 0 to 1; absent: the median.
	Quantile float64 `json:"quantile,omitempty"`
	// Ceiling is the signal's maximum, in its unit.
	Ceiling float64 `json:"ceiling,omitempty"`
	// AtMost is the most that every value may be, in the signal's unit.
	AtMost *float64 `json:"atMost,omitempty"`
	// Times is by what the rate of a load is multiplied.
	Times float64 `json:"times,omitempty"`
}

// A Share is how many pods a fault was in, for a time.
type Share struct {
	Span
	HitPods int `json:"hitPods"`
	OfPods  int `json:"ofPods"`
}

// Traffic is the outcome of a load's requests, over the whole record unless a
// field says otherwise.
type Traffic struct {
	Signal string `json:"signal"`
	Sent   int    `json:"sent"`
	// FailedFirst are those whose first attempt was not answered well, FailedFinally
	// those that no retry by the client mended.
	FailedFirst   int `json:"failedFirst"`
	FailedFinally int `json:"failedFinally"`
	// Repeated were written to more than one connection.
	Repeated int `json:"repeated"`
	// FailedLocally are those that failed on the load's own machine, from the
	// injection on.
	FailedLocally int `json:"failedLocally"`
	// Late are those that were sent more than 0.1 s later than planned, from the
	// injection on.
	Late int `json:"late"`
	// Missing is how many of the load's numbers were never seen, and Duplicates how
	// many were seen again; at least.
	Missing    int `json:"missing"`
	Duplicates int `json:"duplicates"`
	// LateSeconds is how long, within the window, the load was behind its schedule.
	LateSeconds float64 `json:"lateSeconds"`
	// WorstLateSeconds is how late the latest was, from the injection on.
	WorstLateSeconds float64 `json:"worstLateSeconds"`
	PlannedPerSecond float64 `json:"plannedPerSecond"`
	SentPerSecond    float64 `json:"sentPerSecond"`
	// Backends are the answers of each backend, good or not.
	Backends []Backend `json:"backends"`
	// Failures are counts of the failed requests, by reason and backend.
	Failures []Failure `json:"failures"`
	// Phases are by phase of the run.
	Phases []TrafficPart `json:"phases"`
	// Stages are by stage of the load, if it has more than one.
	Stages []TrafficPart `json:"stages"`
}

// A Backend is how many answers one backend gave.
type Backend struct {
	Backend string `json:"backend"`
	Answers int    `json:"answers"`
}

// A Failure is how many requests failed for one reason at one backend.
type Failure struct {
	// Reason is the status, or why there was no good answer.
	Reason string `json:"reason"`
	// Status is that of HTTP, if it is the reason.
	Status int `json:"status,omitempty"`
	// Backend is the one that answered; absent: none did, or it did not say.
	Backend  string `json:"backend,omitempty"`
	Requests int    `json:"requests"`
}

// A TrafficPart is the outcome of the requests that were sent in a phase or stage.
type TrafficPart struct {
	Name string `json:"name"`
	Span
	Sent             int     `json:"sent"`
	FailedFirst      int     `json:"failedFirst"`
	FailedLocally    int     `json:"failedLocally"`
	PlannedPerSecond float64 `json:"plannedPerSecond"`
	SentPerSecond    float64 `json:"sentPerSecond"`
	// LatencySeconds is that of the requests that did not fail; absent: all did.
	LatencySeconds *Distribution `json:"latencySeconds,omitempty"`
}

// A PodRecovery is the recovery of one pod that a fault brought down.
type PodRecovery struct {
	Victim Target `json:"victim"`
	// Replacement is the new pod; absent: none was seen, or the victim recovered in
	// place.
	Replacement *Target `json:"replacement,omitempty"`
	InPlace     bool    `json:"inPlace,omitempty"`
	Fault       string  `json:"fault,omitempty"`
	// Stages begin with the fault: fault, victim leaves, containers stopped, not
	// ready, endpoint removed, fault undone, replacement created, scheduled,
	// containers started, ready, endpoint added, first good answer, hypothesis good.
	Stages []Stage `json:"stages"`
	// CostliestStage certainly took at least as long as every other; absent: the
	// bounds overlap, or nothing is known.
	CostliestStage string `json:"costliestStage,omitempty"`
	// RecordEndSeconds is the last instant of the record.
	RecordEndSeconds float64 `json:"recordEndSeconds"`
	// Note says what is uncertain about it, or what else influenced it.
	Note string `json:"note,omitempty"`
}

// Autoscaling is what one autoscaler did.
type Autoscaling struct {
	// Autoscaler is hpa/NAMESPACE/NAME.
	Autoscaler string `json:"autoscaler"`
	// Sizes are the desired ones, in their order.
	Sizes []int  `json:"sizes"`
	Fault string `json:"fault,omitempty"`
	// Stages are fault, lag, decision, actuation, ready, relieved, undone, back.
	Stages           []Stage `json:"stages"`
	RecordEndSeconds float64 `json:"recordEndSeconds"`
	// Note says what else influenced it.
	Note string `json:"note,omitempty"`
}

// A Stage is one stage of what followed a fault.
type Stage struct {
	Stage string `json:"stage"`
	// Reached contains the instant; absent: not reached, or not seen.
	Reached *Span `json:"reached,omitempty"`
	// Since is the stage that it waited for, the last of those seen.
	Since string `json:"since,omitempty"`
	// Took is the time from that stage to this one; absent: unknown, see note.
	Took *Length `json:"took,omitempty"`
	// Open: it was not reached.
	Open bool `json:"open,omitempty"`
	// FollowedUntilSeconds is the instant until which an open one was followed.
	FollowedUntilSeconds *float64 `json:"followedUntilSeconds,omitempty"`
	// Note says why something is unknown, or what else happened.
	Note string `json:"note,omitempty"`
}

// An Event is something that happened at some instant in its span.
type Event struct {
	Span
	// Kind says what happened: exists, created, scheduled, stopped, waiting, not
	// ready, failed, restarted, started, ready, terminating, gone, added, removed,
	// scaled, blind (the span is unknown), changed, followed, not followed, evicted,
	// ended early, not hit, also hit, unsurveyed, abort condition met; or another's own.
	Kind string `json:"kind"`
	// Subject is KIND/NAMESPACE/NAME or the closest form.
	Subject string `json:"subject"`
	UID     string `json:"uid,omitempty"`
	// Attributes are by, owner, node, ip, container, restarts, reason, code, service,
	// slice, address, replicas, existing, ready, updated, spec, status.
	Attributes map[string]string `json:"attributes,omitempty"`
}

// Read reads a document. It refuses another format, and another version.
func Read(r io.Reader) (Document, error) {
	var d Document
	switch err := json.NewDecoder(r).Decode(&d); {
	case errors.Is(err, io.EOF):
		return Document{}, errors.New("read results: there is nothing in it")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return Document{}, errors.New("read results: its end is cut off")
	case err != nil:
		return Document{}, fmt.Errorf("read results: %w", err)
	}
	if d.Format != Format || d.Version != Version {
		return Document{}, fmt.Errorf("read results: want format %q, version %d, not %q, version %d", Format, Version, d.Format, d.Version)
	}
	return d, nil
}

// Write writes the document.
func (d Document) Write(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(d); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return nil
}
