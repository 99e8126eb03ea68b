package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

// config is the environment, read.
type config struct {
	listen, pod, truth     string
	work                   time.Duration
	startDelay, drainDelay time.Duration
	answerDelay, warmup    time.Duration
	livenessDelay          time.Duration
	graceful               bool

	payments         string
	tries            uint
	patience         patience
	breaks           bool
	pause            time.Duration
	livesOnPayments  bool
	leakedPerRequest int // kilobytes
}

// patience is how long checkout waits for payments; zero is for ever.
type patience struct{ try, all time.Duration }

func configure(env func(string) string) (config, error) {
	host, _ := os.Hostname()
	c := config{
		listen: ":8080", pod: host, work: time.Millisecond, drainDelay: 3 * time.Second, graceful: true,
		tries: 3, patience: patience{try: 120 * time.Millisecond, all: 400 * time.Millisecond}, breaks: true, pause: 3 * time.Second,
	}
	for name, set := range map[string]func(string) error{
		"LISTEN":            text(&c.listen),
		"POD_NAME":          text(&c.pod),
		"TRUTH":             text(&c.truth),
		"WORK":              duration(&c.work),
		"START_DELAY":       duration(&c.startDelay),
		"DRAIN_DELAY":       duration(&c.drainDelay),
		"ANSWER_DELAY":      duration(&c.answerDelay),
		"WARMUP":            duration(&c.warmup),
		"LIVENESS_DELAY":    duration(&c.livenessDelay),
		"GRACEFUL":          boolean(&c.graceful),
		"PAYMENTS":          text(&c.payments),
		"PAY_TRIES":         count(&c.tries),
		"PAY_TRY_TIMEOUT":   duration(&c.patience.try),
		"PAY_TIMEOUT":       duration(&c.patience.all),
		"BREAKER":           boolean(&c.breaks),
		"BREAKER_PAUSE":     duration(&c.pause),
		"LIVENESS_PAYMENTS": boolean(&c.livesOnPayments),
		"LEAK":              size(&c.leakedPerRequest),
	} {
		value := env(name)
		if value == "" {
			continue
		}
		if err := set(value); err != nil {
			return c, fmt.Errorf("%s=%q: %w", name, value, err)
		}
	}
	return c, nil
}

func text(to *string) func(string) error {
	return func(v string) error { *to = v; return nil }
}

func boolean(to *bool) func(string) error {
	return func(v string) (err error) { *to, err = strconv.ParseBool(v); return err }
}

func duration(to *time.Duration) func(string) error {
	return func(v string) (err error) {
		if *to, err = time.ParseDuration(v); err == nil && *to < 0 {
			err = errors.New("time does not run backwards: want 0s or more")
		}
		return err
	}
}

func size(to *int) func(string) error {
	return func(v string) (err error) {
		if *to, err = strconv.Atoi(v); err == nil && *to < 0 {
			err = errors.New("want 0 or more kilobytes")
		}
		return err
	}
}

// count is one or more: the library takes no tries for tries without end.
func count(to *uint) func(string) error {
	return func(v string) error {
		n, err := strconv.ParseUint(v, 10, 16)
		if err == nil && n == 0 {
			err = errors.New("want 1 or more")
		}
		*to = uint(n)
		return err
	}
}
