package suites_test

import (
	"strings"
	"testing"
	"text/template"

	"github.com/aftershockhq/aftershock/suites"
)

// The lab writes its configuration from a template, for the service with an
// autoscaler and for the one without.
func TestTheConfigurationOfTheLabCanBeRead(t *testing.T) {
	text := template.Must(template.ParseFiles("../lab/aftershock.yaml.tmpl"))
	for _, autoscaled := range []bool{false, true} {
		var out strings.Builder
		if err := text.Option("missingkey=error").Execute(&out, map[string]any{
			"Kubeconfig": "kubeconfig", "Context": "lab", "UID": "u", "Namespace": "shop", "URL": "http://198.18.0.11:30080/checkout",
			"Echo": "ws://198.18.0.11:30080/echo", "Prometheus": "http://198.18.0.2:9090", "Autoscaled": autoscaled,
		}); err != nil {
			t.Fatal(err)
		}
		c, err := suites.Decode("aftershock.yaml", []byte(out.String()))
		if err != nil {
			t.Errorf("autoscaled: %t: %v", autoscaled, err)
			continue
		}
		for _, id := range []string{"autoscaling/surge", "capacity/scaled"} {
			if _, left := c.LeftOut()[id]; left == autoscaled {
				t.Errorf("autoscaled: %t: %s is left out: %t", autoscaled, id, left)
			}
		}
	}
}
