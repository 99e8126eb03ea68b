package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Format and Version identify the document.
const (
	Format  = "aftershock/results"
	Version = 1
)

// A Document holds the results of one or more runs.
type Document struct {
	// Format is that of the document.
	Format string `json:"format"`
	// Version is that of the format.
	Version int `json:"version"`
	// ToolVersion is the version of the program that wrote the document.
	ToolVersion string `json:"toolVersion,omitempty"`
	// Verdict is the worst of the results: broken if any is, else unknown if any is or
	// there are no results, else held.
	Verdict string `json:"verdict" jsonschema:"enum=held,enum=broken,enum=unknown"`
	// ExitCode is the exit code for all runs together: 0 held, 1 broken, 3 unknown, 4
	// stopped or failed, 5 a fault may still be in place. Where no run could begin, the
	// program may have ended with 2.
	ExitCode int `json:"exitCode" jsonschema:"enum=0,enum=1,enum=3,enum=4,enum=5"`
	// Results has one result for each run, in the order of the runs.
	Results []Result `json:"results"`
}

// A Result is what the record of one run shows about its experiment.
type Result struct {
	// Experiment is the name of the experiment, unique in its configuration:
	// SERVICE/SUITE/NAME or SERVICE/NAME.
	Experiment string `json:"experiment"`
	// Title says in a sentence what the experiment does.
	Title string `json:"title,omitempty"`
	// Labels are the service, the suite and the name of the experiment, or those that it was
	// given.
	Labels []string `json:"labels"`
	// Service is the service under test, by its name in the configuration.
	Service string `json:"service,omitempty"`
	// Namespace is that of the service.
	Namespace string `json:"namespace,omitempty"`
	// Source is where the configuration names the experiment.
	Source *Source `json:"source,omitempty"`
	// PlanHash covers what was done: load, faults, times and the definitions of the
	// checks, but not the limits. Runs with the same hash did the same.
	PlanHash string `json:"planHash,omitempty"`
	// Load describes the load.
	Load string `json:"load,omitempty"`
	// Trial is the number of the run among those of its experiment in the document, from 1;
	// absent: there is one only. The cases of JUnit have it in their names.
	Trial int `json:"trial,omitempty"`
	// Run says how the run went.
	Run Run `json:"run"`
	// Verdict is broken if a finding is; held if the run was complete and every finding
	// and every proof is held; else unknown.
	Verdict string `json:"verdict" jsonschema:"enum=held,enum=broken,enum=unknown"`
	// Reason explains the verdict in a sentence.
	Reason string `json:"reason"`
	// Caveats are problems of the run besides its findings, whatever the verdict. A run
	// with caveats is never held.
	Caveats []string `json:"caveats"`
	// Images are the images of the service's containers when the run began.
	Images []Image `json:"images"`
	// Environment describes who ran it, where and with which versions, by name.
	Environment map[string]string `json:"environment"`
	// Baseline is the control run for limits that are multiples of a baseline; absent:
	// the baseline is the settled stretch before the fault.
	Baseline *Baseline `json:"baseline,omitempty"`
	// Window is the time that limits without a phase cover.
	Window Span `json:"window"`
	// Phases are those of the run, in order.
	Phases []Phase `json:"phases"`
	// Findings has one finding for each limit, the same ones for every run of a plan,
	// and those about the run itself.
	Findings []Finding `json:"findings"`
	// Proofs are the reasons to believe the verdict.
	Proofs []Proof `json:"proofs"`
	// Checks has the figures of each check.
	Checks []Check `json:"checks"`
	// Injections has each fault that was injected, or of which injecting failed, in order of time.
	Injections []Injection `json:"injections"`
	// Traffic has the requests of each signal of the load.
	Traffic []Traffic `json:"traffic"`
	// PodRecoveries has the recovery of each pod that a fault took down, by stage.
	PodRecoveries []PodRecovery `json:"podRecoveries"`
	// Autoscaling has what each autoscaler did, by stage.
	Autoscaling []Autoscaling `json:"autoscaling"`
	// Events are what happened around the service, in the order in which it was recorded.
	Events []Event `json:"events"`
	// Workload is the workload under test as configured when the run began; absent: not
	// recorded.
	Workload *Workload `json:"workload,omitempty"`
	// Advice says what to fix or to ask if a limit is broken.
	Advice []Advice `json:"advice"`
	// Disturbances are what happened to the service within the window that no fault of
	// the run explains: restarts, deleted pods, rollouts, scalings, other people's
	// faults, failed nodes.
	Disturbances []Moment `json:"disturbances"`
	// UnwatchedBecause says why disturbances may have gone unseen. If it is absent and
	// there are no disturbances, nothing else changed.
	UnwatchedBecause string `json:"unwatchedBecause,omitempty"`
	// Notes are remarks of the run.
	Notes []string `json:"notes"`
	// Signals describes each signal, by its name.
	Signals map[string]string `json:"signals"`
}

// A Source is a place in a file.
type Source struct {
	// File is its path, as it was named.
	File string `json:"file"`
	// Line is counted from 1; absent: it is not known.
	Line int `json:"line,omitempty"`
}

