// Package machine distinguishes failures of the measuring machine from those of the
// service. The machine may run out of ports or file handles, or stall; observations
// made meanwhile say nothing about the service.
//
//	stalls := machine.StartStallDetector(clock, time.Minute)
//	defer stalls.End()
//	if err := ask(); err != nil {
//		reason, own := machine.Blame(err)
//		...
//	}
//	stalled := stalls.Within(span)
package machine
