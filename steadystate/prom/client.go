package prom

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/redact"
)

// A Client speaks to one Prometheus. It is safe for use by many goroutines.
type Client struct {
	url  string
	http *http.Client
	api  v1.API
}

// NewClient makes a client. It sends nothing yet; an error concerns the config:
// an invalid URL, settings that contradict each other, an unreadable file of TLS
// certificates. The options are those of Prometheus' own HTTP client, for
// settings that no file can hold, such as how to dial a server through a tunnel.
func NewClient(c Config, options ...config.HTTPClientOption) (*Client, error) {
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("configure prometheus: %w", err)
	}
	hc, err := config.NewClientFromConfig(c.HTTP, "aftershock", append(slices.Clip(options), config.WithSecretManager(environment{}))...)
	if err != nil {
		return nil, fmt.Errorf("configure prometheus: http_config: %w", err)
	}
	hc.Transport = redact.Transport(hc.Transport)
	ac, err := api.NewClient(api.Config{Address: c.URL, Client: hc})
	if err != nil {
		return nil, fmt.Errorf("configure prometheus: %w", err)
	}
	return &Client{url: c.URL, http: hc, api: v1.NewAPI(ac)}, nil
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// An answer is the result of one query. The server evaluated it at some instant
// in the span, on the record's clock.
type answer struct {
	steadystate.Span
	value    model.Value
	warnings []string
	infos    []string // hints at mistakes in the query
}

// ask evaluates a query at the server's own now. If it fails, the span of the
// answer is unknown because of the error.
func (c *Client) ask(ctx context.Context, clock steadystate.Clock, timeout time.Duration, query string, options ...v1.Option) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	a := answer{Span: steadystate.Instant(clock.Now())}
	value, warnings, infos, err := c.api.Query(ctx, query, time.Time{}, options...)
	a.To = clock.Now()
	if err != nil {
		return a, explain(err, errors.Is(ctx.Err(), context.DeadlineExceeded), timeout)
	}
	a.value, a.warnings, a.infos = value, warnings, infos
	return a, nil
}

// Has reports whether there is a series now that a selector matches, as
// `{namespace="shop"}`. It waits for the answer for as long as ctx lasts, and at
// most 5 s.
func (c *Client) Has(ctx context.Context, selector string) (bool, error) {
	vector, _, err := c.vector(ctx, steadystate.StartClock(), 5*time.Second, "count("+selector+")")
	if err != nil {
		return false, fmt.Errorf("ask prometheus at %s for %s: %w", c.url, selector, advise(err))
	}
	return len(vector) > 0, nil
}

// whole is ask, but treats warnings as errors: Thanos and Mimir warn when some
// of their stores did not answer, and the value then lacks their series.
func (c *Client) whole(ctx context.Context, clock steadystate.Clock, timeout time.Duration, query string) (answer, error) {
	a, err := c.ask(ctx, clock, timeout, query)
	if err == nil && len(a.warnings) > 0 {
		err = partial(a.warnings)
	}
	return a, err
}

// vector is the value of a whole answer, as one sample per series.
func (c *Client) vector(ctx context.Context, clock steadystate.Clock, timeout time.Duration, query string) (model.Vector, answer, error) {
	a, err := c.whole(ctx, clock, timeout, query)
	if err != nil {
		return nil, a, err
	}
	vector, err := a.vector()
	return vector, a, err
}

// vector is the answer's value as one sample per series; a scalar becomes one
// sample without labels.
func (a answer) vector() (model.Vector, error) {
	switch v := a.value.(type) {
	case model.Vector:
		if !slices.Contains(v, nil) {
			return v, nil
		}
	case *model.Scalar:
		return model.Vector{{Metric: model.Metric{}, Value: v.Value, Timestamp: v.Timestamp}}, nil
	}
	return nil, unexpected(a.value)
}

// matrix is the answer's value as a list of samples per series.
func (a answer) matrix() (model.Matrix, error) {
	if m, ok := a.value.(model.Matrix); ok && !slices.Contains(m, nil) {
		return m, nil
	}
	return nil, unexpected(a.value)
}

func unexpected(v model.Value) error {
	if v == nil {
		return &failure{reason: "the answer holds no value", next: "check that the URL is a Prometheus' and not a login page's"}
	}
	return &failure{reason: fmt.Sprintf("the answer is a %s", v.Type()), next: "check that the URL is a Prometheus'"}
}
