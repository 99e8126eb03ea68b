package kube_test

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgo "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/steadystate/kube/argo"
)

// service is the deployment that the tests observe.
var service = kube.Workload{Kind: kube.Deployment, Namespace: "shop", Name: "checkout"}

// ledger is a stateful set at rest.
func ledger(change ...func(*appsv1.StatefulSet)) *appsv1.StatefulSet {
	s := &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "ledger", UID: "s", Generation: 2},
		Spec:       appsv1.StatefulSetSpec{Replicas: new(int32(3))},
		Status: appsv1.StatefulSetStatus{
			ObservedGeneration: 2, Replicas: 3, CurrentReplicas: 3, UpdatedReplicas: 3, ReadyReplicas: 3, AvailableReplicas: 3,
			CurrentRevision: "ledger-1", UpdateRevision: "ledger-1",
		},
	}
	for _, f := range change {
		f(s)
	}
	return s
}

// agent is a daemon set at rest.
func agent(change ...func(*appsv1.DaemonSet)) *appsv1.DaemonSet {
	s := &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "agent", UID: "a", Generation: 2},
		Status: appsv1.DaemonSetStatus{
			ObservedGeneration: 2, DesiredNumberScheduled: 3, CurrentNumberScheduled: 3, UpdatedNumberScheduled: 3, NumberReady: 3, NumberAvailable: 3,
		},
	}
	for _, f := range change {
		f(s)
	}
	return s
}

// basket is a Rollout of Argo Rollouts at rest.
func basket(change ...func(*argo.Rollout)) *argo.Rollout {
	r := &argo.Rollout{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "basket", UID: "b", Generation: 2},
		Spec:       argo.RolloutSpec{Replicas: new(int32(3)), Strategy: argo.Strategy{Canary: &argo.Canary{}}},
		Status: argo.RolloutStatus{
			ObservedGeneration: "2", Replicas: 3, UpdatedReplicas: 3, ReadyReplicas: 3, AvailableReplicas: 3,
			CurrentPodHash: "1", StableRS: "1", Phase: argo.Healthy,
			Conditions: []argo.Condition{{Type: "Healthy", Status: corev1.ConditionTrue, Reason: "RolloutHealthy"}, {Type: "Progressing", Status: corev1.ConditionTrue, Reason: "NewReplicaSetAvailable"}},
		},
	}
	for _, f := range change {
		f(r)
	}
	return r
}

// refused is a Rollout whose new spec its controller does not take: the counts are those
// of the spec before.
func refused(r *argo.Rollout) {
	r.Status.Conditions = append(r.Status.Conditions, argo.Condition{Type: "InvalidSpec", Status: corev1.ConditionTrue, Reason: "InvalidSpec", Message: "no Service shop"})
}

// updating is a stateful set whose newest revision so many pods have.
func updating(n int32) func(*appsv1.StatefulSet) {
	return func(s *appsv1.StatefulSet) {
		s.Status.UpdateRevision, s.Status.UpdatedReplicas, s.Status.CurrentReplicas = "ledger-2", n, 3-n
	}
}

func partition(n int32) func(*appsv1.StatefulSet) {
	return func(s *appsv1.StatefulSet) {
		s.Spec.UpdateStrategy = appsv1.StatefulSetUpdateStrategy{
			Type: appsv1.RollingUpdateStatefulSetStrategyType, RollingUpdate: &appsv1.RollingUpdateStatefulSetStrategy{Partition: &n},
		}
	}
}

func deletes(s *appsv1.StatefulSet) {
	s.Spec.UpdateStrategy.Type = appsv1.OnDeleteStatefulSetStrategyType
}

