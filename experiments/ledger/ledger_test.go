package ledger_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgo "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/experiments/ledger"
	"github.com/aftershockhq/aftershock/record"
)

const home = "aftershock"

func cluster(t *testing.T, funcs interceptor.Funcs, objects ...client.Object) client.WithWatch {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgo.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	return fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithInterceptorFuncs(funcs).Build()
}

func slow() *v1alpha1.NetworkChaos {
	return &v1alpha1.NetworkChaos{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "slow"}}
}

func checkout() *appsv1.Deployment {
	return &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout"}}
}

// begun is a ledger of a run, and what is noted.
func begun(t *testing.T, c client.Client, with *ledger.Switch) (l *ledger.Ledger, rec *record.Recorder, notes func() string) {
	t.Helper()
	var text bytes.Buffer
	rec = record.NewRecorder(&text)
	l = &ledger.Ledger{Client: c, Namespace: home, Experiment: "checkout/network/delay", Switch: with}
	if err := l.Begin(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	return l, rec, func() string {
		rec.Flush()
		return text.String()
	}
}

// written are the lines of a run's ledger; nil: there is no ledger.
func written(t *testing.T, c client.Client, run string) []string {
	t.Helper()
	var m corev1.ConfigMap
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: home, Name: "aftershock-run-" + run}, &m); apierrors.IsNotFound(err) {
		return nil
	} else if err != nil {
		t.Fatal(err)
	}
	if m.Labels[faults.RunLabel] != run || m.Labels[faults.ManagedLabel] != faults.Managed {
		t.Errorf("labels %v", m.Labels)
	}
	return strings.Split(strings.TrimSpace(m.Data["changes"]), "\n")
}

const (
	createdSlow     = "created chaos-mesh.org/v1alpha1 NetworkChaos shop/slow"
	changedCheckout = "changed apps/v1 Deployment shop/checkout"
)

