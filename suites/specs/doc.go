// Package specs runs experiments as Ginkgo specs. [It] adds one to a team's own suite:
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
// A spec passes only if the verdict is held. An unknown verdict fails it as a broken one
// does, because a skip would be green. With [Broken] it passes only if the verdict is
// broken. A function can assert more about the report, with the matchers of package
// matchers:
//
//	}, func(report reports.Report) {
//		Expect(report).To(Meet("checkout answers", "downtime <= 2s", "ttr <= 30s"))
//	})
//
// [Register] registers experiments that are known before RunSpecs, such as those of a
// configuration file.
//
// Specs are Serial: ginkgo -p never runs two at once. They are not retried, because
// --flake-attempts would inject the faults again and turn broken into held. An interrupted
// spec has time to undo its faults, unless a second signal ends it. go test ends the process
// after its -timeout, which is 10 minutes: add -timeout 0. Records, and the same reports that aftershock writes,
// go to one directory per run of the suite; see [Dir].
package specs
