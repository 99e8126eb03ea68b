package config

import (
	"maps"
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
	// Spec is one of the types of [Kinds]: a [chaosmesh.Spec] that does not name
	// its pods yet, or one of this package's.
	Spec any
	// To is the service, or ToCalls, that a fault of the network is narrowed to;
	// empty: everything.
	To string
	// Effects are what must be seen, in place of what the kind has by default.
	// They may be said of the kinds of Chaos Mesh.
	Effects []record.Effect
	At      time.Duration
	For     time.Duration
	When    When
	Within  time.Duration
}

// ToCalls stands for the service that the experiment's calls.
const ToCalls = "calls"

// When is a condition that a fault waits for.
type When struct {
	Autoscaler string `yaml:"autoscaler"` // ScalingOut
}

// ScalingOut is the condition that the service's autoscaler wants more pods.
const ScalingOut = "scaling-out"

// An Evict evicts pods, with grace and as budgets allow.
type Evict struct {
	Count faults.Count `yaml:"pods"`
}

// A Drain evicts every pod, one after the other.
type Drain struct{}

// A Restart rolls out the same template again.
type Restart struct{}

// A BadImage rolls out an image that cannot be pulled, and rolls it back.
type BadImage struct{}

// A Surge multiplies the load's rate.
type Surge struct {
	Factor Multiple `yaml:"factor"` // default: the autoscaler's surge
	// Scaled, if not zero: the surge counts as in place once the service has
	// scaled out for it and kept that size for so long, or did not in two minutes.
	Scaled time.Duration `yaml:"scaled"`
}

// A ChaosMesh is any object of Chaos Mesh's, see [chaosmesh.Object].
type ChaosMesh struct {
	File   string `yaml:"file"` // one of the two
	YAML   string `yaml:"yaml"`
	Follow bool   `yaml:"follow"`

	Object chaosmesh.Object `yaml:"-"` // once it was read
}

type kind struct {
	name string
	spec any
}

// kinds are the kinds of faults. Those of Chaos Mesh are its package's own types.
var kinds = []kind{
	{"podKill", chaosmesh.PodKill{}},
	{"podFailure", chaosmesh.PodFailure{}},
	{"containerKill", chaosmesh.ContainerKill{}},
	{"networkDelay", chaosmesh.NetworkDelay{}},
	{"networkLoss", chaosmesh.NetworkLoss{}},
	{"networkDuplicate", chaosmesh.NetworkDuplicate{}},
	{"networkCorrupt", chaosmesh.NetworkCorrupt{}},
	{"networkBandwidth", chaosmesh.NetworkBandwidth{}},
	{"networkPartition", chaosmesh.NetworkPartition{}},
	{"stressCPU", chaosmesh.StressCPU{}},
	{"stressMemory", chaosmesh.StressMemory{}},
	{"chaosMesh", ChaosMesh{}},
	{"evict", Evict{}},
	{"drain", Drain{}},
	{"restart", Restart{}},
	{"badImage", BadImage{}},
	{"surge", Surge{}},
}

// Kinds are the names of the kinds of faults.
func Kinds() (names []string) {
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return names
}

func (f *Fault) decode(d *decoder, at cursor) {
	fields := map[string]any{"effects": &f.Effects, "at": &f.At, "for": &f.For, "when": &f.When, "within": &f.Within}
	kindOf := func(name string) int {
		return slices.IndexFunc(kinds, func(k kind) bool { return k.name == name })
	}
	for name, inner := range d.fields(at) {
		switch i := kindOf(name); {
		case fields[name] != nil:
			d.value(inner, fields[name])
		case i < 0:
			d.unknown(inner, slices.Sorted(maps.Keys(fields)), Kinds())
		case f.Kind != "":
			d.bad(inner, "a fault is of one kind, and this one is a %s: name a second fault, or remove the kind that is inherited with \"%s: null\"", f.Kind, f.Kind)
		default:
			f.Kind = name
			f.spec(d, inner, reflect.New(reflect.TypeOf(kinds[i].spec)).Elem())
		}
	}
	if when := at.field("when"); when.is(yaml.MappingNode) && f.When.Autoscaler != ScalingOut {
		d.bad(when, "want {autoscaler: %s}", ScalingOut)
	}
	if f.Kind == "" && !d.undecoded.below(at.path.String()) {
		d.bad(at, "has no kind, as in {podKill: {pods: 1}} or {restart: {}}; kinds: %s", strings.Join(Kinds(), ", "))
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
	if _, counted := v.Type().FieldByName("Count"); counted && at.is(yaml.MappingNode) && at.field("pods").value == nil {
		d.bad(at.field("pods"), "is missing: how many of the service's pods are hit, as in 1, 30%% or all")
	}
	f.Spec = v.Interface()
}
