package main

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// dial opens a WebSocket to a server that runs.
func dial(t *testing.T, url string) (*websocket.Conn, *http.Response) {
	t.Helper()
	c, resp, err := websocket.Dial(t.Context(), strings.Replace(url, "http", "ws", 1)+"/echo", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	return c, resp
}

func TestEcho(t *testing.T) {
	s := open(t, patient())
	c, resp := dial(t, s.url)
	if pod := resp.Header.Get("X-Pod"); pod != "checkout-1" {
		t.Errorf("the upgrade was answered by %q", pod)
	}
	for n := range 20 {
		kind := websocket.MessageText
		if n%2 == 1 {
			kind = websocket.MessageBinary
		}
		if err := c.Write(t.Context(), kind, []byte(strconv.Itoa(n))); err != nil {
			t.Fatal(err)
		}
		got, message, err := c.Read(t.Context())
		if err != nil || got != kind || string(message) != strconv.Itoa(n) {
			t.Fatalf("sent %d as %v, got %q as %v, %v", n, kind, message, got, err)
		}
	}
	if n := s.metric(t, "checkout_echo_connections"); n != 1 {
		t.Errorf("%v connections are open, want 1", n)
	}
	if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	eventually(t, "nobody is connected", func() bool { return s.metric(t, "checkout_echo_connections") == 0 })
	if n := s.metric(t, "checkout_echo_messages_total"); n != 20 {
		t.Errorf("%v messages were counted, want 20", n)
	}
}

func TestEchoIsAWebSocketOnly(t *testing.T) {
	s := open(t, patient())
	r, err := get(t, s.url+"/echo")
	if err != nil || r.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("%v, %v", r, err)
	}
}

func TestAPodThatEndsSaysSoToItsWebSockets(t *testing.T) {
	out := &output{}
	url, end, ended := life(t, config{graceful: true}, out, newCheckout)
	eventually(t, "it is ready", func() bool { r, err := get(t, url+"/readyz"); return err == nil && r.StatusCode == 200 })
	c, _ := dial(t, url)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	end()
	_, _, err := c.Read(ctx)
	if websocket.CloseStatus(err) != websocket.StatusGoingAway || !strings.Contains(err.Error(), "this pod ends") {
		t.Errorf("it ended with %v", err)
	}
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
	if got, want := events(out.lines(t)), "start listening terminate closed exit"; got != want {
		t.Errorf("saw %q, want %q", got, want)
	}
}

func TestAPodThatEndsTakesNoMoreWebSockets(t *testing.T) {
	e := newEcho("checkout-1", newService(config{}, nil).registry)
	e.leave()
	if e.enter() {
		t.Error("it took one")
	}
	e.leave() // twice does no harm
}
