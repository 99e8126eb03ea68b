package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/steadystate/kube/argo"
)

// A Kind is a kind of workload, in the API's word.
type Kind string

// The kinds of workload.
const (
	Deployment  Kind = "Deployment"
	StatefulSet Kind = "StatefulSet"
	DaemonSet   Kind = "DaemonSet"
	// ArgoRollout is the kind Rollout of Argo Rollouts, a custom resource.
	ArgoRollout Kind = "Rollout"
)

// Kinds returns all kinds of workload.
func Kinds() (list []Kind) {
	for _, k := range kinds {
		list = append(list, k.Kind)
	}
	return list
}

// Custom reports whether the kind is a custom resource, which a cluster may lack.
func (k Kind) Custom() bool { return Workload{Kind: k}.of().custom }

// Indirect reports whether the pods of a workload are controlled by its ReplicaSets.
func (k Kind) Indirect() bool { return Workload{Kind: k}.of().indirect }

// GroupKind returns the kind with its API group.
func (k Kind) GroupKind() schema.GroupKind {
	return schema.GroupKind{Group: Workload{Kind: k}.of().of.Group, Kind: string(k)}
}

// word is the kind in lower case, as kubectl takes it.
func (k Kind) word() string { return strings.ToLower(string(k)) }

// kind holds all differences between kinds of workload.
type kind struct {
	Kind
	of        schema.GroupVersion
	object    func() client.Object
	list      func() client.ObjectList
	state     func(client.Object) (State, bool)
	revisions func(context.Context, client.Reader, State) ([]Revision, error)
	podNames  string // a regular expression of what follows the workload's name
	indirect  bool   // its revisions control the pods, and it controls those
	perNode   bool   // the nodes decide how many pods there are
	sticks    bool   // see [Workload.Sticks]
	custom    bool   // a custom resource, which a cluster may lack
}

// kinds are all supported kinds.
var kinds = []kind{
	{
		Kind:      Deployment,
		of:        appsv1.SchemeGroupVersion,
		object:    func() client.Object { return &appsv1.Deployment{} },
		list:      func() client.ObjectList { return &appsv1.DeploymentList{} },
		state:     typed(deployment),
		revisions: replicaSets,
		// The hash of the revision and that of the pod.
		podNames: "-[a-z0-9]+-[a-z0-9]{5}",
		indirect: true,
	},
	{
		Kind:      StatefulSet,
		of:        appsv1.SchemeGroupVersion,
		object:    func() client.Object { return &appsv1.StatefulSet{} },
		list:      func() client.ObjectList { return &appsv1.StatefulSetList{} },
		state:     typed(statefulSet),
		revisions: controllerRevisions,
		podNames:  "-[0-9]+",
		sticks:    true,
	},
	{
		Kind:      DaemonSet,
		of:        appsv1.SchemeGroupVersion,
		object:    func() client.Object { return &appsv1.DaemonSet{} },
		list:      func() client.ObjectList { return &appsv1.DaemonSetList{} },
		state:     typed(daemonSet),
		revisions: controllerRevisions,
		podNames:  "-[a-z0-9]{5}",
		perNode:   true,
	},
	{
		Kind:      ArgoRollout,
		of:        argo.GroupVersion,
		object:    func() client.Object { return &argo.Rollout{} },
		list:      func() client.ObjectList { return &argo.RolloutList{} },
		state:     typed(argoRollout),
		revisions: replicaSets,
		podNames:  "-[a-z0-9]+-[a-z0-9]{5}",
		indirect:  true,
		custom:    true,
	},
}

// of is the kind of the workload; the zero value if it is unknown.
func (w Workload) of() kind {
	if i := slices.IndexFunc(kinds, func(k kind) bool { return k.Kind == w.Kind }); i >= 0 {
		return kinds[i]
	}
	return kind{}
}

// typed adapts a function of one type of object to any object.
func typed[T client.Object](f func(T) State) func(client.Object) (State, bool) {
	return func(object client.Object) (State, bool) {
		o, ok := object.(T)
		if !ok {
			return State{}, false
		}
		return f(o), true
	}
}

func deployment(d *appsv1.Deployment) State {
	s := State{
		Selector:    d.Spec.Selector,
		Template:    &d.Spec.Template,
		Desired:     specified(d.Spec.Replicas),
		Existing:    d.Status.Replicas,
		Ready:       d.Status.ReadyReplicas,
		Available:   d.Status.AvailableReplicas,
		Updated:     d.Status.UpdatedReplicas,
		Terminating: ptr.Deref(d.Status.TerminatingReplicas, 0),
		Observed:    d.Status.ObservedGeneration,
	}
	if d.Spec.Paused {
		s.Held = "its rollouts are paused (kubectl rollout resume)"
	}
	return s
}

// onDelete says why a new template reaches no pod by itself.
const onDelete = "its update strategy is OnDelete, so that a pod keeps its revision until it is deleted"

