// Package compare says what changed between sets of runs, and how the runs of
// experiments went over time, from their results.
//
//	diff, err := compare.NewDiff(before, after)
//	if err != nil {
//		return err
//	}
//	fmt.Println(diff.Outcome)
//	return diff.Text(os.Stdout)
//
// A [Diff] pairs runs by experiment and plan. Each figure is known between bounds,
// and what is said of sets of runs holds for every value within them: a set is longer
// than another only if it would be with each of its own figures at its low end and
// each of the other's at its high end. A run that came to an end of its own without a
// figure may have had any.
//
// A [Trend] is the verdicts of each experiment in the order of its runs, and its times
// to recovery by package survival, in which an outage that was not over counts as one
// that lasted at least so long.
//
// A [Gate] decides by the times to recovery of trials whether enough of them are
// within a limit, and whether they are as short as those of a baseline.
package compare
