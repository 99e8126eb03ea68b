package kube

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/steadystate"
)

// An Arrival is a watch event with its time of arrival.
type Arrival struct {
	watch.Event
	at time.Duration
}

type arrival = Arrival

// At is when the event arrived.
func (a Arrival) At() time.Duration { return a.at }

// Arrivals starts one watch request and dates its events as they arrive, however
// busy the reader is. The channel closes when either side ends the request. It
// does not reconnect; [Watch.Follow] does. stop ends the request and waits for
// its goroutine. The error is that of the start.
func Arrivals(ctx context.Context, c client.WithWatch, clock steadystate.Clock, list client.ObjectList, options ...client.ListOption) (events <-chan Arrival, stop func(), err error) {
	s, err := begin(ctx, c, clock, list, options)
	if err != nil {
		return nil, nil, err
	}
	return s.events, s.stop, nil
}

// A stream is one watch request. It dates events as they arrive, however busy
// their reader is, and closes the channel when the request ends.
type stream struct {
	events <-chan arrival
	stop   func() // waits
}

// ahead is the number of events that may be dated before they are read.
const ahead = 1024

func begin(ctx context.Context, c client.WithWatch, clock steadystate.Clock, list client.ObjectList, options []client.ListOption) (*stream, error) {
	w, err := c.Watch(ctx, list, options...)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	events := make(chan arrival, ahead)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(events)
		for {
			select {
			case <-ctx.Done():
				return
			case event, ok := <-w.ResultChan():
				if !ok {
					return
				}
				select {
				case <-ctx.Done():
					return
				case events <- arrival{Event: event, at: clock.Now()}:
				}
			}
		}
	})
	return &stream{events: events, stop: func() {
		cancel()
		w.Stop()
		wg.Wait()
	}}, nil
}
