package redact

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
)

// Transport sends requests through next (nil: the default transport). From each
// response that is neither 1xx nor 2xx it removes the values of the request's headers,
// except for headers that do not identify the sender. It uses the headers as sent, so
// credentials may be added within next or around it.
func Transport(next http.RoundTripper) http.RoundTripper {
	if next == nil {
		next = http.DefaultTransport
	}
	return transport{next}
}

type transport struct{ next http.RoundTripper }

// most is how much is read of an answer that is an error.
const most = 1 << 20

// RoundTrip carries the request out.
func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	var sent secrets
	trace := &httptrace.ClientTrace{WroteHeaderField: sent.add}
	resp, err := t.next.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
	if err != nil || resp.StatusCode < 300 {
		return resp, err
	}
	text, errRead := io.ReadAll(io.LimitReader(resp.Body, most))
	if errClose := resp.Body.Close(); errRead == nil {
		errRead = errClose
	}
	body := io.Reader(strings.NewReader(sent.hide(string(text))))
	if errRead != nil {
		body = io.MultiReader(body, failing{errRead})
	}
	resp.Body = io.NopCloser(body)
	resp.ContentLength = -1
	resp.Header.Del("Content-Length")
	for _, values := range resp.Header {
		for i := range values {
			values[i] = sent.hide(values[i])
		}
	}
	return resp, nil
}

// CloseIdleConnections closes those of the transport.
func (t transport) CloseIdleConnections() {
	(&http.Client{Transport: t.next}).CloseIdleConnections() // which asks whether it has any
}

// WrappedRoundTripper is the transport, for client-go.
func (t transport) WrappedRoundTripper() http.RoundTripper { return t.next }

// failing fails with an error.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// secrets are what was sent in headers.
type secrets struct {
	mu   sync.Mutex
	list []string
}

// harmless are headers that say nothing of who sends the request.
var harmless = []string{
	"Accept", "Accept-Encoding", "Accept-Language", "Cache-Control", "Connection", "Content-Encoding", "Content-Length", "Content-Type",
	"Expect", "Host", "Kubectl-Command", "Kubectl-Session", "Range", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent",
}

// shortest is the length of what is hidden: a shorter text is in any answer.
const shortest = 4

func (s *secrets) add(name string, values []string) {
	if strings.HasPrefix(name, ":") || slices.Contains(harmless, http.CanonicalHeaderKey(name)) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, value := range values {
		s.list = append(s.list, value)
		if scheme, token, found := strings.Cut(value, " "); found {
			s.list = append(s.list, token)
			if pair, err := base64.StdEncoding.DecodeString(token); err == nil && strings.EqualFold(scheme, "basic") {
				_, password, _ := bytes.Cut(pair, []byte(":"))
				s.list = append(s.list, string(pair), string(password))
			}
		}
		if strings.EqualFold(name, "Cookie") {
			for pair := range strings.SplitSeq(value, ";") {
				_, cookie, _ := strings.Cut(pair, "=")
				s.list = append(s.list, cookie)
			}
		}
	}
}

// hide puts [Hidden] in place of what was sent, the longest first.
func (s *secrets) hide(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.SortFunc(s.list, func(a, b string) int { return len(b) - len(a) })
	for _, secret := range s.list {
		if len(secret) >= shortest {
			text = strings.ReplaceAll(text, secret, Hidden)
		}
	}
	return text
}
