// Package residue looks for what faults may have left on the lab: objects, a bad
// image, a cordon, processes, and rules and queues in the networks of pods. It
// knows nothing of how a fault is undone, so that it can tell whether it was.
package residue

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	batchv1 "k8s.io/api/batch/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// A Cluster is where to look.
type Cluster struct {
	Client client.Reader
	// Namespaces are those of the services and of the program's own objects.
	Namespaces []string
	// Programs are the names of the processes in whose networks rules may be.
	Programs []string

	images map[string]string // of workloads, before any fault
}

// expired reports whether a Lease no longer blocks other runs, by this machine's
// clock, which is that of the holder too.
func expired(lease *coordinationv1.Lease) bool {
	spec := lease.Spec
	return spec.RenewTime != nil && spec.LeaseDurationSeconds != nil &&
		time.Since(spec.RenewTime.Time) > time.Duration(*spec.LeaseDurationSeconds)*time.Second
}

// over reports whether an object of Chaos Mesh does nothing any more: its duration
// has passed and nothing is injected, or it has killed what it had to. Chaos Mesh
// keeps such an object until it is deleted.
func over(o client.Object) bool {
	object, ok := o.(v1alpha1.InnerObject)
	if !ok {
		return false
	}
	status, desired, phase := object.GetStatus().Experiment, v1alpha1.StoppedPhase, v1alpha1.NotInjected
	if pod, ok := o.(*v1alpha1.PodChaos); ok && pod.Spec.Action != v1alpha1.PodFailureAction {
		desired, phase = v1alpha1.RunningPhase, v1alpha1.Injected
	}
	return status.DesiredPhase == desired && len(status.Records) > 0 &&
		!slices.ContainsFunc(status.Records, func(r *v1alpha1.Record) bool { return r.Phase != phase })
}

// Snapshot keeps how the workloads are before any fault.
func (c *Cluster) Snapshot(ctx context.Context) (err error) {
	c.images, err = c.workloads(ctx)
	return err
}

