package chaosmesh_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// told are the recorded events of a kind, as "SUBJECT BY".
func (h *history) told(t *testing.T, kind string) []string {
	t.Helper()
	var told []string
	for _, entry := range h.entries(t) {
		if e := entry.Event; e != nil && e.Kind == kind {
			told = append(told, strings.TrimSpace(e.Subject+" "+e.Attrs[record.AttrBy]))
		}
	}
	return told
}

// elsewhere is an object of another user, in another namespace, that is in the
// pods.
func elsewhere(name string, oneShot bool, ids ...string) v1alpha1.InnerObject {
	meta := metav1.ObjectMeta{Namespace: "chaos", Name: name, Finalizers: []string{"chaos-mesh/records"}}
	var object v1alpha1.InnerObject = &v1alpha1.StressChaos{ObjectMeta: meta}
	if oneShot {
		object = &v1alpha1.PodChaos{ObjectMeta: meta, Spec: v1alpha1.PodChaosSpec{Action: v1alpha1.PodKillAction}}
	}
	for _, id := range ids {
		r := hit(".", id)
		object.GetStatus().Experiment.Records = append(object.GetStatus().Experiment.Records, &r)
	}
	return object
}

// only are steps with the objects whose names begin like this.
func only(prefix string, script ...step) []step {
	var list []step
	for _, s := range script {
		list = append(list, func(ctx context.Context, c client.Client, object v1alpha1.InnerObject) error {
			if !strings.HasPrefix(object.GetName(), prefix) {
				return nil
			}
			return s(ctx, c, object)
		})
	}
	return list
}

// Two runs put a delay on the same pods: each must say so of the other, whether
// it came first or last.
func TestTwoRunsOnTheSamePodsTellOfEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, interceptor.Funcs{}, pod("a"), pod("b"))
		play(t, c, atOnce, takeUp, injected("shop/a", "shop/b"))
		cluster := newCluster(t, c, faults.Guard{})
		first, second := newHistory(), newHistory()
		one, two := cluster.Fault(chaosmesh.NetworkDelay{Pods: checkout, Latency: time.Second}), cluster.Fault(chaosmesh.NetworkDelay{Pods: checkout, Latency: time.Second})
		for _, run := range []struct {
			fault *chaosmesh.Fault
			rec   *history
		}{{one, first}, {two, second}} {
			if got, err := run.fault.Inject(t.Context(), run.rec.Recorder); err != nil || got.FailureReason != "" {
				t.Fatal(err, got.FailureReason)
			}
		}
		if got := first.told(t, record.EventAlsoHit); len(got) != 0 {
			t.Errorf("the first run tells %q before the second began", got)
		}
		for _, run := range []struct {
			fault      *chaosmesh.Fault
			rec, other *history
		}{{one, first, second}, {two, second, first}} {
			if _, err := run.fault.Recover(t.Context(), run.rec.Recorder); err != nil {
				t.Fatal(err)
			}
			got := run.rec.told(t, record.EventAlsoHit)
			if len(got) != 2 || !strings.HasPrefix(got[0], "pod/shop/a NetworkChaos/shop/network-delay-"+run.other.Run()) ||
				!strings.HasPrefix(got[1], "pod/shop/b NetworkChaos/shop/network-delay-") || !strings.HasSuffix(got[0], " of run "+run.other.Run()) {
				t.Errorf("told %q, want the other run's object on a and on b, once each", got)
			}
		}
	})
}

