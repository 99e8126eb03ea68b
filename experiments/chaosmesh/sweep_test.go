package chaosmesh_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/faults"
)

// of is the metadata of an object of a run.
func of(namespace, name, run string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{
		faults.ManagedLabel: faults.Managed, faults.RunLabel: run,
	}}
}

func leftovers() []client.Object {
	return []client.Object{
		&v1alpha1.PodChaos{ObjectMeta: of("shop", "kill", "one")},
		&v1alpha1.NetworkChaos{ObjectMeta: of("shop", "slow", "two")},
		&v1alpha1.Schedule{ObjectMeta: of("shop", "nightly", "two")},
		&v1alpha1.PodChaos{ObjectMeta: of("bank", "kill", "one")},
		&v1alpha1.PodChaos{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "of-somebody-else"}},
	}
}

// ofRun selects one run.
func ofRun(run string) func(string) bool { return func(r string) bool { return r == run } }

func names(left []faults.Leftover) string {
	var names []string
	for _, l := range left {
		names = append(names, l.String())
	}
	return strings.Join(names, "; ")
}

func TestSweepRemovesWhatRunsHaveLeftAndNothingElse(t *testing.T) {
	for _, row := range []struct {
		name  string
		scope faults.Scope
		want  string
		stays int // PodChaos objects
	}{
		{"of all runs in one namespace, what creates others first", faults.Scope{Namespaces: []string{"shop"}}, "Schedule/shop/nightly, left behind by run two; NetworkChaos/shop/slow, left behind by run two; PodChaos/shop/kill, left behind by run one", 2},
		{"of one run only", faults.Scope{Namespaces: []string{"shop"}, Of: ofRun("two")}, "Schedule/shop/nightly, left behind by run two; NetworkChaos/shop/slow, left behind by run two", 3},
		{"of two namespaces", faults.Scope{Namespaces: []string{"shop", "bank"}, Of: ofRun("one")}, "PodChaos/shop/kill, left behind by run one; PodChaos/bank/kill, left behind by run one", 1},
		{"where nothing is left", faults.Scope{Namespaces: []string{"quiet"}}, "", 3},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := newClient(t, interceptor.Funcs{}, leftovers()...)
			found, err := chaosmesh.Find(t.Context(), c, row.scope)
			if err != nil || names(found) != row.want {
				t.Errorf("found %q, %v; want %q", names(found), err, row.want)
			}
			removed, err := chaosmesh.Sweep(t.Context(), c, row.scope, chaosmesh.Timeouts{}, nil)
			if err != nil || names(removed) != row.want {
				t.Errorf("removed %q, %v; want %q", names(removed), err, row.want)
			}
			if again, err := chaosmesh.Find(t.Context(), c, row.scope); err != nil || len(again) != 0 {
				t.Errorf("still there: %q, %v", names(again), err)
			}
			if stays := len(objects(t, c)); stays != row.stays {
				t.Errorf("%d PodChaos objects stay, want %d", stays, row.stays)
			}
		})
	}
}

