package rollout_test

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/experiments/rollout"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

const (
	good = "registry.example:5000/shop/checkout:1.2"
	bad  = "registry.example:5000/shop/checkout:aftershock-missing"
)

// checkout is the deployment that the tests roll out.
var checkout = kube.Workload{Kind: kube.Deployment, Namespace: "shop", Name: "checkout"}

func meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID(name + "-uid"), Labels: map[string]string{"app": "checkout"}}
}

// deployment is checkout at rest, with two replicas.
func deployment() *appsv1.Deployment {
	d := &appsv1.Deployment{ObjectMeta: meta("checkout")}
	d.Generation = 1
	d.Spec.Replicas = new(int32(2))
	d.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "checkout"}}
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "app", Image: good}}
	d.Status = appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: 2, UpdatedReplicas: 2, ReadyReplicas: 2, AvailableReplicas: 2}
	return d
}

func replicaSet(name, image string, owner *appsv1.Deployment) *appsv1.ReplicaSet {
	set := &appsv1.ReplicaSet{ObjectMeta: meta(name)}
	set.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(owner, appsv1.SchemeGroupVersion.WithKind("Deployment"))}
	set.Spec.Replicas = new(int32(2))
	set.Spec.Template.Spec.Containers = []corev1.Container{{Name: "app", Image: image}}
	return set
}

func pod(name string, owner *appsv1.ReplicaSet, waits string) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: meta(name), Spec: owner.Spec.Template.Spec, Status: corev1.PodStatus{Phase: corev1.PodRunning}}
	p.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(owner, appsv1.SchemeGroupVersion.WithKind("ReplicaSet"))}
	if waits != "" {
		p.Status = corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{{
			Name: "app", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: waits}},
		}}}
	}
	return p
}

// shop is an API server, and a controller of the deployment checkout that
// replaces its pods one second after each change of the template.
type shop struct {
	t       *testing.T
	client  client.WithWatch
	cluster faults.Cluster

	mu      sync.Mutex
	waits   string                                 // why bad pods wait
	stuck   bool                                   // the controller does nothing
	slow    bool                                   // what it starts is never ready
	answer  func(err error) error                  // of each patch that is no trial
	before  func(patch client.Patch) (bool, error) // of each such patch; true: it gets no further
	patches int
}

func newShop(t *testing.T, change ...func(*appsv1.Deployment)) *shop {
	t.Helper()
	d := deployment()
	for _, f := range change {
		f(d)
	}
	set := replicaSet("checkout-1", good, d)
	other := replicaSet("other-1", good, &appsv1.Deployment{ObjectMeta: meta("other")})
	s := &shop{t: t, waits: "ErrImagePull"}
	s.client = fake.NewClientBuilder().
		WithObjects(d, set, pod("a", set, ""), pod("b", set, ""), other, pod("of-another", other, ""), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "kube-system", UID: "staging"}}).
		WithInterceptorFuncs(interceptor.Funcs{Patch: s.patch}).Build()
	s.cluster = faults.Cluster{Client: s.client, Guard: faults.Guard{
		Cluster: "staging", Namespaces: []string{"shop"}, Protected: []map[string]string{{"precious": "yes"}},
	}}
	return s
}

func (s *shop) workload() rollout.Workload {
	return rollout.Workload{Workload: checkout, Cluster: s.cluster}
}

func (s *shop) patch(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
	var options client.PatchOptions
	options.ApplyOptions(opts)
	d, ok := o.(*appsv1.Deployment)
	if !ok || len(options.DryRun) > 0 {
		return c.Patch(ctx, o, p, opts...)
	}
	s.patches++
	if s.before != nil {
		if done, err := s.before(p); done {
			return err
		}
	}
	s.mu.Lock() // what the controller does comes before or after
	template := s.get().Spec.Template.DeepCopy()
	err := c.Patch(ctx, d, p, opts...)
	if err == nil && !equal(template, &d.Spec.Template) {
		if err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
			now := s.get()
			now.Generation++
			err := c.Update(ctx, now)
			now.DeepCopyInto(d)
			return err
		}); client.IgnoreNotFound(err) != nil {
			s.t.Error(err)
		}
		if !s.stuck {
			s.later(time.Second, s.reconcile)
		}
	}
	s.mu.Unlock()
	if s.answer != nil {
		err = s.answer(err)
	}
	return err
}

func equal(a, b *corev1.PodTemplateSpec) bool {
	return a.Spec.Containers[0].Image == b.Spec.Containers[0].Image && len(a.Annotations) == len(b.Annotations)
}

// later plays a part of the deployment's controller after a while, if there
// still is a deployment.
func (s *shop) later(d time.Duration, play func()) {
	time.AfterFunc(d, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		err := s.client.Get(context.Background(), client.ObjectKey{Namespace: "shop", Name: "checkout"}, &appsv1.Deployment{})
		if err == nil {
			play()
		}
	})
}