// A Run says how the run went.
type Run struct {
	// ID is unique to the run, and a label of every object that the run created. There is
	// no record of one that was not begun.
	ID string `json:"id"`
	// Started is the wall-clock time at offset zero.
	Started time.Time `json:"started"`
	// LengthSeconds is the length of the record.
	LengthSeconds float64 `json:"lengthSeconds"`
	// Complete: the run went through all of its phases.
	Complete bool `json:"complete"`
	// End says why the run ended (later documents may have other reasons, which readers
	// accept); cut: the record ends before the run did; not begun: the
	// experiment was to be run, and something before it ended the session.
	End string `json:"end" jsonschema:"enum=completed,enum=not steady,enum=not injected,enum=interrupted,enum=refused,enum=stopped,enum=aborted,enum=blind,enum=failed,enum=cut,enum=not begun"`
	// EndDetail says more about it.
	EndDetail string `json:"endDetail,omitempty"`
	// ExitCode is the exit code of "aftershock run" for this run alone.
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
	// Fault is what was injected.
	Fault string `json:"fault"`
	// Error says why undoing it failed.
	Error string `json:"error"`
}

// An Image is the image of the containers of one name.
type Image struct {
	// Container is the name.
	Container string `json:"container"`
	// Digests are the image IDs that the nodes report; several if pods ran different
	// images.
	Digests []string `json:"digests"`
}

// A Span is an instant known between bounds, or a stretch of time, in seconds since the
// run's start.
type Span struct {
	// FromSeconds is its lower bound, or its start.
	FromSeconds float64 `json:"fromSeconds"`
	// ToSeconds is its upper bound, or its end.
	ToSeconds float64 `json:"toSeconds"`
}

// A Length is a duration known between bounds.
type Length struct {
	// LowSeconds is how long it was at least.
	LowSeconds float64 `json:"lowSeconds"`
	// HighSeconds is absent if it was not over when the record ended.
	HighSeconds *float64 `json:"highSeconds,omitempty"`
}

// A Range is a quantity known between bounds.
type Range struct {
	// Low is absent if there is no lower bound.
	Low *float64 `json:"low,omitempty"`
	// High is absent if there is no upper bound.
	High *float64 `json:"high,omitempty"`
}

// A Baseline holds the figures of a control run.
type Baseline struct {
	// Run is the ID of the control run.
	Run string `json:"run"`
	// LengthSeconds is the length of the stretch that the figures are of.
	LengthSeconds float64 `json:"lengthSeconds"`
	// UnusableBecause says why the run gives no baseline.
	UnusableBecause string `json:"unusableBecause,omitempty"`
	// Figures are those that limits on multiples need.
	Figures []BaselineFigure `json:"figures"`
}

// A BaselineFigure is one figure of a control run.
type BaselineFigure struct {
	// Check is the name of the check.
	Check string `json:"check"`
	// Quantity is the quantity as limits name it.
	Quantity string `json:"quantity"`
	// Low and High are in the check's unit and include the sampling error.
	Low float64 `json:"low"`
	// High is the upper bound, as low is the lower one.
	High float64 `json:"high"`
	// N is the number of observations, of polls of those that are independent.
	N int `json:"n"`
	// UnknownBecause says why there is no figure; low and high are then meaningless.
	UnknownBecause string `json:"unknownBecause,omitempty"`
}

// A Phase is the time of one phase of the run.
type Phase struct {
	// Phase is its name.
	Phase string `json:"phase" jsonschema:"enum=settle,enum=inject,enum=hold,enum=recover,enum=watch"`
	Span
}

// A Limit is a requirement: a bound on a quantity, or a rule in words.
type Limit struct {
	// Text is the whole limit, as in the configuration.
	Text string `json:"text"`
	// Quantity is what is bounded: "downtime", "p95 of good"; absent for a rule.
	Quantity string `json:"quantity,omitempty"`
	// Operator is between the quantity and the value; absent for a rule.
	Operator string `json:"operator,omitempty" jsonschema:"enum=<,enum=<=,enum===,enum=>=,enum=>"`
	// Value is the bound in the unit of the finding.
	Value *float64 `json:"value,omitempty"`
}

// A Finding is the outcome of one limit on one check or expectation.
type Finding struct {
	// Check is the name of the check or the expectation.
	Check string `json:"check"`
	// Signal is the signal of the check, or the subject of the expectation.
	Signal string `json:"signal"`
	// Subject is the limit without its bound. It stays the same when the bound is
	// changed.
	Subject string `json:"subject"`
	// Limit is what was wanted.
	Limit Limit `json:"limit"`
	// Source is where the limit is written; for a limit of the catalogue, where the
	// configuration selects it.
	Source *Source `json:"source,omitempty"`
	// Verdict is held if the worst case is within the limit, broken if the best case
	// is not.
	Verdict string `json:"verdict" jsonschema:"enum=held,enum=broken,enum=unknown"`
	// Unit of the limit's value and of seen; absent for a rule.
	Unit string `json:"unit,omitempty" jsonschema:"enum=seconds,enum=share,enum=perSecond,enum=number,enum=multiple"`
	// Seen bounds the quantity; absent: it was not observed.
	Seen *Range `json:"seen,omitempty"`
	// Open: an outage was not over when the record ended.
	Open bool `json:"open,omitempty"`
	// Text says what was seen, for people.
	Text string `json:"text"`
	// UndecidedBecause says why the verdict is unknown, and what would decide it.
	UndecidedBecause string `json:"undecidedBecause,omitempty"`
	// Outages are the indexes of those of its check in the time of the limit; of a limit on a
	// share of the requests, of those that make up a tenth of it at least. A limit that broke
	// without an outage has none.
	Outages []int `json:"outages"`
	// LookAt says where to look, if the verdict is not held; absent: nothing is known.
	LookAt *LookAt `json:"lookAt,omitempty"`
	// Cause is what the record shows of the cause, if the limit broke without an outage
	// of its check or is about an autoscaler.
	Cause *Cause `json:"cause,omitempty"`
	// OfRun: the finding is about the run itself, not about a limit of the plan: that
	// it was aborted, or that the service's configuration forbids a fault.
	OfRun bool `json:"ofRun,omitempty"`
}

