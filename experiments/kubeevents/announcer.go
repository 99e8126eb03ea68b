package kubeevents

import (
	"context"
	"fmt"
	"os"
	"strings"
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
)

// The reasons of the events.
const (
	FaultInjected   = "FaultInjected"
	FaultRemoved    = "FaultRemoved"
	FaultNotRemoved = "FaultNotRemoved"
)

// Controller is the reporting controller of the events.
const Controller = "aftershock.dev/aftershock"

// An Announcer announces the faults of an experiment on a workload. It refuses
// nothing: it is a safeguard because one lasts until every fault is undone, also
// after an interrupt.
type Announcer struct {
	Client     client.Client
	Workload   kube.Workload
	Experiment string // the beginning of each message

	rec      *record.Recorder
	about    corev1.ObjectReference
	queue    chan *eventsv1.Event
	injected map[int]bool // of the run's faults, by index
	posting  sync.WaitGroup
	stop     context.CancelFunc
}

var _ experiments.Safeguard = (*Announcer)(nil)

const (
	// within is how long the creation of an event may take, and the rest of them
	// once the run has ended.
	within = 5 * time.Second
	// waiting is how many events may wait to be created; a run has two for each
	// fault.
	waiting = 256
	// longest is the API's limit on the length of a message.
	longest = 1024
)

// String says what it does.
func (a *Announcer) String() string { return "events on " + a.Workload.String() }

// Begin follows the record of a run.
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
		APIVersion: "apps/v1", Kind: string(a.Workload.Kind),
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

// Allow allows.
func (a *Announcer) Allow(context.Context, time.Duration) error { return nil }

// Watch ends nothing.
func (a *Announcer) Watch(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// End waits until the events are created.
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

// see queues the event of an entry of the record. It never waits.
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
	default: // the API has not answered for a long time, as a note says
	}
}

// event is an event of the workload. Its name must be unique, and is made as
// client-go's recorder makes it.
func (a *Announcer) event(at time.Duration, reason, kind, action, what string) *eventsv1.Event {
	when := a.rec.Clock().Start().Add(at)
	host, _ := os.Hostname()
	message := strings.ToValidUTF8(a.Experiment+": "+what, "?")
	if len(message) > longest {
		message = strings.ToValidUTF8(message[:longest-3], "") + "..."
	}
	return &eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: a.about.Namespace,
			Name:      fmt.Sprintf("%s.%x", a.about.Name, when.UnixNano()),
			Labels:    faults.Labels(a.rec.Run()),
		},
		EventTime:           metav1.NewMicroTime(when),
		ReportingController: Controller,
		ReportingInstance:   "aftershock-" + host, // that of a machine, and not of a run
		Action:              action,
		Reason:              reason,
		Regarding:           a.about,
		Note:                message,
		Type:                kind,
	}
}

// post creates events until there are no more. The first failure is noted.
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
