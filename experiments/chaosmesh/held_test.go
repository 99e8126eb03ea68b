package chaosmesh_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// up makes a pod ready.
func up(p *corev1.Pod) {
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "app"}}
}

func down(p *corev1.Pod) { p.Status.Conditions[0].Status = corev1.ConditionFalse }

func restarted(p *corev1.Pod) { p.Status.ContainerStatuses[0].RestartCount++ }

// left are all objects of Chaos Mesh's that there are.
func left(t *testing.T, c client.Client) []string {
	t.Helper()
	found, err := chaosmesh.Find(t.Context(), c, faults.Scope{Namespaces: []string{"shop"}})
	if err != nil {
		t.Error(err)
	}
	var names []string
	for _, l := range found {
		names = append(names, l.String())
	}
	return names
}

func TestAHeldFaultIsSeenInjectedAndSeenRecovered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, interceptor.Funcs{}, pod("a"), pod("b"), pod("pay", paid))
		play(t, c, atOnce, takeUp, after(200*time.Millisecond), records(hit(".Target", "shop/pay"), hit(".", "shop/a"), hit(".", "shop/b")))
		rec := newHistory()
		fault := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.NetworkDelay{Pods: checkout, Latency: 200 * time.Millisecond, To: payments, Direction: chaosmesh.Egress})

		begin := time.Now()
		got, err := fault.Inject(t.Context(), rec.Recorder)
		if err != nil || got.FailureReason != "" {
			t.Fatal(err, got.FailureReason)
		}
		if want := []record.Target{{Name: "a", UID: "a-uid"}, {Name: "b", UID: "b-uid"}}; !slices.Equal(got.Targets, want) {
			t.Errorf("targets %v, want %v and not the peer", got.Targets, want)
		}
		if got.From != 0 || got.To < 200*time.Millisecond || got.To > 300*time.Millisecond {
			t.Errorf("took effect in %s, want until the records say so of both pods", got.Span)
		}
		if took := time.Since(begin); took > time.Second {
			t.Errorf("took %s; no pod will show a delay, so nothing is to be waited for", took)
		}
		if len(got.Effects) != 1 || got.Effects[0].Signal != record.TrafficSignal || !near(got.Effects[0].Rise, 0.16) {
			t.Errorf("effects %v, want that requests take 0.16 s longer", got.Effects)
		}
		if _, err := fault.Recover(t.Context(), rec.Recorder); err != nil {
			t.Fatal(err)
		}
		if names := left(t, c); len(names) != 0 {
			t.Errorf("left behind: %v", names)
		}
		if got, want := rec.kinds(t), []string{"creating", "created", "injected", "recovered", "removed"}; !slices.Equal(got, want) {
			t.Errorf("events %v, want %v", got, want)
		}
	})
}

