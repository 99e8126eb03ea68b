package record_test

import (
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/record"
)

// What a flush takes, of the requests of 200 ms at 1000 and 3000 a second, and
// of a whole block.
func BenchmarkFlush(b *testing.B) {
	for _, n := range []int{200, 600, 4096} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			rec := record.NewRecorder(io.Discard)
			b.ReportAllocs()
			for b.Loop() {
				for i := range n {
					planned := time.Duration(i) * time.Millisecond
					sent := planned + time.Duration(i*i%200)*time.Microsecond
					rec.Request(record.TrafficSignal, record.Request{
						Seq: uint64(i), Planned: planned, Sent: sent, Answered: sent + time.Duration(i*i*7%9973)*time.Microsecond,
						Outcome: record.Outcome{Code: 200, Backend: "checkout-1", Attempts: 1},
					})
				}
				rec.Flush()
			}
		})
	}
}
