package suites

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/promqltest"
)

func TestAnAutoscalerHasASecondReading(t *testing.T) {
	described := func(e Experiment) string {
		for _, s := range e.Hypothesis.Signals {
			if s.Name == signalKubelets {
				return s.Describe
			}
		}
		return ""
	}
	e := build(t, scaled, "checkout/autoscaling/surge")
	if e.Expectations[0].Signal != signalKubelets || !strings.Contains(described(e), `pod=~"checkout-[a-z0-9]+-[a-z0-9]{5}"`) {
		t.Errorf("expectation %+v, signal %q", e.Expectations[0], described(e))
	}
	if calm := described(build(t, scaled, "checkout/pods/kill-one")); calm != "" {
		t.Errorf("an experiment without an autoscaler asks for %s", calm)
	}
	without := strings.NewReplacer(`prometheus: {url: "http://127.0.0.1:9090"}`+"\n", "", `  throughput: {query: "sum(rate(served_total[10s]))", good: value >= 50/s}`+"\n", "", ", throughput]", "]", "[all]", "[autoscaling/surge]").Replace(valid) + "    autoscaler: {}\n"
	e = build(t, without, "checkout/autoscaling/surge")
	if e.Expectations[0].Signal != "" || described(e) != "" {
		t.Errorf("without a Prometheus: expectation %+v, signal %q", e.Expectations[0], described(e))
	}
}

// Two pods of checkout, with a sidecar each, use 300m of the 200m that they
// request; the kubelets tell it.
func TestTheSecondReadingIsOfWhatThePodsUseOfTheirRequest(t *testing.T) {
	const use = `
  container_cpu_usage_seconds_total{namespace="shop",pod="checkout-5d4c-aaaaa",container="checkout"} 0+1x12
  container_cpu_usage_seconds_total{namespace="shop",pod="checkout-5d4c-aaaaa",container="proxy"} 0+0.5x12
  container_cpu_usage_seconds_total{namespace="shop",pod="checkout-5d4c-bbbbb",container="checkout"} 0+1x12
  container_cpu_usage_seconds_total{namespace="shop",pod="checkout-5d4c-bbbbb",container="proxy"} 0+0.5x12
  container_cpu_usage_seconds_total{namespace="shop",pod="checkout-5d4c-aaaaa",container=""} 0+1.5x12
  container_cpu_usage_seconds_total{namespace="shop",pod="checkout-5d4c-aaaaa",container="POD"} 0+9x12
  container_cpu_usage_seconds_total{namespace="shop",pod="checkout-worker-5d4c-ccccc",container="checkout"} 0+9x12`
	const requests = `
  kube_pod_container_resource_requests{namespace="shop",pod="checkout-5d4c-aaaaa",container="checkout",resource="cpu"} 0.15x12
  kube_pod_container_resource_requests{namespace="shop",pod="checkout-5d4c-aaaaa",container="proxy",resource="cpu"} 0.05x12
  kube_pod_container_resource_requests{namespace="shop",pod="checkout-5d4c-bbbbb",container="checkout",resource="cpu"} 0.15x12
  kube_pod_container_resource_requests{namespace="shop",pod="checkout-5d4c-bbbbb",container="proxy",resource="cpu"} 0.05x12
  kube_pod_container_resource_requests{namespace="shop",pod="checkout-5d4c-aaaaa",container="checkout",resource="memory"} 1e9x12`
	twice := strings.ReplaceAll(use, "{", `{replica="b",`)
	young := `
  container_cpu_usage_seconds_total{namespace="shop",pod="checkout-5d4c-ddddd",container="checkout"} 0+9x12`
	shares := `
  container_spec_cpu_shares{namespace="shop",pod="checkout-5d4c-aaaaa",container="checkout"} 153x12
  container_spec_cpu_shares{namespace="shop",pod="checkout-5d4c-aaaaa",container="proxy"} 51x12
  container_spec_cpu_shares{namespace="shop",pod="checkout-5d4c-bbbbb",container="checkout"} 153x12
  container_spec_cpu_shares{namespace="shop",pod="checkout-5d4c-bbbbb",container="proxy"} 51x12`
	session, _ := made(t, scaled, deployed("checkout"))
	source, err := session.source(session.services["checkout"], kubelets())
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ sentence, series string }{
		{"all containers of its pods count, and no other pod's", use + requests},
		{"what is scraped twice counts once", use + twice + requests},
		{"a pod whose request is not known does not count", use + young + requests},
		{"without kube-state-metrics the kubelets know what is requested", use + shares},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			storage := promqltest.LoadedStorage(t, "load 5s"+row.series)
			engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute, LookbackDelta: 5 * time.Minute})
			q, err := engine.NewInstantQuery(context.Background(), storage, nil, source.Query.String(), time.Unix(60, 0))
			if err != nil {
				t.Fatal(err)
			}
			defer q.Close()
			vector, err := q.Exec(context.Background()).Vector()
			if err != nil || len(vector) != 1 {
				t.Fatalf("%v, %v", vector, err)
			}
			// 0.3 cores of 0.2, in each of two pods.
			if got := vector[0].F; math.Abs(got-1.5) > 0.01 {
				t.Errorf("%.3f of the request, want 1.5", got)
			}
		})
	}
	if names := []string{"autoscaling/surge", "autoscaling/cpu-all", "autoscaling/kill", "autoscaling/rest", "capacity/scaled"}; slices.ContainsFunc(names, func(id string) bool {
		return build(t, scaled, "checkout/"+id).Expectations[0].Signal != signalKubelets
	}) {
		t.Errorf("not all of %v have a second reading", names)
	}
}
