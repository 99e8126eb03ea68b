package main

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"

	"k8s.io/client-go/rest"

	"github.com/aftershockhq/aftershock/suites/rights"
)

// A proxy passes requests on to an API server, each with its own token, and notes
// the rights that they need.
type proxy struct {
	server *httptest.Server
	ca     []byte // PEM

	mu            sync.Mutex
	used, refused []rights.Rule
}

func newProxy(cluster *rest.Config) (*proxy, error) {
	target, err := url.Parse(cluster.Host)
	if err != nil {
		return nil, err
	}
	transport, err := rest.TransportFor(rest.AnonymousClientConfig(cluster))
	if err != nil {
		return nil, err
	}
	p := &proxy{}
	p.server = httptest.NewUnstartedServer(&httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:     transport,
		FlushInterval: -1, // watches
		ModifyResponse: func(resp *http.Response) error {
			if r, ok := rights.Of(resp.Request); ok {
				p.note(r, resp.StatusCode)
			}
			return nil
		},
	})
	// A client sends no token to a server without TLS.
	p.server.EnableHTTP2 = true
	p.server.StartTLS()
	p.ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.server.Certificate().Raw})
	return p, nil
}

func (p *proxy) note(r rights.Rule, code int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.used = append(p.used, r); code == http.StatusForbidden || code == http.StatusUnauthorized {
		p.refused = append(p.refused, r)
	}
}

// seen are the rights that requests have used, and those that were refused.
func (p *proxy) seen() (used, refused []rights.Rule) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]rights.Rule(nil), p.used...), rights.Merge(p.refused)
}

func (p *proxy) close() {
	p.server.CloseClientConnections()
	p.server.Close()
}
