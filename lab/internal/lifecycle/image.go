package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/aftershockhq/aftershock/lab/internal/cgroup"
	"github.com/aftershockhq/aftershock/lab/internal/components"
	"github.com/aftershockhq/aftershock/lab/internal/host"
	"github.com/aftershockhq/aftershock/lab/internal/image"
	"github.com/aftershockhq/aftershock/lab/internal/place"
	"github.com/aftershockhq/aftershock/lab/internal/plan"
)

// Image makes an image of a static program, its entry point, and imports it into each node. To do so again is to bring a new
// program under the old name. A node that starts anew imports it too, until the lab is taken down.
func (l Lab) Image(ctx context.Context, reference, binary string) error {
	held, err := l.lock(ctx)
	if err != nil {
		return err
	}
	defer held.Release()
	state, err := host.ReadState(l.Cache.Run())
	if err != nil {
		return err
	}
	archive, err := archive(l.Cache.Run(), reference, binary)
	if err != nil {
		return err
	}
	for n := 1; n <= state.Nodes; n++ {
		name := plan.NodeName(n)
		socket, err := socket("/proc", cgroup.At(state.Cgroups).Child(name).Child("containerd").Pids())
		if err != nil {
			return fmt.Errorf("import image %s into %s: %w", reference, name, err)
		}
		if err := components.Import(ctx, socket, archive); err != nil {
			return fmt.Errorf("import image %s into %s: %w", reference, name, err)
		}
		fmt.Fprintf(l.Out, "%s has image %s\n", name, reference)
	}
	return nil
}

// archive writes the image where a node that starts finds it. It must be whole there at any time.
func archive(run place.Run, reference, binary string) (string, error) {
	if err := image.CheckBinary(binary); err != nil {
		return "", fmt.Errorf("%w: %w", ErrUsage, err)
	}
	path := filepath.Join(run.Images(), strings.NewReplacer("/", "_", ":", "_", "@", "_").Replace(reference)+".tar")
	temporary := path + ".new" // not one of *.tar, which are imported
	if err := image.Write(temporary, reference, binary, "/"+filepath.Base(binary), runtime.GOARCH); err != nil {
		return "", errors.Join(err, os.RemoveAll(temporary))
	}
	if err := os.Rename(temporary, path); err != nil {
		return "", fmt.Errorf("write image %s: %w", reference, err)
	}
	return path, nil
}

// socket is containerd's, as it is seen from the host: in the root of any of its processes.
func socket(proc string, pids []int) (string, error) {
	for _, pid := range pids {
		path := filepath.Join(proc, fmt.Sprint(pid), "root", components.ContainerdSocket)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("containerd does not run there (%d processes): see lab status", len(pids))
}
