package suites

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/aftershockhq/aftershock/steadystate/prom"
	"github.com/aftershockhq/aftershock/steadystate/prom/promtest"
)

// payments is a fault of Chaos Mesh's own on pods of payments.
const payments = `      kill:
        chaosMesh:
          yaml: |
            apiVersion: chaos-mesh.org/v1alpha1
            kind: PodChaos
            metadata: {name: kill, namespace: shop}
            spec: {action: pod-kill, mode: one, selector: {labelSelectors: {app: payments}}}
`

// stranger is its pod, at a place.
func stranger() *corev1.Pod {
	pod := podOf("payments")
	pod.Spec.NodeName = "one"
	return pod
}

// A run injects nothing while nothing shows that the pods to be hit serve, so
// preflight refuses what the load would never show.
func TestPreflightRefusesPodsThatTheLoadDoesNotShow(t *testing.T) {
	text := strings.NewReplacer(`prometheus: {url: "http://127.0.0.1:9090"}`+"\n", "", `  throughput: {query: "sum(rate(served_total[10s]))", good: value >= 50/s}`+"\n", "", ", throughput]", "]").Replace(valid)
	mine := strings.Replace(text, "[all]", "[]", 1)
	inner := mine + "experiments:\n  inner:\n    service: checkout\n    faults:\n" + payments
	named := mine + "  payments: {namespace: shop, workload: deployment/payments}\nexperiments:\n  inner:\n    service: checkout\n    faults:\n" + payments
	kill := strings.Replace(text, "[all]", "[pods/kill-one]", 1)
	answers := func(pods ...string) http.HandlerFunc {
		var n atomic.Int64
		return func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Pod", pods[int(n.Add(1))%len(pods)]) }
	}
	const hits = "refused: it hits payments-a, not of deployment checkout in shop, and the load of checkout does not show that they serve (GET URL: 101 answers name checkout-0, checkout-1), so nothing would be injected; "
	for _, row := range []struct {
		sentence, text string
		handler        http.HandlerFunc
		err            string // empty: it is fine
		refused        error
	}{
		{
			"a fault of Chaos Mesh's own on pods that are not the service's", inner, answers("checkout-0", "checkout-1"),
			"aftershock.yaml:17: would be hit by checkout/inner: " + hits + "to hit them, name their workload under services, which needs a load or, if only other services can reach it, traffic, and write the experiment with that service", nil,
		},
		{
			"on those of a service that the file names", named, answers("checkout-0", "checkout-1"),
			"aftershock.yaml:18: would be hit by checkout/inner: " + hits + "to hit them, write the experiment with service: payments, which needs a load or, if only other services can reach it, traffic; to disturb the network between the two, write networkDelay, or another network fault, with to: payments", nil,
		},
		{"on pods that answer the load now and then", named, answers(append(strings.Split(strings.Repeat("checkout-0 ", 30), " "), "payments-a")...), "", nil},
		{
			"a load that other pods answer", kill, answers("front-1", "front-2"),
			"load of checkout: cannot be tested now: GET URL: 101 answers name front-1, front-2, and none a pod of deployment checkout in shop, so nothing would be injected: use an address of checkout itself; if only other services can reach it, give it traffic in place of load", ErrUnavailable,
		},
		{"a load that the service's pods answer now and then", kill, answers(append(strings.Split(strings.Repeat("front-1 ", 30), " "), "checkout-2")...), "", nil},
		{"a load that other pods answer, where no fault needs to know", strings.Replace(text, "[all]", "[capacity/sustained]", 1), answers("front-1"), "", nil},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			place := newTown(t)
			place.handler = row.handler
			place.pods = append(place.pods, stranger())
			said, err := place.preflight(t, row.text)
			if want := strings.ReplaceAll(row.err, "URL", place.url); want != "" && (err == nil || err.Error() != want && !strings.HasSuffix(err.Error(), want)) {
				t.Errorf("error\n%v\nwant\n%s\n%s", err, want, said)
			}
			if row.err == "" && err != nil {
				t.Errorf("%v\n%s", err, said)
			}
			if row.refused != nil && !errors.Is(err, row.refused) {
				t.Errorf("%v is not %v", err, row.refused)
			}
		})
	}
}

// Without a load, the traffic shows it.
func TestPreflightRefusesPodsThatTheTrafficDoesNotShow(t *testing.T) {
	server, now := promtest.NewServer(t), time.Now()
	for i := range 30 {
		at := now.Add(-time.Duration(29-i)*5*time.Second - time.Second)
		for _, pod := range []string{"checkout-0", "checkout-1", "checkout-2", "payments-a"} {
			labels := fmt.Sprintf(`{job="shop",instance=%q,pod=%[1]q}`, pod)
			if err := errors.Join(server.Append("served_total"+labels, at, 100*float64(i)), server.Append("up"+labels, at, 1)); err != nil {
				t.Fatal(err)
			}
		}
	}
	asked, err := prom.NewClient(prom.Config{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	file := func(query string) string {
		return fmt.Sprintf(`apiVersion: aftershock/v1
cluster: {uid: 0b1c}
allow: {namespaces: [shop]}
prometheus: {url: %q}
services:
  checkout:
    namespace: shop
    workload: deployment/checkout
    traffic: sum by (pod) (rate(%s[1m]))
    checks: [standard/replicas]
experiments:
  inner:
    faults:
`, server.URL, query) + payments
	}
	for _, row := range []struct{ sentence, query, err string }{
		{"of the service alone", `served_total{pod=~"checkout.*"}`, "and the traffic of checkout does not show that they serve (its series are of checkout-0, checkout-1, checkout-2), so nothing would be injected; "},
		{"of all pods", "served_total", ""},
	} {
		place := newTown(t)
		place.prometheus, place.pods = asked, append(place.pods, stranger())
		said, err := place.preflight(t, file(row.query))
		if (row.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), row.err) {
			t.Errorf("traffic %s: error\n%v\nwant\n%s\n%s", row.sentence, err, row.err, said)
		}
	}
}
