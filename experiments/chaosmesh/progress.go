package chaosmesh

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
)

// A progress is what an object's status says of its injection.
//
// The conditions are not trusted where the records can be: they carry no time,
// AllInjected is written a step late and can be missed, and AllRecovered is
// also true of an object that never injected anything.
type progress struct {
	// selected are the pods, as namespace/pod, that Chaos Mesh chose.
	selected []string
	// injected are those of them that it says it injected.
	injected []string
	// failed is why it could not inject one, in its own words.
	failed string
	// none: it says that it selected nothing. It says so for an instant at the
	// beginning of every object's life, too.
	none bool
	// acted: it has done something with the object at all.
	acted bool
}

func read(obj v1alpha1.InnerObject) progress {
	status := obj.GetStatus()
	p := progress{
		acted: len(obj.GetFinalizers()) > 0 || status.Experiment.DesiredPhase != "" || len(status.Conditions) > 0,
		none: len(status.Experiment.Records) == 0 && slices.ContainsFunc(status.Conditions, func(c v1alpha1.ChaosCondition) bool {
			return c.Type == v1alpha1.ConditionSelected && c.Status == corev1.ConditionFalse
		}),
	}
	for _, record := range status.Experiment.Records {
		p.acted = true
		// The id is namespace/pod, and /container for kinds that hit one.
		id := strings.Join(strings.SplitN(record.Id, "/", 3)[:min(2, strings.Count(record.Id, "/")+1)], "/")
		p.selected = append(p.selected, id)
		if record.InjectedCount > 0 {
			p.injected = append(p.injected, id)
			continue
		}
		for _, event := range record.Events {
			if event.Type == v1alpha1.TypeFailed && event.Operation == v1alpha1.Apply && p.failed == "" {
				p.failed = fmt.Sprintf("%s: %s", record.Id, event.Message)
			}
		}
	}
	return p
}

// done reports whether the records say that everything that was selected is
// injected.
func (p progress) done() bool { return len(p.selected) > 0 && len(p.injected) == len(p.selected) }