func TestAChangeIsWrittenDownBeforeItIsMade(t *testing.T) {
	var c client.WithWatch
	var run string
	var before []string // the ledger at each change
	look := func(ctx context.Context, o client.Object) {
		if _, own := o.(*corev1.ConfigMap); !own {
			before = append(before, strings.Join(written(t, c, run), "; "))
		}
	}
	c = cluster(t, interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, options ...client.CreateOption) error {
			look(ctx, o)
			return c.Create(ctx, o, options...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, options ...client.PatchOption) error {
			look(ctx, o)
			return c.Patch(ctx, o, p, options...)
		},
		Update: func(ctx context.Context, c client.WithWatch, o client.Object, options ...client.UpdateOption) error {
			look(ctx, o)
			return c.Update(ctx, o, options...)
		},
	}, checkout())
	l, rec, _ := begun(t, c, nil)
	run = rec.Run()
	w, patch := l.Writing(c), client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"annotations":{"a":"b"}}}`))
	dry := slow()
	if err := errors.Join(w.Create(t.Context(), dry, client.DryRunAll), w.Patch(t.Context(), checkout(), patch, client.DryRunAll)); err != nil {
		t.Fatal(err)
	}
	if got := written(t, c, run); got != nil {
		t.Errorf("a dry run wrote %q", got)
	}
	before = nil
	if err := errors.Join(w.Create(t.Context(), slow()), w.Patch(t.Context(), slow(), patch), w.Patch(t.Context(), checkout(), patch)); err != nil {
		t.Fatal(err)
	}
	var d appsv1.Deployment
	if err := errors.Join(w.Get(t.Context(), client.ObjectKeyFromObject(checkout()), &d), w.Update(t.Context(), &d)); err != nil {
		t.Fatal(err)
	}
	all := createdSlow + "; " + changedCheckout
	// Chaos Mesh's objects are patched only to be freed.
	if want := []string{createdSlow, createdSlow, all, all}; !slices.Equal(before, want) {
		t.Errorf("before the changes:\n%s\nwant\n%s", strings.Join(before, "\n"), strings.Join(want, "\n"))
	}
}

func TestTheLedgerIsDeletedOnceNothingIsLeft(t *testing.T) {
	for _, row := range []struct {
		sentence string
		then     func(c client.Client, rec *record.Recorder) error
		kept     bool
		lines    string // of what is kept
	}{
		{"what was created is gone", func(c client.Client, _ *record.Recorder) error { return c.Delete(context.Background(), slow()) }, false, ""},
		{"it is still there", func(client.Client, *record.Recorder) error { return nil }, true, createdSlow},
		{"the fault could not be undone", func(c client.Client, rec *record.Recorder) error {
			rec.Record(record.Entry{Removal: &record.Removal{Error: "conflict"}})
			return c.Delete(context.Background(), slow())
		}, true, createdSlow},
		{"its object is gone, and it may be in a pod", func(c client.Client, rec *record.Recorder) error {
			rec.Event(record.Event{Kind: record.EventUnproven, Subject: "pod/shop/checkout-1", UID: "1"})
			rec.Record(record.Entry{Removal: &record.Removal{Error: "its finalizers were removed"}})
			return c.Delete(context.Background(), slow())
		}, true, createdSlow + "; unproven v1 Pod shop/checkout-1 1"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			c := cluster(t, interceptor.Funcs{}, checkout())
			l, rec, notes := begun(t, c, &ledger.Switch{Image: "a", ServiceAccount: "b", Args: func(string) []string { return nil }})
			if err := l.Writing(c).Create(t.Context(), slow()); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(row.then(c, rec), l.End(t.Context())); err != nil {
				t.Fatal(err)
			}
			if got := written(t, c, rec.Run()); (got != nil) != row.kept || strings.Join(got, "; ") != row.lines {
				t.Errorf("the ledger has %q, want %q", got, row.lines)
			}
			var jobs batchv1.JobList
			if err := c.List(t.Context(), &jobs); err != nil || (len(jobs.Items) > 0) != row.kept {
				t.Errorf("%d switches, %v", len(jobs.Items), err)
			}
			if got := strings.Contains(notes(), "what may be left, and the dead-man switch sweeps it"); got != row.kept {
				t.Errorf("notes %s", notes())
			}
			if err := l.Writing(c).Update(t.Context(), checkout()); !errors.Is(err, faults.ErrNotRequested) {
				t.Errorf("a change after the end: %v", err)
			}
		})
	}
}

func TestAChangeThatCannotBeWrittenDownIsNotMade(t *testing.T) {
	configMaps := schema.GroupResource{Resource: "configmaps"}
	for _, row := range []struct {
		sentence string
		answer   func(try int) (err error, done bool) // done: but the answer is lost
		want     string                               // empty: it is made
	}{
		{"a right is missing", func(int) (error, bool) { return apierrors.NewForbidden(configMaps, "", errors.New("no role")), false }, "the right to list, create, update and delete configmaps in aftershock"},
		{"the namespace is missing", func(int) (error, bool) { return apierrors.NewNotFound(configMaps, ""), false }, "kubectl create namespace aftershock"},
		{"the server fails for long", func(int) (error, bool) { return apierrors.NewInternalError(errors.New("etcd")), false }, "etcd"},
		{"the server fails once", func(try int) (error, bool) {
			if try == 0 {
				return apierrors.NewInternalError(errors.New("etcd")), false
			}
			return nil, true
		}, ""},
		{"an answer is lost", func(try int) (error, bool) {
			if try == 0 {
				return errors.New("EOF"), true
			}
			return nil, true
		}, ""},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			try := 0
			c := cluster(t, interceptor.Funcs{
				Create: func(ctx context.Context, c client.WithWatch, o client.Object, options ...client.CreateOption) error {
					if _, own := o.(*corev1.ConfigMap); !own {
						return c.Create(ctx, o, options...)
					}
					answer, done := row.answer(try)
					if try++; done {
						if err := c.Create(ctx, o, options...); err != nil {
							return err
						}
					}
					return answer
				},
			})
			synctest.Test(t, func(t *testing.T) {
				l, rec, _ := begun(t, c, nil)
				err := l.Writing(c).Create(t.Context(), slow())
				there := c.Get(t.Context(), client.ObjectKeyFromObject(slow()), slow()) == nil
				if row.want == "" {
					if err != nil || !there || !slices.Equal(written(t, c, rec.Run()), []string{createdSlow}) {
						t.Errorf("%v; it is there: %t; written: %q", err, there, written(t, c, rec.Run()))
					}
					return
				}
				if err == nil || there || !strings.Contains(err.Error(), row.want) || !faults.Rejected(err) {
					t.Errorf("%v, want %q; it is there: %t", err, row.want, there)
				}
			})
		})
	}
}

func TestUndoingNeedsNoLedger(t *testing.T) {
	no := func(o client.Object) error {
		if _, own := o.(*corev1.ConfigMap); own {
			return apierrors.NewForbidden(schema.GroupResource{}, "", errors.New("no role any more"))
		}
		return nil
	}
	failing := false
	c := cluster(t, interceptor.Funcs{Update: func(ctx context.Context, c client.WithWatch, o client.Object, options ...client.UpdateOption) error {
		if err := no(o); failing && err != nil {
			return err
		}
		return c.Update(ctx, o, options...)
	}}, checkout(), &v1alpha1.PodNetworkChaos{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "a"}})
	l, rec, _ := begun(t, c, nil)
	w, patch := l.Writing(c), client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"annotations":{"a":"b"}}}`))
	if err := w.Patch(t.Context(), checkout(), patch); err != nil {
		t.Fatal(err)
	}
	failing = true
	if err := errors.Join(w.Patch(t.Context(), checkout(), patch), w.Patch(t.Context(), &v1alpha1.PodNetworkChaos{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "a"}}, patch)); err != nil {
		t.Error(err)
	}
	if got := written(t, c, rec.Run()); !slices.Equal(got, []string{changedCheckout}) {
		t.Errorf("%q", got)
	}
}

