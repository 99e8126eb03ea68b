package kube_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

func pod(name string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: "shop", Name: name, UID: types.UID(name), Labels: map[string]string{"app": "checkout"},
	}}
}

// line is a change in one line: "+a", "-a", "~a", "=a" for one that was there
// from the start.
func line(c kube.Change) string {
	switch {
	case c.First:
		return "=" + c.New.GetName()
	case c.Old == nil:
		return "+" + c.New.GetName()
	case c.New == nil:
		return "-" + c.Old.GetName()
	}
	return "~" + c.New.GetName()
}

// watchPods follows the pods of checkout while f runs, in a bubble, and
// returns the changes with the spans in which they happened.
func watchPods(t *testing.T, c client.WithWatch, f func(t *testing.T, clock steadystate.Clock)) []string {
	t.Helper()
	var seen []string
	synctest.Test(t, func(t *testing.T) {
		clock := steadystate.StartClock()
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			err := kube.Watch{
				Client:  c,
				List:    &corev1.PodList{},
				Options: []client.ListOption{client.InNamespace("shop"), client.MatchingLabels{"app": "checkout"}},
			}.Follow(ctx, clock, kube.View{Changed: func(c kube.Change) {
				seen = append(seen, fmt.Sprintf("%s %s", line(c), c.Span))
			}})
			if err != nil {
				t.Error(err)
			}
		})
		f(t, clock)
		stop()
		wg.Wait()
	})
	return seen
}

func TestAWatchDatesChangesBetweenTheLastReadAndTheirArrival(t *testing.T) {
	silent := func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) (watch.Interface, error) {
		return watch.NewFake(), nil
	}
	script := func(c client.Client) func(*testing.T, steadystate.Clock) {
		do := func(t *testing.T, err error) {
			t.Helper()
			if err != nil {
				t.Error(err)
			}
		}
		return func(t *testing.T, clock steadystate.Clock) {
			until(clock, 1200*time.Millisecond)
			do(t, c.Create(t.Context(), pod("b")))
			until(clock, 2300*time.Millisecond)
			a := pod("a")
			do(t, c.Get(t.Context(), client.ObjectKeyFromObject(a), a))
			a.Annotations = map[string]string{"touched": "true"}
			do(t, c.Update(t.Context(), a))
			until(clock, 3400*time.Millisecond)
			do(t, c.Delete(t.Context(), a))
			until(clock, 3500*time.Millisecond)
			other := pod("other")
			other.Labels["app"] = "cart"
			do(t, c.Create(t.Context(), other))
			until(clock, 5500*time.Millisecond)
		}
	}
	for _, row := range []struct {
		name  string
		funcs interceptor.Funcs
		want  []string
	}{
		{"by the watch", interceptor.Funcs{}, []string{"=a 0.000s", "+b 1.000s..1.200s", "~a 2.000s..2.300s", "-a 3.000s..3.400s"}},
		{"by reading, when the watch is silent", interceptor.Funcs{Watch: silent}, []string{"=a 0.000s", "+b 1.000s..2.000s", "~a 2.000s..3.000s", "-a 3.000s..4.000s"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := newClient(t, row.funcs, pod("a"))
			if got := watchPods(t, c, script(c)); !slices.Equal(got, row.want) {
				t.Errorf("saw %q, want %q", got, row.want)
			}
		})
	}
}

func TestAWatchThatIsSlowerThanTheReadsTellsNothingTwice(t *testing.T) {
	var slow *watch.FakeWatcher
	c := newClient(t, interceptor.Funcs{
		Watch: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) (watch.Interface, error) {
			slow = watch.NewFakeWithChanSize(10, false)
			return slow, nil
		},
	}, pod("a"))
	got := watchPods(t, c, func(t *testing.T, clock steadystate.Clock) {
		until(clock, 1500*time.Millisecond)
		b := pod("b")
		if err := c.Create(t.Context(), b); err != nil {
			t.Error(err)
		}
		old := b.DeepCopy()
		b.Annotations = map[string]string{"touched": "true"}
		if err := c.Update(t.Context(), b); err != nil {
			t.Error(err)
		}
		until(clock, 2500*time.Millisecond) // a read has shown b
		slow.Add(old)
		slow.Modify(b)
		until(clock, 3500*time.Millisecond)
		if err := c.Delete(t.Context(), b); err != nil {
			t.Error(err)
		}
		until(clock, 4500*time.Millisecond) // a read has shown that it is gone
		slow.Modify(b)
		slow.Delete(b)
		until(clock, 5500*time.Millisecond)
	})
	if want := []string{"=a 0.000s", "+b 1.000s..2.000s", "-b 3.000s..4.000s"}; !slices.Equal(got, want) {
		t.Errorf("saw %q, want %q", got, want)
	}
}

func TestAReadThatWasSentBeforeAChangeDoesNotUndoIt(t *testing.T) {
	var hold atomic.Pointer[chan struct{}]
	c := newClient(t, interceptor.Funcs{
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			err := c.List(ctx, list, opts...)
			if held := hold.Load(); held != nil {
				<-*held // answered late
			}
			return err
		},
	}, pod("a"), pod("b"))
	got := watchPods(t, c, func(t *testing.T, clock steadystate.Clock) {
		until(clock, 2500*time.Millisecond)
		held := make(chan struct{})
		hold.Store(&held)
		until(clock, 3100*time.Millisecond) // the read of 3 s is under way and has seen a, b
		if err := c.Delete(t.Context(), pod("a")); err != nil {
			t.Error(err)
		}
		if err := c.Create(t.Context(), pod("c")); err != nil {
			t.Error(err)
		}
		until(clock, 3200*time.Millisecond)
		hold.Store(nil)
		close(held)
		until(clock, 5500*time.Millisecond)
	})
	if want := []string{"=a 0.000s", "=b 0.000s", "-a 2.000s..3.100s", "+c 2.000s..3.100s"}; !slices.Equal(got, want) {
		t.Errorf("saw %q, want %q", got, want)
	}
}
