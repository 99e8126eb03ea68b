package judge

import (
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A Result is what a record says of its experiment: the verdict, and why it
// may be believed.
type Result struct {
	Experiment string   `json:"experiment"`
	Title      string   `json:"title,omitempty"` // of the experiment, for people
	Labels     []string `json:"labels,omitempty"`
	Service    string   `json:"service,omitempty"` // that it is about, as in the plan
	Namespace  string   `json:"namespace,omitempty"`
	// Source is the place of the experiment's definition and Hash identifies
	// what was done, as in the plan.
	Source  string        `json:"source,omitempty"`
	Hash    string        `json:"hash,omitempty"`
	Run     string        `json:"run"`
	Started time.Time     `json:"started"`
	Length  time.Duration `json:"length"`
	// Tool is the version of this module that made the record; empty: unknown.
	Tool    string              `json:"tool,omitempty"`
	Verdict steadystate.Verdict `json:"verdict"`
	// Reason is the verdict in one sentence.
	Reason string `json:"reason"`
	// Caveats are true of the run beside its findings, whatever the verdict: it
	// was interrupted or cut, a proof is missing, a fault may be left behind. A
	// broken limit does not erase them. A run with caveats is never Held.
	Caveats     []string          `json:"caveats,omitempty"`
	Environment map[string]string `json:"environment,omitempty"`
	Workload    *record.Workload  `json:"workload,omitempty"` // when the run began; nil: not recorded
	Load        string            `json:"load,omitempty"`
	// Baseline is what limits on a multiple of it refer to; nil: the settled
	// stretch before the fault.
	Baseline *record.Baseline `json:"baseline,omitempty"`
	// Window is from the first injection, or the inject phase of a control run, to
	// the end of the watch phase; of a run that was not completed, to the end of
	// its record. Limits without a phase are judged over it.
	Window     steadystate.Span   `json:"window"`
	Phases     []PhaseResult      `json:"phases"`
	Findings   []Finding          `json:"findings"`
	Proofs     []Proof            `json:"proofs"`
	Checks     []CheckResult      `json:"checks"`
	Injections []InjectionResult  `json:"injections,omitempty"`
	Traffic    map[string]Traffic `json:"traffic,omitempty"` // by signal
	Events     []record.Event     `json:"events,omitempty"`
	Notes      []string           `json:"notes,omitempty"`
	End        record.End         `json:"end"`
	LeftBehind []Left             `json:"leftBehind,omitempty"` // faults that may still be in place
	Signals    map[string]string  `json:"signals,omitempty"`
	// TimeSeries are the signals that expectations name, by the subject of the
	// expectation; for its evaluator.
	TimeSeries map[string]TimeSeries `json:"-"`
}

// Proven reports whether the run was completed and has every proof: only then is a
// limit that was held any evidence.
func (r Result) Proven() bool { return len(r.Caveats) == 0 }

// A Left is a fault that may still be in place, and the error of undoing it.
type Left struct {
	Fault string `json:"fault"`
	Error string `json:"error"`
}

// String is "FAULT: ERROR".
func (l Left) String() string { return l.Fault + ": " + l.Error }

// A PhaseResult is the span of a phase.
type PhaseResult struct {
	Name string `json:"name"`
	steadystate.Span
}

// A Finding is the outcome of one limit.
type Finding struct {
	Check  string `json:"check"`
	Signal string `json:"signal"`
	Limit  string `json:"limit"`
	// Subject is the limit without its bound, as in "p95 of good during hold": it
	// stays the same when the bound is changed.
	Subject string `json:"subject"`
	// Wanted is the bound; nil: the limit has none.
	Wanted *Wanted `json:"wanted,omitempty"`
	// Source is where the limit is written, as FILE:LINE, if the plan says so.
	Source string `json:"source,omitempty"`
	steadystate.Reading
	// Where says where to look for a limit that did not hold.
	Where string `json:"where,omitempty"`
	// Near are the events that Where names, as indexes in [Result.Events].
	Near []int `json:"near,omitempty"`
	// OfRun: it is of the run itself and of no limit of the plan: that it was not
	// aborted, or that the service's configuration forbids a fault.
	OfRun bool `json:"ofRun,omitempty"`
}

// A Wanted is the bound of a limit: an operator and a number in base units.
type Wanted struct {
	Quantity  string  `json:"quantity"` // "downtime", "p95 of good", "ready"
	Operator  string  `json:"operator"`
	Value     float64 `json:"value"`
	Dimension string  `json:"dimension"` // "time", "share", "rate", "number", or "multiple" of a baseline
}

// NewWanted is the bound that a tolerance puts on a quantity. A zero needs no unit,
// so the dimension is the quantity's.
func NewWanted(quantity string, t steadystate.Tolerance, dimension string) *Wanted {
	return &Wanted{Quantity: quantity, Operator: t.Operator(), Value: t.Value(), Dimension: dimension}
}

// A Proof is one reason to believe a verdict. Held: the proof was found.
type Proof struct {
	Name    string              `json:"name"`
	Signal  string              `json:"signal,omitempty"` // of the load that it is about
	Verdict steadystate.Verdict `json:"verdict"`
	Text    string              `json:"text"`
}

// A CheckResult is the figures of one check over the window.
type CheckResult struct {
	Check     string                `json:"check"`
	Signal    string                `json:"signal"`
	Tolerance steadystate.Tolerance `json:"tolerance"` // what counted as good
	// Dimension of the values: "time" (in seconds), "share", "rate" or "number".
	Dimension string `json:"dimension"`
	steadystate.Figures
	Uptime steadystate.Bounds[float64] `json:"uptime"`
	// Recoveries are one for each injection; MTTR is their mean over those
	// that recovered.
	Recoveries  []Recovery                         `json:"recoveries,omitempty"`
	MTTR        *steadystate.Bounds[time.Duration] `json:"mttr,omitempty"`
	Unrecovered int                                `json:"unrecovered,omitempty"`
	// Phases are the distributions of the values in each phase with values.
	Phases []PhaseDistribution `json:"phases,omitempty"`

	during map[string]steadystate.Figures // by phase; nil: the result was read from JSON
	before steadystate.Figures            // of the settled stretch before the fault
	kind   steadystate.Kind               // of the signal's observations
}

// A PhaseDistribution is the distribution of a check's values in one phase.
type PhaseDistribution struct {
	Phase string `json:"phase"`
	steadystate.Distribution
}

// A Recovery is the time from when an injection took effect until a check was
// good and stayed so; zero without an outage.
type Recovery struct {
	Fault   string                            `json:"fault"`
	Outages int                               `json:"outages"`
	TTR     steadystate.Bounds[time.Duration] `json:"ttr"`
	// TTD is the time until the first bad observation completed; nil without
	// one.
	TTD *steadystate.Bounds[time.Duration] `json:"ttd,omitempty"`
	// AfterRemoval is the time from the removal of a held fault until the check
	// was good and stayed so; zero: it recovered during the fault, or had no
	// outage. nil: the fault was not held, or the record does not show its
	// removal.
	AfterRemoval *steadystate.Bounds[time.Duration] `json:"afterRemoval,omitempty"`
	// Open: not recovered when the record ended; TTR and AfterRemoval are then
	// lower bounds.
	Open bool `json:"open,omitempty"`

	oneShot bool // the fault was
}

// An InjectionResult is an injection and its removal.
type InjectionResult struct {
	record.Injection
	Removed *steadystate.Span `json:"removed,omitempty"`
	// Hit is the number of the service's pods that the fault was in, over time;
	// empty: not watched, or not in pods.
	Hit []HitShare `json:"hit,omitempty"`
	// Unsurveyed says which faults of others the account had no right to look for in
	// its pods; empty: none.
	Unsurveyed string `json:"unsurveyed,omitempty"`

	pods     map[string]*pod  // by UID
	in, felt steadystate.Span // when what its targets show may be its doing, and what any pod shows
	unclear  string           // why its effect may not be its own, or not be on all that it was meant for
}

// Traffic is the outcome of a load's requests, over the whole record unless a
// field says otherwise.
type Traffic struct {
	Sent          int `json:"sent"`
	FailedFirst   int `json:"failedFirst"`   // the first attempt was not answered well
	FailedFinally int `json:"failedFinally"` // nor was a retry by the client itself
	Repeated      int `json:"repeated"`      // retried by the client: written to more than one connection
	// From the injection on: failed on the load's own machine, and sent later
	// than planned by more than LateAfter.
	Local int `json:"local"`
	Late  int `json:"late"`
	// Missing counts numbers that were never seen, as of requests in flight when
	// the record was cut; Twice counts numbers seen more than once. Both are
	// lower bounds.
	Missing int `json:"missing"`
	Twice   int `json:"twice,omitempty"`
	// LateTime is how long, within the window, the load was behind its schedule;
	// WorstLate is the latest request from the injection on.
	LateTime  time.Duration  `json:"lateTime"`
	WorstLate time.Duration  `json:"worstLate"`
	Rate      float64        `json:"rate"`     // planned requests per second
	SentRate  float64        `json:"sentRate"` // requests sent per second
	ByBackend map[string]int `json:"by,omitempty"`
	Failures  map[string]int `json:"failures,omitempty"` // by reason
	// FailuresBy splits Failures by backend; empty: none answered.
	FailuresBy map[string]map[string]int `json:"failuresBy,omitempty"`
	// Phases splits the figures by phase of the run. Stages splits them by stage
	// of the load, if it has more than one, as far as it got.
	Phases []TrafficSegment `json:"phases,omitempty"`
	Stages []TrafficSegment `json:"stages,omitempty"`

	locals      map[string]int // why requests failed on the load's machine
	sentSince   int            // the injection
	maxSeq      uint64
	numbers     uint64        // the sum of the requests' scrambled numbers
	longest     time.Duration // that a request was under way
	first, last time.Duration // planned
	lastSent    time.Duration
}

// A TrafficSegment is the outcome of the requests that a load sent in a phase or
// stage.
type TrafficSegment struct {
	Name string `json:"name"` // of the phase, or of the stage
	steadystate.Span
	Sent        int     `json:"sent"`
	FailedFirst int     `json:"failedFirst"` // as in Traffic
	Local       int     `json:"local"`
	Rate        float64 `json:"rate"`     // requests per second that were planned for it
	SentRate    float64 `json:"sentRate"` // and that were sent
	// Latency of the requests that did not fail, in seconds; nil without any.
	Latency *steadystate.Distribution `json:"latency,omitempty"`
}
