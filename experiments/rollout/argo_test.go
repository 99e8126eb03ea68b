package rollout_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	clientgo "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/experiments/rollout"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/steadystate/kube/argo"
)

// canary is an API server with a Rollout of two pods, and Argo's controller, which takes
// one step a second. Its rules are those of Argo Rollouts 1.10: rollout/restart.go,
// rollout/canary.go, rollout/sync.go, utils/rollout and utils/annotations.
type canary struct {
	t       *testing.T
	client  client.WithWatch
	cluster faults.Cluster

	mu     sync.Mutex
	stuck  bool // the controller does nothing
	budget bool // a PodDisruptionBudget refuses evictions
	slow   bool // new pods are never ready
	born   int
	before func(client.Object, client.Patch) (done bool, err error) // of each patch that is no trial
	answer func(error) error
}

func newCanary(t *testing.T) *canary {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := clientgo.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	argo.AddToScheme(scheme)
	r := &argo.Rollout{ObjectMeta: meta("checkout")}
	r.Generation = 1
	r.Labels = nil
	r.Spec.Replicas = new(int32(2))
	r.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "checkout"}}
	r.Spec.Template = corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: r.Spec.Selector.MatchLabels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: good}}}}
	r.Spec.Strategy.Canary = &argo.Canary{}
	c := &canary{t: t}
	c.client = fake.NewClientBuilder().WithScheme(scheme).
		WithObjects(r, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "kube-system", UID: "staging"}}).
		WithInterceptorFuncs(interceptor.Funcs{Patch: c.patch}).Build()
	c.cluster = faults.Cluster{Client: c.client, Guard: faults.Guard{Cluster: "staging", Namespaces: []string{"shop"}}}
	for range 10 {
		c.step()
		time.Sleep(time.Second)
	}
	everySecond(t, c.step)
	return c
}

func (c *canary) workload() rollout.Workload {
	return rollout.Workload{Workload: kube.Workload{Kind: kube.ArgoRollout, Namespace: "shop", Name: "checkout"}, Cluster: c.cluster}
}

func (c *canary) do(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Error(err)
	}
}

func (c *canary) get() *argo.Rollout {
	var r argo.Rollout
	c.do(client.IgnoreNotFound(c.client.Get(context.Background(), client.ObjectKey{Namespace: "shop", Name: "checkout"}, &r)))
	return &r
}

// change is what another client does, or the controller.
func (c *canary) change(f func(*argo.Rollout)) {
	c.do(client.IgnoreNotFound(retry.RetryOnConflict(retry.DefaultRetry, func() error {
		r := c.get()
		before := r.DeepCopy()
		f(r)
		if !equality.Semantic.DeepEqual(before.Spec, r.Spec) {
			r.Generation++
		}
		return c.client.Update(context.Background(), r)
	})))
}

// patch refuses what the API server refuses of a custom resource, and counts the
// generations of the spec, which a fake client does not.
func (c *canary) patch(ctx context.Context, to client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
	if p.Type() == types.StrategicMergePatchType {
		return apierrors.NewGenericServerResponse(415, "patch", schema.GroupResource{Group: "argoproj.io", Resource: "rollouts"}, o.GetName(), "strategic merge patch is not supported", 0, true)
	}
	var options client.PatchOptions
	if options.ApplyOptions(opts); len(options.DryRun) > 0 {
		return to.Patch(ctx, o, p, opts...)
	}
	if c.before != nil {
		if done, err := c.before(o, p); done {
			return err
		}
	}
	c.mu.Lock()
	before := c.get()
	err := to.Patch(ctx, o, p, opts...)
	if r, ok := o.(*argo.Rollout); ok && err == nil && !equality.Semantic.DeepEqual(before.Spec, r.Spec) {
		r.Generation++
		err = to.Update(ctx, r)
	}
	c.mu.Unlock()
	if c.answer != nil {
		err = c.answer(err)
	}
	return err
}

