package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports/results"
	"github.com/aftershockhq/aftershock/suites"
)

// ofShop is a configuration of two services; SERVER is a Kubernetes.
const ofShop = `apiVersion: aftershock/v1
cluster: {kubeconfig: kubeconfig, uid: 0b1c}
allow: {namespaces: [shop]}
services:
  checkout:
    namespace: shop
    workload: deployment/checkout
    load: {url: "http://127.0.0.1:9/checkout"}
    suites: [pods/kill-one, pods/evict, network/delay, network/partition]
    vary: {pods/evict: {skip: the budget is being changed}}
  cart:
    namespace: shop
    workload: deployment/cart
    load: {url: "http://127.0.0.1:9/cart"}
    suites: [pods/kill-one]
experiments:
  storm: {service: checkout, faults: {kill: {podKill: {pods: 30%}}}}
`

// shopDirectory is a directory with that configuration, as aftershock.yaml.
func shopDirectory(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	away := httptest.NewServer(http.NotFoundHandler())
	away.Close()
	kubeconfig := `{"apiVersion":"v1","kind":"Config","clusters":[{"name":"c","cluster":{"server":"` + away.URL + `"}}],"contexts":[{"name":"c","context":{"cluster":"c"}}],"current-context":"c"}`
	for name, content := range map[string]string{"aftershock.yaml": text, "kubeconfig": kubeconfig} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// plannedIDs are the ids of the experiments that a dry run prints.
func plannedIDs(t *testing.T, stdout string) (ids []string) {
	t.Helper()
	var plan struct {
		Experiments []struct{ ID string }
	}
	if err := yaml.Unmarshal([]byte(stdout), &plan); err != nil {
		t.Errorf("what is printed is not YAML: %v\n%s", err, stdout)
	}
	for _, e := range plan.Experiments {
		ids = append(ids, e.ID)
	}
	return ids
}

func TestIDsAndLabelsChooseExperiments(t *testing.T) {
	t.Chdir(shopDirectory(t, ofShop))
	for _, row := range []struct {
		sentence string
		args     []string
		want     string // ids
		err      string
	}{
		{"all of the file", nil, "checkout/pods/kill-one checkout/network/delay cart/pods/kill-one checkout/storm", ""},
		{"an id", []string{"checkout/pods/kill-one"}, "checkout/pods/kill-one", ""},
		{"an id of the file's own", []string{"checkout/storm"}, "checkout/storm", ""},
		{"those of a service", []string{"checkout"}, "checkout/pods/kill-one checkout/network/delay checkout/storm", ""},
		{"those of a suite, without what it skips", []string{"checkout/pods"}, "checkout/pods/kill-one", ""},
		{"several, in the order of the file", []string{"cart", "checkout/network"}, "checkout/network/delay cart/pods/kill-one", ""},
		{"labels", []string{"--label-filter", "pods && !checkout"}, "cart/pods/kill-one", ""},
		{"an id and labels", []string{"checkout", "--label-filter", "storm || delay"}, "checkout/network/delay checkout/storm", ""},
		{"the middle of an id is none", []string{"check"}, "", `no experiment "check"; did you mean "checkout"? "aftershock run --list" prints all`},
		{"one that there is not, beside one that there is", []string{"cart", "checkout/strom"}, "", `no experiment "checkout/strom"; did you mean "checkout/storm"? "aftershock run --list" prints all`},
		{"its end alone", []string{"kill-one"}, "", `no experiment "kill-one"; did you mean "checkout/pods/kill-one"? `},
		{"what is like none", []string{"checkout/nosuch"}, "", `no experiment "checkout/nosuch"; experiments: checkout/network/delay; "aftershock run --list" prints all`},
		{"a pattern", []string{"checkout/*"}, "", `no experiment "checkout/*"; a prefix selects all below it: checkout; "aftershock run --list" prints all`},
		{"a pattern within a name", []string{"checkout/pods/kill-*"}, "", `; a prefix selects all below it: checkout/pods; `},
		{"a pattern of nothing", []string{"*"}, "", `no experiment "*"; experiments: checkout/pods/kill-one, checkout/network/delay, cart/pods/kill-one, checkout/storm; `},
		{"a service that is mistyped", []string{"chekout"}, "", `; did you mean "checkout"?`},
		{"a suite that is mistyped", []string{"checkout/pod"}, "", `; did you mean "checkout/pods"?`},
		{"a wait for a time before now", []string{"--wait", "-5s"}, "", `--wait -5s: want zero or more`},
		{"no trial", []string{"--trials", "0"}, "", `--trials 0: want at least one`},
		{"one that the file skips", []string{"checkout/pods/evict"}, "", `experiment "checkout/pods/evict" is skipped: the budget is being changed`},
		{"one that lacks something", []string{"checkout/network/partition"}, "", `experiment "checkout/network/partition" is skipped: services[checkout].calls is missing`},
		{"labels that leave none", []string{"--label-filter", "rollout"}, "", `--label-filter "rollout" selects no experiment; labels: checkout, pods, kill-one, network,`},
		{"labels of an id that leave none", []string{"cart", "--label-filter", "network"}, "", `--label-filter "network" selects no experiment`},
		{"no language of labels", []string{"--label-filter", "cart &&"}, "", `aftershock: --label-filter "cart &&": Unexpected EOF.`},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			code, stdout, stderr := call(t, append([]string{"run", "--dry-run"}, row.args...)...)
			if row.err != "" {
				if code != exitUsage || !strings.Contains(stderr, row.err) || stdout != "" || strings.Contains(stderr, "\x1b") {
					t.Errorf("exit code %d, want %d and %q\n%s%s", code, exitUsage, row.err, stdout, stderr)
				}
				return
			}
			if got := strings.Join(plannedIDs(t, stdout), " "); code != exitHeld || got != row.want {
				t.Errorf("exit code %d, experiments %s, want %s\n%s", code, got, row.want, stderr)
			}
		})
	}
}