func TestSweepSaysWhatItCouldNotShow(t *testing.T) {
	stuck := &v1alpha1.NetworkChaos{ObjectMeta: of("shop", "slow", "two"), Spec: v1alpha1.NetworkChaosSpec{Action: v1alpha1.DelayAction}}
	stuck.Finalizers = []string{"chaos-mesh/records"}
	// Its deletion was noticed, and no more.
	stuck.Status.Experiment = v1alpha1.ExperimentStatus{DesiredPhase: v1alpha1.StoppedPhase, Records: []*v1alpha1.Record{{Id: "shop/a", Phase: v1alpha1.Injected}}}
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "podchaos"}, "kill", errors.New("no"))
	for _, row := range []struct {
		name    string
		funcs   interceptor.Funcs
		objects []client.Object
		scope   faults.Scope
		want    []string
		removed string
	}{
		{"nowhere to look", interceptor.Funcs{}, nil, faults.Scope{}, []string{"no namespace; say where to look"}, ""},
		{
			"an object that went only by force, whose effect nobody undid",
			interceptor.Funcs{},
			[]client.Object{stuck},
			faults.Scope{Namespaces: []string{"shop"}},
			[]string{"remove NetworkChaos/shop/slow: Chaos Mesh never said that it undid the fault, and the object went only when we removed its finalizers; check the pods it was on, or restart them"},
			"",
		},
		{
			"one that may not be deleted does not keep the others",
			interceptor.Funcs{
				Delete: func(ctx context.Context, c client.WithWatch, object client.Object, opts ...client.DeleteOption) error {
					if _, ok := object.(*v1alpha1.PodChaos); ok {
						return forbidden
					}
					return c.Delete(ctx, object, opts...)
				},
			},
			leftovers(),
			faults.Scope{Namespaces: []string{"shop"}},
			[]string{"remove PodChaos/shop/kill", "give the account this right", "still in place: PodChaos/shop/kill, left behind by run one"},
			"Schedule/shop/nightly, left behind by run two; NetworkChaos/shop/slow, left behind by run two",
		},
		{
			"a list that is refused is not an empty list",
			interceptor.Funcs{
				List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
					return forbidden
				},
			},
			nil,
			faults.Scope{Namespaces: []string{"shop"}},
			[]string{"list Schedule in shop", "give the account this right"},
			"",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, row.funcs, row.objects...)
				removed, err := chaosmesh.Sweep(t.Context(), c, row.scope, chaosmesh.Timeouts{Nudge: time.Second, GiveUp: 5 * time.Second, Remove: 20 * time.Second}, nil)
				if names(removed) != row.removed {
					t.Errorf("removed %q, want %q", names(removed), row.removed)
				}
				for _, want := range row.want {
					if err == nil || !strings.Contains(err.Error(), want) {
						t.Errorf("error %v, want %q", err, want)
					}
				}
			})
		})
	}
}

func TestAKindThatMayNotBeListedKeepsNothingFromBeingRemoved(t *testing.T) {
	c := newClient(t, interceptor.Funcs{
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			if _, ok := list.(*v1alpha1.AWSChaosList); ok {
				return apierrors.NewForbidden(schema.GroupResource{Group: "chaos-mesh.org", Resource: "awschaos"}, "", errors.New("no"))
			}
			return c.List(ctx, list, opts...)
		},
	}, leftovers()...)
	scope := faults.Scope{Namespaces: []string{"shop"}}
	if found, err := chaosmesh.Find(t.Context(), c, scope); err != nil || len(found) != 3 {
		t.Errorf("found %q, %v; want three", names(found), err)
	}
	removed, err := chaosmesh.Sweep(t.Context(), c, scope, chaosmesh.Timeouts{}, nil)
	if len(removed) != 3 {
		t.Errorf("removed %q, want all three", names(removed))
	}
	if err == nil || !strings.Contains(err.Error(), "list AWSChaos in shop") {
		t.Errorf("error %v, want the kind that could not be looked at: its proof is missing", err)
	}
}

func TestKindsThatAreNotInstalledHaveLeftNothing(t *testing.T) {
	c := newClient(t, interceptor.Funcs{
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			if _, ok := list.(*v1alpha1.PodChaosList); ok {
				return c.List(ctx, list, opts...)
			}
			return &meta.NoKindMatchError{GroupKind: schema.GroupKind{Kind: "other"}}
		},
	}, leftovers()...)
	removed, err := chaosmesh.Sweep(t.Context(), c, faults.Scope{Namespaces: []string{"shop", "bank"}}, chaosmesh.Timeouts{}, nil)
	if err != nil || len(removed) != 2 {
		t.Errorf("removed %q, %v; want the two pod kills", names(removed), err)
	}
}

