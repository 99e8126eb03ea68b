package audit

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/aftershockhq/aftershock/internal/disk"
	"github.com/aftershockhq/aftershock/record"
)

// File is the name of the chain in its directory.
const File = "audit.jsonl"

// Format and Version name the format of the chain in its first line.
const (
	Format  = "aftershock/audit"
	Version = 1
)

// What the lines of a chain say.
const (
	Opened    = "opened"    // the chain begins; the first line
	Found     = "found"     // the record was there when the chain began
	Begun     = "begun"     // the record is about to be written
	Finished  = "finished"  // the record is complete
	Abandoned = "abandoned" // the record was left unfinished by a process that is gone, and found so later
	Extended  = "extended"  // the log, a file to which lines are only appended, has grown to this
)

// A Line is a line of the chain.
type Line struct {
	Format  string    `json:"format,omitempty"` // of the first one
	Version int       `json:"version,omitempty"`
	N       int       `json:"n"` // from 0
	Time    time.Time `json:"time"`
	Event   string    `json:"event"`
	Record  string    `json:"record,omitempty"` // the path below the directory, with slashes; also of a log
	Run     string    `json:"run,omitempty"`    // see [record.Recorder.Run]
	Size    int64     `json:"size,omitempty"`   // of the record, in bytes
	SHA256  string    `json:"sha256,omitempty"` // of the record, in hexadecimal
	// Previous is the SHA-256 of the line before this one, without its line end.
	Previous string `json:"previous,omitempty"`
}

// A Chain is that of the records in the directories below Dir.
type Chain struct {
	Dir string

	known *Verifier // digests that it has; nil: none
}

// IsChain reports whether a file is a chain, by how it begins: a record may have
// the same name.
func IsChain(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close() //nolint:errcheck // only read
	begin := make([]byte, len(opening))
	_, err = io.ReadFull(file, begin)
	return err == nil && string(begin) == opening
}

const opening = `{"format":"` + Format + `"`

// Create makes a record's file, which must not be there, and locks it for as long as
// it is open. A record that is not locked from its first byte on may be taken for one
// that was left, by a run that begins the chain at that moment.
func Create(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := disk.Lock(file, syscall.LOCK_EX); err != nil {
		return nil, errors.Join(err, file.Close(), os.Remove(path))
	}
	return file, nil
}

// Begin chains that a run begins to write a record. The record is one from [Create],
// or is locked now if nothing was written to it: the lock tells one under way from one
// that was abandoned. Records that were abandoned before are chained as they are.
func (c Chain) Begin(file *os.File, run string) error {
	if err := disk.Lock(file, syscall.LOCK_EX); err != nil {
		return err
	}
	path, err := c.path(file.Name())
	if err != nil {
		return err
	}
	_, err = c.add(func(lines []chained) ([]Line, error) {
		added, err := c.left(lines)
		return append(added, Line{Event: Begun, Record: path, Run: run}), err
	})
	return err
}

// Finish chains a complete record, and returns the hash of its line. It syncs the
// record first: the chain must not know more than the disk.
func (c Chain) Finish(file *os.File, run string) (head string, err error) {
	path, err := c.path(file.Name())
	if err != nil {
		return "", err
	}
	if err := file.Sync(); err != nil {
		return "", fmt.Errorf("chain %s: %w", file.Name(), err)
	}
	done, err := c.digest(path)
	if err != nil {
		return "", err
	}
	done.Event, done.Run = Finished, run
	return c.add(func([]chained) ([]Line, error) { return []Line{done}, nil })
}

// Extend chains a log as it is now: all of it is there from then on, and more may
// follow. It is called before a log has its first line, and after each that is
// appended. It returns the hash of its line.
func (c Chain) Extend(log string) (head string, err error) {
	path, err := c.path(log)
	if err != nil {
		return "", err
	}
	return c.add(func(lines []chained) (added []Line, err error) {
		if len(lines) == 0 {
			if added, err = c.left(lines); err != nil {
				return nil, err
			}
		}
		file, err := os.Open(log)
		if err != nil {
			return nil, fmt.Errorf("chain log: %w", err)
		}
		defer file.Close() //nolint:errcheck // only read
		if err := disk.Lock(file, syscall.LOCK_SH); err != nil {
			return nil, err // no run appends half a line meanwhile
		}
		line, err := c.digest(path)
		line.Event = Extended
		return append(added, line), err
	})
}