// LookAt says where to look for a limit that did not hold.
type LookAt struct {
	// Text is the same for people.
	Text string `json:"text"`
	// Events are those before the outage and in it that text names, as indexes in the
	// result's events.
	Events []int `json:"events"`
}

// A Proof is one reason to believe the verdict.
type Proof struct {
	// Proof says what is proved: the faults were injected, took effect (effect) and hit
	// pods that took traffic (exposed); the service was steady before; the load kept
	// its schedule (load held); the checks were observed, without large gaps (covered);
	// and the faults were undone.
	Proof string `json:"proof" jsonschema:"enum=injected,enum=effect,enum=exposed,enum=steady,enum=load held,enum=observed,enum=covered,enum=undone"`
	// Signal is the load's signal, if the proof is about a load.
	Signal string `json:"signal,omitempty"`
	// Verdict is held if the proof was found.
	Verdict string `json:"verdict" jsonschema:"enum=held,enum=unknown"`
	// Text says what was seen, or what is missing.
	Text string `json:"text"`
}

// A Check holds the figures of a check over the window.
type Check struct {
	// Check is the name of the check.
	Check string `json:"check"`
	// Signal is what it observes.
	Signal string `json:"signal"`
	// Good is the condition for a good value.
	Good Good `json:"good"`
	// Unit of the check's values.
	Unit string `json:"unit,omitempty" jsonschema:"enum=seconds,enum=share,enum=perSecond,enum=number"`
	// Window is the time that the figures cover.
	Window Span `json:"window"`
	// Observations counts those within the window.
	Observations Observations `json:"observations"`
	// ResolutionSeconds is the longest total outage that could have passed unseen.
	ResolutionSeconds float64 `json:"resolutionSeconds"`
	// PartialResolution is the same for an outage of a share of the observations.
	PartialResolution *PartialResolution `json:"partialResolution,omitempty"`
	// Gaps are the stretches about which nothing is known.
	Gaps []Span `json:"gaps"`
	// GapSeconds is the total length of the gaps.
	GapSeconds float64 `json:"gapSeconds"`
	// Outages are in order of time.
	Outages []Outage `json:"outages"`
	// Downtime is the total time of the outages within the window.
	Downtime Length `json:"downtime"`
	// UptimeShare is 1 - downtime / window; absent: nothing was observed.
	UptimeShare *Range `json:"uptimeShare,omitempty"`
	// Recoveries has one recovery for each injection.
	Recoveries []Recovery `json:"recoveries"`
	// MTTR is the mean time to recovery over the injections from which the check
	// recovered; absent: from none.
	MTTR *Length `json:"mttr,omitempty"`
	// Unrecovered is the number of injections from which it did not.
	Unrecovered int `json:"unrecovered"`
	// Values has the distribution of the values in each phase that has any, in the
	// check's unit.
	Values []PhaseValues `json:"values"`
}

// Good is the condition for a good value.
type Good struct {
	// Text is the whole condition with its unit, as in "<= 2s".
	Text string `json:"text"`
	// Operator is between a value and the bound.
	Operator string `json:"operator" jsonschema:"enum=<,enum=<=,enum===,enum=>=,enum=>"`
	// Value is the bound in the check's unit.
	Value float64 `json:"value"`
}

// Observations counts a check's observations within the window.
type Observations struct {
	// Good counts those that met the condition.
	Good int `json:"good"`
	// Bad counts those that did not.
	Bad int `json:"bad"`
	// Unknown counts those of which it is not known.
	Unknown int `json:"unknown"`
	// Failed counts the bad ones without a value, such as requests without a good
	// answer.
	Failed int `json:"failed"`
	// Doubtful counts those that began before the window and timed out within it; no
	// other count includes them.
	Doubtful int `json:"doubtful"`
	// Missing estimates how many were lost in gaps.
	Missing int `json:"missing"`
}

// A PartialResolution is the longest outage of a share of the observations that could
// have passed unseen.
type PartialResolution struct {
	// Share is that of the observations, from 0 to 1.
	Share float64 `json:"share"`
	// LengthSeconds is how long it could have lasted.
	LengthSeconds float64 `json:"lengthSeconds"`
}

