package kube

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/steadystate"
)

// An arrival is a watch event and when it arrived.
type arrival struct {
	watch.Event
	at time.Duration
}

// A stream is one watch request. Its events are dated as they arrive, however
// busy their reader is; the channel is closed when the request ends.
type stream struct {
	events <-chan arrival
	stop   func() // waits
}

// ahead is how many events may be dated before they are read.
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
