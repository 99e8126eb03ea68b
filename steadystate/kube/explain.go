package kube

import (
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Explain names the missing right if the API refused a request for lack of one:
// "the right to patch deployments".
func Explain(err error, give string) error {
	if apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) {
		return fmt.Errorf("%w; give the account %s, or use another account", err, give)
	}
	return err
}
