package ownsuite_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/steadystate"
	. "github.com/aftershockhq/aftershock/suites/matchers"
	"github.com/aftershockhq/aftershock/suites/specs"
)

var shop, latency = new(httptest.Server), new(atomic.Int64) // of its answers, in nanoseconds

var _ = BeforeSuite(func() {
	shop = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(time.Duration(latency.Load()))
		w.Header().Set("X-Pod", "shop-1")
	}))
	DeferCleanup(shop.Close)
})

func TestShop(t *testing.T) {
	t.Chdir(t.TempDir()) // where the records go
	RegisterFailHandler(Fail)
	RunSpecs(t, "shop")
}

var _ = Describe("the shop", func() {
	specs.It("sells while it is slow", func(context.Context) experiments.Experiment { return slow(100 * time.Millisecond) })
	specs.It("is down while it is too slow", func(context.Context) experiments.Experiment { return slow(800 * time.Millisecond) }, specs.Broken, func(report reports.Report) {
		Expect(report).To(And(BeBroken("shop answers"), Meet("shop answers", "downtime <= 5s", "ttr <= 6s"), LeaveNothingBehind()))
	})
})

// slow is a fault of three seconds under 50 requests a second.
func slow(by time.Duration) experiments.Experiment {
	set := func(by time.Duration) func(context.Context, *record.Recorder) error {
		return func(context.Context, *record.Recorder) error { latency.Store(int64(by)); return nil }
	}
	return experiments.Experiment{
		Hypothesis: steadystate.Hypothesis{Checks: []steadystate.Check{{Name: "shop answers", Signal: record.TrafficSignal, Good: steadystate.Within(400 * time.Millisecond), Limits: steadystate.Limits("downtime <= 1s")}}},
		Load:       load.HTTP{Shape: load.Constant(50), URL: shop.URL},
		Faults: []experiments.Scheduled{{Fault: experiments.FaultFunc{
			Text: "slow the shop down", Targets: []record.Target{{Name: "shop-1"}}, Effects: []record.Effect{{Signal: record.TrafficSignal, Rise: by.Seconds() / 2}}, Do: set(by), Undo: set(0),
		}}},
		Settle: 2 * time.Second, Hold: 3 * time.Second, Watch: 4 * time.Second,
	}
}
