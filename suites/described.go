package suites

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/steadystate/kube/argo"
)

// described records a service's workload as it is when an experiment begins, for
// what is recommended of it.
type described struct {
	client  client.Reader
	of      *service
	evicted bool // by a fault: budgets are read
}

// Observe records it once. That it is unknown is a note: it is no part of what is
// judged.
func (d described) Observe(ctx context.Context, rec *record.Recorder) error {
	w, err := d.read(ctx)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		rec.Note("how %s is configured is unknown: %v", d.of.Workload, err)
	default:
		rec.Record(record.Entry{Workload: &w})
	}
	return nil
}

func (d described) read(ctx context.Context) (record.Workload, error) {
	state, err := d.of.Workload.Read(ctx, d.client)
	if err != nil {
		return record.Workload{}, err
	}
	w := describe(state)
	w.Serving = d.of.container
	pods, err := state.Pods(ctx, d.client)
	if err != nil {
		return record.Workload{}, kube.Explain(err, "the right to list pods")
	}
	for _, pod := range pods {
		if pod.Spec.NodeName != "" {
			w.Nodes[pod.Name] = pod.Spec.NodeName
		}
	}
	d.places(ctx, &w, state.Template.Spec)
	w.Autoscalers = d.autoscalers(ctx)
	if d.evicted && len(pods) > 0 {
		w.Budgets = d.budgets(ctx, pods[0].Labels)
	}
	return w, nil
}

// places adds the zones of the nodes that run pods, and how many nodes, in how many zones,
// take pods of this template, with and without those where its nodeSelector and its node
// affinity keep none; nothing, if nodes could not be read.
func (d described) places(ctx context.Context, w *record.Workload, template corev1.PodSpec) {
	var list corev1.NodeList
	if d.client.List(ctx, &list) != nil {
		return
	}
	running := slices.Collect(maps.Values(w.Nodes))
	w.Zones = map[string]string{}
	schedulable, allowed := map[string]bool{}, map[string]bool{}
	for _, n := range list.Items {
		zone := n.Labels[corev1.LabelTopologyZone]
		if zone != "" && slices.Contains(running, n.Name) {
			w.Zones[n.Name] = zone
		}
		if trouble(n) != "" || !tolerated(n, template.Tolerations) {
			continue
		}
		w.SchedulableNodes++
		schedulable[zone] = true
		if fits(corev1.Pod{Spec: template}, n) {
			w.AllowedNodes++
			allowed[zone] = true
		}
	}
	delete(schedulable, "")
	delete(allowed, "")
	w.SchedulableZones, w.AllowedZones = len(schedulable), len(allowed)
}

// autoscalers are the minReplicas of those that scale the workload; nil: they could not be
// read.
func (d described) autoscalers(ctx context.Context) map[string]int {
	var list autoscalingv2.HorizontalPodAutoscalerList
	if d.client.List(ctx, &list, client.InNamespace(d.of.Namespace)) != nil {
		return nil
	}
	least := map[string]int{}
	for _, h := range list.Items {
		of := h.Spec.ScaleTargetRef
		if strings.EqualFold(of.Kind, string(d.of.Workload.Kind)) && of.Name == d.of.Workload.Name {
			least[h.Name] = int(ptr.Deref(h.Spec.MinReplicas, 1))
		}
	}
	return least
}

// budgets are those that cover pods with these labels; nil: they could not be read.
func (d described) budgets(ctx context.Context, of labels.Set) []string {
	var list policyv1.PodDisruptionBudgetList
	if d.client.List(ctx, &list, client.InNamespace(d.of.Namespace)) != nil {
		return nil
	}
	names := []string{}
	for _, budget := range list.Items {
		if s, err := metav1.LabelSelectorAsSelector(budget.Spec.Selector); err == nil && s.Matches(of) {
			names = append(names, budget.Name)
		}
	}
	return names
}

