package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/experiments/stop"
	"github.com/aftershockhq/aftershock/experiments/workers"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/steadystate/probe"
	"github.com/aftershockhq/aftershock/steadystate/prom"
	"github.com/aftershockhq/aftershock/steadystate/secret"
)

// Version is the apiVersion of the files that this program reads.
const Version = "aftershock/v1"

// A File is a configuration file, as it is written. The catalogue of the
// standard suites has the same form, without a cluster and its services.
//
// The comments of the fields here, and of the types that they have, are the
// descriptions of the JSON Schema: "Required.", "Default: ..." and
// "Example: ..." at their end say what they say.
type File struct {
	// APIVersion is the version of the file's language, aftershock/v1. Required.
	APIVersion string `yaml:"apiVersion"`
	// Cluster identifies the cluster. No other cluster is touched. Required.
	Cluster Cluster `yaml:"cluster"`
	// Allow limits what faults may touch. Required.
	Allow Allow `yaml:"allow"`
	// Prometheus answers checks with a query, and shows effects that only metrics show.
	// Default: there is no Prometheus.
	Prometheus *prom.Config `yaml:"prometheus"`
	// Freeze says when no run may begin and nothing is injected. Default: never, except
	// while runs are stopped by "aftershock stop".
	Freeze *Freeze `yaml:"freeze"`
	// Times are the lengths of the phases of each run. An experiment may have its own.
	Times Times `yaml:"times"`
	// Baseline defines "x baseline" in limits: settle, the settled stretch before the
	// fault, or control, a control run of the suite without its faults. Default:
	// settle.
	Baseline string `yaml:"baseline"`
	// Abort says when a run has gone too far: it then undoes its faults at once and
	// ends. An experiment may have its own. Default: no run is aborted. Example:
	// {unless: {half: {signal: replicas, good: value >= 50%}}}.
	Abort Abort `yaml:"abort"`
	// Checks say, by name, what is good, how much may be bad, and which limits must
	// hold.
	// A name of the catalogue, which has a slash, changes the catalogue's check.
	// Example:
	// {answers: {signal: requests, good: value <= 1s, limits: [downtime <= 3s]}}.
	Checks Named[Check] `yaml:"checks"`
	// Services are the services to test, by name. IDs begin with the name. Required.
	// Example: {checkout: {namespace: shop, workload: deployment/checkout}}.
	Services Named[Service] `yaml:"services"`
	// Experiments are your own, by names without a slash; a service's suites select those
	// of the catalogue. Example:
	// {kill: {service: checkout, faults: {kill: {podKill: {pods: 1}}}}}.
	Experiments Named[*yaml.Node] `yaml:"experiments"` // each an [Experiment], once it was merged
	// GameDays are plans of game days, by name, for "aftershock gameday". Example:
	// {storm: {why: does checkout survive a lost pod, owner: ann, steps: [{run: checkout}]}}.
	GameDays Named[GameDay] `yaml:"gamedays"`
}

// The baselines that a file may choose.
const (
	BaselineSettle  = "settle"  // the settled stretch before the fault, of the same run
	BaselineControl = "control" // a control run of the suite
)

// A Cluster says which cluster is meant.
type Cluster struct {
	// Kubeconfig is the file with the credentials. Default: as kubectl finds them, by
	// KUBECONFIG, ~/.kube/config or the pod's own account.
	Kubeconfig string `yaml:"kubeconfig"`
	// Context is a context of the kubeconfig. Default: the current one.
	Context string `yaml:"context"`
	// UID is the UID of the namespace kube-system, which identifies the cluster
	// whatever its context is called: kubectl get namespace kube-system -o
	// jsonpath={.metadata.uid}. Required. Example: 0b1c2d3e-0000-0000-0000-000000000000.
	UID string `yaml:"uid"`
	// Namespace is where the program keeps its own objects: the Leases that let one run
	// at a time use a workload, the ConfigMap that stops runs, the ledger of each run,
	// and the Job of load workers. It must exist, must not be in allow.namespaces, and
	// must be the same for everyone who tests the cluster.
	// Default: aftershock.
	Namespace string `yaml:"namespace"`
	// Image is an image with this version of the program as its entry point, for the
	// dead-man switch of each run: a Job in the namespace that sweeps the run if it is
	// killed, once its Leases were not renewed for half a minute. Without it, no bad
	// image is rolled out. Default: there is no switch. Example:
	// registry.example/aftershock:1.0.
	Image string `yaml:"image"`
	// ServiceAccount is the account of that Job, in the namespace; it needs the rights
	// to sweep. Default: aftershock.
	ServiceAccount string `yaml:"serviceAccount"`
}

