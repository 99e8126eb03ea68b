package suites

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/steadystate/prom"
)

// checkout is the workload of the tests.
var checkout = kube.Workload{Kind: kube.Deployment, Namespace: "shop", Name: "checkout"}

// ofCheckout is that workload as a service with an autoscaler.
func ofCheckout() *service {
	return &service{Target: &config.Target{Name: "checkout", Service: config.Service{Namespace: "shop", Workload: checkout, Autoscaler: &config.Autoscaler{Name: "checkout"}}}}
}

// sized is a deployment that wants so many pods, of which so many are ready.
func sized(want, ready int32) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout"},
		Spec:       appsv1.DeploymentSpec{Replicas: new(want)},
		Status:     appsv1.DeploymentStatus{Replicas: want, UpdatedReplicas: want, ReadyReplicas: ready, AvailableReplicas: ready},
	}
}

func TestTheServiceHasScaledOnceItsNewSizeLasts(t *testing.T) {
	const rest = 20 * time.Second
	type change struct {
		at          time.Duration
		want, ready int32
	}
	for _, row := range []struct {
		sentence string
		changes  []change
		after    time.Duration // at most a look later
		note     string
	}{
		{"it scales in one step", []change{{15 * time.Second, 4, 4}}, 35 * time.Second, "checkout has scaled from 2 to 4 pods"},
		{"its new pods become ready late", []change{{15 * time.Second, 4, 2}, {30 * time.Second, 4, 4}}, 50 * time.Second, "checkout has scaled from 2 to 4 pods"},
		{"it scales in two steps, the second before the first has lasted", []change{{15 * time.Second, 3, 3}, {30 * time.Second, 5, 5}}, 50 * time.Second, "checkout has scaled from 2 to 5 pods"},
		{"it scales, and back at once", []change{{15 * time.Second, 3, 3}, {30 * time.Second, 2, 2}}, scalingTimeout, "checkout has not kept a greater size than 2 pods for 20s within 2m0s: up to 3 were wanted, 2 in the end"},
		{"it does not scale", nil, scalingTimeout, "checkout has not scaled: no more than 2 pods were wanted for 2m0s"},
		{"its new pods never become ready", []change{{15 * time.Second, 4, 2}}, scalingTimeout, "up to 4 were wanted, 4 in the end; deployment checkout in shop: 2 of 4 pods are ready"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				session := &Session{Client: fake.NewClientBuilder().WithObjects(sized(2, 2)).Build()}
				for _, c := range row.changes {
					time.AfterFunc(c.at, func() {
						d := sized(c.want, c.ready)
						if err := errors.Join(session.Client.Update(t.Context(), d.DeepCopy()), session.Client.Status().Update(t.Context(), d)); err != nil {
							t.Error(err)
						}
					})
				}
				var recorded bytes.Buffer
				rec := record.NewRecorder(&recorded)
				begin := time.Now()
				if err := session.scaled(t.Context(), rec, checkout, rest); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(begin); took < row.after || took > row.after+config.ReplicasEvery {
					t.Errorf("it has scaled after %s, want %s", took, row.after)
				}
				rec.Flush()
				if strings.Count(recorded.String(), `"note"`) != 1 || !strings.Contains(recorded.String(), row.note) {
					t.Errorf("noted %q, want %q", recorded.String(), row.note)
				}
			})
		})
	}
}

// A look at the cluster may fail for once, also for longer than once.
func TestALookThatFailsIsMadeAgain(t *testing.T) {
	gone := apierrors.NewNotFound(schema.GroupResource{Resource: "deployments"}, "checkout")
	for _, row := range []struct {
		sentence string
		fails    int
		with     error
		want     string
	}{
		{"at first", 3, errors.New("connection refused"), ""},
		{"always", 1e9, errors.New("connection refused"), "connection refused"},
		{"for good", 1, gone, "there is no deployment checkout in shop"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				session := &Session{}
				session.Client = interceptor.NewClient(fake.NewClientBuilder().WithObjects(sized(2, 2)).Build(), interceptor.Funcs{
					Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
						if n++; n <= row.fails {
							return row.with
						}
						return c.Get(ctx, key, o, opts...)
					},
				})
				before, inTime, err := session.scale(t.Context(), record.NewRecorder(io.Discard), checkout, func(int32, kube.State) bool { return true })
				if row.want == "" && (err != nil || !inTime || before != 2) {
					t.Errorf("%d pods, in time: %t, %v", before, inTime, err)
				}
				if row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want) || inTime) {
					t.Errorf("in time: %t, %v; want %q", inTime, err, row.want)
				}
			})
		})
	}
}

