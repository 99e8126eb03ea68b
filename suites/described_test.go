package suites

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/steadystate/kube/argo"
)

func TestAWorkloadIsDescribed(t *testing.T) {
	template := corev1.PodTemplateSpec{Spec: corev1.PodSpec{
		TerminationGracePeriodSeconds: new(int64(20)),
		Containers: []corev1.Container{
			{
				Name:           "checkout",
				ReadinessProbe: &corev1.Probe{PeriodSeconds: 1, ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/readyz", Port: intstr.FromString("http")}}},
				LivenessProbe:  &corev1.Probe{TimeoutSeconds: 2, FailureThreshold: 5, TerminationGracePeriodSeconds: new(int64(90)), ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(8080)}}},
				Lifecycle:      &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{}},
				Resources:      corev1.ResourceRequirements{Requests: corev1.ResourceList{"cpu": resource.MustParse("50m")}},
			},
			{Name: "proxy"},
		},
	}}
	object := &appsv1.Deployment{Spec: appsv1.DeploymentSpec{Strategy: appsv1.DeploymentStrategy{
		Type: appsv1.RollingUpdateDeploymentStrategyType, RollingUpdate: &appsv1.RollingUpdateDeployment{MaxUnavailable: new(intstr.FromString("25%")), MaxSurge: new(intstr.FromInt32(0))},
	}}}
	got := describe(kube.State{Workload: kube.Workload{Kind: kube.Deployment, Namespace: "shop", Name: "checkout"}, Object: object, Template: &template, Desired: 3})
	want := record.Workload{
		Subject: "deployment/shop/checkout", Replicas: 3, Strategy: "RollingUpdate", MaxUnavailable: "25%", MaxSurge: "0", GraceSeconds: 20, Nodes: map[string]string{}, Spread: map[string]string{},
		Containers: []record.Container{
			{
				Name: "checkout", Readiness: "GET /readyz every 1s", Liveness: "TCP 8080 every 10s",
				ReadinessProbe: &record.Probe{How: "GET", Path: "/readyz", Port: "http", PeriodSeconds: 1, TimeoutSeconds: 1, Failures: 3},
				LivenessProbe:  &record.Probe{How: "TCP", Port: "8080", PeriodSeconds: 10, TimeoutSeconds: 2, Failures: 5},
				GraceSeconds:   90, PreStop: true, Requests: map[string]string{"cpu": "50m"},
			},
			{Name: "proxy"},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	for want, strategy := range map[string]argo.Strategy{
		"Canary 1 0%":    {Canary: &argo.Canary{MaxUnavailable: new(intstr.FromInt32(1)), MaxSurge: new(intstr.FromString("0%"))}},
		"BlueGreen 50% ": {BlueGreen: &argo.BlueGreen{MaxUnavailable: new(intstr.FromString("50%"))}},
		"Canary  ":       {Canary: &argo.Canary{}},
	} {
		state, _ := kube.StateOf(&argo.Rollout{Spec: argo.RolloutSpec{Strategy: strategy}})
		if got := describe(state); got.Strategy+" "+got.MaxUnavailable+" "+got.MaxSurge != want {
			t.Errorf("%+v, want %s", got, want)
		}
	}
}

// Advice on rollouts is by the strategy.
func TestTheStrategyOfEachKindOfWorkloadIsDescribed(t *testing.T) {
	for _, kind := range kube.Kinds() {
		of := &config.Target{Name: "checkout", Service: config.Service{Namespace: "shop", Workload: kube.Workload{Kind: kind, Namespace: "shop", Name: "checkout"}}}
		state, ok := kube.StateOf(played{of, nil}.objects()[0])
		if got := describe(state); !ok || got.Strategy == "" {
			t.Errorf("%s: strategy %q of %+v", kind, got.Strategy, state)
		}
	}
}

// What keeps the pods of a template apart is by topology key, and selects them.
func TestHowATemplateKeepsItsPodsApart(t *testing.T) {
	const host, zone = corev1.LabelHostname, corev1.LabelTopologyZone
	of := func(app string) *metav1.LabelSelector {
		return &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}
	}
	constraint := func(key string, how corev1.UnsatisfiableConstraintAction, app string) corev1.TopologySpreadConstraint {
		return corev1.TopologySpreadConstraint{TopologyKey: key, WhenUnsatisfiable: how, LabelSelector: of(app)}
	}
	anti := func(required, preferred []corev1.PodAffinityTerm) *corev1.Affinity {
		a := corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: required}
		for _, t := range preferred {
			a.PreferredDuringSchedulingIgnoredDuringExecution = append(a.PreferredDuringSchedulingIgnoredDuringExecution, corev1.WeightedPodAffinityTerm{PodAffinityTerm: t})
		}
		return &corev1.Affinity{PodAntiAffinity: &a}
	}
	term := func(key, app string) []corev1.PodAffinityTerm {
		return []corev1.PodAffinityTerm{{TopologyKey: key, LabelSelector: of(app)}}
	}
	for _, row := range []struct {
		name        string
		constraints []corev1.TopologySpreadConstraint
		affinity    *corev1.Affinity
		want        map[string]string
	}{
		{"nothing does", nil, nil, map[string]string{}},
		{"an affinity to nodes does not", nil, &corev1.Affinity{}, map[string]string{}},
		{"a constraint that may be passed over", []corev1.TopologySpreadConstraint{constraint(zone, corev1.ScheduleAnyway, "checkout")}, nil, map[string]string{zone: "ScheduleAnyway"}},
		{"one on other pods", []corev1.TopologySpreadConstraint{constraint(zone, corev1.DoNotSchedule, "payments")}, nil, map[string]string{}},
		{"one on no pods", []corev1.TopologySpreadConstraint{{TopologyKey: zone, WhenUnsatisfiable: corev1.DoNotSchedule}}, nil, map[string]string{}},
		{"one for each key", []corev1.TopologySpreadConstraint{constraint(zone, corev1.ScheduleAnyway, "checkout"), constraint(host, corev1.DoNotSchedule, "checkout")}, nil, map[string]string{zone: "ScheduleAnyway", host: "DoNotSchedule"}},
		{"the one that binds, first", []corev1.TopologySpreadConstraint{constraint(host, corev1.DoNotSchedule, "checkout"), constraint(host, corev1.ScheduleAnyway, "checkout")}, nil, map[string]string{host: "DoNotSchedule"}},
		{"the one that binds, last", []corev1.TopologySpreadConstraint{constraint(host, corev1.ScheduleAnyway, "checkout")}, anti(term(host, "checkout"), nil), map[string]string{host: "required"}},
		{"a preference", nil, anti(nil, term(host, "checkout")), map[string]string{host: "preferred"}},
		{"a preference for a distance from others", nil, anti(nil, term(host, "payments")), map[string]string{}},
	} {
		template := &corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "checkout"}}, Spec: corev1.PodSpec{TopologySpreadConstraints: row.constraints, Affinity: row.affinity}}
		if got := spread(template); !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
	}
}

