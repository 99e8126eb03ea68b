package suites

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	commonconfig "github.com/prometheus/common/config"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/experiments/stop"
	"github.com/aftershockhq/aftershock/experiments/workers"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/steadystate/kube/argo"
	"github.com/aftershockhq/aftershock/steadystate/prom"
	"github.com/aftershockhq/aftershock/suites/rehearsal"
	"github.com/aftershockhq/aftershock/suites/rights"
)

// rehearsing is a rehearsal of some experiments.
type rehearsing struct {
	plan   *config.Plan
	chosen []config.Planned
	refuse func(rights.Rule) bool // nil: nothing
	still  bool                   // nothing that a fault creates takes effect

	mu     sync.Mutex
	stages []*rehearsal.Stage
	errs   []error

	asked []rights.Rule
	err   error
}

// run rehearses each experiment on a stage of its own, and on one more what is
// done for all of them.
func (r *rehearsing) run(ctx context.Context) {
	var wg sync.WaitGroup
	if !r.still {
		wg.Go(func() { r.keep("preflight and sweep", r.around(ctx)) })
	}
	done := map[string]bool{}
	for _, p := range r.chosen {
		if same := requests(p); !done[same] {
			done[same] = true
			wg.Go(func() { r.keep(p.ID(), r.experiment(ctx, p)) })
		}
	}
	wg.Wait()
	for _, s := range r.stages {
		r.asked = append(r.asked, s.Asked()...)
	}
	r.err = errors.Join(r.errs...)
}

func (r *rehearsing) keep(what string, err error) {
	if err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.errs = append(r.errs, fmt.Errorf("rehearse %s: %w", what, err))
	}
}

// around rehearses what comes before and after the experiments.
func (r *rehearsing) around(ctx context.Context) error {
	s, list, _, err := r.session(ctx, r.chosen)
	if err != nil {
		return err
	}
	s.prometheus = nil
	err = s.Preflight(ctx, list, func(Mark, string, string) {})
	if !byAPI(err) {
		err = nil // what it found to be wrong is for the cluster's own preflight to say
	}
	_, errSweep := s.Sweep(ctx, Sweeping{})
	return errors.Join(err, errSweep)
}

// requests is the same text for experiments that make the same requests: how much a
// fault does, to how many pods and for how long, changes none.
func requests(p config.Planned) string {
	parts := []string{p.Target.Name, fmt.Sprint(p.Workers != nil, p.Expects)}
	for _, f := range p.Faults {
		parts = append(parts, f.Kind, f.To, fmt.Sprint(fieldOf[bool](f, "Follow"), f.When))
		if object, ok := f.Spec.(config.ChaosMesh); ok {
			parts = append(parts, fmt.Sprint(object))
		}
	}
	return strings.Join(parts, "/")
}

// byAPI reports whether one of the errors is an answer of the API.
func byAPI(err error) bool {
	var answer apierrors.APIStatus
	return errors.As(err, &answer)
}

// rehearsed bounds the rehearsal of one experiment.
const rehearsed = 30 * time.Second

func (r *rehearsing) experiment(ctx context.Context, p config.Planned) error {
	ctx, cancel := context.WithTimeout(ctx, rehearsed)
	defer cancel()
	_, list, stage, err := r.session(ctx, []config.Planned{p})
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range list {
		errs = append(errs, e.Rehearse(ctx, record.NewRecorder(io.Discard), func(ctx context.Context) { quiet(ctx, stage.Newest) }))
	}
	return errors.Join(errs...)
}

// quiet waits until no request of a new kind was made for some looks in a row; the newest
// was made then. What is done again and again is done every second. While this process is
// starved, its requests are as late as its looks are: a late one says nothing.
func quiet(ctx context.Context, newest func() time.Time) {
	const every, enough = 250 * time.Millisecond, 5
	look := time.NewTicker(every)
	defer look.Stop()
	known, same, last := time.Time{}, 0, time.Now()
	for same < enough {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		late := time.Since(last) > 2*every
		last = time.Now()
		at := newest()
		if same++; late || at.After(known) {
			known, same = at, 0
		}
	}
}

