package suites

import (
	"context"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// Revision is what the pods of a service run: the label of their template, see
// [kube.PodRevision]. The error wraps [ErrUnavailable] while they are not all of the
// workload's newest template, or of one that none of them has.
func (s *Session) Revision(ctx context.Context, t *config.Target) (string, error) {
	if err := s.identify(ctx); err != nil {
		return "", err
	}
	state, err := t.Workload.Read(ctx, s.Client)
	if err != nil {
		return "", err
	}
	// Before its controller has seen a change, the pods are those of the build before.
	if why := state.Incomplete(); why != "" {
		return "", fmt.Errorf("%w: %s", ErrUnavailable, why)
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
	switch revisions = slices.Compact(revisions); {
	case len(revisions) == 0:
		return "", fmt.Errorf("%w: no pod of %s runs", ErrUnavailable, t.Workload)
	case len(revisions) > 1:
		return "", fmt.Errorf("%w: the pods of %s are of %d templates: %s", ErrUnavailable, t.Workload, len(revisions), strings.Join(revisions, ", "))
	case revisions[0] == "":
		return "", fmt.Errorf("the pods of %s have no label of their template, as the controllers of Deployments, StatefulSets, DaemonSets and Rollouts set", t.Workload)
	}
	return revisions[0], nil
}
