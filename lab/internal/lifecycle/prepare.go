package lifecycle

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/aftershockhq/aftershock/lab/internal/build"
	"github.com/aftershockhq/aftershock/lab/internal/cluster"
	"github.com/aftershockhq/aftershock/lab/internal/host"
	"github.com/aftershockhq/aftershock/lab/internal/image"
	"github.com/aftershockhq/aftershock/lab/internal/pki"
	"github.com/aftershockhq/aftershock/lab/internal/place"
	"github.com/aftershockhq/aftershock/lab/internal/plan"
	"github.com/aftershockhq/aftershock/lab/shop"
)

// programs are the names that products are started by.
var programs = map[string][]string{
	"hyperkube": {
		"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl",
	},
	"etcd":                     {"etcd"},
	"chaos-controller-manager": {"chaos-controller-manager"},
	"chaos-daemon":             {"chaos-daemon"},
	"metrics-server":           {"metrics-server"},
	"nsexec":                   {"nsexec"},
	"chaos-pause":              {"chaos-pause"},
	"memstress":                {"memstress"},
	"tc":                       {"tc"},
	"pause":                    {"pause"},
	"checkout":                 {"checkout"},
	"ledger":                   {"ledger"},
}

// prepare fills the run folder, and empties it first unless a whole cluster of the same kind lies there: then that is used
// again.
func (l Lab) prepare(o Options, built map[string]build.Built) (state host.State, again bool, err error) {
	run := l.Cache.Run()
	group, err := host.Group()
	if err != nil {
		return state, false, err
	}
	state = host.State{Nodes: o.Nodes, Cgroups: group.Dirs(), Binaries: map[string]string{}, Started: time.Now()}
	for name, b := range built {
		state.Binaries[name] = b.Key
	}
	before, err := host.ReadState(run)
	if err == nil && state.Nodes == 0 {
		state.Nodes = before.Nodes
	}
	state.Nodes = max(1, state.Nodes)
	again = err == nil && !o.Fresh && before.Complete && before.Nodes == state.Nodes && maps.Equal(before.Binaries, state.Binaries)
	if again {
		fmt.Fprintln(l.Out, "going on with the cluster that is there (--fresh begins with an empty one)")
	} else if err := os.RemoveAll(string(run)); err != nil {
		return state, again, fmt.Errorf("remove the earlier lab: %w", err)
	}
	if err := os.MkdirAll(string(run), 0o700); err != nil {
		return state, again, fmt.Errorf("make the lab's folder: %w", err)
	}
	if err := state.Write(run); err != nil {
		return state, again, err
	}
	return state, again, errors.Join(
		os.MkdirAll(run.Logs(), 0o755),
		install(run, built),
		secrets(run, state.Nodes),
		image.Write(filepath.Join(run.Images(), "pause.tar"), plan.PauseImage, built["pause"].Path, "/pause", runtime.GOARCH),
		image.Write(filepath.Join(run.Images(), "checkout.tar"), shop.Image, built["checkout"].Path, "/checkout", runtime.GOARCH),
		image.Write(filepath.Join(run.Images(), "ledger.tar"), shop.LedgerImage, built["ledger"].Path, "/ledger", runtime.GOARCH),
	)
}

// install puts programs and definitions where the lab sees them. They are links: the cache may be pruned under a lab.
func install(run place.Run, built map[string]build.Built) error {
	for _, folder := range []string{run.Bin(""), run.CRDs()} {
		if err := errors.Join(os.RemoveAll(folder), os.MkdirAll(folder, 0o755)); err != nil {
			return fmt.Errorf("make %s: %w", folder, err)
		}
	}
	for product, names := range programs {
		for _, name := range names {
			if err := link(built[product].Path, run.Bin(name)); err != nil {
				return err
			}
		}
	}
	definitions, err := filepath.Glob(filepath.Join(built["crds"].Path, "*.json"))
	if err != nil {
		return fmt.Errorf("find definitions: %w", err)
	}
	for _, file := range definitions {
		if err := link(file, filepath.Join(run.CRDs(), filepath.Base(file))); err != nil {
			return err
		}
	}
	// This program too: the one that go run made is gone when this command ends.
	own, err := os.Open("/proc/self/exe")
	if err != nil {
		return fmt.Errorf("read this program: %w", err)
	}
	defer func() { _ = own.Close() }()
	return write(own, run.Bin("lab"))
}

func link(from, to string) error {
	if err := os.Link(from, to); err == nil {
		return nil
	}
	file, err := os.Open(from) // not linked: another file system
	if err != nil {
		return fmt.Errorf("install %s: %w", to, err)
	}
	defer func() { _ = file.Close() }()
	return write(file, to)
}

func write(from io.Reader, to string) error {
	file, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return fmt.Errorf("install %s: %w", to, err)
	}
	_, err = io.Copy(file, from)
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("install %s: %w", to, err)
	}
	return nil
}

// secrets makes keys, token and kubeconfig, unless the cluster has them: its tokens are signed with them.
func secrets(run place.Run, nodes int) error {
	if _, err := os.Stat(run.Kubeconfig()); err == nil {
		return nil
	}
	request := pki.Request{
		Server: []string{
			plan.Control, plan.FirstService, "127.0.0.1", "localhost",
			"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
		},
		Nodes: map[string]string{},
	}
	for n := 1; n <= nodes; n++ {
		request.Nodes[plan.NodeName(n)] = plan.NodeAddress(n)
	}
	if err := pki.Write(run.PKI(""), request); err != nil {
		return err
	}
	ca, err := os.ReadFile(run.PKI(pki.CA))
	if err != nil {
		return fmt.Errorf("read the authority: %w", err)
	}
	token, err := os.ReadFile(run.PKI(pki.Token))
	if err != nil {
		return fmt.Errorf("read the token: %w", err)
	}
	return cluster.WriteKubeconfig(run.Kubeconfig(), plan.API, ca, string(token))
}
