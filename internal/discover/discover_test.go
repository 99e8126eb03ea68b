package discover_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/internal/discover"
	"github.com/aftershockhq/aftershock/steadystate/kube/argo"
)

var update = flag.Bool("update", false, "write the golden files")

func named(namespace, name string, labels map[string]string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels}
}

func app(name string) map[string]string { return map[string]string{"app": name} }

func pods(name string, containers ...string) corev1.PodTemplateSpec {
	t := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: app(name)}}
	for _, c := range containers {
		t.Spec.Containers = append(t.Spec.Containers, corev1.Container{
			Name: c, Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("256Mi")}},
		})
	}
	return t
}

func deployment(namespace, name string, replicas int32) *appsv1.Deployment {
	return &appsv1.Deployment{ObjectMeta: named(namespace, name, nil), Spec: appsv1.DeploymentSpec{
		Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: app(name)}, Template: pods(name, name),
	}}
}

func service(namespace, name string, ports ...corev1.ServicePort) *corev1.Service {
	if len(ports) == 0 {
		ports = []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromInt32(8080)}}
	}
	return &corev1.Service{ObjectMeta: named(namespace, name, nil), Spec: corev1.ServiceSpec{Selector: app(name), ClusterIP: "10.0.0.1", Ports: ports}}
}

func ingress(namespace, name, host, path, to string) *networkingv1.Ingress {
	return &networkingv1.Ingress{ObjectMeta: named(namespace, name, nil), Spec: networkingv1.IngressSpec{Rules: []networkingv1.IngressRule{{
		Host: host, IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{
			Path: path, Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: to}},
		}}}},
	}}}}
}

func budget(namespace, name string) *policyv1.PodDisruptionBudget {
	return &policyv1.PodDisruptionBudget{ObjectMeta: named(namespace, name, nil), Spec: policyv1.PodDisruptionBudgetSpec{Selector: &metav1.LabelSelector{MatchLabels: app(name)}}}
}

func autoscaler(namespace, name, of string, least, most int32) *autoscalingv2.HorizontalPodAutoscaler {
	return &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: named(namespace, name, nil), Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
		ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{Kind: "Deployment", Name: of}, MinReplicas: &least, MaxReplicas: most,
	}}
}

func node(address string) *corev1.Node {
	return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n"}, Status: corev1.NodeStatus{
		Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}},
		Addresses:  []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: address}},
	}}
}

// object is one of a kind that this program has no types of.
func object(text string) client.Object {
	var o unstructured.Unstructured
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		panic(err)
	}
	return &o
}

// with changes an object.
func with[T client.Object](o T, change func(T)) T {
	change(o)
	return o
}

// forbid refuses to list these resources, as their types; noChaosMesh has none.
func forbid(refused ...client.ObjectList) interceptor.Funcs {
	return interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
		for _, r := range refused {
			if fmt.Sprintf("%T", r) == fmt.Sprintf("%T", list) {
				return apierrors.NewForbidden(schema.GroupResource{Resource: "x"}, "", errors.New("no"))
			}
		}
		return c.List(ctx, list, opts...)
	}}
}

var noChaosMesh = interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
	if _, ok := list.(*v1alpha1.PodChaosList); ok {
		return &meta.NoKindMatchError{GroupKind: schema.GroupKind{Kind: v1alpha1.KindPodChaos}}
	}
	return c.List(ctx, list, opts...)
}}

// balanced answers as two pods of a deployment in turn, at the path alone.
func balanced(path, header string) http.Handler {
	var n atomic.Int32
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path {
			http.NotFound(w, r)
			return
		}
		if header != "" {
			w.Header().Set(header, fmt.Sprintf("checkout-6d4b75cb6d-x7x2%d", n.Add(1)%2))
		}
	})
}

// promql answers any query, as a Prometheus does that has all series; strange is of
// another cluster.
var (
	promql  = prometheus(`[{"metric":{},"value":[%.3f,"1"]}]`)
	strange = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.FormValue("query"), "namespace") {
			prometheus(`[]`).ServeHTTP(w, r)
			return
		}
		promql.ServeHTTP(w, r)
	})
)

