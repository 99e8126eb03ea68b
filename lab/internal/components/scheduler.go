package components

import "github.com/aftershockhq/aftershock/lab/internal/supervise"

func scheduler() supervise.Component {
	return supervise.Component{
		Name:  "kube-scheduler",
		Needs: []string{"kube-apiserver"},
		Args: []string{
			run.Bin("kube-scheduler"),
			"--kubeconfig=" + run.Kubeconfig(),
			"--leader-elect=false",
		},
		Ready: supervise.Answers("https://127.0.0.1:10259/healthz"),
	}
}
