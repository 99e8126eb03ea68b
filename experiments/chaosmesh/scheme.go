package chaosmesh

import (
	"fmt"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgo "k8s.io/client-go/kubernetes/scheme"

	"github.com/aftershockhq/aftershock/steadystate/kube/argo"
)

// Scheme returns a scheme with Kubernetes' own kinds, those of Chaos Mesh, and the
// Rollout of Argo Rollouts.
func Scheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	if err := clientgo.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("register Kubernetes kinds: %w", err)
	}
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("register Chaos Mesh kinds: %w", err)
	}
	argo.AddToScheme(scheme)
	return scheme, nil
}
