// Package experiments tests a hypothesis about a service: it waits for the
// steady state, injects faults under load, undoes them, watches the recovery,
// and writes all observations to one record.
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
// An experiment may have several faults, at once, in sequence or on a
// condition, each with its own T0 and T1, see [Scheduled]. The phases stay the
// same. The inject phase injects the faults that come first, the hold phase the
// others, and it undoes those with a time of their own. The hold phase lasts
// until each fault was injected and had its time, or the hold time where it has
// none; the recover phase undoes the rest.
//
// The record is the only source of truth. It is append-only JSON Lines, written
// as things happen, so that a killed run keeps its evidence. [judge.Judge] is a
// pure function of it, without clock or I/O: a record can be judged again next
// month, with other limits, without a cluster.
//
// A failure of the service is data in the record. A failure of the harness is
// an error from Run. A fault without proof of effect, a load that fell behind,
// a source that saw nothing: none of them can end in Held.
package experiments
