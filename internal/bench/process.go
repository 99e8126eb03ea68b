package bench

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/aftershockhq/aftershock/experiments/local"
)

// A process is one life of a service, from its start until it is reaped. It is
// what a fault kills.
type process struct {
	service string
	cmd     *exec.Cmd
	life    *os.File // its end tells the process that the bench is gone
	wg      sync.WaitGroup
	up      chan struct{} // closed when it listens
	gone    chan struct{} // closed when it is reaped

	mu     sync.Mutex
	truth  Process // Connections, Refused and Rotation are the backend's
	seen   map[string]Seen
	alive  time.Time // last sign of life
	killed time.Time // just before the kill; zero: not killed
	end    End       // the reason of the kill
	stderr tail
}

// startTimeout is how long a process may take until it answers.
const startTimeout = 30 * time.Second

// program is this program, to be started as a service.
type program struct {
	path      string
	temporary string // the bench's directory, for its orphans to remove
}

// startProcess starts this program as a service and returns once it answers.
// After an error nothing of it is left.
func startProcess(ctx context.Context, program program, service string) (*process, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("no answer within %s", startTimeout))
	defer cancel()
	p := &process{
		service: service,
		up:      make(chan struct{}),
		gone:    make(chan struct{}),
		seen:    map[string]Seen{},
	}
	if err := p.start(program); err != nil {
		return nil, fmt.Errorf("start %s: %w", service, err)
	}
	if err := p.answer(ctx); err != nil {
		_ = p.kill(Stopped)
		p.wait()
		return nil, fmt.Errorf("start %s: %w%s", service, err, p.stderr.text())
	}
	return p, nil
}

func (p *process) start(program program) (err error) {
	// Own pipes instead of exec.Cmd's: with files only, Wait returns at the very
	// instant the process is reaped, not after the pipes have been read too.
	var ours, theirs []*os.File
	defer func() {
		for _, f := range theirs {
			_ = f.Close() // the process has its own copy now, or does not exist
		}
		if err != nil {
			for _, f := range ours {
				_ = f.Close()
			}
		}
	}()
	pipe := func() (r, w *os.File) {
		if err == nil {
			r, w, err = os.Pipe()
		}
		return r, w
	}
	stdin, life := pipe()
	reports, stdout := pipe()
	complaints, stderr := pipe()
	for _, f := range []*os.File{stdin, stdout, stderr} {
		if f != nil {
			theirs = append(theirs, f)
		}
	}
	for _, f := range []*os.File{life, reports, complaints} {
		if f != nil {
			ours = append(ours, f)
		}
	}
	if err != nil {
		return err
	}

	p.life = life
	p.cmd = exec.Command(program.path)
	p.cmd.Args = []string{"aftershock-bench", p.service}
	p.cmd.Env = []string{serviceVariable + "=" + p.service, temporaryVariable + "=" + program.temporary}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = stdin, stdout, stderr
	// Its own process group: ^C is for the program, which may still have faults
	// to undo; the services end when it does.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.alive = time.Now()
	if err := p.cmd.Start(); err != nil {
		return err
	}
	p.truth = Process{Service: p.service, PID: p.cmd.Process.Pid}
	p.wg.Go(p.reap)
	p.wg.Go(func() { p.read(reports) })
	p.wg.Go(func() {
		_, _ = io.Copy(&p.stderr, complaints)
		_ = complaints.Close()
	})
	return nil
}

// reap waits for the end of the process and dates it.
func (p *process) reap() {
	defer close(p.gone)
	err := p.cmd.Wait()
	now := time.Now()
	_ = p.life.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.truth.Gone = local.Moment{From: p.alive, To: now}
	p.truth.End = Crashed
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !p.killed.IsZero() && ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
		p.truth.Gone.From = p.killed
		p.truth.End = p.end
	}
	if err != nil && p.killed.IsZero() {
		p.stderr.note(err.Error())
	}
}

// read reads the process's reports to their end.
func (p *process) read(from *os.File) {
	defer func() { _ = from.Close() }()
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return // the rest is a line that a kill has cut
		}
		now := time.Now()
		var r report
		if err := json.Unmarshal(line, &r); err != nil {
			p.stderr.note(fmt.Sprintf("wrote %q to standard output, which is for reports", line))
			continue
		}
		p.note(r, now)
	}
}

func (p *process) note(r report, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := instant(r.At, now)
	if at.After(p.alive) {
		p.alive = at
	}
	switch {
	case r.Listening != nil && p.truth.Listening.IsZero():
		p.truth.Listening = local.Moment{From: instant(r.Listening.Before, now), To: at}
		p.truth.Address = r.Listening.Address
		close(p.up)
	case r.Seen != nil:
		s := p.seen[r.Seen.Attack]
		s.Attack = r.Seen.Attack
		s.Requests++
		s.Last = max(s.Last, r.Seen.Seq)
		p.seen[s.Attack] = s
	}
}

// answer waits until the process listens and has answered.
func (p *process) answer(ctx context.Context) error {
	select {
	case <-p.up:
	case <-p.gone:
		return errors.New("it ended before it listened; does main call bench.Serve when bench.IsService?")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	url := "http://" + p.address() + healthPath
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	now := time.Now()
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers %s", response.Status)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.truth.Ready = local.Moment{From: p.truth.Listening.From, To: now}
	return nil
}

// Signal is that of a fault.
func (p *process) Signal(s syscall.Signal) error {
	if s == syscall.SIGKILL {
		return p.kill(Killed)
	}
	return p.cmd.Process.Signal(s)
}

// Wait waits for the end of the process that a fault has killed.
func (p *process) Wait(ctx context.Context) error {
	select {
	case <-p.gone:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if p.known().End != Killed {
		return os.ErrProcessDone
	}
	return nil
}

// kill kills the process now, with SIGKILL. It does not wait for its end.
func (p *process) kill(as End) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := time.Now()
	if err := p.cmd.Process.Kill(); err != nil {
		return err
	}
	if p.killed.IsZero() {
		p.killed, p.end = before, as
	}
	return nil
}

// wait waits until the process is gone and its output is read.
func (p *process) wait() {
	p.wg.Wait()
}

// PID is the process's number.
func (p *process) PID() int { return p.cmd.Process.Pid }

func (p *process) address() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.truth.Address
}

// known is the current knowledge of the process, without the balancer's part.
func (p *process) known() Process {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.truth
	known.Seen = slices.SortedFunc(maps.Values(p.seen), func(a, b Seen) int { return cmp.Compare(a.Attack, b.Attack) })
	return known
}