// connected is a session of the plan on a stage. Nothing of it leaves this process.
func (r *rehearsing) connected(chosen []config.Planned) (*Session, *rehearsal.Stage, error) {
	scheme, err := chaosmesh.Scheme()
	if err != nil {
		return nil, nil, err
	}
	stage, err := rehearsal.NewStage(scheme, scene(r.plan, chosen)...)
	if err != nil {
		return nil, nil, err
	}
	stage.Refuse, stage.Still = r.refuse, r.still
	r.mu.Lock()
	r.stages = append(r.stages, stage)
	r.mu.Unlock()
	plan := *r.plan
	plan.Skipped, plan.Freeze = nil, nil // a freeze asks the cluster nothing
	timeouts := chaosmesh.Timeouts{Inject: 10 * time.Second, Proof: 10 * time.Second, Nudge: 20 * time.Millisecond, GiveUp: 20 * time.Millisecond, Remove: 10 * time.Second}
	if r.still {
		timeouts.Inject = 500 * time.Millisecond
	}
	s, err := connect(&plan, stage.Config(), timeouts)
	if err != nil {
		return nil, nil, err
	}
	s.rehearsed = true
	if s.prometheus != nil {
		if s.prometheus, err = prom.NewClient(prom.Config{URL: "http://rehearsal.invalid"}, commonconfig.WithDialContextFunc(func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("the rehearsal asks no Prometheus")
		})); err != nil {
			return nil, nil, err
		}
	}
	return s, stage, nil
}

// session is such a session with the experiments.
func (r *rehearsing) session(ctx context.Context, chosen []config.Planned) (*Session, []Experiment, *rehearsal.Stage, error) {
	s, stage, err := r.connected(chosen)
	if err != nil {
		return nil, nil, nil, err
	}
	able, err := s.Read(ctx, chosen)
	if err != nil {
		return nil, nil, nil, err
	}
	list, err := s.Experiments(able)
	if err != nil {
		return nil, nil, nil, err
	}
	for i := range list {
		list[i].onStage()
		if r.still {
			list[i].unanswered()
		}
	}
	return s, list, stage, nil
}

// onStage takes from an experiment what speaks to the service or to Prometheus: a
// load from here with its surges, probes, queries. Load workers stay: their pods
// are the stage's. All faults are due at once.
func (e *Experiment) onStage() {
	for i := range e.Faults {
		e.Faults[i].At, e.Faults[i].When, e.Faults[i].Within = 0, nil, 0
	}
	e.Observers = slices.DeleteFunc(e.Observers, func(o experiments.Observer) bool {
		switch o.(type) {
		case clockOf, perPod:
			return true
		}
		return false
	})
	for i, f := range e.Faults {
		switch f.Fault.(type) {
		case *load.Surge, *scaledOut:
			e.Faults[i].Fault = allowedOnly{f.Fault} // as without one, the safeguards are not asked
		}
	}
	if job, byWorkers := e.Load.(workers.Job); byWorkers {
		e.Load = askedOnly{job, job}
	} else {
		e.Load, e.Traffic = nil, cmp.Or(e.Traffic, config.SignalTraffic)
	}
	signals, probes := map[string]bool{}, map[string]bool{}
	for name := range e.service.Probes() {
		probes[name] = true
	}
	e.Hypothesis.Signals = slices.DeleteFunc(e.Hypothesis.Signals, func(s steadystate.Signal) bool {
		_, asked := s.Source.(prom.Source)
		return asked || probes[s.Name]
	})
	e.Expectations = slices.Clone(e.Expectations)
	for i := range e.Expectations {
		e.Expectations[i].Signal = ""
	}
	for _, s := range e.Hypothesis.Signals {
		signals[s.Name] = true
	}
	if signaler, ok := e.Load.(experiments.Signaler); ok {
		for name := range signaler.Signals() {
			signals[name] = true
		}
	}
	e.Hypothesis.Checks = slices.DeleteFunc(slices.Clone(e.Hypothesis.Checks), func(c steadystate.Check) bool { return !signals[c.Signal] })
	for i := range e.Hypothesis.Checks {
		e.Hypothesis.Checks[i].Limits = nil // nothing is judged
	}
	if len(e.Hypothesis.Checks) == 0 {
		e.Hypothesis.Checks = []steadystate.Check{{Name: "whole", Signal: config.SignalReplicas, Good: steadystate.AtLeast(1)}}
	}
}

