package main

import (
	"context"
	"log"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// debts are the orders that are not paid yet. They are kept in memory and are lost with the pod: enough for a shop that sells nothing.
type debts struct {
	payer *payer
	open  chan struct{}
}

// mostDebts is how many orders may wait: five minutes of a hundred a second on three pods.
const mostDebts = 10_000

func newDebts(p *payer, registry *prometheus.Registry) *debts {
	d := &debts{payer: p, open: make(chan struct{}, mostDebts)}
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "checkout_payments_queued",
		Help: "Orders that payments have not been able to take the money for yet.",
	}, func() float64 { return float64(len(d.open)) }))
	return d
}

// add keeps one more order, unless there are too many.
func (d *debts) add() bool {
	select {
	case d.open <- struct{}{}:
		return true
	default:
		return false
	}
}

// settle asks payments for what is owed, one order after the other, until ctx ends. It does so without the request's number:
// a number in the log of payments stands for a customer who waited.
func (d *debts) settle(ctx context.Context) {
	const pause = 500 * time.Millisecond
	again := time.NewTicker(pause)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			if n := len(d.open); n > 0 {
				log.Printf("%d orders are lost that were not paid", n)
			}
			return
		case <-d.open:
		}
		for d.payer.pay(ctx, "") != nil {
			select {
			case <-ctx.Done():
				log.Printf("%d orders are lost that were not paid", len(d.open)+1)
				return
			case <-again.C:
			}
		}
	}
}
