package experiments

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A Request is one request of the load and what became of it.
type Request struct {
	// Seq numbers the requests of one signal in the order they were sent; the
	// service sees it too.
	Seq uint64
	// Planned is when the load's schedule wanted it sent, Sent when it was,
	// Answered when the last byte of the answer was read or the failure known.
	Planned, Sent, Answered time.Duration
	Outcome
}

// An Outcome is what became of a request.
type Outcome struct {
	Code     int    `json:"code,omitempty"`  // HTTP status; 0: no answer
	Error    string `json:"error,omitempty"` // why there was no good answer
	By       string `json:"by,omitempty"`    // who answered, by the service's own word
	Attempts int    `json:"attempts"`        // connections it was written to
	// Local: the failure is of the machine that drives the load (no ports, no
	// file handles), so the request says nothing of the service.
	Local bool `json:"local,omitempty"`
}

// TimedOut is the Error of a request that had no answer in time.
const TimedOut = "time-out"

// Late is how much later than planned the request was sent.
func (r Request) Late() time.Duration { return max(0, r.Sent-r.Planned) }

// Observation is the request as an observation: the seconds it took, at some
// instant between sending and answer. More than one attempt is a failure of
// the first: HTTP clients silently repeat a request on a broken reused
// connection, the service failed all the same.
func (r Request) Observation() steadystate.Observation {
	o := steadystate.Observation{
		Span:  steadystate.Span{From: r.Sent, To: r.Answered},
		Value: (r.Answered - r.Sent).Seconds(),
	}
	switch {
	case r.Local:
		o.Unknown = "the load's machine: " + r.Error
	case r.Error != "":
		o.Failed = r.Error
	case r.Code < 200 || r.Code >= 400:
		o.Failed = strconv.Itoa(r.Code)
	case r.Attempts > 1:
		o.Failed = "answered at attempt " + strconv.Itoa(r.Attempts) + " only"
	}
	return o
}

// FailedFirst reports whether the first attempt was not answered well, and
// FailedFinally whether the client's own repetition did not help either.
func (r Request) FailedFirst() bool { return !r.Local && r.Observation().Failed != "" }

// FailedFinally reports whether no attempt was answered well.
func (r Request) FailedFinally() bool {
	r.Attempts = 1
	return r.FailedFirst()
}

// Requests are requests of one signal. In the record they are one compact
// block: columns of varints (seq step, planned step, lateness, time taken,
// outcome), deflated. Instants are kept to the microsecond, spans rounded
// outwards.
type Requests struct {
	Signal string
	List   []Request
}

type requestsJSON struct {
	Signal   string        `json:"signal"`
	N        int           `json:"n"`
	From     time.Duration `json:"from"` // the first one's Planned
	Outcomes []Outcome     `json:"outcomes"`
	Columns  []byte        `json:"columns"`
}

// MarshalJSON writes the block.
func (r Requests) MarshalJSON() ([]byte, error) {
	block := requestsJSON{Signal: r.Signal, N: len(r.List)}
	if len(r.List) > 0 {
		block.From = r.List[0].Planned.Truncate(time.Microsecond)
	}
	outcomes := map[Outcome]int{}
	column := make([][]byte, 5)
	var seq uint64
	step, planned := time.Duration(0), block.From/time.Microsecond
	for i, q := range r.List {
		index, seen := outcomes[q.Outcome]
		if !seen {
			index = len(outcomes)
			outcomes[q.Outcome] = index
			block.Outcomes = append(block.Outcomes, q.Outcome)
		}
		p := q.Planned / time.Microsecond
		sent := floor(q.Sent)
		// A schedule's steps repeat, so the change of the step is mostly zero.
		column[0] = binary.AppendVarint(column[0], int64(q.Seq-seq)) //nolint:gosec // wraps back on reading
		column[1] = binary.AppendVarint(column[1], int64(p-planned-step))
		column[2] = binary.AppendVarint(column[2], int64(sent-p))
		column[3] = binary.AppendVarint(column[3], int64(ceil(q.Answered)-sent))
		column[4] = binary.AppendUvarint(column[4], uint64(index)) //nolint:gosec // not negative
		if i > 0 {
			step = p - planned
		}
		seq, planned = q.Seq, p
	}
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.DefaultCompression)
	if err != nil {
		return nil, err
	}
	for _, c := range column {
		if _, err := w.Write(binary.AppendUvarint(nil, uint64(len(c)))); err != nil {
			return nil, err
		}
		if _, err := w.Write(c); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	block.Columns = packed.Bytes()
	return json.Marshal(block)
}

func floor(d time.Duration) time.Duration {
	us := d / time.Microsecond
	if us*time.Microsecond > d {
		us--
	}
	return us
}

func ceil(d time.Duration) time.Duration { return -floor(-d) }

// The largest block that a reader takes: a damaged or hostile record must not
// exhaust memory.
const (
	maxBlock  = 1 << 16
	maxColumn = maxBlock * binary.MaxVarintLen64
)

// UnmarshalJSON reads the block.
func (r *Requests) UnmarshalJSON(text []byte) error {
	var block requestsJSON
	if err := json.Unmarshal(text, &block); err != nil {
		return err
	}
	if block.N < 0 || block.N > maxBlock {
		return fmt.Errorf("request block: %d requests, want at most %d", block.N, maxBlock)
	}
	unpacked, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(block.Columns)), 5*(maxColumn+binary.MaxVarintLen64)))
	if err != nil {
		return fmt.Errorf("request block: %w", err)
	}
	in := bytes.NewReader(unpacked)
	column := make([]*bytes.Reader, 5)
	for i := range column {
		n, err := binary.ReadUvarint(in)
		if err != nil || n > uint64(in.Len()) { //nolint:gosec // not negative
			return fmt.Errorf("request block: column %d is cut", i)
		}
		part := make([]byte, n)
		if _, err := io.ReadFull(in, part); err != nil {
			return fmt.Errorf("request block: column %d: %w", i, err)
		}
		column[i] = bytes.NewReader(part)
	}
	list := make([]Request, 0, block.N)
	var seq uint64
	step, planned := int64(0), int64(block.From/time.Microsecond)
	for i := range block.N {
		var v [4]int64
		var errs []error
		for c := range v {
			var err error
			v[c], err = binary.ReadVarint(column[c])
			errs = append(errs, err)
		}
		index, err := binary.ReadUvarint(column[4])
		if err := errors.Join(append(errs, err)...); err != nil {
			return fmt.Errorf("request block: request %d of %d: %w", i, block.N, err)
		}
		if index >= uint64(len(block.Outcomes)) {
			return fmt.Errorf("request block: request %d: no outcome %d", i, index)
		}
		p := planned + step + v[1]
		if i > 0 {
			step = p - planned
		}
		seq, planned = seq+uint64(v[0]), p //nolint:gosec // undoes the wrap of writing
		sent := p + v[2]
		list = append(list, Request{
			Seq:      seq,
			Planned:  time.Duration(p) * time.Microsecond,
			Sent:     time.Duration(sent) * time.Microsecond,
			Answered: time.Duration(sent+v[3]) * time.Microsecond,
			Outcome:  block.Outcomes[index],
		})
	}
	*r = Requests{Signal: block.Signal, List: list}
	return nil
}
