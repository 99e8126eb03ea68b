package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aftershockhq/aftershock/lab/internal/cluster"
	"github.com/aftershockhq/aftershock/lab/internal/host"
	"github.com/aftershockhq/aftershock/lab/internal/plan"
	"github.com/aftershockhq/aftershock/lab/internal/readiness"
	"github.com/aftershockhq/aftershock/lab/internal/supervise"
	"github.com/aftershockhq/aftershock/lab/shop"
)

// Down ends the lab and removes all it has made, but for what is built. With purge that goes too. It says whether there
// was anything to remove.
func (l Lab) Down(ctx context.Context, purge bool) (bool, error) {
	if os.Geteuid() != 0 {
		return false, errors.New("the lab runs as root: run this with sudo")
	}
	held, err := l.lock(ctx)
	if err != nil {
		return false, err
	}
	defer held.Release()
	_, err = os.Stat(string(l.Cache.Run()))
	there := err == nil
	if err := l.clear(ctx); err != nil {
		return there, err
	}
	folder := string(l.Cache.Run())
	if purge {
		folder = string(l.Cache)
	}
	if err := os.RemoveAll(folder); err != nil {
		return there, fmt.Errorf("remove the lab's data: %w", err)
	}
	return there, nil
}

// Deploy deploys the service with a defect, waits until it has settled, and writes the harness's configuration for it.
func (l Lab) Deploy(ctx context.Context, defect shop.Defect, timeout time.Duration) error {
	held, err := l.lock(ctx)
	if err != nil {
		return err
	}
	defer held.Release()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	c, err := cluster.Connect(l.Cache.Run().Kubeconfig())
	if err != nil {
		return fmt.Errorf("the lab is not up: %w", err)
	}
	state, err := host.ReadState(l.Cache.Run())
	if err != nil {
		return err
	}
	begin := time.Now()
	checks := append(readiness.Checks(c, state.Nodes, begin), readiness.Check{
		Says: "the autoscaler has looked", OK: func(ctx context.Context) error { return readiness.Autoscaler(ctx, c) },
	})
	settled := func(ctx context.Context) error { return readiness.Wait(ctx, checks, func(string) {}) }
	if err := deploy(ctx, c, defect, false, settled); err != nil {
		return err
	}
	_, err = l.summarise(ctx, begin, true)
	return err
}

// Want stops or starts a component by name.
func (l Lab) Want(ctx context.Context, name string, wanted bool) (supervise.Status, error) {
	held, err := l.lock(ctx)
	if err != nil {
		return supervise.Status{}, err
	}
	defer held.Release()
	reports, err := Reports(ctx, l.Cache.Run())
	if err != nil {
		return supervise.Status{}, err
	}
	s, err := Find(reports, name)
	if err != nil {
		return s, err
	}
	return s, supervise.Dial(l.Cache.Run().Socket(s.Agent)).Want(ctx, s.Name, wanted)
}

// Netem says of each node whether its kernel or the lab's stand-in delays and loses packets; nil when the API server does not
// answer.
func (l Lab) Netem(ctx context.Context) map[string]string {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	c, err := cluster.Connect(l.Cache.Run().Kubeconfig())
	if err != nil {
		return nil
	}
	kinds, err := c.Annotations(ctx, plan.NetemAnnotation)
	if err != nil {
		return nil
	}
	return kinds
}

// Metrics says why kubectl top and an autoscaler have nothing to go by; nil when they have.
func (l Lab) Metrics(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	state, err := host.ReadState(l.Cache.Run())
	if err != nil {
		return err
	}
	c, err := cluster.Connect(l.Cache.Run().Kubeconfig())
	if err != nil {
		return err
	}
	return readiness.Metrics(ctx, c, state.Nodes)
}

// startAll starts whatever was stopped by name.
func (l Lab) startAll(ctx context.Context) error {
	for range 2 { // a node that was stopped shows its components only once it runs
		reports, err := Reports(ctx, l.Cache.Run())
		if err != nil {
			return err
		}
		for _, r := range reports {
			for _, s := range r.Components {
				if s.State != supervise.Stopped {
					continue
				}
				fmt.Fprintf(l.Out, "starting %s, which was stopped\n", Qualified(s))
				if err := supervise.Dial(l.Cache.Run().Socket(r.Agent)).Want(ctx, s.Name, true); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
