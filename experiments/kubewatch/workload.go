package kubewatch

import (
	"maps"
	"strconv"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// workloadEvents returns the events between two states of a workload: its
// desired and its actual pods.
func workloadEvents(before, after client.Object, first bool) []happening {
	was, known := kube.StateOf(before)
	is, there := kube.StateOf(after)
	if !there {
		return []happening{{kind: record.EventGone, subject: was.Subject(), uid: string(before.GetUID())}}
	}
	h := happening{kind: record.EventChanged, subject: is.Subject(), uid: string(after.GetUID()), attrs: counts(is)}
	switch {
	case !known:
		h.kind = arrival(first)
	case maps.Equal(counts(was), h.attrs):
		return nil
	}
	return []happening{h}
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
