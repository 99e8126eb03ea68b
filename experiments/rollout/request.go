package rollout

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/steadystate/kube/argo"
)

// RestartLabel of a Rollout says that a run has requested its restart, as RUN.SECONDS,
// the time that it was requested for. It is a label because Argo's controller copies
// annotations to the ReplicaSet of the pods, where one would stay.
const RestartLabel = "aftershock.dev/restart"

// A request is one for the restart of a Rollout. Unlike the restart of other workloads,
// which is an update of the template, it is pending until the last pod is replaced, and
// Argo's controller carries it out however long that takes.
type request struct {
	run string
	at  metav1.Time
}

func (q request) String() string { return q.run + "." + strconv.FormatInt(q.at.Unix(), 10) }

// newRequest is one that replaces every pod. Its resolution is a second, and a pod that
// was created in it, or after it by another clock than this machine's, would stay.
func newRequest(run string, r *argo.Rollout, pods []corev1.Pod) request {
	at := time.Now().Truncate(time.Second)
	after := func(t time.Time) {
		if next := t.Truncate(time.Second).Add(time.Second); next.After(at) {
			at = next
		}
	}
	for _, pod := range pods {
		after(pod.CreationTimestamp.Time)
	}
	if last := r.Spec.RestartAt; last != nil {
		after(last.Time)
	}
	return request{run, metav1.NewTime(at.UTC())}
}

// requestOf is the request that a label of a Rollout names; nil: there is none.
func requestOf(labels map[string]string) (*request, error) {
	text, there := labels[RestartLabel]
	if !there {
		return nil, nil
	}
	run, seconds, _ := strings.Cut(text, ".")
	at, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || run == "" {
		return nil, fmt.Errorf("label %s is %q, which does not name a restart: look at spec.restartAt, and remove the label by hand", RestartLabel, text)
	}
	return &request{run, metav1.Unix(at, 0)}, nil
}

// put requests the restart.
func (q request) put(r *argo.Rollout) {
	label(r, RestartLabel, q.String())
	r.Spec.RestartAt = q.at.DeepCopy()
}

// pending reports whether the restart is not done, and no other client has requested
// one since.
func (q request) pending(r *argo.Rollout) bool {
	return r.Restarting() && r.Spec.RestartAt.Equal(&q.at)
}

// withdraw removes the label of a run's request. If the restart is still pending, it
// ends it: the last one that was done is then the one that is requested. A run that has
// no request there changes nothing.
func (w Workload) withdraw(ctx context.Context, run string) (pending bool, err error) {
	s, err := w.read(ctx)
	if err != nil {
		return false, err
	}
	r, ok := s.Object.(*argo.Rollout)
	if !ok {
		return false, nil
	}
	q, err := requestOf(r.Labels)
	if err != nil || q == nil || q.run != run {
		return false, err
	}
	pending = q.pending(r)
	return pending, w.patch(ctx, s, func(kube.State) {
		if pending {
			r.Spec.RestartAt = r.Status.RestartedAt.DeepCopy()
		}
		label(r, RestartLabel, "")
	})
}
