package probe_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/probe"
	"github.com/aftershockhq/aftershock/steadystate/secret"
)

// guarded serves a WebSocket to ann with her password, or to whoever has the token.
func guarded(t *testing.T, token string) *httptest.Server {
	t.Helper()
	inner := live(echo)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, basic := r.BasicAuth()
		if basic && user == "ann" && password == "hush-1" || r.Header.Get("Authorization") == "Bearer "+token {
			inner.ServeHTTP(w, r)
			return
		}
		// Some repeat what they were sent.
		w.Header().Set("Www-Authenticate", `Basic realm="`+r.Header.Get("Authorization")+`"`)
		http.Error(w, "no access for "+r.Header.Get("Authorization"), http.StatusUnauthorized)
	}))
	t.Cleanup(server.Close)
	return server
}

func env(name string) secret.Headers {
	return secret.Headers{Secrets: map[string]secret.Secret{"Authorization": {Env: name}}}
}

func TestAWebSocketBehindAuthentication(t *testing.T) {
	server := guarded(t, "hush-2")
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte("Bearer hush-2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LIVE_BASIC", "Basic "+base64.StdEncoding.EncodeToString([]byte("ann:hush-1")))
	t.Setenv("LIVE_WRONG", "Bearer hush-3")
	const refusal = "answered 401 instead of a WebSocket handshake"
	for _, row := range []struct {
		sentence string
		headers  secret.Headers
		failed   string // empty: it answers
		advice   string
	}{
		{"a name and a password", env("LIVE_BASIC"), "", ""},
		{"a token of a file", secret.Headers{Secrets: map[string]secret.Secret{"authorization": {File: path}}}, "", ""},
		{"another token", env("LIVE_WRONG"), refusal, "check websocket.headers: who may ask?"},
		{"no headers", secret.Headers{}, refusal, "who may ask? give credentials in websocket.headers, as in {Authorization: {env: NAME}}"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			source := probe.WebSocket{URL: at(server), Every: 5 * time.Millisecond, Timeout: 20 * time.Second, Headers: row.headers}
			found, err := source.Preflight(t.Context())
			enough := atLeast(2, answered)
			if row.failed != "" {
				enough = atLeast(2, failed(row.failed))
			}
			all := observed(t, source, enough)
			switch {
			case row.failed == "" && (err != nil || !strings.HasPrefix(found, "answered in ") || slices.ContainsFunc(all, func(o steadystate.Observation) bool { return !answered(o) })):
				t.Errorf("preflight: %q, %v; observed %v", found, err, all)
			case row.failed != "" && (err == nil || err.Error() != "send a message to "+at(server)+": "+row.failed+": "+row.advice):
				t.Errorf("preflight: %q, %v, want %s", found, err, row.advice)
			}
			for what, text := range map[string]string{"preflight": fmt.Sprint(found, err), "observations": fmt.Sprint(all), "source": fmt.Sprintf("%s %+v %#v", source, source, source)} {
				if strings.Contains(text, "hush") || strings.Contains(text, base64.StdEncoding.EncodeToString([]byte("ann:hush-1"))) {
					t.Errorf("the %s shows a secret: %s", what, text)
				}
			}
		})
	}
	if got, want := (probe.WebSocket{URL: "ws://h/", Headers: env("TOKEN")}).String(), "seconds in which a message comes back from ws://h/, fresh connections, every 100ms, timeout 2s, Authorization of environment variable TOKEN"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// A token that is renewed while a run lasts is sent as it is now, and one that is gone says
// nothing of the service.
func TestASecretIsReadWhenAConnectionIsOpened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Error(err)
		}
	}
	write("Bearer hush-2")
	source := probe.WebSocket{
		URL: at(guarded(t, "hush-2")), Every: 5 * time.Millisecond, Timeout: 20 * time.Second,
		Headers: secret.Headers{Secrets: map[string]secret.Secret{"Authorization": {File: path}}},
	}
	gone := func(o steadystate.Observation) bool {
		return o.Unknown == "the probe's machine: header Authorization: open "+path+": no such file or directory" && o.Failed == ""
	}
	refusal := failed("answered 401 instead of a WebSocket handshake")
	steps := []struct {
		seen func(steadystate.Observation) bool
		then func()
	}{
		{answered, func() { write("Bearer old") }},
		{refusal, func() { write("Bearer hush-2\n") }},
		{answered, func() { _ = os.Remove(path) }},
		{gone, func() { write("Bearer hush-2") }},
		{answered, func() {}},
	}
	step := 0
	all := observed(t, source, func(all []steadystate.Observation) bool {
		if step < len(steps) && steps[step].seen(all[len(all)-1]) {
			steps[step].then()
			step++
		}
		return step == len(steps)
	})
	for _, o := range all {
		if !answered(o) && !refusal(o) && !gone(o) {
			t.Errorf("observed %s", o)
		}
	}
}

