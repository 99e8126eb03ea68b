package workers

import (
	"context"
	"errors"
	"fmt"

	authorizationv1 "k8s.io/api/authorization/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Preflight checks that the cluster would accept the Job, and that the account
// has the rights to drive it. It changes nothing: the Job is created in a dry
// run, which the cluster's own admission judges.
func (j Job) Preflight(ctx context.Context) (string, error) {
	j = j.withDefaults()
	if err := j.Validate(); err != nil {
		return "", err
	}
	job := j.object("preflight", DefaultLifetime)
	if err := j.Client.Create(ctx, job, client.DryRunAll); err != nil {
		return "", fmt.Errorf("create Job/%s: %w", j.Namespace, explain(err))
	}
	var errs []error
	for _, right := range []authorizationv1.ResourceAttributes{
		{Group: "batch", Resource: "jobs", Verb: "get"},
		{Group: "batch", Resource: "jobs", Verb: "list"},
		{Group: "batch", Resource: "jobs", Verb: "delete"},
		{Resource: "pods", Verb: "list"},
		{Resource: "pods", Subresource: "proxy", Verb: "get"},
		{Resource: "pods", Subresource: "proxy", Verb: "create"},
	} {
		right.Namespace = j.Namespace
		review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &right}}
		if err := j.Client.Create(ctx, review); err != nil {
			errs = append(errs, fmt.Errorf("check the account's rights: %w", err))
			break
		}
		if !review.Status.Allowed {
			what := right.Resource
			if right.Subresource != "" {
				what += "/" + right.Subresource
			}
			errs = append(errs, fmt.Errorf("the account may not %s %s in namespace %s; give it this right", right.Verb, what, j.Namespace))
		}
	}
	return fmt.Sprintf("%d workers of image %s would share the load in namespace %s, each with %s of a processor and %s", j.Count, j.Image, j.Namespace, j.CPU.String(), j.Memory.String()), errors.Join(errs...)
}
