package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
)

// A balancer distributes TCP connections round robin to the backends that it
// believes to be alive. It is unaware of HTTP, never tries a second backend,
// and examines a backend only in its checks, as the balancers of container
// platforms do:
//
//   - Each backend is checked by connecting to it, once every interval. One
//     failed check takes it out of the rotation, one good check puts it in.
//     So after a kill up to an interval's worth of its share of connections
//     is lost. Without an interval nothing is ever taken out, and a backend is
//     in as soon as its address is known.
//   - A connection that its backend does not take is reset (RST, not FIN):
//     the client, whose connection the kernel had already accepted, meets
//     "connection reset by peer" when it connects, writes or reads, where the
//     backend itself would have told it "connection refused". So it is if there
//     is no backend at all.
//   - What a backend does to an open connection the client sees too: the kernel
//     ends a killed process's connections with FIN ("EOF" before an answer), or
//     with RST if it had not read all that was sent. An end is passed on as an
//     end. A break is passed on as one, or as an end: the kernel tells it to one
//     of the two directions only.
//   - A client that keeps its connection keeps its backend.
type balancer struct {
	listener *net.TCPListener
	interval time.Duration // between checks; 0: none

	cancel context.CancelFunc // ends what runs
	wg     sync.WaitGroup

	mu     sync.Mutex
	slots  []slot
	next   int
	lost   int // connections for which there was no backend
	open   map[net.Conn]struct{}
	closed bool
	turned chan struct{} // closed when a backend is put in or taken out
}

// A slot is a service's place in the rotation, with its current backend.
type slot struct {
	backend *backend
	changed chan struct{} // holds a token when a backend was put in
}

const (
	// maxConnections bounds the connections open at a time; more wait in the
	// kernel's queue.
	maxConnections = 2048
	// checkTimeout is far above the time of a connection on loopback, so that a
	// busy machine does not look like a dead backend.
	checkTimeout = 2 * time.Second
)

func startBalancer(slots int, interval time.Duration) (*balancer, error) {
	listener, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(loopback()))
	if err != nil {
		return nil, fmt.Errorf("listen for the balancer: %w", err)
	}
	b := &balancer{
		listener: listener,
		interval: interval,
		slots:    make([]slot, slots),
		open:     map[net.Conn]struct{}{},
		turned:   make(chan struct{}),
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.cancel = cancel
	for i := range b.slots {
		b.slots[i].changed = make(chan struct{}, 1)
		if interval > 0 {
			b.wg.Go(func() { b.check(ctx, &b.slots[i]) })
		}
	}
	b.wg.Go(func() { b.accept(ctx) })
	return b, nil
}

func (b *balancer) address() string { return b.listener.Addr().String() }

// close ends every connection and waits for all goroutines.
func (b *balancer) close() error {
	err := b.listener.Close()
	b.cancel()
	b.mu.Lock()
	b.closed = true
	for _, s := range b.slots {
		if s.backend != nil {
			s.backend.rotate(false)
		}
	}
	for c := range b.open {
		_ = c.Close()
	}
	b.mu.Unlock()
	b.wg.Wait()
	return err
}

// put gives a slot a new backend, replacing the previous one.
func (b *balancer) put(place int, address string) *backend {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := &b.slots[place]
	if s.backend != nil {
		s.backend.rotate(false)
	}
	s.backend = &backend{address: address}
	if b.interval == 0 {
		b.turn(s.backend, true)
	}
	select {
	case s.changed <- struct{}{}:
	default: // the check that it asks for is still to come
	}
	return s.backend
}

// turn rotates a backend under the balancer's lock, and wakes the waiters.
func (b *balancer) turn(d *backend, in bool) {
	d.rotate(in)
	close(b.turned)
	b.turned = make(chan struct{})
}

// settled waits until every slot's backend is in the rotation.
func (b *balancer) settled(ctx context.Context) error {
	for {
		b.mu.Lock()
		missing := slices.ContainsFunc(b.slots, func(s slot) bool { return s.backend == nil || !s.backend.rotating() })
		turned := b.turned
		b.mu.Unlock()
		if !missing {
			return nil
		}
		select {
		case <-turned:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// account is the balancer's record of a backend.
func (b *balancer) account(d *backend) (rotation []Turn, connections, refused int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(d.rotation), d.connections, d.refused
}

// unrouted is how many connections found no backend in the rotation.
func (b *balancer) unrouted() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lost
}

// check checks the backend of one slot, at every interval and when there is a
// new one.
func (b *balancer) check(ctx context.Context, s *slot) {
	ticker := time.NewTicker(b.interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-s.changed:
		}
		b.mu.Lock()
		d := s.backend
		b.mu.Unlock()
		if d == nil {
			continue
		}
		good := alive(ctx, d.address)
		b.mu.Lock()
		if !b.closed && s.backend == d {
			b.turn(d, good)
		}
		b.mu.Unlock()
	}
}

func alive(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	c, err := dial(ctx, address)
	if err != nil {
		return false
	}
	reset(c) // leaves no port behind in TIME_WAIT, ten times a second
	return true
}

// pick chooses the backend of the next connection; nil: there is none.
func (b *balancer) pick() *backend {
	b.mu.Lock()
	defer b.mu.Unlock()
	for range b.slots {
		d := b.slots[b.next].backend
		b.next = (b.next + 1) % len(b.slots)
		if d != nil && d.rotating() {
			d.connections++
			return d
		}
	}
	b.lost++
	return nil
}

func (b *balancer) accept(ctx context.Context) {
	slots := make(chan struct{}, maxConnections)
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		client, err := b.listener.AcceptTCP()
		if err != nil {
			<-slots
			if errors.Is(err, net.ErrClosed) {
				return
			}
			// File handles may have run out: they come back.
			if experiments.Wait(ctx, 10*time.Millisecond) != nil {
				return
			}
			continue
		}
		b.wg.Go(func() {
			defer func() { <-slots }()
			b.serve(ctx, client)
		})
	}
}

// serve carries one client's connection. Code that delays or drops its bytes
// belongs between the two halves of relay.
func (b *balancer) serve(ctx context.Context, client *net.TCPConn) {
	if !b.enter(client) {
		return
	}
	defer b.leave(client)
	d := b.pick()
	if d == nil {
		reset(client)
		return
	}
	server, err := dial(ctx, d.address)
	if err != nil {
		b.mu.Lock()
		if !b.closed {
			d.refused++
		}
		b.mu.Unlock()
		reset(client)
		return
	}
	if !b.enter(server) {
		return
	}
	defer b.leave(server)
	relay(client, server)
}

// enter registers an open connection, so that close can end it; after close it
// ends at once.
func (b *balancer) enter(c net.Conn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		_ = c.Close()
		return false
	}
	b.open[c] = struct{}{}
	return true
}

func (b *balancer) leave(c net.Conn) {
	_ = c.Close()
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.open, c)
}
