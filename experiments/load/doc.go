// Package load drives requests with vegeta and records the outcome of each.
//
// The load is an open model: requests are sent on schedule, whether or not
// earlier ones were answered. When the machine cannot keep up, because it was
// stalled or because all workers wait for answers, requests are sent late; each
// carries its planned time, so the judge knows which times are unobserved.
//
//	experiment.Load = load.HTTP{
//		Shape: load.Ramp(10, 100, time.Minute),
//		URL:   "http://shop.example/checkout",
//	}
//
// Each request uses a fresh connection, as a new user's would: with keep-alive
// the load would use a few connections and reach a few pods. With Reuse
// connections are kept alive, and a request that Go's HTTP client silently
// repeats on another connection counts as failed at its first attempt. With a
// ReuseRate both run in parallel, as two signals.
//
// No request waits for its record: a queue passes requests on, and a recorder
// that falls too far behind ends the load with an error. The load also has its
// own stall detector: a request that was in flight while the load did not run
// says for how long, since its answer may have lain unread.
package load
