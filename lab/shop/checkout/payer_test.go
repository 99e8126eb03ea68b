package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

// shop is checkout and payments, both real, with a wire between them.
type shop struct {
	url           string
	wire          *link
	sold, charged *output
}

// patient is a configuration in which payments always have the time they need, however busy the machine is.
func patient() config {
	return config{
		pod: "checkout-1", work: 1, tries: 3, breaks: true, pause: 10 * time.Millisecond,
		patience: patience{try: 20 * time.Second, all: time.Minute},
	}
}

// hasty gives up so early that a test of a black hole does not take long.
func hasty() config {
	c := patient()
	c.patience = patience{try: 20 * time.Millisecond, all: 10 * time.Second}
	return c
}

func open(t *testing.T, c config) shop {
	t.Helper()
	s := shop{sold: &output{}, charged: &output{}}
	back := httptest.NewServer(newPayments(config{pod: "payments-1", work: 1}, logged(t, "payments-1", s.charged)).mux)
	t.Cleanup(back.Close)
	s.wire = newLink(t, back.Listener.Addr().String())
	c.payments = s.wire.url()
	service := newCheckout(c, logged(t, c.pod, s.sold))
	stop := service.begin(t.Context())
	t.Cleanup(stop)
	front := httptest.NewServer(service.mux)
	t.Cleanup(front.Close)
	s.url = front.URL
	return s
}

func logged(t *testing.T, pod string, out io.Writer) *truth {
	t.Helper()
	log, err := openTruth("", pod, out)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

// buy places the order with that number and returns how it was paid; "" if there was no good answer.
func (s shop) buy(t *testing.T, number int) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/checkout", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set(sequence, strconv.Itoa(number))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return ""
	}
	return resp.Header.Get("X-Payment")
}

// metric is the value of a series, by its whole name with labels.
func (s shop) metric(t *testing.T, series string) float64 {
	t.Helper()
	resp, err := http.Get(s.url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(body)) {
		if value, found := strings.CutPrefix(line, series+" "); found {
			x, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				t.Fatalf("%s is %q: %v", series, value, err)
			}
			return x
		}
	}
	t.Fatalf("no %s in\n%s", series, body)
	return 0
}

func tries(outcome, code string) string {
	return fmt.Sprintf("checkout_payments_requests_total{code=%q,outcome=%q}", code, outcome)
}

func orders(payment string) string {
	return fmt.Sprintf("checkout_orders_total{payment=%q}", payment)
}

const breakerState = "checkout_payments_breaker_state"

// The breaker's states in the metric.
const (
	isClosed = 0
	isOpen   = 2
)

func TestAnOrderIsPaidAndKeepsItsNumber(t *testing.T) {
	s := open(t, patient())
	for n := range 20 {
		if how := s.buy(t, n); how != paid {
			t.Fatalf("order %d is %q", n, how)
		}
	}
	sold, charged := s.sold.lines(t), s.charged.lines(t)
	if len(sold) != 20 || len(charged) != 20 {
		t.Fatalf("checkout saw %d requests, payments %d, want 20 each", len(sold), len(charged))
	}
	for i := range sold {
		if *sold[i].Seq != *charged[i].Seq || charged[i].Time < sold[i].Time || charged[i].Pod != "payments-1" {
			t.Errorf("checkout saw %+v, payments %+v", sold[i], charged[i])
		}
	}
	if n := s.wire.tries.Load(); n != 20 {
		t.Errorf("20 orders went over %d connections: a partition would be seen late", n)
	}
	for series, want := range map[string]float64{
		tries("ok", "200"): 20, tries("failed", ""): 0, tries("timeout", ""): 0, tries("rejected", ""): 0,
		"checkout_payments_retries_total": 0, "checkout_payments_queued": 0, breakerState: isClosed,
		orders(paid): 20, orders(queued): 0,
	} {
		if got := s.metric(t, series); got != want {
			t.Errorf("%s is %v, want %v", series, got, want)
		}
	}
}

