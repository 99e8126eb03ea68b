package calibration

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

//go:embed plot.svg.tmpl
var plotTemplate string

// The plot's measures, in pixels.
const (
	plotWidth   = 1000
	plotTop     = 76
	rowHeight   = 60
	rowGap      = 12
	columnWidth = 372
	columnGap   = 48
	labelWidth  = 180
)

// linearTo is the error up to which the plot's scale is linear; beyond it is
// logarithmic, since refusals are told to milliseconds and black holes to a
// timeout.
const linearTo = 3 * time.Millisecond

type plotted struct {
	Title, Subtitle                          string
	Width, Height, Top, Bottom, TickY, FootY int
	Columns                                  []plotColumn
	Rows                                     []plotRow
}

type plotColumn struct {
	Name  string
	X     int
	Ticks []plotTick
}

type plotTick struct {
	X    string
	Text string
	Zero bool
}

type plotRow struct {
	Kind, Text              string
	Y, Y2                   int
	Bounds, Middles, Misses string // paths
	Thick                   string
}

// Plot writes the stated bounds of every reported outage beside the truth, as
// an SVG that needs nothing else.
func (r Report) Plot(w io.Writer) error {
	t, err := template.New("plot").Parse(plotTemplate)
	if err != nil {
		return fmt.Errorf("write plot: %w", err)
	}
	if err := t.Execute(w, r.plotted()); err != nil {
		return fmt.Errorf("write plot: %w", err)
	}
	return nil
}

func (r Report) plotted() plotted {
	scale := r.scale()
	bottom := plotTop + len(r.Kinds)*rowHeight
	p := plotted{
		Title:    r.conclusion(),
		Subtitle: fmt.Sprintf("%d requests/s, seed %d; %s, %s, %d cores", r.Rate, r.Seed, r.Machine.System, r.Machine.Go, r.Machine.Cores),
		Width:    plotWidth,
		Height:   bottom + 48,
		Top:      plotTop,
		Bottom:   bottom,
		TickY:    bottom + 14,
		FootY:    bottom + 36,
	}
	for i, name := range []string{"start of the outage", "end of the outage"} {
		p.Columns = append(p.Columns, plotColumn{Name: name, X: columnX(i), Ticks: scale.ticks(columnX(i))})
	}
	for i, s := range r.Kinds {
		p.Rows = append(p.Rows, r.row(s, plotTop+i*rowHeight, scale))
	}
	return p
}

func columnX(i int) int { return labelWidth + i*(columnWidth+columnGap) }

// row draws the trials of one kind, the widest bounds at the bottom.
func (r Report) row(s Summary, top int, scale plotScale) plotRow {
	var bounds, middles, misses strings.Builder
	row := plotRow{
		Kind: string(s.Kind),
		Y:    top + rowHeight/2 - 4,
		Y2:   top + rowHeight/2 + 12,
		Text: fmt.Sprintf("%d of %d hold, %d missed, %d invented", s.Held.All, s.Reported, s.Missed, s.Invented),
	}
	step := float64(rowHeight-rowGap) / float64(max(1, s.Reported))
	row.Thick = pixels(min(3, max(0.5, step*0.8)))
	for column := range 2 {
		var edges []edge
		for _, t := range r.List {
			if t.Kind == s.Kind && t.Reported && !t.Disturbed() {
				edges = append(edges, t.edges()[column])
			}
		}
		slices.SortFunc(edges, func(a, b edge) int { return cmp.Compare(a.stated.Width(), b.stated.Width()) })
		for i, e := range edges {
			y := pixels(float64(top+rowGap/2) + (float64(i)+0.5)*step)
			from, to := scale.at(e.stated.From, columnX(column)), scale.at(e.stated.To, columnX(column))
			path := &bounds
			if !e.holds {
				path = &misses
			}
			// Never too narrow to be seen.
			fmt.Fprintf(path, "M%s %sH%s", pixels(from-0.5), y, pixels(to+0.5))
			at := scale.at(middle(e.stated), columnX(column))
			fmt.Fprintf(&middles, "M%s %sH%s", pixels(at-1), y, pixels(at+1))
		}
	}
	row.Bounds, row.Middles, row.Misses = bounds.String(), middles.String(), misses.String()
	return row
}

// An edge is a stated edge, relative to the middle of the true one.
type edge struct {
	stated steadystate.Span
	holds  bool
}

// edges are the start and the end of the trial's reported outage.
func (t Trial) edges() [2]edge {
	around := func(failure, width time.Duration) steadystate.Span {
		return steadystate.Span{From: failure - width/2, To: failure + width/2}
	}
	return [2]edge{
		{around(t.StartError, t.StartWidth), t.Held.Start},
		{around(t.EndError, t.EndWidth), t.Held.End},
	}
}

// A plotScale maps errors to pixels: linear about zero, logarithmic beyond.
type plotScale struct{ most time.Duration }

func (r Report) scale() plotScale {
	most := 10 * time.Millisecond
	for _, t := range r.List {
		if t.Disturbed() {
			continue
		}
		for _, e := range t.edges() {
			most = max(most, e.stated.From.Abs(), e.stated.To.Abs())
		}
	}
	return plotScale{most}
}

func (s plotScale) at(d time.Duration, x int) float64 {
	bend := func(d time.Duration) float64 { return math.Asinh(float64(d) / float64(linearTo)) }
	return float64(x) + columnWidth/2*(1+bend(d)/bend(s.most))
}

func (s plotScale) ticks(x int) []plotTick {
	var ticks []plotTick
	for _, n := range []int{-1000, -100, -30, -10, -3, 0, 3, 10, 30, 100, 1000} {
		d := time.Duration(n) * time.Millisecond
		if d.Abs() <= s.most {
			ticks = append(ticks, plotTick{X: pixels(s.at(d, x)), Text: strconv.Itoa(n), Zero: n == 0})
		}
	}
	return ticks
}

func pixels(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }
