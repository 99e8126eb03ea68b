package ledger

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/aftershockhq/aftershock/experiments/faults"
)

// An Entry is a line of a ledger: an object that a run creates or changes, or a pod in
// which its fault may still be.
type Entry struct {
	Created bool // false: the object existed before the run, which changes it
	Kind    schema.GroupVersionKind
	client.ObjectKey
	// UID is that of a pod from which nothing shows that the fault is gone; empty: the
	// entry is of another kind.
	UID types.UID
	// Fault is the object of that fault, such as "NetworkChaos/shop/slow"; empty: it is not
	// known.
	Fault string
	// Restarts are those of the pod's containers then, as in [faults.PodID]; empty: they are
	// not known.
	Restarts string
}

// unproven is the entry of a pod. How often it had restarted says something of a known fault
// only.
func unproven(fault string, p faults.PodID) Entry {
	if fault == "" {
		p.Restarts = ""
	}
	return Entry{Kind: corev1.SchemeGroupVersion.WithKind("Pod"), ObjectKey: p.ObjectKey, UID: p.UID, Fault: fault, Restarts: p.Restarts}
}

// unprovens are those of some pods.
func unprovens(fault string, pods []faults.PodID) (list []Entry) {
	for _, p := range pods {
		list = append(list, unproven(fault, p))
	}
	return list
}

// Pod is the pod of an entry in which a fault may be.
func (e Entry) Pod() faults.PodID {
	return faults.PodID{ObjectKey: e.ObjectKey, UID: e.UID, Restarts: e.Restarts}
}

// cleared reports whether the entry is of a fault that was undone in these pods, or, without
// pods, in all.
func (e Entry) cleared(fault string, pods []client.ObjectKey) bool {
	return e.UID != "" && e.Fault == fault && (len(pods) == 0 || slices.Contains(pods, e.ObjectKey))
}

func entryOf(o client.Object, scheme *runtime.Scheme, created bool) (Entry, error) {
	kind, err := apiutil.GVKForObject(o, scheme)
	return Entry{Created: created, Kind: kind, ObjectKey: client.ObjectKeyFromObject(o)}, err
}

// String returns the line, such as "created chaos-mesh.org/v1alpha1 NetworkChaos
// shop/slow" or "unproven v1 Pod shop/checkout-7bb9879ff8-x7k2p UID StressChaos/shop/burn
// app=0".
func (e Entry) String() string {
	switch text := fmt.Sprintf("%s %s %s", e.Kind.GroupVersion(), e.Kind.Kind, e.ObjectKey); {
	case e.UID != "":
		return strings.TrimSpace(fmt.Sprintf("unproven %s %s %s %s", text, e.UID, e.Fault, e.Restarts))
	case e.Created:
		return "created " + text
	default:
		return "changed " + text
	}
}

// is reports whether both entries name the same object, and the same fault in it.
func (e Entry) is(other Entry) bool {
	return e.Kind == other.Kind && e.ObjectKey == other.ObjectKey && e.UID == other.UID && e.Fault == other.Fault
}

// parse is the inverse of [Entry.String].
func parse(line string) (e Entry, err error) {
	words := strings.Fields(line)
	var uid types.UID
	var fault, restarts string
	switch {
	case len(words) >= 5 && len(words) <= 7 && words[0] == "unproven":
		more := append(words, "", "")
		uid, fault, restarts = types.UID(words[4]), more[5], more[6]
	case len(words) != 4 || words[0] != "created" && words[0] != "changed":
		return e, fmt.Errorf("%q is not a line of a ledger", line)
	}
	group, err := schema.ParseGroupVersion(words[1])
	namespace, name, ok := strings.Cut(words[3], "/")
	if err != nil || !ok {
		return e, fmt.Errorf("%q is not a line of a ledger", line)
	}
	return Entry{Created: words[0] == "created", Kind: group.WithKind(words[2]), ObjectKey: client.ObjectKey{Namespace: namespace, Name: name}, UID: uid, Fault: fault, Restarts: restarts}, nil
}
