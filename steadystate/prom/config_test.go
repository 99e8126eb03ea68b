package prom_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/config"
	"go.yaml.in/yaml/v3"

	"github.com/aftershockhq/aftershock/steadystate/prom"
)

const secret = "open-sesame"

func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// guarded is a Prometheus that answers only requests that are let in.
func guarded(t *testing.T, letIn func(*http.Request) bool) *httptest.Server {
	t.Helper()
	s := start(t, 0)
	s.fill(t, s.every(`up`, time.Second, 100*time.Millisecond, 1, 1)...)
	front := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !letIn(r) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		s.ServeHTTP(w, r)
	}))
	front.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	t.Cleanup(front.Close)
	return front
}

// preflight reads a config as it stands in a file and asks.
func preflight(t *testing.T, text string) error {
	t.Helper()
	var c prom.Config
	if err := yaml.Unmarshal([]byte(text), &c); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, shown := range []string{fmt.Sprint(c), fmt.Sprintf("%+v", c)} {
		if strings.Contains(shown, secret) {
			t.Errorf("the config prints its secret: %s", shown)
		}
	}
	client, err := prom.NewClient(c)
	if err != nil {
		return err
	}
	t.Cleanup(client.Close)
	_, err = prom.Source{Client: client, Query: prom.MustParse("up")}.Preflight(t.Context())
	if err != nil && strings.Contains(err.Error(), secret) {
		t.Errorf("the error prints the secret: %v", err)
	}
	return err
}

func TestCredentials(t *testing.T) {
	t.Setenv("AFTERSHOCK_TEST_SECRET", secret)
	path := file(t, "secret", secret+"\n")
	wrong := file(t, "wrong", "close-"+secret)
	basic := func(r *http.Request) bool {
		user, password, ok := r.BasicAuth()
		return ok && user == "ann" && password == secret
	}
	bearer := func(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer "+secret }
	tenant := func(r *http.Request) bool { return r.Header.Get("X-Scope-OrgID") == "shop" }
	for _, test := range []struct {
		sentence string
		letIn    func(*http.Request) bool
		settings string
		want     string
	}{
		{"a password from a file", basic, "basic_auth: {username: ann, password_file: " + path + "}", ""},
		{"a password from the environment", basic, "basic_auth: {username: ann, password_ref: AFTERSHOCK_TEST_SECRET}", ""},
		{"a wrong password", basic, "basic_auth: {username: ann, password_file: " + wrong + "}", "client error: 401: check the credentials in http_config"},
		{"no password", basic, "", "client error: 401: check the credentials in http_config"},
		{"a variable that is not set", basic, "basic_auth: {username: ann, password_ref: AFTERSHOCK_NOT_SET}", "environment variable AFTERSHOCK_NOT_SET is not set: http_config refers to it"},
		{"a file that is not there", basic, "basic_auth: {username: ann, password_file: " + path + ".gone}", "no such file"},
		{"a bearer token from a file", bearer, "authorization: {credentials_file: " + path + "}", ""},
		{"the same in the old words", bearer, "bearer_token_file: " + path, ""},
		{"a bearer token from the environment", bearer, "authorization: {credentials_ref: AFTERSHOCK_TEST_SECRET}", ""},
		{"a wrong bearer token", bearer, "authorization: {credentials_file: " + wrong + "}", "client error: 401: check the credentials"},
		{"a tenant", tenant, "http_headers: {X-Scope-OrgID: {values: [shop]}}", ""},
		{"no tenant", tenant, "", "and the tenant in http_headers"},
	} {
		front := guarded(t, test.letIn)
		front.Start()
		err := preflight(t, fmt.Sprintf("url: %s\nhttp_config: {%s}\n", front.URL, test.settings))
		if (err == nil) != (test.want == "") || (err != nil && !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: error %v, want %q", test.sentence, err, test.want)
		}
	}
}

func TestOAuth2(t *testing.T) {
	t.Parallel()
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, given, _ := r.BasicAuth()
		if id == "" {
			id, given = r.FormValue("client_id"), r.FormValue("client_secret")
		}
		if id != "aftershock" || given != secret || r.FormValue("grant_type") != "client_credentials" || r.FormValue("scope") != "read" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "a-token", "token_type": "Bearer", "expires_in": 3600})
	}))
	t.Cleanup(tokens.Close)
	front := guarded(t, func(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer a-token" })
	front.Start()
	config := func(secret string) string {
		return fmt.Sprintf("url: %s\nhttp_config:\n  oauth2: {client_id: aftershock, client_secret_file: %s, scopes: [read], token_url: %s}\n",
			front.URL, file(t, "secret", secret), tokens.URL)
	}
	if err := preflight(t, config(secret)); err != nil {
		t.Errorf("with the secret: %v", err)
	}
	err := preflight(t, config("another"))
	if err == nil || !strings.Contains(err.Error(), "oauth2: ") || !strings.Contains(err.Error(), "check http_config, oauth2: client_id, client_secret_file, token_url") {
		t.Errorf("with another: %v", err)
	}
}

// authority is a certificate authority of one's own.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	a := authority{}
	a.cert, a.key = certificate(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "shop authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, authority{})
	return a
}

func certificate(t *testing.T, template *x509.Certificate, by authority) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	if by.cert == nil {
		by = authority{template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by.cert, &key.PublicKey, by.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func certFile(t *testing.T, cert *x509.Certificate) string {
	return file(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})))
}

