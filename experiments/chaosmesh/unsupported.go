package chaosmesh

import (
	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments/faults"
)

// rejectUnsupported refuses specs that Chaos Mesh's own rules accept but that
// then do nothing, something else, or never end; it fixes those that are safe
// to fix.
func rejectUnsupported(obj client.Object) error {
	if remote, ok := obj.(v1alpha1.RemoteObject); ok && remote.GetRemoteCluster() != "" {
		return faults.Refuse("remoteCluster %q: the guard says nothing about other clusters; leave it out", remote.GetRemoteCluster())
	}
	switch obj := obj.(type) {
	case *v1alpha1.NetworkChaos:
		return rejectUnsupportedNetwork(obj)
	case *v1alpha1.StressChaos:
		s := obj.Spec.Stressors
		switch {
		case obj.Spec.StressngStressors != "":
			return faults.Refuse("stressngStressors is ignored or ends Chaos Mesh's controller; use stressors")
		case s.CPUStressor != nil && s.CPUStressor.Workers < 1, s.MemoryStressor != nil && s.MemoryStressor.Workers < 1:
			return faults.Refuse("stressors with 0 workers do nothing, and count as injected; at least one is needed")
		case s.MemoryStressor != nil && s.MemoryStressor.OOMScoreAdj < 0:
			return faults.Refuse("oomScoreAdj %d: where the daemon may not lower it nothing is stressed, and counts as injected; use 0 or more", s.MemoryStressor.OOMScoreAdj)
		}
	}
	return nil
}

func rejectUnsupportedNetwork(obj *v1alpha1.NetworkChaos) error {
	spec := &obj.Spec
	tc := spec.TcParameter
	missing := map[v1alpha1.NetworkChaosAction]bool{
		v1alpha1.DelayAction:     tc.Delay == nil,
		v1alpha1.LossAction:      tc.Loss == nil,
		v1alpha1.DuplicateAction: tc.Duplicate == nil,
		v1alpha1.CorruptAction:   tc.Corrupt == nil,
		v1alpha1.BandwidthAction: tc.Bandwidth == nil,
		v1alpha1.NetemAction:     tc.Delay == nil && tc.Loss == nil && tc.Duplicate == nil && tc.Corrupt == nil && tc.Rate == nil,
	}
	switch {
	case missing[spec.Action]:
		return faults.Refuse("action %s without its own block never takes effect, and keeps the object from being deleted; add %q", spec.Action, spec.Action)
	case spec.PartitionBehavior == v1alpha1.RejectPartitionBehavior:
		return faults.Refuse("partitionBehavior reject: released versions of Chaos Mesh drop packets anyway; leave it out")
	}
	// The default. Versions whose CRD lacks the field refuse every update of an
	// object that has it, and so never inject it.
	spec.PartitionBehavior = ""
	return nil
}
