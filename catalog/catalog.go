// Package catalog embeds the standard suites: one YAML file for each suite, in the
// language of the configuration file. Package config parses and validates them.
package catalog

import "embed"

// FS holds the files of [Files] at its root.
//
//go:embed *.yaml
var FS embed.FS

// Files names the files of [FS] in the order in which their experiments run: faults
// that the cluster repairs by itself come first.
var Files = []string{"checks.yaml", "pods.yaml", "network.yaml", "stress.yaml", "disruption.yaml", "rollout.yaml", "autoscaling.yaml", "capacity.yaml"}