func TestALedgerThatIsDeletedUnderWayIsWrittenAgain(t *testing.T) {
	c := cluster(t, interceptor.Funcs{}, checkout())
	l, rec, _ := begun(t, c, nil)
	if err := l.Writing(c).Create(t.Context(), slow()); err != nil {
		t.Fatal(err)
	}
	if err := c.Delete(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: home, Name: "aftershock-run-" + rec.Run()}}); err != nil {
		t.Fatal(err)
	}
	if err := l.Writing(c).Update(t.Context(), checkout()); err != nil {
		t.Fatal(err)
	}
	if got := written(t, c, rec.Run()); !slices.Equal(got, []string{createdSlow, changedCheckout}) {
		t.Errorf("%q", got)
	}
}

func TestWhatLostItsLabelsIsFoundAndGetsThemBack(t *testing.T) {
	c := cluster(t, interceptor.Funcs{}, checkout())
	l, rec, _ := begun(t, c, nil)
	w := l.Writing(c)
	if err := errors.Join(w.Create(t.Context(), slow()), w.Update(t.Context(), checkout())); err != nil {
		t.Fatal(err)
	}
	books, err := ledger.Read(t.Context(), c, home)
	if err != nil || len(books) != 1 || books[0].Run != rec.Run() {
		t.Fatalf("%v, %v", books, err)
	}
	left, err := books[0].Find(t.Context(), c, func(schema.GroupKind) bool { return true })
	if err != nil || len(left) != 1 || left[0].String() != "NetworkChaos/shop/slow, left behind by run "+rec.Run() {
		t.Errorf("%v, %v", left, err)
	}
	if err := books[0].Label(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	got := slow()
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(got), got); err != nil || got.Labels[faults.RunLabel] != rec.Run() || got.Labels[faults.ManagedLabel] != faults.Managed {
		t.Errorf("%v, %v", got.Labels, err)
	}
}

