package guest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/aftershockhq/aftershock/lab/internal/cgroup"
	"github.com/aftershockhq/aftershock/lab/internal/components"
	"github.com/aftershockhq/aftershock/lab/internal/iproute"
	"github.com/aftershockhq/aftershock/lab/internal/place"
	"github.com/aftershockhq/aftershock/lab/internal/plan"
	"github.com/aftershockhq/aftershock/lab/internal/supervise"
)

// Control makes the lab out of the namespaces it is started in, and runs the control plane and the nodes until ctx ends.
// Folder is the run folder as the host sees it.
func Control(ctx context.Context, folder string, nodes int) error {
	trees, err := cgroup.Mounted()
	if err != nil {
		return err
	}
	if err := root(folder); err != nil {
		return fmt.Errorf("make the lab's root: %w", err)
	}
	if err := finish("lab", trees); err != nil {
		return fmt.Errorf("make the lab: %w", err)
	}
	if err := network(ctx, nodes); err != nil {
		return fmt.Errorf("make the lab's network: %w", err)
	}
	return serve(ctx, "control", "", func(own cgroup.Group) []supervise.Component {
		return components.Control(nodes, own)
	})
}

// network waits for the link that the host pushes in, and makes the switch that it and the nodes are plugged into.
func network(ctx context.Context, nodes int) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		if _, err := net.InterfaceByName(plan.UpLink); err == nil {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no link %s to the host: %w", plan.UpLink, ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
	lines := []string{
		"link set lo up",
		"link add sw0 type bridge",
		fmt.Sprintf("addr add %s/24 dev sw0", plan.Control),
		fmt.Sprintf("link set %s master sw0 up", plan.UpLink),
		"link set sw0 up",
		fmt.Sprintf("route add %s via %s", plan.Services, plan.NodeAddress(1)),
	}
	for n := 1; n <= nodes; n++ {
		lines = append(lines, fmt.Sprintf("route add %s via %s", plan.NodePods(n), plan.NodeAddress(n)))
	}
	return iproute.Batch(ctx, "", lines...)
}

// serve runs a machine's supervisor with its components. Logs go to the folder of that name among the logs.
func serve(ctx context.Context, agent, logs string, list func(own cgroup.Group) []supervise.Component) error {
	trees, err := cgroup.Mounted()
	if err != nil {
		return err
	}
	own := trees.Root()
	if err := delegate(ctx, own); err != nil {
		return err
	}
	err = errors.Join(
		os.MkdirAll(filepath.Dir(place.Inside.Socket(agent)), 0o755),
		os.MkdirAll(filepath.Join(place.Inside.Logs(), logs), 0o755),
		os.MkdirAll(place.Inside.Data(""), 0o755),
		os.MkdirAll(place.Inside.Truth(), 0o777),
	)
	if err != nil {
		return err
	}
	log := func(component string) string { return place.Inside.Log(logs, component) }
	s := supervise.New(agent, trees.Resources().Root(), log, list(own))
	if agent != "control" {
		s.Measure("pods", trees.Resources().Root().Child("kubepods"))
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, 1)
	go func() {
		failed <- s.Serve(ctx, place.Inside.Socket(agent))
		cancel()
	}()
	err = s.Run(ctx)
	cancel()
	return errors.Join(err, <-failed)
}

// delegate tries for a moment: the process that waits for a node leaves the node's group only once the node runs.
func delegate(ctx context.Context, own cgroup.Group) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	return supervise.Until(ctx, func(context.Context) error { return own.Delegate() })
}
