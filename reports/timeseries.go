package reports

import (
	"math"
	"slices"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// columns is the number of stretches of time in a time series, for a record of
// any length: as many as fit on a page.
const columns = 400

// TimeSeries is the data of a drawing: each check of a record over time, in
// memory that does not grow with the record. It is only for viewing: the figures
// and the verdict are the judge's.
type TimeSeries struct {
	length time.Duration
	lines  []*line
}

// NewTimeSeries makes an empty time series for a record of that length.
func NewTimeSeries(length time.Duration) *TimeSeries { return &TimeSeries{length: length} }

// A line is one check over time.
type line struct {
	steadystate.Check
	columns [columns]column
}

// A column holds the observations of a check in one stretch of time.
type column struct {
	good, bad, unknown int
	// The values of the observations, rounded up so that few are distinct.
	values steadystate.Values
	// late: the load was behind its schedule.
	late bool
}

// Take adds one entry of the record. Entries come in the record's order.
func (t *TimeSeries) Take(e record.Entry) {
	switch {
	case e.Plan != nil:
		for _, check := range e.Plan.Checks {
			t.lines = append(t.lines, &line{Check: check})
		}
	case e.Observations != nil:
		for _, l := range t.of(e.Observations.Signal) {
			for _, o := range e.Observations.List {
				t.add(l, o)
			}
		}
	case e.Requests != nil:
		for _, l := range t.of(e.Requests.Signal) {
			for _, q := range e.Requests.List {
				t.add(l, q.Observation())
				if q.Late() > record.LateAfter {
					for i := t.column(q.Planned); i <= t.column(q.Sent); i++ {
						l.columns[i].late = true
					}
				}
			}
		}
	}
}

// of are the lines of a signal.
func (t *TimeSeries) of(signal string) []*line {
	return slices.DeleteFunc(slices.Clone(t.lines), func(l *line) bool { return l.Signal != signal })
}

// line is that of a check; nil without one.
func (t *TimeSeries) line(check string) *line {
	if i := slices.IndexFunc(t.lines, func(l *line) bool { return l.Name == check }); i >= 0 {
		return t.lines[i]
	}
	return nil
}

// column is the number of the column that contains an instant.
func (t *TimeSeries) column(at time.Duration) int {
	if t.length <= 0 {
		return 0
	}
	return min(columns-1, max(0, int(float64(columns)*float64(at)/float64(t.length))))
}

// add adds an observation. It may be true at any instant in its span, so it
// counts in every column that it touches. Its value is shown in the middle.
func (t *TimeSeries) add(l *line, o steadystate.Observation) {
	good, bad := o.Good(l.Good), o.Bad(l.Good)
	for i := t.column(o.From); i <= t.column(o.To); i++ {
		at := &l.columns[i]
		switch {
		case good:
			at.good++
		case bad:
			at.bad++
		default:
			at.unknown++
		}
	}
	if o.Unknown == "" && o.Failed == "" && !math.IsNaN(o.Value) && !math.IsInf(o.Value, 0) {
		l.columns[t.column(o.From+o.Width()/2)].values.Add(coarse(o.Value))
	}
}

// coarse rounds up by at most a 32nd.
func coarse(v float64) float64 {
	fraction, exponent := math.Frexp(v)
	return math.Ldexp(math.Ceil(fraction*64)/64, exponent)
}
