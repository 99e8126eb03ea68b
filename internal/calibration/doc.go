// Package calibration measures the instrument's error against known ground
// truth: it plants outages whose start and end it knows, lets the real load,
// the real record and the real judge observe them, and compares the judge's
// stated bounds with the planted ones.
//
// The instrument is blind: the judged experiment does not know what is planted,
// only that something may be. Each change is planted at an instant that lies
// between a reading of the clock before the call that makes it and one after,
// microseconds apart. A stated edge holds the truth if it shares an instant
// with that span; a stated length, with the lengths that the planted edges
// allow.
//
//	report, err := calibration.Run(ctx, calibration.Options{Trials: 300, Rate: 100})
//	if err != nil {
//		return err
//	}
//	for _, s := range report.Kinds {
//		fmt.Println(s.Kind, s.Held.All, "of", s.Reported, s.Missed, "missed", s.Invented, "invented")
//	}
//	fmt.Println(report.Verdict)
//
// A trial whose load fell behind counts like any other: the bounds must hold
// even then. A trial without ground truth does not: where only latency
// separates good from bad, a machine that starves the planted service itself
// turns planted good answers into bad ones. The report gives their number, and
// how many of them were wrong.
//
// The seed alone determines the planted outages, see [Plans]: the same seed
// plants the same outages again, whatever the machine.
package calibration
