package suites

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/experiments/lock"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

func TestEachWorkloadThatIsTouchedIsLocked(t *testing.T) {
	_, list := made(t, strings.NewReplacer("checks:\n", "baseline: control\nchecks:\n", "[network/partition, stress/cpu-one]", "[network/partition, pods/kill-one]").Replace(two), deployed("checkout"), deployed("payments"), stored("app"))
	for _, row := range []struct{ name, want string }{
		{"checkout/network/partition", "deployment/shop/checkout deployment/shop/payments"},
		{"control run of checkout/network", "deployment/shop/checkout deployment/shop/payments"},
		{"checkout/pods/kill-one", "deployment/shop/checkout"},
		{"ledger/pods/kill-one", "statefulset/shop/ledger"},
	} {
		i := slices.IndexFunc(list, func(e Experiment) bool { return e.Name == row.name })
		if i < 0 {
			t.Errorf("no %s", row.name)
			continue
		}
		var got []string
		for _, s := range list[i].Safeguards {
			if l, ok := s.(*lock.Lock); ok {
				if got = append(got, l.Workload.Subject()); l.Namespace != config.OwnNamespace || l.Experiment != row.name || l.Who != Machine() || l.Longest != list[i].Longest() {
					t.Errorf("%s: %+v", row.name, l)
				}
			}
		}
		if strings.Join(got, " ") != row.want {
			t.Errorf("%s locks %v, want %s", row.name, got, row.want)
		}
	}
}

// holds has a run hold the lock of a deployment, with a delay in place.
func holds(t *testing.T, s *Session, name string) (l *lock.Lock, run string) {
	t.Helper()
	rec := record.NewRecorder(&bytes.Buffer{})
	l = &lock.Lock{
		Client: s.Client, Namespace: config.OwnNamespace, Workload: kube.Workload{Kind: kube.Deployment, Namespace: "shop", Name: name},
		Experiment: name + "/network/delay", Who: "ann@laptop", Longest: time.Minute,
	}
	if err := l.Begin(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	delay := &v1alpha1.NetworkChaos{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, Labels: map[string]string{
		faults.ManagedLabel: faults.Managed, faults.RunLabel: rec.Run(),
	}}}
	if err := s.Client.Create(t.Context(), delay); err != nil {
		t.Fatal(err)
	}
	return l, rec.Run()
}

// dead is as holds, of a run that was killed.
func dead(t *testing.T, s *Session, name string) (run string) {
	t.Helper()
	l, run := holds(t, s, name)
	var lease coordinationv1.Lease
	key := client.ObjectKey{Namespace: config.OwnNamespace, Name: lock.Name(l.Workload)}
	if err := s.Client.Get(t.Context(), key, &lease); err != nil {
		t.Fatal(err)
	}
	if err := l.End(t.Context()); err != nil { // it renews no more
		t.Fatal(err)
	}
	lease.ResourceVersion = ""
	if err := s.Client.Create(t.Context(), &lease); err != nil {
		t.Fatal(err)
	}
	return run
}

