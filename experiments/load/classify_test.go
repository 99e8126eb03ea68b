package load

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
)

// The resolver's own sockets can be what there are too few of; package net
// passes that on as text.
func TestALookUpWithoutFileHandlesIsTheLoadsOwnFailure(t *testing.T) {
	for _, row := range []struct {
		sentence string
		dial     error
		reason   string
		local    bool
	}{
		{"no file handle for the question", os.NewSyscallError("socket", syscall.EMFILE), "too many open files", true},
		{"no port for it", os.NewSyscallError("connect", syscall.EADDRNOTAVAIL), "no local port left", true},
		{"a name server that is not there", os.NewSyscallError("connect", syscall.ECONNREFUSED), "name not resolved: shop.example.", false},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			resolver := net.Resolver{PreferGo: true, Dial: func(_ context.Context, network, _ string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Net: network, Err: row.dial}
			}}
			_, err := resolver.LookupHost(t.Context(), "shop.example.")
			if errors.Is(err, row.dial) {
				t.Fatalf("%v wraps its cause: there is no need to read its text", err)
			}
			if reason, local := classify(err); reason != row.reason || local != row.local {
				t.Errorf("%v: %q, local %t; want %q, %t", err, reason, local, row.reason, row.local)
			}
		})
	}
}
