package suites

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/steadystate/prom"
)

// town is a cluster with a service checkout of three pods on two nodes, a budget,
// an autoscaler and what Chaos Mesh needs.
type town struct {
	checkout *appsv1.Deployment
	budget   *policyv1.PodDisruptionBudget
	scaler   *autoscalingv2.HorizontalPodAutoscaler
	nodes    []*corev1.Node
	daemons  *discoveryv1.EndpointSlice
	pods     []*corev1.Pod
	url      string // of the service
	handler  http.HandlerFunc
	forbid   string // a resource that may not be listed
	webhook  string // why Chaos Mesh's does not answer

	prometheus *prom.Client // nil: none, and what it is asked is not tested
}

func newTown(t *testing.T) *town {
	t.Helper()
	app := map[string]string{"app": "checkout"}
	d := deployed("checkout")
	d.UID = "d"
	d.Spec.Replicas = new(int32(3))
	d.Status = appsv1.DeploymentStatus{Replicas: 3, ReadyReplicas: 3, AvailableReplicas: 3, UpdatedReplicas: 3}
	d.Spec.Template.Spec.Containers[0].Image = "shop/checkout:1"
	place := &town{
		checkout: d,
		budget: &policyv1.PodDisruptionBudget{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout"},
			Spec:       policyv1.PodDisruptionBudgetSpec{MinAvailable: new(intstr.FromInt32(2)), Selector: &metav1.LabelSelector{MatchLabels: app}},
			Status:     policyv1.PodDisruptionBudgetStatus{DisruptionsAllowed: 1, DesiredHealthy: 2, ExpectedPods: 3, CurrentHealthy: 3},
		},
		scaler: &autoscalingv2.HorizontalPodAutoscaler{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout"},
			Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
				ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{Kind: "Deployment", Name: "checkout"}, MinReplicas: new(int32(3)), MaxReplicas: 6,
			},
			Status: autoscalingv2.HorizontalPodAutoscalerStatus{
				CurrentReplicas: 3, DesiredReplicas: 3, CurrentMetrics: []autoscalingv2.MetricStatus{{Type: autoscalingv2.ResourceMetricSourceType}},
				Conditions: []autoscalingv2.HorizontalPodAutoscalerCondition{
					{Type: autoscalingv2.AbleToScale, Status: corev1.ConditionTrue}, {Type: autoscalingv2.ScalingActive, Status: corev1.ConditionTrue},
				},
			},
		},
		daemons: &discoveryv1.EndpointSlice{
			ObjectMeta: metav1.ObjectMeta{Namespace: "chaos-mesh", Name: "chaos-daemon-x4"}, AddressType: discoveryv1.AddressTypeIPv4,
			Endpoints: []discoveryv1.Endpoint{{NodeName: new("one")}, {NodeName: new("two"), Conditions: discoveryv1.EndpointConditions{Ready: new(true)}}},
		},
		handler: func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Pod", "checkout-0") },
	}
	for _, name := range []string{"one", "two"} {
		place.nodes = append(place.nodes, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}}})
	}
	for i, on := range []string{"one", "one", "two"} {
		pod := podOf("checkout")
		pod.Name, pod.UID, pod.Spec.NodeName = fmt.Sprintf("checkout-%d", i), types.UID(fmt.Sprint(i)), on
		pod.Spec.Containers[0].ReadinessProbe = &corev1.Probe{}
		pod.Spec.Containers[0].Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("100Mi"), corev1.ResourceCPU: resource.MustParse("1")}
		pod.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(&appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Name: "checkout-1", UID: "r"}}, appsv1.SchemeGroupVersion.WithKind("ReplicaSet"))}
		place.pods = append(place.pods, pod)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { place.handler(w, r) }))
	t.Cleanup(server.Close)
	place.url = server.URL + "/checkout"
	return place
}

