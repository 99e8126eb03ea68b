// Package experiments puts a hypothesis about a service to the test: it waits
// until the service is in its steady state, injects faults while load is
// driven, undoes them, watches the recovery, and writes everything it sees to
// one record.
//
//	rec := record.NewRecorder(file)
//	err := experiments.Experiment{
//		Name:       "kill one of three",
//		Hypothesis: shopping,
//		Load:       load.HTTP{Shape: load.Constant(100), URL: "http://shop.example/checkout"},
//		Faults:     []experiments.Scheduled{{Fault: kill}},
//		Hold:       10 * time.Second,
//		Watch:      time.Minute,
//	}.Run(ctx, rec)
//	if err != nil {
//		return err
//	}
//	result, err := judge.Judge(record.Read(file), nil)
//	if err != nil {
//		return err
//	}
//	fmt.Println(result.Verdict) // held, broken or unknown
//
// An experiment may have several faults, at once, in sequence and on a condition,
// each with its own T0 and T1, see [Scheduled]. The phases are the same: in the
// inject phase those come that come first, in the hold phase the others, and in
// it those go that have a time of their own. It lasts until each has come and
// had its time, or the hold time where it has none; in the recover phase all the
// rest is undone.
//
// The record is the only truth. It is append-only JSON Lines, written as
// things happen, so that a killed run still has its evidence. [judge.Judge] is a pure
// function of it: no clock, no input or output; a record can be judged again
// next month, with other limits, without a cluster.
//
// Failure of the service is data in the record. Failure of the harness is an
// error from Run. A fault that could not be shown to take effect, a load that
// fell behind, a source that saw nothing: none of them can end in Held.
package experiments
