package prom

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/prometheus/common/config"

	"github.com/aftershockhq/aftershock/steadystate/redact"
)

// A Config says where a Prometheus is and how to speak to it.
type Config struct {
	// URL is the base of the API, without /api/v1. It must not hold a password.
	// Required. Examples: http://prometheus.example:9090;
	// https://mimir.example/prometheus.
	URL string `yaml:"url"`
	// HTTP are the client settings that Prometheus itself uses: basic_auth,
	// authorization, oauth2, tls_config, proxy_url, http_headers. A field that
	// ends in _ref (password_ref, credentials_ref, client_secret_ref) names an
	// environment variable; a secret that is written out is refused. Default: no
	// credentials. Example: {authorization: {credentials_file: token}}.
	HTTP config.HTTPClientConfig `yaml:"http_config"`
}

func (c Config) validate() error {
	u, err := url.Parse(c.URL)
	switch {
	case c.URL == "":
		return errors.New(`needs a URL, as in "http://prometheus.example:9090"`)
	case err != nil:
		// The cause of url.Parse repeats the URL, which may hold a password.
		return errors.New("the URL does not parse: write it as in \"http://prometheus.example:9090\"")
	case u.User != nil:
		return fmt.Errorf("the URL %s holds credentials: put them into http_config, as basic_auth with a password_file", redact.URL(c.URL))
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return fmt.Errorf("the URL %q needs http:// or https:// and a host", redact.URL(c.URL))
	case u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("the URL %q must end with its path: no query, no fragment", redact.URL(c.URL))
	case strings.HasSuffix(strings.TrimRight(u.Path, "/"), "/api/v1"):
		return fmt.Errorf("the URL %q must end before /api/v1", c.URL)
	}
	settings := c.HTTP // Validate fills in defaults
	if err := settings.Validate(); err != nil {
		return fmt.Errorf("http_config: %w", err)
	}
	return nil
}

// environment looks up the secrets that *_ref fields name.
type environment struct{}

func (environment) Fetch(_ context.Context, name string) (string, error) {
	value, ok := os.LookupEnv(name)
	if !ok || value == "" {
		return "", fmt.Errorf("environment variable %s is not set: http_config refers to it", name)
	}
	return value, nil
}
