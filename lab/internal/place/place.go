// Package place says where the lab keeps its files: the cache, which outlives a lab, and the run folder, which does not.
//
// The run folder is seen twice: by the host as <cache>/run and inside the lab as /lab. A Run built on either root gives the
// right path for the side it is used on:
//
//	place.At(cache).Run().Kubeconfig() // .../aftershock/lab/run/kubeconfig
//	place.Inside.Socket("node1")       // /lab/sockets/node1
package place

import (
	"fmt"
	"os"
	"path/filepath"
)

// Cache is the folder that holds built binaries and, in "run", the lab that is up.
type Cache string

// FromEnv is the cache named by AFTERSHOCK_LAB_CACHE, or aftershock/lab in the user's cache folder.
func FromEnv() (Cache, error) {
	if dir := os.Getenv("AFTERSHOCK_LAB_CACHE"); dir != "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return "", fmt.Errorf("resolve AFTERSHOCK_LAB_CACHE %q: %w", dir, err)
		}
		return Cache(abs), nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the user's cache folder: %w (set AFTERSHOCK_LAB_CACHE)", err)
	}
	return Cache(filepath.Join(dir, "aftershock", "lab")), nil
}

// Built holds the built binaries, each under a name that ends in its key.
func (c Cache) Built() string { return filepath.Join(string(c), "built") }

// Keys holds what is known of the keys of what can be built.
func (c Cache) Keys() string { return filepath.Join(string(c), "keys") }

// BuildLock is held while something is being built.
func (c Cache) BuildLock() string { return filepath.Join(string(c), "build.lock") }

// Lock is held by every command that changes the lab.
func (c Cache) Lock() string { return filepath.Join(string(c), "lab.lock") }

// Alive is held by the supervisor for as long as it lives, and holds its pid.
func (c Cache) Alive() string { return filepath.Join(string(c), "supervisor.lock") }

// ControllersLock is held while controllers run beside the lab.
func (c Cache) ControllersLock() string { return filepath.Join(string(c), "controllers.lock") }

// Run is the folder of the lab that is up.
func (c Cache) Run() Run { return Run(filepath.Join(string(c), "run")) }

// Run is the folder of one lab: its data, keys, logs and sockets. All of it goes when the lab is taken down.
type Run string

// Inside is the run folder as the lab itself sees it.
const Inside Run = "/lab"

func (r Run) join(elem ...string) string {
	return filepath.Join(append([]string{string(r)}, elem...)...)
}

// Bin holds the programs of the lab under the names they are started by.
func (r Run) Bin(name string) string { return r.join("bin", name) }

// PKI holds keys, certificates and the token of the cluster.
func (r Run) PKI(name string) string { return r.join("pki", name) }

// Kubeconfig is the administrator's access to the cluster; it works on the host and inside.
func (r Run) Kubeconfig() string { return r.join("kubeconfig") }

// Images holds the image archives that every node imports.
func (r Run) Images() string { return r.join("images") }

// CRDs holds the definitions of Chaos Mesh's kinds.
func (r Run) CRDs() string { return r.join("crds") }

// Data is the folder of a component's own data.
func (r Run) Data(component string) string { return r.join("data", component) }

// Logs holds a file per component, and a folder per node.
func (r Run) Logs() string { return r.join("logs") }

// Log is the log of one component; agent is "" for the control plane and the node's name for a node.
func (r Run) Log(agent, component string) string { return r.join("logs", agent, component+".log") }

// Socket is where an agent ("control" or a node's name) answers.
func (r Run) Socket(agent string) string { return r.join("sockets", agent) }

// State describes the lab: see host.State.
func (r Run) State() string { return r.join("state.json") }

// Truth holds what the service under test itself saw: one file per pod.
func (r Run) Truth() string { return r.join("truth") }

// Volume is the folder of one persistent volume. Every node sees the same one.
func (r Run) Volume(name string) string { return r.join("volumes", name) }

// Targets holds the scrape targets that Prometheus watches.
func (r Run) Targets() string { return r.join("targets") }
