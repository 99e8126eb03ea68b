package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/suites"
)

// canary is how each planted secret begins; its place follows.
const canary = "s3cr3t"

// A garden is where secrets are planted.
type garden struct {
	*testing.T
	mu     sync.Mutex
	places map[string]bool
	found  map[string][]string // outputs by place
}

// plant is the secret of a place.
func (g *garden) plant(place string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.places[place] = true
	return canary + "-" + place + "-"
}

// search looks for secrets in what came out.
func (g *garden) search(from, text string) {
	g.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	seen := func(place, form string) {
		at := strings.Index(text, form)
		if at < 0 || slices.Contains(g.found[place], from) {
			return
		}
		g.found[place] = append(g.found[place], from)
		g.Errorf("%s shows the secret %s: ...%q", from, place, text[max(0, at-150):min(len(text), at+80)])
	}
	for place := range g.places {
		secret := canary + "-" + place + "-"
		seen(place, secret)
		seen(place, url.QueryEscape(secret))
		// As a part of something in base64, at each of the three offsets.
		for offset := range 3 {
			encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", offset) + secret))
			seen(place, encoded[4:len(encoded)-4])
		}
	}
	if at := strings.Index(text, canary); at >= 0 && !g.Failed() {
		g.Errorf("%s shows a part of a secret: ...%q", from, text[max(0, at-150):min(len(text), at+80)])
	}
}

// searchFiles looks for secrets in files.
func (g *garden) searchFiles(from, dir string) (n int) {
	g.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		g.search(from+": "+filepath.Base(path), string(text))
		n++
		return err
	})
	if err != nil {
		g.Error(err)
	}
	return n
}

// A peer is how a server behaves to one who sends secrets.
type peer string

const (
	good     peer = "good"
	echoes   peer = "401 with what it was sent"
	fails    peer = "500 with what it was sent"
	login    peer = "a login page with what it was sent"
	redirect peer = "a redirect to what it was sent"
	breaks   peer = "an answer that breaks off"
	absent   peer = "nothing listens"
	noTLS    peer = "no TLS where it is spoken"
)

var peers = []peer{good, echoes, fails, login, redirect, breaks, absent, noTLS}

// serve answers as the peer; ok answers as the good one.
func (p peer) serve(t *testing.T, ok http.HandlerFunc) (address string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		all := fmt.Sprintf("%s %v %s:%s", r.URL, r.Header, user, password)
		switch p {
		case echoes:
			w.Header().Set("Www-Authenticate", r.Header.Get("Authorization"))
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, all)
		case fails:
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprint(w, all)
		case login:
			fmt.Fprintf(w, "<html>%s</html>", all)
		case redirect:
			http.Redirect(w, r, "https://"+canary+"-redirect-:x@127.0.0.1:9/?"+url.Values{"was": {all}}.Encode(), http.StatusFound)
		case breaks:
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, all)
			panic(http.ErrAbortHandler)
		default:
			ok(w, r)
		}
	}))
	server.Config.ErrorLog = nil
	if p == absent {
		server.Close()
	} else {
		t.Cleanup(server.Close)
	}
	if p == noTLS {
		return "s://" + server.Listener.Addr().String()
	}
	return "://" + server.Listener.Addr().String()
}

// at is a URL with secrets in it.
func (g *garden) at(scheme, address, path, place string) string {
	tls, host, _ := strings.Cut(address, "://")
	return g.bare(scheme+tls+"://"+g.credentials(place)+host, path, place)
}

// credentials are those in a URL.
func (g *garden) credentials(place string) string {
	return g.plant(place+".user") + ":" + g.plant(place+".password") + "@"
}

// bare is a URL with secrets in it, but no credentials.
func (g *garden) bare(address, path, place string) string {
	return fmt.Sprintf("%s%s?token=%s&%s#%s", address, path, g.plant(place+".query"), g.plant(place+".bare-query"), g.plant(place+".fragment"))
}

// write writes a file with a secret, and returns its path.
func (g *garden) write(dir, name, format string, places ...string) string {
	g.Helper()
	var secrets []any
	for _, place := range places {
		secrets = append(secrets, g.plant(place))
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, fmt.Appendf(nil, format, secrets...), 0o600); err != nil {
		g.Fatal(err)
	}
	return path
}

