// Package cgroup makes, measures, empties and removes groups of processes, on cgroup v1, v2 and hybrids of both.
//
// A hierarchy is one mounted tree; a group is the same folder in each of several hierarchies. Under v2 there is one
// hierarchy, under v1 one for every controller, and a process may lie at a different path in each of them:
//
//	trees, err := cgroup.Mounted()
//	lab := trees.Own().Child("lab")
//	err = lab.Make()
//	defer lab.Remove()
package cgroup

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
)

// Hierarchy is one mounted cgroup tree.
type Hierarchy struct {
	Controllers string // as in /proc/self/cgroup: "cpu,cpuacct", "name=systemd"; "" is v2
	Mount       string // where it is mounted
	Path        string // where this process is in it, from the mount
}

// V2 says whether this is the unified hierarchy.
func (h Hierarchy) V2() bool { return h.Controllers == "" }

// Has says whether the hierarchy has a v1 controller.
func (h Hierarchy) Has(controller string) bool {
	return slices.Contains(strings.Split(h.Controllers, ","), controller)
}

// Hierarchies is every tree that is mounted.
type Hierarchies []Hierarchy

// Mounted reads this process's hierarchies.
func Mounted() (Hierarchies, error) {
	groups, err := os.Open("/proc/self/cgroup")
	if err != nil {
		return nil, fmt.Errorf("read own cgroups: %w", err)
	}
	defer func() { _ = groups.Close() }()
	mounts, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("read own mounts: %w", err)
	}
	defer func() { _ = mounts.Close() }()
	return Parse(groups, mounts)
}

// Parse joins what /proc/self/cgroup and /proc/self/mountinfo say. Hierarchies that are not mounted are left out.
func Parse(groups, mounts io.Reader) (Hierarchies, error) {
	type mount struct{ root, point string }
	points := map[string]mount{}
	lines := bufio.NewScanner(mounts)
	for lines.Scan() {
		before, after, ok := strings.Cut(lines.Text(), " - ")
		fields, kind := strings.Fields(before), strings.Fields(after)
		if !ok || len(fields) < 5 || len(kind) < 3 {
			continue
		}
		m := mount{root: fields[3], point: fields[4]}
		switch kind[0] {
		case "cgroup2":
			points[""] = m
		case "cgroup":
			for option := range strings.SplitSeq(kind[2], ",") {
				points[option] = m
			}
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read mounts: %w", err)
	}
	var found Hierarchies
	lines = bufio.NewScanner(groups)
	for lines.Scan() {
		parts := strings.SplitN(lines.Text(), ":", 3)
		if len(parts) != 3 {
			continue
		}
		first, _, _ := strings.Cut(parts[1], ",")
		m, ok := points[first]
		if !ok {
			continue
		}
		own := parts[2]
		if m.root != "/" { // a container sees its own group as the mount's root
			own = strings.TrimPrefix(own, m.root)
		}
		found = append(found, Hierarchy{Controllers: parts[1], Mount: m.point, Path: path.Join("/", own)})
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read cgroups: %w", err)
	}
	return found, nil
}

// Unified says whether v2 is all there is.
func (hs Hierarchies) Unified() bool { return len(hs) == 1 && hs[0].V2() }

// Own is the group this process is in.
func (hs Hierarchies) Own() Group {
	g := Group{}
	for _, h := range hs {
		g.dirs = append(g.dirs, dir{h, path.Join(h.Mount, h.Path)})
	}
	return g
}

// Root is the group at the root of every hierarchy.
func (hs Hierarchies) Root() Group {
	g := Group{}
	for _, h := range hs {
		g.dirs = append(g.dirs, dir{h, h.Mount})
	}
	return g
}

// At is the group made of known folders, each in its hierarchy, so that it can be made and filled.
func (hs Hierarchies) At(folders []string) Group {
	g := Group{}
	for _, folder := range folders {
		for _, h := range hs {
			if strings.HasPrefix(folder, h.Mount+"/") {
				g.dirs = append(g.dirs, dir{h, folder})
			}
		}
	}
	return g
}

// Resources keeps the hierarchies that share out processor time, and that count it and memory.
func (hs Hierarchies) Resources() Hierarchies {
	if hs.Unified() {
		return hs
	}
	return slices.DeleteFunc(slices.Clone(hs), func(h Hierarchy) bool {
		return !h.Has("cpu") && !h.Has("cpuacct") && !h.Has("memory")
	})
}
