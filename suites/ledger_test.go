package suites

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	batchv1 "k8s.io/api/batch/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/experiments/ledger"
	"github.com/aftershockhq/aftershock/experiments/lock"
	"github.com/aftershockhq/aftershock/experiments/rollout"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/steadystate/kube/argo"
	"github.com/aftershockhq/aftershock/suites/rights"
)

// switched is the file with an image for dead-man switches.
var switched = strings.Replace(valid, "uid: 0b1c", "uid: 0b1c, image: aftershock:1", 1)

// killed is a run that has a lock, a ledger, a switch and a fault without labels in a
// namespace. die ends its renewals.
func killed(t *testing.T, s *Session, namespace string) (run string, die func()) {
	t.Helper()
	rec := record.NewRecorder(&bytes.Buffer{})
	l := &lock.Lock{Client: s.Client, Namespace: config.OwnNamespace, Workload: kube.Workload{Kind: kube.Deployment, Namespace: namespace, Name: "checkout"}, Who: "ann@laptop", Longest: time.Minute}
	book := s.ledgerOf("checkout/network/delay")
	book.Switch = &ledger.Switch{Image: "a", ServiceAccount: "b", Args: func(string) []string { return nil }}
	delay := &v1alpha1.NetworkChaos{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "slow"}}
	if err := errors.Join(l.Begin(t.Context(), rec), book.Begin(t.Context(), rec), book.Writing(s.Client).Create(t.Context(), delay)); err != nil {
		t.Fatal(err)
	}
	return rec.Run(), func() {
		var lease coordinationv1.Lease
		if err := errors.Join(s.Client.Get(t.Context(), client.ObjectKey{Namespace: config.OwnNamespace, Name: lock.Name(l.Workload)}, &lease), l.End(t.Context())); err != nil {
			t.Fatal(err)
		}
		lease.ResourceVersion = ""
		if err := s.Client.Create(t.Context(), &lease); err != nil {
			t.Fatal(err)
		}
	}
}

// remains are the names of what is in the cluster of runs.
func remains(t *testing.T, s *Session) string {
	t.Helper()
	var kinds []string
	for name, list := range map[string]client.ObjectList{
		"fault": &v1alpha1.NetworkChaosList{}, "lock": &coordinationv1.LeaseList{}, "ledger": &corev1.ConfigMapList{}, "switch": &batchv1.JobList{},
	} {
		if err := s.Client.List(t.Context(), list); err != nil {
			t.Fatal(err)
		}
		if meta.LenList(list) > 0 {
			kinds = append(kinds, name)
		}
	}
	slices.Sort(kinds)
	return strings.Join(kinds, " ")
}

func TestASweepFindsByTheLedgerWhatLabelsDoNot(t *testing.T) {
	const all = "fault ledger lock switch"
	for _, row := range []struct {
		sentence  string
		namespace string
		alive     bool
		how       func(run string) Sweeping
		remains   string
		says      string
		fails     string
	}{
		{"an object that lost its labels", "shop", false, func(string) Sweeping { return Sweeping{} }, "", "", ""},
		{"that of a living run stays", "shop", true, func(string) Sweeping { return Sweeping{} }, all, "", "left alone: NetworkChaos/shop/slow"},
		{"another run is named", "shop", false, func(string) Sweeping { return Sweeping{Run: "other"} }, all, "", ""},
		{"what the file does not name stays, and is said", "bank", false, func(string) Sweeping { return Sweeping{} }, all, "has changed something in bank", ""},
		{"it is removed if the run is named", "bank", false, func(run string) Sweeping { return Sweeping{Run: run} }, "", "", ""},
		{"unless it is alive", "bank", true, func(run string) Sweeping { return Sweeping{Run: run} }, all, "", "left alone: NetworkChaos/bank/slow"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			s := connected(t, valid, interceptor.Funcs{})
			synctest.Test(t, func(t *testing.T) {
				run, die := killed(t, s, row.namespace)
				if row.alive {
					defer die()
				} else {
					die()
				}
				how, said := row.how(run), ""
				how.Say = func(text string) { said += text + "\n" }
				removed, err := s.Sweep(t.Context(), how)
				if got := remains(t, s); got != row.remains || !strings.Contains(said, row.says) {
					t.Errorf("%q remain, want %q; removed %v; said %s", got, row.remains, removed, said)
				}
				if (err == nil) != (row.fails == "") || err != nil && !strings.Contains(err.Error(), row.fails) {
					t.Errorf("%v, want %q", err, row.fails)
				}
			})
		})
	}
}

