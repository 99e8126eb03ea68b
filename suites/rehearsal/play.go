package rehearsal

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/utils/ptr"

	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/suites/rights"
)

// What follows plays the parts of a cluster that runs wait for, each as simply as
// lets a run go on.

// created plays what follows the creation of an object.
func (s *Stage) created(at key, stored *unstructured.Unstructured) {
	if s.Still {
		return
	}
	switch object := s.typed(stored).(type) {
	case *v1alpha1.Workflow:
		s.hold(at, stored)
		s.workflow(object)
	case v1alpha1.InnerObject:
		s.inject(at, object)
	case *batchv1.Job:
		for i := range ptr.Deref(object.Spec.Parallelism, 1) {
			s.add(&corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{
					Namespace: object.Namespace, Name: fmt.Sprintf("%s-%d-%s", object.Name, i, rand.String(5)), Labels: object.Spec.Template.Labels,
					Annotations:     map[string]string{batchv1.JobCompletionIndexAnnotation: strconv.Itoa(int(i))},
					OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(stored, batchv1.SchemeGroupVersion.WithKind("Job"))},
				},
				Spec: object.Spec.Template.Spec, Status: Running(object.Spec.Template.Spec),
			})
		}
	}
}

// holding are the finalizers of an object that is stuck, until it is changed as
// often as it takes.
var holding = []string{"chaos-mesh/records"}

// hold makes an object stick.
func (s *Stage) hold(at key, stored *unstructured.Unstructured) {
	held := stored.DeepCopy()
	held.SetFinalizers(holding)
	s.put(at, held, watch.Modified)
}

// noticed plays that Chaos Mesh notices a deletion.
func noticed(at key, object *unstructured.Unstructured) {
	if at.group == v1alpha1.SchemeGroupVersion.Group {
		_ = unstructured.SetNestedField(object.Object, string(v1alpha1.StoppedPhase), "status", "experiment", "desiredPhase")
	}
}

// removed plays what follows an object that is gone: what it owns goes, too.
func (s *Stage) removed(at key) {
	if at.group != batchv1.GroupName || at.resource != "jobs" {
		return
	}
	for _, pod := range s.pods(at.namespace, labels.Everything()) {
		if owner := metav1.GetControllerOf(pod); owner != nil && owner.Name == at.name && owner.Kind == "Job" {
			s.drop(key{"", "pods", pod.Namespace, pod.Name})
		}
	}
}

// changed stores a changed object, and plays what follows.
func (s *Stage) changed(at key, before, after *unstructured.Unstructured) {
	if at.group == v1alpha1.SchemeGroupVersion.Group && after.GetAnnotations()["chaos-mesh.chaos-mesh.org/cleanFinalizer"] != "" {
		// It gives up: all is recovered.
		records, _, _ := unstructured.NestedSlice(after.Object, "status", "experiment", "containerRecords")
		for _, r := range records {
			r.(map[string]any)["phase"] = string(v1alpha1.NotInjected)
		}
		_ = unstructured.SetNestedSlice(after.Object, records, "status", "experiment", "containerRecords")
	}
	if _, acts := s.typed(after).(v1alpha1.InnerObject); !acts && at.group == v1alpha1.SchemeGroupVersion.Group && after.GetDeletionTimestamp() != nil {
		after.SetFinalizers(nil) // it makes others, and lets go once it is touched
	}
	if after.GetDeletionTimestamp() != nil && len(after.GetFinalizers()) == 0 {
		s.objects[at] = after
		s.drop(at)
		return
	}
	if slices.Contains(kube.Kinds(), kube.Kind(after.GetKind())) && !reflect.DeepEqual(before.Object["spec"], after.Object["spec"]) {
		after.SetGeneration(before.GetGeneration() + 1)
		observed(at, after)
		s.put(at, after, watch.Modified)
		s.rollOut(at, after)
		return
	}
	s.put(at, after, watch.Modified)
}