func TestWhatOnlySeemsInjected(t *testing.T) {
	for _, row := range []struct {
		name   string
		fault  func(*chaosmesh.Cluster) experiments.Fault
		script []step
		within time.Duration
		want   string
	}{
		{
			"one container of a pod is not injected",
			func(c *chaosmesh.Cluster) experiments.Fault {
				return c.Fault(chaosmesh.StressCPU{Pods: checkout, Workers: 1, Containers: []string{"app", "proxy"}})
			},
			[]step{takeUp, records(hit(".", "shop/a/app"), v1alpha1.Record{
				Id: "shop/a/proxy", SelectorKey: ".", Phase: v1alpha1.NotInjected,
				Events: []v1alpha1.RecordEvent{{Type: v1alpha1.TypeFailed, Operation: v1alpha1.Apply, Message: "no such cgroup"}},
			}, hit(".", "shop/b/app"), hit(".", "shop/b/proxy"))},
			time.Second, "Chaos Mesh could not inject shop/a/proxy: no such cgroup",
		},
		{
			"the peers are not injected",
			func(c *chaosmesh.Cluster) experiments.Fault {
				return c.Fault(chaosmesh.NetworkPartition{Pods: checkout, To: payments})
			},
			[]step{takeUp, records(hit(".", "shop/a"), hit(".", "shop/b"), v1alpha1.Record{Id: "shop/pay", SelectorKey: ".Target", Phase: "Not Injected/Wait"})},
			16 * time.Second, "Chaos Mesh did not inject shop/pay within 15s, and did not say why",
		},
		{
			"the containers of a failed pod live on",
			func(c *chaosmesh.Cluster) experiments.Fault {
				return c.Fault(chaosmesh.PodFailure{Pods: checkout, Count: faults.All})
			},
			[]step{takeUp, injected("shop/a", "shop/b"), change("a", down)},
			16 * time.Second, "Chaos Mesh reports that it injected shop/b, which showed no effect within 15s",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, interceptor.Funcs{}, pod("a", up, has("app", "", ""), has("proxy", "", "")), pod("b", up, has("app", "", ""), has("proxy", "", "")), pod("pay", paid))
				play(t, c, atOnce, row.script...)
				rec := newHistory()
				fault := row.fault(newCluster(t, c, faults.Guard{}))
				begin := time.Now()
				got, err := fault.Inject(t.Context(), rec.Recorder)
				if err != nil || !strings.HasPrefix(got.FailureReason, row.want) {
					t.Errorf("failure reason %q, %v; want %q", got.FailureReason, err, row.want)
				}
				if took := time.Since(begin); took > row.within {
					t.Errorf("took %s, want at most %s", took, row.within)
				}
				if _, err := fault.Recover(t.Context(), rec.Recorder); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestTheVictimsDateWhatChaosMeshCannot(t *testing.T) {
	for _, row := range []struct {
		name  string
		fault func(*chaosmesh.Cluster) experiments.Fault
		// happens after the records say that all is injected.
		happens []step
		event   string
		to      time.Duration // at least
		most    time.Duration
	}{
		{
			"a failed pod is dated by its not being ready, long after the records",
			func(c *chaosmesh.Cluster) experiments.Fault {
				return c.Fault(chaosmesh.PodFailure{Pods: checkout, Count: faults.One})
			},
			[]step{after(3 * time.Second), change("a", down)},
			"not ready", 3 * time.Second, 3100 * time.Millisecond,
		},
		{
			"or by a new container where it is called ready all the time",
			func(c *chaosmesh.Cluster) experiments.Fault {
				return c.Fault(chaosmesh.PodFailure{Pods: checkout, Count: faults.One})
			},
			[]step{after(2 * time.Second), change("a", restarted)},
			"not ready", 2 * time.Second, 2100 * time.Millisecond,
		},
		{
			"a killed container is dated by the records, and waited for",
			func(c *chaosmesh.Cluster) experiments.Fault {
				return c.Fault(chaosmesh.ContainerKill{Pods: checkout, Count: faults.One, Containers: []string{"app"}})
			},
			[]step{after(2 * time.Second), change("a", restarted)},
			"restarted", 0, 300 * time.Millisecond,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, interceptor.Funcs{}, pod("a", up, has("app", "", "")))
				play(t, c, atOnce, append([]step{takeUp, injected("shop/a")}, row.happens...)...)
				rec := newHistory()
				fault := row.fault(newCluster(t, c, faults.Guard{}))
				got, err := fault.Inject(t.Context(), rec.Recorder)
				if err != nil || got.FailureReason != "" {
					t.Fatal(err, got.FailureReason)
				}
				if got.To < row.to || got.To > row.most {
					t.Errorf("took effect in %s, want an end from %s to %s", got.Span, row.to, row.most)
				}
				if !slices.Contains(rec.kinds(t), row.event) {
					t.Errorf("events %v, want %q among them", rec.kinds(t), row.event)
				}
				if _, err := fault.Recover(t.Context(), rec.Recorder); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestAHeldFaultIsNotCalledGoneBeforeChaosMeshUndidIt(t *testing.T) {
	// keepsFailing: the object stays, and its record says why.
	keepsFailing := func(o v1alpha1.InnerObject) outcome {
		for _, record := range o.GetStatus().Experiment.Records {
			record.Events = append(record.Events, v1alpha1.RecordEvent{Type: v1alpha1.TypeFailed, Operation: v1alpha1.Recover, Message: "tc: no such device"})
		}
		return noticed
	}
	for _, row := range []struct {
		name string
		let  release
		want string
		note string
	}{
		{"the object is deleted", drops, "it was deleted before Chaos Mesh said that it undid the fault on shop/a; check these pods, or restart them", ""},
		{"its deletion is not noticed", never, "it is still there after 2m50s; finalizers: chaos-mesh/records; run sweep once Chaos Mesh's controller is back", "touched it"},
		{"it goes by force only", notices, "Chaos Mesh never said that it undid the fault, and the object went only when we removed its finalizers", "touched it"},
		{"undoing it fails again and again", keepsFailing, "Chaos Mesh never said that it undid the fault", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, interceptor.Funcs{}, pod("a"))
				play(t, c, row.let, takeUp, injected("shop/a"))
				rec := newHistory()
				fault := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.NetworkDelay{Pods: checkout, Latency: time.Second})
				if got, err := fault.Inject(t.Context(), rec.Recorder); err != nil || got.FailureReason != "" {
					t.Fatal(err, got.FailureReason)
				}
				_, err := fault.Recover(t.Context(), rec.Recorder)
				if err == nil || !strings.Contains(err.Error(), row.want) {
					t.Errorf("error %v, want %q", err, row.want)
				}
				if !strings.Contains(rec.notes(t), row.note) {
					t.Errorf("notes %q, want %q", rec.notes(t), row.note)
				}
				if slices.Contains(rec.kinds(t), chaosmesh.EventRecovered) {
					t.Error("the record says that it recovered")
				}
			})
		})
	}
}

