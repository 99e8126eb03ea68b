package kube

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Identity tells one cluster from another: the UID of its namespace kube-system,
// which lives as long as the cluster does. Names of contexts and addresses move
// from one cluster to another.
func Identity(ctx context.Context, c client.Reader) (string, error) {
	var namespace corev1.Namespace
	if err := c.Get(ctx, client.ObjectKey{Name: "kube-system"}, &namespace); err != nil {
		return "", fmt.Errorf("identify the cluster by its namespace kube-system: %w", err)
	}
	return string(namespace.UID), nil
}

// Versions are the cluster's versions for a record's environment: "kubernetes"
// and "platform".
func Versions(ctx context.Context, config *rest.Config) (map[string]string, error) {
	d, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("ask %s for its version: %w", config.Host, err)
	}
	info, err := d.ServerVersionWithContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask %s for its version: %w", config.Host, err)
	}
	return map[string]string{"kubernetes": info.GitVersion, "platform": info.Platform}, nil
}
