package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// work keeps that many workers alive until ctx ends.
func work(ctx context.Context, workers int, size uint64, over time.Duration) error {
	failed := make([]error, workers)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var all sync.WaitGroup
	for i := range workers {
		all.Go(func() {
			failed[i] = keep(ctx, size, over)
			cancel() // one that cannot work ends all
		})
	}
	all.Wait()
	return errors.Join(failed...)
}

// keep keeps one worker alive.
func keep(ctx context.Context, size uint64, over time.Duration) error {
	// A worker dies with the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	argv := []string{"memStress", workArg, strconv.FormatUint(size, 10), over.String()}
	for ctx.Err() == nil {
		pid, err := syscall.ForkExec("/proc/self/exe", argv, &syscall.ProcAttr{
			Env: os.Environ(), Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
		})
		if err != nil {
			return fmt.Errorf("start a worker: %w", err)
		}
		status, err := wait(ctx, pid)
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil || status.Signaled(): // by the kernel, for want of memory, or by a person who wants to see what happens
		default:
			return fmt.Errorf("a worker ended by itself with exit code %d", status.ExitStatus())
		}
	}
	return nil
}

// wait waits for the end of a worker, which it kills when ctx ends.
func wait(ctx context.Context, pid int) (syscall.WaitStatus, error) {
	ended := make(chan error, 1)
	go func() {
		for {
			err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
			if !errors.Is(err, unix.EINTR) {
				ended <- err
				return
			}
		}
	}()
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
		_ = syscall.Kill(pid, syscall.SIGKILL)
		err = <-ended
	}
	if err != nil {
		return 0, fmt.Errorf("wait for a worker: %w", err)
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &status, 0, nil); err != nil {
		return 0, fmt.Errorf("reap a worker: %w", err)
	}
	return status, nil
}

// hold takes memory evenly over a time, and holds it until ctx ends.
func hold(ctx context.Context, size uint64, over time.Duration) error {
	memory, err := unix.Mmap(-1, 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return fmt.Errorf("take %d bytes: %w", size, err)
	}
	const steps = 100
	page, next := os.Getpagesize(), 0
	tick := time.NewTimer(0)
	for step := 1; step <= steps && next < len(memory); step++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		until := int(uint64(len(memory)) * uint64(step) / steps)
		for ; next < until; next += page {
			memory[next] = 1
		}
		tick.Reset(over / steps)
	}
	<-ctx.Done()
	runtime.KeepAlive(memory)
	return nil
}
