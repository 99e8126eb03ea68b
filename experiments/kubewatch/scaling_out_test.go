package kubewatch_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments/kubewatch"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

func TestAnAutoscalerScalesOutWhileItDesiresMoreThanThereAre(t *testing.T) {
	event := func(subject, kind, status string) record.Event {
		return record.Event{Span: steadystate.Instant(6 * time.Second), Kind: kind, Subject: subject, Attrs: map[string]string{record.AttrStatus: status}}
	}
	before := func(e record.Event) record.Event {
		e.Span = steadystate.Span{From: 4 * time.Second, To: 6 * time.Second}
		return e
	}
	const ours = "hpa/shop/checkout"
	for _, row := range []struct {
		sentence string
		events   []record.Event // at 6 s; the first fault is injected at 5 s, which is known at 7 s
		want     string
	}{
		{"nothing was seen of it", nil, "no event of hpa/shop/checkout was recorded: name it in Autoscalers"},
		{"another one scales out", []record.Event{event("hpa/shop/payments", record.EventChanged, `{"currentReplicas":2,"desiredReplicas":4}`)}, "no event of hpa/shop/checkout"},
		{"it is at rest", []record.Event{event(ours, record.EventExists, `{"currentReplicas":2,"desiredReplicas":2}`)}, "it desires 2 replicas, and there are 2"},
		{"it scales in", []record.Event{event(ours, record.EventChanged, `{"currentReplicas":4,"desiredReplicas":2}`)}, "it desires 2 replicas, and there are 4"},
		{"it scales out", []record.Event{event(ours, record.EventExists, `{"currentReplicas":2,"desiredReplicas":2}`), event(ours, record.EventChanged, `{"currentReplicas":2,"desiredReplicas":4}`)}, ""},
		{"it has scaled out", []record.Event{event(ours, record.EventChanged, `{"currentReplicas":2,"desiredReplicas":4}`), event(ours, record.EventChanged, `{"currentReplicas":4,"desiredReplicas":4}`)}, "it desires 4 replicas, and there are 4"},
		{"it is gone", []record.Event{event(ours, record.EventChanged, `{"currentReplicas":2,"desiredReplicas":4}`), event(ours, record.EventGone, "")}, "hpa/shop/checkout is gone"},
		{"it scaled out before the first fault", []record.Event{before(event(ours, record.EventChanged, `{"currentReplicas":2,"desiredReplicas":4}`))}, "it scaled out before the first fault: it desires 4 replicas, and there are 2"},
		{"it scaled out before the first fault, and says so again after it", []record.Event{before(event(ours, record.EventChanged, `{"currentReplicas":2,"desiredReplicas":4}`)), event(ours, record.EventChanged, `{"currentReplicas":3,"desiredReplicas":4}`)}, "it scaled out before the first fault: it desires 4 replicas, and there are 3"},
		{"it scaled out before the first fault, and then desires even more", []record.Event{before(event(ours, record.EventChanged, `{"currentReplicas":2,"desiredReplicas":4}`)), event(ours, record.EventChanged, `{"currentReplicas":2,"desiredReplicas":6}`)}, ""},
		{"it scaled out before the first fault, came to rest, and scales out again", []record.Event{before(event(ours, record.EventChanged, `{"currentReplicas":2,"desiredReplicas":4}`)), event(ours, record.EventChanged, `{"currentReplicas":4,"desiredReplicas":3}`), event(ours, record.EventChanged, `{"currentReplicas":3,"desiredReplicas":4}`)}, ""},
		{"its status cannot be read", []record.Event{event(ours, record.EventChanged, "{")}, "read the status of hpa/shop/checkout"},
	} {
		rec := record.NewRecorder(io.Discard)
		condition := kubewatch.ScalingOut{Namespace: "shop", Autoscaler: "checkout"}
		missing := condition.Watch(rec)
		for _, e := range row.events {
			rec.Event(e)
		}
		if got, want := missing(t.Context()), "no fault is in place yet"; got != want {
			t.Errorf("%s: %q before the first fault, want %q", row.sentence, got, want)
		}
		rec.Record(record.Entry{Injection: &record.Injection{Span: steadystate.Instant(time.Second), FailureReason: "no pod is ready"}})
		rec.Record(record.Entry{Injection: &record.Injection{Span: steadystate.Span{From: 5 * time.Second, To: 7 * time.Second}}})
		rec.Record(record.Entry{Injection: &record.Injection{Index: 1, Span: steadystate.Instant(20 * time.Second)}})
		if got := missing(t.Context()); !strings.Contains(got, row.want) || (row.want == "") != (got == "") {
			t.Errorf("%s: %q, want %q", row.sentence, got, row.want)
		}
		if condition.String() != "autoscaler checkout in shop scales out" {
			t.Error(condition)
		}
	}
}
