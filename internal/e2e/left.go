package main

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

// leftProcesses are the processes of faults that are still there. The lab's
// processes are seen from the host too. One that was told to end may take a
// moment.
func leftProcesses(patience time.Duration) []string {
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		left := processes("/proc", faultPrograms)
		if len(left) == 0 || time.Now().After(end) {
			return left
		}
	}
}

// processes are the names of those below proc that begin with one of the
// prefixes, each with its number; a prefix of three letters or less must be the
// whole name.
func processes(proc string, prefixes []string) []string {
	paths, _ := filepath.Glob(filepath.Join(proc, "[0-9]*", "comm"))
	var found []string
	for _, path := range paths {
		comm, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		name := strings.TrimSpace(string(comm))
		if slices.ContainsFunc(prefixes, func(p string) bool {
			return name == p || (len(p) > 3 && strings.HasPrefix(name, p))
		}) {
			found = append(found, name+" "+filepath.Base(filepath.Dir(path)))
		}
	}
	return found
}
