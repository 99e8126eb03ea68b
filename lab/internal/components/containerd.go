package components

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/aftershockhq/aftershock/lab/internal/plan"
	"github.com/aftershockhq/aftershock/lab/internal/supervise"
)

const (
	// ContainerdSocket is where a node's containerd answers, in the node's own root.
	ContainerdSocket = "/run/containerd/containerd.sock"

	networks = "/run/cni" // where a node's CNI configuration lies
)

// containerd is Debian's, with runc and the CNI plugins of Debian. It is ready when it holds the lab's images.
func containerd(n int) supervise.Component {
	config := "/run/containerd.toml"
	data := filepath.Join(run.Data(plan.NodeName(n)), "containerd")
	return supervise.Component{
		Name:   "containerd",
		Weight: besidePods,
		Prepare: func(context.Context) error {
			snapshotter, err := snapshotter(run.Data(plan.NodeName(n)))
			if err != nil {
				return err
			}
			if err := os.MkdirAll(networks, 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(networks, "10-bridge.conflist"), []byte(bridgeConfig(n)), 0o644); err != nil {
				return err
			}
			return os.WriteFile(config, []byte(containerdConfig(data, snapshotter)), 0o644)
		},
		Args:  []string{"/usr/bin/containerd", "--config=" + config, "--log-level=warn"},
		Ready: imported(),
	}
}

// imported imports the images once containerd answers, and from then on only asks whether it answers.
func imported() func(context.Context) error {
	done := false
	answers := supervise.Listens("unix", ContainerdSocket)
	return func(ctx context.Context) error {
		if err := answers(ctx); err != nil || done {
			return err
		}
		archives, err := filepath.Glob(filepath.Join(run.Images(), "*.tar"))
		if err != nil || len(archives) == 0 {
			return fmt.Errorf("no image in %s: %w", run.Images(), err)
		}
		for _, archive := range archives {
			if err := Import(ctx, ContainerdSocket, archive); err != nil {
				return err
			}
		}
		done = true
		return nil
	}
}

// Import imports an image archive by containerd's socket, which may be seen from elsewhere.
func Import(ctx context.Context, socket, archive string) error {
	out, err := exec.CommandContext(ctx, "ctr", "--address="+socket, "--namespace=k8s.io", "images", "import", archive).CombinedOutput()
	if err != nil {
		return fmt.Errorf("import %s: %w: %s", archive, err, out)
	}
	return nil
}

// snapshotter is overlayfs, except on a file system that cannot carry it.
func snapshotter(folder string) (string, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(folder, &fs); err != nil {
		return "", fmt.Errorf("look at the file system of %s: %w", folder, err)
	}
	if fs.Type == unix.OVERLAYFS_SUPER_MAGIC {
		return "native", nil
	}
	return "overlayfs", nil
}

func containerdConfig(data, snapshotter string) string {
	return fmt.Sprintf(`version = 2
root = %q
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.aufs", "io.containerd.internal.v1.tracing", "io.containerd.tracing.processor.v1.otlp",
]
[grpc]
address = %q
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = %q
# Without CAP_SYS_RESOURCE no score may be lowered; then nothing would start.
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = %q
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = %q
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
`, data, ContainerdSocket, plan.PauseImage, networks, snapshotter)
}

// bridgeConfig gives pods a route to the lab's addresses and to nothing else.
func bridgeConfig(n int) string {
	return fmt.Sprintf(`{"cniVersion": "0.4.0", "name": "lab", "plugins": [{
  "type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true,
  "ipam": {
    "type": "host-local", "dataDir": "/run/cni-addresses",
    "ranges": [[{"subnet": %q}]], "routes": [{"dst": %q}]
  }
}]}
`, plan.NodePods(n), plan.Network)
}
