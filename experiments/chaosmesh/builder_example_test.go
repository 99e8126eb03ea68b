package chaosmesh_test

import (
	"context"
	"fmt"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// staging is a cluster with three pods of shop's checkout and one of its
// payments. A real one comes from New, with a client from kube.NewClient.
func staging() *chaosmesh.Cluster {
	cluster, err := chaosmesh.New(faults.Cluster{Client: shop(), Guard: faults.Guard{
		Cluster:    "0b1c",
		Namespaces: []string{"shop"},
		Lifetime:   10 * time.Minute,
	}}, chaosmesh.Patience{})
	if err != nil {
		panic(err)
	}
	return cluster
}

// show prints the object that would be created.
func show(f experiments.Previewer) {
	preview, err := f.Preview(context.Background(), "4f1c2a9d3b")
	if err != nil {
		fmt.Println(err)
		return
	}
	object, err := yaml.Marshal(preview.Object)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("# %s\n%s", f, object)
}

func ExampleCluster_PodFailure() {
	checkout := faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}}
	show(staging().PodFailure(checkout, faults.One))
	// Output:
	// # fail 1 of the pods app=checkout in shop
	// apiVersion: chaos-mesh.org/v1alpha1
	// kind: PodChaos
	// metadata:
	//   generateName: pod-failure-4f1c2a9d3b-
	//   labels:
	//     aftershock.dev/run: 4f1c2a9d3b
	//     app.kubernetes.io/managed-by: aftershock
	//   namespace: shop
	// spec:
	//   action: pod-failure
	//   duration: 10m0s
	//   mode: one
	//   selector:
	//     labelSelectors:
	//       app: checkout
	//     namespaces:
	//     - shop
	//     podPhaseSelectors:
	//     - Running
	// status:
	//   experiment: {}
}

func ExampleCluster_ContainerKill() {
	checkout := faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}}
	show(staging().ContainerKill(checkout, faults.One, "app"))
	// Output:
	// # kill container app of 1 of the pods app=checkout in shop
	// apiVersion: chaos-mesh.org/v1alpha1
	// kind: PodChaos
	// metadata:
	//   generateName: container-kill-4f1c2a9d3b-
	//   labels:
	//     aftershock.dev/run: 4f1c2a9d3b
	//     app.kubernetes.io/managed-by: aftershock
	//   namespace: shop
	// spec:
	//   action: container-kill
	//   containerNames:
	//   - app
	//   duration: 10m0s
	//   mode: one
	//   selector:
	//     labelSelectors:
	//       app: checkout
	//     namespaces:
	//     - shop
	//     podPhaseSelectors:
	//     - Running
	// status:
	//   experiment: {}
}

func ExampleCluster_NetworkDelay() {
	checkout := faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}}
	payments := faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "payments"}}
	show(staging().NetworkDelay(checkout, 200*time.Millisecond).Jitter(50 * time.Millisecond).To(payments))
	// Output:
	// # delay by 200ms ± 50ms to the pods app=payments in shop for 100% of the pods app=checkout in shop
	// apiVersion: chaos-mesh.org/v1alpha1
	// kind: NetworkChaos
	// metadata:
	//   generateName: network-delay-4f1c2a9d3b-
	//   labels:
	//     aftershock.dev/run: 4f1c2a9d3b
	//     app.kubernetes.io/managed-by: aftershock
	//   namespace: shop
	// spec:
	//   action: delay
	//   delay:
	//     correlation: "0"
	//     jitter: 50ms
	//     latency: 200ms
	//   direction: to
	//   duration: 10m0s
	//   mode: fixed
	//   selector:
	//     labelSelectors:
	//       app: checkout
	//     namespaces:
	//     - shop
	//     podPhaseSelectors:
	//     - Running
	//   target:
	//     mode: all
	//     selector:
	//       labelSelectors:
	//         app: payments
	//       namespaces:
	//       - shop
	//       podPhaseSelectors:
	//       - Running
	//   value: "3"
	// status:
	//   experiment: {}
}

