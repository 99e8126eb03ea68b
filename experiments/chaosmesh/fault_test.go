package chaosmesh_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
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

	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

var checkout = faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}}

func newCluster(t testing.TB, c client.WithWatch, guard faults.Guard) *chaosmesh.Cluster {
	t.Helper()
	guard.Cluster = cmp.Or(guard.Cluster, theCluster)
	if guard.Namespaces == nil {
		guard.Namespaces = []string{"shop"}
	}
	cluster, err := chaosmesh.New(faults.Cluster{Client: c, Guard: guard}, chaosmesh.Timeouts{})
	if err != nil {
		t.Fatal(err)
	}
	return cluster
}

// history is a record being written and what is in it so far.
type history struct {
	bytes.Buffer
	*record.Recorder
}

func newHistory() *history {
	h := &history{}
	h.Recorder = record.NewRecorder(&h.Buffer)
	return h
}

func (h *history) entries(t *testing.T) []record.Entry {
	t.Helper()
	var entries []record.Entry
	for entry, err := range record.Read(bytes.NewReader(h.Bytes())) {
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, entry)
	}
	return entries
}

// kinds are the kinds of the recorded events, in order.
func (h *history) kinds(t *testing.T) []string {
	t.Helper()
	var kinds []string
	for _, entry := range h.entries(t) {
		if entry.Event != nil {
			kinds = append(kinds, entry.Event.Kind)
		}
	}
	return kinds
}

func (h *history) notes(t *testing.T) string {
	t.Helper()
	var notes []string
	for _, entry := range h.entries(t) {
		if entry.Note != "" {
			notes = append(notes, entry.Note)
		}
	}
	return strings.Join(notes, "\n")
}

func objects(t *testing.T, c client.Client) []v1alpha1.PodChaos {
	t.Helper()
	var list v1alpha1.PodChaosList
	if err := c.List(t.Context(), &list); err != nil {
		t.Fatal(err)
	}
	return list.Items
}

func TestAKillIsProvenByTheVictimBeingGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, interceptor.Funcs{}, pod("a"), pod("b"), pod("c"))
		play(t, c, atOnce, takeUp, after(100*time.Millisecond), kill("b"), after(time.Second), injected("shop/b"))
		rec := newHistory()
		fault := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.PodKill{Pods: checkout, Count: faults.One})

		got, err := fault.Inject(t.Context(), rec.Recorder)
		if err != nil {
			t.Fatal(err)
		}
		if got.FailureReason != "" {
			t.Errorf("failure reason %q, want none", got.FailureReason)
		}
		if want := []record.Target{{Name: "b", UID: "b-uid"}}; !slices.Equal(got.Targets, want) {
			t.Errorf("targets %v, want %v", got.Targets, want)
		}
		if want := []record.Effect{{Event: record.EventGone}}; !slices.Equal(got.Effects, want) {
			t.Errorf("effects %v, want %v", got.Effects, want)
		}
		// The pod went 110 ms after the request; the records say so a second later.
		if got.From != 0 || got.To < 100*time.Millisecond || got.To > 200*time.Millisecond {
			t.Errorf("took effect in %s, want from the request to the pod's going, not to the records", got.Span)
		}
		created := objects(t, c)
		if len(created) != 1 {
			t.Fatalf("%d objects, want one", len(created))
		}
		if _, err := fault.Recover(t.Context(), rec.Recorder); err != nil {
			t.Fatal(err)
		}
		if left := objects(t, c); len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}
		if got, want := rec.kinds(t), []string{"creating", "created", "gone", "injected", "removed"}; !slices.Equal(got, want) {
			t.Errorf("events %v, want %v", got, want)
		}
		for _, entry := range rec.entries(t) {
			if entry.Event != nil && entry.Event.Kind == faults.EventCreating && entry.Event.Subject != "PodChaos/shop/"+created[0].Name {
				t.Errorf("wrote down %q before creating %q", entry.Event.Subject, created[0].Name)
			}
		}
	})
}

func TestEveryObjectIsSafeByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var created v1alpha1.PodChaos
		rec := newHistory()
		ledger := ""
		c := newClient(t, interceptor.Funcs{
			Create: func(ctx context.Context, c client.WithWatch, object client.Object, opts ...client.CreateOption) error {
				if chaos, ok := object.(*v1alpha1.PodChaos); ok {
					created, ledger = *chaos.DeepCopy(), rec.String()
				}
				return c.Create(ctx, object, opts...)
			},
		}, pod("a"), pod("b"), pod("c"))
		play(t, c, atOnce, takeUp, kill("a"), kill("b"), injected("shop/a", "shop/b"))
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		got, err := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.PodKill{Pods: checkout, Count: "50%"}).Inject(ctx, rec.Recorder)
		if err != nil || got.FailureReason != "" {
			t.Fatal(err, got.FailureReason)
		}
		for _, claim := range []struct {
			name string
			held bool
		}{
			{"it is written down before it is created", strings.Contains(ledger, `"creating"`) && strings.Contains(ledger, created.Name)},
			{"it carries the run", created.Labels["aftershock.dev/run"] == rec.Run()},
			{"it says who manages it", created.Labels["app.kubernetes.io/managed-by"] == "aftershock"},
			{"it has a name of its own", strings.HasPrefix(created.Name, "pod-kill-"+rec.Run()+"-")},
			{"it ends by itself, a grace after its planned end", created.Spec.Duration != nil && *created.Spec.Duration == "5m20s"},
			{"it selects in its namespace only", slices.Equal(created.Spec.Selector.Namespaces, []string{"shop"})},
			{"it selects by the labels", created.Spec.Selector.LabelSelectors["app"] == "checkout"},
			{"it selects running pods only", slices.Equal(created.Spec.Selector.PodPhaseSelectors, []string{"Running"})},
			{"half of three, rounded up, is two", created.Spec.Mode == v1alpha1.FixedMode && created.Spec.Value == "2"},
			{"it crashes", created.Spec.Action == v1alpha1.PodKillAction && created.Spec.GracePeriod == 0},
		} {
			if !claim.held {
				t.Errorf("not so: %s: %+v", claim.name, created)
			}
		}
	})
}

func TestWhatIsRefusedCreatesNothing(t *testing.T) {
	three := []client.Object{pod("a"), pod("b"), pod("c")}
	for _, row := range []struct {
		name  string
		guard faults.Guard
		pods  faults.Pods
		count faults.Count
		has   []client.Object
		want  string
	}{
		{"a namespace that is not listed", faults.Guard{}, faults.Pods{Namespace: "bank", Selector: checkout.Selector}, faults.One, three, `namespace "bank" is not among those that faults may touch: shop`},
		{"another cluster", faults.Guard{Cluster: "production"}, checkout, faults.One, three, "this is another cluster: the one that is meant has uid production, and this one staging"},
		{"no namespace", faults.Guard{}, faults.Pods{Selector: checkout.Selector}, faults.One, three, "no namespace; say which one the pods are in"},
		{"no selector", faults.Guard{}, faults.Pods{Namespace: "shop"}, faults.One, three, `an empty selector would select every pod of namespace "shop"`},
		{"a selector that is none", faults.Guard{}, faults.Pods{Namespace: "shop", Selector: map[string]string{"a b": "c"}}, faults.One, three, "name part must consist of"},
		{
			"a protected pod among those that match",
			faults.Guard{Protected: []map[string]string{{"tier": "db"}}},
			checkout, faults.One,
			append([]client.Object{pod("d", func(p *corev1.Pod) { p.Labels["tier"] = "db" })}, three...), "pod d matches the selector and is protected (tier=db)",
		},
		{"more than there are", faults.Guard{}, checkout, "4", three, "4 asked for, and 3 running pods match the selector"},
		{"more than run", faults.Guard{}, checkout, "3", []client.Object{pod("a"), pod("b"), pod("c", pending)}, "3 asked for, and 2 running pods match the selector"},
		{"more than stay", faults.Guard{}, checkout, "3", []client.Object{pod("a"), pod("b"), pod("c", terminating)}, "3 asked for, and 2 running pods match the selector"},
		{"one of none", faults.Guard{}, checkout, faults.One, nil, "1 asked for, and 0 running pods match the selector"},
		{"a share of none", faults.Guard{}, checkout, "50%", nil, "1 asked for, and 0 running pods match the selector"},
		{"no count", faults.Guard{}, checkout, "", three, "no count; say how many pods"},
		{"a count of zero", faults.Guard{}, checkout, "0", three, "0 pods; want at least 1"},
		{"a share of zero", faults.Guard{}, checkout, "0%", three, "0% of the pods; a percentage is from 1% to 100%"},
		{"a share above all", faults.Guard{}, checkout, "101%", three, "101% of the pods; a percentage is from 1% to 100%"},
		{"a count in words", faults.Guard{}, checkout, "most", three, `"most" is neither a number nor a percentage`},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := newClient(t, interceptor.Funcs{}, row.has...)
			rec := newHistory()
			fault := newCluster(t, c, row.guard).Fault(chaosmesh.PodKill{Pods: row.pods, Count: row.count})
			_, err := fault.Inject(t.Context(), rec.Recorder)
			if !errors.Is(err, faults.ErrRefused) || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want it refused with %q", err, row.want)
			}
			if _, err := fault.Preview(t.Context(), "run"); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("preview's error %v, want %q", err, row.want)
			}
			if left := objects(t, c); len(left) != 0 {
				t.Errorf("created %v", left)
			}
			if _, err := fault.Recover(t.Context(), rec.Recorder); err != nil {
				t.Errorf("recover with nothing to undo: %v", err)
			}
		})
	}
}

