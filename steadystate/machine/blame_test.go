package machine

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
func TestALookUpWithoutFileHandlesIsAFailureOfOnesOwn(t *testing.T) {
	for _, row := range []struct {
		sentence string
		dial     error
		reason   string
		local    bool
	}{
		{"no file handle for the question", os.NewSyscallError("socket", syscall.EMFILE), "too many open files", true},
		{"no port for it", os.NewSyscallError("connect", syscall.EADDRNOTAVAIL), "no local port left", true},
		{"a name server that is not there", os.NewSyscallError("connect", syscall.ECONNREFUSED), "name not resolved: shop.example.", true},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			resolver := net.Resolver{PreferGo: true, Dial: func(_ context.Context, network, _ string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Net: network, Err: row.dial}
			}}
			_, err := resolver.LookupHost(t.Context(), "shop.example.")
			if errors.Is(err, row.dial) {
				t.Fatalf("%v wraps its cause: there is no need to read its text", err)
			}
			if reason, local := Blame(err); reason != row.reason || local != row.local {
				t.Errorf("%v: %q, local %t; want %q, %t", err, reason, local, row.reason, row.local)
			}
		})
	}
}

func TestWhoseFailureItIs(t *testing.T) {
	for _, row := range []struct {
		sentence string
		err      error
		local    bool
	}{
		{"a network that is down is one's own", &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ENETDOWN)}, true},
		{"so is one that cannot be reached", &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ENETUNREACH)}, true},
		{"a host that cannot be reached is not", &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EHOSTUNREACH)}, false},
		{"a resolver that does not answer is no word about the service", &net.DNSError{Err: "i/o timeout", Name: "shop", IsTimeout: true}, true},
		{"one that fails for now neither", &net.DNSError{Err: "server misbehaving", Name: "shop", IsTemporary: true}, true},
		{"one that says there is no such name is", &net.DNSError{Err: "no such host", Name: "shop", IsNotFound: true}, false},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			if reason, local := Blame(row.err); local != row.local || reason == "" {
				t.Errorf("%q, local %t; want local %t", reason, local, row.local)
			}
		})
	}
}
