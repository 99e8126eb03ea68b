package components

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aftershockhq/aftershock/lab/internal/cluster"
	"github.com/aftershockhq/aftershock/lab/internal/netem"
	"github.com/aftershockhq/aftershock/lab/internal/plan"
	"github.com/aftershockhq/aftershock/lab/internal/supervise"
)

// chaosDaemon is the part of Chaos Mesh that touches a node's containers: their networks, cgroups and processes.
func chaosDaemon(n int) supervise.Component {
	const tools = "/run/chaos-daemon" // first in its PATH
	name, address := plan.NodeName(n), plan.NodeAddress(n)
	return supervise.Component{
		Name:  "chaos-daemon",
		Needs: []string{"containerd", "kubelet"},
		Prepare: func(ctx context.Context) error {
			if err := chaosTools(tools); err != nil {
				return err
			}
			c, err := cluster.Connect(run.Kubeconfig())
			if err != nil {
				return err
			}
			return supervise.Until(ctx, func(ctx context.Context) error { return announce(ctx, c, name, address) })
		},
		Args: []string{
			run.Bin("chaos-daemon"),
			"--runtime=containerd",
			"--runtime-socket-path=" + ContainerdSocket,
			fmt.Sprintf("--grpc-port=%d", plan.ChaosDaemonPort),
			"--http-port=31766",
		},
		Env:   []string{"PATH=" + tools + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
		Ready: supervise.Listens("tcp", fmt.Sprintf("%s:%d", address, plan.ChaosDaemonPort)),
	}
}

// chaosTools puts what chaos-daemon starts where it looks: some of it at fixed paths.
func chaosTools(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for path, target := range map[string]string{
		"/usr/local/bin/nsexec":                run.Bin("nsexec"),
		"/usr/local/bin/pause":                 run.Bin("chaos-pause"),
		"/host-sys":                            "/sys",
		filepath.Join(folder, "memStress"):     run.Bin("memstress"),
		filepath.Join(folder, "tc"):            run.Bin("tc"),
		filepath.Join(folder, "iptables"):      "/usr/sbin/xtables-legacy-multi", // its own image has the legacy ones too
		filepath.Join(folder, "iptables-save"): "/usr/sbin/xtables-legacy-multi",
	} {
		// Two nodes share /usr/local/bin, and a daemon that is started again finds all of it.
		if err := os.Symlink(target, path); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}

// announce tells the controller where this node's daemon is, and the readers of the node's annotations what it is made of.
func announce(ctx context.Context, c *cluster.Client, node, address string) error {
	kernel, err := netem.Kernel(ctx)
	if err != nil {
		return err
	}
	kind := plan.NetemEmulated
	if kernel {
		kind = plan.NetemKernel
	}
	if err := c.Annotate(ctx, node, plan.NetemAnnotation, kind); err != nil {
		return err
	}
	if err := c.EnsureNamespace(ctx, plan.ChaosNamespace); err != nil {
		return err
	}
	// The controller looks for slices whose name begins with "chaos-daemon-", and for nothing else: no Service is needed.
	return c.Apply(ctx, &discoveryv1.EndpointSlice{
		TypeMeta:    metav1.TypeMeta{APIVersion: "discovery.k8s.io/v1", Kind: "EndpointSlice"},
		ObjectMeta:  metav1.ObjectMeta{Name: "chaos-daemon-" + node, Namespace: plan.ChaosNamespace},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: new("grpc"), Port: new(int32(plan.ChaosDaemonPort))}},
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{address}, NodeName: &node}},
	})
}