// Another user's fault in the pods is told; one that is in other pods, or is over,
// is not.
func TestFaultsOfOthersAreTold(t *testing.T) {
	for _, row := range []struct {
		sentence string
		object   v1alpha1.InnerObject
		comes    time.Duration // after the injection; 0: it was there
		goes     time.Duration
		want     []string
	}{
		{"a fault in a target", elsewhere("x", false, "shop/a/app"), 0, 0, []string{"pod/shop/a StressChaos/chaos/x"}},
		{"one that comes and goes while the fault is held", elsewhere("x", false, "shop/a"), 2 * time.Second, 8 * time.Second, []string{"pod/shop/a StressChaos/chaos/x"}},
		{"a fault in another pod", elsewhere("x", false, "shop/c", "bank/a"), 0, 0, nil},
		{"a kill that was", elsewhere("x", true, "shop/a"), 0, 0, nil},
		{"one that is recovered", func() v1alpha1.InnerObject {
			o := elsewhere("x", false, "shop/a")
			o.GetStatus().Experiment.Records[0].Phase = v1alpha1.NotInjected
			return o
		}(), 0, 0, nil},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, interceptor.Funcs{}, pod("a"), pod("b"), pod("c"))
				begin := func() {
					if err := c.Create(t.Context(), row.object); err != nil {
						t.Error(err)
					}
				}
				if row.comes == 0 {
					begin()
				}
				play(t, c, atOnce, only("network-delay", takeUp, injected("shop/a", "shop/b"))...)
				rec := newHistory()
				fault := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.NetworkDelay{Pods: checkout, Count: "2", Latency: time.Second})
				got, err := fault.Inject(t.Context(), rec.Recorder)
				if err != nil || got.FailureReason != "" || got.Of != 3 || got.Follows || got.ChangesPods {
					t.Fatal(err, got)
				}
				if row.comes > 0 {
					time.Sleep(row.comes)
					begin()
					time.Sleep(row.goes - row.comes)
					row.object.SetFinalizers(nil)
					if err := c.Update(t.Context(), row.object); err != nil {
						t.Error(err)
					}
					if err := c.Delete(t.Context(), row.object); err != nil {
						t.Error(err)
					}
				}
				if _, err := fault.Recover(t.Context(), rec.Recorder); err != nil {
					t.Error(err)
				}
				if got := rec.told(t, record.EventAlsoHit); !slices.Equal(got, row.want) {
					t.Errorf("told %q, want %q", got, row.want)
				}
			})
		})
	}
}

// An account that may look into the pods' namespace only sees what is there;
// one that may not look at all can still run its faults, and undo them.
func TestFaultsOfOthersAreLookedForAsFarAsTheAccountMay(t *testing.T) {
	for _, row := range []struct {
		sentence   string
		nowhere    bool
		want       int
		unsurveyed string
	}{
		{"in its namespace", false, 1, "the account may not list StressChaos outside namespace shop"},
		{"nowhere", true, 0, "the account may not list StressChaos"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				other := elsewhere("x", false, "shop/a")
				other.SetNamespace("shop")
				all := newClient(t, interceptor.Funcs{}, pod("a"), other)
				play(t, all, atOnce, only("network-delay", takeUp, injected("shop/a"))...)
				c := interceptor.NewClient(all, interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
					options := (&client.ListOptions{}).ApplyOptions(opts)
					if _, stress := list.(*v1alpha1.StressChaosList); stress && (row.nowhere || options.Namespace == "") {
						return apierrors.NewForbidden(schema.GroupResource{Resource: "stresschaos"}, "", nil)
					}
					return c.List(ctx, list, opts...)
				}})
				rec := newHistory()
				fault := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.NetworkDelay{Pods: checkout, Latency: time.Second})
				if got, err := fault.Inject(t.Context(), rec.Recorder); err != nil || got.FailureReason != "" {
					t.Fatal(err, got.FailureReason)
				}
				if _, err := fault.Recover(t.Context(), rec.Recorder); err != nil {
					t.Fatal(err)
				}
				if got := rec.told(t, record.EventAlsoHit); len(got) != row.want {
					t.Errorf("told %q, want %d", got, row.want)
				}
				if got := rec.unseen(t, record.EventUnsurveyed); len(got) != 1 || got[0].Attrs[record.AttrReason] != row.unsurveyed {
					t.Errorf("not seen: %v, want %q once", got, row.unsurveyed)
				}
				if got := rec.unseen(t, record.EventGap); len(got) != 0 {
					t.Errorf("blind: %v, and a right that is missing is no blindness", got)
				}
			})
		})
	}
}

// unseen are the events of a kind.
func (h *history) unseen(t *testing.T, kind string) []record.Event {
	t.Helper()
	var list []record.Event
	for _, entry := range h.entries(t) {
		if e := entry.Event; e != nil && e.Kind == kind {
			list = append(list, *e)
		}
	}
	return list
}

