package components

import (
	"github.com/aftershockhq/aftershock/lab/internal/pki"
	"github.com/aftershockhq/aftershock/lab/internal/plan"
	"github.com/aftershockhq/aftershock/lab/internal/supervise"
)

func apiserver() supervise.Component {
	return supervise.Component{
		Name:  "kube-apiserver",
		Needs: []string{"etcd"},
		Args: []string{
			run.Bin("kube-apiserver"),
			"--etcd-servers=http://127.0.0.1:2379",
			"--secure-port=6443",
			"--advertise-address=" + plan.Control,
			"--tls-cert-file=" + run.PKI(pki.ServerCert),
			"--tls-private-key-file=" + run.PKI(pki.ServerKey),
			"--service-account-key-file=" + run.PKI(pki.AccountKey),
			"--service-account-signing-key-file=" + run.PKI(pki.AccountKey),
			"--service-account-issuer=https://lab",
			// No client has a certificate; but metrics-server looks for this one, and complains of its absence every minute.
			"--client-ca-file=" + run.PKI(pki.CA),
			"--token-auth-file=" + run.PKI(pki.Tokens),
			"--authorization-mode=RBAC",
			"--allow-privileged=true",
			"--service-cluster-ip-range=" + plan.Services,
			// Names of nodes cannot be looked up here.
			"--kubelet-preferred-address-types=InternalIP",
			// There is no kube-proxy beside the control plane: it goes to endpoints, not to ClusterIPs.
			"--enable-aggregator-routing=true",
			"--requestheader-client-ca-file=" + run.PKI(pki.FrontProxyCA),
			"--requestheader-allowed-names=front-proxy-client",
			"--requestheader-username-headers=X-Remote-User",
			"--requestheader-group-headers=X-Remote-Group",
			"--requestheader-extra-headers-prefix=X-Remote-Extra-",
			"--proxy-client-cert-file=" + run.PKI(pki.FrontProxy),
			"--proxy-client-key-file=" + run.PKI(pki.FrontProxyKey),
			// A lost node's pods are replaced after seconds, not after five minutes.
			"--default-not-ready-toleration-seconds=10",
			"--default-unreachable-toleration-seconds=10",
		},
		Ready: supervise.Answers("https://" + plan.Control + ":6443/readyz"),
	}
}
