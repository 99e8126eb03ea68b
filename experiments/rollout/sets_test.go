package rollout_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/experiments/rollout"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// sets is an API server with a StatefulSet or a DaemonSet of two pods, and its
// controller, which takes one step a second by Kubernetes' own rules.
type sets struct {
	t       *testing.T
	client  client.WithWatch
	cluster faults.Cluster
	kube.Workload

	mu     sync.Mutex
	pulled bool // the bad image can be had after all
	born   int  // pods so far
	// forbids deleting pods
	forbids bool
}

func newSets(t *testing.T, kind kube.Kind) *sets {
	t.Helper()
	s := &sets{t: t, Workload: kube.Workload{Kind: kind, Namespace: "shop", Name: "ledger"}}
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{"app": "checkout"}}
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: selector.MatchLabels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: good}}}}
	var object client.Object
	if kind == kube.StatefulSet {
		object = &appsv1.StatefulSet{ObjectMeta: meta("ledger"), Spec: appsv1.StatefulSetSpec{Replicas: new(int32(2)), Selector: selector, Template: template}}
	} else {
		object = &appsv1.DaemonSet{ObjectMeta: meta("ledger"), Spec: appsv1.DaemonSetSpec{Selector: selector, Template: template}}
	}
	object.SetGeneration(1)
	s.client = fake.NewClientBuilder().
		WithObjects(object, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "kube-system", UID: "staging"}}).
		WithInterceptorFuncs(interceptor.Funcs{Patch: s.patch, Delete: s.delete}).Build()
	s.cluster = faults.Cluster{Client: s.client, Guard: faults.Guard{Cluster: "staging", Namespaces: []string{"shop"}}}
	for range 10 {
		s.step()
	}
	if why := s.state().Unsettled(); why != "" {
		t.Fatal(why)
	}
	everySecond(t, s.step)
	return s
}

// everySecond has a controller take a step each second until the test ends.
func everySecond(t *testing.T, step func()) {
	t.Helper()
	stop := make(chan struct{})
	tick := time.NewTicker(time.Second)
	go func() {
		for {
			select {
			case <-tick.C:
				step()
			case <-stop:
				return
			}
		}
	}()
	t.Cleanup(func() { close(stop) })
}

func (s *sets) workload() rollout.Workload {
	return rollout.Workload{Workload: s.Workload, Cluster: s.cluster}
}

func (s *sets) state() kube.State {
	state, err := s.Read(context.Background(), s.client)
	if err != nil {
		s.t.Error(err)
	}
	return state
}

func (s *sets) do(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Error(err)
	}
}

// patch counts the generations of the template, which a fake client does not.
func (s *sets) patch(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
	var options client.PatchOptions
	options.ApplyOptions(opts)
	if len(options.DryRun) > 0 {
		return c.Patch(ctx, o, p, opts...)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before := *s.state().Template
	if err := c.Patch(ctx, o, p, opts...); err != nil {
		return err
	}
	if now, _ := kube.StateOf(o); !equality.Semantic.DeepEqual(before, *now.Template) {
		o.SetGeneration(o.GetGeneration() + 1)
		return c.Update(ctx, o)
	}
	return nil
}

func (s *sets) delete(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
	if _, pod := o.(*corev1.Pod); pod && s.forbids {
		return apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, o.GetName(), errors.New("no"))
	}
	return c.Delete(ctx, o, opts...)
}

func (s *sets) pods() map[string]corev1.Pod {
	pods, err := s.state().Pods(context.Background(), s.client)
	s.do(err)
	named := map[string]corev1.Pod{}
	for _, pod := range pods {
		named[pod.Labels["place"]] = pod
	}
	return named
}

