package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/aftershockhq/aftershock/config"
)

// namespace is that of the accounts, and of the program's own objects.
const namespace = "aftershock-rights"

// besides are experiments for rights that the lab's own do not need: a fault that
// cannot be injected on any cluster, a load that is driven from there, and one whose
// workers do not start.
const besides = `
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
	text, err := os.ReadFile(file) //nolint:gosec // that of the command line
	if err != nil {
		return "", fmt.Errorf("%w: is the lab up? see lab/README.md", err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil || len(document.Content) != 1 {
		return "", errors.Join(err, fmt.Errorf("%s is no configuration", file))
	}
	root := document.Content[0]
	cluster := field(root, "cluster")
	image := field(cluster, "image").Value
	if image == "" {
		return "", fmt.Errorf("%s: cluster.image is missing", file)
	}
	set(cluster, "kubeconfig", scalar(kubeconfig))
	set(cluster, "context", scalar("rights"))
	set(cluster, "namespace", scalar(namespace))
	set(cluster, "serviceAccount", scalar(runner))
	vary := field(field(field(root, "services"), "checkout"), "vary")
	// An hour of load proves no right more.
	if sustained := field(vary, "capacity/sustained"); sustained.Kind == yaml.MappingNode {
		set(sustained, "times", parse("{hold: 30s}"))
	}
	more := parse(fmt.Sprintf(besides, image))
	own := field(root, "experiments")
	own.Content = append(own.Content, more.Content...)

	var written bytes.Buffer
	if err := yaml.NewEncoder(&written).Encode(&document); err != nil {
		return "", err
	}
	beside, err := filepath.Glob(filepath.Join(filepath.Dir(file), "*.yaml"))
	if err != nil {
		return "", err
	}
	for _, from := range beside {
		text, err := os.ReadFile(from) //nolint:gosec // of the configuration's directory
		if err != nil {
			return "", err
		}
		to := filepath.Join(dir, filepath.Base(from))
		if from == filepath.Clean(file) {
			path, text = to, written.Bytes()
		}
		if err := os.WriteFile(to, text, 0o600); err != nil {
			return "", err
		}
	}
	return path, nil
}

// field is a value of a mapping; an empty node: it has none.
func field(mapping *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Kind == yaml.MappingNode && mapping.Content[i].Value == name {
			return mapping.Content[i+1]
		}
	}
	return &yaml.Node{}
}

func set(mapping *yaml.Node, name string, value *yaml.Node) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == name {
			mapping.Content[i+1] = value
			return
		}
	}
	mapping.Content = append(mapping.Content, scalar(name), value)
}

func scalar(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Value: text}
}

// parse reads a constant.
func parse(text string) *yaml.Node {
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		panic(err)
	}
	return document.Content[0]
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
