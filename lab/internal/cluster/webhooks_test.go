package cluster

import (
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
)

func TestWebhooks(t *testing.T) {
	mutating, validating := webhooks("https://127.0.0.1:9443", []byte("ca"))
	if len(mutating.Webhooks) == 0 || len(mutating.Webhooks) != len(validating.Webhooks) {
		t.Fatalf("%d fill in and %d check", len(mutating.Webhooks), len(validating.Webhooks))
	}
	resources := map[string]string{} // by path
	for i, m := range mutating.Webhooks {
		v := validating.Webhooks[i]
		for _, hook := range []struct {
			client admissionv1.WebhookClientConfig
			rules  []admissionv1.RuleWithOperations
		}{{m.ClientConfig, m.Rules}, {v.ClientConfig, v.Rules}} {
			path, ok := strings.CutPrefix(*hook.client.URL, "https://127.0.0.1:9443/")
			if !ok || string(hook.client.CABundle) != "ca" || len(hook.rules) != 1 || len(hook.rules[0].Resources) != 1 {
				t.Errorf("%+v", hook)
				continue
			}
			resources[path] = hook.rules[0].Resources[0]
		}
	}
	for _, c := range []struct{ says, path, want string }{
		{"a fault is called the same in singular and plural", "mutate-chaos-mesh-org-v1alpha1-networkchaos", "networkchaos"},
		{"and is checked", "validate-chaos-mesh-org-v1alpha1-networkchaos", "networkchaos"},
		{"a schedule is not", "mutate-chaos-mesh-org-v1alpha1-schedule", "schedules"},
		{"the controller serves nothing for this one", "mutate-chaos-mesh-org-v1alpha1-remotecluster", ""},
	} {
		if got := resources[c.path]; got != c.want {
			t.Errorf("%s: %q, want %q", c.says, got, c.want)
		}
	}
}
