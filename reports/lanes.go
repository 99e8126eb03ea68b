package reports

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/experiments/autoscaling"
	"github.com/aftershockhq/aftershock/internal/markup"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// The colours of marks have a contrast of 3 and more on white and on the dark of
// browsers, so that a drawing needs no style sheet. No two marks differ in colour
// alone.
const (
	goodColour    = "#2f8f57"
	badColour     = "#d9434e"
	unknownColour = "#a67c00"
	p50Colour     = "#2f7dd1"
	p95Colour     = "#9a5fd0"
	p99Colour     = "#c2570c"
)

// px is a place or a length in a drawing.
type px float64

// String has one decimal: a tenth of a unit is not visible.
func (p px) String() string {
	return strings.TrimSuffix(strconv.FormatFloat(float64(p), 'f', 1, 64), ".0")
}

// wide is how wide a lane is for paths. What else it has is placed in percent, so a
// drawing is as wide as the page, and its texts are as large as the page's.
const wide = 1000

// lanes draw a run over one time axis.
type lanes struct {
	markup.Writer
	Report
	merge   int // columns of the time series in one
	y       int // where the next lane begins
	moments []moment
}

// lanes draws the run; empty: there is nothing to draw. Of a page with many runs each
// is drawn more coarsely.
func (r Report) lanes(moments []moment, merge int) string {
	if r.TimeSeries == nil || len(r.TimeSeries.lines) == 0 || r.Length <= 0 {
		return ""
	}
	var inner, out bytes.Buffer
	l := lanes{Writer: markup.To(&inner), Report: r, merge: merge, moments: moments}
	l.phases()
	top := l.y
	l.numbers()
	l.faults()
	for _, c := range r.Checks {
		l.check(c)
	}
	for _, signal := range keys(r.TimeSeries.streams) {
		l.traffic(signal)
	}
	drawn := map[string]bool{}
	for _, c := range r.Checks {
		if !drawn[c.Signal] {
			drawn[c.Signal] = l.values(c)
		}
	}
	l.replicas()
	l.autoscalers()
	l.pods()
	bottom := l.y
	l.ticks()
	_ = l.Flush() // to memory
	lanes := bytes.Clone(inner.Bytes())
	inner.Reset()
	l.edges(top, bottom) // behind the lanes
	_ = l.Flush()
	inner.Write(lanes)
	svg := markup.To(&out)
	svg.Put("\n"+`<svg class="lanes" width="100%%" height="%s" font-family="system-ui, sans-serif" font-size="12" fill="currentColor" role="img" aria-label="%s" data-columns="%s" data-started="%s" data-length="%s">`,
		l.y, l.label(), columns/merge, r.Started.UnixMilli(), r.Length.Seconds())
	_, _ = svg.Write(inner.Bytes())
	svg.Put("\n</svg>")
	_ = svg.Flush()
	return out.String()
}

// label says in words what the drawing shows.
func (l *lanes) label() string {
	texts := []string{fmt.Sprintf("The run over time, %s to %s UTC", l.clock(0), l.clock(l.Length))}
	for _, c := range l.Checks {
		texts = append(texts, c.Check+": "+outages(c))
	}
	for _, m := range l.moments {
		if m.key {
			texts = append(texts, fmt.Sprintf("%d %s at %s", m.number, m.text, l.clock(m.Middle())))
		}
	}
	return strings.Join(texts, "; ")
}

// share is how far along the axis an instant is.
func (l *lanes) share(at time.Duration) float64 {
	return min(1, max(0, float64(at)/float64(l.Length)))
}

// at is a place on the axis, in percent of the width.
func (l *lanes) at(at time.Duration) string { return percentage(l.share(at)) }

// percentage is exact to a hundred-thousandth of the whole.
func percentage(share float64) string {
	text := strconv.FormatFloat(100*share, 'f', 3, 64)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".") + "%"
}

// box is a span on the axis. An outline keeps the shortest one visible.
func (l *lanes) box(span steadystate.Span, y, height px, looks, title string) {
	l.Put("\n"+`<rect x="%s" width="%s" y="%s" height="%s" `+looks+`>`, l.at(span.From), percentage(l.share(span.To)-l.share(span.From)), y, height)
	l.With("<title>%s</title>", title)
	l.Put("</rect>")
}

