package chaosmesh_test

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"

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
	}}, chaosmesh.Timeouts{})
	if err != nil {
		panic(err)
	}
	return cluster
}

// show prints the object that would be created.
func show(s chaosmesh.Spec) {
	f := staging().Fault(s)
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

func ExamplePodFailure() {
	checkout := faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}}
	show(chaosmesh.PodFailure{Pods: checkout, Count: faults.One})
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

func ExampleContainerKill() {
	checkout := faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}}
	show(chaosmesh.ContainerKill{Pods: checkout, Count: faults.One, Containers: []string{"app"}})
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

func ExampleNetworkDelay() {
	checkout := faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}}
	payments := faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "payments"}}
	show(chaosmesh.NetworkDelay{
		Pods: checkout, Latency: 200 * time.Millisecond, Jitter: 50 * time.Millisecond,
		To: payments, Direction: chaosmesh.Egress,
	})
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

func ExampleNetworkLoss() {
	checkout := faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}}
	show(chaosmesh.NetworkLoss{Pods: checkout, Packets: 12.5 * chaosmesh.Percent, Correlation: 0.5})
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

func ExampleNetworkDuplicate() {
	checkout := faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}}
	show(chaosmesh.NetworkDuplicate{Pods: checkout, Packets: 1 * chaosmesh.Percent})
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

func ExampleNetworkCorrupt() {
	checkout := faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}}
	show(chaosmesh.NetworkCorrupt{Pods: checkout, Packets: 0.1 * chaosmesh.Percent})
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

func ExampleNetworkBandwidth() {
	checkout := faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}}
	show(chaosmesh.NetworkBandwidth{Pods: checkout, Rate: resource.MustParse("1M"), Outside: []string{"192.0.2.0/24"}})
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

func ExampleNetworkPartition() {
	checkout := faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}}
	payments := faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "payments"}}
	show(chaosmesh.NetworkPartition{Pods: checkout, Count: "3", To: payments, Signal: "calls"})
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

func ExampleStressCPU() {
	checkout := faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}}
	show(chaosmesh.StressCPU{Pods: checkout, Workers: 2, Load: 80 * chaosmesh.Percent, Follow: true})
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

func ExampleStressMemory() {
	checkout := faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}}
	show(chaosmesh.StressMemory{Pods: checkout, Size: resource.MustParse("256Mi")})
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

func ExampleObject() {
	show(chaosmesh.Object{
		YAML: `
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
`,
		Effects: []record.Effect{{Signal: "write seconds", Rise: 0.08}},
	})
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
