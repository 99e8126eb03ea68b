package faults_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/aftershockhq/aftershock/experiments/faults"
)

func TestOnlyWhatTheServerRejectedIsCertainlyNotDone(t *testing.T) {
	jobs := schema.GroupResource{Group: "batch", Resource: "jobs"}
	no := errors.New("no")
	for _, row := range []struct {
		sentence            string
		err                 error
		rejected, permanent bool
	}{
		{"no error", nil, false, false},
		{"a right is missing, or a quota is used up", apierrors.NewForbidden(jobs, "load", no), true, true},
		{"an admission webhook denies it without a reason", &apierrors.StatusError{ErrStatus: metav1.Status{Code: http.StatusForbidden, Message: "denied the request"}}, true, true},
		{"the account is not known", apierrors.NewUnauthorized("who?"), true, true},
		{"the object makes no sense", apierrors.NewInvalid(schema.GroupKind{Kind: "Job"}, "load", nil), true, true},
		{"the request makes no sense", apierrors.NewBadRequest("?"), true, true},
		{"it is too large", apierrors.NewRequestEntityTooLargeError("3 MiB"), true, true},
		{"the kind is not installed", &meta.NoKindMatchError{}, true, true},
		{"the namespace is not there", apierrors.NewNotFound(jobs, "load"), true, false},
		{"another client was faster", apierrors.NewConflict(jobs, "load", no), true, false},
		{"the server has too much to do", apierrors.NewTooManyRequests("later", 1), true, false},
		{"a name that only the run uses is taken: by a try whose answer was lost", apierrors.NewAlreadyExists(jobs, "load"), false, false},
		{"a proxy lost the server while it answered", apierrors.NewServiceUnavailable("upstream reset"), false, false},
		{"the server did not answer in time", apierrors.NewTimeoutError("?", 0), false, false},
		{"its store did not", apierrors.NewServerTimeout(jobs, "create", 0), false, false},
		{"the server failed", apierrors.NewInternalError(no), false, false},
		{"an admission webhook did not answer", apierrors.NewInternalError(errors.New(`failed calling webhook "mnetworkchaos.kb.io": connection refused`)), true, false},
		{"the connection broke", errors.New("EOF"), false, false},
		{"the run ended", context.Canceled, false, false},
		{"it was never sent", fmt.Errorf("%w: write it down: %w", faults.ErrNotRequested, context.DeadlineExceeded), true, false},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			if got := faults.Rejected(row.err); got != row.rejected {
				t.Errorf("certainly not done: %t, want %t", got, row.rejected)
			}
			if got := faults.Permanent(row.err); got != row.permanent {
				t.Errorf("the same when asked again: %t, want %t", got, row.permanent)
			}
		})
	}
}
