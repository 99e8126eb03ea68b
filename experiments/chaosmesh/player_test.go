package chaosmesh_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
)

// A step is one thing that Chaos Mesh's controller does with an object.
type step func(ctx context.Context, c client.Client, object v1alpha1.InnerObject) error

// status is a step that writes the status, by a plain update as the controller
// does: the chaos kinds have no status subresource. The harness writes, too; as a
// controller does, it tries again from what is there.
func status(change func(v1alpha1.InnerObject)) step {
	return func(ctx context.Context, c client.Client, object v1alpha1.InnerObject) error {
		return retry.RetryOnConflict(retry.DefaultRetry, func() error {
			change(object)
			err := c.Update(ctx, object)
			if apierrors.IsConflict(err) {
				return errors.Join(err, c.Get(ctx, client.ObjectKeyFromObject(object), object))
			}
			return err
		})
	}
}

// takeUp is what the controller does first with every object: the finalizer,
// the desired phase, and conditions from records that are not there yet.
var takeUp = status(func(o v1alpha1.InnerObject) {
	o.SetFinalizers([]string{"chaos-mesh/records"})
	s := o.GetStatus()
	s.Experiment.DesiredPhase = v1alpha1.RunningPhase
	s.Conditions = []v1alpha1.ChaosCondition{
		{Type: v1alpha1.ConditionSelected, Status: corev1.ConditionFalse},
		{Type: v1alpha1.ConditionAllInjected, Status: corev1.ConditionFalse},
	}
})

// injected: the records say that these were.
func injected(ids ...string) step {
	var list []v1alpha1.Record
	for _, id := range ids {
		list = append(list, hit(".", id))
	}
	return records(list...)
}

// injectedNamed: the records say that the pods that the object names were.
var injectedNamed = status(func(o v1alpha1.InnerObject) {
	with, _ := o.(v1alpha1.InnerObjectWithSelector)
	for _, selector := range with.GetSelectorSpecs() {
		pods, ok := selector.(*v1alpha1.PodSelector)
		if !ok {
			continue
		}
		for namespace, names := range pods.Selector.Pods {
			for _, name := range names {
				record := hit(".", namespace+"/"+name)
				o.GetStatus().Experiment.Records = append(o.GetStatus().Experiment.Records, &record)
			}
		}
	}
})

// records are written all at once, as the controller does.
func records(list ...v1alpha1.Record) step {
	return status(func(o v1alpha1.InnerObject) {
		for _, record := range list {
			o.GetStatus().Experiment.Records = append(o.GetStatus().Experiment.Records, &record)
		}
	})
}

// hit is the record of something that is injected.
func hit(key, id string) v1alpha1.Record {
	return v1alpha1.Record{Id: id, SelectorKey: key, Phase: v1alpha1.Injected, InjectedCount: 1}
}

// waiting: the records name it, and nothing more happens.
func waiting(id string) step {
	return status(func(o v1alpha1.InnerObject) {
		o.GetStatus().Experiment.Records = append(o.GetStatus().Experiment.Records, &v1alpha1.Record{Id: id, SelectorKey: ".", Phase: v1alpha1.NotInjected + "/Wait"})
	})
}

// failed: the records say that this one could not be injected.
func failed(id, message string) step {
	return status(func(o v1alpha1.InnerObject) {
		o.GetStatus().Experiment.Records = append(o.GetStatus().Experiment.Records, &v1alpha1.Record{
			Id: id, SelectorKey: ".", Phase: v1alpha1.NotInjected,
			Events: []v1alpha1.RecordEvent{{Type: v1alpha1.TypeFailed, Operation: v1alpha1.Apply, Message: message, Timestamp: &metav1.Time{}}},
		})
	})
}

// says: an event about the object.
func says(message string) step {
	return func(ctx context.Context, c client.Client, object v1alpha1.InnerObject) error {
		return c.Create(ctx, &corev1.Event{
			ObjectMeta:     metav1.ObjectMeta{Namespace: object.GetNamespace(), Name: object.GetName() + ".1"},
			InvolvedObject: corev1.ObjectReference{Name: object.GetName()},
			Reason:         "Failed", Type: corev1.EventTypeWarning, Message: message,
		})
	}
}

