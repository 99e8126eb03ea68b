package workers

import (
	"fmt"
	"math"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// JobLabel is a label of a workers' Job and of its pods, with the Job's name,
// besides the labels of all objects of a run.
const JobLabel = "aftershock.dev/load"

const (
	// keepFor is how long the cluster keeps a finished Job, for its logs.
	keepFor = 5 * time.Minute
	// grace is how long a terminating worker may take for its requests in flight.
	grace = 10 * time.Second
)

// object is the Job of one drive.
func (j Job) object(run string, lifetime time.Duration) *batchv1.Job {
	job := &batchv1.Job{ObjectMeta: faults.NewMeta("load", j.Namespace, run)}
	faults.SettleName(job)
	job.Labels[JobLabel] = job.Name
	mode := batchv1.IndexedCompletion
	job.Spec = batchv1.JobSpec{
		CompletionMode: &mode,
		Completions:    new(int32(j.Count)), //nolint:gosec // at most MaxCount
		Parallelism:    new(int32(j.Count)), //nolint:gosec // as above
		// A failed worker is not restarted: its share has a hole.
		BackoffLimit:            new(int32(0)),
		ActiveDeadlineSeconds:   new(int64(math.Ceil(lifetime.Seconds()))),
		TTLSecondsAfterFinished: new(int32(keepFor.Seconds())),
		Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: job.Labels},
			Spec:       j.pod(run, job.Name),
		},
	}
	return job
}

func (j Job) pod(run, name string) corev1.PodSpec {
	pod := faults.OwnPod("worker", j.Image, "load-worker", "--run", run, "--listen", fmt.Sprintf(":%d", Port))
	pod.TerminationGracePeriodSeconds = new(int64(grace.Seconds()))
	// Prefer several machines; fewer are no reason not to run.
	pod.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{
		MaxSkew:           1,
		TopologyKey:       corev1.LabelHostname,
		WhenUnsatisfiable: corev1.ScheduleAnyway,
		LabelSelector:     &metav1.LabelSelector{MatchLabels: map[string]string{JobLabel: name}},
	}}
	pod.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: Port, Protocol: corev1.ProtocolTCP}}
	pod.Containers[0].Resources = corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: j.CPU, corev1.ResourceMemory: j.Memory},
		Limits:   corev1.ResourceList{corev1.ResourceMemory: j.Memory},
	}
	return pod
}

// explain adds next steps to errors of the API.
func explain(err error) error {
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("%w; create the namespace first", err)
	}
	return kube.Explain(err, "this right (see the package documentation), or more of what is short")
}