// head begins a lane with its name and what it shows, and the values of its columns
// for the script.
func (l *lanes) head(name, note string, height int, values []string) {
	l.y += 16
	l.Put("\n"+`<text y="%s" data-lane="%s"`, l.y, name)
	if len(values) > 0 {
		l.Put(` data-values="%s"`, runLengths(values))
	}
	l.Put(`><tspan font-weight="bold">%s</tspan>`, short(name, 28))
	l.With(` <tspan fill-opacity="0.8">%s</tspan>`, note)
	l.Put("</text>")
	l.y += height + 5
}

// within opens a drawing of paths in the lane that head began: its units are a
// thousandth of the axis wide and a pixel high.
func (l *lanes) within(height int, draw func()) {
	l.Put("\n"+`<svg y="%s" width="100%%" height="%s" viewBox="0 0 %s %s" preserveAspectRatio="none">`, l.y-height, height, wide, height)
	draw()
	l.Put("</svg>")
}

// short is a text of at most so many characters.
func short(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

// phases are the band above the lanes.
func (l *lanes) phases() {
	for i, p := range l.Phases {
		looks := `fill-opacity="0.08"`
		if i%2 == 1 {
			looks = `fill-opacity="0.18"`
		}
		l.box(p.Span, 0, 18, looks, p.Name+" "+l.fromTo(p.Span))
		if l.share(p.To)-l.share(p.From) > 0.022*float64(len(p.Name)) {
			l.Put(`<text x="%s" y="13" text-anchor="middle">%s</text>`, l.at(p.Middle()), p.Name)
		}
	}
	l.y = 20
}

// numbers are the moments, each with its number in the table of events. Those too close
// to be told apart on a phone share a number.
func (l *lanes) numbers() {
	if len(l.moments) == 0 {
		return
	}
	const letter = 0.022 // of the width of a phone
	for i := 0; i < len(l.moments); {
		from := l.moments[i]
		n, key := 1, from.key
		for i+n < len(l.moments) && l.share(l.moments[i+n].Middle())-l.share(from.Middle()) < letter*float64(3+2*len(strconv.Itoa(from.number+n))) {
			key = key || l.moments[i+n].key
			n++
		}
		text, weight := strconv.Itoa(from.number), "normal"
		if n > 1 {
			text += "–" + strconv.Itoa(l.moments[i+n-1].number)
		}
		if key {
			weight = "bold"
		}
		x := l.share(from.Middle())
		anchor := "start"
		if x > 0.94 {
			anchor = "end"
		}
		l.Put("\n"+`<text x="%s" y="%s" text-anchor="%s" font-weight="%s"><tspan>▾</tspan>%s<title>%s</title></text>`, percentage(x), l.y+13, anchor, weight, text, l.told(l.moments[i:i+n]))
		i += n
	}
	l.y += 18
}

// told lists some moments.
func (l *lanes) told(moments []moment) string {
	const most = 8
	var texts []string
	for i, m := range moments {
		if i == most {
			texts = append(texts, fmt.Sprintf("and %d more", len(moments)-most))
			break
		}
		texts = append(texts, fmt.Sprintf("%d %s, %s", m.number, m.text, l.clock(m.Middle())))
	}
	return strings.Join(texts, "\n")
}

// faults have a lane each: certainly on, and where each may have come and gone.
func (l *lanes) faults() {
	for _, i := range l.Injections {
		if i.FailureReason != "" {
			continue
		}
		gone, note := steadystate.Instant(l.Length), ", not seen to be undone"
		if i.Removed != nil {
			gone, note = *i.Removed, ", undone "+l.When(*i.Removed)
		}
		if i.OneShot && i.Removed != nil {
			gone, note = steadystate.Instant(i.To), ", over once done"
		}
		l.head("fault", short(i.Fault, 52), 10, nil)
		y := px(l.y - 10)
		title := fmt.Sprintf("%s: T0 %s%s", i.Fault, l.When(i.Span), note)
		l.box(steadystate.Span{From: i.To, To: max(i.To, gone.From)}, y, 9, `fill-opacity="0.55"`, title)
		for _, edge := range []steadystate.Span{i.Span, gone} {
			l.box(edge, y, 9, `fill-opacity="0.2" stroke="currentColor" stroke-dasharray="2 2"`, title)
		}
	}
}

// edges are lines through all lanes at the moments that matter most; one that is not
// known better is between two.
func (l *lanes) edges(top, bottom int) {
	for _, m := range l.moments {
		if !m.key {
			continue
		}
		if l.share(m.To)-l.share(m.From) < 0.005 {
			m.Span = steadystate.Instant(m.Middle())
		} else {
			l.box(m.Span, px(top), px(bottom-top), `fill-opacity="0.06"`, m.text)
		}
		for _, at := range slices.Compact([]time.Duration{m.From, m.To}) {
			l.Put("\n"+`<line x1="%s" x2="%s" y1="%s" y2="%s" stroke="currentColor" stroke-opacity="0.6" stroke-dasharray="%s"/>`, l.at(at), l.at(at), top, bottom, m.dash)
		}
	}
}

// check is a band of the observations, and the outages with their edges.
func (l *lanes) check(c judge.CheckResult) {
	of := l.TimeSeries.line(c.Check)
	if of == nil {
		return
	}
	n := 0
	for _, c := range of.columns {
		n += c.good + c.bad + c.unknown
	}
	list := of.merged(divisor(max(l.merge, columns/max(1, n))))
	var good, bad, unknown, late strings.Builder
	values := make([]string, len(list))
	for from := 0; from < len(list); {
		// Columns that look alike are one.
		look := levels(list[from])
		to := from + 1
		for to < len(list) && levels(list[to]) == look {
			to++
		}
		x, width := px(from)*wide/px(len(list)), px(to-from)*wide/px(len(list))
		for _, part := range []struct {
			path      *strings.Builder
			y, height px
		}{{&bad, half - look.bad, look.bad}, {&good, half, look.good}, {&unknown, half - look.unknown/2, look.unknown}, {&late, 2*half + 1, look.late}} {
			if part.height > 0 {
				fmt.Fprintf(part.path, "M%s %sh%sv%sh-%sz", x, part.y, width, part.height, width)
			}
		}
		from = to
	}
	for i, c := range list {
		values[i] = c.text()
	}
	l.head(c.Check, strings.Split(outages(c), " (resolution")[0], 2*half+14, values)
	l.y -= 11
	l.within(2*half+3, func() {
		l.Put(`<path d="M0 %sh%s" stroke="currentColor" stroke-opacity="0.35"/>`, half, wide)
		for _, part := range []struct{ name, d, fill string }{
			{"good", good.String(), goodColour}, {"bad", bad.String(), badColour}, {"unknown", unknown.String(), unknownColour}, {"late", late.String(), "currentColor"},
		} {
			if part.d != "" {
				l.Put("\n"+`<path class="%s" d="%s" fill="%s" shape-rendering="crispEdges"/>`, part.name, part.d, part.fill)
			}
		}
	})
	l.y += 11
	for _, o := range c.Outages {
		title := fmt.Sprintf("outage from %s to %s, lasted %s, %d of %d bad: %s", l.When(o.Start), l.When(o.End), lasted(o.Length(), o.Open), o.Bad, o.Total, o.Reason)
		l.box(steadystate.Span{From: o.Start.From, To: o.End.To}, px(l.y-10), 8, `class="maybe" fill="`+badColour+`" fill-opacity="0.25" stroke="`+badColour+`" stroke-dasharray="2 2"`, title)
		if surely := (steadystate.Span{From: o.Start.To, To: o.End.From}); surely.Valid() {
			l.box(surely, px(l.y-10), 8, `class="surely" fill="url(#hatch)" stroke="`+badColour+`"`, title)
		}
	}
}

// half is how high a check's band is on each side of its line: bad observations are
// above, good ones below, and unknown ones on it.
const half = 15

// A look is how high the parts of a column are drawn.
type look struct{ good, bad, unknown, late px }

// levels is how a column looks. One bad of a thousand is visible.
func levels(c column) (v look) {
	if c.late {
		v.late = 2
	}
	all := c.good + c.bad + c.unknown
	if all == 0 {
		return v
	}
	height := func(n int, least px) px {
		if n == 0 {
			return 0
		}
		return max(least, px(math.Round(half*float64(n)/float64(all))))
	}
	v.good, v.bad, v.unknown = height(c.good, 1), height(c.bad, 4), height(c.unknown, 4)
	return v
}

// text says what a column holds.
func (c column) text() string {
	if c.good+c.bad+c.unknown == 0 {
		return "nothing observed"
	}
	text := fmt.Sprintf("%d good", c.good)
	if c.bad > 0 {
		text += fmt.Sprintf(", %d bad", c.bad)
	}
	if c.unknown > 0 {
		text += fmt.Sprintf(", %d unknown", c.unknown)
	}
	if c.late {
		text += ", load late"
	}
	return text
}

// rate is a number of requests per second.
func rate(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f/s", v)
	}
	return fmt.Sprintf("%.3g/s", v)
}

