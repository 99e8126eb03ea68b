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
// before the first experiment, with the experiments that the label filter selects by their
// labels and those of their containers; it is called again, with all, before one that is
// run although it was not among them, as by a label of the suite. If it returns an error,
// this experiment and those after it fail, and nothing is touched.
func Register(name string, list []experiments.Experiment, parent string, before func(ctx context.Context, chosen []experiments.Experiment) error) {
	here := types.NewCodeLocation(1)
	ginkgo.Describe(name, ginkgo.Ordered, ginkgo.Serial, ginkgo.ContinueOnFailure, here, func() {
		// Not in a BeforeAll: if that fails, Ginkgo skips the specs, and a skip is
		// green.
		asked, refused := make([]bool, len(list)), error(nil)
		for i, e := range list {
			it(e.Name, func(ctx context.Context) experiments.Experiment {
				if before != nil && refused == nil && !asked[i] {
					var these []experiments.Experiment
					asked, these = chosen(list, i)
					refused = before(ctx, these)
				}
				if refused != nil {
					ginkgo.Fail(fmt.Sprintf("preflight, nothing was touched:\n%v", refused))
				}
				return e
			}, []any{here, Dir(parent), ginkgo.Label(e.Labels...), ginkgo.GracePeriod(max(cleanup, grace(e)))})
		}
	})
}

// chosen are the experiments that Ginkgo's label filter leaves, and which of the list they
// are. A spec does not know the labels of its suite: if they are why the experiment runs that
// is running, they may be why any does, and all are chosen. What besides narrows the choice,
// such as --focus, is not looked at: more may be chosen than run, and never less.
func chosen(list []experiments.Experiment, running int) (which []bool, these []experiments.Experiment) {
	which = make([]bool, len(list))
	containers := slices.Concat(ginkgo.CurrentSpecReport().ContainerHierarchyLabels...)
	for i, e := range list {
		if which[i] = ginkgo.Label(slices.Concat(e.Labels, containers)...).MatchesLabelFilter(ginkgo.GinkgoLabelFilter()); which[i] {
			these = append(these, e)
		}
	}
	if !which[running] {
		return slices.Repeat([]bool{true}, len(list)), list
	}
	return which, these
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
