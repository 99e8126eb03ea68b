package lock

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

var checkout = kube.Workload{Kind: kube.Deployment, Namespace: "shop", Name: "checkout"}

const home = "aftershock"

var resource = schema.GroupResource{Group: "coordination.k8s.io", Resource: "leases"}

// A shaky API server fails requests as told.
type shaky struct {
	mu   sync.Mutex
	fail func(verb string) error
	lost bool // the next change is made, and its answer lost
}

func (s *shaky) set(fail func(verb string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = fail
}

func (s *shaky) do(ctx context.Context, verb string, request func() error) error {
	s.mu.Lock()
	fail, lost := s.fail, s.lost && verb != "get"
	if lost {
		s.lost = false
	}
	s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if fail != nil {
		if err := fail(verb); err != nil {
			return err
		}
	}
	err := request()
	if lost {
		return errors.New("connection reset by peer")
	}
	return err
}

// cluster is a cluster without a Lease, and what fails there.
func cluster() (client.WithWatch, *shaky) {
	s := &shaky{}
	return fake.NewClientBuilder().WithInterceptorFuncs(interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			return s.do(ctx, "get", func() error { return c.Get(ctx, key, o, opts...) })
		},
		List: func(ctx context.Context, c client.WithWatch, o client.ObjectList, opts ...client.ListOption) error {
			return s.do(ctx, "list", func() error { return c.List(ctx, o, opts...) })
		},
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			return s.do(ctx, "create", func() error { return c.Create(ctx, o, opts...) })
		},
		Update: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.UpdateOption) error {
			return s.do(ctx, "update", func() error { return c.Update(ctx, o, opts...) })
		},
		Delete: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
			return s.do(ctx, "delete", func() error { return c.Delete(ctx, o, opts...) })
		},
	}).Build(), s
}

// A try is a lock and its run.
type try struct {
	*Lock
	rec   *record.Recorder
	bytes *bytes.Buffer
}

func newTry(c client.Client, who string) try {
	var b bytes.Buffer
	return try{
		Lock:  &Lock{Client: c, Namespace: home, Workload: checkout, Experiment: "checkout/pods/kill-one", Who: who, Longest: 6 * time.Minute},
		rec:   record.NewRecorder(&b),
		bytes: &b,
	}
}

func (t try) begin(ctx context.Context) error { return t.Begin(ctx, t.rec) }

// die ends the run as kill -9 does: nothing is renewed or released.
func (t try) die() { t.stop() }

// injected and removed write down what became of the fault.
func (t try) injected(index int) {
	t.see(record.Entry{Injection: &record.Injection{Index: index}})
}

func (t try) removed(index int, failed string) {
	t.see(record.Entry{Removal: &record.Removal{Index: index, Error: failed}})
}

// noted are the notes of the record.
func (t try) noted() string { return t.bytes.String() }

func read(t *testing.T, c client.Client) *coordinationv1.Lease {
	t.Helper()
	var lease coordinationv1.Lease
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: home, Name: Name(checkout)}, &lease); err != nil {
		if apierrors.IsNotFound(err) {
			return nil
		}
		t.Fatal(err)
	}
	return &lease
}

func refused(err error) bool {
	ending, ok := errors.AsType[experiments.Ending](err)
	return ok && ending.Reason == record.Refused
}

func TestOneOfTwoThatStartTogetherIsRefused(t *testing.T) {
	for _, ahead := range []time.Duration{0, 30 * time.Second, -30 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			c, _ := cluster()
			runs := []try{newTry(c, "ann@laptop"), newTry(c, "bob@desk")}
			runs[1].ahead = ahead
			began := time.Now()
			var errs [2]error
			var both sync.WaitGroup
			for i, r := range runs {
				both.Go(func() { errs[i] = r.begin(t.Context()) })
			}
			both.Wait()
			first, second := 0, 1
			if errs[first] != nil {
				first, second = 1, 0
			}
			if errs[first] != nil || !refused(errs[second]) {
				t.Fatalf("%v and %v; want one to be refused", errs[0], errs[1])
			}
			if took := time.Since(began); took > enough {
				t.Errorf("told after %s", took)
			}
			for _, part := range []string{"deployment checkout in shop is held by run " + runs[first].run, runs[first].Who, "checkout/pods/kill-one", "alive", "--wait"} {
				if !strings.Contains(errs[second].Error(), part) {
					t.Errorf("%q does not say %q", errs[second], part)
				}
			}
			if err := runs[second].End(t.Context()); err != nil || read(t, c) == nil {
				t.Errorf("the end of the refused one, %v, released the other's", err)
			}
			if err := runs[first].Allow(t.Context(), time.Minute); err != nil {
				t.Error(err)
			}
			if err := runs[first].End(t.Context()); err != nil || read(t, c) != nil {
				t.Errorf("not released: %v", err)
			}
		})
	}
}

