package probe

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/secret"
	"github.com/aftershockhq/aftershock/steadystate/setting"
)

// GRPCHealth is a source that observes how many seconds a server takes to answer gRPC's
// health check with SERVING. Any other status, an unknown service and a missing answer
// are failures.
type GRPCHealth struct {
	// Address is host:port. Required. Example: checkout.example:9000.
	Address string `yaml:"address"`
	// Service is the name to check. Default: the server as a whole.
	Service string `yaml:"service"`
	// Every is the interval. Default: 100ms.
	Every time.Duration `yaml:"every"`
	// Timeout bounds the wait for the answer, including the connection. Default: 2s.
	Timeout time.Duration `yaml:"timeout"`
	// Reuse keeps one connection while it works, and its break is a failure. It stays
	// with one pod and shows no outage of the others. Default: false: each check has a
	// connection of its own.
	Reuse bool `yaml:"reuse"`
	// Headers are sent with each check, as metadata, and their secrets are read then.
	// Those that gRPC sets itself, as Host, are refused.
	Headers secret.Headers `yaml:"-"`
	// TLS configures the connection; nil: plaintext.
	TLS *tls.Config `yaml:"-"`

	// control is called on each socket before it connects, as [net.Dialer]'s
	// is, so that tests can exhaust this machine's resources.
	control func(network, address string, conn syscall.RawConn) error
}

var _ steadystate.Source = GRPCHealth{}

func (g GRPCHealth) timing() timing { return newTiming(g.Every, g.Timeout) }

// Timing returns the interval and the timeout, or their defaults.
func (g GRPCHealth) Timing() (every, timeout time.Duration) {
	t := g.timing()
	return t.every, t.timeout
}

// Validate says what is wrong with the source, each time with a [setting.Error].
func (g GRPCHealth) Validate() error {
	var errs []error
	if host, port, err := net.SplitHostPort(g.Address); err != nil || host == "" || port == "" {
		errs = append(errs, setting.Errorf("address", "%q: want host:port", g.Address))
	}
	errs = append(errs, g.timing().validate(), checkHeaders(g.Headers, notMetadata))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("grpc: %w", err)
	}
	return nil
}

// Signal returns the source as a signal with this name.
func (g GRPCHealth) Signal(name string) steadystate.Signal {
	return steadystate.Signal{Name: name, Source: g, Describe: g.String(), Samples: true, Reuses: g.Reuse}
}

// String describes the source in one line.
func (g GRPCHealth) String() string {
	of := "the server"
	if g.Service != "" {
		of = "service " + g.Service
	}
	return described(fmt.Sprintf("seconds of the gRPC health check of %s at %s", of, g.Address), g.Reuse, g.timing(), g.Headers)
}

// Resolution returns the longest outage that can pass between two checks while they
// are answered at once.
func (g GRPCHealth) Resolution() time.Duration { return g.timing().every }

// Observe checks until ctx ends, and waits for the last answer.
func (g GRPCHealth) Observe(ctx context.Context, clock steadystate.Clock, record func(steadystate.Observation)) error {
	if err := ready(g.Validate(), g.Headers, notMetadata); err != nil {
		return err
	}
	g.timing().observe(ctx, clock, &checkup{GRPCHealth: g}, record)
	return nil
}

// Preflight checks once and says how long the answer took. The error says why
// the server is not serving.
func (g GRPCHealth) Preflight(ctx context.Context) (found string, err error) {
	if err := ready(g.Validate(), g.Headers, notMetadata); err != nil {
		return "", err
	}
	c := &checkup{GRPCHealth: g}
	found, err = g.timing().preflight(ctx, c)
	switch {
	case err == nil:
	case err.Error() == errClosed.Error():
		return "", fmt.Errorf("check the health of %s: %w: does it speak gRPC there?", g.Address, err)
	case c.unauthorized:
		return "", fmt.Errorf("check the health of %s: %w: %s", g.Address, err, authAdvice("grpc", g.Headers))
	default:
		return "", fmt.Errorf("check the health of %s: %w", g.Address, err)
	}
	return found + onePod(g.Reuse), nil
}

// errClosed says that a server took the connection and closed it, as one does that speaks
// something else.
var errClosed = errors.New("connection closed")

