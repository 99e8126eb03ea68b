package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/coder/websocket"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/redact"
	"github.com/aftershockhq/aftershock/steadystate/secret"
	"github.com/aftershockhq/aftershock/steadystate/setting"
)

// WebSocket is a source that observes how many seconds a message takes to return over a
// WebSocket.
// Each message is a text with a unique number: "aftershock 17". Its answer is
// the first message that contains that text, such as an echo. Other messages are
// ignored.
type WebSocket struct {
	// URL is the server's, ws or wss. Required. Example: wss://checkout.example/live.
	URL string `yaml:"url"`
	// Every is the interval between messages. Default: 100ms.
	Every time.Duration `yaml:"every"`
	// Timeout bounds the wait for the answer, including the connection. A timeout
	// drops the connection: a late answer would be mistaken for that to a later
	// message. Default: 2s.
	Timeout time.Duration `yaml:"timeout"`
	// Reuse keeps one connection while it works, and its break is a failure. It stays
	// with one pod and shows no outage of the others. Default: false: each message has
	// a connection of its own.
	Reuse bool `yaml:"reuse"`
	// Headers are sent when a connection is opened, and their secrets are read then. With
	// any, no redirect is followed: it may lead to another host, which must not get them.
	// Those of the handshake itself, as Upgrade, are refused.
	Headers secret.Headers `yaml:"-"`
	// TLS configures wss; nil: the system's certificate authorities.
	TLS *tls.Config `yaml:"-"`

	// control is called on each socket before it connects, as [net.Dialer]'s
	// is, so that tests can exhaust this machine's resources.
	control func(network, address string, conn syscall.RawConn) error
}

var _ steadystate.Source = WebSocket{}

// subprotocol is the header of the subprotocols that a client offers. The handshake must
// know them too, or it refuses the one that the server chooses.
const subprotocol = "Sec-Websocket-Protocol"

// largest is the size limit of a received message, in bytes.
const largest = 1 << 20

func (w WebSocket) timing() timing { return newTiming(w.Every, w.Timeout) }

// Timing returns the interval and the timeout, or their defaults.
func (w WebSocket) Timing() (every, timeout time.Duration) {
	t := w.timing()
	return t.every, t.timeout
}

// Validate says what is wrong with the source, each time with a [setting.Error].
func (w WebSocket) Validate() error {
	var errs []error
	u, err := url.Parse(w.URL)
	switch {
	case w.URL == "":
		errs = append(errs, setting.Errorf("url", "is missing, as in wss://checkout.example/live"))
	case err == nil && u.User != nil:
		errs = append(errs, setting.Errorf("url", "%q holds credentials: put them into headers, as in {Authorization: {env: NAME}}", redact.URL(w.URL)))
	case err != nil, (u.Scheme != "ws" && u.Scheme != "wss") || u.Host == "":
		errs = append(errs, setting.Errorf("url", "%q: want ws://host/path or wss://host/path", redact.URL(w.URL)))
	}
	errs = append(errs, w.timing().validate(), checkHeaders(w.Headers, notInHandshake))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("websocket: %w", err)
	}
	return nil
}

// Signal returns the source as a signal with this name.
func (w WebSocket) Signal(name string) steadystate.Signal {
	return steadystate.Signal{Name: name, Source: w, Describe: w.String(), Samples: true, Reuses: w.Reuse}
}

// String describes the source in one line.
func (w WebSocket) String() string {
	return described(fmt.Sprintf("seconds in which a message comes back from %s", redact.URL(w.URL)), w.Reuse, w.timing(), w.Headers)
}

// Resolution returns the longest outage that can pass between two messages while they
// return at once.
func (w WebSocket) Resolution() time.Duration { return w.timing().every }

// Observe sends messages until ctx ends, and waits for the last answer.
func (w WebSocket) Observe(ctx context.Context, clock steadystate.Clock, record func(steadystate.Observation)) error {
	if err := ready(w.Validate(), w.Headers, notInHandshake); err != nil {
		return err
	}
	w.timing().observe(ctx, clock, w.session(), record)
	return nil
}

// Preflight sends one message and says how long the answer took. The error says
// why there was none.
func (w WebSocket) Preflight(ctx context.Context) (found string, err error) {
	if err := ready(w.Validate(), w.Headers, notInHandshake); err != nil {
		return "", err
	}
	c := w.session()
	found, err = w.timing().preflight(ctx, c)
	if err != nil {
		return "", fmt.Errorf("send a message to %s: %w: %s", redact.URL(w.URL), err, c.advice())
	}
	return found + onePod(w.Reuse), nil
}

