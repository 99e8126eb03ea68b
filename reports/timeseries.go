package reports

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// columns is the number of stretches of time in a time series, for a record of
// any length: as many as a page shows. Backends have fewer, and at most so many are
// told apart.
const (
	columns        = 600
	backendColumns = 300
	mostBackends   = 24
)

// A TimeSeries holds the data of a chart: each check of a record over time, the traffic,
// and who answered it. Its size does not grow with the record. It is only for viewing: the
// figures and the verdict are the judge's.
type TimeSeries struct {
	length  time.Duration
	lines   []*line
	streams map[string]*stream // by signal
}

// NewTimeSeries returns an empty time series for a record of this length.
func NewTimeSeries(length time.Duration) *TimeSeries {
	return &TimeSeries{length: length, streams: map[string]*stream{}}
}

// A line is one check over time.
type line struct {
	steadystate.Check
	columns [columns]column
}

// A column holds the observations of a check in one stretch of time.
type column struct {
	good, bad, unknown int
	// The values of the observations, rounded up so that few are distinct; and the
	// least and the most of them, exactly.
	values      steadystate.Values
	least, most float64
	// late: the load was behind its schedule.
	late bool
}

// A stream is the requests of one signal over time, by when they were sent.
type stream struct {
	columns  [columns]outcomes
	backends map[string]*[backendColumns]outcomes
}

// outcomes are counts of requests.
type outcomes struct{ sent, failed int }

func (o *outcomes) add(failed bool) {
	o.sent++
	if failed {
		o.failed++
	}
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
		lines := t.of(e.Requests.Signal)
		s := t.streams[e.Requests.Signal]
		if s == nil {
			s = &stream{backends: map[string]*[backendColumns]outcomes{}}
			t.streams[e.Requests.Signal] = s
		}
		for _, q := range e.Requests.List {
			o := q.Observation()
			failed := o.Failed != ""
			for _, l := range lines {
				t.add(l, o)
				failed = failed || o.Bad(l.Good)
				if q.Late() > record.LateAfter {
					for i := t.column(q.Planned); i <= t.column(q.Sent); i++ {
						l.columns[i].late = true
					}
				}
			}
			t.count(s, q, failed)
		}
	}
}

// count counts a request, and the answer of its backend.
func (t *TimeSeries) count(s *stream, q record.Request, failed bool) {
	i := t.column(q.Sent)
	s.columns[i].add(failed)
	if q.Backend == "" {
		return
	}
	by := s.backends[q.Backend]
	if by == nil {
		if len(s.backends) == mostBackends {
			return
		}
		by = new([backendColumns]outcomes)
		s.backends[q.Backend] = by
	}
	by[i*backendColumns/columns].add(failed)
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
		at := &l.columns[t.column(o.Middle())]
		if at.values.N() == 0 {
			at.least, at.most = o.Value, o.Value
		}
		at.least, at.most = min(at.least, o.Value), max(at.most, o.Value)
		at.values.Add(coarse(o.Value))
	}
}

// coarse rounds up by at most a 32nd.
func coarse(v float64) float64 {
	fraction, exponent := math.Frexp(v)
	return math.Ldexp(math.Ceil(fraction*64)/64, exponent)
}

// merged are the columns, so many at a time in one: nothing bad, unknown or late is
// lost, and no extreme.
func (l *line) merged(each int) []column {
	list := make([]column, (columns+each-1)/each)
	for i := range l.columns {
		from, to := &l.columns[i], &list[i/each]
		to.good, to.bad, to.unknown, to.late = to.good+from.good, to.bad+from.bad, to.unknown+from.unknown, to.late || from.late
		if from.values.N() == 0 {
			continue
		}
		if to.values.N() == 0 {
			to.least, to.most = from.least, from.most
		}
		to.least, to.most = min(to.least, from.least), max(to.most, from.most)
		to.values.Merge(&from.values)
	}
	return list
}

// merged are the columns, so many at a time in one.
func (s *stream) merged(each int) []outcomes {
	list := make([]outcomes, (columns+each-1)/each)
	for i, o := range s.columns {
		list[i/each].sent += o.sent
		list[i/each].failed += o.failed
	}
	return list
}

// divisor is the least divisor of the number of columns that is as large.
func divisor(least int) int {
	for d := max(1, least); d < columns; d++ {
		if columns%d == 0 {
			return d
		}
	}
	return columns
}

// runs writes texts with the equal ones in a row as one: "a*3|b".
func runLengths(texts []string) string {
	var out strings.Builder
	for i := 0; i < len(texts); {
		n := 1
		for i+n < len(texts) && texts[i+n] == texts[i] {
			n++
		}
		if i > 0 {
			out.WriteByte('|')
		}
		out.WriteString(strings.NewReplacer("|", "/", "*", "×").Replace(texts[i]))
		if n > 1 {
			out.WriteString("*" + strconv.Itoa(n))
		}
		i += n
	}
	return out.String()
}
