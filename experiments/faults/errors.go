package faults

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/aftershockhq/aftershock/experiments"
)

// ErrRefused is wrapped by the error of every fault that a guard refused. Nothing was
// created then.
var ErrRefused = errors.New("refused")

// ErrNotRequested is wrapped by the error of a change for which no request was sent to
// the API server.
var ErrNotRequested = errors.New("not requested")

// Refuse returns an error that wraps [ErrRefused]; the format gives the reason.
func Refuse(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrRefused, fmt.Errorf(format, args...))
}

// Permanent reports whether a retry would fail the same way.
func Permanent(err error) bool {
	return meta.IsNoMatchError(err) || apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) ||
		apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) || apierrors.IsMethodNotSupported(err) ||
		apierrors.IsRequestEntityTooLargeError(err)
}

// Unadmitted reports whether a request failed because an admission webhook did not
// answer. Webhooks are called before anything is stored, so nothing changed.
func Unadmitted(err error) bool {
	return apierrors.IsInternalError(err) && strings.Contains(err.Error(), "failed calling webhook")
}

// Rejected reports whether a failed request certainly changed nothing. After a timeout,
// a broken connection, or a failure of the server or of a proxy in front of it, the
// request may have succeeded. If the name of an object of ours is already taken, an
// earlier attempt whose answer was lost created it.
func Rejected(err error) bool {
	return errors.Is(err, ErrNotRequested) || Permanent(err) || Unadmitted(err) || apierrors.IsNotFound(err) || apierrors.IsConflict(err) || apierrors.IsTooManyRequests(err)
}

// LateCreate is how long an object whose creation had no answer may take to appear.
const LateCreate = 10 * time.Second

// NeverSeen is the error of removing an object, by its name, whose creation had no answer
// and that did not appear within [LateCreate].
func NeverSeen(name string) error {
	return fmt.Errorf("remove %s: its creation had no answer, and in %s it was never seen: it may still appear", name, LateCreate)
}

// Retry calls f at this interval until it succeeds, until it fails with an error that is
// [Permanent] or final, or until ctx ends. It returns f's last error.
func Retry(ctx context.Context, every time.Duration, f func() error, final ...func(error) bool) error {
	for {
		err := f()
		if err == nil || Permanent(err) || slices.ContainsFunc(final, func(is func(error) bool) bool { return is(err) }) ||
			experiments.Wait(ctx, every) != nil {
			return err
		}
	}
}
