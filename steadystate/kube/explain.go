package kube

import (
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Explain says what to give the account where the API refused a request for
// lack of a right: "the right to patch deployments".
func Explain(err error, give string) error {
	if apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) {
		return fmt.Errorf("%w; give the account %s, or use another account", err, give)
	}
	return err
}
