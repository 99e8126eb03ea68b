package secret

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/aftershockhq/aftershock/steadystate/setting"
)

// Headers are the headers of requests, of which some values are secret.
type Headers struct {
	// Values are headers that are written out.
	Values http.Header
	// Secrets are where the values of others are, by the names of the headers.
	Secrets map[string]Secret
	// Files are paths of files with more, as lines "Name: value". Empty lines and those
	// that begin with # are skipped.
	Files []string
}

// Empty reports whether there are no headers and no files with any.
func (h Headers) Empty() bool { return len(h.Values)+len(h.Secrets)+len(h.Files) == 0 }

// Names returns the names of the headers, in order, without those of files.
func (h Headers) Names() []string {
	return slices.Sorted(func(yield func(string) bool) {
		maps.Keys(h.Values)(yield)
		maps.Keys(h.Secrets)(yield)
	})
}

// Places returns where the secret values are, as in "Authorization of environment
// variable TOKEN", in order.
func (h Headers) Places() (places []string) {
	for _, name := range slices.Sorted(maps.Keys(h.Secrets)) {
		places = append(places, fmt.Sprintf("%s of %s", name, h.Secrets[name]))
	}
	return places
}

// Validate says what is wrong with the headers, without their files, each time with a
// [setting.Error] at "headers[name]". It reads nothing.
func (h Headers) Validate() error {
	var errs []error
	bad := func(name, format string, args ...any) {
		errs = append(errs, setting.Errorf("headers["+name+"]", format, args...))
	}
	there := map[string]bool{}
	check := func(name string) {
		canonical := http.CanonicalHeaderKey(name)
		switch {
		case !token(name):
			bad(name, "want the name of a header, of letters, digits and -, as in X-Shop")
		case there[canonical]:
			bad(name, "is there twice: names that differ in upper and lower case are one")
		}
		there[canonical] = true
	}
	for _, name := range slices.Sorted(maps.Keys(h.Values)) {
		if check(name); slices.ContainsFunc(h.Values[name], func(value string) bool { return !sendable(value) }) {
			bad(name, "holds a line break, or another character that no header may have")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(h.Secrets)) {
		check(name)
		if err := h.Secrets[name].validate(); err != nil {
			bad(name, "%s", err)
		}
	}
	return errors.Join(errs...)
}

// Canonical returns Values by the names that are sent, however they are written. Of two
// that are one, which is invalid, it has either.
func (h Headers) Canonical() http.Header {
	header := http.Header{}
	for name, values := range h.Values {
		header[http.CanonicalHeaderKey(name)] = slices.Clone(values)
	}
	return header
}

// Read reads the secrets and the files, and returns all headers. The error says which
// could not be read, without any value.
func (h Headers) Read() (http.Header, error) {
	header := h.Canonical()
	for _, path := range h.Files {
		if err := readFile(path, header); err != nil {
			return nil, fmt.Errorf("headers: %w", err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(h.Secrets)) {
		value, err := h.Secrets[name].Read()
		if err != nil {
			return nil, fmt.Errorf("header %s: %w", name, err)
		}
		header.Set(name, value)
	}
	return header, nil
}

// readFile adds the lines "Name: value" of a file; it skips empty lines and
// those that begin with #. Errors do not quote the line: it may be a secret.
func readFile(path string, header http.Header) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, found := strings.Cut(line, ":")
		if name, value = strings.TrimSpace(name), strings.TrimSpace(value); !found || !token(name) || value == "" || !sendable(value) {
			return fmt.Errorf("%s:%d: want lines of the form Name: value", path, n)
		}
		header.Add(name, value)
	}
	return nil
}

// token reports whether a text can be the name of a header, by RFC 9110, 5.6.2.
func token(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		return !letter && (r < '0' || r > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}

// sendable reports whether a text can be the value of a header.
func sendable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}
