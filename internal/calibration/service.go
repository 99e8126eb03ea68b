package calibration

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/local"
)

// A service can be disturbed and healed, and reports when.
type service interface {
	url() string
	hurt(ctx context.Context) (local.Moment, error)
	heal(ctx context.Context) (local.Moment, error)
	close() error
}

// planted is a service in this process that is bad in the manner of its kind
// from one instant to another.
type planted struct {
	kind     Kind
	address  string
	server   http.Server
	bad      atomic.Bool
	turn     atomic.Uint64 // of the next request, for a backend of three
	listener net.Listener
	cancel   context.CancelFunc // ends the requests that are never answered
	wg       sync.WaitGroup
}

func startPlanted(kind Kind) (*planted, error) {
	p := &planted{kind: kind}
	requests, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	p.server = http.Server{
		Handler:           http.HandlerFunc(p.answer),
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return requests },
	}
	var err error
	for range 100 {
		// Below the ports that the kernel gives to clients: while the listener
		// is closed, none of them may be given this one.
		p.address = fmt.Sprintf("127.0.0.1:%d", 20000+rand.N(12000))
		if err = p.listen(); !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	if err != nil {
		cancel()
		return nil, fmt.Errorf("start the %s service: %w", kind, err)
	}
	return p, nil
}

func (p *planted) listen() error {
	listener, err := net.Listen("tcp4", p.address)
	if err != nil {
		return err
	}
	p.listener = listener
	p.wg.Go(func() { _ = p.server.Serve(listener) }) // until the listener or the server is closed
	return nil
}

func (p *planted) url() string { return "http://" + p.address + "/" }

// hurt makes the service bad.
func (p *planted) hurt(context.Context) (local.Moment, error) {
	before := time.Now()
	if p.kind == Refused {
		// It returns when the kernel has closed it.
		if err := p.listener.Close(); err != nil {
			return local.Moment{}, err
		}
	}
	p.bad.Store(true)
	return local.Moment{From: before, To: time.Now()}, nil
}

// heal makes the service good again.
func (p *planted) heal(ctx context.Context) (local.Moment, error) {
	for {
		before := time.Now()
		p.bad.Store(false)
		if p.kind != Refused {
			return local.Moment{From: before, To: time.Now()}, nil
		}
		err := p.listen()
		if err == nil {
			return local.Moment{From: before, To: time.Now()}, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return local.Moment{}, err
		}
		// Another program has the port: the outage lasts until it is free.
		if ended := experiments.Wait(ctx, 10*time.Millisecond); ended != nil {
			return local.Moment{}, fmt.Errorf("listen on %s again: %w", p.address, errors.Join(ended, err))
		}
	}
}

// answer answers a request according to the service's state at its arrival.
func (p *planted) answer(w http.ResponseWriter, r *http.Request) {
	bad := p.bad.Load()
	switch p.kind {
	case OneOfThree:
		backend := p.turn.Add(1) % 3
		w.Header().Set("X-Pod", fmt.Sprint(backend))
		bad = backend == 0 && bad
	case Refused:
		bad = false // accepted connections are served
	}
	if !bad {
		_, _ = io.WriteString(w, "well\n")
		return
	}
	switch p.kind {
	case Reset, OneOfThree:
		reset(w)
	case BlackHole:
		<-r.Context().Done()
	case Slow:
		_ = experiments.Wait(r.Context(), slowness)
		_, _ = io.WriteString(w, "well, in the end\n")
	default:
		http.Error(w, "not well", http.StatusServiceUnavailable)
	}
}

// reset breaks the connection with RST.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// close ends the service, when its clients have gone.
func (p *planted) close() error {
	p.cancel()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := p.server.Shutdown(ctx)
	p.wg.Wait()
	return err
}
