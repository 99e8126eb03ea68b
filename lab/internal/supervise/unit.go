package supervise

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// State is where a component is in its life.
type State string

// The states.
const (
	Waiting  State = "waiting"   // for what it needs
	Starting State = "starting"  // it runs and has not yet served
	Ready    State = "ready"     // it serves
	NotReady State = "not ready" // it runs and no longer serves
	Failed   State = "failed"    // it ended by itself, or could not be started
	Stopped  State = "stopped"   // by request
)

// unit is a component and where it is in its life.
type unit struct {
	Component
	meter   *meter
	log     string
	changed chan struct{} // a request came in

	mu       sync.Mutex
	wanted   bool
	state    State
	reason   string
	since    time.Time
	pid      int
	restarts int
	end      context.CancelFunc // ends the run that is under way
}

func (u *unit) want(wanted bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.wanted = wanted
	if wanted && u.state == Stopped {
		u.state, u.reason = Waiting, "starts by request"
	}
	if !wanted && u.end != nil {
		u.end()
	}
	select {
	case u.changed <- struct{}{}:
	default:
	}
}

func (u *unit) isWanted() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.wanted
}

func (u *unit) now() (State, string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.state, u.reason
}

func (u *unit) enter(state State, reason string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.state != state {
		u.since = time.Now()
	}
	u.state, u.reason = state, reason
}

func (u *unit) again() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.restarts++
}

// wait returns when a request comes in, when ctx ends, or after d; zero is never.
func (u *unit) wait(ctx context.Context, d time.Duration) {
	var timeout <-chan time.Time
	if d > 0 {
		timeout = time.After(d)
	}
	select {
	case <-ctx.Done():
	case <-u.changed:
	case <-timeout:
	}
}

// once runs the component until it ends, is no longer wanted, or ctx ends. It always says why.
func (u *unit) once(parent context.Context) error {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	u.mu.Lock()
	if !u.wanted { // asked to stop since it was last looked at
		u.mu.Unlock()
		return nil
	}
	u.end = cancel
	u.mu.Unlock()
	defer func() {
		u.mu.Lock()
		u.end, u.pid = nil, 0
		u.mu.Unlock()
	}()

	u.enter(Starting, "prepares")
	if u.Prepare != nil {
		if err := u.Prepare(ctx); err != nil {
			return fmt.Errorf("prepare: %w", err)
		}
	}
	ended := make(chan ending, 1)
	if u.Run != nil {
		go func() { ended <- ending{u.Run(ctx)} }()
		return u.attend(ctx, ended, func() { <-ended })
	}
	cmd, err := u.start()
	if err != nil {
		return err
	}
	go func() { ended <- ending{cmd.Wait()} }()
	return u.attend(ctx, ended, func() { end(cmd.Process, u.Stop, ended) })
}

// ending is how a run ended.
type ending struct{ how error }

// attend watches a run: whether it serves, and how it ends.
func (u *unit) attend(ctx context.Context, ended <-chan ending, stop func()) error {
	u.enter(Starting, "has not served yet")
	if u.Ready == nil {
		u.enter(Ready, "")
	}
	every := 100 * time.Millisecond
	for {
		select {
		case <-ctx.Done():
			stop()
			return ctx.Err()
		case e := <-ended:
			if e.how == nil {
				e.how = errors.New("exit status 0")
			}
			return fmt.Errorf("ended: %w", e.how)
		case <-time.After(every):
		}
		if u.Ready == nil {
			continue
		}
		err := u.Ready(ctx)
		state, _ := u.now()
		switch {
		case err == nil:
			u.enter(Ready, "")
			every = 2 * time.Second
		case state == Ready || state == NotReady:
			u.enter(NotReady, err.Error())
			every = 500 * time.Millisecond
		default:
			u.enter(Starting, err.Error())
		}
	}
}

// A log that has grown past this is put aside at the next start.
const longLog = 64 << 20

func (u *unit) start() (*exec.Cmd, error) {
	if info, err := os.Stat(u.log); err == nil && info.Size() > longLog {
		_ = os.Rename(u.log, u.log+".old")
	}
	out, err := os.OpenFile(u.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open its log: %w", err)
	}
	defer func() { _ = out.Close() }()
	if err := u.meter.group.Make(); err != nil {
		return nil, err
	}
	if u.Weight > 0 {
		if err := u.meter.group.Weigh(u.Weight); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command(u.Args[0], u.Args[1:]...)
	cmd.Env = append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"}, u.Env...)
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = out, out
	// Its own session: a component that signals its process group hits no other.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	if err := u.meter.group.Add(cmd.Process.Pid); err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return nil, err
	}
	u.mu.Lock()
	u.pid = cmd.Process.Pid
	u.mu.Unlock()
	if u.Started != nil {
		if err := u.Started(cmd.Process.Pid); err != nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			return nil, err
		}
	}
	return cmd, nil
}

// end asks a process to end, and makes it end if it does not.
func end(p *os.Process, signal syscall.Signal, ended <-chan ending) {
	const patience = 4 * time.Second
	if signal == 0 {
		signal = syscall.SIGTERM
	}
	_ = p.Signal(signal)
	select {
	case <-ended:
	case <-time.After(patience):
		_ = p.Kill()
		<-ended
	}
}