// revision is the newest one, made if need be as the controllers make it: with
// the workload's annotations, and an old one of the same template is used again.
func (s *sets) revision(state kube.State) string {
	ctx := context.Background()
	data, err := json.Marshal(map[string]any{"spec": map[string]any{"template": state.Template}})
	s.do(err)
	var list appsv1.ControllerRevisionList
	s.do(s.client.List(ctx, &list))
	newest, found := int64(0), (*appsv1.ControllerRevision)(nil)
	for _, r := range list.Items {
		newest = max(newest, r.Revision)
		if string(r.Data.Raw) == string(data) {
			found = &r
		}
	}
	switch {
	case found == nil:
		found = &appsv1.ControllerRevision{ObjectMeta: meta(fmt.Sprintf("ledger-r%d", newest+1)), Revision: newest + 1, Data: runtime.RawExtension{Raw: data}}
		found.Annotations = state.Object.GetAnnotations()
		found.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(state.Object, appsv1.SchemeGroupVersion.WithKind(string(s.Kind)))}
		s.do(s.client.Create(ctx, found))
	case found.Revision < newest:
		found.Revision = newest + 1
		s.do(s.client.Update(ctx, found))
	}
	return found.Name
}

// step is one of the controller and of the kubelets.
func (s *sets) step() {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, state := context.Background(), s.state()
	update := s.revision(state)
	// Kubelets: what was made a step ago is ready, or waits for its image.
	for _, pod := range s.pods() {
		image := pod.Spec.Containers[0].Image
		switch {
		case len(pod.Status.ContainerStatuses) > 0:
		case image == bad && !s.pulled:
			pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "app", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull"}}}}
			s.do(s.client.Status().Update(ctx, &pod))
		default:
			pod.Status.Phase = corev1.PodRunning
			pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "app", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}
			pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
			s.do(s.client.Status().Update(ctx, &pod))
		}
	}
	s.manage(ctx, state, update)
	s.report(ctx, update)
}

func isReady(pod corev1.Pod) bool { return len(pod.Status.Conditions) > 0 }

// manage makes a pod that is missing, or takes an old one away. A StatefulSet
// does nothing while one of its pods is not ready, whatever its revision is. A
// DaemonSet takes old pods that are not ready first.
func (s *sets) manage(ctx context.Context, state kube.State, update string) {
	pods := s.pods()
	for _, place := range []string{"0", "1"} {
		pod, there := pods[place]
		if !there {
			s.born++
			name := "ledger-" + place
			if s.Kind == kube.DaemonSet {
				name = fmt.Sprintf("ledger-aaaa%d", s.born)
			}
			made := &corev1.Pod{ObjectMeta: meta(name), Spec: state.Template.Spec, Status: corev1.PodStatus{Phase: corev1.PodPending}}
			made.UID = types.UID(fmt.Sprintf("uid-%d", s.born))
			made.Labels["place"], made.Labels["revision"] = place, update
			made.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(state.Object, appsv1.SchemeGroupVersion.WithKind(string(s.Kind)))}
			s.do(s.client.Create(ctx, made))
			return
		}
		if !isReady(pod) && s.Kind == kube.StatefulSet {
			return
		}
	}
	for _, first := range []bool{true, false} { // those that are not ready, then one of those that are
		for _, place := range []string{"1", "0"} {
			if pod := pods[place]; pod.Labels["revision"] != update && isReady(pod) != first && (first || isReady(pods["0"]) && isReady(pods["1"])) {
				s.do(client.IgnoreNotFound(s.client.Delete(ctx, &pod)))
				return
			}
		}
	}
}

// report writes the status.
func (s *sets) report(ctx context.Context, update string) {
	var there, ready, updated int32
	for _, pod := range s.pods() {
		there++
		if isReady(pod) {
			ready++
		}
		if pod.Labels["revision"] == update {
			updated++
		}
	}
	s.do(retry.RetryOnConflict(retry.DefaultRetry, func() error {
		object := s.state().Object
		switch o := object.(type) {
		case *appsv1.StatefulSet:
			current := o.Status.CurrentRevision
			if updated == 2 && ready == 2 || current == "" {
				current = update
			}
			o.Status = appsv1.StatefulSetStatus{
				ObservedGeneration: o.Generation, Replicas: there, ReadyReplicas: ready, AvailableReplicas: ready, UpdatedReplicas: updated,
				CurrentRevision: current, UpdateRevision: update,
			}
		case *appsv1.DaemonSet:
			o.Status = appsv1.DaemonSetStatus{
				ObservedGeneration: o.Generation, DesiredNumberScheduled: 2, CurrentNumberScheduled: there, NumberReady: ready, NumberAvailable: ready, UpdatedNumberScheduled: updated,
			}
		}
		return s.client.Status().Update(ctx, object)
	}))
}

