package kube

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/steadystate"
)

// observed is a workload under observation: each read is an observation, and so
// is each change that no read has confirmed.
type observed struct {
	Workload
	// value makes an observation of a state, without its span.
	value  func(State) steadystate.Observation
	record func(steadystate.Observation)
	stop   context.CancelCauseFunc
	err    error
	seen   bool
	// pending are changes that no read has confirmed. A read that shows the same
	// state dates it more precisely, so the change can be dropped; a read that
	// shows another state proves that it existed only for a moment.
	pending []Change
}

// observe is a source of a value of a workload's state; what names it in errors.
// The value is unknown while the workload desires no pods, and failed once the
// workload is deleted. It is an error if the workload does not exist at the
// start.
func observe(c client.WithWatch, w Workload, what string, value func(State) steadystate.Observation) steadystate.Source {
	return steadystate.SourceFunc(func(ctx context.Context, clock steadystate.Clock, record func(steadystate.Observation)) error {
		if err := w.Valid(); err != nil {
			return fmt.Errorf("observe %s: %w", what, err)
		}
		o := &observed{Workload: w, value: value, record: record}
		ctx, stop := context.WithCancelCause(ctx)
		defer stop(nil)
		o.stop = stop
		err := Watch{
			Client:  c,
			List:    w.NewList(),
			Options: []client.ListOption{client.InNamespace(w.Namespace), client.MatchingFields{"metadata.name": w.Name}},
			Confirm: true,
		}.Follow(ctx, clock, View{Changed: o.changed, Read: o.read, Gap: o.gap})
		if o.err != nil {
			err = o.err
		}
		if err != nil {
			return fmt.Errorf("observe %s of %s: %w", what, w, err)
		}
		return nil
	})
}

func (o *observed) changed(c Change) {
	if !c.First {
		o.pending = append(o.pending, c)
	}
}

func (o *observed) read(span steadystate.Span, objects []client.Object) {
	var now client.Object
	if len(objects) > 0 {
		now = objects[0]
	}
	for _, c := range o.pending {
		if version(c.New) != version(now) {
			o.record(o.observation(c.Span, c.New))
		}
	}
	o.pending = nil
	if now == nil && !o.seen {
		o.err = fmt.Errorf("%w such %s; check the name and the namespace", ErrNoWorkload, o.Kind.word())
		o.stop(o.err)
		return
	}
	o.seen = true
	o.record(o.observation(span, now))
}

func (o *observed) gap(span steadystate.Span, err error) {
	for _, c := range o.pending {
		o.record(o.observation(c.Span, c.New))
	}
	o.pending = nil
	o.record(steadystate.Observation{Span: span, Unknown: err.Error()})
}

func version(object client.Object) string {
	if object == nil {
		return ""
	}
	return object.GetResourceVersion()
}

func (o *observed) observation(span steadystate.Span, object client.Object) steadystate.Observation {
	var seen steadystate.Observation
	s, there := StateOf(object)
	switch {
	case !there:
		seen.Failed = fmt.Sprintf("%s is gone", o.Workload)
	case s.Desired == 0:
		seen.Unknown = fmt.Sprintf("%s desires no pods", o.Workload)
	default:
		seen = o.value(s)
	}
	seen.Span = span
	return seen
}
