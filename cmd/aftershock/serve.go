package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/aftershockhq/aftershock/internal/bench"
)

// A served bench is what --serve prints as JSON.
type served struct {
	URL        string          `json:"url"`
	Prometheus string          `json:"prometheus"`
	PIDs       string          `json:"pids"` // directory of the files
	Services   []servedService `json:"services"`
}

type servedService struct {
	Name    string `json:"name"` // in the header X-Pod
	PID     int    `json:"pid"`
	Address string `json:"address"`
	PIDFile string `json:"pidFile"`
}

// serve leaves a bench up until the context ends or the command does.
func serve(cmd *cobra.Command, command []string, output string) (err error) {
	b, err := bench.Start(cmd.Context(), bench.Options{})
	if err != nil {
		return fmt.Errorf("start the bench: %w", err)
	}
	defer func() { err = errors.Join(err, b.Stop()) }()
	s := served{URL: b.URL(), Prometheus: b.PrometheusURL()}
	for _, service := range b.Services() {
		s.PIDs = filepath.Dir(service.PIDFile)
		s.Services = append(s.Services, servedService(service))
	}
	stdout := cmd.OutOrStdout()
	switch {
	case len(command) > 0:
		return s.run(cmd, command, stopsWithin)
	case output == "json":
		if err := json.NewEncoder(stdout).Encode(s); err != nil {
			return err
		}
	default:
		fmt.Fprintf(stdout, "bench: processes on this machine, not a cluster\n  %-12s %s\n  %-12s %s\n", "front", s.URL, "prometheus", s.Prometheus)
		for _, service := range s.Services {
			fmt.Fprintf(stdout, "  %-12s http://%s process %d, as in %s\n", service.Name, service.Address, service.PID, service.PIDFile)
		}
		fmt.Fprintln(stdout, "serving until ^C")
	}
	<-cmd.Context().Done()
	return nil
}

// stopsWithin is how long a command may undo its faults once it was interrupted;
// that of an experiment is 60 s by default.
const stopsWithin = 2 * time.Minute

// run runs a command on the bench and ends with its exit code.
func (s served) run(cmd *cobra.Command, command []string, stopsWithin time.Duration) error {
	c := exec.CommandContext(cmd.Context(), command[0], command[1:]...)
	c.Env = append(os.Environ(), "AFTERSHOCK_DEMO_URL="+s.URL, "AFTERSHOCK_DEMO_PROMETHEUS="+s.Prometheus, "AFTERSHOCK_DEMO_PIDS="+s.PIDs)
	c.Stdin, c.Stdout, c.Stderr = cmd.InOrStdin(), given(cmd.OutOrStdout()), cmd.ErrOrStderr()
	// In its own process group it gets ^C once, from the terminal or from here: a
	// second one would keep Ginkgo from undoing faults.
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	defer handOver(c)()
	var late *time.Timer
	c.Cancel = func() error {
		group := -c.Process.Pid
		late = time.AfterFunc(stopsWithin, func() { _ = syscall.Kill(group, syscall.SIGKILL) })
		err := syscall.Kill(group, syscall.SIGINT)
		_ = syscall.Kill(group, syscall.SIGCONT) // it may be stopped, or have ended
		return err
	}
	err := c.Run()
	if late != nil && !late.Stop() {
		err = fmt.Errorf("%s still ran %s after it was interrupted, and was killed: %w", command[0], stopsWithin, err)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		return errCommand(exit.ExitCode())
	}
	return err
}

// handOver gives a command the terminal, if this program has it, and takes it back:
// the kernel stops a command that reads the terminal without having it.
func handOver(c *exec.Cmd) (takeBack func()) {
	file, ok := c.Stdin.(*os.File)
	if !ok {
		return func() {}
	}
	fd := int(file.Fd())
	if has, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP); err != nil || has != unix.Getpgrp() {
		return func() {}
	}
	c.SysProcAttr.Foreground, c.SysProcAttr.Ctty = true, fd
	// The command inherits that ^Z is ignored: it would stop alone, and the shell
	// would not know.
	signal.Ignore(syscall.SIGTSTP)
	return func() {
		signal.Ignore(syscall.SIGTTOU) // else the kernel stops a program in the background for this
		_ = unix.IoctlSetPointerInt(fd, unix.TIOCSPGRP, unix.Getpgrp())
		signal.Reset(syscall.SIGTSTP, syscall.SIGTTOU)
	}
}
