package lifecycle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/aftershockhq/aftershock/lab/internal/cluster"
	"github.com/aftershockhq/aftershock/lab/internal/lock"
	"github.com/aftershockhq/aftershock/lab/internal/place"
	"github.com/aftershockhq/aftershock/lab/internal/readiness"
	"github.com/aftershockhq/aftershock/lab/internal/supervise"
	"github.com/aftershockhq/aftershock/lab/shop"
)

// await waits until a lab that was just started is ready, deploys the service on the way, and tells of each step.
func (l Lab) await(ctx context.Context, nodes int, begin time.Time) error {
	run := l.Cache.Run()
	told := func(name string) { fmt.Fprintf(l.Out, "%6.1fs  %s\n", time.Since(begin).Seconds(), name) }
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go l.watch(ctx, told, cancel)

	c, err := cluster.Connect(run.Kubeconfig())
	if err != nil {
		return err
	}
	settled := func(ctx context.Context) error { return readiness.Wait(ctx, readiness.Checks(c, nodes, begin), told) }
	if err := deploy(ctx, c, shop.None, true, settled); err != nil {
		return l.explain(ctx, err)
	}
	return nil
}

// deploy makes the service what it is to be: it applies what comes first, waits until that has settled, and applies all,
// with what comes late.
func deploy(ctx context.Context, c *cluster.Client, defect shop.Defect, keep bool, settled func(context.Context) error) error {
	wanted, err := applyFirst(ctx, c, defect, keep)
	if err == nil {
		err = settled(ctx)
	}
	if err != nil {
		return err
	}
	return apply(ctx, c, append(shop.Manifests(wanted, place.Inside), shop.Late(wanted)...))
}

// applyFirst applies the service, as soon as the API server lets it, and says with which defect; keep leaves one that is there with
// the defect it has, and as many replicas as its autoscaler gave it.
func applyFirst(ctx context.Context, c *cluster.Client, defect shop.Defect, keep bool) (wanted shop.Defect, err error) {
	err = supervise.Until(ctx, func(ctx context.Context) error {
		wanted = defect
		if keep {
			switch there, err := readiness.Deployed(ctx, c); {
			case err == nil:
				wanted = there
			case !apierrors.IsNotFound(err):
				return err
			}
		}
		// First, or an autoscaler would overrule the number of replicas once more.
		for _, object := range shop.Leftovers(wanted) {
			if err := c.Delete(ctx, object); err != nil {
				return err
			}
		}
		if wanted.Scales() && !keep {
			if err := c.Scale(ctx, shop.Namespace, shop.Service, wanted.Replicas()); err != nil {
				return err
			}
		}
		objects := shop.Manifests(wanted, place.Inside)
		if !keep {
			objects = shop.AtOnce(objects)
		}
		return apply(ctx, c, objects)
	})
	return wanted, err
}

func apply(ctx context.Context, c *cluster.Client, objects []runtime.Object) error {
	for _, object := range objects {
		if err := c.Apply(ctx, object); err != nil {
			return err
		}
	}
	return nil
}

// watch tells of each component that becomes ready, and gives up when the supervisor is gone.
func (l Lab) watch(ctx context.Context, told func(string), gone context.CancelCauseFunc) {
	ready := map[string]bool{}
	seen := time.Now() // the supervisor; it takes a moment to come
	for ctx.Err() == nil {
		if _, held := lock.Holder(l.Cache.Alive()); held {
			seen = time.Now()
		} else if time.Since(seen) > 3*time.Second {
			gone(fmt.Errorf("the lab's supervisor has ended:\n%s", tail(l.Cache.Run().Log("", "supervisor"))))
			return
		}
		reports, _ := Reports(ctx, l.Cache.Run())
		for _, r := range reports {
			for _, s := range r.Components {
				if name := Qualified(s); s.State == supervise.Ready && !ready[name] {
					ready[name] = true
					told(name)
				}
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// explain adds to the reason of a time-out what each component that is not ready says, and the end of its log.
func (l Lab) explain(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.DeadlineExceeded) {
		return cause
	}
	var text strings.Builder
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	reports, asked := Reports(ctx, l.Cache.Run())
	if asked != nil {
		fmt.Fprintf(&text, "\n\n%v\n%s", asked, tail(l.Cache.Run().Log("", "control")))
	}
	for _, r := range reports {
		for _, s := range r.Components {
			if s.State == supervise.Ready || s.State == supervise.Waiting {
				continue
			}
			fmt.Fprintf(&text, "\n\n%s is %s: %s\n%s", Qualified(s), s.State, s.Reason, tail(LogOf(l.Cache.Run(), s)))
		}
	}
	return fmt.Errorf("the lab is not ready: %w%s", err, text.String())
}

// tail is the end of a log.
func tail(path string) string {
	const most = 15
	content, err := os.ReadFile(path)
	if err != nil {
		return "  " + err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(content), []byte("\n"))
	lines = lines[max(0, len(lines)-most):]
	return "  " + path + ":\n  | " + string(bytes.Join(lines, []byte("\n  | ")))
}

// Reports asks the control plane's supervisor and those of all nodes. A node that does not answer is left out: the
// control plane's report says so of it.
func Reports(ctx context.Context, run place.Run) ([]supervise.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	control, err := supervise.Dial(run.Socket("control")).Report(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask the lab: %w", err)
	}
	reports := []supervise.Report{control}
	for _, s := range control.Components {
		if !strings.HasPrefix(s.Name, "node") || s.PID == 0 {
			continue
		}
		if r, err := supervise.Dial(run.Socket(s.Name)).Report(ctx); err == nil {
			reports = append(reports, r)
		}
	}
	return reports, nil
}

// Qualified is a component's name for users: that of a node's component has the node's name before it.
func Qualified(s supervise.Status) string {
	if s.Agent == "control" {
		return s.Name
	}
	return s.Agent + "/" + s.Name
}

// LogOf is where a component's output goes.
func LogOf(run place.Run, s supervise.Status) string {
	if s.Agent == "control" {
		return run.Log("", s.Name)
	}
	return run.Log(s.Agent, s.Name)
}

// Find finds the component of that name; a node's may be named without the node if only one has it.
func Find(reports []supervise.Report, name string) (supervise.Status, error) {
	var found []supervise.Status
	var names []string
	for _, r := range reports {
		for _, s := range r.Components {
			if Qualified(s) == name {
				return s, nil
			}
			if s.Name == name {
				found = append(found, s)
			}
			names = append(names, Qualified(s))
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	slices.Sort(names)
	return supervise.Status{}, fmt.Errorf("%w: no component is called %q: choose one of %s", ErrUsage, name, strings.Join(names, ", "))
}