func TestADeadManSwitchSweepsOnceTheRunIsDead(t *testing.T) {
	s := connected(t, valid, interceptor.Funcs{})
	synctest.Test(t, func(t *testing.T) {
		run, die := killed(t, s, "shop")
		other := &v1alpha1.NetworkChaos{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "other", Labels: map[string]string{faults.ManagedLabel: faults.Managed, faults.RunLabel: "other"}}}
		if err := s.Client.Create(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		began, ended := time.Now(), make(chan time.Duration, 1)
		go func() {
			if removed, err := s.Outlive(t.Context(), run, func(string) {}); err != nil || len(removed) != 4 {
				t.Errorf("removed %v, %v", removed, err)
			}
			ended <- time.Since(began)
		}()
		time.Sleep(5 * time.Minute)
		if got := remains(t, s); got != "fault ledger lock switch" {
			t.Errorf("it was swept while it was alive: %q remain", got)
		}
		die()
		took := <-ended - 5*time.Minute
		if took < 15*time.Second || took > time.Minute {
			t.Errorf("it was swept after %s, want it after its Lease has expired", took)
		}
		// Another run's fault is still there.
		if got := remains(t, s); got != "fault" {
			t.Errorf("%q remain", got)
		}
	})
}

// What another run has written down must not keep a run from being swept, and is no
// reason to say that everything was.
func TestTheLedgerOfAnotherRunKeepsNoRunFromBeingSwept(t *testing.T) {
	book := func(line string) *corev1.ConfigMap {
		return &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: config.OwnNamespace, Name: "aftershock-run-other", Labels: faults.Labels("other")},
			Data:       map[string]string{"changes": line + "\n"},
		}
	}
	for _, row := range []struct{ sentence, line, says, fails string }{
		{"a line of a newer version", "created v3 into shop", "the ledger of run other", "is not a line of a ledger"},
		{"a kind that the account may not get", "created chaos-mesh.org/v1alpha1 StressChaos shop/burn", "", "look for StressChaos shop/burn"},
		{"a kind that is not known", "created example.com/v1 Storm shop/rain", "", "no such kind is known"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			s := connected(t, valid, interceptor.Funcs{Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, options ...client.GetOption) error {
				if _, ok := o.(*v1alpha1.StressChaos); ok {
					return apierrors.NewForbidden(schema.GroupResource{Resource: "stresschaos"}, key.Name, errors.New("no role"))
				}
				return c.Get(ctx, key, o, options...)
			}}, book(row.line))
			synctest.Test(t, func(t *testing.T) {
				run, die := killed(t, s, "shop")
				die()
				said := ""
				say := func(text string) { said += text + "\n" }
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				if err := s.Look(ctx, run); err != nil {
					t.Errorf("its switch looks: %v", err)
				}
				if removed, err := s.Outlive(ctx, run, say); err != nil || len(removed) != 4 {
					t.Errorf("its switch removes %v, %v; said %s", removed, err, said)
				}
				if _, err := s.Sweep(t.Context(), Sweeping{Run: run, Say: say}); err != nil || !strings.Contains(said, row.says) {
					t.Errorf("a sweep of the run: %v; said %s, want %q", err, said, row.says)
				}
				if _, err := s.Sweep(t.Context(), Sweeping{}); err == nil || !strings.Contains(err.Error(), row.fails) {
					t.Errorf("a sweep of everything: %v, want %q", err, row.fails)
				}
			})
		})
	}
}

// The restart of a Rollout goes on without the run that requested it.
func TestADeadManSwitchEndsTheRestartOfARollout(t *testing.T) {
	s := connected(t, valid, interceptor.Funcs{})
	s.Seen = []kube.Kind{kube.ArgoRollout}
	synctest.Test(t, func(t *testing.T) {
		run, die := killed(t, s, "shop")
		r := &argo.Rollout{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "basket", UID: "r", Labels: map[string]string{rollout.RestartLabel: run + ".1796040000"}}}
		r.Spec.RestartAt = new(metav1.Unix(1796040000, 0))
		if err := s.Client.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		die()
		removed, err := s.Outlive(t.Context(), run, func(string) {})
		if err != nil || !strings.Contains(faults.Named(removed), "restart of Rollout/shop/basket, left behind by run "+run) {
			t.Errorf("removed %v, %v", removed, err)
		}
		if err := s.Client.Get(t.Context(), client.ObjectKeyFromObject(r), r); err != nil || r.Restarting() || len(r.Labels) > 0 {
			t.Errorf("%+v, %v; want its restart ended", r, err)
		}
	})
}