func TestAGuardThatAllowsNothingOrTooMuchIsRefused(t *testing.T) {
	for _, row := range []struct {
		name  string
		guard faults.Guard
		want  string
	}{
		{"the zero value", faults.Guard{}, "no cluster; identify it by the UID"},
		{"no namespace", faults.Guard{Cluster: theCluster}, "no namespace is allowed"},
		{"a wildcard", faults.Guard{Cluster: theCluster, Namespaces: []string{"*"}}, `"*" is not a namespace; there are no wildcards`},
		{"an empty name", faults.Guard{Cluster: theCluster, Namespaces: []string{""}}, `"" is not a namespace`},
		{"protection of everything", faults.Guard{Cluster: theCluster, Namespaces: []string{"shop"}, Protected: []map[string]string{{}}}, "would protect every pod"},
		{"a lifetime below zero", faults.Guard{Cluster: theCluster, Namespaces: []string{"shop"}, Lifetime: -1}, "lifetime -1ns is below zero"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := chaosmesh.New(faults.Cluster{Client: newClient(t, interceptor.Funcs{}), Guard: row.guard}, chaosmesh.Timeouts{})
			if !errors.Is(err, faults.ErrRefused) || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want %q", err, row.want)
			}
		})
	}
	if _, err := chaosmesh.New(faults.Cluster{Guard: faults.Guard{Cluster: theCluster, Namespaces: []string{"shop"}}}, chaosmesh.Timeouts{}); err == nil {
		t.Error("no client was accepted")
	}
}