// An Outage lasts from the first bad observation until the signal stays good for the
// settle time, clipped to the window.
type Outage struct {
	// Start contains the instant at which it began.
	Start Span `json:"start"`
	// End contains the instant at which it ended; absent: it was not over when the
	// record ended.
	End *Span `json:"end,omitempty"`
	// SeenUntil is when an outage without an end was last seen.
	SeenUntil *Span `json:"seenUntil,omitempty"`
	// Length is how long the outage lasted.
	Length Length `json:"length"`
	// Bad counts the bad observations within it.
	Bad int `json:"bad"`
	// Total counts all observations within it.
	Total int `json:"total"`
	// Stretches is the number of times the signal was bad, separated by good observations.
	Stretches int `json:"stretches"`
	// Down is the sum of the lengths of the stretches.
	Down Length `json:"down"`
	// BadShare is bad / total; absent: nothing was observed.
	BadShare *float64 `json:"badShare,omitempty"`
	// Stray: chance may explain the bad observations.
	Stray bool `json:"stray,omitempty"`
	// Reason is the reason of the first bad observation.
	Reason string `json:"reason,omitempty"`
	// Cause is what the record shows of the cause.
	Cause *Cause `json:"cause,omitempty"`
}

// A Cause is what the record shows of the cause of an outage, or of a broken limit.
type Cause struct {
	// Who says in a sentence which backends failed and how.
	Who string `json:"who,omitempty"`
	// Rule is the rule that why follows from. Later documents may have others, which readers
	// accept.
	Rule string `json:"rule,omitempty" jsonschema:"enum=no pod left,enum=killed for lack of memory,enum=restarted,enum=ready too early,enum=closed before its endpoint,enum=ended before its requests,enum=endpoint of a dead pod,enum=died with its requests,enum=too few pods,enum=added pods were not ready,enum=too few pods for more load,enum=the fault itself,enum=new pods lack something,enum=pods were away,enum=autoscaler at its max,enum=autoscaler without a metric,enum=autoscaler without a window"`
	// Why says what the outage is consistent with, by the first rule that fits; absent:
	// none fits.
	Why string `json:"why,omitempty"`
	// Quote is what why quotes of Kubernetes.
	Quote *Quote `json:"quote,omitempty"`
	// When says in a sentence what happened around the start, and what Kubernetes said of the
	// pods in question.
	When string `json:"when,omitempty"`
	// Failures counts the bad requests in the outage by backend and reason, most
	// frequent first; a reason may be "too slow".
	Failures []Failure `json:"failures"`
	// Before is the last event before the outage, by the middle of its span.
	Before *Moment `json:"before,omitempty"`
	// Inside is the first event during it.
	Inside *Moment `json:"inside,omitempty"`
	// MoreEvents is the number of further events during it.
	MoreEvents int `json:"moreEvents,omitempty"`
	// Stage is the stage of the pod's recovery that was under way when more than half
	// of the bad requests were sent; absent: none, or several pods recovered.
	Stage string `json:"stage,omitempty" jsonschema:"enum=fault,enum=victim leaves,enum=containers stopped,enum=not ready,enum=endpoint removed,enum=fault undone,enum=replacement created,enum=scheduled,enum=containers started,enum=ready,enum=endpoint added,enum=first good answer,enum=hypothesis good"`
	// Recovering is the pod that had to reach that stage.
	Recovering string `json:"recovering,omitempty"`
	// NoPartIn lists the broken limits on values and shares of which the outage makes up less
	// than a tenth.
	NoPartIn []string `json:"noPartIn,omitempty"`
}

// A Quote is what Kubernetes says of an object.
type Quote struct {
	// Subject is the object, as in the events: pod/NAMESPACE/NAME.
	Subject string `json:"subject"`
	// Reason is Kubernetes' word for it, such as FailedScheduling.
	Reason string `json:"reason"`
	// Message is what it says, in one line, as far as it is quoted; of a probe, how that
	// failed.
	Message string `json:"message,omitempty"`
	// Count is how often it happened; absent: once.
	Count int `json:"count,omitempty"`
	// Probe is the kind of the probe that failed; absent: it was none, or its kind is not
	// known.
	Probe string `json:"probe,omitempty" jsonschema:"enum=readiness,enum=liveness,enum=startup"`
	// TimedOut: the probe had no answer within its timeout.
	TimedOut bool `json:"timedOut,omitempty"`
	// Insufficient lists the resources of which every node has too little for the pod.
	Insufficient []string `json:"insufficient,omitempty"`
}

// An Advice is a recommendation, or a question that neither the cluster nor the record
// can answer.
type Advice struct {
	// Kind is what to mend or to ask about; absent: an older version wrote it. Later
	// documents may have others, which readers accept.
	Kind string `json:"kind,omitempty" jsonschema:"enum=more replicas,enum=spread over nodes,enum=spread over zones,enum=disruption budget,enum=rolling update,enum=max unavailable,enum=readiness probe,enum=early readiness,enum=grace period,enum=drain before ending,enum=finish requests,enum=room,enum=max replicas,enum=scale-down window,enum=CPU request,enum=CPU limit,enum=memory,enum=client retry,enum=dependency,enum=liveness time,enum=liveness needs,enum=volume"`
	// Question: what is a question, not a recommendation.
	Question bool `json:"question,omitempty"`
	// What is to be mended, or asked.
	What string `json:"what"`
	// Findings are the broken limits that it is for, as indexes in the result's findings.
	Findings []int `json:"findings"`
	// Rule is the rule of the cause that it follows from; absent: an older version wrote it.
	Rule string `json:"rule,omitempty"`
	// Fits is the sentence of that cause.
	Fits string `json:"fits"`
	// Checked is the fact of the cluster or of the record that supports it.
	Checked string `json:"checked,omitempty"`
	// Prove is the experiment that would prove the fix: of the catalogue, or this one again.
	Prove string `json:"prove,omitempty"`
}