// describe is what the object of a workload says.
func describe(state kube.State) record.Workload {
	w := record.Workload{Subject: state.Subject(), Replicas: int(state.Desired), Nodes: map[string]string{}}
	switch o := state.Object.(type) {
	case *appsv1.Deployment:
		w.Strategy = string(o.Spec.Strategy.Type)
		if r := o.Spec.Strategy.RollingUpdate; r != nil {
			w.MaxUnavailable, w.MaxSurge = numbers(r.MaxUnavailable), numbers(r.MaxSurge)
		}
	case *appsv1.StatefulSet:
		w.Strategy = string(o.Spec.UpdateStrategy.Type)
	case *argo.Rollout:
		w.Strategy = "Canary"
		if o.Spec.Strategy.BlueGreen != nil {
			w.Strategy = "BlueGreen"
		}
		w.MaxUnavailable = numbers(o.MaxUnavailable())
		if canary := o.Spec.Strategy.Canary; canary != nil {
			w.MaxSurge = numbers(canary.MaxSurge)
		}
	case *appsv1.DaemonSet:
		w.Strategy = string(o.Spec.UpdateStrategy.Type)
		if r := o.Spec.UpdateStrategy.RollingUpdate; r != nil {
			w.MaxUnavailable, w.MaxSurge = numbers(r.MaxUnavailable), numbers(r.MaxSurge)
		}
	}
	const byDefault = 30
	w.GraceSeconds = byDefault
	if s := state.Template.Spec.TerminationGracePeriodSeconds; s != nil {
		w.GraceSeconds = int(*s)
	}
	for _, c := range state.Template.Spec.Containers {
		w.Containers = append(w.Containers, record.Container{
			Name: c.Name, Readiness: probeText(c.ReadinessProbe), Liveness: probeText(c.LivenessProbe),
			ReadinessProbe: probeOf(c.ReadinessProbe), LivenessProbe: probeOf(c.LivenessProbe),
			GraceSeconds: graceOf(c.LivenessProbe, c.StartupProbe),
			PreStop:      c.Lifecycle != nil && c.Lifecycle.PreStop != nil,
			Requests:     amounts(c.Resources.Requests), Limits: amounts(c.Resources.Limits),
		})
	}
	w.Spread = spread(state.Template)
	return w
}

// spread is how a template keeps its own pods apart, by topology key, and of several ways
// the one that binds the scheduler.
func spread(template *corev1.PodTemplateSpec) map[string]string {
	apart := map[string]string{}
	add := func(key, how string, binds bool, of *metav1.LabelSelector) {
		if s, err := metav1.LabelSelectorAsSelector(of); err == nil && s.Matches(labels.Set(template.Labels)) && (binds || apart[key] == "") {
			apart[key] = how
		}
	}
	for _, c := range template.Spec.TopologySpreadConstraints {
		add(c.TopologyKey, string(c.WhenUnsatisfiable), c.WhenUnsatisfiable == corev1.DoNotSchedule, c.LabelSelector)
	}
	if a := template.Spec.Affinity; a != nil && a.PodAntiAffinity != nil {
		for _, t := range a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution {
			add(t.TopologyKey, "required", true, t.LabelSelector)
		}
		for _, t := range a.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution {
			add(t.PodAffinityTerm.TopologyKey, "preferred", false, t.PodAffinityTerm.LabelSelector)
		}
	}
	return apart
}

// graceOf is the longest grace that probes give; 0: none gives one.
func graceOf(probes ...*corev1.Probe) (seconds int) {
	for _, p := range probes {
		if p != nil && p.TerminationGracePeriodSeconds != nil {
			seconds = max(seconds, int(*p.TerminationGracePeriodSeconds))
		}
	}
	return seconds
}

// numbers is a number or a percentage of pods as text; empty: it is not said.
func numbers(n *intstr.IntOrString) string {
	if n == nil {
		return ""
	}
	return n.String()
}

// probeOf is a probe with its defaults; nil: there is none.
func probeOf(p *corev1.Probe) *record.Probe {
	if p == nil {
		return nil
	}
	of := &record.Probe{How: "exec", PeriodSeconds: int(cmp.Or(p.PeriodSeconds, 10)), TimeoutSeconds: int(cmp.Or(p.TimeoutSeconds, 1)), Failures: int(cmp.Or(p.FailureThreshold, 3))}
	switch {
	case p.HTTPGet != nil:
		of.How, of.Path, of.Port = "GET", cmp.Or(p.HTTPGet.Path, "/"), p.HTTPGet.Port.String()
	case p.TCPSocket != nil:
		of.How, of.Port = "TCP", p.TCPSocket.Port.String()
	case p.GRPC != nil:
		of.How, of.Port = "gRPC", strconv.Itoa(int(p.GRPC.Port))
	}
	return of
}

// probeText is a probe in a few words.
func probeText(p *corev1.Probe) string {
	of := probeOf(p)
	if of == nil {
		return ""
	}
	what := of.How
	if at := cmp.Or(of.Path, of.Port); at != "" {
		what += " " + at
	}
	return fmt.Sprintf("%s every %ds", what, of.PeriodSeconds)
}

// amounts are quantities as text; nil for none.
func amounts(list corev1.ResourceList) map[string]string {
	if len(list) == 0 {
		return nil
	}
	all := map[string]string{}
	for name, q := range maps.All(list) {
		all[string(name)] = q.String()
	}
	return all
}
