package cluster

import (
	"context"
	"slices"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// EnsureWebhooks registers Chaos Mesh's admission webhooks, as its chart does: they fill in what an object leaves out, its
// namespaces first of all, and refuse what cannot work. Base is the controller's URL, as the API server reaches it; ca signs
// its certificate.
func (c *Client) EnsureWebhooks(ctx context.Context, base string, ca []byte) error {
	mutating, validating := webhooks(base, ca)
	if err := c.Apply(ctx, mutating); err != nil {
		return err
	}
	return c.Apply(ctx, validating)
}

func webhooks(base string, ca []byte) (*admissionv1.MutatingWebhookConfiguration, *admissionv1.ValidatingWebhookConfiguration) {
	mutating := &admissionv1.MutatingWebhookConfiguration{
		TypeMeta:   metav1.TypeMeta{APIVersion: admissionv1.SchemeGroupVersion.String(), Kind: "MutatingWebhookConfiguration"},
		ObjectMeta: metav1.ObjectMeta{Name: "chaos-mesh-mutation"},
	}
	validating := &admissionv1.ValidatingWebhookConfiguration{
		TypeMeta:   metav1.TypeMeta{APIVersion: admissionv1.SchemeGroupVersion.String(), Kind: "ValidatingWebhookConfiguration"},
		ObjectMeta: metav1.ObjectMeta{Name: "chaos-mesh-validation"},
	}
	client := func(verb, kind string) admissionv1.WebhookClientConfig {
		return admissionv1.WebhookClientConfig{URL: new(base + "/" + verb + "-chaos-mesh-org-v1alpha1-" + kind), CABundle: ca}
	}
	// The chart has remotecluster too, which the controller does not serve.
	for _, kind := range []string{
		"podchaos", "iochaos", "timechaos", "networkchaos", "kernelchaos", "stresschaos", "awschaos", "azurechaos", "gcpchaos",
		"dnschaos", "jvmchaos", "schedule", "workflow", "httpchaos", "blockchaos", "physicalmachinechaos", "physicalmachine",
		"statuscheck",
	} {
		resource := kind
		if slices.Contains([]string{"schedule", "workflow", "physicalmachine", "statuscheck"}, kind) {
			resource += "s"
		}
		rules := []admissionv1.RuleWithOperations{{
			Operations: []admissionv1.OperationType{admissionv1.Create, admissionv1.Update},
			Rule:       admissionv1.Rule{APIGroups: []string{"chaos-mesh.org"}, APIVersions: []string{"v1alpha1"}, Resources: []string{resource}},
		}}
		mutating.Webhooks = append(mutating.Webhooks, admissionv1.MutatingWebhook{
			Name: "m" + kind + ".kb.io", ClientConfig: client("mutate", kind), Rules: rules, FailurePolicy: new(admissionv1.Fail),
			SideEffects: new(admissionv1.SideEffectClassNone), TimeoutSeconds: new(int32(5)), AdmissionReviewVersions: []string{"v1"},
		})
		validating.Webhooks = append(validating.Webhooks, admissionv1.ValidatingWebhook{
			Name: "v" + kind + ".kb.io", ClientConfig: client("validate", kind), Rules: rules, FailurePolicy: new(admissionv1.Fail),
			SideEffects: new(admissionv1.SideEffectClassNone), TimeoutSeconds: new(int32(5)), AdmissionReviewVersions: []string{"v1"},
		})
	}
	return mutating, validating
}
