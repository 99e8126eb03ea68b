package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/aftershockhq/aftershock/catalog"
	"github.com/aftershockhq/aftershock/steadystate"
)

func TestTheSchemaIsThatOfTheTypes(t *testing.T) {
	text := marshalled(t, generated(t))
	if *update {
		if err := os.WriteFile("schema.json", text, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if Schema() != string(text) {
		t.Error("schema.json is not that of the types: go generate ./config")
	}
}

// compiled is the schema, or another one that refers to it.
func compiled(t testing.TB, other string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	for _, text := range []string{string(marshalled(t, generated(t))), other} {
		if text == "" {
			continue
		}
		parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource(parsed.(map[string]any)["$id"].(string), parsed); err != nil {
			t.Fatal(err)
		}
	}
	id := "urn:aftershock:configuration:1"
	if other != "" {
		id = "urn:other"
	}
	schema, err := c.Compile(id)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// errNoDocument is of a text that is not one document of YAML.
var errNoDocument = errors.New("not one document of YAML")

// valid is whether a schema takes a text. One that is not a document of YAML never
// comes to it.
func valid(schema *jsonschema.Schema, text []byte) error {
	var content any // which cannot be in itself, nor have a name twice
	var n yaml.Node
	if err := errors.Join(yaml.Unmarshal(text, &content), yaml.Unmarshal(text, &n)); err != nil {
		return fmt.Errorf("%w: %w", errNoDocument, err)
	}
	documents := yaml.NewDecoder(bytes.NewReader(text))
	_ = documents.Decode(&content)
	if err := documents.Decode(&content); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: there are two", errNoDocument)
	}
	return schema.Validate(plainValue(&n))
}

// files are configurations of all kinds that [Parse] takes, by what they are.
func files(t testing.TB) map[string]string {
	t.Helper()
	environment(t)
	t.Setenv("PASSWORD", "geheim")
	t.Setenv("TOKEN", "geheim")
	read := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	all := map[string]string{"testdata/aftershock.yaml": read("testdata/aftershock.yaml"), "examples/statefulset": read("../examples/statefulset/aftershock.yaml"), "the printed plan's": printed, "seldom written": seldom}
	lab := template.Must(template.ParseFiles("../lab/aftershock.yaml.tmpl")).Option("missingkey=error")
	for _, of := range []struct{ autoscaled, back, slow bool }{{}, {slow: true}, {autoscaled: true}, {autoscaled: true, back: true}} {
		var text strings.Builder
		err := lab.Execute(&text, map[string]any{
			"Kubeconfig": "kubeconfig", "Context": "lab", "UID": "0b1c", "Namespace": "shop", "Prometheus": "http://127.0.0.1:9090",
			"URL": "http://127.0.0.1:8080/checkout", "Echo": "ws://127.0.0.1:8080/echo", "Autoscaled": of.autoscaled, "ScalesOut": of.back, "ScalesBack": of.back, "Slow": of.slow,
		})
		if err != nil {
			t.Fatal(err)
		}
		all[fmt.Sprintf("the lab's, %+v", of)] = text.String()
	}
	for _, name := range Catalogue().Names() {
		text, err := Catalogue().YAML(name)
		if err != nil {
			t.Fatal(err)
		}
		used := ""
		if strings.Contains(text, "\nchecks:") {
			used = "experiments: {kill: {service: checkout, faults: {kill: {podKill: {pods: 1}}}}}\n"
		}
		// Two services, of which each experiment must name one.
		text = strings.ReplaceAll(text, "    faults:", "    service: checkout\n    faults:")
		all["aftershock catalog "+name] = everything + payments + used + text
	}
	return all
}

// seldom is a file with what is seldom written.
const seldom = `apiVersion: aftershock/v1
cluster: {uid: "${TOKEN}", context: null}
allow: {namespaces: [shop, "${TOKEN}"], protected: [{app: database, tier: 1}]}
prometheus:
  url: "https://mimir.example/${TOKEN}"
  http_config: {basic_auth: {username: ann, password_file: token}, tls_config: {min_version: TLS12, insecure_skip_verify: true}, http_headers: {X-Scope-OrgID: {values: [shop]}}}
x-anything: [1, {a: null}]
freeze:
  windows:
  - {from: 2026-12-20T00:00:00+01:00, to: "2027-01-04T8:00:00.5Z", reason: holidays}
  - {schedule: "0 18 * * FRI", for: 62h, timezone: Europe/Berlin}
  incident: ALERTS{alertstate="firing",severity="page"}
  running: stop
baseline: control
times: {undo: 1m30s, deadline: 1.5h}
checks:
  answers: {signal: requests, good: value <= 1m30s, allowed: 1e-1%, limits: [downtime<=2s, p99.9 of good < 500 ms during watch, uptime >= 99.5%, slow <= 5%, mttr <= 30s after removal, outages <= 3]}
  flow: {query: "sum(rate({{ .Histogram }}_count{ {{- .Series -}} }[{{.Range}}]))", good: value > 0, reduce: max, every: 500ms, limits: [outage <= 30s, mean >= 10 during hold]}
  live: {signal: websocket, good: value <= 100ms}
  health: {signal: grpc, good: value < 1s}
  kept: {signal: requests reused, good: value < 1s}
  ready: {signal: replicas, good: value >= 50%, limits: [min >= 30%, mean > 0]}
  capacity/p95: {good: value < 3s, limits: [max < 3s during hold]}
services:
  checkout:
    namespace: shop
    workload: Deployment/checkout
    selector: {app: checkout, version: 2}
    container: checkout
    service: checkout
    load:
      url: "http://checkout.example/${TOKEN}"
      rate: "steps 10/s for 20s, 50/s"
      method: POST
      headers: {Accept: application/json, X-Number: 5, Authorization: {env: TOKEN}}
      timeout: 3s
      reuseRate: 19/s
      success: {status: [200, 201-299], body: {contains: "${TOKEN}"}}
      reuse: false
    websocket: {url: wss://checkout.example/live, every: 200ms, reuse: true, headers: {Origin: "https://checkout.example", Authorization: {env: TOKEN}}}
    grpc: {address: "checkout.example:9000", service: health, tls: true, headers: {x-tenant: 5, authorization: {file: token}}}
    checks: [answers, flow, live, health, kept, ready]
    suites: [pods/kill-one, network, autoscaling/kill]
    calls: [payments]
    autoscaler: {name: checkout, surge: 2.5x, limits: [decision <= 1m since fault, turns <= 1, replicas >= 3]}
    metrics: {histogram: http_server_seconds, labels: {route: /checkout}, range: 10s}
    podSignals: {calls: "sum by (pod) (rate(calls_total[10s]))"}
    vary:
      network/delay: {faults: {delay: {networkDelay: {latency: 300ms, jitter: null}, effects: [{signal: calls, atMost: 0}]}}, load: {rate: 50/s, method: null}}
      network/partition: {times: {hold: 30s}}
      pods/kill-one: {faults: {kill: null, other: {restart: {}}}, expects: [autoscaler], limits: {autoscaler: [lag <= 10s], signal requests: [mean <= 2x baseline during hold]}}
  payments: {namespace: shop, workload: daemonset/payments, traffic: "sum by (pod) (rate(ops_total[10s]))"}
experiments:
  busy: {service: checkout, load: {rate: 1000/min, targets: null, headers: {X-Number: null}, reuseRate: null}, checks: [live], faults: {}}
  own:
    service: payments
    checks: [standard/replicas]
    title: "{{.Service}} has it all"
    times: {hold: 5m, settle: 20s}
    atLeast: {watch: 1m}
    faults:
      loss: {networkLoss: {pods: 50%, packets: 0.5%, correlation: 20%, outside: [203.0.113.0/24], device: eth1}, effects: [{signal: traffic, quantile: 0.9, rise: 1}]}
      slow: {networkBandwidth: {pods: all, rate: 10M, to: checkout, direction: ingress}, at: 5s, for: 1m, effects: [{event: not ready, container: main}]}
      cpu: {stressCPU: {pods: 1, workers: 2, load: 80%, containers: [main], follow: true}, at: 1m}
      memory: {stressMemory: {pods: 1, size: 256Mi}, at: 2m}
      gone: {containerKill: {pods: "2"}, at: 3m}
  again: {from: own, faults: {loss: {networkLoss: null, evict: {pods: 1}, effects: null}, cpu: null}}
gamedays:
  storm:
    why: does it hold
    owner: ann
    start: "0 10 * * TUE"
    timezone: Europe/Berlin
    windows: [{schedule: "0 18 * * *", for: 14h}, {from: 2026-12-20T00:00:00+01:00, to: "2027-01-04T08:00:00Z"}]
    atMost: 3h
    broken: ask
    unknown: go on
    notify: [{url: {env: TOKEN}}, {url: {file: token}, events: [verdict, outcome, pause, end], body: details}]
    steps: [{pause: tell support}, {run: payments, expect: nothing, broken: go on}, {run: checkout/busy}]
  once: {why: "${TOKEN}", owner: 1, start: "2026-12-20T10:00:00+01:00", steps: [{run: checkout/busy}]}
  any: {why: a, owner: b, start: now, steps: [{run: payments/own}]}
`

// besides is a file beside another that the tests name.
func besides(t testing.TB) string {
	t.Helper()
	directory := t.TempDir()
	text, err := os.ReadFile("testdata/stress.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(directory, "stress.yaml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(directory, "aftershock.yaml")
}

func TestTheSchemaTakesEveryFile(t *testing.T) {
	schema := compiled(t, "")
	all, path := files(t), besides(t)
	for name, text := range all {
		if _, err := Parse(path, []byte(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	examples(t, func(place string, text []byte) { all[place] = string(text) })
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if err := valid(schema, []byte(all[name])); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The catalogue is in the same language, without a cluster and services.
func TestTheSchemaTakesTheCatalogue(t *testing.T) {
	schema := compiled(t, `{"$id": "urn:other", "type": "object", "additionalProperties": false, "required": ["apiVersion"], "properties": {
		"apiVersion": {"const": "aftershock/v1"},
		"checks": {"additionalProperties": {"allOf": [{"$ref": "urn:aftershock:configuration:1#/$defs/Check"}, {"$ref": "urn:aftershock:configuration:1#/$defs/CheckComplete"}]}},
		"experiments": {"additionalProperties": {"allOf": [{"$ref": "urn:aftershock:configuration:1#/$defs/Experiment"}, {"$ref": "urn:aftershock:configuration:1#/$defs/ExperimentComplete"}]}}
	}}`)
	for _, path := range catalog.Files {
		text, err := catalog.FS.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := valid(schema, text); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// Of the malformed files the schema refuses all but these, whose mistakes are no
// schema's to see.
func TestWhatTheSchemaRefuses(t *testing.T) {
	schema := compiled(t, "")
	paths, err := filepath.Glob("testdata/malformed/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	refused, reasons := 0, map[string]string{}
	for reason, names := range unseen {
		for name := range strings.FieldsSeq(names) {
			reasons[name] = reason
		}
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		err = valid(schema, text)
		switch reason, listed := reasons[name]; {
		case err == nil && !listed:
			t.Errorf("%s is taken", name)
		case err != nil && listed:
			t.Errorf("%s is refused after all, and is in the list of those that are not (%s)", name, reason)
		}
		if err != nil {
			t.Logf("%s: %s", name, strings.ReplaceAll(err.Error(), "\n", " "))
		}
		if err != nil && !errors.Is(err, errNoDocument) {
			refused++
		}
		delete(reasons, name)
	}
	for name := range reasons {
		t.Errorf("there is no %s", name)
	}
	if refused < atLeastRefused {
		t.Errorf("%d of %d are refused, want %d or more", refused, len(paths), atLeastRefused)
	}
	t.Logf("%d of %d are refused by the schema", refused, len(paths))
}

// What the decoder takes the schema takes: in each of the files each value is
// changed in turn, by chance.
func TestTheSchemaTakesWhatTheDecoderTakes(t *testing.T) {
	schema := compiled(t, "")
	all, path := files(t), besides(t)
	var words []string
	for _, text := range all {
		var n yaml.Node
		if err := yaml.Unmarshal([]byte(text), &n); err != nil {
			t.Fatal(err)
		}
		walk(&n, func(n *yaml.Node) {
			if n.Kind == yaml.ScalarNode && !slices.Contains(words, n.Value) {
				words = append(words, n.Value)
			}
		})
	}
	slices.Sort(words)
	words = append(words, oddities...)
	random := rand.New(rand.NewPCG(1, 2))
	names := slices.Sorted(maps.Keys(all))
	taken := 0
	for range 3000 {
		name := names[random.IntN(len(names))]
		text := mutated(t, all[name], words, random)
		if plan, err := Parse(path, text); err != nil || plan.Skipped != nil {
			continue // of an experiment that is skipped it looks at the types alone
		}
		taken++
		if err := valid(schema, text); err != nil {
			t.Errorf("%s is taken by the decoder:\n%s\n%v", name, text, err)
		}
	}
	t.Logf("%d of 3000 are taken by the decoder", taken)
	if taken < 300 {
		t.Errorf("%d of 3000 are taken by the decoder: they show little", taken)
	}
}

// oddities are texts that a form may forget.
var oddities = []string{
	"", "null", "~", "0", "1", "-1", "0.5", "1e3", "true", "false", "yes", "2024-01-01", "0x10", "[]", "{}", "${TOKEN}", "${PASSWORD}s", "a$$b", "$", "a: b",
	"1m30s", "1.5h", "100ms", "0s", "+1s", "1µs", ".5s", "downtime<=2s", "p99.9 of good < 2s during watch", "errors == 0", "uptime >= 1e2%", "mttr <= 30s after removal",
	"mean <= 1.5x baseline during hold", "outages <= 0", "rate >= 1000/min", "slow < 5%", "max <= 1m30s", "value<2", "value >= 99.9%", "value == 0", "1000/min", ".5/s",
	"ramp from 1/s to 10/s over 1m", "steps 10/s for 20s, 50/s", "sine 50/s by 30/s every 1m", "spike from 1/s to 9/s after 1s for 1s", "all", "33%", "007", "10M", "256Mi", "1e6",
	"StatefulSet/ledger", "deployment/check.out", "HTTP://host", "https://user@host/x?y=z", "wss://host", "[::1]:80", "300-399", "10 x", "1.01x", "ready <= 2m since fault", "turns<=3",
	"{{ .Service }}", "{{- .Service -}}", "a {b} {{.Service}}", "both", "ingress",
}

// mutated is a file with one value in the place of another.
func mutated(t *testing.T, text string, words []string, random *rand.Rand) []byte {
	t.Helper()
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	var nodes []*yaml.Node
	walk(&document, func(n *yaml.Node) { nodes = append(nodes, n) })
	n := nodes[1+random.IntN(len(nodes)-1)]
	word := words[random.IntN(len(words))]
	switch {
	case n.Kind == yaml.MappingNode && len(n.Content) > 0 && random.IntN(3) > 0: // a field is gone, or null
		i := 2 * random.IntN(len(n.Content)/2)
		if random.IntN(2) == 0 {
			n.Content = slices.Delete(n.Content, i, i+2)
		} else {
			n.Content[i+1] = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
		}
	case n.Kind == yaml.SequenceNode && len(n.Content) > 0 && random.IntN(2) > 0:
		i := random.IntN(len(n.Content))
		n.Content = slices.Delete(n.Content, i, i+1)
	default:
		other := &yaml.Node{}
		if err := yaml.Unmarshal([]byte(word), other); err != nil || len(other.Content) == 0 {
			other.Content = []*yaml.Node{{Kind: yaml.ScalarNode, Value: word, Style: yaml.DoubleQuotedStyle}}
		}
		anchor := n.Anchor
		*n = *other.Content[0]
		n.Anchor = anchor
	}
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	if err := e.Encode(&document); err != nil {
		return nil
	}
	return out.Bytes()
}

// walk is over all nodes but the keys.
func walk(n *yaml.Node, do func(*yaml.Node)) {
	if n.Kind == yaml.AliasNode {
		return
	}
	do(n)
	for i, inner := range n.Content {
		if n.Kind != yaml.MappingNode || i%2 == 1 {
			walk(inner, do)
		}
	}
}

// unseen are the malformed files that the schema takes, by why.
var unseen = map[string]string{
	"a name that stands for something elsewhere in the file": `
		experiment-from-in-a-circle experiment-from-itself experiment-limits-of-a-signal-without-checks experiment-limits-of-another-check
		experiment-limits-of-the-autoscaler-that-is-not-expected experiment-of-an-unknown-service experiment-unknown-check
		fault-to-itself fault-to-unknown-service service-calls-itself service-calls-nothing service-namespace-not-allowed
		gameday-runs-nothing service-unknown-check service-varies-what-it-does-not-run top-cluster-namespace-of-faults`,
	"names that differ by case": `experiment-names-differ-by-case load-headers-differ-by-case service-names-differ-by-case`,
	"what an experiment needs of its service": `
		experiment-expects-an-autoscaler-that-is-not-there experiment-needs-a-pod-signal experiment-needs-calls
		experiment-needs-one-of-two-calls experiment-needs-traffic experiment-without-a-check experiment-without-service-of-two
		fault-drain-of-a-daemonset fault-surge-without-load fault-to-calls-of-none fault-when-without-autoscaler
		service-autoscaler-of-a-daemonset service-check-without-its-probe service-check-without-reused-connections`,
	"what a merge makes": `
		experiment-from-leaves-two-kinds experiment-from-removes-a-required-field experiment-from-removes-the-kind
		experiment-limits-of-a-check-and-its-signal-differ experiment-load-leaves-no-url`,
	"one value compared with another": `
		check-limit-too-fine experiment-limits-too-fine experiment-limits-count-polls experiment-limits-rate-beyond-the-load experiment-surges-differ fault-at-beyond-hold fault-for-too-short fault-hold-too-short fault-delay-jitter-beyond-latency
		check-limit-of-a-query-in-another-unit experiment-deadline-too-short experiment-limits-from-a-fault-without-one fault-for-of-an-eviction`,
	"a text in another language": `
		chaos-mesh-follows-a-kill chaos-mesh-for-of-a-kill chaos-mesh-is-no-yaml chaos-mesh-needs-a-pod-signal chaos-mesh-of-another-kind chaos-mesh-without-namespace chaos-mesh-file-wrong
		check-promql-in-many-lines check-promql-is-a-range check-promql-selects-nothing check-promql-wrong freeze-incident-selects-nothing freeze-incident-wrong
		many-services-use-one-wrong-check service-pod-signal-wrong`,
	"another file": `chaos-mesh-file-missing chaos-mesh-file-of-two load-ca-is-no-certificate load-ca-missing service-ca-missing`,
	"the environment": `
		variable-becomes-no-yaml variable-empty service-that-is-wrong-has-no-followers variable-unset-in-an-alias variable-unset variables-unset-everywhere`,
	"a tag, which is not part of a value": `yaml-tag`,
	"what a protocol sets itself":         `service-websocket-headers-of-the-handshake`,
}

const atLeastRefused = 210

// What the schema gives as an example, or as a default, it takes.
func TestTheSchemaTakesItsExamples(t *testing.T) {
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(marshalled(t, generated(t))))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("urn:aftershock:configuration:1", parsed); err != nil {
		t.Fatal(err)
	}
	seen := 0
	var look func(value any, at string)
	look = func(value any, at string) {
		fields, ok := value.(map[string]any)
		if !ok {
			return
		}
		examples, _ := fields["examples"].([]any)
		if def, there := fields["default"]; there {
			examples = append(examples, def)
		}
		for _, example := range examples {
			schema, err := c.Compile("urn:aftershock:configuration:1#" + at)
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(example); err != nil {
				t.Errorf("%s: %v: %v", at, example, err)
			}
			seen++
		}
		for _, below := range []string{"$defs", "properties"} {
			inner, _ := fields[below].(map[string]any)
			for name, value := range inner {
				look(value, at+"/"+below+"/"+name)
			}
		}
	}
	look(parsed, "")
	if seen < 80 {
		t.Errorf("%d examples, want 80 or more", seen)
	}
}

// The defaults in the comments are those of the program.
func TestTheSchemaHasTheDefaults(t *testing.T) {
	plan := must(t, strings.Replace(everything, "    calls:", "    suites: [pods/kill-one]\n    calls:", 1)+payments+"checks: {flow: {query: up, good: value > 0}}\nexperiments: {a: {service: checkout, checks: [flow], faults: {}}}\n")
	p := plan.Planned[0]
	for path, got := range map[string]string{
		"times.settle":                    steadystate.FormatDuration(p.Times.Settle),
		"times.hold":                      steadystate.FormatDuration(p.Times.Hold),
		"times.watch":                     steadystate.FormatDuration(p.Times.Watch),
		"baseline":                        plan.Baseline,
		"checks.NAME.every":               steadystate.FormatDuration(plan.Planned[1].Checks[0].Query.Every),
		"services.NAME.load.rate":         p.Load.Shape.String(),
		"services.NAME.autoscaler.surge":  fmt.Sprintf("%gx", float64(p.Target.Autoscaler.Surge)),
		"services.NAME.autoscaler.limits": "[" + strings.Join(p.Target.Autoscaler.Limits, ", ") + "]",
		"services.NAME.metrics.histogram": p.Target.Metrics.Histogram,
		"services.NAME.metrics.range":     steadystate.FormatDuration(p.Target.Metrics.Range),
	} {
		if f, err := Explain(path); err != nil || f.Default != got {
			t.Errorf("%s: default %q, %v; want %q", path, f.Default, err, got)
		}
	}
}

// The schema takes each quantity that a limit may name.
func TestTheFormOfLimitsHasEachQuantity(t *testing.T) {
	form := regexp.MustCompile("^(?:" + limitOf(anyValue) + ")$")
	for _, line := range steadystate.Quantities() {
		name, read := strings.Fields(line)[0], 0
		for _, bound := range []string{"1", "1s", "1%", "1/s"} {
			text := strings.Replace(name, "pNN", "p99.9", 1) + " <= " + bound
			if _, err := steadystate.ParseLimit(text); err == nil {
				if read++; !form.MatchString(text) {
					t.Errorf("limitOf has no form of %s", text)
				}
			}
		}
		if read == 0 && name != "of" { // is of others
			t.Errorf("no limit on %s was read", name)
		}
	}
}