// Left is everything that is there and should not be, once nothing changes any
// more or after the patience.
//
// An object of a fault that is over by itself, and a Lease that has expired, count
// only with withOver.
func (c *Cluster) Left(ctx context.Context, patience time.Duration, withOver bool) []string {
	for end := time.Now().Add(patience); ; {
		left := c.Look(ctx, withOver).left()
		if len(left) == 0 || time.Now().After(end) || ctx.Err() != nil {
			return left
		}
		select {
		case <-ctx.Done():
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// A Sight is what one look saw.
type Sight struct {
	Objects []string // of faults and of the program, bad images and cordons
	Effects []string // what faults do on this machine, see [Cluster.Effects]
	// Err is why the look did not see everything: that it found nothing proves nothing.
	Err error
}

// left is all of it. A look that did not see everything found something.
func (s Sight) left() []string {
	left := slices.Concat(s.Objects, s.Effects)
	if s.Err != nil {
		left = append(left, "cannot look: "+s.Err.Error())
	}
	return left
}

// Look looks once; see [Cluster.Left] for withOver.
func (c *Cluster) Look(ctx context.Context, withOver bool) Sight {
	objects, err := c.objects(ctx, withOver)
	effects, blind := c.Effects(ctx)
	return Sight{Objects: objects, Effects: effects, Err: errors.Join(err, blind)}
}

// Effects are what faults do now on this machine: their processes, and rules and
// queues in the networks of the services' processes. The API server is not asked. The
// error is why it could not look everywhere.
func (c *Cluster) Effects(ctx context.Context) (found []string, err error) {
	rules, err := c.rules(ctx, "/proc")
	return append(running("/proc", faultPrograms), rules...), err
}

// objects are those of faults and of the program, bad images and cordons.
func (c *Cluster) objects(ctx context.Context, withOver bool) (left []string, err error) {
	var errs []error
	list := func(of client.ObjectList, is func(client.Object) string, options ...client.ListOption) {
		if err := c.Client.List(ctx, of, options...); err != nil {
			if !meta.IsNoMatchError(err) {
				errs = append(errs, err)
			}
			return
		}
		errs = append(errs, meta.EachListItem(of, func(item runtime.Object) error {
			object, ok := item.(client.Object)
			if !ok {
				return fmt.Errorf("%T is not an object", item)
			}
			if what := is(object); what != "" {
				left = append(left, fmt.Sprintf("%s %s/%s", what, object.GetNamespace(), object.GetName()))
			}
			return nil
		}))
	}
	ours := client.MatchingLabels{"app.kubernetes.io/managed-by": "aftershock"}
	named := func(kind string) func(client.Object) string {
		return func(client.Object) string { return kind }
	}
	for _, namespace := range c.Namespaces {
		in := client.InNamespace(namespace)
		for name, kind := range v1alpha1.AllKindsIncludeScheduleAndWorkflow() {
			list(kind.SpawnList(), func(o client.Object) string {
				if !withOver && over(o) {
					return ""
				}
				return name
			}, in)
		}
		list(&v1alpha1.PodNetworkChaosList{}, func(o client.Object) string {
			if p, ok := o.(*v1alpha1.PodNetworkChaos); ok && len(p.Spec.TrafficControls)+len(p.Spec.Iptables)+len(p.Spec.IPSets) > 0 {
				return "rules of PodNetworkChaos"
			}
			return ""
		}, in)
		list(&coordinationv1.LeaseList{}, func(o client.Object) string {
			if lease, ok := o.(*coordinationv1.Lease); ok && strings.HasPrefix(lease.Name, "aftershock") && (withOver || !expired(lease)) {
				return "Lease"
			}
			return ""
		}, in)
		list(&corev1.ConfigMapList{}, named("ConfigMap"), in, ours)
		list(&batchv1.JobList{}, named("Job"), in, ours)
	}
	list(&corev1.NodeList{}, func(o client.Object) string {
		if n, ok := o.(*corev1.Node); ok && n.Spec.Unschedulable {
			return "cordoned node"
		}
		return ""
	})
	images, err := c.workloads(ctx)
	for name, was := range c.images {
		if err == nil && images[name] != was {
			left = append(left, fmt.Sprintf("%s has %s in place of %s", name, images[name], was))
		}
	}
	slices.Sort(left)
	return left, errors.Join(append(errs, err)...)
}

// workloads are the images of each workload, and what the program noted on it.
func (c *Cluster) workloads(ctx context.Context) (map[string]string, error) {
	images := map[string]string{}
	var errs []error
	for _, namespace := range c.Namespaces {
		// Of a kind that the lab has not installed there are none.
		states, err := kube.Workloads(ctx, c.Client, namespace)
		errs = append(errs, err)
		for _, state := range states {
			var texts []string
			for _, container := range state.Template.Spec.Containers {
				texts = append(texts, container.Image)
			}
			for _, noted := range []map[string]string{state.Object.GetAnnotations(), state.Object.GetLabels()} {
				for name := range noted {
					if strings.HasPrefix(name, "aftershock.dev/") {
						texts = append(texts, name)
					}
				}
			}
			slices.Sort(texts)
			images[state.Subject()] = strings.Join(texts, ", ")
		}
	}
	return images, errors.Join(errs...)
}

// rules are what is in the networks of the services' processes and is not there
// without a fault: queueing disciplines, and rules of packet filters that a packet
// can come to. Chaos Mesh leaves chains that nothing leads to, and the sets that
// they name, until the pod ends; they do nothing and are not counted.
//
// A program without a process, and a tool that is not here, are errors: no network was
// looked at.
func (c *Cluster) rules(ctx context.Context, proc string) (found []string, err error) {
	looks := []struct {
		arguments []string
		of        func(out string) []string
	}{
		{[]string{"tc", "qdisc", "show"}, queues},
		{[]string{"iptables-save"}, effective},
		{[]string{"iptables-legacy-save"}, effective},
	}
	var errs []error
	for _, look := range looks {
		if _, err := exec.LookPath(look.arguments[0]); err != nil {
			errs = append(errs, err)
		}
	}
	for _, program := range c.Programs {
		if len(pids(proc, []string{program})) == 0 {
			errs = append(errs, fmt.Errorf("no process %s is on this machine", program))
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	for _, pid := range pids(proc, c.Programs) {
		for _, look := range looks {
			arguments := append([]string{"--target", pid, "--net"}, look.arguments...)
			out, err := exec.CommandContext(ctx, "nsenter", arguments...).Output()
			if err != nil {
				if slices.Contains(pids(proc, c.Programs), pid) { // or else it has ended, and its network with it
					errs = append(errs, fmt.Errorf("%s in the network of process %s: %w", look.arguments[0], pid, err))
				}
				continue
			}
			for _, what := range look.of(string(out)) {
				found = append(found, fmt.Sprintf("%s in the network of process %s: %s", look.arguments[0], pid, what))
			}
		}
	}
	return found, errors.Join(errs...)
}

// queues are the queueing disciplines that "tc qdisc show" prints, but for those of
// an interface without any.
func queues(out string) (found []string) {
	for line := range strings.Lines(out) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "qdisc noqueue ") {
			found = append(found, line)
		}
	}
	return found
}

// effective are the rules that iptables-save prints and that a packet can come to:
// those of built-in chains, and of chains that they lead to. A rule that only leads
// on is none.
func effective(out string) (found []string) {
	type rule struct{ text, target string }
	var chains map[string][]rule // of the table
	var queue []string           // of chains that are reached
	for line := range strings.Lines(out) {
		words := strings.Fields(line)
		switch {
		case strings.HasPrefix(line, "*"):
			chains, queue = map[string][]rule{}, nil
		case strings.HasPrefix(line, ":"):
			name := words[0][1:]
			chains[name] = nil
			if words[1] != "-" { // a built-in chain has a policy
				queue = append(queue, name)
			}
		case strings.HasPrefix(line, "-A "):
			r := rule{text: strings.TrimSpace(line)}
			for i, word := range words[:len(words)-1] {
				if word == "-j" || word == "-g" {
					r.target = words[i+1]
				}
			}
			chains[words[1]] = append(chains[words[1]], r)
		case strings.HasPrefix(line, "COMMIT"):
			for i := 0; i < len(queue); i++ {
				for _, r := range chains[queue[i]] {
					switch _, leadsOn := chains[r.target]; {
					case !leadsOn:
						found = append(found, r.text)
					case !slices.Contains(queue, r.target):
						queue = append(queue, r.target)
					}
				}
			}
		}
	}
	return found
}
