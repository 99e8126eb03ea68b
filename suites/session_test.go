package suites

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/kubewatch"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/experiments/workers"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/steadystate/prom"
)

// valid is a file with one service, which runs the whole catalogue.
const valid = `apiVersion: aftershock/v1
cluster: {context: staging, uid: 0b1c}
allow: {namespaces: [shop]}
prometheus: {url: "http://127.0.0.1:9090"}
checks:
  shop answers: {signal: requests, good: value <= 2s, allowed: 0.1%, limits: [downtime <= 2s, ttr <= 10s]}
  throughput: {query: "sum(rate(served_total[10s]))", good: value >= 50/s}
services:
  checkout:
    namespace: shop
    workload: deployment/checkout
    load: {url: "http://127.0.0.1:30080/checkout", rate: 100/s}
    checks: [shop answers, throughput]
    suites: [all]
`

// scaled is that service with an autoscaler.
var scaled = valid + `    metrics: {labels: {route: /checkout}}
    autoscaler: {surge: 5x, limits: [replicas >= 4]}
    vary:
      autoscaling/cpu-all: {limits: {autoscaler: [replicas <= 5]}}
      capacity/scaled: {limits: {capacity/utilisation: [mean >= 40% during hold]}}
`

// planOf is what a file says.
func planOf(t *testing.T, text string) *config.Plan {
	t.Helper()
	plan, err := config.Parse("aftershock.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// connected is a session of a file on a cluster of these objects.
func connected(t *testing.T, text string, funcs interceptor.Funcs, objects ...client.Object) *Session {
	t.Helper()
	versions := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"gitVersion":"v1.34.0","platform":"linux/amd64"}`)
	}))
	t.Cleanup(versions.Close)
	scheme, err := chaosmesh.Scheme()
	if err != nil {
		t.Fatal(err)
	}
	objects = append(objects, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "kube-system", UID: "0b1c"}})
	if funcs.Create == nil {
		funcs.Create = lacking()
	}
	s := &Session{
		Plan:        planOf(t, text),
		Client:      fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithInterceptorFuncs(funcs).Build(),
		rest:        &rest.Config{Host: versions.URL},
		services:    map[string]*service{},
		environment: map[string]string{},
	}
	if s.Chaos, err = chaosmesh.New(s.guarded(), chaosmesh.Timeouts{}); err != nil {
		t.Fatal(err)
	}
	if s.reach, err = workers.Proxy(s.rest); err != nil {
		t.Fatal(err)
	}
	if s.Plan.Prometheus != nil {
		if s.prometheus, err = prom.NewClient(*s.Plan.Prometheus); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
	}
	return s
}

// made are the experiments that a file names on a cluster, by their names.
func made(t *testing.T, text string, objects ...client.Object) (s *Session, list []Experiment) {
	t.Helper()
	s = connected(t, text, interceptor.Funcs{}, objects...)
	able, err := s.Read(t.Context(), s.Plan.Planned)
	if err != nil {
		t.Fatal(err)
	}
	if list, err = s.Experiments(able); err != nil {
		t.Fatal(err)
	}
	return s, list
}

// build makes the experiment of an id, of a file with the service checkout.
func build(t *testing.T, text, id string) Experiment {
	t.Helper()
	s, list := made(t, text, deployed("checkout"))
	i := slices.IndexFunc(list, func(e Experiment) bool { return e.Name == id })
	if i < 0 {
		t.Fatalf("no experiment %s; skipped: %v", id, s.Plan.Skipped)
	}
	return list[i]
}

// deployed is a deployment at rest, of one container with its name.
func deployed(name string) *appsv1.Deployment {
	d := sized(2, 2)
	d.Name, d.Spec.Selector = name, &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}}
	d.Spec.Template = template(map[string]string{"app": name}, name)
	return d
}

func TestAnExperimentIsNamedByItsID(t *testing.T) {
	_, list := made(t, valid+`experiments:
  storm: {faults: {kill: {podKill: {pods: 1}}}}
`, deployed("checkout"))
	for _, row := range []struct {
		id, title, labels, source string
	}{
		{"checkout/pods/kill-one", "kill one pod of checkout", "checkout pods kill-one", "aftershock.yaml:14"},
		{"checkout/storm", "", "checkout storm", "aftershock.yaml:16"},
	} {
		i := slices.IndexFunc(list, func(e Experiment) bool { return e.Name == row.id })
		if i < 0 {
			t.Errorf("no experiment %s", row.id)
			continue
		}
		e := list[i]
		if got := strings.Join(e.Labels, " "); e.Title != row.title || got != row.labels || e.Source != row.source || e.Hash == "" || e.Hash != e.Planned.Hash {
			t.Errorf("%s: title %q, labels %s, from %s, hash %q; want %q, %s from %s", row.id, e.Title, got, e.Source, e.Hash, row.title, row.labels, row.source)
		}
	}
	for _, e := range list {
		if err := e.Validate(); err != nil {
			t.Error(err)
		}
	}
}

// two are services of one file: one that is loaded and calls the other, which has
// no load.
const two = `apiVersion: aftershock/v1
cluster: {uid: 0b1c}
allow: {namespaces: [shop]}
prometheus: {url: "http://127.0.0.1:9090"}
checks:
  whole: {signal: replicas, good: value >= 100%}
  busy: {query: "max(rate(container_cpu_usage_seconds_total{ {{.Usage}}}[10s]))", good: value < 1}
services:
  checkout:
    namespace: shop
    workload: deployment/checkout
    load: {url: "http://127.0.0.1:30080/checkout"}
    checks: [busy]
    suites: [network/partition, stress/cpu-one]
    calls: [payments]
    podSignals: {calls: "sum by (pod) (rate(calls_total[10s]))"}
  payments:
    namespace: shop
    workload: deployment/payments
    traffic: sum by (pod) (rate(ops_total[5s]))
    checks: [busy]
    suites: [pods/kill-one]
  ledger:
    namespace: shop
    workload: statefulset/ledger
    traffic: sum by (pod) (rate(ops_total[5s]))
    checks: [whole]
    suites: [pods/kill-one]
`

func TestServicesAreReadThatExperimentsAreAboutOrTouch(t *testing.T) {
	for _, row := range []struct {
		sentence, id, want, where string
	}{
		{"its own", "checkout/stress/cpu-one", "checkout", ", deployment checkout in shop"},
		{"and the one that its fault is narrowed to", "checkout/network/partition", "checkout payments", ", deployment checkout in shop, deployment payments in shop"},
		{"another's", "payments/pods/kill-one", "payments", ", deployment payments in shop"},
	} {
		s := connected(t, two, interceptor.Funcs{}, deployed("checkout"), deployed("payments")) // there is no ledger
		chosen := slices.DeleteFunc(slices.Clone(s.Plan.Planned), func(p config.Planned) bool { return p.ID() != row.id })
		able, err := s.Read(t.Context(), chosen)
		if err != nil || len(able) != 1 {
			t.Errorf("%s: %v, %v", row.sentence, able, err)
			continue
		}
		var read []string
		for _, target := range s.Plan.Services {
			if s.services[target.Name] != nil {
				read = append(read, target.Name)
			}
		}
		if got := strings.Join(read, " "); got != row.want {
			t.Errorf("%s: read %s, want %s", row.sentence, got, row.want)
		}
		list, err := s.Experiments(able)
		if err != nil || len(list) != 1 {
			t.Errorf("%s: %v", row.sentence, err)
			continue
		}
		for _, where := range []string{s.Where(able...), list[0].Environment["where"]} {
			if _, of, _ := strings.Cut(where, ")"); of != row.where {
				t.Errorf("%s: it is at %q, want %q", row.sentence, where, row.where)
			}
		}
	}
	s := connected(t, two, interceptor.Funcs{}, deployed("checkout"))
	_, err := s.Read(t.Context(), s.Plan.Planned)
	if err == nil || !strings.Contains(err.Error(), "aftershock.yaml:25: services[ledger].workload: there is no statefulset ledger") || !strings.Contains(err.Error(), "services[payments].workload") {
		t.Errorf("%v, want both that are not there", err)
	}
}

func TestAnExperimentThatWasNotReadIsNotMade(t *testing.T) {
	s := connected(t, valid, interceptor.Funcs{}, deployed("checkout"))
	_, err := s.Experiments(s.Plan.Planned[:1])
	if want := "aftershock.yaml:14: checkout/pods/kill-one: deployment checkout in shop was not read: call Read first"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestAnotherClusterIsNotRead(t *testing.T) {
	s := connected(t, valid, interceptor.Funcs{}, deployed("checkout"))
	s.Plan.Cluster.UID = "another"
	_, err := s.Read(t.Context(), s.Plan.Planned)
	if !errors.Is(err, ErrOtherCluster) || len(s.services) != 0 {
		t.Errorf("%v, read %v", err, s.services)
	}
	if err := s.Preflight(t.Context(), nil, func(_ Mark, what, found string) { t.Errorf("%s: %s", what, found) }); !errors.Is(err, ErrOtherCluster) {
		t.Errorf("preflight: %v", err)
	}
}

// Each service of a file has its own pods and its own container in what is asked
// about it, and in what is done to it.
func TestQueriesAreAboutTheirOwnService(t *testing.T) {
	s, list := made(t, two, deployed("checkout"), deployed("payments"), stored("app"))
	asks := map[string]string{"checkout": "", "payments": ""}
	for _, e := range list {
		for _, q := range e.queries {
			asks[e.service.Name] = q.source.Query.String()
		}
	}
	for name, query := range asks {
		if !strings.Contains(query, fmt.Sprintf("container=%q", name)) || !strings.Contains(query, fmt.Sprintf(`pod=~"%s-[a-z0-9]+-[a-z0-9]{5}"`, name)) {
			t.Errorf("%s: it asks %s", name, query)
		}
	}
	for _, name := range []string{"checkout", "payments"} {
		if got, want := s.services[name].pods().String(), "pods app="+name+" in shop"; got != want {
			t.Errorf("pods %s, want %s", got, want)
		}
	}
	partition := list[slices.IndexFunc(list, func(e Experiment) bool { return e.Name == "checkout/network/partition" })]
	if got := partition.Faults[0].Fault.String(); !strings.Contains(got, "pods app=checkout in shop") || !strings.Contains(got, "pods app=payments in shop") {
		t.Errorf("fault %s", got)
	}
}

func TestAServiceWithoutALoadIsSeenByItsTraffic(t *testing.T) {
	_, list := made(t, two, deployed("checkout"), deployed("payments"), stored("app"))
	for _, e := range list {
		observed := slices.ContainsFunc(e.Observers, func(o experiments.Observer) bool {
			signal, ok := o.(perPod)
			return ok && signal.name == config.SignalTraffic
		})
		if loaded := e.service.Name == "checkout"; (e.Load != nil) != loaded || (e.Traffic == "") != loaded || observed == loaded {
			t.Errorf("%s: load %v, traffic %q, observed: %t", e.Name, e.Load, e.Traffic, observed)
		}
		if e.Load == nil && e.Traffic != config.SignalTraffic {
			t.Errorf("%s: traffic %q", e.Name, e.Traffic)
		}
		if err := e.Validate(); err != nil {
			t.Error(err)
		}
	}
}

// Each signal that a check can name has a source in an experiment of a service that has
// all that makes signals.
func TestEachSignalHasASource(t *testing.T) {
	checked := func(signal, good string) string {
		return strings.NewReplacer("{signal: requests, good: value <= 2s, allowed: 0.1%, limits: [downtime <= 2s, ttr <= 10s]}", "{signal: "+signal+", good: value "+good+"}",
			"rate: 100/s}", "rate: 100/s, reuseRate: 10/s}\n    websocket: {url: \"ws://127.0.0.1:30080/live\"}\n    grpc: {address: \"127.0.0.1:30081\"}").Replace(valid)
	}
	_, err := config.Parse("aftershock.yaml", []byte(checked("none", "<= 1s")))
	_, names, listed := strings.Cut(fmt.Sprint(err), "one of the signals: ")
	if !listed {
		t.Fatal(err)
	}
	names, _, _ = strings.Cut(names, "\n")
	for name := range strings.SplitSeq(names, ", ") {
		var text string
		for _, good := range []string{"<= 1s", ">= 50%", ">= 1/s", "<= 1"} { // one has the signal's unit
			if _, err := config.Parse("aftershock.yaml", []byte(checked(name, good))); err == nil {
				text = checked(name, good)
			}
		}
		_, list := made(t, text, deployed("checkout"))
		if e := list[0]; e.Hypothesis.Checks[0].Signal != name || e.Validate() != nil {
			t.Errorf("%s: %v of %+v", name, e.Validate(), e.Hypothesis.Checks)
		}
	}
}

// What could not begin is reported with the cases that it would have had.
func TestThePlansOfAFileAreThoseOfItsExperiments(t *testing.T) {
	for _, text := range []string{scaled, strings.Replace(scaled, "checks:\n", "baseline: control\nchecks:\n", 1)} {
		s, list := made(t, text, deployed("checkout"))
		var chosen []config.Planned // those that the cluster is able to run
		for _, e := range list {
			if !e.IsControl() {
				chosen = append(chosen, e.Planned)
			}
		}
		plans := Plans(s.Plan, chosen)
		if len(plans) != len(list) {
			t.Errorf("%d plans of %d experiments", len(plans), len(list))
		}
		for _, e := range list {
			want := e.Plan()
			i := slices.IndexFunc(plans, func(p *record.Plan) bool { return p.Name == want.Name })
			if i < 0 {
				t.Errorf("no plan of %s", want.Name)
				continue
			}
			got := plans[i]
			for j := range want.Expectations {
				want.Expectations[j].Signal = "" // the second reading of what is expected
			}
			if !reflect.DeepEqual(got.Checks, want.Checks) || !reflect.DeepEqual(got.Expectations, want.Expectations) ||
				!slices.Equal(slices.Sorted(maps.Keys(got.Stages)), slices.Sorted(maps.Keys(want.Stages))) || len(got.Faults) != len(want.Faults) ||
				got.Service != want.Service || got.Namespace != want.Namespace || got.Source != want.Source || got.Hash != want.Hash || !maps.Equal(got.Places, want.Places) {
				t.Errorf("%s:\n%+v\nwant\n%+v", want.Name, got, want)
			}
		}
	}
}

// The queries that name a container, and what is watched, go by what was read.
func TestExperimentsAreMadeOfWhatWasRead(t *testing.T) {
	text := strings.Replace(scaled, "deployment/checkout", "statefulset/ledger", 1)
	s, list := made(t, text, stored("app"), selecting("front", map[string]string{"app": "ledger"}))
	for id, want := range map[string][]string{
		"checkout/stress/cpu-one":     {`container="app"`, `pod=~"ledger-[0-9]+"`},
		"checkout/capacity/sustained": {`container="app"`, `pod=~"ledger-[0-9]+"`, `route="/checkout"`},
	} {
		e := list[slices.IndexFunc(list, func(e Experiment) bool { return e.Name == id })]
		var asked []string
		for _, q := range e.queries {
			asked = append(asked, q.source.Query.String())
		}
		for _, signal := range e.signals {
			asked = append(asked, signal.series.Source.Query.String())
		}
		for _, w := range want {
			if !strings.Contains(strings.Join(asked, "\n"), w) {
				t.Errorf("%s asks %s, want %s in it", id, asked, w)
			}
		}
	}
	e := list[0]
	watched, ok := e.Observers[0].(kubewatch.Observer)
	if !ok || !slices.Equal(watched.Services, []string{"front"}) || !slices.Equal(watched.Workloads, []kube.Workload{{Kind: kube.StatefulSet, Namespace: "shop", Name: "ledger"}}) {
		t.Errorf("watched: %+v", e.Observers[0])
	}
	if e.Name != "checkout/pods/kill-one" || e.Hypothesis.Signals[0].Describe != "ready / desired pods of statefulset ledger in shop" {
		t.Errorf("%s, %s", e.Name, e.Hypothesis.Signals[0].Describe)
	}
	if got := s.services["checkout"].pods().String(); got != "pods app=ledger,!canary in shop" {
		t.Errorf("pods %s", got)
	}
}

func TestWhatIsPlannedLosesNoRequest(t *testing.T) {
	for id, want := range map[string]bool{"rollout/restart": true, "rollout/bad-image": true, "disruption/drain": true, "pods/kill-one": false} {
		e := build(t, switched, "checkout/"+id)
		got := slices.ContainsFunc(e.Hypothesis.Checks, func(c steadystate.Check) bool {
			return c.Name == "shop answers" && slices.ContainsFunc(c.Limits, func(l steadystate.Limit) bool { return l.String() == "errors <= 0%" })
		})
		if got != want {
			t.Errorf("%s has a limit of no errors: %v, want %v", id, got, want)
		}
	}
	e := build(t, switched+"    vary: {rollout/bad-image: {limits: {rollout/complete: [ttr <= 10s after removal]}}}\n", "checkout/rollout/bad-image")
	checks := e.Hypothesis.Checks
	if last := checks[len(checks)-1]; last.Signal != config.SignalRollout || len(last.Limits) != 2 || last.Limits[1].String() != "ttr <= 10s after removal" {
		t.Errorf("%+v", last)
	}
	if !slices.ContainsFunc(e.Hypothesis.Signals, func(s steadystate.Signal) bool { return s.Name == config.SignalRollout }) {
		t.Error("nothing reads the rollout")
	}
}

// Workers are told their share once: a load that surges is driven from here.
func TestALoadIsDrivenByItsWorkersUnlessItSurges(t *testing.T) {
	text := strings.NewReplacer("rate: 100/s}", "rate: 100/s, workers: {count: 2, image: registry.example/aftershock:1.0, namespace: load-gen, memory: 128Mi}}").Replace(scaled)
	s, list := made(t, text, deployed("checkout"), podOf("checkout"))
	if got := s.Swept(); !slices.Equal(got, []string{"load-gen", "shop"}) {
		t.Errorf("swept: %s", got)
	}
	var here []string
	for _, e := range list {
		job, byWorkers := e.Load.(workers.Job)
		if surges := slices.ContainsFunc(e.Planned.Faults, func(f config.PlannedFault) bool { return f.Kind == "surge" }); byWorkers == surges {
			t.Errorf("%s is driven by %T", e.Name, e.Load)
		}
		if !byWorkers {
			here = append(here, e.Name)
			if e.Load.(load.HTTP).Surge == nil {
				t.Errorf("%s has no surge", e.Name)
			}
			continue
		}
		if err := job.Validate(); err != nil || job.Count != 2 || job.Namespace != "load-gen" || job.Memory.String() != "128Mi" || job.Lifetime <= e.Longest() {
			t.Errorf("%s: %+v, %v", e.Name, job, err)
		}
	}
	if len(here) != 4 {
		t.Errorf("driven from here: %v", here)
	}
	said := ""
	p := &preflight{Session: s, list: list, say: func(_ Mark, what, found string) { said += what + ": " + found + "\n" }}
	p.loads(t.Context())
	if want := "load workers: a load that surges is driven from here: " + strings.Join(here, ", ") + "\n"; !strings.Contains(said, want) {
		t.Errorf("preflight says\n%s%v\nwant %s", said, p.errs, want)
	}
}

func TestASessionIsOnTheClusterOfItsFile(t *testing.T) {
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	const text = `{"apiVersion":"v1","kind":"Config","clusters":[{"name":"c","cluster":{"server":"http://127.0.0.1:1"}}],"contexts":[{"name":"staging","context":{"cluster":"c"}}],"current-context":"staging"}`
	if err := os.WriteFile(kubeconfig, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	plan := planOf(t, strings.Replace(two, "{uid: 0b1c}", "{uid: 0b1c, kubeconfig: "+kubeconfig+", context: staging}", 1))
	s, err := Connect(plan)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got, want := s.Where(), "cluster staging (http://127.0.0.1:1), deployment checkout in shop, deployment payments in shop, statefulset ledger in shop"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if _, err := s.Read(t.Context(), plan.Planned); !errors.Is(err, ErrUnavailable) || !strings.HasPrefix(err.Error(), "aftershock.yaml:2: cluster: http://127.0.0.1:1: cannot be tested now: ") {
		t.Errorf("of a cluster that is away: %v", err)
	}
	plan.Cluster.Context = "production"
	for _, row := range []struct{ sentence, kubeconfig, want string }{
		{"a context that is not there", kubeconfig, `context "production" does not exist; contexts: staging`},
		{"a kubeconfig that is not there", kubeconfig + "-old", "no such file or directory: remove cluster.kubeconfig to use KUBECONFIG (which is set)"},
	} {
		t.Setenv("KUBECONFIG", kubeconfig)
		plan.Cluster.Kubeconfig = row.kubeconfig
		_, err := Connect(plan)
		if err == nil || !strings.HasPrefix(err.Error(), "aftershock.yaml:2: cluster: connect to production of "+row.kubeconfig+": ") || !strings.HasSuffix(err.Error(), row.want) {
			t.Errorf("%s: %v, want %s", row.sentence, err, row.want)
		}
	}
	t.Setenv("KUBECONFIG", kubeconfig+"-old")
	plan.Cluster.Kubeconfig = ""
	if _, err := Connect(plan); err == nil || !strings.Contains(err.Error(), "no kubeconfig in "+kubeconfig+"-old, which does not exist: set KUBECONFIG") {
		t.Errorf("where kubectl finds none: %v", err)
	}
}

func TestPreflightTellsWhatWouldBeHitAndWhatIsSkipped(t *testing.T) {
	place := newTown(t)
	place.handler = func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Pod", "checkout-a") }
	pod := podOf("checkout")
	set := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout-1", UID: "r"}}
	d := deployed("checkout")
	d.UID = "d"
	set.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(d, appsv1.SchemeGroupVersion.WithKind("Deployment"))}
	pod.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(set, appsv1.SchemeGroupVersion.WithKind("ReplicaSet"))}
	text := strings.NewReplacer(`prometheus: {url: "http://127.0.0.1:9090"}`+"\n", "", `  throughput: {query: "sum(rate(served_total[10s]))", good: value >= 50/s}`+"\n", "", ", throughput]", "]",
		"[all]", "[pods/kill-one, pods/failure, network/partition]", "http://127.0.0.1:30080/checkout", place.url).Replace(valid) + "times: {hold: 5s}\n"
	s, list := made(t, text, d, set, pod)
	said := map[string]string{}
	if err := s.Preflight(t.Context(), list, func(mark Mark, what, found string) { said[what] += string(mark) + " " + found }); err != nil {
		t.Fatal(err)
	}
	for what, want := range map[string]string{
		"read from deployment checkout in shop": "ok selector app=checkout, container checkout, no Service selects its pods, so no endpoints are followed",
		"workload of checkout":                  "ok deployment checkout in shop is at rest",
		"pods of checkout":                      "ok 1 of the 1 pods of deployment checkout in shop match the selector app=checkout",
		"versions":                              "ok aftershock (devel), kubernetes v1.34.0, platform linux/amd64",
		"1 of checkout-a":                       "hit by checkout/pods/kill-one, checkout/pods/failure",
		"checkout/pods/failure":                 "note hold is 30s and not 5s, as times.hold says: its effect may not show in less; times: {hold: ...} of the experiment sets another",
		"checkout/network/partition":            "skip services[checkout].calls is missing: the service that is called; pod signal \"calls\" shows its effect and needs a Prometheus, and the file names none; write prometheus: {url: \"http://prometheus.example:9090\"}",
		"faults of other runs":                  "ok none in shop",
	} {
		if said[what] != want {
			t.Errorf("%s: %q, want %q; all: %v", what, said[what], want, said)
		}
	}
	// What is not at rest cannot be tested now, and where the file names it is said.
	moving := sized(2, 1)
	moving.ObjectMeta, moving.Spec = d.ObjectMeta, d.Spec
	moving.ResourceVersion = ""
	if err := s.Client.Status().Update(t.Context(), moving); err != nil {
		t.Fatal(err)
	}
	err := s.Preflight(t.Context(), list, func(Mark, string, string) {})
	if !errors.Is(err, ErrUnavailable) || !strings.HasPrefix(err.Error(), "aftershock.yaml:9: workload of checkout: cannot be tested now: not at rest: ") {
		t.Errorf("of one that is not at rest: %v", err)
	}
}

// A fault of the network is also injected into the pods at its other end.
func TestPreflightLooksAtTheServiceThatAFaultIsNarrowedTo(t *testing.T) {
	text := strings.NewReplacer(`prometheus: {url: "http://127.0.0.1:9090"}`+"\n", "", `    suites: [pods/kill-one]`+"\n", "", "[busy]", "[whole]",
		"[network/partition, stress/cpu-one]", "[]", "deployment/payments\n", "deployment/payments\n    selector: {tier: back}\n",
		`  busy: {query: "max(rate(container_cpu_usage_seconds_total{ {{.Usage}}}[10s]))", good: value < 1}`+"\n", "",
		`    podSignals: {calls: "sum by (pod) (rate(calls_total[10s]))"}`+"\n", "", "    traffic: sum by (pod) (rate(ops_total[5s]))\n", "").Replace(two) +
		"experiments:\n  slow: {from: network/delay, service: checkout, faults: {delay: {networkDelay: {to: calls}}}}\n"
	stranger := podOf("cart")
	stranger.Labels["tier"] = "back"
	s, list := made(t, text, deployed("checkout"), deployed("payments"), stranger)
	err := s.Preflight(t.Context(), list, func(Mark, string, string) {})
	if want := "pods of payments: refused: the selector tier=back matches pod cart-a, which deployment payments in shop does not control; narrow it"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestPreflightReadsWhatEachLoadReads(t *testing.T) {
	text := strings.NewReplacer(`prometheus: {url: "http://127.0.0.1:9090"}`+"\n", "", `  throughput: {query: "sum(rate(served_total[10s]))", good: value >= 50/s}`+"\n", "", ", throughput]", "]",
		"[all]", "[pods/kill-one]").Replace(valid) + `experiments:
  told: {faults: {kill: {podKill: {pods: 1}}}, load: {bodyFile: /no/such/body}}
`
	s, list := made(t, text, deployed("checkout"))
	err := s.Preflight(t.Context(), list, func(Mark, string, string) {})
	if err == nil || !strings.Contains(err.Error(), "/no/such/body") {
		t.Errorf("%v, want the file that is not there", err)
	}
}

// podOf is a pod that runs, of a deployment of that name.
func podOf(name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name + "-a", UID: types.UID(name + "-a"), Labels: map[string]string{"app": name}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: name}}},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning},
	}
}
