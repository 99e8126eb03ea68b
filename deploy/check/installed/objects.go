package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/metadata"
)

// passing are the resources of which the cluster makes and removes objects by itself:
// what happened, how much is used, and, since experiments replace pods, what is made
// for a pod.
var passing = []string{"events", "nodes.metrics.k8s.io", "pods.metrics.k8s.io", "ipaddresses.networking.k8s.io", "componentstatuses"}

// objects are all of the cluster by kind, namespace and name: their uids. Those of the
// services under test are replaced by experiments; their pods are known by how many
// there are.
func (s *scene) objects(ctx context.Context) (map[string]string, error) {
	lists, err := discovery.NewDiscoveryClientForConfigOrDie(s.rest).ServerPreferredResourcesWithContext(ctx)
	if err != nil {
		return nil, err
	}
	client, err := metadata.NewForConfig(s.rest)
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	pods := map[string]int{}
	var errs []error
	for _, list := range lists {
		group, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return nil, err
		}
		for _, r := range list.APIResources {
			name := strings.TrimSuffix(r.Name+"."+group.Group, ".")
			if !slices.Contains(r.Verbs, "list") || slices.Contains(passing, name) || slices.Contains(passing, r.Name) {
				continue
			}
			all, err := client.Resource(group.WithResource(r.Name)).List(ctx, metav1.ListOptions{})
			if apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) {
				continue
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("list %s: %w", name, err))
				continue
			}
			for _, o := range all.Items {
				if (name == "pods" || name == "podnetworkchaos.chaos-mesh.org") && o.Namespace == "shop" {
					pods[name]++
					continue
				}
				found[strings.TrimSpace(name+" "+strings.Trim(o.Namespace+"/"+o.Name, "/"))] = string(o.UID)
			}
		}
	}
	// Chaos Mesh keeps an empty PodNetworkChaos for a pod until that is gone.
	found["pods of shop"] = fmt.Sprint(pods["pods"])
	return found, errors.Join(errs...)
}
