package reports

import (
	"errors"
	"fmt"
	"iter"

	"github.com/aftershockhq/aftershock/experiments/autoscaling"
	"github.com/aftershockhq/aftershock/experiments/recovery"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A Report is all that is told of one record: its result, the recovery of each
// victim stage by stage, and what each autoscaler did. In JSON the fields of
// the result are its own.
type Report struct {
	judge.Result
	Waterfalls []recovery.Waterfall        `json:"recoveries,omitempty"`
	Scalings   []autoscaling.Decomposition `json:"autoscaling,omitempty"`

	// How the checks went in time, for the page. It is not in JSON, so a report
	// that was read from there has none.
	course course
}

// Judge makes the report of a record, with the limits in override in place of
// those of the check or expectation they name, as [judge.Judge] does, and
// with the judger of autoscalers. It goes through the entries three times, in memory that their number does not matter to. An
// error means that the record cannot be read or holds no experiment.
func Judge(entries iter.Seq2[record.Entry, error], override map[string][]string) (Report, error) {
	result, err := judge.Judge(entries, override, autoscaling.Judger{})
	if err != nil {
		return Report{}, err
	}
	r := Report{Result: result, Scalings: autoscaling.Decompose(result), course: course{length: result.Length}}
	var history recovery.History
	for e, err := range entries {
		if errors.Is(err, record.ErrCut) {
			break
		}
		if err != nil {
			return Report{}, fmt.Errorf("read recoveries: %w", err)
		}
		history.Take(e)
		r.course.take(e)
	}
	r.Waterfalls = history.Waterfalls(result.Checks)
	return r, nil
}

// Worst is the verdict of several reports together: broken if one is, else
// unknown if one is or there is none, else held.
func Worst(list ...Report) steadystate.Verdict {
	verdicts := make([]steadystate.Verdict, 0, len(list))
	for _, r := range list {
		verdicts = append(verdicts, r.Verdict)
	}
	return steadystate.Worst(verdicts...)
}
