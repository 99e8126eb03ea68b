package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	promconfig "github.com/prometheus/common/config"
	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/prom"
	"github.com/aftershockhq/aftershock/steadystate/prom/promtest"
	"github.com/aftershockhq/aftershock/suites"
)

// scrapedEvery is Prometheus' default in most installations.
const scrapedEvery = 15 * time.Second

// scrapeShop stores what a scrape found.
func scrapeShop(p *promtest.Prometheus, at time.Time, served float64) error {
	return errors.Join(
		p.Append(`served_total{job="shop",instance="shop:80"}`, at, served),
		p.Append(`up{job="shop",instance="shop:80"}`, at, 1))
}

// seenByPrometheus is the configuration of a service that answers, and whose only
// check is a rate over a minute.
func seenByPrometheus(t *testing.T, url string, limits ...string) string {
	t.Helper()
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Pod", "checkout-a") }))
	t.Cleanup(service.Close)
	return `apiVersion: aftershock/v1
cluster: {kubeconfig: kubeconfig, uid: 0b1c}
allow: {namespaces: [shop]}
prometheus: {url: "` + url + `"}
times: {settle: 2m, hold: 10s, watch: 5m}
checks:
  serving:
    query: sum(rate(served_total[1m]))
    good: value >= 990/s
    limits: [` + strings.Join(limits, ", ") + `]
services:
  checkout:
    namespace: shop
    workload: deployment/checkout
    load: {url: "` + service.URL + `/checkout"}
    checks: [serving]
    suites: [pods, network, stress]
    vary:
      pods/evict: {skip: the fake client takes a dry run for a real one}
`
}

// limitLine is where the check of that file begins, to which its limits belong.
const limitLine = 7

// configure writes the file, with a kubeconfig beside it, and connects.
func configure(t *testing.T, kubernetes, text string) (*suites.Session, string) {
	t.Helper()
	dir := t.TempDir()
	kubeconfig := `apiVersion: v1
kind: Config
current-context: test
clusters: [{name: test, cluster: {server: ` + kubernetes + `}}]
contexts: [{name: test, context: {cluster: test, user: test}}]
users: [{name: test, user: {}}]
`
	path := filepath.Join(dir, "aftershock.yaml")
	for name, content := range map[string]string{path: text, filepath.Join(dir, "kubeconfig"): kubeconfig} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	plan, err := readPlan(path)
	if err != nil {
		t.Fatal(err)
	}
	session, err := suites.Connect(plan)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(session.Close)
	return session, path
}

// atRest gives the session a cluster in which the service is at rest, and makes
// the experiments of these ids there.
func atRest(t *testing.T, session *suites.Session, names ...string) []suites.Experiment {
	t.Helper()
	scheme, err := chaosmesh.Scheme()
	if err != nil {
		t.Fatal(err)
	}
	app := map[string]string{"app": "checkout"}
	one := int32(1)
	template := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: app},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "checkout", Resources: corev1.ResourceRequirements{
			Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("64Mi")},
		}}}},
	}
	deployment := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout", UID: "d"},
		Spec:       appsv1.DeploymentSpec{Replicas: &one, Selector: &metav1.LabelSelector{MatchLabels: app}, Template: template},
		Status:     appsv1.DeploymentStatus{Replicas: 1, UpdatedReplicas: 1, ReadyReplicas: 1, AvailableReplicas: 1},
	}
	controlled := func(owner client.Object, kind string) []metav1.OwnerReference {
		return []metav1.OwnerReference{*metav1.NewControllerRef(owner, appsv1.SchemeGroupVersion.WithKind(kind))}
	}
	set := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout-1", UID: "r", OwnerReferences: controlled(deployment, "Deployment")}}
	objects := []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "kube-system", UID: "0b1c"}},
		&corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout"}, Spec: corev1.ServiceSpec{Selector: app}},
		deployment, set,
		&corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout-a", UID: "a", Labels: app, OwnerReferences: controlled(set, "ReplicaSet")},
			Spec:       template.Spec,
			Status:     corev1.PodStatus{Phase: corev1.PodRunning},
		},
	}
	session.Plan.Cluster.Image = "" // nothing here starts the pod of a dead-man switch
	session.Client = fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithInterceptorFuncs(interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.CreateOption) error {
			if review, ok := object.(*authorizationv1.SelfSubjectAccessReview); ok {
				review.Status.Allowed = true
				return nil
			}
			return c.Create(ctx, object, options...)
		},
	}).Build()
	session.Chaos, err = chaosmesh.New(faults.Cluster{Client: session.Client, Guard: faults.Guard{Cluster: "0b1c", Namespaces: session.Plan.Allow.Namespaces}}, chaosmesh.Timeouts{})
	if err != nil {
		t.Fatal(err)
	}
	chosen, err := choose(session.Plan, session.Plan.Planned, names, "")
	if err != nil {
		t.Fatal(err)
	}
	list, err := experimentsOf(t.Context(), session, chosen, names)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// killOne is the experiment with one pod killed, after its control run if it has