// What a look could not see is in the record, as of when the look before it saw
// everything. Neither an API server that does not answer nor a panic keeps the
// fault in place.
func TestWhatCouldNotBeSeenIsRecorded(t *testing.T) {
	const hold = 20 * time.Second
	unavailable := apierrors.NewServiceUnavailable("no leader")
	stress := func(list client.ObjectList) bool { _, ok := list.(*v1alpha1.StressChaosList); return ok }
	hang := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for _, row := range []struct {
		sentence string
		// list is what becomes of a list so long after the object was created; nil: it works.
		list      func(ctx context.Context, list client.ObjectList, at time.Duration) error
		want      string // the reason of the blindness; empty: none
		from, to  time.Duration
		newcomers int
	}{
		{"the API server answers all the time", func(context.Context, client.ObjectList, time.Duration) error { return nil }, "", 0, 0, 1},
		{"it answers each list late, and all of them in time", func(ctx context.Context, _ client.ObjectList, _ time.Duration) error {
			return after(400*time.Millisecond)(ctx, nil, nil)
		}, "", 0, 0, 1},
		{"it cannot list one kind throughout", func(_ context.Context, list client.ObjectList, _ time.Duration) error {
			if stress(list) {
				return unavailable
			}
			return nil
		}, "whether another fault was in it: list StressChaos: no leader", 0, hold + 5*time.Second, 1},
		{"it cannot for a moment, and the same look asks again", func(_ context.Context, list client.ObjectList, at time.Duration) error {
			if stress(list) && at >= 5*time.Second && at < 7*time.Second {
				return unavailable
			}
			return nil
		}, "", 0, 0, 1},
		{"it cannot for a while", func(_ context.Context, list client.ObjectList, at time.Duration) error {
			if stress(list) && at >= 3*time.Second && at < 12*time.Second {
				return unavailable
			}
			return nil
		}, "whether another fault was in it: list StressChaos: no leader", 0, 15 * time.Second, 1},
		{"it answers no list after the injection", func(ctx context.Context, _ client.ObjectList, _ time.Duration) error {
			return hang(ctx)
		}, "context deadline exceeded", 0, hold + 5*time.Second, 0},
		{"a list panics", func(_ context.Context, list client.ObjectList, _ time.Duration) error {
			if stress(list) {
				panic("index out of range")
			}
			return nil
		}, "panic: index out of range", 0, hold, 1},
		{"the last look panics", func(_ context.Context, list client.ObjectList, at time.Duration) error {
			if stress(list) && at >= hold {
				panic("index out of range")
			}
			return nil
		}, "panic: index out of range", 15 * time.Second, hold, 1},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all := newClient(t, interceptor.Funcs{}, pod("a"))
				play(t, all, atOnce, takeUp, injected("shop/a"))
				rec := newHistory()
				var created time.Duration
				var deleted time.Time
				c := interceptor.NewClient(all, interceptor.Funcs{
					Delete: func(ctx context.Context, c client.WithWatch, object client.Object, opts ...client.DeleteOption) error {
						deleted = time.Now()
						return c.Delete(ctx, object, opts...)
					},
					Create: func(ctx context.Context, c client.WithWatch, object client.Object, opts ...client.CreateOption) error {
						created = rec.Clock().Now() + 1
						return c.Create(ctx, object, opts...)
					},
					List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
						if created > 0 {
							if err := row.list(ctx, list, rec.Clock().Now()-created); err != nil {
								return err
							}
						}
						return c.List(ctx, list, opts...)
					},
				})
				fault := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.NetworkDelay{Pods: checkout, Latency: time.Second})
				began := time.Now()
				if got, err := fault.Inject(t.Context(), rec.Recorder); err != nil || got.FailureReason != "" {
					t.Fatal(err, got.FailureReason)
				}
				if took := time.Since(began); took > time.Second {
					t.Errorf("the injection took %s: the look for others kept it", took)
				}
				if err := all.Create(t.Context(), pod("d")); err != nil {
					t.Fatal(err)
				}
				time.Sleep(hold)
				began = time.Now()
				if _, err := fault.Recover(t.Context(), rec.Recorder); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took > 8*time.Second {
					t.Errorf("the removal took %s", took)
				}
				if took := deleted.Sub(began); took > 0 {
					t.Errorf("the removal began after %s: the look for others kept it", took)
				}
				if names := left(t, all); len(names) != 0 {
					t.Errorf("left behind: %v", names)
				}
				if got := rec.told(t, record.EventNotHit); len(got) != row.newcomers {
					t.Errorf("newcomers %q, want %d", got, row.newcomers)
				}
				var got []record.Event
				for _, e := range rec.unseen(t, record.EventGap) {
					if strings.HasPrefix(e.Attrs[record.AttrReason], "whether another") {
						got = append(got, e)
					}
				}
				if row.want == "" {
					if len(got) > 0 {
						t.Errorf("blind: %v, want nothing", got)
					}
					return
				}
				if len(got) != 1 || got[0].UID != "a-uid" || !strings.Contains(got[0].Attrs[record.AttrReason], row.want) {
					t.Fatalf("blind: %v, want once that %q", got, row.want)
				}
				const slack = time.Second
				if e := got[0]; e.From < row.from || e.From > row.from+slack || e.To < row.to || e.To > row.to+slack {
					t.Errorf("blind at %s, want %s to %s", e.Span, row.from, row.to)
				}
			})
		})
	}
}

