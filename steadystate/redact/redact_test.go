package redact_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/aftershockhq/aftershock/steadystate/redact"
)

func TestAURLIsShownWithoutWhatMayBeSecret(t *testing.T) {
	for text, want := range map[string]string{
		"http://shop.example/checkout":           "http://shop.example/checkout",
		"http://shop.example:80":                 "http://shop.example:80",
		"http://ann:pw@shop.example/checkout":    "http://xxxxx@shop.example/checkout",
		"https://ghp_token@shop.example":         "https://xxxxx@shop.example",
		"https://ann:p@w@shop.example/a":         "https://xxxxx@shop.example/a",
		"https://shop.example/@ann":              "https://shop.example/@ann",
		"https://shop.example/?token=1&b=2":      "https://shop.example/?token=xxxxx&b=xxxxx",
		"https://shop.example?abc":               "https://shop.example?xxxxx",
		"https://shop.example/?a=b=c;d=e":        "https://shop.example/?a=xxxxx&d=xxxxx",
		"https://shop.example/#access_token=1":   "https://shop.example/#xxxxx",
		"https://shop.example/?":                 "https://shop.example/?",
		"wss://ann:pw@shop.example/live?key=1#x": "wss://xxxxx@shop.example/live?key=xxxxx#xxxxx",
		"http://ann:p/w@shop.example/":           "http://xxxxx@shop.example/", // the port is none: no URL
		"http://ann:p?w@shop.example/":           "http://xxxxx@shop.example/",
		"http://ann:p%w@shop.example/":           "http://xxxxx@shop.example/",
		"htp:/ann:pw@shop.example":               "xxxxx@shop.example",
		"ann:pw@shop.example/x?y=z":              "xxxxx@shop.example/x?y=xxxxx",
		"":                                       "",
		"\x00http://ann:pw@shop.example":         "\x00http://xxxxx@shop.example",
	} {
		if got := redact.URL(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}

func TestEachURLOfATextIsRedacted(t *testing.T) {
	for text, want := range map[string]string{
		`Get "http://ann:pw@shop.example/?token=1": dial tcp: refused`: `Get "http://xxxxx@shop.example/?token=xxxxx": dial tcp: refused`,
		"http://shop.example/?a=1: refused, https://b:c@d.example.":    "http://shop.example/?a=xxxxx: refused, https://xxxxx@d.example.",
		`a quoted \"http://b:c@d.example\" one`:                        `a quoted \"http://xxxxx@d.example\" one`,
		"checkout:v1@sha256:11 and deployment/checkout":                "checkout:v1@sha256:11 and deployment/checkout",
	} {
		if got := redact.Text(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	err := redact.Error(fmt.Errorf("open http://a:b@c: %w", fs.ErrNotExist))
	if err.Error() != "open http://xxxxx@c: file does not exist" || !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if plain := errors.New("x"); redact.Error(plain).Error() != "x" || redact.Error(nil) != nil {
		t.Error("an error without a URL is another")
	}
}

// A server repeats what it was sent, as login pages and debugging proxies do.
func TestAnErrorDoesNotRepeatWhatTheRequestSent(t *testing.T) {
	code := http.StatusUnauthorized
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		w.Header().Set("Www-Authenticate", "Bearer "+r.Header.Get("Authorization"))
		w.WriteHeader(code)
		fmt.Fprintf(w, "no: %v; %s %s; agent %s; ", r.Header, user, password, r.UserAgent())
		fmt.Fprint(w, strings.Repeat("long ", 1000))
	}))
	defer server.Close()
	get := func(set func(*http.Request)) string {
		req, err := http.NewRequest(http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("User-Agent", "aftershock")
		set(req)
		resp, err := (&http.Client{Transport: redact.Transport(nil)}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close() //nolint:errcheck // of a test
		text, err := io.ReadAll(resp.Body)
		if err != nil || len(text) < 5000 {
			t.Errorf("%d bytes, error %v", len(text), err)
		}
		return fmt.Sprint(resp.Header) + string(text)
	}
	for name, set := range map[string]func(*http.Request){
		"bearer": func(r *http.Request) { r.Header.Set("Authorization", "Bearer s3cr3t") },
		"basic":  func(r *http.Request) { r.SetBasicAuth("ann", "s3cr3t") },
		"user":   func(r *http.Request) { r.URL.User = url.UserPassword("ann", "s3cr3t") },
		"cookie": func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "session", Value: "s3cr3t"}) },
		"any":    func(r *http.Request) { r.Header["X-Shop"] = []string{"one", "s3cr3t"} },
	} {
		code = http.StatusUnauthorized
		got := get(set)
		if encoded := base64.StdEncoding.EncodeToString([]byte("ann:s3cr3t")); strings.Contains(got, "s3cr3t") || strings.Contains(got, encoded) || !strings.Contains(got, "xxxxx") {
			t.Errorf("%s: %s", name, got[:300])
		}
		if !strings.Contains(got, "agent aftershock") {
			t.Errorf("%s: the rest is lost: %s", name, got[:300])
		}
		code = http.StatusOK // which nothing quotes
		if got := get(set); !strings.Contains(got, "s3cr3t") {
			t.Errorf("%s: a good answer was changed: %s", name, got[:300])
		}
	}
}

func TestAnExcerptIsShortAndInOneLine(t *testing.T) {
	for _, row := range []struct {
		text string
		most int
		want string
	}{
		{"as it is", 8, "as it is"},
		{"longer than that", 9, "longer..."},
		{" several\n\tlines\x1b[31m ", 40, "several lines [31m"},
		{"half a \xff character", 40, "half a ? character"},
		{"äää", 5, "ä..."},
		{"much", 2, "..."},
		{"", 5, ""},
	} {
		if got := redact.Excerpt(row.text, row.most); got != row.want {
			t.Errorf("%q: %q, want %q", row.text, got, row.want)
		}
	}
}