// one.
func killOne(t *testing.T, session *suites.Session) experiments.Experiment {
	t.Helper()
	list := atRest(t, session, "checkout/pods/kill-one")
	return list[len(list)-1].Experiment
}

// A limit that Prometheus is too coarse for is refused before anything is
// touched, at its place in the file, with the finest one that would do.
func TestPreflightRefusesALimitFinerThanItsRate(t *testing.T) {
	server := promtest.NewServer(t)
	now := time.Now()
	for i := range 20 {
		back := time.Duration(19-i)*scrapedEvery + time.Second
		if err := scrapeShop(server.Prometheus, now.Add(-back), 1000*float64(i)*scrapedEvery.Seconds()); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range []struct {
		sentence string
		limits   []string
		code     int
		want     string
	}{
		{"an outage of 5s passes between two scrapes", []string{"outage <= 5s"}, exitUsage, `limit "outage <= 5s" is finer than its signal can decide: an outage of up to 1m1.`},
		{"so does a downtime of 60s within a rate over a minute", []string{"downtime <= 2m", "downtime <= 60s"}, exitUsage, `the finest limit that could be decided is "downtime <= 1m1.`},
		{"a limit that the rate can decide is let through", []string{"outage <= 2m"}, exitHeld, ""},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			session, path := configure(t, versioned(t), seenByPrometheus(t, server.URL, row.limits...))
			list := atRest(t, session)
			var out bytes.Buffer
			err := preflight(t.Context(), &out, session, list, marks(true))
			if code := exitCode(err); code != row.code {
				t.Errorf("exit code %d, want %d\n%s%s", code, row.code, out.String(), message(err))
			}
			if row.want == "" {
				if !strings.Contains(out.String(), `ok    check "serving" of checkout: 1 series, now [`) {
					t.Errorf("preflight says\n%s", out.String())
				}
				return
			}
			if want := path + ":" + strconv.Itoa(limitLine) + `: check "serving" of checkout: `; !strings.Contains(message(err), want) || !strings.Contains(message(err), row.want) {
				t.Errorf("preflight says\n%swant %q and %q", message(err), want, row.want)
			}
		})
	}
}

// A shop serves 1000 requests a second but in an outage.
type shop struct {
	mu      sync.Mutex
	down    bool
	served  float64
	counted time.Time
}

func (s *shop) count() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if !s.down && !s.counted.IsZero() {
		s.served += 1000 * now.Sub(s.counted).Seconds()
	}
	s.counted = now
	return s.served
}

