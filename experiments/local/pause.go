package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// Pause returns the fault that stops the service's process with SIGSTOP and continues it
// with SIGCONT: meanwhile the process hangs. The kernel still accepts its connections, so
// clients time out, and a check that only connects finds nothing wrong.
//
// The effect is a [record.EventNotReady] of "process/NAME", recorded once the kernel says
// that the process is stopped; [record.EventReady] follows once it runs again. If it ran, or
// ended, before Recover, the fault ended early ([record.EventEndedEarly]).
//
// If this program dies, the process is continued.
func Pause(service Service) experiments.Fault { return &pause{Service: service} }

var (
	_ experiments.Targeter  = (*pause)(nil)
	_ experiments.Validator = (*pause)(nil)
	_ experiments.Watcher   = (*pause)(nil)
)

type pause struct {
	Service

	victim Process       // stopped and not yet continued; nil: none
	since  time.Duration // it stands still, on the record's clock
	guard  *guard
}

// String says what is paused.
func (p *pause) String() string { return "pause " + p.Name }

// Inject stops the process and returns when it stands still.
func (p *pause) Inject(ctx context.Context, rec *record.Recorder) (record.Injection, error) {
	in := record.Injection{Span: steadystate.Instant(rec.Clock().Now())}
	if p.victim != nil {
		return in, fmt.Errorf("process %d is paused: call Recover first", p.victim.PID())
	}
	victim, err := p.Find(ctx)
	if err != nil {
		return in, err
	}
	if victim == nil {
		in.FailureReason = p.Name + " has no process to pause: " + noProcess
		return in, nil
	}
	if p.guard, err = startGuard(victim.PID()); err != nil {
		return in, fmt.Errorf("pause process %d of %s: start what continues it if this program dies: %w", victim.PID(), p.Name, err)
	}
	// From here on there is something to undo.
	p.victim = victim
	in.From = rec.Clock().Now()
	err = victim.Signal(syscall.SIGSTOP)
	if err == nil {
		err = until(ctx, victim, status.stopped)
	}
	in.To = rec.Clock().Now()
	p.since = in.To
	switch {
	case errors.Is(err, os.ErrProcessDone):
		// What the guard knows by the number may be another process.
		_ = p.guard.cmd.Process.Kill()
		p.guard.close()
		p.victim, p.guard = nil, nil
		in.FailureReason = fmt.Sprintf("process %d of %s ended before it could be paused", victim.PID(), p.Name)
		return in, nil
	case err != nil:
		return in, fmt.Errorf("pause process %d of %s: %w", victim.PID(), p.Name, err)
	}
	stopped := p.event(victim, record.EventNotReady)
	stopped.Span, stopped.Attrs = in.Span, map[string]string{record.AttrReason: "SIGSTOP"}
	rec.Event(stopped)
	in.Targets = []record.Target{p.target(victim)}
	in.Effects = []record.Effect{{Event: record.EventNotReady}}
	return in, nil
}

// Watch returns once the process runs again, or has ended.
func (p *pause) Watch(ctx context.Context, _ *record.Recorder) (over string) {
	victim := p.victim
	if victim == nil {
		return "" // it is undone already
	}
	for experiments.Wait(ctx, 100*time.Millisecond) == nil {
		if victim.Signal(0) != nil {
			return "its process ended"
		}
		if s, err := look(victim.PID()); err == nil && !s.stopped() {
			return "its process was continued by others"
		}
	}
	return ""
}

// Recover continues the process and returns when it runs.
func (p *pause) Recover(ctx context.Context, rec *record.Recorder) (steadystate.Span, error) {
	span := steadystate.Instant(rec.Clock().Now())
	if p.victim == nil {
		return span, nil
	}
	pid, early := p.victim.PID(), ""
	if s, err := look(pid); err == nil && !s.stopped() {
		early = "the process was continued by others"
	}
	span.From = rec.Clock().Now()
	err := p.victim.Signal(syscall.SIGCONT)
	if err == nil {
		err = until(ctx, p.victim, func(s status) bool { return !s.stopped() })
	}
	span.To = rec.Clock().Now()
	if errors.Is(err, os.ErrProcessDone) {
		early, err = "the process ended", nil
	}
	// The guard's own SIGCONT is harmless, and another way if this one failed.
	p.guard.close()
	if err != nil {
		return span, fmt.Errorf("continue process %d of %s: %w; kill -CONT %d does it", pid, p.Name, err, pid)
	}
	e := p.event(p.victim, record.EventReady)
	e.Span = span
	if early != "" {
		e.Kind, e.Attrs = record.EventEndedEarly, map[string]string{record.AttrReason: early}
		e.From = p.since
	}
	rec.Event(e)
	p.victim, p.guard = nil, nil
	return span, nil
}

// until waits for a state of the process.
func until(ctx context.Context, p Process, state func(status) bool) error {
	for {
		// Signal 0 is sent to no process, and tells whether it is this one.
		if err := p.Signal(0); err != nil {
			return err
		}
		s, err := look(p.PID())
		if err != nil || state(s) {
			return err
		}
		if err := experiments.Wait(ctx, pollEvery); err != nil {
			return err
		}
	}
}

// A guard is a shell that continues a process once this program has ended,
// however it ends: the kernel then closes the pipe that the shell reads.
type guard struct {
	cmd  *exec.Cmd
	life io.Closer
}

// watch continues process $1 if it is still the same one.
const watch = `born=$(` + birth + `)
[ -n "$born" ] || exit 1
echo
read -r _
[ "$(` + birth + `)" = "$born" ] && kill -CONT $1
exit 0`

// startGuard returns once the guard knows the process.
func startGuard(pid int) (*guard, error) {
	g := &guard{cmd: exec.Command("sh", "-c", watch, "aftershock-continue", strconv.Itoa(pid))}
	// Its own process group: ^C is not for it.
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	life, err := g.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	g.life = life
	out, err := g.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := g.cmd.Start(); err != nil {
		return nil, err
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		g.close()
		return nil, fmt.Errorf("hear from the shell: %w", err)
	}
	return g, nil
}

// close ends the guard and waits for its end, however that comes.
func (g *guard) close() {
	_ = g.life.Close()
	_ = g.cmd.Wait()
}
