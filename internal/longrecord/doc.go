// Package longrecord makes records of a length that no test would wait for: an
// hour and more of requests in seconds, so that what reads and judges a record
// can be shown to need memory and disk that do not grow with it.
//
// The requests are the worst that a request block can meet: every other one
// fails, the answers take any time, and they come in an order of their own.
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
