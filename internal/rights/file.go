package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/internal/trial"
)

// namespace is that of the accounts, and of the program's own objects.
const namespace = "aftershock-rights"

// besides are an account's own settings, and experiments for rights that the lab's own do
// not need: a fault that cannot be injected on any cluster, a load that is driven from
// there, and one whose workers do not start.
const besides = `
cluster: {kubeconfig: %q, context: rights, namespace: %s, serviceAccount: %s}
experiments:
  failing:
    service: checkout
    checks: [answers]
    faults:
      nowhere:
        chaosMesh:
          yaml: |
            apiVersion: chaos-mesh.org/v1alpha1
            kind: StressChaos
            metadata: {namespace: shop}
            spec: {mode: one, containerNames: [nowhere], selector: {labelSelectors: {app: checkout}}, stressors: {cpu: {workers: 1}}}
        effects: [{signal: cpu, rise: 0.05}]
  by-workers:
    from: pods/kill-one
    service: checkout
    load: {workers: {count: 2, image: %s}}
  by-nobody:
    from: pods/kill-one
    service: checkout
    load: {workers: {count: 1, image: docker.io/Aftershock}} # no image can have that name
`

// configure writes a copy of a configuration for an account, with the files beside it,
// and more experiments.
func configure(file, dir, kubeconfig string) (path string, err error) {
	beside, err := filepath.Glob(filepath.Join(filepath.Dir(file), "*.yaml"))
	if err != nil {
		return "", err
	}
	for _, from := range beside {
		text, err := os.ReadFile(from) //nolint:gosec // of the configuration's directory
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.Base(from)), text, 0o600)
		}
		if err != nil {
			return "", err
		}
	}
	path = filepath.Join(dir, filepath.Base(file))
	if err := trial.Variant(file, path); err != nil {
		return "", err
	}
	plan, err := config.Read(path)
	switch {
	case err != nil:
		return "", err
	case plan.Cluster.Image == "":
		return "", fmt.Errorf("%s: cluster.image is missing", file)
	}
	patches := []string{fmt.Sprintf(besides, kubeconfig, namespace, runner, plan.Cluster.Image)}
	// An hour of load proves no right more.
	if slices.ContainsFunc(plan.Planned, func(p config.Planned) bool { return p.ID() == "checkout/capacity/sustained" }) {
		patches = append(patches, "{services: {checkout: {vary: {capacity/sustained: {times: {settle: null, hold: 30s, watch: null}}}}}}")
	}
	return path, trial.Variant(path, path, patches...)
}

// choose are one experiment of every suite of a service and of every kind of fault;
// where there is an autoscaler, one of what it does.
func choose(plan *config.Plan) (chosen []config.Planned) {
	seen := map[string]bool{}
	for _, p := range plan.Planned {
		if scales(plan) && (len(p.Expects) == 0 || len(chosen) > 0) {
			continue
		}
		brings := []string{p.Target.Name + " " + p.Suite}
		for _, f := range p.Faults {
			brings = append(brings, f.Kind)
		}
		if p.Suite == "" { // of the file
			brings = []string{p.ID()}
		}
		if slices.ContainsFunc(brings, func(what string) bool { return !seen[what] }) {
			chosen = append(chosen, p)
		}
		for _, what := range brings {
			seen[what] = true
		}
	}
	return chosen
}

// scales reports whether the service has an autoscaler.
func scales(plan *config.Plan) bool {
	return slices.ContainsFunc(plan.Planned, func(p config.Planned) bool { return len(p.Expects) > 0 })
}