// unanswered leaves of an experiment what waits for another to act, for a short
// time.
func (e *Experiment) unanswered() {
	e.Faults = slices.DeleteFunc(e.Faults, func(f experiments.Scheduled) bool {
		_, waits := f.Fault.(*chaosmesh.Fault)
		return !waits
	})
	e.ledger.Switch = nil // nothing is injected until its pod runs
	if load, ok := e.Load.(askedOnly); ok {
		load.Ready = 500 * time.Millisecond
		e.Load = load
	}
}

// askedOnly is a load of workers that are asked, and drive nothing.
type askedOnly struct {
	workers.Job
	recorded experiments.Load
}

func (a askedOnly) Recorded(rec *record.Recorder) experiments.Load {
	return askedOnly{a.Job, a.Job.Recorded(rec)}
}

func (a askedOnly) Preflight(ctx context.Context, _ func(string) bool) (string, error) {
	return a.DryRun(ctx)
}

func (a askedOnly) Drive(ctx context.Context, clock steadystate.Clock, each func(record.Request)) error {
	err := a.recorded.Drive(ctx, clock, each)
	if err != nil && strings.Contains(err.Error(), rehearsal.NoLoad) && !errors.Is(err, experiments.ErrLeftBehind) {
		return nil
	}
	return err
}

// allowedOnly is a fault that is allowed, and does nothing.
type allowedOnly struct{ fault experiments.Fault }

func (a allowedOnly) String() string { return a.fault.String() }

func (allowedOnly) Inject(_ context.Context, rec *record.Recorder) (record.Injection, error) {
	return record.Injection{
		Span:    steadystate.Instant(rec.Clock().Now()),
		Targets: []record.Target{{Name: "the load"}}, // what hits nothing is not announced
	}, nil
}

func (allowedOnly) Recover(_ context.Context, rec *record.Recorder) (steadystate.Span, error) {
	return steadystate.Instant(rec.Clock().Now()), nil
}

// scene is a cluster of which all is true that the file says.
func scene(plan *config.Plan, chosen []config.Planned) []client.Object {
	namespaces := map[string]types.UID{"kube-system": types.UID(plan.Cluster.UID), plan.Cluster.Namespace: ""}
	for _, name := range plan.Allow.Namespaces {
		namespaces[name] = ""
	}
	delete(namespaces, "")
	var objects []client.Object
	for _, name := range slices.Sorted(maps.Keys(namespaces)) {
		objects = append(objects, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, UID: namespaces[name]}})
	}
	objects = append(objects, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node"}, Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}}})
	objects = append(objects, &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Namespace: chaosmesh.Namespace, Name: "chaos-daemon-1"},
		AddressType: discoveryv1.AddressTypeIPv4,
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{"192.0.2.1"}, NodeName: new("node")}},
	})
	// It stops nothing, and is there so that the right is to it alone.
	objects = append(objects, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: plan.Cluster.Namespace, Name: stop.Name}})
	for _, name := range servicesOf(chosen) {
		if t := plan.Find(name); t != nil {
			objects = append(objects, played{t, chosen}.objects()...)
		}
	}
	for _, e := range chosen {
		for _, f := range e.Faults {
			objects = append(objects, played{e.Target, chosen}.strays(f, objects)...)
		}
	}
	return objects
}

// played is a service on the stage.
type played struct {
	*config.Target
	chosen []config.Planned
}

