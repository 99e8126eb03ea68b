package workers

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/aftershockhq/aftershock/steadystate"
)

// Port is where a worker listens.
const Port = 8642

// Reach returns a client for the worker in a pod, and its base URL.
type Reach func(pod corev1.Pod) (client *http.Client, below string)

// Proxy reaches workers through the API server, and so from wherever the API
// server is reachable. It needs the right to get and create pods/proxy. The
// configuration is copied.
func Proxy(config *rest.Config) (Reach, error) {
	config = rest.CopyConfig(config)
	config.Timeout = 0 // requests are bounded by their contexts, and one lasts as long as the load
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("reach workers through %s: %w", config.Host, err)
	}
	server, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, fmt.Errorf("reach workers through %q: %w", config.Host, err)
	}
	return func(pod corev1.Pod) (*http.Client, string) {
		return client, server.JoinPath("api/v1/namespaces", pod.Namespace, "pods", fmt.Sprintf("%s:%d", pod.Name, Port), "proxy").String()
	}, nil
}

// A workerClient is the coordinator's view of a worker.
type workerClient struct {
	name   string // for people: "worker 0 (pod load-4f1c-0-x7k2p on node1)"
	client *http.Client
	below  string // its base URL
}

// read reads its clock once.
func (p workerClient) read(ctx context.Context, clock steadystate.Clock) (reading, error) {
	asked := steadystate.Span{From: clock.Now()}
	body, err := p.call(ctx, http.MethodGet, "clock", nil)
	if err != nil {
		return reading{}, fmt.Errorf("read the clock of %s: %w", p.name, err)
	}
	defer func() { _ = body.Close() }()
	text, err := io.ReadAll(io.LimitReader(body, 1<<12))
	asked.To = clock.Now()
	var m moment
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		return reading{}, fmt.Errorf("read the clock of %s: %w", p.name, err)
	}
	return newReading(m, asked), nil
}

// drive starts a share. The outcome of the requests is in the body.
func (p workerClient) drive(ctx context.Context, o assignment) (io.ReadCloser, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("tell %s its share: %w", p.name, err)
	}
	taken, err := p.call(ctx, http.MethodPost, "order", text)
	if err != nil {
		return nil, fmt.Errorf("tell %s its share: %w", p.name, err)
	}
	_ = taken.Close()
	body, err := p.call(ctx, http.MethodGet, "drive", nil)
	if err != nil {
		return nil, fmt.Errorf("have %s drive its share: %w", p.name, err)
	}
	return body, nil
}

// stop tells the worker when its share ends.
func (p workerClient) stop(ctx context.Context, after time.Duration) error {
	body, err := p.call(ctx, http.MethodPost, "stop?"+url.Values{"after": {after.String()}}.Encode(), nil)
	if err != nil {
		return fmt.Errorf("stop %s: %w", p.name, err)
	}
	return body.Close()
}

func (p workerClient) call(ctx context.Context, method, what string, text []byte) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, method, p.below+"/"+what, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusNoContent {
		return resp.Body, nil
	}
	defer func() { _ = resp.Body.Close() }()
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<12))
	return nil, refusal(resp.StatusCode, answer)
}

// refusal is the text of a refusing answer, by the worker or by the API server
// on the way.
func refusal(code int, answer []byte) error {
	said := strings.TrimSpace(string(answer))
	var status metav1.Status
	if json.Unmarshal(answer, &status) == nil && status.Kind == "Status" {
		said = status.Message
	}
	if code == http.StatusForbidden || code == http.StatusUnauthorized {
		said += "; give the account the right to get and create pods/proxy"
	}
	return fmt.Errorf("%d %s: %s", code, http.StatusText(code), said)
}
