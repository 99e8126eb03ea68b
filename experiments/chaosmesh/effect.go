package chaosmesh

import (
	"fmt"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// unnamed is why a fault is unprovable whose effect only the user knows.
func unnamed(effect string) string {
	return fmt.Sprintf("where %s shows is not known: name a signal of the targets with Seen or SeenAs, else no verdict can be held", effect)
}

// events is the effect of a kind that is seen by an event, which needs no
// signal.
func events(kind, signal string) ([]record.Effect, string, error) {
	if signal != "" {
		return nil, "", faults.Refuse("its effect is seen by the event %q, and by how much signal %q would change is not known; say it with SeenAs", kind, signal)
	}
	return []record.Effect{{Event: kind}}, "", nil
}

// shapeless is for kinds of which it is known that a signal changes, but not
// by how much.
func shapeless(effect, signal string) ([]record.Effect, string, error) {
	if signal != "" {
		return nil, "", faults.Refuse("by how much %s changes signal %q is not known; say it with SeenAs", effect, signal)
	}
	return nil, unnamed(effect), nil
}