// preflight is what preflight of a file says in town, and its error. The address
// of the service is put into the file.
func (place *town) preflight(t *testing.T, text string) (said string, err error) {
	t.Helper()
	set := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout-1", UID: "r"}}
	set.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(place.checkout, appsv1.SchemeGroupVersion.WithKind("Deployment"))}
	objects := []client.Object{place.checkout, set, place.scaler}
	if place.budget != nil {
		objects = append(objects, place.budget)
	}
	if place.daemons != nil {
		objects = append(objects, place.daemons)
	}
	for _, n := range place.nodes {
		objects = append(objects, n)
	}
	for _, pod := range place.pods {
		objects = append(objects, pod)
	}
	s := connected(t, strings.ReplaceAll(text, "http://127.0.0.1:30080/checkout", place.url), interceptor.Funcs{
		SubResourceCreate: func(context.Context, client.Client, string, client.Object, client.Object, ...client.SubResourceCreateOption) error {
			if place.budget != nil && place.budget.Status.DisruptionsAllowed == 0 {
				err := apierrors.NewTooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", 0)
				err.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: policyv1.DisruptionBudgetCause}}
				return err
			}
			return nil
		},
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			if _, chaos := o.(*v1alpha1.PodChaos); chaos && place.webhook != "" {
				return apierrors.NewInternalError(errors.New(place.webhook))
			}
			return lacking()(ctx, c, o, opts...)
		},
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			if kind := fmt.Sprintf("%T", list); place.forbid != "" && strings.HasSuffix(kind, "."+place.forbid) {
				return apierrors.NewForbidden(schema.GroupResource{Resource: strings.ToLower(place.forbid)}, "", errors.New("no"))
			}
			return c.List(ctx, list, opts...)
		},
	}, objects...)
	s.prometheus = place.prometheus
	able, err := s.Read(t.Context(), s.Plan.Planned)
	if err != nil {
		t.Fatal(err)
	}
	list, err := s.Experiments(able)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	err = s.Preflight(t.Context(), list, func(mark Mark, what, found string) {
		lines = append(lines, fmt.Sprintf("%s %s: %s", mark, what, found))
	})
	return strings.Join(lines, "\n") + "\n", err
}

// all is the catalogue.
var all = strings.NewReplacer("[shop answers, throughput]", "[shop answers, whole]", "services:", "  whole: {signal: replicas, good: value >= 100%, limits: [ttr <= 30s]}\nservices:").Replace(scaled) +
	"      disruption/drain: {limits: {whole: [min >= 66%]}}\n"

func TestTheCatalogueIsNotRefused(t *testing.T) {
	place := newTown(t)
	said, err := place.preflight(t, all)
	if err != nil {
		t.Errorf("%v\n%s", err, said)
	}
	for _, want := range []string{
		"ok nodes of checkout: 3 pods on one, two; a replacement may go to 2 of 2 nodes\n",
		"ok load of checkout: requests at 100/s over fresh connections, GET " + place.url + ", timeout 2s; it answers within ",
		"ok autoscaler of checkout: checkout, 3 to 6 replicas, now 3; no Prometheus",
		"hit 3 of checkout-0, checkout-1, checkout-2: by checkout/network/delay, checkout/network/loss, checkout/stress/cpu-all, checkout/disruption/drain, checkout/rollout/restart, checkout/autoscaling/cpu-all\n",
		"ok at the worst, checkout: 2 of 3 pods are left ready, by checkout/pods/kill-one\n",
		"ok chaos-daemon: ready on one, two\n",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("preflight does not say %q:\n%s", want, said)
		}
	}
	for line := range strings.Lines(said) {
		if strings.HasPrefix(line, "note ") && !strings.Contains(line, "until \"aftershock sweep\"") && !strings.Contains(line, "one of 3 pods out") && !strings.Contains(line, "as times.") && !strings.Contains(line, ": without check ") {
			t.Errorf("it notes %s", line)
		}
	}
}

