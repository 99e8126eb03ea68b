package config

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/experiments/workers"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/steadystate/probe"
	"github.com/aftershockhq/aftershock/steadystate/prom"
)

// Version is the apiVersion of the files that this program reads.
const Version = "aftershock/v1"

// A File is a configuration file, as it is written. The catalogue of the
// standard suites has the same form, without a cluster and its services.
type File struct {
	APIVersion string       `yaml:"apiVersion"`
	Cluster    Cluster      `yaml:"cluster"`
	Allow      Allow        `yaml:"allow"`
	Prometheus *prom.Config `yaml:"prometheus"` // nil: there is none
	Times      Times        `yaml:"times"`
	// Baseline is what limits on a multiple of it refer to: BaselineSettle, the
	// default, or BaselineControl.
	Baseline    string            `yaml:"baseline"`
	Checks      Named[Check]      `yaml:"checks"`
	Services    Named[Service]    `yaml:"services"`
	Experiments Named[*yaml.Node] `yaml:"experiments"` // each an [Experiment], once it was merged
}

// The baselines that a file may choose.
const (
	BaselineSettle  = "settle"  // the settled stretch before the fault, of the same run
	BaselineControl = "control" // a control run of the suite
)

// A Cluster says which cluster is meant.
type Cluster struct {
	Kubeconfig string `yaml:"kubeconfig"` // empty: as kubectl finds it
	Context    string `yaml:"context"`    // empty: the current one
	// UID is the UID of the namespace kube-system, which tells one cluster from
	// another whatever its name is; required.
	UID string `yaml:"uid"`
	// Namespace is where the program keeps objects of its own: the Job of a
	// load's workers.
	Namespace string `yaml:"namespace"`
}

// Allow says what faults may touch.
type Allow struct {
	Namespaces []string            `yaml:"namespaces"` // required
	Protected  []map[string]string `yaml:"protected"`  // pods with these labels are never hit
}

// Times are how long the parts of a run take; zero is for what is not said.
type Times struct {
	Settle time.Duration `yaml:"settle"` // default 10 s
	Hold   time.Duration `yaml:"hold"`   // default 10 s
	Watch  time.Duration `yaml:"watch"`  // default 30 s
	// Undo bounds the undoing of all faults, Deadline the whole run but for it.
	// Defaults: those of experiments.Experiment.
	Undo     time.Duration `yaml:"undo"`
	Deadline time.Duration `yaml:"deadline"`
}

// A Check is a [steadystate.Check] with where its signal comes from: the name of
// a signal, or a query.
type Check struct {
	Signal string `yaml:"signal"`
	// Query is PromQL. It may name what it is about as a template does, see [Subject].
	Query   string              `yaml:"query"`
	Reduce  prom.Reduction      `yaml:"reduce"` // of several series
	Every   time.Duration       `yaml:"every"`  // how often it is asked; default 1 s
	Good    Good                `yaml:"good"`
	Allowed chaosmesh.Share     `yaml:"allowed"`
	Limits  []steadystate.Limit `yaml:"limits"`
}

// Good is what counts as good, as text "value <= 1s".
type Good struct{ steadystate.Tolerance }

// UnmarshalText reads it.
func (g *Good) UnmarshalText(text []byte) (err error) {
	g.Tolerance, err = steadystate.ParseGood(string(text))
	return err
}

// A Service is a workload, how it is reached, and what must hold of it.
type Service struct {
	Namespace string        `yaml:"namespace"`
	Workload  kube.Workload `yaml:"workload"`
	// Selector, Container and Service are read from the cluster where they are
	// not said.
	Selector  map[string]string `yaml:"selector"`
	Container string            `yaml:"container"` // the one that serves
	Service   string            `yaml:"service"`
	Load      *Load             `yaml:"load"`
	// Traffic is PromQL with one series for each pod, the rate of what it serves:
	// the proof of exposure of a service without a load.
	Traffic   string     `yaml:"traffic"`
	WebSocket *WebSocket `yaml:"websocket"` // makes the signal "websocket"
	GRPC      *GRPC      `yaml:"grpc"`      // makes the signal "grpc"
	Checks    []string   `yaml:"checks"`
	Suites    []string   `yaml:"suites"` // SUITE or SUITE/EXPERIMENT of the catalogue, or "all"
	Calls     []string   `yaml:"calls"`  // services
	// Autoscaler is the workload's; nil: there is none.
	Autoscaler *Autoscaler `yaml:"autoscaler"`
	Metrics    Metrics     `yaml:"metrics"`
	// PodSignals are PromQL with one series for each pod, in which effects are
	// looked for, by name.
	PodSignals map[string]string `yaml:"podSignals"`
	// Vary has merge patches of the catalogue's experiments, by SUITE/EXPERIMENT.
	Vary Named[*yaml.Node] `yaml:"vary"`
}

// A Load is a load of HTTP requests.
type Load struct {
	URL           string            `yaml:"url"`
	Rate          load.Shape        `yaml:"rate"` // default 100/s
	Targets       string            `yaml:"targets"`
	Method        string            `yaml:"method"`
	Headers       map[string]Header `yaml:"headers"`
	HeaderFiles   []string          `yaml:"headerFiles"`
	BodyFile      string            `yaml:"bodyFile"`
	Timeout       time.Duration     `yaml:"timeout"`
	BackendHeader string            `yaml:"backendHeader"` // default X-Pod
	Success       Success           `yaml:"success"`
	// Reuse keeps connections alive; ReuseRate is the rate of requests over kept
	// connections beside fresh ones, the signal "requests reused".
	Reuse     bool          `yaml:"reuse"`
	ReuseRate load.Rate     `yaml:"reuseRate"`
	CAFile    string        `yaml:"caFile"`
	Workers   *workers.Pods `yaml:"workers"` // pods in the cluster that drive the load together; nil: this machine does
}

