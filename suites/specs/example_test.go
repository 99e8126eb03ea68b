package specs_test

import (
	"context"
	"os"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/experiments/kubewatch"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	. "github.com/aftershockhq/aftershock/suites/matchers"
	"github.com/aftershockhq/aftershock/suites/specs"
)

// A suite on a cluster. Its pods name themselves in the header X-Pod.
func ExampleIt() {
	checkout := faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}}
	payments := faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "payments"}}
	shopping := steadystate.Hypothesis{Checks: []steadystate.Check{{
		Name: "checkout answers", Signal: record.TrafficSignal, Good: steadystate.Within(2 * time.Second), Allowed: 0.001,
		Limits: steadystate.Limits("downtime <= 2s", "ttr <= 30s"),
	}}}
	var cluster *chaosmesh.Cluster

	_ = BeforeSuite(func() {
		log.SetLogger(logr.Discard()) // controller-runtime's
		connection, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
		Expect(err).NotTo(HaveOccurred())
		scheme, err := chaosmesh.Scheme()
		Expect(err).NotTo(HaveOccurred())
		client, err := kube.NewClient(connection, scheme)
		Expect(err).NotTo(HaveOccurred())
		cluster, err = chaosmesh.New(faults.Cluster{Client: client, Guard: faults.Guard{
			Cluster:    "0b1c2d3e-0000-0000-0000-000000000000", // the UID of the namespace kube-system
			Namespaces: []string{"shop"},
		}}, chaosmesh.Timeouts{})
		Expect(err).NotTo(HaveOccurred())
	})

	_ = specs.It("keeps selling while the network to payments is slow", func(context.Context) experiments.Experiment {
		return experiments.Experiment{
			Hypothesis: shopping,
			Load:       load.HTTP{Shape: load.Constant(100), URL: "http://shop.staging.example/checkout"},
			Faults: []experiments.Scheduled{
				{Fault: cluster.Fault(chaosmesh.NetworkDelay{Pods: checkout, Count: faults.All, Latency: 200 * time.Millisecond, To: payments})},
			},
			Hold:  time.Minute,
			Watch: time.Minute,
		}
	}, func(report reports.Report) {
		Expect(report).To(And(BeHeld(), Meet("checkout answers", "downtime <= 1s", "p95 of good <= 1s during hold")))
	})
}

// Several faults have names. One may come later than the first, stay for a time of
// its own, or wait for a condition.
func ExampleIt_several() {
	checkout := faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}}
	storm := func(cluster *chaosmesh.Cluster) experiments.Experiment {
		return experiments.Experiment{
			// ...
			Faults: []experiments.Scheduled{
				{Name: "kill", Fault: cluster.Fault(chaosmesh.PodKill{Pods: checkout, Count: faults.One})},
				{
					Name: "slow", Fault: cluster.Fault(chaosmesh.NetworkDelay{Pods: checkout, Count: faults.All, Latency: 100 * time.Millisecond}),
					At: 5 * time.Second, For: 20 * time.Second,
				},
				{
					Name: "again", Fault: cluster.Fault(chaosmesh.PodKill{Pods: checkout, Count: faults.One}),
					When: kubewatch.ScalingOut{Namespace: "shop", Autoscaler: "checkout"}, Within: 2 * time.Minute,
				},
			},
		}
	}
	_ = storm
}
