package kube

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A deployment is a deployment that is observed: each read is an observation,
// and so is each change that no read has confirmed.
type deployment struct {
	name string
	// value is what is observed of a state; the span is filled in.
	value  func(*appsv1.Deployment) steadystate.Observation
	record func(steadystate.Observation)
	stop   context.CancelCauseFunc
	err    error
	seen   bool
	// pending are changes that no read has confirmed. A read that shows the
	// same state dates it better, and nothing is lost by forgetting the change;
	// one that shows another state proves that it was there for a moment only.
	pending []Change
}

// observeDeployment is a source of a value of a deployment's state. What names
// it, in errors. A deployment that wants no replicas is unknown, one that is
// deleted meanwhile a failure, one that is not there from the start an error.
func observeDeployment(c client.WithWatch, namespace, name, what string, value func(*appsv1.Deployment) steadystate.Observation) steadystate.Source {
	return steadystate.SourceFunc(func(ctx context.Context, clock steadystate.Clock, record func(steadystate.Observation)) error {
		d := &deployment{name: namespace + "/" + name, value: value, record: record}
		ctx, stop := context.WithCancelCause(ctx)
		defer stop(nil)
		d.stop = stop
		err := Watch{
			Client:  c,
			List:    &appsv1.DeploymentList{},
			Options: []client.ListOption{client.InNamespace(namespace), client.MatchingFields{"metadata.name": name}},
			Confirm: true,
		}.Follow(ctx, clock, View{Changed: d.changed, Read: d.read, Blind: d.blind})
		if d.err != nil {
			err = d.err
		}
		if err != nil {
			return fmt.Errorf("observe %s of %s: %w", what, d.name, err)
		}
		return nil
	})
}

func (d *deployment) changed(c Change) {
	if !c.First {
		d.pending = append(d.pending, c)
	}
}

func (d *deployment) read(span steadystate.Span, objects []client.Object) {
	var now client.Object
	if len(objects) > 0 {
		now = objects[0]
	}
	for _, c := range d.pending {
		if version(c.New) != version(now) {
			d.record(d.observation(c.Span, c.New))
		}
	}
	d.pending = nil
	if now == nil && !d.seen {
		d.err = fmt.Errorf("there is no deployment %s; check the name and the namespace", d.name)
		d.stop(d.err)
		return
	}
	d.seen = true
	d.record(d.observation(span, now))
}

func (d *deployment) blind(span steadystate.Span, err error) {
	for _, c := range d.pending {
		d.record(d.observation(c.Span, c.New))
	}
	d.pending = nil
	d.record(steadystate.Observation{Span: span, Unknown: err.Error()})
}

func version(object client.Object) string {
	if object == nil {
		return ""
	}
	return object.GetResourceVersion()
}

func (d *deployment) observation(span steadystate.Span, object client.Object) steadystate.Observation {
	var o steadystate.Observation
	state, ok := object.(*appsv1.Deployment)
	switch {
	case !ok:
		o.Failed = fmt.Sprintf("deployment %s is gone", d.name)
	case Wanted(state) == 0:
		o.Unknown = fmt.Sprintf("deployment %s wants no replicas", d.name)
	default:
		o = d.value(state)
	}
	o.Span = span
	return o
}

// Wanted is the number of replicas that the deployment wants; Kubernetes takes
// an unset one for one.
func Wanted(d *appsv1.Deployment) int32 { return ptr.Deref(d.Spec.Replicas, 1) }
