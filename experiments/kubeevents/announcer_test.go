package kubeevents_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientgo "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/kubeevents"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

var checkout = kube.Workload{Kind: kube.Deployment, Namespace: "shop", Name: "checkout"}

// announced runs an experiment on checkout with these faults, and returns what was
// announced and noted.
func announced(t *testing.T, ctx context.Context, funcs interceptor.Funcs, deployed bool, list ...experiments.Scheduled) (events []eventsv1.Event, notes string) { //nolint:revive // t comes first in tests
	t.Helper()
	builder := fake.NewClientBuilder().WithScheme(clientgo.Scheme).WithInterceptorFuncs(funcs)
	if deployed {
		builder = builder.WithObjects(&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout", UID: "uid-1"}})
	}
	c := builder.Build()
	rec := record.NewRecorder(&bytes.Buffer{})
	rec.Tap(func(e record.Entry) {
		if e.Note != "" {
			notes += e.Note + "\n"
		}
	})
	up := func(ctx context.Context, clock steadystate.Clock, see func(steadystate.Observation)) error {
		for ctx.Err() == nil {
			see(steadystate.Observation{Span: steadystate.Instant(clock.Now()), Value: 1})
			time.Sleep(100 * time.Millisecond)
		}
		return nil
	}
	err := experiments.Experiment{
		Name: "checkout/slow",
		Hypothesis: steadystate.Hypothesis{
			Signals: []steadystate.Signal{{Name: "up", Source: steadystate.SourceFunc(up)}},
			Checks:  []steadystate.Check{{Name: "up", Signal: "up", Good: steadystate.AtLeast(1)}},
		},
		Traffic:    "up",
		Faults:     list,
		Safeguards: []experiments.Safeguard{&kubeevents.Announcer{Client: c, Workload: checkout, Experiment: "checkout/slow"}},
		Settle:     time.Second, Hold: 2 * time.Second, Watch: time.Second,
	}.Run(ctx, rec)
	if err != nil && ctx.Err() == nil && !errors.Is(err, experiments.ErrLeftBehind) {
		t.Fatal(err)
	}
	var found eventsv1.EventList
	if err := c.List(t.Context(), &found); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(found.Items, func(a, b eventsv1.Event) int { return a.EventTime.Compare(b.EventTime.Time) })
	return found.Items, notes
}

// fault is one with a text; undo is its error.
type fault struct {
	text    string
	oneShot bool
	missed  bool
	undo    error
}

func (f fault) String() string { return f.text }

func (f fault) Inject(_ context.Context, rec *record.Recorder) (record.Injection, error) {
	time.Sleep(time.Millisecond)
	i := record.Injection{Targets: []record.Target{{Name: "checkout-x7k2p"}}, Span: steadystate.Instant(rec.Clock().Now()), OneShot: f.oneShot, Unprovable: "a test"}
	if f.missed {
		i.Targets, i.FailureReason = nil, "no pod was selected"
	}
	return i, nil
}

func (f fault) Recover(_ context.Context, rec *record.Recorder) (steadystate.Span, error) {
	time.Sleep(time.Millisecond)
	return steadystate.Instant(rec.Clock().Now()), f.undo
}

func TestTheWorkloadHasAnEventAtInjectAndAtRecover(t *testing.T) {
	for _, row := range []struct {
		sentence string
		fault    fault
		want     []string
	}{
		{"one that is held", fault{text: "delay all pods"}, []string{"Warning FaultInjected Inject checkout/slow: delay all pods", "Normal FaultRemoved Recover checkout/slow: delay all pods"}},
		{"one that is over at once", fault{text: "kill one", oneShot: true}, []string{"Warning FaultInjected Inject checkout/slow: kill one"}},
		{"nothing came about", fault{text: "kill one", missed: true}, nil},
		{"one that stays", fault{text: "delay all pods", undo: errors.New("time-out of request 4711")}, []string{
			"Warning FaultInjected Inject checkout/slow: delay all pods",
			`Warning FaultNotRemoved Recover checkout/slow: delay all pods: it may still be in place; "aftershock sweep" removes it`,
		}},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				events, notes := announced(t, t.Context(), interceptor.Funcs{}, true, experiments.Scheduled{Fault: row.fault})
				var got []string
				for _, e := range events {
					got = append(got, strings.Join([]string{e.Type, e.Reason, e.Action, e.Note}, " "))
					if r := e.Regarding; r.Kind != "Deployment" || r.APIVersion != "apps/v1" || r.Namespace != "shop" || r.Name != "checkout" || r.UID != "uid-1" || e.Namespace != "shop" {
						t.Errorf("it is about %+v", r)
					}
					if e.Related != nil || e.EventTime.IsZero() || e.ReportingController == "" || e.ReportingInstance == "" || e.Labels["aftershock.dev/run"] == "" {
						t.Errorf("event %+v", e)
					}
				}
				if !slices.Equal(got, row.want) || strings.Contains(notes, "event") {
					t.Errorf("events %q, want %q; notes %s", got, row.want, notes)
				}
			})
		})
	}
}