// whole is a configuration with a secret in each place that takes one.
func (g *garden) whole(dir string, service, prometheus string, auth string, targets string) string {
	load := fmt.Sprintf("url: %q", g.bare("http"+service, "/checkout", "load.url"))
	switch targets {
	case "http":
		g.write(dir, "body-of-target", "body %s", "targets.body")
		load = fmt.Sprintf("targets: %q", g.write(dir, "targets", "POST "+g.at("http", service, "/", "targets.url")+"\nX-Shop: %s\n@body-of-target\n", "targets.header"))
	case "json":
		body := base64.StdEncoding.EncodeToString([]byte(g.plant("targets.json-body")))
		load = fmt.Sprintf("targets: %q", g.write(dir, "targets.json", `{"method":"POST","url":"`+g.at("http", service, "/", "targets.json-url")+`","header":{"X-Shop":["%s"]},"body":"`+body+`"}`, "targets.json-header"))
	}
	_, host, _ := strings.Cut(service, "://")
	return fmt.Sprintf(`apiVersion: aftershock/v1
cluster: {kubeconfig: kubeconfig, context: test, uid: 0b1c}
allow: {namespaces: [shop]}
prometheus: {url: "http%s", http_config: {%s}}
times: {settle: 1s, hold: 1s, watch: 1s, undo: 5s, deadline: 6s}
checks:
  answers: {signal: requests, good: value <= 2s, limits: [downtime <= 2s]}
  served: {query: "sum(up)", good: value >= 1}
  live: {signal: websocket, good: value <= 1s}
services:
  checkout:
    namespace: shop
    workload: deployment/checkout
    load:
      %s
      rate: 20/s
      headers: {X-Written: "%s", X-Variable: "${SECRETS_HEADER}", Authorization: {env: SECRETS_AUTH}, X-Of-File: {file: header}}
      headerFiles: [headers]
      %s
    websocket: {url: "%s", headers: {X-Written: "%s", Authorization: {env: SECRETS_LIVE}, X-Of-File: {file: header}}}
    grpc: {address: "%s", timeout: 200ms, headers: {X-Written: "%s", Authorization: {env: SECRETS_HEALTH}}}
    checks: [answers, served, live]
    suites: [pods/kill-one]
`, prometheus, auth, load, g.plant("load.headers"), map[bool]string{true: "bodyFile: body"}[targets == ""], g.bare("ws"+service, "/live", "websocket.url"), g.plant("websocket.headers"), host, g.plant("grpc.headers"))
}

// auths are ways to be known to a Prometheus.
func (g *garden) auths(dir string) []string {
	return []string{
		"basic_auth: {username: ann, password_file: " + g.write(dir, "password", "%s", "prometheus.basic_auth.password_file") + "}",
		"basic_auth: {username_ref: SECRETS_PROM_USER, password_ref: SECRETS_PROM_PASSWORD}",
		"authorization: {credentials_file: " + g.write(dir, "credentials", "%s", "prometheus.authorization.credentials_file") + "}",
		"authorization: {credentials_ref: SECRETS_PROM_CREDENTIALS}",
		"http_headers: {X-Scope-OrgID: {files: [" + g.write(dir, "tenant", "%s", "prometheus.http_headers.files") + "]}}",
		"http_headers: {X-Scope-OrgID: {values: [" + g.plant("prometheus.http_headers.values") + "]}}",
		"oauth2: {client_id: ann, client_secret_ref: SECRETS_PROM_OAUTH, token_url: \"http://ann:" + g.plant("prometheus.oauth2.token_url") + "@TOKEN_URL/token\"}",
		"proxy_url: \"http://ann:" + g.plant("prometheus.proxy_url") + "@127.0.0.1:9\"",
	}
}

// boom is a fault that goes wrong, with secrets in its errors, as a fault or a
// library of a user's may have them.
type boom struct {
	how string
	at  string // a URL with secrets
}

func (boom) String() string { return "kill one" }