// A Workload describes the workload under test.
type Workload struct {
	// Subject is the subject of its events: deployment/NAMESPACE/NAME.
	Subject string `json:"subject"`
	// Replicas is its spec.replicas; of a DaemonSet, how many pods it wants.
	Replicas int `json:"replicas"`
	// Strategy is its update strategy: RollingUpdate, Recreate or OnDelete.
	Strategy string `json:"strategy,omitempty"`
	// MaxUnavailable is its maxUnavailable, as a number or a percentage.
	MaxUnavailable string `json:"maxUnavailable,omitempty"`
	// MaxSurge is its maxSurge, as a number or a percentage.
	MaxSurge string `json:"maxSurge,omitempty"`
	// GraceSeconds is its terminationGracePeriodSeconds.
	GraceSeconds int `json:"graceSeconds"`
	// Containers are those of the pod template.
	Containers []Container `json:"containers"`
	// Serving names the container that serves; absent: it is not known.
	Serving string `json:"serving,omitempty"`
	// Nodes maps each pod to its node.
	Nodes map[string]string `json:"nodes,omitempty"`
	// Zones maps each of these nodes to its zone.
	Zones map[string]string `json:"zones,omitempty"`
	// SchedulableNodes is how many nodes of the cluster take pods with its tolerations;
	// absent: not read.
	SchedulableNodes int `json:"schedulableNodes,omitempty"`
	// SchedulableZones is in how many zones these nodes are; absent: not read, or no zone is
	// named.
	SchedulableZones int `json:"schedulableZones,omitempty"`
	// AllowedNodes counts those of these nodes that its nodeSelector and its required node
	// affinity allow.
	AllowedNodes int `json:"allowedNodes,omitempty"`
	// AllowedZones is in how many zones the allowed nodes are.
	AllowedZones int `json:"allowedZones,omitempty"`
	// Spread is how its template keeps its pods apart, by topology key: DoNotSchedule or
	// ScheduleAnyway by a topology spread constraint, required or preferred by pod
	// anti-affinity; of several the one that binds. Absent: that was not recorded.
	Spread map[string]string `json:"spread,omitzero"`
	// Autoscalers maps each horizontal autoscaler that scales it to its minReplicas; absent:
	// not read.
	Autoscalers map[string]int `json:"autoscalers,omitzero"`
	// Budgets names the PodDisruptionBudgets that cover its pods; absent: not read.
	// They are read only for evictions.
	Budgets []string `json:"budgets,omitzero"`
}

// A Container is one of the containers in the pod template.
type Container struct {
	// Name is that in the template.
	Name string `json:"name"`
	// Readiness summarizes its readiness probe; absent: it has none.
	Readiness string `json:"readiness,omitempty"`
	// Liveness summarizes its liveness probe; absent: it has none.
	Liveness string `json:"liveness,omitempty"`
	// ReadinessProbe is that probe; absent: it has none, or an older version recorded it.
	ReadinessProbe *Probe `json:"readinessProbe,omitempty"`
	// LivenessProbe is that probe; absent as the other.
	LivenessProbe *Probe `json:"livenessProbe,omitempty"`
	// GraceSeconds is the terminationGracePeriodSeconds of its liveness or startup probe, the
	// longer one; absent: that of the pod.
	GraceSeconds int `json:"graceSeconds,omitempty"`
	// PreStop: it has a preStop hook.
	PreStop bool `json:"preStop,omitempty"`
	// Requests are its resource requests, by resource.
	Requests map[string]string `json:"requests,omitempty"`
	// Limits are its resource limits, by resource.
	Limits map[string]string `json:"limits,omitempty"`
}

// A Probe is one of a container's, with the defaults of Kubernetes.
type Probe struct {
	// How is what the kubelet does.
	How string `json:"how" jsonschema:"enum=GET,enum=TCP,enum=gRPC,enum=exec"`
	// Path is that of GET.
	Path string `json:"path,omitempty"`
	// Port is a number, or the name of a port of the container; absent: it takes none.
	Port string `json:"port,omitempty"`
	// PeriodSeconds is the time between probes.
	PeriodSeconds int `json:"periodSeconds"`
	// TimeoutSeconds is how long the kubelet waits for an answer.
	TimeoutSeconds int `json:"timeoutSeconds"`
	// Failures is how many in a row count as one (failureThreshold).
	Failures int `json:"failures"`
}