// reconcile does what the deployment's controller does.
func (s *shop) reconcile() {
	ctx := context.Background()
	d := s.get()
	create := func(o client.Object) {
		if err := s.client.Create(ctx, o); client.IgnoreAlreadyExists(err) != nil {
			s.t.Error(err)
		}
	}
	status := func(replicas, updated, ready int32) {
		// Somebody else may change the deployment at the same time.
		if err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
			d := s.get()
			d.Status.ObservedGeneration, d.Status.Replicas, d.Status.UpdatedReplicas, d.Status.ReadyReplicas, d.Status.AvailableReplicas = d.Generation, replicas, updated, ready, ready
			return s.client.Status().Update(ctx, d)
		}); client.IgnoreNotFound(err) != nil {
			s.t.Error(err)
		}
	}
	switch image := d.Spec.Template.Spec.Containers[0].Image; {
	case image == bad:
		set := replicaSet("checkout-bad", bad, d)
		set.Spec.Replicas, set.Annotations = new(int32(1)), map[string]string{rollout.Annotation: d.Annotations[rollout.Annotation]}
		create(set)
		create(pod("c", set, s.waits))
		status(3, 1, 2)
	case len(d.Spec.Template.Annotations) > 0:
		set := replicaSet("checkout-2", good, d)
		create(set)
		create(pod("c", set, ""))
		create(pod("d", set, ""))
		status(4, 2, 2)
		s.later(2*time.Second, func() {
			s.remove("a")
			status(3, 2, 3)
		})
		if !s.slow {
			s.later(5*time.Second, func() {
				s.remove("b")
				status(2, 2, 2)
			})
		}
	default:
		var set appsv1.ReplicaSet
		if s.client.Get(ctx, client.ObjectKey{Namespace: "shop", Name: "checkout-bad"}, &set) == nil {
			set.Spec.Replicas = new(int32(0))
			if err := s.client.Update(ctx, &set); err != nil {
				s.t.Error(err)
			}
			s.remove("c")
		}
		ready := int32(2)
		if s.slow {
			ready = 1
		}
		status(2, 2, ready)
	}
}

func (s *shop) remove(name string) {
	if err := s.client.Delete(context.Background(), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}}); err != nil {
		s.t.Error(err)
	}
}

func (s *shop) get() *appsv1.Deployment {
	var d appsv1.Deployment
	if err := s.client.Get(context.Background(), client.ObjectKey{Namespace: "shop", Name: "checkout"}, &d); err != nil {
		if client.IgnoreNotFound(err) != nil { // it may be deleted at any time
			s.t.Error(err)
		}
		return deployment()
	}
	return &d
}

func (s *shop) image() string { return s.get().Spec.Template.Spec.Containers[0].Image }

// setImage is what somebody else does.
func (s *shop) setImage(image string) {
	d := s.get()
	d.Spec.Template.Spec.Containers[0].Image = image
	if err := s.client.Update(context.Background(), d); err != nil {
		s.t.Error(err)
	}
}

func (s *shop) has(kind client.Object, name string) bool {
	err := s.client.Get(context.Background(), client.ObjectKey{Namespace: "shop", Name: name}, kind)
	if client.IgnoreNotFound(err) != nil {
		s.t.Error(err)
	}
	return !apierrors.IsNotFound(err)
}

// told is what came of a fault.
type told struct {
	injection  record.Injection
	removed    steadystate.Span
	inject     error
	undo       error
	events     []record.Event
	notes      string
	run        string
	undoBegins time.Duration
}

func (t told) kinds() string {
	var kinds []string
	for _, e := range t.events {
		kinds = append(kinds, e.Kind)
	}
	return strings.Join(kinds, ", ")
}

// play injects a fault, does what happens meanwhile, and undoes it, in a
// bubble.
func play(t *testing.T, make func(t *testing.T) (experiments.Fault, func())) told {
	t.Helper()
	var r told
	synctest.Test(t, func(t *testing.T) {
		f, meanwhile := make(t)
		var text bytes.Buffer
		rec := record.NewRecorder(&text)
		r.run = rec.Run()
		r.injection, r.inject = f.Inject(t.Context(), rec)
		if meanwhile != nil {
			meanwhile()
		}
		time.Sleep(10 * time.Second)
		r.undoBegins = rec.Clock().Now()
		r.removed, r.undo = f.Recover(t.Context(), rec)
		time.Sleep(time.Minute)
		for entry, err := range record.Read(&text) {
			if err != nil {
				t.Fatal(err)
			}
			if entry.Event != nil {
				r.events = append(r.events, *entry.Event)
			}
			r.notes += entry.Note
		}
	})
	return r
}
