package cgroup

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const hybrid = `22 27 0:21 / /proc rw,relatime - proc proc rw
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`

func TestParse(t *testing.T) {
	for _, c := range []struct {
		says, groups, mounts string
		own                  []string
		resources            []string
		unified              bool
	}{
		{
			says:   "v1 beside an empty v2, each controller at a path of its own",
			groups: "9:name=systemd:/\n4:memory:/process_api/d58b\n2:cpu,cpuacct:/\n7:pids:/not-mounted\n0::/\n",
			mounts: hybrid,
			own: []string{
				"/sys/fs/cgroup/systemd", "/sys/fs/cgroup/memory/process_api/d58b", "/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/unified",
			},
			resources: []string{"/sys/fs/cgroup/memory", "/sys/fs/cgroup/cpu,cpuacct"},
		},
		{
			says:   "v1 with a mount for each controller",
			groups: "4:memory:/\n3:cpuset:/\n2:cpuacct:/\n1:cpu:/\n",
			mounts: "30 23 0:26 / /c/cpu rw - cgroup cgroup rw,cpu\n31 23 0:27 / /c/cpuacct rw - cgroup cgroup rw,cpuacct\n" +
				"32 23 0:28 / /c/cpuset rw - cgroup cgroup rw,cpuset\n33 23 0:29 / /c/memory rw - cgroup cgroup rw,memory\n",
			own:       []string{"/c/memory", "/c/cpuset", "/c/cpuacct", "/c/cpu"},
			resources: []string{"/c/memory", "/c/cpuacct", "/c/cpu"},
		},
		{
			says:      "v2 alone",
			groups:    "0::/user.slice/session-1.scope\n",
			mounts:    "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n",
			own:       []string{"/sys/fs/cgroup/user.slice/session-1.scope"},
			resources: []string{"/sys/fs/cgroup"},
			unified:   true,
		},
		{
			says:      "a container, whose mount begins at its own group",
			groups:    "4:memory:/docker/abc\n",
			mounts:    "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
			own:       []string{"/sys/fs/cgroup/memory"},
			resources: []string{"/sys/fs/cgroup/memory"},
		},
		{
			says:      "the mount that covers another counts",
			groups:    "4:memory:/\n",
			mounts:    "35 31 0:32 / /old/memory rw - cgroup cgroup rw,memory\n99 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
			own:       []string{"/sys/fs/cgroup/memory"},
			resources: []string{"/sys/fs/cgroup/memory"},
		},
		{says: "nothing mounted", groups: "0::/\n", mounts: "garbage\n"},
	} {
		t.Run(c.says, func(t *testing.T) {
			trees, err := Parse(strings.NewReader(c.groups), strings.NewReader(c.mounts))
			if err != nil {
				t.Fatal(err)
			}
			if got := trees.Own().Dirs(); !slices.Equal(got, c.own) {
				t.Errorf("own %v, want %v", got, c.own)
			}
			if got := trees.Resources().Root().Dirs(); !slices.Equal(got, c.resources) {
				t.Errorf("resources %v, want %v", got, c.resources)
			}
			if trees.Unified() != c.unified {
				t.Errorf("unified: %v", trees.Unified())
			}
		})
	}
}

