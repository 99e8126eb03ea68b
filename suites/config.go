package suites

import (
	"net/http"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/steadystate/probe"
	"github.com/aftershockhq/aftershock/steadystate/prom"
)

// A Config is a configuration file, aftershock.yaml, once it was read and
// checked. See the file's documentation for what each field means.
type Config struct {
	// Path is the file.
	Path string

	Cluster struct {
		Kubeconfig string // empty: as kubectl finds it
		Context    string // empty: the current one
		// UID is the UID of the namespace kube-system, which tells one cluster
		// from another whatever its name is.
		UID string
	}
	Namespaces []string // that faults may touch
	Protected  []map[string]string
	Service    struct {
		kube.Workload
		// What the file does not say of the following is read from the cluster, by
		// [Target.Read].
		Service   string // empty: no Service selects the pods
		Container string // that serves
		Selector  *metav1.LabelSelector

		held string // why a new template does not reach every pod; see [kube.State]
	}
	// Dependency is what the service calls; without a selector there is none.
	Dependency struct {
		Namespace string
		Selector  map[string]string
	}
	Load       load.HTTP
	Workers    Workers           // that drive the load; none: this machine does
	WebSocket  *probe.WebSocket  // nil: there is no such signal
	GRPC       *probe.GRPCHealth // nil: there is no such signal
	Prometheus *prom.Config      // nil: no check has a query
	// Baseline is what limits on a multiple of it refer to: BaselineSettle or
	// BaselineControl.
	Baseline string
	// Autoscaler of the service; without a name there is none.
	Autoscaler struct {
		Name   string
		Surge  float64  // by how much the load is multiplied
		Limits []string // in the form of [autoscaling.ParseLimit]
		// reading is of what the pods use; nil: there is no Prometheus.
		reading *prom.Source
	}
	// Capacity is what the objectives are asked of.
	Capacity struct {
		Histogram string                 // of the service's requests, without "_bucket"
		Labels    map[string]string      // that its series have besides the namespace and the pod
		Range     time.Duration          // of the objectives' rates
		queries   map[string]string      // by objective, in place of the defaults
		sources   map[string]prom.Source // by objective; nil: there are no objectives
	}
	// PodSignals are observed of each pod apart, by name.
	PodSignals map[string]prom.PerSeries
	podQueries map[string]string // by signal, in place of the defaults

	Settle, Hold, Watch time.Duration

	Checks  []steadystate.Check
	queries []query

	// Variations are what is different of single experiments, by their ids.
	Variations map[string]Variation

	lines lines
}

// The baselines that a configuration may choose.
const (
	BaselineSettle  = "settle"  // the settled stretch before the fault, of the same run
	BaselineControl = "control" // a control run of the suite
)

// query is the query of a check that has one.
type query struct {
	check  string
	source prom.Source
	path   string // where it is in the file
}

// The signals that a check can name; a check with a query has one of its own.
const (
	// SignalReplicas is how many of the desired pods are ready, as a share.
	SignalReplicas = "replicas"
	// SignalRollout is how far the newest revision is rolled out, 1 when the
	// rollout is complete.
	SignalRollout = "rollout"
	// SignalWebSocket and SignalGRPC are there if the file has their sections.
	SignalWebSocket = "websocket"
	SignalGRPC      = "grpc"
)

// replicasEvery is how often the replicas, and the rollout, are read.
const replicasEvery = time.Second

// Window is how long a run looks on from the injection, at least.
func (c Config) Window() time.Duration { return c.Hold + c.Watch }

// The pod signals of a file that names a Prometheus, which scrapes the
// kubelets' cAdvisor as most do. The greatest of a pod's series and not their
// sum: where the kubelets' other metrics are scraped too they are there twice,
// and so is a container that was just restarted. No older ones than of a minute:
// the kubelets' samples have times of their own, so that Prometheus does not
// notice for five minutes that a container has gone.
const (
	defaultCPU    = `max by (pod) (rate(container_cpu_usage_seconds_total{namespace=%q,container=%q}[10s]))`
	defaultMemory = `max by (pod) (last_over_time(container_memory_working_set_bytes{namespace=%q,container=%q}[1m]))`
)