func TestADeadRunsLockIsTakenOverOnceItExpired(t *testing.T) {
	for _, row := range []struct {
		sentence string
		lifetime time.Duration // of its fault; zero: it has none
		ahead    time.Duration // of the other's clock
		wait     time.Duration
		after    time.Duration // at the earliest; zero: refused
	}{
		{"without a fault in place", 0, 0, 0, base},
		{"by a run whose clock is ahead", 0, 30 * time.Second, 0, base},
		{"by one whose clock is behind", 0, -30 * time.Second, 0, base},
		{"not while its fault lasts", 40 * time.Second, 0, 0, 0},
		{"nor by a run whose clock is ahead", 40 * time.Second, 30 * time.Second, 0, 0},
		{"after that, by one that waits", 40 * time.Second, -30 * time.Second, time.Minute, 40*time.Second + margin},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, _ := cluster()
				dead, next := newTry(c, "ann@laptop"), newTry(c, "bob@desk")
				next.ahead, next.Wait = row.ahead, row.wait
				if err := dead.begin(t.Context()); err != nil {
					t.Fatal(err)
				}
				if row.lifetime > 0 {
					if err := dead.Allow(t.Context(), row.lifetime); err != nil {
						t.Fatal(err)
					}
					dead.injected(0)
				}
				dead.die()
				time.Sleep(time.Second)
				began := time.Now()
				err := next.begin(t.Context())
				took := time.Since(began)
				if row.after == 0 {
					if !refused(err) || took > enough+lookEvery || !strings.Contains(err.Error(), "seems to be dead; the lock is free in") || !strings.Contains(err.Error(), "aftershock sweep") {
						t.Errorf("%v after %s", err, took)
					}
					return
				}
				if err != nil || took < row.after || took > row.after+2*lookEvery {
					t.Fatalf("%v after %s, want after %s", err, took, row.after)
				}
				if time.Now().Before(dead.expiry()) {
					t.Error("the dead one could still have injected")
				}
				if !strings.Contains(next.noted(), "taken over from run "+dead.run+" of ann@laptop") {
					t.Errorf("noted %s", next.noted())
				}
				if lease := read(t, c); *lease.Spec.LeaseTransitions != 1 {
					t.Errorf("%d transitions", *lease.Spec.LeaseTransitions)
				}
				// It was halted only, and goes on.
				if err := dead.Allow(t.Context(), time.Second); err == nil {
					t.Error("the late holder may inject")
				}
				if err := next.End(t.Context()); err != nil || read(t, c) != nil {
					t.Errorf("not released: %v", err)
				}
			})
		})
	}
}

func TestALiveRunIsWaitedForIfAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := cluster()
		first, second, third := newTry(c, "ann@laptop"), newTry(c, "bob@desk"), newTry(c, "eve@desk")
		second.Wait, third.Wait = time.Minute, 20*time.Second
		if err := first.begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		go func() {
			time.Sleep(40 * time.Second)
			_ = first.End(t.Context())
		}()
		var both sync.WaitGroup
		both.Go(func() {
			if err := third.begin(t.Context()); !refused(err) || time.Since(began) < third.Wait {
				t.Errorf("%v after %s", err, time.Since(began))
			}
		})
		both.Go(func() {
			if err := second.begin(t.Context()); err != nil || time.Since(began) < 40*time.Second {
				t.Errorf("%v after %s", err, time.Since(began))
			}
		})
		both.Wait()
		_ = second.End(t.Context())
	})
}

