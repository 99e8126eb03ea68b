package main

import (
	"net/http"
	"strconv"
	"time"
)

// measured is a route whose requests are in the histogram.
func (s *service) measured(route string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		seen := &status{ResponseWriter: w, code: http.StatusOK}
		next.ServeHTTP(seen, r)
		s.duration.WithLabelValues(route, method(r.Method), strconv.Itoa(seen.code)).Observe(time.Since(begin).Seconds())
	})
}

// method keeps callers from making up label values.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return m
	}
	return "other"
}

type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}
