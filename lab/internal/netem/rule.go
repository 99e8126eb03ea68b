package netem

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// rule makes sure that the packet filter hands the device's packets to the queue, or that it does not. It bypasses a queue
// that no process serves, so that a process that dies holds up nothing.
func (d Device) rule(ctx context.Context, queue uint16, wanted bool) error {
	rule := []string{
		"POSTROUTING", "--out-interface", d.Name, "--jump", "NFQUEUE", "--queue-num", fmt.Sprint(queue), "--queue-bypass",
	}
	there := filter(ctx, append([]string{"--check"}, rule...)) == nil
	if there == wanted {
		return nil
	}
	verb := "--delete"
	if wanted {
		verb = "--append"
	}
	return filter(ctx, append([]string{verb}, rule...))
}

func filter(ctx context.Context, args []string) error {
	args = append([]string{"--wait", "5", "--table", "mangle"}, args...)
	out, err := exec.CommandContext(ctx, "/usr/sbin/iptables-legacy", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("iptables-legacy %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
