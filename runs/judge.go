package runs

import (
	"errors"
	"fmt"
	"iter"

	"github.com/aftershockhq/aftershock/experiments/autoscaling"
	"github.com/aftershockhq/aftershock/experiments/cause"
	"github.com/aftershockhq/aftershock/experiments/recovery"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports"
)

// Judge makes the report of a record, with the limits in override merged into
// those of the check or expectation they name, and with the evaluators of its
// expectations' kinds, as [judge.Judge] does. It goes through the entries three
// times, and once more if there was an outage, in memory that does not grow with
// their number. An error means that the record cannot be read or holds no
// experiment.
func Judge(entries iter.Seq2[record.Entry, error], override map[string][]string, evaluators ...judge.Evaluator) (reports.Report, error) {
	result, err := judge.Judge(entries, override, evaluators...)
	if err != nil {
		return reports.Report{}, err
	}
	r := reports.Report{Result: result, Scalings: autoscaling.Decompose(result), TimeSeries: reports.NewTimeSeries(result.Length)}
	var history recovery.History
	if err := each(entries, func(e record.Entry) {
		history.Take(e)
		r.TimeSeries.Take(e)
	}); err != nil {
		return reports.Report{}, fmt.Errorf("read recoveries: %w", err)
	}
	r.Waterfalls = history.Waterfalls(result.Checks)
	inquiry := cause.NewInquiry(result, r.Waterfalls)
	if !inquiry.Empty() {
		if err := each(entries, inquiry.Take); err != nil {
			return reports.Report{}, fmt.Errorf("read causes: %w", err)
		}
	}
	r.Causes = inquiry.Causes()
	r.Advice = cause.Advise(result, r.Causes)
	r.Disturbances, r.Unwatched = cause.Disturbances(result, r.Waterfalls)
	return r, nil
}

// each takes the entries of a record, as far as it was written.
func each(entries iter.Seq2[record.Entry, error], take func(record.Entry)) error {
	for e, err := range entries {
		if errors.Is(err, record.ErrCut) {
			return nil
		}
		if err != nil {
			return err
		}
		take(e)
	}
	return nil
}
