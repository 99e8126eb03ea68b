package probe_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/probe"
	"github.com/aftershockhq/aftershock/steadystate/secret"
)

// live serves a WebSocket that answers each message with what answer says; ok
// is false to end the connection.
func live(answer func(conn *websocket.Conn, message string) (text string, ok bool)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow() //nolint:errcheck // it may be gone already
		for {
			_, message, err := conn.Read(r.Context())
			if err != nil {
				return
			}
			text, ok := answer(conn, string(message))
			if !ok {
				return
			}
			if err := conn.Write(r.Context(), websocket.MessageText, []byte(text)); err != nil {
				return
			}
		}
	})
}

func echo(_ *websocket.Conn, message string) (string, bool) { return message, true }

func at(server *httptest.Server) string { return "ws" + strings.TrimPrefix(server.URL, "http") }

func TestAMessageComesBackOverOneConnection(t *testing.T) {
	var opened atomic.Int64
	handler := live(func(conn *websocket.Conn, message string) (string, bool) {
		// Other messages are not answers, nor is one to a longer number.
		_ = conn.Write(context.Background(), websocket.MessageText, []byte(`{"news": 17}`))
		_ = conn.Write(context.Background(), websocket.MessageText, []byte(message+"0"))
		return fmt.Sprintf(`{"echo": %q}`, message), true
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Shop") == "one" {
			opened.Add(1)
		}
		handler.ServeHTTP(w, r)
	}))
	defer server.Close()
	source := probe.WebSocket{URL: at(server), Every: 5 * time.Millisecond, Timeout: 20 * time.Second, Headers: secret.Headers{Values: http.Header{"X-Shop": {"one"}}}, Reuse: true}
	observed(t, source, atLeast(12, answered))
	if n := opened.Load(); n != 1 {
		t.Errorf("%d connections were opened, want one", n)
	}
	opened.Store(0)
	source.Reuse = false
	if all := observed(t, source, atLeast(5, answered)); opened.Load() != int64(len(all)) {
		t.Errorf("%d connections were opened for %d messages, want a fresh one each", opened.Load(), len(all))
	}
}

func TestFailuresOfAWebSocketAreDataWithAReason(t *testing.T) {
	for _, row := range []struct {
		sentence string
		handler  http.Handler // nil: address
		address  func(*testing.T) string
		want     string
	}{
		{"a refused connection", nil, refused, "connection refused"},
		{"a connection without answers", nil, blackHole, steadystate.TimedOut},
		{"an answer that is not a WebSocket handshake", http.NotFoundHandler(), nil, "answered 404 instead of a WebSocket handshake"},
		{"a message that never comes back", live(func(*websocket.Conn, string) (string, bool) { return "something else", true }), nil, steadystate.TimedOut},
		{"a connection that ends without a word", live(func(*websocket.Conn, string) (string, bool) { return "", false }), nil, "connection closed"},
		{"one that is closed in the protocol's manner", live(func(conn *websocket.Conn, _ string) (string, bool) {
			_ = conn.Close(websocket.StatusGoingAway, "restart")
			return "", false
		}), nil, "the service closed the connection: StatusGoingAway"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			url := ""
			if row.handler != nil {
				server := httptest.NewServer(row.handler)
				defer server.Close()
				url = at(server)
			} else {
				url = "ws://" + row.address(t)
			}
			source := probe.WebSocket{URL: url, Every: 5 * time.Millisecond, Timeout: 300 * time.Millisecond}
			observed(t, source, atLeast(2, failed(row.want)))
		})
	}
}

// A service that breaks off in the middle and comes back is seen to do so.
func TestAWebSocketIsOpenedAgain(t *testing.T) {
	var n atomic.Int64
	server := httptest.NewServer(live(func(_ *websocket.Conn, message string) (string, bool) { return message, n.Add(1) != 3 }))
	defer server.Close()
	source := probe.WebSocket{URL: at(server), Every: 5 * time.Millisecond, Timeout: 20 * time.Second}
	observed(t, source, inOrder(answered, failed("connection closed"), answered))
}

