package trial

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// First makes this program, and what it starts, come before everything else on
// the machine when processor time is scarce. A harness has a machine of its
// own; here it shares one with the cluster that it puts under stress, and must
// not be starved by it. Who may not do so goes on without.
func First() error {
	const nice = -15
	// On Linux the priority is each thread's, and any thread may start the next process.
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("come before what else runs: %w", err)
	}
	for _, t := range threads {
		id, err := strconv.Atoi(t.Name())
		if err == nil {
			err = syscall.Setpriority(syscall.PRIO_PROCESS, id, nice)
		}
		if err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("come before what else runs: %w", err)
		}
	}
	// Where the kernel groups processes by session, that counts within the
	// session only, and the group has a priority of its own.
	err = os.WriteFile("/proc/self/autogroup", fmt.Append(nil, nice), 0)
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("come before other sessions: %w", err)
	}
	return nil
}
