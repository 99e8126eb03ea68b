package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// birth prints when process $1 was born, in a shell: the same for the same
// process, and empty if it is gone.
const birth = `sed 's/.*) //' /proc/$1/stat 2>/dev/null | cut -d' ' -f20`

// tick is the unit of times in /proc: USER_HZ is 100 on every architecture that
// Go runs on.
const tick = time.Second / 100

// look reads /proc, see proc(5).
func look(pid int) (status, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return status{}, os.ErrProcessDone
	}
	if err != nil {
		return status{}, err
	}
	// The second field is the name, in parentheses, and may contain anything.
	rest := string(text[strings.LastIndexByte(string(text), ')')+1:])
	fields := strings.Fields(rest) // from the third on
	if len(fields) < 20 {
		return status{}, fmt.Errorf("read /proc/%d/stat: %q", pid, text)
	}
	parent, err := strconv.Atoi(fields[1])
	if err != nil {
		return status{}, fmt.Errorf("read /proc/%d/stat: parent: %w", pid, err)
	}
	ticks, err := strconv.ParseInt(fields[19], 10, 64)
	if err != nil {
		return status{}, fmt.Errorf("read /proc/%d/stat: start: %w", pid, err)
	}
	up, err := uptime()
	if err != nil {
		return status{}, err
	}
	return status{
		state:   fields[0][0],
		parent:  parent,
		born:    fields[19],
		started: time.Now().Add(time.Duration(ticks)*tick - up),
	}, nil
}

// uptime is the time since the machine was started, which is the zero of the
// starts of processes.
func uptime() (time.Duration, error) {
	text, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return 0, err
	}
	seconds, _, _ := strings.Cut(string(text), " ")
	up, err := time.ParseDuration(seconds + "s")
	if err != nil {
		return 0, fmt.Errorf("read /proc/uptime: %w", err)
	}
	return up, nil
}
