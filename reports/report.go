package reports

import (
	"bytes"
	"slices"
	"strings"

	"github.com/aftershockhq/aftershock/experiments/autoscaling"
	"github.com/aftershockhq/aftershock/experiments/cause"
	"github.com/aftershockhq/aftershock/experiments/recovery"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A Report is everything reported about one record: its result, the recovery of
// each victim stage by stage, the behaviour of each autoscaler, and the cause of
// each outage. Judge of package runs makes it from a record. In JSON it is a
// result of package results.
type Report struct {
	judge.Result
	Waterfalls []recovery.Waterfall
	Scalings   []autoscaling.Decomposition
	Causes     []cause.Cause
	// Advice lists what to mend or to ask if a limit is broken.
	Advice []cause.Advice
	// Disturbances lists what happened to the service in the window that no fault of the
	// run explains. Unwatched says why there may be more; empty: everything was watched.
	Disturbances []cause.Moment
	Unwatched    string

	// TimeSeries holds what the page draws; nil: the page has no chart. It is not in JSON.
	TimeSeries *TimeSeries
	// Page is the path of the run's page, for formats that link to it; empty: they do not.
	// It is not in JSON.
	Page string
}

// Longest returns the longest outage of a check and what the record shows of its cause; nil
// if there is none.
func (r Report) Longest(check string) (*steadystate.Outage, cause.Cause) {
	c, err := r.Check(check)
	if err != nil || len(c.Outages) == 0 {
		return nil, cause.Cause{}
	}
	longest := 0
	for i, o := range c.Outages {
		if o.Length().High > c.Outages[longest].Length().High {
			longest = i
		}
	}
	return &c.Outages[longest], r.cause(check, longest)
}

// cause is that of an outage of a check; zero: it is not known.
func (r Report) cause(check string, outage int) cause.Cause {
	for _, c := range r.Causes {
		if c.Check == check && c.Outage == outage {
			return c
		}
	}
	return cause.Cause{}
}

// explained is the outage that explains a limit, and its cause: the longest of those that
// broke it. nil: none did, and the cause is the limit's own, if it has one.
func (r Report) explained(f judge.Finding) (longest *steadystate.Outage, of cause.Cause) {
	if !slices.ContainsFunc(r.Causes, func(c cause.Cause) bool { return c.Check == f.Check }) {
		return r.Longest(f.Check) // which outage broke it is not known
	}
	check, err := r.Check(f.Check)
	for _, c := range cause.Of(r.Result, f, r.Causes) {
		if c.Outage == cause.NoOutage {
			return nil, c
		}
		if err != nil || c.Outage >= len(check.Outages) {
			continue
		}
		if o := &check.Outages[c.Outage]; longest == nil || o.Length().High > longest.Length().High {
			longest, of = o, c
		}
	}
	return longest, of
}

// ofLimit is the cause of a limit that broke without an outage, or of an autoscaler's;
// nil: there is none.
func (r Report) ofLimit(f judge.Finding) *cause.Cause {
	for _, c := range r.Causes {
		if c.Outage == cause.NoOutage && c.Check == f.Check && c.Limit == f.Limit && f.Verdict == steadystate.Broken {
			return &c
		}
	}
	return nil
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

// ExitCode returns the exit code of "aftershock run" for these runs together: 5 if a fault
// may still be in place, else 4 if a run was stopped or failed, else 1 if one is broken, 3
// if one is unknown or there is none, and 0 if all are held.
func ExitCode(list ...Report) int {
	for _, r := range list {
		if len(r.LeftBehind) > 0 {
			return 5
		}
	}
	for _, r := range list {
		switch r.End.Reason {
		case record.Interrupted, record.Stopped, record.Refused, record.Failed:
			return 4
		}
	}
	switch Worst(list...) {
	case steadystate.Held:
		return 0
	case steadystate.Broken:
		return 1
	}
	return 3
}

// Worst returns the verdict of several reports together: broken if one is, else unknown if
// one is or there is none, else held.
func Worst(list ...Report) steadystate.Verdict {
	verdicts := make([]steadystate.Verdict, 0, len(list))
	for _, r := range list {
		verdicts = append(verdicts, r.Verdict)
	}
	return steadystate.Worst(verdicts...)
}
