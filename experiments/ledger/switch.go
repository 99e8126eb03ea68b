package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// SwitchLabel marks the Job of a switch and its pod; its value is the run's ID. They
// also have the labels of all objects of a run.
const SwitchLabel = "aftershock.dev/dead-man-switch"

// LookFlag is added to the arguments of the switch in the pod's init container: the
// program then only looks whether it could sweep the run, and ends with an error that
// says what is missing. So the pod runs only once the switch has looked.
const LookFlag = "--look"

const (
	// The containers of the switch's pod.
	lookContainer, switchContainer = "look", "switch"
	// killed is the highest exit code of a container that no signal has ended.
	killed = 128
	// readyFor bounds the wait for the switch's pod once a fault is due.
	readyFor = 45 * time.Second
	// sweepFor bounds the time from the run's latest end to the end of the sweep. It
	// includes the expiry of the run's locks.
	sweepFor = 15 * time.Minute
	// tries is the Job's backoffLimit.
	tries = 4
	// keepFor is the TTL of a Job that has ended without deleting itself, for its logs.
	keepFor = time.Hour
)

// A Switch describes the Job that sweeps a run if the run is killed.
type Switch struct {
	// Image is an image of this version of the program, which is its entry point.
	// Required.
	Image string
	// ServiceAccount is the pod's account, in the namespace of the ledger. It needs the
	// rights to sweep. Required.
	ServiceAccount string
	// Args returns the program's arguments for the run with this ID; see also [LookFlag].
	// Required.
	Args func(run string) []string
	// Longest is the longest time that the run may take; the Job's deadline adds 15
	// minutes. Required.
	Longest time.Duration

	name string
}

// object returns the Job for a run.
func (s *Switch) object(namespace, run string) *batchv1.Job {
	job := &batchv1.Job{ObjectMeta: faults.NewMeta("switch", namespace, run)}
	faults.SettleName(job)
	job.Labels[SwitchLabel] = run
	pod := faults.OwnPod(switchContainer, s.Image, s.Args(run)...)
	pod.ServiceAccountName, pod.AutomountServiceAccountToken = s.ServiceAccount, new(true)
	pod.TerminationGracePeriodSeconds = new(int64(5))
	memory := resource.MustParse("256Mi")
	pod.Containers[0].Resources = corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("64Mi")},
		Limits:   corev1.ResourceList{corev1.ResourceMemory: memory},
	}
	look := pod.Containers[0]
	look.Name, look.Args = lookContainer, append(slices.Clone(look.Args), LookFlag)
	pod.InitContainers = []corev1.Container{look}
	job.Spec = batchv1.JobSpec{
		BackoffLimit:            new(int32(tries)),
		ActiveDeadlineSeconds:   new(int64(math.Ceil((s.Longest + sweepFor).Seconds()))),
		TTLSecondsAfterFinished: new(int32(keepFor.Seconds())),
		Template:                corev1.PodTemplateSpec{Spec: pod},
	}
	job.Spec.Template.Labels = job.Labels
	return job
}

