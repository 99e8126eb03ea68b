package chaosmesh

import (
	"context"
	"strings"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// Namespace is the namespace into which Chaos Mesh is installed by default.
const Namespace = "chaos-mesh"

// daemonSlices is how the names of EndpointSlices begin in which Chaos Mesh's
// controller looks for the daemon of a node; it looks nowhere else
// (controllers/utils/chaosdaemon).
const daemonSlices = "chaos-daemon-"

// Daemons returns the nodes on which Chaos Mesh's controller finds a chaos-daemon, and
// whether that is ready. It looks in [Namespace] and, if there are none, in all
// namespaces.
func Daemons(ctx context.Context, c client.Reader) (map[string]bool, error) {
	nodes := map[string]bool{}
	for _, within := range [][]client.ListOption{{client.InNamespace(Namespace)}, nil} {
		var list discoveryv1.EndpointSliceList
		if err := c.List(ctx, &list, within...); err != nil {
			return nil, kube.Explain(err, "the right to list endpointslices")
		}
		for _, slice := range list.Items {
			if !strings.HasPrefix(slice.Name, daemonSlices) {
				continue
			}
			for _, e := range slice.Endpoints {
				if e.NodeName != nil {
					// Nil is ready, by the API's own words.
					nodes[*e.NodeName] = nodes[*e.NodeName] || e.Conditions.Ready == nil || *e.Conditions.Ready
				}
			}
		}
		if len(nodes) > 0 {
			break
		}
	}
	return nodes, nil
}

// ByDaemon reports whether chaos-daemon carries the fault out, on the nodes of its
// targets. Chaos Mesh's controller kills pods, and makes them fail, without it.
func (f *Fault) ByDaemon() bool {
	if f.plan.object == nil {
		return false // an [Object] that cannot be read
	}
	object, err := f.plan.object(placement{})
	return err == nil && byDaemon(object)
}

func byDaemon(object client.Object) bool {
	switch o := object.(type) {
	case *v1alpha1.PodChaos:
		return o.Spec.Action == v1alpha1.ContainerKillAction
	case *v1alpha1.Workflow:
		return embeds(o, byDaemon)
	}
	return true
}
