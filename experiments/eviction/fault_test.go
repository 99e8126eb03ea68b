package eviction_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/experiments/eviction"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

var checkout = faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}}

func pod(name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID(name + "-uid"), Labels: map[string]string{"app": "checkout"}},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning},
	}
}

// asked answers one request for an eviction; nil lets the API server do it.
type asked func(pod client.Object, eviction *policyv1.Eviction) error

// shop has pods a, b and c of checkout's, and an API server that asks answer
// before it evicts.
func shop(t testing.TB, answer asked) faults.Cluster {
	t.Helper()
	c := fake.NewClientBuilder().
		WithObjects(pod("a"), pod("b"), pod("c"), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "kube-system", UID: "staging"}}).
		WithInterceptorFuncs(interceptor.Funcs{
			SubResourceCreate: func(ctx context.Context, c client.Client, name string, o, sub client.Object, opts ...client.SubResourceCreateOption) error {
				request, ok := sub.(*policyv1.Eviction)
				if !ok || name != "eviction" {
					t.Errorf("asked for %s of %T", name, sub)
				}
				if answer != nil {
					if err := answer(o, request); err != nil {
						return err
					}
				}
				var options client.SubResourceCreateOptions
				options.ApplyOptions(opts)
				if len(options.DryRun) > 0 {
					return nil
				}
				return c.SubResource(name).Create(ctx, o, sub, opts...)
			},
		}).Build()
	return faults.Cluster{Client: c, Guard: faults.Guard{Cluster: "staging", Namespaces: []string{"shop"}}}
}

// budget is a PodDisruptionBudget's refusal as the API server words it.
func budget() error {
	err := apierrors.NewTooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", 0)
	err.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: policyv1.DisruptionBudgetCause, Message: "The disruption budget checkout needs 2 healthy pods and has 2 currently"}}
	return err
}

// inject injects and undoes, and returns what is in the record, too.
func inject(t *testing.T, f *eviction.Fault) (record.Injection, []record.Event, error) {
	t.Helper()
	var text bytes.Buffer
	rec := record.NewRecorder(&text)
	in, err := f.Inject(t.Context(), rec)
	if _, err := f.Recover(t.Context(), rec); err != nil {
		t.Errorf("recover: %v", err)
	}
	var events []record.Event
	for entry, err := range record.Read(&text) {
		if err != nil {
			t.Fatal(err)
		}
		if entry.Event != nil {
			events = append(events, *entry.Event)
		}
	}
	return in, events, err
}

func TestPodsAreEvicted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var uids []types.UID
		cluster := shop(t, func(_ client.Object, e *policyv1.Eviction) error {
			time.Sleep(100 * time.Millisecond) // the bubble's
			uids = append(uids, *e.DeleteOptions.Preconditions.UID)
			return nil
		})
		in, events, err := inject(t, &eviction.Fault{Cluster: cluster, Pods: checkout, Count: "2"})
		if err != nil || in.FailureReason != "" {
			t.Fatal(err, in.FailureReason)
		}
		if len(in.Targets) != 2 || in.From != 0 || in.To != 100*time.Millisecond {
			t.Errorf("evicted %v in %s, want two, from the first request to its answer", in.Targets, in.Span)
		}
		for i, target := range in.Targets {
			if target.UID != string(uids[i]) {
				t.Errorf("asked for %s, and the target is %s", uids[i], target.UID)
			}
		}
		if want := []record.Effect{{Event: record.EventGone}}; !slices.Equal(in.Effects, want) {
			t.Errorf("effects %v, want %v", in.Effects, want)
		}
		var kinds []string
		for _, e := range events {
			kinds = append(kinds, e.Kind)
		}
		if want := []string{"evicted", "evicted", "gone", "gone"}; !slices.Equal(kinds, want) {
			t.Errorf("events %v, want %v", kinds, want)
		}
		var left corev1.PodList
		if err := cluster.Client.List(t.Context(), &left); err != nil || len(left.Items) != 1 {
			t.Errorf("%d pods are left, %v; want one", len(left.Items), err)
		}
	})
}

func TestABudgetThatRefusesIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		cluster := shop(t, func(client.Object, *policyv1.Eviction) error {
			if time.Since(begin) < 10*time.Second {
				return budget()
			}
			return nil
		})
		in, _, err := inject(t, &eviction.Fault{Cluster: cluster, Pods: checkout, Count: faults.One})
		if err != nil || in.FailureReason != "" || len(in.Targets) != 1 {
			t.Fatal(err, in)
		}
		if in.From != 10*time.Second {
			t.Errorf("took effect in %s, want the request that was granted", in.Span)
		}
	})
}

func TestWhatIsNotEvictedIsTheFailureReason(t *testing.T) {
	gone := apierrors.NewNotFound(schema.GroupResource{Resource: "pods"}, "x")
	for _, row := range []struct {
		name   string
		answer asked
		within time.Duration
		want   []string
	}{
		{"a budget refuses until the timeout", func(client.Object, *policyv1.Eviction) error { return budget() }, 31 * time.Second, []string{"0 of 3 pods evicted; the API server says of a: Cannot evict pod as it would violate the pod's disruption budget. (The disruption budget checkout needs 2 healthy pods and has 2 currently); b: "}},
		{"a budget refuses one of them", func(o client.Object, _ *policyv1.Eviction) error {
			if o.GetName() == "b" {
				return budget()
			}
			return nil
		}, 31 * time.Second, []string{"2 of 3 pods evicted; the API server says of b: Cannot evict"}},
		{"one is gone already, which needs no time", func(o client.Object, _ *policyv1.Eviction) error {
			if o.GetName() == "b" {
				return gone
			}
			return nil
		}, time.Second, []string{"2 of 3 pods evicted; the API server says of b: it went by itself before it was evicted"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cluster := shop(t, row.answer)
				begin := time.Now()
				in, _, err := inject(t, &eviction.Fault{Cluster: cluster, Pods: checkout, Count: faults.All, Timeout: 30 * time.Second})
				if err != nil {
					t.Fatal(err)
				}
				for _, want := range row.want {
					if !strings.HasPrefix(in.FailureReason, want) {
						t.Errorf("failure reason %q, want %q", in.FailureReason, want)
					}
				}
				if took := time.Since(begin); took > row.within {
					t.Errorf("took %s, want at most %s", took, row.within)
				}
			})
		})
	}
}

func TestADrainTakesThePodsInTurnAsTheBudgetAllows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Each eviction uses the budget up until the replacement is ready.
		var allowed time.Time
		var asked []types.UID
		var cluster faults.Cluster
		cluster = shop(t, func(o client.Object, e *policyv1.Eviction) error {
			if time.Now().Before(allowed) {
				return budget()
			}
			allowed = time.Now().Add(10 * time.Second)
			asked = append(asked, *e.DeleteOptions.Preconditions.UID)
			replacement := pod(o.GetName() + "-new")
			if err := cluster.Client.Create(t.Context(), replacement); err != nil {
				t.Error(err)
			}
			return nil
		})
		drain := eviction.Drain(cluster, checkout)
		in, events, err := inject(t, drain)
		if err != nil || in.FailureReason != "" || in.OneShot || in.Kind != record.KindDrain {
			t.Fatalf("%v, failure reason %q, one shot %t, kind %q; want a drain that takes its time", err, in.FailureReason, in.OneShot, in.Kind)
		}
		slices.Sort(asked)
		if want := []types.UID{"a-uid", "b-uid", "c-uid"}; !slices.Equal(asked, want) || len(in.Targets) != 3 {
			t.Errorf("evicted %q, want those from before and none of their replacements", asked)
		}
		count := map[string]int{}
		refusals := ""
		for _, e := range events {
			count[e.Kind]++
			if e.Kind == record.EventEvicted {
				refusals += e.Attrs[eviction.AttrRefusals] + ";"
			}
			if e.Kind == eviction.EventRefused && !strings.Contains(e.Attrs["reason"], "disruption budget checkout needs 2 healthy pods") {
				t.Errorf("refused because of %q, want the server's words", e.Attrs["reason"])
			}
		}
		if count["evicted"] != 3 || count["refused"] != 2 || count["gone"] != 3 || refusals != ";10;20;" {
			t.Errorf("events %v, refusals %s; want three evicted, of which the second was refused ten times and the third twenty", count, refusals)
		}
	})
}

func TestADrainThatTakesTooLongIsShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := shop(t, func(client.Object, *policyv1.Eviction) error { return budget() })
		begin := time.Now()
		in, _, err := inject(t, eviction.Drain(cluster, checkout))
		if err != nil || !strings.HasPrefix(in.FailureReason, "0 of 3 pods evicted; the API server says of a: Cannot evict pod") {
			t.Errorf("%v, failure reason %q", err, in.FailureReason)
		}
		if took := time.Since(begin); took != 90*time.Second {
			t.Errorf("took %s, want half a minute for each of the three", took)
		}
	})
}

func TestErrorsSayWhatToDo(t *testing.T) {
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "pods/eviction"}, "a", errors.New("no"))
	cluster := shop(t, func(client.Object, *policyv1.Eviction) error { return forbidden })
	broken := shop(t, func(client.Object, *policyv1.Eviction) error { return errors.New("connection refused") })
	for _, row := range []struct {
		name  string
		fault *eviction.Fault
		want  string
	}{
		{"no client", &eviction.Fault{Pods: checkout, Count: faults.One}, "evict 1 of the pods app=checkout in shop: needs a client of a cluster"},
		{"the guard refuses", &eviction.Fault{Cluster: cluster, Pods: checkout, Count: "4"}, "evict 4 of the pods app=checkout in shop: refused: 4 asked for, and 3 running pods match"},
		{"the account may not", &eviction.Fault{Cluster: cluster, Pods: checkout, Count: faults.One}, "give the account the right to create pods/eviction"},
		{"the API server is away", &eviction.Fault{Cluster: broken, Pods: checkout, Count: faults.One}, "connection refused"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if _, _, err := inject(t, row.fault); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want %q", err, row.want)
			}
			if _, err := row.fault.Preview(t.Context(), "run"); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("preview's error %v, want %q", err, row.want)
			}
		})
	}
}

func TestPreviewEvictsNobody(t *testing.T) {
	for _, row := range []struct {
		name   string
		answer asked
	}{
		{"where nothing refuses", nil},
		{"where a budget refuses now, which it may not later", func(client.Object, *policyv1.Eviction) error { return budget() }},
	} {
		t.Run(row.name, func(t *testing.T) {
			cluster := shop(t, row.answer)
			fault := &eviction.Fault{Cluster: cluster, Pods: checkout, Count: "50%"}
			got, err := fault.Preview(t.Context(), "run")
			if err != nil || got.Requested != 2 || len(got.Candidates) != 3 {
				t.Errorf("preview %+v, %v; want 2 of 3", got, err)
			}
			if targets, err := fault.Targets(t.Context()); err != nil || !slices.Equal(targets, got.Candidates) {
				t.Errorf("targets %v, %v; want those of the preview", targets, err)
			}
			var left corev1.PodList
			if err := cluster.Client.List(t.Context(), &left); err != nil || len(left.Items) != 3 {
				t.Errorf("%d pods are left, %v; want all three", len(left.Items), err)
			}
		})
	}
}

func TestInjectEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := shop(t, func(client.Object, *policyv1.Eviction) error { return budget() })
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_, err := (&eviction.Fault{Cluster: cluster, Pods: checkout, Count: faults.One}).Inject(ctx, record.NewRecorder(&bytes.Buffer{}))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the context's", err)
		}
	})
}

func TestOneEvictionIsOverAtOnce(t *testing.T) {
	for count, want := range map[faults.Count]bool{faults.One: true, "2": false, "30%": false, faults.All: false} {
		if got := (&eviction.Fault{Count: count}).OneShot(); got != want {
			t.Errorf("%s: %t, want %t", count, got, want)
		}
	}
}
