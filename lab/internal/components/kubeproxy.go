package components

import (
	"github.com/aftershockhq/aftershock/lab/internal/plan"
	"github.com/aftershockhq/aftershock/lab/internal/supervise"
)

func kubeProxy(n int) supervise.Component {
	return supervise.Component{
		Name:    "kube-proxy",
		Weight:  besidePods,
		Prepare: apiAnswers,
		Args: []string{
			run.Bin("kube-proxy"),
			"--kubeconfig=" + run.Kubeconfig(),
			"--hostname-override=" + plan.NodeName(n),
			"--bind-address=" + plan.NodeAddress(n),
			"--cluster-cidr=" + plan.Pods,
			"--proxy-mode=iptables",
			"--conntrack-max-per-core=0", // the limit is the host's
		},
		Ready: supervise.Answers("http://" + plan.NodeAddress(n) + ":10256/livez"),
	}
}
