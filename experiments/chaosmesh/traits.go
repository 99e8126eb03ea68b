package chaosmesh

import (
	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// changesPods reports whether the object's fault removes pods, which others
// replace.
func changesPods(object client.Object) bool {
	switch object := object.(type) {
	case *v1alpha1.PodChaos:
		return object.Spec.Action == v1alpha1.PodKillAction
	case *v1alpha1.Workflow:
		return embeds(object, changesPods)
	}
	return false
}

// endsOnRestart reports whether the object's fault acts on the processes of a
// container, so that restarted ones are free of it. It is false where what is changed
// outlives them.
func endsOnRestart(object client.Object) bool {
	switch object.(type) {
	case *v1alpha1.StressChaos, *v1alpha1.IOChaos, *v1alpha1.TimeChaos, *v1alpha1.JVMChaos:
		return true
	}
	return false
}
