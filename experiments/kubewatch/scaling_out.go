package kubewatch

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"sync"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/record"
)

// ScalingOut is the condition that a horizontal autoscaler desires more
// replicas than there are. It needs the events of an [Observer] that follows
// the autoscaler.
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

// Watch follows the autoscaler's events.
func (s ScalingOut) Watch(rec *record.Recorder) (missing func(context.Context) string) {
	subject := "hpa/" + s.Namespace + "/" + s.Autoscaler
	var mu sync.Mutex
	last := fmt.Sprintf("no event of %s was recorded: name it in Autoscalers of an Observer", subject)
	rec.Tap(func(e record.Entry) {
		if e.Event == nil || e.Event.Subject != subject {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		last = idle(*e.Event)
	})
	return func(context.Context) string {
		mu.Lock()
		defer mu.Unlock()
		return last
	}
}

// idle says why an autoscaler does not scale out, as of its latest event; empty
// if it does.
func idle(e record.Event) string {
	if e.Kind == record.EventGone {
		return e.Subject + " is gone"
	}
	var status autoscalingv2.HorizontalPodAutoscalerStatus
	if err := json.Unmarshal([]byte(cmp.Or(e.Attrs[record.AttrStatus], "{}")), &status); err != nil {
		return fmt.Sprintf("read the status of %s: %v", e.Subject, err)
	}
	if status.DesiredReplicas > status.CurrentReplicas {
		return ""
	}
	return fmt.Sprintf("it desires %d replicas, and there are %d", status.DesiredReplicas, status.CurrentReplicas)
}
