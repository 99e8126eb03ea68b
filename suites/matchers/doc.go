// Package matchers provides Gomega matchers for the report of a run. Import it as "."
// beside Gomega:
//
//	report, err := directory.Run(ctx, experiment) // a runs.Directory
//	Expect(err).NotTo(HaveOccurred())
//	Expect(report).To(And(
//		BeHeld(),
//		Meet("checkout answers", "downtime <= 2s", "ttr <= 30s"),
//		HaveProof("effect"),
//		LeaveNothingBehind(),
//	))
//
// They match a reports.Report or a judge.Result, or a pointer to one. A claim that the run
// leaves unknown fails both the assertion and its negation: an unknown report shows neither
// that the service is good nor that it is bad. The message of a failure contains the
// report, or the part that the assertion is about.
package matchers
