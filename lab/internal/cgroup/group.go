package cgroup

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Group is one folder in each of several hierarchies.
type Group struct{ dirs []dir }

type dir struct {
	hierarchy Hierarchy
	path      string
}

// At is the group made of known folders, for taking down what an earlier process made.
func At(folders []string) Group {
	g := Group{}
	for _, f := range folders {
		g.dirs = append(g.dirs, dir{path: f})
	}
	return g
}

// Dirs are the group's folders.
func (g Group) Dirs() []string {
	var paths []string
	for _, d := range g.dirs {
		paths = append(paths, d.path)
	}
	return paths
}

// Child is the group of that name inside this one.
func (g Group) Child(name string) Group {
	c := Group{}
	for _, d := range g.dirs {
		c.dirs = append(c.dirs, dir{d.hierarchy, path.Join(d.path, name)})
	}
	return c
}

// Make creates the group's folders; those that exist stay as they are.
func (g Group) Make() error {
	for _, d := range g.dirs {
		if err := os.MkdirAll(d.path, 0o755); err != nil {
			return fmt.Errorf("make cgroup: %w", err)
		}
		if !d.hierarchy.Has("cpuset") {
			continue
		}
		// An empty cpuset accepts no process.
		for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
			value, err := os.ReadFile(filepath.Join(filepath.Dir(d.path), file))
			if err != nil {
				return fmt.Errorf("read the parent's cpuset: %w", err)
			}
			if err := os.WriteFile(filepath.Join(d.path, file), bytes.TrimSpace(value), 0); err != nil {
				return fmt.Errorf("set cpuset: %w", err)
			}
		}
	}
	return nil
}

// Weigh gives the group that many times the processor time of one ordinary process, when there is not enough for all. Without,
// a whole group gets as much as each single process outside of it.
func (g Group) Weigh(processes float64) error {
	times := func(one float64) []byte { return []byte(strconv.Itoa(max(1, int(math.Round(one*processes))))) }
	for _, d := range g.dirs {
		var err error
		switch {
		case d.hierarchy.Has("cpu"):
			err = os.WriteFile(filepath.Join(d.path, "cpu.shares"), times(1024), 0)
		case d.hierarchy.V2():
			err = os.WriteFile(filepath.Join(d.path, "cpu.weight"), times(100), 0)
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) { // v1 has the processor, or the host gives none of it away
				err = nil
			}
		}
		if err != nil {
			return fmt.Errorf("weigh cgroup: %w", err)
		}
	}
	return nil
}

// Add moves a process into the group.
func (g Group) Add(pid int) error {
	for _, d := range g.dirs {
		if err := os.WriteFile(filepath.Join(d.path, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0); err != nil {
			return fmt.Errorf("move process %d: %w", pid, err)
		}
	}
	return nil
}

// Delegate lets a v2 group have children with controllers: its processes move to the child "init", since a v2 group
// holds either processes or controlled children. On v1 there is nothing to do.
func (g Group) Delegate() error {
	for _, d := range g.dirs {
		if !d.hierarchy.V2() {
			continue
		}
		available, err := os.ReadFile(filepath.Join(d.path, "cgroup.controllers"))
		if err != nil || len(bytes.TrimSpace(available)) == 0 {
			continue
		}
		leaf := Group{dirs: []dir{{d.hierarchy, path.Join(d.path, "init")}}}
		if err := leaf.Make(); err != nil {
			return err
		}
		for _, pid := range procs(d.path) {
			if err := leaf.Add(pid); err != nil && !errors.Is(err, syscall.ESRCH) {
				return err
			}
		}
		enable := "+" + strings.Join(strings.Fields(string(available)), " +")
		if err := os.WriteFile(filepath.Join(d.path, "cgroup.subtree_control"), []byte(enable), 0); err != nil {
			return fmt.Errorf("enable controllers in %s: %w", d.path, err)
		}
	}
	return nil
}

// Pids are the processes of the group and of all groups in it, each once.
func (g Group) Pids() []int {
	var pids []int
	for _, d := range g.dirs {
		_ = filepath.WalkDir(d.path, func(p string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				pids = append(pids, procs(p)...)
			}
			return nil
		})
	}
	slices.Sort(pids)
	return slices.Compact(pids)
}

func procs(folder string) []int {
	content, err := os.ReadFile(filepath.Join(folder, "cgroup.procs"))
	if err != nil {
		return nil
	}
	var pids []int
	lines := bufio.NewScanner(bytes.NewReader(content))
	for lines.Scan() {
		if pid, err := strconv.Atoi(lines.Text()); err == nil && pid > 0 { // 0: a process outside this pid namespace
			pids = append(pids, pid)
		}
	}
	return pids
}

// Kill ends every process of the group and waits until none is left.
func (g Group) Kill(ctx context.Context) error {
	for {
		pids := g.Pids()
		pids = slices.DeleteFunc(pids, func(pid int) bool { return pid == os.Getpid() })
		if len(pids) == 0 {
			return nil
		}
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d processes of %s do not end (%v): %w", len(pids), g.dirs[0].path, pids, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Remove removes the group with all groups in it; they must hold no process. One that is not there is fine.
func (g Group) Remove() error {
	var failed []error
	for _, d := range g.dirs {
		var folders []string
		_ = filepath.WalkDir(d.path, func(p string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				folders = append(folders, p)
			}
			return nil
		})
		slices.Reverse(folders) // a parent is listed before its children
		for _, f := range folders {
			if err := remove(f); err != nil {
				failed = append(failed, err)
			}
		}
	}
	if err := errors.Join(failed...); err != nil {
		return fmt.Errorf("remove cgroups: %w", err)
	}
	return nil
}

// The kernel may say "busy" for a moment after the last process has gone.
func remove(folder string) error {
	var err error
	for range 50 {
		if err = syscall.Rmdir(folder); err == nil || errors.Is(err, syscall.ENOENT) {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return &fs.PathError{Op: "rmdir", Path: folder, Err: err}
}
