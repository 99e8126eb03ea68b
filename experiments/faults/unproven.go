package faults

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/steadystate/joined"
)

// An Unproven is the error of a removal after which the fault's object is gone, and
// nothing shows that its effect is gone from some pods. It stays true until these pods
// are gone or something else shows it, so that a ledger keeps it.
type Unproven struct {
	// Run is the run that left the fault behind; empty: the one that removed it.
	Run string
	// Fault is the object, such as "NetworkChaos/shop/slow".
	Fault string
	// Pods are those of them that still exist.
	Pods []PodID
	Err  error
}

// Doubts keeps the pods in which a fault may stay although its object goes. A fault is
// named by its object, such as "NetworkChaos/shop/slow". Each call takes some seconds at
// most.
type Doubts interface {
	// Doubt writes the pods down, before the object is removed by force: the program may be
	// killed next.
	Doubt(ctx context.Context, fault string, pods ...PodID) error
	// Clear takes the pods of a fault out again, in which it was seen to be undone.
	// Without pods it takes out all of them.
	Clear(ctx context.Context, fault string, pods ...client.ObjectKey) error
}

// A PodID is a pod, and not another one with its name.
type PodID struct {
	client.ObjectKey
	UID types.UID // [AnyUID] if it could not be read
	// Restarts counts those of its containers when it was read, as in "app=0,proxy=2".
	// Empty: it is not known.
	Restarts string
}

// PodIDOf identifies a pod as it is now.
func PodIDOf(pod *corev1.Pod) PodID {
	var counts []string
	for _, c := range pod.Status.ContainerStatuses {
		counts = append(counts, fmt.Sprintf("%s=%d", c.Name, c.RestartCount))
	}
	return PodID{ObjectKey: client.ObjectKeyFromObject(pod), UID: pod.UID, Restarts: strings.Join(counts, ",")}
}

// Restarted reports whether each container of the pod has restarted since, which ended all
// processes that were in it.
func (p PodID) Restarted(pod *corev1.Pod) bool {
	if p.Restarts == "" || !p.Is(pod) || pod.Spec.HostPID || pod.Spec.ShareProcessNamespace != nil && *pod.Spec.ShareProcessNamespace {
		return false
	}
	for count := range strings.SplitSeq(p.Restarts, ",") {
		name, before, _ := strings.Cut(count, "=")
		n, err := strconv.Atoi(before)
		if err != nil || !slices.ContainsFunc(pod.Status.ContainerStatuses, func(c corev1.ContainerStatus) bool { return c.Name == name && int(c.RestartCount) > n }) {
			return false
		}
	}
	return true
}

// AnyUID is the UID of a pod that is known by its name only.
const AnyUID types.UID = "unknown"

// Is reports whether it is this pod.
func (p PodID) Is(pod *corev1.Pod) bool {
	return p.ObjectKey == client.ObjectKeyFromObject(pod) && (p.UID == AnyUID || p.UID == pod.UID)
}

// Error returns that of Err.
func (u *Unproven) Error() string { return u.Err.Error() }

// Unwrap returns the error.
func (u *Unproven) Unwrap() error { return u.Err }

// Unprovens returns each that is joined or wrapped in an error.
func Unprovens(err error) (list []*Unproven) {
	if u, ok := err.(*Unproven); ok { //nolint:errorlint // the walk unwraps
		return []*Unproven{u}
	}
	for _, part := range joined.Parts(err) {
		list = append(list, Unprovens(part)...)
	}
	return list
}