// traffic is the rate of the requests, and of those that were bad.
func (l *lanes) traffic(signal string) {
	const height = 36
	s := l.TimeSeries.streams[signal]
	total := 0
	for _, o := range s.columns {
		total += o.sent
	}
	if total == 0 {
		return
	}
	list := s.merged(divisor(max(l.merge, 8*columns/total)))
	width := l.Length.Seconds() / float64(len(list))
	most := 0
	for _, o := range list {
		most = max(most, o.sent)
	}
	var sent, failed strings.Builder
	values := make([]string, len(list))
	fmt.Fprintf(&sent, "M0 %d", height)
	for i, o := range list {
		y := px(height) * (1 - px(o.sent)/px(most))
		from, to := px(i)*wide/px(len(list)), px(i+1)*wide/px(len(list))
		fmt.Fprintf(&sent, "L%s %sH%s", from, y, to)
		if o.failed > 0 {
			h := max(3, px(height)*px(o.failed)/px(most))
			fmt.Fprintf(&failed, "M%s %sh%sV%sh-%sz", from, height-h, to-from, px(height), to-from)
		}
		values[i] = rate(float64(o.sent) / width)
		if o.failed > 0 {
			values[i] += fmt.Sprintf(", %d of %d bad", o.failed, o.sent)
		}
	}
	fmt.Fprintf(&sent, "V%dz", height)
	l.head(signal+" per second", fmt.Sprintf("up to %s in %s", rate(float64(most)/width), duration(time.Duration(width*float64(time.Second)).Round(time.Millisecond))), height, values)
	l.within(height, func() {
		l.Put(`<path d="%s" fill="%s" fill-opacity="0.3" stroke="%s" vector-effect="non-scaling-stroke"/>`, sent.String(), p50Colour, p50Colour)
		if failed.Len() > 0 {
			l.Put("\n"+`<path class="failed" d="%s" fill="url(#hatch)" stroke="%s" vector-effect="non-scaling-stroke"/>`, failed.String(), badColour)
		}
	})
}