// observed plays that the controller of a workload has seen its spec. A Rollout's is
// restarted at once.
func observed(at key, object *unstructured.Unstructured) {
	if at.group == appsv1.GroupName {
		_ = unstructured.SetNestedField(object.Object, object.GetGeneration(), "status", "observedGeneration")
		return
	}
	_ = unstructured.SetNestedField(object.Object, strconv.FormatInt(object.GetGeneration(), 10), "status", "observedGeneration")
	if restart, there, _ := unstructured.NestedString(object.Object, "spec", "restartAt"); there {
		_ = unstructured.SetNestedField(object.Object, restart, "status", "restartedAt")
	}
}

// admit asks for what Chaos Mesh's admission asks of an account: to do to this
// kind what it does in each namespace that the object selects pods of.
func (s *Stage) admit(stored *unstructured.Unstructured, verb string) {
	if stored.GroupVersionKind().Group != v1alpha1.SchemeGroupVersion.Group {
		return
	}
	kind := strings.ToLower(stored.GetKind())
	object := s.typed(stored)
	if w, ok := object.(*v1alpha1.Workflow); ok {
		for _, inner := range embedded(w) {
			s.admitIn(inner, kind, verb)
		}
		return
	}
	s.admitIn(object, kind, verb)
}

func (s *Stage) admitIn(object runtime.Object, kind, verb string) {
	with, ok := object.(v1alpha1.InnerObjectWithSelector)
	if !ok {
		return
	}
	for _, value := range with.GetSelectorSpecs() {
		if selector := podSelector(value); selector != nil {
			for _, namespace := range selector.Selector.Namespaces {
				s.needs(rights.Rule{Namespace: namespace, Group: v1alpha1.SchemeGroupVersion.Group, Resource: kind, Verb: verb})
			}
		}
	}
}

func podSelector(value any) *v1alpha1.PodSelector {
	switch v := value.(type) {
	case *v1alpha1.PodSelector:
		return v
	case *v1alpha1.ContainerSelector:
		return &v.PodSelector
	case *v1alpha1.ContainerNodeVolumePathSelector:
		return &v.PodSelector
	}
	return nil
}

// inject plays Chaos Mesh: it takes the object up, injects into all that it
// selects, and lets go of it only by its last remedy.
func (s *Stage) inject(at key, object v1alpha1.InnerObject) {
	object.SetFinalizers(holding)
	status := object.GetStatus()
	status.Experiment.DesiredPhase = v1alpha1.RunningPhase
	with, ok := object.(v1alpha1.InnerObjectWithSelector)
	if !ok {
		return
	}
	var hit []*corev1.Pod
	both := false
	if n, ok := object.(*v1alpha1.NetworkChaos); ok {
		both = n.Spec.Direction == v1alpha1.Both || n.Spec.Direction == v1alpha1.From
	}
	for name, value := range with.GetSelectorSpecs() {
		selector := podSelector(value)
		if selector == nil {
			continue
		}
		for _, pod := range s.selected(selector) {
			status.Experiment.Records = append(status.Experiment.Records, &v1alpha1.Record{
				Id: pod.Namespace + "/" + pod.Name, SelectorKey: name, Phase: v1alpha1.Injected, InjectedCount: 1,
			})
			if name != ".Target" || both {
				hit = append(hit, pod)
			}
		}
	}
	if stored, _, err := s.stored(object); err == nil {
		s.put(at, stored, watch.Modified)
	}
	for _, pod := range hit {
		s.hit(object, pod)
	}
}

// selected are the pods that an object selects.
func (s *Stage) selected(selector *v1alpha1.PodSelector) []*corev1.Pod {
	var list []*corev1.Pod
	byLabels := labels.SelectorFromSet(selector.Selector.LabelSelectors)
	further, err := metav1.LabelSelectorAsSelector(&metav1.LabelSelector{MatchExpressions: selector.Selector.ExpressionSelectors})
	for _, namespace := range selector.Selector.Namespaces {
		for _, pod := range s.pods(namespace, byLabels) {
			named := selector.Selector.Pods == nil || slices.Contains(selector.Selector.Pods[namespace], pod.Name)
			if named && (err != nil || further.Matches(labels.Set(pod.Labels))) {
				list = append(list, pod)
			}
		}
	}
	n, _ := strconv.Atoi(selector.Value)
	switch selector.Mode {
	case v1alpha1.OneMode:
		n = 1
	case v1alpha1.FixedMode:
	case v1alpha1.FixedPercentMode:
		n = (len(list)*n + 99) / 100
	default:
		n = len(list)
	}
	return list[:min(n, len(list))]
}

