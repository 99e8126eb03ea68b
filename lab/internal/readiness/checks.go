// Package readiness tells from outside whether the lab is usable: it asks what a user would ask, and trusts no status that
// may be older than the lab.
package readiness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/aftershockhq/aftershock/lab/internal/cluster"
	"github.com/aftershockhq/aftershock/lab/internal/plan"
	"github.com/aftershockhq/aftershock/lab/internal/supervise"
	"github.com/aftershockhq/aftershock/lab/shop"
)

// Check is one question with the reason why it is not yet answered well.
type Check struct {
	Says string // what is so when OK returns nil
	OK   func(context.Context) error
}

// Checks are all the lab must answer. What was seen before since does not count: data may be older than the lab's processes.
func Checks(c *cluster.Client, nodes int, since time.Time) []Check {
	return []Check{
		{"nodes are ready", func(ctx context.Context) error { return Nodes(ctx, c, nodes, since) }},
		{"checkout answers from every pod", func(ctx context.Context) error { return Shop(ctx, c) }},
		{"each pod of the ledger takes traffic", func(ctx context.Context) error { return Ledger(ctx, c) }},
		{"prometheus scrapes every target", func(ctx context.Context) error { return Prometheus(ctx, c, nodes, since) }},
		{"chaos mesh takes experiments", func(ctx context.Context) error { return Chaos(ctx, c) }},
		{"chaos mesh reaches every node", func(ctx context.Context) error { return Daemons(ctx, c, nodes) }},
	}
}

// Nodes asks whether as many as there should be are ready, and have renewed their lease since.
func Nodes(ctx context.Context, c *cluster.Client, want int, since time.Time) error {
	list, err := c.Kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	ready := 0
	for _, n := range list.Items {
		lease, err := c.Kube.CoordinationV1().Leases(corev1.NamespaceNodeLease).Get(ctx, n.Name, metav1.GetOptions{})
		if err != nil || lease.Spec.RenewTime == nil || lease.Spec.RenewTime.Before(&metav1.MicroTime{Time: since}) {
			continue
		}
		for _, condition := range n.Status.Conditions {
			if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue {
				ready++
			}
		}
	}
	if ready < want {
		return fmt.Errorf("%d of %d nodes are ready", ready, want)
	}
	return nil
}

// Prometheus asks whether it scrapes every pod of checkout and of the ledger, and every target it was given by hand.
func Prometheus(ctx context.Context, c *cluster.Client, nodes int, since time.Time) error {
	pods, err := replicas(ctx, c)
	if err != nil {
		return err
	}
	for selector, want := range map[string]int{
		`up{job="checkout"}`:                 int(pods),
		`up{job="ledger"}`:                   shop.LedgerReplicas,
		`up{job="chaos-controller-manager"}`: 1,
		`up{job="kubelet-cadvisor"}`:         nodes,
	} {
		query := fmt.Sprintf("%s == 1 and timestamp(%s) > %d", selector, selector, since.Unix())
		got, err := count(ctx, query)
		if err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("%s is 1 for %d targets, not for %d", selector, got, want)
		}
	}
	return nil
}

// count is how many series an instant query has.
func count(ctx context.Context, query string) (int, error) {
	body, err := get(ctx, plan.Prometheus+"/api/v1/query?query="+url.QueryEscape(query))
	if err != nil {
		return 0, err
	}
	var answer struct {
		Data struct{ Result []json.RawMessage }
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return 0, fmt.Errorf("read the answer of prometheus: %w", err)
	}
	return len(answer.Data.Result), nil
}

func get(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}} // and no proxy
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s", url, resp.Status)
	}
	return body, err
}

// Chaos asks whether the controller shows its metrics, and the API server accepts an experiment and lists what there is.
func Chaos(ctx context.Context, c *cluster.Client) error {
	if err := supervise.Answers(plan.ChaosMetrics)(ctx); err != nil {
		return err
	}
	kinds := c.Dynamic.Resource(schema.GroupVersionResource{Group: "chaos-mesh.org", Version: "v1alpha1", Resource: "podchaos"}).
		Namespace(plan.ChaosNamespace)
	experiment := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "chaos-mesh.org/v1alpha1", "kind": "PodChaos",
		"metadata": map[string]any{"name": "dry-run"},
		"spec": map[string]any{
			"action": "pod-kill", "mode": "one",
			"selector": map[string]any{"namespaces": []any{shop.Namespace}, "labelSelectors": map[string]any{"app": shop.Service}},
		},
	}}
	if _, err := kinds.Create(ctx, experiment, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}); err != nil {
		return fmt.Errorf("try an experiment: %w", err)
	}
	watcher, err := kinds.Watch(ctx, metav1.ListOptions{TimeoutSeconds: new(int64(1))})
	if err != nil {
		return fmt.Errorf("watch experiments: %w", err)
	}
	watcher.Stop()
	return nil
}

// Daemons asks whether the controller can find each node's chaos-daemon, and whether that listens.
func Daemons(ctx context.Context, c *cluster.Client, nodes int) error {
	for n := 1; n <= nodes; n++ {
		name := "chaos-daemon-" + plan.NodeName(n)
		if _, err := c.Kube.DiscoveryV1().EndpointSlices(plan.ChaosNamespace).Get(ctx, name, metav1.GetOptions{}); err != nil {
			return err
		}
		address := fmt.Sprintf("%s:%d", plan.NodeAddress(n), plan.ChaosDaemonPort)
		if err := supervise.Listens("tcp", address)(ctx); err != nil {
			return fmt.Errorf("reach chaos-daemon of %s: %w", plan.NodeName(n), err)
		}
	}
	return nil
}

// Metrics asks whether metrics-server has values of as many nodes as there should be: kubectl top and an autoscaler need them. It
// is none of Checks: the first values come half a minute after the start, and most experiments need none.
func Metrics(ctx context.Context, c *cluster.Client, want int) error {
	names, err := c.MeasuredNodes(ctx)
	if err != nil {
		return err
	}
	if len(names) < want {
		return fmt.Errorf("metrics-server has values of %d of %d nodes", len(names), want)
	}
	return nil
}

// Wait asks all checks, each until it is answered well, and tells of each when it is. When ctx ends first, the error says
// what each of the others last said.
func Wait(ctx context.Context, checks []Check, passed func(says string)) error {
	type outcome struct {
		says string
		err  error
	}
	outcomes := make(chan outcome, len(checks))
	for _, check := range checks {
		go func() { outcomes <- outcome{check.Says, persist(ctx, check.OK)} }()
	}
	var failed []error
	for range checks {
		o := <-outcomes
		if o.err != nil {
			failed = append(failed, fmt.Errorf("not yet so that %s: %w", o.says, o.err))
			continue
		}
		passed(o.says)
	}
	return errors.Join(failed...)
}

// persist remembers the last answer that was not caused by the end of ctx itself.
func persist(ctx context.Context, ok func(context.Context) error) error {
	last := errors.New("not asked yet")
	for {
		err := ok(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return last
		case <-time.After(150 * time.Millisecond):
		}
	}
}
