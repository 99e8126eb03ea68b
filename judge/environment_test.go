package judge_test

import (
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
)

// What is known before the run and what is seen at its start are one environment.
func TestTheEnvironmentIsAllOfItsEntries(t *testing.T) {
	plan := &record.Plan{
		Name: "kill one", Settle: 5 * time.Second, Watch: 5 * time.Second,
		Checks: []steadystate.Check{{Name: "whole", Signal: "replicas", Good: steadystate.MustParseTolerance(">= 100%")}},
	}
	first := map[string]string{"who": "ann", "where": "staging"}
	list := append(recordtest.Entries(plan, ""),
		record.Entry{Environment: first},
		record.Entry{Environment: map[string]string{"image.checkout": "checkout@sha256:11"}})
	list = append(list, recordtest.Entries(nil, "0 phase settle\n20 end")...)
	result, err := judge.Judge(recordtest.All(list), nil)
	if err != nil {
		t.Fatal(err)
	}
	if e := result.Environment; len(e) != 3 || e["who"] != "ann" || e["image.checkout"] != "checkout@sha256:11" {
		t.Errorf("environment %v", e)
	}
	if len(first) != 2 {
		t.Errorf("the record's entry was changed: %v", first)
	}
}
