package prom

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/prometheus/common/config"
)

// A Config says where a Prometheus is and how to speak to it.
type Config struct {
	// URL is where the API is, without /api/v1: "http://prometheus.example:9090",
	// "https://mimir.example/prometheus". It must not hold a password.
	URL string
	// HTTP are the client settings that Prometheus itself uses: basic_auth,
	// authorization, oauth2, tls_config, proxy_url, http_headers. A field that
	// ends in _ref (password_ref, credentials_ref, client_secret_ref) names an
	// environment variable. The zero value is no credentials and no redirects.
	HTTP config.HTTPClientConfig
}

// UnmarshalJSON reads {"url": ..., "http_config": {...}} strictly: an unknown
// field is an error. So is a secret that is written out, since a config file
// is shown and kept in version control: the error names the field, and files
// and environment variables take its place. With sigs.k8s.io/yaml it reads YAML.
func (c *Config) UnmarshalJSON(data []byte) error {
	var file struct {
		URL  string          `json:"url"`
		HTTP json.RawMessage `json:"http_config"`
	}
	strict := json.NewDecoder(bytes.NewReader(data))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&file); err != nil {
		return fmt.Errorf("read prometheus config: %w", err)
	}
	if len(file.HTTP) == 0 {
		file.HTTP = json.RawMessage("{}")
	}
	// JSON is YAML, and the YAML reader of these settings is the strict one.
	settings, err := config.LoadHTTPConfig(string(file.HTTP))
	if err != nil {
		return fmt.Errorf("read prometheus config: http_config: %w", err)
	}
	if field, written := writtenOut(settings); written {
		return fmt.Errorf("read prometheus config: http_config: %s is written out: name a file (%s_file) or an environment variable (%s_ref) instead", field, field, field)
	}
	*c = Config{URL: file.URL, HTTP: *settings}
	return nil
}

// writtenOut names a field that holds a secret itself. The settings know which
// fields are secret: they print them as <secret>.
func writtenOut(settings *config.HTTPClientConfig) (field string, found bool) {
	last := ""
	for line := range strings.Lines(settings.String()) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if !strings.HasPrefix(name, "- ") {
			last = name
		}
		if strings.Contains(name+value, "<secret>") {
			return last, true
		}
	}
	return "", false
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
		return fmt.Errorf("the URL %s holds credentials: put them into http_config, as basic_auth with a password_file", u.Redacted())
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return fmt.Errorf("the URL %q needs http:// or https:// and a host", c.URL)
	case u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("the URL %q must end with its path: no query, no fragment", c.URL)
	case strings.HasSuffix(strings.TrimRight(u.Path, "/"), "/api/v1"):
		return fmt.Errorf("the URL %q must end before /api/v1", c.URL)
	}
	settings := c.HTTP // Validate fills in defaults
	if err := settings.Validate(); err != nil {
		return fmt.Errorf("http_config: %w", err)
	}
	return nil
}

// environment gives the secrets that *_ref fields name.
type environment struct{}

func (environment) Fetch(_ context.Context, name string) (string, error) {
	value, ok := os.LookupEnv(name)
	if !ok || value == "" {
		return "", fmt.Errorf("environment variable %s is not set: http_config refers to it", name)
	}
	return value, nil
}