func TestOrdersAreTakenWhilePaymentsAreBlackHoled(t *testing.T) {
	c := hasty()
	c.pause = time.Hour
	s := open(t, c)
	s.wire.cut.Store(true)
	for n := range 10 {
		if how := s.buy(t, n); how != queued {
			t.Fatalf("order %d is %q, want it queued", n, how)
		}
	}
	if got := s.metric(t, breakerState); got != isOpen {
		t.Errorf("the breaker's state is %v, want it open", got)
	}
	// From then on nobody is asked: that, and not a clock, shows that an open breaker answers at once.
	before := s.wire.tries.Load()
	for n := range 50 {
		if how := s.buy(t, 10+n); how != queued {
			t.Fatalf("order %d is %q, want it queued", n, how)
		}
	}
	// One may have been under way: what is owed is asked for in the background.
	if after := s.wire.tries.Load(); after > before+1 || before > failures+3 {
		t.Errorf("%d tries until it opened and %d while it was open", before, after-before)
	}
	if got := s.metric(t, tries("timeout", "")); got < failures {
		t.Errorf("%v tries timed out, want at least %d", got, failures)
	}
	if got := s.metric(t, tries("rejected", "")); got < 50 {
		t.Errorf("%v tries were rejected, want at least 50", got)
	}
	if retries := s.metric(t, "checkout_payments_retries_total"); retries < 1 || retries >= failures {
		t.Errorf("%v retries for %d tries", retries, failures)
	}
	if got := events(s.sold.lines(t)); !strings.Contains(got, "breaker-open") || strings.Contains(got, "half") {
		t.Errorf("checkout saw %s", got)
	}
	if paidAtOnce, later := s.metric(t, orders(paid)), s.metric(t, orders(queued)); paidAtOnce != 0 || later != 60 {
		t.Errorf("%v orders are paid at once and %v queued, want 60 queued", paidAtOnce, later)
	}
	// All but the one that is being tried.
	if n := s.metric(t, "checkout_payments_queued"); n < 59 {
		t.Errorf("%v of 60 orders wait", n)
	}
	if len(s.charged.lines(t)) != 0 {
		t.Error("a black hole let something through")
	}
}

func TestTheBreakerClosesAndWhatIsOwedIsPaidWithoutAnyNewOrder(t *testing.T) {
	c := hasty()
	c.patience.try = 200 * time.Millisecond // is met in the end, however busy the machine is: it is tried again and again
	s := open(t, c)
	s.wire.cut.Store(true)
	eventually(t, "the breaker opens", func() bool { return s.buy(t, 1) == queued && s.metric(t, breakerState) == isOpen })
	s.wire.cut.Store(false)
	eventually(t, "the breaker closes", func() bool { return s.metric(t, breakerState) == isClosed })
	eventually(t, "nothing is owed", func() bool { return s.metric(t, "checkout_payments_queued") == 0 })
	eventually(t, "an order is paid at once", func() bool { return s.buy(t, 2) == paid })
	seen := events(s.sold.lines(t))
	for _, want := range []string{"breaker-open breaker-half-open", "breaker-half-open breaker-closed"} {
		if !strings.Contains(strings.ReplaceAll(seen, "request ", ""), want) {
			t.Errorf("no %s in %s", want, seen)
		}
	}
	for _, l := range s.charged.lines(t) {
		if l.Seq != nil && *l.Seq == 1 {
			t.Error("an order that was paid in the background has the number of a customer who waits")
		}
	}
}

