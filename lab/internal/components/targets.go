package components

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/aftershockhq/aftershock/lab/internal/cluster"
	"github.com/aftershockhq/aftershock/lab/internal/supervise"
	"github.com/aftershockhq/aftershock/lab/shop"
)

// prometheusTargets tells Prometheus which pods with metrics there are in the namespace of the service under test.
func prometheusTargets() supervise.Component {
	return supervise.Component{
		Name:  "prometheus-targets",
		Needs: []string{"kube-apiserver"},
		Run: func(ctx context.Context) error {
			c, err := cluster.Connect(run.Kubeconfig())
			if err != nil {
				return err
			}
			if err := os.MkdirAll(run.Targets(), 0o755); err != nil {
				return err
			}
			return followPods(ctx, c, filepath.Join(run.Targets(), shop.Namespace+".json"))
		},
	}
}

// followPods keeps the file up to date until the watch ends; it is then started again, with a new list.
func followPods(ctx context.Context, c *cluster.Client, file string) error {
	pods := c.Kube.CoreV1().Pods(shop.Namespace)
	list, err := pods.List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list pods: %w", err)
	}
	known := map[string]corev1.Pod{}
	for _, p := range list.Items {
		known[p.Name] = p
	}
	written, err := writeTargets(file, nil, known)
	if err != nil {
		return err
	}
	watcher, err := pods.Watch(ctx, metav1.ListOptions{ResourceVersion: list.ResourceVersion})
	if err != nil {
		return fmt.Errorf("watch pods: %w", err)
	}
	defer watcher.Stop()
	for event := range watcher.ResultChan() {
		pod, ok := event.Object.(*corev1.Pod)
		if !ok {
			return fmt.Errorf("watch pods: %v", event.Object)
		}
		if event.Type == watch.Deleted {
			delete(known, pod.Name)
		} else {
			known[pod.Name] = *pod
		}
		if written, err = writeTargets(file, written, known); err != nil {
			return err
		}
	}
	return errors.New("watch of the pods closed")
}

type targetGroup struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// targets are the pods that run, terminating ones included: those serve until they are gone.
func targets(pods map[string]corev1.Pod) []targetGroup {
	groups := []targetGroup{}
	for _, p := range pods {
		port := metricsPort(p)
		if port == "" || p.Status.PodIP == "" || p.Status.Phase != corev1.PodRunning {
			continue
		}
		app := cmp.Or(p.Labels["app"], p.Labels["app.kubernetes.io/name"], "pods")
		labels := map[string]string{"job": app, "namespace": p.Namespace, "pod": p.Name, "app": app, "node": p.Spec.NodeName}
		if path := p.Annotations["prometheus.io/path"]; path != "" {
			labels["__metrics_path__"] = path
		}
		groups = append(groups, targetGroup{Targets: []string{net.JoinHostPort(p.Status.PodIP, port)}, Labels: labels})
	}
	slices.SortFunc(groups, func(a, b targetGroup) int { return bytes.Compare([]byte(a.Labels["pod"]), []byte(b.Labels["pod"])) })
	return groups
}

// metricsPort is where a pod shows its metrics: where the annotation prometheus.io/port says, or else at the port called
// metrics, or else at that called http. It is "" for a pod without such a port, and for one that wants to be left alone.
func metricsPort(p corev1.Pod) string {
	if p.Annotations["prometheus.io/scrape"] == "false" {
		return ""
	}
	if port := p.Annotations["prometheus.io/port"]; port != "" {
		return port
	}
	for _, name := range []string{"metrics", "http"} {
		for _, c := range p.Spec.Containers {
			for _, port := range c.Ports {
				if port.Name == name {
					return strconv.Itoa(int(port.ContainerPort))
				}
			}
		}
	}
	return ""
}

// writeTargets replaces the file when its content would change, and returns the content.
func writeTargets(file string, before []byte, pods map[string]corev1.Pod) ([]byte, error) {
	content, err := json.Marshal(targets(pods))
	if err != nil {
		return nil, fmt.Errorf("encode targets: %w", err)
	}
	if bytes.Equal(content, before) {
		return before, nil
	}
	// A dot and no ".json": Prometheus must not read it half written.
	temporary := filepath.Join(filepath.Dir(file), fmt.Sprintf(".%d", time.Now().UnixNano()))
	if err := os.WriteFile(temporary, content, 0o644); err != nil {
		return nil, fmt.Errorf("write targets: %w", err)
	}
	if err := os.Rename(temporary, file); err != nil {
		return nil, fmt.Errorf("write targets: %w", err)
	}
	return content, nil
}
