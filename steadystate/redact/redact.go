package redact

import (
	"net/url"
	"regexp"
	"strings"
)

// Hidden replaces what may be secret, as in [url.URL.Redacted].
const Hidden = "xxxxx"

// URL returns a URL with its user info, query values and fragment replaced by [Hidden].
// The text need not be a valid URL; if it is not, everything up to the last @ is
// hidden.
func URL(text string) string {
	scheme, rest, found := strings.Cut(text, "://")
	if found {
		scheme += "://"
	} else {
		scheme, rest = "", text
	}
	authority := rest
	if u, err := url.Parse(text); err == nil && found && u.Scheme != "" {
		if i := strings.IndexAny(rest, "/?#"); i >= 0 {
			authority = rest[:i]
		}
	}
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		rest = Hidden + rest[i:]
	}
	rest, fragment, hasFragment := strings.Cut(rest, "#")
	path, query, hasQuery := strings.Cut(rest, "?")
	if hasQuery {
		path += "?" + values(query)
	}
	if hasFragment && fragment != "" {
		path += "#" + Hidden
	}
	return scheme + path
}

// values is a query without the values of its parameters.
func values(query string) string {
	parts := strings.FieldsFunc(query, func(r rune) bool { return r == '&' || r == ';' })
	for i, part := range parts {
		name, _, named := strings.Cut(part, "=")
		if parts[i] = Hidden; named {
			parts[i] = name + "=" + Hidden
		}
	}
	return strings.Join(parts, "&")
}

var urls = regexp.MustCompile("[a-zA-Z][a-zA-Z0-9+.-]*://[^\\s\"'<>`\\\\]+")

// Text returns a text with each URL in it redacted as by [URL].
func Text(text string) string {
	if !strings.Contains(text, "://") {
		return text
	}
	return urls.ReplaceAllStringFunc(text, func(found string) string {
		trimmed := strings.TrimRight(found, ":,;.)]}")
		return URL(trimmed) + found[len(trimmed):]
	})
}

// Error returns an error that wraps err and whose text is redacted as by [Text]. It
// returns nil for nil.
func Error(err error) error {
	if err == nil {
		return nil
	}
	if text := Text(err.Error()); text != err.Error() {
		return redacted{text, err}
	}
	return err
}

type redacted struct {
	text  string
	cause error
}

func (r redacted) Error() string { return r.text }

func (r redacted) Unwrap() error { return r.cause }
