package main

import (
	"strings"
	"testing"
)

func TestADeadManSwitchIsHiddenAndNeedsNoFile(t *testing.T) {
	if _, stdout, _ := call(t, "--help"); strings.Contains(stdout, "dead-man-switch") {
		t.Error("the list of commands has it")
	}
	if code, _, stderr := call(t, "dead-man-switch", "--run", "4f1c2a9d3b"); code != exitUsage || !strings.Contains(stderr, "--run, --cluster, --namespace and --allow are required") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	if code, _, stderr := call(t, "dead-man-switch", "--run", "4f1c2a9d3b", "--cluster", "0b1c", "--namespace", "aftershock", "--allow", "shop", "--needs", "patch pods"); code != exitUsage || !strings.Contains(stderr, `--needs: "patch pods" is not a right`) {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	// No cluster is known here.
	t.Setenv("KUBECONFIG", t.TempDir()+"/none")
	if code, _, stderr := call(t, "dead-man-switch", "--run", "4f1c2a9d3b", "--cluster", "0b1c", "--namespace", "aftershock", "--allow", "shop,bank"); code != exitUsage || strings.Contains(stderr, "aftershock.yaml") || !strings.Contains(stderr, "connect") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}
