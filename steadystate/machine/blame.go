package machine

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/redact"
)

// Blame returns why a network request failed, as one of a fixed set of texts so that
// equal failures can be counted, and whether this machine is to blame. The reason for
// a missing answer is [steadystate.TimedOut].
func Blame(err error) (reason string, own bool) {
	var dns *net.DNSError
	var unknownAuthority x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var record tls.RecordHeaderError
	var timeout net.Error
	var errno syscall.Errno
	isDNS := errors.As(err, &dns)
	for _, s := range shortages() {
		// A failed lookup carries the resolver's own error only as text.
		if errors.Is(err, s.errno) || (isDNS && strings.HasSuffix(dns.Err, ": "+s.errno.Error())) {
			return s.reason, true
		}
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return steadystate.ConnectionRefused, false
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "connection reset", false
	case isDNS:
		// A resolver that does not answer says nothing about the service; one
		// that does not know the name does.
		return "name not resolved: " + dns.Name, dns.IsTimeout || dns.IsTemporary
	case errors.As(err, &unknownAuthority), errors.As(err, &hostname), errors.As(err, &record):
		return "TLS: " + innermost(err).Error(), false
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return steadystate.TimedOut, false
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed", false
	case errors.As(err, &errno):
		return errno.Error(), false
	}
	return redact.Text(innermost(err).Error()), false // as that of a proxy's address
}

// A shortage is an error that shows this machine out of a resource.
type shortage struct {
	errno  syscall.Errno
	reason string
}

func shortages() []shortage {
	return []shortage{
		{syscall.EADDRNOTAVAIL, "no local port left"},
		{syscall.EMFILE, "too many open files"},
		{syscall.ENFILE, "too many open files"},
		{syscall.ENOBUFS, "no memory for sockets"},
		{syscall.ENOMEM, "no memory for sockets"},
		{syscall.ENETDOWN, "no network"},
		{syscall.ENETUNREACH, "no network"},
	}
}

// innermost is the cause without the addresses that wrap it.
func innermost(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}