// After the API server was away, Chaos Mesh's controller may see nothing for a minute or more.
// An object that was given up before would leave the fault in its pods for good.
func TestAControllerThatWasCutOffIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var away bool
		refused := func() error {
			if away {
				return errors.New("connection refused")
			}
			return nil
		}
		c := newClient(t, interceptor.Funcs{
			Delete: func(ctx context.Context, c client.WithWatch, object client.Object, opts ...client.DeleteOption) error {
				if err := refused(); err != nil {
					return err
				}
				return c.Delete(ctx, object, opts...)
			},
			Watch: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) (watch.Interface, error) {
				if err := refused(); err != nil {
					return nil, err
				}
				return c.Watch(ctx, list, opts...)
			},
		}, pod("a"))
		var back time.Time
		blind := func(v1alpha1.InnerObject) outcome {
			if time.Since(back) < 100*time.Second {
				return stays
			}
			return undone
		}
		play(t, c, blind, takeUp, injected("shop/a"))
		rec := newHistory()
		fault := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.NetworkDelay{Pods: checkout, Latency: time.Second})
		if _, err := fault.Inject(t.Context(), rec.Recorder); err != nil {
			t.Fatal(err)
		}
		away = true
		time.AfterFunc(20*time.Second, func() { away, back = false, time.Now() })
		if _, err := fault.Recover(t.Context(), rec.Recorder); err != nil {
			t.Error(err)
		}
		if notes := rec.notes(t); strings.Contains(notes, "finalizers:") || strings.Contains(notes, "give it up") || !strings.Contains(notes, "touched it") {
			t.Errorf("notes %q, want that it was only touched", notes)
		}
		if left := objects(t, c); len(left) != 0 || !slices.Contains(rec.kinds(t), chaosmesh.EventRecovered) {
			t.Errorf("left %v, events %v", left, rec.kinds(t))
		}
	})
}

