package main

import (
	"encoding/json"
	"runtime/debug"
	"strings"
	"testing"
)

func TestVersion(t *testing.T) {
	code, text, _ := call(t, "version")
	if code != exitHeld || !strings.HasPrefix(text, "aftershock ") || !strings.Contains(text, "\nchaos mesh     chaos-mesh.org/v1alpha1") || !strings.Contains(text, "\nrecord         aftershock/record ") {
		t.Errorf("exit code %d\n%s", code, text)
	}
	if code, same, _ := call(t, "--version"); code != exitHeld || same != text {
		t.Errorf("--version: exit code %d\n%s", code, same)
	}
	code, out, _ := call(t, "version", "-o", "json")
	var b build
	if err := json.Unmarshal([]byte(out), &b); err != nil || code != exitHeld || b != thisBuild() {
		t.Errorf("exit code %d, %v\n%s", code, err, out)
	}
	if code, _, stderr := call(t, "version", "-o", "yaml"); code != exitUsage || !strings.Contains(stderr, `--output "yaml": want one of text, json`) {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}

func TestABuildIsWhatTheLinkerWrote(t *testing.T) {
	for _, row := range []struct {
		sentence string
		info     *debug.BuildInfo
		want     []string // lines that the text begins with
	}{
		{
			"a release",
			&debug.BuildInfo{GoVersion: "go1.26.0", Main: debug.Module{Version: "v1.2.3"}, Settings: []debug.BuildSetting{{Key: "GOOS", Value: "linux"}, {Key: "GOARCH", Value: "arm64"}}},
			[]string{"aftershock     v1.2.3", "go             go1.26.0 linux/arm64"},
		},
		{
			"a commit with changes",
			&debug.BuildInfo{Main: debug.Module{Version: "v1.2.4-0.20260302101500-0b1c2d3e4f50+dirty"}, Settings: []debug.BuildSetting{
				{Key: "vcs.revision", Value: "0b1c2d3e4f50"}, {Key: "vcs.time", Value: "2026-03-02T10:15:00Z"}, {Key: "vcs.modified", Value: "true"},
			}},
			[]string{"aftershock     v1.2.4-0.20260302101500-0b1c2d3e4f50+dirty", "commit         0b1c2d3e4f50 2026-03-02T10:15:00Z modified"},
		},
		{
			"another module in place of Chaos Mesh's",
			&debug.BuildInfo{Deps: []*debug.Module{{Path: "github.com/chaos-mesh/chaos-mesh/api", Version: "v0.1.0", Replace: &debug.Module{Version: "v0.2.0"}}}},
			[]string{"aftershock     (devel)", "go             /", "chaos mesh     chaos-mesh.org/v1alpha1 v0.2.0"},
		},
		{"nothing", nil, []string{"aftershock     (devel)"}},
	} {
		if got := buildOf(row.info).String(); !strings.HasPrefix(got, strings.Join(row.want, "\n")+"\n") {
			t.Errorf("%s:\n%s", row.sentence, got)
		}
	}
}
