// Package lock keeps two processes from doing the same thing at once. A lock is gone when its holder is, however it ended.
package lock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Lock is a lock that is held.
type Lock struct{ file *os.File }

// ErrHeld is returned by Try when another process has the lock.
var ErrHeld = errors.New("held by another process")

// Try takes the lock if it is free, and writes this process's id into it.
func Try(path string) (*Lock, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = file.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w", path, ErrHeld)
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if err := errors.Join(file.Truncate(0), write(file)); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return &Lock{file}, nil
}

func write(file *os.File) error {
	_, err := file.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0)
	return err
}

// Take waits for the lock until ctx ends; waiting is called once if it must wait, with the holder's process id.
func Take(ctx context.Context, path string, waiting func(pid int)) (*Lock, error) {
	for told := false; ; told = true {
		l, err := Try(path)
		if !errors.Is(err, ErrHeld) {
			return l, err
		}
		if !told {
			pid, _ := Holder(path)
			waiting(pid)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", ctx.Err(), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Holder is the process that holds the lock, and whether there is one.
func Holder(path string) (pid int, held bool) {
	file, err := os.Open(path)
	if err != nil {
		return 0, false
	}
	defer func() { _ = file.Close() }()
	if err := unix.Flock(int(file.Fd()), unix.LOCK_SH|unix.LOCK_NB); err == nil {
		return 0, false
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return 0, true
	}
	pid, _ = strconv.Atoi(strings.TrimSpace(string(content)))
	return pid, true
}

// Release gives the lock up.
func (l *Lock) Release() { _ = l.file.Close() }
