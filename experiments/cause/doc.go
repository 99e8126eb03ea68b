// Package cause says of each outage, from what the record holds, which backends
// failed and how, what happened around its start, and in which stage of a
// recovery it was.
//
//	inquiry := cause.NewInquiry(result, waterfalls)
//	for entry, err := range record.Read(file) {
//		if err != nil {
//			return err
//		}
//		inquiry.Take(entry)
//	}
//	for _, c := range inquiry.Causes() {
//		fmt.Println(c.Who)
//	}
//
// It joins facts and guesses none: what the record does not show is left out. Why is
// hedged, "consistent with", by the first rule that fits; each rule asks for all
// that sets its cause apart, and where none fits nothing is said.
//
// [Advise] is what to mend, if the cause and a fact of the workload's description
// agree on it, and otherwise what to ask.
//
// [Disturbances] are what else happened while the service was observed, by no fault
// of the run.
package cause
