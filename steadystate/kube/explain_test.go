package kube_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

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
	budget := apierrors.NewTooManyRequests("it would violate the budget", 0)
	budget.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: policyv1.DisruptionBudgetCause}}
	for _, row := range []struct {
		err  error
		want string
	}{
		{asked(errors.New("connection refused")), "the API server does not answer: Get "},
		{asked(context.DeadlineExceeded), "the API server does not answer: Get "},
		{asked(context.Canceled), "Get "}, // by this program
		{apierrors.NewTooManyRequests("try again", 1), "the API server takes no more requests for now (429): try again"},
		{apierrors.NewBadRequest("no"), "no"},
		{budget, "it would violate the budget"}, // likewise a 429
	} {
		if got := kube.Explain(row.err, "this right"); !errors.Is(got, row.err) || !strings.HasPrefix(got.Error(), row.want) {
			t.Errorf("error %v, want %s", got, row.want)
		}
	}
}

// A storm of refusals is told as such, also where client-go would wait beyond the
// request's time.
func TestAStormOfRefusalsIsTold(t *testing.T) {
	known := map[string]string{
		"/api":    `{"kind":"APIVersions","versions":["v1"]}`,
		"/apis":   `{"kind":"APIGroupList","apiVersion":"v1","groups":[]}`,
		"/api/v1": `{"kind":"APIResourceList","groupVersion":"v1","resources":[{"name":"configmaps","kind":"ConfigMap","namespaced":true,"verbs":["get"]}]}`,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if text, ok := known[r.URL.Path]; ok {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(text))
			return
		}
		w.Header().Set("Retry-After", "1")
		http.Error(w, "too many requests", http.StatusTooManyRequests)
	}))
	defer server.Close()
	c, err := kube.NewClient(&rest.Config{Host: server.URL}, scheme.Scheme)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	err = kube.Explain(c.Get(ctx, client.ObjectKey{Namespace: "shop", Name: "a"}, &corev1.ConfigMap{}), "this right")
	if err == nil || !strings.HasPrefix(err.Error(), "the API server takes no more requests for now (429): ") {
		t.Errorf("error %v", err)
	}
}
