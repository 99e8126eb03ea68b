package cluster

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestTheMetricsAPILeadsToItsServer(t *testing.T) {
	var service *corev1.Service
	var slice *discoveryv1.EndpointSlice
	var api *unstructured.Unstructured
	for _, o := range metricsObjects("198.18.0.2", 4443) {
		switch o := o.(type) {
		case *corev1.Service:
			service = o
		case *discoveryv1.EndpointSlice:
			slice = o
		case *unstructured.Unstructured:
			api = o
		}
	}
	to, _, err := unstructured.NestedMap(api.Object, "spec", "service")
	if err != nil || to["name"] != service.Name || to["namespace"] != service.Namespace || to["port"] != int64(service.Spec.Ports[0].Port) {
		t.Errorf("the API leads to %v, %v, not to the Service %s", to, err, service.Name)
	}
	if name := api.GetName(); name != "v1beta1.metrics.k8s.io" {
		t.Errorf("the API is called %s: the API server wants its version and group", name)
	}
	if service.Spec.Selector != nil {
		t.Error("with a selector the endpoints would be taken away: there is no such pod")
	}
	if slice.Labels["kubernetes.io/service-name"] != service.Name || slice.Namespace != service.Namespace {
		t.Errorf("the endpoint is not the Service's: %v", slice.Labels)
	}
	if *slice.Ports[0].Name != service.Spec.Ports[0].Name || *slice.Ports[0].Port != 4443 || slice.Endpoints[0].Addresses[0] != "198.18.0.2" {
		t.Errorf("the endpoint is %v, %v", slice.Ports, slice.Endpoints)
	}
}