func TestAWorkloadIsAtRestOnlyWhenNothingIsUnderWay(t *testing.T) {
	of := func(f func(*appsv1.Deployment)) client.Object { return checkout(3, f) }
	for _, row := range []struct {
		name   string
		object client.Object
		want   string
	}{
		{"at rest", checkout(3), ""},
		{"a single one by default", of(func(d *appsv1.Deployment) { *d = *checkout(1); d.Spec.Replicas = nil }), ""},
		{"a change not seen yet", of(func(d *appsv1.Deployment) { d.Generation = 3 }), "deployment checkout in shop: a change is under way, its controller has seen generation 2 of 3"},
		{"a rollout", of(func(d *appsv1.Deployment) { d.Status.UpdatedReplicas = 1 }), "deployment checkout in shop: a rollout is under way, 1 of 3 pods are up to date"},
		{"a paused rollout", of(func(d *appsv1.Deployment) { d.Status.UpdatedReplicas, d.Spec.Paused = 1, true }), "deployment checkout in shop: a rollout is not complete, 1 of 3 pods are up to date, and it goes no further: its rollouts are paused (kubectl rollout resume)"},
		{"old pods still there", of(func(d *appsv1.Deployment) { d.Status.Replicas = 4 }), "deployment checkout in shop: a rollout is under way, 3 of 4 pods are up to date"},
		{"scaled down", of(func(d *appsv1.Deployment) { d.Spec.Replicas = new(int32(2)) }), "deployment checkout in shop: 3 pods exist and 2 are desired"},
		{"scaled up", of(func(d *appsv1.Deployment) { d.Spec.Replicas = new(int32(4)) }), "deployment checkout in shop: 3 pods exist and 4 are desired"},
		{"one not ready", of(func(d *appsv1.Deployment) { d.Status.ReadyReplicas = 2 }), "deployment checkout in shop: 2 of 3 pods are ready"},
		{"one only just ready", of(func(d *appsv1.Deployment) { d.Status.AvailableReplicas = 2 }), "deployment checkout in shop: 2 of 3 pods have been ready for long enough"},
		{"one on its way out", of(func(d *appsv1.Deployment) { d.Status.TerminatingReplicas = ptr.To[int32](1) }), "deployment checkout in shop: 1 pods are still terminating"},
		{"none desired", checkout(0), "deployment checkout in shop desires no pods"},
		{"being deleted", of(func(d *appsv1.Deployment) { now := metav1.Now(); d.DeletionTimestamp = &now }), "deployment checkout in shop is being deleted"},

		{"a stateful set at rest", ledger(), ""},
		{"a change of one not seen yet", ledger(func(s *appsv1.StatefulSet) { s.Generation = 3 }), "statefulset ledger in shop: a change is under way, its controller has seen generation 2 of 3"},
		{"a rollout of one", ledger(updating(1)), "statefulset ledger in shop: a rollout is under way, 1 of 3 pods are up to date"},
		{"one between two of its pods", ledger(updating(1), func(s *appsv1.StatefulSet) { s.Status.Replicas, s.Status.ReadyReplicas = 2, 2 }), "statefulset ledger in shop: a rollout is under way, 1 of 2 pods are up to date"},
		{"a killed pod of one, whose place is empty", ledger(func(s *appsv1.StatefulSet) {
			s.Status.Replicas, s.Status.UpdatedReplicas, s.Status.ReadyReplicas = 2, 2, 2
		}), "statefulset ledger in shop: 2 pods exist and 3 are desired"},
		{"a pod of one that terminates", ledger(func(s *appsv1.StatefulSet) { s.Status.UpdatedReplicas, s.Status.ReadyReplicas = 2, 2 }), "statefulset ledger in shop: 2 of 3 pods are up to date, the others are terminating or of another revision"},
		{"a rollout of one that was reverted while a pod of it serves", ledger(func(s *appsv1.StatefulSet) { s.Status.UpdatedReplicas, s.Status.CurrentReplicas = 2, 2 }), "statefulset ledger in shop: 2 of 3 pods are up to date, the others are terminating or of another revision"},
		{"a partition is complete with the pods from it on", ledger(updating(2), partition(1)), ""},
		{"a partition with one to go", ledger(updating(1), partition(1)), "statefulset ledger in shop: a rollout is not complete, 2 of 3 pods are up to date, and it goes no further: its update strategy has the partition 1, below which pods keep their revision"},
		{"a partition of nothing new", ledger(partition(1)), ""},
		{"a partition, and a pod of one that terminates", ledger(partition(1), func(s *appsv1.StatefulSet) { s.Status.UpdatedReplicas, s.Status.CurrentReplicas = 2, 2 }), "statefulset ledger in shop: 2 of 3 pods are up to date, the others are terminating or of another revision"},
		{"a partition, and below it a pod of a third revision", ledger(updating(2), partition(1), func(s *appsv1.StatefulSet) { s.Status.CurrentReplicas = 0 }), "statefulset ledger in shop: a rollout is not complete, 2 of 3 pods are up to date, and it goes no further: its update strategy has the partition 1, below which pods keep their revision"},
		{"a template that waits for deletions", ledger(updating(0), deletes), "statefulset ledger in shop: a rollout is not complete, 0 of 3 pods are up to date, and it goes no further: its update strategy is OnDelete, so that a pod keeps its revision until it is deleted"},
		{"deletions that were made, which its revisions never tell", ledger(updating(3), deletes), ""},

		{"a daemon set at rest", agent(), ""},
		{"one whose controller has not begun", agent(func(s *appsv1.DaemonSet) { s.Status = appsv1.DaemonSetStatus{} }), "daemonset agent in shop: a change is under way, its controller has seen generation 0 of 2"},
		{"a rollout of one", agent(func(s *appsv1.DaemonSet) { s.Status.UpdatedNumberScheduled = 1 }), "daemonset agent in shop: a rollout is under way, 1 of 3 pods are up to date"},
		{"a new node", agent(func(s *appsv1.DaemonSet) { s.Status.DesiredNumberScheduled = 4 }), "daemonset agent in shop: 3 pods exist and 4 are desired"},
		{"one not ready", agent(func(s *appsv1.DaemonSet) { s.Status.NumberReady = 2 }), "daemonset agent in shop: 2 of 3 pods are ready"},
		{"a Rollout at rest", basket(), ""},
		{"a change of one not seen yet", basket(func(r *argo.Rollout) { r.Generation = 3 }), "rollout basket in shop: a change is under way, its controller has seen generation 2 of 3"},
		{"one that was never seen", basket(func(r *argo.Rollout) { r.Status = argo.RolloutStatus{} }), "rollout basket in shop: a change is under way, its controller has seen generation 0 of 2"},
		{"an invalid one, with all pods of the spec before", basket(refused), "rollout basket in shop is not rolled out: its spec is invalid, so that its controller does nothing: no Service shop"},
		{"one whose update was aborted", basket(func(r *argo.Rollout) {
			r.Status.Abort, r.Status.CurrentPodHash, r.Status.UpdatedReplicas, r.Status.Phase = true, "2", 0, "Degraded"
			r.Status.Conditions[1] = argo.Condition{Type: "Progressing", Status: corev1.ConditionFalse, Reason: "RolloutAborted", Message: "Rollout aborted update to revision 2"}
		}), "rollout basket in shop is not rolled out: its update was aborted: Rollout aborted update to revision 2"},
		{"one that makes no progress", basket(func(r *argo.Rollout) {
			r.Status.Conditions[1] = argo.Condition{Type: "Progressing", Status: corev1.ConditionFalse, Reason: "ProgressDeadlineExceeded", Message: "timed out"}
		}), "rollout basket in shop is not rolled out: its update makes no progress: timed out"},
		{"one that waits in a step", basket(func(r *argo.Rollout) {
			r.Status.PauseConditions, r.Status.CurrentPodHash, r.Status.UpdatedReplicas, r.Status.Phase = []argo.PauseCondition{{Reason: "CanaryPauseStep"}}, "2", 1, "Paused"
		}), "rollout basket in shop is not rolled out: its update is paused: CanaryPauseStep"},
		{"one that is paused", basket(func(r *argo.Rollout) { r.Spec.Paused = true }), "rollout basket in shop is not rolled out: it is paused"},
		{"a new revision of one with all its pods, which is not promoted", basket(func(r *argo.Rollout) { r.Status.CurrentPodHash = "2" }), `rollout basket in shop is not rolled out: an update is under way, from the ReplicaSet "1" to "2"`},
		{"one without a stable revision", basket(func(r *argo.Rollout) { r.Status.StableRS, r.Status.CurrentPodHash = "", "" }), `rollout basket in shop is not rolled out: an update is under way, from the ReplicaSet "" to ""`},
		{"one that is restarted", basket(func(r *argo.Rollout) { r.Spec.RestartAt = new(metav1.Now()) }), "rollout basket in shop is not rolled out: a restart is under way"},
		{"one that was restarted", basket(func(r *argo.Rollout) {
			r.Spec.RestartAt = new(metav1.Now())
			r.Status.RestartedAt = r.Spec.RestartAt
		}), ""},
		{"one that is Degraded for another reason", basket(func(r *argo.Rollout) { r.Status.Phase, r.Status.Message = "Degraded", "why" }), "rollout basket in shop is not rolled out: it is Degraded: why"},
		{"one whose controller reports no phase", basket(func(r *argo.Rollout) { r.Status.Phase = "" }), "rollout basket in shop is not rolled out: its controller reports no phase"},
		{"a blue-green one whose old pods are still there", basket(func(r *argo.Rollout) { r.Status.Replicas = 6 }), "rollout basket in shop: a rollout is under way, 3 of 6 pods are up to date"},
		{"one with a pod that is not ready", basket(func(r *argo.Rollout) { r.Status.ReadyReplicas = 2 }), "rollout basket in shop: 2 of 3 pods are ready"},

		{"no node for it", agent(func(s *appsv1.DaemonSet) { s.Status = appsv1.DaemonSetStatus{ObservedGeneration: 2} }), "daemonset agent in shop desires no pods"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s, ok := kube.StateOf(row.object)
			if got := s.Unsettled(); !ok || got != row.want {
				t.Errorf("%q, want %q", got, row.want)
			}
		})
	}
	if _, ok := kube.StateOf(&corev1.Pod{}); ok {
		t.Error("a pod is a workload")
	}
}

