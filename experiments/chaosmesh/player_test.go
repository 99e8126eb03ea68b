package chaosmesh_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
)

// A step is one thing that Chaos Mesh's controller does with an object.
type step func(ctx context.Context, c client.Client, object *v1alpha1.PodChaos) error

// status is a step that writes the status, by a plain update as the controller
// does: the chaos kinds have no status subresource.
func status(change func(*v1alpha1.PodChaos)) step {
	return func(ctx context.Context, c client.Client, object *v1alpha1.PodChaos) error {
		change(object)
		return c.Update(ctx, object)
	}
}

// takeUp is what the controller does first with every object: the finalizer,
// the desired phase, and conditions from records that are not there yet.
var takeUp = status(func(p *v1alpha1.PodChaos) {
	p.Finalizers = []string{"chaos-mesh/records"}
	p.Status.Experiment.DesiredPhase = v1alpha1.RunningPhase
	p.Status.Conditions = []v1alpha1.ChaosCondition{
		{Type: v1alpha1.ConditionSelected, Status: corev1.ConditionFalse},
		{Type: v1alpha1.ConditionAllInjected, Status: corev1.ConditionFalse},
	}
})

// injected: the records say that these were.
func injected(ids ...string) step {
	return status(func(p *v1alpha1.PodChaos) {
		for _, id := range ids {
			p.Status.Experiment.Records = append(p.Status.Experiment.Records, &v1alpha1.Record{
				Id: id, SelectorKey: ".", Phase: v1alpha1.Injected, InjectedCount: 1,
				Events: []v1alpha1.RecordEvent{{Type: v1alpha1.TypeSucceeded, Operation: v1alpha1.Apply, Timestamp: &metav1.Time{}}},
			})
		}
	})
}

// waiting: the records name it, and nothing more happens.
func waiting(id string) step {
	return status(func(p *v1alpha1.PodChaos) {
		p.Status.Experiment.Records = append(p.Status.Experiment.Records, &v1alpha1.Record{Id: id, SelectorKey: ".", Phase: v1alpha1.NotInjected + "/Wait"})
	})
}

// failed: the records say that this one could not be injected.
func failed(id, message string) step {
	return status(func(p *v1alpha1.PodChaos) {
		p.Status.Experiment.Records = append(p.Status.Experiment.Records, &v1alpha1.Record{
			Id: id, SelectorKey: ".", Phase: v1alpha1.NotInjected,
			Events: []v1alpha1.RecordEvent{{Type: v1alpha1.TypeFailed, Operation: v1alpha1.Apply, Message: message, Timestamp: &metav1.Time{}}},
		})
	})
}

// says: an event about the object.
func says(message string) step {
	return func(ctx context.Context, c client.Client, object *v1alpha1.PodChaos) error {
		return c.Create(ctx, &corev1.Event{
			ObjectMeta:     metav1.ObjectMeta{Namespace: object.Namespace, Name: object.Name + ".1"},
			InvolvedObject: corev1.ObjectReference{Name: object.Name},
			Reason:         "Failed", Type: corev1.EventTypeWarning, Message: message,
		})
	}
}

// kill deletes a pod of namespace shop.
func kill(name string) step {
	return func(ctx context.Context, c client.Client, _ *v1alpha1.PodChaos) error {
		return c.Delete(ctx, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}}, client.GracePeriodSeconds(0))
	}
}

// after waits, in the time of the script.
func after(d time.Duration) step {
	return func(ctx context.Context, _ client.Client, _ *v1alpha1.PodChaos) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(d):
			return nil
		}
	}
}

// vanish: somebody deletes the object.
func vanish(ctx context.Context, c client.Client, object *v1alpha1.PodChaos) error {
	if err := c.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
		return err
	}
	object.Finalizers = nil
	if err := c.Update(ctx, object); err != nil {
		return err
	}
	return c.Delete(ctx, object)
}

// release says when the controller lets go of a deleted object.
type release func(*v1alpha1.PodChaos) bool

func atOnce(*v1alpha1.PodChaos) bool { return true }

func never(*v1alpha1.PodChaos) bool { return false }

// annotated: only once somebody has annotated the object.
func annotated(key string) release {
	return func(p *v1alpha1.PodChaos) bool { return p.Annotations[key] != "" }
}

// play plays Chaos Mesh's controller until the test ends: each new object gets
// the script, each deleted one is let go when the release says so.
func play(t *testing.T, c client.Client, let release, script ...step) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	t.Cleanup(wg.Wait)
	t.Cleanup(cancel)
	wg.Go(func() {
		played := map[types.UID]bool{}
		for after(10*time.Millisecond)(ctx, nil, nil) == nil {
			var list v1alpha1.PodChaosList
			if err := c.List(ctx, &list); err != nil {
				t.Errorf("player: %v", err)
				return
			}
			for _, object := range list.Items {
				switch {
				case object.DeletionTimestamp != nil:
					if let(&object) {
						object.Finalizers = nil
						_ = c.Update(ctx, &object) // it may have gone by itself
					}
				case !played[types.UID(object.Name)]:
					played[types.UID(object.Name)] = true
					for _, s := range script {
						if err := s(ctx, c, &object); err != nil && ctx.Err() == nil {
							t.Errorf("player: %v", err)
						}
					}
				}
			}
		}
	})
}

// pod is a running pod of shop's checkout, whose UID is its name and "-uid".
func pod(name string, change ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID(name + "-uid"), Labels: map[string]string{"app": "checkout"}},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning},
	}
	for _, f := range change {
		f(p)
	}
	return p
}

func pending(p *corev1.Pod) { p.Status.Phase = corev1.PodPending }

func terminating(p *corev1.Pod) {
	now := metav1.Now()
	p.DeletionTimestamp = &now
	p.Finalizers = []string{"test/stays"}
}

// newClient is an API server with these objects; funcs may fail its calls.
// theCluster is the identity of the cluster in tests.
const theCluster = "staging"

func newClient(t testing.TB, funcs interceptor.Funcs, objects ...client.Object) client.WithWatch {
	t.Helper()
	scheme, err := chaosmesh.Scheme()
	if err != nil {
		t.Fatal(err)
	}
	return fake.NewClientBuilder().
		WithScheme(scheme).
		WithObjects(objects...).
		WithObjects(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "kube-system", UID: theCluster}}).
		WithIndex(&corev1.Event{}, "involvedObject.name", func(o client.Object) []string {
			event, _ := o.(*corev1.Event)
			return []string{event.InvolvedObject.Name}
		}).
		WithInterceptorFuncs(funcs).
		Build()
}