func TestALineThatIsNoneIsAnErrorOfItsBook(t *testing.T) {
	for _, line := range []string{"created", "removed v1 Pod a/b", "created v1 Pod ab", "created a/b/c Pod a/b"} {
		c := cluster(t, interceptor.Funcs{}, &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: home, Name: "aftershock-run-1", Labels: map[string]string{faults.ManagedLabel: faults.Managed, faults.RunLabel: "1"}},
			Data:       map[string]string{"changes": line + "\n" + createdSlow + "\n"},
		})
		books, err := ledger.Read(t.Context(), c, home)
		if err != nil || len(books) != 1 || len(books[0].Entries) != 1 || books[0].Unread == nil || !strings.Contains(books[0].Unread.Error(), line) {
			t.Errorf("%q: %v, %v", line, books, err)
		}
	}
}

// pod is of a switch.
func pod(run string, state corev1.ContainerState) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: home, Name: "switch", Labels: map[string]string{ledger.SwitchLabel: run}},
		Status:     corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{{Name: "switch", Ready: state.Running != nil, State: state}}},
	}
}

func TestNothingIsInjectedUntilTheSwitchRuns(t *testing.T) {
	for _, row := range []struct {
		sentence string
		state    corev1.ContainerState
		after    time.Duration // the pod comes; zero: never
		want     string
	}{
		{"it runs soon", corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}, 10 * time.Second, ""},
		{"its image cannot be pulled", corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: "no such image"}}, time.Second, "ErrImagePull no such image"},
		{"it crashes", corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 3, Message: "out of memory"}}, time.Second, "ended with 3: out of memory"},
		{"it has no account", corev1.ContainerState{}, 0, "is there a ServiceAccount sweeper in aftershock?"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			c := cluster(t, interceptor.Funcs{})
			synctest.Test(t, func(t *testing.T) {
				with := &ledger.Switch{Image: "aftershock:1", ServiceAccount: "sweeper", Longest: 2 * time.Minute, Args: func(run string) []string { return []string{"sweep", run} }}
				l, rec, _ := begun(t, c, with)
				var jobs batchv1.JobList
				if err := c.List(t.Context(), &jobs, client.InNamespace(home), client.MatchingLabels{ledger.SwitchLabel: rec.Run(), faults.RunLabel: rec.Run()}); err != nil || len(jobs.Items) != 1 {
					t.Fatalf("%v, %v", jobs.Items, err)
				}
				job := jobs.Items[0].Spec
				spec := job.Template.Spec
				if look := spec.InitContainers; len(look) != 1 || look[0].Image != "aftershock:1" || !slices.Equal(look[0].Args, []string{"sweep", rec.Run(), ledger.LookFlag}) ||
					!reflect.DeepEqual(look[0].SecurityContext, spec.Containers[0].SecurityContext) || !reflect.DeepEqual(look[0].Resources, spec.Containers[0].Resources) {
					t.Errorf("%+v", look)
				}
				if *job.ActiveDeadlineSeconds != 17*60 || *job.BackoffLimit != 4 || *job.TTLSecondsAfterFinished == 0 || !*spec.AutomountServiceAccountToken ||
					spec.ServiceAccountName != "sweeper" || spec.Containers[0].Image != "aftershock:1" || !slices.Equal(spec.Containers[0].Args, []string{"sweep", rec.Run()}) {
					t.Errorf("%+v", job)
				}
				if row.after > 0 {
					time.AfterFunc(row.after, func() {
						if err := c.Create(context.Background(), pod(rec.Run(), row.state)); err != nil {
							t.Error(err)
						}
					})
				}
				err := l.Ready(t.Context())
				if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
					t.Errorf("%v, want %q", err, row.want)
				}
				if err := l.End(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// An older switch may not know how to undo what this version changes.
func TestASwitchOfAnotherVersionIsNotedOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "termination-log")
	if err := ledger.TellVersion(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, want that only the kubelet makes the file", err)
	}
	if err := os.WriteFile(path, []byte("what was there"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := ledger.TellVersion(path); err != nil {
		t.Fatal(err)
	}
	own, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for version, want := range map[string]int{string(own): 0, "v0.9.0": 1, "": 1} {
		c := cluster(t, interceptor.Funcs{})
		l, rec, recorded := begun(t, c, &ledger.Switch{Image: "aftershock:1", ServiceAccount: "sweeper", Args: func(string) []string { return nil }})
		p := pod(rec.Run(), corev1.ContainerState{Running: &corev1.ContainerStateRunning{}})
		p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "look", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Message: version}}}}
		if err := c.Create(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(l.Ready(t.Context()), l.Ready(t.Context())); err != nil {
			t.Error(err)
		}
		if got := strings.Count(recorded(), "ledger and dead-man switch in aftershock: pod switch: its image has"); got != want {
			t.Errorf("%q: %d notes, want %d:\n%s", version, got, want, recorded())
		}
	}
}