// An object that is gone once it was asked to be deleted is undone, although the answer
// to that was lost.
func TestADeletionWhoseAnswerIsLostIsOne(t *testing.T) {
	for _, row := range []struct {
		sentence string
		err      error
		does     bool // the server what it was asked
		calls    func(*interceptor.Funcs)
		want     string
	}{
		{"a timeout", errors.New("net/http: timeout awaiting response headers"), true, func(*interceptor.Funcs) {}, ""},
		{"a timeout, without a watch", errors.New("net/http: timeout awaiting response headers"), true, func(f *interceptor.Funcs) { f.Watch = endedWatch }, ""},
		{"it never came to the server, and another client removed it by force", fmt.Errorf("dial: %w", syscall.ECONNREFUSED), false, func(f *interceptor.Funcs) { f.Watch = endedWatch }, "it was deleted during the hold"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				funcs := interceptor.Funcs{Delete: func(ctx context.Context, c client.WithWatch, object client.Object, opts ...client.DeleteOption) error {
					if asked++; asked > 1 {
						return c.Delete(ctx, object, opts...)
					}
					if row.does {
						if err := c.Delete(ctx, object, opts...); err != nil {
							return err
						}
						time.Sleep(time.Second) // it is undone meanwhile
					} else if err := vanish(ctx, c, object.DeepCopyObject().(v1alpha1.InnerObject)); err != nil {
						return err
					}
					return row.err
				}}
				row.calls(&funcs)
				c := newClient(t, funcs, pod("a"))
				play(t, c, atOnce, takeUp, injected("shop/a"))
				rec := newHistory()
				fault := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.NetworkDelay{Pods: checkout, Latency: time.Second})
				if got, err := fault.Inject(t.Context(), rec.Recorder); err != nil || got.FailureReason != "" {
					t.Fatal(err, got.FailureReason)
				}
				_, err := fault.Recover(t.Context(), rec.Recorder)
				if (err != nil) != (row.want != "") || err != nil && !strings.Contains(err.Error(), row.want) {
					t.Errorf("%v, want %q", err, row.want)
				}
				if removed := slices.Contains(rec.kinds(t), chaosmesh.EventRemoved); removed != (row.want == "") || asked == 0 {
					t.Errorf("events %v after %d requests", rec.kinds(t), asked)
				}
			})
		})
	}
}

