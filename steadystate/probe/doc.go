// Package probe sends requests to a service in its own protocol: a message over
// a WebSocket or a gRPC health check. Its sources observe how many seconds each
// answer took.
//
//	probe.WebSocket{URL: "wss://shop.example/live"}.Signal("websocket")
//	probe.GRPCHealth{Address: "shop.example:443", TLS: &tls.Config{}}.Signal("grpc")
//
// A probe sends one request at a time, at an even rate while answers arrive in
// time, and retries after each timeout. Each request has a connection of its own, so
// that it meets any of the service's pods; with Reuse one connection is kept, which
// stays with one of them. An observation spans from the request to
// the answer. Opening a connection is part of it and of its value, as it is for
// a user who waits. No answer, no connection and a negative answer are failures.
// A shortage on this machine, and a secret of Headers that cannot be read, make an
// observation unknown. A stall, which may have delayed reading the answer, widens its
// value.
package probe