func (c *canary) pods(set string) (list []corev1.Pod) {
	var all corev1.PodList
	c.do(c.client.List(context.Background(), &all, client.InNamespace("shop")))
	for _, pod := range all.Items {
		if metav1.GetControllerOf(&pod).Name == set {
			list = append(list, pod)
		}
	}
	return list
}

// set is the ReplicaSet of the newest template. The controller copies the annotations of
// the Rollout to it, and removes none.
func (c *canary) set(r *argo.Rollout) *appsv1.ReplicaSet {
	hash := "good"
	switch image := r.Spec.Template.Spec.Containers[0].Image; image {
	case good:
	case bad:
		hash = "bad"
	default:
		hash = "other"
	}
	set := &appsv1.ReplicaSet{ObjectMeta: meta("checkout-" + hash)}
	err := c.client.Get(context.Background(), client.ObjectKeyFromObject(set), set)
	if apierrors.IsNotFound(err) {
		set.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(r, argo.GroupVersion.WithKind("Rollout"))}
		set.Spec.Template = r.Spec.Template
		set.Spec.Replicas = new(int32(0))
		set.Annotations = maps.Clone(r.Annotations)
		c.do(c.client.Create(context.Background(), set))
		return set
	}
	c.do(err)
	if before := maps.Clone(set.Annotations); len(r.Annotations) > 0 {
		if set.Annotations == nil {
			set.Annotations = map[string]string{}
		}
		maps.Copy(set.Annotations, r.Annotations)
		if !maps.Equal(before, set.Annotations) {
			c.do(c.client.Update(context.Background(), set))
		}
	}
	return set
}

// scale makes a pod of a set, or takes one away: those that are not ready first.
func (c *canary) scale(set string, to int) {
	pods := c.pods(set)
	switch {
	case len(pods) < to:
		c.born++
		var of appsv1.ReplicaSet
		c.do(c.client.Get(context.Background(), client.ObjectKey{Namespace: "shop", Name: set}, &of))
		made := pod(fmt.Sprintf("%s-%d", set, c.born), &of, "")
		made.UID = types.UID(fmt.Sprintf("uid-%d", c.born))
		made.CreationTimestamp = metav1.NewTime(time.Now().Truncate(time.Second))
		made.Status = corev1.PodStatus{Phase: corev1.PodPending}
		c.do(c.client.Create(context.Background(), made))
	case len(pods) > to:
		slices.SortStableFunc(pods, func(a, b corev1.Pod) int { return len(a.Status.Conditions) - len(b.Status.Conditions) })
		c.do(c.client.Delete(context.Background(), &pods[0]))
	}
	var of appsv1.ReplicaSet
	c.do(c.client.Get(context.Background(), client.ObjectKey{Namespace: "shop", Name: set}, &of))
	if n := int32(to); *of.Spec.Replicas != n { //nolint:gosec // few
		of.Spec.Replicas = &n
		c.do(c.client.Update(context.Background(), &of))
	}
}

