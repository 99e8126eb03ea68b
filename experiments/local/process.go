package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
)

// A Process is a process of this machine. [Find] returns that with a PID.
type Process interface {
	// PID returns its process ID.
	PID() int
	// Signal sends it a signal. The error wraps [os.ErrProcessDone] if it has
	// ended.
	Signal(s syscall.Signal) error
	// Wait waits for its end. The error wraps [os.ErrProcessDone] if it had ended by
	// itself before it was signalled.
	Wait(ctx context.Context) error
}

// pollEvery is how often the state of a process is looked at while it is
// expected to change.
const pollEvery = time.Millisecond

// Find returns the process that has the PID now. The error wraps [os.ErrProcessDone] if
// there is none. Find refuses process 1, this program, and its ancestors.
func Find(pid int) (Process, error) {
	p, err := find(pid)
	if err != nil {
		return nil, fmt.Errorf("find process %d: %w", pid, err)
	}
	return p, nil
}

func find(pid int) (found, error) {
	if pid <= 1 {
		return found{}, errors.New("refused: want the number of a process above 1")
	}
	s, err := look(pid)
	if err != nil {
		return found{}, err
	}
	if s.ended() {
		return found{}, os.ErrProcessDone
	}
	what := "this program itself"
	for at := os.Getpid(); at > 1; {
		if at == pid {
			return found{}, fmt.Errorf("refused: it is %s", what)
		}
		ancestor, err := look(at)
		if err != nil {
			return found{}, fmt.Errorf("look at process %d, which this program descends from: %w", at, err)
		}
		what, at = "a process that this program descends from", ancestor.parent
	}
	return found{pid: pid, born: s.born, started: s.started}, nil
}

// A status is what the kernel says of a process.
type status struct {
	state  byte // R, S, D: it runs; T: stopped; Z, X: ended
	parent int
	// born is the time of its start as the kernel counts it: with the number it
	// identifies the process. started is the same on the wall clock.
	born    string
	started time.Time
}

func (s status) ended() bool { return s.state == 'Z' || s.state == 'X' }

func (s status) stopped() bool { return s.state == 'T' }

// found is a process that had the number at some time.
type found struct {
	pid     int
	born    string
	started time.Time
}

func (p found) PID() int { return p.pid }

// look is the status of this very process. The error is [os.ErrProcessDone] if
// it has ended, even if another one has its number now.
func (p found) look() (status, error) {
	s, err := look(p.pid)
	if err == nil && (s.ended() || s.born != p.born) {
		err = os.ErrProcessDone
	}
	return s, err
}

// Signal opens a handle of the process before it looks whether the process is
// still there. It was there before, so the handle is that of no other, and
// the signal reaches no other either: on Linux a handle is not a number.
func (p found) Signal(s syscall.Signal) error {
	handle, err := os.FindProcess(p.pid)
	if err != nil {
		return err
	}
	defer func() { _ = handle.Release() }()
	if _, err := p.look(); err != nil {
		return err
	}
	return handle.Signal(s)
}

func (p found) Wait(ctx context.Context) error {
	for {
		switch _, err := p.look(); {
		case errors.Is(err, os.ErrProcessDone):
			return nil
		case err != nil:
			return err
		}
		if err := experiments.Wait(ctx, pollEvery); err != nil {
			return err
		}
	}
}

// PID returns a function that finds the process that has the PID at the time of this call,
// and no later process with the same PID.
func PID(pid int) func(context.Context) (Process, error) {
	p, err := Find(pid)
	return func(context.Context) (Process, error) {
		if err != nil {
			return nil, err
		}
		_, err := p.(found).look()
		if errors.Is(err, os.ErrProcessDone) {
			return nil, nil
		}
		return p, err
	}
}

// mtimeError is how much earlier than it was a file may seem to be written: the
// kernel stamps it with the time of its last tick, and a start is known to a
// hundredth of a second.
const mtimeError = 50 * time.Millisecond

// PIDFile returns a function that finds the process whose PID is in a file, as supervisors
// write it. Without the file, or if that process has ended, it finds none. It refuses a
// process that started after the file was written: the file means another one. The PID
// must be that of this program's PID namespace. In a file that a container writes it mostly
// is not, and an older process that has it here cannot be told from the one meant.
func PIDFile(path string) func(context.Context) (Process, error) {
	return func(context.Context) (Process, error) {
		text, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		number := strings.TrimSpace(string(text))
		if number == "" {
			return nil, nil // it is being written
		}
		pid, err := strconv.Atoi(number)
		if err != nil {
			return nil, fmt.Errorf("%s: %q is not the number of a process", path, number)
		}
		p, err := find(pid)
		if errors.Is(err, os.ErrProcessDone) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: process %d: %w", path, pid, err)
		}
		file, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if p.started.After(file.ModTime().Add(mtimeError)) {
			return nil, fmt.Errorf("%s: process %d: refused: it started at %s, after the file was written at %s: it is another one with the same number",
				path, pid, p.started.Format(time.TimeOnly), file.ModTime().Format(time.TimeOnly))
		}
		return p, nil
	}
}