// A handshake that is led elsewhere would take the headers there.
func TestHeadersDoNotFollowARedirect(t *testing.T) {
	var asked atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		live(echo).ServeHTTP(w, r)
	}))
	defer elsewhere.Close()
	server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	source := probe.WebSocket{URL: at(server), Timeout: 20 * time.Second}
	if _, err := source.Preflight(t.Context()); err != nil || asked.Load() != 1 {
		t.Errorf("without headers: %v; asked %d times, want once", err, asked.Load())
	}
	path := filepath.Join(t.TempDir(), "headers")
	if err := os.WriteFile(path, []byte("Authorization: Bearer hush-1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LIVE_TOKEN", "Bearer hush-1")
	const want = "answered 307 instead of a WebSocket handshake: a redirect, which a probe with headers does not follow: give the URL that it leads to"
	for kind, headers := range map[string]secret.Headers{"values": {Values: http.Header{"X-Shop": {"one"}}}, "secrets": env("LIVE_TOKEN"), "files": {Files: []string{path}}} {
		source.Headers = headers
		if _, err := source.Preflight(t.Context()); err == nil || !strings.HasSuffix(err.Error(), want) || asked.Load() != 1 {
			t.Errorf("%s: %v, asked %d times; want %s", kind, err, asked.Load(), want)
		}
	}
}

func TestTheHandshakeHasTheHeaders(t *testing.T) {
	var mu sync.Mutex
	var heard *http.Request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		heard = r
		mu.Unlock()
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"echo"}})
		if err != nil {
			return
		}
		defer conn.CloseNow() //nolint:errcheck // it may be gone already
		if _, message, err := conn.Read(r.Context()); err == nil {
			_ = conn.Write(r.Context(), websocket.MessageText, message)
		}
	}))
	defer server.Close()
	source := probe.WebSocket{URL: at(server), Timeout: 20 * time.Second, Headers: secret.Headers{Values: http.Header{
		"x-shop": {"one", "two"}, "Host": {"shop.example"}, "Sec-WebSocket-Protocol": {"json, echo"},
	}}}
	if found, err := source.Preflight(t.Context()); err != nil {
		t.Fatalf("%q, %v", found, err)
	}
	mu.Lock()
	defer mu.Unlock()
	if heard.Host != "shop.example" || fmt.Sprint(heard.Header.Values("X-Shop")) != "[one two]" || heard.Header.Get("Sec-WebSocket-Protocol") != "json,echo" {
		t.Errorf("host %s, header %v", heard.Host, heard.Header)
	}
}

// Some servers choose all subprotocols that were offered, of which one may be a token.
func TestAHandshakeThatRepeatsASecretDoesNotShowIt(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Sec-WebSocket-Protocol", r.Header.Get("Sec-WebSocket-Protocol"))
		live(echo).ServeHTTP(w, r)
	}))
	defer server.Close()
	t.Setenv("LIVE_PROTOCOL", "bearer, hush-1")
	source := probe.WebSocket{URL: at(server), Timeout: 20 * time.Second, Headers: secret.Headers{Secrets: map[string]secret.Secret{"Sec-WebSocket-Protocol": {Env: "LIVE_PROTOCOL"}}}}
	const want = "answered 101, but not as the WebSocket protocol prescribes"
	if _, err := source.Preflight(t.Context()); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") {
		t.Errorf("preflight: %v, want %s", err, want)
	}
	observed(t, source, atLeast(2, failed(want)))
}

// A connection that lasts longer than the token says nothing of the service when the token
// expires.
func TestATokenIsRenewedWithinAConnection(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	renew := func(token string) {
		if err := errors.Join(os.WriteFile(path+"-new", []byte(token), 0o600), os.Rename(path+"-new", path)); err != nil {
			t.Error(err)
		}
	}
	renew("hush-1")
	var expired atomic.Bool
	address, _ := serve(t, "127.0.0.1:0", healthy, grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		if md, _ := metadata.FromIncomingContext(ctx); expired.Load() && slices.Equal(md.Get("authorization"), []string{"hush-1"}) {
			return nil, status.Error(codes.Unauthenticated, "expired")
		}
		return next(ctx, req)
	}))
	source := probe.GRPCHealth{Address: address, Every: 5 * time.Millisecond, Timeout: 20 * time.Second, Reuse: true, Headers: secret.Headers{Secrets: map[string]secret.Secret{"Authorization": {File: path}}}}
	all := observed(t, source, func(all []steadystate.Observation) bool {
		switch len(all) {
		case 2:
			renew("hush-2")
		case 4: // the check that was under way is answered
			expired.Store(true)
		}
		return len(all) > 6
	})
	if slices.ContainsFunc(all, func(o steadystate.Observation) bool { return !answered(o) }) {
		t.Errorf("observed %v", all)
	}
}

// demanding is a server that answers those with the token, by its metadata.
func demanding(t *testing.T, token string, code codes.Code) (address string) {
	t.Helper()
	address, _ = serve(t, "127.0.0.1:0", healthy, grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		if md, _ := metadata.FromIncomingContext(ctx); !slices.Equal(md.Get("authorization"), []string{"Bearer " + token}) || !slices.Equal(md.Get("x-tenant"), []string{"shop"}) {
			return nil, status.Errorf(code, "no access for %v", md)
		}
		return next(ctx, req)
	}))
	return address
}

