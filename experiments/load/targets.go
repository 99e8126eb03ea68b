package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/aftershockhq/aftershock/steadystate/redact"
	"github.com/aftershockhq/aftershock/steadystate/secret"
)

// checkURL says what is wrong with a URL.
func checkURL(text string) error {
	if u, err := url.Parse(text); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return fmt.Errorf("%q: want http://host/path or https://host/path", redact.URL(text))
	}
	return nil
}

// checkOnly says what is wrong with the only URL of a load. It has no credentials: what
// names it is shown, and kept. A file of targets may have them, as it may have headers.
func checkOnly(text string) error {
	if text == "" {
		return errors.New("is missing, as in http://checkout.example/checkout; or name a file of targets")
	}
	if u, err := url.Parse(text); err == nil && u.User != nil {
		return fmt.Errorf("%q holds credentials: put them into headers, as in {Authorization: {env: NAME}}", redact.URL(text))
	}
	return checkURL(text)
}

// Aims reads all inputs of the load, secrets too: request n uses target n, with
// all its headers and its body, round robin.
func (h HTTP) Aims() ([]vegeta.Target, error) {
	if h.aimed != nil {
		return h.aimed, nil
	}
	header, err := h.header()
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	body := h.Body
	if h.BodyFile != "" {
		if body, err = os.ReadFile(h.BodyFile); err != nil {
			return nil, fmt.Errorf("load: body: %w", err)
		}
	}
	if h.Targets == "" {
		return []vegeta.Target{{Method: h.withDefaults().Method, URL: h.URL, Header: header, Body: body}}, nil
	}
	list, err := readTargets(h.Targets, body, header)
	if err != nil {
		return nil, fmt.Errorf("load: targets of %s: %w", h.Targets, err)
	}
	return list, nil
}

// At is the load with these targets, in place of the configured ones; for a
// load that was read elsewhere, by [HTTP.Aims].
func (h HTTP) At(targets []vegeta.Target) HTTP {
	h.URL, h.Method, h.Targets = "", "", ""
	h.Headers = secret.Headers{}
	h.Body, h.BodyFile = nil, ""
	h.aimed = append([]vegeta.Target{}, targets...)
	return h
}

// header is the common header of all requests.
func (h HTTP) header() (http.Header, error) {
	header, err := h.Headers.Read()
	for name := range header {
		header[name] = slices.Clip(header[name]) // vegeta appends a target's own
	}
	return header, err
}

// readTargets reads a file in vegeta's HTTP format, or in its JSON format if it
// begins with a brace.
func readTargets(path string, body []byte, header http.Header) ([]vegeta.Target, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	text = append(text, '\n') // vegeta skips a JSON line without a line end
	var targeter vegeta.Targeter
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		targeter = vegeta.NewJSONTargeter(bytes.NewReader(text), body, header)
	} else {
		if text, err = beside(path, text); err != nil {
			return nil, err
		}
		targeter = vegeta.NewHTTPTargeter(bytes.NewReader(text), body, header)
	}
	list, err := vegeta.ReadAllTargets(targeter)
	if errors.Is(err, vegeta.ErrNoTargets) {
		return nil, errors.New("the file has no targets: want lines as GET http://host/path, or one JSON object a line")
	}
	if err != nil {
		return nil, fmt.Errorf("target %d: %w", len(list)+1, unquoted(err))
	}
	for i, t := range list {
		if err := checkURL(t.URL); err != nil {
			return nil, fmt.Errorf("target %d: url %w", i+1, err)
		}
		if _, err := t.Request(); err != nil {
			return nil, fmt.Errorf("target %d: %w", i+1, redact.Error(err))
		}
	}
	return list, nil
}

// unquoted is an error of vegeta's without the line that it quotes, which may be a
// header. That of a body names its file alone.
func unquoted(err error) error {
	what, _, quotes := strings.Cut(err.Error(), ": ")
	switch {
	case !quotes, what == "bad body", what == "target":
		return err
	case strings.HasPrefix(what, "bad "):
		return errors.New(what + "; its line is not shown, since it may hold a secret")
	}
	return errors.New("not the JSON of a target: want one object a line, with method and url")
}

// beside makes the paths of bodies, the lines that begin with @, relative to
// the file's directory, wherever the load is started. It rejects a line too
// long for vegeta, which would silently end the file.
func beside(path string, text []byte) ([]byte, error) {
	var out bytes.Buffer
	n := 0
	for line := range bytes.Lines(text) {
		n++
		if len(line) >= bufio.MaxScanTokenSize {
			return nil, fmt.Errorf("line %d has more than %d bytes: put a body into a file of its own, as @file", n, bufio.MaxScanTokenSize)
		}
		trimmed := strings.TrimSpace(string(line))
		if body, found := strings.CutPrefix(trimmed, "@"); found && !filepath.IsAbs(body) {
			line = []byte("@" + filepath.Join(filepath.Dir(path), body) + "\n")
		}
		out.Write(line)
	}
	return out.Bytes(), nil
}

// aims are requests of several targets, sent round robin by request number:
// vegeta takes the next target for whichever request asks first.
type aims []*http.Request

func newAims(targets []vegeta.Target) (aims, error) {
	var list aims
	for _, t := range targets {
		req, err := t.Request()
		if err != nil {
			return nil, err
		}
		// As http.Client does for a request of its own.
		if u := req.URL.User; u != nil && req.Header.Get("Authorization") == "" {
			password, _ := u.Password()
			req.SetBasicAuth(u.Username(), password)
		}
		list = append(list, req)
	}
	return list, nil
}

// aim turns a request of vegeta into one of its number's target.
func (a aims) aim(req *http.Request, number uint64) (*http.Request, error) {
	if len(a) < 2 {
		return req, nil
	}
	target := a[number%uint64(len(a))]
	aimed := target.Clone(req.Context())
	for name, values := range req.Header {
		if strings.HasPrefix(name, "X-Vegeta-") {
			aimed.Header[name] = values
		}
	}
	if target.GetBody != nil {
		body, err := target.GetBody()
		if err != nil {
			return nil, err
		}
		aimed.Body = body
	}
	return aimed, nil
}