func prometheus(result string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if strings.Contains(result, "%") {
			fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":`+result+`}}`, float64(time.Now().UnixMilli())/1000)
			return
		}
		fmt.Fprint(w, `{"status":"success","data":{"resultType":"vector","result":`+result+`}}`)
	})
}

// finder looks into a cluster of these objects, in which these hosts answer.
func finder(t *testing.T, hosts map[string]http.Handler, funcs interceptor.Funcs, objects ...client.Object) discover.Finder {
	t.Helper()
	scheme, err := chaosmesh.Scheme()
	if err != nil {
		t.Fatal(err)
	}
	objects = append(objects, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "kube-system", UID: "0b1c2d3e"}})
	at := map[string]string{}
	for host, handler := range hosts {
		server := httptest.NewServer(handler)
		t.Cleanup(server.Close)
		u, err := url.Parse(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		at[host] = u.Host
	}
	return discover.Finder{
		Client: fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithInterceptorFuncs(funcs).Build(),
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if at[address] == "" {
				return nil, fmt.Errorf("no route to %s", address)
			}
			return (&net.Dialer{}).DialContext(ctx, network, at[address])
		},
	}
}

// A row is a cluster and what is written of it.
type row struct {
	name, sentence string
	objects        []client.Object
	funcs          interceptor.Funcs
	hosts          map[string]http.Handler
	namespaces     []string
	services       []string
	urls           map[string]string
	prometheus     string
	want           []string // ids of experiments that the file runs
	never          []string // beginnings of ids
}