// A fault is deleted although no read has an answer: a client tries a throttled one
// again until its context ends. That it acted until then is not known.
func TestAReadThatHasNoAnswerDoesNotKeepAFaultInPlace(t *testing.T) {
	delay := func(c *chaosmesh.Cluster) experiments.Fault {
		return c.Fault(chaosmesh.NetworkDelay{Pods: checkout, Latency: time.Second})
	}
	var asked time.Time
	slowly := func(o v1alpha1.InnerObject) outcome { // what it has noticed is seen before it is undone
		if time.Since(asked) < 3*time.Second {
			return noticed
		}
		return undone
	}
	for _, row := range []struct {
		sentence  string
		fault     func(*chaosmesh.Cluster) experiments.Fault
		throttled time.Duration
		let       release
		replaced  bool  // another client's object has its name
		lost      error // the first answer to the deletion, which is carried out
		unseen    []string
		early     bool
		undo      string // the error of undoing it
	}{
		{"and then it is undone", delay, 10 * time.Second, atOnce, false, nil, []string{"a"}, false, ""},
		{"nor has its deletion: what is read then is no sign that it was over before", delay, 700 * time.Millisecond, slowly, false, errors.New("timeout"), []string{"a"}, false, ""},
		{"nor has its deletion, and it is gone at once", delay, 700 * time.Millisecond, atOnce, false, errors.New("timeout"), []string{"a"}, false, ""},
		{"its deletion does not reach the server, and the next read sees it in place", delay, 700 * time.Millisecond, atOnce, false, syscall.ECONNREFUSED, nil, false, ""},
		{"another client's has its name, and is not taken for it", delay, 10 * time.Second, slowly, true, nil, nil, true, "it was deleted during the hold"},
		{"of a workflow, whose schedule goes with it", func(c *chaosmesh.Cluster) experiments.Fault {
			return c.Fault(chaosmesh.Object{YAML: object("Schedule", "  schedule: '@every 1m'\n  concurrencyPolicy: Forbid\n  type: PodChaos\n  podChaos: {action: pod-failure, mode: one, selector: {labelSelectors: {app: checkout}}}\n")})
		}, 10 * time.Second, slowly, false, nil, []string{"a"}, false, ""},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var since time.Time
				asked = time.Time{}
				throttled := func(ctx context.Context) error {
					if since.IsZero() {
						return nil
					}
					return experiments.Wait(ctx, time.Until(since.Add(row.throttled)))
				}
				api := newClient(t, interceptor.Funcs{}, pod("a"))
				harness := interceptor.NewClient(api, interceptor.Funcs{
					Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, opts ...client.GetOption) error {
						if err := throttled(ctx); err != nil {
							return err
						}
						return c.Get(ctx, key, object, opts...)
					},
					List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
						if _, is := list.(*v1alpha1.ScheduleList); is {
							if err := throttled(ctx); err != nil {
								return err
							}
						}
						return c.List(ctx, list, opts...)
					},
					Watch: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) (watch.Interface, error) {
						if err := throttled(ctx); err != nil {
							return nil, err
						}
						return c.Watch(ctx, list, opts...)
					},
					Delete: func(ctx context.Context, c client.WithWatch, object client.Object, opts ...client.DeleteOption) error {
						first := asked.IsZero()
						if first {
							asked = time.Now()
						}
						if first && errors.Is(row.lost, syscall.ECONNREFUSED) {
							return row.lost
						}
						if err := preconditions(ctx, c, object, opts...); err != nil {
							return err
						}
						if _, is := object.(*v1alpha1.Workflow); is { // with it, whatever made a fault
							if err := c.DeleteAllOf(ctx, &v1alpha1.Schedule{}, client.InNamespace("shop")); err != nil {
								return err
							}
						}
						if err := c.Delete(ctx, object, opts...); err != nil || !first || row.lost == nil {
							return err
						}
						time.Sleep(100 * time.Millisecond) // the controller sees it meanwhile
						return row.lost
					},
				})
				play(t, api, row.let, takeUp, injected("shop/a"))
				stage(t, api, func(w v1alpha1.Workflow) []client.Object {
					schedule := w.Spec.Entry + "-aaaaa-bbbbb"
					made := &v1alpha1.PodChaos{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: schedule + "-ccccc", Labels: map[string]string{v1alpha1.LabelManagedBy: schedule}}}
					made.Spec.Action = v1alpha1.PodFailureAction
					return []client.Object{&v1alpha1.Schedule{ObjectMeta: child(w, schedule)}, made}
				})
				rec := newHistory()
				fault := row.fault(newCluster(t, harness, faults.Guard{}))
				if got, err := fault.Inject(t.Context(), rec.Recorder); err != nil || got.FailureReason != "" {
					t.Fatal(err, got.FailureReason)
				}
				time.Sleep(20 * time.Second)
				if row.replaced {
					var list v1alpha1.NetworkChaosList
					if err := api.List(t.Context(), &list); err != nil || len(list.Items) != 1 {
						t.Fatal(list.Items, err)
					}
					if err := createdAgain(t.Context(), api, &list.Items[0]); err != nil {
						t.Fatal(err)
					}
				}
				since = time.Now()
				_, err := fault.Recover(t.Context(), rec.Recorder)
				if (err == nil) != (row.undo == "") || err != nil && !strings.Contains(err.Error(), row.undo) {
					t.Errorf("undone with %v, want %q", err, row.undo)
				}
				if took := asked.Sub(since); asked.IsZero() || took > time.Second {
					t.Errorf("deleted after %s", took)
				}
				if names := left(t, api); len(names)+len(objects(t, api)) != 0 {
					t.Errorf("left: %v", names)
				}
				if unseen := rec.followed(t, record.EventGap); !slices.Equal(unseen, row.unseen) {
					t.Errorf("unseen %v, want %v", unseen, row.unseen)
				}
				if early := slices.Contains(rec.kinds(t), record.EventEndedEarly); early != row.early {
					t.Errorf("events %v: ended early is %v, want %v", rec.kinds(t), early, row.early)
				}
			})
		})
	}
}

// preconditions are those of a deletion, which the fake server takes no notice of.
func preconditions(ctx context.Context, c client.Client, object client.Object, opts ...client.DeleteOption) error {
	var of client.DeleteOptions
	if of.ApplyOptions(opts); of.Preconditions == nil || of.Preconditions.UID == nil {
		return nil
	}
	now, _ := object.DeepCopyObject().(client.Object)
	if err := c.Get(ctx, client.ObjectKeyFromObject(object), now); err != nil {
		return err
	}
	if now.GetUID() == *of.Preconditions.UID {
		return nil
	}
	return apierrors.NewConflict(schema.GroupResource{Resource: "networkchaos"}, object.GetName(), errors.New("precondition failed: UID"))
}

