package suites

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/experiments/workers"
)

const valid = `cluster:
  context: staging
  uid: 0b1c
allow:
  namespaces: [shop]
service:
  namespace: shop
  workload: deployment/checkout
  selector: {app: checkout}
load:
  url: http://127.0.0.1:30080/checkout
  rate: 100/s
prometheus:
  url: http://127.0.0.1:9090
times:
  settle: 5s
checks:
  - name: shop answers
    signal: requests
    good: "<= 2s"
    allowed: 0.1%
    limits:
      - downtime <= 2s
      - ttr <= 10s
  - name: throughput
    query: sum(rate(http_request_duration_seconds_count[10s]))
    good: ">= 50/s"
`

func TestAValidFile(t *testing.T) {
	c, err := Decode("aftershock.yaml", []byte(valid))
	if err != nil {
		t.Fatal(err)
	}
	if c.Load.Shape.String() != "100/s" || c.Load.Timeout != 2*time.Second || c.Settle != 5*time.Second || c.Hold != defaultHold {
		t.Errorf("load %+v, settle %s, hold %s", c.Load, c.Settle, c.Hold)
	}
	if got := c.Load.Success.String(); got != "" {
		t.Errorf("success %q, want the default", got)
	}
	with, err := Decode("aftershock.yaml", []byte(strings.Replace(valid, "  rate: 100/s", "  rate: 100/s\n  success: {status: [200-299, 304], body: {contains: '\"paid\":true'}}", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := with.Load.Success.String(), `status 200-299, 304 and "\"paid\":true" in the body`; got != want {
		t.Errorf("success %q, want %q", got, want)
	}
	both, err := Decode("aftershock.yaml", []byte(strings.NewReplacer("  rate: 100/s", "  rate: 100/s\n  reuse_rate: 19/s", "signal: requests", "signal: requests reused").Replace(valid)))
	if err != nil {
		t.Fatal(err)
	}
	if both.Load.ReuseRate != 19 || both.Checks[0].Signal != load.ReusedSignal {
		t.Errorf("load %+v, checks %+v, want fresh and reused connections side by side", both.Load, both.Checks)
	}
	if len(c.Checks) != 2 || c.Checks[0].Allowed != 0.001 || len(c.Checks[0].Limits) != 2 || c.Checks[1].Signal != "throughput" {
		t.Errorf("checks %+v", c.Checks)
	}
	if c.Service.Workload != checkout || c.Service.Service != "" || c.Service.Container != "" {
		t.Errorf("service %+v, want the workload, and nothing that is to be read from the cluster", c.Service)
	}
}

func TestTheWorkersOfALoad(t *testing.T) {
	const with = "  rate: 100/s\n  workers: {count: 2, image: registry.example/aftershock:1.0, namespace: load-gen, memory: 128Mi}"
	c, err := Decode("aftershock.yaml", []byte(strings.Replace(valid, "  rate: 100/s", with, 1)))
	if err != nil {
		t.Fatal(err)
	}
	c.Cluster.Kubeconfig, c.Cluster.Context = kubeconfig(t), ""
	target, err := c.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	if got := target.Swept(); !slices.Equal(got, []string{"shop", "load-gen"}) {
		t.Errorf("swept: %s", got)
	}
	for _, e := range All(target) {
		job, ok := e.Load.(workers.Job)
		if !ok || job.Validate() != nil {
			t.Fatalf("%s is driven by %T: %v", ID(e), e.Load, job.Validate())
		}
		if job.Count != 2 || job.Namespace != "load-gen" || job.Memory.String() != "128Mi" || job.Lifetime <= e.Longest() {
			t.Errorf("%s: %+v", ID(e), job)
		}
	}
}

// kubeconfig is a file that names a cluster, which is not asked.
func kubeconfig(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	const text = `{"apiVersion":"v1","kind":"Config","clusters":[{"name":"c","cluster":{"server":"http://127.0.0.1:1"}}],"contexts":[{"name":"c","context":{"cluster":"c"}}],"current-context":"c"}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAMistakeIsReportedWithItsLineAndTheChoices(t *testing.T) {
	for _, row := range []struct {
		sentence string
		old, new string
		want     string
	}{
		{"an unknown section", "times:", "tims:", `aftershock.yaml:15: no field "tims"; fields: cluster, allow,`},
		{"an unknown field", "  rate: 100/s", "  rat: 100/s", `aftershock.yaml:12: no field "rat" in "load"; fields: url, rate,`},
		{"reused connections without a rate", "signal: requests", "signal: requests reused", `aftershock.yaml:18: check "shop answers": no signal "requests reused": the file has no load.reuse_rate, which makes it`},
		{"a rate of them that is none", "  rate: 100/s", "  rate: 100/s\n  reuse_rate: 19", `aftershock.yaml:13: "19" is no rate, as in 100/s or 1000/min`},
		{"all of them and a rate of them", "  rate: 100/s", "  rate: 100/s\n  reuse_connections: true\n  reuse_rate: 19/s", "reuse and a reuse rate of 19/s: with a rate of reused connections the others are fresh"},
		{"an unknown field of a body", "  rate: 100/s", "  rate: 100/s\n  success:\n    status: [200-299]\n    body:\n      has: paid", `aftershock.yaml:16: no field "has" in "load.success.body"; fields: contains`},
		{"an unknown field of success", "  rate: 100/s", "  rate: 100/s\n  success:\n    code: 200", `aftershock.yaml:14: no field "code" in "load.success"; fields: status, body`},
		{"a status that is none", "  rate: 100/s", "  rate: 100/s\n  success: {status: [2xx]}", `aftershock.yaml:13: status "2xx": want a code or a range of them, as in 200 or 200-299`},
		{"a status that is a failure always", "  rate: 100/s", "  rate: 100/s\n  success: {status: [200, 404]}", `aftershock.yaml:13: status 404: want codes within 200-399`},
		{"an unknown field of a check", "    allowed: 0.1%", "    permitted: 0.1%", `aftershock.yaml:21: no field "permitted" in "checks"; fields: name, signal,`},
		{"a bad unit", "downtime <= 2s", "downtime <= 2parsec", `aftershock.yaml:23: limit "downtime <= 2parsec"`},
		{"a quantity that there is not", "ttr <= 10s", "mtbf <= 10s", `aftershock.yaml:24: limit "mtbf <= 10s": no quantity "mtbf"; quantities: downtime,`},
		{"a limit finer than the traffic can decide", "downtime <= 2s", "downtime <= 5ms", `aftershock.yaml:23: limit "downtime <= 5ms" is finer than its signal can decide: an outage of up to 10ms`},
		{"bad PromQL", "[10s]))", "[10s])", `aftershock.yaml:26: check "throughput": PromQL:`},
		{"a signal that there is not", "signal: requests", "signal: request", `aftershock.yaml:18: check "shop answers": no signal "request"; signals: requests, replicas`},
		{"a bad tolerance", `good: "<= 2s"`, `good: "2s"`, `aftershock.yaml:20: tolerance "2s": want an operator first`},
		{"a bad length of time", "settle: 5s", "settle: soon", `aftershock.yaml:16: "soon" is not a length of time`},
		{"a bad rate", "rate: 100/s", "rate: fast", `aftershock.yaml:12: shape "fast": "fast" is no rate, as in 100/s or 1000/min`},
		{"a bad shape", "rate: 100/s", "shape: ramp from 1/s to 10/s", `aftershock.yaml:12: shape "ramp from 1/s to 10/s": "" where "over" should be; want one of "100/s", "ramp from`},
		{"a shape and a rate", "rate: 100/s", "rate: 100/s\n  shape: 50/s", `aftershock.yaml:13: load has a shape and a rate`},
		{"targets and a URL", "rate: 100/s", "targets: shop.txt", `aftershock.yaml:10: load: targets and a url or a method`},
		{"a secret from nowhere", "rate: 100/s", "secret_headers: {Authorization: {}}", `load: secret header "Authorization": want the name of an environment variable or the path of a file`},
		{"a secret's field that there is not", "rate: 100/s", "secret_headers:\n    Authorization: {env: A, value: x}", `aftershock.yaml:13: secret header "Authorization": no field "value"; fields: env, file`},
		{"a limit finer than a shape at its lowest can decide", "rate: 100/s", "shape: sine 10/s by 9.9/s every 1m", `limit "downtime <= 2s" is finer than its signal can decide: an outage of up to 10s`},
		{"a WebSocket that is none", "times:", "websocket: {url: 'http://h/'}\ntimes:", `aftershock.yaml:15: websocket: url "http://h/": want ws://host/path`},
		{"an unknown field of it", "times:", "websocket:\n  uri: ws://h/\ntimes:", `no field "uri" in "websocket"; fields: url, every, timeout`},
		{"a health check of nobody", "times:", "grpc: {service: shop}\ntimes:", `aftershock.yaml:15: grpc: address "": want host:port`},
		{"authorities without TLS", "times:", "grpc: {address: 'h:1', ca_file: ca.pem}\ntimes:", "add tls: true"},
		{"a check of a WebSocket that there is not", "signal: requests", "signal: websocket", `check "shop answers": no signal "websocket": the file has no section websocket`},
		{"a rate of nothing", "rate: 100/s", "rate: 0/min", `aftershock.yaml:12: shape "0/s": rate 0/s: want from 1/min`},
		{"seconds without their unit", `good: "<= 2s"`, `good: "<= 500"`, `aftershock.yaml:20: "<= 500" on requests: they are a time`},
		{"a percentile without its unit", "ttr <= 10s", "p95 <= 500", `aftershock.yaml:24: "<= 500" on requests: they are a time`},
		{"a share of a time", "allowed: 0.1%", "allowed: 1ms", `aftershock.yaml:21: allowed "1ms": want a share in %, as in "0.1%"`},
		{"an allowed share without its unit", "allowed: 0.1%", "allowed: 0.1", `aftershock.yaml:21: allowed "0.1": want a share in %, as in "0.1%"`},
		{"an uptime without its unit", "downtime <= 2s", "uptime >= 99.9", `aftershock.yaml:23: limit "uptime >= 99.9": uptime is a share, and "99.9" is not: write it in %`},
		{"a negative time", "downtime <= 2s", "downtime <= -2s", `aftershock.yaml:23: limit "downtime <= -2s": downtime is never below zero`},
		{"replicas as a time", "    signal: requests\n    good: \"<= 2s\"", "    signal: replicas\n    good: \">= 2s\"", `">= 2s" on replicas: they are ready / desired`},
		{"a rollout as a time", "    signal: requests\n    good: \"<= 2s\"", "    signal: rollout\n    good: \">= 2s\"", `">= 2s" on rollout: it is 1 when it is complete`},
		{"a limit finer than the replicas are read", "    signal: requests\n    good: \"<= 2s\"\n    allowed: 0.1%\n    limits:\n      - downtime <= 2s", "    signal: replicas\n    good: \">= 1\"\n    limits:\n      - downtime <= 5ms", `limit "downtime <= 5ms" is finer than its signal can decide: an outage of up to 1s`},
		{"an experiment that there is not", "checks:", "experiments:\n  pods/kill-two: {hold: 3s}\nchecks:", `aftershock.yaml:18: no experiment "pods/kill-two"; experiments: pods/kill-one, pods/kill-third`},
		{"an unknown field of an experiment", "checks:", "experiments:\n  pods/kill-one: {holds: 3s}\nchecks:", `no field "holds" in "experiments"; fields: skip, hold`},
		{"limits of a check that there is not", "checks:", "experiments:\n  pods/kill-one: {limits: {shop: [ttr <= 3s]}}\nchecks:", `no check "shop"; checks: "shop answers", "throughput"`},
		{"a bad limit of an experiment", "checks:", "experiments:\n  pods/kill-one:\n    limits:\n      shop answers: [ttr <= 3]\nchecks:", `aftershock.yaml:20: limit "ttr <= 3": ttr is a time`},
		{"following what happens at once", "checks:", "experiments:\n  pods/kill-one: {follow: true}\nchecks:", "pods/kill-one has nothing to follow"},
		{"a pod signal that there is not", "checks:", "pod_signals:\n  disk: sum by (pod) (x)\nchecks:", `aftershock.yaml:18: no field "disk" in "pod_signals"; fields: cpu, memory, calls`},
		{"bad PromQL of a pod signal", "checks:", "pod_signals:\n  cpu: sum by (pod) (x\nchecks:", `aftershock.yaml:18: pod signal "cpu": PromQL:`},
		{"a dependency outside of what is allowed", "load:\n", "dependency: {namespace: bank, selector: {app: payments}}\nload:\n", `namespace "bank" of the dependency is not in allow.namespaces (shop)`},
		{"a dependency without a selector", "load:\n", "dependency: {namespace: shop}\nload:\n", "dependency.selector is missing"},
		{"a second document", "checks:", "---\nchecks:", "more than one document"},
		{"no cluster's identity", "  uid: 0b1c\n", "", "cluster.uid is missing"},
		{"no allowed namespace", "  namespaces: [shop]", "  namespaces: []", "allow.namespaces is missing"},
		{"a service outside of what is allowed", "namespaces: [shop]", "namespaces: [store]", `aftershock.yaml:7: namespace "shop" is not in allow.namespaces (store)`},
		{"an empty selector", "  selector: {app: checkout}\n", "  selector: {}\n", "aftershock.yaml:9: service.selector is empty, and would select the pods of every service: name labels, or leave it out"},
		{"the field of older files", "  workload: deployment/checkout", "  deployment: checkout", `aftershock.yaml:8: service.deployment is now service.workload, which names the kind too: write "workload: deployment/NAME"; the selector, the container and the Service need not be said any more`},
		{"no workload", "  workload: deployment/checkout\n", "", `aftershock.yaml:6: service.workload is missing: what makes the service's pods, as in "workload: deployment/checkout"`},
		{"a workload without its kind", "deployment/checkout", "checkout", `aftershock.yaml:8: workload "checkout": want one of deployment/NAME, statefulset/NAME, daemonset/NAME`},
		{"a workload of a kind that there is not", "deployment/checkout", "job/checkout", `aftershock.yaml:8: workload "job/checkout": want one of deployment/NAME, statefulset/NAME, daemonset/NAME`},
		{"a workload of no name", "deployment/checkout", "deployment/Checkout!", `aftershock.yaml:8: "Checkout!" is no name of Kubernetes: `},
		{"workers without anything", "  rate: 100/s", "  workers: {}", "aftershock.yaml:12: 0 workers: want from 1 to 100"},
		{"workers of no image", "  rate: 100/s", "  workers: {count: 2, namespace: load-gen}", "load.workers.image is missing"},
		{"workers nowhere, although faults may be somewhere", "  rate: 100/s", "  workers: {count: 2, image: a/b}", "load.workers.namespace is missing: where their Job may be created"},
		{"workers in what is no namespace", "  rate: 100/s", "  workers: {count: 2, image: a/b, namespace: load_gen}", `"load_gen" is no namespace`},
		{"workers of no amount of memory", "  rate: 100/s", "  workers: {count: 2, image: a/b, namespace: load-gen, memory: much}", `"much" is no amount above zero`},
		{"workers of less than no processor", "  rate: 100/s", "  workers: {count: 2, image: a/b, namespace: load-gen, cpu: -1}", `"-1" is no amount above zero`},
		{"a field that workers have not", "  rate: 100/s", "  workers: {count: 2, imag: a/b}", `no field "imag" in "load.workers"; fields: count, image,`},
		{"a bad URL", "http://127.0.0.1:30080/checkout", "checkout", `load: url "checkout": want http://host/path`},
		{"a Prometheus without a URL", "  url: http://127.0.0.1:9090", `  url: ""`, "aftershock.yaml:13:"},
		{"a secret that is written out", "  url: http://127.0.0.1:9090\n", "  url: http://127.0.0.1:9090\n  http_config:\n    basic_auth:\n      username: ann\n      password: sesame\n", ": prometheus.http_config.basic_auth.password: is written out: name a file (password_file)"},
		{"an unknown setting of the client", "  url: http://127.0.0.1:9090\n", "  url: http://127.0.0.1:9090\n  http_config:\n    basic_aut: {}\n", `: prometheus.http_config: unknown field "basic_aut"; fields: basic_auth`},
		{"a query and no Prometheus", "prometheus:\n  url: http://127.0.0.1:9090\n", "", "names no prometheus"},
		{"a reduction that there is not", "    good: \">= 50/s\"", "    good: \">= 50/s\"\n    reduce: median", `reduce "median": want one of sum, max`},
		{"a check without what is good", "    good: \">= 50/s\"\n", "", "needs what counts as good"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			text := strings.Replace(valid, row.old, row.new, 1)
			if text == valid {
				t.Fatalf("%q is not in the file", row.old)
			}
			_, err := Decode("aftershock.yaml", []byte(text))
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v\nwant one with %q", err, row.want)
			}
		})
	}
}

