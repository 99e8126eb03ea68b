package load

import (
	"sync"
	"time"
)

// A Window is when a load is driven. Workers that drive the shares of one load
// drive exactly that load if all begin at one instant and end at one, and what
// is due between them is sent by each however busy its machine is.
type Window struct {
	start time.Time

	mu    sync.Mutex
	end   time.Duration // after the start
	known chan struct{} // is closed when the end is
}

// NewWindow is a window without an end, as yet. The first request is due after
// start as it would be after the beginning of an attack.
func NewWindow(start time.Time) *Window { return &Window{start: start, known: make(chan struct{})} }

// End says how long after its start the window ends: requests that are due
// sooner are sent still, and no others. It may be over already. The first word
// counts.
func (w *Window) End(after time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.known:
	default:
		w.end = after
		close(w.known)
	}
}

// ending is closed when the end is known; nil if it is. Without a window there
// is none.
func (w *Window) ending() <-chan struct{} {
	if w == nil {
		return nil
	}
	select {
	case <-w.known:
		return nil
	default:
		return w.known
	}
}

// over reports whether what is due at an instant is due after the end.
func (w *Window) over(due time.Time) bool {
	if w == nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.known:
		return due.Sub(w.start) >= w.end
	default:
		return false
	}
}

// In is the load in a window, at whose end [HTTP.Drive] returns too.
func (h HTTP) In(w *Window) HTTP {
	h.window = w
	return h
}