// setImage is what another client does.
func (s *sets) setImage(image string) {
	s.do(retry.RetryOnConflict(retry.DefaultRetry, func() error {
		state := s.state()
		state.Template.Spec.Containers[0].Image = image
		state.Object.SetGeneration(state.Object.GetGeneration() + 1)
		return s.client.Update(context.Background(), state.Object)
	}))
}

// whole says what is not as it was before: each pod has the image and is ready,
// nothing is noted, and no revision of the bad image is left.
func (s *sets) whole(image string) string {
	var wrong []string
	state := s.state()
	for _, pod := range s.pods() {
		if got := pod.Spec.Containers[0].Image; got != image || !isReady(pod) {
			wrong = append(wrong, fmt.Sprintf("%s has %s, ready %t", pod.Name, got, isReady(pod)))
		}
	}
	if why := state.Unsettled(); why != "" {
		wrong = append(wrong, why)
	}
	if len(state.Object.GetAnnotations()) > 0 {
		wrong = append(wrong, fmt.Sprint(state.Object.GetAnnotations()))
	}
	revisions, err := state.Revisions(context.Background(), s.client)
	s.do(err)
	for _, r := range revisions {
		if r.Template.Spec.Containers[0].Image == bad {
			wrong = append(wrong, "revision "+r.Object.GetName()+" is of the bad image")
		}
	}
	return strings.Join(wrong, "; ")
}

func TestEveryKindOfWorkloadIsRestarted(t *testing.T) {
	for _, kind := range []kube.Kind{kube.StatefulSet, kube.DaemonSet} {
		t.Run(string(kind), func(t *testing.T) {
			var s *sets
			wrong := "?"
			r := play(t, func(t *testing.T) (experiments.Fault, func()) {
				s = newSets(t, kind)
				t.Cleanup(func() { wrong = s.whole(good) })
				return &rollout.Restart{Workload: s.workload()}, nil
			})
			if r.inject != nil || r.undo != nil || r.injection.FailureReason != "" || wrong != "" {
				t.Fatal(r.inject, r.undo, r.injection.FailureReason, r.notes, wrong)
			}
			if want := "restart " + strings.ToLower(string(kind)) + " ledger in shop"; r.injection.Fault != want || len(r.injection.Targets) != 2 {
				t.Errorf("%s of %v, want %s of both pods", r.injection.Fault, r.injection.Targets, want)
			}
			if want := "changing, gone, gone, rolled out"; r.kinds() != want {
				t.Errorf("events %s, want %s", r.kinds(), want)
			}
		})
	}
}

func TestABadImageOfEveryKindIsRolledBack(t *testing.T) {
	const freed = "deleted pod ledger-1, which had the bad image: a StatefulSet replaces no pod that never became ready"
	for _, row := range []struct {
		name      string
		kind      kube.Kind
		prepare   func(*sets)
		meanwhile func(*sets)
		reason    string
		undo      string
		notes     string
		image     string
	}{
		{name: "of a daemon set, which replaces its broken pod by itself", kind: kube.DaemonSet, image: good},
		{name: "of a stateful set, whose broken pod must be deleted", kind: kube.StatefulSet, notes: freed, image: good},
		{
			name: "of a stateful set whose bad pods run after all, which are not deleted", kind: kube.StatefulSet,
			prepare: func(s *sets) { s.pulled = true },
			reason:  "no pod was seen failing to pull the image " + bad, image: good,
		},
		{
			name: "another client's image comes too", kind: kube.StatefulSet,
			meanwhile: func(s *sets) { s.setImage("ledger:3") },
			undo:      "another client changed it to ledger:3 meanwhile", notes: freed, image: "ledger:3",
		},
		{
			name: "without the right to delete pods it says so", kind: kube.StatefulSet,
			meanwhile: func(s *sets) { s.forbids = true },
			undo:      "delete pod ledger-1, which has the bad image and stops the rollout: pods \"ledger-1\" is forbidden: no; give the account the right to delete pods, or use another account; run sweep",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			var s *sets
			wrong, kept := "?", types.UID("")
			r := play(t, func(t *testing.T) (experiments.Fault, func()) {
				s = newSets(t, row.kind)
				t.Cleanup(func() { wrong = s.whole(row.image) })
				if row.prepare != nil {
					row.prepare(s)
				}
				kept = s.pods()["0"].UID
				return &rollout.BadImage{Workload: s.workload()}, func() {
					if row.meanwhile != nil {
						row.meanwhile(s)
					}
				}
			})
			undone := ""
			if r.undo != nil {
				undone = r.undo.Error()
			}
			for _, said := range []struct{ what, got, want string }{{"undoing", undone, row.undo}, {"notes", r.notes, row.notes}, {"failure reason", r.injection.FailureReason, row.reason}} {
				if (said.want == "") != (said.got == "") || !strings.Contains(said.got, said.want) {
					t.Errorf("%s: %q, want %q", said.what, said.got, said.want)
				}
			}
			if r.inject != nil || (wrong != "" && row.image != "") {
				t.Errorf("%v, left: %s", r.inject, wrong)
			}
			if row.reason == "" && (len(r.injection.Effects) != 1 || r.injection.Effects[0].Event != record.EventWaiting) {
				t.Errorf("effects %v, want that one pod waits", r.injection.Effects)
			}
			if row.image == good && row.reason == "" && s.pods()["0"].UID != kept {
				t.Error("the pod that served all the time was replaced too")
			}
		})
	}
}