// values is the distribution of a signal's values over time: the median, two
// percentiles, and all between the least and the most. The scale is logarithmic if
// all are above zero and far apart.
func (l *lanes) values(c judge.CheckResult) bool {
	of := l.TimeSeries.line(c.Check)
	if of == nil {
		return false
	}
	n := 0
	for i := range of.columns {
		n += of.columns[i].values.N()
	}
	if n < 2 {
		return false
	}
	height := 44
	each := 1
	if l.Traffic[c.Signal].Sent > 0 {
		each, height = 20, 84 // so that percentiles mean something
	}
	list := of.merged(divisor(max(l.merge, each*columns/n)))
	least, most := math.Inf(1), math.Inf(-1)
	for i := range list {
		if list[i].values.N() > 0 {
			least, most = min(least, list[i].least), max(most, list[i].most)
		}
	}
	logarithmic := least > 0 && most > 20*least
	from, to := min(0, least), most
	if logarithmic {
		from, to = math.Log10(least), math.Log10(most)
	}
	if to <= from {
		to = from + 1
	}
	place := func(v float64) px {
		if logarithmic {
			v = math.Log10(v)
		}
		return px(float64(height-2)*(1-(v-from)/(to-from))) + 1
	}
	var p50, p95, p99, floor, all strings.Builder
	values := make([]string, len(list))
	open := false // the column before has values; a gap in the data breaks the lines
	var edge []string
	flush := func() {
		slices.Reverse(edge)
		all.WriteString(floor.String() + strings.Join(edge, "") + "z")
		floor.Reset()
		edge = nil
	}
	for i := range list {
		at := &list[i]
		if at.values.N() == 0 {
			values[i] = "no value"
			if open && (i+1 == len(list) || list[min(i+1, len(list)-1)].values.N() == 0) {
				flush()
				open = false
			}
			continue
		}
		x := px((float64(i) + 0.5) * wide / float64(len(list)))
		move := "L"
		if !open {
			move = "M"
		}
		open = true
		for _, q := range []struct {
			name  string
			path  *strings.Builder
			share float64
		}{{"p50", &p50, 0.5}, {"p95", &p95, 0.95}, {"p99", &p99, 0.99}} {
			fmt.Fprintf(q.path, "%s%s %s", move, x, place(min(at.most, at.values.Quantile(q.share).High)))
			values[i] += q.name + " " + l.value(c, min(at.most, at.values.Quantile(q.share).High)) + ", "
		}
		values[i] += "at most " + l.value(c, at.most)
		if at.least == at.most {
			values[i] = l.value(c, at.most)
		}
		fmt.Fprintf(&floor, "%s%s %s", move, x, place(at.most))
		edge = append(edge, fmt.Sprintf("L%s %s", x, place(at.least)))
	}
	if open {
		flush()
	}
	name := "values of " + c.Check
	if l.Traffic[c.Signal].Sent > 0 {
		name = "latency of " + c.Signal
	}
	width := duration((l.Length / time.Duration(len(list))).Round(time.Millisecond))
	l.head(name, "each "+width, height, values)
	top := l.y - height
	l.within(height, func() {
		l.Put(`<path d="%s" fill="%s" fill-opacity="0.16"/>`, all.String(), p50Colour)
		for _, q := range []struct{ d, colour, dash string }{{p50.String(), p50Colour, "none"}, {p95.String(), p95Colour, "6 2"}, {p99.String(), p99Colour, "2 2"}} {
			l.Put("\n"+`<path d="%s" fill="none" stroke="%s" stroke-width="1.6" stroke-dasharray="%s" stroke-linecap="round" vector-effect="non-scaling-stroke"/>`, q.d, q.colour, q.dash)
		}
	})
	for _, v := range []float64{most, least} {
		y := px(top) + place(v)
		if v == least && place(least)-place(most) < 26 {
			break // no room for two
		}
		l.Put("\n"+`<line x2="100%%" y1="%s" y2="%s" stroke="currentColor" stroke-opacity="0.25"/>`, y, y)
		dy := -3
		if v == most {
			dy = 11
		}
		l.Put(`<text y="%s" font-size="11" stroke="none">%s</text>`, y+px(dy), l.value(c, v))
	}
	for _, other := range l.Checks {
		v := other.Tolerance.Value()
		if other.Signal != c.Signal || !other.Tolerance.IsSet() || v < least || v > most {
			continue
		}
		y := px(top) + place(v)
		l.Put("\n"+`<line x2="100%%" y1="%s" y2="%s" stroke="%s" stroke-dasharray="8 4"/><text x="100%%" y="%s" font-size="11" text-anchor="end">good %s</text>`, y, y, badColour, y-3, other.Tolerance)
	}
	return true
}

