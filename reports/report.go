package reports

import (
	"bytes"
	"strings"

	"github.com/aftershockhq/aftershock/experiments/autoscaling"
	"github.com/aftershockhq/aftershock/experiments/recovery"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A Report is everything reported about one record: its result, the recovery of
// each victim stage by stage, and the behaviour of each autoscaler. Judge of
// package runs makes it from a record. In JSON the fields of the result are
// inlined.
type Report struct {
	judge.Result
	Waterfalls []recovery.Waterfall        `json:"recoveries,omitempty"`
	Scalings   []autoscaling.Decomposition `json:"autoscaling,omitempty"`

	// TimeSeries is what the page draws; nil: it draws none. It is not in JSON.
	TimeSeries *TimeSeries `json:"-"`
}

// String is the report as [Text] writes it.
func (r Report) String() string {
	var out bytes.Buffer
	if err := Text(&out, r); err != nil {
		return err.Error()
	}
	return out.String()
}

// GomegaString is the report as [Text] writes it, for the messages of Gomega's
// matchers.
func (r Report) GomegaString() string { return strings.TrimSpace(r.String()) }

// Worst is the verdict of several reports together: broken if one is, else
// unknown if one is or there is none, else held.
func Worst(list ...Report) steadystate.Verdict {
	verdicts := make([]steadystate.Verdict, 0, len(list))
	for _, r := range list {
		verdicts = append(verdicts, r.Verdict)
	}
	return steadystate.Worst(verdicts...)
}