// pods is how many pods it has: as many as its faults ask for.
func (p played) pods() int32 {
	most := 3
	for _, e := range p.chosen {
		for _, f := range e.Faults {
			if n, err := strconv.Atoi(string(fieldOf[faults.Count](f, "Count"))); err == nil {
				most = max(most, n)
			}
		}
	}
	return int32(min(most, 1000)) //nolint:gosec // bounded
}

func (p played) objects() []client.Object {
	matching := p.Selector
	if len(matching) == 0 {
		matching = map[string]string{"app": p.Workload.Name}
	}
	n := p.pods()
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: matching}, Spec: corev1.PodSpec{NodeName: "node"}}
	for _, name := range p.containers() {
		amounts := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1"), corev1.ResourceMemory: resource.MustParse("1Gi")}
		template.Spec.Containers = append(template.Spec.Containers, corev1.Container{
			Name: name, Image: "image:1", Resources: corev1.ResourceRequirements{Requests: amounts, Limits: amounts},
		})
	}
	selector := &metav1.LabelSelector{MatchLabels: matching}
	meta := metav1.ObjectMeta{Namespace: p.Namespace, Name: p.Workload.Name, UID: types.UID("workload-" + p.Name), Labels: matching, Generation: 1}
	var workload client.Object
	var more []client.Object
	switch p.Workload.Kind {
	case kube.Deployment:
		workload = &appsv1.Deployment{
			ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Replicas: &n, Selector: selector, Template: template, Strategy: appsv1.DeploymentStrategy{Type: appsv1.RollingUpdateDeploymentStrategyType}},
			Status: appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: n, UpdatedReplicas: n, ReadyReplicas: n, AvailableReplicas: n},
		}
	case kube.ArgoRollout:
		const hash = "1"
		workload = &argo.Rollout{
			ObjectMeta: meta, Spec: argo.RolloutSpec{Replicas: &n, Selector: selector, Template: template, Strategy: argo.Strategy{Canary: &argo.Canary{}}},
			Status: argo.RolloutStatus{ObservedGeneration: "1", Replicas: n, UpdatedReplicas: n, ReadyReplicas: n, AvailableReplicas: n, CurrentPodHash: hash, StableRS: hash, Phase: argo.Healthy},
		}
	case kube.StatefulSet:
		workload = &appsv1.StatefulSet{
			ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{Replicas: &n, Selector: selector, Template: template, UpdateStrategy: appsv1.StatefulSetUpdateStrategy{Type: appsv1.RollingUpdateStatefulSetStrategyType}},
			Status: appsv1.StatefulSetStatus{ObservedGeneration: 1, Replicas: n, UpdatedReplicas: n, CurrentReplicas: n, ReadyReplicas: n, AvailableReplicas: n},
		}
	case kube.DaemonSet:
		workload = &appsv1.DaemonSet{
			ObjectMeta: meta, Spec: appsv1.DaemonSetSpec{Selector: selector, Template: template, UpdateStrategy: appsv1.DaemonSetUpdateStrategy{Type: appsv1.RollingUpdateDaemonSetStrategyType}},
			Status: appsv1.DaemonSetStatus{ObservedGeneration: 1, DesiredNumberScheduled: n, CurrentNumberScheduled: n, NumberReady: n, NumberAvailable: n, UpdatedNumberScheduled: n},
		}
	default:
		panic(fmt.Sprintf("suites: the rehearsal has no %s", p.Workload.Kind)) // tests rehearse each kind
	}
	owner := *metav1.NewControllerRef(workload, schema.FromAPIVersionAndKind(p.Workload.APIVersion(), string(p.Workload.Kind)))
	if p.Workload.Kind.Indirect() {
		set := &appsv1.ReplicaSet{
			ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: p.Workload.Name + "-1", UID: types.UID("revision-" + p.Name), Labels: matching, OwnerReferences: []metav1.OwnerReference{owner}},
			Spec:       appsv1.ReplicaSetSpec{Replicas: &n, Selector: selector, Template: template},
			Status:     appsv1.ReplicaSetStatus{Replicas: n, ReadyReplicas: n, AvailableReplicas: n},
		}
		more, owner = append(more, set), *metav1.NewControllerRef(set, appsv1.SchemeGroupVersion.WithKind("ReplicaSet"))
	}
	objects := append([]client.Object{workload, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: cmp.Or(p.Service.Service, p.Workload.Name)}, Spec: corev1.ServiceSpec{Selector: matching},
	}}, more...)
	for i := range n {
		objects = append(objects, &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: fmt.Sprintf("%s-%d", p.Workload.Name, i), UID: types.UID(fmt.Sprintf("pod-%s-%d", p.Name, i)), Labels: matching, OwnerReferences: []metav1.OwnerReference{owner}},
			Spec:       template.Spec, Status: rehearsal.Running(template.Spec),
		})
	}
	if p.Autoscaler != nil {
		objects = append(objects, &autoscalingv2.HorizontalPodAutoscaler{
			ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: p.Autoscaler.Name},
			Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
				ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: p.Workload.APIVersion(), Kind: string(p.Workload.Kind), Name: p.Workload.Name},
				MinReplicas:    new(n), MaxReplicas: 2 * n,
			},
			Status: autoscalingv2.HorizontalPodAutoscalerStatus{
				CurrentReplicas: n, DesiredReplicas: n,
				Conditions: []autoscalingv2.HorizontalPodAutoscalerCondition{{Type: autoscalingv2.ScalingActive, Status: corev1.ConditionTrue}},
			},
		})
	}
	return objects
}

