package main

import (
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// How an order was paid, in the header X-Payment of the answer to it.
const (
	paid   = "paid"   // payments took the money
	queued = "queued" // payments did not answer in time, and will be asked again later
)

// checkout sells.
type checkout struct {
	*service
	opened time.Time
	payer  *payer // nil: it asks for no money
	debts  *debts
	// orders that were taken, by how they were paid at that time.
	orders *prometheus.CounterVec
	leak   leak
}

func newCheckout(c config, t *truth) *service {
	s := newService(c, t)
	k := &checkout{service: s, opened: time.Now(), leak: leak{kilobytes: c.leakedPerRequest}}
	s.route(http.MethodGet, "/checkout", k.sell)
	e := newEcho(c.pod, s.registry)
	s.mux.Handle("GET /echo", e)
	s.leave = e.leave
	if c.payments != "" {
		k.payer = newPayer(c, t, s.registry)
		k.debts = newDebts(k.payer, s.registry)
		k.orders = prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "checkout_orders_total", Help: "Orders that were taken, by whether they were paid at once or are queued to be paid later.",
		}, []string{"payment"})
		for _, how := range []string{paid, queued} {
			k.orders.WithLabelValues(how)
		}
		s.registry.MustRegister(k.orders)
		s.background = k.debts.settle
		if c.livesOnPayments {
			s.alive = k.payer.reach
		}
	}
	return s
}

func (k *checkout) sell(w http.ResponseWriter, r *http.Request) {
	k.saw(r)
	if time.Since(k.opened) < k.warmup {
		w.Header().Set("X-Pod", k.pod)
		http.Error(w, "warming up", http.StatusServiceUnavailable)
		return
	}
	k.leak.add()
	sum := k.work.do()
	time.Sleep(k.answerDelay)
	w.Header().Set("X-Pod", k.pod)
	if k.payer != nil {
		how, ok := k.charge(r)
		if !ok {
			http.Error(w, "payments are away and no more orders can be kept", http.StatusServiceUnavailable)
			return
		}
		k.orders.WithLabelValues(how).Inc()
		w.Header().Set("X-Payment", how)
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, "{\"order\":\"%x\",\"pod\":%q}\n", sum[:4], k.pod)
}

// charge asks for the money now, and else takes care that it is asked for later: payments being away costs no order.
func (k *checkout) charge(r *http.Request) (how string, ok bool) {
	if err := k.payer.pay(r.Context(), r.Header.Get(sequence)); err == nil {
		return paid, true
	}
	if r.Context().Err() != nil {
		return queued, true // the customer has gone: there is no order, and no reader of the answer
	}
	return queued, k.debts.add()
}
