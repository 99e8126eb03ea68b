package components

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aftershockhq/aftershock/lab/internal/plan"
	"github.com/aftershockhq/aftershock/lab/internal/supervise"
)

func kubelet(n int) supervise.Component {
	config := "/run/kubelet.yaml"
	name := plan.NodeName(n)
	return supervise.Component{
		Name:   "kubelet",
		Needs:  []string{"containerd"},
		Weight: besidePods,
		Prepare: func(ctx context.Context) error {
			if err := os.WriteFile(config, []byte(kubeletConfig(name)), 0o644); err != nil {
				return err
			}
			return apiAnswers(ctx)
		},
		Args: []string{
			run.Bin("kubelet"),
			"--kubeconfig=" + run.Kubeconfig(),
			"--config=" + config,
			"--hostname-override=" + name,
			"--node-ip=" + plan.NodeAddress(n),
			"--node-labels=topology.kubernetes.io/region=lab,topology.kubernetes.io/zone=" + plan.Zone(n),
			"--root-dir=" + filepath.Join(run.Data(name), "kubelet"),
			// How often cadvisor looks at a container: the effect of stress must show within a second or two.
			"--housekeeping-interval=1s",
		},
		Ready: supervise.Answers("http://127.0.0.1:10248/healthz"),
	}
}

// apiAnswers is what a component of a node waits for: the API server runs elsewhere.
func apiAnswers(ctx context.Context) error {
	return supervise.Until(ctx, supervise.Answers(plan.API+"/readyz"))
}

func kubeletConfig(name string) string {
	return fmt.Sprintf(`apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
tlsCertFile: %s
tlsPrivateKeyFile: %s
# Only the host and the lab itself can reach it.
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
containerRuntimeEndpoint: unix://%s
cgroupDriver: cgroupfs
failCgroupV1: false
failSwapOn: false
enforceNodeAllocatable: []
# The disk is the host's: its fill level must not evict pods here, nor remove images that cannot be pulled again.
evictionHard: {}
localStorageCapacityIsolation: false
imageGCHighThresholdPercent: 100
# A lost node is noticed after seconds; see kube-controller-manager.
nodeStatusUpdateFrequency: 2s
nodeLeaseDurationSeconds: 10
# No name server answers here yet: a DNS server of the lab belongs at this address.
resolvConf: ""
clusterDNS: [%s]
clusterDomain: cluster.local
maxPods: 60
`, run.PKI(name+".crt"), run.PKI(name+".key"), ContainerdSocket, plan.Control)
}
