package rollout_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/experiments/rollout"
	"github.com/aftershockhq/aftershock/record"
)

func TestABadImageIsSeenToFailAndIsRolledBack(t *testing.T) {
	var s *shop
	noted := ""
	r := play(t, func(t *testing.T) (experiments.Fault, func()) {
		s = newShop(t)
		return &rollout.BadImage{Workload: s.workload()}, func() { noted = s.image() + " " + s.get().Annotations[rollout.Annotation] }
	})
	if r.inject != nil || r.undo != nil || r.injection.FailureReason != "" {
		t.Fatal(r.inject, r.undo, r.injection.FailureReason)
	}
	if len(r.injection.Targets) != 2 || r.injection.Targets[0].Name != "a" || r.injection.To != 0 {
		t.Errorf("into %v in %s, want the pods that serve, by the request", r.injection.Targets, r.injection.Span)
	}
	if len(r.injection.Effects) != 1 || r.injection.Kind != record.KindBadImage {
		t.Fatalf("%q with effects %v, want one of a bad image", r.injection.Kind, r.injection.Effects)
	}
	if e := r.injection.Effects[0]; e.Event != record.EventWaiting || e.Container != "app" || e.On == nil || *e.On != (record.Target{Name: "c", UID: "c-uid"}) {
		t.Errorf("effect %+v, want that the new pod waits", e)
	}
	if want := bad + ` {"run":"` + r.run + `","container":"app","image":"` + good + `","bad":"` + bad + `"}`; noted != want {
		t.Errorf("while it was on: %s, want %s", noted, want)
	}
	if want := "changing, waiting, rolled back"; r.kinds() != want {
		t.Errorf("events %s, want %s", r.kinds(), want)
	}
	if e := r.events[0]; e.Attrs["image"] != bad || e.Attrs["previous"] != good {
		t.Errorf("written down before: %v, want both images", e.Attrs)
	}
	if back := r.events[2].Span; back.To < r.undoBegins+time.Second || back.To > r.undoBegins+2*time.Second {
		t.Errorf("rolled back in %s, begun at %s", back, r.undoBegins)
	}
	if r.removed.From != r.undoBegins || r.removed.Width() != 0 {
		t.Errorf("gone in %s, want the request that put it back at %s", r.removed, r.undoBegins)
	}
	_, left := s.get().Annotations[rollout.Annotation]
	if s.image() != good || left || s.has(&appsv1.ReplicaSet{}, "checkout-bad") || !s.has(&appsv1.ReplicaSet{}, "checkout-1") {
		t.Errorf("image %s, annotation %t: want all as before, and the bad revision out of the history", s.image(), left)
	}
}

func TestABadImageThatAnotherClientReplacesIsNoticed(t *testing.T) {
	for _, row := range []struct {
		sentence string
		change   bool
		want     string
	}{
		{"it stays", false, ""},
		{"it is replaced", true, "another client changed the image"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			play(t, func(t *testing.T) (experiments.Fault, func()) {
				s := newShop(t)
				b := &rollout.BadImage{Workload: s.workload()}
				return b, func() {
					if row.change {
						s.later(3*time.Second, func() { s.setImage("shop/checkout:3") })
					}
					ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
					defer cancel()
					begin := time.Now()
					if over := b.Watch(ctx, nil); over != row.want || (over != "" && time.Since(begin) > 4*time.Second) {
						t.Errorf("%q after %s, want %q", over, time.Since(begin), row.want)
					}
				}
			})
		})
	}
}

// status is an error of the API's.
func forbidden() error {
	return apierrors.NewForbidden(schema.GroupResource{Group: "apps", Resource: "deployments"}, "checkout", errors.New("no"))
}