// A fault of a newer version, or one whose sweeper was forgotten, may still be in place.
func TestAChangeThatNoSweepRestoresIsNeverForgotten(t *testing.T) {
	book := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: config.OwnNamespace, Name: "aftershock-run-one", Labels: faults.Labels("one")},
		Data:       map[string]string{"changes": "changed v1 Service shop/checkout\nchanged apps/v1 Deployment shop/checkout\n"},
	}
	s := connected(t, valid, interceptor.Funcs{}, book)
	synctest.Test(t, func(t *testing.T) {
		removed, err := s.Sweep(t.Context(), Sweeping{})
		if want := "change of Service/shop/checkout, left behind by run one: no sweep restores it"; err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if got := remains(t, s); got != "ledger" || len(removed) > 0 {
			t.Errorf("%q remain, removed %v", got, removed)
		}
		said := ""
		how := Sweeping{Run: "one", Force: true, Say: func(text string) { said += text }}
		if _, err := s.Sweep(t.Context(), how); err != nil || !strings.Contains(said, "service shop/checkout is assumed to be free of the fault of run one") {
			t.Errorf("%v, said %s", err, said)
		}
		if got := remains(t, s); got != "" {
			t.Errorf("%q remain", got)
		}
	})
}

func TestADeadManSwitchThatMayNotListRolloutsSaysSoAtOnce(t *testing.T) {
	for _, changes := range []bool{false, true} {
		s := connected(t, valid, interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
			if _, ok := list.(*argo.RolloutList); ok {
				return apierrors.NewForbidden(schema.GroupResource{Group: argo.GroupVersion.Group, Resource: "rollouts"}, "", errors.New("no role"))
			}
			return c.List(ctx, list, options...)
		}})
		if changes {
			s.Seen = []kube.Kind{kube.ArgoRollout}
		}
		if err := s.Look(t.Context(), "1"); (err != nil) != changes || err != nil && !strings.Contains(err.Error(), "the right to list rollouts") {
			t.Errorf("of a run that may change one, %t: %v", changes, err)
		}
	}
}

func TestADeadManSwitchThatLacksARightSaysSoAtOnce(t *testing.T) {
	s := connected(t, valid, interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
		if _, ok := list.(*coordinationv1.LeaseList); ok {
			return apierrors.NewForbidden(schema.GroupResource{Resource: "leases"}, "", errors.New("no role"))
		}
		return c.List(ctx, list, options...)
	}})
	if err := s.Look(t.Context(), "1"); err == nil || !strings.Contains(err.Error(), "the right to list leases") {
		t.Error(err)
	}
}

