// Package catalog is the standard suites, as data in the language of the
// configuration file. Package config reads them.
package catalog

import "embed"

// FS has the files.
//
//go:embed *.yaml
var FS embed.FS

// Files are the files of FS, in the order in which their experiments run: what
// heals by itself comes first.
var Files = []string{"checks.yaml", "pods.yaml", "network.yaml", "stress.yaml", "disruption.yaml", "rollout.yaml", "autoscaling.yaml", "capacity.yaml"}
