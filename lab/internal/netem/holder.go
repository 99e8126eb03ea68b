package netem

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// serving is what the process that holds packets says when it does.
const serving = "serving\n"

// Serve is what Device.Command does with the path of a note: it holds packets until ctx ends or the device is gone, and says
// so on ready once it does.
func Serve(ctx context.Context, path string, ready io.WriteCloser) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read note: %w", err)
	}
	var n note
	if err := json.Unmarshal(content, &n); err != nil {
		return fmt.Errorf("read note %s: %w", path, err)
	}
	err = Delayer{Device: n.Name, Queue: n.Queue, Tree: n.Tree}.Run(ctx, func() error {
		_, err := io.WriteString(ready, serving)
		return errors.Join(err, ready.Close())
	})
	if ctx.Err() == nil { // it was not asked to end: the device has gone, and its note with it
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

// begin starts the process that holds packets, and waits until it does.
func (d Device) begin() (pid int, err error) {
	path, err := d.path()
	if err != nil {
		return 0, err
	}
	log, err := os.OpenFile(path+".log", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return 0, fmt.Errorf("open log: %w", err)
	}
	defer func() { _ = log.Close() }()
	ready, done, err := os.Pipe()
	if err != nil {
		return 0, fmt.Errorf("make pipe: %w", err)
	}
	defer func() { _ = ready.Close() }()
	// No output of it is the caller's: who waits for the end of that would wait for the end of this process. No context
	// either: it is to stay when this process has gone.
	cmd := exec.Command(d.Command[0], slices.Concat(d.Command[1:], []string{path})...)
	cmd.Stdout, cmd.Stderr = done, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Dir = "/"
	err = errors.Join(cmd.Start(), done.Close())
	if err != nil {
		return 0, fmt.Errorf("start %s: %w", d.Command[0], err)
	}
	pid = cmd.Process.Pid
	if err := ready.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return pid, err
	}
	if said, err := io.ReadAll(ready); err != nil || string(said) != serving {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		content, _ := os.ReadFile(path + ".log")
		return 0, fmt.Errorf("%s does not hold packets: %w: %s", d.Command[0], errors.Join(err, errors.New("it ended")), strings.TrimSpace(string(content)))
	}
	return pid, cmd.Process.Release()
}

// end ends the process that holds packets, if it is still there, and waits for that.
func (d Device) end(ctx context.Context, n note) error {
	if n.PID <= 1 { // never everything
		return nil
	}
	fd, err := unix.PidfdOpen(n.PID, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find process %d: %w", n.PID, err)
	}
	defer func() { _ = unix.Close(fd) }()
	// After the file is open the number cannot be given again unnoticed.
	if when, err := began(n.PID); err != nil || when != n.Began {
		return nil // it has gone
	}
	for _, signal := range []unix.Signal{unix.SIGTERM, unix.SIGKILL} {
		if err := unix.PidfdSendSignal(fd, signal, nil, 0); errors.Is(err, unix.ESRCH) {
			return nil
		} else if err != nil {
			return fmt.Errorf("end process %d: %w", n.PID, err)
		}
		if gone(ctx, fd, 3*time.Second) {
			return nil
		}
	}
	return fmt.Errorf("process %d, which holds packets, does not end", n.PID)
}

// gone waits for the end of a process.
func gone(ctx context.Context, fd int, patience time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for ctx.Err() == nil {
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		if n, err := unix.Poll(poll, 100); err == nil && n > 0 {
			return true
		}
	}
	return false
}

// began is when a process began, in ticks since the machine did.
func began(pid int) (string, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", fmt.Errorf("look at process %d: %w", pid, err)
	}
	_, after, _ := strings.Cut(string(stat), ") ") // the name before may hold anything
	fields := strings.Fields(after)
	if len(fields) < 20 {
		return "", fmt.Errorf("look at process %d: %q", pid, stat)
	}
	return fields[19], nil
}