func TestEveryMistakeIsReportedAtOnce(t *testing.T) {
	text := strings.NewReplacer("settle: 5s", "settle: soon", "ttr <= 10s", "mtbf <= 10s").Replace(valid)
	_, err := Decode("f", []byte(text))
	if err == nil || !strings.Contains(err.Error(), "soon") || !strings.Contains(err.Error(), "mtbf") {
		t.Errorf("error %v, want both mistakes", err)
	}
}

func TestNoFileIsNoConfiguration(t *testing.T) {
	if _, err := Load(filepath.Join(t.TempDir(), "aftershock.yaml")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want that the file is not there", err)
	}
	if _, err := Decode("f", nil); err == nil || !strings.Contains(err.Error(), "f: the file is empty") {
		t.Errorf("error %v, want that the file is empty", err)
	}
}

// The list of fields in error messages is that of the file.
func TestTheFieldsThatErrorsNameAreThoseThereAre(t *testing.T) {
	names := func(t reflect.Type) []string {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
			t = t.Elem()
		}
		var list []string
		if t.Kind() != reflect.Struct {
			return nil // a value, without fields
		}
		for f := range t.Fields() {
			list = append(list, f.Tag.Get("yaml"))
		}
		return list
	}
	want := map[string][]string{}
	var walk func(section string, of reflect.Type)
	walk = func(section string, of reflect.Type) {
		list := names(of)
		if list == nil {
			return
		}
		want[section] = list
		for of.Kind() != reflect.Struct {
			of = of.Elem()
		}
		for f := range of.Fields() {
			walk(strings.TrimPrefix(section+"."+f.Tag.Get("yaml"), "."), f.Type)
		}
	}
	walk("", reflect.TypeFor[file]())
	for section, list := range want {
		if !slices.Equal(list, fields[section]) {
			t.Errorf("section %q: error messages name %v, the file has %v", section, fields[section], list)
		}
	}
	if len(want) != len(fields) {
		t.Errorf("sections %v, want %d", fields, len(want))
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(valid))
	f.Add([]byte("checks: [{name: a, good: '<= 1', limits: ['p95 <= 2s']}]"))
	f.Fuzz(func(_ *testing.T, text []byte) {
		_, _ = Decode("aftershock.yaml", text) // must not panic
	})
}

