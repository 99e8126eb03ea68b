package load

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Success defines a good answer, besides arriving in time. The zero value
// requires only a status from 200 to 299: a redirect leads elsewhere, as to a page that
// says the service is away, and nothing follows it.
type Success struct {
	// Status are the codes that are good; within 200 to 399; default: 200 to 299.
	Status []StatusRange `json:"status,omitempty"`
	// Contains is text that the body must contain; empty: any body.
	Contains string `json:"contains,omitempty"`
}

// A StatusRange is a range of HTTP status codes, both ends included. Its text is
// "200" or "200-299".
type StatusRange struct{ From, To int }

// The status codes that are good by default, and those that may be.
var (
	wellAnswered = StatusRange{200, 299}
	maybeGood    = StatusRange{200, 399}
)

// String is "200" or "200-299".
func (r StatusRange) String() string {
	if r.From == r.To {
		return strconv.Itoa(r.From)
	}
	return fmt.Sprintf("%d-%d", r.From, r.To)
}

// MarshalText writes the range as [StatusRange.UnmarshalText] reads it.
func (r StatusRange) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads "200" or "200-299".
func (r *StatusRange) UnmarshalText(text []byte) error {
	first, last, ranged := strings.Cut(string(text), "-")
	if !ranged {
		last = first
	}
	from, err := strconv.Atoi(strings.TrimSpace(first))
	to, errTo := strconv.Atoi(strings.TrimSpace(last))
	if errors.Join(err, errTo) != nil {
		return fmt.Errorf("status %q: want a code or a range of them, as in 200 or 200-299", text)
	}
	*r = StatusRange{from, to}
	return r.validate()
}

func (r StatusRange) has(code int) bool { return r.From <= code && code <= r.To }

func (r StatusRange) validate() error {
	if r.From < maybeGood.From || r.To > maybeGood.To || r.From > r.To {
		return fmt.Errorf("status %s: want codes within %s: all others always count as failures", r, maybeGood)
	}
	return nil
}

func (s Success) validate() error {
	var errs []error
	for _, r := range s.Status {
		errs = append(errs, r.validate())
	}
	return errors.Join(errs...)
}

// String summarizes the requirements; empty for the default.
func (s Success) String() string {
	var parts []string
	if len(s.Status) > 0 {
		var texts []string
		for _, r := range s.Status {
			texts = append(texts, r.String())
		}
		parts = append(parts, "status "+strings.Join(texts, ", "))
	}
	if s.Contains != "" {
		parts = append(parts, fmt.Sprintf("%q in the body", s.Contains))
	}
	return strings.Join(parts, " and ")
}

// missing says why an answer is not good; empty: it is. The body is not shown:
// it may hold personal data.
func (s Success) missing(code int, body []byte) string {
	good := s.Status
	if len(good) == 0 {
		good = []StatusRange{wellAnswered}
	}
	switch {
	case !slices.ContainsFunc(good, func(r StatusRange) bool { return r.has(code) }):
		return strconv.Itoa(code)
	case !bytes.Contains(body, []byte(s.Contains)):
		return fmt.Sprintf("%d without %q in the body", code, s.Contains)
	}
	return ""
}
