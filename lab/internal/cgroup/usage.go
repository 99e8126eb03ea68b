package cgroup

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Usage is what a group, with all groups in it, has used.
type Usage struct {
	CPU  time.Duration // processor time since the group was made
	Anon uint64        // bytes of memory that no file backs
}

// Usage reads the group's counters; a counter that cannot be read is zero.
func (g Group) Usage() Usage {
	var u Usage
	for _, d := range g.dirs {
		switch {
		case d.hierarchy.V2():
			if v, ok := field(filepath.Join(d.path, "cpu.stat"), "usage_usec"); ok {
				u.CPU = time.Duration(v) * time.Microsecond
			}
			if v, ok := field(filepath.Join(d.path, "memory.stat"), "anon"); ok {
				u.Anon = v
			}
		case d.hierarchy.Has("cpuacct"):
			if content, err := os.ReadFile(filepath.Join(d.path, "cpuacct.usage")); err == nil {
				v, _ := strconv.ParseInt(strings.TrimSpace(string(content)), 10, 64)
				u.CPU = time.Duration(v)
			}
		case d.hierarchy.Has("memory"):
			u.Anon, _ = field(filepath.Join(d.path, "memory.stat"), "total_rss")
		}
	}
	return u
}

// Proportional is the memory of processes in which each shared page counts once, divided among those that share it:
// it may be added up. It is the "Pss" of /proc/PID/smaps_rollup.
func Proportional(pids []int) uint64 {
	var sum uint64
	for _, pid := range pids {
		kB, _ := field(filepath.Join("/proc", strconv.Itoa(pid), "smaps_rollup"), "Pss:")
		sum += kB * 1024
	}
	return sum
}

// field finds the number behind a name in a file of "name number" lines.
func field(file, name string) (uint64, bool) {
	f, err := os.Open(file)
	if err != nil {
		return 0, false
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) >= 2 && words[0] == name {
			v, err := strconv.ParseUint(words[1], 10, 64)
			return v, err == nil
		}
	}
	return 0, false
}