// A container that runs may have done nothing yet. That the switch can sweep is known
// once its first look has ended.
func TestNothingIsInjectedUntilTheSwitchHasLooked(t *testing.T) {
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	initializing := corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "PodInitializing"}}
	ended := func(code int32, message string) corev1.ContainerState {
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Message: message}}
	}
	for _, row := range []struct {
		sentence   string
		look, main corev1.ContainerState
		before     *corev1.ContainerState // the look of an earlier pod of the Job; nil: there is none
		least      time.Duration
		most       time.Duration
		want       string
	}{
		{"it has looked, and runs", ended(0, ""), running, nil, 0, time.Second, ""},
		{"it looks", running, initializing, nil, 45 * time.Second, 46 * time.Second, "pod switch is looking whether it can sweep"},
		{"its image cannot be pulled", corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: "no such image"}}, initializing, nil, 45 * time.Second, 46 * time.Second, "ErrImagePull no such image"},
		{"it may not sweep, which is said at once", ended(3, "forbidden"), initializing, nil, 0, time.Second, "pod switch cannot sweep, and ended with 3: forbidden"},
		{"it was killed while it looked, and may be made again", ended(137, "evicted"), initializing, nil, 45 * time.Second, 46 * time.Second, "pod switch was killed while it looked"},
		{"an earlier pod could not, and this one can", ended(0, ""), running, new(ended(137, "evicted")), 0, time.Second, ""},
		{"it has looked, and crashes", ended(0, ""), ended(2, "panic"), nil, 45 * time.Second, 46 * time.Second, "ended with 2: panic"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			c := cluster(t, interceptor.Funcs{})
			synctest.Test(t, func(t *testing.T) {
				l, rec, _ := begun(t, c, &ledger.Switch{Image: "aftershock:1", ServiceAccount: "sweeper", Args: func(string) []string { return nil }})
				made := func(name string, look, main corev1.ContainerState) {
					p := pod(rec.Run(), main)
					mesh := corev1.ContainerStatus{Name: "mesh", State: running, Ready: true} // which another client puts into each pod
					p.Name, p.Status.InitContainerStatuses = name, []corev1.ContainerStatus{mesh, {Name: "look", State: look}}
					p.Status.ContainerStatuses = append([]corev1.ContainerStatus{mesh}, p.Status.ContainerStatuses...)
					if err := c.Create(t.Context(), p); err != nil {
						t.Fatal(err)
					}
				}
				made("switch", row.look, row.main)
				if row.before != nil {
					made("a", *row.before, initializing)
				}
				began := time.Now()
				err := l.Ready(t.Context())
				if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
					t.Errorf("%v, want %q", err, row.want)
				}
				if took := time.Since(began); took < row.least || took > row.most {
					t.Errorf("it took %s, want %s to %s", took, row.least, row.most)
				}
			})
		})
	}
}