// What may only read can find what is left, and not undo it.
func TestADeadManSwitchThatMayNotUndoTheRunSaysSoAtOnce(t *testing.T) {
	needs := []rights.Rule{
		{Namespace: config.OwnNamespace, Group: coordinationv1.GroupName, Resource: "leases", Verb: "delete"},
		{Namespace: "shop", Group: "apps", Resource: "deployments", Name: "checkout", Verb: "patch"},
	}
	const patch = "rights: missing in shop: {apiGroups: [apps], resources: [deployments], resourceNames: [checkout], verbs: [patch]}; add the rule, or all that are needed: aftershock rbac -f FILE | kubectl apply -f -"
	const remove = "rights: missing in aftershock: {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [delete]}; add the rule, or all that are needed: aftershock rbac -f FILE | kubectl apply -f -"
	for _, row := range []struct {
		sentence string
		create   func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error
		want     string
	}{
		{"it has all rights", lacking(), ""},
		{"it may not roll an image back", lacking("patch deployments.apps in shop"), patch},
		{"it may undo nothing", lacking("patch deployments.apps in shop", "delete leases.coordination.k8s.io in aftershock"), remove + "\n" + patch},
		{"a right that this run does not need", lacking("patch statefulsets.apps in shop"), ""},
		{"it may not ask", func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error {
			return apierrors.NewForbidden(schema.GroupResource{Group: "authorization.k8s.io", Resource: "selfsubjectaccessreviews"}, "", errors.New("no role"))
		}, "selfsubjectaccessreviews"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			s := connected(t, valid, interceptor.Funcs{Create: row.create})
			s.Needs = needs
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				err := s.Look(t.Context(), "1")
				if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
					t.Errorf("%v, want %q", err, row.want)
				}
				if took := time.Since(began); took > time.Second {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

// A server that is away for a moment is no reason to inject nothing, nor to leave a run
// unswept.
func TestADeadManSwitchRepeatsWhatMayPass(t *testing.T) {
	var away time.Time
	s := connected(t, valid, interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
		if _, jobs := list.(*batchv1.JobList); jobs && time.Now().Before(away) {
			return apierrors.NewInternalError(errors.New("etcd is away"))
		}
		return c.List(ctx, list, options...)
	}})
	synctest.Test(t, func(t *testing.T) {
		for _, row := range []struct {
			away time.Duration
			want string
		}{{10 * time.Second, ""}, {time.Minute, "etcd is away"}} {
			away = time.Now().Add(row.away)
			if err := s.Look(t.Context(), "1"); (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
				t.Errorf("away for %s: %v, want %q", row.away, err, row.want)
			}
		}
		run, die := killed(t, s, "shop")
		die()
		away = time.Now().Add(time.Minute)
		if removed, err := s.Outlive(t.Context(), run, func(string) {}); err != nil || len(removed) != 4 || time.Now().Before(away) {
			t.Errorf("removed %v, %v", removed, err)
		}
		s.Plan.Cluster.UID = "another"
		if err := s.Look(t.Context(), "1"); !errors.Is(err, ErrOtherCluster) {
			t.Errorf("a look: %v", err)
		}
		if _, err := s.Outlive(t.Context(), "1", func(string) {}); !errors.Is(err, ErrOtherCluster) {
			t.Errorf("a sweep: %v", err)
		}
	})
}

func TestABadImageNeedsADeadManSwitch(t *testing.T) {
	own := "experiments:\n  mine: {service: checkout, faults: {bad: {badImage: {}}}}\n"
	for _, row := range []struct{ sentence, text, skipped, refused string }{
		{"one of the catalogue is skipped without", strings.Replace(valid, "[all]", "[rollout/bad-image]", 1), "cluster.image", ""},
		{"one of the file's own is refused without", strings.Replace(valid, "[all]", "[pods/kill-one]", 1) + own, "", "cluster.image"},
		{"with one it runs", strings.Replace(switched, "[all]", "[rollout/bad-image]", 1), "", ""},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			s := connected(t, row.text, interceptor.Funcs{}, deployed("checkout"))
			able, err := s.Read(t.Context(), s.Plan.Planned)
			if (err == nil) != (row.refused == "") || err != nil && !strings.Contains(err.Error(), row.refused) {
				t.Fatalf("%v, want %q", err, row.refused)
			}
			i := slices.IndexFunc(s.Plan.Skipped, func(o config.Skipped) bool { return o.ID == "checkout/rollout/bad-image" })
			if (i >= 0) != (row.skipped != "") || i >= 0 && !strings.Contains(s.Plan.Skipped[i].Why, row.skipped) {
				t.Errorf("skipped: %v", s.Plan.Skipped)
			}
			if row.refused+row.skipped != "" {
				return
			}
			list, err := s.Experiments(able)
			if err != nil || len(list) != 1 {
				t.Fatalf("%v, %v", list, err)
			}
			bad, ok := list[0].Faults[0].Fault.(*rollout.BadImage)
			if !ok || !bad.Swept {
				t.Errorf("%+v", list[0].Faults[0].Fault)
			}
		})
	}
}

