package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// entry is one line of the journal, "KEY" "VALUE", both as Go strings, which hold any bytes. The last one of a key counts.
type entry struct{ key, value string }

func (e entry) line() []byte {
	line := strconv.AppendQuote(nil, e.key)
	line = append(line, ' ')
	line = strconv.AppendQuote(line, e.value)
	return append(line, '\n')
}

func parse(line string) (entry, error) {
	key, err := strconv.QuotedPrefix(line)
	if err != nil {
		return entry{}, fmt.Errorf("no key in %q", line)
	}
	value := strings.TrimPrefix(strings.TrimSuffix(line[len(key):], "\n"), " ")
	var e entry
	if e.key, err = strconv.Unquote(key); err == nil {
		e.value, err = strconv.Unquote(value)
	}
	if err != nil {
		return entry{}, fmt.Errorf("no value in %q", line)
	}
	return e, nil
}

// journal is the file that every write is appended to before it is acknowledged. One process at a time has it open.
//
// Writes are not synced: the page cache outlives the process, its pod and its node, which all share the host's kernel, and the
// disk is left to etcd.
type journal struct {
	file *os.File
	size int64 // of all whole lines
}

// openJournal opens the journal in a folder, waits until no other process has it open, and replays it. A pod that is deleted by
// force can still be running, and writing, when its replacement starts.
func openJournal(ctx context.Context, folder string, replay func(entry)) (*journal, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("make the folder of the journal: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(folder, "journal"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	j := &journal{file: file}
	if err := j.lock(ctx); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if err := j.replay(replay); err != nil {
		return nil, errors.Join(fmt.Errorf("replay %s: %w", file.Name(), err), file.Close())
	}
	return j, nil
}

// lock takes the lock of the file, which goes when its process does.
func (j *journal) lock(ctx context.Context) error {
	for {
		err := syscall.Flock(int(j.file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return fmt.Errorf("lock %s: %w", j.file.Name(), err)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("lock %s, which another process has open: %w", j.file.Name(), context.Cause(ctx))
		}
	}
}

// replay reads all entries. A last line that a killed process did not finish was never acknowledged: it is cut off.
func (j *journal) replay(each func(entry)) error {
	lines := bufio.NewReader(j.file)
	for n := 1; ; n++ {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return j.file.Truncate(j.size)
		}
		if err != nil {
			return err
		}
		e, err := parse(line)
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		each(e)
		j.size += int64(len(line))
	}
}

// append writes an entry. What a write that fails leaves is cut off again, or the next one would continue its line.
func (j *journal) append(e entry) error {
	n, err := j.file.Write(e.line())
	if err != nil {
		return errors.Join(fmt.Errorf("append to the journal: %w", err), j.file.Truncate(j.size))
	}
	j.size += int64(n)
	return nil
}

// close closes the file, and so releases the lock.
func (j *journal) close() error { return j.file.Close() }