func TestWhatAScheduleMadeIsFoundWithoutTheSchedule(t *testing.T) {
	made := func(schedule string) *v1alpha1.NetworkChaos {
		return &v1alpha1.NetworkChaos{ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: schedule + "-zzzzz", Labels: map[string]string{v1alpha1.LabelManagedBy: schedule},
		}}
	}
	c := newClient(t, interceptor.Funcs{}, made("aftershock-workflow-one-0-again-aaaaa-bbbbb"), made("of-somebody-else"))
	for _, row := range []struct{ name, run, want string }{
		{"another run's is not ours", "two", ""},
		{"the run is in the schedule's name", "one", "NetworkChaos/shop/aftershock-workflow-one-0-again-aaaaa-bbbbb-zzzzz, left behind by run one"},
	} {
		t.Run(row.name, func(t *testing.T) {
			scope := faults.Scope{Namespaces: []string{"shop"}, Of: func(run string) bool { return row.run == "" || run == row.run }}
			if found, err := chaosmesh.Find(t.Context(), c, scope); err != nil || names(found) != row.want {
				t.Errorf("found %q, %v; want %q", names(found), err, row.want)
			}
			if removed, err := chaosmesh.Sweep(t.Context(), c, scope, chaosmesh.Timeouts{}, nil); err != nil || names(removed) != row.want {
				t.Errorf("removed %q, %v; want %q", names(removed), err, row.want)
			}
		})
	}
}

// Somebody removed the finalizers of a NetworkChaos before Chaos Mesh undid it.
func TestASweepTakesOutTheRulesOfAFaultWhoseObjectIsGone(t *testing.T) {
	const run = "4f1c2a9d3b"
	rules := func(source string) v1alpha1.RawIPSet {
		return v1alpha1.RawIPSet{RawRuleSource: v1alpha1.RawRuleSource{Source: source}}
	}
	gone, there, others := "shop/network-delay-"+run+"-x7k2p", "shop/network-loss-"+run+"-a1b2c", "shop/by-hand"
	for _, row := range []struct {
		sentence string
		sources  []string
		scope    faults.Scope
		rebuilt  string // what Chaos Mesh says of the pod's network; "never": nothing
		want     string
		fails    string
		stay     []string
	}{
		{"only its own", []string{gone, there, others}, faults.Scope{}, "", "rules in PodNetworkChaos/shop/a, left behind by run " + run, "", []string{there, others}},
		{"not of another run", []string{gone}, faults.Scope{Of: ofRun("another")}, "", "", "", []string{gone}},
		{"none", []string{there, others}, faults.Scope{}, "", "", "", []string{there, others}},
		{"which Chaos Mesh does not see", []string{gone}, faults.Scope{}, "never", "", "its network was not made anew within 20s", nil},
		{"which fails", []string{gone}, faults.Scope{}, "no tc", "", "no tc", nil},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				plan := &v1alpha1.PodNetworkChaos{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "a", Generation: 1}}
				for _, s := range row.sources {
					plan.Spec.IPSets = append(plan.Spec.IPSets, rules(s))
				}
				c := newClient(t, interceptor.Funcs{Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
					if err := c.Patch(ctx, o, p, opts...); err != nil || row.rebuilt == "never" {
						return err
					}
					now := o.(*v1alpha1.PodNetworkChaos)
					now.Status = v1alpha1.PodNetworkChaosStatus{ObservedGeneration: now.Generation, FailedMessage: row.rebuilt}
					return c.Update(ctx, now)
				}}, pod("a"), plan, &v1alpha1.NetworkChaos{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: strings.TrimPrefix(there, "shop/")}})
				row.scope.Namespaces = []string{"shop"}
				removed, err := chaosmesh.Sweep(t.Context(), c, row.scope, chaosmesh.Timeouts{Remove: 20 * time.Second}, nil)
				if names(removed) != row.want || (err == nil) != (row.fails == "") || err != nil && !strings.Contains(err.Error(), row.fails) {
					t.Errorf("removed %q, %v; want %q, %q", names(removed), err, row.want, row.fails)
				}
				if u := faults.Unprovens(err); (len(u) > 0) != (row.fails != "") || len(u) > 0 && (u[0].Run != run || len(u[0].Pods) != 1 || u[0].Pods[0].UID != "a-uid") {
					t.Errorf("unproven: %v", u)
				}
				if err := c.Get(t.Context(), client.ObjectKeyFromObject(plan), plan); err != nil {
					t.Fatal(err)
				}
				var stay []string
				for _, s := range plan.Spec.IPSets {
					stay = append(stay, s.Source)
				}
				if !slices.Equal(stay, row.stay) {
					t.Errorf("%q stay, want %q", stay, row.stay)
				}
			})
		})
	}
}

