// Memstress holds memory, for chaos-daemon, which starts it by the name memStress:
//
//	memStress --workers N --size SIZE [--time DURATION]
//
// SIZE is all of it, divided among N workers: bytes, with units (64MB is 10^6 each, 64MiB 2^20), or a percentage of what the
// process may have: of its cgroup's limit, or of the machine's memory if that is less. A worker touches each page of its part, so that it is
// really taken, evenly over DURATION, and then holds it. A worker that is killed is started again, until memStress is asked to
// end with SIGTERM or SIGINT: then it ends its workers and waits for them, since no process in a container may reap them. Workers
// also die when memStress is killed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// workArg is the first argument of a worker.
const workArg = "--hold"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := run(ctx, os.Args[1:], os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "memStress:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stderr io.Writer) error {
	if len(args) == 3 && args[0] == workArg {
		size, err := strconv.ParseUint(args[1], 10, 64)
		if err != nil {
			return err
		}
		over, err := time.ParseDuration(args[2])
		if err != nil {
			return err
		}
		return hold(ctx, size, over)
	}
	f := flag.NewFlagSet("memStress", flag.ContinueOnError)
	f.SetOutput(stderr)
	workers := f.Int("workers", 1, "how many processes share the memory")
	text := f.String("size", "", "how much in all, as 64MB, 64MiB or 50%")
	over := f.Duration("time", 0, "how long the growth takes")
	if err := f.Parse(args); err != nil {
		return err
	}
	switch {
	case f.NArg() > 0:
		return fmt.Errorf("unknown argument %q", f.Arg(0))
	case *workers < 1:
		return errors.New("--workers must be at least 1")
	case *over < 0:
		return errors.New("--time must not be negative")
	}
	size, err := parseSize(*text, allowed)
	if err != nil {
		return err
	}
	return work(ctx, *workers, size/uint64(*workers), *over)
}
