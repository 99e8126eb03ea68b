package load

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aftershockhq/aftershock/steadystate/machine"
)

// attempts is a round tripper that counts each request's connections and notes
// the reason of a failure; vegeta's result has neither. It identifies requests
// by the number that vegeta puts in a header.
type attempts struct {
	next http.RoundTripper
	// The timeout is kept here and not in http.Client, which returns two
	// different errors for it, depending on which of its layers notices first.
	timeout time.Duration
	share   share
	aims    aims

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

func newAttempts(next http.RoundTripper, timeout time.Duration, part share, aims aims) *attempts {
	return &attempts{next: next, timeout: timeout, share: part, aims: aims, bySeq: map[uint64]*attempt{}}
}

// RoundTrip carries the request out and remembers the outcome.
func (a *attempts) RoundTrip(req *http.Request) (*http.Response, error) {
	seq, err := strconv.ParseUint(req.Header.Get(seqHeader), 10, 64)
	if err != nil {
		return nil, err
	}
	var n atomic.Int64
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { n.Add(1) }}
	ctx, cancel := context.WithTimeout(httptrace.WithClientTrace(req.Context(), trace), a.timeout)
	number := a.share.number(seq)
	req, err = a.aims.aim(req.WithContext(ctx), number)
	if err != nil {
		cancel()
		return nil, err
	}
	if number != seq {
		// The service sees the number within the whole load.
		req.Header = req.Header.Clone()
		req.Header.Set(seqHeader, strconv.FormatUint(number, 10))
	}
	resp, err := a.next.RoundTrip(req)
	at := &attempt{n: int(n.Load())}
	defer a.remember(seq, at)
	if err != nil {
		cancel()
		at.reason, at.local = machine.Blame(err)
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

// take returns and forgets a request's outcome. A request that never reached a
// round trip has the zero value.
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

// body notices an answer that breaks off. The goroutine that takes the result
// reads and closes it first.
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
		b.at.reason, b.at.local = machine.Blame(err)
	}
	return n, err
}
