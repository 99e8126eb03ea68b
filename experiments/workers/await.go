package workers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// askEvery is the poll interval for workers that start or terminate.
const askEvery = 250 * time.Millisecond

// await waits until every worker answers, and returns them by index. When ctx
// ends first it returns none, without an error.
func (j Job) await(ctx context.Context, job *batchv1.Job, run string) ([]workerClient, error) {
	waiting, cancel := context.WithTimeout(ctx, j.Ready)
	defer cancel()
	clients := make([]workerClient, j.Count)
	answers := make([]bool, j.Count)
	for {
		why, hopeless := j.look(waiting, job, run, clients, answers)
		if !hopeless && !slices.Contains(answers, false) {
			return clients, nil
		}
		if !hopeless && experiments.Wait(waiting, askEvery) == nil {
			continue
		}
		if ctx.Err() != nil {
			return nil, nil
		}
		return nil, j.notUp(ctx, job, answers, why)
	}
}

// look finds workers that have started since. It says why one has not, and
// whether it never will.
func (j Job) look(ctx context.Context, job *batchv1.Job, run string, clients []workerClient, answers []bool) (why string, hopeless bool) {
	pods, err := j.podsOf(ctx, job)
	if err != nil {
		return err.Error(), false
	}
	clock := steadystate.StartClock()
	for _, pod := range pods {
		i, err := index(pod, j.Count)
		if err != nil {
			return err.Error(), true
		}
		if text := failed(pod); text != "" {
			return text, true
		}
		if answers[i] || pod.Status.Phase != corev1.PodRunning {
			continue
		}
		reached, below := j.Reach(pod)
		clients[i] = workerClient{name: fmt.Sprintf("worker %d (pod %s on %s)", i, pod.Name, pod.Spec.NodeName), client: reached, below: below + "/" + run}
		if _, err := clients[i].read(ctx, clock); err != nil {
			why = err.Error()
			continue
		}
		answers[i] = true
	}
	return why, false
}

// podsOf are the pods of a Job.
func (j Job) podsOf(ctx context.Context, job *batchv1.Job) ([]corev1.Pod, error) {
	var pods corev1.PodList
	if err := j.Client.List(ctx, &pods, client.InNamespace(job.Namespace), client.MatchingLabels{JobLabel: job.Name}); err != nil {
		return nil, fmt.Errorf("list the pods of %s: %w", subject(job), explain(err))
	}
	return pods.Items, nil
}

// index is a pod's index in its Job.
func index(pod corev1.Pod, count int) (int, error) {
	text := pod.Annotations[batchv1.JobCompletionIndexAnnotation]
	i, err := strconv.Atoi(text)
	if err != nil || i < 0 || i >= count {
		return 0, fmt.Errorf("pod %s has the index %q, want one below %d: does the cluster know Indexed Jobs?", pod.Name, text, count)
	}
	return i, nil
}

// failed says why a pod can no longer succeed; empty: it still can.
func failed(pod corev1.Pod) string {
	if pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded {
		return state(pod)
	}
	for _, c := range pod.Status.ContainerStatuses {
		if w := c.State.Waiting; w != nil && (w.Reason == "InvalidImageName" || w.Reason == "ErrImageNeverPull") {
			return state(pod)
		}
	}
	return ""
}

// state is the cluster's description of a pod that does not run.
func state(pod corev1.Pod) string {
	said := []string{string(cmp.Or(pod.Status.Phase, corev1.PodPending))}
	add := func(words ...string) {
		if text := strings.Trim(strings.Join(words, ": "), ": \n"); text != "" {
			said = append(said, text)
		}
	}
	add(pod.Status.Reason, pod.Status.Message)
	if c := kube.PodCondition(&pod, corev1.PodScheduled); c.Status == corev1.ConditionFalse {
		add(c.Reason, c.Message)
	}
	for _, c := range pod.Status.ContainerStatuses {
		if w := c.State.Waiting; w != nil {
			add(w.Reason, w.Message)
		}
		if t := c.State.Terminated; t != nil {
			add(fmt.Sprintf("%s, exit code %d", t.Reason, t.ExitCode), t.Message)
		}
	}
	return fmt.Sprintf("pod %s is %s", pod.Name, strings.Join(said, "; "))
}

