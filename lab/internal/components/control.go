// Package components lists what the lab runs: one file for each component, with its flags, what it needs first and how it
// shows that it serves. To add one, write such a file and put it into Control or Node.
//
// Everything here runs inside the lab: paths begin with /lab, and loopback is the lab's own.
package components

import (
	"github.com/aftershockhq/aftershock/lab/internal/cgroup"
	"github.com/aftershockhq/aftershock/lab/internal/place"
	"github.com/aftershockhq/aftershock/lab/internal/supervise"
)

// run is the folder of the lab as its components see it.
const run = place.Inside

// Control is what runs beside the nodes. The group is the lab's own.
func Control(nodes int, lab cgroup.Group) []supervise.Component {
	list := []supervise.Component{
		etcd(),
		apiserver(),
		controllerManager(),
		scheduler(),
		chaosControllerManager(),
		prometheus(nodes),
		prometheusTargets(),
		metricsServer(),
	}
	for n := 1; n <= nodes; n++ {
		list = append(list, node(n, nodes, lab))
	}
	return list
}

// Node is what runs on the n-th node.
func Node(n int) []supervise.Component {
	return []supervise.Component{
		containerd(n),
		kubelet(n),
		kubeProxy(n),
		chaosDaemon(n),
	}
}
