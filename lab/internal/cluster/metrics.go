package cluster

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The group and version that metrics-server serves.
var metricsGroup = schema.GroupVersion{Group: "metrics.k8s.io", Version: "v1beta1"}

// EnsureMetrics makes the API server pass what is asked of metrics.k8s.io on to a metrics-server at that address, which is no pod.
func (c *Client) EnsureMetrics(ctx context.Context, address string, port int32) error {
	for _, object := range metricsObjects(address, port) {
		if err := c.Apply(ctx, object); err != nil {
			return err
		}
	}
	return nil
}

// metricsObjects are a Service without a selector, its endpoint, and the API that is served there.
func metricsObjects(address string, port int32) []runtime.Object {
	const name, portName, servicePort = "metrics-server", "https", 443
	return []runtime.Object{
		&corev1.Service{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: metav1.NamespaceSystem},
			Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: portName, Port: servicePort, Protocol: corev1.ProtocolTCP}}},
		},
		&discoveryv1.EndpointSlice{
			TypeMeta: metav1.TypeMeta{APIVersion: "discovery.k8s.io/v1", Kind: "EndpointSlice"},
			ObjectMeta: metav1.ObjectMeta{
				Name: name, Namespace: metav1.NamespaceSystem, Labels: map[string]string{discoveryv1.LabelServiceName: name},
			},
			AddressType: discoveryv1.AddressTypeIPv4,
			// The API server looks for the port by the name it has in the Service.
			Ports:     []discoveryv1.EndpointPort{{Name: new(portName), Port: new(port), Protocol: new(corev1.ProtocolTCP)}},
			Endpoints: []discoveryv1.Endpoint{{Addresses: []string{address}}},
		},
		// Its Go type is in a module that the lab needs for nothing else.
		&unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
			"metadata": map[string]any{"name": metricsGroup.Version + "." + metricsGroup.Group},
			"spec": map[string]any{
				"group": metricsGroup.Group, "version": metricsGroup.Version,
				"groupPriorityMinimum": int64(100), "versionPriority": int64(100),
				"service":               map[string]any{"name": name, "namespace": metav1.NamespaceSystem, "port": int64(servicePort)},
				"insecureSkipTLSVerify": true, // its certificate is made by itself
			},
		}},
	}
}

// MeasuredNodes are the nodes that metrics-server has values of.
func (c *Client) MeasuredNodes(ctx context.Context) ([]string, error) {
	list, err := c.Dynamic.Resource(metricsGroup.WithResource("nodes")).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list metrics of the nodes: %w", err)
	}
	var names []string
	for _, n := range list.Items {
		names = append(names, n.GetName())
	}
	return names, nil
}
