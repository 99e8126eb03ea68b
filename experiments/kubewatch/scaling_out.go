package kubewatch

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/record"
)

// ScalingOut is the condition that a horizontal autoscaler has decided since the first
// fault to have more replicas than there are. A scale-out from before that fault, as
// under a load that began in the settle phase, does not count until the autoscaler
// desires even more. It needs the events of an [Observer] that follows the autoscaler.
type ScalingOut struct {
	Namespace string
	// Autoscaler is its name.
	Autoscaler string
}

var _ experiments.Condition = ScalingOut{}

// String is "autoscaler checkout in shop scales out".
func (s ScalingOut) String() string {
	return fmt.Sprintf("autoscaler %s in %s scales out", s.Autoscaler, s.Namespace)
}

// Watch follows the autoscaler's events and the injections.
func (s ScalingOut) Watch(rec *record.Recorder) (missing func(context.Context) string) {
	subject := "hpa/" + s.Namespace + "/" + s.Autoscaler
	var mu sync.Mutex
	var t0 time.Duration // of the first fault; zero: there is none yet
	var sizes []size
	rec.Tap(func(e record.Entry) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case e.Injection != nil && e.Injection.FailureReason == "" && t0 == 0:
			t0 = e.Injection.From
		case e.Event != nil && e.Event.Subject == subject:
			sizes = append(sizes, sizeAt(*e.Event))
		}
	})
	return func(context.Context) string {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case t0 == 0:
			return "no fault is in place yet"
		case len(sizes) == 0:
			return fmt.Sprintf("no event of %s was recorded: name it in Autoscalers of an Observer", subject)
		}
		return idle(sizes, t0)
	}
}

// A size is what an event says of an autoscaler's replicas.
type size struct {
	since            time.Duration // the earliest time at which it can have become so
	desired, current int32
	unknown          string // why there is none
}

// sizeAt reads an event.
func sizeAt(e record.Event) size {
	if e.Kind == record.EventGone {
		return size{unknown: e.Subject + " is gone"}
	}
	var status autoscalingv2.HorizontalPodAutoscalerStatus
	if err := json.Unmarshal([]byte(cmp.Or(e.Attrs[record.AttrStatus], "{}")), &status); err != nil {
		return size{unknown: fmt.Sprintf("read the status of %s: %v", e.Subject, err)}
	}
	return size{since: e.From, desired: status.DesiredReplicas, current: status.CurrentReplicas}
}

// idle says why an autoscaler does not scale out because of what happened since t0; empty
// if it does. Its status repeats a decision until the pods are there.
func idle(sizes []size, t0 time.Duration) (why string) {
	early := int32(0) // what a scale-out from before t0 desires
	for _, s := range sizes {
		if s.desired <= s.current {
			early = 0
		} else if s.since < t0 {
			early = s.desired
		}
		switch why = fmt.Sprintf("it desires %d replicas, and there are %d", s.desired, s.current); {
		case s.unknown != "":
			why = s.unknown
		case s.desired > max(s.current, early):
			why = ""
		case s.desired > s.current:
			why = "it scaled out before the first fault: " + why
		}
	}
	return why
}
