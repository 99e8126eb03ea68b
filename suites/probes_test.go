package suites

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// The preflight says that a service refuses a probe, with the line of the probe's section.
func TestPreflightSendsTheHeadersOfProbes(t *testing.T) {
	kill := strings.Replace(all, "suites: [all]", "suites: [pods/kill-one]", 1)
	kill = kill[:strings.Index(kill, "    autoscaler:")]
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte("Bearer hush-2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LIVE_BASIC", "Basic "+base64.StdEncoding.EncodeToString([]byte("ann:hush-1")))
	t.Setenv("LIVE_WRONG", "Basic "+base64.StdEncoding.EncodeToString([]byte("ann:hush-3")))
	for _, row := range []struct{ sentence, headers, want string }{
		{"a name and a password", "headers: {Authorization: {env: LIVE_BASIC}}", ""},
		{"a token of a file", "headers: {Authorization: {file: " + path + "}}", ""},
		{"no headers", "every: 1s", "answered 401 instead of a WebSocket handshake: who may ask? give credentials in websocket.headers, as in {Authorization: {env: NAME}}"},
		{"another password", "headers: {Authorization: {env: LIVE_WRONG}}", "answered 401 instead of a WebSocket handshake: check websocket.headers: who may ask?"},
		{"a variable that is not set", "headers: {Authorization: {env: AFTERSHOCK_NOT_SET}}", "header Authorization: environment variable AFTERSHOCK_NOT_SET is not set"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			place := newTown(t)
			loaded := place.handler
			place.handler = func(w http.ResponseWriter, r *http.Request) {
				user, password, basic := r.BasicAuth()
				switch {
				case r.URL.Path != "/live":
					loaded(w, r)
				case basic && user == "ann" && password == "hush-1", r.Header.Get("Authorization") == "Bearer hush-2":
					conn, err := websocket.Accept(w, r, nil)
					if err != nil {
						return
					}
					defer conn.CloseNow() //nolint:errcheck // it may be gone already
					if kind, message, err := conn.Read(r.Context()); err == nil {
						_ = conn.Write(r.Context(), kind, message)
					}
				default:
					http.Error(w, "no access for "+r.Header.Get("Authorization"), http.StatusUnauthorized)
				}
			}
			live := "ws" + strings.TrimSuffix(strings.TrimPrefix(place.url, "http"), "/checkout") + "/live"
			text := strings.Replace(kill, "    checks: [", "    websocket: {url: \""+live+"\", "+row.headers+"}\n    checks: [", 1)
			line := strings.Count(text[:strings.Index(text, "websocket:")], "\n") + 1
			said, err := place.preflight(t, text)
			switch want := fmt.Sprintf("aftershock.yaml:%d: websocket of checkout: ", line); {
			case row.want == "" && (err != nil || !strings.Contains(said, "ok websocket of checkout: answered in ")):
				t.Errorf("%v\n%s", err, said)
			case row.want != "" && (err == nil || !strings.HasPrefix(err.Error(), want) || !strings.HasSuffix(err.Error(), row.want)):
				t.Errorf("%v, want %s... %s\n%s", err, want, row.want, said)
			}
			if text := said + fmt.Sprint(err); strings.Contains(text, "hush") || strings.Contains(text, "Basic") {
				t.Errorf("a secret is shown: %s", text)
			}
		})
	}
}
