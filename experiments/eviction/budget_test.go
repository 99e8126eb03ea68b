package eviction_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/experiments/eviction"
	"github.com/aftershockhq/aftershock/experiments/faults"
)

// allows is a budget of checkout's three pods, all healthy, of which so many
// must stay.
func allows(name string, desired int32, labels map[string]string) *policyv1.PodDisruptionBudget {
	return &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, Generation: 1},
		Spec:       policyv1.PodDisruptionBudgetSpec{MaxUnavailable: new(intstr.FromInt32(3 - desired)), Selector: &metav1.LabelSelector{MatchLabels: labels}},
		Status:     policyv1.PodDisruptionBudgetStatus{ObservedGeneration: 1, DisruptionsAllowed: 3 - desired, DesiredHealthy: desired, ExpectedPods: 3, CurrentHealthy: 3},
	}
}

func refuse(client.Object, *policyv1.Eviction) error { return budget() }

func TestWhatABudgetForbidsIsRefusedByTheService(t *testing.T) {
	own := map[string]string{"app": "checkout"}
	none := allows("none", 3, own)
	stale := allows("stale", 3, own)
	stale.Generation = 2 // whose status is of what it was before
	short := allows("short", 2, own)
	short.Status.DisruptionsAllowed, short.Status.CurrentHealthy = 0, 2
	throttled := func(client.Object, *policyv1.Eviction) error {
		return apierrors.NewTooManyRequests("please try again later", 1)
	}
	onlyA := func(o client.Object, _ *policyv1.Eviction) error {
		if o.GetName() == "a" {
			return budget()
		}
		return nil
	}
	const quoted = "PodDisruptionBudget none (maxUnavailable 0): disruptionsAllowed 0, desiredHealthy 3 of 3 expected, currentHealthy 3"
	for _, row := range []struct {
		sentence string
		count    faults.Count
		budgets  []client.Object
		answer   asked
		took     time.Duration
		refused  string // empty: it is no finding about the service
		want     string // in the reason
	}{
		{"a budget that can never allow a drain is known at once", faults.All, []client.Object{none}, refuse, 0, "can be drained", "0 of 3 pods evicted; the API server says of a: Cannot evict pod as it would violate the pod's disruption budget. (The disruption budget checkout needs 2 healthy pods and has 2 currently) (" + quoted + "); b: "},
		{"nor an eviction", faults.One, []client.Object{none}, refuse, 0, "can be evicted", quoted},
		{"beside one of other pods", faults.One, []client.Object{none, allows("other", 3, map[string]string{"app": "payments"})}, refuse, 0, "can be evicted", quoted},
		{"of several budgets for one pod the server allows none", faults.One, []client.Object{allows("one", 1, own), allows("two", 2, own)}, func(client.Object, *policyv1.Eviction) error {
			return apierrors.NewInternalError(errors.New("This pod has more than one PodDisruptionBudget"))
		}, 0, "can be evicted", "more than one budget covers it, and then the API server grants no eviction: PodDisruptionBudget one (maxUnavailable 2)"},
		{"one that could allow it and refuses for all the time", faults.One, []client.Object{short}, refuse, 30 * time.Second, "can be evicted", "PodDisruptionBudget short (maxUnavailable 1): disruptionsAllowed 0, desiredHealthy 2 of 3 expected, currentHealthy 2"},
		{"one whose status is of what it was before is waited for", faults.One, []client.Object{stale}, refuse, 30 * time.Second, "can be evicted", "PodDisruptionBudget stale"},
		{"budgets that may not be read: the server's words, after the timeout", faults.One, nil, refuse, 30 * time.Second, "can be evicted", "needs 2 healthy pods"},
		{"an API server that is too busy is not the service's doing", faults.One, []client.Object{allows("some", 2, own)}, throttled, 30 * time.Second, "", "please try again later"},
		{"one pod of three that is refused until the end: the drain was too slow, which is not to say that it is forbidden", faults.All, []client.Object{allows("some", 2, own)}, onlyA, 90 * time.Second, "", "2 of 3 pods evicted; the API server says of a: Cannot evict"},
		{"one pod of three that can never be evicted", faults.All, []client.Object{allows("some", 2, own), allows("a", 3, map[string]string{"name": "a"})}, onlyA, 0, "can be drained", "2 of 3 pods evicted; the API server says of a: Cannot evict"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := map[string]int{}
				cluster := shop(t, func(o client.Object, e *policyv1.Eviction) error {
					asked[o.GetName()]++
					return row.answer(o, e)
				})
				a := pod("a")
				if err := cluster.Client.Get(t.Context(), client.ObjectKeyFromObject(a), a); err != nil {
					t.Fatal(err)
				}
				a.Labels["name"] = "a"
				if err := cluster.Client.Update(t.Context(), a); err != nil {
					t.Fatal(err)
				}
				for _, b := range row.budgets {
					if err := cluster.Client.Create(t.Context(), b.DeepCopyObject().(client.Object)); err != nil {
						t.Fatal(err)
					}
				}
				if row.budgets == nil {
					cluster.Client = interceptor.NewClient(cluster.Client, interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
						if _, ok := list.(*policyv1.PodDisruptionBudgetList); ok {
							return apierrors.NewForbidden(schema.GroupResource{Group: "policy", Resource: "poddisruptionbudgets"}, "", errors.New("no"))
						}
						return c.List(ctx, list, opts...)
					}})
				}
				begin := time.Now()
				in, _, err := inject(t, &eviction.Fault{Cluster: cluster, Pods: checkout, Count: row.count})
				if err != nil {
					t.Fatal(err)
				}
				if in.Refused != row.refused || !strings.Contains(in.FailureReason, row.want) {
					t.Errorf("refused %q: %s; want %q: %s", in.Refused, in.FailureReason, row.refused, row.want)
				}
				if took := time.Since(begin); took != row.took {
					t.Errorf("took %s, want %s", took, row.took)
				}
				for name, n := range asked {
					if row.took == 0 && n > 1 {
						t.Errorf("asked %d times for %s, want once", n, name)
					}
				}
			})
		})
	}
}

