package trial

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Bring brings a program to the lab, as the image of dead-man switches: an image of another
// build would sweep what this one's runs leave, and the trial be of neither.
func Bring(ctx context.Context, image, program string) error {
	path, err := filepath.Abs(program)
	if err != nil || image == "" {
		return err // there are no dead-man switches
	}
	var printed bytes.Buffer
	if err := Command(ctx, &printed, "image", image, path); err != nil {
		return fmt.Errorf("%w: %s", err, &printed)
	}
	return nil
}

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
