// Package conntrack stands in for github.com/mwitkow/go-conntrack in bin/aftershock (see
// build.work): it dials for the HTTP clients of prometheus/common, and counts and traces
// nothing, as nothing here reads that. The original serves golang.org/x/net/trace's pages,
// whose templates make the linker keep every exported method of every type: ten megabytes.
package conntrack

import (
	"context"
	"net"
)

type (
	dial = func(ctx context.Context, network, address string) (net.Conn, error)
	with func(*dial)
)

// NewDialContextFunc is a dialer as the options say.
func NewDialContextFunc(options ...with) func(context.Context, string, string) (net.Conn, error) {
	d := (&net.Dialer{}).DialContext
	for _, option := range options {
		option(&d)
	}
	return d
}

// DialWithDialContextFunc is the dialer to use; by default a net.Dialer.
func DialWithDialContextFunc(dialer dial) with { return func(d *dial) { *d = dialer } }

// DialWithName names what is counted: nothing.
func DialWithName(string) with { return func(*dial) {} }

// DialWithTracing asks for what is not done.
func DialWithTracing() with { return func(*dial) {} }
