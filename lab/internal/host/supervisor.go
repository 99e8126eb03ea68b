package host

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aftershockhq/aftershock/lab/internal/cgroup"
	"github.com/aftershockhq/aftershock/lab/internal/iproute"
	"github.com/aftershockhq/aftershock/lab/internal/lock"
	"github.com/aftershockhq/aftershock/lab/internal/place"
	"github.com/aftershockhq/aftershock/lab/internal/plan"
)

// Group is where a new lab's processes are to be put: below this process's own group, for that is what it may change; at the
// root under v2, where a group with processes in it, as this one, can have no controlled children.
func Group() (cgroup.Group, error) {
	const name = "aftershock-lab"
	trees, err := cgroup.Mounted()
	if err != nil {
		return cgroup.Group{}, err
	}
	if trees.Unified() {
		return trees.Root().Child(name), nil
	}
	return trees.Own().Child(name), nil
}

// Supervise starts the lab's namespaces and holds them until ctx ends or the lab does, and then removes what it made on the
// host. The kernel ends the lab when this process is killed: each process in the chain from here to the lab's first one is
// killed with its parent.
func Supervise(ctx context.Context, cache place.Cache) error {
	alive, err := lock.Try(cache.Alive())
	if err != nil {
		return err
	}
	defer alive.Release()
	only, err := Only()
	if err != nil {
		return err
	}
	defer func() { _ = only.Close() }()
	state, err := ReadState(cache.Run())
	if err != nil {
		return err
	}
	group, err := Group()
	if err != nil {
		return err
	}
	if err := group.Make(); err != nil {
		return err
	}
	// Where the kernel groups processes by session each session counts as one process, however nice what runs in it.
	if err := group.Weigh(16); err != nil {
		return err
	}
	defer func() {
		// On its own time: the lab ends because ctx has ended.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		if err := Clean(ctx, state); err != nil {
			log.Print(err)
		}
	}()

	runtime.LockOSThread() // a parent's death is the death of the thread that started the child
	cmd, err := start(cache.Run(), group, state.Nodes)
	if err != nil {
		return err
	}
	ended := make(chan ending, 1)
	go func() { ended <- ending{cmd.Wait()} }()
	if err := connect(ctx, cmd.Process.Pid, state.Nodes); err != nil {
		_ = cmd.Process.Kill()
		<-ended
		return err
	}
	select {
	case <-ctx.Done():
		_ = cmd.Process.Kill()
		<-ended
		return nil
	case e := <-ended:
		return fmt.Errorf("the lab ended by itself (%w): see %s", e.how, cache.Run().Log("", "control"))
	}
}

// ending is how a process ended.
type ending struct{ how error }

// start starts the lab's first process in namespaces of its own. It must be in the group before the cgroup namespace is
// made, for that makes the group the root of what the lab sees.
func start(run place.Run, group cgroup.Group, nodes int) (*exec.Cmd, error) {
	out, err := os.OpenFile(run.Log("", "control"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the lab's log: %w", err)
	}
	defer func() { _ = out.Close() }()
	script := fmt.Sprintf(`for dir in %s; do echo $$ > $dir/cgroup.procs || exit 1; done
exec unshare --mount --pid --net --uts --ipc --cgroup --fork --kill-child=SIGKILL "$@"`, strings.Join(quoted(group.Dirs()), " "))
	cmd := exec.Command("/bin/sh", "-c", script, "lab", run.Bin("pause"), run.Bin("lab"), "guest", string(run), strconv.Itoa(nodes))
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"} // nothing of the caller's: no proxy, no credentials
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the lab: %w", err)
	}
	return cmd, nil
}

func quoted(words []string) []string {
	var q []string
	for _, w := range words {
		q = append(q, "'"+strings.ReplaceAll(w, "'", `'\''`)+"'")
	}
	return q
}

// connect makes the link between the host and the lab. Link and routes go when the lab's network namespace does.
func connect(ctx context.Context, pid, nodes int) error {
	first, err := firstProcess(ctx, pid)
	if err != nil {
		return err
	}
	trees, err := cgroup.Mounted()
	if err != nil {
		return err
	}
	if trees.Unified() { // see components: the lab could not move this process, and could have no controllers
		if err := trees.Own().Add(pid); err != nil {
			return err
		}
	}
	lines := []string{
		fmt.Sprintf("link add %s type veth peer name %s netns %d", plan.HostLink, plan.UpLink, first),
		fmt.Sprintf("addr add %s/24 dev %s", plan.Host, plan.HostLink),
		fmt.Sprintf("link set %s up", plan.HostLink),
		fmt.Sprintf("route add %s via %s", plan.Services, plan.NodeAddress(1)),
	}
	for n := 1; n <= nodes; n++ {
		lines = append(lines, fmt.Sprintf("route add %s via %s", plan.NodePods(n), plan.NodeAddress(n)))
	}
	return iproute.Batch(ctx, "", lines...)
}

// firstProcess is the process that unshare has started: the lab's init.
func firstProcess(ctx context.Context, pid int) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	children := filepath.Join("/proc", strconv.Itoa(pid), "task", strconv.Itoa(pid), "children")
	for {
		content, err := os.ReadFile(children)
		if err != nil {
			return 0, fmt.Errorf("the lab ended at once: %w", err)
		}
		if child, err := strconv.Atoi(strings.TrimSpace(string(content))); err == nil {
			return child, nil
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("the lab has no first process: %w", ctx.Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
}
