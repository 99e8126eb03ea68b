package config

import (
	"regexp"
	"strings"
)

// moved says what replaces a field that older files had.
func (d *decoder) moved(at cursor) (instead string, ok bool) {
	path := keys.ReplaceAllString(at.path.String(), "")
	if instead, ok = sections[path]; ok {
		d.old = true
		// What is in the section is reported at once.
		if into := map[string]any{"load": &Load{}, "websocket": &WebSocket{}, "grpc": &GRPC{}, "autoscaler": &Autoscaler{}}[path]; into != nil {
			d.value(at, into)
		}
		return instead, true
	}
	for field, instead := range renamed {
		if path == field || strings.HasSuffix(path, "."+field) {
			return instead, true
		}
	}
	return "", false
}

// keys match the names of a path, which are the user's.
var keys = regexp.MustCompile(`\[[^\]]*\]`)

// sections are those of older files, and what there is in place of each.
var sections = map[string]string{
	"service":     "the file now names services: services: {checkout: {namespace: shop, workload: deployment/checkout}}",
	"dependency":  "what a service calls is now a service of the file: services: {checkout: {calls: [payments]}, payments: {namespace: shop, workload: deployment/payments}}",
	"load":        "a load now belongs to a service: services: {checkout: {load: {url: ..., rate: 100/s}}}",
	"websocket":   "a probe now belongs to a service: services: {checkout: {websocket: {url: ...}}}",
	"grpc":        "a probe now belongs to a service: services: {checkout: {grpc: {address: ...}}}",
	"autoscaler":  "an autoscaler now belongs to a service: services: {checkout: {autoscaler: {surge: 10x}}}",
	"capacity":    "objectives are now a suite: services: {checkout: {suites: [capacity], metrics: {histogram: ..., labels: ..., range: 15s}}}; to change a query write checks: {capacity/p95: {query: ...}}",
	"pod_signals": "they now belong to a service: services: {checkout: {podSignals: {calls: ...}}}",
}

// renamed are fields of older files within sections, and what there is in place of
// each.
var renamed = map[string]string{
	"load.shape":                  "rate takes a shape too; write rate: ramp from 10/s to 100/s over 1m",
	"load.header_files":           "is now headerFiles",
	"load.secret_headers":         "a secret is now a header like any other; write headers: {Authorization: {env: TOKEN}}",
	"load.body_file":              "is now bodyFile",
	"load.named_by":               "is now backendHeader",
	"load.reuse_connections":      "is now reuse",
	"load.reuse_rate":             "is now reuseRate",
	"load.ca_file":                "is now caFile",
	"websocket.ca_file":           "is now caFile",
	"websocket.fresh_connections": "is the default; to keep one connection write reuse: true",
	"websocket.freshConnections":  "is the default; to keep one connection write reuse: true",
	"grpc.ca_file":                "is now caFile",
	"services.deployment":         "is now workload, which also names the kind; write workload: deployment/checkout",
	"services.pod_signals":        "is now podSignals",
	"services.dependency":         "what a service calls is now a service of the file; write calls: [payments]",
	"services.capacity":           "objectives are now a suite; write suites: [capacity], and metrics: {histogram: ..., labels: ..., range: 15s}",
	"vary.hold":                   "is now one of the times; write times: {hold: 1m}",
	"vary.watch":                  "is now one of the times; write times: {watch: 5m}",
	"vary.follow":                 "is now a field of a fault; write faults: {NAME: {KIND: {follow: true}}}; \"aftershock catalog\" shows both names",
	"experiments.hold":            "is now one of the times; write times: {hold: 1m}",
	"experiments.watch":           "is now one of the times; write times: {watch: 5m}",
	"experiments.follow":          "is now a field of a fault; write faults: {NAME: {KIND: {follow: true}}}",
}

// listed says what replaces a list that older files had.
func listed(at cursor) string {
	if at.path != nil && at.path.String() == "checks" {
		return "checks now have names; write checks: {answers: {signal: requests, good: value <= 2s, ...}}, and the names under services: {checkout: {checks: [answers]}}"
	}
	return ""
}