func keyFile(t *testing.T, key *ecdsa.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return file(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
}

func TestTLS(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	cert, key := certificate(t, &x509.Certificate{
		DNSNames: []string{"prometheus.shop"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}, ca)
	mine, myKey := certificate(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "aftershock"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, ca)
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)

	front := guarded(t, func(r *http.Request) bool {
		return len(r.TLS.VerifiedChains) > 0 && r.TLS.PeerCertificates[0].Subject.CommonName == "aftershock"
	})
	front.TLS = &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}},
		ClientCAs:    pool, ClientAuth: tls.VerifyClientCertIfGiven, MinVersion: tls.VersionTLS12,
	}
	front.StartTLS()
	caFile, own := certFile(t, ca.cert), fmt.Sprintf("cert_file: %s, key_file: %s", certFile(t, mine), keyFile(t, myKey))
	for _, test := range []struct{ sentence, settings, want string }{
		{"its authority and a certificate of one's own", "ca_file: " + caFile + ", " + own, ""},
		{"another name that the certificate is for", "ca_file: " + caFile + ", server_name: prometheus.shop, " + own, ""},
		{"no certificate of one's own", "ca_file: " + caFile, "client error: 401: check the credentials in http_config"},
		{"an authority that is not known", own, "certificate signed by unknown authority: name its certificate authority in http_config, tls_config, ca_file"},
		{"a name that the certificate is not for", "ca_file: " + caFile + ", server_name: prometheus.example, " + own, "not prometheus.example: name the host that the certificate is for in http_config, tls_config, server_name"},
		{"an authority's file that is not there", "ca_file: " + caFile + ".gone", "configure prometheus: http_config: "},
	} {
		err := preflight(t, fmt.Sprintf("url: %s\nhttp_config: {tls_config: {%s}}\n", front.URL, test.settings))
		if (err == nil) != (test.want == "") || (err != nil && !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: error %v, want %q", test.sentence, err, test.want)
		}
	}
}