var rows = []row{
	{
		name: "plain", sentence: "a Deployment that only the cluster reaches, and nothing else",
		objects:  []client.Object{deployment("shop", "checkout", 1), service("shop", "checkout"), deployment("kube-system", "dns", 2)},
		services: []string{"checkout"},
		want:     []string{"checkout/pods/kill-one", "checkout/network/delay", "checkout/rollout/restart"},
		never:    []string{"checkout/stress", "checkout/disruption", "checkout/autoscaling", "checkout/rollout/bad-image"},
	},
	{
		name: "operator", sentence: "prometheus-operator's, which only the cluster reaches",
		objects: []client.Object{
			deployment("shop", "checkout", 3), service("shop", "checkout"),
			with(service("monitoring", "prometheus-operated", corev1.ServicePort{Name: "web", Port: 9090}), func(s *corev1.Service) {
				s.Labels, s.Spec.ClusterIP = map[string]string{"operated-prometheus": "true"}, corev1.ClusterIPNone
			}),
			with(service("monitoring", "kps-prometheus", corev1.ServicePort{Name: "http-web", Port: 9090}), func(s *corev1.Service) {
				s.Spec.Selector = map[string]string{"app.kubernetes.io/name": "prometheus"}
			}),
			with(service("monitoring", "thanos-discovery", corev1.ServicePort{Name: "grpc", Port: 10901}), func(s *corev1.Service) {
				s.Spec.Selector = map[string]string{"app.kubernetes.io/name": "prometheus"}
			}),
			with(service("monitoring", "node-exporter", corev1.ServicePort{Name: "http-metrics", Port: 9100}), func(s *corev1.Service) {
				s.Labels = map[string]string{"app.kubernetes.io/name": "prometheus-node-exporter"}
			}),
		},
		services: []string{"shop/deployment/checkout"},
		want:     []string{"checkout/stress/memory"},
	},
	{
		name: "ingress", sentence: "an Ingress with TLS and another one that answers, with a header of its own",
		objects: []client.Object{
			deployment("shop", "checkout", 2), service("shop", "checkout"), budget("shop", "checkout"),
			with(ingress("shop", "a-secure", "secure.example", "/", "checkout"), func(i *networkingv1.Ingress) {
				i.Spec.TLS = []networkingv1.IngressTLS{{Hosts: []string{"secure.example"}}}
			}),
			ingress("shop", "b-plain", "shop.example", "/checkout(/|$)(.*)", "checkout"),
			ingress("shop", "wild", "*.example", "/", "checkout"),
			ingress("monitoring", "prometheus", "metrics.example", "/", "prometheus-server"),
			service("monitoring", "prometheus-server"),
		},
		hosts:    map[string]http.Handler{"shop.example:80": balanced("/checkout", "X-Served-By"), "metrics.example:80": promql},
		services: []string{"checkout"},
		want:     []string{"checkout/disruption/drain", "checkout/stress/cpu-one"},
	},
	{
		name: "autoscaler", sentence: "an autoscaler, a NodePort, and a path that the readiness probe knows",
		objects: []client.Object{
			with(deployment("shop", "checkout", 3), func(d *appsv1.Deployment) {
				d.Spec.Template.Spec.Containers[0].Resources = corev1.ResourceRequirements{}
				d.Spec.Template.Spec.Containers[0].ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/ready"}}}
			}),
			with(service("shop", "checkout", corev1.ServicePort{Port: 80, NodePort: 30080}), func(s *corev1.Service) { s.Spec.Type = corev1.ServiceTypeNodePort }),
			autoscaler("shop", "scaler", "checkout", 3, 10), node("192.0.2.7"),
		},
		hosts:      map[string]http.Handler{"192.0.2.7:30080": balanced("/ready", "X-Pod"), "192.0.2.9:9090": promql},
		services:   []string{"checkout"},
		prometheus: "http://192.0.2.9:9090",
		want:       []string{"checkout/autoscaling/surge", "checkout/autoscaling/kill", "checkout/stress/cpu-all"},
		never:      []string{"checkout/stress/memory"},
	},
	{
		name: "several", sentence: "a StatefulSet with two containers, a DaemonSet without a Service, and a name twice, without Chaos Mesh",
		objects: []client.Object{
			with(&appsv1.StatefulSet{ObjectMeta: named("shop", "ledger", nil), Spec: appsv1.StatefulSetSpec{
				Replicas: new(int32(3)), Selector: &metav1.LabelSelector{MatchLabels: app("ledger")}, Template: pods("ledger", "proxy", "app"),
			}}, func(s *appsv1.StatefulSet) {
				s.Spec.Template.Spec.Containers[1].Ports = []corev1.ContainerPort{{Name: "main", ContainerPort: 9000}}
			}),
			with(service("shop", "ledger-public", corev1.ServicePort{Port: 80, TargetPort: intstr.FromString("main")}), func(s *corev1.Service) { s.Spec.Selector = app("ledger") }),
			with(service("shop", "ledger-read", corev1.ServicePort{Port: 80, TargetPort: intstr.FromString("main")}), func(s *corev1.Service) { s.Spec.Selector = app("ledger") }),
			&appsv1.DaemonSet{
				ObjectMeta: named("shop", "agent", nil), Spec: appsv1.DaemonSetSpec{Selector: &metav1.LabelSelector{MatchLabels: app("agent")}, Template: pods("agent", "agent")},
				Status: appsv1.DaemonSetStatus{DesiredNumberScheduled: 2},
			},
			deployment("bazaar", "ledger", 2), service("bazaar", "ledger"),
		},
		funcs:    noChaosMesh,
		services: []string{"statefulset/ledger", "agent", "bazaar/deployment/ledger"},
		urls:     map[string]string{"ledger": "http://ledger.example/$batch"},
		want:     []string{"ledger/pods/evict", "ledger/rollout/restart", "bazaar-ledger/pods/evict"},
		never:    []string{"ledger/pods/kill-one", "ledger/network", "ledger/disruption", "agent"},
	},
	{
		name: "gateway", sentence: "an HTTPRoute with a path, through a Gateway that listens for HTTPS and for HTTP at another port",
		objects: []client.Object{
			deployment("shop", "checkout", 2), service("shop", "checkout"),
			object(`{"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"namespace": "edge", "name": "public"},
				"spec": {"listeners": [{"name": "tls", "protocol": "HTTPS", "port": 443, "hostname": "*.example"}, {"name": "plain", "protocol": "HTTP", "port": 8080}, {"name": "tcp", "protocol": "TCP", "port": 5432}]}}`),
			object(`{"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"namespace": "shop", "name": "of-checkout"},
				"spec": {"parentRefs": [{"name": "public", "namespace": "edge"}], "hostnames": ["shop.example"],
				"rules": [{"backendRefs": [{"name": "other"}]}, {"matches": [{"path": {"type": "PathPrefix", "value": "/checkout"}}], "backendRefs": [{"name": "checkout", "port": 80}]}]}}`),
		},
		hosts:    map[string]http.Handler{"shop.example:8080": balanced("/checkout", "X-Pod")},
		services: []string{"checkout"},
		want:     []string{"checkout/pods/kill-one"},
	},
	{
		name: "openshift", sentence: "a Route of OpenShift, with TLS, which does not answer from here",
		objects: []client.Object{
			deployment("shop", "checkout", 2), service("shop", "checkout"),
			object(`{"apiVersion": "route.openshift.io/v1", "kind": "Route", "metadata": {"namespace": "shop", "name": "of-other"}, "spec": {"host": "other.example", "to": {"kind": "Service", "name": "other"}}}`),
			object(`{"apiVersion": "route.openshift.io/v1", "kind": "Route", "metadata": {"namespace": "shop", "name": "of-checkout"},
				"spec": {"host": "shop.example", "path": "/checkout", "to": {"kind": "Service", "name": "blue"}, "alternateBackends": [{"kind": "Service", "name": "checkout"}], "tls": {"termination": "edge"}}}`),
		},
		services: []string{"checkout"},
		want:     []string{"checkout/pods/kill-one"},
	},
	{
		name: "names", sentence: "names that YAML would read as something else, and a Service with two HTTP ports",
		objects: []client.Object{
			deployment("true", "null", 2),
			service("true", "null", corev1.ServicePort{Name: "http-admin", Port: 9000}, corev1.ServicePort{Name: "grpc", Port: 50051}, corev1.ServicePort{Name: "http", Port: 8000}),
		},
		services: []string{"null"},
		want:     []string{"null/pods/kill-one"},
	},
	{
		name: "forbidden", sentence: "an account that may list hardly anything",
		objects: []client.Object{
			deployment("shop", "checkout", 2),
			with(service("shop", "checkout"), func(s *corev1.Service) {
				s.Spec.Type, s.Status.LoadBalancer.Ingress = corev1.ServiceTypeLoadBalancer, []corev1.LoadBalancerIngress{{Hostname: "lb.example"}}
			}),
		},
		hosts: map[string]http.Handler{"lb.example:80": balanced("/", "")},
		funcs: func() interceptor.Funcs {
			f := forbid(&networkingv1.IngressList{}, &policyv1.PodDisruptionBudgetList{}, &autoscalingv2.HorizontalPodAutoscalerList{}, &v1alpha1.PodChaosList{}, &appsv1.DaemonSetList{})
			f.Get = func(_ context.Context, _ client.WithWatch, key client.ObjectKey, _ client.Object, _ ...client.GetOption) error {
				return apierrors.NewForbidden(schema.GroupResource{Resource: "namespaces"}, key.Name, errors.New("no"))
			}
			return f
		}(),
		namespaces: []string{"shop"},
		services:   []string{"checkout"},
		want:       []string{"checkout/pods/kill-one"},
	},
}