// OwnNamespace is the default of [Cluster.Namespace].
const OwnNamespace = "aftershock"

// Allow says what faults may touch.
type Allow struct {
	// Namespaces are the only ones that faults may touch. Required. Example: [shop].
	Namespaces []string `yaml:"namespaces"`
	// Protected lists sets of labels; pods that have all labels of a set are never hit.
	// Example: [{app: database}].
	Protected []map[string]string `yaml:"protected"`
}

// A Freeze says when no run begins and nothing is injected.
type Freeze struct {
	// Windows are the times of a freeze. Each has from and to, schedule and for, or a
	// calendar. Example: [{schedule: "0 18 * * FRI", for: 62h, timezone: Europe/Berlin}].
	Windows []stop.Window `yaml:"windows"`
	// Incident is PromQL: there is an incident, and so a freeze, while any of its
	// series is not 0, or while a comparison returns a series. An empty result
	// means no incident; without an answer nothing begins. Example:
	// ALERTS{alertstate="firing",severity="page"}.
	Incident string `yaml:"incident"`
	// Running says what happens to a run when a freeze begins: finish, it continues
	// until it would inject another fault; or stop, its faults are undone at once.
	// Default: finish.
	Running string `yaml:"running"`
}

// What may become of a run that is under way when a freeze begins.
const (
	RunningFinish = "finish"
	RunningStop   = "stop"
)

// Times are how long the parts of a run take; zero is for what is not said.
type Times struct {
	// Settle is how long the checks must be good at least before the first fault, and
	// for an outage to be over. Default: 10s.
	Settle time.Duration `yaml:"settle"`
	// Hold is how long a fault stays, unless it is over at once. Default: 10s. Example:
	// 1m.
	Hold time.Duration `yaml:"hold"`
	// Watch is how long to observe after the fault is gone. Default: 30s. Example: 5m.
	Watch time.Duration `yaml:"watch"`
	// Undo is how long undoing all faults may take. It usually takes seconds, but
	// minutes after Chaos Mesh's controller was cut off from the API server. Default:
	// 3m, and 7m for a drain and a rollout.
	Undo time.Duration `yaml:"undo"`
	// Deadline is how long the whole run may take, without undoing. Default: twice the
	// length of the phases, plus 3m; at least 1h for a drain and a rollout.
	Deadline time.Duration `yaml:"deadline"`
}

// A Check says of a signal, or of what a query yields, what is good, how much may
// be bad, and which limits hold; see [steadystate.Check].
type Check struct {
	// Signal is what is observed: requests (seconds that each request of the load
	// took), "requests reused" (the same over kept connections), replicas (ready /
	// desired pods), rollout (100% when the newest revision is complete), websocket
	// or grpc (seconds until the probe's answer). A check has a signal or a query.
	Signal string `yaml:"signal"`
	// Query is PromQL, instead of a signal. {{.Series}} and the like in it stand for
	// the service that uses the check. Example: sum(rate(orders_total[10s])).
	Query string `yaml:"query"`
	// Reduce combines several series of the query: sum, max, min, avg, or each, which
	// makes each series an observation. Default: several series are an error.
	Reduce prom.Reduction `yaml:"reduce"`
	// Every is the time between two evaluations of the query. Default: 1s.
	Every time.Duration `yaml:"every"`
	// Good is the condition for a good observation: value, an operator and a number
	// with the signal's unit. Required. Examples: value <= 1s; value >= 99%.
	Good Good `yaml:"good"`
	// Allowed is the share of observations that may be bad without an outage, such as
	// stray errors. Default: 0%. Example: 0.1%.
	Allowed chaosmesh.Share `yaml:"allowed"`
	// Limits are on figures of the whole run: a quantity, an operator and a value,
	// and either during a phase or after removal of the fault; "aftershock judge
	// --help" lists the quantities. Default: good throughout. Example:
	// [downtime <= 3s, ttr <= 5s after removal, p95 <= 500ms during hold].
	Limits []steadystate.Limit `yaml:"limits"`
}

