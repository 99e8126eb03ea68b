package main

import (
	"strings"
	"testing"
)

func TestCatalog(t *testing.T) {
	for _, row := range []struct {
		sentence string
		args     []string
		code     int
		want     string // in stdout or stderr
	}{
		{"it lists the experiments", []string{"catalog"}, exitHeld, "\nnetwork/partition    SERVICE is cut off from what it calls"},
		{"and the checks", []string{"catalog"}, exitHeld, "\nrollout/complete      rollout"},
		{"an experiment is printed to copy", []string{"catalog", "network/delay"}, exitHeld, "\nexperiments:\n  network-delay:\n    title:"},
		{"so is a suite", []string{"catalog", "pods"}, exitHeld, "\n  pods-evict:\n"},
		{"and a check", []string{"catalog", "rollout/complete"}, exitHeld, "\nchecks:\n  rollout-complete:\n    signal: rollout\n"},
		{"a name that there is not", []string{"catalog", "network/dely"}, exitUsage, `the catalogue has no "network/dely"; "aftershock catalog" lists what it has; did you mean "network/delay"?`},
		{"two names", []string{"catalog", "pods", "network"}, exitUsage, `one argument too many: "network"; usage: aftershock catalog [SUITE | SUITE/EXPERIMENT | SUITE/CHECK] [flags]`},
		{"a shell completes the names", []string{"__complete", "catalog", "net"}, exitHeld, "network/delay\n"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			code, stdout, stderr := call(t, row.args...)
			if code != row.code || !strings.Contains(stdout+stderr, row.want) {
				t.Errorf("aftershock %q: exit code %d, want %d and %q\n%s%s", row.args, code, row.code, row.want, stdout, stderr)
			}
		})
	}
}
