package load

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
)

// attempts is a round tripper that counts the connections each request was
// put on, and says why it failed; vegeta's result tells neither. Requests are
// known by the number that vegeta puts in a header.
type attempts struct {
	next http.RoundTripper
	// The time-out is kept here and not by http.Client, which gives two
	// different errors for it, depending on who notices first.
	timeout time.Duration
	share   share

	mu    sync.Mutex
	bySeq map[uint64]*attempt
}

// seqHeader is where vegeta puts the number of a request.
const seqHeader = "X-Vegeta-Seq"

type attempt struct {
	n      int    // connections
	reason string // why it failed; empty: it did not
	local  bool   // on this machine
}

func newAttempts(next http.RoundTripper, timeout time.Duration, part share) *attempts {
	return &attempts{next: next, timeout: timeout, share: part, bySeq: map[uint64]*attempt{}}
}

// RoundTrip carries the request out and remembers what became of it.
func (a *attempts) RoundTrip(req *http.Request) (*http.Response, error) {
	seq, err := strconv.ParseUint(req.Header.Get(seqHeader), 10, 64)
	if err != nil {
		return nil, err
	}
	var n atomic.Int64
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { n.Add(1) }}
	ctx, cancel := context.WithTimeout(httptrace.WithClientTrace(req.Context(), trace), a.timeout)
	req = req.WithContext(ctx)
	if number := a.share.number(seq); number != seq {
		// The service sees the number in the whole load.
		req.Header = req.Header.Clone()
		req.Header.Set(seqHeader, strconv.FormatUint(number, 10))
	}
	resp, err := a.next.RoundTrip(req)
	at := &attempt{n: int(n.Load())}
	defer a.remember(seq, at)
	if err != nil {
		cancel()
		at.reason, at.local = classify(err)
		return nil, err
	}
	resp.Body = body{resp.Body, at, cancel}
	return resp, nil
}

func (a *attempts) remember(seq uint64, at *attempt) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.bySeq[seq] = at
}

// take is what became of a request; it is forgotten here. A request that never
// came to a round trip has the zero value.
func (a *attempts) take(seq uint64) attempt {
	a.mu.Lock()
	defer a.mu.Unlock()
	at := a.bySeq[seq]
	delete(a.bySeq, seq)
	if at == nil {
		return attempt{}
	}
	return *at
}

// body notices an answer that breaks off. It is read and closed before the
// result is taken, by the same goroutine.
type body struct {
	io.ReadCloser
	at     *attempt
	cancel context.CancelFunc
}

func (b body) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}

func (b body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.at.reason, b.at.local = classify(err)
	}
	return n, err
}

// classify says why a request failed in words that do not differ from one
// request to the next, and whether this machine is to blame.
func classify(err error) (reason string, local bool) {
	var dns *net.DNSError
	var unknownAuthority x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var record tls.RecordHeaderError
	var timeout net.Error
	var errno syscall.Errno
	isDNS := errors.As(err, &dns)
	for _, s := range shortages() {
		// A failed look-up has the resolver's own error as text only.
		if errors.Is(err, s.errno) || (isDNS && strings.HasSuffix(dns.Err, ": "+s.errno.Error())) {
			return s.reason, true
		}
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused", false
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "connection reset", false
	case isDNS:
		// A resolver that does not answer is no word about the service; one
		// that says that there is no such name is.
		return "name not resolved: " + dns.Name, dns.IsTimeout || dns.IsTemporary
	case errors.As(err, &unknownAuthority), errors.As(err, &hostname), errors.As(err, &record):
		return "TLS: " + innermost(err).Error(), false
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return experiments.TimedOut, false
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed", false
	case errors.As(err, &errno):
		return errno.Error(), false
	}
	return innermost(err).Error(), false
}

// A shortage is an error that means that this machine lacks something.
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
