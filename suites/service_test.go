package suites

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/experiments/kubewatch"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// template is of pods with these labels and containers.
func template(app map[string]string, containers ...string) corev1.PodTemplateSpec {
	t := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: app}}
	for _, name := range containers {
		t.Spec.Containers = append(t.Spec.Containers, corev1.Container{Name: name})
	}
	return t
}

// selecting is a Service.
func selecting(name string, app map[string]string) *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}, Spec: corev1.ServiceSpec{Selector: app}}
}

// stored is the StatefulSet ledger, at rest.
func stored(containers ...string) *appsv1.StatefulSet {
	app := map[string]string{"app": "ledger"}
	return &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "ledger", UID: "s"},
		Spec: appsv1.StatefulSetSpec{
			Replicas: new(int32(2)), Template: template(app, containers...),
			Selector: &metav1.LabelSelector{MatchLabels: app, MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "canary", Operator: metav1.LabelSelectorOpDoesNotExist}}},
		},
		Status: appsv1.StatefulSetStatus{Replicas: 2, ReadyReplicas: 2, AvailableReplicas: 2, UpdatedReplicas: 2},
	}
}

// readable is a target whose file says this of its service.
func readable(t *testing.T, service string, funcs interceptor.Funcs, objects ...client.Object) *Target {
	t.Helper()
	c, err := Decode("aftershock.yaml", []byte(strings.Replace(scaled, "  workload: deployment/checkout\n  selector: {app: checkout}\n", service, 1)))
	if err != nil {
		t.Fatal(err)
	}
	objects = append(objects, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "kube-system", UID: "0b1c"}})
	return &Target{Config: c, rest: &rest.Config{Host: "https://staging"}, Client: fake.NewClientBuilder().WithObjects(objects...).WithInterceptorFuncs(funcs).Build()}
}

func TestWhatTheFileDoesNotSayIsReadFromTheCluster(t *testing.T) {
	ledger, other := map[string]string{"app": "ledger"}, map[string]string{"app": "checkout"}
	noServices := interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
		if _, ok := list.(*corev1.ServiceList); ok {
			return apierrors.NewForbidden(schema.GroupResource{Resource: "services"}, "", errors.New("no"))
		}
		return c.List(ctx, list, opts...)
	}}
	const set = "  workload: statefulset/ledger\n"
	for _, row := range []struct {
		sentence string
		service  string
		funcs    interceptor.Funcs
		objects  []client.Object
		read     string
		err      string
	}{
		{
			"all of it", set,
			interceptor.Funcs{},
			[]client.Object{stored("app"), selecting("ledger", ledger), selecting("checkout", other), selecting("by-hand", nil)},
			"selector app=ledger,!canary, container app, Service ledger", "",
		},
		{
			"nothing that is said", set + "  selector: {app: ledger}\n  container: app\n  service: front\n", noServices,
			[]client.Object{stored("app", "proxy")},
			"", "",
		},
		{
			"that there is no Service", set,
			interceptor.Funcs{},
			[]client.Object{stored("app")},
			"selector app=ledger,!canary, container app, no Service selects its pods, so that no endpoints are followed", "",
		},
		{
			"everything that the file must say, at once", set,
			interceptor.Funcs{},
			[]client.Object{stored("app", "proxy"), selecting("ledger", ledger), selecting("ledger-headless", ledger)},
			"",
			"aftershock.yaml:6: statefulset ledger in shop has 2 containers: say in service.container which of them serves: app, proxy\n" +
				"aftershock.yaml:6: 2 Services select the pods of statefulset ledger in shop: say in service.service which one's endpoints are meant: ledger, ledger-headless",
		},
		{
			"no container that there is not", set + "  container: main\n",
			interceptor.Funcs{},
			[]client.Object{stored("app", "proxy")},
			"",
			`aftershock.yaml:9: no container "main" in statefulset ledger in shop; containers: app, proxy`,
		},
		{
			"that there is no such workload", set,
			interceptor.Funcs{},
			[]client.Object{sized(2, 2)},
			"",
			"aftershock.yaml:8: there is no statefulset ledger in shop; workloads there: deployment/checkout",
		},
		{
			"that there is none at all", set,
			interceptor.Funcs{},
			nil, "",
			"aftershock.yaml:8: there is no statefulset ledger in shop; check the name and the namespace",
		},
		{
			"a right that is missing", set, noServices,
			[]client.Object{stored("app")},
			"",
			"aftershock.yaml:6: list the Services of shop: services is forbidden: no; give the account the right to list services, or name the service's in service.service",
		},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			target := readable(t, row.service, row.funcs, row.objects...)
			err := target.Read(t.Context())
			if row.err != "" {
				if err == nil || err.Error() != row.err {
					t.Errorf("error\n%v\nwant\n%s", err, row.err)
				}
				return
			}
			if err != nil || target.read != row.read {
				t.Errorf("read %q, %v; want %q", target.read, err, row.read)
			}
		})
	}
}

func TestAnotherClusterIsNotRead(t *testing.T) {
	target := readable(t, "  workload: statefulset/ledger\n", interceptor.Funcs{}, stored("app"))
	target.Cluster.UID = "another"
	if err := target.Read(t.Context()); !errors.Is(err, ErrOtherCluster) || target.Service.Selector != nil {
		t.Errorf("%v, %v", err, target.Service.Selector)
	}
}

