package shop_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/local"
	"github.com/aftershockhq/aftershock/reports"
	. "github.com/aftershockhq/aftershock/suites/matchers"
	"github.com/aftershockhq/aftershock/suites/specs"
)

var _ = Describe("the shop", func() {
	// Without more it must hold: all limits, with all proofs.
	specs.It("keeps selling while a process is killed", func(context.Context) experiments.Experiment {
		return selling(local.Kill(backend("service-2")))
	}, func(r reports.Report) {
		Expect(r).To(And(
			BeHeld(),
			Meet("customers are answered", "downtime <= 800ms", "p95 of good <= 100ms"),
			HaveProof("exposed"),
			LeaveNothingBehind(),
		))
	})

	// A weakness that is known: the balancer only connects to a process to see
	// whether it lives, and the kernel accepts the connections of one that hangs.
	specs.It("loses every third customer while a process hangs", func(context.Context) experiments.Experiment {
		return selling(local.Pause(backend("service-3")))
	}, specs.Broken, func(r reports.Report) {
		Expect(r).To(BeBroken("customers are answered"))
		Expect(r).To(And(Meet("two processes are up"), LeaveNothingBehind()))
	})

	specs.It("keeps selling while a process has long pauses", func(context.Context) experiments.Experiment {
		return selling(&Pauses{Service: backend("service-1"), Length: 100 * time.Millisecond, Every: 300 * time.Millisecond})
	})
})
