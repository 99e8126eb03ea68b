package record

import (
	"fmt"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// An Expectation must hold of a subject that has no signal for a check, such as
// an autoscaler that follows its load. It is plain data and part of the record,
// so a record can be judged again with other limits.
type Expectation struct {
	// Name is that of its findings; unique among checks and expectations.
	Name string `json:"name"`
	// Kind selects the judge.Evaluator: "autoscaler".
	Kind string `json:"kind"`
	// Subject is that of the events it is judged by: hpa/shop/checkout.
	Subject string `json:"subject"`
	// Limits that must hold, in the evaluator's text form. The evaluator
	// decides what must hold without any.
	Limits []string `json:"limits,omitempty"`
	// Signal is a second reading of the subject, by an instrument that the
	// subject does not control; empty: none. The evaluator defines it.
	Signal string `json:"signal,omitempty"`
	// ChangesPods: the subject adds pods to the service and removes them, as an
	// autoscaler does, so that changes during a fault do not void its proof.
	ChangesPods bool `json:"changesPods,omitempty"`
}

// ControlLabel is the label of a control run.
const ControlLabel = "control"

// A Baseline is the figures of a control run: the service without a fault. A
// plan contains it, so that one record is enough to judge a limit such as "p95
// <= 1.5x baseline".
type Baseline struct {
	Run    string        `json:"run"`    // of the control run's record
	Length time.Duration `json:"length"` // of its window
	// Unknown says why the run gives no baseline; every limit on it is then
	// unknown.
	Unknown string `json:"unknown,omitempty"`
	// Figures are by check, then by quantity: "p95" or "p95 of good".
	Figures map[string]map[string]steadystate.Base `json:"figures,omitempty"`
}

// String is "control run 4f1c2a9d3b, 40s long".
func (b *Baseline) String() string {
	if b.Run == "" {
		return "no baseline: " + b.Unknown
	}
	text := fmt.Sprintf("control run %s, %s long", b.Run, steadystate.FormatSeconds(b.Length.Seconds()))
	if b.Unknown != "" {
		text += ", not usable as a baseline: " + b.Unknown
	}
	return text
}
