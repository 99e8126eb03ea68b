package record

import (
	"fmt"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// An Expectation is what must hold of something that is no signal, so that no
// check can say it: that an autoscaler follows its load, for instance. It is
// plain data as a check is: it is in the record, and a record can be judged
// again with other limits.
type Expectation struct {
	// Name is what its findings are called; no check may have it too.
	Name string `json:"name"`
	// Kind selects the judge.Evaluator that knows what is expected: "autoscaler".
	Kind string `json:"kind"`
	// Subject is that of the events it is judged by: hpa/shop/checkout.
	Subject string `json:"subject"`
	// Limits that must hold, in the evaluator's text form. What must hold without
	// any is the evaluator's to say.
	Limits []string `json:"limits,omitempty"`
	// Signal is a second reading of what is expected, by an instrument that the
	// subject has no part in; empty: there is none. The evaluator says what it
	// must be.
	Signal string `json:"signal,omitempty"`
	// ChangesPods: what it is about adds pods to the service and takes them
	// away, as an autoscaler does, so that this takes nothing from the proof of
	// a fault that is held meanwhile.
	ChangesPods bool `json:"changesPods,omitempty"`
}

// A Baseline is what a control run showed, in figures: how the service is while
// nothing is done to it. As part of a plan it is what a limit such as
// "p95 <= 1.5x baseline" refers to, so that one record is enough to judge by.
type Baseline struct {
	Run    string        `json:"run"`    // of the control run's record
	Length time.Duration `json:"length"` // of its window
	// Unknown is why it is no baseline: then whatever refers to it is unknown.
	Unknown string `json:"unknown,omitempty"`
	// Figures are by check, and by quantity, "p95" or "p95 of good" for instance.
	Figures map[string]map[string]steadystate.Base `json:"figures,omitempty"`
}

// String is "control run 4f1c2a9d3b, 40s long".
func (b *Baseline) String() string {
	if b.Run == "" {
		return "no baseline: " + b.Unknown
	}
	text := fmt.Sprintf("control run %s, %s long", b.Run, steadystate.FormatSeconds(b.Length.Seconds()))
	if b.Unknown != "" {
		text += ", which is no baseline: " + b.Unknown
	}
	return text
}
