package bench_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/aftershockhq/aftershock/internal/bench"
)

// parentVariable makes this test binary a program that starts a bench, prints
// its services as JSON and then waits to be killed.
const parentVariable = "AFTERSHOCK_BENCH_TEST_PARENT"

func TestMain(m *testing.M) {
	switch {
	case bench.IsService():
		os.Exit(bench.Serve())
	case os.Getenv(parentVariable) != "":
		os.Exit(parent())
	}
	goleak.VerifyTestMain(m)
}

func parent() int {
	b, err := bench.Start(context.Background(), bench.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := json.NewEncoder(os.Stdout).Encode(b.Services()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	// Nothing is written to it; its end would end this program in good order.
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := b.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
