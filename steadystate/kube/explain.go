package kube

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Explain says first what is wrong with a request to the API. It names the missing
// right if the request was refused for lack of one, "the right to patch
// deployments", and the API server if that did not answer or takes no more requests.
func Explain(err error, give string) error {
	_, unanswered := errors.AsType[*url.Error](err)
	switch {
	case apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err):
		return fmt.Errorf("%w; give the account %s, or use another account", err, give)
	case apierrors.IsTooManyRequests(err) && !apierrors.HasStatusCause(err, policyv1.DisruptionBudgetCause):
		return fmt.Errorf("the API server takes no more requests for now (429): %w", err)
	case unanswered && !errors.Is(err, context.Canceled):
		return fmt.Errorf("the API server does not answer: %w", err)
	}
	return err
}

// MissingNamespace adds how to create a namespace to the error of a request in it,
// if what was not found is the namespace.
func MissingNamespace(err error, namespace string) error {
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("%w; create the namespace: kubectl create namespace %s", err, namespace)
	}
	return err
}
