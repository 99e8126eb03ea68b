package recordtest_test

import (
	"fmt"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/steadystatetest"
)

func ExampleEntries() {
	plan := &record.Plan{
		Name: "kill one", Settle: 3 * time.Second, Faults: []record.Scheduled{{Fault: "kill"}},
		Checks: []steadystate.Check{{Name: "whole", Signal: "replicas", Good: steadystatetest.Good, Limits: steadystate.Limits("downtime <= 5s")}},
	}
	list := recordtest.Entries(plan, `
		0         phase   settle
		0         see     replicas    ++++++++++--++++++++
		10        phase   inject
		10..10.1  inject  kill        a   effect=gone oneshot=true
		10..10.1  gone    pod/shop/a  a
		10.1      phase   watch
		19        end`)
	result, err := judge.Judge(recordtest.All(list), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, o := range result.Checks[0].Outages {
		fmt.Println("from", o.Start, "to", o.End)
	}
	finding := result.Findings[0]
	fmt.Println(finding.Limit, finding.Verdict)
	// Output:
	// from 10.000s to 11.000s..12.000s
	// downtime <= 5s held
}