// Where the pods cannot be listed before the fault is undone, whether some came
// is not known, and the record says so.
func TestThatPodsMayHaveJoinedUnseenIsRecorded(t *testing.T) {
	for _, row := range []struct {
		sentence string
		follow   bool
		want     int
	}{{"a fault that stays", false, 1}, {"one that follows knows its pods", true, 0}} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all := newClient(t, interceptor.Funcs{}, pod("a"))
				play(t, all, atOnce, takeUp, injected("shop/a"))
				var over atomic.Bool
				c := interceptor.NewClient(all, interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
					if _, pods := list.(*corev1.PodList); pods && over.Load() {
						return apierrors.NewServiceUnavailable("no leader")
					}
					return c.List(ctx, list, opts...)
				}})
				rec := newHistory()
				fault := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.NetworkDelay{Pods: checkout, Latency: time.Second, Follow: row.follow})
				if got, err := fault.Inject(t.Context(), rec.Recorder); err != nil || got.FailureReason != "" {
					t.Fatal(err, got.FailureReason)
				}
				time.Sleep(3 * time.Second)
				over.Store(true)
				if _, err := fault.Recover(t.Context(), rec.Recorder); err != nil {
					t.Fatal(err)
				}
				got := rec.unseen(t, record.EventGap)
				if len(got) != row.want {
					t.Fatalf("blind: %v, want %d", got, row.want)
				}
				if len(got) > 0 && (got[0].UID != "a-uid" || !strings.HasPrefix(got[0].Attrs[record.AttrReason], "whether further pods came: ")) {
					t.Errorf("blind: %v", got)
				}
			})
		})
	}
}

// A pod that runs when the fault is undone, and did not before, was never hit.
func TestPodsThatJoinAreTold(t *testing.T) {
	for _, row := range []struct {
		sentence string
		follow   bool
		joins    *corev1.Pod
		want     []string
	}{
		{"one that runs", false, pod("d"), []string{"pod/shop/d"}},
		{"one that is followed is hit", true, pod("d"), nil},
		{"one that does not run yet", false, pod("d", pending), nil},
		{"one of another service", false, pod("d", func(p *corev1.Pod) { p.Labels = nil }), nil},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, interceptor.Funcs{}, pod("a"), pod("b"))
				play(t, c, atOnce, takeUp, func(ctx context.Context, c client.Client, object v1alpha1.InnerObject) error {
					if len(object.(*v1alpha1.NetworkChaos).Spec.Selector.Pods) > 0 {
						return injectedNamed(ctx, c, object)
					}
					return injected("shop/a", "shop/b")(ctx, c, object)
				})
				rec := newHistory()
				fault := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.NetworkDelay{Pods: checkout, Latency: time.Second, Follow: row.follow})
				got, err := fault.Inject(t.Context(), rec.Recorder)
				if err != nil || got.FailureReason != "" || got.Of != 2 || got.Follows != row.follow {
					t.Fatal(err, got)
				}
				if err := c.Create(t.Context(), row.joins); err != nil {
					t.Fatal(err)
				}
				time.Sleep(3 * time.Second)
				if _, err := fault.Recover(t.Context(), rec.Recorder); err != nil {
					t.Fatal(err)
				}
				if got := rec.told(t, record.EventNotHit); !slices.Equal(got, row.want) {
					t.Errorf("told %q, want %q", got, row.want)
				}
			})
		})
	}
}
