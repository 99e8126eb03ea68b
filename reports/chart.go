package reports

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/steadystate"
)

// px is a place or a length in a drawing.
type px float64

// String has one decimal: a tenth of a unit is not visible.
func (p px) String() string { return strconv.FormatFloat(float64(p), 'f', 1, 64) }

// The width of the drawing and the height of its rows. The axis begins right of
// the names.
const (
	chartWidth = 1000
	axisFrom   = 170
	axisTo     = 990
	bandHeight = 18
	rowHeight  = 34
	plotHeight = 120
)

type (
	// A chartView is all checks over one time axis.
	chartView struct {
		Width, Height, Left, Right px
		Bottom                     px // of the rows
		Bands                      []bandView
		Faults                     []boxView
		Rows                       []rowView
		Plots                      []plotView
		Events                     []markView
		Ticks                      []markView
	}
	bandView struct {
		boxView
		Name, Title string
		Odd         bool
		Text        px // position of the name; zero: no room for it
	}
	boxView struct {
		X, Y, W, H  px
		Class, Note string
	}
	markView struct {
		X, Y px
		Text string
	}
	// A rowView is a check: its observations, with the outages beneath.
	rowView struct {
		Name                     string
		Y                        px // of the name
		Good, Bad, Unknown, Late string
		Outages                  []boxView
	}
	// A plotView is a check's values.
	plotView struct {
		Name           string
		Y, Top, Bottom px
		P50, P95       string
		Grid           []markView
		Limit          *markView
	}
	// A gaugeView is a limit and the observed value, on one scale from zero.
	gaugeView struct{ From, Width, Limit px }
)

// scale maps instants to places.
type scale struct{ length time.Duration }

func (s scale) x(at time.Duration) px {
	if s.length <= 0 {
		return axisFrom
	}
	share := min(1, max(0, float64(at)/float64(s.length)))
	return px(axisFrom + share*(axisTo-axisFrom))
}

// box is a span of time, wide enough to be visible.
func (s scale) box(span steadystate.Span, y, height px) boxView {
	x := s.x(span.From)
	return boxView{X: x, Y: y, W: max(1, s.x(span.To)-x), H: height}
}

// chart draws the time series; nil if the report has none.
func (r Report) chart() *chartView {
	if r.TimeSeries == nil || len(r.TimeSeries.lines) == 0 || r.Length <= 0 {
		return nil
	}
	at := scale{r.Length}
	c := &chartView{Width: chartWidth, Left: axisFrom, Right: axisTo}
	for i, p := range r.Phases {
		b := bandView{boxView: at.box(p.Span, 0, bandHeight), Name: p.Name, Odd: i%2 == 1}
		b.Title = fmt.Sprintf("%s %s, %s", p.Name, p.Span, duration(p.Width()))
		if b.W > px(8*len(p.Name)) {
			b.Text = b.X + b.W/2
		}
		c.Bands = append(c.Bands, b)
	}
	y := px(bandHeight + 8)
	c.Events = r.marks(at, y+6)
	if len(c.Events) > 0 {
		y += 16
	}
	for _, check := range r.Checks {
		l := r.TimeSeries.line(check.Check)
		if l == nil {
			continue
		}
		c.Rows = append(c.Rows, l.row(at, y, check.Outages))
		y += rowHeight
	}
	for _, check := range r.Checks {
		l := r.TimeSeries.line(check.Check)
		if l == nil {
			continue
		}
		if p := l.plot(y, func(v float64) string { return r.value(check, v) }); p != nil {
			c.Plots = append(c.Plots, *p)
			y += plotHeight
		}
	}
	c.Bottom = y
	for _, injection := range r.Injections {
		c.Faults = append(c.Faults, faultBoxes(at, injection, r.Length, c.Bottom)...)
	}
	for _, t := range ticks(r.Length) {
		c.Ticks = append(c.Ticks, markView{X: at.x(t), Y: y + 14, Text: duration(t)})
	}
	c.Height = y + 22
	return c
}

