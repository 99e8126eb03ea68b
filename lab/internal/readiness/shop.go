package readiness

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aftershockhq/aftershock/lab/internal/cluster"
	"github.com/aftershockhq/aftershock/lab/shop"
)

// Deployed is the defect that the service is deployed with.
func Deployed(ctx context.Context, c *cluster.Client) (shop.Defect, error) {
	d, err := c.Kube.AppsV1().Deployments(shop.Namespace).Get(ctx, shop.Service, metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	return shop.ParseDefect(d.Annotations[shop.DefectAnnotation])
}

// replicas is how many pods of checkout there should be: as many as its autoscaler says, if it has one.
func replicas(ctx context.Context, c *cluster.Client) (int32, error) {
	d, err := c.Kube.AppsV1().Deployments(shop.Namespace).Get(ctx, shop.Service, metav1.GetOptions{})
	if err != nil {
		return 0, err
	}
	defect, err := shop.ParseDefect(d.Annotations[shop.DefectAnnotation])
	if err != nil {
		return 0, err
	}
	if defect.Scales() {
		return *d.Spec.Replicas, nil
	}
	return defect.Replicas(), nil
}

// Autoscaler asks whether that of checkout, if it should have one, knows how many replicas it wants; of one that cannot know it,
// whether it has found that out. It needs the values of metrics-server.
func Autoscaler(ctx context.Context, c *cluster.Client) error {
	defect, err := Deployed(ctx, c)
	if err != nil || !defect.Scales() {
		return err
	}
	a, err := c.Kube.AutoscalingV2().HorizontalPodAutoscalers(shop.Namespace).Get(ctx, shop.Service, metav1.GetOptions{})
	if err != nil {
		return err
	}
	return scaling(a.Status.Conditions, defect != shop.NoRequests)
}

// scaling says why an autoscaler is not in the state it should be in.
func scaling(conditions []autoscalingv2.HorizontalPodAutoscalerCondition, active bool) error {
	want := corev1.ConditionFalse
	if active {
		want = corev1.ConditionTrue
	}
	for _, condition := range conditions {
		if condition.Type != autoscalingv2.ScalingActive {
			continue
		}
		if condition.Status != want {
			return fmt.Errorf("the autoscaler's condition %s is %s, not %s: %s: %s",
				condition.Type, condition.Status, want, condition.Reason, condition.Message)
		}
		return nil
	}
	return errors.New("the autoscaler has not looked yet")
}

// Shop asks whether the deployments have settled, and each pod of checkout, and no other, answers requests from the host, paid.
func Shop(ctx context.Context, c *cluster.Client) error {
	for _, name := range []string{shop.Payments, shop.Service} {
		if err := rolledOut(ctx, c, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	list, err := c.Kube.CoreV1().Pods(shop.Namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=" + shop.Service})
	if err != nil {
		return err
	}
	var names []string
	for _, p := range list.Items {
		if p.DeletionTimestamp != nil {
			return fmt.Errorf("pod %s has not gone yet", p.Name)
		}
		names = append(names, p.Name)
	}
	defect, err := Deployed(ctx, c)
	if err != nil {
		return err
	}
	return answer(ctx, names, defect)
}

func rolledOut(ctx context.Context, c *cluster.Client, name string) error {
	d, err := c.Kube.AppsV1().Deployments(shop.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	s, want := d.Status, *d.Spec.Replicas
	if s.ObservedGeneration < d.Generation {
		return fmt.Errorf("the change has not been taken up")
	}
	if s.Replicas != want || s.UpdatedReplicas != want || s.AvailableReplicas != want {
		return fmt.Errorf("of %d pods wanted, %d are there, %d new, %d available", want, s.Replicas, s.UpdatedReplicas, s.AvailableReplicas)
	}
	return nil
}

// answer makes requests, each on a connection of its own, until every pod has answered and none has failed for a while.
func answer(ctx context.Context, pods []string, defect shop.Defect) error {
	const good, most = 20, 200 // with three pods, one of 200 answers is missing with a chance of 1e-35
	timeout := 2 * time.Second
	if defect.Slow() {
		timeout = 5 * time.Second
	}
	client := &http.Client{Timeout: timeout, Transport: &http.Transport{DisableKeepAlives: true}}
	seen := map[string]bool{}
	for i := range most {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, shop.URL(), nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("GET %s: %s", shop.URL(), resp.Status)
		}
		if how := resp.Header.Get("X-Payment"); how != "paid" {
			return fmt.Errorf("GET %s: the payment is %q, not paid", shop.URL(), how)
		}
		pod := resp.Header.Get("X-Pod")
		if !slices.Contains(pods, pod) {
			return fmt.Errorf("answered by %q, which is not a pod of the deployment", pod)
		}
		seen[pod] = true
		if i+1 >= good && len(seen) == len(pods) {
			return nil
		}
	}
	return fmt.Errorf("only %d of %d pods answer", len(seen), len(pods))
}
