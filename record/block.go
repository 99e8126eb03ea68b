package record

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// Requests are requests of one signal. In the record they are one compact
// block: columns of varints (seq step, planned step, lateness, time taken,
// outcome, time stalled if there is any, and skew if there is any), deflated.
// Instants are kept to the microsecond, spans rounded outwards.
type Requests struct {
	Signal string
	List   []Request

	pack *packer // the encoder's; nil: a new one
}

type requestsJSON struct {
	Signal   string        `json:"signal"`
	N        int           `json:"n"`
	From     time.Duration `json:"from"` // the first one's Planned
	Outcomes []Outcome     `json:"outcomes"`
	Columns  []byte        `json:"columns"`
}

// The columns of a block. A block may omit the last ones, as for a load that
// never stalled and was driven on the recorder's machine.
const (
	columnSeq = iota
	columnPlanned
	columnSent
	columnTook
	columnOutcome
	columnStalled
	columnSkew
	columns
)

// A packer packs columns. It is reused for every block, since a compressor takes
// a megabyte and garbage collection time. It must not be copied.
type packer struct {
	column [columns][]byte
	packed bytes.Buffer
	flate  *flate.Writer
}

// MarshalJSON writes the block.
func (r Requests) MarshalJSON() ([]byte, error) {
	block := requestsJSON{Signal: r.Signal, N: len(r.List)}
	if len(r.List) > 0 {
		block.From = r.List[0].Planned.Truncate(time.Microsecond)
	}
	pack := r.pack
	if pack == nil {
		pack = &packer{}
	}
	pack.reset()
	column := &pack.column
	outcomes := map[Outcome]int{}
	var seq uint64
	stalled, skewed := false, false
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
		column[columnSeq] = binary.AppendVarint(column[columnSeq], int64(q.Seq-seq)) //nolint:gosec // wraps back on reading
		column[columnPlanned] = binary.AppendVarint(column[columnPlanned], int64(p-planned-step))
		column[columnSent] = binary.AppendVarint(column[columnSent], int64(sent-p))
		column[columnTook] = binary.AppendVarint(column[columnTook], int64(ceil(q.Answered)-sent))
		column[columnOutcome] = binary.AppendUvarint(column[columnOutcome], uint64(index)) //nolint:gosec // not negative
		column[columnStalled] = binary.AppendVarint(column[columnStalled], int64(ceil(q.Stalled)))
		column[columnSkew] = binary.AppendVarint(column[columnSkew], int64(ceil(q.Skew)))
		stalled, skewed = stalled || q.Stalled != 0, skewed || q.Skew != 0
		if i > 0 {
			step = p - planned
		}
		seq, planned = q.Seq, p
	}
	n := columnStalled
	switch {
	case skewed:
		n = columns
	case stalled:
		n = columnSkew
	}
	if err := pack.deflate(n); err != nil {
		return nil, err
	}
	block.Columns = pack.packed.Bytes()
	return json.Marshal(block)
}

func (p *packer) reset() {
	for i := range p.column {
		p.column[i] = p.column[i][:0]
	}
	p.packed.Reset()
}

// deflate packs the first n columns, each preceded by its length.
func (p *packer) deflate(n int) error {
	if p.flate == nil {
		w, err := flate.NewWriter(&p.packed, flate.DefaultCompression)
		if err != nil {
			return err
		}
		p.flate = w
	} else {
		p.flate.Reset(&p.packed)
	}
	var length [binary.MaxVarintLen64]byte
	for _, c := range p.column[:n] {
		if _, err := p.flate.Write(binary.AppendUvarint(length[:0], uint64(len(c)))); err != nil {
			return err
		}
		if _, err := p.flate.Write(c); err != nil {
			return err
		}
	}
	return p.flate.Close()
}

func floor(d time.Duration) time.Duration {
	us := d / time.Microsecond
	if us*time.Microsecond > d {
		us--
	}
	return us
}

func ceil(d time.Duration) time.Duration { return -floor(-d) }

// The largest block that a reader accepts: a damaged or hostile record must not
// exhaust memory.
const (
	maxBlock  = 1 << 16
	maxColumn = maxBlock * binary.MaxVarintLen64
)

// UnmarshalJSON reads the block.
func (r *Requests) UnmarshalJSON(text []byte) error {
	var block requestsJSON
	if err := strict(text, &block); err != nil {
		return err
	}
	if block.N < 0 || block.N > maxBlock {
		return fmt.Errorf("request block: %d requests, want at most %d", block.N, maxBlock)
	}
	column, err := block.inflate()
	if err != nil {
		return err
	}
	// A request of the load's usual stream does not name it.
	signal := block.Signal
	if signal == TrafficSignal {
		signal = ""
	}
	list := make([]Request, 0, block.N)
	var seq uint64
	step, planned := int64(0), int64(block.From/time.Microsecond)
	for i := range block.N {
		var v [columns]int64
		var errs []error
		for c := range column {
			var err error
			if c == columnOutcome {
				var index uint64
				index, err = binary.ReadUvarint(column[c])
				v[c] = int64(min(index, math.MaxInt64)) //nolint:gosec // bounded
			} else {
				v[c], err = binary.ReadVarint(column[c])
			}
			errs = append(errs, err)
		}
		if err := errors.Join(errs...); err != nil {
			return fmt.Errorf("request block: request %d of %d: %w", i, block.N, err)
		}
		if v[columnOutcome] >= int64(len(block.Outcomes)) {
			return fmt.Errorf("request block: request %d: no outcome %d", i, v[columnOutcome])
		}
		p := planned + step + v[columnPlanned]
		if i > 0 {
			step = p - planned
		}
		seq, planned = seq+uint64(v[columnSeq]), p //nolint:gosec // undoes the wrap of writing
		sent := p + v[columnSent]
		list = append(list, Request{
			Seq:      seq,
			Planned:  time.Duration(p) * time.Microsecond,
			Sent:     time.Duration(sent) * time.Microsecond,
			Answered: time.Duration(sent+v[columnTook]) * time.Microsecond,
			Stalled:  time.Duration(v[columnStalled]) * time.Microsecond,
			Skew:     time.Duration(v[columnSkew]) * time.Microsecond,
			Signal:   signal,
			Outcome:  block.Outcomes[v[columnOutcome]],
		})
	}
	for c := range column {
		if column[c].Len() > 0 {
			return fmt.Errorf("request block: column %d holds more than %d requests", c, block.N)
		}
	}
	*r = Requests{Signal: block.Signal, List: list}
	return nil
}

// inflate unpacks the columns present.
func (b requestsJSON) inflate() ([]*bytes.Reader, error) {
	unpacked, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(b.Columns)), columns*(maxColumn+binary.MaxVarintLen64)))
	if err != nil {
		return nil, fmt.Errorf("request block: %w", err)
	}
	var list []*bytes.Reader
	for in := bytes.NewReader(unpacked); in.Len() > 0 || len(list) < columnStalled; {
		n, err := binary.ReadUvarint(in)
		if err != nil || n > uint64(in.Len()) { //nolint:gosec // not negative
			return nil, fmt.Errorf("request block: column %d is cut", len(list))
		}
		if len(list) == columns {
			return nil, fmt.Errorf("request block: more than %d columns", columns)
		}
		at := len(unpacked) - in.Len()
		list = append(list, bytes.NewReader(unpacked[at:at+int(n)])) //nolint:gosec // at most what there is
		if _, err := in.Seek(int64(n), io.SeekCurrent); err != nil { //nolint:gosec // as above
			return nil, fmt.Errorf("request block: column %d: %w", len(list)-1, err)
		}
	}
	return list, nil
}
