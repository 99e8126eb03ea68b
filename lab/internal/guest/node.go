package guest

import (
	"context"
	"fmt"
	"os"

	"github.com/aftershockhq/aftershock/lab/internal/cgroup"
	"github.com/aftershockhq/aftershock/lab/internal/components"
	"github.com/aftershockhq/aftershock/lab/internal/plan"
	"github.com/aftershockhq/aftershock/lab/internal/supervise"
)

// Node makes the n-th node out of the namespaces it is started in, and runs its components until ctx ends.
func Node(ctx context.Context, n int) error {
	name := plan.NodeName(n)
	trees, err := cgroup.Mounted()
	if err != nil {
		return err
	}
	if err := inner(); err != nil {
		return fmt.Errorf("make %s: %w", name, err)
	}
	if err := finish(name, trees); err != nil {
		return fmt.Errorf("make %s: %w", name, err)
	}
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0); err != nil {
		return fmt.Errorf("let %s forward: %w", name, err)
	}
	return serve(ctx, name, name, func(cgroup.Group) []supervise.Component { return components.Node(n) })
}
