// Package compare compares sets of runs by their results: what changed between two sets,
// how an experiment went over time, and whether enough trials of a build recovered in
// time.
//
//	diff, err := compare.NewDiff(before, after, compare.Options{})
//	if err != nil {
//		return err
//	}
//	fmt.Println(diff.Outcome)
//	return diff.Text(os.Stdout)
//
// A [Diff] pairs runs by experiment and plan. Each figure has bounds, and what a diff
// says holds for every value within them: one set is longer than another only if it
// still is with each of its own figures at the low end and each of the other's at the
// high end. A completed run without a figure may have had any value.
//
// A [Trend] lists the verdicts of each experiment in the order of its runs, and estimates
// quantiles of its times to recovery by package survival. An outage that was not over
// counts as censored: it lasted at least that long.
//
// A [Gate] decides from the times to recovery of trials whether enough of them are
// within a limit and, with a baseline, whether they are as short as the baseline's.
package compare