// written is the file of a row.
func (r row) written(t *testing.T) discover.Draft {
	t.Helper()
	f := finder(t, r.hosts, r.funcs, r.objects...)
	f.Namespaces = r.namespaces
	cluster, err := f.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	services, err := cluster.Choose(r.services...)
	if err != nil {
		t.Fatal(err)
	}
	for i := range services {
		services[i].Reach(t.Context(), f, r.urls[services[i].Name])
	}
	draft := discover.Draft{Context: "staging", Cluster: cluster, Services: services}
	draft.Prometheus.Reach(t.Context(), f, cluster.Prometheus, r.prometheus, services[0].Workload)
	return draft
}

// schemaOfFiles is what an editor checks a file by.
func schemaOfFiles(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := jsonschema.UnmarshalJSON(strings.NewReader(config.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("urn:file", text); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("urn:file")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// parsed is the plan of a file, with its variables set, which must be accepted.
func parsed(t *testing.T, draft discover.Draft, text string) (ids []string) {
	t.Helper()
	for _, name := range draft.Variables() {
		t.Setenv(name, "http://192.0.2.1/")
	}
	plan, err := config.Parse("aftershock.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, name := range draft.Unreached() {
		if slices.ContainsFunc(plan.Planned, func(p config.Planned) bool { return p.Target.Name == name }) {
			t.Errorf("%s has experiments, and no load", name)
		}
	}
	if plan, err = config.Parse("aftershock.yaml", []byte(strings.ReplaceAll(text, `# load: {url: "http://..."}`, `load: {url: "http://192.0.2.1/"}`))); err != nil {
		t.Fatalf("with the loads that are to be filled in: %v\n%s", err, text)
	}
	var content any
	if err := yaml.Unmarshal([]byte(text), &content); err != nil {
		t.Fatal(err)
	}
	if err := schemaOfFiles(t).Validate(content); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
	for _, p := range plan.Planned {
		ids = append(ids, p.ID())
	}
	return ids
}

func TestAFirstFileIsWrittenOfACluster(t *testing.T) {
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			draft := r.written(t)
			text := draft.Text()
			golden := filepath.Join("testdata", r.name+".yaml")
			if *update {
				if err := os.WriteFile(golden, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if want, err := os.ReadFile(golden); err != nil || string(want) != text {
				t.Errorf("%s: it is not %s (%v; go test -update writes it):\n%s", r.sentence, golden, err, text)
			}
			ids := parsed(t, draft, text)
			for _, want := range r.want {
				if !slices.Contains(ids, want) {
					t.Errorf("%s: it does not run %s, but %v", r.sentence, want, ids)
				}
			}
			for _, never := range r.never {
				if slices.ContainsFunc(ids, func(id string) bool { return strings.HasPrefix(id, never) }) {
					t.Errorf("%s: it runs %s: %v", r.sentence, never, ids)
				}
			}
		})
	}
}

func TestASecondServiceIsFiveLinesMore(t *testing.T) {
	draft := rows[2].written(t)
	ids := parsed(t, draft, draft.Text()+`  payments:
    {namespace: shop, workload: deployment/payments, load: {url: "http://shop.example/payments"},
     checks: [answers, whole], suites: [pods]}
`)
	if !slices.Contains(ids, "payments/pods/kill-one") || !slices.Contains(ids, "checkout/pods/kill-one") {
		t.Errorf("it runs %v", ids)
	}
}

func TestWhatIsMeantIsChosenByName(t *testing.T) {
	f := finder(t, nil, interceptor.Funcs{}, deployment("shop", "checkout", 2), deployment("shop", "calls", 1), deployment("shop", "payments", 1), deployment("bazaar", "payments", 1))
	cluster, err := f.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		sentence string
		names    []string
		want     string // names of services
		err      string
	}{
		{"by all of it, by the end of it, and each once", []string{"shop/deployment/checkout", "Deployment/checkout", "shop/deployment/payments"}, "checkout payments", ""},
		{"of two with one name, the second has its namespace", []string{"shop/deployment/payments", "bazaar/deployment/payments"}, "payments bazaar-payments", ""},
		{"so has one whose name a file cannot have", []string{"calls"}, "shop-calls", ""},
		{"nothing is said", nil, "", "say which workloads are meant, with --service NAMESPACE/KIND/NAME (it may be repeated):\n  bazaar/deployment/payments: 1 replica\n  shop/deployment/calls: 1 replica\n"},
		{"there is none", []string{"check"}, "", "--service check: want one of the workloads that were found, as NAMESPACE/KIND/NAME:\n  bazaar/"},
		{"there are two", []string{"payments"}, "", "--service payments: want one of the workloads that were found, as NAMESPACE/KIND/NAME:\n  bazaar/deployment/payments: 1 replica\n  shop/deployment/payments: 1 replica"},
	} {
		chosen, err := cluster.Choose(row.names...)
		var got []string
		for _, s := range chosen {
			got = append(got, s.Name)
		}
		if strings.Join(got, " ") != row.want || row.err != "" && (err == nil || !strings.HasPrefix(err.Error(), row.err)) || row.err == "" && err != nil {
			t.Errorf("%s: %v, %v", row.sentence, got, err)
		}
	}
}

func TestAnAccountOfOneNamespaceFindsWhatIsThere(t *testing.T) {
	refuse := func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
		var o client.ListOptions
		if o.ApplyOptions(opts); o.Namespace != "shop" {
			return apierrors.NewForbidden(schema.GroupResource{Resource: "x"}, "", errors.New("no"))
		}
		return c.List(ctx, list, opts...)
	}
	f := finder(t, nil, interceptor.Funcs{List: refuse}, deployment("shop", "checkout", 2), service("shop", "checkout"), deployment("bazaar", "cart", 2))
	f.Home = "shop"
	cluster, err := f.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := "The account may not list services in all namespaces: a Prometheus elsewhere is not found."
	if len(cluster.Workloads) != 1 || cluster.Workloads[0].String() != "shop/deployment/checkout: 2 replicas, Service checkout" || !slices.Equal(cluster.Unseen, []string{want}) {
		t.Errorf("%v, unseen: %q", cluster.Workloads, cluster.Unseen)
	}
}

