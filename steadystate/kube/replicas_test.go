package kube_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/steadystate"
)

var allReady = steadystate.AtLeast(1)

func span(from, to time.Duration) steadystate.Span { return steadystate.Span{From: from, To: to} }

func outages(o *observed, until time.Duration) []steadystate.Outage {
	return o.fold(until).Outages()
}

func TestReplicasSeeAnOutageWithinASecondAndBoundIt(t *testing.T) {
	c := newClient(t, interceptor.Funcs{}, checkout(3))
	o := watchReplicas(t, c, func(clock steadystate.Clock) {
		until(clock, 5300*time.Millisecond)
		setReady(t, c, 2)
		until(clock, 9700*time.Millisecond)
		setReady(t, c, 3)
		until(clock, 15*time.Second)
	})
	if o.err != nil {
		t.Fatal(o.err)
	}
	got := outages(o, 15*time.Second)
	if len(got) != 1 {
		t.Fatalf("outages %+v, want one", got)
	}
	if !got[0].Length().Holds(4400 * time.Millisecond) {
		t.Errorf("length %v, want 4.4 s in it", got[0].Length())
	}
	if start, want := got[0].Start, span(5*time.Second, 5300*time.Millisecond); start != want {
		t.Errorf("began in %s, want %s: from the last read that was good", start, want)
	}
	if end, want := got[0].End, span(9700*time.Millisecond, 9700*time.Millisecond); end.To != want.To || end.From < 9*time.Second {
		t.Errorf("ended in %s, want up to %s", end, want)
	}
	if r := o.fold(15 * time.Second).Figures()[0].Resolution; r > time.Second {
		t.Errorf("resolution %s, want a second while nothing changes", r)
	}
	if v := o.list[0].Value; v != 1 {
		t.Errorf("value %g of three of three", v)
	}
}

func TestReplicasSeeWhatIsOverBeforeTheNextRead(t *testing.T) {
	var c client.WithWatch
	var flip atomic.Bool
	c = newClient(t, interceptor.Funcs{
		// The read that is to confirm the change finds it undone.
		List: func(ctx context.Context, base client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			if flip.CompareAndSwap(true, false) {
				setReady(t, base, 3)
			}
			return base.List(ctx, list, opts...)
		},
	}, checkout(3))
	o := watchReplicas(t, c, func(clock steadystate.Clock) {
		until(clock, 5300*time.Millisecond)
		flip.Store(true)
		setReady(t, c, 0)
		until(clock, 10*time.Second)
	})
	got := outages(o, 10*time.Second)
	if len(got) != 1 || got[0].Length().Low != 0 {
		t.Errorf("outages %+v, want one that may have been as short as nothing", got)
	}
}

func TestReplicasThatCannotBeSeenAreUnknown(t *testing.T) {
	for _, row := range []struct {
		name      string
		objects   []client.Object
		interrupt func(*atomic.Bool) interceptor.Funcs
		change    func(*testing.T, client.Client)
		unknown   string
	}{
		{
			name: "the API server is away", objects: []client.Object{checkout(3)},
			interrupt: func(away *atomic.Bool) interceptor.Funcs {
				return interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
					if away.Load() {
						return errors.New("connection refused")
					}
					return c.List(ctx, list, opts...)
				}}
			},
			unknown: "connection refused",
		},
		{
			name: "the API server does not answer", objects: []client.Object{checkout(3)},
			interrupt: func(away *atomic.Bool) interceptor.Funcs {
				return interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
					if away.Load() {
						<-ctx.Done()
						return ctx.Err()
					}
					return c.List(ctx, list, opts...)
				}}
			},
			unknown: "the API server did not answer within 2s",
		},
		{
			name: "none are wanted", objects: []client.Object{checkout(3)},
			interrupt: func(*atomic.Bool) interceptor.Funcs { return interceptor.Funcs{} },
			change: func(t *testing.T, c client.Client) {
				d := checkout(0)
				if err := c.Get(t.Context(), client.ObjectKeyFromObject(d), d); err != nil {
					t.Fatal(err)
				}
				d.Spec.Replicas = ptr.To[int32](0)
				if err := c.Update(t.Context(), d); err != nil {
					t.Fatal(err)
				}
			},
			unknown: "deployment checkout in shop desires no pods",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			var away atomic.Bool
			c := newClient(t, row.interrupt(&away), row.objects...)
			o := watchReplicas(t, c, func(clock steadystate.Clock) {
				until(clock, 5500*time.Millisecond)
				away.Store(true)
				if row.change != nil {
					row.change(t, c)
				}
				until(clock, 15*time.Second)
			})
			if o.err != nil {
				t.Fatal(o.err)
			}
			for _, seen := range o.list {
				if early := seen.To < 5500*time.Millisecond; early != (seen.Unknown == "") {
					t.Errorf("%s: unknown %q, want good until 5.5 s and unknown from then on", seen.Span, seen.Unknown)
				}
			}
			if last := o.list[len(o.list)-1]; last.Unknown != row.unknown || last.To < 12*time.Second {
				t.Errorf("last at %s: unknown %q, want %q", last.Span, last.Unknown, row.unknown)
			}
		})
	}
}

