package suites_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Every custom suite compiles what this package imports.
func TestNoPrometheusServerIsImported(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := strings.Fields(string(out))
	if !slices.Contains(deps, "github.com/prometheus/prometheus/promql/parser") {
		t.Fatalf("the parser of PromQL is not among the %d packages", len(deps))
	}
	const module = "github.com/prometheus/prometheus/"
	for _, server := range []string{"tsdb", "scrape", "promql", "rules", "notifier", "config"} {
		if slices.Contains(deps, module+server) {
			t.Errorf("%s%s is among what suites imports", module, server)
		}
	}
	for _, d := range deps {
		if strings.HasPrefix(d, module+"web") || strings.HasPrefix(d, "github.com/aftershockhq/aftershock/internal/bench") {
			t.Errorf("%s is among what suites imports", d)
		}
	}
}
