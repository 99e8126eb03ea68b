package prom

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"github.com/aftershockhq/aftershock/steadystate/redact"
)

// A failure says why a query gave no value and what the user can do about it.
type failure struct {
	reason string
	next   string // may be empty
	cause  error
	away   bool // the server was not reached, or it failed
}

// ErrAway is wrapped by errors about a server that could not be reached or that failed:
// a later request may succeed.
var ErrAway = errors.New("prometheus is away")

// Is reports whether the failure is that a server is away.
func (f *failure) Is(target error) bool { return target == ErrAway && f.away }

// Error is the reason alone, since it goes into many records. Preflight adds the
// next step once.
func (f *failure) Error() string { return f.reason }

func (f *failure) Unwrap() error { return f.cause }

// advise adds the next step to a failure.
func advise(err error) error {
	var f *failure
	if errors.As(err, &f) && f.next != "" {
		return fmt.Errorf("%w: %s", err, f.next)
	}
	return err
}

func partial(warnings []string) error {
	warnings = slices.Sorted(slices.Values(warnings)) // they come in any order
	return &failure{
		reason: "the answer may be partial: " + strings.Join(warnings, "; "),
		next:   "see what the server warns about; if a store of Thanos or Mimir does not answer, every value lacks its series",
	}
}

// explain turns an error of the HTTP API into a failure. It omits URLs: the
// client's errors repeat them, and the query is named already.
func explain(err error, timedOut bool, timeout time.Duration) error {
	if answered, ok := errors.AsType[*v1.Error](err); ok {
		return refused(answered)
	}
	f := &failure{reason: err.Error(), cause: err}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		f.reason = wrapped.Err.Error()
	}
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var verify *tls.CertificateVerificationError
	var unreached net.Error
	f.away = timedOut || errors.As(err, &unreached)
	switch {
	case timedOut || errors.Is(err, context.DeadlineExceeded):
		f.reason = fmt.Sprintf("no answer within %s", timeout)
		f.next = "check that the server is up and the query is cheap, or raise the timeout"
	case errors.Is(err, context.Canceled):
		f.reason = "stopped before it was answered"
	case errors.Is(err, syscall.ECONNREFUSED):
		f.reason = "connection refused"
		f.next = "check that the server listens there and that it can be reached from this machine (a port-forward that ended?)"
	case errors.As(err, &authority):
		f.next = "name its certificate authority in http_config, tls_config, ca_file"
	case errors.As(err, &name):
		f.next = "name the host that the certificate is for in http_config, tls_config, server_name"
	case errors.As(err, &verify):
		f.next = "check http_config, tls_config"
	case strings.Contains(f.reason, "oauth2"):
		// The answer of the token server may repeat the secret that it was sent.
		f.reason, _, _ = strings.Cut(f.reason, "\nResponse: ")
		f.next = "check http_config, oauth2: client_id, client_secret_file, token_url"
	}
	f.reason = brief(redact.Text(f.reason))
	return f
}

// refused explains an answer without a value.
func refused(e *v1.Error) error {
	f := &failure{reason: string(e.Type) + ": " + brief(e.Msg), cause: e, away: e.Type == v1.ErrServer}
	if e.Detail != "" {
		f.reason += " (" + brief(e.Detail) + ")"
	}
	status := func(code int) bool { return strings.HasSuffix(e.Msg, fmt.Sprint(code)) }
	switch {
	case e.Type == v1.ErrBadData:
		f.next = "mend the query"
	case e.Type == v1.ErrClient && (status(http.StatusUnauthorized) || status(http.StatusForbidden)):
		f.next = "check the credentials in http_config: basic_auth, authorization or oauth2, and the tenant in http_headers"
	case e.Type == v1.ErrClient && status(http.StatusNotFound):
		f.next = "check the URL's path: it ends before /api/v1; that of Mimir ends in /prometheus"
	case e.Type == v1.ErrClient && status(http.StatusTooManyRequests):
		f.next = "the server limits how often it may be asked: poll less often, with a longer interval"
	case e.Type == v1.ErrBadResponse:
		f.next = "check that the URL is a Prometheus' and not a login page's"
	case e.Type == v1.ErrServer:
		f.next = "the server failed: see its log, and try again"
	case e.Type == v1.ErrTimeout:
		f.next = "make the query cheaper, or raise the server's query timeout"
	}
	return f
}

// brief is the beginning of a text: bodies of error pages are long.
func brief(text string) string { return redact.Excerpt(text, 200) }
