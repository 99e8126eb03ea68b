package kubeevents

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/steadystate/redact"
)

// The reasons of the events: a fault took effect, was undone, or could not be undone.
const (
	FaultInjected   = "FaultInjected"
	FaultRemoved    = "FaultRemoved"
	FaultNotRemoved = "FaultNotRemoved"
)

// Controller is the reportingController of the events.
const Controller = "aftershock.dev/aftershock"

// An Announcer publishes the faults of an experiment as events on a workload. It
// refuses nothing. It is a safeguard because a safeguard lasts until every fault is
// undone, even after an interrupt.
type Announcer struct {
	Client     client.Client // creates the events; required
	Workload   kube.Workload // what the events are about; required
	Experiment string        // begins each message

	rec      *record.Recorder
	about    corev1.ObjectReference
	queue    chan *eventsv1.Event
	injected map[int]bool // of the run's faults, by index
	posting  sync.WaitGroup
	stop     context.CancelFunc
}

var _ experiments.Safeguard = (*Announcer)(nil)

const (
	// within bounds the creation of an event, and of all that remain when the run has
	// ended.
	within = 5 * time.Second
	// waiting is the length of the queue; a run has two events for each fault.
	waiting = 256
	// longest is the API's limit on a message, in bytes.
	longest = 1024
)

// String returns "events on deployment checkout in shop".
func (a *Announcer) String() string { return "events on " + a.Workload.String() }

// Begin reads the workload and starts to follow the record. If the workload cannot be
// read, it adds a note, publishes nothing and returns nil.
func (a *Announcer) Begin(ctx context.Context, rec *record.Recorder) error {
	a.rec, a.queue, a.injected = rec, make(chan *eventsv1.Event, waiting), map[int]bool{}
	looking, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	state, err := a.Workload.Read(looking, a.Client)
	if err != nil {
		rec.Note("no events are created on %s: %v", a.Workload, err)
		close(a.queue)
		a.queue = nil
		return nil
	}
	a.about = corev1.ObjectReference{
		APIVersion: a.Workload.APIVersion(), Kind: string(a.Workload.Kind),
		Namespace: a.Workload.Namespace, Name: a.Workload.Name, UID: state.Object.GetUID(),
	}
	// The run's context ends before the faults are undone.
	posting, stop := context.WithCancel(context.WithoutCancel(ctx))
	a.stop = stop
	queue := a.queue
	a.posting.Go(func() { a.post(posting, queue) })
	rec.Tap(a.see)
	return nil
}

// Allow returns nil.
func (a *Announcer) Allow(context.Context, time.Duration) error { return nil }

// Watch returns nil when ctx ends.
func (a *Announcer) Watch(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// End waits up to 5 s for the queued events to be created. It returns nil.
func (a *Announcer) End(ctx context.Context) error {
	if a.queue == nil {
		return nil
	}
	// The record has no more injections and removals, so see sends no more.
	close(a.queue)
	a.queue = nil
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	defer context.AfterFunc(ctx, a.stop)()
	a.posting.Wait()
	a.stop()
	return nil
}

// see queues the event for an entry of the record. It never blocks.
func (a *Announcer) see(e record.Entry) {
	var event *eventsv1.Event
	switch {
	case e.Injection != nil && len(e.Injection.Targets) > 0:
		a.injected[e.Injection.Index] = !e.Injection.OneShot
		event = a.event(e.At, FaultInjected, corev1.EventTypeWarning, "Inject", e.Injection.Fault)
	case e.Removal != nil && e.Removal.Error != "":
		event = a.event(e.At, FaultNotRemoved, corev1.EventTypeWarning, "Recover", e.Removal.Fault+`: it may still be in place; "aftershock sweep" removes it`)
	case e.Removal != nil && a.injected[e.Removal.Index]:
		event = a.event(e.At, FaultRemoved, corev1.EventTypeNormal, "Recover", e.Removal.Fault)
	default:
		return
	}
	select {
	case a.queue <- event:
	default: // the API has not answered for long; post has added a note
	}
}

// event returns an event on the workload. Its name must be unique; it is built as
// client-go's recorder builds it.
func (a *Announcer) event(at time.Duration, reason, kind, action, what string) *eventsv1.Event {
	when := a.rec.Clock().Start().Add(at)
	host, _ := os.Hostname()
	return &eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: a.about.Namespace,
			Name:      fmt.Sprintf("%s.%x", a.about.Name, when.UnixNano()),
			Labels:    faults.Labels(a.rec.Run()),
		},
		EventTime:           metav1.NewMicroTime(when),
		ReportingController: Controller,
		ReportingInstance:   "aftershock-" + host, // the same for each run on a machine
		Action:              action,
		Reason:              reason,
		Regarding:           a.about,
		Note:                redact.Excerpt(a.Experiment+": "+what, longest),
		Type:                kind,
	}
}

// post creates events until the queue is closed. Only the first failure adds a note.
func (a *Announcer) post(ctx context.Context, queue <-chan *eventsv1.Event) {
	noted := false
	for event := range queue {
		err := func() error {
			ctx, cancel := context.WithTimeout(ctx, within)
			defer cancel()
			return a.Client.Create(ctx, event)
		}()
		if err != nil && !noted {
			noted = true
			a.rec.Note("an event on %s was not created: %v", a.Workload, kube.Explain(err, "the right to create events.events.k8s.io"))
		}
	}
}
