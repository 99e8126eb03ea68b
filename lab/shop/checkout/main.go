// Checkout is the service under test: a small HTTP server that sells, GET /checkout, and knows how to start, to be ready and to
// go away. As "checkout payments" the same program is the service behind it, which takes the money, POST /pay. Its environment
// tells it how well it does that.
//
//	LISTEN          where it serves, ":8080"
//	POD_NAME        its name, shown in the answer's header X-Pod; the host's name
//	TRUTH           folder of the log of what it saw; none
//	WORK            how much processor time each request costs, 1ms, all that the program does for it included: on every machine the same
//	START_DELAY     how long it takes until it listens, 0s
//	DRAIN_DELAY     how long it goes on serving, not ready, after it was asked to end, 3s
//	GRACEFUL        "false": it ends at once when asked to
//	LIVENESS_DELAY  how long it takes to say that it is alive, 0s
//
// Of checkout only:
//
//	ANSWER_DELAY       how long it has an order before it answers, its work not counted, 0s
//	WARMUP             how long it answers 503 once it listens, 0s
//	PAYMENTS           base URL of payments; none: it asks for no money
//	PAY_TRIES          how often it asks payments for one order, 3
//	PAY_TRY_TIMEOUT    how long it waits for the answer to one try, 120ms; 0s: for ever
//	PAY_TIMEOUT        how long a customer waits for all tries together, 400ms; 0s: for ever
//	BREAKER            "false": it goes on asking payments that do not answer
//	BREAKER_PAUSE      how long it leaves payments alone before it tries again, 3s
//	LIVENESS_PAYMENTS  "true": it says that it is not alive when payments do not answer
//	LEAK               how many kilobytes each request leaves behind, 0
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := exec(ctx, os.Args[1:], os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "checkout:", err)
		os.Exit(1)
	}
}

// exec is the program: checkout, or with the argument "payments" that.
func exec(ctx context.Context, args []string, env func(string) string, stdout io.Writer) (err error) {
	role := newCheckout
	switch {
	case len(args) == 1 && args[0] == "payments":
		role = newPayments
	case len(args) > 0:
		return fmt.Errorf("unknown arguments %q: the only one there is is payments", args)
	}
	c, err := configure(env)
	if err != nil {
		return err
	}
	t, err := openTruth(c.truth, c.pod, stdout)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	return serve(ctx, c, t, role)
}
