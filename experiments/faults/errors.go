package faults

import (
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
)

// ErrRefused is wrapped by every error that says that a guard refused a fault.
// Nothing was created then.
var ErrRefused = errors.New("refused")

// Refuse is an error that wraps [ErrRefused] and says why.
func Refuse(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrRefused, fmt.Errorf(format, args...))
}

// Explain says what to give the account where the API refused a request for
// lack of a right: "the right to patch deployments".
func Explain(err error, give string) error {
	if apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) {
		return fmt.Errorf("%w; give the account %s, or use another account", err, give)
	}
	return err
}

// Permanent reports whether asking again would yield the same.
func Permanent(err error) bool {
	return meta.IsNoMatchError(err) || apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) ||
		apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) || apierrors.IsMethodNotSupported(err) ||
		apierrors.IsRequestEntityTooLargeError(err)
}

// Rejected reports whether a request that failed certainly changed nothing.
// After a timeout, a broken connection or a failure of the server, or of what
// is in front of it, it may have; and a name of ours that is taken already was
// taken by a try whose answer was lost.
func Rejected(err error) bool {
	return Permanent(err) || apierrors.IsNotFound(err) || apierrors.IsConflict(err) || apierrors.IsTooManyRequests(err)
}