// A step is a number from an instant on.
type step struct {
	steadystate.Span
	n int
}

// steps is a path of steps, each drawn at the latest instant at which it began.
func (l *lanes) steps(list []step, most, height int) string {
	var path strings.Builder
	for i, s := range list {
		y := px(height-1) * (1 - px(s.n)/px(max(1, most)))
		x := px(wide * l.share(s.To))
		if i == 0 {
			fmt.Fprintf(&path, "M%s %s", px(wide*l.share(s.From)), y+0.5)
			continue
		}
		fmt.Fprintf(&path, "H%sV%s", x, y+0.5)
	}
	return path.String() + "H" + px(wide).String()
}

// stepText are the numbers of steps for the columns of the script.
func (l *lanes) stepText(lists map[string][]step) []string {
	texts := make([]string, columns/l.merge)
	for i := range texts {
		end := time.Duration(float64(l.Length) * float64(i+1) / float64(len(texts)))
		for _, name := range keys(lists) {
			n := -1
			for _, s := range lists[name] {
				if s.To <= end {
					n = s.n
				}
			}
			if n >= 0 {
				texts[i] += fmt.Sprintf(", %s %d", name, n)
			}
		}
		texts[i] = cmp.Or(strings.TrimPrefix(texts[i], ", "), "not seen")
	}
	return texts
}