// hit plays what a fault does to a pod, as far as it is waited for.
func (s *Stage) hit(object v1alpha1.InnerObject, pod *corev1.Pod) {
	switch chaos := object.(type) {
	case *v1alpha1.NetworkChaos:
		s.add(&v1alpha1.PodNetworkChaos{
			ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name},
			Spec: v1alpha1.PodNetworkChaosSpec{IPSets: []v1alpha1.RawIPSet{{
				Name: "set", IPSetType: v1alpha1.NetIPSet, RawRuleSource: v1alpha1.RawRuleSource{Source: chaos.Namespace + "/" + chaos.Name},
			}}},
		})
	case *v1alpha1.PodChaos:
		if chaos.Spec.Action == v1alpha1.PodKillAction {
			s.replace(key{"", "pods", pod.Namespace, pod.Name})
			return
		}
		for i := range pod.Status.ContainerStatuses {
			pod.Status.ContainerStatuses[i].RestartCount++
		}
		if stored, at, err := s.stored(pod); err == nil {
			s.put(at, stored, watch.Modified)
		}
	}
}

// replace plays the controller of a pod that is taken away.
func (s *Stage) replace(at key) {
	if pod, ok := s.typed(s.objects[at]).(*corev1.Pod); ok {
		s.drop(at)
		s.add(successor(pod, pod.Spec))
	}
}

// successor is a pod in place of another, as its controller makes it.
func successor(pod *corev1.Pod, spec corev1.PodSpec) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: "next-" + rand.String(8), Labels: pod.Labels, OwnerReferences: pod.OwnerReferences},
		Spec:       spec, Status: Running(spec),
	}
}

// Running returns the status of a pod with this spec that is running and ready.
func Running(spec corev1.PodSpec) corev1.PodStatus {
	status := corev1.PodStatus{
		Phase:      corev1.PodRunning,
		PodIP:      "192.0.2.1",
		StartTime:  new(metav1.Now()),
		Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}, {Type: corev1.PodScheduled, Status: corev1.ConditionTrue}},
	}
	for _, c := range spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, corev1.ContainerStatus{
			Name: c.Name, Ready: true, Image: c.Image, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}},
		})
	}
	return status
}

// workflow plays a workflow: all its faults are in place, and those that its
// schedules make.
func (s *Stage) workflow(w *v1alpha1.Workflow) {
	for i, t := range w.Spec.Templates {
		object := spawn(t)
		if object == nil {
			continue
		}
		label := map[string]string{v1alpha1.LabelWorkflow: w.Name}
		if t.Schedule != nil {
			schedule := &v1alpha1.Schedule{ObjectMeta: metav1.ObjectMeta{Namespace: w.Namespace, Name: fmt.Sprintf("%s-%d", t.Name, i), Labels: label, Finalizers: holding}}
			s.add(schedule)
			label = map[string]string{v1alpha1.LabelManagedBy: schedule.Name}
		}
		object.SetNamespace(w.Namespace)
		object.SetName(fmt.Sprintf("%s-%d-%s", t.Name, i, rand.String(5)))
		object.SetLabels(label)
		if stored, at, err := s.stored(object); err == nil {
			s.put(at, stored, watch.Added)
			s.created(at, stored)
		}
	}
}

// spawn is the fault that a template embeds; nil: there is none.
func spawn(t v1alpha1.Template) v1alpha1.InnerObject {
	embed, kind := t.EmbedChaos, t.Type
	if t.Schedule != nil {
		embed, kind = &t.Schedule.EmbedChaos, v1alpha1.TemplateType(t.Schedule.Type)
	}
	if embed == nil {
		return nil
	}
	// Chaos Mesh's own methods do not tolerate a missing block.
	if block := reflect.ValueOf(embed).Elem().FieldByName(string(kind)); !block.IsValid() || block.IsNil() {
		return nil
	}
	object, err := embed.SpawnNewObject(kind)
	if err != nil {
		return nil
	}
	inner, _ := object.(v1alpha1.InnerObject)
	return inner
}

