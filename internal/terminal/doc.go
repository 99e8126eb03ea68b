// Package terminal is what a person sees in a terminal: a [Live] view of a run
// while it is under way, and at its end a report of at most a screen. The verdict
// and the reason come first, then what is true of the run besides, such as a fault
// that was left behind; a broken limit hides none of it. The full text is that of
// package reports.
//
//	screen := terminal.Of(os.Stdout)
//	err := screen.Report(os.Stdout, report, terminal.Place{Page: "runs/report.html"})
package terminal
