// Package cluster is what the lab does as a client of its own API server.
package cluster

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Context is the name of the kubeconfig's context.
const Context = "lab"

// Client is an administrator's access to the cluster.
type Client struct {
	Kube    kubernetes.Interface
	Dynamic dynamic.Interface
}

// Connect makes a client; it does not ask the API server anything yet.
func Connect(kubeconfig string) (*Client, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read kubeconfig: %w", err)
	}
	config.QPS, config.Burst = 200, 400
	config.UserAgent = "lab"
	config.Proxy = nil
	config.WarningHandler = rest.NoWarnings{}
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("make client: %w", err)
	}
	dyn, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("make client: %w", err)
	}
	return &Client{Kube: kube, Dynamic: dyn}, nil
}

// WriteKubeconfig writes an administrator's kubeconfig, readable by its owner only.
func WriteKubeconfig(path, server string, ca []byte, token string) error {
	content := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: lab, cluster: {server: %q, certificate-authority-data: %s}}]
users: [{name: lab, user: {token: %s}}]
contexts: [{name: %[4]s, context: {cluster: lab, user: lab}}]
current-context: %[4]s
`, server, base64.StdEncoding.EncodeToString(ca), strings.TrimSpace(token), Context)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		return fmt.Errorf("write kubeconfig: %w", err)
	}
	return nil
}

// UID is the cluster's identity: the UID of its kube-system namespace.
func (c *Client) UID(ctx context.Context) (string, error) {
	ns, err := c.Kube.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	if err != nil {
		return "", fmt.Errorf("read the cluster's identity: %w", err)
	}
	return string(ns.UID), nil
}

// EnsureNamespace makes a namespace if there is none.
func (c *Client) EnsureNamespace(ctx context.Context, name string) error {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	_, err := c.Kube.CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("create namespace %s: %w", name, err)
	}
	return nil
}

// Apply makes an object what it is said to be; a field that an earlier Apply set and this one does not is taken away.
func (c *Client) Apply(ctx context.Context, object runtime.Object) error {
	u, resource, err := c.resource(object)
	if err != nil {
		return err
	}
	unstructured.RemoveNestedField(u.Object, "status")
	body, err := json.Marshal(u)
	if err != nil {
		return fmt.Errorf("encode object: %w", err)
	}
	_, err = resource.Patch(ctx, u.GetName(), types.ApplyPatchType, body, metav1.PatchOptions{FieldManager: "lab", Force: new(true)})
	if err != nil {
		return fmt.Errorf("apply %s %s: %w", u.GetKind(), u.GetName(), err)
	}
	return nil
}

// Delete makes an object not be there; one that is not there is no error.
func (c *Client) Delete(ctx context.Context, object runtime.Object) error {
	u, resource, err := c.resource(object)
	if err != nil {
		return err
	}
	if err := resource.Delete(ctx, u.GetName(), metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete %s %s: %w", u.GetKind(), u.GetName(), err)
	}
	return nil
}

// Scale sets how many replicas a deployment has; one that is not there is no error. Not Apply's manager sets it, so that an
// Apply that says no number leaves this one alone, and an autoscaler may change it.
func (c *Client) Scale(ctx context.Context, namespace, name string, replicas int32) error {
	patch := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas)
	_, err := c.Kube.AppsV1().Deployments(namespace).
		Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "lab-scale"})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("scale Deployment %s: %w", name, err)
	}
	return nil
}

// resource is an object without its Go type, and where the API server keeps such objects.
func (c *Client) resource(object runtime.Object) (*unstructured.Unstructured, dynamic.ResourceInterface, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil, nil, fmt.Errorf("encode object: %w", err)
	}
	u := &unstructured.Unstructured{Object: content}
	kind := u.GroupVersionKind()
	resource := schema.GroupVersionResource{
		Group: kind.Group, Version: kind.Version, Resource: strings.ToLower(kind.Kind) + "s", // true of what the lab applies
	}
	return u, c.Dynamic.Resource(resource).Namespace(u.GetNamespace()), nil
}
