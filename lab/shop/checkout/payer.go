package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sony/gobreaker/v2"
)

// payer asks payments for the money of an order: each try with a limit on its time, more tries with pauses between them, and
// none at all for a while when too many have failed.
type payer struct {
	config
	client   *http.Client
	breaker  *gobreaker.CircuitBreaker[struct{}]
	retries  prometheus.Counter
	requests *prometheus.CounterVec
}

// failures in a row open the breaker. So many that one dead pod of two, which fails every other try until its endpoint is
// removed, hardly ever does; few enough that a partition does within half a second under load.
const failures = 10

// probes must go well in a row before the breaker closes again, and no more than these are sent until then.
const probes = 3

func newPayer(c config, t *truth, registry *prometheus.Registry) *payer {
	p := &payer{
		config: c,
		// A connection for each try: a partition is seen at once, and every try may go to another pod.
		client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		retries: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "checkout_payments_retries_total", Help: "Tries besides the first of each order.",
		}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "checkout_payments_requests_total",
			Help: "Tries to pay by outcome (ok, failed, timeout, canceled; rejected was not sent because the breaker is open) and status code.",
		}, []string{"outcome", "code"}),
	}
	p.breaker = gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		Name:        "payments",
		MaxRequests: probes,
		Timeout:     c.pause,
		ReadyToTrip: func(n gobreaker.Counts) bool { return c.breaks && n.ConsecutiveFailures >= failures },
		// A customer who goes away says nothing about payments.
		IsExcluded: func(err error) bool { return errors.Is(err, context.Canceled) },
		OnStateChange: func(_ string, _, to gobreaker.State) {
			if err := t.Event("breaker-"+to.String(), ""); err != nil {
				log.Print(err)
			}
		},
	})
	state := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "checkout_payments_breaker_state", Help: "0 closed, 1 half-open, 2 open.",
	}, p.state)
	for _, outcome := range []string{"failed", "timeout", "rejected"} {
		p.requests.WithLabelValues(outcome, "")
	}
	p.requests.WithLabelValues("ok", "200")
	registry.MustRegister(p.retries, p.requests, state)
	return p
}

func (p *payer) state() float64 {
	switch p.breaker.State() {
	case gobreaker.StateHalfOpen:
		return 1
	case gobreaker.StateOpen:
		return 2
	}
	return 0
}

// pay returns nil when payments took the money. Number is that of the customer's request, or "".
func (p *payer) pay(ctx context.Context, number string) error {
	ctx, cancel := limit(ctx, p.patience.all)
	defer cancel()
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = 20*time.Millisecond, 100*time.Millisecond
	again := false
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := p.try(ctx, number, again)
		again = true
		return struct{}{}, err
	}, backoff.WithBackOff(pauses), backoff.WithMaxTries(p.tries), backoff.WithMaxElapsedTime(0))
	if err != nil {
		return fmt.Errorf("pay: %w", err)
	}
	return nil
}

// limit is context.WithTimeout, but that zero is no limit.
func limit(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, d)
}

// try asks once, unless the breaker is open.
func (p *payer) try(ctx context.Context, number string, again bool) error {
	code := ""
	_, err := p.breaker.Execute(func() (_ struct{}, err error) {
		if again {
			p.retries.Inc()
		}
		code, err = p.ask(ctx, number)
		return struct{}{}, err
	})
	switch {
	case errors.Is(err, gobreaker.ErrOpenState), errors.Is(err, gobreaker.ErrTooManyRequests):
		p.requests.WithLabelValues("rejected", "").Inc()
		return backoff.Permanent(err) // to insist would be to wait for nothing
	case err == nil:
		p.requests.WithLabelValues("ok", code).Inc()
	case errors.Is(err, context.DeadlineExceeded):
		p.requests.WithLabelValues("timeout", code).Inc()
	case errors.Is(err, context.Canceled):
		p.requests.WithLabelValues("canceled", code).Inc()
	default:
		p.requests.WithLabelValues("failed", code).Inc()
	}
	return err
}

// ask makes one request and returns the answer's status code.
func (p *payer) ask(ctx context.Context, number string) (code string, err error) {
	ctx, cancel := limit(ctx, p.patience.try)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.payments+"/pay", http.NoBody)
	if err != nil {
		return "", err
	}
	if number != "" {
		req.Header.Set(sequence, number)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	code = strconv.Itoa(resp.StatusCode)
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)); err != nil {
		return code, fmt.Errorf("read the answer of payments: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return code, fmt.Errorf("payments answered %s", resp.Status)
	}
	return code, nil
}

// reach returns nil when payments are ready. It asks by itself: the breaker shall not be moved by probes.
func (p *payer) reach(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.payments+"/readyz", http.NoBody)
	if err != nil {
		return err
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return fmt.Errorf("reach payments: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("reach payments: %s", resp.Status)
	}
	return nil
}