// Head is the hash of the last line. The error wraps [ErrNoChain] where there is none.
func (c Chain) Head() (string, error) {
	lines, err := c.read()
	if err != nil || len(lines) == 0 {
		return "", err
	}
	return lines[len(lines)-1].hash, nil
}

// read reads the lines. The error wraps [ErrNoChain] where there are none.
func (c Chain) read() ([]chained, error) {
	text, err := os.ReadFile(filepath.Join(c.Dir, File))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w in %s", ErrNoChain, c.Dir)
	case err != nil:
		return nil, fmt.Errorf("read the chain: %w", err)
	}
	lines, _ := parse(text)
	return lines, nil
}

// Cut says what of a log is no more as it was chained; empty: all is, and more may
// follow. The error wraps [ErrNoChain] where there is none.
func (c Chain) Cut(log string) (why string, err error) {
	path, err := c.path(log)
	if err != nil {
		return "", err
	}
	lines, err := c.read()
	if err != nil {
		return "", err
	}
	var of []Line
	for _, l := range lines {
		if l.err == nil && l.Event == Extended && l.Record == path {
			of = append(of, l.Line)
		}
	}
	if len(of) == 0 {
		return "no line of the chain names it: it was put there, or the chain's end was cut", nil
	}
	_, why, _, err = c.grown(of)
	return why, err
}