// step is one of the controller and of the kubelets.
func (c *canary) step() {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.get()
	if c.stuck || r.UID == "" {
		return
	}
	var all corev1.PodList
	c.do(c.client.List(context.Background(), &all, client.InNamespace("shop")))
	for _, p := range all.Items {
		switch {
		case len(p.Status.ContainerStatuses) > 0 || len(p.Status.Conditions) > 0 || c.slow:
			continue
		case p.Spec.Containers[0].Image == bad:
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "app", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull"}}}}
		default:
			p.Status = corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}
		}
		c.do(c.client.Status().Update(context.Background(), &p))
	}
	newest := c.set(r)
	hash := strings.TrimPrefix(newest.Name, "checkout-")
	status := r.Status
	if status.CurrentPodHash != hash { // resetRolloutStatus
		status.Abort, status.Conditions, status.RestartedAt = false, nil, r.Spec.RestartAt
	}
	status.CurrentPodHash = hash
	stable := "checkout-" + status.StableRS
	ready := func(set string) (n int) {
		for _, p := range c.pods(set) {
			if isReady(p) {
				n++
			}
		}
		return n
	}
	switch {
	case r.Spec.RestartAt != nil && !r.Spec.RestartAt.Equal(status.RestartedAt) && time.Now().After(r.Spec.RestartAt.Time):
		older := 0
		evicted := false
		for _, p := range c.pods(newest.Name) {
			if !p.CreationTimestamp.Before(r.Spec.RestartAt) {
				continue
			}
			older++
			if !evicted && !c.budget && ready(newest.Name) == 2 {
				evicted = true
				c.do(c.client.Delete(context.Background(), &p))
			}
		}
		if older == 0 {
			status.RestartedAt = r.Spec.RestartAt
		}
		if !evicted {
			c.scale(newest.Name, 2)
		}
	case status.StableRS == "" || status.StableRS == hash:
		c.scale(newest.Name, 2)
		for _, of := range []string{"checkout-bad", "checkout-other"} {
			if len(c.pods(of)) > 0 {
				c.scale(of, 0)
			}
		}
		if ready(newest.Name) == 2 {
			status.StableRS = hash
		}
	case status.Abort:
		status.Conditions = []argo.Condition{{Type: "Progressing", Status: corev1.ConditionFalse, Reason: "RolloutAborted", Message: "Rollout aborted update to revision 2"}}
		c.scale(newest.Name, 0)
		c.scale(stable, 2)
	default: // one at a time
		c.scale(newest.Name, min(2, ready(newest.Name)+1))
		if n := ready(newest.Name); n > 0 {
			c.scale(stable, 2-n)
		}
		if ready(newest.Name) == 2 && len(c.pods(stable)) == 0 {
			status.StableRS = hash
		}
	}
	var total, able int32
	c.do(c.client.List(context.Background(), &all, client.InNamespace("shop")))
	for _, p := range all.Items {
		total++
		if isReady(p) {
			able++
		}
	}
	status.Replicas, status.UpdatedReplicas, status.ReadyReplicas, status.AvailableReplicas = total, int32(len(c.pods(newest.Name))), able, able //nolint:gosec // few
	status.ObservedGeneration = strconv.FormatInt(r.Generation, 10)
	status.Phase, status.Message = "Healthy", ""
	switch {
	case status.Abort:
		status.Phase, status.Message = "Degraded", "RolloutAborted"
	case status.StableRS != hash, able < 2, r.Spec.RestartAt != nil && !r.Spec.RestartAt.Equal(status.RestartedAt):
		status.Phase, status.Message = "Progressing", "waiting"
	}
	if equality.Semantic.DeepEqual(status, r.Status) {
		return
	}
	c.change(func(now *argo.Rollout) {
		if now.Generation == r.Generation && now.Status.Abort == r.Status.Abort {
			now.Status = status
		}
	})
}

// whole says what is not as it was before a run: pods of the good image, ready and at
// rest, and nothing that names a run, neither on the Rollout nor on its ReplicaSets.
func (c *canary) whole() string {
	var wrong []string
	state, err := c.workload().Read(context.Background(), c.client)
	c.do(err)
	if why := state.Unsettled(); why != "" {
		wrong = append(wrong, why)
	}
	r := c.get()
	if len(r.Annotations)+len(r.Labels) > 0 {
		wrong = append(wrong, fmt.Sprint(r.Annotations, r.Labels))
	}
	if r.Restarting() {
		wrong = append(wrong, "a restart is pending")
	}
	var sets appsv1.ReplicaSetList
	c.do(c.client.List(context.Background(), &sets))
	for _, set := range sets.Items {
		if len(set.Annotations) > 0 {
			wrong = append(wrong, fmt.Sprint(set.Name, set.Annotations))
		}
	}
	if n := len(c.pods("checkout-good")); n != 2 || len(sets.Items) != 1 {
		wrong = append(wrong, fmt.Sprintf("%d good pods, %d sets", n, len(sets.Items)))
	}
	return strings.Join(wrong, "; ")
}

