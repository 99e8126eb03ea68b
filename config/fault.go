package config

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// A Fault is a fault of an experiment, and when it comes and goes; see
// experiments.Scheduled.
type Fault struct {
	Kind string // "podKill"
	// Spec is one of the types of `faultKinds`: a [chaosmesh.Spec] that does not name
	// its pods yet, or one of this package's.
	Spec any
	// To narrows the fault to traffic between the pods and a service; calls stands for
	// the one that the service calls. Default: everything that the pods send. Example:
	// payments.
	To string
	// Effects must be observed for a verdict to be held; they replace the kind's
	// defaults. Only for faults of Chaos Mesh. Example:
	// [{signal: requests, rise: 0.5}].
	Effects []record.Effect `yaml:"effects"`
	// At is when the fault is injected, counted from when the first one took effect
	// (T0).
	// Default: with the first. Example: 5s.
	At time.Duration `yaml:"at"`
	// For is how long the fault stays, 1s or longer; not for one that is over at once,
	// such as a kill.
	// Default: until the end of the hold phase. Example: 20s.
	For time.Duration `yaml:"for"`
	// When is a condition that the fault waits for. Example: {autoscaler: scaling-out}.
	When When `yaml:"when"`
	// Within is how long to wait for the condition; after that the run undoes
	// everything and ends as unknown. Required with when. Example: 2m.
	Within time.Duration `yaml:"within"`
}

// ToCalls stands for the service that the experiment's calls.
const ToCalls = "calls"

// When is a condition that a fault waits for.
type When struct {
	// Autoscaler is a state of the service's autoscaler: scaling-out, it wants more
	// pods.
	// Required.
	Autoscaler string `yaml:"autoscaler"`
}

// ScalingOut is the condition that the service's autoscaler wants more pods.
const ScalingOut = "scaling-out"

// An Evict evicts pods, with grace and as the PodDisruptionBudget allows.
type Evict struct {
	Count faults.Count `yaml:"pods"`
}

// A Drain evicts every pod in turn, as the PodDisruptionBudget allows.
type Drain struct{}

// A Restart rolls out a new, equivalent revision.
type Restart struct{}

// A BadImage rolls out an image that cannot be pulled, and rolls it back when the
// fault is undone.
type BadImage struct{}

// A Surge multiplies the load's rate.
type Surge struct {
	// Factor multiplies the rate. Default: the surge of the service's autoscaler, 10x.
	// Example: 3x.
	Factor Multiple `yaml:"factor"`
	// Scaled is how long the service must keep the size to which it scaled out before
	// the surge counts as in place; after two minutes it does in any case. Default:
	// the surge is in place at once. Example: 30s.
	Scaled time.Duration `yaml:"scaled"`
}

// A ChaosMesh is any fault in Chaos Mesh's own YAML, on pods in one namespace; its
// duration is ignored. For kinds that Aftershock does not have, effects must say what
// to observe.
type ChaosMesh struct {
	// File is a file with the object. It or yaml is required. Example: stress.yaml.
	File string `yaml:"file"`
	// YAML is the object's text. It or file is required.
	YAML string `yaml:"yaml"`
	// Follow also hits pods that appear while the fault is held. Default: false.
	Follow bool `yaml:"follow"`

	Object chaosmesh.Object `yaml:"-"` // once it was read
}

// A kind is a kind of fault, with all that tells it from others.
type kind struct {
	name string
	spec any
	Traits
}

// Traits are what others ask of a kind of fault. The zero value: a fault on pods that is
// held until it is undone, by the cluster if the run is dead.
type Traits struct {
	// Evicts: it asks for evictions, which a PodDisruptionBudget may refuse.
	Evicts bool
	// Drains: it takes what "kubectl drain" takes of a node; see kube.Workload.Drains.
	Drains bool
	// Rolls: it changes the pod template, so that what is tested is another build.
	Rolls bool
	// Stays: nothing in the cluster undoes it if the run is killed, but a dead-man switch.
	Stays bool
	// Loads: it changes the load, and needs one.
	Loads bool
	// signal is the signal of single pods in which its effect shows by default. Empty: a
	// field of the kind names it, or there is none.
	signal string
}