// start creates the Job. A create whose answer was lost may have succeeded; the name
// is fixed, so a retry finds it.
func (s *Switch) start(ctx context.Context, l *Ledger) error {
	ctx, cancel := context.WithTimeout(ctx, writeFor)
	defer cancel()
	job := s.object(l.Namespace, l.book.Run)
	s.name = job.Name
	err := insist(ctx, func() error {
		err := l.Client.Create(ctx, job.DeepCopy())
		if apierrors.IsAlreadyExists(err) {
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("create Job/%s/%s: %w", l.Namespace, job.Name, explain(err, l.Namespace, "list, create and delete jobs"))
	}
	return nil
}

// ready waits until the switch's pod has looked, and runs. A look that fails is told at
// once; what may pass, it has tried for a while.
func (s *Switch) ready(ctx context.Context, l *Ledger) error {
	ctx, cancel := context.WithTimeout(ctx, readyFor)
	defer cancel()
	for {
		var pods corev1.PodList
		err := l.Client.List(ctx, &pods, client.InNamespace(l.Namespace), client.MatchingLabels{SwitchLabel: l.book.Run})
		why, final := "it has no pod: is there a ServiceAccount "+s.ServiceAccount+" in "+l.Namespace+"?", false
		for _, pod := range pods.Items {
			reason, cannot := waits(pod)
			if reason == "" {
				l.noteBuild(pod)
				return nil
			}
			if !final {
				why, final = reason, cannot
			}
		}
		if err != nil {
			why = explain(err, l.Namespace, "list pods").Error()
		}
		if final || faults.Permanent(err) || experiments.Wait(ctx, writeEvery) != nil {
			return fmt.Errorf("nothing would undo the fault if this run were killed: Job/%s/%s does not run: %s", l.Namespace, s.name, why)
		}
	}
}

// TellVersion writes this program's version, where a [Ledger] reads it once the switch has
// looked: in the container's termination message, a file that the kubelet makes.
func TellVersion(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(record.Tool())
	return errors.Join(err, f.Close())
}

// noteBuild notes once that the switch is of another version than this program.
func (l *Ledger) noteBuild(pod corev1.Pod) {
	c := named(pod.Status.InitContainerStatuses, lookContainer)
	if c == nil || c.State.Terminated == nil {
		return
	}
	other := faults.OtherBuild(strings.TrimSpace(c.State.Terminated.Message))
	l.mu.Lock()
	defer l.mu.Unlock()
	if other != "" && !l.noted {
		l.rec.Note("%s: pod %s: %s", l, pod.Name, other)
	}
	l.noted = true
}

// waits returns why the switch's pod does not run, or "" if it does. It is final that
// the pod has looked and cannot sweep.
func waits(pod corev1.Pod) (why string, final bool) {
	waiting := func(w *corev1.ContainerStateWaiting) string {
		return fmt.Sprintf("pod %s waits: %s %s", pod.Name, w.Reason, w.Message)
	}
	// Others may have put containers of their own into the pod.
	if c := named(pod.Status.InitContainerStatuses, lookContainer); c != nil {
		switch ended := c.State.Terminated; {
		case ended != nil && ended.ExitCode > killed:
			return fmt.Sprintf("pod %s was killed while it looked", pod.Name), false
		case ended != nil && ended.ExitCode != 0:
			return fmt.Sprintf("pod %s cannot sweep, and ended with %d: %s", pod.Name, ended.ExitCode, cmp.Or(strings.TrimSpace(ended.Message), ended.Reason)), true
		case c.State.Running != nil:
			return fmt.Sprintf("pod %s is looking whether it can sweep", pod.Name), false
		case c.State.Waiting != nil:
			return waiting(c.State.Waiting), false
		}
	}
	if c := named(pod.Status.ContainerStatuses, switchContainer); c != nil {
		switch {
		case c.State.Running != nil && c.Ready && pod.DeletionTimestamp == nil:
			return "", false
		case c.State.Waiting != nil:
			return waiting(c.State.Waiting), false
		case c.State.Terminated != nil:
			return fmt.Sprintf("pod %s ended with %d: %s", pod.Name, c.State.Terminated.ExitCode, c.State.Terminated.Message), false
		}
	}
	return fmt.Sprintf("pod %s is %s", pod.Name, pod.Status.Phase), false
}

// named is the status of the container with that name; nil: there is none.
func named(list []corev1.ContainerStatus, name string) *corev1.ContainerStatus {
	if i := slices.IndexFunc(list, func(c corev1.ContainerStatus) bool { return c.Name == name }); i >= 0 {
		return &list[i]
	}
	return nil
}

// Preflight creates the ConfigMap and the Job in a dry run. Its error says what is
// missing, such as a right or the namespace. It changes nothing.
func (l *Ledger) Preflight(ctx context.Context) error {
	made := &corev1.ConfigMap{ObjectMeta: faults.NewMeta("aftershock-run", l.Namespace, "preflight")}
	if err := l.Client.Create(ctx, made, client.DryRunAll); err != nil {
		return fmt.Errorf("create a ConfigMap in %s: %w", l.Namespace, refused(err, l.Namespace))
	}
	if l.Switch == nil {
		return nil
	}
	if err := l.Client.Create(ctx, l.Switch.object(l.Namespace, "preflight"), client.DryRunAll); err != nil {
		return fmt.Errorf("create a Job in %s: %w", l.Namespace, explain(err, l.Namespace, "list, create and delete jobs"))
	}
	return nil
}
