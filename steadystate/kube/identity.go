package kube

import (
	"context"
	"errors"
	"fmt"

	authenticationv1 "k8s.io/api/authentication/v1"
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

// Account returns the name by which the cluster knows the client, as in
// "system:serviceaccount:ci:aftershock": that of a SelfSubjectReview, which every
// account may ask for. Kubernetes has it since 1.28.
func Account(ctx context.Context, c client.Writer) (string, error) {
	var review authenticationv1.SelfSubjectReview
	if err := c.Create(ctx, &review); err != nil {
		return "", fmt.Errorf("ask the cluster who this is: %w", err)
	}
	if review.Status.UserInfo.Username == "" {
		return "", errors.New("ask the cluster who this is: the answer has no name")
	}
	return review.Status.UserInfo.Username, nil
}

// Versions returns the cluster's versions for a record's environment: "kubernetes"
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