func TestEachExperimentHasALedgerAndASwitch(t *testing.T) {
	text := strings.Replace(switched, "checks:\n", "baseline: control\nchecks:\n", 1)
	_, list := made(t, strings.Replace(text, "[all]", "[pods/kill-one]", 1)+"experiments:\n  more: {service: checkout, faults: {more: {surge: {factor: 2x}}}}\n", deployed("checkout"))
	for _, row := range []struct{ name, want string }{
		{"control run of checkout/pods", "lock of deployment checkout in shop"},
		{"checkout/pods/kill-one", "lock of deployment checkout in shop, ledger and dead-man switch in aftershock"},
		{"checkout/more", "lock of deployment checkout in shop, ledger and dead-man switch in aftershock"},
	} {
		i := slices.IndexFunc(list, func(e Experiment) bool { return e.Name == row.name })
		if i < 0 {
			t.Errorf("no %s", row.name)
			continue
		}
		var got []string
		for _, s := range list[i].Safeguards {
			switch s.(type) {
			case *lock.Lock, *ledger.Ledger:
				got = append(got, s.String())
			}
		}
		if strings.Join(got, ", ") != row.want {
			t.Errorf("%s has %s, want %s", row.name, got, row.want)
		}
		if row.name != "checkout/pods/kill-one" {
			continue
		}
		sw := list[i].ledger.Switch
		if got := strings.Join(sw.Args("4f1c"), " "); sw.Image != "aftershock:1" || sw.ServiceAccount != "aftershock" || sw.Longest != list[i].Longest() ||
			got != "dead-man-switch --run 4f1c --cluster 0b1c --namespace aftershock --allow shop"+
				" --needs create configmaps in aftershock --needs update configmaps in aftershock --needs delete configmaps in aftershock"+
				" --needs delete jobs.batch in aftershock --needs delete leases.coordination.k8s.io in aftershock --needs list pods in shop"+
				" --needs get podchaos.chaos-mesh.org in shop --needs list podchaos.chaos-mesh.org in shop"+
				" --needs patch podchaos.chaos-mesh.org in shop --needs delete podchaos.chaos-mesh.org in shop" {
			t.Errorf("%+v, %s", sw, got)
		}
	}
	r := basket()
	_, list = made(t, strings.NewReplacer("[all]", "[pods/kill-one]", "deployment/checkout", "rollout/checkout").Replace(text), r)
	for _, e := range list {
		if got := strings.Join(e.ledger.Switch.Args("4f1c"), " "); e.Name == "checkout/pods/kill-one" && !strings.Contains(got, " --allow shop --rollouts --needs ") {
			t.Errorf("the switch of an experiment on a Rollout has the arguments %s", got)
		}
	}
}

// basket is the Rollout checkout at rest.
func basket() *argo.Rollout {
	d := deployed("checkout")
	return &argo.Rollout{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout", UID: "r"},
		Spec:       argo.RolloutSpec{Replicas: d.Spec.Replicas, Selector: d.Spec.Selector, Template: d.Spec.Template, Strategy: argo.Strategy{Canary: &argo.Canary{}}},
		Status: argo.RolloutStatus{
			Replicas: d.Status.Replicas, UpdatedReplicas: d.Status.UpdatedReplicas, ReadyReplicas: d.Status.ReadyReplicas, AvailableReplicas: d.Status.AvailableReplicas,
			CurrentPodHash: "1", StableRS: "1", Phase: argo.Healthy,
		},
	}
}

// What Chaos Mesh never said that it undid may be in its pods after the object is gone:
// no sweep says that nothing is left until they are gone, too, or a person says so.
func TestAFaultThatNothingShowsToBeUndoneIsLeftUntilItsPodsAreGone(t *testing.T) {
	stuck := func(run string) *v1alpha1.NetworkChaos {
		c := &v1alpha1.NetworkChaos{ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: "slow", Labels: map[string]string{faults.ManagedLabel: faults.Managed, faults.RunLabel: run}, Finalizers: []string{"chaos-mesh/records"},
		}}
		c.Status.Experiment = v1alpha1.ExperimentStatus{DesiredPhase: v1alpha1.StoppedPhase, Records: []*v1alpha1.Record{{Id: "shop/checkout-1", Phase: v1alpha1.Injected}, {Id: "shop/checkout-3", Phase: v1alpha1.Injected}}}
		return c
	}
	const run, left = "dead", "fault in Pod/shop/checkout-1, left behind by run dead"
	pod := func(uid types.UID, name ...string) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: append(name, "checkout-1")[0], UID: uid}}
	}
	for _, row := range []struct {
		sentence string
		then     func(t *testing.T, s *Session) Sweeping
		fails    string
	}{
		{"the pod is there", func(*testing.T, *Session) Sweeping { return Sweeping{} }, left},
		{"and only this run is swept", func(*testing.T, *Session) Sweeping { return Sweeping{Run: run} }, left},
		{"the pod is gone", func(t *testing.T, s *Session) Sweeping {
			if err := s.Client.Delete(t.Context(), pod("1")); err != nil {
				t.Error(err)
			}
			return Sweeping{}
		}, ""},
		{"another one has its name", func(t *testing.T, s *Session) Sweeping {
			if err := errors.Join(s.Client.Delete(t.Context(), pod("1")), s.Client.Create(t.Context(), pod("2"))); err != nil {
				t.Error(err)
			}
			return Sweeping{}
		}, ""},
		{"its ledger has a line of a newer version, and stays", func(t *testing.T, s *Session) Sweeping {
			var m corev1.ConfigMap
			key := client.ObjectKey{Namespace: config.OwnNamespace, Name: "aftershock-run-" + run}
			err := s.Client.Get(t.Context(), key, &m)
			m.Data["changes"] += "created v3 into shop\n"
			err = errors.Join(err, s.Client.Update(t.Context(), &m), s.Client.Create(t.Context(), stuck(run)), s.Client.Create(t.Context(), pod("3", "checkout-3")))
			_, _ = s.Sweep(t.Context(), Sweeping{Run: run})
			if err := errors.Join(err, s.Client.Get(t.Context(), key, &m)); err != nil || !strings.Contains(m.Data["changes"], "created v3 into shop") || !strings.Contains(m.Data["changes"], "Pod shop/checkout-3 3") {
				t.Errorf("%v, %q", err, m.Data)
			}
			return Sweeping{Run: run}
		}, left},
		{"a person has looked at it", func(*testing.T, *Session) Sweeping { return Sweeping{Run: run, Force: true} }, ""},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			s := connected(t, valid, interceptor.Funcs{})
			synctest.Test(t, func(t *testing.T) {
				for _, o := range []client.Object{stuck(run), pod("1")} {
					if err := s.Client.Create(t.Context(), o); err != nil {
						t.Fatal(err)
					}
				}
				if removed, err := s.Sweep(t.Context(), Sweeping{}); err == nil || !strings.Contains(err.Error(), "Chaos Mesh never said that it undid the fault") || !strings.Contains(err.Error(), left) {
					t.Errorf("the first sweep: %v, %v", removed, err)
				}
				if got := remains(t, s); got != "ledger" {
					t.Errorf("%q remain, want the ledger", got)
				}
				_, err := s.Sweep(t.Context(), row.then(t, s))
				if (err == nil) != (row.fails == "") || err != nil && !strings.Contains(err.Error(), row.fails) {
					t.Errorf("%v, want %q", err, row.fails)
				}
				if got, want := remains(t, s), map[bool]string{true: "", false: "ledger"}[row.fails == ""]; got != want {
					t.Errorf("%q remain, want %q", got, want)
				}
			})
		})
	}
}