// kill deletes a pod of namespace shop.
func kill(name string) step {
	return func(ctx context.Context, c client.Client, _ v1alpha1.InnerObject) error {
		return c.Delete(ctx, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}}, client.GracePeriodSeconds(0))
	}
}

// after waits, in the time of the script.
func after(d time.Duration) step {
	return func(ctx context.Context, _ client.Client, _ v1alpha1.InnerObject) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(d):
			return nil
		}
	}
}

// vanish: another client deletes the object. The harness may do so meanwhile.
func vanish(ctx context.Context, c client.Client, object v1alpha1.InnerObject) error {
	if err := status(func(o v1alpha1.InnerObject) { o.SetFinalizers(nil) })(ctx, c, object); err != nil {
		return client.IgnoreNotFound(err)
	}
	return client.IgnoreNotFound(c.Delete(ctx, object))
}

// change is a step that changes the status of a pod of namespace shop.
func change(name string, to func(*corev1.Pod)) step {
	return func(ctx context.Context, c client.Client, _ v1alpha1.InnerObject) error {
		var p corev1.Pod
		if err := c.Get(ctx, client.ObjectKey{Namespace: "shop", Name: name}, &p); err != nil {
			return err
		}
		to(&p)
		return c.Status().Update(ctx, &p)
	}
}

// An outcome is what the controller does with a deleted object, for now.
type outcome int

const (
	stays   outcome = iota // the deletion is not noticed
	noticed                // it is, and nothing more
	undone
	dropped // the object goes, and its effect stays
)

// release says what the controller does with a deleted object.
type release func(v1alpha1.InnerObject) outcome

func atOnce(v1alpha1.InnerObject) outcome { return undone }

func never(v1alpha1.InnerObject) outcome { return stays }

func notices(v1alpha1.InnerObject) outcome { return noticed }

func drops(v1alpha1.InnerObject) outcome { return dropped }

// annotated: only once somebody has annotated the object.
func annotated(key string) release {
	return func(o v1alpha1.InnerObject) outcome {
		if o.GetAnnotations()[key] != "" {
			return undone
		}
		return stays
	}
}

// played are the kinds that the player plays.
func played() []client.ObjectList {
	return []client.ObjectList{&v1alpha1.PodChaosList{}, &v1alpha1.NetworkChaosList{}, &v1alpha1.StressChaosList{}, &v1alpha1.IOChaosList{}}
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
		begun := map[string]bool{}
		for after(10*time.Millisecond)(ctx, nil, nil) == nil {
			for _, list := range played() {
				if err := c.List(ctx, list); err != nil {
					if ctx.Err() == nil {
						t.Errorf("player: %v", err)
					}
					return
				}
				items, err := meta.ExtractList(list)
				if err != nil {
					t.Errorf("player: %v", err)
					return
				}
				for _, item := range items {
					object, _ := item.(v1alpha1.InnerObject)
					switch {
					case object.GetDeletionTimestamp() != nil:
						letGo(ctx, c, object, let(object))
					case !begun[object.GetName()]:
						begun[object.GetName()] = true
						for _, s := range script {
							if err := s(ctx, c, object); err != nil && ctx.Err() == nil {
								t.Errorf("player: %v", err)
							}
						}
					}
				}
			}
		}
	})
}

// letGo does what the outcome says; the object may have gone by itself.
func letGo(ctx context.Context, c client.Client, object v1alpha1.InnerObject, how outcome) {
	switch experiment := &object.GetStatus().Experiment; {
	case how == stays, how == noticed && experiment.DesiredPhase == v1alpha1.StoppedPhase:
		return
	case how == noticed:
		experiment.DesiredPhase = v1alpha1.StoppedPhase
		_ = c.Update(ctx, object)
		return
	}
	if how == undone {
		object.GetStatus().Experiment.DesiredPhase = v1alpha1.StoppedPhase
		for _, record := range object.GetStatus().Experiment.Records {
			record.Phase = v1alpha1.NotInjected
		}
		_ = c.Update(ctx, object)
	}
	object.SetFinalizers(nil)
	_ = c.Update(ctx, object)
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
	if funcs.Create == nil {
		funcs.Create = func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.CreateOption) error {
			if object.GetUID() == "" {
				object.SetUID(uuid.NewUUID())
			}
			return c.Create(ctx, object, options...)
		}
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
