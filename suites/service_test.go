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
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/steadystate/kube/argo"
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

// ofLedger is the file of a service that this is said of.
func ofLedger(said string) string {
	return strings.Replace(scaled, "    workload: deployment/checkout\n", said, 1)
}

func TestWhatTheFileDoesNotSayIsReadFromTheCluster(t *testing.T) {
	ledger, other := map[string]string{"app": "ledger"}, map[string]string{"app": "checkout"}
	noServices := interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
		if _, ok := list.(*corev1.ServiceList); ok {
			return apierrors.NewForbidden(schema.GroupResource{Resource: "services"}, "", errors.New("no"))
		}
		return c.List(ctx, list, opts...)
	}}
	const set = "    workload: statefulset/ledger\n"
	elsewhere := basket()
	elsewhere.Spec.WorkloadRef = &argo.WorkloadRef{Kind: "Deployment", Name: "checkout"}
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
			"nothing that is said", set + "    selector: {app: ledger}\n    container: app\n    service: front\n", noServices,
			[]client.Object{stored("app", "proxy")},
			"", "",
		},
		{
			"that there is no Service", set,
			interceptor.Funcs{},
			[]client.Object{stored("app")},
			"selector app=ledger,!canary, container app, no Service selects its pods, so no endpoints are followed", "",
		},
		{
			"everything that the file must say, at once", set,
			interceptor.Funcs{},
			[]client.Object{stored("app", "proxy"), selecting("front", ledger), selecting("headless", ledger)},
			"",
			"aftershock.yaml:9: services[checkout].container: statefulset ledger in shop has 2 containers: say which one serves: app, proxy\n" +
				"aftershock.yaml:9: services[checkout].service: 2 Services select the pods of statefulset ledger in shop: name the one whose endpoints count: front, headless",
		},
		{
			"of several Services the one with the workload's name", set,
			interceptor.Funcs{},
			[]client.Object{stored("app"), selecting("a-headless", ledger), selecting("ledger", ledger), selecting("zz", ledger)},
			"selector app=ledger,!canary, container app, Service ledger", "",
		},
		{
			"no container that there is not", set + "    container: main\n",
			interceptor.Funcs{},
			[]client.Object{stored("app", "proxy")},
			"",
			`aftershock.yaml:12: services[checkout].container: no container "main" in statefulset ledger in shop; containers: app, proxy`,
		},
		{
			"that there is no such workload", set,
			interceptor.Funcs{},
			[]client.Object{sized(2, 2)},
			"",
			"aftershock.yaml:11: services[checkout].workload: there is no statefulset ledger in shop; workloads there: deployment/checkout",
		},
		{
			"that there is none at all", set,
			interceptor.Funcs{},
			nil, "",
			"aftershock.yaml:11: services[checkout].workload: there is no statefulset ledger in shop; check the name and the namespace",
		},
		{
			"a Rollout whose template is elsewhere, for good", "    workload: rollout/checkout\n",
			interceptor.Funcs{},
			[]client.Object{elsewhere},
			"",
			"aftershock.yaml:11: services[checkout].workload: read rollout checkout in shop: not supported: it takes its template from deployment/checkout (spec.workloadRef), where this program does not read it; move the template into the Rollout",
		},
		{
			"a right that is missing", set, noServices,
			[]client.Object{stored("app")},
			"",
			"aftershock.yaml:9: services[checkout].service: list the Services of shop: services is forbidden: no; give the account the right to list services, or name the Service",
		},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			session := connected(t, ofLedger(row.service), row.funcs, row.objects...)
			_, err := session.Read(t.Context(), session.Plan.Planned)
			if row.err != "" {
				if err == nil || err.Error() != row.err {
					t.Errorf("error\n%v\nwant\n%s", err, row.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if found := session.services["checkout"].found; found != row.read {
				t.Errorf("read %q, want %q", found, row.read)
			}
		})
	}
}

