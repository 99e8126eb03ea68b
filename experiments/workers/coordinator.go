package workers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A coordinator drives the shares of one load.
type coordinator struct {
	load     load.HTTP
	targets  []vegeta.Target // of the load
	caBundle []byte
	clock    steadystate.Clock
	each     func(record.Request)
	note     func(format string, args ...any)

	workers []*worker

	mu    sync.Mutex // of each, which one goroutine calls at a time
	fail  context.CancelCauseFunc
	start time.Duration
}

// A worker is one worker of the load, as the coordinator sees it.
type worker struct {
	workerClient

	mu     sync.Mutex
	merge  merging
	first  reading
	latest reading
	read   time.Duration // the time of that reading, by the record's clock
	heard  time.Duration // when its requests, or its sign of life, last came
	n      int           // requests that were merged
}

const (
	// lead is how long in advance the workers are told of the start and of the
	// end: each must know in time.
	lead = 2 * time.Second
	// readEvery is the interval of clock readings.
	readEvery = 500 * time.Millisecond
	// silence is the maximum silence of a worker: ten of its signs of life.
	silence = 10 * aliveEvery
	// settling bounds the rest once the load has ended, besides the timeout of
	// its last requests.
	settling = 15 * time.Second
)

// closing is how long the load takes, at most, to end once the workers were told to.
func closing(l load.HTTP) time.Duration { return lead + 2*l.StopTimeout() + settling }