// sized draws lists of steps in one lane. The first is an area.
func (l *lanes) sized(name, note string, names []string, lists map[string][]step) {
	const height = 34
	most := 1
	for _, list := range lists {
		for _, s := range list {
			most = max(most, s.n)
		}
	}
	l.head(name, fmt.Sprintf("%s; up to %d", note, most), height, l.stepText(lists))
	l.within(height, func() {
		for i, of := range names {
			if len(lists[of]) == 0 {
				continue
			}
			d := l.steps(lists[of], most, height)
			if i == 0 {
				l.Put(`<path d="%s" fill="currentColor" fill-opacity="0.2"/>`, fmt.Sprintf("%sV%dH%sz", d, height, px(wide*l.share(lists[of][0].From))))
				continue
			}
			looks := []struct{ colour, dash string }{{}, {p50Colour, "none"}, {p99Colour, "2 2"}, {p99Colour, "6 2"}}[i]
			l.Put("\n"+`<path d="%s" fill="none" stroke="%s" stroke-width="1.6" stroke-dasharray="%s" vector-effect="non-scaling-stroke"/>`, d, looks.colour, looks.dash)
		}
	})
}

// brief is a subject without its namespace.
func brief(subject string) string {
	kind, rest, _ := strings.Cut(subject, "/")
	return kind + "/" + rest[strings.LastIndexByte(rest, '/')+1:]
}

// replicas are the sizes of each workload.
func (l *lanes) replicas() {
	lists := map[string]map[string][]step{}
	for _, e := range l.Events {
		kind, name, _ := strings.Cut(e.Subject, "/")
		if !slices.Contains(record.WorkloadKinds(), kind) {
			continue
		}
		if lists[e.Subject] == nil {
			lists[e.Subject] = map[string][]step{}
		}
		for attr, of := range map[string]string{record.AttrReady: "ready", record.AttrDesired: "desired"} {
			if n, err := strconv.Atoi(e.Attrs[attr]); err == nil && name != "" {
				lists[e.Subject][of] = append(lists[e.Subject][of], step{e.Span, n})
			}
		}
	}
	for _, subject := range keys(lists) {
		for _, list := range lists[subject] {
			slices.SortStableFunc(list, func(a, b step) int { return cmp.Compare(a.To, b.To) })
		}
		if len(lists[subject]) > 0 {
			l.sized(brief(subject), "area ready, line desired", []string{"ready", "desired"}, lists[subject])
		}
	}
}

// autoscalers are what each wanted, against what its spec allows.
func (l *lanes) autoscalers() {
	for _, course := range autoscaling.Courses(l.Result) {
		lists := map[string][]step{}
		for _, s := range course.Sizes {
			for name, n := range map[string]int{"current": s.Current, "desired": s.Desired, "min": s.Min, "max": s.Max} {
				lists[name] = append(lists[name], step{s.Span, n})
			}
			if s.Step {
				lists["allowed"] = append(lists["allowed"], step{s.Span, s.Allowed})
			}
		}
		l.sized(brief(course.Autoscaler), "area current, line desired, dashes min, max", []string{"current", "desired", "min", "max"}, lists)
		most := 1
		for _, s := range course.Sizes {
			most = max(most, s.Current, s.Desired, s.Max, s.Min)
		}
		for _, s := range lists["allowed"] {
			l.Put("\n"+`<text x="%s" y="%s" text-anchor="middle" font-size="10">◆<title>%s</title></text>`, l.at(s.To), px(l.y-34)+33*(1-px(s.n)/px(most))+4, fmt.Sprintf("its policies allowed %d at %s", s.n, l.When(s.Span)))
		}
	}
}

// mostPods is how many pods have a row.
const mostPods = 12

// A pod is a pod, or a process, and what it answered.
type pod struct {
	name   string
	about  string // what it is to the run
	rank   int
	born   time.Duration
	events []record.Event
	by     *[backendColumns]outcomes
}

