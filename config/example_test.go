package config_test

import (
	"fmt"

	"github.com/aftershockhq/aftershock/config"
)

// A plan has every experiment that the file selects; an error has every mistake, with
// its line and what may be written there.
func ExampleParse() {
	const file = `apiVersion: aftershock/v1
cluster: {uid: 0b1c2d3e-0000-0000-0000-000000000000}
allow: {namespaces: [shop]}
times: {hold: 20s}
services:
  checkout:
    namespace: shop
    workload: deployment/checkout
    load: {url: "http://checkout.example/checkout", rate: %s}
    suites: [pods/kill-one, network/delay]
experiments:
  twice:
    from: pods/kill-one
    faults: {kill: {podKill: {pods: 2}}}
`
	plan, err := config.Parse("aftershock.yaml", fmt.Appendf(nil, file, "100/s"))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range plan.Planned {
		fmt.Println(e.ID(), "holds for", e.Times.Hold)
	}
	_, err = config.Parse("aftershock.yaml", fmt.Appendf(nil, file, "100"))
	fmt.Println(err)
	// Output:
	// checkout/pods/kill-one holds for 20s
	// checkout/network/delay holds for 20s
	// checkout/twice holds for 20s
	// aftershock.yaml:9: services[checkout].load.rate: shape "100": "100" is not a rate, as in 100/s or 1000/min; want one of "100/s", "ramp from 10/s to 100/s over 1m", "steps 10/s for 20s, 50/s for 20s, 100/s", "sine 50/s by 30/s every 1m", "spike from 100/s to 1000/s after 10s for 30s"; /min too
}
