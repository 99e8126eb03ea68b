package faults

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/record"
)

// The labels that every object carries from the instant it exists. The label ManagedLabel
// with the value Managed selects the objects of all runs, RunLabel those of one run; its
// value is the record's Run.
const (
	RunLabel     = "aftershock.dev/run"
	ManagedLabel = "app.kubernetes.io/managed-by"
	Managed      = "aftershock"
)

// EventCreating is the kind of event that is written before an object is
// created, so that a record names everything that its run may have left behind.
const EventCreating = "creating"

// NewMeta returns the metadata of a run's object that performs the action. It has a
// prefix for the name; [SettleName] completes it.
func NewMeta(action, namespace, run string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		GenerateName: action + "-" + run + "-",
		Namespace:    namespace,
		Labels:       Labels(run),
	}
}

// Labels returns the labels of a run's object.
func Labels(run string) map[string]string {
	return map[string]string{ManagedLabel: Managed, RunLabel: run}
}

// SettleName gives the object a unique name. The server could do so, but the name must be
// written down before the object is created.
func SettleName(obj client.Object) {
	obj.SetName(obj.GetGenerateName() + rand.String(5))
	obj.SetGenerateName("")
}

// WriteDown records the next change to the cluster. If it fails, the change must not be
// made; the error says that it was not.
func WriteDown(rec *record.Recorder, e record.Event) error {
	rec.Event(e)
	return rec.Err()
}

// Subject returns the name of a pod in events: pod/shop/checkout-7d9f.
func Subject(pod *corev1.Pod) string { return "pod/" + pod.Namespace + "/" + pod.Name }

// Target returns the pod as a target in the record.
func Target(pod *corev1.Pod) record.Target {
	return record.Target{Name: pod.Name, UID: string(pod.UID)}
}

// Targets returns the pods as targets in the record.
func Targets(pods []corev1.Pod) []record.Target {
	var list []record.Target
	for i := range pods {
		list = append(list, Target(&pods[i]))
	}
	return list
}
