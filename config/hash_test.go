package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// hashed is a file of experiments, each with one of everything that the hash is of
// or is not of.
const hashed = `apiVersion: aftershock/v1
cluster: {uid: 0b1c}
allow: {namespaces: [shop, stage]}
prometheus: {url: "http://prometheus.example:9090"}
checks:
  answers: {signal: requests, good: value <= 1s, allowed: 0.1%, limits: [downtime <= 3s, p95 <= 500ms]}
  live: {signal: websocket, good: value <= 1s}
  flow: {query: "sum(rate({{.Histogram}}_count{ {{.Series}}}[{{.Range}}]))", good: value > 0, limits: [outage <= 30s]}
services:
  checkout:
    namespace: shop
    workload: deployment/checkout
    selector: {app: checkout}
    container: app
    load: {url: "http://checkout.example/", rate: 100/s, method: POST, headers: {Accept: text/html, Authorization: {env: TOKEN}}, bodyFile: body}
    websocket: {url: "ws://checkout.example/live", timeout: 3s}
    checks: [answers, live, flow]
    metrics: {histogram: seconds}
    podSignals: {queue: sum by (pod) (queue)}
  payments: {namespace: shop, workload: deployment/payments}
  ledger: {namespace: shop, workload: deployment/ledger, load: {targets: targets}}
experiments:
  storm:
    service: checkout
    times: {hold: 30s}
    faults:
      slow: {networkDelay: {pods: all, latency: 100ms, to: payments}, effects: [{signal: queue, rise: 3}]}
      own: {chaosMesh: {file: own.yaml}, at: 5s}
  aimed: {service: ledger, faults: {kill: {podKill: {pods: 1}}}}
`

// hashes are those of the file with its files beside it.
func hashes(t *testing.T, replace ...string) string {
	t.Helper()
	dir := t.TempDir()
	text := strings.NewReplacer(replace...)
	for name, content := range map[string]string{
		"aftershock.yaml": hashed,
		"body":            "an order",
		"targets":         "GET http://ledger.example/entries\n\nGET http://ledger.example/total\n",
		"own.yaml":        "apiVersion: chaos-mesh.org/v1alpha1\nkind: PodChaos\nmetadata: {name: own, namespace: shop}\nspec: {action: pod-failure, mode: one, selector: {namespaces: [shop], labelSelectors: {app: checkout}}}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text.Replace(content)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	plan, err := Read(filepath.Join(dir, "aftershock.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return plan.Planned[0].Hash + " " + plan.Planned[1].Hash
}

func TestTheHashIsOfWhatIsDone(t *testing.T) {
	was := hashes(t)
	for _, row := range []struct{ sentence, old, new string }{
		{"the rate", "rate: 100/s", "rate: 90/s"},
		{"the method", "method: POST", "method: PUT"},
		{"a header's value", "text/html", "text/plain"},
		{"a secret header", "Authorization: {env", "Proxy-Authorization: {env"},
		{"what the body file holds", "an order", "two orders"},
		{"what the targets file holds", "/total", "/sum"},
		{"the workload", "deployment/checkout", "statefulset/checkout"},
		{"the selector of the pods", "{app: checkout}\n    container", "{app: other}\n    container"},
		{"the container", "container: app", "container: proxy"},
		{"which service is called", "to: payments", "to: ledger"},
		{"the workload that is called", "deployment/payments", "deployment/pay"},
		{"a fault's field", "latency: 100ms", "latency: 110ms"},
		{"an effect", "rise: 3", "rise: 4"},
		{"the query in which an effect is looked for", "(pod) (queue)", "(pod) (waiting)"},
		{"what the file of an object holds", "pod-failure", "pod-kill"},
		{"when a fault comes", "at: 5s", "at: 6s"},
		{"the times", "hold: 30s", "hold: 31s"},
		{"what counts as good", "value <= 1s", "value <= 2s"},
		{"a check's query", "_count{", "_sum{"},
		{"how long a probe waits", "timeout: 3s", "timeout: 4s"},
		{"how often it asks", "timeout: 3s", "timeout: 3s, every: 200ms"},
		{"over which connections", "timeout: 3s", "timeout: 3s, reuse: true"},
		{"a header of a probe", "timeout: 3s", "timeout: 3s, headers: {Origin: checkout}"},
		{"a secret header of a probe", "timeout: 3s", "timeout: 3s, headers: {Authorization: {env: TOKEN}}"},
		{"what stands in a check's query", "histogram: seconds", "histogram: latency"},
	} {
		if hashes(t, row.old, row.new) == was {
			t.Errorf("%s: the hash is the same", row.sentence)
		}
	}
	for _, row := range []struct{ sentence, old, new string }{
		{"a limit", "p95 <= 500ms", "p95 <= 400ms"},
		{"the url", "http://checkout.example/", "http://checkout.stage.example/"},
		{"a default of a probe, written out", "timeout: 3s", "timeout: 3s, every: 100ms, reuse: false, headers: {}"},
		{"a header's name in lower case", "Accept: text/html", "accept: text/html"},
		{"the url of a probe", "ws://checkout.example/", "ws://checkout.stage.example/"},
		{"the name of the file of an object", "file: own.yaml", "file: ./own.yaml"},
		{"the urls of targets", "http://ledger.example", "https://ledger.stage.example"},
		{"the namespace", "namespace: shop\n    workload: deployment/checkout", "namespace: stage\n    workload: deployment/checkout"},
		{"where Prometheus is", "prometheus.example", "prometheus.stage.example"},
	} {
		if hashes(t, row.old, row.new) != was {
			t.Errorf("%s: the hash differs", row.sentence)
		}
	}
}
