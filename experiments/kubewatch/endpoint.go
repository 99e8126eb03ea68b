package kubewatch

import (
	"cmp"
	"maps"
	"slices"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/record"
)

// endpointEvents returns the events between two states of a service's endpoint
// slice: the endpoints that began to take traffic, and those that stopped.
func endpointEvents(before, after client.Object, first bool) []happening {
	was, old := serving(before)
	is, slice := serving(after)
	if slice == nil {
		slice = old
	}
	kind := record.EventAdded
	if first {
		kind = record.EventExists
	}
	var list []happening
	add := func(kind string, e discoveryv1.Endpoint) {
		name, uid := cmp.Or(e.Addresses...), ""
		if e.TargetRef != nil {
			name, uid = e.TargetRef.Name, string(e.TargetRef.UID)
		}
		list = append(list, happening{
			kind:    kind,
			subject: "endpoint/" + slice.Namespace + "/" + name,
			uid:     uid,
			attrs: attrs(
				record.AttrService, slice.Labels[discoveryv1.LabelServiceName],
				record.AttrSlice, slice.Name,
				record.AttrAddress, cmp.Or(e.Addresses...),
			),
		})
	}
	for _, key := range slices.Sorted(maps.Keys(was)) {
		if _, still := is[key]; !still {
			add(record.EventRemoved, was[key])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(is)) {
		if _, already := was[key]; !already {
			add(kind, is[key])
		}
	}
	return list
}

// serving are the endpoints of a slice that take traffic, by address and
// target. Kubernetes treats unknown readiness as ready.
func serving(object client.Object) (m map[string]discoveryv1.Endpoint, slice *discoveryv1.EndpointSlice) {
	m = map[string]discoveryv1.Endpoint{}
	slice, ok := object.(*discoveryv1.EndpointSlice)
	if !ok {
		return m, nil
	}
	for _, e := range slice.Endpoints {
		if !ptr.Deref(e.Conditions.Ready, true) {
			continue
		}
		key := cmp.Or(e.Addresses...)
		if e.TargetRef != nil {
			key += " " + string(e.TargetRef.UID)
		}
		m[key] = e
	}
	return m, slice
}
