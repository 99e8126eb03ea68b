package suites

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	schedulinghelpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// nodes are those of the cluster; none without the right to list them.
func (p *preflight) nodes(ctx context.Context) []corev1.Node {
	var list corev1.NodeList
	switch err := p.Client.List(ctx, &list); {
	case apierrors.IsForbidden(err):
		p.say(Note, "nodes", "the account may not list nodes, so cordoned nodes and nodes that are not ready go unseen")
	case err != nil:
		p.errs = append(p.errs, fmt.Errorf("%s: list nodes: %w", p.Plan.Path, err))
	}
	return list.Items
}

// trouble is why a node takes no pods, or runs none, and what to do.
func trouble(n corev1.Node) string {
	if c := kube.NodeCondition(&n, corev1.NodeReady); c.Type != "" && c.Status != corev1.ConditionTrue {
		return fmt.Sprintf("%s is not ready: %s (kubectl describe node %s)", n.Name, c.Reason, n.Name)
	}
	if n.Spec.Unschedulable {
		return fmt.Sprintf("%s is cordoned (kubectl uncordon %s)", n.Name, n.Name)
	}
	return ""
}

// placed looks at the nodes of a service's pods, and at those where replacements
// would go. It is a note at most: an autoscaler of nodes may make new ones.
func (p *preflight) placed(of *service, nodes []corev1.Node) {
	if len(p.running[of]) == 0 || len(nodes) == 0 {
		return // which other looks have told
	}
	p.look("nodes of "+of.Name, of.At("workload"), func() (string, error) {
		found, wrong := placement(p.running[of], nodes, of.Workload.Drains())
		if len(wrong) > 0 {
			return "", note(strings.Join(wrong, "; "))
		}
		return found, nil
	})
}

// placement says where pods run and, if they are replaced elsewhere, where a
// replacement may go; wrong is what stands in the way.
func placement(pods []corev1.Pod, nodes []corev1.Node, elsewhere bool) (found string, wrong []string) {
	on := map[string]int{}
	for _, pod := range pods {
		on[pod.Spec.NodeName]++
	}
	taking, more := 0, 0
	for _, n := range nodes {
		why, fit := trouble(n), elsewhere && fits(pods[0], n)
		switch {
		case why == "" && fit:
			taking++
		case why != "" && on[n.Name] > 0:
			wrong = append(wrong, fmt.Sprintf("%s, and runs %d of the %d pods", why, on[n.Name], len(pods)))
		case why != "" && fit && len(wrong) < 5:
			wrong = append(wrong, why)
		case why != "" && fit:
			more++
		}
	}
	if more > 0 {
		wrong = append(wrong, fmt.Sprintf("and %d more nodes like these", more))
	}
	found = fmt.Sprintf("%d pods on %s", len(pods), strings.Join(slices.Sorted(maps.Keys(on)), ", "))
	if !elsewhere {
		return found, wrong
	}
	where := fmt.Sprintf("a replacement may go to %d of %d nodes", taking, len(nodes))
	switch {
	case taking == 0:
		wrong = append(wrong, "no node takes a replacement, so that a pod that goes stays away")
	case len(wrong) > 0:
		wrong = append(wrong, where)
	}
	return found + "; " + where, wrong
}

// fits reports whether the scheduler may put a pod like this on the node, but for
// the room there. That the node is cordoned or not ready is not looked at.
func fits(pod corev1.Pod, n corev1.Node) bool {
	match, err := nodeaffinity.GetRequiredNodeAffinity(&pod).Match(&n)
	return err == nil && match && tolerated(n, pod.Spec.Tolerations)
}

// tolerated reports whether pods with these tolerations may be on a node, but for the
// taints by which Kubernetes says what [trouble] says.
func tolerated(n corev1.Node, by []corev1.Toleration) bool {
	own := func(t *corev1.Taint) bool {
		return (t.Effect == corev1.TaintEffectNoSchedule || t.Effect == corev1.TaintEffectNoExecute) &&
			!strings.HasPrefix(t.Key, "node.kubernetes.io/")
	}
	_, refused := schedulinghelpers.FindMatchingUntoleratedTaint(klog.Background(), n.Spec.Taints, by, own, false)
	return !refused
}

// needs keeps on which nodes an experiment's fault needs Chaos Mesh's daemon.
func (p *preflight) needs(e Experiment, fault experiments.Fault, preview experiments.Preview) {
	f, ok := fault.(*chaosmesh.Fault)
	if !ok || !f.ByDaemon() {
		return
	}
	hit := names(preview.Candidates)
	for _, pods := range p.running {
		for _, pod := range pods {
			if node := pod.Spec.NodeName; node != "" && slices.Contains(hit, pod.Name) && !slices.Contains(p.daemons[node], e.Name) {
				p.daemons[node] = append(p.daemons[node], e.Name)
			}
		}
	}
}

// daemon looks for Chaos Mesh's daemon on each node where a fault needs it.
func (p *preflight) daemon(ctx context.Context) {
	if len(p.daemons) == 0 {
		return
	}
	p.look("chaos-daemon", config.Place{File: p.Plan.Path, Line: 1}, func() (string, error) {
		nodes := slices.Sorted(maps.Keys(p.daemons))
		ready, err := chaosmesh.Daemons(ctx, p.Client)
		if apierrors.IsForbidden(err) {
			return "", note(fmt.Sprintf("whether it runs on %s is not seen: %s", strings.Join(nodes, ", "), err))
		}
		if err != nil {
			return "", err
		}
		var wrong []string
		for _, n := range nodes {
			if up, there := ready[n]; !there {
				wrong = append(wrong, "none on "+n)
			} else if !up {
				wrong = append(wrong, "not ready on "+n)
			}
		}
		if len(wrong) > 0 {
			var without []string
			for _, n := range nodes {
				if !ready[n] {
					without = append(without, p.daemons[n]...)
				}
			}
			slices.Sort(without)
			return "", fmt.Errorf("%w: %s, so that nothing could be injected by %s; see kubectl -n %s get pods -o wide, and what keeps its DaemonSet from a node (a taint?)",
				ErrUnavailable, strings.Join(wrong, ", "), strings.Join(slices.Compact(without), ", "), chaosmesh.Namespace)
		}
		return "ready on " + strings.Join(nodes, ", "), nil
	})
}
