package record

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A Recorder writes a record. It is safe for use by many goroutines.
type Recorder struct {
	clock steadystate.Clock
	run   string

	mu    sync.Mutex // of writing
	out   *Encoder
	whole sequence
	taps  []func(Entry)

	// Guards the fields below. It is not held while packing or writing: a
	// request must not wait for a disk.
	handing sync.Mutex
	pending map[string][]Request // by signal, not yet written
	err     error                // the first one
	onError []func(error)
}

// NewRecorder starts a record: its clock, and its header on w. Each entry is one
// Write. An entry that cannot be written, or is invalid in the record of one
// run, makes an error that Err returns and OnError reports, and that ends the
// run.
func NewRecorder(w io.Writer) *Recorder {
	r := &Recorder{
		clock:   steadystate.StartClock(),
		run:     NewRun(),
		out:     NewEncoder(w),
		pending: map[string][]Request{},
	}
	r.Record(Entry{Header: &Header{Format: Format, Version: Version, Run: r.run, Started: r.clock.Start().UTC(), Tool: Tool()}})
	return r
}

// Tool is the version of this module that the running program was built with:
// aftershock, or the tests of a team's own suite.
func Tool() string {
	const module = "github.com/aftershockhq/aftershock"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == module {
			return cmp.Or(m.Version, "(devel)")
		}
	}
	return ""
}

// NewRun is a unique name for a run, see [Recorder.Run].
func NewRun() string {
	var id [5]byte
	_, _ = rand.Read(id[:]) // never fails, see crypto/rand
	return hex.EncodeToString(id[:])
}

// Run is the run's unique name: ten hexadecimal digits, fit for a label.
func (r *Recorder) Run() string { return r.run }

// Clock is the record's clock.
func (r *Recorder) Clock() steadystate.Clock { return r.clock }

// Tap calls f with each entry as it is written, in order; f must be quick and
// must not call the recorder.
func (r *Recorder) Tap(f func(Entry)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taps = append(r.taps, f)
}

// Begin records the plan and binds the recorder to one run. It fails if the
// recorder belongs to another run already, or cannot write.
func (r *Recorder) Begin(p *Plan) error {
	if r == nil || r.out == nil {
		return errors.New("no recorder: record.NewRecorder makes one")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.whole.plan {
		return fmt.Errorf("the recorder of run %s was used before: a record is of one run; make a new recorder for each", r.run)
	}
	r.record(Entry{Plan: p})
	return r.Err()
}

// Record writes an entry, with At set to now.
func (r *Recorder) Record(e Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.record(e)
}

func (r *Recorder) record(e Entry) {
	e.At = r.clock.Now()
	if err := r.whole.take(e); err != nil {
		r.fail(fmt.Errorf("write record: %w", err))
		return
	}
	if err := r.out.Encode(e); err != nil {
		r.fail(err)
	}
	for _, tap := range r.taps {
		tap(e)
	}
}

// fail keeps and reports the first error.
func (r *Recorder) fail(err error) {
	r.handing.Lock()
	defer r.handing.Unlock()
	if r.err != nil {
		return
	}
	r.err = err
	for _, f := range r.onError {
		f(err)
	}
}

// Observe records an observation of a signal.
func (r *Recorder) Observe(signal string, o steadystate.Observation) {
	r.Record(Entry{Observations: &Observations{Signal: signal, List: []steadystate.Observation{o}}})
}

// Event records an event.
func (r *Recorder) Event(e Event) { r.Record(Entry{Event: &e}) }

// Note records a remark for people.
func (r *Recorder) Note(format string, args ...any) {
	r.Record(Entry{Note: fmt.Sprintf(format, args...)})
}

// blockSize is the number of requests in a block: a crash loses few, and they
// still pack well.
const blockSize = 4096

// Request records a request of a signal. Requests are written in blocks; Flush
// writes the pending ones. Request waits for a write only when a whole block is
// pending.
func (r *Recorder) Request(signal string, q Request) {
	if err := q.validate(signal); err != nil {
		r.fail(fmt.Errorf("write record: %w", err))
		return
	}
	r.handing.Lock()
	list := r.pending[signal]
	if list == nil {
		list = make([]Request, 0, blockSize/8)
	}
	list = append(list, q)
	r.pending[signal] = list
	r.handing.Unlock()
	if len(list) >= blockSize {
		r.Flush()
	}
}

// Flush writes the pending requests.
func (r *Recorder) Flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handing.Lock()
	pending := r.pending
	r.pending = make(map[string][]Request, len(pending))
	r.handing.Unlock()
	for _, signal := range slices.Sorted(maps.Keys(pending)) {
		// There are several blocks if the last write took long.
		for list := range slices.Chunk(pending[signal], blockSize) {
			r.record(Entry{Requests: &Requests{Signal: signal, List: list}})
		}
	}
}

// FlushEvery flushes at every interval, so that a killed process loses at most
// that much, whatever the run waits for. The returned function stops it and
// waits for it.
func (r *Recorder) FlushEvery(d time.Duration) (end func()) {
	tick := time.NewTicker(d)
	done := make(chan struct{})
	var flushing sync.WaitGroup
	flushing.Go(func() {
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				r.Flush()
			}
		}
	})
	return func() {
		close(done)
		flushing.Wait()
	}
}

// Err is the first error of recording.
func (r *Recorder) Err() error {
	r.handing.Lock()
	defer r.handing.Unlock()
	return r.err
}

// OnError calls f with the first error of recording, when it occurs, or at once
// if it has; f must be quick and must not call the recorder.
func (r *Recorder) OnError(f func(error)) {
	r.handing.Lock()
	defer r.handing.Unlock()
	r.onError = append(r.onError, f)
	if r.err != nil {
		f(r.err)
	}
}