// The surge is on from its switch, however long its hold phase waits.
func TestASurgeIsHeldOnceTheServiceHasScaled(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	session := &Session{Client: fake.NewClientBuilder().WithObjects(sized(2, 2)).Build()}
	surge := &load.Surge{Factor: 2}
	f := &scaledOut{Surge: surge, session: session, service: ofCheckout(), rest: time.Second}

	var recorded bytes.Buffer
	rec := record.NewRecorder(&recorded)
	ctx, stop := context.WithCancel(t.Context())
	var driving sync.WaitGroup
	began := make(chan struct{})
	driving.Go(func() {
		once := sync.OnceFunc(func() { close(began) })
		traffic := load.HTTP{URL: server.URL, Shape: load.Constant(20), Surge: surge}
		if err := traffic.Drive(ctx, rec.Clock(), func(record.Request) { once() }); err != nil {
			t.Error(err)
		}
	})
	<-began
	time.AfterFunc(500*time.Millisecond, func() {
		if err := errors.Join(session.Client.Update(t.Context(), sized(4, 4)), session.Client.Status().Update(t.Context(), sized(4, 4))); err != nil {
			t.Error(err)
		}
	})
	from := rec.Clock().Now()
	injection, err := f.Inject(t.Context(), rec)
	switched, took := injection.To-from, rec.Clock().Now()-from
	stop()
	driving.Wait()
	if err != nil || injection.FailureReason != "" || len(injection.Effects) != 1 {
		t.Errorf("injection %+v, %v", injection, err)
	}
	// Not how fast this is, but what comes first.
	if injection.From < from || took < f.rest+500*time.Millisecond || switched > took-f.rest {
		t.Errorf("switched on after %s and held after %s, want it on at once and held when the size has lasted for %s", switched, took, f.rest)
	}
}

func TestPreflightLooksAtTheAutoscaler(t *testing.T) {
	condition := func(of autoscalingv2.HorizontalPodAutoscalerConditionType, is corev1.ConditionStatus) autoscalingv2.HorizontalPodAutoscalerCondition {
		return autoscalingv2.HorizontalPodAutoscalerCondition{Type: of, Status: is, Reason: "FailedGetResourceMetric", Message: "missing request for cpu"}
	}
	working := []autoscalingv2.HorizontalPodAutoscalerCondition{condition(autoscalingv2.ScalingActive, corev1.ConditionTrue)}
	lame := []autoscalingv2.HorizontalPodAutoscalerCondition{condition(autoscalingv2.ScalingActive, corev1.ConditionFalse)}
	for _, row := range []struct {
		sentence         string
		target           string
		most             int32
		current, desired int32
		conditions       []autoscalingv2.HorizontalPodAutoscalerCondition
		text, err        string
	}{
		{"at rest", "checkout", 5, 2, 2, working, "checkout, 2 to 5 replicas, now 2", ""},
		{"it scales", "checkout", 5, 2, 4, working, "", "not at rest: it wants 4 replicas and has 2"},
		{"it has not looked yet", "checkout", 5, 0, 0, nil, "", "it has not begun"},
		{"it never had its metric, which is for the experiment to find", "checkout", 5, 2, 0, lame, "", "it does not work now: FailedGetResourceMetric: missing request for cpu"},
		{"it is another one's", "payments", 5, 2, 2, working, "", "it scales deployment/payments, not deployment/checkout"},
		{"it has one size", "checkout", 2, 2, 2, working, "", "its min and max are both 2"},
	} {
		h := &autoscalingv2.HorizontalPodAutoscaler{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout"},
			Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
				ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{Kind: "Deployment", Name: row.target},
				MinReplicas:    new(int32(2)), MaxReplicas: row.most,
			},
			Status: autoscalingv2.HorizontalPodAutoscalerStatus{CurrentReplicas: row.current, DesiredReplicas: row.desired, Conditions: row.conditions, CurrentMetrics: []autoscalingv2.MetricStatus{{}}},
		}
		p := &preflight{Session: &Session{Client: fake.NewClientBuilder().WithObjects(h).Build()}}
		text, err := p.autoscaler(t.Context(), ofCheckout())
		if (row.err == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), row.err)) || !strings.Contains(text, row.text) {
			t.Errorf("%s: %q, %v; want %q, %q", row.sentence, text, err, row.text, row.err)
		}
	}
}

func TestAPhaseMustBeLongEnoughForWhatIsAskedOfIt(t *testing.T) {
	session, list := made(t, scaled, deployed("checkout"))
	chosen := slices.DeleteFunc(list, func(e Experiment) bool { return e.Planned.Suite != "capacity" })
	p := &preflight{Session: session, list: chosen}
	asked := chosen[0].queries[slices.IndexFunc(chosen[0].queries, func(q asked) bool { return q.check.Name == "capacity/cpu" })]
	look := func(resolution time.Duration) error {
		return p.judgeable(chosen[0].service, asked, prom.Preflight{Resolution: resolution})
	}
	if err := look(20 * time.Second); err != nil {
		t.Errorf("%s are too short: %v", chosen[0].Hold, err)
	}
	err := look(58 * time.Second)
	if want := `limit "mean < 75% during hold": the phase hold lasts 1m0s, and 4 values of this query take 1m1s: make it longer, or the query's range shorter (checkout/capacity/sustained, checkout/capacity/scaled)`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}

