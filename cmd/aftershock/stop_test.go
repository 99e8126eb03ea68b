package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
)

// stoppable is a directory with a configuration of a cluster that has ConfigMaps
// and knows the account as ann.
func stoppable(t *testing.T, uid string) {
	t.Helper()
	var stored *corev1.ConfigMap
	reply := func(w http.ResponseWriter, code int, of any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		if err := json.NewEncoder(w).Encode(of); err != nil {
			t.Error(err)
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind := func(kind, version string) metav1.TypeMeta { return metav1.TypeMeta{Kind: kind, APIVersion: version} }
		switch maps := "/api/v1/namespaces/aftershock/configmaps"; {
		case r.URL.Path == "/api":
			reply(w, 200, metav1.APIVersions{TypeMeta: kind("APIVersions", "v1"), Versions: []string{"v1"}})
		case r.URL.Path == "/apis":
			v := metav1.GroupVersionForDiscovery{GroupVersion: "authentication.k8s.io/v1", Version: "v1"}
			reply(w, 200, metav1.APIGroupList{TypeMeta: kind("APIGroupList", "v1"), Groups: []metav1.APIGroup{{Name: "authentication.k8s.io", Versions: []metav1.GroupVersionForDiscovery{v}, PreferredVersion: v}}})
		case r.URL.Path == "/api/v1":
			reply(w, 200, metav1.APIResourceList{TypeMeta: kind("APIResourceList", "v1"), GroupVersion: "v1", APIResources: []metav1.APIResource{
				{Name: "namespaces", Kind: "Namespace"}, {Name: "configmaps", Kind: "ConfigMap", Namespaced: true},
			}})
		case r.URL.Path == "/apis/authentication.k8s.io/v1":
			reply(w, 200, metav1.APIResourceList{TypeMeta: kind("APIResourceList", "v1"), GroupVersion: "authentication.k8s.io/v1", APIResources: []metav1.APIResource{{Name: "selfsubjectreviews", Kind: "SelfSubjectReview"}}})
		case r.URL.Path == "/api/v1/namespaces/kube-system":
			reply(w, 200, corev1.Namespace{TypeMeta: kind("Namespace", "v1"), ObjectMeta: metav1.ObjectMeta{Name: "kube-system", UID: "0b1c"}})
		case strings.HasSuffix(r.URL.Path, "/selfsubjectreviews"):
			reply(w, 201, authenticationv1.SelfSubjectReview{TypeMeta: kind("SelfSubjectReview", "authentication.k8s.io/v1"), Status: authenticationv1.SelfSubjectReviewStatus{UserInfo: authenticationv1.UserInfo{Username: "ann"}}})
		case r.Method == http.MethodGet && stored != nil && r.URL.Path == maps+"/aftershock-stop":
			reply(w, 200, stored)
		case r.Method == http.MethodPost && r.URL.Path == maps, r.Method == http.MethodPut && stored != nil:
			stored = &corev1.ConfigMap{}
			if body, err := io.ReadAll(r.Body); err != nil {
				t.Error(err)
			} else if _, _, err = scheme.Codecs.UniversalDeserializer().Decode(body, nil, stored); err != nil {
				t.Error(err)
			}
			stored.ResourceVersion, stored.UID = "1", "u"
			reply(w, 201, stored)
		case r.Method == http.MethodDelete && stored != nil:
			stored = nil
			reply(w, 200, metav1.Status{TypeMeta: kind("Status", "v1"), Status: "Success"})
		default:
			reply(w, 404, metav1.Status{TypeMeta: kind("Status", "v1"), Status: "Failure", Reason: metav1.StatusReasonNotFound, Code: 404})
		}
	}))
	t.Cleanup(server.Close)
	t.Chdir(t.TempDir())
	kubeconfig := fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","clusters":[{"name":"c","cluster":{"server":%q}}],"contexts":[{"name":"staging","context":{"cluster":"c"}}],"current-context":"staging"}`, server.URL)
	for name, text := range map[string]string{
		"kubeconfig": kubeconfig,
		"aftershock.yaml": `apiVersion: aftershock/v1
cluster: {kubeconfig: kubeconfig, uid: ` + uid + `, namespace: aftershock}
allow: {namespaces: [shop]}
services:
  checkout: {namespace: shop, workload: deployment/checkout, load: {url: "${NOT_SET_IN_A_TEST}"}, suites: [pods]}
  broken: {workload: deployment/broken}
`,
	} {
		if err := os.WriteFile(filepath.Join(".", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAStopIsSetListedAndResumed(t *testing.T) {
	stoppable(t, "0b1c")
	for _, row := range []struct {
		sentence string
		args     []string
		code     int
		want     []string
	}{
		{"there is none", []string{"stop", "--list"}, exitHeld, []string{"no stop is set", "2 mistakes, which do not matter here"}},
		{"nothing to resume is no error", []string{"resume", "--all"}, exitHeld, []string{"nothing to resume: no stop of all runs", "no stop is set"}},
		{"all runs", []string{"stop", "--all", "--reason", "incident 42"}, exitHeld, []string{"stopped: all runs, by ann from ", ", until resumed: incident 42", `"aftershock resume --all" ends it`}},
		{"a service, for some time", []string{"stop", "--service", "checkout", "--reason", "sale", "--until", "2h"}, exitHeld, []string{"stopped: runs on checkout (deployment/shop/checkout), by ann", ": sale"}},
		{"a service that there is not", []string{"stop", "--service", "cart", "--reason", "sale"}, exitUsage, []string{"no such service with a namespace and a workload: cart; services: checkout, broken"}},
		{"a service whose workload is not known", []string{"stop", "--service", "broken", "--reason", "sale"}, exitUsage, []string{"no such service"}},
		{"both are there", []string{"stop", "--list"}, exitHeld, []string{"in force: all runs, by ann", "in force: runs on checkout"}},
		{"one is resumed, and the other is told", []string{"resume", "--all"}, exitHeld, []string{"resumed: all runs, by ann", "in force: runs on checkout"}},
		{"the other", []string{"resume", "--service", "checkout"}, exitHeld, []string{"resumed: runs on checkout", "no stop is set"}},
	} {
		code, stdout, stderr := call(t, row.args...)
		if code != row.code {
			t.Errorf("%s: exit code %d", row.sentence, code)
		}
		for _, want := range row.want {
			if !strings.Contains(stdout+stderr, want) {
				t.Errorf("%s: no %q in\n%s%s", row.sentence, want, stdout, stderr)
			}
		}
	}
}

func TestAnotherClusterIsNotStopped(t *testing.T) {
	stoppable(t, "ffff")
	if code, _, stderr := call(t, "stop", "--all", "--reason", "incident"); code != exitUsage || !strings.Contains(stderr, "this is another cluster") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
