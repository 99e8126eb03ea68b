package kube_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgo "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/steadystate/kube/argo"
	"github.com/aftershockhq/aftershock/steadystate/steadystatetest"
)

// newClient is an API server with these objects; funcs may fail its calls.
func newClient(t testing.TB, funcs interceptor.Funcs, objects ...client.Object) client.WithWatch {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := clientgo.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	argo.AddToScheme(scheme)
	return fake.NewClientBuilder().
		WithScheme(scheme).
		WithObjects(objects...).
		WithStatusSubresource(&appsv1.Deployment{}).
		WithIndex(&appsv1.Deployment{}, "metadata.name", name).
		WithIndex(&appsv1.StatefulSet{}, "metadata.name", name).
		WithIndex(&appsv1.DaemonSet{}, "metadata.name", name).
		WithIndex(&argo.Rollout{}, "metadata.name", name).
		WithInterceptorFuncs(funcs).
		Build()
}

func name(o client.Object) []string { return []string{o.GetName()} }

// checkout is a deployment at rest.
func checkout(replicas int32, change ...func(*appsv1.Deployment)) *appsv1.Deployment {
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout", UID: "d", Generation: 2},
		Spec:       appsv1.DeploymentSpec{Replicas: new(replicas)},
		Status: appsv1.DeploymentStatus{
			ObservedGeneration: 2, Replicas: replicas, UpdatedReplicas: replicas, ReadyReplicas: replicas, AvailableReplicas: replicas,
		},
	}
	for _, f := range change {
		f(d)
	}
	return d
}

// setReady is what the deployment's controller does.
func setReady(t *testing.T, c client.Client, ready int32) {
	t.Helper()
	d := checkout(0)
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(d), d); err != nil {
		t.Fatal(err)
	}
	d.Status.ReadyReplicas = ready
	if err := c.Status().Update(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

// observed is what a source records while it runs.
type observed struct {
	mu   sync.Mutex
	list []steadystate.Observation
	err  error
}

// fold judges what was recorded until then.
func (o *observed) fold(until time.Duration) *steadystate.Fold {
	o.mu.Lock()
	defer o.mu.Unlock()
	record := span(0, until)
	return steadystatetest.Fold(o.list, allReady, steadystate.Rule{}, record, record)
}

// watchReplicas observes the replicas while f runs, in a bubble.
func watchReplicas(t *testing.T, c client.WithWatch, f func(clock steadystate.Clock)) *observed {
	t.Helper()
	return watchSource(t, kube.Replicas(c, service), f)
}

// watchSource runs a source while f runs, in a bubble.
func watchSource(t *testing.T, source steadystate.Source, f func(clock steadystate.Clock)) *observed {
	t.Helper()
	o := &observed{}
	synctest.Test(t, func(t *testing.T) {
		clock := steadystate.StartClock()
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			o.err = source.Observe(ctx, clock, func(seen steadystate.Observation) {
				o.mu.Lock()
				defer o.mu.Unlock()
				o.list = append(o.list, seen)
			})
		})
		f(clock)
		stop()
		wg.Wait()
	})
	return o
}

// until lets the bubble's time go on to an offset.
func until(clock steadystate.Clock, at time.Duration) {
	time.Sleep(at - clock.Now())
	synctest.Wait()
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
}
