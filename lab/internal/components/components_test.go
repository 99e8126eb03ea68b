package components

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/aftershockhq/aftershock/lab/internal/cgroup"
	"github.com/aftershockhq/aftershock/lab/internal/plan"
	"github.com/aftershockhq/aftershock/lab/internal/supervise"
)

func TestListsHoldTogether(t *testing.T) {
	for name, list := range map[string][]supervise.Component{
		"control plane with two nodes": Control(2, cgroup.Group{}), "node": Node(2),
	} {
		t.Run(name, func(t *testing.T) {
			var names []string
			for _, c := range list {
				if slices.Contains(names, c.Name) {
					t.Errorf("two components are called %s", c.Name)
				}
				names = append(names, c.Name)
				if (c.Run == nil) == (len(c.Args) == 0) {
					t.Errorf("%s is not either a command or a function", c.Name)
				}
				if c.Ready == nil && c.Run == nil {
					t.Errorf("%s never shows that it serves", c.Name)
				}
			}
			for _, c := range list {
				for _, need := range c.Needs {
					if !slices.Contains(names, need) {
						t.Errorf("%s needs %s, which is not in the list", c.Name, need)
					}
				}
			}
		})
	}
	if n := len(Control(2, cgroup.Group{})) - len(Control(1, cgroup.Group{})); n != 1 {
		t.Errorf("a second node adds %d components to the control plane", n)
	}
}

func TestPodsOutweighWhatStartsThem(t *testing.T) {
	sum := 0.0
	for _, c := range Node(1) {
		if c.Name == "chaos-daemon" {
			continue // it carries their packets
		}
		if c.Weight == 0 {
			t.Errorf("%s weighs 1", c.Name)
		}
		sum += c.Weight
	}
	if sum > 1 {
		t.Errorf("what starts pods weighs %g, and a kubelet gives the pods of two cores 2", sum)
	}
	for _, c := range Control(1, cgroup.Group{}) {
		if c.Name == plan.NodeName(1) && c.Weight < 2 {
			t.Errorf("a node weighs %g, and a component of the control plane 1", c.Weight)
		}
	}
}

func TestConfigurationsAreWellFormed(t *testing.T) {
	for name, content := range map[string]string{"prometheus": prometheusConfig(2), "kubelet": kubeletConfig("node1")} {
		var v map[string]any
		if err := yaml.UnmarshalStrict([]byte(content), &v); err != nil {
			t.Errorf("%s: %v\n%s", name, err, content)
		}
	}
	if !json.Valid([]byte(bridgeConfig(1))) {
		t.Errorf("network: %s", bridgeConfig(1))
	}
	for _, want := range []string{`"198.18.0.11:10250"`, `"198.18.0.12:10250"`, "scrape_interval: 1s"} {
		if !strings.Contains(prometheusConfig(2), want) {
			t.Errorf("prometheus: no %s in\n%s", want, prometheusConfig(2))
		}
	}
	for _, want := range []string{plan.PauseImage, `snapshotter = "native"`, "restrict_oom_score_adj = true"} {
		if !strings.Contains(containerdConfig("/data", "native"), want) {
			t.Errorf("containerd: no %s", want)
		}
	}
}

func pod(name, ip string, phase corev1.PodPhase, deleted bool) corev1.Pod {
	p := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "shop", Labels: map[string]string{"app": "checkout"}},
		Spec: corev1.PodSpec{
			NodeName:   "node1",
			Containers: []corev1.Container{{Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}}}},
		},
		Status: corev1.PodStatus{PodIP: ip, Phase: phase},
	}
	if deleted {
		p.DeletionTimestamp = &metav1.Time{}
	}
	return p
}

func TestTargets(t *testing.T) {
	pods := map[string]corev1.Pod{
		"c": pod("c", "198.18.65.4", corev1.PodRunning, true),
		"a": pod("a", "198.18.65.2", corev1.PodRunning, false),
		"b": pod("b", "", corev1.PodRunning, false),
		"d": pod("d", "198.18.65.5", corev1.PodSucceeded, false),
		"e": pod("e", "198.18.65.6", corev1.PodPending, false),
	}
	file := filepath.Join(t.TempDir(), "checkout.json")
	written, err := writeTargets(file, nil, pods)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"targets":["198.18.65.2:8080"],"labels":{"app":"checkout","job":"checkout","namespace":"shop","node":"node1","pod":"a"}},` +
		`{"targets":["198.18.65.4:8080"],"labels":{"app":"checkout","job":"checkout","namespace":"shop","node":"node1","pod":"c"}}]`
	if string(written) != want {
		t.Errorf("%s\nwant the pods that run, a terminating one among them:\n%s", written, want)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := writeTargets(file, written, pods); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("equal targets were written again: Prometheus would read them again")
	}
	if empty, err := writeTargets(file, written, nil); err != nil || string(empty) != "[]" {
		t.Errorf("no pods: %s, %v", empty, err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), ".*")); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestMetricsPort(t *testing.T) {
	for _, c := range []struct {
		says        string
		ports       []corev1.ContainerPort
		annotations map[string]string
		want        string
	}{
		{"a port for metrics goes before that for requests", []corev1.ContainerPort{{Name: "http", ContainerPort: 80}, {Name: "metrics", ContainerPort: 90}}, nil, "90"},
		{"metrics beside requests", []corev1.ContainerPort{{Name: "http", ContainerPort: 80}}, nil, "80"},
		{"said by annotation", []corev1.ContainerPort{{Name: "http", ContainerPort: 80}}, map[string]string{"prometheus.io/port": "70"}, "70"},
		{"no such port", []corev1.ContainerPort{{Name: "echo", ContainerPort: 80}}, nil, ""},
		{"unwanted", []corev1.ContainerPort{{Name: "http", ContainerPort: 80}}, map[string]string{"prometheus.io/scrape": "false"}, ""},
	} {
		t.Run(c.says, func(t *testing.T) {
			p := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: c.annotations}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Ports: c.ports}}}}
			if got := metricsPort(p); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestAPodSaysWhereItsMetricsAre(t *testing.T) {
	p := pod("a", "198.18.65.2", corev1.PodRunning, false)
	p.Annotations = map[string]string{"prometheus.io/path": "/stats"}
	p.Labels["app"] = "payments"
	groups := targets(map[string]corev1.Pod{"a": p})
	if len(groups) != 1 || groups[0].Labels["__metrics_path__"] != "/stats" || groups[0].Labels["job"] != "payments" {
		t.Errorf("%+v", groups)
	}
}
