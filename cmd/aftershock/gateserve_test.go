package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/gate"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/runs"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/suites"
)

// gateFile is a configuration, for a cluster that does not answer, and a token.
func gateFile(t *testing.T) (file, token string) {
	t.Helper()
	dir := t.TempDir()
	kubeconfig := filepath.Join(dir, "kubeconfig")
	file, token = filepath.Join(dir, "aftershock.yaml"), filepath.Join(dir, "token")
	for path, text := range map[string]string{
		kubeconfig: `{apiVersion: v1, kind: Config, current-context: c, clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}], users: [{name: u}], contexts: [{name: c, context: {cluster: c, user: u}}]}`,
		token:      "a token that nobody guesses\n",
		file: `apiVersion: aftershock/v1
cluster: {uid: 0b1c2d3e-0000-0000-0000-000000000000, kubeconfig: ` + kubeconfig + `}
allow: {namespaces: [shop, bank]}
services:
  checkout: {namespace: shop, workload: deployment/checkout, load: {url: "http://checkout.example/", rate: 100/s}, suites: [pods, rollout, capacity/sustained]}
  ledger: {namespace: bank, workload: deployment/ledger, load: {url: "http://ledger.example/", rate: 100/s}, suites: [pods]}
`,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return file, token
}

func TestWhatAGateRefusesToBeginWith(t *testing.T) {
	file, token := gateFile(t)
	short := filepath.Join(t.TempDir(), "short")
	if err := os.WriteFile(short, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ sentence, args, want string }{
		{"no token", "", "no token: give --token-file, or AFTERSHOCK_GATE_TOKEN"},
		{"the token of a namespace that is not tested", "--token-file kube-system=" + token, "is of namespace kube-system, whose builds are not tested"},
		{"the token of a namespace that can be guessed", "--token-file shop=" + short, "has 6 characters"},
		{"a token that can be guessed", "--token-file " + short, "has 6 characters"},
		{"a token file that there is not", "--token-file none", "--token-file: open none"},
		{"the token in clear on the network", "--listen :0 --token-file " + token, "the token would cross the network in clear"},
		{"half a certificate", "--tls-cert x --token-file " + token, "want both or none"},
		{"a certificate that there is not", "--tls-cert x --tls-key y --token-file " + token, "--tls-cert x, --tls-key y: open x"},
		{"an address that is none", "--listen here --token-file " + token, "--listen: address here"},
		{"a namespace that faults may not touch", "--namespace kube-system --token-file " + token, "allow names only shop, bank"},
		{"a queue of none", "--queue 0 --token-file " + token, "--queue 0: want at least one"},
		{"an argument", "checkout --token-file " + token, "one argument too many"},
	} {
		var out, complaint bytes.Buffer
		args := append([]string{"gate", "serve", "-f", file, "--out", t.TempDir()}, strings.Fields(test.args)...)
		if code := execute(t.Context(), args, &out, &complaint); code != exitUsage || !strings.Contains(complaint.String(), test.want) {
			t.Errorf("%s: exit code %d, %q; want %d, %q", test.sentence, code, complaint.String(), exitUsage, test.want)
		}
	}
}

// A cluster that does not answer is no verdict, and the gate goes on.
func TestAGateWithoutItsCluster(t *testing.T) {
	file, token := gateFile(t)
	reader, writer := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan int, 1)
	var complaint bytes.Buffer
	args := []string{"gate", "serve", "-f", file, "--listen", "127.0.0.1:0", "--token-file", token, "--out", filepath.Join(t.TempDir(), "gate")}
	go func() {
		code := execute(ctx, args, writer, &complaint)
		_ = writer.Close()
		ended <- code
	}()
	first := make([]byte, 200)
	n, err := reader.Read(first)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, reader) }()
	at := regexp.MustCompile(`^gate on (\S+), for builds of shop, bank; written down in`).FindStringSubmatch(string(first[:n]))
	if at == nil {
		t.Fatalf("it said %q", first[:n])
	}
	ask := func(experiments string) (int, string) {
		r, err := http.NewRequest(http.MethodPost, "http://"+at[1]+"/argo", strings.NewReader(`{"namespace":"shop","name":"checkout","checksum":"1","experiments":"`+experiments+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer a token that nobody guesses")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close() //nolint:errcheck // only read
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(text)
	}
	if status, text := ask("ledger/pods"); status != http.StatusForbidden || !strings.Contains(text, "it hits another workload, deployment ledger in bank: it does not test a build of checkout in shop") {
		t.Errorf("an experiment of the bank: %d %q", status, text)
	}
	if status, text := ask("checkout/pods/kill-on"); status != http.StatusBadRequest || !strings.Contains(text, "checkout/pods/kill-one") {
		t.Errorf("a mistyped experiment: %d %q", status, text)
	}
	if status, text := ask("checkout/rollout/restart"); status != http.StatusBadRequest || !strings.Contains(text, "changes the pod template itself") {
		t.Errorf("an experiment that makes another build: %d %q", status, text)
	}
	if status, text := ask("checkout/capacity"); status != http.StatusBadRequest || !strings.Contains(text, "checkout/capacity/sustained injects no fault") {
		t.Errorf("an experiment without a fault: %d %q", status, text)
	}
	if status, text := ask("checkout/pods/kill-one"); status != http.StatusOK || !strings.Contains(text, `"state":"waiting"`) || !strings.Contains(text, "what its pods run is not known: ") || !strings.Contains(text, "cannot be tested now") {
		t.Errorf("%d %q, want it to wait for the cluster", status, text)
	}
	cancel()
	if code := <-ended; code != exitHeld {
		t.Errorf("exit code %d: %s", code, complaint.String())
	}
}

func TestTheTokensOfAGate(t *testing.T) {
	_, file := gateFile(t)
	const secret = "a token that nobody guesses"
	if all, of, err := gateTokens([]string{file, "bank=" + file}, []string{"web-shop", "bank"}); err != nil || all != secret || len(of) != 1 || of["bank"] != secret {
		t.Errorf("of files: %q, %q, %v", all, of, err)
	}
	t.Setenv("AFTERSHOCK_GATE_TOKEN_WEB_SHOP", "another that nobody guesses")
	const beside = "AFTERSHOCK_GATE_TOKEN_WEB_SHOP is set beside --token-file: give its token as --token-file web-shop=FILE, or unset it"
	if _, _, err := gateTokens([]string{file}, []string{"web-shop", "bank"}); err == nil || err.Error() != beside {
		t.Errorf("a variable beside a file: %v, want %q", err, beside)
	}
	if all, of, err := gateTokens(nil, []string{"web-shop", "bank"}); err != nil || all != "" || len(of) != 1 || of["web-shop"] != "another that nobody guesses" {
		t.Errorf("of variables: %q, %q, %v", all, of, err)
	}
}

func TestRefusalsThatMayBeOverLater(t *testing.T) {
	unauthorized := apierrors.NewUnauthorized("the token has expired")
	for _, test := range []struct {
		err  error
		want bool // a build waits for as long as it takes; for all else it waits for a while
	}{
		{fmt.Errorf("preflight: %w: stopped by ann", suites.ErrNotNow), true},
		{experiments.Ending{Reason: record.Refused, Detail: "held by another run"}, true},
		{experiments.Ending{Reason: record.Stopped, Detail: "by ann"}, false},
		{errors.New("the report cannot be written"), false},
		{fmt.Errorf("%w: no space left on device", runs.ErrUntouched), false},
		{fmt.Errorf("preflight: %w: the cluster does not answer", suites.ErrUnavailable), true},
		{fmt.Errorf("preflight: %w: %w", suites.ErrUnavailable, unauthorized), false},
		{fmt.Errorf("preflight: %w: a rollout is under way", suites.ErrNotAtRest), false},
		{fmt.Errorf("%w deployment checkout in shop", kube.ErrNoWorkload), false},
		{errors.Join(fmt.Errorf("%w: stopped by ann", suites.ErrNotNow), suites.ErrNotAtRest), true},
		{fmt.Errorf("preflight: %w: NetworkChaos/shop/checkout", suites.ErrInPlace), true},
		{suites.ErrOtherCluster, false},
		{nil, false},
	} {
		if err := notNow(test.err); errors.Is(err, gate.ErrNotNow) != test.want || (err == nil) != (test.err == nil) {
			t.Errorf("%v: %v, want that it waits for as long as it takes: %t", test.err, err, test.want)
		}
	}
}

// A build that is broken gets no further fault, and one that is not is tested by all.
func TestABrokenExperimentEndsTheTestOfABuild(t *testing.T) {
	for _, test := range []struct {
		sentence string
		breaks   []bool // each experiment's fault
		faults   int
		want     string // of its output
	}{
		{"the first is broken", []bool{true, false, true}, 1, "not run: second, third"},
		{"the second is broken", []bool{false, true, false}, 2, "not run: third"},
		{"none is", []bool{false, false, false}, 3, ""},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			faults := 0
			var list []suites.Experiment
			for i, breaks := range test.breaks {
				var down atomic.Bool
				list = append(list, suites.Experiment{Experiment: experiments.Experiment{
					Name: []string{"first", "second", "third"}[i],
					Hypothesis: steadystate.Hypothesis{
						Signals: []steadystate.Signal{{Name: "up", Source: steadystate.SourceFunc(func(ctx context.Context, clock steadystate.Clock, each func(steadystate.Observation)) error {
							for experiments.Wait(ctx, 10*time.Millisecond) == nil {
								value := 1.
								if down.Load() {
									value = 0
								}
								each(steadystate.Observation{Span: steadystate.Instant(clock.Now()), Value: value})
							}
							return nil
						})}},
						Checks: []steadystate.Check{{Name: "up", Signal: "up", Good: steadystate.AtLeast(1)}},
					},
					Traffic: "traffic",
					Faults: []experiments.Scheduled{{Fault: experiments.FaultFunc{
						Text: "break the shop", Targets: []record.Target{{Name: "a"}}, Effects: []record.Effect{{Event: record.EventGone}},
						Do:   func(context.Context, *record.Recorder) error { faults++; down.Store(breaks); return nil },
						Undo: func(context.Context, *record.Recorder) error { down.Store(false); return nil },
					}}},
					Settle: 300 * time.Millisecond, Hold: 300 * time.Millisecond, Watch: 300 * time.Millisecond,
				}})
			}
			directory, err := runs.NewDirectory(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			g := &gateRunner{file: "aftershock.yaml", stdout: &out, stderr: io.Discard}
			err = g.carryOut(t.Context(), directory, list)
			if err != nil || faults != test.faults || !strings.Contains(out.String(), test.want) || strings.Contains(out.String(), "not run") != (test.want != "") {
				t.Errorf("%d faults, %v; want %d and %q in\n%s", faults, err, test.faults, test.want, &out)
			}
			ends := map[string]int{}
			for _, r := range resultsIn(t, filepath.Dir(directory.Path)) {
				ends[r.Run.End]++
			}
			if ends[record.Completed] != test.faults || ends[record.NotBegun] != 3-test.faults {
				t.Errorf("results of %v, want of %d that ended and of %d that were not begun", ends, test.faults, 3-test.faults)
			}
		})
	}
}

