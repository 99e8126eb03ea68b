package chaosmesh

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A sighting is a watch event and when it arrived.
type sighting struct {
	watch.Event
	at time.Duration
}

// follow watches until stop is called, which waits for its goroutine. The
// channel is closed when the watch ends; there is no second watch, because
// what it would have told is also read from time to time.
func follow(ctx context.Context, c client.WithWatch, clock steadystate.Clock, list client.ObjectList, opts ...client.ListOption) (seen <-chan sighting, stop func(), err error) {
	w, err := c.Watch(ctx, list, opts...)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	sightings := make(chan sighting)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(sightings)
		for {
			select {
			case <-ctx.Done():
				return
			case event, ok := <-w.ResultChan():
				if !ok {
					return
				}
				// Dated here and not where it is used: the reader may be busy.
				select {
				case <-ctx.Done():
					return
				case sightings <- sighting{Event: event, at: clock.Now()}:
				}
			}
		}
	})
	return sightings, func() {
		cancel()
		w.Stop()
		wg.Wait()
	}, nil
}
