package kubewatch_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/record"
)

// publish creates a Kubernetes Event about an object, by its UID, as the kubelet does,
// stamped now.
func publish(t *testing.T, c client.Client, name, about, reason, message string, change ...func(*eventsv1.Event)) *eventsv1.Event {
	t.Helper()
	e := &eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID("event-" + name)},
		Type:       corev1.EventTypeWarning, Reason: reason, Note: message,
		Regarding:           corev1.ObjectReference{Kind: "Pod", Namespace: "shop", Name: about, UID: types.UID(about + "-uid"), FieldPath: "spec.containers{app}"},
		ReportingController: "kubelet", DeprecatedCount: 1, DeprecatedLastTimestamp: metav1.Now(),
	}
	for _, f := range change {
		f(e)
	}
	if err := c.Create(t.Context(), e); err != nil {
		t.Error(err)
	}
	return e
}

// published are the Kubernetes Events of a history, in a line each.
func (h history) published() (lines []string) {
	for _, e := range h.events {
		if e.Kind == record.EventKubernetes {
			lines = append(lines, strings.TrimSpace(strings.Join([]string{e.Subject, e.Attrs[record.AttrReason], e.Attrs[record.AttrMessage], e.Attrs[record.AttrCount]}, " ")))
		}
	}
	return lines
}

func TestWhatKubernetesSaysOfTheWorkloadIsRecorded(t *testing.T) {
	normal := func(e *eventsv1.Event) { e.Type = corev1.EventTypeNormal }
	for _, row := range []struct {
		sentence string
		publish  func(t *testing.T, c client.Client)
		want     []string
	}{
		{"a warning about a pod", func(t *testing.T, c client.Client) {
			publish(t, c, "x", "1", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")
		}, []string{"event/pod/shop/1 Unhealthy Readiness probe failed: HTTP probe failed with statuscode: 503"}},
		{"a normal one that says what was done to it", func(t *testing.T, c client.Client) {
			publish(t, c, "x", "1", "Killing", "Container app failed liveness probe, will be restarted", normal)
		}, []string{"event/pod/shop/1 Killing Container app failed liveness probe, will be restarted"}},
		{"another normal one", func(t *testing.T, c client.Client) {
			publish(t, c, "x", "1", "Pulled", "Container image already present", normal)
		}, nil},
		{"a warning about the replica set", func(t *testing.T, c client.Client) {
			publish(t, c, "x", "checkout-1", "FailedCreate", "pods \"checkout-1-x\" is forbidden: exceeded quota")
		}, []string{`event/replicaset/shop/checkout-1 FailedCreate pods "checkout-1-x" is forbidden: exceeded quota`}},
		{"one about a pod of another", func(t *testing.T, c client.Client) { publish(t, c, "x", "other", "Unhealthy", "no") }, nil},
		{"one about a pod of the same name, which is gone", func(t *testing.T, c client.Client) {
			publish(t, c, "x", "1", "Unhealthy", "no", func(e *eventsv1.Event) { e.Regarding.UID = "former" })
		}, nil},
		{"one of one's own", func(t *testing.T, c client.Client) {
			publish(t, c, "x", "1", "FaultInjected", "no", func(e *eventsv1.Event) { e.ReportingController = "example.com/own" })
		}, nil},
		{"one that is seen before its pod", func(t *testing.T, c client.Client) {
			publish(t, c, "x", "2", "FailedScheduling", "0/1 nodes are available: 1 Insufficient cpu.")
			time.Sleep(10 * time.Millisecond)
			if err := c.Create(t.Context(), newPod("2")); err != nil {
				t.Error(err)
			}
		}, []string{"event/pod/shop/2 FailedScheduling 0/1 nodes are available: 1 Insufficient cpu."}},
		{"with a secret in a URL, in lines, and long", func(t *testing.T, c client.Client) {
			publish(t, c, "x", "1", "Unhealthy", "Get \"http://10.0.0.1/?token=hunter2\":\n  EOF "+strings.Repeat("x", 900))
		}, []string{`event/pod/shop/1 Unhealthy Get "http://10.0.0.1/?token=xxxxx": EOF ` + strings.Repeat("x", 357) + "..."}},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			c := newClient(t, interceptor.Funcs{}, ready(newPod("1")), replicaSet(1))
			publish(t, c, "before", "1", "Unhealthy", "before the run")
			h := observe(t, c, func(t *testing.T, until func(time.Duration)) {
				until(2500 * time.Millisecond)
				row.publish(t, c)
				until(4 * time.Second)
			})
			if got := h.published(); !slices.Equal(got, row.want) || h.err != nil || len(h.notes) > 0 {
				t.Errorf("recorded\n  %s\nwant\n  %s\n%v %q", strings.Join(got, "\n  "), strings.Join(row.want, "\n  "), h.err, h.notes)
			}
		})
	}
}