func TestWhatIsInTheWayOfRollingBackIsTold(t *testing.T) {
	for _, row := range []struct {
		name      string
		prepare   func(*shop)
		meanwhile func(*shop)
		inject    string // its error or reason
		undo      string // its error
		events    string
		notes     string
		image     string
		patches   int
	}{
		{
			name:      "another client changed it to another one, which stays",
			meanwhile: func(s *shop) { s.setImage("shop/checkout:3") },
			undo:      "restore image " + good + " of container app: another client changed it to shop/checkout:3 meanwhile, which was left unchanged",
			events:    "changing, waiting", image: "shop/checkout:3", patches: 2,
		},
		{
			name: "another client put it back already, so that the fault was over early",
			meanwhile: func(s *shop) {
				s.mu.Lock() // the controller may be at work, on what it saw before
				defer s.mu.Unlock()
				s.setImage(good)
				s.reconcile()
			},
			events: "changing, waiting, ended early, rolled back", image: good, patches: 2,
		},
		{
			name:    "no pod fails",
			prepare: func(s *shop) { s.waits = "ContainerCreating" },
			inject:  "no pod was seen failing to pull the image " + bad + ": c is Pending, ContainerCreating",
			events:  "changing, rolled back", image: good, patches: 2,
		},
		{
			name:    "the controller does not act",
			prepare: func(s *shop) { s.stuck = true },
			inject:  "was seen failing to pull the image " + bad + ": there is none",
			events:  "changing", image: good, patches: 2,
			notes: "no bad pod is left, and the rollout back was not complete at",
		},
		{
			name:      "the bad pods stay",
			meanwhile: func(s *shop) { s.stuck = true },
			undo:      "wait for the pods with the image " + bad + " to go: 1 pods with the image " + bad + " are still there; run sweep",
			events:    "changing, waiting", image: good, patches: 2,
		},
		{
			name:      "what was there before is not ready again, which is the service's affair",
			meanwhile: func(s *shop) { s.slow = true },
			events:    "changing, waiting", image: good, patches: 2,
			notes: "no bad pod is left, and the rollout back was not complete at",
		},
		{
			name: "the API server is away for a while",
			meanwhile: func(s *shop) {
				until := time.Now().Add(20 * time.Second)
				s.before = func(client.Patch) (bool, error) { return time.Now().Before(until), errors.New("connection refused") }
			},
			events: "changing, waiting, rolled back", image: good, patches: 1 + 41,
		},
		{
			name: "the account has lost the right",
			meanwhile: func(s *shop) {
				s.before = func(client.Patch) (bool, error) { return true, forbidden() }
			},
			undo:   "give the account the right to patch deployments, or use another account; run sweep",
			events: "changing, waiting", image: bad, patches: 2,
		},
		{
			name: "the answer to putting it back is lost",
			meanwhile: func(s *shop) {
				s.answer = func(err error) error { s.answer = nil; return errors.Join(err, errors.New("connection reset")) }
			},
			events: "changing, waiting, rolled back", image: good, patches: 2,
		},
		{
			name: "the answer to putting it in place is lost",
			prepare: func(s *shop) {
				s.answer = func(err error) error { s.answer = nil; return errors.Join(err, errors.New("connection reset")) }
			},
			inject: "connection reset",
			events: "changing, rolled back", image: good, patches: 2,
		},
		{
			name: "the request that puts it in place is lost, and comes too late after that",
			prepare: func(s *shop) {
				s.before = func(client.Patch) (bool, error) { s.before = nil; return true, errors.New("connection reset") }
			},
			inject: "connection reset",
			events: "changing", image: good, patches: 3,
		},
		{
			name: "the request that puts it in place is lost, and the API server stays away",
			prepare: func(s *shop) {
				s.before = func(client.Patch) (bool, error) { return true, errors.New("connection reset") }
			},
			inject: "connection reset",
			undo:   "the request for image " + bad + " had no answer, and may still come: patch deployment checkout in shop: connection reset; run sweep",
			events: "changing", image: good, patches: 242,
		},
		{
			name: "the deployment is deleted",
			meanwhile: func(s *shop) {
				if err := s.client.Delete(context.Background(), s.get()); err != nil {
					s.t.Error(err)
				}
			},
			events: "changing, waiting", patches: 1,
			notes: "the workload was deleted, so that there is nothing to roll back",
		},
		{
			name:    "it was refused",
			prepare: func(s *shop) { s.before = func(client.Patch) (bool, error) { return true, forbidden() } },
			inject:  "roll out a bad image of deployment checkout in shop: patch deployment checkout in shop: deployments.apps \"checkout\" is forbidden: no; give the account the right to patch deployments",
			events:  "changing", image: good, patches: 1,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			var s *shop
			r := play(t, func(t *testing.T) (experiments.Fault, func()) {
				s = newShop(t)
				if row.prepare != nil {
					row.prepare(s)
				}
				return &rollout.BadImage{Workload: s.workload()}, func() {
					if row.meanwhile != nil {
						row.meanwhile(s)
					}
				}
			})
			injected := r.injection.FailureReason
			if r.inject != nil {
				injected = r.inject.Error()
			}
			undone := ""
			if r.undo != nil {
				undone = r.undo.Error()
			}
			for _, said := range []struct{ what, got, want string }{{"injection", injected, row.inject}, {"undoing", undone, row.undo}, {"notes", r.notes, row.notes}} {
				if (said.want == "") != (said.got == "") || !strings.Contains(said.got, said.want) {
					t.Errorf("%s: %q, want %q", said.what, said.got, said.want)
				}
			}
			if row.image == "" {
				return
			}
			if r.kinds() != row.events || s.image() != row.image || s.patches != row.patches {
				t.Errorf("events %s, image %s, %d patches; want %s, %s, %d", r.kinds(), s.image(), s.patches, row.events, row.image, row.patches)
			}
			if left := len(s.get().Annotations); (left > 0) != (row.image == bad) {
				t.Errorf("annotations %v are left", s.get().Annotations)
			}
		})
	}
}