func statefulSet(set *appsv1.StatefulSet) State {
	s := State{
		Selector:  set.Spec.Selector,
		Template:  &set.Spec.Template,
		Desired:   specified(set.Spec.Replicas),
		Existing:  set.Status.Replicas,
		Ready:     set.Status.ReadyReplicas,
		Available: set.Status.AvailableReplicas,
		Updated:   set.Status.UpdatedReplicas,
		Observed:  set.Status.ObservedGeneration,
		revisions: []string{set.Status.CurrentRevision, set.Status.UpdateRevision},
		reverted:  set.Status.CurrentRevision == set.Status.UpdateRevision,
	}
	strategy := set.Spec.UpdateStrategy
	switch partition := ptr.Deref(ptr.Deref(strategy.RollingUpdate, appsv1.RollingUpdateStatefulSetStrategy{}).Partition, 0); {
	case strategy.Type == appsv1.OnDeleteStatefulSetStrategyType:
		s.Held = onDelete
	case partition > 0:
		s.Held = fmt.Sprintf("its update strategy has the partition %d, below which pods keep their revision", partition)
		if !s.reverted {
			s.Updated += min(partition, set.Status.CurrentReplicas)
		}
	}
	return s
}

func daemonSet(set *appsv1.DaemonSet) State {
	s := State{
		Selector:  set.Spec.Selector,
		Template:  &set.Spec.Template,
		Desired:   set.Status.DesiredNumberScheduled,
		Existing:  set.Status.CurrentNumberScheduled,
		Ready:     set.Status.NumberReady,
		Available: set.Status.NumberAvailable,
		Updated:   set.Status.UpdatedNumberScheduled,
		Observed:  set.Status.ObservedGeneration,
	}
	if set.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType {
		s.Held = onDelete
	}
	return s
}

// argoRollout counts pods as the status does. A restart leaves the template, and so all
// pods up to date, and so does a spec that the controller refuses: whether the newest
// revision is rolled out is not for the counts alone to say.
func argoRollout(r *argo.Rollout) State {
	s := State{
		Selector:   r.Spec.Selector,
		Template:   &r.Spec.Template,
		Desired:    specified(r.Spec.Replicas),
		Existing:   r.Status.Replicas,
		Ready:      r.Status.ReadyReplicas,
		Available:  r.Status.AvailableReplicas,
		Updated:    r.Status.UpdatedReplicas,
		Observed:   r.Observed(),
		unfinished: r.Unfinished(),
	}
	if r.Spec.Paused {
		s.Held = "it is paused (kubectl argo rollouts resume)"
	}
	if r.Spec.Strategy.BlueGreen != nil {
		// Argo's rollout/bluegreen.go; of a canary it takes pods that are not ready at once.
		s.Lingers = "its strategy is blueGreen, which keeps the pods of an update for scaleDownDelaySeconds after it was taken back, or longer"
	}
	if ref := r.Spec.WorkloadRef; ref != nil {
		s.Unreadable = fmt.Sprintf("it takes its template from %s/%s (spec.workloadRef), where this program does not read it; move the template into the Rollout", strings.ToLower(ref.Kind), ref.Name)
	}
	return s
}

// replicaSets are the revisions of a Deployment or of a Rollout.
func replicaSets(ctx context.Context, c client.Reader, s State) ([]Revision, error) {
	var list appsv1.ReplicaSetList
	if err := c.List(ctx, &list, client.InNamespace(s.Namespace)); err != nil {
		return nil, fmt.Errorf("list the replica sets of %s: %w", s, Explain(err, "the right to list replicasets"))
	}
	var revisions []Revision
	for _, set := range list.Items {
		if metav1.IsControlledBy(&set, s.Object) {
			used := specified(set.Spec.Replicas) > 0 || set.Status.Replicas > 0
			revisions = append(revisions, Revision{Object: &set, Resource: "replicasets", Template: set.Spec.Template, Used: used})
		}
	}
	return revisions, nil
}

// controllerRevisions are the revisions of a StatefulSet or a DaemonSet. The
// newest one and those named by the status are in use; once the rollout is
// complete, no other is.
func controllerRevisions(ctx context.Context, c client.Reader, s State) ([]Revision, error) {
	var list appsv1.ControllerRevisionList
	if err := c.List(ctx, &list, client.InNamespace(s.Namespace)); err != nil {
		return nil, fmt.Errorf("list the controller revisions of %s: %w", s, Explain(err, "the right to list controllerrevisions"))
	}
	var revisions []Revision
	newest := int64(0)
	for _, r := range list.Items {
		if metav1.IsControlledBy(&r, s.Object) {
			newest = max(newest, r.Revision)
		}
	}
	for _, r := range list.Items {
		if !metav1.IsControlledBy(&r, s.Object) {
			continue
		}
		// A revision is stored as a patch that replaces the workload's template.
		var kept struct {
			Spec struct {
				Template corev1.PodTemplateSpec `json:"template"`
			} `json:"spec"`
		}
		if err := json.Unmarshal(r.Data.Raw, &kept); err != nil {
			return nil, fmt.Errorf("read controller revision %s of %s: %w", r.Name, s, err)
		}
		used := r.Revision == newest || slices.Contains(s.revisions, r.Name)
		revisions = append(revisions, Revision{Object: &r, Resource: "controllerrevisions", Template: kept.Spec.Template, Used: used})
	}
	return revisions, nil
}

// specified is the number of pods in a spec; Kubernetes defaults it to one.
func specified(replicas *int32) int32 { return ptr.Deref(replicas, 1) }
