// Checkout is the service under test: a small HTTP server that answers GET /checkout and knows how to start, to be ready and to
// go away. Its environment tells it how well it does that.
//
//	LISTEN       where it serves, ":8080"
//	POD_NAME     its name, shown in the answer's header X-Pod; the host's name
//	TRUTH        folder of the log of what it saw; none
//	WORK         how many kilobytes each request hashes, 256: work that costs the same however busy the machine is
//	START_DELAY  how long it takes until it listens, 0s
//	DRAIN_DELAY  how long it goes on serving, not ready, after it was asked to end, 3s
//	GRACEFUL     "false": it ends at once when asked to
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := exec(ctx, os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "checkout:", err)
		os.Exit(1)
	}
}

func exec(ctx context.Context, env func(string) string, stdout io.Writer) error {
	c, err := configure(env)
	if err != nil {
		return err
	}
	truth, err := openTruth(c.truth, c.pod, stdout)
	if err != nil {
		return err
	}
	defer func() { _ = truth.Close() }()
	return serve(ctx, c, truth)
}

// config is the environment, read.
type config struct {
	listen, pod, truth     string
	work                   int
	startDelay, drainDelay time.Duration
	graceful               bool
}

func configure(env func(string) string) (config, error) {
	host, _ := os.Hostname()
	c := config{listen: ":8080", pod: host, work: 256, drainDelay: 3 * time.Second, graceful: true}
	for name, set := range map[string]func(string) error{
		"LISTEN":      func(v string) error { c.listen = v; return nil },
		"POD_NAME":    func(v string) error { c.pod = v; return nil },
		"TRUTH":       func(v string) error { c.truth = v; return nil },
		"WORK":        func(v string) (err error) { c.work, err = strconv.Atoi(v); return err },
		"START_DELAY": func(v string) (err error) { c.startDelay, err = time.ParseDuration(v); return err },
		"DRAIN_DELAY": func(v string) (err error) { c.drainDelay, err = time.ParseDuration(v); return err },
		"GRACEFUL":    func(v string) (err error) { c.graceful, err = strconv.ParseBool(v); return err },
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
