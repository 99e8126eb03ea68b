// Package supervise keeps a list of components running: it starts each when what it needs is ready, watches whether it
// serves, starts it again when it ends, and stops and starts it by name.
//
//	s := supervise.New("control", run, group, []supervise.Component{
//		{Name: "etcd", Args: []string{"/lab/bin/etcd", ...}, Ready: supervise.Answers("http://127.0.0.1:2379/health")},
//		{Name: "kube-apiserver", Needs: []string{"etcd"}, Args: ...},
//	})
//	err := s.Run(ctx) // until ctx ends
package supervise

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"
)

// Component is one part of the lab: a process, or a function that runs until its context ends.
type Component struct {
	Name    string
	Needs   []string                    // components that must be ready before this one is started
	Prepare func(context.Context) error // what must be done before each start; nil is nothing
	Args    []string                    // the command
	Env     []string                    // its environment; none is only PATH and HOME
	Run     func(context.Context) error // instead of Args
	Ready   func(context.Context) error // nil error: it serves; a nil function: it serves once started
	Stop    syscall.Signal              // how it is asked to end; zero is SIGTERM
	Weight  float64                     // of its cgroup: see [cgroup.Group.Weigh]; zero is 1
	Started func(pid int) error         // called once the process is there; nil is nothing
}

// Answers is a readiness check: a GET is answered with a status below 400. Certificates are not checked.
func Answers(url string) func(context.Context) error {
	client := &http.Client{
		Timeout:   2 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true},
	}
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer func() { _ = resp.Body.Close() }()
		if resp.StatusCode >= 400 {
			body, _ := io.ReadAll(io.LimitReader(resp.Body, 200))
			return fmt.Errorf("GET %s: %s %s", url, resp.Status, body)
		}
		return nil
	}
}

// Listens is a readiness check: a connection is accepted.
func Listens(network, address string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, network, address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

// Until asks a readiness check until it is satisfied or ctx ends, and then says what it last heard.
func Until(ctx context.Context, ready func(context.Context) error) error {
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
