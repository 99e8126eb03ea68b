package local

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// birth prints when process $1 was born, in a shell: the same for the same
// process, and empty if it is gone.
const birth = `ps -o lstart= -p $1`

// states are the letters of ps(1) for the states of <sys/proc.h>, from SIDL on.
const states = "?IRSTZ"

// look asks the kernel, see sysctl(3), KERN_PROC_PID.
func look(pid int) (status, error) {
	list, err := unix.SysctlKinfoProcSlice("kern.proc.pid", pid)
	switch {
	case err != nil && !errors.Is(err, unix.ESRCH):
		return status{}, fmt.Errorf("sysctl kern.proc.pid.%d: %w", pid, err)
	case len(list) == 0 || int(list[0].Proc.P_pid) != pid: // there is none
		return status{}, os.ErrProcessDone
	}
	info := list[0]
	s := status{state: '?', parent: int(info.Eproc.Ppid)}
	if n := int(info.Proc.P_stat); n > 0 && n < len(states) {
		s.state = states[n]
	}
	s.started = time.Unix(info.Proc.P_starttime.Unix())
	s.born = strconv.FormatInt(s.started.UnixMicro(), 10)
	return s, nil
}
