package reports

import (
	"math"
	"slices"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// columns is into how many stretches of time a course is divided, however
// long the record is: what fits on a page.
const columns = 400

// A course is how the checks of a record went in time, one line for each. It
// is for looking at: what is judged is judged from the record.
type course struct {
	length time.Duration
	lines  []*line
}

// A line is the course of one check.
type line struct {
	steadystate.Check
	columns [columns]column
}

// A column is what was observed of a check in one stretch of time.
type column struct {
	good, bad, unknown int
	// Of the observations that have a value, rounded up so that there are few
	// different ones.
	values steadystate.Values
	// late: the load was behind its schedule.
	late bool
}

// take takes in one entry of the record.
func (c *course) take(e record.Entry) {
	switch {
	case e.Plan != nil:
		for _, check := range e.Plan.Checks {
			c.lines = append(c.lines, &line{Check: check})
		}
	case e.Observations != nil:
		for _, l := range c.of(e.Observations.Signal) {
			for _, o := range e.Observations.List {
				c.add(l, o)
			}
		}
	case e.Requests != nil:
		for _, l := range c.of(e.Requests.Signal) {
			for _, q := range e.Requests.List {
				c.add(l, q.Observation())
				if q.Late() > record.LateAfter {
					for i := c.column(q.Planned); i <= c.column(q.Sent); i++ {
						l.columns[i].late = true
					}
				}
			}
		}
	}
}

// of are the lines of a signal.
func (c *course) of(signal string) []*line {
	return slices.DeleteFunc(slices.Clone(c.lines), func(l *line) bool { return l.Signal != signal })
}

// line is that of a check; nil without one.
func (c *course) line(check string) *line {
	if i := slices.IndexFunc(c.lines, func(l *line) bool { return l.Name == check }); i >= 0 {
		return c.lines[i]
	}
	return nil
}

// column is the number of the column that an instant is in.
func (c *course) column(at time.Duration) int {
	if c.length <= 0 {
		return 0
	}
	return min(columns-1, max(0, int(float64(columns)*float64(at)/float64(c.length))))
}

// add takes in an observation: it may speak of any instant in its span, so it
// counts in every column that it touches. Its value is shown in the middle.
func (c *course) add(l *line, o steadystate.Observation) {
	good, bad := o.Good(l.Good), o.Bad(l.Good)
	for i := c.column(o.From); i <= c.column(o.To); i++ {
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
		l.columns[c.column(o.From+o.Width()/2)].values.Add(coarse(o.Value))
	}
}

// coarse rounds up by no more than a 32nd.
func coarse(v float64) float64 {
	fraction, exponent := math.Frexp(v)
	return math.Ldexp(math.Ceil(fraction*64)/64, exponent)
}
