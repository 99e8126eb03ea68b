// Package longrecord makes long records fast: an hour and more of requests in
// seconds, to show that reading and judging a record needs memory and disk that
// do not grow with it.
//
// The requests are the worst case for a request block: every other one fails,
// the latencies vary, and the answers come out of order.
//
//	var file bytes.Buffer
//	if err := longrecord.Write(&file, 6_000_000); err != nil {
//		return err
//	}
//	result, err := judge.Judge(record.Read(bytes.NewReader(file.Bytes())), nil)
//	if err != nil {
//		return err
//	}
//	fmt.Println(result.Traffic[record.TrafficSignal].Sent)
package longrecord
