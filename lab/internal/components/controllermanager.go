package components

import (
	"github.com/aftershockhq/aftershock/lab/internal/pki"
	"github.com/aftershockhq/aftershock/lab/internal/supervise"
)

func controllerManager() supervise.Component {
	return supervise.Component{
		Name:  "kube-controller-manager",
		Needs: []string{"kube-apiserver"},
		Args: []string{
			run.Bin("kube-controller-manager"),
			"--kubeconfig=" + run.Kubeconfig(),
			"--service-account-private-key-file=" + run.PKI(pki.AccountKey),
			"--root-ca-file=" + run.PKI(pki.CA),
			"--use-service-account-credentials=false",
			"--allocate-node-cidrs=false",
			"--leader-elect=false",
			// A lost node and a busy pod are noticed after seconds, so that an experiment need not last for minutes.
			"--node-monitor-period=1s",
			"--node-monitor-grace-period=10s",
			// It may look only every second time.
			"--horizontal-pod-autoscaler-sync-period=3s",
			"--horizontal-pod-autoscaler-cpu-initialization-period=10s",
			"--horizontal-pod-autoscaler-initial-readiness-delay=5s",
			"--horizontal-pod-autoscaler-downscale-stabilization=20s",
		},
		Ready: supervise.Answers("https://127.0.0.1:10257/healthz"),
	}
}