// Abort says when a run has gone too far.
type Abort struct {
	// Unless are conditions, by name, that must hold while faults are in place. Once
	// one does not, the run ends and is broken. Default: there are none. Example:
	// {half: {signal: replicas, good: value >= 50%, for: 5s}}.
	Unless Named[Condition] `yaml:"unless"`
	// Blind is how long a condition may go without an observation before the run ends
	// as unknown. It must be longer than the scrape interval of the series that a
	// query reads. Default: 10s. Example: 30s.
	Blind time.Duration `yaml:"blind"`
}

// A Condition must be met, or the run is aborted.
type Condition struct {
	// Signal is what is observed, as in a check. A condition has a signal or a query.
	Signal string `yaml:"signal"`
	// Query is PromQL, instead of a signal, evaluated every second. {{.Series}} and the
	// like in it stand for the service under test. Example:
	// sum(rate(orders_total[10s])).
	Query string `yaml:"query"`
	// Reduce combines several series of the query, as in a check. Default: several
	// series are an error.
	Reduce prom.Reduction `yaml:"reduce"`
	// Good is what each observation must satisfy: value, an operator and a number with
	// the signal's unit. Required. Examples: value <= 5s; value >= 50%.
	Good Good `yaml:"good"`
	// For is how long all observations must be bad to abort the run. Default: the first
	// bad one aborts it. Example: 5s.
	For time.Duration `yaml:"for"`
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
	// Namespace is the workload's namespace, one of allow.namespaces. Required.
	// Example:
	// shop.
	Namespace string `yaml:"namespace"`
	// Workload creates the pods: its kind and its name. A rollout is one of Argo
	// Rollouts. Required. Examples:
	// deployment/checkout; statefulset/ledger; daemonset/agent; rollout/checkout.
	Workload kube.Workload `yaml:"workload"`
	// Selector is the labels of the service's pods. Default: the workload's. Example:
	// {app: checkout}.
	Selector map[string]string `yaml:"selector"`
	// Container is the one that serves. Default: the only one.
	Container string `yaml:"container"`
	// Service is the Kubernetes Service in front of the pods. Default: the only one
	// that selects them.
	Service string `yaml:"service"`
	// Load is the HTTP load that experiments drive. Default: there is none. Example:
	// {url: http://checkout.example/checkout, rate: 100/s}.
	Load *Load `yaml:"load"`
	// Traffic is PromQL with one series for each pod, the rate of what it serves,
	// instead of a load: it proves that the pods that are hit took traffic.
	// Example: sum by (pod) (rate(ops_total[10s])).
	Traffic string `yaml:"traffic"`
	// WebSocket is a probe by messages that the service echoes. It makes the signal
	// websocket.
	WebSocket *WebSocket `yaml:"websocket"`
	// GRPC is a probe by gRPC's health check. It makes the signal grpc.
	GRPC *GRPC `yaml:"grpc"`
	// Checks are the names of the checks that must hold in each experiment without
	// checks of its own. Default: standard/answers if the service has a load, and
	// standard/replicas. Example: [answers, whole].
	Checks []string `yaml:"checks"`
	// Suites selects from the catalogue: all, SUITE or SUITE/EXPERIMENT. Example:
	// [pods, network/delay].
	Suites []string `yaml:"suites"`
	// Calls are the services of the file that this one calls, for network faults
	// between them. Example: [payments].
	Calls []string `yaml:"calls"`
	// Autoscaler is the workload's HorizontalPodAutoscaler; {} is one with all
	// defaults. Default: there is none.
	Autoscaler *Autoscaler `yaml:"autoscaler"`
	// Metrics describe the service's own metrics, for queries that services share.
	Metrics Metrics `yaml:"metrics"`
	// PodSignals are PromQL with one series for each pod, by name, in which the effects
	// of faults must show: cpu, in cores, and memory, in bytes, have defaults from the
	// kubelets' cAdvisor metrics; calls are successful calls per second. Example:
	// {calls: "sum by (pod) (rate(calls_total[10s]))"}.
	PodSignals map[string]string `yaml:"podSignals"`
	// Vary changes experiments of the catalogue for this service, by SUITE/EXPERIMENT:
	// each is merged into the catalogue's, and null removes a field.
	// Example: {network/delay: {times: {hold: 1m}}}.
	Vary Named[*yaml.Node] `yaml:"vary"`
}