// What a newcomer does wrong, each a finding that is told once, with what to do.
func TestPreflightSeesWhatIsWrong(t *testing.T) {
	kill := strings.Replace(all, "suites: [all]", "suites: [pods/kill-one]", 1)
	kill = kill[:strings.Index(kill, "    autoscaler:")]
	suites := func(list string) string { return strings.Replace(kill, "pods/kill-one", list, 1) }
	for _, row := range []struct {
		sentence string
		text     string
		change   func(*town)
		want     string // in what is said
		err      string
		refused  error
	}{
		{
			"a dead port", strings.Replace(all, "http://127.0.0.1:30080/checkout", "http://127.0.0.1:1/checkout", 1), nil, "",
			"load of checkout: GET http://127.0.0.1:1/checkout: connection refused: check that the service listens there", nil,
		},
		{
			"a wrong path", all, func(place *town) { place.handler = http.NotFound }, "",
			"/checkout: 404: check the URL's path", nil,
		},
		{
			"no header that names the pod", kill, func(place *town) { place.handler = func(http.ResponseWriter, *http.Request) {} }, "",
			"no answer names its backend in the header X-Pod: have the service send its pod's name", nil,
		},
		{
			"which nothing needs without a fault", suites("capacity/sustained"), func(place *town) { place.handler = func(http.ResponseWriter, *http.Request) {} },
			"say which one under load.backendHeader; no fault here needs it", "", nil,
		},
		{
			"a load that only keeps connections", strings.Replace(kill, "    load: {", "    load: {reuse: true, ", 1), nil,
			"note load of checkout: it keeps its connections (reuse: true), and a few carry all requests: a pod to which none leads takes no traffic", "", nil,
		},
		{
			"a selector of no pods", strings.Replace(all, "    load:", "    selector: {app: chekout}\n    load:", 1), nil, "",
			"pods of checkout: the selector app=chekout matches none of the 3 pods of deployment checkout in shop, which have the labels app=checkout", nil,
		},
		{
			"an autoscaler without its metric", all, func(place *town) {
				place.scaler.Status.Conditions[1] = autoscalingv2.HorizontalPodAutoscalerCondition{Type: autoscalingv2.ScalingActive, Status: corev1.ConditionFalse, Reason: "FailedGetResourceMetric", Message: "no metrics known"}
			}, "note autoscaler of checkout: checkout, 3 to 6 replicas, now 3; it does not work now: FailedGetResourceMetric: no metrics known; is its metrics' source there (metrics-server), and do the pods have requests? kubectl -n shop describe hpa checkout", "", nil,
		},
		{
			"one that cannot scale", all, func(place *town) {
				place.scaler.Status.Conditions[0] = autoscalingv2.HorizontalPodAutoscalerCondition{Type: autoscalingv2.AbleToScale, Status: corev1.ConditionFalse, Reason: "FailedUpdateScale", Message: "forbidden"}
			}, "it does not work now: FailedUpdateScale: forbidden; kubectl -n shop describe hpa checkout", "", nil,
		},
		{
			"one that has no metric yet", all, func(place *town) { place.scaler.Status.CurrentMetrics = nil },
			"it does not work now: it has no metric yet", "", nil,
		},
		{
			"an eviction that the budget forbids now", suites("pods/evict"), func(place *town) { place.budget.Status.DisruptionsAllowed = 0 },
			"note would be hit by checkout/pods/evict: 1 of checkout-0, checkout-1, checkout-2; refused now: Cannot evict pod", "", nil,
		},
		{
			"a drain that it forbids for good", suites("disruption/drain"), func(place *town) {
				place.budget.Status = policyv1.PodDisruptionBudgetStatus{DesiredHealthy: 3, ExpectedPods: 3, CurrentHealthy: 3}
			}, "note would be hit by checkout/disruption/drain: 3 of checkout-0, checkout-1, checkout-2; checkout-0 cannot be evicted while its budget expects 3 pods, and the run will find that: broken.", "", nil,
		},
		{
			"a node that is cordoned", kill, func(place *town) { place.nodes[0].Spec.Unschedulable = true },
			"note nodes of checkout: one is cordoned (kubectl uncordon one), and runs 2 of the 3 pods; a replacement may go to 1 of 2 nodes\n", "", nil,
		},
		{
			"all of them", kill, func(place *town) { place.nodes[0].Spec.Unschedulable, place.nodes[1].Spec.Unschedulable = true, true },
			"two is cordoned (kubectl uncordon two), and runs 1 of the 3 pods; no node takes a replacement, so that a pod that goes stays away\n", "", nil,
		},
		{
			"one that is not ready", kill, func(place *town) {
				place.nodes[1].Status.Conditions[0] = corev1.NodeCondition{Type: corev1.NodeReady, Status: corev1.ConditionUnknown, Reason: "NodeStatusUnknown"}
			}, "note nodes of checkout: two is not ready: NodeStatusUnknown (kubectl describe node two), and runs 1 of the 3 pods; a replacement may go to 1 of 2 nodes\n", "", nil,
		},
		{
			"one where no pod runs yet", kill, func(place *town) {
				place.nodes = append(place.nodes, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "three"}, Spec: corev1.NodeSpec{Unschedulable: true}})
			}, "note nodes of checkout: three is cordoned (kubectl uncordon three); a replacement may go to 2 of 3 nodes\n", "", nil,
		},
		{
			"one that is not for its pods", kill, func(place *town) {
				place.nodes = append(place.nodes, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "three"}, Spec: corev1.NodeSpec{Unschedulable: true, Taints: []corev1.Taint{{Key: "batch", Effect: corev1.TaintEffectNoSchedule}}}})
			}, "ok nodes of checkout: 3 pods on one, two; a replacement may go to 2 of 3 nodes\n", "", nil,
		},
		{
			"nodes that take no pod of the service", kill, func(place *town) {
				for _, n := range place.nodes {
					n.Spec.Taints = []corev1.Taint{{Key: "batch", Effect: corev1.TaintEffectNoSchedule}}
				}
			}, "note nodes of checkout: no node takes a replacement", "", nil,
		},
		{
			"nodes that may not be listed", kill, func(place *town) { place.forbid = "NodeList" },
			"note nodes: the account may not list nodes, so cordoned nodes and nodes that are not ready go unseen\n", "", nil,
		},
		{
			"a webhook that does not answer", kill, func(place *town) { place.webhook = "failed calling webhook \"mpodchaos.kb.io\": connection refused" }, "",
			"would be hit by checkout/pods/kill-one: cannot be tested now: try kill 1 of the pods app=checkout in shop: a webhook does not answer, that of Chaos Mesh or another (kubectl -n chaos-mesh get pods): Internal error", ErrUnavailable,
		},
		{
			"no chaos-daemon on a node", suites("network/delay, stress/cpu-one"), func(place *town) { place.daemons.Endpoints = place.daemons.Endpoints[:1] }, "",
			"chaos-daemon: cannot be tested now: none on two, so that nothing could be injected by checkout/network/delay, checkout/stress/cpu-one; see kubectl -n chaos-mesh get pods -o wide", ErrUnavailable,
		},
		{
			"one that is not ready there", suites("network/delay"), func(place *town) { place.daemons.Endpoints[1].Conditions.Ready = new(false) }, "",
			"not ready on two, so that nothing could be injected by checkout/network/delay", ErrUnavailable,
		},
		{
			"which a kill does not need", kill, func(place *town) { place.daemons = nil },
			"hit 1 of checkout-0, checkout-1, checkout-2: by checkout/pods/kill-one", "", nil,
		},
		{
			"one in another namespace is found", suites("network/delay"), func(place *town) { place.daemons.Namespace = "chaos" },
			"ok chaos-daemon: ready on one, two\n", "", nil,
		},
		{
			"one that may not be seen", suites("network/delay"), func(place *town) { place.forbid = "EndpointSliceList" },
			"note chaos-daemon: whether it runs on one, two is not seen: endpointslicelist is forbidden: no; give the account the right to list endpointslices", "", nil,
		},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			place := newTown(t)
			if row.change != nil {
				row.change(place)
			}
			said, err := place.preflight(t, row.text)
			if !strings.Contains(said, row.want) {
				t.Errorf("it says\n%swant %q", said, row.want)
			}
			if row.err == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), row.err) || strings.Count(err.Error(), "\n") > 0 {
				t.Fatalf("error\n%v\nwant once\n%s", err, row.err)
			}
			if row.refused != nil && !errors.Is(err, row.refused) {
				t.Errorf("%v is not %v", err, row.refused)
			}
			// And it is not called good.
			what, _, _ := strings.Cut(row.err, ":")
			if strings.Contains(said, "ok "+what+":") {
				t.Errorf("it says\n%s", said)
			}
		})
	}
}

