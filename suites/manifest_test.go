package suites

import (
	"slices"
	"strings"
	"testing"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	"sigs.k8s.io/yaml"
)

// manifests is a file of one service, which runs these faults.
func manifests(service string, faults ...string) string {
	return `apiVersion: aftershock/v1
cluster: {uid: 0b1c}
allow: {namespaces: [shop]}
prometheus: {url: "http://127.0.0.1:9090"}
services:
  checkout:
    namespace: shop
    workload: deployment/checkout
    load: {url: "http://127.0.0.1:30080/checkout"}
` + service + `  payments: {namespace: shop, workload: deployment/payments}
experiments:
  one:
    service: checkout
    faults:
      ` + strings.Join(faults, "\n      ") + "\n"
}

func TestAManifestIsWhatTheFileSaysWithoutACluster(t *testing.T) {
	const said = "    selector: {app: checkout}\n"
	for _, row := range []struct {
		sentence, service, fault string
		want                     []string // lines
		warning                  string
	}{
		{"one pod", said, "f: {podKill: {pods: 1}}", []string{"kind: PodChaos", "mode: one", "app: checkout", "action: pod-kill"}, ""},
		{"three", said, "f: {podKill: {pods: 3}}", []string{"mode: fixed", `value: "3"`}, ""},
		{"a third of them", said, "f: {podKill: {pods: 33%}}", []string{"mode: fixed-percent", `value: "33"`}, ""},
		{"all", said, "f: {networkDelay: {pods: all, latency: 200ms}}", []string{"kind: NetworkChaos", "mode: all", "latency: 200ms"}, ""},
		{"all, as a percentage", said, "f: {podKill: {pods: 100%}}", []string{"mode: all"}, ""},
		{
			"pods whose labels the cluster knows", "", "f: {podKill: {pods: 1}}",
			[]string{"selector-of: deployment/checkout"},
			"the cluster knows the labels of the pods of deployment checkout in shop: --dry-run=server prints them",
		},
		{
			"those of another service too", said, "f: {networkDelay: {pods: 1, latency: 200ms, to: payments}}",
			[]string{"app: checkout", "selector-of: deployment/payments"},
			"the cluster knows the labels of the pods of deployment payments in shop: --dry-run=server prints them",
		},
		{
			"a container that the cluster knows", said, "f: {stressMemory: {pods: 1, ofLimit: 70%}}",
			[]string{"- container-of.checkout"},
			"the cluster knows the container of deployment checkout in shop: --dry-run=server prints them",
		},
		{"a container that the file names", said + "    container: app\n", "f: {containerKill: {pods: 1}}", []string{"- app"}, ""},
		{
			"an object of Chaos Mesh says itself what it selects",
			"",
			`f: {chaosMesh: {yaml: '{"apiVersion": "chaos-mesh.org/v1alpha1", "kind": "PodChaos", "metadata": {"namespace": "shop"}, "spec": {"action": "pod-kill", "mode": "one", "selector": {"namespaces": ["shop"], "labelSelectors": {"app": "cart"}}}}'}}`,
			[]string{"kind: PodChaos", "app: cart"},
			"",
		},
		{"an eviction creates nothing", "", "f: {evict: {pods: 1}}", nil, ""},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			p := planOf(t, manifests(row.service, row.fault)).Planned[0]
			object, warning := Manifest(p, p.Faults[0])
			text, err := yaml.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			if warning != row.warning || (object == nil) != (row.want == nil) {
				t.Errorf("warning %q, want %q;\n%s", warning, row.warning, text)
			}
			var lines []string
			for line := range strings.Lines(string(text)) {
				lines = append(lines, strings.TrimSpace(line))
			}
			for _, want := range row.want {
				if !slices.Contains(lines, want) {
					t.Errorf("want %q in\n%s", want, text)
				}
			}
			if object != nil && !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "duration: ") }) {
				t.Errorf("it does not end by itself:\n%s", text)
			}
		})
	}
}

// What the cluster says to an object that is not created has its labels and its
// container.
func TestAPreviewIsOfWhatWasRead(t *testing.T) {
	_, list := made(t, manifests("", "stress: {stressCPU: {pods: 1, workers: 1, load: 80%}}"), deployed("checkout"), podOf("checkout"))
	p := list[0].Planned
	object, warning := Preview(t.Context(), list, p, p.Faults[0])
	stress, ok := object.(*v1alpha1.StressChaos)
	if !ok || warning != "" {
		t.Fatalf("%T, %q", object, warning)
	}
	if s := stress.Spec; !slices.Equal(s.ContainerNames, []string{"checkout"}) || s.Selector.LabelSelectors["app"] != "checkout" || s.Duration == nil {
		t.Errorf("%+v", s)
	}
	if object, warning := Preview(t.Context(), nil, p, p.Faults[0]); object != nil || warning != "skipped" {
		t.Errorf("%v, %q of an experiment that does not run", object, warning)
	}
}
