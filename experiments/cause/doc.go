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
// It joins facts and guesses none: what the record does not show is left out.
package cause