func TestASweepLeavesLivingRunsAlone(t *testing.T) {
	const shop, payments = "NetworkChaos/shop/checkout", "NetworkChaos/shop/payments"
	for _, row := range []struct {
		sentence string
		how      func(living, dead string) Sweeping
		removed  string // with the runs as LIVING and DEAD
		want     string // of the error; empty: none
	}{
		{
			"what the dead one left is removed", func(string, string) Sweeping { return Sweeping{} },
			payments + ", left behind by run DEAD; Lease/aftershock/aftershock.shop.deployment.payments, left behind by run DEAD",
			"left alone: " + shop + ", of run LIVING of ann@laptop since ",
		},
		{
			"also if it is named", func(_, dead string) Sweeping { return Sweeping{Run: dead} },
			payments + ", left behind by run DEAD; Lease/aftershock/aftershock.shop.deployment.payments, left behind by run DEAD",
			"",
		},
		{"nor is a living one removed that is named", func(living, _ string) Sweeping { return Sweeping{Run: living} }, "", "left alone: " + shop},
		{
			"but by force", func(living, _ string) Sweeping { return Sweeping{Run: living, Force: true} },
			shop + ", left behind by run LIVING", "",
		},
		{
			"all are by force", func(string, string) Sweeping { return Sweeping{Force: true} },
			shop + ", left behind by run LIVING; " + payments + ", left behind by run DEAD; Lease/aftershock/aftershock.shop.deployment.payments, left behind by run DEAD", "",
		},
		{"another run has nothing", func(string, string) Sweeping { return Sweeping{Run: "other"} }, "", ""},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			s := connected(t, valid, interceptor.Funcs{})
			synctest.Test(t, func(t *testing.T) {
				living, alive := holds(t, s, "checkout")
				killed := dead(t, s, "payments")
				how, said := row.how(alive, killed), 0
				how.Say = func(string) { said++ }
				removed, err := s.Sweep(t.Context(), how)
				runs := strings.NewReplacer("LIVING", alive, "DEAD", killed)
				var names []string
				for _, l := range removed {
					names = append(names, l.String())
				}
				if got := strings.Join(names, "; "); got != runs.Replace(row.removed) || said != 3 {
					t.Errorf("removed %q, want %q; told %d times", got, runs.Replace(row.removed), said)
				}
				if want := runs.Replace(row.want); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
					t.Errorf("%v, want %q", err, want)
				}
				watching, cancel := context.WithTimeout(t.Context(), 2*lock.RenewEvery)
				defer cancel()
				if lost := living.Watch(watching); (lost != nil) != how.Force {
					t.Errorf("the living run: %v", lost)
				}
				if err := living.End(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestASweepThatCannotTellTheLivingDoesNothingUnlessForced(t *testing.T) {
	s := connected(t, valid, interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
		if _, ok := list.(*coordinationv1.LeaseList); ok {
			return apierrors.NewForbidden(schema.GroupResource{Resource: "leases"}, "", errors.New("no role"))
		}
		return c.List(ctx, list, options...)
	}})
	synctest.Test(t, func(t *testing.T) {
		dead(t, s, "payments")
		if removed, err := s.Sweep(t.Context(), Sweeping{}); err == nil || len(removed) > 0 || !strings.Contains(err.Error(), "--force") || !strings.Contains(err.Error(), "the right to list leases") {
			t.Errorf("removed %v, %v", removed, err)
		}
		if removed, err := s.Sweep(t.Context(), Sweeping{Force: true}); err != nil || len(removed) != 1 {
			t.Errorf("removed %v, %v", removed, err)
		}
	})
}

func TestPreflightTellsWhoHasTheWorkload(t *testing.T) {
	for _, row := range []struct {
		sentence string
		held     func(t *testing.T, s *Session) (run string, end func())
		wait     time.Duration
		want     []string // of the error, or else of what is said
		notNow   bool
	}{
		{"nobody", func(*testing.T, *Session) (string, func()) { return "", func() {} }, 0, []string{"ok locks: free: deployment checkout in shop"}, false},
		{"a living run", func(t *testing.T, s *Session) (string, func()) {
			l, run := holds(t, s, "checkout")
			return run, func() { _ = l.End(t.Context()) }
		}, 0, []string{"deployment checkout in shop is held by run RUN of ann@laptop since ", "alive, until ", "--wait", "in place already: NetworkChaos/shop/checkout, of run RUN of ann@laptop", "wait for that run"}, true},
		{"one that is soon over, for which it waits", func(t *testing.T, s *Session) (string, func()) {
			l, run := holds(t, s, "checkout")
			time.AfterFunc(30*time.Second, func() {
				_ = s.Client.Delete(t.Context(), &v1alpha1.NetworkChaos{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout"}})
				_ = l.End(t.Context())
			})
			return run, func() {}
		}, time.Minute, []string{"note locks: waiting for 1m0s at most", "ok locks: free", "ok faults of other runs: none"}, false},
		{"one of another workload, whose faults disturb this one", func(t *testing.T, s *Session) (string, func()) {
			l, run := holds(t, s, "payments")
			return run, func() { _ = l.End(t.Context()) }
		}, 0, []string{"in place already: NetworkChaos/shop/payments, of run RUN of ann@laptop"}, true},
		{
			"a dead one", func(t *testing.T, s *Session) (string, func()) { return dead(t, s, "checkout"), func() {} }, 0,
			[]string{"in place already: NetworkChaos/shop/checkout, left behind by run RUN; remove them with \"aftershock sweep -f aftershock.yaml\""},
			false,
		},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			s := connected(t, strings.Replace(valid, "[all]", "[pods/kill-one]", 1), interceptor.Funcs{}, deployed("checkout"))
			able, err := s.Read(t.Context(), s.Plan.Planned)
			if err != nil {
				t.Fatal(err)
			}
			list, err := s.Experiments(able)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				run, end := row.held(t, s)
				defer end()
				var said []string
				s.Wait = row.wait
				p := &preflight{Session: s, list: list, say: func(mark Mark, what, found string) { said = append(said, fmt.Sprintf("%s %s: %s", mark, what, found)) }}
				p.locks(t.Context())
				p.look("faults of other runs", config.Place{}, func() (string, error) { return p.others(t.Context()) })
				err := errors.Join(p.errs...)
				if errors.Is(err, ErrNotNow) != row.notNow {
					t.Errorf("error %v", err)
				}
				text := strings.Join(said, "\n") + fmt.Sprint("\n", err)
				for _, want := range row.want {
					if want = strings.ReplaceAll(want, "RUN", run); !strings.Contains(text, want) {
						t.Errorf("%s\ndoes not say %q", text, want)
					}
				}
			})
		})
	}
}

func TestPreflightSaysHowTheNamespaceIsMade(t *testing.T) {
	s := connected(t, valid, interceptor.Funcs{Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error {
		return apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, config.OwnNamespace)
	}})
	p := &preflight{Session: s, say: func(Mark, string, string) {}}
	p.locks(t.Context())
	if err := errors.Join(p.errs...); err == nil || !strings.Contains(err.Error(), "kubectl create namespace aftershock") {
		t.Error(err)
	}
}
