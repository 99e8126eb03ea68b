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
	"service":     "the file names services now: services: {checkout: {namespace: shop, workload: deployment/checkout}}",
	"dependency":  "what a service calls is a service of the file now: services: {checkout: {calls: [payments]}, payments: {namespace: shop, workload: deployment/payments}}",
	"load":        "a load is a service's now: services: {checkout: {load: {url: ..., rate: 100/s}}}",
	"websocket":   "a probe is a service's now: services: {checkout: {websocket: {url: ...}}}",
	"grpc":        "a probe is a service's now: services: {checkout: {grpc: {address: ...}}}",
	"autoscaler":  "an autoscaler is a service's now: services: {checkout: {autoscaler: {surge: 10x}}}",
	"capacity":    "objectives are a suite now: services: {checkout: {suites: [capacity], metrics: {histogram: ..., labels: ..., range: 15s}}}; to change a query write checks: {capacity/p95: {query: ...}}",
	"pod_signals": "they are a service's now: services: {checkout: {podSignals: {calls: ...}}}",
}

// renamed are fields of older files within sections, and what there is in place of
// each.
var renamed = map[string]string{
	"load.shape":                  "rate takes a shape too; write rate: ramp from 10/s to 100/s over 1m",
	"load.header_files":           "is headerFiles now",
	"load.secret_headers":         "a secret is a header like the others now; write headers: {Authorization: {env: TOKEN}}",
	"load.body_file":              "is bodyFile now",
	"load.named_by":               "is backendHeader now",
	"load.reuse_connections":      "is reuse now",
	"load.reuse_rate":             "is reuseRate now",
	"load.ca_file":                "is caFile now",
	"websocket.ca_file":           "is caFile now",
	"websocket.fresh_connections": "is freshConnections now",
	"grpc.ca_file":                "is caFile now",
	"services.deployment":         "is workload now, which names the kind too; write workload: deployment/checkout",
	"services.pod_signals":        "is podSignals now",
	"services.dependency":         "what a service calls is a service of the file now; write calls: [payments]",
	"services.capacity":           "objectives are a suite now; write suites: [capacity], and metrics: {histogram: ..., labels: ..., range: 15s}",
	"vary.hold":                   "is among the times now; write times: {hold: 1m}",
	"vary.watch":                  "is among the times now; write times: {watch: 5m}",
	"vary.follow":                 "is of a fault now; write faults: {NAME: {KIND: {follow: true}}}; \"aftershock catalog\" shows both names",
	"experiments.hold":            "is among the times now; write times: {hold: 1m}",
	"experiments.watch":           "is among the times now; write times: {watch: 5m}",
	"experiments.follow":          "is of a fault now; write faults: {NAME: {KIND: {follow: true}}}",
}

// listed says what replaces a list that older files had.
func listed(at cursor) string {
	if at.path != nil && at.path.String() == "checks" {
		return "checks have names now; write checks: {answers: {signal: requests, good: value <= 2s, ...}}, and the names under services: {checkout: {checks: [answers]}}"
	}
	return ""
}
