// Package runs carries experiments out and keeps what comes of them: a
// [Directory] has the record of each run, and the reports of all.
//
//	directory, err := runs.NewDirectory("runs")
//	if err != nil {
//		return err
//	}
//	for _, e := range suite {
//		if _, err := directory.Run(ctx, e); err != nil {
//			return err
//		}
//	}
//	return directory.WriteReports()
//
// [Judge] makes the report of a record, of a run that was just carried out or of
// one that was last month. An experiment names the evaluators of its expectations;
// for a record alone the caller does.
package runs