// overloaded, broken and forbidden are failures of an API server.
var (
	overloaded = apierrors.NewTooManyRequests("slow down", 1)
	broken     = apierrors.NewInternalError(errors.New("etcd is away"))
	forbidden  = apierrors.NewForbidden(resource, "x", errors.New("no role"))
)

func TestARunEndsOnceItsLockIsLost(t *testing.T) {
	for _, row := range []struct {
		sentence string
		do       func(t *testing.T, c client.Client, s *shaky, l try)
		within   time.Duration
		want     string // empty: it is kept
	}{
		{"deleted", func(t *testing.T, c client.Client, _ *shaky, _ try) {
			if err := c.Delete(t.Context(), read(t, c)); err != nil {
				t.Fatal(err)
			}
		}, RenewEvery, "deleted by another client"},
		{"taken by force", func(t *testing.T, c client.Client, _ *shaky, _ try) {
			lease := read(t, c)
			thief := newTry(c, "eve@desk")
			thief.run = "0123456789"
			thief.write(lease, base)
			if err := c.Update(t.Context(), lease); err != nil {
				t.Fatal(err)
			}
		}, RenewEvery, "taken by run 0123456789 of eve@desk"},
		{"annotated by somebody", func(t *testing.T, c client.Client, _ *shaky, _ try) {
			lease := read(t, c)
			lease.Annotations["note"] = "mine"
			if err := c.Update(t.Context(), lease); err != nil {
				t.Fatal(err)
			}
		}, 0, ""},
		{"the API server is away for long", func(_ *testing.T, _ client.Client, s *shaky, _ try) {
			s.set(func(string) error { return broken })
		}, base - RenewEvery, "was not renewed in time"},
		{"it is overloaded for long", func(_ *testing.T, _ client.Client, s *shaky, _ try) {
			s.set(func(string) error { return overloaded })
		}, base - RenewEvery, "slow down"},
		{"the right to renew is taken away", func(_ *testing.T, _ client.Client, s *shaky, _ try) {
			s.set(func(verb string) error { return forbidden })
		}, base - RenewEvery, "the right to update leases"},
		{"the API server is away for a while", func(_ *testing.T, _ client.Client, s *shaky, _ try) {
			end := time.Now().Add(8 * time.Second)
			s.set(func(string) error {
				if time.Now().Before(end) {
					return overloaded
				}
				return nil
			})
		}, 0, ""},
		{"it does not answer", func(_ *testing.T, _ client.Client, s *shaky, _ try) {
			s.set(func(string) error { time.Sleep(requestFor); return context.DeadlineExceeded })
		}, base, "was not renewed in time"},
		{"it is away while a fault is in place that may last longer", func(t *testing.T, _ client.Client, s *shaky, l try) {
			if err := l.Allow(t.Context(), 45*time.Second); err != nil {
				t.Fatal(err)
			}
			l.injected(0)
			s.set(func(string) error { return broken })
		}, 45*time.Second + margin - RenewEvery, "was not renewed in time"},
		{"an answer is lost", func(_ *testing.T, _ client.Client, s *shaky, _ try) {
			s.mu.Lock()
			s.lost = true
			s.mu.Unlock()
		}, 0, ""},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := cluster()
				l := newTry(c, "ann@laptop")
				if err := l.begin(t.Context()); err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				row.do(t, c, s, l)
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				err := l.Watch(ctx)
				took := time.Since(began)
				expired := !time.Now().Before(l.expiry())
				s.set(nil)
				if row.want == "" {
					if err != nil || l.Allow(t.Context(), time.Second) != nil {
						t.Errorf("lost: %v", err)
					}
				} else {
					if err == nil || !strings.Contains(err.Error(), row.want) || took > row.within+lookEvery {
						t.Errorf("%v after %s, want %q within %s", err, took, row.want, row.within)
					}
					if strings.Contains(row.want, "in time") && expired {
						t.Error("another run could have it by now")
					}
					if l.Allow(t.Context(), time.Second) == nil {
						t.Error("a fault may still be injected")
					}
				}
				_ = l.End(t.Context())
			})
		})
	}
}