func TestAWorkloadIsWrittenAsItsKindAndItsName(t *testing.T) {
	for text, want := range map[string]kube.Workload{
		"deployment/checkout": {Kind: kube.Deployment, Name: "checkout"},
		"statefulset/ledger":  {Kind: kube.StatefulSet, Name: "ledger"},
		"StatefulSet/ledger":  {Kind: kube.StatefulSet, Name: "ledger"},
		"daemonset/agent":     {Kind: kube.DaemonSet, Name: "agent"},
		"rollout/basket":      {Kind: kube.ArgoRollout, Name: "basket"},
	} {
		if got, err := kube.ParseWorkload(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "checkout", "job/checkout", "deployment/", "/checkout", "deployment/shop/checkout"} {
		_, err := kube.ParseWorkload(text)
		wantError(t, err, `: want one of deployment/NAME, statefulset/NAME, daemonset/NAME, rollout/NAME`)
		wantError(t, new(kube.Workload).UnmarshalText([]byte(text)), `: want one of deployment/NAME, statefulset/NAME, daemonset/NAME, rollout/NAME`)
	}
	read := kube.Workload{Namespace: "shop"}
	if err := read.UnmarshalText([]byte("deployment/checkout")); err != nil || read != (kube.Workload{Kind: kube.Deployment, Namespace: "shop", Name: "checkout"}) {
		t.Errorf("%v, %v", read, err)
	}
	if r := (kube.Workload{Kind: kube.ArgoRollout, Namespace: "shop", Name: "basket"}); r.Subject() != "rollout/shop/basket" || r.Resource() != "rollouts" || r.APIVersion() != "argoproj.io/v1alpha1" {
		t.Errorf("%s, %s, %s", r.Subject(), r.Resource(), r.APIVersion())
	}
	set := kube.Workload{Kind: kube.StatefulSet, Namespace: "shop", Name: "ledger"}
	if set.APIVersion() != "apps/v1" {
		t.Error(set.APIVersion())
	}
	if set.String() != "statefulset ledger in shop" || set.Text() != "statefulset/ledger" || set.Subject() != "statefulset/shop/ledger" || set.Resource() != "statefulsets" {
		t.Errorf("%s, %s, %s, %s", set, set.Text(), set.Subject(), set.Resource())
	}
}

func TestTheNamesOfAWorkloadsPodsAreThoseOfNoOther(t *testing.T) {
	for _, row := range []struct {
		kind      kube.Kind
		its, none []string
	}{
		{kube.Deployment, []string{"my.db-5d4c9b-abcde"}, []string{"my.db-0", "my.db-abcde", "my.db-two-5d4c-abcdef", "my.db-v2-5d4c9b-abcde", "myxdb-5d4c9b-abcde"}},
		{kube.ArgoRollout, []string{"my.db-5d4c9b-abcde"}, []string{"my.db-0", "my.db-abcde", "my.db-v2-5d4c9b-abcde"}},
		{kube.StatefulSet, []string{"my.db-0", "my.db-12"}, []string{"my.db-abcde", "my.db-v2-0", "my.db-0-x"}},
		{kube.DaemonSet, []string{"my.db-abcde"}, []string{"my.db-0", "my.db-5d4c9b-abcde"}},
	} {
		names := regexp.MustCompile("^(?:" + kube.Workload{Kind: row.kind, Namespace: "shop", Name: "my.db"}.PodNames() + ")$")
		for _, name := range row.its {
			if !names.MatchString(name) {
				t.Errorf("%s of a %s does not match", name, row.kind)
			}
		}
		for _, name := range row.none {
			if names.MatchString(name) {
				t.Errorf("%s matches those of a %s", name, row.kind)
			}
		}
	}
}

func TestAWorkloadIsRead(t *testing.T) {
	c := newClient(t, interceptor.Funcs{}, ledger(func(s *appsv1.StatefulSet) { s.Status.ReadyReplicas = 1 }))
	set := kube.Workload{Kind: kube.StatefulSet, Namespace: "shop", Name: "ledger"}
	s, err := set.Read(t.Context(), c)
	if err != nil || s.Workload != set || s.Ready != 1 || s.Template == nil {
		t.Errorf("%+v, %v", s, err)
	}
	_, err = service.Read(t.Context(), c)
	wantError(t, err, "there is no deployment checkout in shop")
	if !errors.Is(err, kube.ErrNoWorkload) {
		t.Error("the error does not tell that there is none")
	}
	_, err = kube.Workload{Namespace: "shop", Name: "checkout"}.Read(t.Context(), c)
	wantError(t, err, `needs a workload with a kind, a namespace and a name; got "", "shop" and "checkout"`)
	forbidden := newClient(t, interceptor.Funcs{Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
		return apierrors.NewForbidden(schema.GroupResource{Group: "apps", Resource: "statefulsets"}, "ledger", errors.New("no"))
	}})
	_, err = set.Read(t.Context(), forbidden)
	wantError(t, err, "give the account the right to get statefulsets, or use another account")
	states, err := kube.Workloads(t.Context(), newClient(t, interceptor.Funcs{}, checkout(3), ledger(), agent()), "shop")
	var names []string
	for _, s := range states {
		names = append(names, s.Text())
	}
	if want := []string{"deployment/checkout", "statefulset/ledger", "daemonset/agent"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("%v, %v; want %v", names, err, want)
	}
}