// faultKinds are the kinds of faults. Those of Chaos Mesh are its package's own types.
var faultKinds = []kind{
	{name: record.KindPodKill, spec: chaosmesh.PodKill{}},
	{name: record.KindPodFailure, spec: chaosmesh.PodFailure{}},
	{name: record.KindContainerKill, spec: chaosmesh.ContainerKill{}},
	{name: record.KindNetworkDelay, spec: chaosmesh.NetworkDelay{}},
	{name: record.KindNetworkLoss, spec: chaosmesh.NetworkLoss{}},
	{name: record.KindNetworkDuplicate, spec: chaosmesh.NetworkDuplicate{}},
	{name: record.KindNetworkCorrupt, spec: chaosmesh.NetworkCorrupt{}},
	{name: record.KindNetworkBandwidth, spec: chaosmesh.NetworkBandwidth{}},
	{name: record.KindNetworkPartition, spec: chaosmesh.NetworkPartition{}},
	{name: record.KindStressCPU, spec: chaosmesh.StressCPU{}, Traits: Traits{signal: chaosmesh.SignalCPU}},
	{name: record.KindStressMemory, spec: chaosmesh.StressMemory{}, Traits: Traits{signal: chaosmesh.SignalMemory}},
	{name: "chaosMesh", spec: ChaosMesh{}},
	{name: record.KindEvict, spec: Evict{}, Traits: Traits{Evicts: true}},
	{name: record.KindDrain, spec: Drain{}, Traits: Traits{Evicts: true, Drains: true}},
	{name: record.KindRestart, spec: Restart{}, Traits: Traits{Rolls: true}},
	{name: record.KindBadImage, spec: BadImage{}, Traits: Traits{Rolls: true, Stays: true}},
	{name: record.KindSurge, spec: Surge{}, Traits: Traits{Loads: true}},
}

// Traits are those of the fault's kind.
func (f Fault) Traits() Traits {
	if i := slices.IndexFunc(faultKinds, func(k kind) bool { return reflect.TypeOf(k.spec) == reflect.TypeOf(f.Spec) }); i >= 0 {
		return faultKinds[i].Traits
	}
	return Traits{} // it could not be decoded
}

// FaultKinds are the names of the kinds of faults.
func FaultKinds() (names []string) {
	for _, k := range faultKinds {
		names = append(names, k.name)
	}
	return names
}

func (f *Fault) decode(d *decoder, at cursor) {
	fields := fieldsOf(reflect.TypeFor[Fault]())
	kindOf := func(name string) int {
		return slices.IndexFunc(faultKinds, func(k kind) bool { return k.name == name })
	}
	for name, inner := range d.fields(at) {
		own := slices.IndexFunc(fields, func(f structField) bool { return f.name == name })
		switch i := kindOf(name); {
		case own >= 0:
			d.into(inner, reflect.ValueOf(f).Elem().FieldByIndex(fields[own].index))
		case i < 0:
			d.unknown(at, inner, slices.Sorted(slices.Values(names(fields))), FaultKinds())
		case f.Kind != "":
			d.bad(inner, "a fault is of one kind, and this one is a %s: name a second fault, or remove the kind that is inherited with \"%s: null\"", f.Kind, f.Kind)
		default:
			f.Kind = name
			f.spec(d, inner, reflect.New(reflect.TypeOf(faultKinds[i].spec)).Elem())
		}
	}
	if when := at.field("when"); when.is(yaml.MappingNode) && f.When.Autoscaler != ScalingOut {
		d.bad(when, "want {autoscaler: %s}", ScalingOut)
	}
	if f.Kind == "" && !d.undecoded.below(at.path.String()) {
		d.bad(at, "has no kind, as in {podKill: {pods: 1}} or {restart: {}}; kinds: %s", strings.Join(FaultKinds(), ", "))
	}
}

// spec reads the fields of a kind. Which pods are hit is not one of them; but "to"
// names a service.
func (f *Fault) spec(d *decoder, at cursor, v reflect.Value) {
	extra := map[string]any{}
	if _, narrowed := v.Type().FieldByName("To"); narrowed {
		extra["to"] = &f.To
	}
	d.structure(at, v, extra)
	pods := at.field("pods")
	if _, counted := v.Type().FieldByName("Count"); counted && at.is(yaml.MappingNode) && pods.value == nil && !d.undecoded.below(pods.path.String()) {
		d.bad(pods, "is missing: how many of the service's pods are hit, as in 1, 30%% or all")
	}
	f.Spec = v.Interface()
}
