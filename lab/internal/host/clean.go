package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/aftershockhq/aftershock/lab/internal/cgroup"
	"github.com/aftershockhq/aftershock/lab/internal/iproute"
	"github.com/aftershockhq/aftershock/lab/internal/lock"
	"github.com/aftershockhq/aftershock/lab/internal/place"
	"github.com/aftershockhq/aftershock/lab/internal/plan"

	"golang.org/x/sys/unix"
)

// Clean ends whatever is left of a lab and removes what it has on the host, but for its folder. The lab's cgroups are what
// tells its processes from others: they hold all of them, whatever their parents are now. Mounts, the nodes' links and rules
// lie in namespaces, which go with the last process.
func Clean(ctx context.Context, state State) error {
	group := cgroup.At(state.Cgroups)
	if len(state.Cgroups) > 0 {
		if err := group.Kill(ctx); err != nil {
			return fmt.Errorf("end the lab: %w", err)
		}
	}
	return errors.Join(unlink(ctx), group.Remove())
}

// unlink removes the host's link. It goes by itself when its peer's namespace does, which may be while this runs.
func unlink(ctx context.Context) error {
	var err error
	for range 5 {
		if _, missing := net.InterfaceByName(plan.HostLink); missing != nil {
			return nil
		}
		if err = iproute.Run(ctx, "link", "delete", plan.HostLink); err == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return err
}

// Stop ends the supervisor, if there is one, and waits until it has cleaned up behind itself. One that does not end in time
// is killed; what it leaves then is for Clean.
func Stop(ctx context.Context, cache place.Cache) error {
	pid, held := lock.Holder(cache.Alive())
	if !held {
		return nil
	}
	if pid <= 1 {
		return fmt.Errorf("%s is held by a process that did not leave its id", cache.Alive())
	}
	for _, signal := range []unix.Signal{unix.SIGTERM, unix.SIGKILL} {
		_ = unix.Kill(pid, signal)
		for deadline := time.Now().Add(25 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			if _, held := lock.Holder(cache.Alive()); !held {
				return nil
			}
			if ctx.Err() != nil {
				return fmt.Errorf("stop the lab: %w", ctx.Err())
			}
		}
	}
	return fmt.Errorf("stop the lab: process %d does not end", pid)
}