// lost is an answer that does not come, once.
func (c *canary) lost() {
	c.answer = func(err error) error { c.answer = nil; return errors.Join(err, errors.New("connection reset")) }
}

func TestARestartOfARolloutIsEnded(t *testing.T) {
	born := func(c *canary) []string {
		var names []string
		for _, p := range c.pods("checkout-good") {
			names = append(names, p.Name)
		}
		return names
	}
	stall := func(c *canary) { c.budget = true }
	for _, row := range []struct {
		name      string
		prepare   func(*canary)
		meanwhile func(*canary)
		inject    string
		undo      string
		notes     string
		events    string
		wrong     string
		left      []string // names of the pods long after
	}{
		{name: "when it is done", events: "changing, gone, gone, rolled out", left: []string{"checkout-good-3", "checkout-good-4"}},
		{
			name: "when it is done after an earlier one", prepare: func(c *canary) {
				c.change(func(r *argo.Rollout) {
					r.Spec.RestartAt = new(metav1.NewTime(time.Now().Add(-time.Hour).Truncate(time.Second)))
				})
				time.Sleep(3500 * time.Millisecond) // between two steps of the controller
			},
			events: "changing, gone, gone, rolled out", left: []string{"checkout-good-3", "checkout-good-4"},
		},
		{
			name: "when it stalls, and the controller goes no further once it could", meanwhile: func(c *canary) {
				stall(c)
				time.AfterFunc(90*time.Second, func() { c.budget = false })
			}, prepare: stall,
			events: "changing", notes: "a restart is under way; it was ended, so that no further pod is restarted",
			left: []string{"checkout-good-1", "checkout-good-2"},
		},
		{
			name: "when new pods are never ready", prepare: func(c *canary) { c.slow = true },
			events: "changing, gone", notes: "it was ended, so that no further pod is restarted",
			wrong: "it is Progressing",
		},
		{
			name: "when its answer was lost", prepare: (*canary).lost,
			inject: "connection reset", events: "changing",
		},
		{
			name: "when its request was lost, and comes too late", prepare: func(c *canary) {
				c.before = func(client.Object, client.Patch) (bool, error) {
					c.before = nil
					return true, errors.New("connection reset")
				}
			},
			inject: "connection reset", events: "changing", left: []string{"checkout-good-1", "checkout-good-2"},
		},
		{
			name: "when the answer to ending it was lost", prepare: stall, meanwhile: (*canary).lost,
			events: "changing", notes: "it was ended", left: []string{"checkout-good-1", "checkout-good-2"},
		},
		{
			name: "but not another client's", prepare: stall, meanwhile: func(c *canary) {
				c.change(func(r *argo.Rollout) {
					r.Spec.RestartAt = new(metav1.NewTime(time.Now().Add(time.Hour).Truncate(time.Second)))
				})
			},
			events: "changing", notes: "a restart is under way", wrong: "a restart is pending",
		},
		{
			name: "and that this cannot be done is an error", prepare: stall, meanwhile: func(c *canary) {
				c.before = func(client.Object, client.Patch) (bool, error) { return true, forbidden() }
			},
			events: "changing", undo: "end the restart: patch rollout checkout in shop: ", wrong: "aftershock.dev/restart",
		},
		{
			name: "though another client changes what is patched at the same time", prepare: stall, meanwhile: func(c *canary) {
				c.before = func(o client.Object, _ client.Patch) (bool, error) {
					c.before = nil
					c.change(func(r *argo.Rollout) { r.Spec.RestartAt = nil })
					return true, apierrors.NewGenericServerResponse(422, "", schema.GroupResource{}, "", "replace operation does not apply: doc is missing key: /spec/restartAt", 0, false)
				}
			},
			events: "changing", notes: "it was ended",
		},
		{
			name: "and with the Rollout it is gone", prepare: stall, meanwhile: func(c *canary) { c.do(c.client.Delete(context.Background(), c.get())) },
			events: "changing", notes: "there is no rollout checkout in shop", wrong: "gone",
		},
		{
			name: "when the controller is away", prepare: func(c *canary) { c.stuck = true }, meanwhile: func(c *canary) { time.AfterFunc(150*time.Second, func() { c.stuck = false }) },
			events: "changing", notes: "it was ended", left: []string{"checkout-good-1", "checkout-good-2"},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			var c *canary
			wrong, pods := "", []string(nil)
			r := play(t, func(t *testing.T) (experiments.Fault, func()) {
				c = newCanary(t)
				t.Cleanup(func() {
					if row.wrong != "gone" {
						time.Sleep(time.Minute)
						wrong, pods = c.whole(), born(c)
					}
				})
				if row.prepare != nil {
					row.prepare(c)
				}
				return &rollout.Restart{Workload: c.workload()}, func() {
					if row.meanwhile != nil {
						row.meanwhile(c)
					}
				}
			})
			said := func(err error) string {
				if err == nil {
					return ""
				}
				return err.Error()
			}
			for _, s := range []struct{ what, got, want string }{{"injection", said(r.inject), row.inject}, {"undoing", said(r.undo), row.undo}, {"notes", r.notes, row.notes}} {
				if (s.want == "") != (s.got == "") || !strings.Contains(s.got, s.want) {
					t.Errorf("%s: %q, want %q", s.what, s.got, s.want)
				}
			}
			if r.kinds() != row.events {
				t.Errorf("events %s, want %s", r.kinds(), row.events)
			}
			if row.wrong != "gone" && ((row.wrong == "") != (wrong == "") || !strings.Contains(wrong, row.wrong)) {
				t.Errorf("left %q, want %q", wrong, row.wrong)
			}
			if row.left != nil && !slices.Equal(pods, row.left) {
				t.Errorf("pods %v, want %v", pods, row.left)
			}
		})
	}
}