func TestNothingIsInjectedUnlessTheLockIsSure(t *testing.T) {
	for _, row := range []struct {
		sentence string
		do       func(t *testing.T, c client.Client, s *shaky, l try)
		want     string // empty: allowed
	}{
		{"held", func(*testing.T, client.Client, *shaky, try) {}, ""},
		{"after a halt of the process", func(_ *testing.T, _ client.Client, _ *shaky, l try) {
			l.die()
			time.Sleep(base + time.Millisecond)
		}, "not renewed in time"},
		{"after a halt in which it was taken over", func(t *testing.T, c client.Client, _ *shaky, l try) {
			l.die()
			next := newTry(c, "bob@desk")
			if err := next.begin(t.Context()); err != nil {
				t.Fatal(err)
			}
			next.die()
			l.mu.Lock()
			l.expires = time.Now().Add(time.Hour) // its monotonic clock stood still
			l.mu.Unlock()
		}, "taken by run"},
		{"deleted a moment ago", func(t *testing.T, c client.Client, _ *shaky, _ try) {
			if err := c.Delete(t.Context(), read(t, c)); err != nil {
				t.Fatal(err)
			}
		}, "deleted"},
		{"annotated by somebody", func(t *testing.T, c client.Client, _ *shaky, _ try) {
			lease := read(t, c)
			lease.Annotations["note"] = "mine"
			if err := c.Update(t.Context(), lease); err != nil {
				t.Fatal(err)
			}
		}, ""},
		{"the API server is overloaded for a moment", func(_ *testing.T, _ client.Client, s *shaky, _ try) {
			end := time.Now().Add(2 * time.Second)
			s.set(func(string) error {
				if time.Now().Before(end) {
					return overloaded
				}
				return nil
			})
		}, ""},
		{"it fails", func(_ *testing.T, _ client.Client, s *shaky, _ try) {
			s.set(func(string) error { return broken })
		}, "etcd is away"},
		{"it refuses", func(_ *testing.T, _ client.Client, s *shaky, _ try) {
			s.set(func(string) error { return forbidden })
		}, "the right to update leases"},
		{"it answers only now and then, too late to be sure", func(_ *testing.T, _ client.Client, s *shaky, _ try) {
			s.set(func(verb string) error { time.Sleep(margin/2 + time.Second); return nil })
		}, "renew its Lease before the injection"},
		{"the answer is lost", func(_ *testing.T, _ client.Client, s *shaky, _ try) {
			s.mu.Lock()
			s.lost = true
			s.mu.Unlock()
		}, ""},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := cluster()
				l := newTry(c, "ann@laptop")
				if err := l.begin(t.Context()); err != nil {
					t.Fatal(err)
				}
				row.do(t, c, s, l)
				const lifetime = 50 * time.Second
				err := l.Allow(t.Context(), lifetime)
				if row.want == "" && err != nil || row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)) {
					t.Errorf("%v, want %q", err, row.want)
				}
				s.set(nil)
				if lease := read(t, c); row.want == "" && durationOf(lease) < lifetime+margin {
					t.Errorf("the Lease lasts %s, and the fault %s", durationOf(lease), lifetime)
				}
				_ = l.End(t.Context())
			})
		})
	}
}

func TestALeaseOutlastsEachFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := cluster()
		l := newTry(c, "ann@laptop")
		if err := l.begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		check := func(moment string, least, most time.Duration) {
			t.Helper()
			if got := durationOf(read(t, c)); got < least || got > most {
				t.Errorf("%s the Lease lasts %s, want %s to %s", moment, got, least, most)
			}
		}
		allow := func(lifetime time.Duration) {
			t.Helper()
			if err := l.Allow(t.Context(), lifetime); err != nil {
				t.Fatal(err)
			}
		}
		check("before", base, base)
		allow(time.Minute)
		check("at the injection", time.Minute+margin, time.Minute+margin)
		l.injected(0)
		time.Sleep(20 * time.Second)
		check("while it is in place", 40*time.Second+margin, 44*time.Second+margin)
		allow(20 * time.Second)
		l.injected(1)
		check("with a second", 40*time.Second+margin, 41*time.Second+margin)
		l.removed(0, "")
		time.Sleep(RenewEvery + time.Second)
		check("once the first is gone", 16*time.Second+margin, 20*time.Second+margin)
		l.removed(1, "")
		time.Sleep(RenewEvery + time.Second)
		check("once both are gone", base, base)
		if err := l.End(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestTheLockIsReleasedOnceNothingIsInPlace(t *testing.T) {
	for _, row := range []struct {
		sentence string
		do       func(c client.Client, s *shaky, l try)
		kept     bool
		note     string
	}{
		{"after a fault was undone", func(_ client.Client, _ *shaky, l try) { l.injected(0); l.removed(0, "") }, false, ""},
		{"not while one may be in place", func(_ client.Client, _ *shaky, l try) { l.injected(0); l.removed(0, "no answer") }, true, "a fault may still be in place"},
		{"nor if its injection failed half-way", func(_ client.Client, _ *shaky, l try) { l.removed(0, "no answer") }, true, "a fault may still be in place"},
		{"after a while, if the API server is away for a moment", func(_ client.Client, s *shaky, _ try) {
			end := time.Now().Add(2 * time.Second)
			s.set(func(string) error {
				if time.Now().Before(end) {
					return overloaded
				}
				return nil
			})
		}, false, ""},
		{"a failure is noted", func(_ client.Client, s *shaky, _ try) { s.set(func(string) error { return broken }) }, true, "could not be released, and expires in"},
		{"so is a missing right", func(_ client.Client, s *shaky, _ try) {
			s.set(func(verb string) error {
				if verb == "delete" {
					return forbidden
				}
				return nil
			})
		}, true, "the right to delete leases"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := cluster()
				l := newTry(c, "ann@laptop")
				if err := l.begin(t.Context()); err != nil {
					t.Fatal(err)
				}
				row.do(c, s, l)
				err := l.End(t.Context())
				s.set(nil)
				if kept := read(t, c) != nil; err != nil || kept != row.kept || !strings.Contains(l.noted(), row.note) {
					t.Errorf("error %v, kept: %t, want %t; noted %s", err, kept, row.kept, l.noted())
				}
			})
		})
	}
}

func TestABeginningThatFailsLeavesNoLease(t *testing.T) {
	for _, row := range []struct {
		sentence string
		fail     func(verb string) error
		lost     bool
		within   time.Duration
		want     string // empty: it succeeds
	}{
		{"no namespace", func(verb string) error {
			if verb == "create" {
				return apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, home)
			}
			return nil
		}, false, 0, "kubectl create namespace aftershock"},
		{"no right", func(string) error { return forbidden }, false, 0, "the right to get, create, update and delete leases"},
		{"an API server that fails", func(string) error { return broken }, false, retryFor + 2*lookEvery, "etcd is away"},
		{"an answer that is lost", nil, true, 0, ""},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := cluster()
				s.fail, s.lost = row.fail, row.lost
				l := newTry(c, "ann@laptop")
				began := time.Now()
				err := l.begin(t.Context())
				if row.want == "" && err != nil || row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)) {
					t.Errorf("%v after %s, want %q", err, time.Since(began), row.want)
				}
				_ = l.End(t.Context())
				s.set(nil)
				if read(t, c) != nil {
					t.Error("a Lease is left")
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		c, s := cluster()
		ctx, cancel := context.WithCancel(t.Context())
		s.lost = true
		s.fail = func(verb string) error {
			if verb == "create" {
				cancel() // ^C while the Lease is made
			}
			return nil
		}
		if err := newTry(c, "ann@laptop").begin(ctx); !errors.Is(err, context.Canceled) || read(t, c) != nil {
			t.Errorf("stopped: %v, left %v", err, read(t, c))
		}
	})
}