// tree is a group of plain folders: what the kernel adds is written by hand.
func tree(t *testing.T, files map[string]string, trees ...Hierarchy) Group {
	t.Helper()
	base := t.TempDir()
	for name, content := range files {
		path := filepath.Join(base, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	g := Group{}
	for _, h := range trees {
		h.Mount = filepath.Join(base, h.Mount)
		g.dirs = append(g.dirs, dir{h, h.Mount})
	}
	return g
}

func TestUsage(t *testing.T) {
	v1 := tree(t, map[string]string{
		"cpuacct/lab/cpuacct.usage": "2500000000\n",
		"memory/lab/memory.stat":    "rss 1\ntotal_rss 4096\n",
	}, Hierarchy{Controllers: "cpuacct", Mount: "cpuacct"}, Hierarchy{Controllers: "memory", Mount: "memory"}).Child("lab")
	v2 := tree(t, map[string]string{
		"lab/cpu.stat":    "usage_usec 2500000\nuser_usec 1\n",
		"lab/memory.stat": "anon 4096\nfile 1\n",
	}, Hierarchy{}).Child("lab")
	for name, g := range map[string]Group{"v1": v1, "v2": v2} {
		if u := g.Usage(); u.CPU.Seconds() != 2.5 || u.Anon != 4096 {
			t.Errorf("%s: %+v", name, u)
		}
	}
	if u := v1.Child("none").Usage(); u != (Usage{}) {
		t.Errorf("a group that is not there: %+v", u)
	}
}

func TestPidsAreThoseOfAllGroupsInIt(t *testing.T) {
	g := tree(t, map[string]string{
		"a/lab/cgroup.procs": "7\n0\n", "a/lab/node1/cgroup.procs": "9\n12\n", "b/lab/cgroup.procs": "7\n", "a/other/cgroup.procs": "5\n",
	}, Hierarchy{Controllers: "a", Mount: "a"}, Hierarchy{Controllers: "b", Mount: "b"}).Child("lab")
	if got := g.Pids(); !slices.Equal(got, []int{7, 9, 12}) {
		t.Errorf("%v", got)
	}
}

func TestMakeCopiesTheCpuset(t *testing.T) {
	g := tree(t, map[string]string{"cpuset.cpus": "0-1\n", "cpuset.mems": "0\n"}, Hierarchy{Controllers: "cpuset"}).Child("lab")
	if err := g.Make(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(g.Dirs()[0], "cpuset.cpus"))
	if err != nil || string(content) != "0-1" {
		t.Errorf("%q, %v", content, err)
	}
}

func TestWeigh(t *testing.T) {
	v1 := tree(t, map[string]string{"lab/cpu.shares": "1024"}, Hierarchy{Controllers: "cpu"}, Hierarchy{Controllers: "name=systemd"}).Child("lab")
	v2 := tree(t, map[string]string{"lab/cpu.weight": "100"}, Hierarchy{}).Child("lab")
	for _, c := range []struct {
		g         Group
		processes float64
		want      string
	}{{v1, 4, "4096"}, {v1, 0.25, "256"}, {v2, 4, "400"}, {v2, 0.25, "25"}, {v2, 0.001, "1"}} {
		if err := c.g.Weigh(c.processes); err != nil {
			t.Fatal(err)
		}
		files, _ := filepath.Glob(filepath.Join(c.g.Dirs()[0], "cpu.*"))
		if content, err := os.ReadFile(files[0]); err != nil || string(content) != c.want {
			t.Errorf("%s: %q, %v; want %s", files[0], content, err, c.want)
		}
	}
}

// TestARealGroup makes, fills, kills and removes a group of this machine.
func TestARealGroup(t *testing.T) {
	trees, err := Mounted()
	if err != nil {
		t.Fatal(err)
	}
	group := trees.Own().Child("lab-cgroup-test")
	if os.Geteuid() != 0 || trees.Unified() || group.Make() != nil {
		t.Skip("needs root and cgroup v1")
	}
	defer func() { _ = group.Remove() }()
	sleep := exec.Command("sleep", "60")
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	if err := group.Child("inner").Make(); err != nil {
		t.Fatal(err)
	}
	if err := group.Child("inner").Add(sleep.Process.Pid); err != nil {
		t.Fatal(err)
	}
	if got := group.Pids(); !slices.Equal(got, []int{sleep.Process.Pid}) {
		t.Errorf("holds %v, want %d", got, sleep.Process.Pid)
	}
	ended := make(chan error, 1)
	go func() { ended <- sleep.Wait() }()
	if err := group.Kill(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-ended; err == nil || err.Error() != "signal: killed" {
		t.Errorf("ended with %v", err)
	}
	if err := group.Remove(); err != nil {
		t.Error(err)
	}
	if err := group.Remove(); err != nil {
		t.Errorf("removed twice: %v", err)
	}
	for _, d := range group.Dirs() {
		if _, err := os.Stat(d); err == nil {
			t.Errorf("%s is still there", d)
		}
	}
}

func TestAKnownGroupIsInItsHierarchies(t *testing.T) {
	hs, err := Parse(strings.NewReader("4:memory:/somewhere/else\n2:cpu,cpuacct:/\n0::/\n"), strings.NewReader(hybrid))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"/sys/fs/cgroup/cpu,cpuacct/lab", "/sys/fs/cgroup/memory/x/lab", "/sys/fs/cgroup/unified/lab"}
	got := hs.At(append(want, "/sys/fs/cgroup/pids/lab", "/sys/fs/cgroup/unified-not/lab"))
	if !slices.Equal(got.Dirs(), want) {
		t.Errorf("%v, want %v", got.Dirs(), want)
	}
	for i, controllers := range []string{"cpu,cpuacct", "memory", ""} {
		if got.dirs[i].hierarchy.Controllers != controllers {
			t.Errorf("%s is of %q, want %q", want[i], got.dirs[i].hierarchy.Controllers, controllers)
		}
	}
}
