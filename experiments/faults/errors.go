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
