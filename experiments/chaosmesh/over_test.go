package chaosmesh_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// stop is what the controller does at the end of an object's lifetime.
var stop = status(func(o v1alpha1.InnerObject) {
	o.GetStatus().Experiment.DesiredPhase = v1alpha1.StoppedPhase
	for _, r := range o.GetStatus().Experiment.Records {
		r.Phase = v1alpha1.NotInjected
	}
})

// remove: another client deletes the object, and leaves it to the controller.
func remove(ctx context.Context, c client.Client, object v1alpha1.InnerObject) error {
	return c.Delete(ctx, object)
}

// stoppedAndRemoved: another client deletes the object, and the controller is so
// quick that no later request finds it.
func stoppedAndRemoved(ctx context.Context, c client.Client, object v1alpha1.InnerObject) error {
	if err := stop(ctx, c, object); err != nil {
		return err
	}
	return vanish(ctx, c, object)
}

var paused = status(func(o v1alpha1.InnerObject) {
	o.SetAnnotations(map[string]string{v1alpha1.PauseAnnotationKey: "true"})
})

// createdAgain: another client deletes the object, by force, and creates it again.
// Chaos Mesh injects it before anyone looks.
func createdAgain(ctx context.Context, c client.Client, object v1alpha1.InnerObject) error {
	if err := vanish(ctx, c, object); err != nil {
		return err
	}
	object.SetUID("")
	object.SetResourceVersion("")
	object.SetFinalizers([]string{"chaos-mesh/records"})
	return c.Create(ctx, object)
}

// resumed: another client paused the object and resumed it before anyone looked.
var resumed = status(func(o v1alpha1.InnerObject) {
	for _, r := range o.GetStatus().Experiment.Records {
		r.RecoveredCount++
		r.InjectedCount++
	}
})

func TestAFaultThatIsOverWhileItIsHeldIsNoticed(t *testing.T) {
	for _, row := range []struct {
		sentence string
		happens  step
		calls    interceptor.Funcs
		within   time.Duration
		want     string // empty: it is held until it is undone
		undo     string // the error of undoing it
		early    bool
	}{
		{"nothing happens", after(0), interceptor.Funcs{}, 0, "", "", false},
		{"deleted, and undone by Chaos Mesh", remove, interceptor.Funcs{}, 50 * time.Millisecond, "another client deleted NetworkChaos/shop/network-delay-", "", true},
		{"deleted, and gone before it was read: who undid it is unknown", remove, interceptor.Funcs{Watch: endedWatch}, lookEvery, "another client deleted NetworkChaos/shop/network-delay-", "it was deleted during the hold", false},
		{"deleted and undone at once", stoppedAndRemoved, interceptor.Funcs{}, 50 * time.Millisecond, "", "", true},
		{"deleted by force", vanish, interceptor.Funcs{}, 50 * time.Millisecond, "another client deleted NetworkChaos/shop/network-delay-", "it was deleted during the hold", false},
		{"paused", paused, interceptor.Funcs{}, 50 * time.Millisecond, "another client paused NetworkChaos/shop/network-delay-", "", true},
		{"its lifetime is over", stop, interceptor.Funcs{}, 50 * time.Millisecond, "Chaos Mesh stopped NetworkChaos/shop/network-delay-", "", true},
		{"its lifetime is over, without a watch", stop, interceptor.Funcs{Watch: endedWatch}, lookEvery, "Chaos Mesh stopped NetworkChaos/shop/network-delay-", "", true},
		{"deleted and created again", createdAgain, interceptor.Funcs{}, 50 * time.Millisecond, "another client deleted NetworkChaos/shop/network-delay-", "it was deleted during the hold", true},
		{"deleted and created again between two looks, without a watch", createdAgain, interceptor.Funcs{Watch: endedWatch}, lookEvery, "another client deleted NetworkChaos/shop/network-delay-", "it was deleted before Chaos Mesh said", true},
		{"paused and resumed before the watch saw it", resumed, interceptor.Funcs{}, 50 * time.Millisecond, "Chaos Mesh undid NetworkChaos/shop/network-delay-", "", true},
		{"paused and resumed between two looks, without a watch", resumed, interceptor.Funcs{Watch: endedWatch}, lookEvery, "Chaos Mesh undid NetworkChaos/shop/network-delay-", "it was deleted before Chaos Mesh said", true},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const held = 7500 * time.Millisecond // between two looks
				c := newClient(t, row.calls, pod("a"))
				play(t, c, atOnce, takeUp, injected("shop/a"), after(held), row.happens)
				rec := newHistory()
				fault := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.NetworkDelay{Pods: checkout, Latency: time.Second})
				if got, err := fault.Inject(t.Context(), rec.Recorder); err != nil || got.FailureReason != "" {
					t.Fatal(err, got.FailureReason)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				begin := time.Now()
				over := fault.Watch(ctx, rec.Recorder)
				if row.within == 0 {
					if over != "" || ctx.Err() == nil {
						t.Errorf("over: %q", over)
					}
				} else if took := time.Since(begin) - held; over == "" || !strings.Contains(over, row.want) || took > row.within {
					t.Errorf("noticed %s late: %q; want within %s: %q", took, over, row.within, row.want)
				}
				synctest.Wait() // the other client has done all of what it does
				_, err := fault.Recover(t.Context(), rec.Recorder)
				if (row.undo == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), row.undo)) {
					t.Errorf("undone with %v, want %q", err, row.undo)
				}
				if got := slices.Contains(rec.kinds(t), record.EventEndedEarly); got != row.early {
					t.Errorf("events %v: ended early is %v, want %v", rec.kinds(t), got, row.early)
				}
				for _, entry := range rec.entries(t) {
					if e := entry.Event; e != nil && e.Kind == record.EventEndedEarly && e.From < held-2*time.Second {
						t.Errorf("ended early at %s, want since it was last seen to act", e.Span)
					}
				}
			})
		})
	}
}