// A late answer to a message that was given up is none to a later one.
func TestALateAnswerIsNoAnswer(t *testing.T) {
	var n atomic.Int64
	server := httptest.NewServer(live(func(_ *websocket.Conn, message string) (string, bool) {
		if n.Add(1) == 2 {
			time.Sleep(1500 * time.Millisecond)
		}
		return message, true
	}))
	defer server.Close()
	source := probe.WebSocket{URL: at(server), Every: 5 * time.Millisecond, Timeout: time.Second}
	observed(t, source, inOrder(answered, func(o steadystate.Observation) bool { return o.Failed+o.Unknown != "" }, answered))
}

func TestAWebSocketOverTLS(t *testing.T) {
	server := httptest.NewTLSServer(live(echo))
	defer server.Close()
	trusted := server.Client().Transport.(*http.Transport).TLSClientConfig
	observed(t, probe.WebSocket{URL: at(server), Timeout: 20 * time.Second, TLS: trusted}, atLeast(2, answered))
	all := observed(t, probe.WebSocket{URL: at(server), Timeout: 20 * time.Second, TLS: &tls.Config{MinVersion: tls.VersionTLS12}}, atLeast(1, func(o steadystate.Observation) bool { return o.Failed != "" }))
	if why := all[0].Failed; !strings.HasPrefix(why, "TLS: x509: certificate signed by unknown authority") {
		t.Errorf("an unknown authority: %q", why)
	}
}

// short is a socket that this machine has no port for.
func short(string, string, syscall.RawConn) error {
	return os.NewSyscallError("connect", syscall.EADDRNOTAVAIL)
}

func unknownFor(reason string) func(steadystate.Observation) bool {
	return func(o steadystate.Observation) bool {
		return o.Unknown == "the probe's machine: "+reason && o.Failed == ""
	}
}

func TestAWebSocketWithoutPortsSaysNothingOfTheService(t *testing.T) {
	server := httptest.NewServer(live(echo))
	defer server.Close()
	source := probe.WebSocket{URL: at(server), Every: 5 * time.Millisecond}.WithControl(short)
	observed(t, source, atLeast(2, unknownFor("no local port left")))
}

func TestPreflightOfAWebSocket(t *testing.T) {
	server := httptest.NewServer(live(echo))
	defer server.Close()
	source := probe.WebSocket{URL: at(server), Timeout: 20 * time.Second}
	if found, err := source.Preflight(t.Context()); err != nil || !strings.HasPrefix(found, "answered in ") {
		t.Errorf("%q, %v", found, err)
	}
	source.URL = "ws://" + refused(t)
	if _, err := source.Preflight(t.Context()); err == nil || !strings.Contains(err.Error(), "connection refused") || !strings.Contains(err.Error(), "send a message to ws://127.0.0.1:") {
		t.Errorf("refused: %v", err)
	}
}

func TestAProbeIsRefusedBeforeAnythingIsAsked(t *testing.T) {
	for _, row := range []struct {
		sentence string
		source   interface {
			steadystate.Source
			Preflight(ctx context.Context) (string, error)
		}
		want string
	}{
		{"no URL", probe.WebSocket{}, "websocket: url: is missing, as in wss://checkout.example/live"},
		{"a URL with a password", probe.WebSocket{URL: "ws://ann:hush@h/"}, `websocket: url: "ws://xxxxx@h/" holds credentials`},
		{"another scheme", probe.WebSocket{URL: "http://h/"}, `websocket: url: "http://h/": want ws`},
		{"a rate below zero", probe.WebSocket{URL: "ws://h/", Every: -1}, "every: -1ns: want a duration above zero"},
		{"a timeout below zero", probe.WebSocket{URL: "ws://h/", Timeout: -1}, "timeout: -1ns: want a duration"},
		{"no address", probe.GRPCHealth{}, `grpc: address: "": want host:port`},
		{"no port", probe.GRPCHealth{Address: "shop"}, `grpc: address: "shop": want host:port`},
		{"a rate of gRPC below zero", probe.GRPCHealth{Address: "h:1", Every: -1}, "every: -1ns"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			err := row.source.Observe(t.Context(), steadystate.StartClock(), func(steadystate.Observation) { t.Error("asked") })
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want one with %q", err, row.want)
			}
			if _, err := row.source.Preflight(t.Context()); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("preflight: error %v, want one with %q", err, row.want)
			}
		})
	}
}

func ExampleWebSocket() {
	fmt.Println(probe.WebSocket{URL: "wss://shop.example/live"}.Signal("websocket").Describe)
	// Output: seconds in which a message comes back from wss://shop.example/live, fresh connections, every 100ms, timeout 2s
}