// A sweep that is killed once it has removed a fault by force leaves no object that tells of
// it: the ledger does.
func TestASweepThatIsKilledLeavesWordOfWhatItRemovedByForce(t *testing.T) {
	const dies = "kill -9"
	s := connected(t, valid, interceptor.Funcs{Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, options ...client.PatchOption) error {
		err := c.Patch(ctx, o, p, options...)
		if text, _ := p.Data(o); strings.Contains(string(text), "finalizers") {
			panic(dies)
		}
		return err
	}})
	synctest.Test(t, func(t *testing.T) {
		stuck := &v1alpha1.StressChaos{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "burn", Labels: faults.Labels("dead"), Finalizers: []string{"chaos-mesh/records"}}}
		stuck.Status.Experiment = v1alpha1.ExperimentStatus{DesiredPhase: v1alpha1.StoppedPhase, Records: []*v1alpha1.Record{{Id: "shop/checkout-1/checkout", Phase: v1alpha1.Injected}}}
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout-1", UID: "1"}}
		if err := errors.Join(s.Client.Create(t.Context(), stuck), s.Client.Create(t.Context(), pod)); err != nil {
			t.Fatal(err)
		}
		func() {
			defer func() {
				if got := recover(); got != any(dies) {
					t.Errorf("%v, want it killed", got)
				}
			}()
			_, err := s.Sweep(t.Context(), Sweeping{})
			t.Errorf("it was not killed: %v", err)
		}()
		if err := s.Client.Get(t.Context(), client.ObjectKeyFromObject(stuck), stuck); !apierrors.IsNotFound(err) {
			t.Fatalf("%v, want its object gone", err)
		}
		const left = "fault in Pod/shop/checkout-1, left behind by run dead: nothing shows that it was undone there"
		if removed, err := s.Sweep(t.Context(), Sweeping{}); err == nil || !strings.Contains(err.Error(), left) {
			t.Errorf("removed %v, %v; want %q", removed, err, left)
		}
	})
}