// drive has the workers drive the load until ctx ends, and returns once all of
// it is merged. The error is that of the first worker that failed.
func (c *coordinator) drive(ctx context.Context, clients []workerClient) error {
	for _, p := range clients {
		c.workers = append(c.workers, &worker{workerClient: p})
	}
	// The streams outlive ctx, for the requests in flight.
	streams, fail := context.WithCancelCause(context.WithoutCancel(ctx))
	defer fail(nil)
	c.fail = fail
	if err := c.all(func(m *worker) error { return c.measure(streams, m) }); err != nil {
		return err
	}
	for _, m := range c.workers {
		m.first = m.latest
		c.note("%s: its wall clock is %s ahead of ours, known to ±%s", m.name, m.first.wall(c.clock).Round(10*time.Microsecond), (width(m.first.ahead) / 2).Round(10*time.Microsecond))
		if other := faults.OtherBuild(m.first.Version); other != "" {
			c.note("%s: %s", m.name, other)
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	bodies, err := c.begin(streams)
	if err != nil {
		return err
	}

	var beside, streaming sync.WaitGroup
	done := make(chan struct{}) // all streams have ended
	for i, m := range c.workers {
		streaming.Go(func() {
			if err := c.listen(m, bodies[i]); err != nil {
				fail(err)
			}
		})
		beside.Go(func() {
			if err := c.follow(streams, m, done); err != nil {
				fail(err)
			}
		})
	}
	beside.Go(func() {
		select {
		case <-done:
		case <-ctx.Done():
			if err := c.stop(streams, done); err != nil {
				fail(err)
			}
		}
	})
	streaming.Wait()
	close(done)
	beside.Wait()
	if err := context.Cause(streams); err != nil {
		return err
	}
	// Once more, so that the last requests lie between two readings.
	err = c.all(func(m *worker) error {
		if err := c.measure(streams, m); err != nil {
			return err
		}
		if n := len(m.merge.held); n > 0 {
			return fmt.Errorf("merge the requests of %s: %d were answered after the last reading of its clock: it goes backwards", m.name, n)
		}
		return nil
	})
	for _, m := range c.workers {
		c.note("%s: %d requests; at the end its wall clock is %s ahead of ours; the greatest skew of a request is ±%s",
			m.name, m.n, m.latest.wall(c.clock).Round(10*time.Microsecond), m.merge.worst.Round(10*time.Microsecond))
	}
	return err
}

// all calls f for all workers concurrently.
func (c *coordinator) all(f func(*worker) error) error {
	errs := make([]error, len(c.workers))
	var wg sync.WaitGroup
	for i, m := range c.workers {
		wg.Go(func() { errs[i] = f(m) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// begin sends all workers their shares and the start time. All have agreed
// before that time, or no requests count.
func (c *coordinator) begin(streams context.Context) ([]io.ReadCloser, error) {
	c.start = c.clock.Now() + lead
	timeout := lead + silence
	slow := time.AfterFunc(timeout, func() { c.fail(fmt.Errorf("begin the load: not all workers have agreed after %s", timeout)) })
	defer slow.Stop()
	bodies := make([]io.ReadCloser, len(c.workers))
	errs := make([]error, len(c.workers))
	var wg sync.WaitGroup
	for i, m := range c.workers {
		wg.Go(func() {
			ahead := m.first.ahead.Low + width(m.first.ahead)/2
			bodies[i], errs[i] = m.drive(streams, assign(c.load, c.targets, c.caBundle, i, len(c.workers), c.start+ahead))
			m.heard = c.clock.Now()
		})
	}
	wg.Wait()
	err := errors.Join(errs...)
	if cause := context.Cause(streams); cause != nil {
		err = cause
	}
	if late := c.clock.Now() - c.start; err == nil && late > 0 {
		err = fmt.Errorf("begin the load on %d workers: they took %s longer to agree than the %s they had: is the network to them that slow?", len(c.workers), late, lead)
	}
	if err != nil {
		c.fail(err)
		for _, body := range bodies {
			if body != nil {
				_ = body.Close()
			}
		}
	}
	return bodies, err
}

// listen receives the outcome of a worker's requests, to its end.
func (c *coordinator) listen(m *worker, body io.ReadCloser) error {
	defer func() { _ = body.Close() }()
	for e, err := range record.Read(body) {
		if err != nil {
			return fmt.Errorf("the stream of requests from %s broke off, so the rest is unknown: %w", m.name, err)
		}
		m.mu.Lock()
		m.heard = c.clock.Now()
		if e.Requests != nil {
			m.merge.hold(e.Requests.List)
		}
		m.mu.Unlock()
		switch {
		case e.End == nil:
		case e.End.Reason != record.Completed:
			return fmt.Errorf("%s did not drive its share to the end: %s: %s", m.name, e.End.Reason, e.End.Detail)
		default:
			return nil
		}
	}
	return fmt.Errorf("the stream of requests from %s broke off, so the rest is unknown: the worker or the connection to it is gone", m.name)
}

// follow reads a worker's clock until done, and enforces its signs of life.
func (c *coordinator) follow(streams context.Context, m *worker, done <-chan struct{}) error {
	again := time.NewTicker(readEvery)
	defer again.Stop()
	for {
		select {
		case <-done:
			return nil
		case <-streams.Done():
			return nil // with the error that ended them
		case <-again.C:
		}
		err := c.measure(streams, m)
		now := c.clock.Now()
		m.mu.Lock()
		quiet, unread := now-m.heard, now-m.read
		m.mu.Unlock()
		switch {
		case streams.Err() != nil:
			return nil
		case quiet > silence:
			return fmt.Errorf("%s was silent for %s", m.name, quiet.Round(time.Millisecond))
		case err != nil && unread > silence:
			return fmt.Errorf("not for %s: %w", unread.Round(time.Millisecond), err)
		}
	}
}

// measure reads a worker's clock and passes on the requests that lie before the
// reading.
func (c *coordinator) measure(ctx context.Context, m *worker) error {
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	tries, enough := firstTries, time.Duration(0)
	if len(m.merge.readings) > 0 { // a reading that is not much worse is enough
		tries, enough = usualTries, 2*width(m.first.ahead)
	}
	r, err := best(ctx, tries, enough, func(ctx context.Context) (reading, error) { return m.workerClient.read(ctx, c.clock) })
	if err != nil {
		return err
	}
	m.mu.Lock()
	ready := m.merge.take(r)
	m.latest, m.read, m.n = r, c.clock.Now(), m.n+len(ready)
	m.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, q := range ready {
		c.each(q)
	}
	return nil
}

// stop tells all workers when to end, and waits until they have ended. The
// error says that they could not be told, or have not ended in time.
func (c *coordinator) stop(streams context.Context, done <-chan struct{}) error {
	end := max(0, c.clock.Now()+lead-c.start)
	told, cancel := context.WithTimeout(streams, silence)
	defer cancel()
	if err := c.all(func(m *worker) error { return m.stop(told, end) }); err != nil {
		return err
	}
	timeout := closing(c.load)
	overdue := time.NewTimer(timeout)
	defer overdue.Stop()
	select {
	case <-done:
	case <-overdue.C:
		return fmt.Errorf("end the load: not all workers have ended %s after they were told to", timeout)
	}
	return nil
}