// What waiting does not change: another cluster, and another file.
func TestWhatAGateDoesNotWaitFor(t *testing.T) {
	if err := notNow(fmt.Errorf("preflight: %w", suites.ErrOtherCluster)); !errors.Is(err, gate.ErrUntestable) {
		t.Errorf("another cluster: %v", err)
	}
	file, _ := gateFile(t)
	begin := func() (*runs.Directory, error) { t.Error("it was begun"); return nil, errors.New("begun") }
	g := &gateRunner{file: file, stdout: io.Discard, stderr: io.Discard}
	if err := g.Run(t.Context(), gate.Ask{File: "another"}, begin); !errors.Is(err, gate.ErrUntestable) || !strings.Contains(err.Error(), "has changed since the build was asked about") {
		t.Errorf("another file: %v", err)
	}
}

// A build for which a stop or another run could not be looked for is not one whose pods
// could not be read: they can be all the while, and it would be tried for ever.
func TestWhatALookOfAGateCouldNotRead(t *testing.T) {
	file, _ := gateFile(t)
	plan, err := readPlan(file)
	if err != nil {
		t.Fatal(err)
	}
	groups := map[string]map[string]string{
		"v1":                     {"namespaces": "Namespace", "configmaps": "ConfigMap", "pods": "Pod"},
		"apps/v1":                {"deployments": "Deployment"},
		"coordination.k8s.io/v1": {"leases": "Lease"},
	}
	for refused, notKnown := range map[string]bool{"configmaps": false, "leases": false, "deployments": true} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			write := func(of any) {
				if err := json.NewEncoder(w).Encode(of); err != nil {
					t.Error(err)
				}
			}
			status := func(code int, reason metav1.StatusReason) {
				w.WriteHeader(code)
				write(metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Reason: reason, Code: int32(code), Message: refused + " is forbidden"})
			}
			version := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/apis/"), "/api/")
			switch resources, ok := groups[version]; {
			case ok:
				list := metav1.APIResourceList{GroupVersion: version}
				for name, kind := range resources {
					list.APIResources = append(list.APIResources, metav1.APIResource{Name: name, Kind: kind, Namespaced: kind != "Namespace"})
				}
				write(list)
			case r.URL.Path == "/api":
				write(metav1.APIVersions{Versions: []string{"v1"}})
			case r.URL.Path == "/apis":
				var list metav1.APIGroupList
				for of := range groups {
					if name, version, ok := strings.Cut(of, "/"); ok {
						v := metav1.GroupVersionForDiscovery{GroupVersion: of, Version: version}
						list.Groups = append(list.Groups, metav1.APIGroup{Name: name, Versions: []metav1.GroupVersionForDiscovery{v}, PreferredVersion: v})
					}
				}
				write(list)
			case r.URL.Path == "/api/v1/namespaces/kube-system":
				write(corev1.Namespace{TypeMeta: metav1.TypeMeta{Kind: "Namespace", APIVersion: "v1"}, ObjectMeta: metav1.ObjectMeta{Name: "kube-system", UID: types.UID(plan.Cluster.UID)}})
			case strings.Contains(r.URL.Path, "/"+refused):
				status(http.StatusForbidden, metav1.StatusReasonForbidden)
			case strings.HasSuffix(r.URL.Path, "/leases"):
				write(map[string]any{"kind": "LeaseList", "apiVersion": "coordination.k8s.io/v1", "items": []any{}})
			default:
				status(http.StatusNotFound, metav1.StatusReasonNotFound)
			}
		}))
		t.Cleanup(server.Close)
		text := strings.Replace(string(must(os.ReadFile(plan.Cluster.Kubeconfig))), "http://127.0.0.1:1", server.URL, 1)
		of := *plan
		of.Cluster.Kubeconfig = filepath.Join(t.TempDir(), "kubeconfig")
		if err := os.WriteFile(of.Cluster.Kubeconfig, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		g := &gateRunner{file: file, plan: &of, stdout: io.Discard, stderr: io.Discard}
		_, err := g.Look(t.Context(), gate.Ask{Namespace: "shop", Name: "checkout", Plans: map[string]string{"checkout/pods/kill-one": ""}})
		if err == nil || !strings.Contains(err.Error(), refused) || errors.Is(err, gate.ErrNotKnown) != notKnown || errors.Is(err, gate.ErrNotNow) {
			t.Errorf("%s are refused: %v, want that the pods could not be read: %t", refused, err, notKnown)
		}
	}
}
