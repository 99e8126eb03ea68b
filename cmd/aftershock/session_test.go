package main

import (
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

func TestWhatSettlingWaitsForIsSaidAsItIs(t *testing.T) {
	plan := &record.Plan{Settle: 10 * time.Second}
	if got, want := settling(plan), "for at least 10s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	plan.Checks = []steadystate.Check{{Name: "checkout answers", Allowed: 0.001}, {Name: "all up"}}
	if got, want := settling(plan), `for at least 10s; at least 663 observations of "checkout answers"`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	compared := steadystate.Limits("mean <= 1.2x baseline")
	plan.Checks = []steadystate.Check{{Name: "pool", Signal: "pool", Limits: compared}, {Name: "answers", Signal: record.TrafficSignal, Limits: compared}}
	if got, want := settling(plan), `for at least 10s; at least 10 independent observations of "pool"; at least 11 observations of "answers"`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