// Undoing has a bound, within which a restart that stalls must be ended.
func TestARestartIsEndedBeforeTheTimeToUndoIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCanary(t)
		c.budget = true
		w := c.workload()
		w.Timeout = 5 * time.Minute
		f, rec := &rollout.Restart{Workload: w}, record.NewRecorder(&bytes.Buffer{})
		if _, err := f.Inject(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		if _, err := f.Recover(ctx, rec); err != nil || ctx.Err() != nil {
			t.Errorf("%v, %v", err, ctx.Err())
		}
		time.Sleep(5 * time.Second)
		if wrong := c.whole(); wrong != "" {
			t.Error(wrong)
		}
	})
}

func TestASweepEndsARestartOfARollout(t *testing.T) {
	scope := faults.Scope{Namespaces: []string{"shop"}}
	for _, row := range []struct {
		name  string
		stall bool
		scope faults.Scope
		note  string
	}{
		{"that stalls", true, scope, "ended the restart, which was not done: no further pod is restarted"},
		{"that was done", false, scope, "the restart had been done"},
		{"but not of another run", true, faults.Scope{Namespaces: scope.Namespaces, Of: func(run string) bool { return run == "another" }}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCanary(t)
				c.budget = row.stall
				rec := record.NewRecorder(&bytes.Buffer{})
				if _, err := (&rollout.Restart{Workload: c.workload()}).Inject(t.Context(), rec); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				// Here the harness dies, and another one is refused.
				if _, err := (&rollout.Restart{Workload: c.workload()}).Inject(t.Context(), rec); !errors.Is(err, faults.ErrRefused) || !strings.Contains(err.Error(), "has a restart of a run already") {
					t.Errorf("a second restart: %v", err)
				}
				removed, err := rollout.Sweep(t.Context(), c.client, row.scope, 0)
				if err != nil || (len(removed) == 1) != (row.note != "") {
					t.Fatal(removed, err)
				}
				time.Sleep(5 * time.Second)
				if row.note == "" {
					if !c.get().Restarting() {
						t.Error("the restart of another run was ended")
					}
					return
				}
				if want := "restart of Rollout/shop/checkout, left behind by run " + rec.Run(); removed[0].String() != want || len(removed[0].Notes) != 1 || removed[0].Notes[0] != row.note {
					t.Errorf("removed %s with notes %q, want %s with %q", removed[0], removed[0].Notes, want, row.note)
				}
				if wrong := c.whole(); wrong != "" {
					t.Error(wrong)
				}
			})
		})
	}
}