// grown says how a log differs from any of the lines that chained it as it grew, if
// it does, and how many bytes were appended since: what follows a change must not
// hide it.
func (c Chain) grown(lines []Line) (kind, why string, more int64, err error) {
	file, err := os.Open(c.absolute(lines[0].Record))
	if err != nil {
		return "", "", 0, fmt.Errorf("look at log: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	longest := slices.MaxFunc(lines, func(a, b Line) int { return cmp.Compare(a.Size, b.Size) }).Size
	sum, size := sha256.New(), int64(0)
	for _, line := range lines {
		if line.Size < size {
			return Truncated, fmt.Sprintf("it had %d bytes, and %d later: its end was cut, before more was appended", size, line.Size), 0, nil
		}
		switch n, err := io.CopyN(sum, file, line.Size-size); {
		case errors.Is(err, io.EOF):
			return Truncated, fmt.Sprintf("it has %d bytes of the %d that were chained: its end was cut", size+n, longest), 0, nil
		case err != nil:
			return "", "", 0, fmt.Errorf("look at log: %w", err)
		case fmt.Sprintf("%x", sum.Sum(nil)) != line.SHA256:
			return Changed, fmt.Sprintf("its first %d bytes are not those that were chained", line.Size), 0, nil
		}
		size = line.Size
	}
	more, err = io.Copy(io.Discard, file)
	return "", "", more, err
}

// path is a record's path below the directory.
func (c Chain) path(name string) (string, error) {
	path, err := filepath.Rel(c.Dir, name)
	if err != nil || !filepath.IsLocal(path) {
		return "", fmt.Errorf("chain %s: it is not below %s", name, c.Dir)
	}
	return filepath.ToSlash(path), nil
}

// digest is what a line says of a record's content.
func (c Chain) digest(path string) (Line, error) {
	line := Line{Record: path}
	file, err := os.Open(c.absolute(path))
	if err != nil {
		return line, fmt.Errorf("chain record: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	is, err := file.Stat()
	if err != nil {
		return line, fmt.Errorf("chain record: %w", err)
	}
	if c.known != nil && disk.Unchanged(c.known.digests[path].FileInfo, is) {
		return c.known.digests[path].Line, nil
	}
	sum := sha256.New()
	if line.Size, err = io.Copy(sum, file); err != nil {
		return line, fmt.Errorf("chain %s: %w", file.Name(), err)
	}
	line.SHA256 = fmt.Sprintf("%x", sum.Sum(nil))
	if c.known != nil {
		if c.known.digests == nil {
			c.known.digests = map[string]digested{}
		}
		c.known.digests[path] = digested{is, line}
	}
	return line, nil
}

// left are the lines of records that no line has the content of, and that nothing
// writes: all that are there when the chain begins, and later those that were
// abandoned.
func (c Chain) left(lines []chained) (added []Line, err error) {
	add := func(event, path, run string) error {
		// Who has just made an empty one may lock it, and write to it, only afterwards.
		release, under, err := hold(c.absolute(path))
		if err != nil || under {
			return err
		}
		defer release() //nolint:errcheck // only read
		line, err := c.digest(path)
		if line.Event, line.Run = event, run; err == nil && (event != Found || line.Size > 0) {
			added = append(added, line)
		}
		return err
	}
	if len(lines) == 0 {
		paths, err := c.records(func(string) bool { return true })
		for _, path := range paths {
			err = errors.Join(err, add(Found, path, ""))
		}
		return added, err
	}
	open := map[string]string{} // runs by paths
	var order []string
	for _, l := range lines {
		if l.Event == Begun {
			open[l.Record] = l.Run
			order = append(order, l.Record)
		} else {
			delete(open, l.Record)
		}
	}
	for _, path := range order {
		run, unfinished := open[path]
		if !unfinished || !filepath.IsLocal(filepath.FromSlash(path)) {
			continue
		}
		delete(open, path)
		if err := add(Abandoned, path, run); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return added, err // one that is gone is for Verify to tell
		}
	}
	return added, nil
}

func (c Chain) absolute(path string) string { return filepath.Join(c.Dir, filepath.FromSlash(path)) }

// records are the paths of the records in the directory and in those in it, in
// their order. An empty file is one whose run was killed at its very beginning.
func (c Chain) records(concerns func(path string) bool) (paths []string, err error) {
	for _, pattern := range []string{"*.jsonl", "*/*.jsonl"} {
		found, err := fs.Glob(os.DirFS(c.Dir), pattern)
		if err != nil {
			return nil, fmt.Errorf("look for records: %w", err)
		}
		for _, path := range found {
			if concerns(path) && isRecord(c.absolute(path)) {
				paths = append(paths, path)
			}
		}
	}
	slices.Sort(paths)
	return paths, nil
}

// isRecord reports whether a file is a record: other files may have its ending.
func isRecord(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close() //nolint:errcheck // only read
	first, err := bufio.NewReaderSize(file, 1<<12).ReadSlice('\n')
	return bytes.Contains(first, []byte(`"format":"`+record.Format+`"`)) || len(first) == 0 && errors.Is(err, io.EOF)
}

// A chained is a line as it was read.
type chained struct {
	Line
	err  error // it is none
	hash string
}

// parse reads the lines of a chain. The last one is cut if it has no line end.
func parse(text []byte) (lines []chained, cut bool) {
	for raw := range bytes.Lines(text) {
		body, whole := bytes.CutSuffix(raw, []byte("\n"))
		cut = !whole
		l := chained{hash: Hash(body)}
		decoder := json.NewDecoder(bytes.NewReader(body))
		decoder.DisallowUnknownFields()
		if l.err = decoder.Decode(&l.Line); l.err == nil && decoder.More() {
			l.err = errors.New("there is more than one value")
		}
		if l.err != nil {
			l.Line = Line{N: -1}
		}
		lines = append(lines, l)
	}
	return lines, cut
}

// add appends lines and returns the hash of the last one.
func (c Chain) add(next func(lines []chained) ([]Line, error)) (head string, err error) {
	err = disk.Append(filepath.Join(c.Dir, File), "chain records", func(before []byte) ([]byte, error) {
		lines, _ := parse(before)
		added, err := next(lines)
		if err != nil {
			return nil, err
		}
		n := 0
		for _, l := range lines {
			n, head = max(n, l.N+1), l.hash
		}
		if len(lines) == 0 {
			added = append([]Line{{Format: Format, Version: Version, Event: Opened}}, added...)
		}
		var out bytes.Buffer
		for _, line := range added {
			line.N, line.Time, line.Previous = n, time.Now().UTC().Truncate(time.Millisecond), head
			text, err := json.Marshal(line)
			if err != nil {
				return nil, fmt.Errorf("chain records: %w", err)
			}
			n, head = n+1, Hash(text)
			out.Write(append(text, '\n'))
		}
		return out.Bytes(), nil
	})
	if err != nil {
		return "", err
	}
	return head, nil
}

// Hash is the SHA-256 of a line without its end, in hexadecimal.
func Hash(line []byte) string { return fmt.Sprintf("%x", sha256.Sum256(line)) }

// underWay reports whether a process is writing the record.
func underWay(path string) (bool, error) {
	release, under, err := hold(path)
	if err != nil || under {
		return under, err
	}
	return false, release()
}

// hold keeps other processes from beginning to write a record until release is called,
// unless one is writing it.
func hold(path string) (release func() error, underWay bool, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, false, fmt.Errorf("look at record: %w", err)
	}
	// Where files cannot be locked, as in a copy, nothing is under way.
	if errors.Is(disk.TryLock(file, syscall.LOCK_SH), disk.ErrLocked) {
		return nil, true, file.Close()
	}
	return file.Close, false, nil
}