func TestWhatMayNotBeRolledOutIsRefused(t *testing.T) {
	protect := func(s *shop) {
		var p corev1.Pod
		if !s.has(&p, "b") {
			return
		}
		p.Labels["precious"] = "yes"
		if err := s.client.Update(context.Background(), &p); err != nil {
			s.t.Error(err)
		}
	}
	fault := func(change func(*rollout.BadImage)) func(s *shop) *rollout.BadImage {
		return func(s *shop) *rollout.BadImage {
			b := &rollout.BadImage{Workload: s.workload()}
			change(b)
			return b
		}
	}
	asIs := fault(func(*rollout.BadImage) {})
	for _, row := range []struct {
		name    string
		change  func(*appsv1.Deployment)
		prepare func(*shop)
		fault   func(*shop) *rollout.BadImage
		refused bool
		want    string
	}{
		{"nothing is said", nil, nil, func(*shop) *rollout.BadImage { return &rollout.BadImage{} }, false, "needs a client of a cluster"},
		{"another namespace", nil, nil, fault(func(b *rollout.BadImage) { b.Namespace = "bank" }), false, "there is no deployment checkout in bank"},
		{"no such deployment", nil, nil, fault(func(b *rollout.BadImage) { b.Name = "cart" }), false, "there is no deployment cart in shop"},
		{"a protected pod", nil, protect, asIs, true, "pod b matches the selector and is protected"},
		{"a rollout is under way", func(d *appsv1.Deployment) { d.Status.UpdatedReplicas = 1 }, nil, asIs, true, "a rollout is under way, 1 of 2 pods are up to date"},
		{"old pods are left", func(d *appsv1.Deployment) { d.Status.Replicas = 3 }, nil, asIs, true, "a rollout is under way, 2 of 3 pods are up to date"},
		{"a change that nobody has seen", func(d *appsv1.Deployment) { d.Generation = 7 }, nil, asIs, true, "a change is under way, its controller has seen generation 1 of 7"},
		{"a paused one", func(d *appsv1.Deployment) { d.Spec.Paused = true }, nil, asIs, true, "no rollout of deployment checkout in shop reaches every pod: its rollouts are paused"},
		{"the bad image of another run", func(d *appsv1.Deployment) {
			d.Annotations = map[string]string{rollout.Annotation: `{"run":"4f1c2a9d3b"}`}
		}, nil, asIs, true, `has a bad image of a run already, or had one (aftershock.dev/bad-image: {"run":"4f1c2a9d3b"}); wait for that run, or remove it with sweep`},
		{"no such container", nil, nil, fault(func(b *rollout.BadImage) { b.Container = "sidecar" }), true, `no container "sidecar" in deployment checkout in shop; name one of app`},
		{"one of two, and which is not said", func(d *appsv1.Deployment) {
			d.Spec.Template.Spec.Containers = append(d.Spec.Template.Spec.Containers, corev1.Container{Name: "proxy"})
		}, nil, asIs, true, `no container "" in deployment checkout in shop; name one of app, proxy`},
		{"the very image", nil, nil, fault(func(b *rollout.BadImage) { b.Image = good }), true, "has the image " + good + " already"},
		{"no pod runs", nil, func(s *shop) { s.remove("a"); s.remove("b") }, asIs, true, "has no running pod"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newShop(t, func(d *appsv1.Deployment) {
				if row.change != nil {
					row.change(d)
				}
			})
			if row.prepare != nil {
				row.prepare(s)
			}
			f := row.fault(s)
			_, err := f.Inject(t.Context(), record.NewRecorder(&bytes.Buffer{}))
			if err == nil || !strings.Contains(err.Error(), row.want) || errors.Is(err, faults.ErrRefused) != row.refused {
				t.Errorf("error %v, want %q, refused %t", err, row.want, row.refused)
			}
			if _, err := f.Preview(t.Context(), "preflight"); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("preview's error %v, want %q", err, row.want)
			}
			if s.patches > 0 {
				t.Error("the deployment was patched")
			}
		})
	}
}

