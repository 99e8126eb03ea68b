package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// documentation has the objects that a user copies, and that run here.
const documentation = "docs/gates.md"

var blocks = regexp.MustCompile("(?ms)^```yml\n(.*?)^```")

// sample is an object of the documentation, with the lab's names in place of a user's.
func sample(kind string, names map[string]string) (*unstructured.Unstructured, error) {
	text, err := os.ReadFile(documentation)
	if err != nil {
		return nil, err
	}
	for _, block := range blocks.FindAllStringSubmatch(string(text), -1) {
		filled := block[1]
		for from, to := range names {
			filled = strings.ReplaceAll(filled, from, to)
		}
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(filled), &u.Object); err != nil {
			return nil, fmt.Errorf("%s: %w", documentation, err)
		}
		if u.GetKind() == kind {
			return u, nil
		}
	}
	return nil, fmt.Errorf("%s has no sample of a %s", documentation, kind)
}

// names are those of the lab for those of the documentation.
func (env *environment) names(experiment string) map[string]string {
	return map[string]string{
		"namespace: shop":                    "namespace: " + namespace,
		"https://chaos-gate.aftershock:8443": "http://" + address,
		"TOKEN":                              env.token,
		"checkout/pods/kill-one, checkout/network": experiment,
		// The lab has less patience.
		"interval: 1m":          "interval: 10s",
		"interval: 30s":         "interval: 5s",
		"inconclusiveLimit: 59": "inconclusiveLimit: 29",
		"count: 60":             "count: 30",
	}
}