func ExampleCluster_NetworkLoss() {
	checkout := faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}}
	show(staging().NetworkLoss(checkout, 12.5).Correlation(50))
	// Output:
	// # lose 12.5% of the packets for 100% of the pods app=checkout in shop
	// apiVersion: chaos-mesh.org/v1alpha1
	// kind: NetworkChaos
	// metadata:
	//   generateName: network-loss-4f1c2a9d3b-
	//   labels:
	//     aftershock.dev/run: 4f1c2a9d3b
	//     app.kubernetes.io/managed-by: aftershock
	//   namespace: shop
	// spec:
	//   action: loss
	//   direction: to
	//   duration: 10m0s
	//   loss:
	//     correlation: "50"
	//     loss: "12.5"
	//   mode: fixed
	//   selector:
	//     labelSelectors:
	//       app: checkout
	//     namespaces:
	//     - shop
	//     podPhaseSelectors:
	//     - Running
	//   value: "3"
	// status:
	//   experiment: {}
}

func ExampleCluster_NetworkDuplicate() {
	checkout := faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}}
	show(staging().NetworkDuplicate(checkout, 1))
	// Output:
	// # duplicate 1% of the packets for 100% of the pods app=checkout in shop
	// apiVersion: chaos-mesh.org/v1alpha1
	// kind: NetworkChaos
	// metadata:
	//   generateName: network-duplicate-4f1c2a9d3b-
	//   labels:
	//     aftershock.dev/run: 4f1c2a9d3b
	//     app.kubernetes.io/managed-by: aftershock
	//   namespace: shop
	// spec:
	//   action: duplicate
	//   direction: to
	//   duplicate:
	//     correlation: "0"
	//     duplicate: "1"
	//   duration: 10m0s
	//   mode: fixed
	//   selector:
	//     labelSelectors:
	//       app: checkout
	//     namespaces:
	//     - shop
	//     podPhaseSelectors:
	//     - Running
	//   value: "3"
	// status:
	//   experiment: {}
}

func ExampleCluster_NetworkCorrupt() {
	checkout := faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}}
	show(staging().NetworkCorrupt(checkout, 0.1))
	// Output:
	// # corrupt 0.1% of the packets for 100% of the pods app=checkout in shop
	// apiVersion: chaos-mesh.org/v1alpha1
	// kind: NetworkChaos
	// metadata:
	//   generateName: network-corrupt-4f1c2a9d3b-
	//   labels:
	//     aftershock.dev/run: 4f1c2a9d3b
	//     app.kubernetes.io/managed-by: aftershock
	//   namespace: shop
	// spec:
	//   action: corrupt
	//   corrupt:
	//     correlation: "0"
	//     corrupt: "0.1"
	//   direction: to
	//   duration: 10m0s
	//   mode: fixed
	//   selector:
	//     labelSelectors:
	//       app: checkout
	//     namespaces:
	//     - shop
	//     podPhaseSelectors:
	//     - Running
	//   value: "3"
	// status:
	//   experiment: {}
}

func ExampleCluster_NetworkBandwidth() {
	checkout := faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}}
	show(staging().NetworkBandwidth(checkout, 1_000_000).Outside("192.0.2.0/24"))
	// Output:
	// # limit to 1000000 bit/s what is sent to 192.0.2.0/24 for 100% of the pods app=checkout in shop
	// apiVersion: chaos-mesh.org/v1alpha1
	// kind: NetworkChaos
	// metadata:
	//   generateName: network-bandwidth-4f1c2a9d3b-
	//   labels:
	//     aftershock.dev/run: 4f1c2a9d3b
	//     app.kubernetes.io/managed-by: aftershock
	//   namespace: shop
	// spec:
	//   action: bandwidth
	//   bandwidth:
	//     buffer: 3028
	//     limit: 25000
	//     rate: 1000000bit
	//   direction: to
	//   duration: 10m0s
	//   externalTargets:
	//   - 192.0.2.0/24
	//   mode: fixed
	//   selector:
	//     labelSelectors:
	//       app: checkout
	//     namespaces:
	//     - shop
	//     podPhaseSelectors:
	//     - Running
	//   value: "3"
	// status:
	//   experiment: {}
}

