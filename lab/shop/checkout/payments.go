package main

import (
	"fmt"
	"net/http"
)

// newPayments is the service that takes the money. Asking it twice for the same order is no harm: it keeps no accounts.
func newPayments(c config, t *truth) *service {
	s := newService(c, t)
	pay := func(w http.ResponseWriter, r *http.Request) {
		s.saw(r)
		sum := s.work.do()
		w.Header().Set("X-Pod", s.pod)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, "{\"payment\":\"%x\",\"pod\":%q}\n", sum[:4], s.pod)
	}
	s.route(http.MethodGet, "/pay", pay)
	s.route(http.MethodPost, "/pay", pay)
	return s
}