func embedded(w *v1alpha1.Workflow) (list []runtime.Object) {
	for _, t := range w.Spec.Templates {
		if object := spawn(t); object != nil {
			list = append(list, object)
		}
	}
	return list
}

// rollOut plays the controller of a workload whose template has changed. One
// with other images than at the start has a pod that cannot pull them, besides
// those that there are; else every pod is replaced.
func (s *Stage) rollOut(at key, stored *unstructured.Unstructured) {
	var template corev1.PodTemplateSpec
	content, _, _ := unstructured.NestedMap(stored.Object, "spec", "template")
	if runtime.DefaultUnstructuredConverter.FromUnstructured(content, &template) != nil {
		return
	}
	bad := imagesOf(stored) != s.images[at]
	revision := s.revise(at, stored, template)
	for _, pod := range s.pods(at.namespace, labels.SelectorFromSet(template.Labels)) {
		from := key{"", "pods", pod.Namespace, pod.Name}
		next := successor(pod, template.Spec)
		next.OwnerReferences = []metav1.OwnerReference{revision}
		switch ready := pod.Status.Phase == corev1.PodRunning; {
		case bad:
			next.Status = corev1.PodStatus{Phase: corev1.PodPending}
			for _, c := range template.Spec.Containers {
				next.Status.ContainerStatuses = append(next.Status.ContainerStatuses, corev1.ContainerStatus{
					Name: c.Name, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull"}},
				})
			}
			s.add(next)
			return
		case ready:
			s.drop(from)
			s.add(next)
		case !kube.Workload{Kind: kube.Kind(stored.GetKind())}.Sticks(): // else it keeps one that was never ready
			s.drop(from)
		}
	}
}

// revise adds a revision to the history of a workload, and returns who controls
// its pods.
func (s *Stage) revise(at key, owner *unstructured.Unstructured, template corev1.PodTemplateSpec) metav1.OwnerReference {
	by := *metav1.NewControllerRef(owner, owner.GroupVersionKind())
	meta := metav1.ObjectMeta{
		Namespace: at.namespace, Name: at.name + "-" + rand.String(8), Labels: template.Labels, Annotations: owner.GetAnnotations(), OwnerReferences: []metav1.OwnerReference{by},
		UID: types.UID(rand.String(16)),
	}
	if kube.Kind(owner.GetKind()).Indirect() {
		for k, object := range s.objects {
			if of, ok := s.typed(object).(*appsv1.ReplicaSet); ok && k.namespace == at.namespace && metav1.IsControlledBy(of, owner) {
				of.Spec.Replicas, of.Status.Replicas = new(int32(0)), 0
				if scaled, _, err := s.stored(of); err == nil {
					s.put(k, scaled, watch.Modified)
				}
			}
		}
		set := &appsv1.ReplicaSet{ObjectMeta: meta, Spec: appsv1.ReplicaSetSpec{Replicas: new(int32(1)), Selector: &metav1.LabelSelector{MatchLabels: template.Labels}, Template: template}}
		s.add(set)
		return *metav1.NewControllerRef(set, appsv1.SchemeGroupVersion.WithKind("ReplicaSet"))
	}
	data, _ := json.Marshal(map[string]any{"spec": map[string]any{"template": template}})
	s.add(&appsv1.ControllerRevision{ObjectMeta: meta, Data: runtime.RawExtension{Raw: data}, Revision: owner.GetGeneration()})
	return by
}

// NoLoad is the error of a load worker on the stage when it is assigned its share.
const NoLoad = "the rehearsal drives no load"

// worker plays a load worker behind the proxy: it has a clock, and takes no
// share of a load.
func worker(req *http.Request) (any, error) {
	if req.Method != http.MethodGet {
		return nil, apierrors.NewInternalError(errors.New(NoLoad))
	}
	return map[string]any{"started": start.UTC(), "now": time.Since(start)}, nil
}

// start is when the clocks of the workers started.
var start = time.Now()
