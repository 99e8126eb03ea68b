// Package specs makes Ginkgo specs of experiments. [It] is for a team's own
// suite, beside the specs that it has:
//
//	var _ = Describe("checkout", func() {
//		specs.It("keeps selling while a pod is killed", func(ctx context.Context) experiments.Experiment {
//			return experiments.Experiment{
//				Hypothesis: shopping,
//				Load:       load.HTTP{Shape: load.Constant(100), URL: url}, // found by BeforeSuite
//				Faults:     []experiments.Scheduled{{Fault: kill}},
//				Hold:       30 * time.Second,
//			}
//		}, Label("pods"))
//	})
//
// A spec passes only if the verdict is held. Unknown fails it as broken does,
// since a skip would be green. With [Broken] it passes only if the verdict is
// broken. A function of the report asserts more, with the matchers of package
// matchers:
//
//	}, func(report reports.Report) {
//		Expect(report).To(Meet("checkout answers", "downtime <= 2s", "ttr <= 30s"))
//	})
//
// [Register] registers experiments that are known before RunSpecs, as those of a
// configuration file are.
//
// Specs are Serial: ginkgo -p never runs two at once. They are not tried again:
// --flake-attempts would inject once more and call broken held. An interrupted
// spec has the time to undo its faults. Records, and the reports that aftershock
// itself writes, are kept in one directory of the run, see [Dir].
package specs