// Those who aggregate events go by all but the time.
func TestTheEventsOfTwoRunsDifferInTimeAndRunAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var same [2][]eventsv1.Event
		for i := range same {
			same[i], _ = announced(t, t.Context(), interceptor.Funcs{}, true, experiments.Scheduled{Fault: fault{text: "delay all pods"}})
			for j := range same[i] {
				same[i][j].ObjectMeta, same[i][j].EventTime = metav1.ObjectMeta{}, metav1.MicroTime{}
			}
		}
		for j := range same[0] {
			if a, b := same[0][j].String(), same[1][j].String(); a != b {
				t.Errorf("%s\n%s", a, b)
			}
		}
	})
}

func TestTheRemovalIsToldAfterAnInterrupt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		time.AfterFunc(2*time.Second, cancel)
		events, _ := announced(t, ctx, interceptor.Funcs{}, true, experiments.Scheduled{Fault: fault{text: "delay all pods"}})
		if len(events) != 2 || events[1].Reason != kubeevents.FaultRemoved {
			t.Errorf("events %v", events)
		}
	})
}

// An event is for people: the run is as without it.
func TestAnEventThatCannotBeCreatedIsANote(t *testing.T) {
	isEvent := func(o client.Object) bool { _, ok := o.(*eventsv1.Event); return ok }
	for _, row := range []struct {
		sentence string
		funcs    interceptor.Funcs
		deployed bool
		want     string
	}{
		{"refused", interceptor.Funcs{Create: func(ctx context.Context, c client.WithWatch, o client.Object, options ...client.CreateOption) error {
			if isEvent(o) {
				return errors.New("forbidden")
			}
			return c.Create(ctx, o, options...)
		}}, true, "an event on deployment checkout in shop was not created: forbidden\n"},
		{"no answer", interceptor.Funcs{Create: func(ctx context.Context, _ client.WithWatch, _ client.Object, _ ...client.CreateOption) error {
			<-ctx.Done()
			return ctx.Err()
		}}, true, "an event on deployment checkout in shop was not created: context deadline exceeded\n"},
		{"no workload", interceptor.Funcs{}, false, "no events are created on deployment checkout in shop: there is no deployment checkout in shop\n"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				events, notes := announced(t, t.Context(), row.funcs, row.deployed, experiments.Scheduled{Fault: fault{text: "delay all pods"}})
				if len(events) > 0 || strings.Count(notes, row.want) != 1 {
					t.Errorf("events %v, notes %q", events, notes)
				}
				if took := time.Since(begin); took > 20*time.Second {
					t.Errorf("the run took %s", took)
				}
			})
		})
	}
}

func TestALongMessageIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events, _ := announced(t, t.Context(), interceptor.Funcs{}, true, experiments.Scheduled{Fault: fault{text: strings.Repeat("ä", 900)}})
		if len(events) != 2 || len(events[0].Note) > 1024 || !strings.HasSuffix(events[0].Note, "ää...") {
			t.Errorf("%d events", len(events))
		}
	})
}