func TestABadImageOfARolloutIsRolledBack(t *testing.T) {
	for _, row := range []struct {
		name      string
		meanwhile func(*canary)
		events    string
		undo      string
		wrong     string
	}{
		{name: "to the stable revision", events: "changing, waiting, rolled back"},
		{
			name: "after the update was aborted", meanwhile: func(c *canary) {
				c.change(func(r *argo.Rollout) { r.Status.Abort = true })
				time.Sleep(5 * time.Second)
				if len(c.pods("checkout-bad")) > 0 {
					c.t.Error("the controller of the test keeps bad pods after an abort")
				}
			}, events: "changing, waiting, rolled back",
		},
		{
			name: "unless another client has set another", meanwhile: func(c *canary) {
				c.change(func(r *argo.Rollout) { r.Spec.Template.Spec.Containers[0].Image = "shop/checkout:3" })
			}, events: "changing, waiting", undo: "another client changed it to shop/checkout:3 meanwhile", wrong: "0 good pods",
		},
		{name: "although an answer was lost", meanwhile: (*canary).lost, events: "changing, waiting, rolled back"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var c *canary
			wrong := ""
			r := play(t, func(t *testing.T) (experiments.Fault, func()) {
				c = newCanary(t)
				t.Cleanup(func() { wrong = c.whole() })
				return &rollout.BadImage{Workload: c.workload()}, func() {
					if row.meanwhile != nil {
						row.meanwhile(c)
					}
				}
			})
			if r.inject != nil || r.injection.FailureReason != "" || len(r.injection.Effects) != 1 || len(r.injection.Targets) != 2 {
				t.Fatalf("%v, %+v", r.inject, r.injection)
			}
			if r.kinds() != row.events || (r.undo == nil) != (row.undo == "") || r.undo != nil && !strings.Contains(r.undo.Error(), row.undo) {
				t.Errorf("events %s, undoing %v; want %s, %q", r.kinds(), r.undo, row.events, row.undo)
			}
			if (wrong == "") != (row.wrong == "") || !strings.Contains(wrong, row.wrong) {
				t.Errorf("left %q, want %q", wrong, row.wrong)
			}
		})
	}
}

func TestABadImageThatItsRolloutAbortsIsOver(t *testing.T) {
	for _, aborted := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			c := newCanary(t)
			b, rec := &rollout.BadImage{Workload: c.workload()}, record.NewRecorder(&bytes.Buffer{})
			if _, err := b.Inject(t.Context(), rec); err != nil {
				t.Fatal(err)
			}
			want := ""
			if aborted {
				want = "the update of rollout checkout in shop was aborted (Rollout aborted update to revision 2), after which the bad pods may be gone"
				time.AfterFunc(10*time.Second, func() { c.change(func(r *argo.Rollout) { r.Status.Abort = true }) })
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			begun := time.Now()
			got := b.Watch(ctx, rec)
			if aborted && strings.HasPrefix(got, "the update of rollout checkout in shop was aborted (status.abort") {
				got = want // seen before the controller had said why
			}
			if got != want || aborted && time.Since(begun) > 15*time.Second {
				t.Errorf("over after %s: %q, want %q", time.Since(begun), got, want)
			}
			if _, err := b.Recover(t.Context(), rec); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestASweepRollsBackABadImageOfARollout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCanary(t)
		rec := record.NewRecorder(&bytes.Buffer{})
		if _, err := (&rollout.BadImage{Workload: c.workload()}).Inject(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
		removed, err := rollout.Sweep(t.Context(), c.client, faults.Scope{Namespaces: []string{"shop"}}, 0)
		time.Sleep(10 * time.Second)
		if wrong := c.whole(); err != nil || len(removed) != 1 || removed[0].String() != "bad image of Rollout/shop/checkout, left behind by run "+rec.Run() || wrong != "" {
			t.Error(removed, err, wrong)
		}
	})
}