// The budgets that cover the pods are read for an eviction, the zones of their nodes
// always; without a right to read them they are unknown.
func TestTheBudgetsAndZonesOfAWorkloadAreDescribed(t *testing.T) {
	selects := func(name, app string) *policyv1.PodDisruptionBudget {
		return &policyv1.PodDisruptionBudget{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name},
			Spec:       policyv1.PodDisruptionBudgetSpec{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}},
		}
	}
	node := func(name, zone string, change func(*corev1.Node)) *corev1.Node {
		n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelTopologyZone: zone}}}
		change(n)
		return n
	}
	tainted := func(key string) func(*corev1.Node) {
		return func(n *corev1.Node) {
			n.Spec.Taints = []corev1.Taint{{Key: key, Effect: corev1.TaintEffectNoSchedule}}
		}
	}
	on := func(key string, values ...string) []corev1.NodeSelectorRequirement {
		return []corev1.NodeSelectorRequirement{{Key: key, Operator: corev1.NodeSelectorOpIn, Values: values}}
	}
	affinity := func(required *corev1.NodeSelector) corev1.PodSpec {
		return corev1.PodSpec{Affinity: &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution:  required,
			PreferredDuringSchedulingIgnoredDuringExecution: []corev1.PreferredSchedulingTerm{{Weight: 1, Preference: corev1.NodeSelectorTerm{MatchExpressions: on(corev1.LabelTopologyZone, "east")}}},
		}}}
	}
	inWest := &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchExpressions: on(corev1.LabelTopologyZone, "west")}}}
	for _, row := range []struct {
		name     string
		refuse   string
		template corev1.PodSpec
		budgets  []string
		// Of seven nodes in four zones one is cordoned, one not ready, one tainted, and
		// one tainted in a way that the pods tolerate.
		zones                  map[string]string
		nodes, zoned           int
		allowed, allowedInZone int
	}{
		{"all may be read", "", corev1.PodSpec{}, []string{"checkout"}, map[string]string{"node1": "east"}, 4, 2, 4, 2},
		{"budgets may not", "poddisruptionbudgets", corev1.PodSpec{}, nil, map[string]string{"node1": "east"}, 4, 2, 4, 2},
		{"nodes may not", "nodes", corev1.PodSpec{}, []string{"checkout"}, nil, 0, 0, 0, 0},
		{"a selector allows one", "", corev1.PodSpec{NodeSelector: map[string]string{corev1.LabelTopologyZone: "east"}}, []string{"checkout"}, map[string]string{"node1": "east"}, 4, 2, 1, 1},
		{"a selector allows those that take none", "", corev1.PodSpec{NodeSelector: map[string]string{corev1.LabelTopologyZone: "south"}}, []string{"checkout"}, map[string]string{"node1": "east"}, 4, 2, 0, 0},
		{"an affinity allows two of a zone", "", affinity(inWest), []string{"checkout"}, map[string]string{"node1": "east"}, 4, 2, 2, 1},
		{"an affinity is a preference", "", affinity(nil), []string{"checkout"}, map[string]string{"node1": "east"}, 4, 2, 4, 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			forbidden := func(resource string) error {
				if resource == row.refuse {
					return apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "", errors.New("no"))
				}
				return nil
			}
			c := fake.NewClientBuilder().WithObjects(selects("checkout", "checkout"), selects("other", "other"),
				node("node1", "east", func(*corev1.Node) {}), node("node2", "west", func(*corev1.Node) {}), node("node3", "", func(*corev1.Node) {}),
				node("node4", "west", tainted("mine")), node("node5", "north", tainted("node-role.kubernetes.io/control-plane")),
				node("node6", "south", func(n *corev1.Node) { n.Spec.Unschedulable = true }),
				node("node7", "south", func(n *corev1.Node) {
					n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionFalse}}
				})).
				WithInterceptorFuncs(interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
					resource := "nodes"
					if _, ok := list.(*policyv1.PodDisruptionBudgetList); ok {
						resource = "poddisruptionbudgets"
					}
					if err := forbidden(resource); err != nil {
						return err
					}
					return c.List(ctx, list, opts...)
				}}).Build()
			d := described{client: c, of: &service{Target: &config.Target{Service: config.Service{Namespace: "shop"}}}, evicted: true}
			budgets := d.budgets(t.Context(), labels.Set{"app": "checkout"})
			w := record.Workload{Nodes: map[string]string{"a": "node1"}}
			row.template.Tolerations = []corev1.Toleration{{Key: "mine", Operator: corev1.TolerationOpExists}}
			d.places(t.Context(), &w, row.template)
			if !reflect.DeepEqual(budgets, row.budgets) || !reflect.DeepEqual(w.Zones, row.zones) || w.SchedulableNodes != row.nodes || w.SchedulableZones != row.zoned ||
				w.AllowedNodes != row.allowed || w.AllowedZones != row.allowedInZone {
				t.Errorf("budgets %q, %+v, want %q and %+v", budgets, w, row.budgets, row)
			}
		})
	}
}

