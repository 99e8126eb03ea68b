package supervise

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// Serve answers on a unix socket until ctx ends: GET /report, POST /components/NAME/stop and /start.
func (s *Supervisor) Serve(ctx context.Context, socket string) error {
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove old socket: %w", err)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /report", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(s.Report())
	})
	mux.HandleFunc("GET /states", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(s.States())
	})
	want := func(wanted bool) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			err := s.Want(r.Context(), r.PathValue("name"), wanted)
			switch {
			case errors.Is(err, ErrNoComponent):
				http.Error(w, err.Error(), http.StatusNotFound)
			case err != nil:
				http.Error(w, err.Error(), http.StatusGatewayTimeout)
			}
		}
	}
	mux.HandleFunc("POST /components/{name}/stop", want(false))
	mux.HandleFunc("POST /components/{name}/start", want(true))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", socket, err)
	}
	return nil
}

// Client asks a supervisor through its socket.
type Client struct{ http http.Client }

// Dial makes a client for the supervisor behind a socket; it connects with each call.
func Dial(socket string) *Client {
	return &Client{http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}}}
}

// Report fetches what every component does and costs.
func (c *Client) Report(ctx context.Context) (r Report, err error) {
	err = c.get(ctx, "/report", &r)
	return r, err
}

// States fetches what every component does, without its cost.
func (c *Client) States(ctx context.Context) (list []Status, err error) {
	err = c.get(ctx, "/states", &list)
	return list, err
}

func (c *Client) get(ctx context.Context, path string, into any) error {
	body, err := c.do(ctx, http.MethodGet, path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

// Want stops or starts a component and waits until it has stopped or is ready.
func (c *Client) Want(ctx context.Context, name string, wanted bool) error {
	verb := "stop"
	if wanted {
		verb = "start"
	}
	_, err := c.do(ctx, http.MethodPost, "/components/"+name+"/"+verb)
	return err
}

func (c *Client) do(ctx context.Context, method, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://lab"+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return nil, fmt.Errorf("%w: %s", ErrNoComponent, bytes.TrimSpace(body))
	case resp.StatusCode >= 400:
		return nil, fmt.Errorf("%s", bytes.TrimSpace(body))
	}
	return body, nil
}
