package load

import (
	"fmt"
	"sync"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/record"
)

// A queue passes requests on to the recorder without ever blocking the attack,
// even while the recorder packs and writes. Requests beyond its capacity are
// lost, which is an error.
type queue struct {
	requests chan record.Request
	done     chan struct{}

	once sync.Once
	lost error
}

// startQueue starts one goroutine that calls each. If that panics, it calls stop
// with the error, and the rest is lost.
func startQueue(room int, each func(record.Request), stop func(error)) *queue {
	h := &queue{requests: make(chan record.Request, room), done: make(chan struct{})}
	go func() {
		defer close(h.done)
		if err := experiments.CatchPanic(func() error {
			for q := range h.requests {
				each(q)
			}
			return nil
		}); err != nil {
			h.lose(err)
			stop(err)
			for range h.requests { // so that pass never waits
			}
		}
	}()
	return h
}

func (h *queue) lose(err error) { h.once.Do(func() { h.lost = err }) }

// pass queues a request. The error says that it was lost.
func (h *queue) pass(q record.Request) error {
	select {
	case h.requests <- q:
		return nil
	default:
	}
	err := fmt.Errorf("load: record request %d: the recorder is behind by more than %d requests: is the disk full, or this machine too busy?", q.Seq, cap(h.requests))
	h.lose(err)
	return err
}

// end waits until the queue is empty, after the last pass. The error is that of
// the first lost request.
func (h *queue) end() error {
	close(h.requests)
	<-h.done
	return h.lost
}