func (w WebSocket) session() *conversation {
	client := &http.Client{Transport: &http.Transport{
		DialContext:       (&net.Dialer{Timeout: w.timing().timeout, Control: w.control}).DialContext,
		TLSClientConfig:   w.TLS,
		Proxy:             http.ProxyFromEnvironment,
		DisableKeepAlives: true,
	}}
	if !w.Headers.Empty() {
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	return &conversation{WebSocket: w, client: client}
}

// handshake are the headers that a handshake sets itself.
var handshake = []string{"Connection", "Upgrade", "Sec-Websocket-Accept", "Sec-Websocket-Extensions", "Sec-Websocket-Key", "Sec-Websocket-Version"}

// notInHandshake is why a handshake would not send a header.
func notInHandshake(name string, _ []string) string {
	if slices.Contains(handshake, http.CanonicalHeaderKey(name)) {
		return "is one that the handshake sets itself; remove it"
	}
	return ""
}

// A conversation is a WebSocket, opened on demand.
type conversation struct {
	WebSocket
	client *http.Client
	conn   *websocket.Conn
	number int
	status int // of the latest answer that refused a handshake; 0: none did
}

// advice is what to check about a failure.
func (c *conversation) advice() string {
	switch {
	case c.status == http.StatusUnauthorized, c.status == http.StatusForbidden:
		return authAdvice("websocket", c.Headers)
	case c.status >= 300 && c.status < 400 && !c.Headers.Empty():
		return "a redirect, which a probe with headers does not follow: give the URL that it leads to"
	}
	return "does the service answer with the message's own text?"
}

// ask sends a message and reads until it returns.
func (c *conversation) ask(ctx context.Context) (err error) {
	defer func() {
		if err != nil || !c.Reuse {
			c.close()
		}
	}()
	if err := c.open(ctx); err != nil {
		return err
	}
	c.number++
	message := fmt.Sprintf("aftershock %d", c.number)
	if err := c.conn.Write(ctx, websocket.MessageText, []byte(message)); err != nil {
		return closed(err)
	}
	for {
		_, answer, err := c.conn.Read(ctx)
		if err != nil {
			return closed(err)
		}
		if holds(string(answer), message) {
			return nil
		}
	}
}

// holds reports whether an answer contains the message, and not one with a
// longer number.
func holds(answer, message string) bool {
	for {
		_, after, found := strings.Cut(answer, message)
		if !found {
			return false
		}
		if after == "" || after[0] < '0' || after[0] > '9' {
			return true
		}
		answer = after
	}
}

func (c *conversation) open(ctx context.Context) error {
	if c.conn != nil {
		return nil
	}
	header, err := read(c.Headers, notInHandshake)
	if err != nil {
		return err
	}
	options := &websocket.DialOptions{HTTPClient: c.client, HTTPHeader: header, Host: header.Get("Host")}
	for _, list := range header.Values(subprotocol) {
		for protocol := range strings.SplitSeq(list, ",") {
			options.Subprotocols = append(options.Subprotocols, strings.TrimSpace(protocol))
		}
	}
	conn, resp, err := websocket.Dial(ctx, c.URL, options)
	if err != nil {
		switch {
		case resp == nil:
			return redact.Error(err)
		case resp.StatusCode == http.StatusSwitchingProtocols: // the error quotes headers, which may repeat secrets
			return errors.New("answered 101, but not as the WebSocket protocol prescribes")
		}
		c.status = resp.StatusCode
		return fmt.Errorf("answered %d instead of a WebSocket handshake", resp.StatusCode)
	}
	conn.SetReadLimit(largest)
	c.conn = conn
	return nil
}

// closed rewords the error if the service closed the connection as the protocol
// prescribes.
func closed(err error) error {
	if code := websocket.CloseStatus(err); code != -1 {
		return fmt.Errorf("the service closed the connection: %s", code)
	}
	return err
}

// close drops the connection without a closing handshake, which could block.
func (c *conversation) close() {
	if c.conn != nil {
		_ = c.conn.CloseNow() // it may be gone already
		c.conn = nil
	}
}