// The records of a stress name containers.
func TestTheContainersOfAPodAreOnePodInWhichAFaultMayBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := &v1alpha1.StressChaos{ObjectMeta: of("shop", "burn", "two")}
		stuck.Finalizers = []string{"chaos-mesh/records"}
		stuck.Status.Experiment = v1alpha1.ExperimentStatus{DesiredPhase: v1alpha1.StoppedPhase, Records: []*v1alpha1.Record{
			{Id: "shop/a/app", Phase: v1alpha1.Injected}, {Id: "shop/a/sidecar", Phase: v1alpha1.Injected}, {Id: "shop/gone/app", Phase: v1alpha1.Injected},
		}}
		c := newClient(t, interceptor.Funcs{}, stuck, pod("a"))
		_, err := chaosmesh.Sweep(t.Context(), c, faults.Scope{Namespaces: []string{"shop"}}, chaosmesh.Timeouts{Nudge: time.Second, GiveUp: 5 * time.Second, Remove: 20 * time.Second}, nil)
		u := faults.Unprovens(err)
		if len(u) != 1 || u[0].Run != "two" || len(u[0].Pods) != 1 || u[0].Pods[0].String() != "shop/a" || u[0].Pods[0].UID != "a-uid" {
			t.Errorf("%v, %v", u, err)
		}
	})
}

// told are doubts that remember what they were told.
type told struct {
	c     client.Client
	t     *testing.T
	err   error
	times int // that err is the answer; 0: each time
	lines []string
}

func (d *told) Doubt(ctx context.Context, fault string, pods ...faults.PodID) error {
	if d.err != nil {
		err := d.err
		if d.times--; d.times == 0 {
			d.err = nil
		}
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	var all v1alpha1.NetworkChaosList
	if err := d.c.List(ctx, &all); err != nil || len(d.lines) == 0 && (len(all.Items) != 1 || all.Items[0].Annotations["chaos-mesh.chaos-mesh.org/cleanFinalizer"] != "") {
		d.t.Errorf("told after it was given up: %v, %v", all.Items, err)
	}
	for _, p := range pods {
		if line := fmt.Sprintf("%s in %s %s", fault, p, p.UID); !slices.Contains(d.lines, line) {
			d.lines = append(d.lines, line)
		}
	}
	return nil
}

func (d *told) Clear(ctx context.Context, fault string, pods ...client.ObjectKey) error {
	if err := experiments.Wait(ctx, 4*time.Second); err != nil { // another fault is written down
		return err
	}
	d.lines = append(d.lines, fmt.Sprintf("not %s in %v", fault, pods))
	return nil
}

// After its object is gone, nothing else knows of the pods in which the fault may be.
func TestNothingIsRemovedByForceBeforeItsPodsAreWrittenDown(t *testing.T) {
	const fault = "NetworkChaos/shop/slow"
	for _, row := range []struct {
		sentence string
		let      release
		err      error
		times    int           // that it cannot be written down; 0: each time
		forced   time.Duration // at most; 0: it is not
		told     string
		fails    string
	}{
		{"it goes by force", notices, nil, 0, 6 * time.Second, fault + " in shop/a a-uid", "the object went only when we removed its finalizers"},
		{"Chaos Mesh undoes it after all", annotated("chaos-mesh.chaos-mesh.org/cleanFinalizer"), nil, 0, 6 * time.Second, fault + " in shop/a a-uid; not " + fault + " in []", ""},
		{"nothing was to be forced", atOnce, nil, 0, 0, "not " + fault + " in []", ""},
		{"it cannot be written down at first", notices, errors.New("timeout"), 1, 7 * time.Second, fault + " in shop/a a-uid", "the object went only when we removed its finalizers"},
		{"it cannot be written down, and stays", notices, errors.New("no configmaps"), 0, 0, "", "it is still there after 1m0s; finalizers: chaos-mesh/records; run sweep once Chaos Mesh's controller is back; last trouble: no configmaps"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				slow := &v1alpha1.NetworkChaos{ObjectMeta: of("shop", "slow", "two"), Spec: v1alpha1.NetworkChaosSpec{Action: v1alpha1.DelayAction}}
				slow.Finalizers = []string{"chaos-mesh/records"}
				slow.Status.Experiment = v1alpha1.ExperimentStatus{DesiredPhase: v1alpha1.StoppedPhase, Records: []*v1alpha1.Record{{Id: "shop/a", Phase: v1alpha1.Injected}}}
				begin, forced := time.Now(), time.Duration(0)
				c := newClient(t, interceptor.Funcs{Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
					if text, _ := p.Data(o); forced == 0 && strings.Contains(string(text), "cleanFinalizer") {
						forced = time.Since(begin)
					}
					return c.Patch(ctx, o, p, opts...)
				}}, slow, pod("a"))
				play(t, c, row.let)
				kept := &told{c: c, t: t, err: row.err, times: row.times}
				_, err := chaosmesh.Sweep(t.Context(), c, faults.Scope{Namespaces: []string{"shop"}}, chaosmesh.Timeouts{Nudge: time.Second, GiveUp: 5 * time.Second, Remove: time.Minute}, func(run string) faults.Doubts {
					if run != "two" {
						t.Errorf("run %q", run)
					}
					return kept
				})
				if (err == nil) != (row.fails == "") || err != nil && !strings.Contains(err.Error(), row.fails) {
					t.Errorf("%v, want %q", err, row.fails)
				}
				if got := strings.Join(kept.lines, "; "); got != row.told {
					t.Errorf("told %q, want %q", got, row.told)
				}
				if (forced > 0) != (row.forced > 0) || forced > row.forced {
					t.Errorf("forced after %s, want at most %s", forced, row.forced)
				}
			})
		})
	}
}

