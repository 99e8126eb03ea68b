package record

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
)

// An Encoder writes entries as the lines of a record. Each line ends with a
// checksum of itself and of all lines before it, so that a reader finds any
// damage: a changed byte, and a missing, moved or duplicated line. It is not
// safe for concurrent use.
type Encoder struct {
	w    io.Writer
	sum  uint32 // of the lines so far
	pack packer
	err  error
}

// NewEncoder makes the encoder of a record that begins on w.
func NewEncoder(w io.Writer) *Encoder {
	c := &Encoder{w: w}
	if w == nil {
		c.err = errors.New("write record: no writer")
	}
	return c
}

// Encode writes an entry unchanged, in one Write. After a Write that did not write
// all it writes nothing more: the record is cut there, which a reader can tell from
// damage. The error of one that did is returned, and the record goes on.
func (c *Encoder) Encode(e Entry) error {
	if c.err != nil {
		return c.err
	}
	if e.Requests != nil {
		block := *e.Requests
		block.pack = &c.pack
		e.Requests = &block
	}
	text, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("write record: %w", err)
	}
	line, sum := seal(text, c.sum)
	n, err := c.w.Write(line)
	if err != nil {
		err = fmt.Errorf("write record: %w", err)
	}
	if n < len(line) {
		c.err = cmp.Or(err, fmt.Errorf("write record: %w", io.ErrShortWrite))
		return c.err
	}
	c.sum = sum
	return err
}

// castagnoli is CRC-32C, which finds every change of up to 32 bits in a row.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ending closes an entry's object in its line, with the checksum of the text
// before it and of all earlier lines.
func ending(sum uint32) string { return fmt.Sprintf(",\"sum\":\"%08x\"}\n", sum) }

// seal makes a line of an entry's JSON object.
func seal(text []byte, before uint32) (line []byte, sum uint32) {
	text = text[:len(text)-1] // its brace
	sum = crc32.Update(before, castagnoli, text)
	return append(text, ending(sum)...), sum
}

// unseal returns the JSON object of a line, which it overwrites.
func unseal(line []byte, before uint32) (text []byte, sum uint32, err error) {
	if n := len(line) - len(ending(0)); n > 0 {
		sum = crc32.Update(before, castagnoli, line[:n])
		if string(line[n:]) == ending(sum) {
			return append(line[:n], '}'), sum, nil
		}
	}
	return nil, 0, errors.New("the checksum is wrong: this line was changed, or one before it was removed, moved or added")
}

// strict decodes one JSON value and refuses unknown fields: this version must
// not judge what it does not understand.
func strict(text []byte, v any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more than one value")
	}
	return nil
}

// ErrCut is reported by [Read] for a record with an incomplete last line: the
// writer was killed. Read yields everything before it.
var ErrCut = errors.New("the record's last line is cut")

// ErrEmpty is reported by [Read] for a record without a line.
var ErrEmpty = errors.New("the record is empty")

// Read yields the entries of a record in order. Any damage except a cut, and any
// entry that is invalid in the record of one run, is an error with its line. The
// sequence ends after an error.
//
// Entries can be ranged over again, as judging does, if in is an io.Seeker,
// which is read from its start each time, or a *bytes.Buffer, which keeps its
// content.
func Read(in io.Reader) iter.Seq2[Entry, error] {
	if buffer, ok := in.(*bytes.Buffer); ok {
		in = bytes.NewReader(buffer.Bytes())
	}
	begun := false
	return func(yield func(Entry, error) bool) {
		// A pipe cannot be rewound, which matters only after the first time.
		if err := rewind(in); err != nil && begun {
			yield(Entry{}, fmt.Errorf("read record again: %w", err))
			return
		}
		begun = true
		lines := bufio.NewReaderSize(in, 1<<16)
		var sum uint32
		var whole sequence
		for n := 1; ; n++ {
			line, err := lines.ReadBytes('\n')
			if errors.Is(err, io.EOF) {
				switch {
				case len(line) > 0:
					yield(Entry{}, fmt.Errorf("line %d: %w", n, ErrCut))
				case n == 1:
					yield(Entry{}, ErrEmpty)
				}
				return
			}
			if err != nil {
				yield(Entry{}, fmt.Errorf("read record: %w", err))
				return
			}
			if n == 1 {
				if err := checkVersion(line); err != nil {
					yield(Entry{}, err)
					return
				}
			}
			var e Entry
			text, next, err := unseal(line, sum)
			if err == nil {
				err = strict(text, &e)
			}
			if err == nil {
				err = whole.take(e)
			}
			if err != nil {
				yield(Entry{}, fmt.Errorf("record, line %d: %w", n, err))
				return
			}
			sum = next
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

// checkVersion checks the first line of a record of any version.
func checkVersion(line []byte) error {
	var first struct {
		Header struct {
			Format  string
			Version int
		}
	}
	if err := json.Unmarshal(line, &first); err != nil || first.Header.Format != Format {
		return fmt.Errorf("not a record: line 1 has no header with format %q", Format)
	}
	if v := first.Header.Version; v != Version {
		return fmt.Errorf("record version %d: this program reads version %d; judge it with the release that recorded it, or run the experiment again", v, Version)
	}
	return nil
}