func TestReplicasOfADeploymentThatIsGoneAreAFailure(t *testing.T) {
	c := newClient(t, interceptor.Funcs{}, checkout(3))
	o := watchReplicas(t, c, func(clock steadystate.Clock) {
		until(clock, 5300*time.Millisecond)
		if err := c.Delete(t.Context(), checkout(3)); err != nil {
			t.Error(err)
		}
		until(clock, 8*time.Second)
	})
	got := outages(o, 8*time.Second)
	if o.err != nil || len(got) != 1 || got[0].Reason != "deployment checkout in shop is gone" {
		t.Errorf("%v, %+v; want one outage because it is gone", o.err, got)
	}
}

func TestReplicasThatCanNeverBeSeenAreAnError(t *testing.T) {
	forbidden := apierrors.NewForbidden(schema.GroupResource{Group: "apps", Resource: "deployments"}, "", errors.New("no"))
	for _, row := range []struct {
		name    string
		funcs   interceptor.Funcs
		objects []client.Object
		want    string
	}{
		{"no such deployment", interceptor.Funcs{}, nil, "observe replicas of deployment checkout in shop: there is no such deployment; check the name and the namespace"},
		{"another one is not it", interceptor.Funcs{}, []client.Object{checkout(3, func(d *appsv1.Deployment) { d.Name = "cart" })}, "there is no such deployment"},
		{"not allowed to read", interceptor.Funcs{
			List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
				return forbidden
			},
		}, []client.Object{checkout(3)}, "give the account the rights to list and watch"},
		{"not allowed to watch", interceptor.Funcs{
			Watch: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) (watch.Interface, error) {
				return nil, forbidden
			},
		}, []client.Object{checkout(3)}, "give the account the rights to list and watch"},
	} {
		t.Run(row.name, func(t *testing.T) {
			o := watchReplicas(t, newClient(t, row.funcs, row.objects...), func(clock steadystate.Clock) { until(clock, time.Minute) })
			wantError(t, o.err, row.want)
		})
	}
}

func TestReplicasAreSeenByReadingWhereTheWatchBreaks(t *testing.T) {
	for _, row := range []struct {
		name  string
		watch func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) (watch.Interface, error)
	}{
		{"it ends at once", func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) (watch.Interface, error) {
			w := watch.NewFake()
			w.Stop()
			return w, nil
		}},
		{"its version is too old", func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) (watch.Interface, error) {
			w := watch.NewFakeWithChanSize(1, false)
			w.Error(&apierrors.NewResourceExpired("too old").ErrStatus)
			return w, nil
		}},
		{"it is silent", func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) (watch.Interface, error) {
			return watch.NewFake(), nil
		}},
		{"it does not begin", func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) (watch.Interface, error) {
			return nil, errors.New("connection refused")
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := newClient(t, interceptor.Funcs{Watch: row.watch}, checkout(3))
			o := watchReplicas(t, c, func(clock steadystate.Clock) {
				until(clock, 5300*time.Millisecond)
				setReady(t, c, 2)
				until(clock, 9700*time.Millisecond)
				setReady(t, c, 3)
				until(clock, 15*time.Second)
			})
			got := outages(o, 15*time.Second)
			if o.err != nil || len(got) != 1 || !got[0].Length().Holds(4400*time.Millisecond) {
				t.Errorf("%v, outages %+v; want one that may be 4.4 s", o.err, got)
			}
		})
	}
}
