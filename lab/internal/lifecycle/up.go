// Package lifecycle brings the lab up and takes it down.
//
//	summary, err := lifecycle.Lab{Cache: cache, Module: dir, Out: os.Stdout}.Up(ctx, lifecycle.Options{Nodes: 1})
//
// Whatever state an earlier attempt left is either used, when it is whole, or removed.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/aftershockhq/aftershock/lab"
	"github.com/aftershockhq/aftershock/lab/internal/build"
	"github.com/aftershockhq/aftershock/lab/internal/cluster"
	"github.com/aftershockhq/aftershock/lab/internal/debian"
	"github.com/aftershockhq/aftershock/lab/internal/host"
	"github.com/aftershockhq/aftershock/lab/internal/lock"
	"github.com/aftershockhq/aftershock/lab/internal/place"
	"github.com/aftershockhq/aftershock/lab/internal/plan"
	"github.com/aftershockhq/aftershock/lab/internal/readiness"
	"github.com/aftershockhq/aftershock/lab/shop"
)

// Lab is where a lab is made, and of what.
type Lab struct {
	Cache  place.Cache
	Module string    // folder of this module
	Out    io.Writer // is told of progress
}

// Options of Up.
type Options struct {
	Nodes   int           // 1 or 2; 0 is as many as there are, and 1 if there are none
	Fresh   bool          // begin with an empty cluster even if there is one to go on with
	Timeout time.Duration // from the start of the first process until all is ready; builds are not counted
}

// Summary is what a user of the lab needs to know.
type Summary struct {
	Already       bool // it was up before
	Took          time.Duration
	Nodes         int
	Defect        shop.Defect
	UID           string
	Kubeconfig    string
	Configuration string            // path of the harness's configuration
	Truth         string            // folder of the service's own logs
	Netem         map[string]string // by node: plan.NetemKernel or plan.NetemEmulated
}

// ErrUsage is wrapped by errors that another command line would not have had.
var ErrUsage = errors.New("usage")

// Up makes sure that the lab runs and is ready.
func (l Lab) Up(ctx context.Context, o Options) (Summary, error) {
	if err := possible(o); err != nil {
		return Summary{}, err
	}
	held, err := l.lock(ctx)
	if err != nil {
		return Summary{}, err
	}
	defer held.Release()
	begin := time.Now()
	if _, running := lock.Holder(l.Cache.Alive()); running && !o.Fresh {
		err := l.resume(ctx, o)
		if err == nil {
			return l.summarise(ctx, begin, true)
		}
		if errors.Is(err, ErrUsage) || ctx.Err() != nil {
			return Summary{}, err
		}
		fmt.Fprintf(l.Out, "the lab runs but is not ready: %v\nstarting it again\n", err)
	}
	built, err := l.Build(ctx)
	if err != nil {
		return Summary{}, err
	}
	begin = time.Now()
	again, err := l.bring(ctx, o, built)
	if err != nil && again && ctx.Err() == nil {
		fmt.Fprintf(l.Out, "the cluster that was there does not come up: %v\nbeginning with an empty one\n", err)
		o.Fresh = true
		_, err = l.bring(ctx, o, built)
	}
	if err != nil {
		return Summary{}, err
	}
	return l.summarise(ctx, begin, false)
}

// Build installs what is missing on the machine and builds what the cache does not hold, without starting anything.
func (l Lab) Build(ctx context.Context) (map[string]build.Built, error) {
	if missing := debian.Missing(); len(missing) > 0 {
		fmt.Fprintf(l.Out, "installing Debian's %v\n", missing)
		if err := debian.Install(ctx, missing, l.Out); err != nil {
			return nil, err
		}
	}
	return build.Builder{Module: l.Module, Cache: l.Cache, Out: l.Out}.Build(ctx, build.Products())
}

// bring starts the lab and waits until it is ready. It says whether it went on with an earlier lab's cluster, which gets less
// time: it needs less, and there is another way.
func (l Lab) bring(ctx context.Context, o Options, built map[string]build.Built) (again bool, err error) {
	const patience = 45 * time.Second
	begin := time.Now()
	if err := l.clear(ctx); err != nil {
		return false, err
	}
	state, again, err := l.prepare(o, built)
	if err != nil {
		return again, err
	}
	if err := l.launch(); err != nil {
		return again, err
	}
	if again {
		o.Timeout = min(o.Timeout, patience)
	}
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	if err := l.await(ctx, state.Nodes, begin); err != nil {
		return again, err
	}
	state.Complete = true
	return again, state.Write(l.Cache.Run())
}

