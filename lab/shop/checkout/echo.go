package main

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus"
)

// silence is how long a connection may be without a message: a client that vanished does not say so.
const silence = time.Minute

// echo answers each message of a WebSocket with the same message. The answer to the upgrade names the pod.
type echo struct {
	pod         string
	connections prometheus.Gauge
	messages    prometheus.Counter

	mu      sync.Mutex
	left    bool
	leaving chan struct{}
	open    sync.WaitGroup
}

func newEcho(pod string, registry *prometheus.Registry) *echo {
	e := &echo{
		pod: pod, leaving: make(chan struct{}),
		connections: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "checkout_echo_connections", Help: "WebSockets that are open.",
		}),
		messages: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "checkout_echo_messages_total", Help: "Messages that were sent back.",
		}),
	}
	registry.MustRegister(e.connections, e.messages)
	return e
}

func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !e.enter() {
		http.Error(w, "this pod ends", http.StatusServiceUnavailable)
		return
	}
	defer e.open.Done()
	w.Header().Set("X-Pod", e.pod)
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	defer func() { _ = c.CloseNow() }()
	e.connections.Inc()
	defer e.connections.Dec()
	stop := e.farewell(c)
	defer stop()
	for e.one(r.Context(), c) == nil {
		e.messages.Inc()
	}
}

// one reads a message and sends it back.
func (e *echo) one(ctx context.Context, c *websocket.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	kind, message, err := c.Read(ctx)
	if err != nil {
		return err
	}
	return c.Write(ctx, kind, message)
}

// farewell tells the client when this pod ends, so that it connects to another one.
func (e *echo) farewell(c *websocket.Conn) (stop func()) {
	done := make(chan struct{})
	var waiting sync.WaitGroup
	waiting.Go(func() {
		select {
		case <-e.leaving:
			_ = c.Close(websocket.StatusGoingAway, "this pod ends")
		case <-done:
		}
	})
	return func() { close(done); waiting.Wait() }
}

func (e *echo) enter() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.left {
		return false
	}
	e.open.Add(1)
	return true
}

// leave closes every connection, each in good order, and waits; it takes no new ones.
func (e *echo) leave() {
	e.mu.Lock()
	if !e.left {
		e.left = true
		close(e.leaving)
	}
	e.mu.Unlock()
	e.open.Wait()
}
