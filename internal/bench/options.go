package bench

import (
	"errors"
	"fmt"
	"time"
)

// A Defect is a deliberate fault in the bench, so that a hypothesis about it
// must break.
type Defect string

const (
	// NoDefect is the correct bench.
	NoDefect Defect = ""
	// NoHealthChecks is a balancer without health checks: of n services, a dead
	// one gets every n-th connection until its successor is there.
	NoHealthChecks Defect = "no health checks"
)

// Options configure a bench. The zero value is a bench without a defect.
type Options struct {
	// Services is the number of service processes, 1 to 16. Default 3.
	Services int
	// RestartAfter is how long a process that ended stays away before its
	// service is started again. Default 2 s.
	RestartAfter time.Duration
	// ScrapeInterval is how often Prometheus scrapes each service, in whole
	// milliseconds and at least 10 ms; a scrape that takes longer has failed.
	// Default 250 ms.
	ScrapeInterval time.Duration
	// CheckInterval is how often the balancer checks each backend. Default
	// 100 ms.
	CheckInterval time.Duration
	// Dir holds Prometheus' database and a file SERVICE.pid of each service, and
	// stays. Default: a temporary directory that Stop removes, or the services do
	// when the program is killed; with NoPrometheus none.
	Dir string
	// Defect is the deliberate fault. Default: none.
	Defect Defect
	// NoPrometheus omits Prometheus and its database: a bench that is only killed
	// and loaded starts in a fraction of the time.
	NoPrometheus bool
}

// maxServices keeps a mistyped number from filling the machine.
const maxServices = 16

func (o Options) withDefaults() Options {
	if o.Services == 0 {
		o.Services = 3
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&o.RestartAfter, 2 * time.Second},
		{&o.ScrapeInterval, 250 * time.Millisecond},
		{&o.CheckInterval, 100 * time.Millisecond},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	return o
}

// Validate reports invalid options, before anything is started.
func (o Options) Validate() error {
	o = o.withDefaults()
	var errs []error
	if o.Services < 1 || o.Services > maxServices {
		errs = append(errs, fmt.Errorf("bench: %d services: want 1 to %d", o.Services, maxServices))
	}
	if o.RestartAfter < 0 {
		errs = append(errs, fmt.Errorf("bench: restart after %s is below zero", o.RestartAfter))
	}
	// Prometheus counts in whole milliseconds.
	if o.ScrapeInterval < 10*time.Millisecond || o.ScrapeInterval%time.Millisecond != 0 {
		errs = append(errs, fmt.Errorf("bench: scrape interval %s: want whole milliseconds, at least 10ms", o.ScrapeInterval))
	}
	if o.CheckInterval < time.Millisecond {
		errs = append(errs, fmt.Errorf("bench: check interval %s: want at least 1ms", o.CheckInterval))
	}
	switch o.Defect {
	case NoDefect, NoHealthChecks:
	default:
		errs = append(errs, fmt.Errorf("bench: no defect %q; defects: %q", o.Defect, []Defect{NoHealthChecks}))
	}
	return errors.Join(errs...)
}