func (s *shop) set(down bool) {
	s.count()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// A planted outage is a fault that notes the truth.
type planted struct {
	shop   *shop
	scrape func() (next time.Time)
	after  time.Duration // a scrape
	truth  steadystate.Span
}

func (p *planted) String() string { return "planted outage" }

func (p *planted) Inject(_ context.Context, rec *record.Recorder) (record.Injection, error) {
	time.Sleep(time.Until(p.scrape().Add(p.after)))
	p.shop.set(true)
	p.truth.From = rec.Clock().Now()
	return record.Injection{Targets: []record.Target{{Name: "shop"}}, Span: steadystate.Instant(p.truth.From)}, nil
}

func (p *planted) Recover(_ context.Context, rec *record.Recorder) (steadystate.Span, error) {
	p.shop.set(false)
	p.truth.To = rec.Clock().Now()
	return steadystate.Instant(p.truth.To), nil
}

// pipes listen for connections that are made in this process.
type pipes struct {
	made   chan net.Conn
	closed chan struct{}
	close  func()
}

func newPipes() *pipes {
	p := &pipes{made: make(chan net.Conn), closed: make(chan struct{})}
	p.close = sync.OnceFunc(func() { close(p.closed) })
	return p
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.made:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.close()
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.made <- there:
		return here, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// An outage of 10 s that only a rate over a minute shows, scraped every 15 s,
// is reported with bounds that hold the truth, wherever it lies between the
// scrapes; a limit of 5 s on it is never held.
func TestAnOutageThatOnlyPrometheusSees(t *testing.T) {
	for _, after := range []time.Duration{0, 2 * time.Second, 9 * time.Second, 14 * time.Second} {
		t.Run(fmt.Sprintf("%s after a scrape", after), func(t *testing.T) {
			// The file is read and the experiment made as "aftershock run" does.
			session, _ := configure(t, versioned(t), seenByPrometheus(t, "http://prometheus.example", "outage <= 5s", "outage <= 5m"))
			experiment := killOne(t, session)
			synctest.Test(t, func(t *testing.T) { seeOutage(t, experiment, after) })
		})
	}
}

// seeOutage runs in a bubble, so that minutes pass in no time.
func seeOutage(t *testing.T, e experiments.Experiment, after time.Duration) {
	m, err := promtest.New()
	if err != nil {
		t.Fatal(err)
	}
	listener := newPipes()
	server := &http.Server{Handler: m, ReadHeaderTimeout: time.Minute}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	c, err := prom.NewClient(prom.Config{URL: "http://prometheus.example"}, promconfig.WithDialContextFunc(listener.dial))
	if err != nil {
		t.Fatal(err)
	}

	// Scrapes, for a while before the run already.
	shop := &shop{}
	var mu sync.Mutex
	var next time.Time
	ctx, stop := context.WithCancel(context.Background())
	var scraping sync.WaitGroup
	scraping.Go(func() {
		ticker := time.NewTicker(scrapedEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case at := <-ticker.C:
				if err := scrapeShop(m, at, shop.count()); err != nil {
					t.Errorf("scrape: %v", err)
				}
				mu.Lock()
				next = at.Add(scrapedEvery)
				mu.Unlock()
			}
		}
	})
	time.Sleep(5*scrapedEvery + 7*time.Second)

	// The experiment's own checks and sources, on this clock.
	fault := &planted{shop: shop, after: after, scrape: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return next
	}}
	e.Load, e.Traffic, e.Observers, e.Faults = nil, "traffic", nil, []experiments.Scheduled{{Fault: fault}}
	var signals []steadystate.Signal
	for _, signal := range e.Hypothesis.Signals {
		if source, ok := signal.Source.(prom.Source); ok {
			source.Client = c
			signals = append(signals, source.Signal(signal.Name))
		}
	}
	e.Hypothesis.Signals = signals
	var recorded bytes.Buffer
	if err := e.Run(t.Context(), record.NewRecorder(&recorded)); err != nil {
		t.Fatal(err)
	}

	stop()
	scraping.Wait()
	c.Close()
	_ = server.Close()
	serving.Wait()
	if err := m.Close(); err != nil {
		t.Error(err)
	}

	result, err := judge.Judge(record.Read(bytes.NewReader(recorded.Bytes())), nil)
	if err != nil {
		t.Fatal(err)
	}
	check := result.Checks[0]
	if len(check.Outages) != 1 {
		t.Fatalf("%d outages, want the one that was planted; %s", len(check.Outages), result.Reason)
	}
	o := check.Outages[0]
	t.Logf("from %s to %s, length %v; in truth %s; resolution %s", o.Start, o.End, o.Length(), fault.truth, check.Resolution)
	if !o.Start.Overlaps(steadystate.Instant(fault.truth.From)) || !o.End.Overlaps(steadystate.Instant(fault.truth.To)) {
		t.Errorf("from %s to %s, in truth %s", o.Start, o.End, fault.truth)
	}
	if truth := fault.truth.Width(); truth != 10*time.Second || !o.Length().Holds(truth) {
		t.Errorf("length %v, in truth %s", o.Length(), truth)
	}
	for _, f := range result.Findings {
		t.Logf("%s: %s: %s: %s", f.Check, f.Limit, f.Verdict, f.Text)
		switch f.Limit {
		case "outage <= 5s":
			if f.Verdict == steadystate.Held {
				t.Errorf("%s is held: %s", f.Limit, f.Text)
			}
		case "outage <= 5m":
			if f.Verdict == steadystate.Broken {
				t.Errorf("%s is broken: %s", f.Limit, f.Text)
			}
		}
	}
}
