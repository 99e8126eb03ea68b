// Package specs makes Ginkgo specs of experiments: one spec each, which passes
// only if the verdict is held. Unknown fails a spec as broken does, since a
// skip would be green.
//
//	func TestSuites(t *testing.T) {
//		gomega.RegisterFailHandler(ginkgo.Fail)
//		specs.Register("checkout", list, "runs", nil)
//		ginkgo.RunSpecs(t, "suites")
//	}
//
// The records, and the reports that aftershock itself writes, are kept in a
// directory of the run; there is no second writer of JUnit to disagree with.
package specs