// marks are the events. All events of one column share a mark.
func (r Report) marks(at scale, y px) []markView {
	const most = 8 // events listed of each mark
	var list []markView
	told := map[int]int{} // by column
	places := map[int]int{}
	for _, e := range r.Events {
		middle := e.From + e.Width()/2
		column := r.TimeSeries.column(middle)
		text := fmt.Sprintf("%s %s at %s", e.Subject, e.Kind, e.Span)
		if told[column]++; told[column] == 1 {
			places[column] = len(list)
			list = append(list, markView{X: at.x(middle), Y: y, Text: text})
			continue
		}
		m := &list[places[column]]
		switch n := told[column]; {
		case n <= most:
			m.Text += "\n" + text
		case n == most+1:
			m.Text += "\nand more"
		}
	}
	return list
}

// faultBoxes are the spans in which a fault was certainly on, and those in which
// it started and ended.
func faultBoxes(at scale, i judge.InjectionResult, end time.Duration, bottom px) []boxView {
	if i.FailureReason != "" {
		return nil
	}
	gone, t1 := steadystate.Instant(end), "not undone"
	if i.Removed != nil {
		gone, t1 = *i.Removed, "T1 "+i.Removed.String()
	}
	note := fmt.Sprintf("%s: T0 %s, %s", i.Fault, i.Span, t1)
	const top = bandHeight
	var list []boxView
	for _, part := range []struct {
		steadystate.Span
		class string
	}{{i.Span, "edge"}, {steadystate.Span{From: i.To, To: max(i.To, gone.From)}, "fault"}, {gone, "edge"}} {
		b := at.box(part.Span, top, bottom-top)
		b.Class, b.Note = part.class, note
		list = append(list, b)
	}
	return list
}

// row draws the observations, column by column, and the outages.
func (l *line) row(at scale, y px, outages []steadystate.Outage) rowView {
	const height = 18
	row := rowView{Name: short(l.Name), Y: y + 13}
	var good, bad, unknown, late strings.Builder
	width := px(axisTo-axisFrom) / columns
	for i, c := range l.columns {
		x := px(axisFrom) + px(i)*width
		all := c.good + c.bad + c.unknown
		if c.late {
			rect(&late, x, y+height, width, 2)
		}
		if all == 0 {
			continue
		}
		top := y
		for _, part := range []struct {
			n    int
			path *strings.Builder
		}{{c.bad, &bad}, {c.unknown, &unknown}, {c.good, &good}} {
			if part.n == 0 {
				continue
			}
			h := px(height) * px(part.n) / px(all)
			if part.path != &good {
				h = max(3, h) // keeps one bad of a thousand visible
			}
			h = min(h, y+height-top)
			rect(part.path, x, top, width+0.3, h) // no hairline between two
			top += h
		}
	}
	row.Good, row.Bad, row.Unknown, row.Late = good.String(), bad.String(), unknown.String(), late.String()
	for _, o := range outages {
		note := fmt.Sprintf("outage from %s to %s, lasted %s, %d of %d bad: %s", o.Start, o.End, steadystate.FormatLengths(o.Length()), o.Bad, o.Total, o.Reason)
		for _, part := range []struct {
			steadystate.Span
			class string
		}{{steadystate.Span{From: o.Start.From, To: o.End.To}, "maybe"}, {steadystate.Span{From: o.Start.To, To: o.End.From}, "surely"}} {
			if part.Valid() {
				b := at.box(part.Span, y+height+3, 5)
				b.Class, b.Note = part.class, note
				row.Outages = append(row.Outages, b)
			}
		}
	}
	return row
}

// short is a name that fits beside the axis.
func short(name string) string {
	const most = 25
	if runes := []rune(name); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return name
}

// rect adds a rectangle to a path.
func rect(path *strings.Builder, x, y, width, height px) {
	fmt.Fprintf(path, "M%s %sh%sv%sh-%sz", x, y, width, height, width)
}