// notUp says why the workers did not start, in the cluster's words.
func (j Job) notUp(ctx context.Context, job *batchv1.Job, answers []bool, last string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	up := 0
	for _, a := range answers {
		if a {
			up++
		}
	}
	var reasons []string
	add := func(text string) {
		if text != "" && !slices.Contains(reasons, text) {
			reasons = append(reasons, text)
		}
	}
	pods, _ := j.podsOf(ctx, job)
	of := map[types.UID]bool{}
	for _, pod := range pods {
		of[pod.UID] = true
		if pod.Status.Phase != corev1.PodRunning {
			add(state(pod))
		}
	}
	var is batchv1.Job
	if err := j.Client.Get(ctx, client.ObjectKeyFromObject(job), &is); err == nil {
		of[is.UID] = true
		for _, c := range is.Status.Conditions {
			if c.Status == corev1.ConditionTrue && (c.Type == batchv1.JobFailed || c.Type == batchv1.JobFailureTarget) {
				add(fmt.Sprintf("the Job failed: %s: %s", c.Reason, c.Message))
			}
		}
	}
	var events corev1.EventList
	if err := j.Client.List(ctx, &events, client.InNamespace(job.Namespace)); err == nil {
		// The latest of each reason: the cluster repeats it for every pod and every
		// retry.
		latest := map[string]corev1.Event{}
		for _, e := range events.Items {
			if e.Type == corev1.EventTypeWarning && of[e.InvolvedObject.UID] && !e.LastTimestamp.Time.Before(latest[e.Reason].LastTimestamp.Time) {
				latest[e.Reason] = e
			}
		}
		for _, reason := range slices.Sorted(maps.Keys(latest)) {
			add(fmt.Sprintf("%s: %s", reason, latest[reason].Message))
		}
	}
	add(last)
	if len(reasons) == 0 {
		add("the cluster says nothing; it has made " + strconv.Itoa(len(pods)) + " pods")
	}
	return fmt.Errorf("start the load workers: %d of %d answer after at most %s: %s", up, len(answers), j.Ready, strings.Join(reasons, "; "))
}

// remove deletes the Job and waits until it and its pods are gone, on its own
// context. unsure: its creation had no answer and may still be on its way.
func (j Job) remove(ctx context.Context, job *batchv1.Job, unsure bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), j.Remove)
	defer cancel()
	if err := remove(ctx, j.Client, job, unsure); err != nil {
		// Only one of the causes counts: the timeout is not the run's own.
		return fmt.Errorf("%w: %s; see \"aftershock sweep\"", experiments.ErrLeftBehind, err.Error())
	}
	return nil
}

// remove deletes a Job, by its name, until it and its pods are gone or ctx ends. If it is
// unsure whether the Job was created, nothing is proven before it was seen.
func remove(ctx context.Context, c client.Client, job *batchv1.Job, unsure bool) error {
	for begin := time.Now(); ; {
		err := c.Delete(ctx, job.DeepCopy(), client.PropagationPolicy("Background"))
		unsure = unsure && err != nil
		there := ""
		if err = client.IgnoreNotFound(err); err == nil {
			there, err = remains(ctx, c, job)
		}
		unsure = unsure && there == ""
		switch {
		case err != nil || there != "":
		case !unsure:
			return nil
		case time.Since(begin) >= faults.LateCreate:
			return faults.NeverSeen(subject(job))
		default:
			err = errors.New("its creation had no answer")
		}
		last := errors.New("still there: " + there)
		if err != nil {
			last = explain(err)
		}
		if experiments.Wait(ctx, askEvery) != nil {
			return fmt.Errorf("remove %s: %w", subject(job), last)
		}
	}
}

// remains says which parts of a Job still exist.
func remains(ctx context.Context, c client.Reader, job *batchv1.Job) (string, error) {
	var jobs batchv1.JobList
	var pods corev1.PodList
	of := client.MatchingLabels{JobLabel: job.Name}
	if err := errors.Join(c.List(ctx, &jobs, client.InNamespace(job.Namespace), of), c.List(ctx, &pods, client.InNamespace(job.Namespace), of)); err != nil {
		return "", err
	}
	var names []string
	for _, o := range jobs.Items {
		names = append(names, "job "+o.Name)
	}
	for _, o := range pods.Items {
		names = append(names, "pod "+o.Name)
	}
	return strings.Join(names, ", "), nil
}