func TestExperimentsAreVariedByTheirIDs(t *testing.T) {
	c, err := Decode("aftershock.yaml", []byte(valid+`dependency:
  selector: {app: payments}
pod_signals:
  calls: sum by (pod) (rate(calls_total{outcome="ok"}[5s]))
experiments:
  network/delay:
    hold: 1m
    follow: true
    limits:
      shop answers: [p95 <= 3s]
  stress/memory: {skip: no limit is set}
`))
	if err != nil {
		t.Fatal(err)
	}
	delay := c.Variations["network/delay"]
	if delay.Hold != time.Minute || !delay.Follow {
		t.Errorf("delay %+v", delay)
	}
	checks := delay.checks(c.Checks)
	if len(checks[0].Limits) != 1 || checks[0].Limits[0].String() != "p95 <= 3s" || len(c.Checks[0].Limits) != 2 {
		t.Errorf("limits %v, those for all %v", checks[0].Limits, c.Checks[0].Limits)
	}
	if left := c.LeftOut(); left["stress/memory"] != "no limit is set" || left["stress/cpu-all"] != "" {
		t.Errorf("left out: %v", left)
	}
}

func TestWhatCannotBeShownIsLeftOut(t *testing.T) {
	c, err := Decode("aftershock.yaml", []byte(strings.Replace(valid, "prometheus:\n  url: http://127.0.0.1:9090\n", "", 1)[:strings.Index(valid, "prometheus:")]))
	if err != nil {
		t.Fatal(err)
	}
	left := c.LeftOut()
	for id, want := range map[string]string{
		"network/partition":  "no dependency is named",
		"stress/cpu-one":     `no pod signal "cpu"`,
		"stress/memory":      `no pod signal "memory"`,
		"stress/cpu-all":     `no pod signal "cpu"`,
		"autoscaling/surge":  "no autoscaler is named",
		"capacity/sustained": "no capacity is asked for",
		"capacity/scaled":    "no autoscaler is named",
		"pods/kill-one":      "",
		"network/delay":      "",
	} {
		if (want == "") != (left[id] == "") || !strings.Contains(left[id], want) {
			t.Errorf("%s: %q, want %q", id, left[id], want)
		}
	}
}

