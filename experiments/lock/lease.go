package lock

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/ptr"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// The annotations of a Lease, for people. Its label [faults.RunLabel] has the run.
const (
	workloadAnnotation   = "aftershock.dev/workload"   // deployment/shop/checkout
	experimentAnnotation = "aftershock.dev/experiment" // its id
	whoAnnotation        = "aftershock.dev/who"        // ann@laptop
	sinceAnnotation      = "aftershock.dev/since"      // RFC 3339, by the holder's clock
	untilAnnotation      = "aftershock.dev/until"      // when the run is over at the latest, likewise
)

// Name returns the name of a workload's Lease: aftershock.shop.deployment.checkout. The
// namespace and the kind have no dots, so that no two workloads share one. A name
// that would be too long ends with a hash.
func Name(w kube.Workload) string {
	name := "aftershock." + w.Namespace + "." + strings.ToLower(string(w.Kind)) + "." + w.Name
	if len(name) <= validation.DNS1123SubdomainMaxLength {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	hash := "-" + hex.EncodeToString(sum[:8])
	return strings.TrimRight(name[:validation.DNS1123SubdomainMaxLength-len(hash)], ".-") + hash
}

// identity is how a run names itself in a Lease.
func identity(run, who string) string { return run + " " + who }

// write makes the Lease the run's, renewed now. Its times are for people: nothing
// is counted from them.
func (l *Lock) write(lease *coordinationv1.Lease, duration time.Duration) {
	now := time.Now().Add(l.ahead)
	spec := &lease.Spec
	if me := identity(l.run, l.Who); ptr.Deref(spec.HolderIdentity, "") != me {
		if spec.HolderIdentity != nil {
			spec.LeaseTransitions = new(ptr.Deref(spec.LeaseTransitions, 0) + 1)
		}
		spec.HolderIdentity, spec.AcquireTime = &me, new(metav1.NewMicroTime(now))
		lease.Labels = faults.Labels(l.run)
		lease.Annotations = map[string]string{
			workloadAnnotation:   l.Workload.Subject(),
			experimentAnnotation: l.Experiment,
			whoAnnotation:        l.Who,
			sinceAnnotation:      now.Format(time.RFC3339),
			untilAnnotation:      now.Add(l.Longest).Format(time.RFC3339),
		}
	}
	spec.RenewTime, spec.LeaseDurationSeconds = new(metav1.NewMicroTime(now)), new(seconds(duration))
}

// seconds is a duration in whole seconds, and no less than it.
func seconds(d time.Duration) int32 { return int32((d + time.Second - 1) / time.Second) }

// durationOf is for how long a Lease is its holder's after a renewal.
func durationOf(lease *coordinationv1.Lease) time.Duration {
	return time.Duration(ptr.Deref(lease.Spec.LeaseDurationSeconds, 0)) * time.Second
}

// A Holder is the run that holds a lock, as the Lease says.
type Holder struct {
	Workload   string // deployment/shop/checkout
	Run        string
	Who        string // ann@laptop
	Experiment string
	// Since is when it took the lock, and Until when the run ends at the latest, both
	// by the holder's clock.
	Since, Until time.Time
}

// Namespace returns the workload's namespace, or "" if it is unknown.
func (h Holder) Namespace() string {
	_, rest, _ := strings.Cut(h.Workload, "/")
	namespace, _, _ := strings.Cut(rest, "/")
	return namespace
}

func holderOf(lease *coordinationv1.Lease) Holder {
	h := Holder{
		Workload:   lease.Annotations[workloadAnnotation],
		Run:        lease.Labels[faults.RunLabel],
		Who:        cmp.Or(lease.Annotations[whoAnnotation], ptr.Deref(lease.Spec.HolderIdentity, ""), "an unknown person"),
		Experiment: lease.Annotations[experimentAnnotation],
	}
	// What is not a time is unknown.
	h.Since, _ = time.Parse(time.RFC3339, lease.Annotations[sinceAnnotation])
	h.Until, _ = time.Parse(time.RFC3339, lease.Annotations[untilAnnotation])
	return h
}

// String returns "run 4f1c2a9d3b of ann@laptop since 14:03:10
// (checkout/pods/kill-one)".
func (h Holder) String() string {
	return fmt.Sprintf("run %s of %s since %s (%s)", h.Run, h.Who, clock(h.Since), h.Experiment)
}

// clock is a time of day, with the date if that is not today's.
func clock(t time.Time) string {
	switch t = t.Local(); {
	case t.IsZero():
		return "an unknown time"
	case t.Format(time.DateOnly) == time.Now().Format(time.DateOnly):
		return t.Format(time.TimeOnly)
	}
	return t.Format(time.DateTime)
}
