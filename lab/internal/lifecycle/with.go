package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/lab/internal/build"
	"github.com/aftershockhq/aftershock/lab/internal/cgroup"
	"github.com/aftershockhq/aftershock/lab/internal/cluster"
	"github.com/aftershockhq/aftershock/lab/internal/host"
	"github.com/aftershockhq/aftershock/lab/internal/lock"
	"github.com/aftershockhq/aftershock/lab/internal/plan"
	"github.com/aftershockhq/aftershock/lab/internal/supervise"
)

// Controllers are those that With can run.
func Controllers() []string { return []string{build.ArgoRollouts, build.Flagger} }

// flags are those of a controller, and where it answers that it lives.
func flags(name, kubeconfig string) (flags []string, health string) {
	answers := func(port int) string { return fmt.Sprintf("http://%s:%d/healthz", plan.Control, port) }
	switch name {
	case build.Flagger:
		return []string{
			"-kubeconfig=" + kubeconfig,
			"-metrics-server=" + plan.Prometheus,
			"-mesh-provider=kubernetes", // blue/green by Services alone: nothing here splits traffic
			"-log-level=info",
			fmt.Sprintf("-port=%d", plan.FlaggerPort),
		}, answers(plan.FlaggerPort)
	case build.ArgoRollouts:
		return []string{
			"--kubeconfig=" + kubeconfig,
			"--leader-elect=false",
			fmt.Sprintf("--metricsPort=%d", plan.RolloutsPort),
			fmt.Sprintf("--healthzPort=%d", plan.RolloutsHealth),
		}, answers(plan.RolloutsHealth)
	}
	return nil, ""
}

// With runs controllers of progressive delivery in the lab's network, calls do once they are ready, and when that returns ends
// them and deletes their definitions, and with these all objects of their kinds. They are in the lab's cgroup: taking the
// lab down ends them too.
func (l Lab) With(ctx context.Context, names []string, do func(context.Context) error) (err error) {
	for _, name := range names {
		if !slices.Contains(Controllers(), name) {
			return fmt.Errorf("%w: no controller is called %q: choose of %s", ErrUsage, name, strings.Join(Controllers(), ", "))
		}
	}
	held, err := lock.Take(ctx, l.Cache.ControllersLock(), func(pid int) {
		fmt.Fprintf(l.Out, "waiting for another lab with (process %d)\n", pid)
	})
	if err != nil {
		return err
	}
	defer held.Release()
	c, err := cluster.Connect(l.Cache.Run().Kubeconfig())
	if err != nil {
		return err
	}
	group, pid, err := l.inside()
	if err != nil {
		return err
	}
	var products []build.Product
	for _, name := range names {
		products = append(products, build.Controller(name)...)
	}
	built, err := build.Builder{Module: l.Module, Cache: l.Cache, Out: l.Out}.Build(ctx, products)
	if err != nil {
		return err
	}
	// What one that was killed left ends. Each controller's group is made in this one, of which it takes its processors.
	if err := errors.Join(group.Kill(ctx), group.Make()); err != nil {
		return err
	}

	running, end := context.WithCancel(ctx)
	var list []supervise.Component
	var definitions []string
	for _, name := range names {
		found, err := filepath.Glob(filepath.Join(built[name+"-crds"].Path, "*.json"))
		if err != nil {
			end()
			return fmt.Errorf("find definitions: %w", err)
		}
		definitions = append(definitions, found...)
		arguments, health := flags(name, l.Cache.Run().Kubeconfig())
		list = append(list, supervise.Component{
			Name:  name,
			Args:  append([]string{"nsenter", fmt.Sprintf("--net=/proc/%d/ns/net", pid), built[name].Path}, arguments...),
			Ready: supervise.Answers(health),
		})
	}
	supervisor := supervise.New("controllers", group, func(name string) string { return l.Cache.Run().Log("", name) }, list)
	ended := make(chan error, 1)
	defer func() {
		end()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		err = errors.Join(err, <-ended, c.RemoveDefinitions(ctx, definitions), group.Remove())
	}()
	if err := c.ApplyDefinitions(ctx, definitions); err != nil {
		ended <- nil
		return err
	}
	go func() { ended <- supervisor.Run(running) }()
	for _, name := range names {
		ready, cancel := context.WithTimeout(ctx, time.Minute)
		err := supervisor.Want(ready, name, true)
		cancel()
		if err != nil {
			return fmt.Errorf("start the controller: %w; see lab logs %s", err, name)
		}
		fmt.Fprintf(l.Out, "%s is ready\n", name)
	}
	return do(ctx)
}

// inside is where in the lab's cgroup controllers run, and a process that has the lab's network.
func (l Lab) inside() (cgroup.Group, int, error) {
	state, err := host.ReadState(l.Cache.Run())
	if err != nil {
		return cgroup.Group{}, 0, err
	}
	trees, err := cgroup.Mounted()
	if err != nil {
		return cgroup.Group{}, 0, err
	}
	group := trees.At(state.Cgroups)
	pids := group.Child("kube-apiserver").Pids()
	if len(pids) == 0 {
		return cgroup.Group{}, 0, errors.New("find the lab's network: its kube-apiserver does not run: see lab status")
	}
	return group.Child("controllers"), pids[0], nil
}
