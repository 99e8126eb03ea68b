package residue

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// faultPrograms are what the lab's chaos-daemon starts for as long as a fault
// is on, by the names of their processes: what burns processor time, what holds
// memory, and what holds packets back.
var faultPrograms = []string{"stress-ng", "memstress", "memStress", "tc"}

// Processes are the processes of faults that are still there. The lab's
// processes are seen from the host too. One that was told to end may take a
// moment.
func Processes(patience time.Duration) []string {
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		left := running("/proc", faultPrograms)
		if len(left) == 0 || time.Now().After(end) {
			return left
		}
	}
}

// running are the names of the processes below proc that begin with one of the
// prefixes, each with its number; a prefix of three letters or less must be the
// whole name.
func running(proc string, prefixes []string) (found []string) {
	each(proc, func(pid, name string) {
		if slices.ContainsFunc(prefixes, func(p string) bool {
			return name == p || (len(p) > 3 && strings.HasPrefix(name, p))
		}) {
			found = append(found, name+" "+pid)
		}
	})
	return found
}

// pids are the numbers of the processes below proc with one of the names.
func pids(proc string, names []string) (found []string) {
	each(proc, func(pid, name string) {
		if slices.Contains(names, name) {
			found = append(found, pid)
		}
	})
	return found
}

// each calls f for every process below proc that has not ended.
func each(proc string, f func(pid, name string)) {
	paths, _ := filepath.Glob(filepath.Join(proc, "[0-9]*", "comm"))
	for _, path := range paths {
		if comm, err := os.ReadFile(path); err == nil {
			f(filepath.Base(filepath.Dir(path)), strings.TrimSpace(string(comm)))
		}
	}
}

// Named are the numbers of the processes with a name, of which the kernel keeps 15
// letters.
func Named(name string) []string { return pids("/proc", []string{name[:min(len(name), 15)]}) }