func TestAPreflightTellsWhatTheLedgerLacks(t *testing.T) {
	for _, row := range []struct {
		kind client.Object
		want string
	}{
		{nil, ""},
		{&corev1.ConfigMap{}, "create a ConfigMap in aftershock"},
		{&batchv1.Job{}, "create a Job in aftershock"},
	} {
		c := cluster(t, interceptor.Funcs{Create: func(ctx context.Context, c client.WithWatch, o client.Object, options ...client.CreateOption) error {
			if row.kind != nil && schemaOf(t, c, o) == schemaOf(t, c, row.kind) {
				return apierrors.NewForbidden(schema.GroupResource{}, "", errors.New("no role"))
			}
			return c.Create(ctx, o, options...)
		}})
		l := &ledger.Ledger{Client: c, Namespace: home, Switch: &ledger.Switch{Args: func(string) []string { return nil }}}
		if err := l.Preflight(t.Context()); (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%v, want %q", err, row.want)
		}
	}
}

func schemaOf(t *testing.T, c client.Client, o client.Object) schema.GroupVersionKind {
	t.Helper()
	kind, err := c.GroupVersionKindFor(o)
	if err != nil {
		t.Fatal(err)
	}
	return kind
}

// An API server that takes no requests for a moment when a run ends keeps neither its
// ledger nor its switch.
func TestTheLedgerIsDeletedOnceTheServerAnswers(t *testing.T) {
	refused := 0
	c := cluster(t, interceptor.Funcs{Delete: func(ctx context.Context, c client.WithWatch, o client.Object, options ...client.DeleteOption) error {
		if refused++; refused <= 4 {
			return apierrors.NewTooManyRequests("later", 1)
		}
		return c.Delete(ctx, o, options...)
	}})
	l, _, notes := begun(t, c, &ledger.Switch{Image: "a", ServiceAccount: "b", Args: func(string) []string { return nil }})
	if err := l.End(t.Context()); err != nil {
		t.Fatal(err)
	}
	var jobs batchv1.JobList
	if err := c.List(t.Context(), &jobs); err != nil || len(jobs.Items) > 0 {
		t.Errorf("%d switches, %v; notes %s", len(jobs.Items), err, notes())
	}
}

// Two sweep a dead run at once: what one finds out is not deleted by the other.
func TestALedgerThatSomebodyAddsToIsNotDeleted(t *testing.T) {
	c := cluster(t, interceptor.Funcs{}, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: home, Name: "aftershock-run-1", Labels: faults.Labels("1")},
		Data:       map[string]string{"changes": createdSlow + "\na line of a newer version\n"},
	})
	read := func() ledger.Book {
		books, err := ledger.Read(t.Context(), c, home)
		if err != nil || len(books) != 1 {
			t.Fatal(books, err)
		}
		return books[0]
	}
	first, second := read(), read()
	if err := second.Doubt(t.Context(), c, "", faults.PodID{ObjectKey: client.ObjectKey{Namespace: "shop", Name: "checkout-1"}, UID: "1"}); err != nil {
		t.Fatal(err)
	}
	if err := first.Remove(t.Context(), c); err == nil {
		t.Error("it was deleted by one that had not read it")
	}
	if got, want := strings.Join(written(t, c, "1"), "; "), createdSlow+"; a line of a newer version; unproven v1 Pod shop/checkout-1 1"; got != want {
		t.Errorf("it has %q, want %q", got, want)
	}
	if err := second.Remove(t.Context(), c); err != nil || written(t, c, "1") != nil {
		t.Errorf("%v; it has %q", err, written(t, c, "1"))
	}
}