func TestAPreviewChangesNothing(t *testing.T) {
	s := newShop(t)
	for _, row := range []struct {
		name    string
		fault   experiments.Previewer
		warning string
	}{
		{"of a restart", &rollout.Restart{Workload: s.workload()}, ""},
		{"of a bad image, with a warning", &rollout.BadImage{Workload: s.workload()}, `the bad image stays until "aftershock sweep"`},
	} {
		t.Run(row.name, func(t *testing.T) {
			version := s.get().ResourceVersion
			got, err := row.fault.Preview(t.Context(), "preflight")
			if err != nil || got.Requested != 2 || len(got.Candidates) != 2 || len(got.Effects) != 1 || !strings.Contains(got.Warning, row.warning) {
				t.Errorf("%+v, %v", got, err)
			}
			if s.get().ResourceVersion != version {
				t.Error("the deployment was changed")
			}
		})
	}
}

func TestTheDefaultImageIsOfTheSameRepository(t *testing.T) {
	for image, want := range map[string]string{
		"checkout":                         "checkout:aftershock-missing",
		"shop/checkout:1.2":                "shop/checkout:aftershock-missing",
		good:                               bad,
		"registry.example:5000/checkout":   "registry.example:5000/checkout:aftershock-missing",
		"shop/checkout@sha256:0b1c":        "shop/checkout:aftershock-missing",
		"shop/checkout:1.2@sha256:0b1c2d3": "shop/checkout:aftershock-missing",
	} {
		s := newShop(t, func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Image = image })
		got, err := (&rollout.BadImage{Workload: s.workload()}).Preview(t.Context(), "preflight")
		if err != nil {
			t.Fatal(err)
		}
		if d, ok := got.Object.(*appsv1.Deployment); !ok || d.Spec.Template.Spec.Containers[0].Image != want {
			t.Errorf("of %s: %v, want %s", image, got.Object, want)
		}
	}
}

func TestASweepRollsBackWhatAKilledRunLeft(t *testing.T) {
	scope := faults.Scope{Namespaces: []string{"shop"}}
	for _, row := range []struct {
		name      string
		meanwhile func(*shop)
		scope     faults.Scope
		removed   bool
		err       string
		note      string
		image     string
	}{
		{name: "the image is put back", scope: scope, removed: true, note: "restored image " + good + " of container app", image: good},
		{name: "another run's stays", scope: faults.Scope{Namespaces: []string{"shop"}, Of: func(run string) bool { return run == "another" }}, image: bad},
		{name: "another namespace's stays", scope: faults.Scope{Namespaces: []string{"bank"}}, image: bad},
		{name: "what another client has set stays", scope: scope, meanwhile: func(s *shop) { s.setImage("shop/checkout:3"); s.remove("c") }, removed: true, note: `container app had the image "shop/checkout:3" by then, which was left unchanged`, image: "shop/checkout:3"},
		{name: "bad pods that do not go are told", scope: scope, meanwhile: func(s *shop) { s.stuck = true }, err: "remove bad image of Deployment/shop/checkout, left behind by run ", image: good},
		{name: "no namespace", err: "no namespace; say where to look", image: bad},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShop(t)
				rec := record.NewRecorder(&bytes.Buffer{})
				if _, err := (&rollout.BadImage{Workload: s.workload()}).Inject(t.Context(), rec); err != nil {
					t.Fatal(err)
				}
				// Here the harness dies.
				if row.meanwhile != nil {
					row.meanwhile(s)
				}
				removed, err := rollout.Sweep(t.Context(), s.client, row.scope, 0)
				time.Sleep(time.Minute)
				if (err == nil) != (row.err == "") || (err != nil && !strings.Contains(err.Error(), row.err)) {
					t.Errorf("error %v, want %q", err, row.err)
				}
				if (len(removed) == 1) != row.removed || s.image() != row.image {
					t.Fatalf("removed %v, image %s; want %t, %s", removed, s.image(), row.removed, row.image)
				}
				if !row.removed {
					return
				}
				if want := "bad image of Deployment/shop/checkout, left behind by run " + rec.Run(); removed[0].String() != want || len(removed[0].Notes) != 1 || removed[0].Notes[0] != row.note {
					t.Errorf("removed %s with notes %q, want %s with %q", removed[0], removed[0].Notes, want, row.note)
				}
				if left, err := rollout.Find(t.Context(), s.client, row.scope); err != nil || len(left) > 0 {
					t.Errorf("left %v, %v", left, err)
				}
			})
		})
	}
}