// A Load is a load of HTTP requests.
type Load struct {
	// URL is the URL to request. It or targets is required. Example:
	// http://checkout.example/checkout.
	URL string `yaml:"url"`
	// Rate is the rate of requests, over time: a rate, a ramp, steps, a sine or a
	// spike, each per second or minute. Default: 100/s. Examples: 1000/min; ramp from
	// 10/s to 100/s over 1m; steps 10/s for 20s, 50/s; sine 50/s by 30/s every 1m;
	// spike from 100/s to 1000/s after 10s for 30s.
	Rate load.Shape `yaml:"rate"`
	// Targets is a file in vegeta's HTTP or JSON format, instead of a url.
	Targets string `yaml:"targets"`
	// Method is the HTTP method. Default: GET.
	Method string `yaml:"method"`
	// Headers are sent with each request, by name: a value, or where a secret value is.
	// Example: {Accept: application/json, Authorization: {env: TOKEN}}.
	Headers map[string]Header `yaml:"headers"`
	// HeaderFiles are files with more headers, as lines "Name: value".
	HeaderFiles []string `yaml:"headerFiles"`
	// BodyFile is a file with the body of each request.
	BodyFile string `yaml:"bodyFile"`
	// Timeout is how long a request may take. Default: 2s.
	Timeout time.Duration `yaml:"timeout"`
	// BackendHeader is the response header that names the pod that answered: the proof
	// that the pods that are hit took traffic. Default: X-Pod.
	BackendHeader string `yaml:"backendHeader"`
	// Success says which answers are good. Default: a status from 200 to 299;
	// nothing follows a redirect.
	// Example: {status: [200-299], body: {contains: ok}}.
	Success Success `yaml:"success"`
	// Reuse keeps connections and reuses them. Default: false.
	Reuse bool `yaml:"reuse"`
	// ReuseRate is the rate of additional requests over kept connections, the signal
	// "requests reused"; not with reuse. Example: 19/s.
	ReuseRate load.Rate `yaml:"reuseRate"`
	// CAFile is a file of certificate authorities, PEM. Default: the system's
	// authorities.
	CAFile string `yaml:"caFile"`
	// Workers are pods of an Indexed Job in the cluster that drive the load together.
	// Default: this machine drives it. Example: {count: 4, image: aftershock}.
	Workers *workers.Pods `yaml:"workers"`
}

// Success is what makes an answer a good one.
type Success struct {
	// Status are the codes of good answers, and ranges of them, within 200-399.
	// Default: [200-299]. Examples: [200-299, 304]; [200-399].
	Status []load.StatusRange `yaml:"status"`
	// Body says what the body of a good answer contains.
	Body Body `yaml:"body"`
}

// A Body is what the body of a good answer must be like.
type Body struct {
	// Contains is a text that the body must contain. Default: any body.
	Contains string `yaml:"contains"`
}

// A Header is the value of a header, or where a secret one is.
type Header struct {
	Value  string
	Secret secret.Secret
}

// credentials are words in the names of headers whose values may be secret. A key is
// one after a word of keyed: that of Idempotency-Key is none.
var (
	credentials = []string{"auth", "authorization", "token", "secret", "password", "passwd", "cookie", "apikey"}
	keyed       = []string{"api", "access", "private", "subscription"}
)

// mayBeSecret reports whether the value of a header may be secret, by its name.
func mayBeSecret(header string) bool {
	last := ""
	for word := range strings.FieldsFuncSeq(strings.ToLower(header), func(c rune) bool { return c == '-' || c == '_' }) {
		if slices.Contains(credentials, word) || word == "key" && slices.Contains(keyed, last) {
			return true
		}
		last = word
	}
	return false
}

func (h *Header) decode(d *decoder, at cursor) {
	if at.is(yaml.ScalarNode) {
		h.Value = at.value.Value
		if mayBeSecret(at.key.Value) {
			d.bad(at, "is written out, and by its name it may be a secret; write {env: NAME}, an environment variable with the whole value, or {file: PATH}")
		}
		return
	}
	if !at.is(yaml.MappingNode) || d.ok(func() { d.value(at, &h.Secret) }) && (h.Secret.Env == "") == (h.Secret.File == "") {
		d.bad(at, "want the value as a text, or one of {env: NAME} and {file: PATH}")
	}
}