// The queries that name a container, and what is watched, go by what was read.
func TestExperimentsAreMadeOfWhatWasRead(t *testing.T) {
	target := readable(t, "  workload: statefulset/ledger\n", interceptor.Funcs{}, stored("app"), selecting("front", map[string]string{"app": "ledger"}))
	if err := target.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	for what, query := range map[string]string{
		"the pod signal": target.PodSignals[SignalCPU].Source.Query.String(),
		"the objective":  target.Capacity.sources["cpu"].Query.String(),
	} {
		if !strings.Contains(query, `container="app"`) {
			t.Errorf("%s asks %s", what, query)
		}
	}
	if names := target.Capacity.sources["p95"].Query.String(); !strings.Contains(names, `pod=~"ledger-[0-9]+"`) {
		t.Errorf("pods of %s", names)
	}
	e := target.experiment(find("pods/kill-one"))
	watched, ok := e.Observers[0].(kubewatch.Observer)
	if !ok || !slices.Equal(watched.Services, []string{"front"}) || !slices.Equal(watched.Workloads, []kube.Workload{{Kind: kube.StatefulSet, Namespace: "shop", Name: "ledger"}}) {
		t.Errorf("watched: %+v", e.Observers[0])
	}
	if e.Name != "kill one pod of ledger" || e.Hypothesis.Signals[0].Describe != "ready / desired pods of statefulset ledger in shop" {
		t.Errorf("%s, %s", e.Name, e.Hypothesis.Signals[0].Describe)
	}
	if got := target.pods().String(); got != "pods app=ledger,!canary in shop" {
		t.Errorf("pods %s", got)
	}
}

func TestPreflightRefusesATargetThatWasNotRead(t *testing.T) {
	target := readable(t, "  workload: statefulset/ledger\n", interceptor.Funcs{}, stored("app"))
	err := target.Preflight(t.Context(), nil, func(string, string) {})
	if want := "statefulset ledger in shop was not read: call Read before its experiments are made"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestWhatDoesNotApplyToAWorkloadIsLeftOutWithTheReason(t *testing.T) {
	partitioned := stored("app")
	partitioned.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateStatefulSetStrategy{Partition: new(int32(1))}
	app := map[string]string{"app": "agent"}
	daemons := &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "agent"}, Spec: appsv1.DaemonSetSpec{Selector: &metav1.LabelSelector{MatchLabels: app}, Template: template(app, "app")}}
	for _, row := range []struct {
		workload string
		object   client.Object
		left     map[string]string
	}{
		{"statefulset/ledger", stored("app"), map[string]string{"rollout/bad-image": "", "rollout/restart": "", "disruption/drain": "", "autoscaling/surge": "", "capacity/scaled": ""}},
		{"statefulset/ledger", partitioned, map[string]string{
			"rollout/bad-image": "no rollout of statefulset ledger in shop reaches every pod: its update strategy has the partition 1, below which pods keep their revision",
			"rollout/restart":   "no rollout of statefulset ledger in shop reaches every pod: its update strategy has the partition 1, below which pods keep their revision",
			"disruption/drain":  "",
		}},
		{"daemonset/agent", daemons, map[string]string{
			"rollout/bad-image": "", "rollout/restart": "", "pods/evict": "", "capacity/sustained": "",
			"disruption/drain":  "the drain of a node leaves the pods of a DaemonSet where they are",
			"autoscaling/surge": "the nodes decide how many pods a DaemonSet has, and no autoscaler",
			"capacity/scaled":   "the nodes decide how many pods a DaemonSet has, and no autoscaler",
		}},
	} {
		t.Run(row.workload, func(t *testing.T) {
			target := readable(t, "  workload: "+row.workload+"\n", interceptor.Funcs{}, row.object)
			if err := target.Read(t.Context()); err != nil {
				t.Fatal(err)
			}
			left := target.LeftOut()
			for id, want := range row.left {
				if left[id] != want {
					t.Errorf("%s: left out because %q, want %q", id, left[id], want)
				}
			}
		})
	}
}

func TestASelectorIsOfTheWorkloadsPodsAndOfNoOthers(t *testing.T) {
	set := stored("app")
	pod := func(name string, owner client.Object, app string) *corev1.Pod {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID(name), Labels: map[string]string{"app": app, "pod": name}}}
		if owner != nil {
			p.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(owner, appsv1.SchemeGroupVersion.WithKind("StatefulSet"))}
		}
		return p
	}
	for _, row := range []struct {
		sentence, selector string
		objects            []client.Object
		found, err         string
	}{
		{"all of them", "", []client.Object{pod("ledger-0", set, "ledger"), pod("ledger-1", set, "ledger"), pod("checkout-0", nil, "checkout")}, "2 of the 2 pods of statefulset ledger in shop match the selector app=ledger,!canary", ""},
		{"fewer of them, where the file says so", "  selector: {pod: ledger-1}\n", []client.Object{pod("ledger-0", set, "ledger"), pod("ledger-1", set, "ledger")}, "1 of the 2 pods of statefulset ledger in shop match the selector pod=ledger-1", ""},
		{"not those of another workload with the same labels", "", []client.Object{pod("ledger-0", set, "ledger"), pod("canary", nil, "ledger")}, "", "refused: the selector app=ledger,!canary matches pod canary, which statefulset ledger in shop does not control; narrow it with service.selector"},
		{"not none", "  selector: {app: leger}\n", []client.Object{pod("ledger-0", set, "ledger")}, "", "the selector app=leger matches none of the 1 pods of statefulset ledger in shop, which have the labels app=ledger"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			target := readable(t, "  workload: statefulset/ledger\n"+row.selector, interceptor.Funcs{}, append(row.objects, set)...)
			if err := target.Read(t.Context()); err != nil {
				t.Fatal(err)
			}
			found, err := target.owned(t.Context())
			if found != row.found || (err == nil) != (row.err == "") || (err != nil && err.Error() != row.err) {
				t.Errorf("%q, %v; want %q, %q", found, err, row.found, row.err)
			}
		})
	}
}
