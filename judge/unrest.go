package judge

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aftershockhq/aftershock/record"
)

// unrest tracks the rollouts, restarts and scalings around a service, from the
// events that the experiment's observers record. During one, and for the settle
// time after it, the service is not steady, whatever its answers look like. The
// zero value knows of none.
type unrest struct {
	pods    map[string]restless // by UID, those that come or go
	sizes   map[string]string   // by subject, the workloads that differ from their spec
	desired map[string]int      // by subject, how many pods an autoscaler desires
}

// see adds an event, in order of time, and says why settling restarts; empty if
// it does not.
func (u *unrest) see(e record.Event) string {
	kind, _, _ := strings.Cut(e.Subject, "/")
	if slices.Contains(record.WorkloadKinds(), kind) {
		return u.workload(e)
	}
	switch kind {
	case "pod", "process":
		return u.pod(e)
	case "replicaset":
		if e.Kind == record.EventCreated || e.Kind == record.EventScaled {
			return e.Subject + " " + e.Kind
		}
	case "endpoint":
		if e.Kind == record.EventAdded || e.Kind == record.EventRemoved {
			return e.Subject + " " + e.Kind
		}
	case "hpa":
		return u.autoscaler(e)
	}
	return ""
}

// restless is a pod that is coming or going, and its state. A terminating pod
// stays restless until it is gone, ready or not.
type restless struct{ subject, middle string }

const terminating = "is terminating"

func (u *unrest) pod(e record.Event) string {
	was, moving := u.pods[e.UID]
	middle := ""
	switch e.Kind {
	case record.EventCreated:
		middle = "is not ready yet"
	case record.EventNotReady:
		middle = "is not ready"
	case record.EventTerminating:
		middle = terminating
	case record.EventReady:
		if !moving || was.middle == terminating {
			return ""
		}
		delete(u.pods, e.UID)
	case record.EventGone, record.EventFailed:
		delete(u.pods, e.UID)
	case record.EventStopped, record.EventRestarted:
	default:
		return ""
	}
	if middle != "" && e.UID != "" && was.middle != terminating {
		if u.pods == nil {
			u.pods = map[string]restless{}
		}
		u.pods[e.UID] = restless{e.Subject, middle}
	}
	return e.Subject + " " + e.Kind
}

func (u *unrest) workload(e record.Event) string {
	if u.sizes == nil {
		u.sizes = map[string]string{}
	}
	desired, existing, ready, updated := e.Attrs[record.AttrDesired], e.Attrs[record.AttrExisting], e.Attrs[record.AttrReady], e.Attrs[record.AttrUpdated]
	sizes := fmt.Sprintf("desires %s pods, has %s, %s ready", desired, existing, ready)
	if updated != "" {
		sizes += fmt.Sprintf(", %s up to date", updated)
	}
	delete(u.sizes, e.Subject)
	other := func(n string) bool { return n != "" && n != desired }
	if e.Kind != record.EventGone && (other(existing) || other(ready) || other(updated)) {
		u.sizes[e.Subject] = e.Subject + " " + sizes
	}
	if e.Kind == record.EventExists {
		return ""
	}
	return fmt.Sprintf("%s %s, it %s", e.Subject, e.Kind, sizes)
}

func (u *unrest) autoscaler(e record.Event) string {
	var status struct {
		Desired int `json:"desiredReplicas"`
	}
	if json.Unmarshal([]byte(e.Attrs[record.AttrStatus]), &status) != nil || status.Desired == 0 {
		return "" // no status yet
	}
	if u.desired == nil {
		u.desired = map[string]int{}
	}
	before, known := u.desired[e.Subject]
	u.desired[e.Subject] = status.Desired
	switch {
	case known && before != status.Desired:
		return fmt.Sprintf("%s wants %d pods in place of %d", e.Subject, status.Desired, before)
	case known && e.Attrs[record.AttrSpec] != "":
		return e.Subject + " has a new spec"
	}
	return ""
}

// open lists the changes still in progress; empty without any.
func (u *unrest) open() string {
	var list []string
	for _, p := range u.pods {
		list = append(list, p.subject+" "+p.middle)
	}
	slices.Sort(list)
	return strings.Join(append(list, slices.Sorted(maps.Values(u.sizes))...), ", ")
}