func TestWhatDoesNotApplyToAWorkloadIsSkippedWithTheReason(t *testing.T) {
	const partition = "no rollout of statefulset ledger in shop reaches every pod: its update strategy has the partition 1, below which pods keep their revision"
	partitioned := stored("app")
	partitioned.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateStatefulSetStrategy{Partition: new(int32(1))}
	app := map[string]string{"app": "agent"}
	daemons := &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "agent"}, Spec: appsv1.DaemonSetSpec{Selector: &metav1.LabelSelector{MatchLabels: app}, Template: template(app, "app")}}
	onDelete := daemons.DeepCopy()
	onDelete.Spec.UpdateStrategy.Type = appsv1.OnDeleteDaemonSetStrategyType
	paused := basket()
	paused.Spec.Paused = true
	blueGreen := basket()
	blueGreen.Spec.Strategy = argo.Strategy{BlueGreen: &argo.BlueGreen{}}
	for _, row := range []struct {
		sentence, workload string
		object             client.Object
		skipped            map[string]string // "": it runs
	}{
		{"a StatefulSet", "statefulset/ledger", stored("app"), map[string]string{"rollout/bad-image": "", "rollout/restart": "", "disruption/drain": "", "autoscaling/surge": "", "capacity/scaled": ""}},
		{"one that is partitioned", "statefulset/ledger", partitioned, map[string]string{"rollout/bad-image": partition, "rollout/restart": partition, "disruption/drain": ""}},
		{"a DaemonSet", "daemonset/agent", daemons, map[string]string{
			"rollout/bad-image": "", "rollout/restart": "", "pods/evict": "", "capacity/sustained": "",
			"disruption/drain":  "the drain of a node leaves the pods of a DaemonSet where they are",
			"autoscaling/surge": "the nodes decide how many pods a DaemonSet has, not an autoscaler",
			"capacity/scaled":   "the nodes decide how many pods a DaemonSet has, not an autoscaler",
		}},
		{"a Rollout", "rollout/checkout", basket(), map[string]string{
			"rollout/bad-image": "", "rollout/restart": "", "pods/evict": "", "disruption/drain": "", "autoscaling/surge": "", "capacity/scaled": "",
		}},
		{"one that is paused", "rollout/checkout", paused, map[string]string{
			"rollout/restart": "no rollout of rollout checkout in shop reaches every pod: it is paused", "pods/evict": "",
		}},
		{"one whose strategy is blueGreen", "rollout/checkout", blueGreen, map[string]string{
			"rollout/bad-image": "a bad image of rollout checkout in shop would not be undone in time: its strategy is blueGreen", "rollout/restart": "", "pods/evict": "",
		}},
		{"one that is updated by hand", "daemonset/agent", onDelete, map[string]string{
			"rollout/restart": "no rollout of daemonset agent in shop reaches every pod: its update strategy is OnDelete", "pods/evict": "",
		}},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			session := connected(t, strings.Replace(ofLedger("    workload: "+row.workload+"\n"), "uid: 0b1c", "uid: 0b1c, image: aftershock:1", 1), interceptor.Funcs{}, row.object)
			able, err := session.Read(t.Context(), session.Plan.Planned)
			if err != nil {
				t.Fatal(err)
			}
			skipped := map[string]string{}
			for _, s := range session.Plan.Skipped {
				skipped[s.ID] = s.Why
			}
			for id, want := range row.skipped {
				id = "checkout/" + id
				runs := slices.ContainsFunc(able, func(p config.Planned) bool { return p.ID() == id })
				if got := skipped[id]; (want == "") != (got == "") || !strings.HasPrefix(got, want) || runs != (want == "") {
					t.Errorf("%s: skipped because %q, want %q; it runs: %t", id, got, want, runs)
				}
			}
		})
	}
	// An experiment of the file's own is there because someone wants it.
	session := connected(t, ofLedger("    workload: statefulset/ledger\n")+"experiments:\n  again: {from: rollout/restart}\n", interceptor.Funcs{}, partitioned)
	if _, err := session.Read(t.Context(), session.Plan.Planned); err == nil || err.Error() != "aftershock.yaml:21: checkout/again: "+partition {
		t.Errorf("%v, want the place and %s", err, partition)
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
		{"fewer of them, where the file says so", "    selector: {pod: ledger-1}\n", []client.Object{pod("ledger-0", set, "ledger"), pod("ledger-1", set, "ledger")}, "1 of the 2 pods of statefulset ledger in shop match the selector pod=ledger-1", ""},
		{"not those of another workload with the same labels", "", []client.Object{pod("ledger-0", set, "ledger"), pod("canary", nil, "ledger")}, "", "refused: the selector app=ledger,!canary matches pod canary, which statefulset ledger in shop does not control; narrow it"},
		{"not none", "    selector: {app: leger}\n", []client.Object{pod("ledger-0", set, "ledger")}, "", "the selector app=leger matches none of the 1 pods of statefulset ledger in shop, which have the labels app=ledger"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			session := connected(t, ofLedger("    workload: statefulset/ledger\n"+row.selector), interceptor.Funcs{}, append(row.objects, set)...)
			if _, err := session.Read(t.Context(), session.Plan.Planned); err != nil {
				t.Fatal(err)
			}
			found, _, err := session.owned(t.Context(), session.services["checkout"])
			if found != row.found || (err == nil) != (row.err == "") || (err != nil && err.Error() != row.err) {
				t.Errorf("%q, %v; want %q, %q", found, err, row.found, row.err)
			}
		})
	}
}