// framing are the headers that gRPC and HTTP/2 set themselves, or must not have.
var framing = []string{
	"Connection", "Content-Type", "Grpc-Encoding", "Grpc-Message", "Grpc-Message-Type", "Grpc-Status", "Grpc-Timeout", "Host", "Keep-Alive",
	"Proxy-Connection", "Te", "Transfer-Encoding", "Upgrade", "User-Agent",
}

// notMetadata is why gRPC would not send a header, or fail each check with it.
func notMetadata(name string, values []string) string {
	switch {
	case slices.Contains(framing, http.CanonicalHeaderKey(name)):
		return "is one that gRPC sets itself; remove it"
	case strings.ContainsAny(name, "!#$%&'*+^`|~"):
		return "want letters, digits, -, _ and . in the name, which is all that gRPC's metadata can have"
	case strings.ContainsFunc(strings.Join(values, ""), func(r rune) bool { return r < ' ' || r > '~' }):
		return "holds a character beyond printable ASCII, which is all that gRPC's metadata can have"
	}
	return ""
}

// A checkup is a connection to a server, opened on demand.
type checkup struct {
	GRPCHealth
	conn         *grpc.ClientConn
	unauthorized bool // the probe may not ask, by the latest answer

	mu     sync.Mutex
	broken error // why the connection could not be opened; gRPC keeps only its text
}

// ask checks once. If it keeps its connection, it reconnects after any failure: gRPC's
// own retries back off for longer and longer, and would miss the server's return.
func (c *checkup) ask(ctx context.Context) (err error) {
	defer func() {
		if err != nil || !c.Reuse {
			c.close()
		}
	}()
	header, err := read(c.Headers, notMetadata)
	if err != nil {
		return err
	}
	if err := c.open(); err != nil {
		return err
	}
	sent := metadata.MD{}
	for name, values := range header {
		sent.Append(name, values...)
	}
	answer, err := grpc_health_v1.NewHealthClient(c.conn).Check(metadata.NewOutgoingContext(ctx, sent), &grpc_health_v1.HealthCheckRequest{Service: c.Service})
	if err != nil {
		return c.reason(err)
	}
	if s := answer.GetStatus(); s != grpc_health_v1.HealthCheckResponse_SERVING {
		return errors.New(strings.ReplaceAll(strings.ToLower(s.String()), "_", " "))
	}
	return nil
}

// reason says why there was no answer, in words that do not vary.
func (c *checkup) reason(err error) error {
	code := status.Code(err)
	c.unauthorized = code == codes.Unauthenticated || code == codes.PermissionDenied
	switch code {
	case codes.DeadlineExceeded:
		return context.DeadlineExceeded
	case codes.Unavailable:
		c.mu.Lock()
		defer c.mu.Unlock()
		return cmp.Or(c.broken, errClosed)
	case codes.NotFound:
		return fmt.Errorf("the server knows no service %q", c.Service)
	case codes.Unimplemented:
		return errors.New("the server has no health check")
	default:
		return errors.New(code.String())
	}
}

func (c *checkup) open() error {
	if c.conn != nil {
		return nil
	}
	c.note(nil)
	secure := insecure.NewCredentials()
	if c.TLS != nil {
		secure = credentials.NewTLS(c.TLS)
	}
	dialer := net.Dialer{Timeout: c.timing().timeout, Control: c.control}
	conn, err := grpc.NewClient("passthrough:///"+c.Address,
		grpc.WithTransportCredentials(noting{secure, c.note}),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, "tcp", address)
			c.note(err)
			return conn, err
		}))
	if err != nil {
		return err
	}
	c.conn = conn
	return nil
}

func (c *checkup) note(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken = err
}

func (c *checkup) close() {
	if c.conn != nil {
		_ = c.conn.Close() // it may be gone already
		c.conn = nil
	}
}

// noting are credentials that keep the reason of a failed handshake.
type noting struct {
	credentials.TransportCredentials
	note func(error)
}

// ClientHandshake implements [credentials.TransportCredentials].
func (n noting) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := n.TransportCredentials.ClientHandshake(ctx, authority, raw)
	if err != nil {
		n.note(err)
	}
	return conn, info, err
}

// Clone implements [credentials.TransportCredentials].
func (n noting) Clone() credentials.TransportCredentials {
	return noting{n.TransportCredentials.Clone(), n.note}
}
