// Package shop_test is a team's own suite: experiments in Ginkgo, on the service
// that "aftershock demo --serve" leaves up.
//
//	aftershock demo --serve -- go test ./shop
package shop_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/experiments/local"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/prom"
)

func TestShop(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "shop")
}

// metrics is the shop's Prometheus; front is where it is served, by three
// processes behind a balancer.
var (
	front   string
	metrics *prom.Client
)

var _ = BeforeSuite(func() {
	front = os.Getenv("AFTERSHOCK_DEMO_URL")
	Expect(front).NotTo(BeEmpty(), "run it as: aftershock demo --serve -- go test ./shop")
	var err error
	metrics, err = prom.NewClient(prom.Config{URL: os.Getenv("AFTERSHOCK_DEMO_PROMETHEUS")})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(metrics.Close)
})

// backend is one of the processes. It names itself in the header X-Pod of its
// answers, and its supervisor writes its number to a file.
func backend(name string) local.Service {
	return local.Service{Name: name, Find: local.PIDFile(filepath.Join(os.Getenv("AFTERSHOCK_DEMO_PIDS"), name+".pid"))}
}

// selling is an experiment on the shop under load: customers are answered, and
// Prometheus sees enough of the processes up.
func selling(fault experiments.Fault) experiments.Experiment {
	return experiments.Experiment{
		Hypothesis: steadystate.Hypothesis{
			Signals: []steadystate.Signal{prom.Source{
				Client:   metrics,
				Query:    prom.MustParse(`sum(up{job="service"})`),
				Interval: 250 * time.Millisecond,
			}.Signal("processes up")},
			Checks: []steadystate.Check{
				{
					Name: "customers are answered", Signal: record.TrafficSignal, Good: steadystate.Within(500 * time.Millisecond),
					Limits: steadystate.Limits("downtime <= 1s", "errors <= 3%"),
				},
				{
					Name: "two processes are up", Signal: "processes up", Good: steadystate.AtLeast(2),
					Limits: steadystate.Limits("outage <= 2s"), // a scrape now and then is late
				},
			},
		},
		Load:   load.HTTP{URL: front + "/", Shape: load.Constant(100), Timeout: time.Second},
		Faults: []experiments.Scheduled{{Fault: fault}},
		Settle: 2 * time.Second,
		Hold:   4 * time.Second,
		Watch:  4 * time.Second,
	}
}