func TestTheDefectsOfTheClient(t *testing.T) {
	t.Run("without retries one failed try queues the order", func(t *testing.T) {
		c := hasty()
		c.tries, c.pause = 1, time.Hour
		s := open(t, c)
		s.wire.cut.Store(true)
		if how := s.buy(t, 0); how != queued {
			t.Errorf("it is %q", how)
		}
		if got := s.metric(t, "checkout_payments_retries_total"); got != 0 {
			t.Errorf("%v retries", got)
		}
	})
	t.Run("without a breaker every order asks payments", func(t *testing.T) {
		c := hasty()
		c.breaks = false
		s := open(t, c)
		s.wire.cut.Store(true)
		for n := range 10 {
			before := s.metric(t, tries("timeout", ""))
			if how := s.buy(t, n); how != queued {
				t.Errorf("order %d is %q", n, how)
			}
			if s.metric(t, tries("timeout", "")) < before+3 {
				t.Errorf("order %d did not ask three times", n)
			}
		}
		if got := s.metric(t, breakerState); got != isClosed {
			t.Errorf("the breaker that is not there is in state %v", got)
		}
	})
	t.Run("the limit of all tries ends them early", func(t *testing.T) {
		c := hasty()
		c.breaks, c.tries, c.patience.all = false, 10_000, 200*time.Millisecond
		s := open(t, c)
		s.wire.cut.Store(true)
		if how := s.buy(t, 0); how != queued {
			t.Errorf("it is %q", how)
		}
	})
	t.Run("without limits on time a black hole has no answer", func(t *testing.T) {
		c := hasty()
		c.patience = patience{}
		s := open(t, c)
		s.wire.cut.Store(true)
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/checkout", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it was answered: %v", err)
		}
		eventually(t, "it has noticed that the customer left", func() bool {
			resp, err := http.Get(s.url + "/metrics")
			if err != nil {
				return false
			}
			defer func() { _ = resp.Body.Close() }()
			body, err := io.ReadAll(resp.Body)
			return err == nil && strings.Contains(string(body), tries("canceled", "")+" 1")
		})
		if got := s.metric(t, breakerState); got != isClosed {
			t.Errorf("a customer who leaves moves the breaker to %v", got)
		}
	})
}

func TestAnAnswerThatIsNotGoodIsAFailure(t *testing.T) {
	ill := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no money", http.StatusBadGateway)
	}))
	defer ill.Close()
	c := patient()
	c.payments, c.pause = ill.URL, time.Hour
	front := httptest.NewServer(newCheckout(c, logged(t, "checkout-1", &output{})).mux)
	defer front.Close()
	s := shop{url: front.URL}
	if how := s.buy(t, 0); how != queued {
		t.Errorf("it is %q", how)
	}
	if got := s.metric(t, tries("failed", "502")); got != 3 {
		t.Errorf("%v tries failed, want 3", got)
	}
}

func TestOrdersThatCannotBeKeptAreRefused(t *testing.T) {
	c := hasty()
	wire := newLink(t, "")
	wire.cut.Store(true)
	c.payments, c.pause = wire.url(), time.Hour
	handler := newCheckout(c, logged(t, "checkout-1", io.Discard)).mux // nothing goes on in the background: nobody settles
	answer := func() *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/checkout", nil))
		return w
	}
	for n := range mostDebts {
		if w := answer(); w.Code != http.StatusOK || w.Header().Get("X-Payment") != queued {
			t.Fatalf("order %d: %d %q", n, w.Code, w.Header())
		}
	}
	w := answer()
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "no more orders can be kept") {
		t.Errorf("one order too many: %d: %s", w.Code, w.Body)
	}
}

func TestLivenessThatDependsOnPayments(t *testing.T) {
	for _, c := range []struct {
		says    string
		depends bool
		cut     bool
		code    int
	}{
		{"payments answer", true, false, 200},
		{"payments do not answer", true, true, 503},
		{"it does not depend on them", false, true, 200},
	} {
		t.Run(c.says, func(t *testing.T) {
			with := patient()
			with.livesOnPayments = c.depends
			back := newPayments(config{pod: "payments-1"}, logged(t, "payments-1", &output{}))
			back.ready.Store(true)
			server := httptest.NewServer(back.mux)
			defer server.Close()
			wire := newLink(t, server.Listener.Addr().String())
			wire.cut.Store(c.cut)
			with.payments = wire.url()
			answer := httptest.NewRecorder()
			newCheckout(with, logged(t, "checkout-1", &output{})).mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/healthz", nil))
			if answer.Code != c.code {
				t.Errorf("%d: %s, want %d", answer.Code, answer.Body, c.code)
			}
		})
	}
}