// plot draws the values of a line: the median and the 95th percentile of each
// column; nil without values. The scale is logarithmic if all values are above
// zero and far apart.
func (l *line) plot(y px, format func(float64) string) *plotView {
	type point struct{ x, p50, p95 float64 }
	var points []point
	least, most := math.Inf(1), math.Inf(-1)
	for i := range l.columns {
		v := &l.columns[i].values
		if v.N() == 0 {
			continue
		}
		p := point{axisFrom + (float64(i)+0.5)*(axisTo-axisFrom)/columns, v.Quantile(0.5).Low, v.Quantile(0.95).High}
		points = append(points, p)
		least, most = min(least, p.p50), max(most, p.p95)
	}
	if len(points) < 2 {
		return nil
	}
	logarithmic := least > 0 && most > 20*least
	p := &plotView{Name: l.Name, Y: y + 12, Top: y + 22, Bottom: y + plotHeight - 8}
	from, to := min(0, least), max(most, math.SmallestNonzeroFloat64)
	measure := func(v float64) float64 { return v }
	grid := []float64{from, from + (to-from)/2, to}
	if logarithmic {
		measure = math.Log10
		from, to = math.Pow(10, math.Floor(math.Log10(least))), math.Pow(10, math.Ceil(math.Log10(most)))
		grid = nil
		for v := from; v <= 1.01*to; v *= 10 {
			grid = append(grid, v)
		}
	}
	place := func(v float64) px {
		if measure(to) == measure(from) {
			return p.Bottom
		}
		share := (measure(v) - measure(from)) / (measure(to) - measure(from))
		return p.Bottom - px(share)*(p.Bottom-p.Top)
	}
	for _, v := range grid {
		p.Grid = append(p.Grid, markView{Y: place(v), Text: format(v)})
	}
	if limit := l.Good.Value(); from <= limit && limit <= to {
		p.Limit = &markView{Y: place(limit), Text: l.Good.String()}
	}
	var p50, p95 strings.Builder
	// A gap in the data breaks the line.
	const apart = 12 * float64(axisTo-axisFrom) / columns
	before := math.Inf(-1)
	for _, v := range points {
		move := "L"
		if v.x-before > apart {
			move = "M"
		}
		before = v.x
		fmt.Fprintf(&p50, "%s%s %s", move, px(v.x), place(v.p50))
		fmt.Fprintf(&p95, "%s%s %s", move, px(v.x), place(v.p95))
	}
	p.P50, p.P95 = p50.String(), p95.String()
	return p
}

// ticks are about eight instants at round intervals.
func ticks(length time.Duration) []time.Duration {
	step := time.Hour
	for _, s := range []time.Duration{
		100 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second,
		time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour,
	} {
		if length/s <= 12 {
			step = s
			break
		}
	}
	step = max(step, length/24)
	var list []time.Duration
	for t := time.Duration(0); t <= length; t += step {
		list = append(list, t)
	}
	return list
}

// gauge draws a limit with the observed value; nil if either has no figure.
func gauge(f judge.Finding) *gaugeView {
	limit, err := steadystate.ParseLimit(f.Limit)
	if err != nil || f.Seen == nil {
		return nil
	}
	const width = 120
	bound := limit.Tolerance.Value()
	from, to := 0.0, 1.25*max(bound, f.Seen.High)
	if limit.Quantity == steadystate.Uptime {
		from, to = min(bound, f.Seen.Low), 1 // all of it lies close to the whole
		from -= (to - from) / 4
	}
	if to <= from || f.Seen.Low < from {
		return nil
	}
	place := func(v float64) px { return px(width * (v - from) / (to - from)) }
	low, high := place(f.Seen.Low), place(f.Seen.High)
	return &gaugeView{From: low, Width: max(2, high-low), Limit: place(bound)}
}

type (
	fallView struct {
		Title, Fault, Costliest, Note string
		Steps                         []stepView
	}
	stepView struct {
		Stage, Reached, Took, Note string
		Maybe, Surely, Open        *boxView
	}
)

// fall draws the steps after a fault: the time that each certainly took and may
// have taken.
func fall(title, costliest string, b judge.Breakdown) fallView {
	v := fallView{Title: title, Fault: cmp.Or(b.Fault, "no fault"), Costliest: costliest, Note: b.Note}
	whole := b.Whole()
	for _, s := range b.Steps {
		bar := b.Bar(s)
		v.Steps = append(v.Steps, stepView{
			Stage: s.Stage, Reached: b.When(s), Took: s.Text(), Note: b.Remark(s),
			Maybe: box(whole, bar.Maybe), Surely: box(whole, bar.Surely), Open: box(whole, bar.Open),
		})
	}
	return v
}

// box is a bar over part of the whole; nil without one.
func box(whole steadystate.Span, part *steadystate.Span) *boxView {
	const width = 400
	if part == nil || whole.Width() <= 0 {
		return nil
	}
	place := func(at time.Duration) px {
		return px(width * min(1, max(0, float64(at-whole.From)/float64(whole.Width()))))
	}
	return &boxView{X: place(part.From), W: max(1.5, place(part.To)-place(part.From))}
}