func TestALoadOfManyTargetsAndTheSourcesBesideIt(t *testing.T) {
	text := strings.NewReplacer(
		"  url: http://127.0.0.1:30080/checkout\n  rate: 100/s\n", `  targets: shop.txt
  shape: ramp from 1000/min to 100/s over 1m
  header_files: [headers.txt]
  body_file: /bodies/cart
  secret_headers:
    Authorization: {env: SHOP_TOKEN}
    X-Key: {file: key}
`,
		"times:\n", "websocket: {url: 'wss://shop.example/live', every: 50ms, fresh_connections: true}\ngrpc: {address: 'shop.example:443', service: shop.Checkout, timeout: 1s, tls: true}\ntimes:\n",
		"  - name: throughput\n", `  - name: live
    signal: websocket
    good: "<= 100ms"
    limits: [p95 <= 100ms, downtime <= 1s]
  - name: health
    signal: grpc
    good: "<= 1s"
  - name: throughput
`).Replace(valid)
	c, err := Decode("conf/aftershock.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	// Paths are relative to the file.
	if want := "requests at ramp from 1000/min to 100/s over 1m over fresh connections, targets of conf/shop.txt, timeout 2s, Authorization of environment variable SHOP_TOKEN, X-Key of file conf/key"; c.Load.String() != want {
		t.Errorf("load %q, want %q", c.Load, want)
	}
	if c.Load.BodyFile != "/bodies/cart" || !slices.Equal(c.Load.HeaderFiles, []string{"conf/headers.txt"}) {
		t.Errorf("body %q, headers %q", c.Load.BodyFile, c.Load.HeaderFiles)
	}
	if want := "wss://shop.example/live, a fresh connection each, every 50ms, timeout 2s"; !strings.HasSuffix(c.WebSocket.String(), want) {
		t.Errorf("websocket %q, want %q", c.WebSocket, want)
	}
	if want := "service shop.Checkout at shop.example:443, every 100ms, timeout 1s"; !strings.HasSuffix(c.GRPC.String(), want) || c.GRPC.TLS == nil {
		t.Errorf("grpc %q, want %q and TLS", c.GRPC, want)
	}
	for _, row := range []struct{ sentence, old, new, want string }{
		{"round trips without their unit", "<= 100ms\"", "<= 100\"", `"<= 100" on websocket: its values are a time; write it with a unit, as in 100ms`},
		{"a limit finer than the messages are sent", "downtime <= 1s]", "downtime <= 10ms]", `limit "downtime <= 10ms" is finer than its signal can decide: an outage of up to 50ms`},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			_, err := Decode("f", []byte(strings.Replace(text, row.old, row.new, 1)))
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want one with %q", err, row.want)
			}
		})
	}
}

// A time of the file that is too short for an experiment is not overruled in
// silence: preflight prints which one holds.
func TestATimeThatIsTooShortIsToldOf(t *testing.T) {
	for _, row := range []struct{ sentence, times, variation, want string }{
		{"a file that says nothing of it", "settle: 5s", "", ""},
		{"a file that says less", "settle: 5s, hold: 8s", "", "hold is 20s and not 8s, which is too short for what it does; experiments: {network/delay: {hold: ...}} sets another"},
		{"a file that says more", "settle: 5s, hold: 30s", "", ""},
		{"one that says it of the experiment", "settle: 5s, hold: 8s", "experiments: {network/delay: {hold: 9s}}\n", ""},
	} {
		text := strings.Replace(valid, "times:\n  settle: 5s\n", "times: {"+row.times+"}\n", 1) + row.variation
		if !strings.Contains(text, row.times) {
			t.Fatalf("no times in\n%s", text)
		}
		e := build(t, text, "network/delay")
		c, err := Decode("aftershock.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := c.lengthened(e); got != row.want {
			t.Errorf("%s: %q, want %q", row.sentence, got, row.want)
		}
	}
}