// An account that may not list rollouts has changed none, unless it says that it may have.
func TestAnAccountThatMayNotListRolloutsSweepsTheRest(t *testing.T) {
	s := newShop(t)
	refusing := interceptor.NewClient(s.client, interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
		if _, ok := list.(*argo.RolloutList); ok {
			return forbidden()
		}
		return c.List(ctx, list, options...)
	}})
	scope := faults.Scope{Namespaces: []string{"shop"}}
	if left, err := rollout.Find(t.Context(), refusing, scope); err != nil || len(left) > 0 {
		t.Error(left, err)
	}
	if _, err := rollout.Find(t.Context(), refusing, scope, kube.ArgoRollout); err == nil || !strings.Contains(err.Error(), "the right to list rollouts") {
		t.Errorf("%v, want that it may not look", err)
	}
}

// An entry of a ledger must not be dropped because its kind is not there for the moment.
func TestASweepOfAClusterWithoutRolloutsFailsIfOneMayHaveBeenChanged(t *testing.T) {
	s := newShop(t)
	none := &apimeta.NoKindMatchError{GroupKind: argo.GroupVersion.WithKind("Rollout").GroupKind(), SearchedVersions: []string{argo.GroupVersion.Version}}
	without := interceptor.NewClient(s.client, interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
		if _, ok := list.(*argo.RolloutList); ok {
			return none
		}
		return c.List(ctx, list, options...)
	}})
	scope := faults.Scope{Namespaces: []string{"shop"}}
	if removed, err := rollout.Sweep(t.Context(), without, scope, 0); err != nil || len(removed) > 0 {
		t.Error(removed, err)
	}
	if _, err := rollout.Sweep(t.Context(), without, scope, 0, kube.ArgoRollout); err == nil || !strings.Contains(err.Error(), "the cluster has no kind Rollout of argoproj.io/v1alpha1, and its objects must be seen") {
		t.Errorf("%v, want that the kind is lacking", err)
	}
}

// What is not at rest is someone's: undoing would take their update back.
func TestNothingBeginsOnARolloutThatIsNotAtRest(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*argo.Rollout)
		want   string
	}{
		{"an update", func(r *argo.Rollout) { r.Status.CurrentPodHash = "2" }, `rollout checkout in shop is not rolled out: an update is under way, from the ReplicaSet "good" to "2"`},
		{"an update that is paused", func(r *argo.Rollout) { r.Status.PauseConditions = []argo.PauseCondition{{Reason: "CanaryPauseStep"}} }, "its update is paused: CanaryPauseStep"},
		{"one that was aborted", func(r *argo.Rollout) { r.Status.Abort = true }, "its update was aborted: status.abort is true"},
		{"an invalid one", func(r *argo.Rollout) {
			r.Status.Conditions = []argo.Condition{{Type: "InvalidSpec", Status: corev1.ConditionTrue, Message: "no such Service"}}
		}, "its spec is invalid, so that its controller does nothing: no such Service"},
		{"a paused one", func(r *argo.Rollout) { r.Spec.Paused = true }, "no rollout of rollout checkout in shop reaches every pod: it is paused"},
		{"a restart", func(r *argo.Rollout) { r.Spec.RestartAt = new(metav1.Now()); r.Status.ObservedGeneration = "2" }, "a restart is under way"},
		{"a template elsewhere", func(r *argo.Rollout) { r.Spec.WorkloadRef = &argo.WorkloadRef{Kind: "Deployment", Name: "checkout"} }, "it takes its template from deployment/checkout (spec.workloadRef)"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCanary(t)
				c.mu.Lock()
				c.stuck = true
				c.mu.Unlock()
				c.change(row.change)
				before := c.get()
				for _, f := range []experiments.Fault{&rollout.BadImage{Workload: c.workload()}, &rollout.Restart{Workload: c.workload()}} {
					if _, err := f.Inject(t.Context(), record.NewRecorder(&bytes.Buffer{})); err == nil || !strings.Contains(err.Error(), row.want) {
						t.Errorf("%s: %v, want %q", f, err, row.want)
					}
					if p, ok := f.(experiments.Previewer); ok {
						if _, err := p.Preview(t.Context(), "preflight"); err == nil || !strings.Contains(err.Error(), row.want) {
							t.Errorf("preview of %s: %v, want %q", f, err, row.want)
						}
					}
				}
				if now := c.get(); now.ResourceVersion != before.ResourceVersion {
					t.Errorf("the Rollout was changed: %+v", now)
				}
			})
		})
	}
}

func TestAPreviewOfARolloutChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCanary(t)
		version := c.get().ResourceVersion
		for _, row := range []struct {
			fault   experiments.Previewer
			warning string
			away    int
		}{
			{&rollout.Restart{Workload: c.workload()}, "goes on with the restart until it is done", 1},
			{&rollout.Restart{Workload: c.workload(), Swept: true}, "", 1},
			{&rollout.BadImage{Workload: c.workload()}, "the bad image stays", 0},
		} {
			got, err := row.fault.Preview(t.Context(), "preflight")
			if err != nil || got.Requested != 2 || (got.Warning == "") != (row.warning == "") || !strings.Contains(got.Warning, row.warning) || got.Away != row.away {
				t.Errorf("%s: %+v, %v", row.fault, got, err)
			}
		}
		if c.get().ResourceVersion != version {
			t.Error("the Rollout was changed")
		}
	})
}

// Undoing would wait for as long as the Rollout keeps the pods of an update.
func TestABadImageOfABlueGreenRolloutIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCanary(t)
		c.mu.Lock()
		c.stuck = true
		c.mu.Unlock()
		c.change(func(r *argo.Rollout) {
			r.Spec.Strategy = argo.Strategy{BlueGreen: &argo.BlueGreen{}}
			r.Status.ObservedGeneration = strconv.FormatInt(r.Generation+1, 10)
		})
		before := c.get()
		const want = "a bad image of rollout checkout in shop would not be undone in time: its strategy is blueGreen, which keeps the pods of an update for scaleDownDelaySeconds after it was taken back, or longer"
		b := &rollout.BadImage{Workload: c.workload()}
		_, preview := b.Preview(t.Context(), "preflight")
		_, inject := b.Inject(t.Context(), record.NewRecorder(&bytes.Buffer{}))
		for _, err := range []error{preview, inject} {
			if !errors.Is(err, faults.ErrRefused) || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
		}
		if now := c.get(); now.ResourceVersion != before.ResourceVersion {
			t.Errorf("the Rollout was changed: %+v", now)
		}
		if _, err := (&rollout.Restart{Workload: c.workload()}).Preview(t.Context(), "preflight"); err != nil {
			t.Errorf("a restart, which makes no update: %v", err)
		}
	})
}

// A field that this program does not know must survive: the list of containers is not
// merged by the API server.
func TestAPatchOfARolloutNamesWhatItChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCanary(t)
		var patches []string
		c.before = func(o client.Object, p client.Patch) (bool, error) {
			data, err := p.Data(o)
			c.do(err)
			patches = append(patches, string(data))
			return false, nil
		}
		if _, err := (&rollout.BadImage{Workload: c.workload()}).Inject(t.Context(), record.NewRecorder(&bytes.Buffer{})); err != nil {
			t.Fatal(err)
		}
		var ops []struct {
			Op, Path string
			Value    any
		}
		if err := json.Unmarshal([]byte(patches[0]), &ops); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, o := range ops {
			got = append(got, o.Op+" "+o.Path)
		}
		if want := []string{"replace /metadata/resourceVersion", "add /metadata/annotations", "add /spec/template/spec/containers/0/image"}; !slices.Equal(got, want) || ops[2].Value != bad {
			t.Errorf("%s, want %q", patches[0], want)
		}
	})
}