// A finding names the line of its field, not that of the service.
func TestAFindingNamesItsLine(t *testing.T) {
	text := strings.NewReplacer(`prometheus: {url: "http://127.0.0.1:9090"}`+"\n", "", `  throughput: {query: "sum(rate(served_total[10s]))", good: value >= 50/s}`+"\n", "",
		", throughput]", "]", "[all]", "[pods/kill-one]", `load: {url: "http://127.0.0.1:30080/checkout", rate: 100/s}`, "load:\n      rate: 100/s\n      url: \"http://127.0.0.1:30080/checkout\"").Replace(valid)
	own := text + "experiments:\n  mine:\n    load: {rate: 50/s}\n    faults:\n      kill: {podKill: {pods: 5}}\n"
	other := strings.Replace(own, "load: {rate: 50/s}", "load:\n      rate: 50/s\n      url: http://127.0.0.1:1/", 1)
	for _, row := range []struct {
		sentence, text string
		change         func(*town)
		what, line     string // the beginning of a finding, and what is on its line
	}{
		{"an address that is wrong", text, func(place *town) { place.handler = http.NotFound }, "load of checkout: GET", "url: "},
		{"that of the experiment's own load", other, nil, "load of checkout: GET http://127.0.0.1:1/", "url: http://127.0.0.1:1/"},
		{"a workload that is not at rest", text, func(place *town) { place.checkout.Status.UpdatedReplicas = 1 }, "workload of checkout: ", "workload: deployment/checkout"},
		{"a selector of no pods", strings.Replace(text, "    load:", "    selector: {app: chekout}\n    load:", 1), nil, "pods of checkout: ", "selector: "},
		{"too many pods, in the experiment's own fault", own, nil, "would be hit by checkout/mine: ", "kill: {podKill: {pods: 5}}"},
		{"a fault of the catalogue, where it is asked for", text, func(place *town) { place.webhook = "failed calling webhook: connection refused" }, "would be hit by checkout/pods/kill-one: ", "suites: [pods/kill-one]"},
	} {
		place := newTown(t)
		if row.change != nil {
			row.change(place)
		}
		_, err := place.preflight(t, row.text)
		lines, found := strings.Split(row.text, "\n"), false
		for text := range strings.SplitSeq(fmt.Sprint(err), "\n") {
			rest, _ := strings.CutPrefix(text, "aftershock.yaml:")
			number, said, _ := strings.Cut(rest, ": ")
			n, _ := strconv.Atoi(number)
			found = found || n > 0 && n <= len(lines) && strings.HasPrefix(said, row.what) && strings.Contains(lines[n-1], row.line)
		}
		if !found {
			t.Errorf("%s: no finding %q on the line of %q:\n%v", row.sentence, row.what, row.line, err)
		}
	}
}

