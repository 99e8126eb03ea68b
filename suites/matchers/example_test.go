package matchers_test

import (
	"fmt"
	"time"

	"github.com/onsi/gomega"

	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/runs"
	. "github.com/aftershockhq/aftershock/suites/matchers"
)

// The experiment met its limits, and another one on the same check. A mistake in an
// assertion fails it, and names the choices.
func Example() {
	report, err := runs.Judge(recordtest.All(entries(500*time.Millisecond, "downtime <= 4s")), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	// In a Ginkgo spec, Expect is Gomega's own.
	Expect := gomega.NewGomega(func(message string, _ ...int) { fmt.Println(message) }).Expect

	Expect(report).To(gomega.And(BeHeld(), Meet("shop answers", "ttr <= 4s"), HaveProof("effect"), LeaveNothingBehind()))
	Expect(report).To(Meet("shop", "downtime <= 1s"))
	// Output:
	// Meet: no check "shop"; checks: "shop answers"
}
