package runs

import (
	"errors"
	"fmt"
	"iter"

	"github.com/aftershockhq/aftershock/experiments/autoscaling"
	"github.com/aftershockhq/aftershock/experiments/recovery"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports"
)

// Judge makes the report of a record, with the limits in override in place of
// those of the check or expectation they name, and with the evaluators of its
// expectations' kinds, as [judge.Judge] does. It goes through the entries three
// times, in memory that does not grow with their number. An error means that the
// record cannot be read or holds no experiment.
func Judge(entries iter.Seq2[record.Entry, error], override map[string][]string, evaluators ...judge.Evaluator) (reports.Report, error) {
	result, err := judge.Judge(entries, override, evaluators...)
	if err != nil {
		return reports.Report{}, err
	}
	r := reports.Report{Result: result, Scalings: autoscaling.Decompose(result), TimeSeries: reports.NewTimeSeries(result.Length)}
	var history recovery.History
	for e, err := range entries {
		if errors.Is(err, record.ErrCut) {
			break
		}
		if err != nil {
			return reports.Report{}, fmt.Errorf("read recoveries: %w", err)
		}
		history.Take(e)
		r.TimeSeries.Take(e)
	}
	r.Waterfalls = history.Waterfalls(result.Checks)
	return r, nil
}