// Pods that several faults would hit are named once.
func TestPodsThatWouldBeHitAreNamedOnce(t *testing.T) {
	text := strings.NewReplacer(`prometheus: {url: "http://127.0.0.1:9090"}`+"\n", "", `  throughput: {query: "sum(rate(served_total[10s]))", good: value >= 50/s}`+"\n", "",
		", throughput]", "]", "[all]", "[pods/kill-one, pods/failure, pods/container-kill, network/delay]").Replace(valid)
	said, err := newTown(t).preflight(t, text)
	if err != nil {
		t.Fatal(err)
	}
	var hits []string
	for line := range strings.Lines(said) {
		if strings.HasPrefix(line, "hit ") {
			hits = append(hits, strings.TrimSpace(line))
		}
	}
	want := []string{
		"hit 1 of checkout-0, checkout-1, checkout-2: by checkout/pods/kill-one, checkout/pods/container-kill, checkout/pods/failure",
		"hit 3 of checkout-0, checkout-1, checkout-2: by checkout/network/delay",
	}
	if !slices.Equal(hits, want) {
		t.Errorf("it says\n%s\nwant\n%s", strings.Join(hits, "\n"), strings.Join(want, "\n"))
	}
}

// What faults leave at the worst is held against what checks want of the replicas.
func TestLessThanIsWantedIsRefusedWhereTheFileAloneSaysSo(t *testing.T) {
	base := all[:strings.Index(all, "    autoscaler:")]
	base = strings.Replace(base, "suites: [all]", "suites: []", 1)
	file := func(whole, experiment string) string {
		return strings.Replace(base, "{signal: replicas, good: value >= 100%, limits: [ttr <= 30s]}", "{signal: replicas, "+whole+"}", 1) +
			"experiments:\n  mine: " + experiment + "\n"
	}
	const kill = "{faults: {kill: {podKill: {pods: 2}}}}"
	noBudget := func(place *town) { place.budget = nil }
	for _, row := range []struct {
		sentence, whole, experiment string
		change                      func(*town)
		note, err                   string // neither: it is fine
	}{
		{"a kill of two of three, where two are to be left", "good: value >= 100%, limits: [min >= 66%]", kill, nil, "", `refused: leaves 1 of 3 pods ready, and at least 2 wanted (check "whole": min >= 66%): no service could hold; hit fewer pods at a time, or say under the experiment's limits what is expected`},
		{"where one is expected", "good: value >= 100%, limits: [min >= 33%]", kill, nil, "", ""},
		{"by the experiment's own limit", "good: value >= 100%, limits: [min >= 66%]", "{faults: {kill: {podKill: {pods: 2}}}, limits: {whole: [min >= 33%]}}", nil, "", ""},
		{"where it may take a while", "good: value >= 100%, limits: [ttr <= 10s, downtime <= 10s]", kill, nil, "", ""},
		{"where none may be missing at all", "good: value >= 60%", kill, nil, "", `leaves 1 of 3 pods ready, and at least 2 wanted (check "whole": value >= 60% throughout)`},
		{"where one may be missing", "good: value >= 30%", kill, nil, "", ""},
		{"where none may be missing in a phase that is not the fault's", "good: value >= 60%, limits: [min >= 100% during watch]", kill, nil, "", ""},
		{"two kills at once", "good: value >= 60%, limits: [min >= 66%]", "{faults: {a: {podKill: {pods: 1}}, b: {podKill: {pods: 1}}}}", nil, "", "leaves 1 of 3 pods ready"},
		{"two kills, of which the second comes later: the first pod may be back", "good: value >= 60%, limits: [min >= 66%]", "{times: {hold: 30s}, faults: {a: {podKill: {pods: 1}}, b: {podKill: {pods: 1}, at: 20s}}}", nil, "", ""},
		{"a kill while another pod is held", "good: value >= 60%, limits: [min >= 66%]", "{times: {hold: 30s}, faults: {a: {podFailure: {pods: 1}}, b: {podKill: {pods: 1}, at: 20s}}}", nil, "", "leaves 1 of 3 pods ready"},
		{"a kill once it is not", "good: value >= 60%, limits: [min >= 66%]", "{times: {hold: 30s}, faults: {a: {podFailure: {pods: 1}, for: 10s}, b: {podKill: {pods: 1}, at: 20s}}}", nil, "", ""},
		{"a failure that is held for longer than an outage may be", "good: value >= 100%, limits: [ttr <= 30s]", "{times: {hold: 1m}, faults: {a: {podFailure: {pods: 1}}}}", nil, "", `leaves 2 of 3 pods ready, and for longer than check "whole" allows (value >= 100%, ttr <= 30s)`},
		{"and for less", "good: value >= 100%, limits: [ttr <= 30s after removal, downtime <= 1m]", "{times: {hold: 1m}, faults: {a: {podFailure: {pods: 1}}}}", nil, "", ""},
		{"of pods whose readiness nothing probes", "good: value >= 60%, limits: [min >= 66%]", "{times: {hold: 30s}, faults: {a: {podFailure: {pods: 2}}}}", func(place *town) {
			for _, pod := range place.pods {
				pod.Spec.Containers[0].ReadinessProbe = nil
			}
		}, "leaves 1 of 3 pods ready, and at least 2 wanted (check \"whole\": min >= 66%): without a readiness probe a pod that fails may count as ready", ""},
		{"containers that may be back at once", "good: value >= 60%, limits: [min >= 66%]", "{faults: {a: {containerKill: {pods: 2}}}}", nil, "a container that is back at once is not missed", ""},
		{"a drain that a budget bounds", "good: value >= 60%, limits: [min >= 66%]", "{faults: {a: {drain: {}}}}", nil, "", ""},
		{"one that nothing bounds", "good: value >= 60%, limits: [min >= 66%]", "{faults: {a: {drain: {}}}}", noBudget, `leaves 0 of 3 pods ready, and at least 2 wanted (check "whole": min >= 66%): no PodDisruptionBudget covers them, and the run would find that: broken`, ""},
		{"an eviction of two that a budget bounds", "good: value >= 60%, limits: [min >= 66%]", "{faults: {a: {evict: {pods: 2}}}}", nil, "", ""},
		{"a kill of two, whatever the budget says", "good: value >= 60%, limits: [min >= 66%]", kill, func(place *town) { place.budget.Status.DisruptionsAllowed = 1 }, "", "leaves 1 of 3"},
		{"a restart", "good: value >= 60%, limits: [min >= 100%]", "{faults: {a: {restart: {}}}}", nil, "", ""},
		{"a restart of all at once", "good: value >= 60%, limits: [min >= 66%]", "{faults: {a: {restart: {}}}}", func(place *town) {
			place.checkout.Spec.Strategy.Type = appsv1.RecreateDeploymentStrategyType
		}, "leaves 0 of 3 pods ready, and at least 2 wanted (check \"whole\": min >= 66%): the update strategy of deployment/checkout is Recreate", ""},
		{"a slow network, which is for the run to find", "good: value >= 60%, limits: [min >= 66%]", "{faults: {a: {networkDelay: {pods: all, latency: 100ms}}}}", nil, "", ""},
		{
			"a kill in Chaos Mesh's own words", "good: value >= 60%, limits: [min >= 66%]",
			`{faults: {a: {chaosMesh: {yaml: '{"apiVersion": "chaos-mesh.org/v1alpha1", "kind": "PodChaos", "metadata": {"name": "k", "namespace": "shop"}, "spec": {"action": "pod-kill", "mode": "fixed", "value": "2", "selector": {"labelSelectors": {"app": "checkout"}}}}'}}}}`, nil, "", "leaves 1 of 3",
		},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			place := newTown(t)
			if row.change != nil {
				row.change(place)
			}
			said, err := place.preflight(t, file(row.whole, row.experiment))
			if (row.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), row.err) {
				t.Errorf("error %v, want %q", err, row.err)
			}
			notes := strings.Split(said, "\n")
			notes = slices.DeleteFunc(notes, func(line string) bool { return !strings.HasPrefix(line, "note at the worst, checkout/mine: ") })
			if got := strings.Join(notes, "\n"); (row.note == "") != (got == "") || !strings.Contains(got, row.note) {
				t.Errorf("notes %q, want %q", got, row.note)
			}
			if fine := strings.Contains(said, "ok at the worst"); fine && (row.note+row.err) != "" {
				t.Errorf("it says\n%s", said)
			}
		})
	}
}
