// Package cause explains outages from the record: which backends failed and how,
// what happened around the start, and which stage of a pod's recovery was under way.
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
// It correlates what the record has and infers nothing else. [Cause.Why] says only
// what the outage is consistent with. It comes from the first rule that fits; each
// rule demands every fact that sets its cause apart, and if none fits, or two things fit
// equally well, Why is empty.
// [Cause.Quote] has the words of Kubernetes that it quotes, as facts.
//
// [Advise] recommends a fix if the cause and the workload's description agree on
// one, and otherwise asks a question.
//
// [Disturbances] lists what else happened to the service during the run that no
// fault of the run explains.
package cause