// A cluster without Argo Rollouts has no such workload, and all the others.
func TestACustomResourceThatTheClusterLacksIsNoError(t *testing.T) {
	w := kube.Workload{Kind: kube.ArgoRollout, Namespace: "shop", Name: "basket"}
	_, err := w.Read(t.Context(), newClient(t, interceptor.Funcs{}))
	if wantError(t, err, "there is no rollout basket in shop"); strings.Contains(err.Error(), "kind") {
		t.Errorf("%v, where there is the kind", err)
	}
	gvk := argo.GroupVersion.WithKind("Rollout")
	none := &meta.NoKindMatchError{GroupKind: gvk.GroupKind(), SearchedVersions: []string{gvk.Version}}
	deleted := apierrors.NewGenericServerResponse(404, "list", schema.GroupResource{Group: gvk.Group, Resource: "rollouts"}, "", "the server could not find the requested resource", 0, true)
	forbidden := apierrors.NewForbidden(schema.GroupResource{Group: gvk.Group, Resource: "rollouts"}, "", errors.New("no"))
	for _, row := range []struct {
		name         string
		answer       error
		read, listed string
		must         string // the error if rollouts must be seen
		unseen       bool
	}{
		{"it was never installed", none, "there is no rollout basket in shop: the cluster has no kind Rollout of argoproj.io/v1alpha1", "", "the cluster has no kind Rollout of argoproj.io/v1alpha1, and its objects must be seen", false},
		{"its definition was deleted", deleted, "there is no rollout basket in shop", "", "the cluster has no kind Rollout of argoproj.io/v1alpha1, and its objects must be seen", false},
		{"the account may not see it", forbidden, "give the account the right to get rollouts", "list rollouts in shop", "give the account the right to list rollouts", true},
		{"the API server is away", errors.New("connection refused"), "connection refused", "connection refused", "connection refused", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := newClient(t, interceptor.Funcs{
				Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
					return row.answer
				},
				List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
					if _, custom := list.(*argo.RolloutList); custom {
						return row.answer
					}
					return c.List(ctx, list, options...)
				},
			}, checkout(3))
			_, err := w.Read(t.Context(), c)
			if wantError(t, err, row.read); errors.Is(err, kube.ErrNoWorkload) != strings.HasPrefix(row.read, "there is no") {
				t.Errorf("%v tells wrongly whether there is one", err)
			}
			states, err := kube.Workloads(t.Context(), c, "shop")
			if len(states) != 1 || (err == nil) != (row.listed == "") || err != nil && !strings.Contains(err.Error(), row.listed) || unseen(err) != row.unseen {
				t.Errorf("%v, %v; want the Deployment, %q, unseen %t", states, err, row.listed, row.unseen)
			}
			states, err = kube.Workloads(t.Context(), c, "shop", kube.ArgoRollout)
			if wantError(t, err, row.must); len(states) != 1 || unseen(err) {
				t.Errorf("%v, %v; want the Deployment, and an error like any other", states, err)
			}
		})
	}
	// A client of a team's own need not have its types.
	scheme := runtime.NewScheme()
	if err := clientgo.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(checkout(3)).Build()
	if states, err := kube.Workloads(t.Context(), c, "shop"); err != nil || len(states) != 1 {
		t.Errorf("%v, %v", states, err)
	}
	const add = "the scheme of the client has no kind Rollout of argoproj.io/v1alpha1; add it, as by argo.AddToScheme"
	_, err = kube.Workloads(t.Context(), c, "shop", kube.ArgoRollout)
	wantError(t, err, add)
	_, err = w.Read(t.Context(), c)
	if wantError(t, err, add); errors.Is(err, kube.ErrNoWorkload) {
		t.Errorf("%v says that there is none", err)
	}
}

