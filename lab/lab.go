// Package lab holds what the lab hands to the harness: the configuration template that names the cluster just made.
//
// The lab itself is the command cmd/lab. A new cluster has a new identity, and another deployment of the service may have an
// autoscaler, so the configuration is rendered by every "lab up" and "lab deploy":
//
//	lab.Configuration(w, lab.Cluster{Kubeconfig: path, Context: "lab", UID: uid, ...})
package lab

import (
	_ "embed"
	"fmt"
	"io"
	"text/template"
)

//go:embed aftershock.yaml.tmpl
var configuration string

// Cluster is what the template aftershock.yaml.tmpl may name.
type Cluster struct {
	Kubeconfig string // absolute path of the kubeconfig
	Context    string // its context
	UID        string // the cluster's identity: the UID of its kube-system namespace
	Namespace  string // where the service under test runs
	URL        string // its main route, reachable from the host
	Echo       string // its WebSocket, reachable from the host
	Prometheus string // base URL of Prometheus, reachable from the host
	Autoscaled bool   // an autoscaler of the service's name decides how many replicas there are
	ScalesOut  bool   // and makes as many as a surge needs
	ScalesBack bool   // and takes pods away again when its window has passed, which is worth watching
	Slow       bool   // its answers take more than a second
}

// Configuration renders the harness's configuration for a cluster.
func Configuration(w io.Writer, c Cluster) error {
	t, err := template.New("aftershock.yaml").Option("missingkey=error").Parse(configuration)
	if err != nil {
		return fmt.Errorf("parse aftershock.yaml.tmpl: %w", err)
	}
	if err := t.Execute(w, c); err != nil {
		return fmt.Errorf("render aftershock.yaml.tmpl: %w", err)
	}
	return nil
}
