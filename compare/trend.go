package compare

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/compare/survival"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports/results"
)

// TrendFormat and TrendVersion identify the JSON document of a [Trend].
const (
	TrendFormat  = "aftershock/trend"
	TrendVersion = 1
)

// A Trend shows how experiments went, run by run.
type Trend struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	// ToolVersion is the version of the program that wrote the document.
	ToolVersion string `json:"toolVersion,omitempty"`
	// Experiments are sorted by name.
	Experiments []History `json:"experiments"`
}

// A History holds the runs of one experiment in the order of their starts.
type History struct {
	Experiment string `json:"experiment"`
	// Stretches splits the runs where the plan or the images changed.
	Stretches []Stretch `json:"stretches"`
}

// A Stretch is a sequence of runs of one experiment with one plan and the same images:
// they did the same to the same version of the service.
type Stretch struct {
	PlanHash string `json:"planHash,omitempty"`
	Set
	Points []Point `json:"points"`
	// Recoveries summarizes the times to recovery, by check.
	Recoveries []Recoveries `json:"recoveries"`
}

// A Point is one run.
type Point struct {
	Run     string    `json:"run"`
	Started time.Time `json:"started"`
	Verdict string    `json:"verdict" jsonschema:"enum=held,enum=broken,enum=unknown"`
	// LeftOut: a person or the harness ended it before its fault, so that it says nothing
	// about the service.
	LeftOut bool `json:"leftOut,omitempty"`
	// TTR lists its times to recovery.
	TTR []TTR `json:"ttr"`
}

// A TTR is the time to recovery of a check in one run: the longest over its faults.
type TTR struct {
	Check string `json:"check"`
	// Subject is ttr, or ttr after removal of the fault.
	Subject string `json:"subject"`
	// Seconds bounds the time; the upper bound is absent if the outage was not over.
	Seconds results.Range `json:"seconds"`
}

// Recoveries summarizes the times to recovery of a check in the runs of a stretch.
type Recoveries struct {
	Check   string `json:"check"`
	Subject string `json:"subject"`
	// N is the number of runs with a time to recovery, Open the number of those whose
	// outage was not over.
	N    int `json:"n"`
	Open int `json:"open"`
	// Unseen is the number of runs without one; N does not count them.
	Unseen int `json:"unseen"`
	// Median and P90 estimate the times within which 50 % and 90 % of all runs recover
	// (Kaplan and Meier). Those without one may have recovered at once, or never.
	Median Estimate `json:"median"`
	P90    Estimate `json:"p90"`
}

// An Estimate is a quantile of times to recovery, in seconds. An end is absent if only
// more or longer runs could show it.
type Estimate struct {
	// Seconds ranges from the estimate by the times' lower ends to that by their upper
	// ends.
	Seconds results.Range `json:"seconds"`
	// Confidence95 is the 95 % confidence interval: its lower end is that of the estimate
	// by the lower ends, its upper end that of the estimate by the upper ends. It holds
	// for any number of runs; with few runs an end is absent, or both are.
	Confidence95 results.Range `json:"confidence95"`
}

// NewTrend orders results by experiment and start and summarizes each stretch of them.
func NewTrend(list []results.Result) Trend {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b results.Result) int {
		return cmp.Or(cmp.Compare(a.Experiment, b.Experiment), a.Run.Started.Compare(b.Run.Started))
	})
	t := Trend{Format: TrendFormat, Version: TrendVersion, ToolVersion: record.Tool(), Experiments: []History{}}
	for first := 0; first < len(list); {
		r := list[first]
		if n := len(t.Experiments); n == 0 || t.Experiments[n-1].Experiment != r.Experiment {
			t.Experiments = append(t.Experiments, History{Experiment: r.Experiment})
		}
		last := first + 1
		for last < len(list) && alike(r, list[last]) {
			last++
		}
		h := &t.Experiments[len(t.Experiments)-1]
		h.Stretches = append(h.Stretches, newStretch(list[first:last]))
		first = last
	}
	return t
}

// alike reports whether two runs did the same to the same version of the service.
func alike(a, b results.Result) bool {
	return a.Experiment == b.Experiment && a.PlanHash == b.PlanHash &&
		slices.EqualFunc(a.Images, b.Images, func(x, y results.Image) bool {
			return x.Container == y.Container && slices.Equal(x.Digests, y.Digests)
		})
}

func newStretch(list []results.Result) Stretch {
	s := Stretch{PlanHash: list[0].PlanHash, Set: newSet(list), Points: []Point{}, Recoveries: []Recoveries{}}
	var order []subject
	times := map[subject][]interval{}
	for _, r := range list {
		p := Point{Run: r.Run.ID, Started: r.Run.Started, Verdict: r.Verdict, LeftOut: leftOut(r), TTR: []TTR{}}
		of, seen := figures(r)
		for _, of := range of {
			if of.subject != ttr && of.subject != ttrAfter || p.LeftOut {
				continue
			}
			if times[of] == nil {
				order = append(order, of)
			}
			times[of] = append(times[of], seen[of])
			if seen[of] != anything {
				p.TTR = append(p.TTR, TTR{of.check, of.subject, seen[of].bounds()})
			}
		}
		s.Points = append(s.Points, p)
	}
	for _, of := range order {
		s.Recoveries = append(s.Recoveries, recoveries(of, times[of], len(s.Runs)))
	}
	return s
}