func TestConfigRefuses(t *testing.T) {
	t.Parallel()
	const at = "url: http://prometheus.example:9090\n"
	for _, test := range []struct{ sentence, text, want string }{
		{"an unknown field", at + "htp_config: {}", `line 2: htp_config: unknown field; fields: url, http_config`},
		{"an unknown setting", at + "http_config:\n  basic_aut: {}", `line 3: http_config.basic_aut: unknown field; fields: basic_auth, authorization, oauth2, `},
		{"an unknown setting of a setting", at + "http_config:\n  basic_auth:\n    user: ann", `line 4: http_config.basic_auth.user: unknown field; fields: username, username_file, username_ref, password, `},
		{"an unknown setting of an inner one", at + "http_config: {oauth2: {tls_config: {ca_fil: a}}}", `line 2: http_config.oauth2.tls_config.ca_fil: unknown field; fields: ca, cert, key, ca_file, `},
		{"an unknown field of a header", at + "http_config: {http_headers: {X-Key: {value: a}}}", `line 2: http_config.http_headers.X-Key.value: unknown field; fields: values, secrets, files`},
		{"a setting of an inlined one", at + "http_config: {proxy_urls: a}", "proxy_url, no_proxy, proxy_from_environment, proxy_connect_header, http_headers"},
		{"two mistakes, the first", at + "http_config:\n  follow_redirects: perhaps\n  tls_config: {insecure: true}", "line 3: http_config.follow_redirects: want true or false"},
		{"two mistakes, the second", at + "http_config:\n  follow_redirects: perhaps\n  tls_config: {insecure: true}", `line 4: http_config.tls_config.insecure: unknown field`},
		{"a text in place of fields", at + "http_config: {authorization: " + secret + "}", "line 2: http_config.authorization: want a mapping of these fields: type, credentials, "},
		{"a text in place of headers", at + "http_config: {http_headers: " + secret + "}", "line 2: http_config.http_headers: want a mapping"},
		{"a list in place of a text", at + "http_config: {basic_auth: {username: [a]}}", "line 2: http_config.basic_auth.username: want a text"},
		{"a text in place of a list", at + "http_config: {http_headers: {X-Scope-OrgID: {values: shop}}}", "line 2: http_config.http_headers.X-Scope-OrgID.values: want a list"},
		{"fields in place of a text of a list", at + "http_config: {oauth2: {scopes: [read, {}]}}", "line 2: http_config.oauth2.scopes[1]: want a text"},
		{"a field that is there twice", at + "http_config:\n  no_proxy: a\n  no_proxy: b", `mapping key "no_proxy" already defined at line 3`},
		{"a version of TLS that there is not", at + "http_config:\n  tls_config:\n    min_version: TLS9", "line 4: http_config.tls_config.min_version: unknown TLS version: TLS9"},
		{"a proxy's URL that is none", at + "http_config: {proxy_url: 'http://ann:" + secret + "@proxy:port'}", "line 2: http_config.proxy_url: the URL does not parse: "},
		{"settings that contradict each other", at + "http_config: {basic_auth: {username: a}, bearer_token_file: b}", "line 2: http_config: at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured"},
		{"inner ones that do", at + "http_config:\n  tls_config:\n    ca: a\n    ca_file: b", "line 3: http_config.tls_config: at most one of ca, ca_file & ca_ref must be configured"},
		{"a password that is written out", at + "http_config: {basic_auth: {username: a, password: " + secret + "}}", "line 2: http_config.basic_auth.password: is written out: name a file (password_file) or an environment variable (password_ref) instead"},
		{"one that is written elsewhere", at + "http_config:\n  basic_auth: {username: &it " + secret + ", password: *it}", "line 3: http_config.basic_auth.password: is written out"},
		{"a token that is written out", at + "http_config: {authorization: {credentials: " + secret + "}}", "http_config.authorization.credentials: is written out"},
		{"one in the old words", at + "http_config: {bearer_token: " + secret + "}", "http_config.bearer_token: is written out: name a file (bearer_token_file) instead"},
		{"a header that is", at + "http_config: {http_headers: {X-Key: {secrets: [" + secret + "]}}}", "http_config.http_headers.X-Key.secrets: is written out: name a file (files) instead"},
		{"a header of the proxy's that is", at + "http_config: {proxy_url: http://proxy, proxy_connect_header: {X-Key: [" + secret + "]}}", "http_config.proxy_connect_header.X-Key: is written out: leave it out"},
		{"an OAuth2 secret that is", at + "http_config: {oauth2: {client_id: a, client_secret: " + secret + ", token_url: http://tokens.example}}", "http_config.oauth2.client_secret: is written out"},
		{"a key that is", at + "http_config: {tls_config: {cert_file: a, key: " + secret + "}}", "http_config.tls_config.key: is written out: name a file (key_file) or an environment variable (key_ref) instead"},
		{"no URL", "http_config: {}", `configure prometheus: needs a URL, as in "http://prometheus.example:9090"`},
		{"a URL without a scheme", "url: prometheus.example:9090", `needs http:// or https:// and a host`},
		{"a URL of another kind", "url: ftp://prometheus.example", `needs http:// or https:// and a host`},
		{"a URL without a host", "url: http:///api", `needs http:// or https:// and a host`},
		{"a URL that is none", "url: 'http://prometheus.example:port/'", `the URL does not parse`},
		{"a URL with a password", "url: http://ann:" + secret + "@prometheus.example", `the URL http://xxxxx@prometheus.example holds credentials: put them into http_config`},
		{"a URL with a query", "url: http://prometheus.example?a=b", `must end with its path`},
		{"a URL of the API itself", "url: http://prometheus.example/api/v1/", `must end before /api/v1`},
	} {
		var c prom.Config
		err := yaml.Unmarshal([]byte(test.text), &c)
		if err == nil {
			_, err = prom.NewClient(c)
		}
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.sentence, err, test.want)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error prints the secret: %v", test.sentence, err)
		}
	}
	contradicting := config.HTTPClientConfig{BearerToken: "a", BearerTokenFile: "b"}
	if _, err := prom.NewClient(prom.Config{URL: "http://prometheus.example", HTTP: contradicting}); err == nil ||
		!strings.Contains(err.Error(), "configure prometheus: http_config: at most one of") {
		t.Errorf("settings in code that contradict each other: %v", err)
	}
}
