package load

import (
	"sync"
	"time"
)

// A Window is the time in which a load is driven. Workers that drive the shares
// of one load drive exactly that load if all start at one instant and end at
// one; each sends the requests due in between however busy its machine is.
type Window struct {
	start time.Time

	mu    sync.Mutex
	end   time.Duration // after the start
	known chan struct{} // closed when the end is set
}

// NewWindow is a window without an end yet. The first request is due after
// start as it would be after the beginning of an attack.
func NewWindow(start time.Time) *Window { return &Window{start: start, known: make(chan struct{})} }

// End sets the end of the window, as an offset from its start: only requests
// that are due before are sent. It may be in the past. Only the first call
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

// ending is closed when the end is set; nil if it is. Without a window there is
// none.
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

// over reports whether the instant is after the end.
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

// In is the load within a window; [HTTP.Drive] returns at the window's end.
func (h HTTP) In(w *Window) HTTP {
	h.window = w
	return h
}
