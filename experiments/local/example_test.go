package local_test

import (
	"fmt"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/local"
)

// A supervisor writes the number of the service's process to a file, and starts
// the service again when it has ended.
func ExamplePause() {
	shop := local.Service{Name: "shop-2", Find: local.PIDFile("/run/shop-2.pid")}
	for _, f := range []experiments.Scheduled{
		{Name: "hang", Fault: local.Pause(shop), For: 5 * time.Second},
		{Name: "kill", Fault: local.Kill(shop), At: 10 * time.Second},
	} {
		fmt.Println(f)
	}
	// Output:
	// hang: pause shop-2
	// kill: kill -9 shop-2
}
