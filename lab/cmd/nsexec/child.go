package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// insideArg is the first argument of the process in the other namespace of process ids, before it becomes the command.
const insideArg = "--inside"

// supervise runs the command in another namespace of process ids. The command cannot be started there straight away: what
// makes it die with this process must be asked for by itself, from inside.
func supervise(o options) (int, error) {
	fd, err := unix.Open(o.pid, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return failed, fmt.Errorf("open namespace %s: %w", o.pid, err)
	}
	defer func() { _ = unix.Close(fd) }()
	if err := unix.Setns(fd, unix.CLONE_NEWPID); err != nil { // of this thread's children
		return failed, fmt.Errorf("join namespace %s: %w", o.pid, err)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	argv := append([]string{"nsexec", insideArg, strconv.Itoa(os.Getpid())}, o.arguments()...)
	pid, err := syscall.ForkExec("/proc/self/exe", argv, &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2}})
	if err != nil {
		return failed, fmt.Errorf("start a process in %s: %w", o.pid, err)
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-signals:
				_ = syscall.Kill(pid, syscall.SIGTERM)
			}
		}
	}()
	err = ended(pid)
	close(stop)
	<-stopped // a signal after the next line could meet a stranger with the same number
	if err != nil {
		return failed, err
	}
	return reap(pid)
}

// ended waits for the end of a child, and leaves it as a zombie.
func ended(pid int) error {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func reap(pid int) (int, error) {
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &status, 0, nil); err != nil {
		return failed, fmt.Errorf("reap process %d: %w", pid, err)
	}
	if status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return status.ExitStatus(), nil
}

// inside makes sure that this process, and so the command that it becomes, is killed when the thread that started it is gone.
func inside(args []string) (int, error) {
	if len(args) == 0 {
		return failed, errUsage
	}
	parent, err := strconv.Atoi(args[0])
	if err != nil {
		return failed, errUsage
	}
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return failed, fmt.Errorf("ask to die with nsexec: %w", err)
	}
	// A parent in another namespace is shown as 0; one that died before the request as the process that took its children.
	if now := os.Getppid(); now != 0 && now != parent {
		return failed, fmt.Errorf("nsexec ended before its command began")
	}
	o, err := parse(args[1:])
	if err != nil {
		return failed, err
	}
	return become(o)
}
