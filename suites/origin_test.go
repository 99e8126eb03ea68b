package suites

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/experiments/kubeevents"
	"github.com/aftershockhq/aftershock/record"
)

// named answers a SelfSubjectReview.
func named(who string, err error) interceptor.Funcs {
	return interceptor.Funcs{Create: func(ctx context.Context, c client.WithWatch, o client.Object, options ...client.CreateOption) error {
		if review, ok := o.(*authenticationv1.SelfSubjectReview); ok {
			review.Status.UserInfo.Username = who
			return err
		}
		return c.Create(ctx, o, options...)
	}}
}

func TestTheEnvironmentSaysWhoRanItFromWhereByWhichFile(t *testing.T) {
	for _, row := range []struct {
		err  error
		want string
	}{
		{nil, "system:serviceaccount:ci:aftershock"},
		{errors.New("forbidden"), "unknown: ask the cluster who this is: forbidden"},
	} {
		s := connected(t, valid, named("system:serviceaccount:ci:aftershock", row.err), deployed("checkout"))
		able, err := s.Read(t.Context(), s.Plan.Planned)
		if err != nil {
			t.Fatal(err)
		}
		list, err := s.Experiments(able)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{
			"who":         row.want,
			"file.sha256": fmt.Sprintf("%x", sha256.Sum256([]byte(valid))),
		} {
			if got := list[0].Environment[name]; got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if from := list[0].Environment["from"]; !strings.Contains(from, "@") || from != Machine() {
			t.Errorf("from %q, want user@host", from)
		}
		if v := list[0].Environment["version.aftershock"]; v == "" || v == "unknown" {
			t.Errorf("version %q", v)
		}
	}
}

// runs is a pod of the workload whose container has an image.
func runs(name, container, image string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, Labels: map[string]string{"app": "checkout"}},
		Status:     corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Name: container, ImageID: image}}},
	}
}

func TestTheImagesAreThoseWhenTheExperimentBegins(t *testing.T) {
	observed := func(t *testing.T, funcs interceptor.Funcs, objects ...client.Object) (environment map[string]string, notes string) {
		t.Helper()
		s := connected(t, valid, funcs, objects...)
		of := &service{Target: s.Plan.Services[0], selector: metav1.SetAsLabelSelector(map[string]string{"app": "checkout"})}
		rec := record.NewRecorder(&bytes.Buffer{})
		rec.Tap(func(e record.Entry) {
			if e.Environment != nil {
				environment = e.Environment
			}
			notes += e.Note
		})
		if err := (images{s.Client, of}).Observe(t.Context(), rec); err != nil {
			t.Error(err)
		}
		return environment, notes
	}
	of, _ := observed(t, interceptor.Funcs{},
		runs("a", "checkout", "shop/checkout@sha256:22"), runs("b", "checkout", "shop/checkout@sha256:11"), runs("c", "checkout", "shop/checkout@sha256:22"),
		runs("new", "checkout", ""), runs("d", "proxy", "proxy@sha256:33"))
	if of["image.checkout"] != "shop/checkout@sha256:11, shop/checkout@sha256:22" || of["image.proxy"] != "proxy@sha256:33" || len(of) != 2 {
		t.Errorf("environment %v", of)
	}
	if of, _ := observed(t, interceptor.Funcs{}); of != nil {
		t.Errorf("environment of no pods: %v", of)
	}
	fails := interceptor.Funcs{List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
		return errors.New("no answer")
	}}
	if of, notes := observed(t, fails); of != nil || !strings.Contains(notes, "the images of deployment checkout in shop are unknown: no answer") {
		t.Errorf("environment %v, notes %q", of, notes)
	}
}

func TestEachExperimentAnnouncesItsFaultsOnItsWorkload(t *testing.T) {
	e := build(t, valid, "checkout/pods/kill-one")
	for _, s := range e.Safeguards {
		if a, ok := s.(*kubeevents.Announcer); ok && a.Workload == e.service.Workload && a.Experiment == e.Name && a.Client != nil {
			return
		}
	}
	t.Errorf("safeguards %v", e.Safeguards)
}