func TestAHealthCheckBehindAuthentication(t *testing.T) {
	t.Setenv("HEALTH_TOKEN", "Bearer hush-1")
	t.Setenv("HEALTH_WRONG", "Bearer hush-2")
	with := func(name string) secret.Headers {
		h := env(name)
		h.Values = http.Header{"X-Tenant": {"shop"}}
		return h
	}
	for _, row := range []struct {
		sentence string
		code     codes.Code
		headers  secret.Headers
		reuse    bool
		failed   string // empty: it answers
		advice   string
	}{
		{"a token", codes.Unauthenticated, with("HEALTH_TOKEN"), false, "", ""},
		{"a token over a reused connection", codes.Unauthenticated, with("HEALTH_TOKEN"), true, "", ""},
		{"another token", codes.PermissionDenied, with("HEALTH_WRONG"), false, "PermissionDenied", "check grpc.headers: who may ask?"},
		{"no headers", codes.Unauthenticated, secret.Headers{}, false, "Unauthenticated", "who may ask? give credentials in grpc.headers, as in {Authorization: {env: NAME}}"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			source := probe.GRPCHealth{Address: demanding(t, "hush-1", row.code), Every: 5 * time.Millisecond, Timeout: 20 * time.Second, Headers: row.headers, Reuse: row.reuse}
			found, err := source.Preflight(t.Context())
			enough := atLeast(3, answered)
			if row.failed != "" {
				enough = atLeast(2, failed(row.failed))
			}
			all := observed(t, source, enough)
			switch {
			case row.failed == "" && (err != nil || slices.ContainsFunc(all, func(o steadystate.Observation) bool { return !answered(o) })):
				t.Errorf("preflight: %q, %v; observed %v", found, err, all)
			case row.failed != "" && (err == nil || err.Error() != "check the health of "+source.Address+": "+row.failed+": "+row.advice):
				t.Errorf("preflight: %q, %v, want %s", found, err, row.advice)
			}
			if text := fmt.Sprint(found, err, all) + fmt.Sprintf("%s %+v", source, source.Headers); strings.Contains(text, "hush") {
				t.Errorf("a secret is shown: %s", text)
			}
		})
	}
}

func TestHeadersThatCannotBeSentAreRefusedBeforeAnythingIsAsked(t *testing.T) {
	values := func(name, value string) secret.Headers {
		return secret.Headers{Values: http.Header{name: {value}}}
	}
	t.Setenv("HEALTH_UMLAUT", "schön")
	for _, row := range []struct {
		sentence string
		source   asked
		want     string
	}{
		{"a variable that is not set", probe.WebSocket{URL: "ws://h/", Headers: env("AFTERSHOCK_NOT_SET")}, "header Authorization: environment variable AFTERSHOCK_NOT_SET is not set"},
		{"a name that no header has", probe.WebSocket{URL: "ws://h/", Headers: values("X Shop", "one")}, "headers[X Shop]: want the name of a header"},
		{"a header of the handshake", probe.WebSocket{URL: "ws://h/", Headers: values("upgrade", "h2c")}, "headers[upgrade]: is one that the handshake sets itself; remove it"},
		{"a variable that is not set, of gRPC", probe.GRPCHealth{Address: "h:1", Headers: env("AFTERSHOCK_NOT_SET")}, "header Authorization: environment variable AFTERSHOCK_NOT_SET is not set"},
		{"a header of HTTP/2", probe.GRPCHealth{Address: "h:1", Headers: values("host", "shop.example")}, "headers[host]: is one that gRPC sets itself; remove it"},
		{"a name that no metadata has", probe.GRPCHealth{Address: "h:1", Headers: values("X~Shop", "one")}, "headers[X~Shop]: want letters, digits, -, _ and . in the name"},
		{"a value that no metadata has", probe.GRPCHealth{Address: "h:1", Headers: values("X-Shop", "schön")}, "headers[X-Shop]: holds a character beyond printable ASCII"},
		{"a secret value that no metadata has", probe.GRPCHealth{Address: "h:1", Headers: env("HEALTH_UMLAUT")}, "header Authorization: holds a character beyond printable ASCII"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			err := row.source.Observe(t.Context(), steadystate.StartClock(), func(steadystate.Observation) { t.Error("asked") })
			if err == nil || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), "schön") {
				t.Errorf("error %v, want one with %q", err, row.want)
			}
			found, again := row.source.Preflight(t.Context())
			if again == nil || err == nil || again.Error() != err.Error() {
				t.Errorf("preflight: %q, %v, want %v", found, again, err)
			}
		})
	}
}

// asked is a source that can be asked once.
type asked interface {
	steadystate.Source
	Preflight(ctx context.Context) (string, error)
}