// Polls of one scrape are one sample: where a comparison cannot have enough of them, the
// run would inject a fault for a verdict that is unknown.
func TestABaselineOfAQueryTakesAsManyScrapesAsItCompares(t *testing.T) {
	scrape := prom.Preflight{Spacing: 15 * time.Second, Window: steadystate.Span{From: -15 * time.Second}}
	ranged := prom.Preflight{Spacing: 15 * time.Second, Window: steadystate.Span{From: -time.Minute}}
	for _, row := range []struct {
		sentence string
		limit    string
		found    prom.Preflight
		settle   time.Duration
		hold     time.Duration
		watch    time.Duration
		control  bool
		want     string
	}{
		{
			"ten scrapes take longer than the settle time", "mean <= 1.2x baseline", scrape, 10 * time.Second, 2 * time.Minute, time.Minute, false,
			`limit "mean <= 1.2x baseline" compares at least 10 independent values with as many, and this query yields one in 15s: write times: {settle: 2m30s}, or scrape more often and shorten the query's range`,
		},
		{"they fit", "mean <= 1.2x baseline", scrape, 150 * time.Second, 2 * time.Minute, 30 * time.Second, false, ""},
		{"the window is too short, too", "mean <= 1.2x baseline", scrape, 10 * time.Second, time.Minute, 30 * time.Second, false, "one in 15s: write times: {settle: 2m30s, watch: 1m30s}, or"},
		{"the hold phase is", "mean <= 1.2x baseline during hold", scrape, 150 * time.Second, 2 * time.Minute, 5 * time.Minute, false, "write times: {hold: 2m30s}, or"},
		{"the watch is", "mean <= 1.2x baseline during watch", scrape, 150 * time.Second, 5 * time.Minute, time.Minute, false, "write times: {watch: 2m30s}, or"},
		{"ranges that overlap are one value", "mean <= 1.2x baseline", ranged, 150 * time.Second, 9 * time.Minute, time.Minute, false, "yields one in 1m0s: write times: {settle: 10m0s}, or"},
		{"a percentile takes more", "p95 <= 1.2x baseline", scrape, 150 * time.Second, time.Hour, time.Minute, false, "at least 135 independent values with as many, and this query yields one in 15s: write times: {settle: 33m45s}, or"},
		{"a control run is the baseline", "mean <= 1.2x baseline", scrape, 10 * time.Second, 2 * time.Minute, time.Minute, true, ""},
		{"without a baseline four are enough", "mean <= 0.2", scrape, 10 * time.Second, time.Minute, time.Minute, false, ""},
	} {
		e := Experiment{Experiment: experiments.Experiment{Settle: row.settle, Hold: row.hold, Watch: row.watch, AgainstControl: row.control}}
		got := strings.Join(tooAlike(e, steadystate.Limits(row.limit), time.Second, row.found), "\n")
		if (got == "") != (row.want == "") || !strings.Contains(got, row.want) {
			t.Errorf("%s: %q, want %q", row.sentence, got, row.want)
		}
	}
}

func TestWhatAScaledServiceSustainsIsAskedOnceItHasScaled(t *testing.T) {
	e := build(t, scaled, "checkout/capacity/scaled")
	f, ok := e.Faults[0].Fault.(*scaledOut)
	if !ok || len(e.Faults) != 1 || f.rest != 30*time.Second || f.session == nil || f.service.Workload != checkout {
		t.Fatalf("faults %v, want a surge that waits until a size has lasted", e.Faults)
	}
	if !strings.Contains(f.String(), "held once the service has scaled") {
		t.Error(f)
	}
}

// The resolution of a record is that for its smallest backend: what that cannot
// decide is known before the run.
func TestALimitFinerThanOnePodOfSeveralIsNoted(t *testing.T) {
	_, list := made(t, scaled, deployed("checkout"))
	i := slices.IndexFunc(list, func(e Experiment) bool { return e.Name == "checkout/capacity/sustained" })
	for _, row := range []struct {
		pods int
		want string
	}{
		{0, ""},
		{1, ""},
		{3, `check "capacity/uptime", one of 3 pods out: limit "uptime >= 99.9%" is finer than its signal can decide: an outage of up to `},
	} {
		got := strings.Join(unseen(list[i], row.pods), "\n")
		if (got == "") != (row.want == "") || !strings.Contains(got, row.want) {
			t.Errorf("%d pods: %q, want %q", row.pods, got, row.want)
		}
	}
}