func TestARolloutWhoseTemplateIsElsewhereIsRefused(t *testing.T) {
	c := newClient(t, interceptor.Funcs{}, basket(func(r *argo.Rollout) { r.Spec.WorkloadRef = &argo.WorkloadRef{Kind: "Deployment", Name: "basket"} }))
	_, err := kube.Workload{Kind: kube.ArgoRollout, Namespace: "shop", Name: "basket"}.Read(t.Context(), c)
	if wantError(t, err, "read rollout basket in shop: not supported: it takes its template from deployment/basket (spec.workloadRef)"); errors.Is(err, kube.ErrNoWorkload) || !errors.Is(err, kube.ErrUnsupported) {
		t.Errorf("%v says that there is none, or that there may be another time", err)
	}
	states, err := kube.Workloads(t.Context(), c, "shop")
	if err != nil || len(states) != 1 || states[0].Unreadable == "" {
		t.Errorf("%v, %v", states, err)
	}
}

// unseen reports whether Rollouts, and they alone, were not seen.
func unseen(err error) bool {
	e, is := errors.AsType[*kube.UnseenError](err)
	return is && slices.Equal(e.Kinds, []kube.Kind{kube.ArgoRollout})
}

// owned is an object that another one controls.
func owned[T client.Object](object T, owner client.Object, kind string) T {
	object.SetOwnerReferences([]metav1.OwnerReference{*metav1.NewControllerRef(owner, appsv1.SchemeGroupVersion.WithKind(kind))})
	return object
}