// file is the configuration file as it is written.
type file struct {
	Cluster struct {
		Kubeconfig string `yaml:"kubeconfig"`
		Context    string `yaml:"context"`
		UID        string `yaml:"uid"`
	} `yaml:"cluster"`
	Allow struct {
		Namespaces []string            `yaml:"namespaces"`
		Protected  []map[string]string `yaml:"protected"`
	} `yaml:"allow"`
	Service struct {
		Namespace string            `yaml:"namespace"`
		Workload  string            `yaml:"workload"`
		Service   string            `yaml:"service"`
		Container string            `yaml:"container"`
		Selector  map[string]string `yaml:"selector"`
	} `yaml:"service"`
	Dependency struct {
		Namespace string            `yaml:"namespace"`
		Selector  map[string]string `yaml:"selector"`
	} `yaml:"dependency"`
	Load struct {
		URL           string                       `yaml:"url"`
		Rate          string                       `yaml:"rate"`
		Shape         string                       `yaml:"shape"`
		Targets       string                       `yaml:"targets"`
		Method        string                       `yaml:"method"`
		Headers       map[string]string            `yaml:"headers"`
		HeaderFiles   []string                     `yaml:"header_files"`
		SecretHeaders map[string]map[string]string `yaml:"secret_headers"`
		BodyFile      string                       `yaml:"body_file"`
		Timeout       string                       `yaml:"timeout"`
		NamedBy       string                       `yaml:"named_by"`
		Success       struct {
			Status []string `yaml:"status"`
			Body   struct {
				Contains string `yaml:"contains"`
			} `yaml:"body"`
		} `yaml:"success"`
		Reuse     bool   `yaml:"reuse_connections"`
		ReuseRate string `yaml:"reuse_rate"`
		CAFile    string `yaml:"ca_file"`
		Workers   *struct {
			Count     int    `yaml:"count"`
			Image     string `yaml:"image"`
			Namespace string `yaml:"namespace"`
			CPU       string `yaml:"cpu"`
			Memory    string `yaml:"memory"`
		} `yaml:"workers"`
	} `yaml:"load"`
	WebSocket *struct {
		URL     string `yaml:"url"`
		Every   string `yaml:"every"`
		Timeout string `yaml:"timeout"`
		Fresh   bool   `yaml:"fresh_connections"`
		CAFile  string `yaml:"ca_file"`
	} `yaml:"websocket"`
	GRPC *struct {
		Address string `yaml:"address"`
		Service string `yaml:"service"`
		Every   string `yaml:"every"`
		Timeout string `yaml:"timeout"`
		TLS     bool   `yaml:"tls"`
		CAFile  string `yaml:"ca_file"`
	} `yaml:"grpc"`
	Prometheus *struct {
		URL  string         `yaml:"url"`
		HTTP map[string]any `yaml:"http_config"`
	} `yaml:"prometheus"`
	Times struct {
		Settle string `yaml:"settle"`
		Hold   string `yaml:"hold"`
		Watch  string `yaml:"watch"`
	} `yaml:"times"`
	Checks []struct {
		Name    string   `yaml:"name"`
		Signal  string   `yaml:"signal"`
		Query   string   `yaml:"query"`
		Reduce  string   `yaml:"reduce"`
		Every   string   `yaml:"every"`
		Good    string   `yaml:"good"`
		Allowed string   `yaml:"allowed"`
		Limits  []string `yaml:"limits"`
	} `yaml:"checks"`
	Baseline   string `yaml:"baseline"`
	Autoscaler *struct {
		Name   string   `yaml:"name"`
		Surge  string   `yaml:"surge"`
		Limits []string `yaml:"limits"`
	} `yaml:"autoscaler"`
	Capacity *struct {
		Histogram string            `yaml:"histogram"`
		Labels    map[string]string `yaml:"labels"`
		Range     string            `yaml:"range"`
		Queries   map[string]string `yaml:"queries"`
	} `yaml:"capacity"`
	PodSignals struct {
		CPU    string `yaml:"cpu"`
		Memory string `yaml:"memory"`
		Calls  string `yaml:"calls"`
	} `yaml:"pod_signals"`
	Experiments map[string]struct {
		Skip   string              `yaml:"skip"`
		Hold   string              `yaml:"hold"`
		Watch  string              `yaml:"watch"`
		Follow bool                `yaml:"follow"`
		Limits map[string][]string `yaml:"limits"`
	} `yaml:"experiments"`
}

// The defaults of what the file leaves out.
const (
	defaultRate   = "100/s"
	defaultSettle = 10 * time.Second
	defaultHold   = 10 * time.Second
	defaultWatch  = 30 * time.Second
)

// defaultChecks are those of a file that has none.
func defaultChecks() []steadystate.Check {
	return []steadystate.Check{
		{
			Name:    "service answers",
			Signal:  record.TrafficSignal,
			Good:    steadystate.Within(2 * time.Second),
			Allowed: 0.001,
			Limits:  steadystate.Limits("downtime <= 5s", "ttr <= 30s", "errors <= 1%", "p95 <= 2s"),
		},
		{
			Name:   "replicas are ready",
			Signal: SignalReplicas,
			Good:   steadystate.AtLeast(1),
			Limits: steadystate.Limits("ttr <= 5m"),
		},
	}
}

func header(values map[string]string) http.Header {
	h := http.Header{}
	for k, v := range values {
		h.Set(k, v)
	}
	return h
}