// The label with which a request is kept from coming late stays if the API goes away
// before it is removed.
func TestASweepRemovesTheLabelOfARunWhoseAPIWentAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		s.before = func(client.Patch) (bool, error) {
			if s.patches == 2 { // the label
				return false, nil
			}
			return true, errors.New("connection reset")
		}
		rec := record.NewRecorder(&bytes.Buffer{})
		fault := &rollout.BadImage{Workload: s.workload()}
		if _, err := fault.Inject(t.Context(), rec); err == nil {
			t.Fatal("the fault was injected")
		}
		if _, err := fault.Recover(t.Context(), rec); err == nil || !strings.Contains(err.Error(), "run sweep") {
			t.Fatalf("undoing: %v, want that it says to sweep", err)
		}
		s.before = nil
		scope := faults.Scope{Namespaces: []string{"shop"}}
		others := faults.Scope{Namespaces: []string{"shop"}, Of: func(run string) bool { return run != rec.Run() }}
		if left, err := rollout.Find(t.Context(), s.client, others); err != nil || len(left) > 0 {
			t.Errorf("of other runs: %v, %v", left, err)
		}
		want := "label aftershock.dev/fence of Deployment/shop/checkout, left behind by run " + rec.Run()
		if left, err := rollout.Find(t.Context(), s.client, scope); err != nil || len(left) != 1 || left[0].String() != want {
			t.Errorf("left %v, %v; want %s", left, err, want)
		}
		if removed, err := rollout.Sweep(t.Context(), s.client, scope, 0); err != nil || len(removed) != 1 || removed[0].String() != want {
			t.Errorf("removed %v, %v; want %s", removed, err, want)
		}
		if left := s.get().Labels["aftershock.dev/fence"]; left != "" || s.image() != good {
			t.Errorf("label %q, image %s", left, s.image())
		}
	})
}

func TestANoteThatCannotBeReadIsAnError(t *testing.T) {
	s := newShop(t, func(d *appsv1.Deployment) { d.Annotations = map[string]string{rollout.Annotation: "yes"} })
	_, err := rollout.Find(t.Context(), s.client, faults.Scope{Namespaces: []string{"shop"}})
	if err == nil || !strings.Contains(err.Error(), `annotation aftershock.dev/bad-image is "yes", which does not name the previous image: correct the image by hand`) {
		t.Errorf("error %v", err)
	}
}

// full is a disk that has room for the header of a record.
type full struct{ written bool }

func (f *full) Write(p []byte) (int, error) {
	if f.written {
		return 0, errors.New("no space left on device")
	}
	f.written = true
	return len(p), nil
}

func TestWhatCannotBeWrittenDownIsNotDone(t *testing.T) {
	for _, fault := range []func(rollout.Workload) experiments.Fault{
		func(w rollout.Workload) experiments.Fault { return &rollout.BadImage{Workload: w} },
		func(w rollout.Workload) experiments.Fault { return &rollout.Restart{Workload: w} },
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newShop(t)
			f, rec := fault(s.workload()), record.NewRecorder(&full{})
			if _, err := f.Inject(t.Context(), rec); err == nil || !strings.Contains(err.Error(), "no space left on device") {
				t.Errorf("%s: error %v, want the disk's", f, err)
			}
			if _, err := f.Recover(t.Context(), rec); err != nil {
				t.Errorf("%s: undo: %v", f, err)
			}
			if s.patches != 0 {
				t.Errorf("%s: %d changes of the deployment that no record names", f, s.patches)
			}
		})
	}
}
