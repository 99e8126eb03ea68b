package pipelines_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rhysd/actionlint"
	"go.yaml.in/yaml/v4"
)

// lint is what actionlint says of a workflow in a repository that has action.yml, too.
func lint(t *testing.T, workflow string) []string {
	t.Helper()
	root := t.TempDir()
	action, err := os.ReadFile("action.yml")
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{"deploy/pipelines/action.yml": string(action), ".github/workflows/chaos.yaml": workflow, ".git/HEAD": "ref: refs/heads/main\n"} {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{WorkingDir: root})
	if err != nil {
		t.Fatal(err)
	}
	found, err := linter.LintFile(filepath.Join(root, ".github/workflows/chaos.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range found {
		list = append(list, e.Error())
	}
	return list
}

// github is the workflow, with the action of this directory in place of that of a release.
func github(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("github.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const used = "aftershockhq/aftershock/deploy/pipelines@COMMIT"
	if !bytes.Contains(text, []byte("uses: "+used)) {
		t.Fatalf("the workflow does not use %s", used)
	}
	return strings.ReplaceAll(string(text), used, "./deploy/pipelines")
}

// An action is what action.yml says.
type action struct {
	Name, Description string
	Inputs            map[string]struct{ Description, Default string }
	Outputs           map[string]struct{ Description, Value string }
	Runs              struct {
		Using string
		Steps []step
	}
}

type step struct {
	Name  string
	ID    string            `yaml:",omitempty"`
	If    string            `yaml:",omitempty"`
	Shell string            `yaml:",omitempty"`
	Env   map[string]string `yaml:",omitempty"`
	Run   string            `yaml:",omitempty"`
	Uses  string            `yaml:",omitempty"`
	With  map[string]string `yaml:",omitempty"`
}

func readAction(t *testing.T) action {
	t.Helper()
	file, err := os.Open("action.yml")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	var a action
	decoder := yaml.NewDecoder(file)
	decoder.KnownFields(true)
	if err := decoder.Decode(&a); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestTheWorkflowIsOneOfGitHub(t *testing.T) {
	if found := lint(t, github(t)); len(found) > 0 {
		t.Error(strings.Join(found, "\n"))
	}
}

// actionlint reads of an action its inputs only, so its steps are linted as those of a workflow.
func TestTheStepsOfTheActionAreThoseOfGitHub(t *testing.T) {
	a := readAction(t)
	inputs := map[string]any{}
	for name, input := range a.Inputs {
		inputs[name] = map[string]any{"description": input.Description, "default": input.Default, "type": "string"}
	}
	text, err := yaml.Marshal(map[string]any{
		"on":   map[string]any{"workflow_call": map[string]any{"inputs": inputs}},
		"jobs": map[string]any{"gate": map[string]any{"runs-on": "ubuntu-latest", "steps": a.Runs.Steps}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if found := lint(t, string(text)); len(found) > 0 {
		t.Errorf("%s\nin\n%s", strings.Join(found, "\n"), text)
	}
	if a.Runs.Using != "composite" || a.Outputs["code"].Value != "${{ steps.run.outputs.code }}" {
		t.Errorf("the action is %+v", a)
	}
}

func TestMistakesAreFound(t *testing.T) {
	good := github(t)
	for _, row := range []struct{ old, new, want string }{
		{"experiments:", "experiment:", `input "experiment" is not defined`},
		{"secrets.KUBECONFIG", "secret.KUBECONFIG", "undefined variable"},
		{"runs-on: ubuntu-latest", "runs_on: ubuntu-latest", `unexpected key "runs_on"`},
	} {
		bad := strings.Replace(good, row.old, row.new, 1)
		if found := strings.Join(lint(t, bad), "\n"); bad == good || !strings.Contains(found, row.want) {
			t.Errorf("with %s: %q, want %q", row.new, found, row.want)
		}
	}
}

// What a pipeline runs is of one commit, which its file names: no template takes what is newest.
func TestThePipelinesArePinned(t *testing.T) {
	for _, name := range []string{"action.yml", "github.yaml", "gitlab.yaml", "Jenkinsfile", "argo.yaml"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, newest := range []string{"@main", "@master", "@latest", ":latest"} {
			if strings.Contains(string(text), newest) {
				t.Errorf("%s takes %s", name, newest)
			}
		}
	}
	for _, s := range readAction(t).Runs.Steps {
		if s.Name != "Install aftershock" {
			continue
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "make"), []byte("#!/bin/sh\necho \"$*\"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		here, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		command := exec.Command("bash", "-eo", "pipefail", "-c", s.Run)
		command.Env = []string{"PATH=" + dir + ":/usr/bin:/bin", "RUNNER_TEMP=" + dir, "GITHUB_PATH=" + filepath.Join(dir, "path"), "SOURCE=" + strings.Replace(s.Env["SOURCE"], "${{ github.action_path }}", here, 1)}
		said, err := command.CombinedOutput()
		if want := "-C " + here + "/../.. build\n"; err != nil || string(said) != want {
			t.Errorf("it said %s, %v; want %s", said, err, want)
		}
		if text, err := os.ReadFile(filepath.Join(dir, "path")); err != nil || string(text) != here+"/../../bin\n" {
			t.Errorf("the path has %q, %v", text, err)
		}
		if _, err := os.Stat(filepath.Join(here, "..", "..", "cmd", "aftershock")); err != nil {
			t.Error(err)
		}
		return
	}
	t.Error("nothing installs aftershock")
}

// gitlabScript is the script of the job, as a runner hands it to a shell.
func gitlabScript(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("gitlab.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Chaos struct{ Script []string }
	}
	if err := yaml.Unmarshal(text, &file); err != nil || len(file.Chaos.Script) == 0 {
		t.Fatalf("no script: %v", err)
	}
	return strings.Join(file.Chaos.Script, "\n")
}

// What a job of GitLab still has in place is swept however it ended, but for one that
// succeeded. It is skipped once the job's own timeout is over: the script and what comes
// after it must end before.
func TestAJobOfGitLabThatTakesTooLongIsSwept(t *testing.T) {
	text, err := os.ReadFile("gitlab.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Chaos struct {
			Variables map[string]string
			After     []string `yaml:"after_script"`
			Timeout   string
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil || len(file.Chaos.After) == 0 {
		t.Fatalf("nothing after the script: %v", err)
	}
	long := func(text string) time.Duration {
		d, err := time.ParseDuration(text)
		if err != nil || d == 0 {
			t.Errorf("%q: %v", text, err)
		}
		return d
	}
	script, after, job := long(file.Chaos.Variables["RUNNER_SCRIPT_TIMEOUT"]), long(file.Chaos.Variables["RUNNER_AFTER_SCRIPT_TIMEOUT"]), long(file.Chaos.Timeout)
	if script+after >= job {
		t.Errorf("the script may take %s, what comes after it %s, and the job %s", script, after, job)
	}
	for status, swept := range map[string]bool{"success": false, "failed": true, "canceled": true} {
		command := exec.Command("bash", "-eo", "pipefail", "-c", "aftershock() { echo $*; }\n"+strings.Join(file.Chaos.After, "\n"))
		command.Env = []string{"CI_JOB_STATUS=" + status}
		if said, err := command.CombinedOutput(); err != nil || (string(said) == "sweep -f aftershock.yaml\n") != swept {
			t.Errorf("%s: %q, %v; want it swept: %t", status, said, err, swept)
		}
	}
}

// githubScript is that of the action's run.
func githubScript(t *testing.T) string {
	t.Helper()
	for _, s := range readAction(t).Runs.Steps {
		if s.ID == "run" {
			return s.Run
		}
	}
	t.Fatal("no step with the id run")
	return ""
}

// Each exit code reaches the product, and what may still be in place is swept.
func TestTheExitCodeIsThatOfTheRun(t *testing.T) {
	gitlab, github := gitlabScript(t), githubScript(t)
	for _, row := range []struct {
		name, script, unknown string
		code, want            int
		swept                 bool
	}{
		{"gitlab, held", gitlab, "", 0, 0, false},
		{"gitlab, broken", gitlab, "", 1, 1, false},
		{"gitlab, unknown", gitlab, "", 3, 3, false},
		{"gitlab, left behind", gitlab, "", 5, 5, true},
		{"github, held", github, "fail", 0, 0, false},
		{"github, broken", github, "fail", 1, 1, false},
		{"github, broken and unknown warns", github, "warn", 1, 1, false},
		{"github, unknown", github, "fail", 3, 3, false},
		{"github, unknown warns", github, "warn", 3, 0, false},
		{"github, a mistyped input is none that passes", github, "Warn", 3, 3, false},
		{"github, refused and unknown warns", github, "warn", 4, 4, false},
		{"github, left behind", github, "warn", 5, 5, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			// It writes down how it was called, and ends a run with the code and a sweep with its own.
			program := fmt.Sprintf("#!/bin/sh\necho \"$*\" >>%s/calls\n[ $1 = sweep ] && exit 5\nexit %d\n", dir, row.code)
			if err := os.WriteFile(filepath.Join(dir, "aftershock"), []byte(program), 0o755); err != nil {
				t.Fatal(err)
			}
			output := filepath.Join(dir, "output")
			command := exec.Command("bash", "-eo", "pipefail", "-c", row.script)
			command.Env = []string{"PATH=" + dir + ":" + os.Getenv("PATH"), "FILE=aftershock.yaml", "EXPERIMENTS=a/b c", "UNKNOWN=" + row.unknown, "GITHUB_OUTPUT=" + output}
			said, err := command.CombinedOutput()
			if code := command.ProcessState.ExitCode(); code != row.want {
				t.Errorf("ended with %d, want %d: %v\n%s", code, row.want, err, said)
			}
			calls, _ := os.ReadFile(filepath.Join(dir, "calls"))
			want := "run -f aftershock.yaml --out runs --wait 10m a/b c\n"
			if row.swept {
				want += "sweep -f aftershock.yaml\n"
			}
			if string(calls) != want {
				t.Errorf("called\n%swant\n%s", calls, want)
			}
			if row.unknown == "" {
				return
			}
			if out, _ := os.ReadFile(output); string(out) != fmt.Sprintf("code=%d\n", row.code) {
				t.Errorf("the output is %q", out)
			}
			if warned := strings.Contains(string(said), "::warning"); warned != (row.code == 3 && row.want == 0) {
				t.Errorf("warned: %t: %s", warned, said)
			}
		})
	}
}