// A Rollout is a workload as others are. One whose template is elsewhere is left out, and
// so are all that the account may not see, however many others there are.
func TestRolloutsAreFound(t *testing.T) {
	of := func(name string, change func(*argo.Rollout)) client.Object {
		d := deployment("shop", name, 2)
		r := &argo.Rollout{ObjectMeta: named("shop", name, nil), Spec: argo.RolloutSpec{Replicas: d.Spec.Replicas, Selector: d.Spec.Selector, Template: d.Spec.Template}}
		change(r)
		return r
	}
	objects := []client.Object{
		service("shop", "basket"), of("basket", func(*argo.Rollout) {}),
		of("elsewhere", func(r *argo.Rollout) { r.Spec.WorkloadRef = &argo.WorkloadRef{Kind: "Deployment", Name: "checkout"} }),
	}
	none := interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
		if _, is := list.(*argo.RolloutList); is {
			return &meta.NoKindMatchError{GroupKind: argo.GroupVersion.WithKind("Rollout").GroupKind()}
		}
		return c.List(ctx, list, opts...)
	}}
	const elsewhere = "rollout/elsewhere in shop is left out: it takes its template from deployment/checkout (spec.workloadRef)"
	const unseen = "The account may not list rollouts.argoproj.io in "
	for _, row := range []struct {
		sentence   string
		funcs      interceptor.Funcs
		namespaces []string
		objects    []client.Object
		want       string
		unseen     string
	}{
		{"in all namespaces", interceptor.Funcs{}, nil, objects, "shop/rollout/basket: 2 replicas, Service basket", elsewhere},
		{"in one", interceptor.Funcs{}, []string{"shop"}, objects, "shop/rollout/basket: 2 replicas, Service basket", elsewhere},
		{"where the cluster has no such kind", none, nil, []client.Object{deployment("shop", "checkout", 2)}, "shop/deployment/checkout: 2 replicas", ""},
		{"where the account may not see them", forbid(&argo.RolloutList{}), []string{"shop"}, append(objects, deployment("shop", "checkout", 2)), "shop/deployment/checkout: 2 replicas", unseen + "shop"},
		{"where there is nothing else", forbid(&argo.RolloutList{}), []string{"shop"}, objects, "", unseen + "shop"},
		{"where there is nothing else in any namespace", forbid(&argo.RolloutList{}), nil, objects, "", unseen + "all namespaces"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			f := finder(t, nil, row.funcs, row.objects...)
			f.Namespaces = row.namespaces
			cluster, err := f.Find(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, w := range cluster.Workloads {
				got = append(got, w.String())
			}
			if strings.Join(got, "; ") != row.want || (len(cluster.Unseen) == 0) != (row.unseen == "") || !strings.Contains(strings.Join(cluster.Unseen, "; "), row.unseen) {
				t.Errorf("%q, unseen %q; want %q, %q", got, cluster.Unseen, row.want, row.unseen)
			}
		})
	}
}