// A doubt ends with what shows that the fault is gone from the pod, and with nothing less.
func TestADoubtEndsWithItsProof(t *testing.T) {
	const run, delay, burn = "4f1c2a9d3b", "NetworkChaos/shop/network-delay-4f1c2a9d3b-x7k2p", "StressChaos/shop/stress-cpu-4f1c2a9d3b-x7k2p"
	source := strings.TrimPrefix(delay, "NetworkChaos/")
	line := func(fault string, restarts ...string) string {
		return strings.TrimSpace("unproven v1 Pod shop/checkout-1 1 "+fault+" "+strings.Join(restarts, "")) + "\n"
	}
	network := func(observed int64, failed string, sources ...string) *v1alpha1.PodNetworkChaos {
		plan := &v1alpha1.PodNetworkChaos{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout-1", Generation: 1}}
		for _, s := range sources {
			plan.Spec.IPSets = append(plan.Spec.IPSets, v1alpha1.RawIPSet{RawRuleSource: v1alpha1.RawRuleSource{Source: s}})
		}
		plan.Status = v1alpha1.PodNetworkChaosStatus{ObservedGeneration: observed, FailedMessage: failed}
		return plan
	}
	restarted := func(app, proxy int32, change ...func(*corev1.Pod)) *corev1.Pod {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout-1", UID: "1"}}
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "app", RestartCount: app}, {Name: "proxy", RestartCount: proxy}}
		for _, f := range change {
			f(p)
		}
		return p
	}
	shared := func(p *corev1.Pod) { p.Spec.ShareProcessNamespace = new(true) }
	for _, row := range []struct {
		sentence string
		lines    string
		network  *v1alpha1.PodNetworkChaos // nil: there is none
		pod      *corev1.Pod
		rest     string // lines of the ledger; empty: it is forgotten
	}{
		{"its rules are there, and the sweep takes them out", line(delay), network(1, "", source), restarted(0, 0), ""},
		{"they were out, and the network was made anew", line(delay), network(1, ""), restarted(0, 0), ""},
		{"with those of another's fault", line(delay), network(1, "", "shop/by-hand"), restarted(0, 0), ""},
		{"they were out, and Chaos Mesh has not seen it yet", line(delay), network(0, ""), restarted(0, 0), line(delay)},
		{"they were out, and it failed to", line(delay), network(1, "no tc"), restarted(0, 0), line(delay)},
		{"what Chaos Mesh planned for the pod is gone", line(delay), nil, restarted(5, 5), line(delay)},
		{"its containers have restarted, and its network has not", line(delay, "app=0,proxy=1"), nil, restarted(1, 2), line(delay, "app=0,proxy=1")},
		{"its containers have restarted, and the processes are gone", line(burn, "app=0,proxy=1"), nil, restarted(1, 2), ""},
		{"only one has", line(burn, "app=0,proxy=1"), nil, restarted(1, 1), line(burn, "app=0,proxy=1")},
		{"they share their processes with the pod's", line(burn, "app=0,proxy=1"), nil, restarted(1, 2, shared), line(burn, "app=0,proxy=1")},
		{"how often they had restarted is not known", line(burn), nil, restarted(1, 2), line(burn)},
		{"which fault it was is not known", line(""), network(1, ""), restarted(1, 2), line("")},
		{"one of two faults is proven to be gone", line(delay) + line(burn, "app=0,proxy=1"), network(1, ""), restarted(0, 1), line(burn, "app=0,proxy=1")},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			book := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: config.OwnNamespace, Name: "aftershock-run-" + run, Labels: faults.Labels(run)}, Data: map[string]string{"changes": row.lines}}
			objects := []client.Object{book, row.pod}
			if row.network != nil {
				objects = append(objects, row.network)
			}
			s := connected(t, valid, interceptor.Funcs{Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, options ...client.PatchOption) error {
				err := c.Patch(ctx, o, p, options...)
				if plan, ok := o.(*v1alpha1.PodNetworkChaos); ok && err == nil {
					plan.Status.ObservedGeneration = plan.Generation
					err = c.Update(ctx, plan)
				}
				return err
			}}, objects...)
			synctest.Test(t, func(t *testing.T) {
				_, err := s.Sweep(t.Context(), Sweeping{})
				if (err == nil) != (row.rest == "") || err != nil && !strings.Contains(err.Error(), "fault in Pod/shop/checkout-1") {
					t.Errorf("%v", err)
				}
				got := &corev1.ConfigMap{}
				if err := s.Client.Get(t.Context(), client.ObjectKeyFromObject(book), got); client.IgnoreNotFound(err) != nil || got.Data["changes"] != row.rest {
					t.Errorf("%v, the ledger has %q, want %q", err, got.Data["changes"], row.rest)
				}
			})
		})
	}
}