// The list has what runs, in that order, and why the rest is skipped.
func TestListPrintsIDs(t *testing.T) {
	t.Chdir(shopDirectory(t, ofShop))
	code, stdout, stderr := call(t, "run", "--list", "checkout")
	_, planned, _ := call(t, "run", "--dry-run", "checkout")
	var runs, skipped []string
	for line := range strings.Lines(stdout) {
		id, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if rest = strings.TrimSpace(rest); strings.HasPrefix(rest, "skipped: ") {
			skipped = append(skipped, id)
		} else if runs = append(runs, id); rest == "" || len(skipped) > 0 {
			t.Errorf("no title, or after what is skipped: %q", line)
		}
	}
	if want := plannedIDs(t, planned); code != exitHeld || stderr != "" || !slices.Equal(runs, want) || !slices.Contains(skipped, "checkout/pods/evict") {
		t.Errorf("exit code %d, want %s:\n%s%s", code, want, stdout, stderr)
	}
	if code, _, stderr := call(t, "run", "--list", "--dry-run"); code != exitUsage || !strings.Contains(stderr, "--list and --dry-run exclude each other") {
		t.Errorf("a list that is a dry run: exit code %d, %s", code, stderr)
	}
}

func TestWhatIsSkippedIsToldOfWhatWasAskedFor(t *testing.T) {
	t.Chdir(shopDirectory(t, ofShop))
	for _, row := range []struct {
		sentence string
		args     []string
		told     bool
	}{
		{"of all", nil, true},
		{"of the service", []string{"checkout"}, true},
		{"of another", []string{"cart"}, false},
		{"of another suite", []string{"checkout/pods"}, false},
		{"of other labels", []string{"--label-filter", "pods"}, false},
		{"of its labels", []string{"--label-filter", "network"}, true},
	} {
		_, stdout, stderr := call(t, append([]string{"run", "--dry-run"}, row.args...)...)
		if told := strings.Contains(stdout, "checkout/network/partition"); told != row.told {
			t.Errorf("%s: told is %t\n%s%s", row.sentence, told, stdout, stderr)
		}
	}
}