func TestAFailureEndsTheSearch(t *testing.T) {
	for _, list := range []client.ObjectList{&appsv1.DeploymentList{}, &corev1.ServiceList{}, &networkingv1.IngressList{}, &policyv1.PodDisruptionBudgetList{}, &autoscalingv2.HorizontalPodAutoscalerList{}, &v1alpha1.PodChaosList{}} {
		f := finder(t, nil, interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, l client.ObjectList, opts ...client.ListOption) error {
			if fmt.Sprintf("%T", l) == fmt.Sprintf("%T", list) {
				return errors.New("connection reset")
			}
			return c.List(ctx, l, opts...)
		}}, deployment("shop", "checkout", 2))
		if _, err := f.Find(t.Context()); err == nil || !strings.Contains(err.Error(), "connection reset") {
			t.Errorf("%T: %v", list, err)
		}
	}
}

// A load neither follows a redirect nor goes through a proxy.
func TestAServiceIsAskedAsALoadAsksIt(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://proxy.example")
	hosts := map[string]http.Handler{
		"shop.example:80": http.RedirectHandler("http://login.example/", http.StatusFound), "login.example:80": balanced("/", "X-Pod"),
		"proxy.example:80": balanced("/", "X-Pod"),
	}
	f := finder(t, hosts, interceptor.Funcs{}, deployment("shop", "checkout", 2))
	cluster, err := f.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ url, want string }{
		{"http://shop.example/", "answered 302, a redirect, which a load does not follow: give the URL that it leads to"},
		{"http://away.example/", "did not answer from here: no route to away.example:80"},
	} {
		chosen, err := cluster.Choose("checkout")
		if err != nil {
			t.Fatal(err)
		}
		chosen[0].Reach(t.Context(), f, row.url)
		if a := chosen[0].Answer; a.String() != row.want || a.Good() || a.Header != "" {
			t.Errorf("%s %s, by the header %q", row.url, a, a.Header)
		}
	}
}

