// Package sigv4 stands in for github.com/prometheus/sigv4 in bin/aftershock (see
// build.work): it signs nothing. Prometheus signs what it sends to AWS, and nothing here
// sends that; the original brings AWS's clients.
package sigv4

import (
	"errors"
	"net/http"
)

// SigV4Config is refused wherever it is configured.
type SigV4Config struct{} //nolint:revive // the original's name

var errNotHere = errors.New("sigv4: this program does not sign requests for AWS")

// UnmarshalYAML refuses.
func (c *SigV4Config) UnmarshalYAML(func(any) error) error { return errNotHere }

// NewSigV4RoundTripper refuses.
func NewSigV4RoundTripper(*SigV4Config, http.RoundTripper) (http.RoundTripper, error) {
	return nil, errNotHere
}
