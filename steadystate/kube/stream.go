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

// At returns when the event arrived, on the clock given to [Arrivals].
func (a Arrival) At() time.Duration { return a.at }

// ahead is the number of events that may be dated before they are read.
const ahead = 1024

// Arrivals starts one watch request and dates its events as they arrive, however
// busy the reader is. The channel closes when either side ends the request. It
// does not reconnect; [Watch.Follow] does. stop ends the request and waits for
// its goroutine. The error is that of the start.
func Arrivals(ctx context.Context, c client.WithWatch, clock steadystate.Clock, list client.ObjectList, options ...client.ListOption) (events <-chan Arrival, stop func(), err error) {
	w, err := c.Watch(ctx, list, options...)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	dated := make(chan Arrival, ahead)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(dated)
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
				case dated <- Arrival{Event: event, at: clock.Now()}:
				}
			}
		}
	})
	return dated, func() {
		cancel()
		w.Stop()
		wg.Wait()
	}, nil
}