// served are the pods and processes of the run: those that a fault hit, those that
// came for them, those that gave bad answers, and others.
func (l *lanes) served() (list []*pod, left int) {
	pods := map[string]*pod{}
	for _, e := range l.Events {
		kind, rest, _ := strings.Cut(e.Subject, "/")
		if kind != "pod" && kind != "process" || e.Kind == record.EventUnsurveyed {
			continue
		}
		id := cmp.Or(e.UID, e.Subject)
		if pods[id] == nil {
			pods[id] = &pod{name: rest[strings.LastIndexByte(rest, '/')+1:], rank: 3, born: e.To}
		}
		pods[id].events = append(pods[id].events, e)
	}
	backends := map[string]*[backendColumns]outcomes{}
	for _, signal := range keys(l.TimeSeries.streams) {
		for name, by := range l.TimeSeries.streams[signal].backends {
			if backends[name] == nil {
				backends[name] = new([backendColumns]outcomes)
			}
			for i, o := range by {
				backends[name][i].sent += o.sent
				backends[name][i].failed += o.failed
			}
		}
	}
	hit := map[string]bool{}
	for _, i := range l.Injections {
		for _, t := range i.Targets {
			hit[t.UID], hit[t.Name] = i.FailureReason == "", i.FailureReason == ""
		}
	}
	came := map[string]string{}
	for _, w := range l.Waterfalls {
		if w.Replacement != nil {
			came[w.Replacement.UID] = w.Victim.Name
		}
	}
	named := map[string]bool{}
	for _, id := range keys(pods) {
		p := pods[id]
		p.by = backends[p.name]
		named[p.name] = true
		switch {
		case hit[id] || hit[p.name]:
			p.rank, p.about = 0, "hit"
		case came[id] != "":
			p.rank, p.about = 1, "for "+came[id][strings.LastIndexByte(came[id], '-')+1:]
		}
		list = append(list, p)
	}
	for _, name := range keys(backends) {
		if !named[name] {
			p := &pod{name: name, rank: 3, by: backends[name]}
			if hit[name] {
				p.rank, p.about = 0, "hit"
			}
			list = append(list, p)
		}
	}
	for _, p := range list {
		if p.by == nil {
			continue
		}
		sent, failed := 0, 0
		for _, o := range p.by {
			sent, failed = sent+o.sent, failed+o.failed
		}
		if failed > 0 {
			p.rank = min(p.rank, 2)
		}
		p.about = strings.TrimPrefix(p.about+fmt.Sprintf(", %d answers, %d bad", sent, failed), ", ")
	}
	slices.SortStableFunc(list, func(a, b *pod) int { return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.born, b.born)) })
	left = max(0, len(list)-mostPods)
	list = list[:len(list)-left]
	slices.SortStableFunc(list, func(a, b *pod) int { return cmp.Compare(a.born, b.born) })
	return list, left
}

// stateOf is how a pod is drawn from an event on; empty: the event changes nothing.
var stateOf = map[string]string{
	record.EventCreated:     `fill="none" stroke="currentColor" stroke-opacity="0.6" stroke-dasharray="1 3"`,
	record.EventScheduled:   `fill="none" stroke="currentColor" stroke-opacity="0.6" stroke-dasharray="1 3"`,
	record.EventStopped:     `fill="none" stroke="currentColor" stroke-opacity="0.6" stroke-dasharray="1 3"`,
	record.EventWaiting:     `fill="none" stroke="currentColor" stroke-opacity="0.6" stroke-dasharray="1 3"`,
	record.EventStarted:     `fill-opacity="0.15" stroke="currentColor" stroke-opacity="0.6"`,
	record.EventNotReady:    `fill-opacity="0.15" stroke="currentColor" stroke-opacity="0.6"`,
	record.EventReady:       `fill-opacity="0.5"`,
	record.EventTerminating: `fill="none" stroke="currentColor" stroke-opacity="0.6" stroke-dasharray="6 3"`,
	record.EventFailed:      "",
	record.EventGone:        "",
}