func TestPreviewSaysThatABudgetForbidsIt(t *testing.T) {
	own, onlyA := map[string]string{"app": "checkout"}, map[string]string{"name": "a"}
	const quoted = "PodDisruptionBudget none (maxUnavailable 0): disruptionsAllowed 0, desiredHealthy 3 of 3 expected"
	for _, row := range []struct {
		sentence string
		count    faults.Count
		budgets  []client.Object
		answer   asked
		want     string
	}{
		{"one that allows it", faults.All, []client.Object{allows("some", 2, own)}, nil, ""},
		{"one that refuses now", faults.All, []client.Object{allows("some", 2, own)}, refuse, "refused now: Cannot evict pod"},
		{"one that cannot allow it", faults.All, []client.Object{allows("none", 3, own)}, refuse, "a cannot be evicted while its budget expects 3 pods, and the run will find that: broken. " + quoted},
		{"nor one of the pods", faults.One, []client.Object{allows("none", 3, own)}, refuse, "a cannot be evicted while its budget expects 3 pods, and the run will find that: broken. " + quoted},
		{"of one pod only, and the run may choose another", faults.One, []client.Object{allows("none", 3, onlyA)}, refuse, "a cannot be evicted while its budget expects 3 pods; a run that chooses it is broken, and this one may choose another. " + quoted},
		{"of one pod only, and all are to go", faults.All, []client.Object{allows("none", 3, onlyA)}, refuse, "a cannot be evicted while its budget expects 3 pods, and the run will find that: broken. " + quoted},
		{"of one pod only, and two of three are to go", "2", []client.Object{allows("none", 3, onlyA)}, refuse, "a cannot be evicted while its budget expects 3 pods; a run that chooses it is broken, and this one may choose another. " + quoted},
		{"two budgets, whatever the number of pods", faults.One, []client.Object{allows("one", 1, own), allows("two", 1, own)}, refuse, "a cannot be evicted, and the run will find that: broken. more than one budget covers it"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			cluster := shop(t, row.answer)
			a := pod("a")
			if err := cluster.Client.Get(t.Context(), client.ObjectKeyFromObject(a), a); err != nil {
				t.Fatal(err)
			}
			a.Labels["name"] = "a"
			if err := cluster.Client.Update(t.Context(), a); err != nil {
				t.Fatal(err)
			}
			for _, b := range row.budgets {
				if err := cluster.Client.Create(t.Context(), b); err != nil {
					t.Fatal(err)
				}
			}
			fault := &eviction.Fault{Cluster: cluster, Pods: checkout, Count: row.count}
			got, err := fault.Preview(t.Context(), "run")
			if err != nil || !strings.HasPrefix(got.Warning, row.want) || (row.want == "") != (got.Warning == "") {
				t.Errorf("%q, %v; want %q", got.Warning, err, row.want)
			}
		})
	}
}
