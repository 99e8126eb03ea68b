package record

import (
	"fmt"
	"math"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// Format and Version name the record's format in its first line. A reader
// refuses another version, and fields that it does not know.
const (
	Format  = "aftershock/record"
	Version = 2
)

// An Entry is one line of a record: when it was written, and one of the other
// fields. Times are nanoseconds since the record's start.
type Entry struct {
	At           time.Duration     `json:"at"`
	Header       *Header           `json:"header,omitempty"`
	Plan         *Plan             `json:"plan,omitempty"`
	Environment  map[string]string `json:"environment,omitempty"`
	Workload     *Workload         `json:"workload,omitempty"`
	Phase        string            `json:"phase,omitempty"` // it begins at At
	Observations *Observations     `json:"observations,omitempty"`
	Requests     *Requests         `json:"requests,omitempty"`
	Event        *Event            `json:"event,omitempty"`
	Injection    *Injection        `json:"injection,omitempty"`
	Removal      *Removal          `json:"removal,omitempty"`
	Note         string            `json:"note,omitempty"`
	End          *End              `json:"end,omitempty"`
}

// A Header is the record's first entry.
type Header struct {
	Format  string    `json:"format"`
	Version int       `json:"version"`
	Run     string    `json:"run"`            // unique to the run; faults are labelled with it
	Started time.Time `json:"started"`        // wall clock at offset zero
	Tool    string    `json:"tool,omitempty"` // the version of this module that wrote it
}

// A Plan is what a run does and what must hold: an experiment as plain data.
type Plan struct {
	Name string `json:"name"`
	// Title says in a sentence what the experiment does.
	Title  string   `json:"title,omitempty"`
	Labels []string `json:"labels,omitempty"`
	// Service and Namespace are those that the experiment is about; empty: it does
	// not say.
	Service   string `json:"service,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	// Source is the place in the file that names the experiment,
	// "aftershock.yaml:41". Hash covers what the run does: load, faults, times
	// and the definitions of the checks. Plans with different hashes are not
	// alike.
	Source string              `json:"source,omitempty"`
	Hash   string              `json:"hash,omitempty"`
	Checks []steadystate.Check `json:"checks"`
	// Places are where limits are written, as FILE:LINE, by [PlaceKey].
	Places map[string]string `json:"places,omitempty"`
	// Expectations beside the checks.
	Expectations []Expectation     `json:"expectations,omitempty"`
	Signals      map[string]string `json:"signals,omitempty"` // name -> what it is
	// Sampled are the signals whose observations each meet one of several
	// backends, besides those of the load.
	Sampled []string `json:"sampled,omitempty"`
	// Reused are those of the sampled signals that keep one connection: all their
	// observations may have met one backend.
	Reused []string `json:"reused,omitempty"`
	// Attempts are further signals whose observations may each fail, besides those of
	// the load. The others poll a value: a limit on errors of them is unknown.
	Attempts []string `json:"attempts,omitempty"`
	Load     string   `json:"load,omitempty"`
	// Traffic is a signal of every target, see [TargetSignal], that is above
	// zero while the target serves. Without a load it shows that the faults'
	// targets serve.
	Traffic string `json:"traffic,omitempty"`
	// Stages are the planned rates of the load, by signal. Without the stages of
	// a signal, a run cannot show that its load was driven as asked.
	Stages map[string][]Stage `json:"stages,omitempty"`
	Faults []Scheduled        `json:"faults,omitempty"`
	Settle time.Duration      `json:"settle"`
	// Hold is the minimum duration of the hold phase, see [PhaseHold].
	Hold  time.Duration `json:"hold"`
	Watch time.Duration `json:"watch"`
	// Baseline is what limits on a multiple of it refer to; nil: the settled
	// stretch before the fault.
	Baseline *Baseline `json:"baseline,omitempty"`
}

// PlaceKey is the key of a limit in the places of a [Plan]: the name of its check
// or expectation, and its text.
func PlaceKey(check, limit string) string { return check + ": " + limit }

// A Scheduled is a planned fault.
type Scheduled struct {
	Name  string `json:"name,omitempty"` // unique; only a plan's one fault may have none
	Fault string `json:"fault"`          // Fault.String()
	// At is the time after the first T0 at which it is injected; with When, the
	// time from which the condition is checked.
	At time.Duration `json:"at,omitempty"`
	// For is how long it is held once it is in place; zero: to the end of the
	// hold phase, or not at all for a one-shot fault.
	For time.Duration `json:"for,omitempty"`
	// When is the condition that it waits for, at most for Within.
	When   string        `json:"when,omitempty"`
	Within time.Duration `json:"within,omitempty"`
}

// String is "slow: delay all pods, at 5s, for 20s".
func (s Scheduled) String() string {
	text := s.Fault
	if s.Name != "" {
		text = s.Name + ": " + text
	}
	if s.At > 0 {
		text += ", at " + s.At.String()
	}
	if s.When != "" {
		text += fmt.Sprintf(", when %s, within %s", s.When, s.Within)
	}
	if s.For > 0 {
		text += ", for " + s.For.String()
	}
	return text
}

// A Stage is a stretch of a load's shape. It lasts until the next one, the last
// one to the end of the watch phase. At x seconds after its beginning the load
// sends Rate + Slope x + Swing sin(2 pi x / Period) requests a second.
type Stage struct {
	Name string `json:"name"`
	// After is the time since the signal's first request was planned. It is
	// negative for the first stage if its first request is due only once the
	// rate has added up to one.
	After  time.Duration `json:"after"`
	Rate   float64       `json:"rate"`             // requests per second at its beginning
	Slope  float64       `json:"slope,omitempty"`  // of a ramp: by how much that grows in a second
	Swing  float64       `json:"swing,omitempty"`  // of a sine: requests per second to either side
	Period time.Duration `json:"period,omitempty"` // of a sine
}

// Hits is the number of requests due in the first x seconds of the stage: the
// integral of its rate. That of a line from a with slope m is ax + mx²/2, that
// of a sine by b with period P is bP/2π (1 - cos 2πx/P), where 1 - cos is twice
// the square of the sine of half the angle, which avoids cancellation.
func (s Stage) Hits(x float64) float64 {
	hits := s.Rate*x + s.Slope*x*x/2
	if s.Period > 0 {
		w := 2 * math.Pi / s.Period.Seconds()
		half := math.Sin(w * x / 2)
		hits += 2 * s.Swing / w * half * half
	}
	return hits
}

// Due is how many requests the stages of a load have planned by a time, which
// counts from the first request.
func Due(stages []Stage, at time.Duration) float64 {
	hits := 0.0
	for i, s := range stages {
		end := at
		if i+1 < len(stages) {
			end = min(end, stages[i+1].After)
		}
		if end > s.After {
			hits += s.Hits((end - s.After).Seconds())
		}
	}
	return hits
}

// The phases of a run, in their order.
const (
	PhaseSettle  = "settle"  // until the hypothesis has been good for the settle time
	PhaseInject  = "inject"  // the first faults are put in place
	PhaseHold    = "hold"    // they stay, and later faults come; ends when the last one is over
	PhaseRecover = "recover" // remaining faults are undone
	PhaseWatch   = "watch"   // the service recovers, without faults
)

// Observations are observations of one signal.
type Observations struct {
	Signal string                    `json:"signal"`
	List   []steadystate.Observation `json:"list"`
}

// A Target is something that a fault was injected into.
type Target struct {
	Name string `json:"name"` // as it names itself to the load, such as a pod's name
	UID  string `json:"uid,omitempty"`
}

// An Effect is a required visible effect of a fault; without it the verdict
// cannot be Held. It is an event, or a change of a signal against the settled
// stretch before the fault, which must be gone once the fault is.
type Effect struct {
	// Event of this kind must be seen on every target after the injection
	// began. Example: restarted.
	Event string `json:"event,omitempty" yaml:"event"`
	// Container is the container of the target that the event must concern;
	// empty: the event concerns the target itself.
	Container string `json:"container,omitempty" yaml:"container"`
	// On replaces the targets as the subject of the event if they do not show
	// it: the pod that was to replace them.
	On *Target `json:"on,omitempty" yaml:"-"`
	// Signal of every target, see [TargetSignal], must change while the fault
	// is on, from the injection's span to the removal's: by Rise, or to AtMost.
	// Example: requests.
	Signal string `json:"signal,omitempty" yaml:"signal"`
	// Rise is the minimum rise of the quantile of its values above that of the
	// settled stretch, in the signal's unit. Example: 0.5.
	Rise float64 `json:"rise,omitempty" yaml:"rise"`
	// Quantile selects the quantile, from 0 to 1; zero is the median. A fault in one
	// of ten requests shows in the 0.95-quantile. Default: the median. Example: 0.95.
	Quantile float64 `json:"quantile,omitempty" yaml:"quantile"`
	// Ceiling, if not zero, is the signal's maximum, such as a limit of the
	// target's. If the signal was below it before, and during the fault is
	// within a tenth of it, it need not have risen further.
	Ceiling float64 `json:"ceiling,omitempty" yaml:"ceiling"`
	// AtMost is the maximum of every value during the fault; some values
	// exceeded it before. Example: 0.
	AtMost *float64 `json:"atMost,omitempty" yaml:"atMost"`
	// Times is the factor by which the load's rate of sending the requests of
	// Signal is multiplied. Signal is then not one of a target: the target is
	// the signal itself.
	Times float64 `json:"times,omitempty" yaml:"-"`
}

// TrafficSignal is the signal of a load's requests: the seconds each took.
// Failed requests are bad under any tolerance.
const TrafficSignal = "requests"

// TargetSignal is the name of a signal that is observed of each target
// separately: "cpu of checkout-abc". For [TrafficSignal] it is the requests that
// the target answered, which need no signal of their own.
func TargetSignal(signal, target string) string { return signal + " of " + target }

// The values of [Injection.Kind], as files name the kinds of faults.
const (
	KindPodKill          = "podKill"
	KindPodFailure       = "podFailure"
	KindContainerKill    = "containerKill"
	KindNetworkDelay     = "networkDelay"
	KindNetworkLoss      = "networkLoss"
	KindNetworkDuplicate = "networkDuplicate"
	KindNetworkCorrupt   = "networkCorrupt"
	KindNetworkBandwidth = "networkBandwidth"
	KindNetworkPartition = "networkPartition"
	KindStressCPU        = "stressCPU"
	KindStressMemory     = "stressMemory"
	KindEvict            = "evict"
	KindDrain            = "drain"
	KindRestart          = "restart"
	KindBadImage         = "badImage"
	KindSurge            = "surge"
)

// An Injection records how a fault was put in place.
type Injection struct {
	// Index is the fault's index in the plan, from 0. Two faults may have the
	// same text.
	Index int    `json:"index"`
	Fault string `json:"fault"` // Fault.String()
	// Kind is what the fault does, one of the constants such as [KindNetworkDelay].
	// Empty: it is not known, as in records from before this field, or none of them.
	Kind string `json:"kind,omitempty"`
	// Peers are the other ends of a network fault that is only between the targets
	// and these: "pods app=payments in shop", or addresses. None: it is not so
	// narrow, or the Kind is not known.
	Peers   []string `json:"peers,omitempty"`
	Targets []Target `json:"targets"`
	// The span in which it took effect: from before the request, to the first
	// proof that it was there.
	steadystate.Span
	Effects []Effect `json:"effects,omitempty"`
	// Unprovable says why there are no effects to look for, and what to do.
	Unprovable string `json:"unprovable,omitempty"`
	// Of is the number of pods that it could have hit; zero: unknown.
	Of int `json:"of,omitempty"`
	// ChangesPods: the fault itself adds or removes pods, as a kill, a drain or
	// a rollout does. Follows: it reaches pods that come later. Without either,
	// a pod that joins or leaves the service while the fault is held makes its
	// effect unknown.
	ChangesPods bool `json:"changesPods,omitempty"`
	Follows     bool `json:"follows,omitempty"`
	// Rolls: the fault changes the pod template, so that its workload replaces pods
	// by those of another revision.
	Rolls bool `json:"rolls,omitempty"`
	// EndsOnRestart: a restarted container of a target is free of the fault, as
	// with CPU stress.
	EndsOnRestart bool `json:"endsOnRestart,omitempty"`
	// OneShot: the fault was over once done, as a kill is. It needs no removal,
	// and a limit that counts from the removal counts from the injection.
	OneShot bool `json:"oneShot,omitempty"`
	// FailureReason says what could not be shown, such as that no pod was
	// selected. With one the fault is undone at once and the verdict is unknown.
	FailureReason string `json:"shortfall,omitempty"`
	// Refused says what must be possible, such as "can be drained", if the
	// service's own configuration forbids it. The failure reason then says what
	// forbids it, and is a finding about the service.
	Refused string `json:"refused,omitempty"`
}

// A Removal says when a fault was undone.
type Removal struct {
	Index int    `json:"index"` // that of its injection
	Fault string `json:"fault"`
	steadystate.Span
	// Error says why the fault may still be in place.
	Error string `json:"error,omitempty"`
}

// The reasons for the end of a run.
const (
	Completed   = "completed"
	NotSteady   = "not steady"   // the hypothesis was not good before the fault
	NotInjected = "not injected" // a fault could not be shown to be in place
	Interrupted = "interrupted"  // by a person, at the program
	Refused     = "refused"      // nothing was touched: another run, a stop or a freeze is in the way
	Stopped     = "stopped"      // a stop that a person set, or a freeze, while the run was under way
	Aborted     = "aborted"      // an abort condition was met
	Blind       = "blind"        // what may end the run could not be observed
	Failed      = "failed"       // the harness failed, or its deadline passed
	// NotBegun is of an experiment that is planned and has no record: what came before it
	// ended the session.
	NotBegun = "not begun"
)

// An End is the record's last entry; a record without one was cut.
type End struct {
	Reason string `json:"reason"`
	Detail string `json:"detail,omitempty"`
}