// containers are those that the file names; at least one.
func (p played) containers() []string {
	var named []string
	for _, e := range p.chosen {
		for _, f := range e.Faults {
			if e.Target.Name == p.Name {
				named = append(named, fieldOf[[]string](f, "Containers")...)
			}
		}
	}
	names := []string{cmp.Or(p.Container, cmp.Or(append(named, "main")...))}
	for _, name := range named {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// fieldOf is a field of the kind of a fault, by the name that all kinds have it
// under; the zero value if this one has none.
func fieldOf[T any](f config.PlannedFault, name string) (value T) {
	if v := reflect.ValueOf(f.Spec); v.Kind() == reflect.Struct {
		if field := v.FieldByName(name); field.IsValid() {
			value, _ = reflect.TypeAssert[T](field)
		}
	}
	return value
}

// strays are pods for the selectors of an object in Chaos Mesh's own YAML, which
// need not be the service's.
func (p played) strays(f config.PlannedFault, there []client.Object) (list []client.Object) {
	spec, ok := f.Spec.(config.ChaosMesh)
	if !ok {
		return nil
	}
	for i, pods := range chaosmesh.Selected(spec.Object) {
		if slices.ContainsFunc(there, func(o client.Object) bool {
			pod, is := o.(*corev1.Pod)
			return is && pods.Match(pod)
		}) {
			continue
		}
		marks := maps.Clone(pods.Selector)
		if marks == nil {
			marks = map[string]string{}
		}
		for _, x := range pods.Expressions {
			switch {
			case len(x.Values) > 0 && x.Operator == metav1.LabelSelectorOpIn:
				marks[x.Key] = x.Values[0]
			case x.Operator == metav1.LabelSelectorOpExists:
				marks[x.Key] = "rehearsal"
			}
		}
		names := pods.Names
		for n := 0; len(names) < int(p.pods()); n++ {
			names = append(names, fmt.Sprintf("stray-%d-%d", i, n))
		}
		template := corev1.PodSpec{NodeName: "node", Containers: []corev1.Container{{Name: "main", Image: "image:1"}}}
		for n, name := range names {
			list = append(list, &corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{Namespace: pods.Namespace, Name: name, UID: types.UID(fmt.Sprintf("stray-%s-%d-%d", p.Name, i, n)), Labels: marks},
				Spec:       template, Status: rehearsal.Running(template),
			})
		}
	}
	return list
}
