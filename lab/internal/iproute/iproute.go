// Package iproute runs Debian's ip.
package iproute

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// Run runs one ip command.
func Run(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, "ip", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

// Batch runs several ip commands, in a named network namespace or, if that is "", in this one.
func Batch(ctx context.Context, namespace string, lines ...string) error {
	args := []string{"-batch", "-"}
	if namespace != "" {
		args = append([]string{"-netns", namespace}, args...)
	}
	cmd := exec.CommandContext(ctx, "ip", args...)
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ip: %w: %s (of: %s)", err, bytes.TrimSpace(out), strings.Join(lines, "; "))
	}
	return nil
}
