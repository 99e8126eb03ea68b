// Package probe asks a service in its own words, a message over a WebSocket or
// a health check of gRPC, as sources of signals: the seconds that each answer
// took.
//
//	probe.WebSocket{URL: "wss://shop.example/live"}.Signal("websocket")
//	probe.GRPCHealth{Address: "shop.example:443", TLS: &tls.Config{}}.Signal("grpc")
//
// A probe asks one thing at a time, at an even rate as long as answers come in
// time; a service that does not answer is asked again after each time-out. An
// observation spans from asking to the answer. Where a connection had to be
// opened first, that is part of it and of its value, as whoever waits for the
// answer would say. No answer, no connection and an answer that says no are
// failures; what this machine lacked is unknown, and what it may have read late
// since it did not get to run widens the value.
package probe
