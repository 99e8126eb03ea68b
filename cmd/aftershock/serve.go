package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

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
		return s.run(cmd, command)
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

// run runs a command on the bench and ends with its exit code.
func (s served) run(cmd *cobra.Command, command []string) error {
	c := exec.CommandContext(cmd.Context(), command[0], command[1:]...)
	c.Env = append(os.Environ(), "AFTERSHOCK_DEMO_URL="+s.URL, "AFTERSHOCK_DEMO_PROMETHEUS="+s.Prometheus, "AFTERSHOCK_DEMO_PIDS="+s.PIDs)
	c.Stdin, c.Stdout, c.Stderr = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
	// In its own process group it gets ^C from here only, and so once: a second
	// one would keep Ginkgo from undoing faults. The program waits for its end.
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// It cannot read the terminal from there: one that does is stopped by the kernel,
	// and ends only once it is continued.
	c.Cancel = func() error {
		err := syscall.Kill(-c.Process.Pid, syscall.SIGINT)
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGCONT) // it may have ended
		return err
	}
	err := c.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		return errCommand(exit.ExitCode())
	}
	return err
}
