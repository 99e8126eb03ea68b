package components

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/aftershockhq/aftershock/lab/internal/cluster"
	"github.com/aftershockhq/aftershock/lab/internal/supervise"
	"github.com/aftershockhq/aftershock/lab/shop"
)

// prometheusTargets tells Prometheus which pods of the service under test there are.
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
			return followPods(ctx, c, filepath.Join(run.Targets(), shop.Service+".json"))
		},
	}
}

// followPods keeps the file up to date until the watch ends; it is then started again, with a new list.
func followPods(ctx context.Context, c *cluster.Client, file string) error {
	pods := c.Kube.CoreV1().Pods(shop.Namespace)
	selected := metav1.ListOptions{LabelSelector: "app=" + shop.Service}
	list, err := pods.List(ctx, selected)
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
	selected.ResourceVersion = list.ResourceVersion
	watcher, err := pods.Watch(ctx, selected)
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
		if p.Status.PodIP == "" || p.Status.Phase != corev1.PodRunning {
			continue
		}
		groups = append(groups, targetGroup{
			Targets: []string{fmt.Sprintf("%s:%d", p.Status.PodIP, shop.Port)},
			Labels: map[string]string{
				"namespace": p.Namespace, "pod": p.Name, "app": p.Labels["app"], "node": p.Spec.NodeName,
			},
		})
	}
	slices.SortFunc(groups, func(a, b targetGroup) int { return bytes.Compare([]byte(a.Labels["pod"]), []byte(b.Labels["pod"])) })
	return groups
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
