// Package calibration measures the instrument's error against known truth: it
// plants outages whose start and end it knows, lets the real load, the real
// record and the real judge see them, and compares the bounds that the judge
// states with what was done.
//
// The instrument is blind: the experiment that is judged is not told what is
// planted, only that something may be. Each change is planted at an instant
// that lies between a reading of the clock before the call that makes it and
// one after, microseconds apart. A stated edge holds the truth if it shares an
// instant with that span; a stated length, with the lengths that the planted
// edges allow.
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
// even then. One whose truth is not known does not: where time alone tells a
// bad answer from a good one, a machine that keeps the planted service itself
// from running makes answers bad that were planted good. How many those were,
// and how many of them were wrong, is in the report.
//
// What is planted follows from the seed alone, see [Plans]: the same seed
// plants the same outages again, whatever the machine makes of them.
package calibration
