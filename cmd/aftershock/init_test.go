package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/internal/discover"
)

// apiServer answers as a Kubernetes with one Deployment and its Service in the
// namespace shop, and with nothing else of any kind. An account is told its lack of
// rights by an empty deployed.
func apiServer(t *testing.T, url string) (kubeconfig string) {
	t.Helper()
	resources := func(version string, list ...string) metav1.APIResourceList {
		r := metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList"}, GroupVersion: version}
		for _, kind := range list {
			r.APIResources = append(r.APIResources, metav1.APIResource{Name: strings.ToLower(kind) + "s", Kind: kind, Namespaced: kind != "Namespace" && kind != "Node", Verbs: []string{"get", "list"}})
		}
		return r
	}
	groups := map[string]metav1.APIResourceList{
		"/api/v1":                       resources("v1", "Namespace", "Node", "Service"),
		"/apis/apps/v1":                 resources("apps/v1", "Deployment", "StatefulSet", "DaemonSet"),
		"/apis/networking.k8s.io/v1":    {GroupVersion: "networking.k8s.io/v1", APIResources: []metav1.APIResource{{Name: "ingresses", Kind: "Ingress", Namespaced: true}}},
		"/apis/policy/v1":               resources("policy/v1", "PodDisruptionBudget"),
		"/apis/autoscaling/v2":          resources("autoscaling/v2", "HorizontalPodAutoscaler"),
		"/apis/chaos-mesh.org/v1alpha1": {GroupVersion: "chaos-mesh.org/v1alpha1", APIResources: []metav1.APIResource{{Name: "podchaos", Kind: "PodChaos", Namespaced: true}}},
	}
	var list metav1.APIGroupList
	for path := range groups {
		if name, version, ok := strings.Cut(strings.TrimPrefix(path, "/apis/"), "/"); ok && strings.HasPrefix(path, "/apis/") {
			v := metav1.GroupVersionForDiscovery{GroupVersion: name + "/" + version, Version: version}
			list.Groups = append(list.Groups, metav1.APIGroup{Name: name, Versions: []metav1.GroupVersionForDiscovery{v}, PreferredVersion: v})
		}
	}
	app := map[string]string{"app": "checkout"}
	answers := map[string]any{
		"/api":                           metav1.APIVersions{Versions: []string{"v1"}},
		"/apis":                          list,
		"/api/v1/namespaces/kube-system": corev1.Namespace{TypeMeta: metav1.TypeMeta{Kind: "Namespace", APIVersion: "v1"}, ObjectMeta: metav1.ObjectMeta{Name: "kube-system", UID: "0b1c2d3e"}},
		"/apis/apps/v1/namespaces/shop/deployments": appsv1.DeploymentList{TypeMeta: metav1.TypeMeta{Kind: "DeploymentList", APIVersion: "apps/v1"}, Items: []appsv1.Deployment{{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout"},
			Spec: appsv1.DeploymentSpec{Replicas: new(int32(3)), Selector: &metav1.LabelSelector{MatchLabels: app}, Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: app}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}}},
			}},
		}}},
		"/api/v1/services": corev1.ServiceList{TypeMeta: metav1.TypeMeta{Kind: "ServiceList", APIVersion: "v1"}, Items: []corev1.Service{{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout"}, Spec: corev1.ServiceSpec{Selector: app, Ports: []corev1.ServicePort{{Port: 80}}},
		}}},
	}
	for path, resources := range groups {
		answers[path] = resources
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, ok := answers[r.URL.Path]
		if r.Method != http.MethodGet {
			t.Errorf("%s %s: init only reads", r.Method, r.URL.Path)
		}
		if strings.Count(r.URL.Path, "/") == 3 && strings.HasPrefix(r.URL.Path, "/apis/") && !ok {
			http.NotFound(w, r) // a group that the cluster does not have
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if !ok {
			answer = map[string]any{"kind": "List", "apiVersion": "v1", "items": []any{}}
			for group := range groups {
				if rest, ok := strings.CutPrefix(r.URL.Path, group+"/"); ok {
					resource := rest[strings.LastIndex(rest, "/")+1:]
					for _, of := range groups[group].APIResources {
						if of.Name == resource {
							answer = map[string]any{"kind": of.Kind + "List", "apiVersion": groups[group].GroupVersion, "items": []any{}}
						}
					}
				}
			}
		}
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	if url == "" {
		url = server.URL
	}
	kubeconfig = filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","clusters":[{"name":"c","cluster":{"server":%q}}],"contexts":[{"name":"staging","context":{"cluster":"c","namespace":"shop"}}],"current-context":"staging"}`, url)
	if err := os.WriteFile(kubeconfig, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return kubeconfig
}

// answering is a service that answers as two pods of checkout in turn.
func answering(t *testing.T) string {
	t.Helper()
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n++
		w.Header().Set("X-Pod", fmt.Sprintf("checkout-6d4b75cb6d-x7x2%d", n%2))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestInitWritesAFirstConfiguration(t *testing.T) {
	url := answering(t)
	t.Setenv("KUBECONFIG", apiServer(t, ""))
	t.Chdir(t.TempDir())
	code, stdout, stderr := call(t, "init", "--service", "checkout", "--url", "checkout="+url)
	if want := "wrote aftershock.yaml: checkout\nnext:\n  aftershock preflight -f aftershock.yaml\n  aftershock run -f aftershock.yaml checkout/pods/kill-one\n"; code != exitHeld || stdout != want {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	plan, err := config.Read(defaultConfig)
	if err != nil {
		t.Fatal(err)
	}
	if c := plan.Cluster; c.UID != "0b1c2d3e" || c.Context != "staging" || c.Kubeconfig != "" || plan.Services[0].Load.URL != url {
		t.Errorf("%+v, %+v", c, plan.Services[0].Load)
	}
	written, err := os.ReadFile(defaultConfig)
	if err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr = call(t, "init", "--service", "checkout")
	if again, err := os.ReadFile(defaultConfig); code != exitUsage || !strings.Contains(stderr, "aftershock.yaml already exists and is not overwritten") || err != nil || !bytes.Equal(again, written) {
		t.Errorf("a file that is there: exit code %d\n%s%s", code, stdout, stderr)
	}
	code, stdout, _ = call(t, "init", "--service", "checkout", "--url", "checkout="+url, "--dry-run")
	if code != exitHeld || stdout != string(written) {
		t.Errorf("a dry run: exit code %d\n%s", code, stdout)
	}
	if code, stdout, _ := call(t, "__complete", "init", "--service", ""); code != exitHeld || !strings.Contains(stdout, "shop/deployment/checkout\t3 replicas, Service checkout\n") {
		t.Errorf("completion: %s", stdout)
	}
	if code, stdout, _ := call(t, "__complete", "init", "--context", ""); code != exitHeld || !strings.Contains(stdout, "staging\n") {
		t.Errorf("completion: %s", stdout)
	}
}

// A disk that is full, as this one is, leaves no file that reads as a configuration.
func TestNoFileIsLeftThatIsWrittenInPart(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("there.yaml", []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeNew("there.yaml", "ours"); exitCode(err) != exitUsage || !strings.Contains(err.Error(), "there.yaml already exists and is not overwritten") {
		t.Errorf("a file that is there: %v", err)
	}
	if err := writeNew("first file.yaml", "ours"); err != nil {
		t.Error(err)
	}
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 4096, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	err := writeNew("part.yaml", strings.Repeat("x", 10_000))
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	signal.Reset(syscall.SIGXFSZ)
	if err == nil {
		t.Error("it was written whole")
	}
	left, _ := filepath.Glob("*")
	hidden, _ := filepath.Glob(".*")
	if mine, _ := os.ReadFile("there.yaml"); !slices.Equal(left, []string{"first file.yaml", "there.yaml"}) || len(hidden) > 0 || string(mine) != "mine" {
		t.Errorf("it left %q, %q, %q", left, hidden, mine)
	}
}

func TestInitSaysWhatIsNotKnown(t *testing.T) {
	kubeconfig := apiServer(t, "")
	t.Chdir(t.TempDir())
	code, stdout, stderr := call(t, "init", "--kubeconfig", kubeconfig, "--service", "checkout", "-f", "first.yaml")
	if want := "next:\n  give checkout a load or traffic in first.yaml: until then its experiments are skipped\n  aftershock preflight -f first.yaml\n"; code != exitHeld || !strings.HasSuffix(stdout, want) {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	plan, err := config.Read("first.yaml")
	if err != nil || len(plan.Planned) > 0 || len(plan.Skipped) == 0 || plan.Cluster.Kubeconfig != kubeconfig {
		t.Errorf("%+v, %v", plan, err)
	}
}

// What was given and does not answer is said at once, not only in the file.
func TestInitSaysWhatDoesNotAnswer(t *testing.T) {
	kubeconfig, missing := apiServer(t, ""), httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(missing.Close)
	t.Chdir(t.TempDir())
	code, _, stderr := call(t, "init", "--kubeconfig", kubeconfig, "--service", "checkout", "--url", "checkout="+missing.URL+"/x", "--prometheus", missing.URL)
	for _, want := range []string{"note: " + missing.URL + "/x of checkout answered 404: give a path that users request\n", "note: Prometheus " + missing.URL + " did not answer from here: "} {
		if code != exitHeld || !strings.Contains(stderr, want) {
			t.Errorf("exit code %d\n%s\nwant %q", code, stderr, want)
		}
	}
	unnamed := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(unnamed.Close)
	code, stdout, stderr := call(t, "init", "--kubeconfig", kubeconfig, "--service", "checkout", "--url", "checkout="+unnamed.URL, "-f", "unnamed.yaml")
	note := "note: no header of the answers of " + unnamed.URL + " names the pod, so that preflight and run refuse faults on pods of checkout: have it send one, as X-Pod with the pod's name\n"
	next := "next:\n  mend the load of checkout as its comment in unnamed.yaml says: until then preflight and run refuse it\n  aftershock preflight -f unnamed.yaml\n"
	if code != exitHeld || !strings.Contains(stderr, note) || !strings.HasSuffix(stdout, next) {
		t.Errorf("answers that name no pod: exit code %d\n%s%s", code, stdout, stderr)
	}
	t.Setenv("KUBECONFIG", "nowhere")
	if code, _, stderr := call(t, "init", "-f", "second.yaml"); code != exitUsage || !strings.Contains(stderr, "no kubeconfig in nowhere, which does not exist: set KUBECONFIG, or name one with --kubeconfig of init") {
		t.Errorf("without a kubeconfig: exit code %d\n%s", code, stderr)
	}
}

func TestInitRefuses(t *testing.T) {
	t.Setenv("KUBECONFIG", apiServer(t, ""))
	away := apiServer(t, "http://127.0.0.1:9")
	t.Chdir(t.TempDir())
	for _, row := range []struct {
		sentence string
		args     []string
		code     int
		want     string
	}{
		{"nothing is said and nobody can be asked", nil, exitUsage, "say which workloads are meant, with --service NAMESPACE/KIND/NAME (it may be repeated):\n  shop/deployment/checkout: 3 replicas, Service checkout\n"},
		{"an unknown workload", []string{"--service", "cart"}, exitUsage, "--service cart: want one of"},
		{"a URL without a name", []string{"--url", "http://shop.example/"}, exitUsage, `--url "http://shop.example/": want NAME=URL`},
		{"a URL without a host", []string{"--url", "checkout=http:///checkout"}, exitUsage, `--url checkout=...: want NAME=URL, as in checkout=https://shop.example/checkout: load: url: "http:///checkout": want http://host/path or https://host/path`},
		{"a URL with a password", []string{"--url", "checkout=http://me:secret@shop.example/"}, exitUsage, `"http://xxxxx@shop.example/" holds credentials`},
		{"a Prometheus without a scheme", []string{"--prometheus", "prometheus.example:9090"}, exitUsage, "--prometheus: "},
		{"a Prometheus with a password", []string{"--prometheus", "http://me:secret@prometheus.example"}, exitUsage, "holds credentials"},
		{"a URL of another service", []string{"--service", "checkout", "--url", "cart=http://shop.example/"}, exitUsage, "--url cart=...: no service of this name was chosen; services: checkout"},
		{"two URLs of one service", []string{"--service", "checkout", "--url", "checkout=http://a.example/", "--url", "checkout=http://b.example/"}, exitUsage, "--url checkout=...: it is given twice, as http://a.example/ and as http://b.example/"},
		{"a namespace without workloads", []string{"-n", "empty"}, exitUsage, "no Deployment, StatefulSet, DaemonSet or Argo Rollout was found"},
		{"an unknown context", []string{"--context", "prod"}, exitUsage, "contexts: staging"},
		{"a cluster that does not answer", []string{"--kubeconfig", away}, exitUnknown, "read cluster staging (http://127.0.0.1:9)"},
		{"a missing directory", []string{"--service", "checkout", "-f", "no/such.yaml"}, exitUsage, "no such file"},
		{"arguments", []string{"checkout"}, exitUsage, "one argument too many"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			code, stdout, stderr := call(t, append([]string{"init"}, row.args...)...)
			if code != row.code || !strings.Contains(stderr, row.want) {
				t.Errorf("exit code %d, want %d and %q\n%s%s", code, row.code, row.want, stdout, stderr)
			}
			if left, _ := filepath.Glob("*"); len(left) > 0 {
				t.Errorf("it left %v", left)
			}
		})
	}
}

func TestInitAsksAPerson(t *testing.T) {
	kubeconfig, url := apiServer(t, ""), answering(t)
	t.Chdir(t.TempDir())
	var out, asked bytes.Buffer
	person := prompt{lines: bufio.NewReader(strings.NewReader("1\nshop.example/checkout\n" + url + "\n\n")), out: &asked, terminal: true}
	if err := initialize(t.Context(), initFlags{file: "asked.yaml", kubeconfig: kubeconfig}, person, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"  1  shop/deployment/checkout: 3 replicas, Service checkout\n", "Which are to be tested?", "URL that users of checkout request, as it is reached from here (empty: to be filled in): ", "load: url: \"shop.example/checkout\": want http://host/path or https://host/path\n", "URL of Prometheus (empty: there is none): "} {
		if !strings.Contains(asked.String(), want) {
			t.Errorf("it does not ask %q:\n%s", want, &asked)
		}
	}
	plan, err := config.Read("asked.yaml")
	if err != nil || plan.Services[0].Load.URL != url {
		t.Errorf("%v, %+v", err, plan)
	}
}

// Where only the readiness probe's path answers, the question says why that is no URL
// to keep.
func TestInitSaysWhyAProbesPathIsAMakeshift(t *testing.T) {
	for _, row := range []struct {
		service discover.Service
		want    string
	}{
		{discover.Service{Name: "checkout"}, "URL that users of checkout request, as it is reached from here (empty: to be filled in): "},
		{discover.Service{Name: "checkout", URL: "http://shop.example/"}, "URL that users of checkout request, as it is reached from here (empty: http://shop.example/): "},
		{
			discover.Service{Name: "checkout", URL: "http://192.0.2.7:30080/ready", Probed: true, Root: "http://192.0.2.7:30080/ answered 404", Answer: discover.Answer{Status: 200}},
			"http://192.0.2.7:30080/ answered 404, and http://192.0.2.7:30080/ready, the path of the readiness probe, answered 200: a load of it measures the probe, not what users request, and its answers name no pod, so that preflight and run refuse faults on pods\n" +
				"URL that users of checkout request, as it is reached from here (empty: that of the probe, which no fault on pods can run with): ",
		},
		{
			discover.Service{Name: "checkout", URL: "http://192.0.2.7:30080/ready", Probed: true, Root: "http://192.0.2.7:30080/ answered 404", Answer: discover.Answer{Status: 200, Header: "X-Pod"}},
			"http://192.0.2.7:30080/ answered 404, and http://192.0.2.7:30080/ready, the path of the readiness probe, answered 200: a load of it measures the probe, not what users request\n" +
				"URL that users of checkout request, as it is reached from here (empty: that of the probe, for a first run): ",
		},
	} {
		if got := urlQuestion(&row.service); got != row.want {
			t.Errorf("it asks\n%s\nwant\n%s", got, row.want)
		}
	}
}

// A read of a terminal does not end by itself.
func TestInitStopsWhileItAsks(t *testing.T) {
	kubeconfig := apiServer(t, "")
	t.Chdir(t.TempDir())
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = writer.Close(), reader.Close() })
	ctx, cancel := context.WithCancel(t.Context())
	person := prompt{lines: bufio.NewReader(reader), out: cancelling(cancel), terminal: true}
	err = initialize(ctx, initFlags{file: "asked.yaml", kubeconfig: kubeconfig}, person, &bytes.Buffer{})
	if exitCode(err) != exitFailed {
		t.Errorf("%v", err)
	}
}

// cancelling is a person who presses ^C when asked.
type cancelling context.CancelFunc

func (c cancelling) Write(p []byte) (int, error) {
	if strings.Contains(string(p), "?") {
		c()
	}
	return len(p), nil
}
