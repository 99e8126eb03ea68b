package record

// A Workload describes what a run is about, as the cluster had it when the run
// began. What the cluster did not say is empty.
type Workload struct {
	Subject string `json:"subject"` // deployment/namespace/name, as the subject of its events
	// Replicas is how many pods it desired, Strategy how it replaces pods:
	// RollingUpdate, Recreate or OnDelete.
	Replicas int    `json:"replicas"`
	Strategy string `json:"strategy,omitempty"`
	// MaxUnavailable is how many pods a rollout may take away before others are
	// ready, as a number or a percentage.
	MaxUnavailable string `json:"maxUnavailable,omitempty"`
	// MaxSurge is how many pods it may have beyond those, likewise.
	MaxSurge string `json:"maxSurge,omitempty"`
	// GraceSeconds is how long a pod that is asked to end may take.
	GraceSeconds int         `json:"graceSeconds"`
	Containers   []Container `json:"containers"`
	// Serving is the name of the container that serves; empty: it is not known.
	Serving string `json:"serving,omitempty"`
	// Nodes are those on which its pods were, by pod.
	Nodes map[string]string `json:"nodes,omitempty"`
	// Zones are those of the nodes, by node; empty: they name none, or could not be read.
	Zones map[string]string `json:"zones,omitempty"`
	// SchedulableNodes is how many nodes of the cluster take pods with its tolerations, and
	// SchedulableZones in how many zones these are; 0: they could not be read, or name no
	// zone. AllowedNodes and AllowedZones are the same of those that its nodeSelector and
	// its required node affinity allow, too.
	SchedulableNodes int `json:"schedulableNodes,omitempty"`
	SchedulableZones int `json:"schedulableZones,omitempty"`
	AllowedNodes     int `json:"allowedNodes,omitempty"`
	AllowedZones     int `json:"allowedZones,omitempty"`
	// Spread is how its template keeps its pods apart, by topology key: DoNotSchedule or
	// ScheduleAnyway by a topology spread constraint, required or preferred by pod
	// anti-affinity; of several the one that binds. Nil: that was not recorded.
	Spread map[string]string `json:"spread,omitzero"`
	// Autoscalers are the minReplicas of the horizontal autoscalers that scale it, by name,
	// whether or not the run follows one; nil: they could not be read.
	Autoscalers map[string]int `json:"autoscalers,omitzero"`
	// Budgets are the names of the PodDisruptionBudgets that cover its pods; nil: they
	// were not read, which they are for an eviction.
	Budgets []string `json:"budgets,omitzero"`
}

// A Container is one of a pod's containers.
type Container struct {
	Name string `json:"name"`
	// Readiness and Liveness are its probes in a few words, "GET /readyz every 1s";
	// empty: it has none.
	Readiness string `json:"readiness,omitempty"`
	Liveness  string `json:"liveness,omitempty"`
	// ReadinessProbe and LivenessProbe are the same in full; nil: it has none, or an older
	// version made the record.
	ReadinessProbe *Probe `json:"readinessProbe,omitempty"`
	LivenessProbe  *Probe `json:"livenessProbe,omitempty"`
	// GraceSeconds is how long it may take to end after one of its probes failed; 0: as
	// long as the pod.
	GraceSeconds int `json:"graceSeconds,omitempty"`
	// PreStop: something runs in it before it is asked to end.
	PreStop bool `json:"preStop,omitempty"`
	// Requests and Limits are those of resources, by name.
	Requests map[string]string `json:"requests,omitempty"`
	Limits   map[string]string `json:"limits,omitempty"`
}

// A Probe is one of a container's, with the defaults of Kubernetes.
type Probe struct {
	How            string `json:"how"`            // GET, TCP, gRPC or exec
	Path           string `json:"path,omitempty"` // of GET
	Port           string `json:"port,omitempty"` // a number, or the name of a port; of exec none
	PeriodSeconds  int    `json:"periodSeconds"`
	TimeoutSeconds int    `json:"timeoutSeconds"`
	Failures       int    `json:"failures"` // in a row, that count as one
}
