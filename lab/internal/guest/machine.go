// Package guest is what happens inside the lab: the making of a machine out of fresh namespaces, and its supervisor. The
// lab is one such machine, which runs the control plane, and each node is one inside it.
package guest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/aftershockhq/aftershock/lab/internal/cgroup"
)

// root gives the lab a root of its own: the host's files below a layer in memory, so that it may write everywhere and
// nothing reaches the host's disk, but for folder, which becomes /lab.
func root(folder string) error {
	if err := mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	base := filepath.Join(folder, "root")
	in := func(path string) string { return filepath.Join(base, "new", path) }
	if err := os.MkdirAll(base, 0o755); err != nil {
		return err
	}
	// The upper layer must lie on another file system than the lower one.
	if err := mount("tmpfs", base, "tmpfs", 0, "mode=755"); err != nil {
		return err
	}
	layers := []string{filepath.Join(base, "upper"), filepath.Join(base, "work"), in("")}
	for _, dir := range layers {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	if err := mount("overlay", in(""), "overlay", 0, "lowerdir=/,upperdir="+layers[0]+",workdir="+layers[1]); err != nil {
		return err
	}
	for _, dir := range []string{"/lab", "/proc", "/dev", "/sys", "/tmp", "/run", "/old"} {
		if err := os.MkdirAll(in(dir), 0o755); err != nil {
			return err
		}
	}
	err := errors.Join(
		mount("/dev", in("/dev"), "", unix.MS_BIND|unix.MS_REC, ""),
		mount("tmpfs", in("/dev/shm"), "tmpfs", 0, ""),
		mount("proc", in("/proc"), "proc", 0, ""),
		mount("sysfs", in("/sys"), "sysfs", 0, ""),
		mount("tmpfs", in("/tmp"), "tmpfs", 0, ""),
		mount("tmpfs", in("/run"), "tmpfs", 0, "mode=755"),
		mount(folder, in("/lab"), "", unix.MS_BIND, ""),
	)
	if err != nil {
		return err
	}
	if err := unix.PivotRoot(in(""), in("/old")); err != nil {
		return fmt.Errorf("pivot root: %w", err)
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	if err := unix.Unmount("/old", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leave the host's root: %w", err)
	}
	return errors.Join(
		// The host's name server is out of reach: to wait for it would only cost time.
		replace("/etc/resolv.conf", ""),
		replace("/etc/hosts", "127.0.0.1 localhost\n"),
	)
}

// replace writes a file that may have been a link out of /etc.
func replace(path, content string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.WriteFile(path, []byte(content), 0o644)
}

// inner gives a node what a machine has for itself, on the lab's root.
func inner() error {
	if err := mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	for _, tree := range []string{"/proc", "/sys"} { // with all that is mounted in them
		if err := unix.Unmount(tree, unix.MNT_DETACH); err != nil {
			return fmt.Errorf("unmount %s: %w", tree, err)
		}
	}
	err := errors.Join(mount("proc", "/proc", "proc", 0, ""), mount("sysfs", "/sys", "sysfs", 0, ""))
	if err != nil {
		return err
	}
	for _, dir := range []string{"/run", "/tmp", "/var/log", "/var/lib/cni", "/var/lib/kubelet"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := mount("tmpfs", dir, "tmpfs", 0, "mode=755"); err != nil {
			return err
		}
	}
	return nil
}

// finish is what every machine needs once its root stands.
func finish(name string, trees cgroup.Hierarchies) error {
	if err := cgroups(trees); err != nil {
		return err
	}
	if err := pretend(); err != nil {
		return err
	}
	// Volumes that a kubelet mounts must show inside containers.
	if err := mount("", "/", "", unix.MS_REC|unix.MS_SHARED, ""); err != nil {
		return err
	}
	if err := unix.Sethostname([]byte(name)); err != nil {
		return fmt.Errorf("set host name: %w", err)
	}
	return nil
}

// cgroups mounts every hierarchy again, so that the machine's own group is the root of it.
func cgroups(trees cgroup.Hierarchies) error {
	const base = "/sys/fs/cgroup"
	if trees.Unified() {
		return mount("cgroup2", base, "cgroup2", 0, "")
	}
	if err := mount("tmpfs", base, "tmpfs", 0, "mode=755"); err != nil {
		return err
	}
	for _, tree := range trees {
		point := filepath.Join(base, filepath.Base(tree.Mount))
		if err := os.Mkdir(point, 0o755); err != nil {
			return err
		}
		kind, options := "cgroup", tree.Controllers
		switch {
		case tree.V2():
			kind = "cgroup2"
		case strings.HasPrefix(options, "name="):
			options = "none," + options
		}
		if err := mount(kind, point, kind, 0, options); err != nil {
			return err
		}
		if strings.Contains(tree.Controllers, ",") {
			for controller := range strings.SplitSeq(tree.Controllers, ",") {
				if err := os.Symlink(filepath.Base(point), filepath.Join(base, controller)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// pretend covers settings of the kernel that belong to no namespace with files that already hold what a kubelet wants: it
// reads them and leaves the host's alone.
func pretend() error {
	const folder = "/run/sysctl"
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for name, value := range map[string]string{
		"vm/overcommit_memory":      "1",
		"kernel/panic":              "10",
		"kernel/panic_on_oops":      "1",
		"kernel/keys/root_maxkeys":  "1000000",
		"kernel/keys/root_maxbytes": "25000000",
	} {
		file := filepath.Join(folder, strings.ReplaceAll(name, "/", "."))
		if err := os.WriteFile(file, []byte(value+"\n"), 0o644); err != nil {
			return err
		}
		if err := mount(file, "/proc/sys/"+name, "", unix.MS_BIND, ""); err != nil {
			return err
		}
	}
	return nil
}

func mount(source, target, kind string, flags uintptr, options string) error {
	if err := unix.Mount(source, target, kind, flags, options); err != nil {
		return fmt.Errorf("mount %s on %s: %w", strings.TrimSpace(kind+" "+source), target, err)
	}
	return nil
}