// A Moment is an event, or the instant at which a fault took effect or was undone.
type Moment struct {
	Span
	// Kind is the event's kind, or that a fault took effect or was undone.
	Kind string `json:"kind" jsonschema:"example=fault took effect,example=fault undone,example=exists,example=created,example=unschedulable,example=scheduled,example=stopped,example=waiting,example=not ready,example=failed,example=restarted,example=started,example=ready,example=terminating,example=gone,example=added,example=removed,example=scaled,example=blind,example=changed,example=Kubernetes Event,example=followed,example=not followed,example=evicted,example=ended early,example=unproven,example=abort condition met,example=not hit,example=also hit,example=unsurveyed"`
	// Subject is the event's subject, or the fault.
	Subject string `json:"subject"`
	// Reason is the one that Kubernetes gives; absent: none.
	Reason string `json:"reason,omitempty"`
}

// A Recovery is what a check shows after one injection.
type Recovery struct {
	// Fault is the one that was injected.
	Fault string `json:"fault"`
	// OutageCount is the number of outages that the fault may have caused.
	OutageCount int `json:"outageCount"`
	// TTR is the time from when the fault took effect until the check was good for
	// good;
	// zero without an outage.
	TTR Length `json:"ttr"`
	// TTD is the time from when the fault took effect until the first bad observation;
	// absent: there was none.
	TTD *Length `json:"ttd,omitempty"`
	// TTRAfterRemoval is as TTR, but from when a held fault was undone; absent: the
	// fault was not held, or its removal was not seen.
	TTRAfterRemoval *Length `json:"ttrAfterRemoval,omitempty"`
	// Open: the check had not recovered when the record ended.
	Open bool `json:"open,omitempty"`
}

// PhaseValues is the distribution of the values in a phase.
type PhaseValues struct {
	// Phase is its name.
	Phase string `json:"phase" jsonschema:"enum=settle,enum=inject,enum=hold,enum=recover,enum=watch"`
	Distribution
}

// A Distribution summarizes values. Each figure is a range, because bounds on single
// values and unknown observations leave it open.
type Distribution struct {
	// N is the number of values.
	N int `json:"n"`
	// Mean is the arithmetic mean.
	Mean Range `json:"mean"`
	// P50 is the median.
	P50 Range `json:"p50"`
	// P95 is the 95th percentile.
	P95 Range `json:"p95"`
	// P99 is the 99th percentile.
	P99 Range `json:"p99"`
	// Max is the greatest value.
	Max Range `json:"max"`
}

// A Target is something that a fault was injected into.
type Target struct {
	// Name is the name in its answers to the load, such as a pod's.
	Name string `json:"name"`
	// UID tells it from others of the same name; absent: it has none.
	UID string `json:"uid,omitempty"`
}

// An Injection says how a fault was injected.
type Injection struct {
	// Index is the fault's index in the plan, from 0.
	Index int `json:"index"`
	// Fault says in words what was injected.
	Fault string `json:"fault"`
	// Kind is what the fault does, as files name it: networkDelay. Absent: it is not
	// known, as in records from before this field, or of no such kind.
	Kind string `json:"kind,omitempty" jsonschema:"example=podKill,example=podFailure,example=containerKill,example=networkDelay,example=networkLoss,example=networkDuplicate,example=networkCorrupt,example=networkBandwidth,example=networkPartition,example=stressCPU,example=stressMemory,example=evict,example=drain,example=restart,example=badImage,example=surge"`
	// Peers are the other ends of a network fault that is only between the targets and
	// these; absent: it is not so narrow, or the kind is not known.
	Peers []string `json:"peers,omitempty"`
	// Targets are what it was injected into.
	Targets []Target `json:"targets"`
	// TookEffect contains T0, the instant at which the fault took effect.
	TookEffect Span `json:"tookEffect"`
	// Undone contains T1, the instant at which it was undone; absent: the record does
	// not show it.
	Undone *Span `json:"undone,omitempty"`
	// Effects are what must be observed of the fault.
	Effects []Effect `json:"effects"`
	// UnprovableBecause says why there is no effect to observe.
	UnprovableBecause string `json:"unprovableBecause,omitempty"`
	// OfPods is the number of pods that the fault could have hit; absent: unknown.
	OfPods int `json:"ofPods,omitempty"`
	// Shares says how many of the service's pods had the fault, over time.
	Shares []Share `json:"shares"`
	// UnsurveyedBecause says which other faults in these pods the account has no right
	// to look for.
	UnsurveyedBecause string `json:"unsurveyedBecause,omitempty"`
	// ChangesPods: the fault itself adds or removes pods.
	ChangesPods bool `json:"changesPods,omitempty"`
	// Follows: the fault is renewed on pods that come later.
	Follows bool `json:"follows,omitempty"`
	// Rolls: the fault changes the pod template.
	Rolls bool `json:"rolls,omitempty"`
	// EndsOnRestart: the fault ends in a container that restarts.
	EndsOnRestart bool `json:"endsOnRestart,omitempty"`
	// OneShot: the fault is over at once, like a kill.
	OneShot bool `json:"oneShot,omitempty"`
	// FailedBecause says what could not be shown if the fault was not injected.
	FailedBecause string `json:"failedBecause,omitempty"`
	// Refused says what must be possible if the service's own configuration forbids the
	// fault.
	Refused string `json:"refused,omitempty"`
}