// Where only the path of the readiness probe answers, it is said what else was tried.
func TestAProbesPathIsAMakeshift(t *testing.T) {
	i := slices.IndexFunc(rows, func(r row) bool { return r.name == "autoscaler" })
	for _, header := range []string{"X-Pod", ""} {
		r := rows[i]
		f := finder(t, map[string]http.Handler{"192.0.2.7:30080": balanced("/ready", header)}, r.funcs, r.objects...)
		cluster, err := f.Find(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		chosen, err := cluster.Choose("checkout")
		if err != nil {
			t.Fatal(err)
		}
		s := &chosen[0]
		s.Reach(t.Context(), f, "")
		want := "http://192.0.2.7:30080/ answered 404, and http://192.0.2.7:30080/ready, the path of the readiness probe, answered 200: a load of it measures the probe, not what users request"
		if header == "" {
			want += ", and its answers name no pod, so that preflight and run refuse faults on pods"
		}
		if got := s.Why(); got != want {
			t.Errorf("%q\nwant %q", got, want)
		}
		if s.Reach(t.Context(), f, "http://192.0.2.7:30080/pay"); s.Why() != "" {
			t.Errorf("of one that was given: %q", s.Why())
		}
	}
}

func TestAnAddressOfIPv6IsInBrackets(t *testing.T) {
	f := finder(t, nil, interceptor.Funcs{}, deployment("shop", "checkout", 2),
		with(service("shop", "checkout"), func(s *corev1.Service) { s.Spec.ExternalIPs = []string{"2001:db8::7"} }))
	cluster, err := f.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := cluster.Workloads[0].Fronts[0].Addresses[0].URL; got != "http://[2001:db8::7]/" {
		t.Errorf("%s", got)
	}
}

// What answers at the port of another command, or of a Prometheus here, is asked.
func TestAPrometheusOfAnotherClusterIsNoted(t *testing.T) {
	const no = "It may be of another cluster: it has no series {namespace=\"shop\","
	for _, row := range []struct {
		sentence string
		host     string
		handler  http.Handler
		given    string
		want     string
		never    string
	}{
		{"given, and of this cluster", "prometheus.example:80", promql, "http://prometheus.example", "url: http://prometheus.example", "cluster:"},
		{"given, and of another one", "prometheus.example:80", strange, "http://prometheus.example", no, "answers there"},
		{"at the port to forward", "localhost:9090", strange, "", "What answers there now may be of another cluster: it has no", "yet"},
		{"already forwarded", "localhost:9090", promql, "", "port-forward", "answers there"},
		{"not yet forwarded", "", nil, "", "Nothing answers there yet", "another cluster: it"},
	} {
		r := rows[1]
		r.hosts, r.prometheus = map[string]http.Handler{row.host: row.handler}, row.given
		if row.handler == nil {
			r.hosts = nil
		}
		text := strings.Join(strings.Fields(strings.ReplaceAll(r.written(t).Text(), "\n  #", "")), " ")
		_, about, _ := strings.Cut(text, "prometheus:")
		about, _, _ = strings.Cut(about, "What must hold")
		if !strings.Contains(about, row.want) || strings.Contains(about, row.never) {
			t.Errorf("%s: want %q and not %q in\n%s", row.sentence, row.want, row.never, about)
		}
	}
}

// The same context of another kubeconfig may be another cluster.
func TestThePortOfThisClusterIsForwarded(t *testing.T) {
	draft := rows[1].written(t)
	draft.Kubeconfig = "/etc/our staging.kubeconfig"
	want := "kubectl --kubeconfig '/etc/our staging.kubeconfig' --context staging --namespace monitoring port-forward service/kps-prometheus 9090:9090"
	if got := draft.Forward(); got != want || !strings.Contains(draft.Text(), "  #   "+want+"\n") {
		t.Errorf("%s, in:\n%s", got, draft.Text())
	}
}

func TestServicesThatMayNotBeListedAreNotSaidToBeNone(t *testing.T) {
	f := finder(t, nil, forbid(&corev1.ServiceList{}), deployment("shop", "checkout", 2), service("shop", "checkout"))
	cluster, err := f.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := "The account may not list services in all namespaces: URLs and Services in front of pods are not known, nor is Prometheus."
	if !slices.Equal(cluster.Unseen, []string{want}) {
		t.Errorf("unseen: %q", cluster.Unseen)
	}
}

func TestTheHeaderThatNamesThePodIsFound(t *testing.T) {
	for _, row := range []struct {
		sentence string
		replicas int32
		handler  http.HandlerFunc
		want     string
		single   bool
	}{
		{"with another pod in another answer", 2, balanced("/", "X-Backend").ServeHTTP, "X-Backend", false},
		{"one is enough of one pod", 1, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Server", "checkout-6d4b75cb6d-x7x20") }, "Server", false},
		{"something keeps to one pod", 2, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Server", "checkout-6d4b75cb6d-x7x20") }, "Server", true},
		{"another workload's pod is none", 2, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Server", "checkout-canary-6d4b75cb6d-x7x20")
		}, "", false},
		{"of two, the one that a load looks for by itself", 1, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("A", "checkout-6d4b75cb6d-x7x20")
			w.Header().Set("X-Pod", "checkout-6d4b75cb6d-x7x20")
		}, "X-Pod", false},
	} {
		f := finder(t, map[string]http.Handler{"shop.example:80": row.handler}, interceptor.Funcs{}, deployment("shop", "checkout", row.replicas))
		cluster, err := f.Find(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		chosen, err := cluster.Choose("checkout")
		if err != nil {
			t.Fatal(err)
		}
		chosen[0].Reach(t.Context(), f, "http://shop.example/")
		if a := chosen[0].Answer; a.Status != http.StatusOK || a.Header != row.want || a.Single != row.single {
			t.Errorf("%s: %+v", row.sentence, a)
		}
	}
}

func TestAWordIsQuotedForTheShell(t *testing.T) {
	for text, want := range map[string]string{"aftershock.yaml": "aftershock.yaml", "/a/b-c_d.yaml": "/a/b-c_d.yaml", "my shop.yaml": "'my shop.yaml'", "it's": `'it'\''s'`, "a;b": "'a;b'", "": "''"} {
		if got := discover.Word(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
