package kube_test

import (
	"errors"
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