// An Effect is what must be observed of a fault: an event, or a change of a signal.
type Effect struct {
	// Event is the kind of the event.
	Event string `json:"event,omitempty"`
	// Container is the container that the event must be of; absent: it is of the pod.
	Container string `json:"container,omitempty"`
	// On is what shows the effect, if it is not the target.
	On *Target `json:"on,omitempty"`
	// Signal is what must change; absent: an event must be seen.
	Signal string `json:"signal,omitempty"`
	// Unit is that of rise, ceiling and atMost; absent: there are none, or it is not known,
	// as of a signal of your own.
	Unit string `json:"unit,omitempty" jsonschema:"enum=seconds,enum=share,enum=perSecond,enum=number,enum=cores,enum=bytes"`
	// Rise is the smallest rise of the quantile that counts.
	Rise float64 `json:"rise,omitempty"`
	// Quantile is a share from 0 to 1; absent: the median.
	Quantile float64 `json:"quantile,omitempty"`
	// Ceiling is the signal's maximum.
	Ceiling float64 `json:"ceiling,omitempty"`
	// AtMost is the largest value allowed while the fault is held.
	AtMost *float64 `json:"atMost,omitempty"`
	// Times is the factor by which the rate of a load is multiplied.
	Times float64 `json:"times,omitempty"`
}

// A Share says how many pods had a fault for a time.
type Share struct {
	Span
	// HitPods is how many had the fault.
	HitPods int `json:"hitPods"`
	// OfPods is how many there were.
	OfPods int `json:"ofPods"`
}

// Traffic is the outcome of a load's requests, over the whole record unless a field
// says otherwise.
type Traffic struct {
	// Signal is the name of the requests, by which checks name them.
	Signal string `json:"signal"`
	// Sent counts the requests.
	Sent int `json:"sent"`
	// FailedFirst counts the requests whose first attempt failed.
	FailedFirst int `json:"failedFirst"`
	// FailedFinally counts those that failed even after the client's retries.
	FailedFinally int `json:"failedFinally"`
	// Repeated counts those that were written to more than one connection.
	Repeated int `json:"repeated"`
	// FailedLocally counts those that failed on the load's own machine, from the
	// injection on.
	FailedLocally int `json:"failedLocally"`
	// Late counts those that were sent more than 0.1 s later than planned, from the
	// injection on.
	Late int `json:"late"`
	// Missing counts the sequence numbers of the load that are not in the record, at least.
	Missing int `json:"missing"`
	// Duplicates counts those that are there again, at least.
	Duplicates int `json:"duplicates"`
	// LateSeconds is how long the load was behind its schedule within the window.
	LateSeconds float64 `json:"lateSeconds"`
	// WorstLateSeconds is the delay of the latest request, from the injection on.
	WorstLateSeconds float64 `json:"worstLateSeconds"`
	// PlannedPerSecond is the rate that was asked for.
	PlannedPerSecond float64 `json:"plannedPerSecond"`
	// SentPerSecond is the rate at which they were sent.
	SentPerSecond float64 `json:"sentPerSecond"`
	// Backends counts the answers of each backend, good or bad.
	Backends []Backend `json:"backends"`
	// Failures counts the failed requests, by reason and backend.
	Failures []Failure `json:"failures"`
	// Phases has the outcome by phase of the run.
	Phases []TrafficPart `json:"phases"`
	// Stages has the outcome by stage of the load, if there are several.
	Stages []TrafficPart `json:"stages"`
}

// A Backend counts the answers of one backend.
type Backend struct {
	// Backend is the name in its answers.
	Backend string `json:"backend"`
	// Answers counts them.
	Answers int `json:"answers"`
}

// A Failure counts the requests that failed for one reason at one backend.
type Failure struct {
	// Reason is the status, or why there was no good answer.
	Reason string `json:"reason"`
	// Status is the HTTP status, if it is the reason.
	Status int `json:"status,omitempty"`
	// Backend is the one that answered; absent: none did, or it gave no name.
	Backend string `json:"backend,omitempty"`
	// Requests counts those that failed so.
	Requests int `json:"requests"`
}

// A TrafficPart is the outcome of the requests that were sent in a phase or stage.
type TrafficPart struct {
	// Name is that of the phase, or of the stage.
	Name string `json:"name"`
	Span
	// Sent counts the requests.
	Sent int `json:"sent"`
	// FailedFirst counts those whose first attempt failed.
	FailedFirst int `json:"failedFirst"`
	// FailedLocally counts those that failed on the load's own machine.
	FailedLocally int `json:"failedLocally"`
	// PlannedPerSecond is the rate that was asked for.
	PlannedPerSecond float64 `json:"plannedPerSecond"`
	// SentPerSecond is the rate at which they were sent.
	SentPerSecond float64 `json:"sentPerSecond"`
	// LatencySeconds is the distribution over requests that did not fail; absent: all
	// failed.
	LatencySeconds *Distribution `json:"latencySeconds,omitempty"`
}

