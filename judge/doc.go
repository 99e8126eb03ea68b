// Package judge judges a record. [Judge] is a pure function of the
// entries and the limits: no clock, no input or output, so that a record can be
// judged again next month, with other limits, without a cluster.
//
//	result, err := judge.Judge(record.Read(file), nil)
//	if err != nil {
//		return err
//	}
//	fmt.Println(result.Verdict, result.Reason) // held, broken or unknown
//
// A [Result] has a finding for each limit and a proof for each reason to believe
// it: the faults were injected, their effects seen, the targets took traffic, the
// service was steady before, the load kept its schedule, the data covers the
// window, every fault is undone. A missing proof makes the verdict unknown. A
// [Gate] checks before an injection, while entries are recorded, what the proofs
// check afterwards.
package judge
