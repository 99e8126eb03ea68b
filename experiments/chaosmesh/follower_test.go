package chaosmesh_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// chosen lets the first object hit these, and each later one the pod that it
// names.
func chosen(ids ...string) step {
	return func(ctx context.Context, c client.Client, o v1alpha1.InnerObject) error {
		if n, ok := o.(*v1alpha1.NetworkChaos); ok && len(n.Spec.Selector.Pods) > 0 {
			return injectedNamed(ctx, c, o)
		}
		return injected(ids...)(ctx, c, o)
	}
}

// followed are the pods of which the record says so, in order.
func (h *history) followed(t *testing.T, kind string) []string {
	t.Helper()
	var names []string
	for _, entry := range h.entries(t) {
		if e := entry.Event; e != nil && e.Kind == kind {
			names = append(names, strings.TrimPrefix(e.Subject, "pod/shop/"))
		}
	}
	return names
}

func TestAFaultFollowsReplacements(t *testing.T) {
	// dies and comes are what happens to pods while the fault is held.
	dies := func(name string) func(context.Context, client.Client) error {
		return func(ctx context.Context, c client.Client) error { return kill(name)(ctx, c, nil) }
	}
	comes := func(name string) func(context.Context, client.Client) error {
		return func(ctx context.Context, c client.Client) error {
			if err := c.Create(ctx, pod(name, pending)); err != nil {
				return err
			}
			if err := after(time.Second)(ctx, nil, nil); err != nil {
				return err
			}
			return change(name, func(p *corev1.Pod) { p.Status.Phase = corev1.PodRunning })(ctx, c, nil)
		}
	}
	for _, row := range []struct {
		name    string
		count   faults.Count
		hit     []string
		happens []func(context.Context, client.Client) error
		want    []string
	}{
		{"of all pods, each new one", faults.All, []string{"shop/a", "shop/b"}, []func(context.Context, client.Client) error{comes("c"), comes("d")}, []string{"c", "d"}},
		{"of one, its replacement", faults.One, []string{"shop/a"}, []func(context.Context, client.Client) error{dies("a"), comes("c")}, []string{"c"}},
		{"of one, the replacement that is there before it dies", faults.One, []string{"shop/a"}, []func(context.Context, client.Client) error{comes("c"), dies("a")}, []string{"c"}},
		{"of one, and its replacement's replacement", faults.One, []string{"shop/a"}, []func(context.Context, client.Client) error{dies("a"), comes("c"), dies("c"), comes("d")}, []string{"c", "d"}},
		{"of one that stays, no new one", faults.One, []string{"shop/a"}, []func(context.Context, client.Client) error{comes("c")}, nil},
		{"of one, not for a pod that was not chosen", faults.One, []string{"shop/a"}, []func(context.Context, client.Client) error{dies("b"), comes("c")}, nil},
		{"of half, half of those that there are then, the oldest first", "50%", []string{"shop/a"}, []func(context.Context, client.Client) error{comes("c"), comes("d"), comes("e")}, []string{"c", "d"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, interceptor.Funcs{}, pod("a"), pod("b"))
				play(t, c, atOnce, takeUp, chosen(row.hit...))
				rec := newHistory()
				fault := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.NetworkDelay{Pods: checkout, Count: row.count, Latency: time.Second, Follow: true})
				if got, err := fault.Inject(t.Context(), rec.Recorder); err != nil || got.FailureReason != "" {
					t.Fatal(err, got.FailureReason)
				}
				for _, do := range row.happens {
					if err := do(t.Context(), c); err != nil {
						t.Fatal(err)
					}
					// The bubble's time: a pod that runs is hit within 5 s.
					time.Sleep(5 * time.Second)
				}
				if got := rec.followed(t, record.EventFollowed); !slices.Equal(got, row.want) {
					t.Errorf("followed %v, want %v; not followed: %v", got, row.want, rec.followed(t, record.EventNotFollowed))
				}
				if got, want := len(left(t, c)), 1+len(row.want); got != want {
					t.Errorf("%d objects, want %d", got, want)
				}
				if _, err := fault.Recover(t.Context(), rec.Recorder); err != nil {
					t.Fatal(err)
				}
				if names := left(t, c); len(names) != 0 {
					t.Errorf("left behind: %v", names)
				}
			})
		})
	}
}