// An object without a run has no ledger.
func TestAnObjectWithoutTheLabelOfItsRunIsToldInTheErrorAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := &v1alpha1.StressChaos{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "burn", Labels: map[string]string{faults.ManagedLabel: faults.Managed}}}
		stuck.Finalizers = []string{"chaos-mesh/records"}
		stuck.Status.Experiment = v1alpha1.ExperimentStatus{DesiredPhase: v1alpha1.StoppedPhase, Records: []*v1alpha1.Record{{Id: "shop/a/app", Phase: v1alpha1.Injected}}}
		c := newClient(t, interceptor.Funcs{}, stuck, pod("a"))
		_, err := chaosmesh.Sweep(t.Context(), c, faults.Scope{Namespaces: []string{"shop"}}, chaosmesh.Timeouts{Nudge: time.Second, GiveUp: 5 * time.Second, Remove: 20 * time.Second}, func(run string) faults.Doubts {
			t.Errorf("the doubts of run %q", run)
			return &told{c: c, t: t, err: errors.New("no such ledger")}
		})
		if u := faults.Unprovens(err); len(u) != 1 || len(u[0].Pods) != 1 {
			t.Errorf("%v, %v", u, err)
		}
		if names := left(t, c); len(names) != 0 {
			t.Errorf("left: %v", names)
		}
	})
}

// The pods in which it may be are read and written down after the time for its removal.
func TestAFaultWhosePodsOutlastTheTimeToRemoveItIsWrittenDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		going := func(p *corev1.Pod) { p.Finalizers = []string{"test/stays"} }
		c := newClient(t, interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return c.List(ctx, list, opts...)
		}}, pod("a", going))
		play(t, c, atOnce, takeUp, injected("shop/a"), after(time.Second), vanish, kill("a"))
		kept := &told{c: c, t: t, lines: []string{"begun"}}
		fault := newCluster(t, c, faults.Guard{}).With(c, kept).Fault(chaosmesh.NetworkDelay{Pods: checkout, Latency: time.Second})
		rec := newHistory()
		if got, err := fault.Inject(t.Context(), rec.Recorder); err != nil || got.FailureReason != "" {
			t.Fatal(err, got.FailureReason)
		}
		time.Sleep(10 * time.Second)
		_, err := fault.Recover(t.Context(), rec.Recorder)
		if u := faults.Unprovens(err); len(u) != 1 || len(u[0].Pods) != 1 || u[0].Pods[0].UID != "a-uid" {
			t.Errorf("%v, %v", u, err)
		}
		if len(kept.lines) != 2 || !strings.HasSuffix(kept.lines[1], " in shop/a a-uid") {
			t.Errorf("told %q", kept.lines)
		}
	})
}