func TestWhatCouldNotBeShownIsTheFailureReason(t *testing.T) {
	for _, row := range []struct {
		name   string
		count  faults.Count
		script []step
		within time.Duration
		want   string
	}{
		{"no controller", faults.One, nil, 16 * time.Second, "Chaos Mesh's controller did not act on PodChaos/shop/pod-kill-RUN-XXXXX within 15s: is chaos-controller-manager running?"},
		{"nothing was selected", faults.One, []step{takeUp, says("Failed to select targets: no pod is selected")}, 16 * time.Second, "Chaos Mesh's controller took up PodChaos/shop/pod-kill-RUN-XXXXX but did not report within 15s which pods it selected; Chaos Mesh says: Failed to select targets: no pod is selected"},
		{"nothing was selected, without a word", faults.One, []step{takeUp}, 16 * time.Second, "Chaos Mesh's controller took up PodChaos/shop/pod-kill-RUN-XXXXX but did not report within 15s which pods it selected"},
		{"nothing was selected at first", faults.One, []step{takeUp, says("Failed to select targets: no pod is selected"), after(5 * time.Second), kill("a"), injected("shop/a")}, 6 * time.Second, ""},
		{"a late controller selects too few", "2", []step{takeUp, after(7 * time.Second), kill("a"), injected("shop/a")}, 8 * time.Second, "2 pods asked for, and Chaos Mesh selected only shop/a"},
		{"a late controller selects", faults.One, []step{takeUp, after(7 * time.Second), kill("a"), injected("shop/a")}, 8 * time.Second, ""},
		{"an injection failed", faults.One, []step{takeUp, failed("shop/a", "pods is forbidden")}, time.Second, "Chaos Mesh could not inject shop/a: pods is forbidden"},
		{"fewer than asked for", "2", []step{takeUp, kill("a"), injected("shop/a")}, time.Second, "2 pods asked for, and Chaos Mesh selected only shop/a"},
		{"selected and then nothing", faults.One, []step{takeUp, waiting("shop/a")}, 16 * time.Second, "Chaos Mesh did not inject shop/a within 15s, and did not say why"},
		{"taken up without a word on pods", faults.One, []step{status(func(o v1alpha1.InnerObject) { o.SetFinalizers([]string{"chaos-mesh/records"}) })}, 16 * time.Second, "Chaos Mesh's controller took up PodChaos/shop/pod-kill-RUN-XXXXX but did not report within 15s which pods it selected"},
		{"a victim that was going anyway", faults.One, []step{takeUp, injected("shop/gone")}, 4 * time.Second, "shop/gone was selected, which did not run or was on its way out before the fault"},
		{"the object was deleted", faults.One, []step{takeUp, vanish}, time.Second, "another client deleted PodChaos/shop/pod-kill-RUN-XXXXX before it was seen to act"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, interceptor.Funcs{}, pod("a"), pod("b"), pod("gone", terminating))
				play(t, c, atOnce, row.script...)
				rec := newHistory()
				fault := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.PodKill{Pods: checkout, Count: row.count})
				begin := time.Now()
				got, err := fault.Inject(t.Context(), rec.Recorder)
				if err != nil {
					t.Fatal(err)
				}
				shown := got.FailureReason
				if at := strings.Index(shown, rec.Run()+"-"); at >= 0 {
					shown = shown[:at] + "RUN-XXXXX" + shown[at+len(rec.Run())+6:]
				}
				if !strings.HasPrefix(shown, row.want) || (shown == "") != (row.want == "") {
					t.Errorf("failure reason %q, want %q", shown, row.want)
				}
				if took := time.Since(begin); took > row.within {
					t.Errorf("took %s, want at most %s", took, row.within)
				}
				if _, err := fault.Recover(t.Context(), rec.Recorder); err != nil {
					t.Error(err)
				}
				if left := objects(t, c); len(left) != 0 {
					t.Errorf("left behind: %v", left)
				}
			})
		})
	}
}

// Where the events cannot be read, the reason says so, and what to do.
func TestTheReasonSaysThatEventsCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, interceptor.Funcs{
			List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
				if _, ok := list.(*corev1.EventList); ok {
					return apierrors.NewForbidden(schema.GroupResource{Resource: "events"}, "", errors.New("no"))
				}
				return c.List(ctx, list, opts...)
			},
		}, pod("a"))
		play(t, c, atOnce, takeUp, failed("shop/a", "no such container"))
		got, err := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.PodKill{Pods: checkout, Count: faults.One}).Inject(t.Context(), newHistory().Recorder)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"Chaos Mesh could not inject shop/a: no such container (its events could not be read: ", "give the account the right to list events"} {
			if !strings.Contains(got.FailureReason, want) {
				t.Errorf("failure reason %q, want %q in it", got.FailureReason, want)
			}
		}
	})
}

func TestTheRecordsDateTheInjectionWhereThePodsAreNotSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, interceptor.Funcs{
			// Both watches end at once; what they would have told is read.
			Watch: endedWatch,
		}, pod("a"))
		play(t, c, atOnce, takeUp, kill("a"), injected("shop/a"))
		rec := newHistory()
		got, err := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.PodKill{Pods: checkout, Count: faults.One}).Inject(t.Context(), rec.Recorder)
		if err != nil || got.FailureReason != "" {
			t.Fatal(err, got.FailureReason)
		}
		if got.To < 10*time.Millisecond || got.To > 300*time.Millisecond {
			t.Errorf("took effect in %s, want until the first reading of the records", got.Span)
		}
	})
}

