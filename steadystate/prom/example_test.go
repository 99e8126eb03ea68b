package prom_test

import (
	"context"
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/prom"
)

func ExampleParse() {
	q, err := prom.Parse(`sum(rate(errors_total[1m])) / sum(rate(requests_total[1m] offset 30s))`)
	fmt.Println(q.Window(15*time.Second), err)

	_, err = prom.Parse(`requests_total[1m]`)
	fmt.Println(err)
	// Output:
	// -90.000s..0.000s <nil>
	// parse query "requests_total[1m]": it is a range vector, a list of samples per series: apply a function, as in rate(...) or max_over_time(...)
}

// The HTTP settings are those that Prometheus itself reads. Secrets are in
// files or in environment variables.
func ExampleConfig() {
	var c prom.Config
	err := yaml.Unmarshal([]byte(`
url: https://mimir.example/prometheus
http_config:
  basic_auth:
    username: game-days
    password_ref: MIMIR_PASSWORD
  http_headers:
    X-Scope-OrgID: {values: [shop]}
`), &c)
	fmt.Println(c.URL, c.HTTP.BasicAuth.Username, err)

	err = yaml.Unmarshal([]byte(`
url: https://mimir.example/prometheus
http_config: {basic_auth: {username: game-days, password: open-sesame}}
`), &c)
	fmt.Println(err)
	// Output:
	// https://mimir.example/prometheus game-days <nil>
	// line 3: http_config.basic_auth.password: is written out: name a file (password_file) or an environment variable (password_ref) instead
}

func ExampleSource_Preflight() {
	server, err := newServer() // a Prometheus that scrapes every 15 s
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = server.close() }()
	for _, pod := range []string{"a", "b", "c"} {
		_ = server.add(server.every(`up{job="shop",pod="`+pod+`"}`, 15*time.Second, time.Second, 1, 1, 1)...)
	}
	client, err := prom.NewClient(prom.Config{URL: server.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	source := prom.Source{Client: client, Query: prom.MustParse(`sum(up{job="shop"})`)}
	found, err := source.Preflight(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(found.Values, "scraped every", found.Spacing)
	limit := steadystate.MustParseLimit("downtime <= 30s")
	fmt.Println(limit.Decidable(found.Resolution, 10*time.Minute))
	limit = steadystate.MustParseLimit("downtime <= 2s")
	fmt.Println(limit.Decidable(found.Resolution, 10*time.Minute) != nil)
	// Output:
	// [3] scraped every 15s
	// <nil>
	// true
}

func ExampleSource_Observe() {
	server, err := newServer()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = server.close() }()
	_ = server.add(server.every(`up{job="shop"}`, 15*time.Second, time.Second, 1, 1, 1)...)
	client, err := prom.NewClient(prom.Config{URL: server.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	source := prom.Source{Client: client, Query: prom.MustParse(`sum(up{job="shop"})`)}
	ctx, stop := context.WithCancel(context.Background())
	stop() // so that it observes once more and returns
	err = source.Observe(ctx, steadystate.StartClock(), func(o steadystate.Observation) {
		fmt.Println(o.Value, "of some instant in", o.Width().Round(time.Second), "since the last scrape")
	})
	fmt.Println(err)
	// Output:
	// 1 of some instant in 1s since the last scrape
	// <nil>
}

// The CPU of each pod, under the pod's name.
func ExampleSource_Per() {
	server, err := newServer()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = server.close() }()
	for pod, used := range map[string]float64{"checkout-a": 1, "checkout-b": 3} {
		_ = server.add(server.every(`container_cpu_usage_seconds_total{pod="`+pod+`"}`, 2*time.Second, 0, 0, used, 2*used)...)
	}
	client, err := prom.NewClient(prom.Config{URL: server.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	cpu := prom.Source{
		Client: client,
		Query:  prom.MustParse(`sum by (pod) (rate(container_cpu_usage_seconds_total[10s]))`),
	}.Per("pod")
	ctx, stop := context.WithCancel(context.Background())
	stop() // so that it observes once more and returns
	values := map[string]bool{}
	err = cpu.Observe(ctx, steadystate.StartClock(), func(pod string, o steadystate.Observation) {
		values[pod] = o.Unknown == ""
	})
	fmt.Println(values, err)
	// Output: map[checkout-a:true checkout-b:true] <nil>
}
