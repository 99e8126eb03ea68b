// Package plan fixes the lab's addresses and names, so that every part of it can say where another part is.
//
//	host 198.18.0.1 ── labh0/up0 ── sw0 198.18.0.2 (control plane)
//	                                 ├── node1 198.18.0.11, pods 198.18.65.0/24
//	                                 └── node2 198.18.0.12, pods 198.18.66.0/24
//
// All of it lies in 198.18.0.0/15, the range that RFC 2544 sets aside for tests between networks, and there is no
// default route: nothing in the lab can reach an address outside it.
package plan

import "fmt"

const (
	// Network is every address the lab may use.
	Network = "198.18.0.0/15"
	// Host is the host's end of the only link into the lab.
	Host = "198.18.0.1"
	// Control is the address of everything that is not on a node: API server, Prometheus, chaos-controller-manager.
	Control = "198.18.0.2"
	// Services is the range of the ClusterIPs.
	Services = "198.19.0.0/16"
	// FirstService is the ClusterIP of the API server itself.
	FirstService = "198.19.0.1"
	// Pods is the range of all nodes' pods.
	Pods = "198.18.64.0/18"

	// HostLink is the host's end of the veth pair, UpLink the lab's.
	HostLink = "labh0"
	// UpLink is the lab's end of the veth pair.
	UpLink = "up0"

	// API is the API server, from the host and from inside.
	API = "https://" + Control + ":6443"
	// Prometheus is the base URL of Prometheus.
	Prometheus = "http://" + Control + ":9090"
	// ChaosMetrics is where chaos-controller-manager shows its metrics.
	ChaosMetrics = "http://" + Control + ":10080/metrics"

	// ChaosWebhooks is where the API server reaches chaos-controller-manager: both run beside the nodes.
	ChaosWebhooks = "https://127.0.0.1:9443"
	// ChaosDaemonPort is where chaos-daemon serves on each node.
	ChaosDaemonPort = 31767

	// MetricsPort is where metrics-server serves, beside the nodes.
	MetricsPort = 4443

	// FlaggerPort is where Flagger serves its health and metrics, beside the nodes.
	FlaggerPort = 10090
	// RolloutsPort is where Argo Rollouts serves its metrics, beside the nodes.
	RolloutsPort = 10091
	// RolloutsHealth is where it serves its health.
	RolloutsHealth = 10092

	// NetemAnnotation on a node says what delays and loses packets there: NetemKernel or NetemEmulated.
	NetemAnnotation = "aftershock.dev/netem"
	// NetemKernel is the kernel's own netem.
	NetemKernel = "kernel"
	// NetemEmulated is the lab's stand-in for it, on a kernel that has none.
	NetemEmulated = "emulated"

	// ChaosNamespace is the namespace of Chaos Mesh.
	ChaosNamespace = "chaos-mesh"
	// PauseImage is the image name of a pod's sandbox and of pod-failure.
	PauseImage = "registry.k8s.io/pause:3.6"

	// MaxNodes is how many nodes the address plan has been tried with.
	MaxNodes = 2
)

// NodeName is the name of the n-th node, from 1.
func NodeName(n int) string { return fmt.Sprintf("node%d", n) }

// NodeAddress is the address of the n-th node.
func NodeAddress(n int) string { return fmt.Sprintf("198.18.0.%d", 10+n) }

// NodePods is the range of the n-th node's pods.
func NodePods(n int) string { return fmt.Sprintf("198.18.%d.0/24", 64+n) }

// Zone is the zone of the n-th node: each node has its own.
func Zone(n int) string { return fmt.Sprintf("zone-%d", n) }
