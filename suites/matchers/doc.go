// Package matchers has Gomega matchers for what a run returns: import it as "."
// beside Gomega.
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
// They take a reports.Report or a judge.Result, or a pointer to one. A claim that
// the run leaves unknown fails the assertion and its negation: an unknown report
// neither shows that the service is good nor that it is bad. A failure shows the
// report, or the part of it that the assertion is about.
package matchers
