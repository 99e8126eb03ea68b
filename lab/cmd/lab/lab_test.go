package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/lab/internal/lifecycle"
	"github.com/aftershockhq/aftershock/lab/internal/place"
	"github.com/aftershockhq/aftershock/lab/internal/supervise"
)

func TestCommandLines(t *testing.T) {
	t.Setenv("AFTERSHOCK_LAB_CACHE", t.TempDir()) // no lab is up there
	for _, c := range []struct {
		says   string
		args   string
		code   int
		stdout string
		stderr string
	}{
		{"help", "--help", 0, "Exit codes:", ""},
		{"help of a command shows examples", "deploy --help", 0, "lab deploy --defect no-graceful-shutdown", ""},
		{"completion", "completion bash", 0, "__start_lab", ""},
		{"defects complete", "__complete deploy --defect no-r", 0, "no-readiness", "ShellCompDirectiveNoFileComp"},
		{"a command that there is not", "upp", 2, "", `unknown command "upp"`},
		{"a flag that there is not", "up --node 2", 2, "", "unknown flag: --node"},
		{"an argument too many", "down now", 2, "", `unknown command "now" for "lab down"`},
		{"an argument too few", "stop", 2, "", "accepts 1 arg(s), received 0"},
		{"too many nodes", "up --nodes 3", 2, "", "the lab has 1 to 2 nodes, not 3"},
		{"a defect that there is not", "deploy --defect slow", 2, "", `no defect is called "slow"`},
		{"a format that there is not", "status -o xml", 2, "", `text or json, not "xml"`},
		{"status without a lab", "status", 3, "", "the lab is not up: start it with lab up"},
		{"status without a lab, for machines", "status -o json", 3, `"up":false`, "not up"},
		{"logs without a lab", "logs etcd", 3, "", "not up"},
		{"kubectl without a lab", "kubectl -- get pods", 3, "", "not up"},
		{"stop without a lab", "stop etcd", 3, "", "not up"},
		{"deploy without a lab", "deploy", 3, "", "not up"},
		{"image without a lab", "image a/b:c program", 3, "", "not up"},
		{"an image of nothing", "image a/b:c", 2, "", "accepts 2 arg(s), received 1"},
		{"controllers without a lab", "with flagger -- true", 3, "", "not up"},
		{"controllers without a command", "with flagger", 2, "", "want controllers, -- and a command"},
		{"a command without controllers", "with -- true", 2, "", "want controllers, -- and a command"},
		{"controllers complete", "__complete with fl", 0, "flagger", ""},
		{"truth without a lab", "truth", 3, "", "not up"},
	} {
		t.Run(c.says, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			got := code(exec(t.Context(), strings.Fields(c.args), strings.NewReader(""), &stdout, &stderr), &stderr)
			if got != c.code {
				t.Errorf("exit code %d, want %d", got, c.code)
			}
			if !strings.Contains(stdout.String(), c.stdout) || !strings.Contains(stderr.String(), c.stderr) {
				t.Errorf("stdout %s\nstderr %s\nwant %q and %q", &stdout, &stderr, c.stdout, c.stderr)
			}
			if strings.Contains(stderr.String(), "usage:") {
				t.Errorf("the mark of a usage error is shown: %s", &stderr)
			}
		})
	}
}

func TestCode(t *testing.T) {
	for _, c := range []struct {
		says   string
		err    error
		code   int
		stderr string
	}{
		{"done", nil, 0, ""},
		{"kubectl has spoken itself", fmt.Errorf("run: %w", kubectlError{7}), 7, ""},
		{"the command beside controllers failed", errors.Join(exitError{"go", 4}, errors.New("definition is not gone")), 4, "lab: go exited with 4\ndefinition is not gone\n"},
		{"usage", fmt.Errorf("%w: no", lifecycle.ErrUsage), 2, "lab: no\n"},
		{"anything else", errors.New("no disk"), 1, "lab: no disk\n"},
	} {
		t.Run(c.says, func(t *testing.T) {
			var stderr bytes.Buffer
			if got := code(c.err, &stderr); got != c.code || stderr.String() != c.stderr {
				t.Errorf("%d, %q", got, &stderr)
			}
		})
	}
}

