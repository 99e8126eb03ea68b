// Package load drives requests with vegeta and records what became of each.
//
// The load is an open model: requests are sent when the schedule says so,
// whether or not earlier ones were answered. When the machine cannot keep up,
// because it was stalled or because all workers wait for answers, the requests
// are sent late; each carries the time it was planned for, so the judge knows
// the time of which nothing is known.
//
//	experiment.Load = load.HTTP{
//		Shape: load.MustParseShape("ramp from 10/s to 100/s over 1m"),
//		URL:   "http://shop.example/checkout",
//	}
//
// Each request goes over a fresh connection, as a new user's would: with
// kept-alive ones the load would travel on a few connections and meet a few
// pods. With Reuse they are kept, and a request that Go's HTTP client silently
// repeats on another connection counts as failed at its first attempt. With a
// ReuseRate both go side by side, as two signals.
//
// No request waits for its record: requests are handed over, and a recorder
// that falls too far behind ends the load with an error. And the load feels its
// own stall detector: a request that was in flight while the load did not get to run
// says for how long, since its answer may have lain unread.
package load
