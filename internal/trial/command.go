package trial

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Command runs the lab's own command, as "deploy --defect none".
func Command(ctx context.Context, w io.Writer, arguments ...string) error {
	// In a group of its own: what "go run" starts must be asked to stop too.
	command := exec.CommandContext(ctx, "go", append([]string{"run", "./cmd/lab"}, arguments...)...)
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGTERM) }
	command.WaitDelay = time.Minute
	command.Dir = "lab"
	command.Stdout, command.Stderr = w, w
	if err := command.Run(); err != nil {
		return fmt.Errorf("lab %s: %w", strings.Join(arguments, " "), err)
	}
	return nil
}
