package gate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/aftershockhq/aftershock/runs/audit"
)

// File is the name of the journal, in the directory of the records.
const File = "gate.ndjson"

// Format and Version are those of a journal's lines.
const (
	Format  = "aftershock/gate-journal"
	Version = 1
)

// A journal is all events, as JSON Lines: each has the hash of the line before. One
// process has it.
type journal struct {
	path string
	lock *os.File
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
func openJournal(dir string, book *Book) (*journal, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("open the gate's journal: %w", err)
	}
	j := &journal{path: filepath.Join(dir, File)}
	var err error
	if j.lock, err = os.OpenFile(filepath.Join(dir, ".gate.lock"), os.O_CREATE|os.O_RDWR, 0o644); err != nil {
		return nil, fmt.Errorf("open the gate's journal: %w", err)
	}
	if err := syscall.Flock(int(j.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = j.lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("open the gate's journal: another gate has %s; end it, or choose another directory", dir)
		}
		return nil, fmt.Errorf("lock %s: %w; a gate needs a file system that can lock files (flock)", dir, err)
	}
	if err := j.read(book); err != nil {
		return nil, errors.Join(err, j.close())
	}
	return j, nil
}

func (j *journal) read(book *Book) error {
	text, err := os.ReadFile(j.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the gate's journal: %w", err)
	}
	whole := text[:bytes.LastIndexByte(text, '\n')+1]
	if len(whole) < len(text) {
		if err := os.Truncate(j.path, int64(len(whole))); err != nil {
			return fmt.Errorf("read the gate's journal: %w", err)
		}
	}
	previous, n := "", 0
	for raw := range bytes.Lines(whole) {
		n++
		raw = bytes.TrimSuffix(raw, []byte("\n"))
		var l line
		d := json.NewDecoder(bytes.NewReader(raw))
		d.DisallowUnknownFields()
		err := d.Decode(&l)
		switch {
		case err != nil:
		case l.Format != Format || l.Version != Version:
			err = fmt.Errorf("it has format %q, version %d; this program reads %s, %d", l.Format, l.Version, Format, Version)
		case l.Previous != previous:
			err = errors.New("it does not follow the line before, which was changed or removed")
		default:
			err = book.Apply(l.Event)
		}
		if err != nil {
			return fmt.Errorf("read the gate's journal: %s, line %d: %w; what it knew of builds cannot be believed: sweep, and begin with another directory", j.path, n, err)
		}
		previous = audit.Hash(raw)
	}
	return nil
}

// append writes events, all or none, to the disk.
func (j *journal) append(events ...Event) error {
	return audit.Append(j.path, "write the gate's journal", func(before []byte) ([]byte, error) {
		previous := ""
		if last := bytes.TrimSuffix(before, []byte("\n")); len(last) > 0 {
			previous = audit.Hash(last[bytes.LastIndexByte(last, '\n')+1:])
		}
		var out bytes.Buffer
		for _, e := range events {
			text, err := json.Marshal(line{Format: Format, Version: Version, Event: e, Previous: previous})
			if err != nil {
				return nil, fmt.Errorf("write the gate's journal: %w", err)
			}
			previous = audit.Hash(text)
			out.Write(append(text, '\n'))
		}
		return out.Bytes(), nil
	})
}

// close gives the journal up.
func (j *journal) close() error { return j.lock.Close() }