// The scheduler has series, the kubelet counts.
func TestEachRiseOfAnEventIsRecordedAsItComes(t *testing.T) {
	c := newClient(t, interceptor.Funcs{}, ready(newPod("1")))
	h := observe(t, c, func(t *testing.T, until func(time.Duration)) {
		until(2500 * time.Millisecond)
		e := publish(t, c, "x", "1", "Unhealthy", "no")
		series := publish(t, c, "y", "1", "FailedScheduling", "none", func(e *eventsv1.Event) {
			e.EventTime, e.DeprecatedLastTimestamp, e.DeprecatedCount = metav1.NowMicro(), metav1.Time{}, 0
		})
		update := func(e *eventsv1.Event) {
			if err := c.Update(t.Context(), e); err != nil {
				t.Error(err)
			}
		}
		until(5 * time.Second)
		e.DeprecatedCount, e.DeprecatedLastTimestamp = 2, metav1.Now()
		update(e) // too soon to be recorded again
		until(14 * time.Second)
		e.DeprecatedCount, e.DeprecatedLastTimestamp = 3, metav1.Now()
		update(e)
		series.Series = &eventsv1.EventSeries{Count: 4, LastObservedTime: metav1.NewMicroTime(time.Now().Add(-3 * time.Second))}
		update(series)
		until(25 * time.Second)
		e.Labels = map[string]string{"a": "b"}
		update(e) // it did not happen again
		until(26 * time.Second)
		publish(t, c, "z", "1", "Unhealthy", "ahead", func(e *eventsv1.Event) { e.DeprecatedLastTimestamp = metav1.NewTime(time.Now().Add(time.Minute)) })
		until(27 * time.Second)
	})
	var got []string
	for _, e := range h.events {
		if e.Kind == record.EventKubernetes {
			got = append(got, fmt.Sprintf("%s %s from %s to %s", e.Attrs[record.AttrReason], e.Attrs[record.AttrCount], e.From, e.To))
		}
	}
	want := []string{
		"Unhealthy  from 1.5s to 2.5s", "FailedScheduling  from 1.5s to 2.5s",
		"Unhealthy 3 from 13s to 14s", "FailedScheduling 4 from 11s to 14s", "Unhealthy  from 25s to 26s",
	}
	if !slices.Equal(got, want) || h.events[len(h.events)-1].UID != "1-uid" {
		t.Errorf("recorded\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestAStormOfEventsDoesNotFillTheRecord(t *testing.T) {
	c := newClient(t, interceptor.Funcs{}, ready(newPod("1")))
	h := observe(t, c, func(t *testing.T, until func(time.Duration)) {
		for i := range 800 {
			until(2*time.Second + time.Duration(i)*time.Millisecond)
			reason := "Unhealthy"
			if i > 40 {
				reason = fmt.Sprint("Reason", i/20)
			}
			publish(t, c, fmt.Sprint("x", i), "1", reason, fmt.Sprint("probe ", i))
		}
		until(4 * time.Second)
	})
	alike := 0
	for _, e := range h.events {
		if e.Attrs[record.AttrReason] == "Unhealthy" {
			alike++
		}
	}
	if want := []string{"500 more Kubernetes Events were left out of the record, which has 300"}; len(h.published()) != 300 || alike != 20 || !slices.Equal(h.notes, want) {
		t.Errorf("%d recorded, %d of them alike, notes %q", len(h.published()), alike, h.notes)
	}
}

// Nothing is made of Events that were not seen, so a run goes on without them.
func TestEventsThatCannotBeSeenAreANote(t *testing.T) {
	var away atomic.Bool
	forbidden := apierrors.NewForbidden(schema.GroupResource{Group: "events.k8s.io", Resource: "events"}, "", errors.New("no"))
	for _, row := range []struct {
		sentence string
		funcs    interceptor.Funcs
		want     []string
		seen     int
	}{
		{"no right", interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			if _, ok := list.(*eventsv1.EventList); ok {
				return forbidden
			}
			return c.List(ctx, list, opts...)
		}}, []string{"no Kubernetes Events are recorded: " + forbidden.Error() + "; give the account the rights to list and watch events.events.k8s.io in shop, or use another account"}, 0},
		{"no answer for a while", interceptor.Funcs{Watch: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) (watch.Interface, error) {
			if _, ok := list.(*eventsv1.EventList); ok && away.Load() {
				return nil, errors.New("connection refused")
			}
			return c.Watch(ctx, list, opts...)
		}}, []string{"Kubernetes Events in shop are not seen from here on: connection refused", "Kubernetes Events in shop are seen again"}, 1},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			away.Store(true)
			c := newClient(t, row.funcs, ready(newPod("1")))
			h := observe(t, c, func(t *testing.T, until func(time.Duration)) {
				until(2500 * time.Millisecond)
				publish(t, c, "unseen", "1", "Unhealthy", "no")
				until(5 * time.Second)
				away.Store(false)
				until(7 * time.Second)
				publish(t, c, "seen", "1", "Unhealthy", "no")
				until(8 * time.Second)
			})
			if h.err != nil || !slices.Equal(h.notes, row.want) || len(h.published()) != row.seen {
				t.Errorf("%v, notes %q, want %q, recorded %q", h.err, h.notes, row.want, h.published())
			}
		})
	}
}