// The trap, without which the test above would show nothing.
func TestAStatefulSetKeepsABrokenPodAlthoughItsImageIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSets(t, kube.StatefulSet)
		s.setImage(bad)
		time.Sleep(10 * time.Second)
		s.setImage(good)
		time.Sleep(time.Minute)
		if pod := s.pods()["1"]; pod.Spec.Containers[0].Image != bad {
			t.Error("the controller of the test has replaced the broken pod")
		}
	})
}

func TestASweepFreesAStatefulSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSets(t, kube.StatefulSet)
		rec := record.NewRecorder(&bytes.Buffer{})
		if _, err := (&rollout.BadImage{Workload: s.workload()}).Inject(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
		// Here the harness dies.
		removed, err := rollout.Sweep(t.Context(), s.client, faults.Scope{Namespaces: []string{"shop"}}, 0)
		time.Sleep(10 * time.Second)
		if err != nil || len(removed) != 1 || s.whole(good) != "" {
			t.Fatal(removed, err, s.whole(good))
		}
		if want := "bad image of StatefulSet/shop/ledger, left behind by run " + rec.Run(); removed[0].String() != want {
			t.Errorf("removed %s, want %s", removed[0], want)
		}
		if want := "restored image " + good + " of container app; deleted pod ledger-1, which had the bad image: a StatefulSet replaces no pod that never became ready"; strings.Join(removed[0].Notes, "; ") != want {
			t.Errorf("notes %q, want %q", removed[0].Notes, want)
		}
	})
}

func TestABadImageThatCouldNotBeRolledBackIsRefusedBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSets(t, kube.StatefulSet)
		b := &rollout.BadImage{Workload: s.workload()}
		if _, err := b.Preview(t.Context(), "preflight"); err != nil || len(s.pods()) != 2 {
			t.Errorf("%v, %d pods left", err, len(s.pods()))
		}
		s.forbids = true
		_, err := b.Preview(t.Context(), "preflight")
		if want := "try to delete pod ledger-0, as the rollback must do with the bad one: pods \"ledger-0\" is forbidden: no; give the account the right to delete pods, or use another account"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	})
}

func TestWhatReachesNotEveryPodIsNotRolledOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSets(t, kube.StatefulSet)
		s.do(retry.RetryOnConflict(retry.DefaultRetry, func() error {
			set, ok := s.state().Object.(*appsv1.StatefulSet)
			if !ok {
				return errors.New("no stateful set")
			}
			set.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateStatefulSetStrategy{Partition: new(int32(1))}
			return s.client.Update(t.Context(), set)
		}))
		_, err := (&rollout.Restart{Workload: s.workload()}).Inject(t.Context(), record.NewRecorder(&bytes.Buffer{}))
		if want := "no rollout of statefulset ledger in shop reaches every pod: its update strategy has the partition 1, below which pods keep their revision"; err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, faults.ErrRefused) {
			t.Errorf("%v, want %q", err, want)
		}
	})
}