func TestEachWorkloadHasALeaseOfItsOwn(t *testing.T) {
	names := map[string]kube.Workload{}
	for _, w := range []kube.Workload{
		checkout,
		{Kind: kube.StatefulSet, Namespace: "shop", Name: "checkout"},
		{Kind: kube.Deployment, Namespace: "a-deployment", Name: "b"},
		{Kind: kube.Deployment, Namespace: "a", Name: "deployment-b"},
		{Kind: kube.Deployment, Namespace: "a", Name: "deployment.b"},
		{Kind: kube.Deployment, Namespace: strings.Repeat("n", 63), Name: strings.Repeat("x", 253)},
		{Kind: kube.Deployment, Namespace: strings.Repeat("n", 63), Name: strings.Repeat("x", 252) + "y"},
		{Kind: kube.Deployment, Namespace: strings.Repeat("n", 63), Name: strings.Repeat("x.", 126) + "y"},
	} {
		name := Name(w)
		if other, ok := names[name]; ok {
			t.Errorf("%s and %s share %s", w, other, name)
		}
		names[name] = w
		if len(name) > 253 || strings.Contains(name, "..") || strings.Contains(name, ".-") || strings.Contains(name, "-.") {
			t.Errorf("%s is no name", name)
		}
	}
	if got := Name(checkout); got != "aftershock.shop.deployment.checkout" {
		t.Error(got)
	}
}

func TestLookTellsTheLivingFromTheDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := cluster()
		alive, dead, late := newTry(c, "ann@laptop"), newTry(c, "bob@desk"), newTry(c, "eve@desk")
		dead.Workload.Name, late.Workload.Name = "payments", "ledger"
		for _, r := range []try{alive, dead} {
			if err := r.begin(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := dead.Allow(t.Context(), 30*time.Second); err != nil {
			t.Fatal(err)
		}
		dead.die()
		foreign := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: home, Name: "leader"}}
		if err := c.Create(t.Context(), foreign); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(2*time.Second, func() {
			if err := late.begin(t.Context()); err != nil {
				t.Error(err)
			}
		})
		failing := time.Now().Add(2 * time.Second)
		s.set(func(verb string) error {
			if verb == "list" && time.Now().Before(failing) {
				return overloaded
			}
			return nil
		})
		told := 0
		began := time.Now()
		held, err := Look(t.Context(), c, home, func(list []Held) { told += len(list) })
		if err != nil || told < 2 || time.Since(began) > 2*time.Second+enough+2*lookEvery {
			t.Fatalf("%v, told of %d, after %s", err, told, time.Since(began))
		}
		var texts []string
		for _, h := range held {
			texts = append(texts, fmt.Sprintf("%s: %t", h.Workload, h.Alive))
		}
		if got := strings.Join(texts, ", "); got != "deployment/shop/checkout: true, deployment/shop/ledger: true, deployment/shop/payments: false" {
			t.Error(got)
		}
		gone := held[2]
		if !strings.Contains(gone.String(), "run "+dead.run+" of bob@desk since ") || gone.Left <= 0 || gone.Left > 30*time.Second+margin {
			t.Errorf("%s, %s left", gone, gone.Left)
		}
		time.Sleep(RenewEvery + time.Second)
		if err := held[0].Release(t.Context(), c); err == nil {
			t.Error("a Lease was removed that was renewed since")
		}
		if err := gone.Release(t.Context(), c); err != nil {
			t.Error(err)
		}
		_, _ = alive.End(t.Context()), late.End(t.Context())
		held, err = Look(t.Context(), c, home, func([]Held) { t.Error("waits for none") })
		if err != nil || len(held) > 0 {
			t.Errorf("%v, %v are left", err, held)
		}
	})
}

func TestPreflightMakesNoLease(t *testing.T) {
	c, s := cluster()
	if err := Preflight(t.Context(), c, home); err != nil {
		t.Error(err)
	}
	if held, err := leases(t.Context(), c, home); err != nil || len(held) > 0 {
		t.Errorf("%v, %v", held, err)
	}
	s.set(func(string) error { return apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, home) })
	if err := Preflight(t.Context(), c, home); err == nil || !strings.Contains(err.Error(), "kubectl create namespace aftershock") {
		t.Error(err)
	}
}
