package record

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"sync"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A Recorder writes a record. It is safe for use by many goroutines.
type Recorder struct {
	clock steadystate.Clock
	run   string

	mu   sync.Mutex // of writing
	w    io.Writer
	err  error
	taps []func(Entry)
	pack packer

	// Its own, which nobody holds while anything is packed or written: a
	// request must not wait for a disk.
	handing sync.Mutex
	pending map[string][]Request // by signal, not yet written
}

// NewRecorder starts a record: its clock, and its header on w. Each entry is
// one Write. Write errors are kept and returned by Err, and end a run.
func NewRecorder(w io.Writer) *Recorder {
	var id [5]byte
	_, _ = rand.Read(id[:]) // never fails, see crypto/rand
	r := &Recorder{
		clock:   steadystate.StartClock(),
		run:     hex.EncodeToString(id[:]),
		w:       w,
		pending: map[string][]Request{},
	}
	r.Record(Entry{Header: &Header{Format: Format, Version: Version, Run: r.run, Started: r.clock.Start().UTC()}})
	return r
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

// Record writes an entry, with At set to now.
func (r *Recorder) Record(e Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.record(e)
}

func (r *Recorder) record(e Entry) {
	e.At = r.clock.Now()
	line, err := json.Marshal(e)
	if err == nil {
		_, err = r.w.Write(append(line, '\n'))
	}
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("write record: %w", err)
	}
	for _, tap := range r.taps {
		tap(e)
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

// blockSize is how many requests make a block: small enough to lose little,
// large enough to pack well.
const blockSize = 4096

// Request records a request of a signal. Requests are written in blocks; Flush
// writes those at hand. It waits for the writing of earlier ones only when a
// whole block is at hand.
func (r *Recorder) Request(signal string, q Request) {
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

// Flush writes the requests at hand.
func (r *Recorder) Flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handing.Lock()
	pending := r.pending
	r.pending = make(map[string][]Request, len(pending))
	r.handing.Unlock()
	for _, signal := range slices.Sorted(maps.Keys(pending)) {
		// More than one block when the writing of the last took long.
		for list := range slices.Chunk(pending[signal], blockSize) {
			r.record(Entry{Requests: &Requests{Signal: signal, List: list, pack: &r.pack}})
		}
	}
}

// Err is the first error of writing.
func (r *Recorder) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// ErrCut is reported by [Read] for a record whose last line is not whole: the
// writer was killed. Everything before it was yielded.
var ErrCut = errors.New("the record's last line is cut")

// Read yields the entries of a record in order. After an error there is
// nothing more. They can be ranged over again, as [Judge] does, if the reader
// is an io.Seeker: it is then read from its start.
func Read(in io.Reader) iter.Seq2[Entry, error] {
	begun := false
	return func(yield func(Entry, error) bool) {
		if begun {
			if err := rewind(in); err != nil {
				yield(Entry{}, fmt.Errorf("read record again: %w", err))
				return
			}
		}
		begun = true
		lines := bufio.NewReaderSize(in, 1<<16)
		for n := 1; ; n++ {
			line, err := lines.ReadBytes('\n')
			if errors.Is(err, io.EOF) {
				switch {
				case len(bytes.TrimSpace(line)) > 0:
					yield(Entry{}, fmt.Errorf("line %d: %w", n, ErrCut))
				case n == 1:
					yield(Entry{}, errors.New("the record is empty"))
				}
				return
			}
			if err != nil {
				yield(Entry{}, fmt.Errorf("read record: %w", err))
				return
			}
			var e Entry
			if err := json.Unmarshal(line, &e); err != nil {
				yield(Entry{}, fmt.Errorf("record, line %d: %w", n, err))
				return
			}
			if n == 1 {
				if err := e.checkHeader(); err != nil {
					yield(Entry{}, err)
					return
				}
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

func rewind(in io.Reader) error {
	seeker, ok := in.(io.Seeker)
	if !ok {
		return errors.New("want a file, or another io.Seeker")
	}
	_, err := seeker.Seek(0, io.SeekStart)
	return err
}

func (e Entry) checkHeader() error {
	switch {
	case e.Header == nil || e.Header.Format != Format:
		return fmt.Errorf("not a record: the first line has no header with format %q", Format)
	case e.Header.Version != Version:
		return fmt.Errorf("record version %d: this program reads version %d", e.Header.Version, Version)
	}
	return nil
}