func TestErrorsOfTheAPISayWhatToDo(t *testing.T) {
	resource := schema.GroupResource{Group: "chaos-mesh.org", Resource: "podchaos"}
	for _, row := range []struct {
		name string
		err  error
		want string
	}{
		{"Chaos Mesh is not installed", &meta.NoKindMatchError{GroupKind: schema.GroupKind{Group: "chaos-mesh.org", Kind: "PodChaos"}}, "Chaos Mesh is not installed in this cluster: no kind PodChaos"},
		{"a real API server's word for it", &meta.NoResourceMatchError{PartialResource: schema.GroupVersionResource{Group: "chaos-mesh.org", Version: "v1alpha1"}}, "Chaos Mesh is not installed in this cluster: no kind PodChaos"},
		{"the account may not", apierrors.NewForbidden(resource, "x", errors.New("no")), "give the account this right, or use another account"},
		{"Chaos Mesh's webhook does not answer", apierrors.NewInternalError(errors.New(`failed calling webhook "mpodchaos.kb.io"`)), "a webhook does not answer, that of Chaos Mesh or another (kubectl -n chaos-mesh get pods): "},
		{"the API server is away", errors.New("connection refused"), "connection refused"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := newClient(t, interceptor.Funcs{
				Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error { return row.err },
			}, pod("a"))
			rec := newHistory()
			fault := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.PodKill{Pods: checkout, Count: faults.One})
			_, err := fault.Inject(t.Context(), rec.Recorder)
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want %q", err, row.want)
			}
			var none *chaosmesh.NotInstalledError
			if missing := errors.As(err, &none); missing != meta.IsNoMatchError(row.err) {
				t.Errorf("error %v is a NotInstalledError: %t", err, missing)
			}
			if _, err := fault.Preview(t.Context(), "run"); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("preview's error %v, want %q", err, row.want)
			}
		})
	}
}

func TestAnObjectWhoseCreationHadNoAnswerIsRemoved(t *testing.T) {
	for _, row := range []struct {
		name string
		late time.Duration // after the failed request
	}{
		{"the object exists when the answer is missed", 0},
		{"the object appears after Recover has begun", time.Second},
		{"the object appears late", 8 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, interceptor.Funcs{
					Create: func(ctx context.Context, c client.WithWatch, object client.Object, opts ...client.CreateOption) error {
						object, _ = object.DeepCopyObject().(client.Object)
						time.AfterFunc(row.late, func() {
							if err := c.Create(context.WithoutCancel(ctx), object, opts...); err != nil {
								t.Error(err)
							}
						})
						synctest.Wait()
						return context.DeadlineExceeded
					},
				}, pod("a"))
				rec := newHistory()
				fault := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.PodKill{Pods: checkout, Count: faults.One})
				if _, err := fault.Inject(t.Context(), rec.Recorder); !errors.Is(err, context.DeadlineExceeded) {
					t.Fatalf("error %v, want the timeout", err)
				}
				for range 2 { // the second time there is nothing to undo
					if _, err := fault.Recover(t.Context(), rec.Recorder); err != nil {
						t.Fatal(err)
					}
				}
				if left := objects(t, c); len(left) != 0 {
					t.Errorf("left behind: %v", left)
				}
				if !slices.Contains(rec.kinds(t), chaosmesh.EventRemoved) {
					t.Error("the removal is not in the record")
				}
			})
		})
	}
}

// An object whose creation had no answer and that was never seen may still
// appear: that is not gone.
func TestAnObjectThatWasNeverSeenIsNotProvenGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, interceptor.Funcs{
			Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error {
				return context.DeadlineExceeded
			},
		}, pod("a"))
		rec := newHistory()
		fault := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.PodKill{Pods: checkout, Count: faults.One})
		if _, err := fault.Inject(t.Context(), rec.Recorder); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("error %v, want the timeout", err)
		}
		if _, err := fault.Recover(t.Context(), rec.Recorder); err == nil || !strings.Contains(err.Error(), "may still appear; run sweep") {
			t.Errorf("error %v, want that it may still appear", err)
		}
	})
}

