package specs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/onsi/ginkgo/v2"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/runs"
	"github.com/aftershockhq/aftershock/steadystate"
)

// undoTime is what an interrupted spec is given to undo its faults before
// Ginkgo leaks it: longer than an experiment's own bound.
const undoTime = 3 * time.Minute

// grace is what the spec of an experiment is given.
func grace(e experiments.Experiment) time.Duration { return max(undoTime, e.UndoTimeout+time.Minute) }

// Register registers a spec for each experiment under a container of the given
// name, before RunSpecs. Records and reports go to a new directory in parent.
// Before is called once, before the first experiment, with those that the label
// filter leaves: what it refuses fails them all, and nothing was touched.
func Register(name string, list []experiments.Experiment, parent string, before func(ctx context.Context, chosen []experiments.Experiment) error) {
	// One after the other and in their order: a fault must not meet another.
	ginkgo.Describe(name, ginkgo.Ordered, ginkgo.Serial, ginkgo.ContinueOnFailure, func() {
		var directory *runs.Directory
		// Kept, because Ginkgo skips the specs after a failed BeforeAll, and a
		// skip is green.
		var refused error

		ginkgo.BeforeAll(func(ctx ginkgo.SpecContext) {
			if config, _ := ginkgo.GinkgoConfiguration(); config.FlakeAttempts > 1 {
				refused = errors.New("--flake-attempts is refused: it would inject again and call broken held")
				return
			}
			if before != nil {
				if err := before(ctx, chosen(list)); err != nil {
					refused = fmt.Errorf("preflight, nothing was touched:\n%w", err)
					return
				}
			}
			if directory, refused = runs.NewDirectory(parent); refused == nil {
				ginkgo.GinkgoWriter.Printf("records are in %s\n", directory.Path)
			}
		})

		for _, e := range list {
			ginkgo.It(e.Name, ginkgo.Label(e.Labels...), ginkgo.GracePeriod(grace(e)), func(ctx ginkgo.SpecContext) {
				if refused != nil {
					ginkgo.Fail(refused.Error())
				}
				report, err := directory.Run(ctx, e)
				if report.Experiment != "" {
					ginkgo.AddReportEntry("result", entry{report})
				}
				if err != nil {
					ginkgo.Fail(err.Error())
				}
				if report.Verdict != steadystate.Held {
					ginkgo.Fail(text(report))
				}
			})
		}

		ginkgo.AfterAll(func() {
			if directory == nil || len(directory.Reports) == 0 {
				return
			}
			if err := directory.WriteReports(); err != nil {
				ginkgo.Fail(err.Error())
			}
			ginkgo.AddReportEntry("reports", directory.Path)
		})
	})
}

// chosen are the experiments that Ginkgo's label filter leaves.
func chosen(list []experiments.Experiment) []experiments.Experiment {
	return slices.DeleteFunc(slices.Clone(list), func(e experiments.Experiment) bool {
		return !ginkgo.Label(e.Labels...).MatchesLabelFilter(ginkgo.GinkgoLabelFilter())
	})
}

// entry is a report that prints itself in Ginkgo's output, and is data in its
// reports.
type entry struct {
	reports.Report
}

// String is the report as text.
func (e entry) String() string { return text(e.Report) }

func text(r reports.Report) string {
	var out bytes.Buffer
	if err := reports.Text(&out, r); err != nil {
		return fmt.Sprint(err)
	}
	return out.String()
}
