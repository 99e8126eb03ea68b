package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// A request costs what it is said to cost, whatever the machine and the rest of the program take of that.
func TestARequestCostsTheSameOnEveryMachine(t *testing.T) {
	const each, n = 5 * time.Millisecond, 40
	s := newPayments(config{pod: "payments-1", work: each}, logged(t, "payments-1", &output{}))
	ask := func(times int) {
		for range times {
			hash(1000) // what else a request needs
			s.mux.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/pay", nil))
		}
	}
	ask(2 * credit) // what this process has used before is paid off
	begin := used()
	ask(n)
	// The last one's own work is the rest of it; other tests of this process may use some too.
	if spent := used() - begin; spent < n*each-each || spent > n*each+2*each {
		t.Errorf("%s for %d requests of %s", spent, n, each)
	}
}

// What the process did while nobody asked is not taken off from what comes then.
func TestIdleTimeIsNotSavedUp(t *testing.T) {
	w := work{each: time.Millisecond}
	w.do()
	hash(200_000)
	begin := used()
	const n = 3 * credit
	for range n {
		w.do()
	}
	if spent := used() - begin; spent < (n-credit-1)*w.each {
		t.Errorf("%s for %d requests of %s after a time without", spent, n, w.each)
	}
}
