package kube_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/aftershockhq/aftershock/steadystate/kube"
)

func TestAMissingRightIsExplained(t *testing.T) {
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "a", errors.New("no"))
	err := kube.Explain(forbidden, "the right to list pods")
	if !apierrors.IsForbidden(err) || !strings.HasSuffix(err.Error(), "; give the account the right to list pods, or use another account") {
		t.Errorf("error %v", err)
	}
	away := errors.New("connection refused")
	if got := kube.Explain(away, "this right"); !errors.Is(got, away) || got.Error() != away.Error() {
		t.Errorf("error %v, want it as it was", got)
	}
	if got := kube.Explain(nil, "this right"); got != nil {
		t.Errorf("error %v, want none", got)
	}
}

// What the API server did not do is said first: the rest of such an error is long.
func TestAnAPIServerInTroubleIsNamed(t *testing.T) {
	asked := func(err error) error { return &url.Error{Op: "Get", URL: "https://a:6443/api", Err: err} }
	for _, row := range []struct {
		err  error
		want string
	}{
		{asked(errors.New("connection refused")), "the API server does not answer: Get "},
		{asked(context.DeadlineExceeded), "the API server does not answer: Get "},
		{asked(context.Canceled), "Get "}, // by this program
		{apierrors.NewTooManyRequests("try again", 1), "the API server takes no more requests for now (429): try again"},
		{apierrors.NewBadRequest("no"), "no"},
	} {
		if got := kube.Explain(row.err, "this right"); !errors.Is(got, row.err) || !strings.HasPrefix(got.Error(), row.want) {
			t.Errorf("error %v, want %s", got, row.want)
		}
	}
}
