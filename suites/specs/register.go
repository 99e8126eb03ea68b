package specs

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/runs"
)

// Register registers a spec for each experiment in a container with this name. Call it
// before RunSpecs. The specs run in the order of the list. Records and reports go to a new
// directory in parent, as those of [It] with a [Dir]. The function before is called once,
// before the first experiment, with the experiments that the label filter selects; if it
// returns an error, all of them fail and nothing is touched.
func Register(name string, list []experiments.Experiment, parent string, before func(ctx context.Context, chosen []experiments.Experiment) error) {
	here := types.NewCodeLocation(1)
	ginkgo.Describe(name, ginkgo.Ordered, ginkgo.Serial, ginkgo.ContinueOnFailure, here, func() {
		// Not in a BeforeAll: if that fails, Ginkgo skips the specs, and a skip is
		// green.
		asked, refused := before == nil, error(nil)
		for _, e := range list {
			it(e.Name, func(ctx context.Context) experiments.Experiment {
				if !asked {
					asked, refused = true, before(ctx, chosen(list))
				}
				if refused != nil {
					ginkgo.Fail(fmt.Sprintf("preflight, nothing was touched:\n%v", refused))
				}
				return e
			}, []any{here, Dir(parent), ginkgo.Label(e.Labels...), ginkgo.GracePeriod(max(cleanup, grace(e)))})
		}
	})
}

// chosen are the experiments that Ginkgo's label filter leaves.
func chosen(list []experiments.Experiment) []experiments.Experiment {
	return slices.DeleteFunc(slices.Clone(list), func(e experiments.Experiment) bool {
		return !ginkgo.Label(e.Labels...).MatchesLabelFilter(ginkgo.GinkgoLabelFilter())
	})
}

// directories are those of this process' suite, by parent. Ginkgo has one suite
// for each process, and its specs are registered without a receiver: what they
// share can only be here.
var directories = struct {
	sync.Mutex
	of map[string]*runs.Directory
}{of: map[string]*runs.Directory{}}

// directory is the suite's directory in parent, made when the first experiment
// needs it.
func directory(parent string) (*runs.Directory, error) {
	directories.Lock()
	defer directories.Unlock()
	if made := directories.of[parent]; made != nil {
		return made, nil
	}
	made, err := runs.NewDirectory(parent)
	if err != nil {
		return nil, err
	}
	ginkgo.GinkgoWriter.Printf("records are in %s\n", made.Path)
	directories.of[parent] = made
	return made, nil
}
