package suites

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// Revision is what the pods of a service run: the label of their template, see
// [kube.PodRevision]. The error wraps [ErrNotAtRest] while they are not all of the
// workload's newest template, [kube.ErrNoWorkload] while there is none, and
// [ErrUnavailable] while the cluster does not answer. Any other is for good.
func (s *Session) Revision(ctx context.Context, t *config.Target) (string, error) {
	if err := s.identify(ctx); err != nil {
		return "", err
	}
	state, err := t.Workload.Read(ctx, s.Client)
	switch {
	case errors.Is(err, kube.ErrNoWorkload):
		return "", err
	case err != nil:
		return "", later(err)
	}
	// Before its controller has seen a change, the pods are those of the build before.
	if why := state.Incomplete(); why != "" {
		return "", fmt.Errorf("%w: not at rest: %s", ErrNotAtRest, why)
	}
	of := &service{Target: t, selector: state.Selector}
	if t.Selector != nil {
		of.selector = &metav1.LabelSelector{MatchLabels: t.Selector}
	}
	_, pods, err := s.owned(ctx, of)
	if err != nil {
		return "", err
	}
	var revisions []string
	for _, pod := range pods {
		if pod.DeletionTimestamp == nil {
			revisions = append(revisions, kube.PodRevision(&pod))
		}
	}
	slices.Sort(revisions)
	revisions = slices.Compact(revisions)
	// A record has these too, and not every cluster counts them in the workload's status.
	old := slices.IndexFunc(pods, func(pod corev1.Pod) bool {
		return pod.DeletionTimestamp != nil && !slices.Contains(revisions, kube.PodRevision(&pod))
	})
	switch {
	case len(revisions) == 0:
		return "", fmt.Errorf("%w: not at rest: no pod of %s runs", ErrNotAtRest, t.Workload)
	case len(revisions) > 1:
		return "", fmt.Errorf("%w: not at rest: the pods of %s are of %d templates: %s", ErrNotAtRest, t.Workload, len(revisions), strings.Join(revisions, ", "))
	case old >= 0:
		return "", fmt.Errorf("%w: not at rest: pod %s of an earlier template, %s, is still terminating", ErrNotAtRest, pods[old].Name, cmp.Or(kube.PodRevision(&pods[old]), "without a label"))
	case revisions[0] == "":
		return "", fmt.Errorf("the pods of %s have no label of their template, as the controllers of Deployments, StatefulSets, DaemonSets and Rollouts set", t.Workload)
	}
	return revisions[0], nil
}
