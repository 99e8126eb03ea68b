package trial

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

// Main runs a program of trials until it ends, or is interrupted, and exits with 1 if it
// fails.
func Main(run func(ctx context.Context, w io.Writer) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Stdout)
	if stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Chosen reports whether a name begins as one of those that were asked for; none: all are.
func Chosen(name string, asked ...string) bool {
	return len(asked) == 0 || slices.ContainsFunc(asked, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}
