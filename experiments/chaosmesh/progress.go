package chaosmesh

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A progress is the state of an injection, read from an object's status.
//
// Where there are records, the conditions are not trusted: they carry no time,
// AllInjected is written a step late and can be missed, and AllRecovered is
// also true of an object that never injected anything.
type progress struct {
	// selected are the pods, as namespace/pod, that Chaos Mesh chose.
	selected []string
	// injected are the selected pods that Chaos Mesh reports as injected, in all
	// of their chosen containers.
	injected []string
	// pending are the records that are not injected: pods or containers, those of
	// the peers included.
	pending []string
	// failed is the reason of a failed injection, in its own words.
	failed string
	// acted: the controller has acted on the object.
	acted bool
}

func read(obj v1alpha1.InnerObject) progress {
	status := obj.GetStatus()
	p := progress{
		acted: len(obj.GetFinalizers()) > 0 || status.Experiment.DesiredPhase != "" || len(status.Conditions) > 0,
	}
	var lacking []string
	for _, record := range status.Experiment.Records {
		p.acted = true
		// The id is namespace/pod, and /container for kinds that hit one.
		id := strings.Join(strings.SplitN(record.Id, "/", 3)[:min(2, strings.Count(record.Id, "/")+1)], "/")
		if own := record.SelectorKey != targetKey; own && !slices.Contains(p.selected, id) {
			p.selected = append(p.selected, id)
		}
		if record.InjectedCount > 0 {
			continue
		}
		p.pending, lacking = append(p.pending, record.Id), append(lacking, id)
		for _, event := range record.Events {
			if event.Type == v1alpha1.TypeFailed && event.Operation == v1alpha1.Apply && p.failed == "" {
				p.failed = fmt.Sprintf("%s: %s", record.Id, event.Message)
			}
		}
	}
	for _, id := range p.selected {
		if !slices.Contains(lacking, id) {
			p.injected = append(p.injected, id)
		}
	}
	return p
}

// targetKey is the selector of a NetworkChaos's peers.
const targetKey = ".Target"

// done reports whether the records confirm the injection of the whole
// selection.
func (p progress) done() bool { return len(p.selected) > 0 && len(p.pending) == 0 }

// made is the progress of an object that makes others: it has begun once one of
// these is injected.
func made(ctx context.Context, c client.Reader, parent client.Object) (progress, error) {
	children, err := childrenOf(ctx, c, parent)
	if err != nil {
		return progress{}, err
	}
	var sum progress
	for _, child := range children {
		inner, ok := child.(v1alpha1.InnerObject)
		if !ok {
			continue
		}
		p := read(inner)
		sum.acted = true
		if p.failed != "" && sum.failed == "" {
			sum.failed = p.failed
		}
		if !p.done() {
			continue
		}
		for _, id := range p.injected {
			if !slices.Contains(sum.injected, id) {
				sum.selected, sum.injected = append(sum.selected, id), append(sum.injected, id)
			}
		}
	}
	return sum, nil
}