// A pod that was deleted by force on a node that does not answer may go on there.
func TestAPodThatIsGoneFromANodeThatDoesNotAnswer(t *testing.T) {
	node := func(ready corev1.ConditionStatus) *corev1.Node {
		return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "worker"}, Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: ready}}}}
	}
	on := func(p *corev1.Pod) { p.Spec.NodeName = "worker" }
	for _, row := range []struct {
		sentence string
		node     []client.Object
		gone     bool
		funcs    interceptor.Funcs
		want     string
	}{
		{"its node does not answer", []client.Object{node(corev1.ConditionUnknown)}, true, interceptor.Funcs{}, "gone: a, on node worker, which is not Ready: whether processes go on there, with the fault in them, is not known"},
		{"its node is Ready", []client.Object{node(corev1.ConditionTrue)}, true, interceptor.Funcs{}, ""},
		{"its node is gone, too", nil, true, interceptor.Funcs{}, ""},
		{"the pod is there", []client.Object{node(corev1.ConditionUnknown)}, false, interceptor.Funcs{}, ""},
		{"the account may not ask", []client.Object{node(corev1.ConditionTrue)}, true, interceptor.Funcs{Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, opts ...client.GetOption) error {
			if _, node := object.(*corev1.Node); node {
				return apierrors.NewForbidden(schema.GroupResource{Resource: "nodes"}, key.Name, nil)
			}
			return c.Get(ctx, key, object, opts...)
		}}, "gone: a, on node worker; whether it is Ready, or processes may go on there, is not known"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, row.funcs, append(row.node, pod("a", on))...)
				play(t, c, atOnce, takeUp, injected("shop/a"))
				rec := newHistory()
				fault := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.NetworkDelay{Pods: checkout, Latency: time.Second})
				if got, err := fault.Inject(t.Context(), rec.Recorder); err != nil || got.FailureReason != "" {
					t.Fatal(err, got.FailureReason)
				}
				if row.gone {
					if err := c.Delete(t.Context(), pod("a"), client.GracePeriodSeconds(0)); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := fault.Recover(t.Context(), rec.Recorder); err != nil {
					t.Error(err)
				}
				if notes := rec.notes(t); (row.want == "") == strings.Contains(notes, "processes") || !strings.Contains(notes, row.want) {
					t.Errorf("notes %q, want %q", notes, row.want)
				}
			})
		})
	}
}

func TestAnObjectThatVanishedWhileItWasHeldIsNotCalledUndone(t *testing.T) {
	for _, row := range []struct {
		name   string
		script []step
		fault  func(*chaosmesh.Cluster) experiments.Fault
		want   string // empty: there was nothing to undo
	}{
		{
			"a fault that is held: its rules may still be in the pod",
			[]step{takeUp, injected("shop/a"), after(2 * time.Second), vanish},
			func(c *chaosmesh.Cluster) experiments.Fault {
				return c.Fault(chaosmesh.NetworkDelay{Pods: checkout, Latency: time.Second})
			},
			"it was deleted during the hold, so when the fault ended, or whether it did, is unknown; check these pods, or restart them: shop/a",
		},
		{
			"a stress: its processes may still be in the pod",
			[]step{takeUp, injected("shop/a/app"), after(2 * time.Second), vanish},
			func(c *chaosmesh.Cluster) experiments.Fault {
				return c.Fault(chaosmesh.StressCPU{Pods: checkout, Workers: 1})
			},
			"it was deleted during the hold, so when the fault ended, or whether it did, is unknown; check these pods, or restart them: shop/a",
		},
		{
			"a fault that is held, and its pods went, too",
			[]step{takeUp, injected("shop/a"), after(2 * time.Second), vanish, kill("a")},
			func(c *chaosmesh.Cluster) experiments.Fault {
				return c.Fault(chaosmesh.NetworkDelay{Pods: checkout, Latency: time.Second})
			},
			"",
		},
		{
			"a fault that is held and in peers, too: they stay",
			[]step{takeUp, injected("shop/a"), after(2 * time.Second), vanish, kill("a")},
			func(c *chaosmesh.Cluster) experiments.Fault {
				return c.Fault(chaosmesh.NetworkDelay{Pods: checkout, Latency: time.Second, To: checkout})
			},
			"it was deleted during the hold, so when the fault ended, or whether it did, is unknown",
		},
		{
			"a fault that is over when it is done",
			[]step{takeUp, kill("a"), injected("shop/a"), after(2 * time.Second), vanish},
			func(c *chaosmesh.Cluster) experiments.Fault {
				return c.Fault(chaosmesh.PodKill{Pods: checkout, Count: faults.One})
			},
			"",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, interceptor.Funcs{}, pod("a"))
				play(t, c, atOnce, row.script...)
				rec := newHistory()
				fault := row.fault(newCluster(t, c, faults.Guard{}))
				if got, err := fault.Inject(t.Context(), rec.Recorder); err != nil || got.FailureReason != "" {
					t.Fatal(err, got.FailureReason)
				}
				time.Sleep(20 * time.Second) // the bubble's time: the hold
				_, err := fault.Recover(t.Context(), rec.Recorder)
				switch {
				case row.want == "" && err != nil:
					t.Error(err)
				case row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)):
					t.Errorf("error %v, want %q", err, row.want)
				}
				if doubted := slices.Contains(rec.kinds(t), record.EventUnproven); doubted != (row.want != "" && podsOf(t, c) > 0) {
					t.Errorf("events %v", rec.kinds(t))
				}
			})
		})
	}
}

