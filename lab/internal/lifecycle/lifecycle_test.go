package lifecycle

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aftershockhq/aftershock/lab/internal/build"
	"github.com/aftershockhq/aftershock/lab/internal/host"
	"github.com/aftershockhq/aftershock/lab/internal/place"
	"github.com/aftershockhq/aftershock/lab/internal/supervise"
)

func TestFind(t *testing.T) {
	reports := []supervise.Report{
		{Agent: "control", Components: []supervise.Status{{Agent: "control", Name: "etcd"}, {Agent: "control", Name: "node1"}}},
		{Agent: "node1", Components: []supervise.Status{{Agent: "node1", Name: "kubelet"}, {Agent: "node1", Name: "containerd"}}},
		{Agent: "node2", Components: []supervise.Status{{Agent: "node2", Name: "kubelet"}}},
	}
	for _, c := range []struct{ says, name, want string }{
		{"of the control plane", "etcd", "etcd"},
		{"a node itself", "node1", "node1"},
		{"of a node", "node2/kubelet", "node2/kubelet"},
		{"of the only node that has it", "containerd", "node1/containerd"},
		{"of two nodes", "kubelet", ""},
		{"of none", "dns", ""},
	} {
		t.Run(c.says, func(t *testing.T) {
			got, err := Find(reports, c.name)
			if c.want == "" {
				if !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), "choose one of etcd, node1, node1/containerd, node1/kubelet, node2/kubelet") {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil || Qualified(got) != c.want {
				t.Errorf("%s, %v", Qualified(got), err)
			}
		})
	}
}

// products are small files in the place of what is built.
func products(t *testing.T, key string) map[string]build.Built {
	dir := t.TempDir()
	built := map[string]build.Built{}
	for _, name := range []string{"hyperkube", "etcd", "chaos-controller-manager", "chaos-daemon", "metrics-server", "nsexec", "chaos-pause", "memstress", "tc", "pause", "checkout", "ledger"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(name), 0o755); err != nil {
			t.Fatal(err)
		}
		built[name] = build.Built{Key: key, Path: path}
	}
	crds := filepath.Join(dir, "crds")
	if err := errors.Join(os.Mkdir(crds, 0o755), os.WriteFile(filepath.Join(crds, "podchaos.json"), []byte("{}"), 0o644)); err != nil {
		t.Fatal(err)
	}
	built["crds"] = build.Built{Key: key, Path: crds}
	return built
}

func TestPrepareGoesOnOnlyWithAWholeClusterOfTheSameKind(t *testing.T) {
	for _, c := range []struct {
		says     string
		complete bool
		options  Options
		key      string
		again    bool
		nodes    int
	}{
		{"a whole cluster", true, Options{}, "1", true, 2},
		{"a whole cluster, as many nodes asked for", true, Options{Nodes: 2}, "1", true, 2},
		{"another number of nodes", true, Options{Nodes: 1}, "1", false, 1},
		{"a half one", false, Options{}, "1", false, 2},
		{"an empty one asked for", true, Options{Fresh: true}, "1", false, 2},
		{"of other binaries", true, Options{}, "2", false, 2},
	} {
		t.Run(c.says, func(t *testing.T) {
			l := Lab{Cache: place.Cache(t.TempDir()), Out: &bytes.Buffer{}}
			state, again, err := l.prepare(Options{Nodes: 2}, products(t, "1"))
			if err != nil || again {
				t.Fatalf("the first time: again %v, %v", again, err)
			}
			run := l.Cache.Run()
			state.Complete = c.complete
			data := run.Data("etcd")
			if err := errors.Join(state.Write(run), os.MkdirAll(data, 0o755)); err != nil {
				t.Fatal(err)
			}
			before, err := os.ReadFile(run.Kubeconfig())
			if err != nil {
				t.Fatal(err)
			}
			state, again, err = l.prepare(c.options, products(t, c.key))
			if err != nil {
				t.Fatal(err)
			}
			if again != c.again || state.Nodes != c.nodes || state.Complete {
				t.Errorf("again %v with %d nodes, want %v with %d", again, state.Nodes, c.again, c.nodes)
			}
			after, err := os.ReadFile(run.Kubeconfig())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(data); (err == nil) != c.again || bytes.Equal(before, after) != c.again {
				t.Errorf("data and keys must be kept together, or go together: %v", err)
			}
			if written, err := host.ReadState(run); err != nil || written.Complete {
				t.Errorf("state %+v, %v", written, err)
			}
			for _, program := range []string{"kubelet", "kubectl", "pause", "lab"} {
				if info, err := os.Stat(run.Bin(program)); err != nil || info.Mode()&0o111 == 0 {
					t.Errorf("program %s: %v", program, err)
				}
			}
		})
	}
}

func TestPossible(t *testing.T) {
	for _, nodes := range []int{-1, 3} {
		if err := possible(Options{Nodes: nodes}); !errors.Is(err, ErrUsage) {
			t.Errorf("%d nodes: %v", nodes, err)
		}
	}
}