func TestAFaultThatWasAwayBeforeAnyoneWatchedIsNoticed(t *testing.T) {
	for _, row := range []struct {
		sentence string
		happens  step
		want     string
		undo     string
	}{
		{"deleted and created again", createdAgain, "another client deleted NetworkChaos/shop/network-delay-", "it was deleted during the hold"},
		{"paused and resumed", resumed, "Chaos Mesh undid NetworkChaos/shop/network-delay-", ""},
	} {
		for _, watched := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, watched later: %v", row.sentence, watched), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := newClient(t, interceptor.Funcs{}, pod("a"))
					play(t, c, atOnce, takeUp, injected("shop/a"), after(time.Second), row.happens)
					rec := newHistory()
					fault := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.NetworkDelay{Pods: checkout, Latency: time.Second})
					if got, err := fault.Inject(t.Context(), rec.Recorder); err != nil || got.FailureReason != "" {
						t.Fatal(err, got.FailureReason)
					}
					time.Sleep(3 * time.Second)
					if watched {
						ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
						defer cancel()
						if over := fault.Watch(ctx, rec.Recorder); !strings.Contains(over, row.want) {
							t.Errorf("over %q, want %q", over, row.want)
						}
					}
					if _, err := fault.Recover(t.Context(), rec.Recorder); (row.undo == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), row.undo)) {
						t.Errorf("undone with %v, want %q", err, row.undo)
					}
					early := 0
					for _, entry := range rec.entries(t) {
						if e := entry.Event; e != nil && e.Kind == record.EventEndedEarly {
							if early++; e.From > time.Second || !strings.Contains(e.Attrs[record.AttrReason], row.want) {
								t.Errorf("ended early at %s: %q", e.Span, e.Attrs[record.AttrReason])
							}
						}
					}
					if early != 1 {
						t.Errorf("ended early %d times, want once", early)
					}
				})
			})
		}
	}
}

// A fault that is undone after others, which takes longer than its grace, has been
// ended by the cluster meanwhile.
func TestAFaultThatExpiresWhileOthersAreUndoneEndedEarly(t *testing.T) {
	const hold, grace = 20 * time.Second, experiments.Grace
	for _, row := range []struct {
		sentence string
		others   time.Duration // until it is undone, from the end of the hold
		early    bool
	}{
		{"the others are undone at once", time.Second, false},
		{"they take all of its grace, and more", grace + 5*time.Second, true},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, interceptor.Funcs{}, pod("a"))
				expire := func(ctx context.Context, c client.Client, object v1alpha1.InnerObject) error {
					chaos, _ := object.(*v1alpha1.NetworkChaos)
					lifetime, err := time.ParseDuration(*chaos.Spec.Duration)
					if err != nil {
						return err
					}
					return after(lifetime)(ctx, c, object)
				}
				script := []step{takeUp, injected("shop/a")}
				if row.early {
					script = append(script, expire, stop)
				}
				play(t, c, atOnce, script...)
				rec := newHistory()
				fault := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.NetworkDelay{Pods: checkout, Latency: time.Second})
				ctx, cancel := context.WithTimeout(t.Context(), hold)
				defer cancel()
				if got, err := fault.Inject(ctx, rec.Recorder); err != nil || got.FailureReason != "" {
					t.Fatal(err, got.FailureReason)
				}
				if over := fault.Watch(ctx, rec.Recorder); over != "" {
					t.Errorf("over while it was held: %s", over)
				}
				time.Sleep(row.others)
				undoing, done := context.WithTimeout(t.Context(), time.Minute)
				defer done()
				if _, err := fault.Recover(undoing, rec.Recorder); err != nil {
					t.Error(err)
				}
				if got := slices.Contains(rec.kinds(t), record.EventEndedEarly); got != row.early {
					t.Errorf("events %v: ended early is %v, want %v", rec.kinds(t), got, row.early)
				}
			})
		})
	}
}

const lookEvery = 1050 * time.Millisecond
