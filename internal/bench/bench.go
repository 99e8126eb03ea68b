package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A Bench is a running bench. It is safe for concurrent use.
type Bench struct {
	options     Options
	balancer    *balancer
	prometheus  *promServer
	supervisors []*supervisor
	cancel      context.CancelFunc // ends the supervisors
	wg          sync.WaitGroup
	temporary   string // directory to remove; empty: none

	stop    sync.Once
	stopErr error

	mu     sync.Mutex
	failed []error // of writing files of process numbers
}

// A Service is one service of a bench as it is now.
type Service struct {
	Name string // "service-1"
	// PID is its process; 0: it has none now.
	PID     int
	Address string // host:port of the process, empty if there is none
	// PIDFile has the number of its process, or of the last one if it has none
	// now; empty: the bench has no directory.
	PIDFile string
}

// Start starts a bench and returns once each service has answered and is in the
// balancer's rotation. ctx bounds the start; the bench then runs until Stop.
// After an error nothing is left.
func Start(ctx context.Context, options Options) (_ *Bench, err error) {
	if err := options.Validate(); err != nil {
		return nil, err
	}
	b := &Bench{options: options.withDefaults()}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	b.cancel = cancel
	defer func() {
		if err != nil {
			err = errors.Join(err, b.Stop())
		}
	}()
	executable, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program, to start it again: %w", err)
	}
	if b.options.Dir == "" && !b.options.NoPrometheus {
		if b.temporary, err = temporary(); err != nil {
			return nil, err
		}
	}
	self := program{path: executable, temporary: b.temporary}

	// The processes start concurrently with the rest.
	first := make([]*process, b.options.Services)
	errs := make([]error, b.options.Services+1)
	var starting sync.WaitGroup
	for i := range first {
		s := newSupervisor("service-"+strconv.Itoa(i+1), self, b.options.RestartAfter, nil)
		s.arrived = func(p *process) *backend { return b.arrived(i, p) }
		b.supervisors = append(b.supervisors, s)
		starting.Go(func() { first[i], errs[i] = startProcess(ctx, self, s.service) })
	}
	errs[b.options.Services] = b.startRest()
	starting.Wait()
	if err := errors.Join(errs...); err != nil {
		for _, p := range first {
			if p != nil {
				_ = p.kill(Stopped)
				p.wait()
			}
		}
		return nil, err
	}
	for i, s := range b.supervisors {
		b.wg.Go(func() { s.run(running, first[i]) })
	}
	if err := b.balancer.settled(ctx); err != nil {
		return nil, fmt.Errorf("wait for the services to be in rotation: %w", err)
	}
	return b, nil
}

func (b *Bench) startRest() (err error) {
	interval := b.options.CheckInterval
	if b.options.Defect == NoHealthChecks {
		interval = 0
	}
	if b.balancer, err = startBalancer(b.options.Services, interval); err != nil {
		return err
	}
	if b.options.NoPrometheus {
		return nil
	}
	b.prometheus, err = startPrometheus(b.dir(), b.options.ScrapeInterval)
	return err
}

// arrived registers a new process with the balancer and Prometheus.
func (b *Bench) arrived(place int, p *process) *backend {
	address := p.address()
	if file := b.pidFile(p.service); file != "" {
		if err := os.WriteFile(file, []byte(strconv.Itoa(p.PID())+"\n"), 0o644); err != nil {
			b.mu.Lock()
			b.failed = append(b.failed, err)
			b.mu.Unlock()
		}
	}
	if b.prometheus != nil {
		b.prometheus.target(p.service, address)
	}
	return b.balancer.put(place, address)
}

// dir is the bench's directory; empty: none.
func (b *Bench) dir() string { return cmp.Or(b.options.Dir, b.temporary) }

func (b *Bench) pidFile(service string) string {
	if b.dir() == "" {
		return ""
	}
	return filepath.Join(b.dir(), service+".pid")
}

// Stop ends the bench: its services, the balancer and Prometheus. It returns
// once everything has ended, and returns the same error at every call.
func (b *Bench) Stop() error {
	b.stop.Do(func() {
		var errs []error
		// The balancer first, so that stopping the services refuses no client.
		if b.balancer != nil {
			errs = append(errs, b.balancer.close())
		}
		b.cancel()
		b.wg.Wait()
		if b.prometheus != nil {
			errs = append(errs, b.prometheus.close())
		}
		errs = append(errs, b.failed...)
		if b.temporary != "" {
			errs = append(errs, os.RemoveAll(b.temporary))
		}
		if err := errors.Join(errs...); err != nil {
			b.stopErr = fmt.Errorf("stop the bench: %w", err)
		}
	})
	return b.stopErr
}

// URL is where the balancer listens: "http://127.0.0.1:PORT".
func (b *Bench) URL() string { return "http://" + b.balancer.address() }

// PrometheusURL is where Prometheus listens, "http://127.0.0.1:PORT"; its API
// is below /api/v1. The services have the labels job="service", pod=NAME and
// instance=ADDRESS. It is empty with Options.NoPrometheus.
func (b *Bench) PrometheusURL() string {
	if b.prometheus == nil {
		return ""
	}
	return b.prometheus.url()
}

// Services are the services as they are now, in order of their numbers.
func (b *Bench) Services() []Service {
	services := make([]Service, 0, len(b.supervisors))
	for _, s := range b.supervisors {
		service := Service{Name: s.service, PIDFile: b.pidFile(s.service)}
		if p := s.running(); p != nil {
			service.PID, service.Address = p.PID(), p.address()
		}
		services = append(services, service)
	}
	return services
}

// Environment describes the bench for a record.
func (b *Bench) Environment() map[string]string {
	environment := map[string]string{
		"bench":         "processes on this machine, not a cluster",
		"services":      strconv.Itoa(b.options.Services),
		"restart after": b.options.RestartAfter.String(),
		"balancer":      b.describeBalancer(),
	}
	if !b.options.NoPrometheus {
		environment["scraped every"] = b.options.ScrapeInterval.String()
		environment["prometheus"] = prometheusVersion()
	}
	return environment
}

func (b *Bench) describeBalancer() string {
	if b.options.Defect == NoHealthChecks {
		return "defective: " + string(NoHealthChecks)
	}
	return "checks each backend every " + b.options.CheckInterval.String()
}

// Truth is the ground truth so far. While the bench runs it lags in one
// respect: the latest reports of a running process may still be in its pipe. It
// is complete for a process that was recovered from, and for all of them after
// Stop.
func (b *Bench) Truth() Truth {
	truth := Truth{Unrouted: b.balancer.unrouted()}
	for _, s := range b.supervisors {
		for _, l := range s.history() {
			p := l.process.known()
			p.Rotation, p.Connections, p.Refused = b.balancer.account(l.backend)
			truth.Processes = append(truth.Processes, p)
		}
	}
	slices.SortStableFunc(truth.Processes, func(p, q Process) int { return p.Listening.From.Compare(q.Listening.From) })
	return truth
}

func (b *Bench) supervisor(service string) (*supervisor, error) {
	names := make([]string, 0, len(b.supervisors))
	for _, s := range b.supervisors {
		if s.service == service {
			return s, nil
		}
		names = append(names, s.service)
	}
	return nil, fmt.Errorf("no service %q; services: %s", service, strings.Join(names, ", "))
}

// temporary is a directory for a bench's database.
func temporary() (string, error) {
	dir, err := os.MkdirTemp("", "aftershock-bench-")
	if err != nil {
		return "", fmt.Errorf("make a directory for Prometheus' database (TMPDIR must be writable): %w", err)
	}
	return dir, nil
}
