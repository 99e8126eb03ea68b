package kube_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/steadystate/kube"
)

func TestAClusterIsKnownByItsSystemNamespace(t *testing.T) {
	c := newClient(t, interceptor.Funcs{}, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "kube-system", UID: "7e5f"}})
	if uid, err := kube.Identity(t.Context(), c); err != nil || uid != "7e5f" {
		t.Errorf("%q, %v; want 7e5f", uid, err)
	}
	_, err := kube.Identity(t.Context(), newClient(t, interceptor.Funcs{}))
	wantError(t, err, "identify the cluster by its namespace kube-system")
}

func TestAnAccountIsWhoTheClusterSaysItIs(t *testing.T) {
	answer := func(name string, err error) client.Client {
		return newClient(t, interceptor.Funcs{Create: func(_ context.Context, _ client.WithWatch, o client.Object, _ ...client.CreateOption) error {
			review, ok := o.(*authenticationv1.SelfSubjectReview)
			if !ok {
				t.Errorf("creates a %T", o)
				return nil
			}
			review.Status.UserInfo.Username = name
			return err
		}})
	}
	if name, err := kube.Account(t.Context(), answer("ann", nil)); err != nil || name != "ann" {
		t.Errorf("%q, %v; want ann", name, err)
	}
	_, err := kube.Account(t.Context(), answer("", nil))
	wantError(t, err, "the answer has no name")
	_, err = kube.Account(t.Context(), answer("", errors.New("no such kind")))
	wantError(t, err, "ask the cluster who this is: no such kind")
}

func TestVersionsAreTheServersOwn(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/version" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"gitVersion": "v1.35.4", "platform": "linux/amd64"}`))
	}))
	got, err := kube.Versions(t.Context(), &rest.Config{Host: server.URL})
	if err != nil || got["kubernetes"] != "v1.35.4" || got["platform"] != "linux/amd64" {
		t.Errorf("%v, %v; want the server's answer", got, err)
	}
	server.Close()
	_, err = kube.Versions(t.Context(), &rest.Config{Host: server.URL})
	wantError(t, err, "for its version")
}
