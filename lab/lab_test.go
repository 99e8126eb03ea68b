package lab_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/aftershockhq/aftershock/lab"
	"github.com/aftershockhq/aftershock/lab/shop"
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

func TestTheConfigurationIsForWhatIsDeployed(t *testing.T) {
	for _, d := range shop.Defects() {
		of := cluster
		of.Autoscaled, of.ScalesOut, of.ScalesBack, of.Slow = d.Scales(), d.ScalesOut(), d.ScalesBack(), d.Slow()
		var out strings.Builder
		if err := lab.Configuration(&out, of); err != nil {
			t.Fatal(err)
		}
		var parsed struct {
			Checks   map[string]struct{ Good string }
			Services map[string]struct {
				Vary map[string]struct{ Times struct{ Watch string } }
			}
		}
		if err := yaml.Unmarshal([]byte(out.String()), &parsed); err != nil {
			t.Fatalf("%s: %v in\n%s", d, err, &out)
		}
		if slow := parsed.Checks["answers"].Good == "value <= 3s"; slow != (d == shop.GraceTooShort) {
			t.Errorf("%s: slow answers are good: %v", d, slow)
		}
		if long := parsed.Services["checkout"].Vary["autoscaling/surge"].Times.Watch == "64s"; long != (d == shop.Autoscaled || d == shop.MaxTooLow) {
			t.Errorf("%s: a scale-down is watched: %v", d, long)
		}
		if long := parsed.Services["checkout"].Vary["capacity/scaled"].Times.Watch == "82s"; long != (d == shop.Autoscaled) {
			t.Errorf("%s: a scale-down is watched after a scale-out that sufficed: %v", d, long)
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
	for _, c := range []struct {
		text   string
		scaled bool
		rate   string
	}{{fixed.String(), false, "100/s"}, {autoscaled.String(), true, "40/s"}} {
		var parsed struct {
			Services map[string]struct {
				Load       struct{ Rate string }
				Autoscaler *struct{ Surge string }
			}
			Experiments map[string]any
		}
		if err := yaml.Unmarshal([]byte(c.text), &parsed); err != nil {
			t.Fatal(err)
		}
		checkout, storm := parsed.Services["checkout"], parsed.Experiments["storm"]
		if c.scaled && (checkout.Autoscaler == nil || checkout.Autoscaler.Surge != "4x") {
			t.Errorf("the surge: %+v", checkout.Autoscaler)
		}
		if (checkout.Autoscaler != nil) != c.scaled || (storm != nil) != c.scaled || checkout.Load.Rate != c.rate {
			t.Errorf("scaled %v: %+v, storm %v in\n%s", c.scaled, checkout, storm, c.text)
		}
	}
}

// ExampleConfiguration writes the harness's configuration for a cluster.
func ExampleConfiguration() {
	_ = lab.Configuration(os.Stdout, cluster)
}