// A WebSocket is a probe by messages that the service echoes.
type WebSocket struct {
	probe.WebSocket `yaml:",inline"`
	// UseHeaders are sent when a connection is opened, by name: a value, or where a
	// secret value is, which is read then. With any, no redirect is followed.
	// Example: {Authorization: {env: TOKEN}}.
	UseHeaders map[string]Header `yaml:"headers"`
	// CAFile is a file of certificate authorities, PEM. Default: the system's
	// authorities.
	CAFile string `yaml:"caFile"`
}

// A GRPC is a probe by gRPC's health check.
type GRPC struct {
	probe.GRPCHealth `yaml:",inline"`
	// UseHeaders are sent with each check as its metadata, by name: a value, or where a
	// secret value is, which is read for each check.
	// Example: {Authorization: {env: TOKEN}}.
	UseHeaders map[string]Header `yaml:"headers"`
	// UseTLS speaks TLS. Default: false.
	UseTLS bool `yaml:"tls"`
	// CAFile is a file of certificate authorities, PEM; with tls. Default: the
	// system's authorities.
	CAFile string `yaml:"caFile"`
}

// An Autoscaler is a HorizontalPodAutoscaler.
type Autoscaler struct {
	// Name is the autoscaler's. Default: the name of the workload.
	Name string `yaml:"name"`
	// Surge is the factor by which a surge multiplies the load's rate. Default: 10x.
	Surge Multiple `yaml:"surge"`
	// Limits are on what the autoscaler does: lag, decision, actuation, ready,
	// relieved, back, replicas and turns. Default:
	// [decision <= 1m since fault, ready <= 2m since fault, turns <= 1, back <= 7m].
	Limits []string `yaml:"limits"`
}

// Metrics say where a service's own metrics are, for queries that many services
// share; see [Subject].
type Metrics struct {
	// Histogram is the histogram of the service's requests, {{.Histogram}} in
	// queries, without _bucket. Default: http_request_duration_seconds.
	Histogram string `yaml:"histogram"`
	// Labels are the labels of the service's series besides the namespace and the pod,
	// part of {{.Series}}. Example: {route: /checkout}.
	Labels map[string]string `yaml:"labels"`
	// Range is the range of rates, {{.Range}} in queries. Default: 15s.
	Range time.Duration `yaml:"range"`
}

// An Experiment is what is injected, and what must hold meanwhile: as it is
// written, of the catalogue, varied, or a user's own.
type Experiment struct {
	// From names the experiment that this one changes, SUITE/EXPERIMENT of the
	// catalogue or one of the file. This one is merged into it (RFC 7386): mappings
	// merge, null removes, limits merge by what they are on, and anything else is
	// replaced. Example: network/delay.
	From string `yaml:"from"`
	// Title is for people. In it {{.Service}} is the service's name. Default: the id.
	// Example: kill one pod of {{.Service}}.
	Title string `yaml:"title"`
	// Service is the service under test. Default: the only one. Example:
	// checkout.
	Service string `yaml:"service"`
	// Skip is the reason not to run the experiment. Default: it runs.
	Skip string `yaml:"skip"`
	// Times are the experiment's own. Default: the file's.
	Times Times `yaml:"times"`
	// AtLeast are the settle, hold and watch that the fault needs to show its effect.
	// They apply if the experiment has no such time of its own and the file's is
	// shorter.
	AtLeast Times `yaml:"atLeast"`
	// Checks are names of checks, instead of the service's. Example: [answers].
	Checks []string `yaml:"checks"`
	// ExtraChecks are names of additional checks. Example: [rollout/complete].
	ExtraChecks []string `yaml:"extraChecks"`
	// Expects says what else is judged: autoscaler, what the service's autoscaler did.
	// Example: [autoscaler].
	Expects []string `yaml:"expects"`
	// Limits are merged into those of a check by its name, of each check on a signal by
	// "signal NAME", and of the autoscaler by autoscaler. Each replaces the one on the
	// same quantity, phase and bound. Example: {answers: [p95 <= 900ms]}.
	Limits map[string]LimitTexts `yaml:"limits"`
	// Faults are the faults, by name; {} runs the load alone. Required without
	// from. Example: {kill: {podKill: {pods: 1}}}.
	Faults Named[Fault] `yaml:"faults"`
	// Load is merged into the service's. Example: {rate: 200/s}.
	Load *yaml.Node `yaml:"load"`
	// Abort is merged into the file's; null removes a condition. Example:
	// {unless: {half: null}}.
	Abort *yaml.Node `yaml:"abort"`
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
