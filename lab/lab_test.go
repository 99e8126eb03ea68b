package lab_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/aftershockhq/aftershock/lab"
)

var cluster = lab.Cluster{
	Kubeconfig: "/cache/run/kubeconfig", Context: "lab", UID: "0000-1111", Namespace: "shop",
	URL: "http://198.18.0.11:30080/checkout", Echo: "ws://198.18.0.11:30080/echo", Prometheus: "http://198.18.0.2:9090",
}

func TestConfigurationNamesTheCluster(t *testing.T) {
	var out strings.Builder
	if err := lab.Configuration(&out, cluster); err != nil {
		t.Fatal(err)
	}
	var parsed map[string]any
	if err := yaml.UnmarshalStrict([]byte(out.String()), &parsed); err != nil {
		t.Fatalf("%v in\n%s", err, &out)
	}
	for _, want := range []string{cluster.Kubeconfig, cluster.UID, cluster.URL, cluster.Echo, cluster.Prometheus} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in\n%s", want, &out)
		}
	}
}

func TestOnlyAnAutoscaledServiceHasAnAutoscaler(t *testing.T) {
	scaled := cluster
	scaled.Autoscaled = true
	var fixed, autoscaled strings.Builder
	if err := errors.Join(lab.Configuration(&fixed, cluster), lab.Configuration(&autoscaled, scaled)); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(fixed.String(), "autoscaler") || !strings.Contains(fixed.String(), "  rate: 100/s\n\nprometheus:\n") {
		t.Errorf("with a fixed number of replicas:\n%s", &fixed)
	}
	var parsed struct {
		Load       struct{ Rate string }
		Autoscaler struct{ Name string }
	}
	if err := yaml.Unmarshal([]byte(autoscaled.String()), &parsed); err != nil {
		t.Fatal(err)
	}
	if parsed.Autoscaler.Name != "checkout" || parsed.Load.Rate != "50/s" {
		t.Errorf("with an autoscaler: %+v in\n%s", parsed, &autoscaled)
	}
}

// ExampleConfiguration writes the harness's configuration for a cluster.
func ExampleConfiguration() {
	_ = lab.Configuration(os.Stdout, cluster)
}
