package components

import (
	"context"
	"os"

	"github.com/aftershockhq/aftershock/lab/internal/cluster"
	"github.com/aftershockhq/aftershock/lab/internal/pki"
	"github.com/aftershockhq/aftershock/lab/internal/plan"
	"github.com/aftershockhq/aftershock/lab/internal/supervise"
)

// chaosControllerManager is Chaos Mesh's controller with its webhooks.
func chaosControllerManager() supervise.Component {
	return supervise.Component{
		Name:  "chaos-controller-manager",
		Needs: []string{"kube-apiserver"},
		// Its caches wait for every kind there is, so all definitions come first.
		Prepare: func(ctx context.Context) error {
			c, err := cluster.Connect(run.Kubeconfig())
			if err != nil {
				return err
			}
			if err := c.EnsureNamespace(ctx, plan.ChaosNamespace); err != nil {
				return err
			}
			if err := c.EnsureCRDs(ctx, run.CRDs()); err != nil {
				return err
			}
			ca, err := os.ReadFile(run.PKI(pki.CA))
			if err != nil {
				return err
			}
			return c.EnsureWebhooks(ctx, plan.ChaosWebhooks, ca)
		},
		Args: []string{run.Bin("chaos-controller-manager")},
		Env: []string{
			"KUBECONFIG=" + run.Kubeconfig(),
			"NAMESPACE=" + plan.ChaosNamespace,
			"CERTS_DIR=" + run.PKI(pki.Webhook),
			"SECURITY_MODE=false",
			"CHAOSD_SECURITY_MODE=false",
			"ENABLE_LEADER_ELECTION=false",
			"POD_FAILURE_PAUSE_IMAGE=" + plan.PauseImage,
			"CHAOS_DNS_SERVICE_PORT=0",
		},
		Ready: supervise.Answers(plan.ChaosMetrics),
	}
}