// A PodRecovery is the recovery of one pod that a fault took down.
type PodRecovery struct {
	// Victim is the pod that was taken down.
	Victim Target `json:"victim"`
	// Replacement is the new pod; absent: none was seen, or the victim itself
	// recovered.
	Replacement *Target `json:"replacement,omitempty"`
	// InPlace: the victim itself recovered.
	InPlace bool `json:"inPlace,omitempty"`
	// Fault is the one that took it down.
	Fault string `json:"fault,omitempty"`
	// Stages are, in order: fault, victim leaves, containers stopped, not
	// ready, endpoint removed, fault undone, replacement created, scheduled,
	// containers started, ready, endpoint added, first good answer, hypothesis good.
	Stages []Stage `json:"stages"`
	// CostliestStage is the stage that certainly took at least as long as any other;
	// absent: the bounds overlap, or nothing is known.
	CostliestStage string `json:"costliestStage,omitempty"`
	// RecordEndSeconds is the last instant of the record.
	RecordEndSeconds float64 `json:"recordEndSeconds"`
	// Note says what is uncertain about the recovery, or what else influenced it.
	Note string `json:"note,omitempty"`
}

// Autoscaling says what one autoscaler did.
type Autoscaling struct {
	// Autoscaler is hpa/NAMESPACE/NAME.
	Autoscaler string `json:"autoscaler"`
	// Sizes are the desired numbers of replicas, in order of time.
	Sizes []int `json:"sizes"`
	// Fault is the one that it responded to; absent: none.
	Fault string `json:"fault,omitempty"`
	// Stages are fault, lag, decision, actuation, ready, relieved, undone, back.
	Stages []Stage `json:"stages"`
	// RecordEndSeconds is the last instant of the record.
	RecordEndSeconds float64 `json:"recordEndSeconds"`
	// Note says what else influenced it.
	Note string `json:"note,omitempty"`
}

// A Stage is one stage of the response to a fault.
type Stage struct {
	// Stage is its name. Later documents may have others, which readers accept.
	Stage string `json:"stage" jsonschema:"enum=fault,enum=victim leaves,enum=containers stopped,enum=not ready,enum=endpoint removed,enum=fault undone,enum=replacement created,enum=scheduled,enum=containers started,enum=ready,enum=endpoint added,enum=first good answer,enum=hypothesis good,enum=lag,enum=decision,enum=actuation,enum=relieved,enum=undone,enum=back"`
	// Reached contains the instant at which it was reached; absent: not reached, or not
	// seen.
	Reached *Span `json:"reached,omitempty"`
	// Since is the stage from which took counts, the last one seen before.
	Since string `json:"since,omitempty"`
	// Took is the time from that stage to this one; absent: unknown, see note.
	Took *Length `json:"took,omitempty"`
	// Open: the stage was not reached.
	Open bool `json:"open,omitempty"`
	// FollowedUntilSeconds is until when an open stage was followed.
	FollowedUntilSeconds *float64 `json:"followedUntilSeconds,omitempty"`
	// Note says why something is unknown, or what else happened.
	Note string `json:"note,omitempty"`
}

// An Event happened at some instant within its span.
type Event struct {
	Span
	// Kind says what happened: one of the examples or another, of an observer or a fault of
	// your own or of the tool's. Of what is blind nothing is known in the span. A Kubernetes
	// Event has its reason and its message as attributes.
	Kind string `json:"kind" jsonschema:"example=exists,example=created,example=unschedulable,example=scheduled,example=stopped,example=waiting,example=not ready,example=failed,example=restarted,example=started,example=ready,example=terminating,example=gone,example=added,example=removed,example=scaled,example=blind,example=changed,example=Kubernetes Event,example=followed,example=not followed,example=evicted,example=ended early,example=unproven,example=abort condition met,example=not hit,example=also hit,example=unsurveyed"`
	// Subject is KIND/NAMESPACE/NAME, as far as it has them; of a Kubernetes Event it is
	// event/ and the subject that it is about.
	Subject string `json:"subject"`
	// UID tells the subject from others of the same name; an endpoint has that of its pod.
	UID string `json:"uid,omitempty"`
	// Attributes are by, owner, node, ip, container, restarts, reason, message, count,
	// code, service, slice, address, replicas, existing, ready, updated, spec, status.
	Attributes map[string]string `json:"attributes,omitempty"`
}

// Read reads a document. It returns an error for an empty or truncated document, for
// invalid JSON, and for another format or version.
func Read(r io.Reader) (Document, error) {
	var d Document
	var another *json.UnmarshalTypeError
	switch err := json.NewDecoder(r).Decode(&d); {
	case errors.Is(err, io.EOF):
		return Document{}, errors.New("read results: there is nothing in it")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return Document{}, errors.New("read results: its end is cut off")
	case errors.As(err, &another) && another.Field != "":
		return Document{}, fmt.Errorf("read results: %s is %s, and not as this version writes it: if an earlier one wrote it, judge its records again", another.Field, another.Value)
	case err != nil:
		return Document{}, fmt.Errorf("read results: %w", err)
	}
	if d.Format != Format || d.Version != Version {
		return Document{}, fmt.Errorf("read results: want format %q, version %d, not %q, version %d", Format, Version, d.Format, d.Version)
	}
	return d, nil
}

// Write writes the document as indented JSON. The error is that of w or of encoding.
func (d Document) Write(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(d); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return nil
}
