package kubewatch

import (
	"cmp"
	"maps"
	"strconv"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// workloadEvents returns the events between two states of a workload: its
// desired and its actual pods.
func workloadEvents(before, after client.Object, arrival string) []happening {
	was, _ := kube.StateOf(before)
	is, _ := kube.StateOf(after)
	if arrival == "" && maps.Equal(counts(was), counts(is)) {
		return nil
	}
	return []happening{{kind: cmp.Or(arrival, record.EventChanged), attrs: counts(is)}}
}

// workloadSubject is the subject of a workload of any kind.
func workloadSubject(o client.Object) string {
	s, _ := kube.StateOf(o)
	return s.Subject()
}

// counts are a workload's pod counts.
func counts(s kube.State) map[string]string {
	number := func(n int32) string { return strconv.Itoa(int(n)) }
	return attrs(
		record.AttrDesired, number(s.Desired),
		record.AttrExisting, number(s.Existing),
		record.AttrReady, number(s.Ready),
		record.AttrUpdated, number(s.Updated),
	)
}
