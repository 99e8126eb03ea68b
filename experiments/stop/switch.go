package stop

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// A Switch ends its run when a person stops it.
type Switch struct {
	Client client.WithWatch
	// Namespace is the namespace of the ConfigMap.
	Namespace string
	// Services are the workloads that the run hits, by service name.
	Services map[string]kube.Workload

	rec *record.Recorder
}

var _ experiments.Safeguard = (*Switch)(nil)

// String describes the switch.
func (s *Switch) String() string { return "stop" }

// Begin refuses the run while a stop is in force, or if that is unknown.
func (s *Switch) Begin(ctx context.Context, rec *record.Recorder) error {
	s.rec = rec
	return begin(ctx, s.look)
}

// Allow reads the stops again, and returns an error as [Switch.Begin] does.
func (s *Switch) Allow(ctx context.Context, _ time.Duration) error { return allow(ctx, s.look) }

// Watch returns an error once a stop is set, or the stops could not be read for
// some seconds.
func (s *Switch) Watch(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	changed, done := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(done)
		s.alarm(ctx, changed)
	}()
	defer func() { cancel(); <-done }()
	return follow(ctx, changed, s.look)
}

// End returns nil.
func (s *Switch) End(context.Context) error { return nil }

// look is the stop of this run that is in force; empty: there is none.
func (s *Switch) look(ctx context.Context) (why string, err error) {
	stops, err := Read(ctx, s.Client, s.Namespace)
	if err != nil {
		return "", err
	}
	for _, stop := range stops {
		if stop.InForce(time.Now()) && stop.On(s.rec.Run(), s.Services) {
			return stop.String() + "; " + stop.Hint(), nil
		}
	}
	return "", nil
}

// alarm tells that the ConfigMap may have changed, until ctx ends. That is for
// speed: the ConfigMap is read every second besides.
func (s *Switch) alarm(ctx context.Context, changed chan<- struct{}) {
	noted := false
	for ctx.Err() == nil {
		events, stop, err := kube.Arrivals(ctx, s.Client, s.rec.Clock(), &corev1.ConfigMapList{}, client.InNamespace(s.Namespace), client.MatchingFields{"metadata.name": Name})
		if err == nil {
			for range events {
				select {
				case changed <- struct{}{}:
				default: // it is told already
				}
			}
			stop()
		} else if ctx.Err() == nil && !noted {
			noted = true
			s.rec.Note("a stop is seen up to %s late: watch ConfigMap %s in %s: %v", every, Name, s.Namespace, kube.Explain(err, "the right to watch this ConfigMap"))
		}
		if experiments.Wait(ctx, every) != nil {
			return
		}
	}
}

const (
	// every is how often it is looked, and answer how long an answer may take.
	every  = time.Second
	answer = 3 * time.Second
	// blind is how old what is known may be.
	blind = 10 * time.Second
)

// A look says why a run must not be now. Empty: nothing is in the way. The error:
// that is not known.
type look func(ctx context.Context) (why string, err error)

// begin is the ending of a run that must not begin.
func begin(ctx context.Context, look look) error {
	return look.ending(ctx, record.Refused, record.Refused)
}

// allow is the ending of a run that must not inject.
func allow(ctx context.Context, look look) error {
	return look.ending(ctx, record.Stopped, record.Blind)
}

func (l look) ending(ctx context.Context, forbidden, unknown string) error {
	asking, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	why, err := l(asking)
	switch {
	case why != "":
		return experiments.Ending{Reason: forbidden, Detail: why}
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return experiments.Ending{Reason: unknown, Detail: err.Error()}
	}
	return nil
}

// follow looks until ctx ends, the run must not go on, or that has not been known
// for too long. It looks at once when something has changed.
func follow(ctx context.Context, changed <-chan struct{}, look look) error {
	known := time.Now()
	again := time.NewTicker(every)
	defer again.Stop()
	for {
		sent := time.Now()
		until := sent.Add(answer)
		if end := known.Add(blind); end.After(sent) && end.Before(until) {
			until = end
		}
		asking, cancel := context.WithDeadline(ctx, until)
		why, err := look(asking)
		cancel()
		switch {
		case why != "":
			return experiments.Ending{Reason: record.Stopped, Detail: why}
		case ctx.Err() != nil:
			return nil
		case err == nil:
			known = sent
		case time.Since(known) >= blind:
			return experiments.Ending{Reason: record.Blind, Detail: fmt.Sprintf("for %s it was not known whether the run must stop: %v", blind, err)}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-again.C:
		}
	}
}
