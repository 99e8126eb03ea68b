package recovery_test

import (
	"fmt"
	"time"

	"github.com/aftershockhq/aftershock/experiments/recovery"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

func ExampleHistory() {
	var history recovery.History
	// Usually from a record: for entry, err := range record.Read(file).
	event := func(from, to time.Duration, kind, subject, uid string) {
		history.Take(record.Entry{At: to, Event: &record.Event{
			Span: steadystate.Span{From: from, To: to}, Kind: kind, Subject: subject, UID: uid,
			Attrs: map[string]string{record.AttrOwner: "ReplicaSet/shop-1"},
		}})
	}
	const ms = time.Millisecond
	history.Take(record.Entry{Injection: &record.Injection{
		Fault:   "kill 1 of the pods app=shop",
		Targets: []record.Target{{Name: "shop-1-a", UID: "a"}},
		Span:    steadystate.Span{From: 10_000 * ms, To: 10_060 * ms},
		Effects: []record.Effect{{Event: record.EventGone}},
	}})
	event(9_800*ms, 10_060*ms, record.EventTerminating, "pod/shop/shop-1-a", "a")
	event(9_800*ms, 10_160*ms, record.EventRemoved, "endpoint/shop/shop-1-a", "a")
	event(9_800*ms, 10_240*ms, record.EventCreated, "pod/shop/shop-1-b", "b")
	event(10_200*ms, 10_270*ms, record.EventScheduled, "pod/shop/shop-1-b", "b")
	event(13_200*ms, 13_300*ms, record.EventStarted, "pod/shop/shop-1-b", "b")
	event(14_200*ms, 14_290*ms, record.EventReady, "pod/shop/shop-1-b", "b")
	history.Take(record.Entry{At: 40_000 * ms, End: &record.End{Reason: record.Completed}})

	for _, w := range history.Waterfalls(nil) {
		fmt.Print(w)
		step, _ := w.Costliest()
		fmt.Println(step.Stage, step.Took.Low, step.Took.High)
	}
	// Output:
	// recovery of shop-1-a, replaced by shop-1-b (kill 1 of the pods app=shop)
	//   fault                +0s to 60ms      -                |-                                       |
	//   victim leaves        +0s to 60ms      0s to 60ms       |-                                       |
	//   endpoint removed     +0s to 160ms     0s to 160ms      |-                                       |
	//   replacement created  +0s to 240ms     0s to 240ms      |-                                       |  since victim leaves
	//   scheduled            +200ms to 270ms  0s to 270ms      |-                                       |
	//   containers started   +3.2s to 3.3s    2.93s to 3.1s    |=====                                   |
	//   ready                +4.2s to 4.29s   900ms to 1.09s   |    ==                                  |
	//   endpoint added       -                at least 25.71s  |     >>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>|  not seen until the record ended
	//   first good answer    -                -                |                                        |  no load was driven
	//   hypothesis good      -                -                |                                        |  not judged
	//   costliest: endpoint added, at least 25.71s
	// endpoint added 25.71s 25.8s
}