func TestThePodsOfAWorkloadAreThoseThatItControls(t *testing.T) {
	d, s, a, b := checkout(1), ledger(), agent(), basket()
	ofArgo := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "basket-1", UID: "b1", OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(b, argo.GroupVersion.WithKind("Rollout"))}}}
	set := owned(&appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout-1", UID: "r"}}, d, "Deployment")
	c := newClient(t, interceptor.Funcs{}, d, s, a, b, set, ofArgo, pod("of-none"), owned(pod("basket-1-a"), ofArgo, "ReplicaSet"),
		owned(pod("checkout-1-a"), set, "ReplicaSet"), owned(pod("ledger-0"), s, "StatefulSet"), owned(pod("agent-a"), a, "DaemonSet"))
	for object, want := range map[client.Object]string{d: "checkout-1-a", s: "ledger-0", a: "agent-a", b: "basket-1-a"} {
		state, _ := kube.StateOf(object)
		pods, err := state.Pods(t.Context(), c)
		if err != nil || len(pods) != 1 || pods[0].Name != want {
			t.Errorf("%s: %v, %v; want %s", state, pods, err, want)
		}
	}
}

func TestTheRevisionsOfAWorkloadHaveTheirTemplates(t *testing.T) {
	d, s := checkout(1), ledger()
	old := owned(&appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout-1", UID: "r"}}, d, "Deployment")
	old.Spec.Replicas = new(int32(0))
	old.Spec.Template.Spec.Containers = []corev1.Container{{Name: "app", Image: "checkout:1"}}
	now := old.DeepCopy()
	now.Name, now.UID, now.Spec.Replicas = "checkout-2", "r2", nil
	revision := func(name string, n int64) *appsv1.ControllerRevision {
		return owned(&appsv1.ControllerRevision{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}, Revision: n,
			// As the controller writes it.
			Data: runtime.RawExtension{Raw: []byte(`{"spec":{"template":{"$patch":"replace","spec":{"containers":[{"name":"app","image":"ledger:` + name + `"}]}}}}`)},
		}, s, "StatefulSet")
	}
	c := newClient(t, interceptor.Funcs{}, d, s, old, now, revision("ledger-0", 1), revision("ledger-1", 2), revision("ledger-2", 3))
	for object, want := range map[client.Object][]string{
		d: {"checkout-1 checkout:1", "checkout-2 checkout:1 used"},
		s: {"ledger-0 ledger:ledger-0", "ledger-1 ledger:ledger-1 used", "ledger-2 ledger:ledger-2 used"},
	} {
		state, _ := kube.StateOf(object)
		list, err := state.Revisions(t.Context(), c)
		var got []string
		for _, r := range list {
			text := r.Object.GetName() + " " + r.Template.Spec.Containers[0].Image
			if r.Used {
				text += " used"
			}
			got = append(got, text)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v; want %q", state, got, err, want)
		}
	}
}

