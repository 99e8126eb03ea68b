package kubewatch_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	clientgo "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/experiments/kubewatch"
	"github.com/aftershockhq/aftershock/record"
)

func newClient(t testing.TB, funcs interceptor.Funcs, objects ...client.Object) client.WithWatch {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := clientgo.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	return fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithInterceptorFuncs(funcs).Build()
}

func meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID(name + "-uid"), Labels: map[string]string{"app": "checkout"}}
}

// newPod is a pod as its replica set makes it.
func newPod(name string) *corev1.Pod {
	m := meta(name)
	m.OwnerReferences = []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "checkout-1", Controller: new(true)}}
	return &corev1.Pod{ObjectMeta: m, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}}}}
}

// The stages of a pod, each with what came before.
func scheduled(p *corev1.Pod) *corev1.Pod {
	p.Spec.NodeName = "node1"
	return p
}

func started(p *corev1.Pod) *corev1.Pod {
	scheduled(p).Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}
	p.Status.PodIP = "198.18.65.7"
	return p
}

func ready(p *corev1.Pod) *corev1.Pod {
	started(p).Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	return p
}

func replicaSet(replicas int32) *appsv1.ReplicaSet {
	m := meta("checkout-1")
	m.OwnerReferences = []metav1.OwnerReference{{Kind: "Deployment", Name: "checkout", Controller: new(true)}}
	return &appsv1.ReplicaSet{ObjectMeta: m, Spec: appsv1.ReplicaSetSpec{Replicas: new(replicas)}}
}

// endpoints is a slice of checkout's endpoints; a name that ends in "!" is of
// a pod that is not ready.
func endpoints(pods ...string) *discoveryv1.EndpointSlice {
	s := &discoveryv1.EndpointSlice{ObjectMeta: meta("checkout-x")}
	s.Labels[discoveryv1.LabelServiceName] = "checkout"
	for _, name := range pods {
		name, waits := strings.CutSuffix(name, "!")
		s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{
			Addresses:  []string{"198.18.65." + name},
			Conditions: discoveryv1.EndpointConditions{Ready: new(!waits)},
			TargetRef:  &corev1.ObjectReference{Name: name, UID: types.UID(name + "-uid")},
		})
	}
	return s
}

// history is what the observer recorded.
type history struct {
	events []record.Event
	notes  []string
	err    error
}

// lines are the events in one line each, without their spans.
func (h history) lines() []string {
	var lines []string
	for _, e := range h.events {
		lines = append(lines, e.Kind+" "+e.Subject)
	}
	return lines
}

// observe runs an observer of checkout while f runs, in a bubble. until lets
// its time go on to an offset.
func observe(t *testing.T, c client.WithWatch, f func(t *testing.T, until func(time.Duration))) history {
	t.Helper()
	var h history
	synctest.Test(t, func(t *testing.T) {
		var buffer bytes.Buffer
		rec := record.NewRecorder(&buffer)
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			h.err = kubewatch.Observer{
				Client: c, Namespace: "shop", Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "checkout"}}, Services: []string{"checkout"},
				Except: []string{"example.com/own"},
			}.Observe(ctx, rec)
		})
		f(t, func(at time.Duration) {
			time.Sleep(at - rec.Clock().Now())
			synctest.Wait()
		})
		stop()
		wg.Wait()
		for entry, err := range record.Read(&buffer) {
			if err != nil {
				t.Fatal(err)
			}
			if entry.Event != nil {
				h.events = append(h.events, *entry.Event)
			}
			if entry.Note != "" {
				h.notes = append(h.notes, entry.Note)
			}
		}
	})
	return h
}