// pods have a row each: what each was, and how it answered.
func (l *lanes) pods() {
	list, left := l.served()
	for _, p := range list {
		const height = 10
		l.head(p.name, p.about, height, p.texts())
		y := px(l.y - height)
		since, looks, what := time.Duration(0), "", ""
		draw := func(until time.Duration) {
			if looks != "" && until >= since {
				l.box(steadystate.Span{From: since, To: until}, y, height, looks, p.name+" "+what)
			}
		}
		for _, e := range p.events {
			next, known := stateOf[e.Kind]
			if e.Kind == record.EventExists {
				known, next = true, stateOf[record.EventStarted]
				if e.Attrs[record.AttrReady] != "false" {
					next = stateOf[record.EventReady]
				}
			}
			if !known {
				continue
			}
			draw(e.From)
			if e.Kind != record.EventExists && e.Width() > 0 {
				l.box(e.Span, y, height, `fill="url(#between)"`, fmt.Sprintf("%s %s at %s", p.name, e.Kind, l.When(e.Span)))
			}
			since, looks, what = e.To, next, fmt.Sprintf("%s since %s", e.Kind, l.When(e.Span))
			if e.Kind == record.EventGone || e.Kind == record.EventFailed {
				l.Put(`<text x="%s" y="%s" text-anchor="middle" font-weight="bold">✕<title>%s</title></text>`, l.at(e.Middle()), y+9, p.name+" "+what)
			}
		}
		draw(l.Length)
		if p.by == nil {
			continue
		}
		var good, bad strings.Builder
		list := p.merged()
		for from := 0; from < len(list); {
			mixed := func(i int) [2]bool { return [2]bool{list[i].sent > list[i].failed, list[i].failed > 0} }
			to := from + 1
			for to < len(list) && mixed(to) == mixed(from) {
				to++
			}
			x, width := px(from)*wide/px(len(list)), px(to-from)*wide/px(len(list))
			if mixed(from)[0] {
				fmt.Fprintf(&good, "M%s 7h%sv3h-%sz", x, width, width)
			}
			if mixed(from)[1] {
				fmt.Fprintf(&bad, "M%s 0h%sv6h-%sz", x, width, width)
			}
			from = to
		}
		l.within(height, func() {
			l.Put(`<path d="%s" fill="%s"/><path d="%s" fill="%s"/>`, good.String(), goodColour, bad.String(), badColour)
		})
	}
	if left > 0 {
		l.head(fmt.Sprintf("and %d more pods", left), "", 0, nil)
	}
}

// texts are a pod's answers in the columns of the script.
func (p *pod) texts() []string {
	if p.by == nil {
		return nil
	}
	list := p.merged()
	texts := make([]string, len(list))
	for i, o := range list {
		texts[i] = fmt.Sprintf("%d good, %d bad", o.sent-o.failed, o.failed)
	}
	return texts
}

// merged are a pod's answers in columns with two and more of them on average.
func (p *pod) merged() []outcomes {
	n, first, last := 0, backendColumns, 0
	for i, o := range p.by {
		if n += o.sent; o.sent > 0 {
			first, last = min(first, i), i
		}
	}
	each := 1
	for each < backendColumns && (n*each < 2*(last-first) || backendColumns%each != 0) {
		each++
	}
	list := make([]outcomes, backendColumns/each)
	for i, o := range p.by {
		list[i/each].sent += o.sent
		list[i/each].failed += o.failed
	}
	return list
}

// ticks are the axis: the wall clock, and the time since the run's begin. A narrow
// page has every other one or fewer; the style sheet adds the rest.
func (l *lanes) ticks() {
	list := ticks(l.Length)
	every := (len(list) + 4) / 5
	form := "15:04:05"
	if len(list) > 1 && list[1]%time.Second != 0 {
		form = "15:04:05.0"
	}
	l.Put("\n"+`<line x2="100%%" y1="%s" y2="%s" stroke="currentColor" stroke-opacity="0.5"/>`, l.y, l.y)
	for i, t := range list {
		x := l.share(t)
		anchor := "middle"
		switch {
		case x < 0.05:
			anchor = "start"
		case x > 0.93:
			anchor = "end"
		}
		l.Put("\n"+`<line x1="%s" x2="%s" y1="%s" y2="%s" stroke="currentColor"/>`, percentage(x), percentage(x), l.y, l.y+4)
		hidden := ""
		if i%every != 0 {
			hidden = ` class="more" display="none"`
		}
		l.Put(`<g`+hidden+` font-size="11" text-anchor="%s"><text x="%s" y="%s">%s</text><text x="%s" y="%s" fill-opacity="0.8">+%s</text></g>`,
			anchor, percentage(x), l.y+16, l.Started.Add(t).UTC().Format(form), percentage(x), l.y+29, duration(t))
	}
	l.y += 34
}

// ticks are about ten instants at round intervals.
func ticks(length time.Duration) []time.Duration {
	step := time.Hour
	for _, s := range []time.Duration{
		100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second,
		time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 20 * time.Minute, 30 * time.Minute, time.Hour,
	} {
		if length/s <= 11 {
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
