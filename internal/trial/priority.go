package trial

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// First makes this program, and what it starts, come before everything else on
// the machine when processor time is scarce. A harness has a machine of its
// own; here it shares one with the cluster that it puts under stress, and must
// not be starved by it. Who may not do so goes on without.
func First() error {
	const nice = -15
	if err := syscall.Setpriority(syscall.PRIO_PROCESS, 0, nice); err != nil {
		return fmt.Errorf("come before what else runs: %w", err)
	}
	// Where the kernel groups processes by session, that counts within the
	// session only, and the group has a priority of its own.
	err := os.WriteFile("/proc/self/autogroup", fmt.Append(nil, nice), 0)
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("come before other sessions: %w", err)
	}
	return nil
}

// Urgent returns what to put in front of a command, so that it preempts every process of
// ordinary priority and the kernel's own workers: of a load that shares two cores with the
// whole cluster. Now and then the kernel keeps one core for a tenth of a second; a process
// that waits for it, however nice, is behind its schedule, and the verdict is unknown. One
// that is scheduled in real time gets the other core at once. Who may not do so goes on
// without.
func Urgent(ctx context.Context) ([]string, error) {
	if out, err := exec.CommandContext(ctx, "chrt", "--rr", "1", "true").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("run with real-time priority, without which verdicts may be unknown: chrt, of util-linux, as root: %w: %s", err, bytes.TrimSpace(out))
	}
	return []string{"chrt", "--rr", "1"}, nil
}