func (b boom) Inject(_ context.Context, rec *record.Recorder) (record.Injection, error) {
	time.Sleep(time.Millisecond)
	switch b.how {
	case "error":
		return record.Injection{}, &url.Error{Op: "Post", URL: b.at, Err: errors.New("refused")}
	case "panic":
		panic(&url.Error{Op: "Post", URL: b.at, Err: errors.New("refused")})
	}
	return record.Injection{Targets: []record.Target{{Name: "checkout-a", UID: "a"}}, Span: steadystate.Instant(rec.Clock().Now()), Unprovable: "a test"}, nil
}

func (b boom) Recover(_ context.Context, rec *record.Recorder) (steadystate.Span, error) {
	time.Sleep(time.Millisecond)
	if b.how == "undo" {
		return steadystate.Span{}, &url.Error{Op: "Delete", URL: b.at, Err: errors.New("refused")}
	}
	return steadystate.Instant(rec.Clock().Now()), nil
}

// What a user gives the program to authenticate with, or to send, comes out of it
// nowhere, whatever those do to whom it is sent.
func TestAPlantedSecretComesOutNowhere(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	g := &garden{T: t, places: map[string]bool{"redirect": true}, found: map[string][]string{}}
	for name, place := range map[string]string{
		"SECRETS_HEADER": "load.headers.variable", "SECRETS_AUTH": "load.headers.env", "SECRETS_LIVE": "websocket.headers.env", "SECRETS_HEALTH": "grpc.headers.env",
		"SECRETS_PROM_USER": "prometheus.basic_auth.username_ref", "SECRETS_PROM_PASSWORD": "prometheus.basic_auth.password_ref",
		"SECRETS_PROM_CREDENTIALS": "prometheus.authorization.credentials_ref", "SECRETS_PROM_OAUTH": "prometheus.oauth2.client_secret_ref",
		"SECRETS_VARIABLE": "variable", "SECRETS_URL": "variable.url",
	} {
		value := g.plant(place)
		if name == "SECRETS_URL" {
			value = "http://ann:" + value + "@127.0.0.1:9/"
		}
		t.Setenv(name, value)
	}
	outputs := 0
	run := func(from string, args ...string) {
		var stdout, stderr bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		code := execute(ctx, args, &stdout, &stderr)
		g.search(fmt.Sprintf("%s: aftershock %s (exit code %d)", from, strings.Join(args, " "), code), stdout.String()+stderr.String())
		g.mu.Lock()
		outputs++
		g.mu.Unlock()
	}
	for _, args := range [][]string{{"schema"}, {"catalog"}, {"explain", "services.checkout.load"}, {"version"}, {"report", "--schema"}} {
		run("environment", args...)
	}
	directory := func(kubeconfig string) string {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "kubeconfig"), []byte(kubeconfig), 0o600); err != nil {
			t.Fatal(err)
		}
		g.write(dir, "header", "%s", "load.headers.file")
		g.write(dir, "headers", "# more\nX-In-File: %s\n", "load.headerFiles")
		g.write(dir, "body", "a body with %s", "load.bodyFile")
		return dir
	}
	// The cluster's side: preflight, run and sweep against an API that goes wrong.
	var all sync.WaitGroup
	for _, p := range peers {
		for i, user := range []string{
			"token: " + g.plant("kubeconfig.token"),
			"username: ann, password: " + g.plant("kubeconfig.password"),
			"tokenFile: " + g.write(t.TempDir(), "token", "%s", "kubeconfig.tokenFile"),
			"",
		} {
			kubernetes := p.serve(t, func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) })
			if tls, host, _ := strings.Cut(kubernetes, "://"); user == "" {
				kubernetes = tls + "://" + g.plant("kubeconfig.server.user") + ":" + g.plant("kubeconfig.server.password") + "@" + host
			}
			dir := directory(fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: test, clusters: [{name: test, cluster: {server: "http%s"}}], contexts: [{name: test, context: {cluster: test, user: test}}], users: [{name: test, user: {%s}}]}`, kubernetes, user))
			file := filepath.Join(dir, "aftershock.yaml")
			if err := os.WriteFile(file, []byte(g.whole(dir, "://127.0.0.1:9", "://127.0.0.1:9", "", "")), 0o600); err != nil {
				t.Fatal(err)
			}
			all.Go(func() {
				from := fmt.Sprintf("API: %s, user %d", p, i)
				run(from, "run", "-f", file, "--dry-run")
				run(from, "run", "-f", file, "--dry-run=server")
				run(from, "preflight", "-f", file)
				run(from, "run", "-f", file, "--out", filepath.Join(dir, "runs"))
				run(from, "sweep", "-f", file)
				run(from, "__complete", "run", "-f", file, "")
			})
		}
	}
	// The service's and Prometheus' side: preflight and whole runs on a cluster at rest.
	type trial struct {
		from, targets, auth string
		service, prometheus peer
		fault               string
	}
	var trials []trial
	auths := g.auths(t.TempDir())
	for i, p := range peers {
		trials = append(trials, trial{from: "service: " + string(p), service: p, prometheus: good, auth: auths[0]})
		trials = append(trials, trial{from: "targets: " + string(p), service: p, prometheus: good, auth: auths[0], targets: []string{"http", "json"}[i%2]})
		for j, auth := range auths {
			trials = append(trials, trial{from: fmt.Sprintf("prometheus: %s, %d", p, j), service: good, prometheus: p, auth: auth})
		}
	}
	for _, how := range []string{"fine", "error", "panic", "undo"} {
		trials = append(trials, trial{from: "fault: " + how, service: good, prometheus: good, auth: auths[3], fault: how})
	}
	for i, trial := range trials {
		service := trial.service.serve(t, func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X-Pod", "checkout-a") })
		prometheus := trial.prometheus.serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[%d,"3"]}]}}`, time.Now().Unix())
		})
		trial.auth = strings.Replace(trial.auth, "TOKEN_URL", strings.TrimPrefix(strings.TrimPrefix(prometheus, "s"), "://"), 1)
		dir := directory(fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: test, clusters: [{name: test, cluster: {server: %q}}], contexts: [{name: test, context: {cluster: test}}]}`, versioned(t)))
		file := filepath.Join(dir, "aftershock.yaml")
		if err := os.WriteFile(file, []byte(g.whole(dir, service, prometheus, trial.auth, trial.targets)), 0o600); err != nil {
			t.Fatal(err)
		}
		plan, err := readPlan(file)
		if err != nil {
			t.Errorf("%s: %v", trial.from, err)
			continue
		}
		session, err := suites.Connect(plan)
		if err != nil {
			g.search(trial.from+": connect", err.Error())
			continue
		}
		t.Cleanup(session.Close)
		list := atRest(t, session)
		if trial.fault != "" {
			list[0].Faults[0].Fault = boom{trial.fault, g.at("http", "://127.0.0.1:9", "/", "fault")}
			list[0].Observers, list[0].Hypothesis.Signals = nil, nil
			list[0].Hypothesis.Checks = slices.DeleteFunc(list[0].Hypothesis.Checks, func(c steadystate.Check) bool { return c.Name != "answers" })
		}
		all.Go(func() {
			run(trial.from, "run", "-f", file, "--dry-run")
			var out bytes.Buffer
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second) // a query is tried for longer
			err := preflight(ctx, &out, session, list, marks(true))
			cancel()
			g.search(trial.from+": preflight", out.String()+message(err))
			out.Reset()
			if i%3 == 0 || trial.fault != "" { // each takes seconds
				cmd := &cobra.Command{}
				cmd.SetContext(t.Context())
				cmd.SetOut(&out)
				cmd.SetErr(&out)
				err = runAll(cmd, file, filepath.Join(dir, "runs"), "default", true, list)
				g.search(trial.from+": run", out.String()+message(err))
				if n := g.searchFiles(trial.from, filepath.Join(dir, "runs")); n < 6 {
					t.Errorf("%s: %d files", trial.from, n)
				}
				if errors.Is(err, experiments.ErrLeftBehind) != (trial.fault == "undo") {
					t.Errorf("%s: %v", trial.from, err)
				}
			}
			g.mu.Lock()
			outputs += 2
			g.mu.Unlock()
		})
	}
	// Mistakes: what is refused is not repeated.
	whole := func(dir string) string { return g.whole(dir, "://127.0.0.1:9", "://127.0.0.1:9", "", "") }
	for name, mistake := range map[string]func(dir, text string) string{
		"a load's URL": func(_, text string) string {
			return strings.Replace(text, `url: "http://127.0.0.1:9/checkout`, `url: "htp://`+g.credentials("load.url.scheme")+`127.0.0.1:9/checkout`, 1)
		},
		"a load's URL without //": func(_, text string) string {
			return strings.Replace(text, `url: "http://127.0.0.1:9/checkout`, `url: "http:`+g.credentials("load.url.opaque")+`127.0.0.1:9/checkout`, 1)
		},
		"a load's URL, no URL": func(_, text string) string {
			return strings.Replace(text, `url: "http://127.0.0.1:9/checkout`, `url: "http://%zz`+g.credentials("load.url.broken")+`127.0.0.1:9/checkout`, 1)
		},
		"a load's URL with user": func(_, text string) string {
			return strings.Replace(text, `url: "http://127.0.0.1:9/checkout`, `url: "http://`+g.credentials("load.url")+`127.0.0.1:9/checkout`, 1)
		},
		"a WebSocket's URL with user": func(_, text string) string {
			return strings.Replace(text, `url: "ws://127.0.0.1:9/live`, `url: "ws://`+g.credentials("websocket.url")+`127.0.0.1:9/live`, 1)
		},
		"a WebSocket's URL": func(_, text string) string {
			return strings.Replace(text, `url: "ws://127.0.0.1:9/live`, `url: "http://`+g.credentials("websocket.url.scheme")+`127.0.0.1:9/live`, 1)
		},
		"a WebSocket's URL, no URL": func(_, text string) string {
			return strings.Replace(text, `url: "ws://127.0.0.1:9/live`, `url: "ws://%zz`+g.credentials("websocket.url.broken")+`127.0.0.1:9/live`, 1)
		},
		"Prometheus' URL with user": func(_, text string) string {
			return strings.Replace(text, `url: "http://127.0.0.1:9"`, `url: "http://`+g.plant("prometheus.url.user")+`:`+g.plant("prometheus.url.password")+`@127.0.0.1:9"`, 1)
		},
		"Prometheus' URL with query": func(_, text string) string {
			return strings.Replace(text, `url: "http://127.0.0.1:9"`, `url: "http://127.0.0.1:9?key=`+g.plant("prometheus.url.query")+`"`, 1)
		},
		"Prometheus' URL, no scheme": func(_, text string) string {
			return strings.Replace(text, `url: "http://127.0.0.1:9"`, `url: "`+g.plant("prometheus.url.no-scheme")+`@127.0.0.1:9"`, 1)
		},
		"Prometheus' URL, no URL": func(_, text string) string {
			return strings.Replace(text, `url: "http://127.0.0.1:9"`, `url: "http://%zz`+g.plant("prometheus.url.broken")+`@127.0.0.1:9"`, 1)
		},
		"a written password": func(_, text string) string {
			return strings.Replace(text, "http_config: {}", "http_config: {basic_auth: {username: ann, password: "+g.plant("prometheus.basic_auth.password")+"}}", 1)
		},
		"written credentials": func(_, text string) string {
			return strings.Replace(text, "http_config: {}", "http_config: {authorization: {credentials: "+g.plant("prometheus.authorization.credentials")+"}}", 1)
		},
		"a written bearer token": func(_, text string) string {
			return strings.Replace(text, "http_config: {}", "http_config: {bearer_token: "+g.plant("prometheus.bearer_token")+"}", 1)
		},
		"a written client secret": func(_, text string) string {
			return strings.Replace(text, "http_config: {}", "http_config: {oauth2: {client_id: a, token_url: b, client_secret: "+g.plant("prometheus.oauth2.client_secret")+"}}", 1)
		},
		"secrets of a header": func(_, text string) string {
			return strings.Replace(text, "http_config: {}", "http_config: {http_headers: {X: {secrets: ["+g.plant("prometheus.http_headers.secrets")+"]}}}", 1)
		},
		"a proxy that is no URL": func(_, text string) string {
			return strings.Replace(text, "http_config: {}", `http_config: {proxy_url: "http://ann:`+g.plant("prometheus.proxy_url.broken")+`@%zz"}`, 1)
		},
		"a header of a proxy": func(_, text string) string {
			return strings.Replace(text, "http_config: {}", `http_config: {proxy_connect_header: {Proxy-Authorization: ["`+g.plant("prometheus.proxy_connect_header")+`"]}}`, 1)
		},
		"http_config as a text": func(_, text string) string {
			return strings.Replace(text, "http_config: {}", "http_config: "+g.plant("prometheus.http_config"), 1)
		},
		"credentials as a text": func(_, text string) string {
			return strings.Replace(text, "http_config: {}", "http_config: {authorization: Bearer "+g.plant("prometheus.authorization")+"}", 1)
		},
		"a written header": func(_, text string) string {
			return strings.Replace(text, "Authorization: {env: SECRETS_AUTH}", "Authorization: Bearer "+g.plant("load.headers.authorization"), 1)
		},
		"a written header of a probe": func(_, text string) string {
			return strings.Replace(text, "Authorization: {env: SECRETS_LIVE}", "Authorization: Bearer "+g.plant("websocket.headers.authorization"), 1)
		},
		"headers of a probe as a text": func(_, text string) string {
			before, after, _ := strings.Cut(text, "200ms, headers: ")
			_, after, _ = strings.Cut(after, "\n")
			return before + "200ms, headers: \"Authorization: Bearer " + g.plant("grpc.headers.text") + "\"}\n" + after
		},
		"a header as a key": func(_, text string) string {
			return headersOf(text, `{"Authorization: Bearer `+g.plant("load.headers.key")+`"}`)
		},
		"a header as a key with a value": func(_, text string) string {
			return headersOf(text, `{"Authorization: Bearer `+g.plant("load.headers.key-of-value")+`": shop}`)
		},
		"a header's value as a key": func(_, text string) string {
			return headersOf(text, `{Authorization: {Bearer `+g.plant("load.headers.value-key")+`}}`)
		},
		"a header of Prometheus as a key": func(_, text string) string {
			return strings.Replace(text, "http_config: {}", `http_config: {http_headers: {"Authorization: Bearer `+g.plant("prometheus.http_headers.key")+`"}}`, 1)
		},
		"a header of a probe as a key": func(_, text string) string {
			return strings.Replace(text, "{X-Written: "+`"`+g.plant("websocket.headers")+`", `, `{"Authorization: Bearer `+g.plant("websocket.headers.key")+`", `, 1)
		},
		"headers as a text": func(_, text string) string {
			return headersOf(text, `"Authorization: Bearer `+g.plant("load.headers.text")+`"`)
		},
		"headers as a list": func(_, text string) string {
			return headersOf(text, `["Authorization: Bearer `+g.plant("load.headers.list")+`"]`)
		},
		"a header as a list": func(_, text string) string {
			return headersOf(text, `{Authorization: ["Bearer `+g.plant("load.headers.value-list")+`"]}`)
		},
		"a header's other source": func(_, text string) string {
			return headersOf(text, `{Authorization: {value: "`+g.plant("load.headers.value")+`"}}`)
		},
		"a body in the file": func(_, text string) string {
			return strings.Replace(text, "bodyFile: body", "body: "+g.plant("load.body"), 1)
		},
		"not YAML": func(_, text string) string {
			return strings.Replace(text, "bodyFile: body", "bodyFile: [\""+g.plant("load.not-yaml")+"\"", 1)
		},
		"not YAML, no quotes": func(_, text string) string {
			return strings.Replace(text, "bodyFile: body", "bodyFile: %"+g.plant("load.not-yaml-quoted"), 1)
		},
		"a broken header of a file": func(dir, text string) string {
			g.write(dir, "headers", "Authorization Bearer %s\n", "load.headerFiles.broken")
			return text
		},
		"a header with a line break": func(dir, text string) string {
			g.write(dir, "header", "%s\nX: y\n", "load.headers.file.broken")
			return text
		},
		"a target's header": func(dir, text string) string {
			return targetsOf(text, g.write(dir, "targets", "GET http://127.0.0.1:9/\nAuthorization Bearer %s\n", "targets.header.broken"))
		},
		"a target's first line": func(dir, text string) string {
			return targetsOf(text, g.write(dir, "targets", "Authorization: %s\n", "targets.line.broken"))
		},
		"a target's method": func(dir, text string) string {
			return targetsOf(text, g.write(dir, "targets", "%s http://127.0.0.1:9/\n", "targets.method.broken"))
		},
		"a target's URL": func(dir, text string) string {
			return targetsOf(text, g.write(dir, "targets", "GET http://ann:%s@%%zz/\n", "targets.url.broken"))
		},
		"a target's scheme": func(dir, text string) string {
			return targetsOf(text, g.write(dir, "targets", "GET htp://ann:%s@127.0.0.1:9/\n", "targets.url.scheme"))
		},
		"a target's body": func(dir, text string) string {
			return targetsOf(text, g.write(dir, "targets", "GET http://ann:%s@127.0.0.1:9/\n@none\n", "targets.url.no-body"))
		},
		"a target's JSON": func(dir, text string) string {
			return targetsOf(text, g.write(dir, "targets", `{"method":"GET","url":"http://127.0.0.1:9/","header":{"A":["%s"}}`, "targets.json.broken"))
		},
		"a target's JSON of another type": func(dir, text string) string {
			return targetsOf(text, g.write(dir, "targets", `{"method":"GET","url":"http://127.0.0.1:9/","header":"%s"}`, "targets.json.type"))
		},
		"a bundle that is a key": func(dir, text string) string {
			return strings.Replace(text, "bodyFile: body", "caFile: "+g.write(dir, "ca.pem", "-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----\n", "load.caFile"), 1)
		},
		"a variable as a rate": func(_, text string) string {
			return strings.Replace(text, "rate: 20/s", "rate: ${SECRETS_VARIABLE}", 1)
		},
		"a variable as a time": func(_, text string) string {
			return strings.Replace(text, "settle: 1s", "settle: ${SECRETS_VARIABLE}", 1)
		},
		"a variable as a workload": func(_, text string) string {
			return strings.Replace(text, "deployment/checkout", "${SECRETS_VARIABLE}", 1)
		},
		"a variable as a limit": func(_, text string) string {
			return strings.Replace(text, "downtime <= 2s", "downtime <= ${SECRETS_VARIABLE}", 1)
		},
		"a variable as a check": func(_, text string) string {
			return strings.Replace(text, "[answers, served", `["${SECRETS_VARIABLE}", served`, 1)
		},
		"a variable as a suite": func(_, text string) string { return strings.Replace(text, "pods/kill-one", `"${SECRETS_VARIABLE}"`, 1) },
		"a variable as a signal": func(_, text string) string {
			return strings.Replace(text, "signal: websocket", "signal: ${SECRETS_VARIABLE}", 1)
		},
		"a variable as a query":   func(_, text string) string { return strings.Replace(text, "sum(up)", "sum(${SECRETS_VARIABLE}", 1) },
		"a variable as a mapping": func(_, text string) string { return headersOf(text, "${SECRETS_VARIABLE}") },
		"a variable as a URL":     func(_, text string) string { return websocketOf(text, "${SECRETS_URL}") },
	} {
		dir := directory(`{apiVersion: v1, kind: Config, current-context: test, clusters: [{name: test, cluster: {server: "http://127.0.0.1:9"}}], contexts: [{name: test, context: {cluster: test}}]}`)
		before := whole(dir)
		text := mistake(dir, before)
		file := filepath.Join(dir, "aftershock.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if entries, _ := os.ReadDir(dir); text == before && len(entries) == 5 && !strings.Contains(name, "of a file") && !strings.Contains(name, "line break") {
			t.Errorf("%s: nothing was changed", name)
		}
		all.Go(func() {
			run(name, "run", "-f", file, "--dry-run")
			run(name, "preflight", "-f", file)
			run(name, "sweep", "-f", file)
			run(name, "__complete", "run", "-f", file, "")
		})
	}
	for name, kubeconfig := range map[string]string{
		"a kubeconfig that is no YAML": "users: [{name: a, user: {token: " + g.plant("kubeconfig.not-yaml"),
		"of another type":              "{apiVersion: v1, kind: Config, users: [{name: a, user: {token: [" + g.plant("kubeconfig.type") + "]}}]}",
		"an unknown field":             "{apiVersion: v1, kind: Config, users: [{name: a, user: {tokn: " + g.plant("kubeconfig.field") + "}}]}",
		"a key that is none":           "{apiVersion: v1, kind: Config, current-context: test, clusters: [{name: test, cluster: {server: \"https://127.0.0.1:9\"}}], contexts: [{name: test, context: {cluster: test, user: a}}], users: [{name: a, user: {client-certificate-data: eA==, client-key-data: " + base64.StdEncoding.EncodeToString([]byte(g.plant("kubeconfig.client-key-data"))) + "}}]}",
		"a key that is no base64":      "{apiVersion: v1, kind: Config, users: [{name: a, user: {client-key-data: \"" + g.plant("kubeconfig.client-key-data.broken") + "\"}}]}",
		"a server that is no URL":      "{apiVersion: v1, kind: Config, current-context: test, clusters: [{name: test, cluster: {server: \"https://ann:" + g.plant("kubeconfig.server.broken") + "@%zz\"}}], contexts: [{name: test, context: {cluster: test}}]}",
		"a proxy that is no URL":       "{apiVersion: v1, kind: Config, current-context: test, clusters: [{name: test, cluster: {server: \"https://127.0.0.1:9\", proxy-url: \"http://ann:" + g.plant("kubeconfig.proxy-url.broken") + "@%zz\"}}], contexts: [{name: test, context: {cluster: test}}]}",
		"a proxy that is away":         "{apiVersion: v1, kind: Config, current-context: test, clusters: [{name: test, cluster: {server: \"https://127.0.0.1:9\", proxy-url: \"http://ann:" + g.plant("kubeconfig.proxy-url") + "@127.0.0.1:9\"}}], contexts: [{name: test, context: {cluster: test}}]}",
	} {
		dir := directory(kubeconfig)
		file := filepath.Join(dir, "aftershock.yaml")
		if err := os.WriteFile(file, []byte(whole(dir)), 0o600); err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			run(name, "preflight", "-f", file)
			run(name, "sweep", "-f", file)
			run(name, "init", "--kubeconfig", filepath.Join(dir, "kubeconfig"), "--file", filepath.Join(dir, "first.yaml"))
		})
	}
	for _, args := range [][]string{
		{"init", "--url", "http://ann:" + g.plant("init.url") + "@shop.example"},
		{"init", "--url", "checkout=htp://ann:" + g.plant("init.url.scheme") + "@shop.example"},
		{"init", "--prometheus", "http://ann:" + g.plant("init.prometheus") + "@shop.example"},
	} {
		run("init", args...)
	}
	all.Wait()
	t.Logf("places tried: %d, in %d outputs; found: %d %v", len(g.places), outputs, len(g.found), slices.Sorted(maps.Keys(g.found)))
}

// headersOf is a configuration with other headers of its load.
func headersOf(text, headers string) string {
	before, after, _ := strings.Cut(text, "      headers: ")
	_, after, _ = strings.Cut(after, "\n")
	return before + "      headers: " + headers + "\n" + after
}

// websocketOf is a configuration with another URL of its WebSocket.
func websocketOf(text, url string) string {
	before, after, _ := strings.Cut(text, "    websocket: ")
	_, after, _ = strings.Cut(after, "\n")
	return before + "    websocket: {url: \"" + url + "\"}\n" + after
}

// targetsOf is a configuration with targets in place of a URL.
func targetsOf(text, targets string) string {
	before, after, _ := strings.Cut(text, "    load:\n")
	_, after, _ = strings.Cut(after, "\n")
	return before + "    load:\n      targets: " + targets + "\n" + strings.Replace(after, "bodyFile: body", "", 1)
}