func TestTheReplicasAndTheRolloutOfEveryKindAreObserved(t *testing.T) {
	for _, row := range []struct {
		name              string
		object            client.Object
		replicas, rollout float64
	}{
		{"a stateful set in the middle of a rollout", ledger(updating(1), func(s *appsv1.StatefulSet) { s.Status.Replicas, s.Status.ReadyReplicas = 2, 2 }), 2. / 3, 1. / 3},
		{"a stateful set at rest", ledger(), 1, 1},
		{"one with a partition that is complete", ledger(updating(2), partition(1)), 1, 1},
		{"a daemon set with a pod that is not ready", agent(func(s *appsv1.DaemonSet) { s.Status.NumberReady = 2 }), 2. / 3, 2. / 3},
		{"a Rollout at rest", basket(), 1, 1},
		{"an invalid one, with all pods of the spec before", basket(refused), 1, 0},
		{"one of which every pod waits for a restart", basket(func(r *argo.Rollout) { r.Spec.RestartAt = new(metav1.Now()) }), 1, 0},
		{"a daemon set with an old pod", agent(func(s *appsv1.DaemonSet) { s.Status.UpdatedNumberScheduled = 2 }), 1, 2. / 3},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := newClient(t, interceptor.Funcs{}, row.object)
			state, _ := kube.StateOf(row.object)
			for want, source := range map[float64]steadystate.Source{row.replicas: kube.Replicas(c, state.Workload), row.rollout: kube.Rollout(c, state.Workload)} {
				o := watchSource(t, source, func(clock steadystate.Clock) { until(clock, 500*time.Millisecond) })
				if o.err != nil || len(o.list) != 1 || o.list[0].Value != want {
					t.Errorf("%+v, %v; want %g", o.list, o.err, want)
				}
			}
		})
	}
}