func TestAnObjectThatStaysIsHelpedAlong(t *testing.T) {
	for _, row := range []struct {
		name string
		let  release
		note string
	}{
		{"it goes once somebody touches it", annotated("aftershock.dev/nudged"), "was deleted 5s ago and is still there (finalizers chaos-mesh/records): touched it"},
		{"it goes once it is given up", annotated("chaos-mesh.chaos-mesh.org/cleanFinalizer"), "was deleted 10s ago and is still there (finalizers chaos-mesh/records): asked Chaos Mesh to give it up"},
		{"it goes without its finalizers", never, "was deleted 15s ago and is still there (finalizers chaos-mesh/records): removed its finalizers"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, interceptor.Funcs{}, pod("a"))
				play(t, c, row.let, takeUp, kill("a"), injected("shop/a"))
				rec := newHistory()
				fault := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.PodKill{Pods: checkout, Count: faults.One})
				if _, err := fault.Inject(t.Context(), rec.Recorder); err != nil {
					t.Fatal(err)
				}
				span, err := fault.Recover(t.Context(), rec.Recorder)
				if err != nil {
					t.Fatal(err)
				}
				if left := objects(t, c); len(left) != 0 {
					t.Errorf("left behind: %v", left)
				}
				if !strings.Contains(rec.notes(t), row.note) {
					t.Errorf("notes:\n%s\nwant %q", rec.notes(t), row.note)
				}
				if span.Width() < 5*time.Second {
					t.Errorf("went in %s, want the span from the first request to its going", span)
				}
			})
		})
	}
}

func TestWhatCannotBeRemovedIsAnError(t *testing.T) {
	resource := schema.GroupResource{Group: "chaos-mesh.org", Resource: "podchaos"}
	for _, row := range []struct {
		name  string
		funcs interceptor.Funcs
		let   release
		want  string
	}{
		{"not allowed to delete", interceptor.Funcs{
			Delete: func(ctx context.Context, c client.WithWatch, object client.Object, opts ...client.DeleteOption) error {
				if _, ok := object.(*v1alpha1.PodChaos); ok {
					return apierrors.NewForbidden(resource, object.GetName(), errors.New("no"))
				}
				return c.Delete(ctx, object, opts...)
			},
		}, atOnce, "give the account this right"},
		{"not allowed to help along", interceptor.Funcs{
			Patch: func(_ context.Context, _ client.WithWatch, object client.Object, _ client.Patch, _ ...client.PatchOption) error {
				return apierrors.NewForbidden(resource, object.GetName(), errors.New("no patching"))
			},
		}, never, "it is still there after 2m50s; finalizers: chaos-mesh/records; run sweep once Chaos Mesh's controller is back; last trouble: podchaos.chaos-mesh.org"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, row.funcs, pod("a"))
				play(t, c, row.let, takeUp, kill("a"), injected("shop/a"))
				rec := newHistory()
				fault := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.PodKill{Pods: checkout, Count: faults.One})
				if _, err := fault.Inject(t.Context(), rec.Recorder); err != nil {
					t.Fatal(err)
				}
				if _, err := fault.Recover(t.Context(), rec.Recorder); err == nil || !strings.Contains(err.Error(), row.want) {
					t.Errorf("error %v, want %q", err, row.want)
				}
			})
		})
	}
}

func TestRecoverOutlivesAnAPIServerThatIsAwayForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		away := func() error {
			if since := time.Since(begin); since > 5*time.Second && since < 8*time.Second {
				return errors.New("connection refused")
			}
			return nil
		}
		c := newClient(t, interceptor.Funcs{
			Delete: func(ctx context.Context, c client.WithWatch, object client.Object, opts ...client.DeleteOption) error {
				return errors.Join(away(), c.Delete(ctx, object, opts...))
			},
		}, pod("a"))
		play(t, c, atOnce, takeUp, kill("a"), injected("shop/a"))
		rec := newHistory()
		fault := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.PodKill{Pods: checkout, Count: faults.One})
		if _, err := fault.Inject(t.Context(), rec.Recorder); err != nil {
			t.Fatal(err)
		}
		time.Sleep(6*time.Second - time.Since(begin)) // the bubble's time: into the outage
		if _, err := fault.Recover(t.Context(), rec.Recorder); err != nil {
			t.Error(err)
		}
		if left := objects(t, c); len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}
	})
}

func TestInjectEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, interceptor.Funcs{}, pod("a"))
		rec := newHistory()
		fault := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.PodKill{Pods: checkout, Count: faults.One})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := fault.Inject(ctx, rec.Recorder); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the context's", err)
		}
		if _, err := fault.Recover(context.WithoutCancel(ctx), rec.Recorder); err != nil {
			t.Error(err)
		}
		if left := objects(t, c); len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}
	})
}

