package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
)

// A supervisor keeps one service running: when its process ends, it starts the
// next one after a delay.
type supervisor struct {
	service      string
	program      program
	restartAfter time.Duration
	// arrived is called for each process that answers, before anyone sees it; it
	// gives the process its backend.
	arrived func(*process) *backend

	mu      sync.Mutex
	lives   []life
	failure error // of the last attempt to start; nil: it succeeded
	stopped bool
	changed chan struct{} // closed at the next change
}

// A life is a process with the balancer's part of its ground truth.
type life struct {
	process *process
	backend *backend
}

// errStopped ends a wait on a bench that has stopped.
var errStopped = errors.New("the bench has stopped")

func newSupervisor(service string, program program, restartAfter time.Duration, arrived func(*process) *backend) *supervisor {
	return &supervisor{
		service:      service,
		program:      program,
		restartAfter: restartAfter,
		arrived:      arrived,
		changed:      make(chan struct{}),
	}
}

// run keeps the service running, beginning with a process that has started,
// until ctx ends; then it kills the process and waits for it.
func (s *supervisor) run(ctx context.Context, p *process) {
	defer s.change(func() { s.stopped = true })
	for {
		if p != nil {
			s.change(func() { s.lives = append(s.lives, life{p, s.arrived(p)}) })
			select {
			case <-p.gone:
			case <-ctx.Done():
				// An error says that it has just ended by itself.
				_ = p.kill(Stopped)
			}
			p.wait()
			s.change(func() {})
		}
		if experiments.Wait(ctx, s.restartAfter) != nil {
			return
		}
		var err error
		p, err = startProcess(ctx, s.program, s.service)
		s.change(func() { s.failure = err })
	}
}

// change changes the state and wakes all waiters.
func (s *supervisor) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	close(s.changed)
	s.changed = make(chan struct{})
}

// running is the current process; nil: there is none.
func (s *supervisor) running() *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current()
}

func (s *supervisor) current() *process {
	if len(s.lives) == 0 {
		return nil
	}
	p := s.lives[len(s.lives)-1].process
	select {
	case <-p.gone:
		return nil
	default:
		return p
	}
}

// after waits for the process that follows p, and returns it even if it has
// ended since.
func (s *supervisor) after(ctx context.Context, p *process) (*process, error) {
	for {
		s.mu.Lock()
		failure, stopped, changed := s.failure, s.stopped, s.changed
		var next *process
		for i, l := range s.lives {
			if l.process == p && i+1 < len(s.lives) {
				next = s.lives[i+1].process
			}
		}
		s.mu.Unlock()
		switch {
		case next != nil:
			return next, nil
		case stopped:
			return nil, fmt.Errorf("wait for %s to be back: %w", s.service, errStopped)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("wait for %s to be back: %w", s.service, context.Cause(ctx)), failure)
		}
	}
}

// history is all lives so far.
func (s *supervisor) history() []life {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.lives)
}
