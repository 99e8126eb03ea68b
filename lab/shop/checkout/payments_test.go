package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestPayments(t *testing.T) {
	out := &output{}
	s := newPayments(config{pod: "payments-1", work: 1}, logged(t, "payments-1", out))
	for _, c := range []struct {
		says, method, path string
		code               int
		body               string
	}{
		{"it is asked with POST", http.MethodPost, "/pay", 200, `"pod":"payments-1"`},
		{"by hand, with GET", http.MethodGet, "/pay", 200, `"payment":`},
		{"it does not sell", http.MethodGet, "/checkout", 404, ""},
		{"nor echo", http.MethodGet, "/echo", 404, ""},
		{"it is alive", http.MethodGet, "/healthz", 200, "alive"},
		{"and not ready before its time", http.MethodGet, "/readyz", 503, "draining"},
		{"requests are counted as those of checkout are", http.MethodGet, "/metrics", 200, `http_request_duration_seconds_count{code="200",method="POST",route="/pay"} 1`},
		{"it has no breaker", http.MethodGet, "/metrics", 200, ""},
	} {
		t.Run(c.says, func(t *testing.T) {
			r := httptest.NewRequest(c.method, c.path, nil)
			r.Header.Set(sequence, "7")
			w := httptest.NewRecorder()
			s.mux.ServeHTTP(w, r)
			if w.Code != c.code || !strings.Contains(w.Body.String(), c.body) {
				t.Errorf("%d: %s, want %d and %q", w.Code, w.Body, c.code, c.body)
			}
			if c.path == "/pay" && w.Header().Get("X-Pod") != "payments-1" {
				t.Errorf("X-Pod is %q", w.Header().Get("X-Pod"))
			}
			if strings.Contains(w.Body.String(), "checkout_") {
				t.Errorf("metrics of checkout in\n%s", w.Body)
			}
		})
	}
	lines := out.lines(t)
	if events(lines) != "request request" || *lines[0].Seq != 7 {
		t.Errorf("saw %+v", lines)
	}
}
