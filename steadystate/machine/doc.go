// Package machine tells what is the doing of the machine that measures from what
// is the service's. The machine may lack ports or file handles, and it may not
// get to run; of a service that was asked then, nothing is known.
//
//	pulse := machine.StartPulse(clock, time.Minute)
//	defer pulse.End()
//	if err := ask(); err != nil {
//		reason, own := machine.Blame(err)
//		...
//	}
//	stalled := pulse.Within(span)
package machine
