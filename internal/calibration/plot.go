package calibration

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/internal/markup"
	"github.com/aftershockhq/aftershock/steadystate"
)

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

// Plot writes the stated bounds of every reported outage beside the truth, as
// an SVG that needs nothing else.
func (r Report) Plot(w io.Writer) error {
	out, scale := markup.To(w), r.scale()
	bottom := plotTop + len(r.Kinds)*rowHeight
	height := bottom + 48
	out.Put(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %s %s" width="%s" height="%s" font-family="system-ui, sans-serif" font-size="12" fill="#222" role="img">
<title>Calibration: stated bounds of outages beside the truth</title>
<rect width="100%%" height="100%%" fill="#fff"/>
<text x="16" y="24" font-size="16" font-weight="600">%s</text>
<text x="16" y="42" fill="#555">%s requests/s, seed %s; %s, %s, %s cores</text>
`, plotWidth, height, plotWidth, height, r.conclusion(), r.Rate, r.Seed, r.Machine.System, r.Machine.Go, r.Machine.Cores)
	for i, name := range []string{"start of the outage", "end of the outage"} {
		out.Put(`<text x="%s" y="66" font-weight="600">%s</text>`+"\n", columnX(i), name)
		scale.ticks(out, columnX(i), bottom)
	}
	for i, s := range r.Kinds {
		r.row(out, s, plotTop+i*rowHeight, scale)
	}
	out.Put(`<text x="16" y="%s" font-size="9.5" fill="#555">Each line is the bounds that one trial stated, the dark mark their middle, in milliseconds from the truth (logarithmic beyond 3 ms). Bounds that hold the truth cross zero, give or take the span that the truth itself has; others are red.</text>
</svg>
`, bottom+36)
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write plot: %w", err)
	}
	return nil
}

func columnX(i int) int { return labelWidth + i*(columnWidth+columnGap) }

// row draws the trials of one kind, the widest bounds at the bottom.
func (r Report) row(out markup.Writer, s Summary, top int, scale plotScale) {
	var bounds, middles, misses strings.Builder // paths
	step := float64(rowHeight-rowGap) / float64(max(1, s.Reported))
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
			at := scale.at(e.stated.Middle(), columnX(column))
			fmt.Fprintf(&middles, "M%s %sH%s", pixels(at-1), y, pixels(at+1))
		}
	}
	thick := pixels(min(3, max(0.5, step*0.8)))
	out.Put(`<text x="16" y="%s" font-weight="600">%s</text>
<text x="16" y="%s" font-size="10" fill="#555">%s of %s hold, %s missed, %s invented</text>
<path d="%s" stroke="#4a90c2" stroke-width="%s" fill="none"/>
<path d="%s" stroke="#12436b" stroke-width="%s" fill="none"/>
<path d="%s" stroke="#c0392b" stroke-width="2" fill="none"/>
`, top+rowHeight/2-4, s.Kind, top+rowHeight/2+12, s.Held.All, s.Reported, s.Missed, s.Invented, bounds.String(), thick, middles.String(), thick, misses.String())
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

// ticks draws the vertical lines of a column, down to the bottom.
func (s plotScale) ticks(out markup.Writer, column, bottom int) {
	for _, n := range []int{-1000, -100, -30, -10, -3, 0, 3, 10, 30, 100, 1000} {
		d := time.Duration(n) * time.Millisecond
		if d.Abs() > s.most {
			continue
		}
		stroke := "#ddd"
		if n == 0 {
			stroke = "#222"
		}
		x := pixels(s.at(d, column))
		out.Put(`<line x1="%s" x2="%s" y1="%s" y2="%s" stroke="%s"/>
<text x="%s" y="%s" text-anchor="middle" font-size="10" fill="#555">%s</text>
`, x, x, plotTop, bottom, stroke, x, bottom+14, n)
	}
}

func pixels(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }
