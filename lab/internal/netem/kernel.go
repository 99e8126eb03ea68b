package netem

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// Kernel says whether this machine's kernel has netem itself. It tries it, in a network namespace of its own.
func Kernel(ctx context.Context) (bool, error) {
	out, err := exec.CommandContext(ctx, "unshare", "--net", "/usr/sbin/tc", "qdisc", "add", "dev", "lo", "root", "netem").CombinedOutput()
	if err == nil {
		return true, nil
	}
	if strings.Contains(string(out), "qdisc kind is unknown") {
		return false, nil
	}
	return false, fmt.Errorf("try netem: %w: %s", err, strings.TrimSpace(string(out)))
}
