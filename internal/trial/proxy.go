package trial

import (
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
)

// A Proxy passes requests on to a server.
type Proxy struct{ *httptest.Server }

// NewProxy starts one of a server, which asks it by the transport. With TLS it
// serves as an API server does: a client sends no token to one without.
func NewProxy(server string, transport http.RoundTripper, tls bool) (*Proxy, error) {
	target, err := url.Parse(server)
	if err != nil {
		return nil, err
	}
	p := &Proxy{httptest.NewUnstartedServer(&httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:     transport,
		FlushInterval: -1, // watches
		// A proxy that does not answer is what is tried.
		ErrorLog: log.New(io.Discard, "", 0),
	})}
	if p.EnableHTTP2 = tls; tls {
		p.StartTLS()
	} else {
		p.Start()
	}
	return p, nil
}

// WriteKubeconfig writes one that leads to the proxy, with a token; empty: without.
// Its context has the name.
func (p *Proxy) WriteKubeconfig(path, name, token string) error {
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate().Raw})
	return os.WriteFile(path, fmt.Appendf(nil, `apiVersion: v1
kind: Config
clusters: [{name: %[1]s, cluster: {server: %[2]q, certificate-authority-data: %[3]s}}]
users: [{name: %[1]s, user: {token: %[4]q}}]
contexts: [{name: %[1]s, context: {cluster: %[1]s, user: %[1]s}}]
current-context: %[1]s
`, name, p.URL, base64.StdEncoding.EncodeToString(ca), token), 0o600)
}

// Close closes its connections, too.
func (p *Proxy) Close() {
	p.CloseClientConnections()
	p.Server.Close()
}
