package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// running is a server with an open store in a folder of its own.
func running(t *testing.T, c config) (*server, *httptest.Server) {
	t.Helper()
	s := newServer(c)
	store, err := openStore(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s.store.Store(store)
	web := httptest.NewServer(s)
	t.Cleanup(func() { web.Close(); _ = store.journal.close() })
	return s, web
}

func ask(t *testing.T, method, url, body string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	said, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(said)
}

func TestEntries(t *testing.T) {
	_, web := running(t, config{pod: "ledger-1", storeName: "healthy"})
	for _, c := range []struct {
		says, method, path, body string
		code                     int
		answer                   string
	}{
		{"an entry that is not there", "GET", "/entries/a", "", 404, "no such entry"},
		{"written", "PUT", "/entries/a", "one", 204, ""},
		{"read", "GET", "/entries/a", "", 200, "one"},
		{"counted", "GET", "/entries", "", 200, `{"pod":"ledger-1","entries":1}`},
		{"too long", "PUT", "/entries/b", strings.Repeat("x", maxValue+1), 413, "at most 4096 bytes"},
		{"not written then", "GET", "/entries/b", "", 404, ""},
		{"ready", "GET", "/readyz", "", 200, "ready"},
		{"each operation by its result", "GET", "/metrics", "", 200, `ops_total{op="read",result="missing"} 2`},
		{"no label without a value", "GET", "/metrics", "", 200, `ops_total{op="write",result="failed"} 0`},
		{"entries in the metrics", "GET", "/metrics", "", 200, "ledger_entries 1\n"},
	} {
		t.Run(c.says, func(t *testing.T) {
			resp, said := ask(t, c.method, web.URL+c.path, c.body)
			if resp.StatusCode != c.code || !strings.Contains(said, c.answer) {
				t.Errorf("%s: %s, want %d and %s", resp.Status, said, c.code, c.answer)
			}
			if resp.Header.Get("X-Pod") != "ledger-1" || resp.Header.Get("X-Store") != "healthy" {
				t.Errorf("answered by %v", resp.Header)
			}
		})
	}
}

func TestAStoreThatIsNotOpenIsNotReady(t *testing.T) {
	s := newServer(config{})
	web := httptest.NewServer(s)
	defer web.Close()
	for path, code := range map[string]int{"/readyz": 503, "/healthz": 200, "/entries": 503, "/entries/a": 503} {
		if resp, said := ask(t, http.MethodGet, web.URL+path, ""); resp.StatusCode != code {
			t.Errorf("%s: %s %s, want %d", path, resp.Status, said, code)
		}
	}
	if _, said := ask(t, http.MethodGet, web.URL+"/metrics", ""); !strings.Contains(said, `ops_total{op="read",result="failed"} 2`) {
		t.Errorf("the two reads are not among the failed operations:\n%s", said)
	}
}

func TestAWriteThatTheVolumeRefusesIsAnError(t *testing.T) {
	s, web := running(t, config{})
	if err := s.store.Load().journal.close(); err != nil {
		t.Fatal(err)
	}
	if resp, said := ask(t, http.MethodPut, web.URL+"/entries/a", "1"); resp.StatusCode != http.StatusInternalServerError {
		t.Errorf("%s %s", resp.Status, said)
	}
	if _, said := ask(t, http.MethodGet, web.URL+"/metrics", ""); !strings.Contains(said, `ops_total{op="write",result="failed"} 1`) {
		t.Errorf("not among the failed operations:\n%s", said)
	}
}

// life runs the program until stop is called, which returns how it ended.
func life(t *testing.T, folder string) (url string, stop func() error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	env := map[string]string{"LISTEN": address, "POD_NAME": "ledger-0", "DATA": folder, "DRAIN_DELAY": "0s"}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- exec(ctx, nil, func(name string) string { return env[name] }) }()
	t.Cleanup(cancel)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		resp, err := http.Get("http://" + address + "/readyz")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				break
			}
		}
		if time.Now().After(end) {
			t.Fatalf("not ready: %v", err)
		}
	}
	return "http://" + address, func() error { cancel(); return <-ended }
}

func TestADataFolderThatStaysKeepsTheEntries(t *testing.T) {
	for _, c := range []struct {
		says   string
		folder func(*testing.T) string // of the second life
		code   int
	}{
		{"the same folder, as a volume is", nil, 200},
		{"another folder, as that of another container is", func(t *testing.T) string { return t.TempDir() }, 404},
	} {
		t.Run(c.says, func(t *testing.T) {
			folder := t.TempDir()
			url, stop := life(t, folder)
			ask(t, http.MethodPut, url+"/entries/a", "1")
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			if c.folder != nil {
				folder = c.folder(t)
			}
			url, stop = life(t, folder)
			if resp, said := ask(t, http.MethodGet, url+"/entries/a", ""); resp.StatusCode != c.code {
				t.Errorf("%s %s, want %d", resp.Status, said, c.code)
			}
			if err := stop(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestCommandLinesAndEnvironment(t *testing.T) {
	for _, c := range []struct {
		says string
		args []string
		env  map[string]string
		err  string
	}{
		{"an argument that there is not", []string{"clients"}, nil, `unknown arguments ["clients"]: want none, or client`},
		{"a client without stores", []string{"client"}, nil, "set STORES"},
		{"no rate", []string{"client"}, map[string]string{"RATE": "0"}, `RATE="0": want a number of operations a second`},
		{"not a number", []string{"client"}, map[string]string{"RATE": "NaN"}, `RATE="NaN"`},
		{"no duration", nil, map[string]string{"DRAIN_DELAY": "1"}, `DRAIN_DELAY="1": want a duration of 0s or more`},
		{"a folder that cannot be made", nil, map[string]string{"LISTEN": "127.0.0.1:0", "DATA": "/dev/null/x"}, "make the folder of the journal"},
	} {
		t.Run(c.says, func(t *testing.T) {
			err := exec(t.Context(), c.args, func(name string) string { return c.env[name] })
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%v, want %s", err, c.err)
			}
		})
	}
	c, err := configure(func(name string) string { return map[string]string{"STORES": "http://a,http://b"}[name] })
	if got := fmt.Sprintf("%q %v %s", c.stores, c.rate, c.drainDelay); err != nil || got != `["http://a" "http://b"] 20 1s` {
		t.Errorf("%s, %v", got, err)
	}
}