// possible says early why this cannot work here.
func possible(o Options) error {
	if o.Nodes < 0 || o.Nodes > plan.MaxNodes {
		return fmt.Errorf("%w: the lab has 1 to %d nodes, not %d", ErrUsage, plan.MaxNodes, o.Nodes)
	}
	if runtime.GOOS != "linux" {
		return fmt.Errorf("the lab is made of Linux namespaces: it cannot run on %s (the bench can: aftershock demo)", runtime.GOOS)
	}
	if os.Geteuid() != 0 {
		return errors.New("the lab needs root, for namespaces, mounts and a network link: run it with sudo")
	}
	return nil
}

func (l Lab) lock(ctx context.Context) (*lock.Lock, error) {
	return lock.Take(ctx, l.Cache.Lock(), func(pid int) {
		fmt.Fprintf(l.Out, "waiting for another lab command (process %d)\n", pid)
	})
}

// resume makes sure that a lab that runs is ready; what was stopped by name is started again.
func (l Lab) resume(ctx context.Context, o Options) error {
	state, err := host.ReadState(l.Cache.Run())
	if err != nil {
		return err
	}
	if o.Nodes != 0 && state.Nodes != o.Nodes {
		return fmt.Errorf("%w: the lab is up with %d node(s), not %d: take it down first (lab down)", ErrUsage, state.Nodes, o.Nodes)
	}
	if !state.Complete {
		return errors.New("it was never ready")
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := l.startAll(ctx); err != nil {
		return err
	}
	c, err := cluster.Connect(l.Cache.Run().Kubeconfig())
	if err != nil {
		return err
	}
	return readiness.Wait(ctx, readiness.Checks(c, state.Nodes, time.Now().Add(-10*time.Second)), func(string) {})
}

// clear ends what an earlier lab left running.
func (l Lab) clear(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := host.Stop(ctx, l.Cache); err != nil {
		return err
	}
	only, err := host.Only() // or another's lab would be taken for the rest of this one
	if err != nil {
		return err
	}
	defer func() { _ = only.Close() }()
	state, err := host.ReadState(l.Cache.Run())
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		fmt.Fprintf(l.Out, "%v: what it says is lost\n", err)
	}
	// Where a lab of this process would be is also where a lab was whose state is lost.
	if group, err := host.Group(); err == nil {
		state.Cgroups = append(state.Cgroups, group.Dirs()...)
	}
	return host.Clean(ctx, state)
}

// launch starts the supervisor, which stays when this process goes.
func (l Lab) launch() error {
	run := l.Cache.Run()
	out, err := os.OpenFile(run.Log("", "supervisor"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("open the supervisor's log: %w", err)
	}
	defer func() { _ = out.Close() }()
	cmd := exec.Command(run.Bin("lab"), "supervise")
	cmd.Env = []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "AFTERSHOCK_LAB_CACHE=" + string(l.Cache),
	}
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the supervisor: %w", err)
	}
	go func() { _ = cmd.Wait() }() // ends with it, or with this process
	return nil
}

func (l Lab) summarise(ctx context.Context, begin time.Time, already bool) (Summary, error) {
	run := l.Cache.Run()
	c, err := cluster.Connect(run.Kubeconfig())
	if err != nil {
		return Summary{}, err
	}
	state, err := host.ReadState(run)
	if err != nil {
		return Summary{}, err
	}
	uid, err := c.UID(ctx)
	if err != nil {
		return Summary{}, err
	}
	defect, err := readiness.Deployed(ctx, c)
	if err != nil {
		return Summary{}, err
	}
	kinds, err := c.Annotations(ctx, plan.NetemAnnotation)
	if err != nil {
		return Summary{}, err
	}
	s := Summary{
		Already: already, Took: time.Since(begin), Nodes: state.Nodes, Defect: defect, UID: uid, Kubeconfig: run.Kubeconfig(),
		Configuration: filepath.Join(l.Module, "aftershock.yaml"), Truth: run.Truth(), Netem: kinds,
	}
	return s, l.configure(s)
}

// configure writes the harness's configuration for this cluster.
func (l Lab) configure(s Summary) error {
	temporary := s.Configuration + ".new"
	file, err := os.Create(temporary)
	if err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	err = errors.Join(lab.Configuration(file, lab.Cluster{
		Kubeconfig: s.Kubeconfig, Context: cluster.Context, UID: s.UID, Namespace: shop.Namespace,
		URL: shop.URL(), Echo: shop.Echo(), Prometheus: plan.Prometheus, Autoscaled: s.Defect.Scales(), ScalesOut: s.Defect.ScalesOut(), ScalesBack: s.Defect.ScalesBack(), Slow: s.Defect.Slow(),
	}), file.Close())
	if err != nil {
		_ = os.Remove(temporary)
		return err
	}
	if err := os.Rename(temporary, s.Configuration); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	return nil
}
