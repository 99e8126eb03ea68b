// Package longrecord has the tests of long records: reading and judging an hour
// and more of requests needs memory and disk that do not grow with it.
//
// The requests are the worst case for a request block: every other one fails,
// the latencies vary, and the answers come out of order.
package longrecord