func TestShow(t *testing.T) {
	now := time.Now()
	reports := []supervise.Report{
		{
			Agent: "control", Total: supervise.Cost{Cores: 0.2, Memory: 900e6, Anon: 500e6},
			Components: []supervise.Status{
				{Agent: "control", Name: "etcd", State: supervise.Ready, Since: now.Add(-time.Minute), Cost: supervise.Cost{Cores: 0.012, Memory: 80e6}},
				{Agent: "control", Name: "prometheus", State: supervise.Stopped, Reason: "stopped by request", Since: now},
				{Agent: "control", Name: "node1", State: supervise.Ready, Since: now},
			},
		},
		{
			Agent: "node1", Total: supervise.Cost{Memory: 200e6},
			Components: []supervise.Status{{Agent: "node1", Name: "kubelet", State: supervise.Ready, Since: now}},
			Groups:     map[string]supervise.Cost{"pods": {Memory: 30e6}},
		},
	}
	var out bytes.Buffer
	if err := show(&out, reports, now); err != nil {
		t.Fatal(err)
	}
	squeezed := ""
	for line := range strings.Lines(out.String()) {
		squeezed += strings.Join(strings.Fields(line), " ") + "\n"
	}
	want := `COMPONENT STATE FOR RESTARTS CORES MEMORY
etcd ready 1m0s 0 0.012 80 MB
prometheus stopped 0s 0 0.000 0 MB stopped by request
node1 ready 0s 0 0.000 200 MB
node1/kubelet ready 0s 0 0.000 0 MB
node1/pods 0.000 30 MB
the whole lab 0.200 900 MB 500 MB of it anonymous
`
	if squeezed != want {
		t.Errorf("%s\nwant\n%s", squeezed, want)
	}
	if allReady(reports) {
		t.Error("a lab with a stopped component counts as ready")
	}
}

func TestStatusSaysWhetherThereAreMetrics(t *testing.T) {
	for _, c := range []struct {
		says       string
		missing    error
		text, json string
	}{
		{"they are there", nil, "have values of every node", `"metrics": "there"`},
		{"they are not yet", errors.New("values of 0 of 1 nodes"), "have no values: values of 0 of 1 nodes", `"metrics": "values of 0 of 1 nodes"`},
	} {
		t.Run(c.says, func(t *testing.T) {
			if got := metrics(c.missing); !strings.Contains(got, c.text) {
				t.Errorf("%q, want %q", got, c.text)
			}
			var out bytes.Buffer
			if err := showJSON(&out, nil, true, nil, c.missing); err != nil || !strings.Contains(out.String(), c.json) {
				t.Errorf("%s, %v, want %s", &out, err, c.json)
			}
		})
	}
}

func TestMerge(t *testing.T) {
	dir := t.TempDir()
	var files []string
	for name, content := range map[string]string{
		"a.log": `{"time":1,"pod":"a","event":"start"}` + "\n" + `{"time":4,"pod":"a","event":"request","seq":0}` + "\n",
		"b.log": `{"time":2,"pod":"b","event":"start"}` + "\n" + `{"time":9223372036854775807,"pod":"b","event":"exit"}` + "\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		files = append(files, path)
	}
	for _, c := range []struct {
		says     string
		from     int64
		requests bool
		want     string
	}{
		{"lives", 0, false, "a start, b start, b exit"},
		{"with requests", 0, true, "a start, b start, a request, b exit"},
		{"the end", 3, true, "a request, b exit"},
	} {
		t.Run(c.says, func(t *testing.T) {
			lines, err := merge(files, c.from, c.requests)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, l := range lines {
				words := strings.Split(string(l), `"`)
				got = append(got, words[5]+" "+words[9])
			}
			if strings.Join(got, ", ") != c.want {
				t.Errorf("%v, want %s", got, c.want)
			}
		})
	}
}

func TestPick(t *testing.T) {
	all := []string{"etcd", "node1/containerd", "node1/kubelet", "node2/kubelet"}
	for name, want := range map[string]string{"etcd": "etcd", "containerd": "node1/containerd", "node2/kubelet": "node2/kubelet", "kubelet": "", "dns": ""} {
		got, err := pick(all, name)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	run := place.Run(t.TempDir())
	if err := errors.Join(os.MkdirAll(filepath.Join(run.Logs(), "node1"), 0o755), os.WriteFile(run.Log("node1", "kubelet"), nil, 0o644),
		os.WriteFile(run.Log("", "etcd"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	if got := names(run); strings.Join(got, " ") != "etcd node1/kubelet" {
		t.Errorf("%v", got)
	}
}

func TestEmulation(t *testing.T) {
	for _, c := range []struct {
		says  string
		netem map[string]string
		want  string
	}{
		{"the kernel's own is not worth a word", map[string]string{"node1": "kernel"}, ""},
		{"nothing known", nil, ""},
		{"on every node that has it", map[string]string{"node2": "emulated", "node1": "emulated", "node3": "kernel"}, "EMULATED in user space on node1, node2: the kernel has no netem"},
	} {
		t.Run(c.says, func(t *testing.T) {
			got := emulation(c.netem)
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