// podsOf is how many pods there are.
func podsOf(t *testing.T, c client.Client) int {
	t.Helper()
	var pods corev1.PodList
	if err := c.List(t.Context(), &pods); err != nil {
		t.Fatal(err)
	}
	return len(pods.Items)
}

func TestOnlyTheKilledContainersProveAContainerKill(t *testing.T) {
	for _, row := range []struct {
		name, container string
		want            bool
	}{
		{"the one that was killed is another one", "app", true},
		{"one beside it crashed by itself", "proxy", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, interceptor.Funcs{}, pod("a", up, has("app", "", ""), has("proxy", "", "")))
				play(t, c, atOnce, takeUp, injected("shop/a"), after(time.Second), change("a", restarted)) // of app
				rec := newHistory()
				got, err := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.ContainerKill{Pods: checkout, Count: faults.One, Containers: []string{row.container}}).Inject(t.Context(), rec.Recorder)
				if err != nil || got.FailureReason != "" {
					t.Fatal(err, got.FailureReason)
				}
				if want := []record.Effect{{Event: record.EventRestarted, Container: row.container}}; !slices.Equal(got.Effects, want) {
					t.Errorf("effects %v, want %v", got.Effects, want)
				}
				seen := false
				for _, entry := range rec.entries(t) {
					e := entry.Event
					seen = seen || (e != nil && e.Kind == record.EventRestarted && e.Attrs[record.AttrContainer] == row.container)
				}
				if seen != row.want {
					t.Errorf("the record says restarted of it: %v, want %v", seen, row.want)
				}
			})
		})
	}
}

func TestAFaultThatEndedByItselfIsNotCalledHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, interceptor.Funcs{}, pod("a"))
		play(t, c, atOnce, takeUp, injected("shop/a"), after(2*time.Second), status(func(o v1alpha1.InnerObject) {
			o.GetStatus().Experiment.DesiredPhase = v1alpha1.StoppedPhase
			for _, record := range o.GetStatus().Experiment.Records {
				record.Phase = v1alpha1.NotInjected
			}
		}))
		rec := newHistory()
		fault := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.NetworkDelay{Pods: checkout, Latency: time.Second})
		if got, err := fault.Inject(t.Context(), rec.Recorder); err != nil || got.FailureReason != "" {
			t.Fatal(err, got.FailureReason)
		}
		time.Sleep(20 * time.Second) // the bubble's time: the hold
		span, err := fault.Recover(t.Context(), rec.Recorder)
		if err != nil {
			t.Errorf("error %v, and nothing is left", err)
		}
		if span.From > time.Second || span.To < 20*time.Second {
			t.Errorf("went in %s, want from when it was last seen to act", span)
		}
		for _, entry := range rec.entries(t) {
			if e := entry.Event; e != nil && e.Kind == record.EventEndedEarly {
				if why := e.Attrs[record.AttrReason]; e.From > time.Second || !strings.Contains(why, "see Guard.Lifetime") {
					t.Errorf("ended early at %s: %q", e.Span, why)
				}
				return
			}
		}
		t.Errorf("events %v, want that it ended early among them", rec.kinds(t))
	})
}

func TestWhyAnObjectStaysIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, interceptor.Funcs{}, pod("a"))
		play(t, c, never, takeUp, status(func(o v1alpha1.InnerObject) {
			o.GetStatus().Experiment.Records = []*v1alpha1.Record{{
				Id: "shop/a", SelectorKey: ".", Phase: "Not Injected/Wait",
				Events: []v1alpha1.RecordEvent{{Type: v1alpha1.TypeFailed, Operation: v1alpha1.Apply, Message: "Specified qdisc kind is unknown"}},
			}}
		}))
		rec := newHistory()
		fault := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.NetworkDelay{Pods: checkout, Latency: time.Second})
		got, err := fault.Inject(t.Context(), rec.Recorder)
		if want := "Chaos Mesh could not inject shop/a: Specified qdisc kind is unknown"; err != nil || !strings.HasPrefix(got.FailureReason, want) {
			t.Errorf("failure reason %q, %v; want %q", got.FailureReason, err, want)
		}
		if _, err := fault.Recover(t.Context(), rec.Recorder); err == nil {
			t.Error("an object that went by force was called undone")
		}
		if want := "Chaos Mesh says of shop/a (Not Injected/Wait): Specified qdisc kind is unknown"; !strings.Contains(rec.notes(t), want) {
			t.Errorf("notes %q, want %q", rec.notes(t), want)
		}
	})
}

// A rule that cannot be put in place blocks its object, and every other fault
// in the network of the same pod.
func TestARuleThatCannotBeAppliedIsTakenOutOfThePlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plan := &v1alpha1.PodNetworkChaos{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "a"}}
		plan.Spec.TrafficControls = []v1alpha1.RawTrafficControl{{Type: v1alpha1.Netem, Source: "shop/of-somebody-else"}}
		plan.Spec.Iptables = []v1alpha1.RawIptables{{Name: "x", Direction: v1alpha1.Input, RawRuleSource: v1alpha1.RawRuleSource{Source: "shop/of-somebody-else"}}}
		c := newClient(t, interceptor.Funcs{}, pod("a"), pod("b"), plan)
		rules := func(t *testing.T) (sources []string) {
			var now v1alpha1.PodNetworkChaos
			if err := c.Get(context.Background(), client.ObjectKeyFromObject(plan), &now); err != nil {
				t.Error(err)
			}
			for _, rule := range now.Spec.TrafficControls {
				sources = append(sources, rule.Source)
			}
			return sources
		}
		// The controller goes on once the plan is clean.
		play(t, c, func(v1alpha1.InnerObject) outcome {
			if len(rules(t)) > 1 {
				return stays
			}
			return undone
		}, takeUp, func(ctx context.Context, c client.Client, o v1alpha1.InnerObject) error {
			var now v1alpha1.PodNetworkChaos
			if err := c.Get(ctx, client.ObjectKeyFromObject(plan), &now); err != nil {
				return err
			}
			now.Spec.TrafficControls = append(now.Spec.TrafficControls, v1alpha1.RawTrafficControl{Type: v1alpha1.Netem, Source: "shop/" + o.GetName()})
			return c.Update(ctx, &now)
		}, records(v1alpha1.Record{
			Id: "shop/a", SelectorKey: ".", Phase: "Not Injected/Wait",
			Events: []v1alpha1.RecordEvent{{Type: v1alpha1.TypeFailed, Operation: v1alpha1.Apply, Message: "unable to set tcs"}},
		}, v1alpha1.Record{Id: "shop/b", SelectorKey: ".", Phase: v1alpha1.NotInjected}))
		rec := newHistory()
		fault := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.NetworkDuplicate{Pods: checkout, Packets: 10 * chaosmesh.Percent})
		if got, err := fault.Inject(t.Context(), rec.Recorder); err != nil || !strings.Contains(got.FailureReason, "unable to set tcs") {
			t.Fatal(err, got.FailureReason)
		}
		if _, err := fault.Recover(t.Context(), rec.Recorder); err != nil {
			t.Error(err)
		}
		if want := "took its rules out of the PodNetworkChaos of its pods"; !strings.Contains(rec.notes(t), want) {
			t.Errorf("notes %q, want %q", rec.notes(t), want)
		}
		if got := rules(t); !slices.Equal(got, []string{"shop/of-somebody-else"}) {
			t.Errorf("rules of %v are left, want those of somebody else only", got)
		}
	})
}