// The autoscalers of the workload are described, also those that the file does not name.
func TestTheAutoscalersOfAWorkloadAreDescribed(t *testing.T) {
	scales := func(name, kind, target string, least *int32) *autoscalingv2.HorizontalPodAutoscaler {
		return &autoscalingv2.HorizontalPodAutoscaler{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name},
			Spec:       autoscalingv2.HorizontalPodAutoscalerSpec{MinReplicas: least, ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{Kind: kind, Name: target}},
		}
	}
	elsewhere := scales("elsewhere", "Deployment", "checkout", nil)
	elsewhere.Namespace = "bazaar"
	for _, row := range []struct {
		name   string
		there  []client.Object
		refuse bool
		want   map[string]int
	}{
		{"none", nil, false, map[string]int{}},
		{"of this workload", []client.Object{scales("a", "Deployment", "checkout", new(int32(2)))}, false, map[string]int{"a": 2}},
		{"by default", []client.Object{scales("a", "Deployment", "checkout", nil)}, false, map[string]int{"a": 1}},
		{"of others", []client.Object{scales("a", "Deployment", "payments", nil), scales("b", "StatefulSet", "checkout", nil), elsewhere}, false, map[string]int{}},
		{"they may not be read", []client.Object{scales("a", "Deployment", "checkout", nil)}, true, nil},
	} {
		c := fake.NewClientBuilder().WithObjects(row.there...).WithInterceptorFuncs(interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			if row.refuse {
				return apierrors.NewForbidden(schema.GroupResource{Resource: "horizontalpodautoscalers"}, "", errors.New("no"))
			}
			return c.List(ctx, list, opts...)
		}}).Build()
		d := described{client: c, of: &service{Target: &config.Target{Service: config.Service{Namespace: "shop", Workload: kube.Workload{Kind: kube.Deployment, Namespace: "shop", Name: "checkout"}}}}}
		if got := d.autoscalers(t.Context()); !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
	}
}

func TestAWorkloadThatCannotBeReadIsANote(t *testing.T) {
	s := connected(t, valid, interceptor.Funcs{Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
		return errors.New("no answer")
	}})
	rec, notes := record.NewRecorder(&bytes.Buffer{}), ""
	rec.Tap(func(e record.Entry) {
		notes += e.Note
		if e.Workload != nil {
			t.Errorf("described as %+v", e.Workload)
		}
	})
	if err := (described{client: s.Client, of: &service{Target: s.Plan.Services[0]}}).Observe(t.Context(), rec); err != nil {
		t.Error(err)
	}
	if !strings.Contains(notes, "how deployment checkout in shop is configured is unknown") {
		t.Errorf("notes %q", notes)
	}
}