// recoveries summarizes the times of a check by a curve of their lower ends and one of
// their upper ends. An outage that was not over lasted longer than was seen. A run of which
// no time was seen had any: to leave it out would be to say that it was as the others.
func recoveries(of subject, times []interval, runs int) Recoveries {
	r := Recoveries{Check: of.check, Subject: of.subject}
	var lows, highs []survival.Time
	for _, i := range times {
		if i == anything {
			continue
		}
		open := math.IsInf(i.high, 1)
		if r.N++; open {
			r.Open, i.high = r.Open+1, i.low
		}
		lows = append(lows, survival.Time{Seen: i.low, Open: open})
		highs = append(highs, survival.Time{Seen: i.high, Open: open})
	}
	r.Unseen = runs - r.N
	for range r.Unseen {
		lows = append(lows, survival.Time{})
		highs = append(highs, survival.Time{Seen: math.Inf(1), Open: true})
	}
	low, high := survival.KaplanMeier(lows), survival.KaplanMeier(highs)
	estimate := func(share float64) Estimate {
		a, b := low.Quantile(share, 1-Level), high.Quantile(share, 1-Level)
		return Estimate{interval{a.At, b.At}.bounds(), interval{a.Low, b.High}.bounds()}
	}
	r.Median, r.P90 = estimate(0.5), estimate(0.9)
	return r
}

// JSON writes the trend as a JSON document, which [TrendSchema] describes.
func (t Trend) JSON(w io.Writer) error { return writeJSON(w, t) }

const marks = `+ held, - broken, ? unknown, . ended by a person or by the harness
each bar is the longest time to recovery of a run, up to the longest of the experiment: ↑ not over, blank not seen
`

// Text writes the trend for people: for each stretch the verdicts and the times to
// recovery of its runs, in their order.
func (t Trend) Text(w io.Writer) error {
	var out bytes.Buffer
	for _, h := range t.Experiments {
		n := 0
		for _, s := range h.Stretches {
			n += len(s.Points)
		}
		fmt.Fprintf(&out, "%s  %s\n", h.Experiment, plural(n, "run"))
		for i, s := range h.Stretches {
			fmt.Fprintf(&out, "  %d  %s, %s", i+1, period(s.Points[0].Started, s.Points[len(s.Points)-1].Started), plural(len(s.Points), "run"))
			if counts := verdicts(s.Held, s.Broken, s.Unknown); counts != "" {
				fmt.Fprintf(&out, ": %s", counts)
			}
			if len(s.LeftOut) > 0 {
				fmt.Fprintf(&out, ", %d left out", len(s.LeftOut))
			}
			fmt.Fprintln(&out)
			if of := strings.TrimSpace(planOf(s.PlanHash)); of != "" {
				fmt.Fprintf(&out, "     %s\n", of)
			}
			for _, v := range s.Versions {
				fmt.Fprintf(&out, "     %s\n", short(v))
			}
			s.draw(&out, h.longest())
			for _, r := range s.Recoveries {
				fmt.Fprintf(&out, "     %s %s: %s\n", r.Check, r.Subject, r.text())
			}
		}
		out.WriteString("\n")
	}
	if len(t.Experiments) > 0 {
		out.WriteString(marks)
	}
	_, err := w.Write(out.Bytes())
	return err
}

// longest is the longest time to recovery that was seen in any run.
func (h History) longest() (longest float64) {
	for _, s := range h.Stretches {
		for _, p := range s.Points {
			if at, _, seen := p.longest(); seen {
				longest = max(longest, at)
			}
		}
	}
	return longest
}

// longest is the longest time to recovery of the run's checks, from its fault.
func (p Point) longest() (at float64, open, seen bool) {
	for _, t := range p.TTR {
		if t.Subject != ttr {
			continue
		}
		seen = true
		if t.Seconds.High == nil {
			open = true
		}
		for _, end := range []*float64{t.Seconds.Low, t.Seconds.High} {
			if end != nil {
				at = max(at, *end)
			}
		}
	}
	return at, open, seen
}

var bars = []rune("▁▂▃▄▅▆▇█")

// draw writes a mark of the verdict of each run, and below it a bar.
func (s Stretch) draw(w io.Writer, longest float64) {
	for points := range slices.Chunk(s.Points, 70) {
		var verdict, bar []rune
		for _, p := range points {
			mark := map[string]rune{"held": '+', "broken": '-'}[p.Verdict]
			switch {
			case p.LeftOut:
				mark = '.'
			case mark == 0:
				mark = '?'
			}
			verdict = append(verdict, mark)
			switch at, open, seen := p.longest(); {
			case !seen:
				bar = append(bar, ' ')
			case open:
				bar = append(bar, '↑')
			case longest == 0:
				bar = append(bar, bars[0])
			default:
				bar = append(bar, bars[min(len(bars)-1, int(at/longest*float64(len(bars))))])
			}
		}
		fmt.Fprintf(w, "     %s\n", string(verdict))
		if line := strings.TrimRight(string(bar), " "); line != "" {
			fmt.Fprintf(w, "     %s\n", line)
		}
	}
}

// text is what is known of the times to recovery.
func (r Recoveries) text() string {
	counts := plural(r.N, "run")
	if r.Open > 0 {
		counts += fmt.Sprintf(", %d not over", r.Open)
	}
	if r.Unseen > 0 {
		counts += fmt.Sprintf(", %d not seen", r.Unseen)
	}
	if r.N == 0 {
		return counts
	}
	return fmt.Sprintf("median %s, p90 %s; %s", r.Median, r.P90, counts)
}

// String is the estimate, and where it lies at 95 %.
func (e Estimate) String() string {
	confidence := "too few runs to bound it"
	if e.Confidence95.Low != nil || e.Confidence95.High != nil {
		confidence = ranged("seconds", e.Confidence95)
	}
	estimate := "not reached"
	if e.Seconds.Low != nil {
		estimate = ranged("seconds", e.Seconds)
	}
	return estimate + " (95%: " + confidence + ")"
}