// Nothing is asked of a pod that is gone; of one whose fault's object is left, too early.
func TestNoProofIsSoughtWhereThereIsNothingToProve(t *testing.T) {
	const run, burn = "4f1c2a9d3b", "StressChaos/shop/stress-cpu-4f1c2a9d3b-x7k2p"
	const line = "unproven v1 Pod shop/checkout-1 1 " + burn + " app=0\n"
	book := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: config.OwnNamespace, Name: "aftershock-run-" + run, Labels: faults.Labels(run)}, Data: map[string]string{"changes": line}}
	restarted := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout-1", UID: "1"}}
	restarted.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "app", RestartCount: 1}}
	another := restarted.DeepCopy()
	another.UID = "2"
	stays := &v1alpha1.StressChaos{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: strings.TrimPrefix(burn, "StressChaos/shop/"), Labels: faults.Labels(run), Finalizers: []string{"chaos-mesh/records"}}}
	stays.Status.Experiment.Records = []*v1alpha1.Record{{Id: "shop/checkout-1/app", Phase: v1alpha1.Injected}}
	for _, row := range []struct {
		sentence string
		objects  []client.Object
		asked    bool
		rest     string
	}{
		{"its object is gone, and the pod is there", []client.Object{restarted}, true, ""},
		{"its object is there", []client.Object{restarted, stays}, false, line},
		{"another pod has the name", []client.Object{another}, false, ""},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			s := connected(t, valid, interceptor.Funcs{}, append(row.objects, book.DeepCopy())...)
			synctest.Test(t, func(t *testing.T) {
				var said []string
				_, err := s.Sweep(t.Context(), Sweeping{Say: func(text string) { said = append(said, text) }})
				if (err == nil) != (row.rest == "") {
					t.Error(err)
				}
				if got := strings.Contains(strings.Join(said, "; "), "is free of the fault of run"); got != row.asked {
					t.Errorf("said %q", said)
				}
				got := &corev1.ConfigMap{}
				if err := s.Client.Get(t.Context(), client.ObjectKeyFromObject(book), got); client.IgnoreNotFound(err) != nil || got.Data["changes"] != row.rest {
					t.Errorf("%v, the ledger has %q, want %q", err, got.Data["changes"], row.rest)
				}
			})
		})
	}
}

// What has lost the label of its run is in no ledger, and no sweep waits for one.
func TestAFaultOfNoRunIsRemovedWithoutALedger(t *testing.T) {
	s := connected(t, valid, interceptor.Funcs{})
	synctest.Test(t, func(t *testing.T) {
		stuck := &v1alpha1.NetworkChaos{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "slow", Labels: map[string]string{faults.ManagedLabel: faults.Managed}, Finalizers: []string{"chaos-mesh/records"}}}
		stuck.Status.Experiment = v1alpha1.ExperimentStatus{DesiredPhase: v1alpha1.StoppedPhase, Records: []*v1alpha1.Record{{Id: "shop/checkout-1", Phase: v1alpha1.Injected}}}
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout-1", UID: "1"}}
		if err := errors.Join(s.Client.Create(t.Context(), stuck), s.Client.Create(t.Context(), pod)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Sweep(t.Context(), Sweeping{}); err == nil || !strings.Contains(err.Error(), "Chaos Mesh never said that it undid the fault") {
			t.Errorf("the first sweep: %v", err)
		}
		var books corev1.ConfigMapList
		if err := s.Client.List(t.Context(), &books); err != nil || len(books.Items) > 0 {
			t.Errorf("%v, %v", books.Items, err)
		}
		if _, err := s.Sweep(t.Context(), Sweeping{}); err != nil {
			t.Error(err)
		}
	})
}

// A pod may have a fault of either.
func TestThePodThatTwoRunsDoubtIsLeftByBoth(t *testing.T) {
	book := func(run string) *corev1.ConfigMap {
		return &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: config.OwnNamespace, Name: "aftershock-run-" + run, Labels: faults.Labels(run)},
			Data:       map[string]string{"changes": "unproven v1 Pod shop/checkout-1 1\n"},
		}
	}
	s := connected(t, valid, interceptor.Funcs{}, book("one"), book("two"), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout-1", UID: "1"}})
	synctest.Test(t, func(t *testing.T) {
		_, err := s.Sweep(t.Context(), Sweeping{})
		for _, run := range []string{"one", "two"} {
			if want := "fault in Pod/shop/checkout-1, left behind by run " + run; err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
			if err := s.Client.Get(t.Context(), client.ObjectKeyFromObject(book(run)), &corev1.ConfigMap{}); err != nil {
				t.Error(err)
			}
		}
	})
}