func TestADryRunAsksNoClusterUnlessItIsToldTo(t *testing.T) {
	dir := shopDirectory(t, ofShop)
	t.Chdir(dir)
	for _, row := range []struct {
		sentence, flag string
		code           int
		want           string // in stdout or stderr
	}{
		{"by itself none", "--dry-run", exitHeld, "kind: PodChaos"},
		{"in kubectl's words the client", "--dry-run=client", exitHeld, "--dry-run=server prints them"},
		{"the server, which is away", "--dry-run=server", exitUnknown, "cannot be tested now"},
		{"anything else", "--dry-run=maybe", exitUsage, "--dry-run=maybe: want client or server"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			code, stdout, stderr := call(t, "run", row.flag, "checkout/storm")
			if code != row.code || !strings.Contains(stdout+stderr, row.want) {
				t.Errorf("exit code %d, want %d and %q\n%s%s", code, row.code, row.want, stdout, stderr)
			}
			if ids := plannedIDs(t, stdout); code == exitHeld && !slices.Equal(ids, []string{"checkout/storm"}) || code != exitHeld && stdout != "" {
				t.Errorf("printed\n%s", stdout)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(dir, "runs")); err == nil {
		t.Error("a dry run keeps records")
	}
}

func TestAFileThatRunsNothingIsAUsageError(t *testing.T) {
	t.Chdir(shopDirectory(t, `apiVersion: aftershock/v1
cluster: {kubeconfig: kubeconfig, uid: 0b1c}
allow: {namespaces: [shop]}
services:
  cart: {namespace: shop, workload: deployment/cart, load: {url: "http://127.0.0.1:9/cart"}}
`))
	for _, args := range [][]string{{"run"}, {"run", "--dry-run"}, {"preflight"}, {"run", "cart"}} {
		code, stdout, stderr := call(t, args...)
		if want := "aftershock.yaml names no experiment: give a service suites, as in suites: [pods], or write experiments of your own"; code != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("aftershock %q: exit code %d, want %d and %q\n%s%s", args, code, exitUsage, want, stdout, stderr)
		}
	}
}

// A hint names the file that the command named, so that it can be pasted.
func TestAHintNamesTheFile(t *testing.T) {
	t.Chdir(shopDirectory(t, ofShop))
	if err := os.Rename("aftershock.yaml", "of shop.yaml"); err != nil {
		t.Fatal(err)
	}
	const want = `did you mean "checkout"? "aftershock run -f 'of shop.yaml' --list" prints all`
	if code, _, stderr := call(t, "run", "-f", "of shop.yaml", "check"); code != exitUsage || !strings.Contains(stderr, want) {
		t.Errorf("exit code %d, want %d and %s\n%s", code, exitUsage, want, stderr)
	}
}

func TestAShellCompletesIDs(t *testing.T) {
	t.Chdir(shopDirectory(t, ofShop))
	for _, command := range []string{"run", "preflight"} {
		_, stdout, stderr := call(t, "__complete", command, "")
		if !strings.Contains(stdout, "checkout/storm\n") || strings.Contains(stdout, "evict") {
			t.Errorf("%s: %s%s", command, stdout, stderr)
		}
	}
}

// What the cluster does not let an experiment do is known once it was asked. A run
// of nothing would hold.
func TestWhatTheClusterRulesOutIsRefusedIfItIsNamed(t *testing.T) {
	const skipped = "no rollout reaches every pod"
	plan, err := config.Read(filepath.Join(shopDirectory(t, ofShop), "aftershock.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	able := plan.Planned[1:] // without checkout/pods/kill-one
	plan.Skipped = append(plan.Skipped, config.Skipped{ID: "checkout/pods/kill-one", Why: skipped})
	for _, row := range []struct {
		sentence string
		able     []config.Planned
		names    []string
		want     string // of the error
	}{
		{"its id", able, []string{"checkout/pods/kill-one"}, `experiment "checkout/pods/kill-one" is skipped: ` + skipped},
		{"the beginning of ids, of which others can run", able, []string{"checkout"}, ""},
		{"no name", able, nil, ""},
		{"all of them", nil, nil, "every experiment is skipped:\n"},
		{"all that were named", nil, []string{"cart"}, "every experiment is skipped:\n"},
	} {
		chosen, err := choose(plan, row.able, row.names, "")
		if (err == nil) != (row.want == "") || err != nil && (exitCode(err) != exitUsage || !strings.Contains(err.Error(), row.want)) {
			t.Errorf("%s: %v, %v; want %q", row.sentence, ids(chosen), err, row.want)
		}
	}
}

func TestARunSaysHowLongItTakes(t *testing.T) {
	long := suites.Experiment{Experiment: experiments.Experiment{Settle: 20 * time.Second, Hold: time.Minute, Watch: 30 * time.Second}}
	short := suites.Experiment{Experiment: experiments.Experiment{Settle: 10 * time.Second, Hold: 10 * time.Second}} // and the default watch
	for want, list := range map[string][]suites.Experiment{"1 experiment, 1m50s and more": {long}, "2 experiments, 2m40s and more": {long, short}} {
		if got := atLeast(list); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// resultsIn are those of the only run in a directory.
func resultsIn(t *testing.T, dir string) []results.Result {
	t.Helper()
	paths, _ := filepath.Glob(filepath.Join(dir, "*", "results.json"))
	if len(paths) != 1 {
		t.Fatalf("%d documents in %s, want one", len(paths), dir)
	}
	file, err := os.Open(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	d, err := results.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	return d.Results
}

// Who reads only JUnit must not take a run that could not begin for one without failures.
func TestARunThatCannotBeginHasNoGreenCase(t *testing.T) {
	dir := shopDirectory(t, ofShop)
	t.Chdir(dir)
	var out bytes.Buffer
	if code := execute(t.Context(), []string{"run", "checkout/pods"}, &out, &out); code != exitUnknown {
		t.Errorf("exit code %d, want %d\n%s", code, exitUnknown, &out)
	}
	if _, err := os.Stat("runs"); err == nil {
		t.Error("no directory was asked for, and there is one")
	}
	if code := execute(t.Context(), []string{"run", "--out", "asked", "--trials", "2", "checkout/pods", "checkout/storm"}, &out, &out); code != exitUnknown {
		t.Errorf("exit code %d, want %d\n%s", code, exitUnknown, &out)
	}
	names := []string{}
	for _, r := range resultsIn(t, "asked") {
		names = append(names, r.Experiment)
		if r.Run.End != record.NotBegun || r.Verdict != "unknown" || len(r.Findings) == 0 {
			t.Errorf("%s: %s, %s, %d findings", r.Experiment, r.Run.End, r.Verdict, len(r.Findings))
		}
	}
	if want := []string{"checkout/pods/kill-one", "checkout/storm", "checkout/pods/kill-one", "checkout/storm"}; !slices.Equal(names, want) {
		t.Errorf("results of %q, want %q", names, want)
	}
	path, _ := filepath.Glob("asked/*/junit.xml")
	text, err := os.ReadFile(path[0])
	if err != nil {
		t.Fatal(err)
	}
	if cases, red := strings.Count(string(text), "<testcase "), strings.Count(string(text), "<error "); cases < 4*10 || cases != red {
		t.Errorf("%d cases, of which %d are errors: want all\n%s", cases, red, text)
	}
	if strings.Count(out.String(), "reports of what was not begun are in asked/") != 1 {
		t.Errorf("it does not say where they are:\n%s", &out)
	}
}
