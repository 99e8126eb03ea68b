package components

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aftershockhq/aftershock/lab/internal/cgroup"
	"github.com/aftershockhq/aftershock/lab/internal/iproute"
	"github.com/aftershockhq/aftershock/lab/internal/plan"
	"github.com/aftershockhq/aftershock/lab/internal/supervise"
)

// The shares of processor time when it is scarce. Without them every process that starts or watches pods weighs half as much as
// all pods together, and a service's calls time out whenever a pod starts.
const (
	// nodeWeight is to the 1 of each component of the control plane. With 8, stress that filled the machine kept Prometheus and
	// the API server from answering.
	nodeWeight = 4
	// besidePods is of each component of a node, with all that it starts, as containerd's shims. Four of them weigh 1, to the 1
	// for each core that the kubelet gives all pods together (0.4 on cgroup v2), as system.slice does on other nodes.
	// chaos-daemon keeps 1: where the kernel has no netem it starts what carries the packets of pods.
	besidePods = 0.25
)

// node is a machine of its own: namespaces, a cgroup and a network inside the lab's. Stopping it is pulling its plug.
func node(n, nodes int, lab cgroup.Group) supervise.Component {
	name := plan.NodeName(n)
	own := lab.Child(name)
	// In the cgroup first: that makes it the root of the node's cgroup namespace, so that its kubelet sees only itself.
	script := fmt.Sprintf(`for dir in %s; do echo $$ > $dir/cgroup.procs || exit 1; done
exec nsenter --net=/run/netns/%s unshare --mount --pid --uts --ipc --cgroup --fork --kill-child=SIGKILL "$@"`,
		strings.Join(own.Dirs(), " "), name)
	return supervise.Component{
		Name:   name,
		Weight: nodeWeight,
		Stop:   syscall.SIGKILL,
		Prepare: func(ctx context.Context) error {
			// Groups left by a node that died make its next kubelet start take half a minute.
			if err := own.Kill(ctx); err != nil {
				return err
			}
			if err := errors.Join(own.Remove(), own.Make(), os.MkdirAll(run.Data(name), 0o755)); err != nil {
				return err
			}
			return plug(ctx, n, nodes)
		},
		Args:    []string{"/bin/sh", "-c", script, name, run.Bin("pause"), run.Bin("lab"), "node", strconv.Itoa(n)},
		Started: func(pid int) error { return leave(pid, lab) },
		Ready: func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
			defer cancel()
			states, err := supervise.Dial(run.Socket(name)).States(ctx)
			if err != nil {
				return err
			}
			for _, c := range states {
				if c.State != supervise.Ready {
					return fmt.Errorf("%s is %s: %s", c.Name, c.State, c.Reason)
				}
			}
			return nil
		},
	}
}

// plug connects the node to the lab's switch, with a network namespace that holds nothing of an earlier life.
func plug(ctx context.Context, n, nodes int) error {
	name, link := plan.NodeName(n), "sw0-"+plan.NodeName(n)
	_ = iproute.Run(ctx, "netns", "delete", name)
	_ = iproute.Run(ctx, "link", "delete", link)
	if err := iproute.Run(ctx, "netns", "add", name); err != nil {
		return err
	}
	if err := iproute.Batch(ctx, "",
		fmt.Sprintf("link add %s type veth peer name eth0 netns %s", link, name),
		fmt.Sprintf("link set %s master sw0 up", link),
	); err != nil {
		return err
	}
	lines := []string{
		"link set lo up",
		fmt.Sprintf("addr add %s/24 dev eth0", plan.NodeAddress(n)),
		"link set eth0 up",
		// Without a route the node itself could not connect to a ClusterIP; kube-proxy's rules see it before it gets lost.
		"link add svc0 type bridge",
		"link set svc0 up",
		fmt.Sprintf("route add %s dev svc0", plan.Services),
	}
	for other := 1; other <= nodes; other++ {
		if other != n {
			lines = append(lines, fmt.Sprintf("route add %s via %s", plan.NodePods(other), plan.NodeAddress(other)))
		}
	}
	return iproute.Batch(ctx, name, lines...)
}

// leave takes the process that waits for the node out of the node's v2 cgroup, which the node could not do itself: it does
// not see that process, and a group with a process in it can have no controlled children. On v1 there is no such rule.
func leave(pid int, lab cgroup.Group) error {
	trees, err := cgroup.Mounted()
	if err != nil || !trees.Unified() {
		return err
	}
	for range 100 {
		children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
		if err == nil && len(children) > 0 {
			return lab.Child("init").Add(pid)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("process %d has started nothing", pid)
}
