package gate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/aftershockhq/aftershock/internal/disk"
	"github.com/aftershockhq/aftershock/runs/audit"
)

// File is the name of the journal, in the directory of the records.
const File = "gate.ndjson"

// Format and Version are those of a journal's lines. Those of version 1 have no
// [Event.Again], and are read, too.
const (
	Format  = "aftershock/gate-journal"
	Version = 2
)

// A journal is all events, as JSON Lines: each has the hash of the line before. One
// process has it.
type journal struct {
	file     *os.File // locked
	size     int64    // of what is known to be on disk
	previous string   // the hash of its last line
}

type line struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	Event
	// Previous is the SHA-256 of the line before, in hexadecimal.
	Previous string `json:"previous"`
}

// openJournal takes the journal of a directory, and applies its events to a book. A
// last line that was cut was never acted on, and is removed.
func openJournal(dir string, b *book) (*journal, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("open the gate's journal: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, File), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the gate's journal: %w", err)
	}
	j := &journal{file: file}
	if err := disk.TryLock(file, syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("open the gate's journal: %w; end the other gate, or choose another directory", err), j.close())
	}
	if err := j.read(b); err != nil {
		return nil, errors.Join(err, j.close())
	}
	return j, nil
}

func (j *journal) read(b *book) error {
	text, err := io.ReadAll(j.file)
	if err != nil {
		return fmt.Errorf("read the gate's journal: %w", err)
	}
	whole := text[:bytes.LastIndexByte(text, '\n')+1]
	n := 0
	for raw := range bytes.Lines(whole) {
		n++
		raw = bytes.TrimSuffix(raw, []byte("\n"))
		var l line
		d := json.NewDecoder(bytes.NewReader(raw))
		d.DisallowUnknownFields()
		err := d.Decode(&l)
		switch {
		case err != nil:
		case l.Format != Format || l.Version < 1 || l.Version > Version:
			err = fmt.Errorf("it has format %q, version %d; this program reads %s, 1 to %d", l.Format, l.Version, Format, Version)
		case l.Previous != j.previous:
			err = errors.New("it does not follow the line before, which was changed or removed")
		default:
			err = b.Apply(l.Event)
		}
		if err != nil {
			return fmt.Errorf("read the gate's journal: %s, line %d: %w; what it knew of builds cannot be believed: sweep, and begin with another directory", j.file.Name(), n, err)
		}
		j.previous = audit.Hash(raw)
	}
	j.size = int64(len(whole))
	return nil
}

// append writes events, all or none, to the disk. What an append that failed has left
// in the file is written over by the next one.
func (j *journal) append(events ...Event) error {
	var out bytes.Buffer
	previous := j.previous
	for _, e := range events {
		text, err := json.Marshal(line{Format: Format, Version: Version, Event: e, Previous: previous})
		if err != nil {
			return fmt.Errorf("write the gate's journal: %w", err)
		}
		previous = audit.Hash(text)
		out.Write(append(text, '\n'))
	}
	err := j.inPlace()
	if err == nil {
		err = j.file.Truncate(j.size)
	}
	if err == nil {
		_, err = j.file.WriteAt(out.Bytes(), j.size)
	}
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		return fmt.Errorf("write the gate's journal: %w", errors.Join(err, j.file.Truncate(j.size)))
	}
	j.size, j.previous = j.size+int64(out.Len()), previous
	return nil
}

// probe is why the journal cannot be written, as by a full disk. What it writes for that
// is no line, and is removed.
func (j *journal) probe() error {
	err := j.inPlace()
	if err == nil {
		_, err = j.file.WriteAt(bytes.Repeat([]byte(" "), 64<<10), j.size)
	}
	if err == nil {
		err = j.file.Sync()
	}
	if err = errors.Join(err, j.file.Truncate(j.size)); err != nil {
		return fmt.Errorf("write the gate's journal: %w", err)
	}
	return nil
}

// inPlace is why the journal is not in its directory any more: what is written to it then,
// the next gate there would not know, and its lock would not keep that one out.
func (j *journal) inPlace() error {
	there, err := os.Stat(j.file.Name())
	if err != nil {
		return err
	}
	is, err := j.file.Stat()
	if err == nil && !os.SameFile(is, there) {
		err = fmt.Errorf("%s is another file than before: end this gate, which began with the other", j.file.Name())
	}
	return err
}

// close gives the journal up.
func (j *journal) close() error { return j.file.Close() }
