package components

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aftershockhq/aftershock/lab/internal/cluster"
	"github.com/aftershockhq/aftershock/lab/internal/plan"
	"github.com/aftershockhq/aftershock/lab/internal/supervise"
)

// metricsServer is where kubectl top and a HorizontalPodAutoscaler learn what nodes and pods use.
func metricsServer() supervise.Component {
	return supervise.Component{
		Name:  "metrics-server",
		Needs: []string{"kube-apiserver"},
		Prepare: func(ctx context.Context) error {
			c, err := cluster.Connect(run.Kubeconfig())
			if err != nil {
				return err
			}
			return supervise.Until(ctx, func(ctx context.Context) error {
				// It reads here whose requests it may trust, and ends if the API server has not written it yet.
				const trusted = "extension-apiserver-authentication"
				if _, err := c.Kube.CoreV1().ConfigMaps(metav1.NamespaceSystem).Get(ctx, trusted, metav1.GetOptions{}); err != nil {
					return err
				}
				return c.EnsureMetrics(ctx, plan.Control, plan.MetricsPort)
			})
		},
		Args: []string{
			run.Bin("metrics-server"),
			"--kubeconfig=" + run.Kubeconfig(),
			"--authentication-kubeconfig=" + run.Kubeconfig(),
			"--authorization-kubeconfig=" + run.Kubeconfig(),
			fmt.Sprintf("--secure-port=%d", plan.MetricsPort),
			"--cert-dir=" + run.Data("metrics-server"), // it makes its own
			"--kubelet-insecure-tls",
			"--kubelet-preferred-address-types=InternalIP", // names of nodes cannot be looked up here
			// The least it allows: an autoscaler sees load so late. It must be more than the time one kubelet has to answer.
			"--metric-resolution=10s",
			"--kubelet-request-timeout=5s",
		},
		// That it lives. Values it has only after two looks at each kubelet, and nothing waits for them but an autoscaler.
		Ready: supervise.Answers(fmt.Sprintf("https://127.0.0.1:%d/livez", plan.MetricsPort)),
	}
}
