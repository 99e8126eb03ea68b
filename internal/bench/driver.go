package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/aftershockhq/aftershock/experiments/local"
	"github.com/aftershockhq/aftershock/record"
)

// driverVariable is set in the environment of a driver's process, to its
// [Blind] as JSON.
const driverVariable = "AFTERSHOCK_BENCH_DRIVER"

// A Driver is a harness in its own process, so that it can be stalled: it
// carries out a [Blind] and writes the record to a pipe.
//
// Its owner reads the record to its end, calls Over once its own work after the
// record's phase "inject" is done, and then calls Wait.
type Driver struct {
	cmd    *exec.Cmd
	over   io.WriteCloser
	record io.Reader
	stderr tail
}

// StartDriver starts this program as a driver. The end of ctx kills it, even
// while it is stalled; the end of this program ends it too.
func StartDriver(ctx context.Context, blind Blind) (*Driver, error) {
	plan, err := json.Marshal(blind)
	if err != nil {
		return nil, fmt.Errorf("start driver: %w", err)
	}
	executable, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program, to start it again: %w", err)
	}
	d := &Driver{cmd: exec.CommandContext(ctx, executable)}
	d.cmd.Args = []string{"aftershock-driver"}
	d.cmd.Env = []string{driverVariable + "=" + string(plan)}
	d.cmd.Stderr = &d.stderr
	// Its own process group: ^C is for the program. If the program is killed
	// while the driver is stalled, the kernel sends SIGHUP to the orphaned group
	// and wakes it, which ends it.
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var errs [2]error
	d.over, errs[0] = d.cmd.StdinPipe()
	d.record, errs[1] = d.cmd.StdoutPipe()
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("start driver: %w", err)
	}
	if err := d.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start driver: %w", err)
	}
	return d, nil
}

// Record is the record as it is written; see [record.Read].
func (d *Driver) Record() io.Reader { return d.record }

// Stall stops the process, with SIGSTOP, until Resume.
func (d *Driver) Stall() (local.Moment, error) { return d.signal(syscall.SIGSTOP, "stall") }

// Resume continues the process.
func (d *Driver) Resume() (local.Moment, error) { return d.signal(syscall.SIGCONT, "resume") }

func (d *Driver) signal(s syscall.Signal, verb string) (local.Moment, error) {
	before := time.Now()
	if err := d.cmd.Process.Signal(s); err != nil {
		return local.Moment{}, fmt.Errorf("%s driver: %w%s", verb, err, d.stderr.text())
	}
	return local.Moment{From: before, To: time.Now()}, nil
}

// Over tells the driver that the secret disturbance is over.
func (d *Driver) Over() error {
	if _, err := d.over.Write([]byte{'\n'}); err != nil {
		return fmt.Errorf("tell driver that it is over: %w", err)
	}
	return nil
}

// Wait waits for the process's end; the record must have been read to its
// end.
func (d *Driver) Wait() error {
	if err := d.cmd.Wait(); err != nil {
		return fmt.Errorf("driver: %w%s", err, d.stderr.text())
	}
	return nil
}

// drive is a driver's process.
func drive(plan []byte, life io.Reader, recorded io.Writer) error {
	var blind Blind
	decoder := json.NewDecoder(bytes.NewReader(plan))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&blind); err != nil {
		return fmt.Errorf("read what to drive: %w", err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	over := make(chan struct{})
	// It ends with the process: a read of a pipe cannot be cancelled.
	go func() {
		if _, err := io.ReadFull(life, make([]byte, 1)); err == nil {
			close(over)
		}
		_, _ = io.Copy(io.Discard, life)
		cancel(errors.New("the program that wanted the record is gone"))
	}()
	return blind.Experiment(func(ctx context.Context) error {
		select {
		case <-over:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}).Run(ctx, record.NewRecorder(recorded))
}