// A sweep by force may find out something about a run that lives.
func TestARunKeepsWhatASweepWritesIntoItsLedger(t *testing.T) {
	c := cluster(t, interceptor.Funcs{}, checkout())
	l, rec, notes := begun(t, c, nil)
	w := l.Writing(c)
	if err := w.Create(t.Context(), slow()); err != nil {
		t.Fatal(err)
	}
	sweep := func(name string) {
		books, err := ledger.Read(t.Context(), c, home)
		if err != nil || len(books) != 1 {
			t.Fatal(books, err)
		}
		if err := books[0].Doubt(t.Context(), c, "", faults.PodID{ObjectKey: client.ObjectKey{Namespace: "shop", Name: name}, UID: "1"}); err != nil {
			t.Fatal(err)
		}
	}
	sweep("a")
	if err := w.Update(t.Context(), checkout()); err != nil {
		t.Fatal(err)
	}
	sweep("b")
	if err := errors.Join(c.Delete(t.Context(), slow()), l.End(t.Context())); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(written(t, c, rec.Run()), "; "), createdSlow+"; unproven v1 Pod shop/a 1; "+changedCheckout+"; unproven v1 Pod shop/b 1"; got != want || !strings.Contains(notes(), "everything is undone, but not forgotten") {
		t.Errorf("the ledger has %q, want %q; notes %s", got, want, notes())
	}
}

// Others annotate what they find in a namespace.
func TestAnAnnotationDoesNotKeepALedger(t *testing.T) {
	c := cluster(t, interceptor.Funcs{})
	l, _, notes := begun(t, c, nil)
	if err := l.Writing(c).Create(t.Context(), slow()); err != nil {
		t.Fatal(err)
	}
	var maps corev1.ConfigMapList
	if err := c.List(t.Context(), &maps, client.InNamespace(home)); err != nil || len(maps.Items) != 1 {
		t.Fatal(maps.Items, err)
	}
	m := &maps.Items[0]
	m.Annotations["policy"] = "seen"
	if err := errors.Join(c.Update(t.Context(), m), c.Delete(t.Context(), slow()), l.End(t.Context())); err != nil {
		t.Fatal(err)
	}
	if books, err := ledger.Read(t.Context(), c, home); err != nil || len(books) > 0 {
		t.Errorf("the ledger is still there: %v %v; notes %s", books, err, notes())
	}
}

