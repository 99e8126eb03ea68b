package rights

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	authorizationv1 "k8s.io/api/authorization/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// atOnce is how many reviews run in parallel.
const atOnce = 8

// Missing returns the rules that the client's account lacks, in the order of rules. It
// sends a SelfSubjectAccessReview for each, which counts what any authorizer of the API
// server allows, not RBAC alone. The error is that of the first review that failed.
func Missing(ctx context.Context, c client.Client, rules []Rule) ([]Rule, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	allowed := make([]bool, len(rules))
	turn := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for i, r := range rules {
		turn <- struct{}{}
		wg.Go(func() {
			defer func() { <-turn }()
			review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: r.attributes()}}
			if err := c.Create(ctx, review); err != nil {
				cancel(fmt.Errorf("ask whether the account may %s: %w", r, err)) // the first one counts
			}
			allowed[i] = review.Status.Allowed
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	var missing []Rule
	for i, r := range rules {
		if !allowed[i] {
			missing = append(missing, r)
		}
	}
	return missing, nil
}

func (r Rule) attributes() *authorizationv1.ResourceAttributes {
	resource, sub, _ := strings.Cut(r.Resource, "/")
	a := &authorizationv1.ResourceAttributes{Namespace: r.Namespace, Group: r.Group, Resource: resource, Subresource: sub, Verb: r.Verb, Name: r.Name}
	if r.Resource == "namespaces" && r.Group == "" {
		a.Namespace = r.Name // as the server sees a request for a namespace
	}
	return a
}

// Lines formats rules as RBAC would have them, one line each:
// "in shop: {apiGroups: [apps], resources: [deployments], verbs: [patch]}".
func Lines(rules []Rule) []string {
	var namespaces []string
	of := map[string][]Rule{}
	for _, r := range rules {
		if of[r.Namespace] == nil {
			namespaces = append(namespaces, r.Namespace)
		}
		of[r.Namespace] = append(of[r.Namespace], r)
	}
	var lines []string
	for _, namespace := range namespaces {
		for _, p := range policy(of[namespace]) {
			fields := []string{fmt.Sprintf("apiGroups: [%s]", quoted(p.APIGroups)), fmt.Sprintf("resources: [%s]", quoted(p.Resources))}
			if len(p.ResourceNames) > 0 {
				fields = append(fields, fmt.Sprintf("resourceNames: [%s]", quoted(p.ResourceNames)))
			}
			fields = append(fields, fmt.Sprintf("verbs: [%s]", quoted(p.Verbs)))
			lines = append(lines, fmt.Sprintf("in %s: {%s}", cmp.Or(namespace, "the cluster"), strings.Join(fields, ", ")))
		}
	}
	return lines
}

// quoted formats names as the items of a YAML list.
func quoted(names []string) string {
	names = slices.Clone(names)
	for i := range names {
		if names[i] == "" {
			names[i] = `""`
		}
	}
	return strings.Join(names, ", ")
}
