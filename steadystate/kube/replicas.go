package kube

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/steadystate"
)

// Replicas observes the ready replicas of a deployment over the wanted ones: 1
// when all are ready, more than 1 while it is scaled down. While nothing
// changes there is an observation a second; each change is observed beside,
// however short. Zero wanted replicas are unknown, since nothing can be said
// of their share, and so is an API server that does not answer. A deployment
// that is deleted meanwhile is a failure, one that is not there from the start
// an error.
func Replicas(c client.WithWatch, namespace, deployment string) steadystate.Source {
	return steadystate.SourceFunc(func(ctx context.Context, clock steadystate.Clock, record func(steadystate.Observation)) error {
		r := &replicas{name: namespace + "/" + deployment, record: record}
		ctx, stop := context.WithCancelCause(ctx)
		defer stop(nil)
		r.stop = stop
		err := Watch{
			Client:  c,
			List:    &appsv1.DeploymentList{},
			Options: []client.ListOption{client.InNamespace(namespace), client.MatchingFields{"metadata.name": deployment}},
			Confirm: true,
		}.Follow(ctx, clock, View{Changed: r.changed, Read: r.read, Blind: r.blind})
		if r.err != nil {
			err = r.err
		}
		if err != nil {
			return fmt.Errorf("observe replicas of %s: %w", r.name, err)
		}
		return nil
	})
}

type replicas struct {
	name   string
	record func(steadystate.Observation)
	stop   context.CancelCauseFunc
	err    error
	seen   bool
	// pending are changes that no read has confirmed. A read that shows the
	// same state dates it better, and nothing is lost by forgetting the change;
	// one that shows another state proves that it was there for a moment only.
	pending []Change
}

func (r *replicas) changed(c Change) {
	if !c.First {
		r.pending = append(r.pending, c)
	}
}

func (r *replicas) read(span steadystate.Span, objects []client.Object) {
	var now client.Object
	if len(objects) > 0 {
		now = objects[0]
	}
	for _, c := range r.pending {
		if version(c.New) != version(now) {
			r.record(r.observation(c.Span, c.New))
		}
	}
	r.pending = nil
	if now == nil && !r.seen {
		r.err = fmt.Errorf("there is no deployment %s; check the name and the namespace", r.name)
		r.stop(r.err)
		return
	}
	r.seen = true
	r.record(r.observation(span, now))
}

func (r *replicas) blind(span steadystate.Span, err error) {
	for _, c := range r.pending {
		r.record(r.observation(c.Span, c.New))
	}
	r.pending = nil
	r.record(steadystate.Observation{Span: span, Unknown: err.Error()})
}

func version(object client.Object) string {
	if object == nil {
		return ""
	}
	return object.GetResourceVersion()
}

func (r *replicas) observation(span steadystate.Span, object client.Object) steadystate.Observation {
	o := steadystate.Observation{Span: span}
	d, ok := object.(*appsv1.Deployment)
	switch {
	case !ok:
		o.Failed = fmt.Sprintf("deployment %s is gone", r.name)
	case wanted(d) == 0:
		o.Unknown = fmt.Sprintf("deployment %s wants no replicas", r.name)
	default:
		o.Value = float64(d.Status.ReadyReplicas) / float64(wanted(d))
	}
	return o
}

// wanted is the number of replicas that the deployment wants; Kubernetes takes
// an unset one for one.
func wanted(d *appsv1.Deployment) int32 { return ptr.Deref(d.Spec.Replicas, 1) }