// The run may be killed before it ends.
func TestAPodInWhichAFaultMayBeIsWrittenDownAtOnce(t *testing.T) {
	c := cluster(t, interceptor.Funcs{})
	synctest.Test(t, func(t *testing.T) {
		l, rec, _ := begun(t, c, nil)
		if err := l.Writing(c).Create(t.Context(), slow()); err != nil {
			t.Fatal(err)
		}
		rec.Event(record.Event{Kind: record.EventUnproven, Subject: "pod/shop/checkout-1", UID: "1"})
		synctest.Wait()
		if got, want := strings.Join(written(t, c, rec.Run()), "; "), createdSlow+"; unproven v1 Pod shop/checkout-1 1"; got != want {
			t.Errorf("the ledger has %q, want %q", got, want)
		}
		if err := l.End(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A removal by force writes down first in which pods the fault may stay, and takes them out
// once it was seen to be undone there.
func TestADoubtLastsUntilItsFaultIsSeenToBeUndone(t *testing.T) {
	pod := func(name string) faults.PodID {
		return faults.PodID{ObjectKey: client.ObjectKey{Namespace: "shop", Name: name}, UID: "1"}
	}
	const one, two = "NetworkChaos/shop/slow", "StressChaos/shop/burn"
	line := func(name, fault string) string { return "unproven v1 Pod shop/" + name + " 1 " + fault }
	all := createdSlow + "; " + line("a", one) + "; " + line("b", one) + "; " + line("a", two)
	for _, row := range []struct {
		sentence string
		fault    string
		pods     []client.ObjectKey
		want     string
	}{
		{"in one pod of two", one, []client.ObjectKey{pod("a").ObjectKey}, createdSlow + "; " + line("b", one) + "; " + line("a", two)},
		{"in all", one, nil, createdSlow + "; " + line("a", two)},
		{"a fault that is in no doubt", "NetworkChaos/shop/fast", nil, all},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			c := cluster(t, interceptor.Funcs{})
			l, rec, _ := begun(t, c, nil)
			err := errors.Join(l.Writing(c).Create(t.Context(), slow()), l.Doubt(t.Context(), one, pod("a"), pod("b")), l.Doubt(t.Context(), two, pod("a")))
			if got := strings.Join(written(t, c, rec.Run()), "; "); err != nil || got != all {
				t.Fatalf("%v; the ledger has %q, want %q", err, got, all)
			}
			books, err := ledger.Read(t.Context(), c, home)
			if err != nil || len(books) != 1 {
				t.Fatal(books, err)
			}
			if err := l.Clear(t.Context(), row.fault, row.pods...); err != nil {
				t.Error(err)
			}
			if got := strings.Join(written(t, c, rec.Run()), "; "); got != row.want {
				t.Errorf("the ledger has %q, want %q", got, row.want)
			}
			// As a sweep does it.
			book := books[0]
			if err := errors.Join(book.Doubt(t.Context(), c, one, pod("a"), pod("b")), book.Clear(t.Context(), c, row.fault, row.pods...)); err != nil {
				t.Error(err)
			}
			lines := written(t, c, rec.Run())
			slices.Sort(lines)
			want := strings.Split(row.want, "; ")
			slices.Sort(want)
			if !slices.Equal(lines, want) {
				t.Errorf("the swept ledger has %q, want %q", lines, want)
			}
		})
	}
}

// What could not be taken out of the ledger when a fault was undone is taken out at the end.
func TestAClearThatFailsIsDoneAtTheEnd(t *testing.T) {
	const fault = "NetworkChaos/shop/slow"
	away := false
	c := cluster(t, interceptor.Funcs{Update: func(ctx context.Context, c client.WithWatch, o client.Object, options ...client.UpdateOption) error {
		if away {
			return apierrors.NewServiceUnavailable("away")
		}
		return c.Update(ctx, o, options...)
	}})
	synctest.Test(t, func(t *testing.T) {
		l, rec, notes := begun(t, c, nil)
		in := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "a", UID: "1"}}
		err := errors.Join(c.Create(t.Context(), in), l.Doubt(t.Context(), fault, faults.PodIDOf(in)))
		away = true
		if want := "take out in which pods " + fault + " was undone"; err != nil {
			t.Fatal(err)
		} else if err := l.Clear(t.Context(), fault); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		time.AfterFunc(10*time.Second, func() { away = false })
		if err := l.End(t.Context()); err != nil {
			t.Error(err)
		}
		if got := written(t, c, rec.Run()); got != nil {
			t.Errorf("the ledger has %q; notes %s", got, notes())
		}
	})
}

// Another client deletes it once nothing is left: it would stay.
func TestALedgerThatIsGoneIsNotMadeAgainToTakeOutOfIt(t *testing.T) {
	const fault = "NetworkChaos/shop/slow"
	c := cluster(t, interceptor.Funcs{})
	l, rec, _ := begun(t, c, nil)
	if err := errors.Join(l.Writing(c).Create(t.Context(), slow()), l.Doubt(t.Context(), fault, faults.PodID{ObjectKey: client.ObjectKey{Namespace: "shop", Name: "a"}, UID: "1"})); err != nil {
		t.Fatal(err)
	}
	books, err := ledger.Read(t.Context(), c, home)
	if err != nil || len(books) != 1 {
		t.Fatal(books, err)
	}
	for _, row := range []struct {
		sentence string
		clear    func() error
	}{
		{"a run's", func() error { return l.Clear(t.Context(), fault) }},
		{"a swept one", func() error { return books[0].Clear(t.Context(), c, fault) }},
	} {
		if err := c.Delete(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: home, Name: "aftershock-run-" + rec.Run()}}); client.IgnoreNotFound(err) != nil {
			t.Fatal(err)
		}
		if err := row.clear(); err != nil {
			t.Error(err)
		}
		if got := written(t, c, rec.Run()); got != nil {
			t.Errorf("%s: it has %q", row.sentence, got)
		}
	}
}
