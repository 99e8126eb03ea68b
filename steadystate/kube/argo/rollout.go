package argo

import (
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// GroupVersion is the API's group and version.
var GroupVersion = schema.GroupVersion{Group: "argoproj.io", Version: "v1alpha1"}

// AddToScheme registers the types.
func AddToScheme(scheme *runtime.Scheme) {
	scheme.AddKnownTypes(GroupVersion, &Rollout{}, &RolloutList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
}

// A Rollout creates ReplicaSets, as a Deployment does, and replaces one by another in
// steps.
type Rollout struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitzero"`

	Spec   RolloutSpec   `json:"spec"`
	Status RolloutStatus `json:"status,omitzero"`
}

// A RolloutSpec is what is desired.
type RolloutSpec struct {
	// Replicas are the desired pods. The controller sets it to 1 if it is missing.
	Replicas *int32 `json:"replicas,omitempty"`
	// Selector selects the pods. It is nil if WorkloadRef gives it.
	Selector *metav1.LabelSelector  `json:"selector,omitempty"`
	Template corev1.PodTemplateSpec `json:"template,omitzero"`
	// WorkloadRef names an object whose template is used; nil: Template is.
	WorkloadRef *WorkloadRef `json:"workloadRef,omitempty"`
	Strategy    Strategy     `json:"strategy,omitzero"`
	// Paused stops updates of the template where they are.
	Paused bool `json:"paused,omitempty"`
	// RestartAt has the controller evict every pod that was created before it, once it
	// has come. It is done when the status has the same time.
	RestartAt *metav1.Time `json:"restartAt,omitempty"`
}

// A WorkloadRef names the object that has the template.
type WorkloadRef struct {
	APIVersion string `json:"apiVersion,omitempty"`
	Kind       string `json:"kind,omitempty"`
	Name       string `json:"name,omitempty"`
}

// A Strategy is how one ReplicaSet replaces another. One field is set.
type Strategy struct {
	BlueGreen *BlueGreen `json:"blueGreen,omitempty"`
	Canary    *Canary    `json:"canary,omitempty"`
}

// BlueGreen replaces all pods at once, by the selector of a Service. It keeps pods for
// scaleDownDelaySeconds, 30 by default, after it has taken an update back.
type BlueGreen struct {
	// MaxUnavailable bounds a restart. Default 25%, rounded down.
	MaxUnavailable *intstr.IntOrString `json:"maxUnavailable,omitempty"`
}

// Canary replaces pods in steps.
type Canary struct {
	// MaxUnavailable bounds an update and a restart. Default 25%, rounded down.
	MaxUnavailable *intstr.IntOrString `json:"maxUnavailable,omitempty"`
	// MaxSurge bounds the pods beyond the desired ones. Default 25%, rounded up.
	MaxSurge *intstr.IntOrString `json:"maxSurge,omitempty"`
}

// A RolloutStatus is what the controller reports.
type RolloutStatus struct {
	// Abort: the update is given up, and the stable ReplicaSet has all traffic, while
	// the template stays.
	Abort           bool             `json:"abort,omitempty"`
	PauseConditions []PauseCondition `json:"pauseConditions,omitempty"`
	// CurrentPodHash is of the newest template and StableRS of the one that was last
	// rolled out: equal without an update under way.
	CurrentPodHash string `json:"currentPodHash,omitempty"`
	StableRS       string `json:"stableRS,omitempty"`
	// ObservedGeneration is a number as text.
	ObservedGeneration string      `json:"observedGeneration,omitempty"`
	Conditions         []Condition `json:"conditions,omitempty"`
	// Replicas are the pods of all ReplicaSets, UpdatedReplicas those of the newest.
	Replicas        int32 `json:"replicas,omitempty"`
	UpdatedReplicas int32 `json:"updatedReplicas,omitempty"`
	// ReadyReplicas and AvailableReplicas are, of a blue-green Rollout, those of the
	// ReplicaSet that has the traffic.
	ReadyReplicas     int32        `json:"readyReplicas,omitempty"`
	AvailableReplicas int32        `json:"availableReplicas,omitempty"`
	RestartedAt       *metav1.Time `json:"restartedAt,omitempty"`
	// Phase is Healthy, Progressing, Paused or Degraded. It is true for
	// ObservedGeneration.
	Phase   string `json:"phase,omitempty"`
	Message string `json:"message,omitempty"`
}

// A PauseCondition says why the controller has paused an update.
type PauseCondition struct {
	Reason string `json:"reason"`
}

// A Condition is one of a Rollout.
type Condition struct {
	Type    string                 `json:"type"`
	Status  corev1.ConditionStatus `json:"status"`
	Reason  string                 `json:"reason,omitempty"`
	Message string                 `json:"message,omitempty"`
}

// Healthy is the phase of a Rollout whose newest template is rolled out.
const Healthy = "Healthy"

// Types and reasons of conditions, of Argo's utils/conditions.
const (
	invalidSpec      = "InvalidSpec"
	aborted          = "RolloutAborted"
	deadlineExceeded = "ProgressDeadlineExceeded"
)

// Observed returns the newest generation that the controller has observed; 0: none.
func (r *Rollout) Observed() int64 {
	n, _ := strconv.ParseInt(r.Status.ObservedGeneration, 10, 64)
	return n
}

// MaxUnavailable returns the strategy's; nil: the default.
func (r *Rollout) MaxUnavailable() *intstr.IntOrString {
	switch {
	case r.Spec.Strategy.Canary != nil:
		return r.Spec.Strategy.Canary.MaxUnavailable
	case r.Spec.Strategy.BlueGreen != nil:
		return r.Spec.Strategy.BlueGreen.MaxUnavailable
	}
	return nil
}

// Restarting reports whether a restart was requested that is not done.
func (r *Rollout) Restarting() bool {
	return r.Spec.RestartAt != nil && !r.Spec.RestartAt.Equal(r.Status.RestartedAt)
}

// Aborted says why the controller has given up the update; empty: it has not.
func (r *Rollout) Aborted() string {
	for _, c := range r.Status.Conditions {
		if c.Reason == aborted && c.Message != "" {
			return c.Message
		}
	}
	if r.Status.Abort {
		return "status.abort is true"
	}
	return ""
}

// Unfinished says why the newest template is not rolled out, as far as pods do not
// tell; empty: nothing else is missing. The rules are those of
// CalculateRolloutPhase in Argo's utils/rollout. What the status says is of the
// generation that the controller has observed.
func (r *Rollout) Unfinished() string {
	for _, c := range r.Status.Conditions {
		if c.Type == invalidSpec && c.Status != corev1.ConditionFalse {
			return "its spec is invalid, so that its controller does nothing: " + c.Message
		}
	}
	if why := r.Aborted(); why != "" {
		return "its update was aborted: " + why
	}
	for _, c := range r.Status.Conditions {
		if c.Reason == deadlineExceeded {
			return "its update makes no progress: " + c.Message
		}
	}
	switch {
	case r.Spec.Paused:
		return "it is paused"
	case len(r.Status.PauseConditions) > 0:
		return "its update is paused: " + r.Status.PauseConditions[0].Reason
	case r.Restarting():
		return "a restart is under way"
	case r.Status.StableRS == "" || r.Status.StableRS != r.Status.CurrentPodHash:
		return fmt.Sprintf("an update is under way, from the ReplicaSet %q to %q", r.Status.StableRS, r.Status.CurrentPodHash)
	case r.Status.Phase == "":
		return "its controller reports no phase"
	case r.Status.Phase != Healthy:
		return fmt.Sprintf("it is %s: %s", r.Status.Phase, r.Status.Message)
	}
	return ""
}

// DeepCopy returns a copy.
func (r *Rollout) DeepCopy() *Rollout {
	c := *r
	c.ObjectMeta = *r.ObjectMeta.DeepCopy()
	c.Spec.Replicas = copied(r.Spec.Replicas)
	c.Spec.Selector = r.Spec.Selector.DeepCopy()
	r.Spec.Template.DeepCopyInto(&c.Spec.Template)
	c.Spec.WorkloadRef = copied(r.Spec.WorkloadRef)
	if of := r.Spec.Strategy.BlueGreen; of != nil {
		c.Spec.Strategy.BlueGreen = &BlueGreen{MaxUnavailable: copied(of.MaxUnavailable)}
	}
	if of := r.Spec.Strategy.Canary; of != nil {
		c.Spec.Strategy.Canary = &Canary{MaxUnavailable: copied(of.MaxUnavailable), MaxSurge: copied(of.MaxSurge)}
	}
	c.Spec.RestartAt = r.Spec.RestartAt.DeepCopy()
	c.Status.PauseConditions = append([]PauseCondition(nil), r.Status.PauseConditions...)
	c.Status.Conditions = append([]Condition(nil), r.Status.Conditions...)
	c.Status.RestartedAt = r.Status.RestartedAt.DeepCopy()
	return &c
}

// copied is a pointer to a copy of a value that has no pointers.
func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	return new(*p)
}

// DeepCopyObject returns a copy.
func (r *Rollout) DeepCopyObject() runtime.Object { return r.DeepCopy() }

// A RolloutList is a list of them.
type RolloutList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`

	Items []Rollout `json:"items"`
}

// DeepCopyObject returns a copy.
func (l *RolloutList) DeepCopyObject() runtime.Object {
	c := *l
	c.RemainingItemCount = copied(l.RemainingItemCount)
	c.Items = nil
	for i := range l.Items {
		c.Items = append(c.Items, *l.Items[i].DeepCopy())
	}
	return &c
}