// Success is what makes an answer a good one.
type Success struct {
	Status []load.StatusRange `yaml:"status"`
	Body   struct {
		Contains string `yaml:"contains"`
	} `yaml:"body"`
}

// A Header is the value of a header, or where a secret one is.
type Header struct {
	Value  string
	Secret load.Secret
}

// credentials are headers whose values are secret.
var credentials = []string{"Authorization", "Cookie", "Proxy-Authorization", "X-Api-Key"}

func (h *Header) decode(d *decoder, at cursor) {
	if at.is(yaml.ScalarNode) {
		if h.Value = at.value.Value; slices.Contains(credentials, http.CanonicalHeaderKey(at.key.Value)) {
			d.bad(at, "is written out; write {env: NAME}, an environment variable with the whole value, or {file: PATH}")
		}
		return
	}
	var secret struct {
		Env  string `yaml:"env"`
		File string `yaml:"file"`
	}
	if d.ok(func() { d.value(at, &secret) }) && (secret.Env == "") == (secret.File == "") {
		d.bad(at, "want the value as a text, or one of {env: NAME} and {file: PATH}")
	}
	h.Secret = load.Secret{Env: secret.Env, File: secret.File}
}

// A WebSocket is a probe by messages that the service echoes.
type WebSocket struct {
	probe.WebSocket `yaml:",inline"`
	CAFile          string `yaml:"caFile"`
}

// A GRPC is a probe by gRPC's health check.
type GRPC struct {
	probe.GRPCHealth `yaml:",inline"`
	UseTLS           bool   `yaml:"tls"`
	CAFile           string `yaml:"caFile"`
}

// An Autoscaler is a HorizontalPodAutoscaler.
type Autoscaler struct {
	Name   string   `yaml:"name"`   // default: the workload's
	Surge  Multiple `yaml:"surge"`  // of the load's rate; default 10x
	Limits []string `yaml:"limits"` // see [autoscaling.ParseLimit]
}

// Metrics say where a service's own metrics are, for queries that many services
// share; see [Subject].
type Metrics struct {
	Histogram string            `yaml:"histogram"` // of its requests; default http_request_duration_seconds
	Labels    map[string]string `yaml:"labels"`    // that its series have besides the namespace and the pod
	Range     time.Duration     `yaml:"range"`     // of rates; default 15 s
}

// An Experiment is one as it is written: of the catalogue, varied, or a user's own.
type Experiment struct {
	// From names the one that this is a merge patch of: SUITE/EXPERIMENT of the
	// catalogue, or one of the file.
	From    string `yaml:"from"`
	Title   string `yaml:"title"`   // {{.Service}} is the service's name
	Service string `yaml:"service"` // of the catalogue's: the one that runs it
	Skip    string `yaml:"skip"`    // why it is not run
	Times   Times  `yaml:"times"`
	// AtLeast are times that the fault needs to show its effect. They are used
	// where the experiment's own Times say nothing and the file's are shorter.
	AtLeast Times `yaml:"atLeast"`
	// Checks are in place of the service's, ExtraChecks besides.
	Checks      []string `yaml:"checks"`
	ExtraChecks []string `yaml:"extraChecks"`
	// Expects are what is expected besides: "autoscaler".
	Expects []string `yaml:"expects"`
	// Limits are merged into those of checks, by their name; of every check on a
	// signal by "signal NAME", and of an expectation by its.
	Limits map[string]LimitTexts `yaml:"limits"`
	Faults Named[Fault]          `yaml:"faults"`
	Load   *yaml.Node            `yaml:"load"` // a merge patch of the service's [Load]
}

// LimitTexts are limits whose form depends on what they are on.
type LimitTexts []string

// Multiple is "10x".
type Multiple float64

// UnmarshalText reads it.
func (m *Multiple) UnmarshalText(text []byte) error {
	t, err := steadystate.ParseTolerance("<= " + string(text))
	if err != nil || t.Dimension() != "multiple" {
		return fmt.Errorf("%q is not a multiple; write it as in 10x", text)
	}
	*m = Multiple(t.Value())
	return nil
}

// Named are values by name, in the order of the file.
type Named[T any] struct {
	Names  []string
	Values map[string]T
	at     map[string]cursor
}

// Get is the value of a name, if there is one.
func (m Named[T]) Get(name string) (value T, ok bool) {
	value, ok = m.Values[name]
	return value, ok
}

func (m *Named[T]) set(name string, at cursor, value T) {
	if m.Values == nil {
		m.Values, m.at = map[string]T{}, map[string]cursor{}
	}
	if _, there := m.Values[name]; !there {
		m.Names = append(m.Names, name)
	}
	m.Values[name], m.at[name] = value, at
}

func (m *Named[T]) decode(d *decoder, at cursor) {
	for name, inner := range d.names(at) {
		var value T
		d.value(inner, &value)
		m.set(name, inner, value)
	}
}

// sorted are the names in the order of the alphabet, for choices.
func (m Named[T]) sorted() []string { return slices.Sorted(maps.Keys(m.Values)) }
