package trial

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/aftershockhq/aftershock/record"
)

// Program is the harness.
const Program = "bin/aftershock"

// A Process is a run of the harness.
type Process struct {
	*exec.Cmd
	Printed bytes.Buffer  // to be read once it has ended
	Ended   chan struct{} // closed then

	Out string // where its record is, as seen from here
}

// Start starts a run of an experiment, whose record goes to a directory.
func Start(program, file, out, id string, more ...string) (*Process, error) {
	return Begin(exec.Command(program, append(Arguments(file, out, id), more...)...), out)
}

// Arguments are those of a run of an experiment, whose record goes to a directory.
func Arguments(file, out, id string) []string { return []string{"run", "-f", file, "--out", out, id} }

// Begin starts a command that runs the harness, whose record is in a directory as
// seen from here. ^C is for this program, which ends the run itself.
func Begin(command *exec.Cmd, out string) (*Process, error) {
	p := &Process{Cmd: command, Ended: make(chan struct{}), Out: out}
	p.Stdout, p.Stderr = &p.Printed, &p.Printed
	p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.Ended)
		_ = p.Wait() // its state says how it ended
	}()
	return p, nil
}

// BeginIn is Begin for a command with a mount namespace of its own, in which the
// record is.
func BeginIn(command *exec.Cmd, out string) (*Process, error) {
	p, err := Begin(command, out)
	if err == nil {
		p.Out = filepath.Join("/proc", strconv.Itoa(p.Process.Pid), "root", out)
	}
	return p, err
}

// Stop ends the run, which undoes its fault; one that takes longer than any fault does is
// killed.
func (p *Process) Stop() {
	const patience = 10 * time.Minute
	_ = syscall.Kill(-p.Process.Pid, syscall.SIGTERM) // its group
	select {
	case <-p.Ended:
	case <-time.After(patience):
		_ = syscall.Kill(-p.Process.Pid, syscall.SIGKILL)
		<-p.Ended
	}
}

// Await waits until the record has a mark, such as `"phase":"hold"`; false: the run
// has ended before. It stops the run if the context ends.
func (p *Process) Await(ctx context.Context, mark string) (bool, error) {
	for {
		select {
		case <-ctx.Done():
			p.Stop()
			return false, context.Cause(ctx)
		case <-p.Ended:
			if RecordIn(p.Out) == "" {
				return false, fmt.Errorf("the run did not begin: %s", p.Printed.String())
			}
			return false, nil
		case <-time.After(2 * time.Millisecond):
		}
		path := RecordIn(p.Out)
		if path == "" {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			p.Stop()
			return false, err
		}
		if bytes.Contains(text, []byte(mark)) {
			return true, nil
		}
	}
}

// RecordIn is the path of the record in the directory of a run; empty: there is none
// yet.
func RecordIn(out string) string {
	if found, _ := filepath.Glob(filepath.Join(out, "*", "*.jsonl")); len(found) == 1 {
		return found[0]
	}
	return ""
}

// Entries are those of a record, as far as it can be read.
func Entries(path string) (list []record.Entry, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	for e, err := range record.Read(file) {
		if errors.Is(err, record.ErrCut) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("the record cannot be read: %w", err)
		}
		list = append(list, e)
	}
	if len(list) == 0 || list[0].Header == nil {
		return nil, errors.New("the record has no beginning")
	}
	return list, nil
}
