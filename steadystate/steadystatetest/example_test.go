package steadystatetest_test

import (
	"fmt"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/steadystatetest"
)

// The fourth and the fifth of ten observations, a second apart, are bad.
func ExampleFold() {
	list := steadystatetest.Observations("+++--+++++", time.Second, 0)
	record := steadystate.Span{To: 9 * time.Second}
	for _, o := range steadystatetest.Fold(list, steadystatetest.Good, steadystate.Rule{Settle: 3 * time.Second}, record).Outages() {
		fmt.Println("it began in", o.Start, "and lasted", steadystate.FormatLengths(o.Length()))
	}
	// Output: it began in 2.000s..3.000s and lasted 1s to 3s
}
