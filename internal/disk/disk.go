// Package disk writes files whole, appends to them, and locks them.
//
//	err := disk.Append("runs/audit.jsonl", "chain records", func(before []byte) ([]byte, error) {
//		return line, nil
//	})
package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Append adds the lines that next makes of those that a file has. No other process
// appends in between. A last line that was cut stays one, for a reader to tell. doing
// begins the errors.
func Append(path, doing string, next func(before []byte) ([]byte, error)) (err error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	defer func() { err = errors.Join(err, file.Close()) }() // which unlocks it
	if err := Lock(file, syscall.LOCK_EX); err != nil {
		return err
	}
	before, err := io.ReadAll(file)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	added, err := next(before)
	if err != nil {
		return err
	}
	if len(before) > 0 && before[len(before)-1] != '\n' {
		added = append([]byte("\n"), added...)
	}
	if _, err = file.Write(added); err == nil {
		err = file.Sync()
	}
	if err != nil {
		// A part of a line would be told as damage for good.
		return fmt.Errorf("%s: %w", doing, errors.Join(err, file.Truncate(int64(len(before)))))
	}
	return nil
}

// patience is how long another process may keep a file locked.
const patience = 30 * time.Second

// ErrLocked is wrapped where another process has a file locked.
var ErrLocked = errors.New("another process has it locked")

// TryLock locks a file until it is closed: for this process alone by syscall.LOCK_EX,
// with others by syscall.LOCK_SH. The error wraps [ErrLocked] if another process has it.
func TryLock(file *os.File, how int) error {
	for {
		err := syscall.Flock(int(file.Fd()), how|syscall.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return fmt.Errorf("lock %s: %w", file.Name(), ErrLocked)
		default:
			return fmt.Errorf("lock %s: %w; records need a file system that can lock files (flock): choose another directory", file.Name(), err)
		}
	}
}

// Lock is [TryLock] that waits for others.
func Lock(file *os.File, how int) error {
	end := time.Now().Add(patience)
	for {
		err := TryLock(file, how)
		switch {
		case !errors.Is(err, ErrLocked):
			return err
		case time.Now().After(end):
			return fmt.Errorf("%w, for %s", err, patience)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Unchanged reports whether a file is the one that it was, by its size, the time of its
// last change, and its identity.
func Unchanged(was, is os.FileInfo) bool {
	return was != nil && is != nil && os.SameFile(was, is) && was.Size() == is.Size() && was.ModTime().Equal(is.ModTime())
}

// WriteFile writes a file whole or not at all.
func WriteFile(path string, write func(io.Writer) error) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		err = at.Err // the name of the temporary file says nothing
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
			err = fmt.Errorf("write %s: %w", path, err)
		}
	}()
	if err := errors.Join(write(file), file.Chmod(0o644), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