func TestAKillAndItsRecoveryAreToldStageByStage(t *testing.T) {
	c := newClient(t, interceptor.Funcs{}, ready(newPod("1")), ready(newPod("2")), replicaSet(2), endpoints("1", "2"))
	do := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	// update writes an object over the one that is there.
	update := func(t *testing.T, object client.Object) {
		t.Helper()
		there, _ := object.DeepCopyObject().(client.Object)
		do(t, c.Get(t.Context(), client.ObjectKeyFromObject(object), there))
		object.SetResourceVersion(there.GetResourceVersion())
		if pod, ok := object.(*corev1.Pod); ok {
			pod, status := pod.DeepCopy(), pod.Status
			do(t, c.Update(t.Context(), pod))
			if len(status.Conditions)+len(status.ContainerStatuses) > 0 {
				pod.Status = status
				do(t, c.Status().Update(t.Context(), pod))
			}
			return
		}
		do(t, c.Update(t.Context(), object))
	}
	h := observe(t, c, func(t *testing.T, until func(time.Duration)) {
		stages := []func(){
			func() { do(t, c.Delete(t.Context(), newPod("1"))) },
			func() { update(t, endpoints("2")) },
			func() { do(t, c.Create(t.Context(), newPod("3"))) },
			func() { update(t, scheduled(newPod("3"))) },
			func() { update(t, started(newPod("3"))) },
			func() { update(t, endpoints("2", "3!")) },
			func() { update(t, ready(newPod("3"))) },
			func() { update(t, endpoints("2", "3")) },
			func() { update(t, replicaSet(4)) },
			func() { do(t, c.Delete(t.Context(), replicaSet(4))) },
		}
		for i, stage := range stages {
			until(2200*time.Millisecond + time.Duration(i)*time.Millisecond)
			stage()
		}
		until(4 * time.Second)
	})
	if h.err != nil {
		t.Fatal(h.err)
	}
	there := []string{"exists pod/shop/1", "exists pod/shop/2", "exists replicaset/shop/checkout-1", "exists endpoint/shop/1", "exists endpoint/shop/2"}
	got := h.lines()
	slices.Sort(got[:5]) // of different watches, in any order
	slices.Sort(there)
	want := append(there,
		"gone pod/shop/1",
		"removed endpoint/shop/1",
		"created pod/shop/3",
		"scheduled pod/shop/3",
		"started pod/shop/3",
		"ready pod/shop/3",
		"added endpoint/shop/3",
		"scaled replicaset/shop/checkout-1",
		"gone replicaset/shop/checkout-1",
	)
	if !slices.Equal(got, want) {
		t.Fatalf("told:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	gone, added := h.events[5], h.events[11]
	if gone.UID != "1-uid" || gone.From != 2*time.Second || gone.To != 2200*time.Millisecond {
		t.Errorf("gone: %+v, want the pod's UID, from the last read to the arrival", gone)
	}
	if added.UID != "3-uid" || added.Attrs["service"] != "checkout" || added.Attrs["address"] != "198.18.65.3" {
		t.Errorf("added: %+v, want the pod's UID, the service and the address", added)
	}
	set := slices.IndexFunc(h.events, func(e record.Event) bool { return e.Subject == "replicaset/shop/checkout-1" })
	if owner := h.events[set].Attrs[record.AttrOwner]; owner != "Deployment/checkout" {
		t.Errorf("the replica set is owned by %q, want its Deployment", owner)
	}
}

func TestAnObserverThatCannotSeeSaysSo(t *testing.T) {
	var away atomic.Bool
	c := newClient(t, interceptor.Funcs{
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			if _, ok := list.(*corev1.PodList); ok && away.Load() {
				return errors.New("connection refused")
			}
			return c.List(ctx, list, opts...)
		},
	}, ready(newPod("1")))
	for _, row := range []struct {
		name string
		back bool
		want string
	}{
		{"the gap is recorded when it is over", true, "2s 6s"},
		{"the gap is recorded when the watch ends in it", false, "2s 7s"},
	} {
		t.Run(row.name, func(t *testing.T) {
			away.Store(false)
			h := observe(t, c, func(_ *testing.T, until func(time.Duration)) {
				until(2500 * time.Millisecond)
				away.Store(true)
				until(5500 * time.Millisecond)
				away.Store(!row.back)
				until(7500 * time.Millisecond)
			})
			if h.err != nil {
				t.Fatal(h.err)
			}
			last := h.events[len(h.events)-1]
			if got := fmt.Sprint(last.From, last.To); last.Kind != record.EventGap || last.Subject != "watch/shop/pods" || got != row.want || last.Attrs["reason"] != "connection refused" {
				t.Errorf("last event %+v, want a gap over %s", last, row.want)
			}
			if want := "watch/shop/pods: no read has succeeded since 2.000s: connection refused"; !slices.Equal(h.notes, []string{want}) {
				t.Errorf("notes %q, want %q", h.notes, want)
			}
		})
	}
}

func TestAnObserverThatCouldNeverSeeIsAnError(t *testing.T) {
	c := newClient(t, interceptor.Funcs{
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			if _, ok := list.(*discoveryv1.EndpointSliceList); ok {
				return apierrors.NewForbidden(schema.GroupResource{Resource: "endpointslices"}, "", errors.New("no"))
			}
			return c.List(ctx, list, opts...)
		},
	})
	h := observe(t, c, func(_ *testing.T, until func(time.Duration)) { until(time.Minute) })
	if h.err == nil || !strings.Contains(h.err.Error(), "watch endpointslices in shop") {
		t.Errorf("error %v, want the right that is missing", h.err)
	}
	for _, o := range []kubewatch.Observer{
		{},
		{Client: c, Namespace: "shop"},
		{Client: c, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "checkout"}}},
		{Namespace: "shop", Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "checkout"}}},
	} {
		err := o.Observe(t.Context(), record.NewRecorder(&bytes.Buffer{}))
		if want := "needs a client, a namespace and a selector"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