// forbidWatch forbids to watch pods after so many times.
func forbidWatch(after int32) interceptor.Funcs {
	var times atomic.Int32
	return interceptor.Funcs{
		Watch: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) (watch.Interface, error) {
			if _, ok := list.(*corev1.PodList); ok && times.Add(1) > after {
				return nil, apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "", errors.New("no"))
			}
			return c.Watch(ctx, list, opts...)
		},
	}
}

func TestWhatCannotBeFollowedIsInTheRecord(t *testing.T) {
	for _, row := range []struct {
		name  string
		guard faults.Guard
		comes func(*corev1.Pod)
		funcs interceptor.Funcs
		want  string
	}{
		{"the new pod is protected", faults.Guard{Protected: []map[string]string{{"tier": "db"}}}, func(p *corev1.Pod) { p.Labels["tier"] = "db" }, interceptor.Funcs{}, "pod c matches the selector and is protected"},
		{"Chaos Mesh never injects it", faults.Guard{}, func(p *corev1.Pod) { p.Name = "lost" }, interceptor.Funcs{}, "could not inject shop/lost: no such container (for 15s); Chaos Mesh says: Failed to apply chaos: not in this pod"},
		{"the first object's lifetime is over", faults.Guard{Lifetime: time.Second}, func(*corev1.Pod) {}, interceptor.Funcs{}, "the fault's lifetime is over"},
		{"creating panics, which does not take the program along", faults.Guard{}, func(p *corev1.Pod) { p.Name = "lost" }, interceptor.Funcs{
			Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
				if n, ok := o.(*v1alpha1.NetworkChaos); ok && len(n.Spec.Selector.Pods) > 0 {
					panic("out of luck")
				}
				return c.Create(ctx, o, opts...)
			},
		}, "following ended: panic: out of luck"},
		{"the pods may no longer be watched", faults.Guard{}, func(*corev1.Pod) {}, forbidWatch(1), "following ended: "},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, row.funcs, pod("a"))
				play(t, c, atOnce, takeUp, func(ctx context.Context, c client.Client, o v1alpha1.InnerObject) error {
					if n, ok := o.(*v1alpha1.NetworkChaos); ok && len(n.Spec.Selector.Pods) > 0 {
						return errors.Join(says("Failed to apply chaos: not in this pod")(ctx, c, o), failed("shop/lost", "no such container")(ctx, c, o))
					}
					return injected("shop/a")(ctx, c, o)
				})
				rec := newHistory()
				fault := newCluster(t, c, row.guard).Fault(chaosmesh.NetworkDelay{Pods: checkout, Latency: time.Second, Follow: true})
				if got, err := fault.Inject(t.Context(), rec.Recorder); err != nil || got.FailureReason != "" {
					t.Fatal(err, got.FailureReason)
				}
				time.Sleep(2 * time.Second)
				if err := c.Create(t.Context(), pod("c", row.comes)); err != nil {
					t.Fatal(err)
				}
				time.Sleep(20 * time.Second)
				_, err := fault.Recover(t.Context(), rec.Recorder)
				if names := left(t, c); len(names) != 0 {
					t.Errorf("left behind: %v", names)
				}
				// Only what had no answer may still appear.
				unsure := row.funcs.Create != nil
				if unsure != (err != nil && strings.Contains(err.Error(), "its creation had no answer")) || (!unsure && err != nil) {
					t.Error(err)
				}
				var said []string
				for _, entry := range rec.entries(t) {
					if e := entry.Event; e != nil && e.Kind == record.EventNotFollowed {
						said = append(said, e.Attrs[record.AttrReason])
					}
				}
				if len(said) != 1 || !strings.Contains(said[0], row.want) {
					t.Errorf("not followed because %q, want %q", said, row.want)
				}
			})
		})
	}
}

func TestFollowingStopsWithoutRecover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, interceptor.Funcs{}, pod("a"))
		play(t, c, atOnce, takeUp, chosen("shop/a"))
		rec := newHistory()
		ctx, cancel := context.WithCancelCause(t.Context())
		fault := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.NetworkDelay{Pods: checkout, Latency: time.Second, Follow: true})
		if _, err := fault.Inject(ctx, rec.Recorder); err != nil {
			t.Fatal(err)
		}
		cancel(errors.New("a person stopped the run"))
		synctest.Wait()
		if err := c.Create(t.Context(), pod("c")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		if got := rec.followed(t, record.EventFollowed); len(got) != 0 {
			t.Errorf("followed %v after the run was stopped", got)
		}
		if _, err := fault.Recover(context.WithoutCancel(ctx), rec.Recorder); err != nil {
			t.Error(err)
		}
	})
}