func TestNothingIsDoneThatCannotBeWrittenDown(t *testing.T) {
	c := newClient(t, interceptor.Funcs{}, pod("a"))
	rec := record.NewRecorder(full{})
	_, err := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.PodKill{Pods: checkout, Count: faults.One}).Inject(t.Context(), rec)
	if err == nil || !strings.Contains(err.Error(), "write record: no space left") {
		t.Errorf("error %v, want the record's", err)
	}
	if left := objects(t, c); len(left) != 0 {
		t.Errorf("created %v", left)
	}
}

// full is a full disk.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestPreviewChangesNothing(t *testing.T) {
	c := newClient(t, interceptor.Funcs{}, pod("a"), pod("b"), pod("c", pending))
	fault := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.PodKill{Pods: checkout, Count: "100%"})
	got, err := fault.Preview(t.Context(), "4f1c2a9d3b")
	if err != nil {
		t.Fatal(err)
	}
	if want := []record.Target{{Name: "a", UID: "a-uid"}, {Name: "b", UID: "b-uid"}}; !slices.Equal(got.Candidates, want) || got.Requested != 2 {
		t.Errorf("requested %d of %v, want 2 of %v", got.Requested, got.Candidates, want)
	}
	if targets, err := fault.Targets(t.Context()); err != nil || !slices.Equal(targets, got.Candidates) {
		t.Errorf("targets %v, %v; want those of the preview", targets, err)
	}
	if left := objects(t, c); len(left) != 0 {
		t.Errorf("created %v", left)
	}
	if object, ok := got.Object.(client.Object); !ok || object.GetLabels()[faults.RunLabel] != "4f1c2a9d3b" {
		t.Errorf("%v, want an object with the run's label", got.Object)
	}
}

// A Chaos Mesh that was upgraded without its CRDs: its webhook sets a field that
// they lack, and then refuses every update of its own controller.
func TestANetworkFaultThatCouldNeverTakeEffectIsRefusedBefore(t *testing.T) {
	for _, row := range []struct {
		sentence      string
		webhook, lack bool // the webhook sets the field, the CRD lacks it
		want          string
	}{
		{"neither knows the field", false, true, ""},
		{"both do", true, false, ""},
		{"only the webhook does", true, true, "the webhook of this Chaos Mesh sets partitionBehavior, which its CRD networkchaos.chaos-mesh.org lacks"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			c := newClient(t, interceptor.Funcs{Create: func(_ context.Context, _ client.WithWatch, object client.Object, opts ...client.CreateOption) error {
				options := (&client.CreateOptions{}).ApplyOptions(opts)
				if len(options.DryRun) == 0 {
					t.Errorf("%s was created", object.GetName())
				}
				n, ok := object.(*v1alpha1.NetworkChaos)
				switch {
				case !ok:
				case n.Spec.PartitionBehavior != "" && row.lack && options.FieldValidation == metav1.FieldValidationStrict:
					return apierrors.NewBadRequest(`strict decoding error: unknown field "spec.partitionBehavior"`)
				case row.webhook:
					n.Spec.PartitionBehavior = v1alpha1.DropPartitionBehavior
				}
				return nil
			}}, pod("a"))
			_, err := newCluster(t, c, faults.Guard{}).Fault(chaosmesh.NetworkDelay{Pods: checkout, Count: faults.All, Latency: 100 * time.Millisecond}).Preview(t.Context(), "run")
			if (row.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), row.want) {
				t.Errorf("%v, want %q", err, row.want)
			}
		})
	}
}

func TestWhichFaultsNeedTheDaemonOfANode(t *testing.T) {
	cluster := newCluster(t, newClient(t, interceptor.Funcs{}), faults.Guard{})
	for _, row := range []struct {
		spec chaosmesh.Spec
		want bool
	}{
		{chaosmesh.PodKill{Pods: checkout, Count: faults.One}, false},
		{chaosmesh.PodFailure{Pods: checkout, Count: faults.One}, false},
		{chaosmesh.ContainerKill{Pods: checkout, Count: faults.One, Containers: []string{"app"}}, true},
		{chaosmesh.NetworkDelay{Pods: checkout, Count: faults.One, Latency: time.Second}, true},
		{chaosmesh.StressCPU{Pods: checkout, Count: faults.One, Workers: 1}, true},
		{chaosmesh.Object{YAML: "?"}, false},
	} {
		if got := cluster.Fault(row.spec).ByDaemon(); got != row.want {
			t.Errorf("%T: %t, want %t", row.spec, got, row.want)
		}
	}
}