func ExampleCluster_NetworkPartition() {
	checkout := faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}}
	payments := faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "payments"}}
	show(staging().NetworkPartition(checkout).Both(payments).Seen("calls").Only(faults.Fixed(3)))
	// Output:
	// # cut the network to and from the pods app=payments in shop for 3 of the pods app=checkout in shop
	// apiVersion: chaos-mesh.org/v1alpha1
	// kind: NetworkChaos
	// metadata:
	//   generateName: network-partition-4f1c2a9d3b-
	//   labels:
	//     aftershock.dev/run: 4f1c2a9d3b
	//     app.kubernetes.io/managed-by: aftershock
	//   namespace: shop
	// spec:
	//   action: partition
	//   direction: both
	//   duration: 10m0s
	//   mode: fixed
	//   selector:
	//     labelSelectors:
	//       app: checkout
	//     namespaces:
	//     - shop
	//     podPhaseSelectors:
	//     - Running
	//   target:
	//     mode: all
	//     selector:
	//       labelSelectors:
	//         app: payments
	//       namespaces:
	//       - shop
	//       podPhaseSelectors:
	//       - Running
	//   value: "3"
	// status:
	//   experiment: {}
}

func ExampleCluster_CPUStress() {
	checkout := faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}}
	show(staging().CPUStress(checkout, 2).Load(80).Follow())
	// Output:
	// # keep 2 CPU workers 80% busy in 100% of the pods app=checkout in shop, and of those that replace them
	// apiVersion: chaos-mesh.org/v1alpha1
	// kind: StressChaos
	// metadata:
	//   generateName: stress-cpu-4f1c2a9d3b-
	//   labels:
	//     aftershock.dev/run: 4f1c2a9d3b
	//     app.kubernetes.io/managed-by: aftershock
	//   namespace: shop
	// spec:
	//   duration: 10m0s
	//   mode: fixed
	//   selector:
	//     labelSelectors:
	//       app: checkout
	//     namespaces:
	//     - shop
	//     podPhaseSelectors:
	//     - Running
	//   stressors:
	//     cpu:
	//       load: 80
	//       workers: 2
	//   value: "3"
	// status:
	//   experiment: {}
}

func ExampleCluster_MemoryStress() {
	checkout := faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}}
	show(staging().MemoryStress(checkout, "256Mi"))
	// Output:
	// # hold 256Mi of memory in 100% of the pods app=checkout in shop
	// apiVersion: chaos-mesh.org/v1alpha1
	// kind: StressChaos
	// metadata:
	//   generateName: stress-memory-4f1c2a9d3b-
	//   labels:
	//     aftershock.dev/run: 4f1c2a9d3b
	//     app.kubernetes.io/managed-by: aftershock
	//   namespace: shop
	// spec:
	//   duration: 10m0s
	//   mode: fixed
	//   selector:
	//     labelSelectors:
	//       app: checkout
	//     namespaces:
	//     - shop
	//     podPhaseSelectors:
	//     - Running
	//   stressors:
	//     memory:
	//       size: 268435456B
	//       workers: 1
	//   value: "3"
	// status:
	//   experiment: {}
}

func ExampleCluster_FromYAML() {
	slowDisk, err := staging().FromYAML([]byte(`
apiVersion: chaos-mesh.org/v1alpha1
kind: IOChaos
metadata:
  name: slow-disk
  namespace: shop
spec:
  action: latency
  delay: 100ms
  volumePath: /data
  mode: one
  selector:
    labelSelectors:
      app: checkout
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	show(slowDisk.SeenAs(record.Effect{Signal: "write seconds", Rise: 0.08}))
	// Output:
	// # put IOChaos slow-disk on 1 of the pods app=checkout in shop
	// apiVersion: chaos-mesh.org/v1alpha1
	// kind: IOChaos
	// metadata:
	//   generateName: slow-disk-4f1c2a9d3b-
	//   labels:
	//     aftershock.dev/run: 4f1c2a9d3b
	//     app.kubernetes.io/managed-by: aftershock
	//   namespace: shop
	// spec:
	//   action: latency
	//   delay: 100ms
	//   duration: 10m0s
	//   mode: one
	//   selector:
	//     labelSelectors:
	//       app: checkout
	//     namespaces:
	//     - shop
	//     podPhaseSelectors:
	//     - Running
	//   volumePath: /data
	// status:
	//   experiment: {}
}
