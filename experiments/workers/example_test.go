package workers_test

import (
	"fmt"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/experiments/workers"
)

// Four pods send 20,000 requests a second together.
func ExampleJob() {
	experiment := func(config *rest.Config, c client.Client) (experiments.Experiment, error) {
		reach, err := workers.Proxy(config)
		return experiments.Experiment{
			// ...
			Load: workers.Job{
				Load:   load.HTTP{Shape: load.Constant(20_000), URL: "http://checkout.shop.svc/"},
				Pods:   workers.Pods{Count: 4, Image: "registry.example/aftershock:1.0", Namespace: "load-gen"},
				Client: c,
				Reach:  reach,
			},
		}, err
	}
	e, err := experiment(&rest.Config{Host: "https://api.example"}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(e.Load)
	// Output: requests at 20000/s over fresh connections, GET http://checkout.shop.svc/, timeout 2s, by 4 workers in namespace load-gen (image registry.example/aftershock:1.0)
}
