package load

import (
	"fmt"
	"sync"

	"github.com/aftershockhq/aftershock/experiments"
)

// A handover passes requests on to whoever records them, and never waits for
// him: while he packs and writes, the attack goes on. It holds as many as it
// has room for; beyond that they are lost, which is an error.
type handover struct {
	requests chan experiments.Request
	done     chan struct{}

	once sync.Once
	lost error
}

// startHandover begins to call each from one goroutine.
func startHandover(room int, each func(experiments.Request)) *handover {
	h := &handover{requests: make(chan experiments.Request, room), done: make(chan struct{})}
	go func() {
		defer close(h.done)
		for q := range h.requests {
			each(q)
		}
	}()
	return h
}

// pass hands a request over. The error says that it was lost.
func (h *handover) pass(q experiments.Request) error {
	select {
	case h.requests <- q:
		return nil
	default:
	}
	err := fmt.Errorf("load: record request %d: whoever records them is behind by more than %d requests: is the disk full, or this machine too busy?", q.Seq, cap(h.requests))
	h.once.Do(func() { h.lost = err })
	return err
}

// end waits until all were handed over, after the last pass. The error is that
// of the first request that was lost.
func (h *handover) end() error {
	close(h.requests)
	<-h.done
	return h.lost
}
