package reports

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/aftershockhq/aftershock/internal/markup"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/steadystate"
)

// HTML writes reports as one self-contained page: no network, no script. It
// shows what Text does, and each check over time: good, bad and unknown
// observations, the outages with their edges, the phases and faults, and the
// values. It prints, and follows the reader's preference for a dark page. A
// report read from JSON has no time series and is shown without.
func HTML(w io.Writer, list ...Report) error {
	p := pageView{Verdict: Worst(list...), Title: fmt.Sprintf("%d experiments", len(list))}
	for i, r := range list {
		p.Sections = append(p.Sections, section(i, r))
	}
	if len(list) == 1 {
		p.Title = list[0].Experiment
	}
	if err := (page{markup.To(w)}).write(p); err != nil {
		return fmt.Errorf("write HTML: %w", err)
	}
	return nil
}

// What the page shows: texts and places, all computed here, so that the page only
// arranges them.
type (
	pageView struct {
		Title    string
		Verdict  steadystate.Verdict
		Sections []sectionView
	}
	sectionView struct {
		Report
		ID       string
		Where    string
		When     string
		Plan     string
		Span     string
		Limits   []limitView
		Checks   []checkView
		Values   []valuesView
		Chart    *chartView
		Falls    []fallView
		Requests []pair
		Parts    []partView // of the traffic
		Faults   []faultView
		About    []pair // the environment
		Told     []pair // the signals
	}
	pair      struct{ Name, Text string }
	limitView struct {
		judge.Finding
		Gauge *gaugeView
	}
	checkView struct {
		Name, Good, Uptime, Downtime, Outages, MTTR string
		List                                        []outageView
	}
	outageView struct{ From, To, Lasted, Bad, Reason, Open string }
	valuesView struct {
		Check, Phase string
		N            int
		Cells        []string
	}
	partView struct {
		Signal, Name string
		Cells        []string
	}
	faultView struct{ Fault, Targets, Hit, T0, T1, FailureReason string }
)

func section(i int, r Report) sectionView {
	s := sectionView{
		Report: r,
		ID:     fmt.Sprintf("experiment-%d", i+1),
		Where:  r.Environment["where"],
		When:   r.Started.Format("2006-01-02 15:04:05 MST"),
		Plan:   plan(r),
		Span:   fmt.Sprintf("window %s (%s) of %s", r.Window, duration(r.Window.Width()), duration(r.Length)),
		Chart:  r.chart(),
	}
	for _, f := range r.Findings {
		s.Limits = append(s.Limits, limitView{f, gauge(f)})
	}
	for _, c := range r.Checks {
		view := checkView{
			Name: c.Check, Good: c.Tolerance.String(), Outages: outages(c), MTTR: mttr(c),
			Uptime: strings.TrimPrefix(uptime(c), "uptime "), Downtime: steadystate.FormatLengths(c.Downtime),
		}
		for _, o := range c.Outages {
			v := outageView{
				From: o.Start.String(), To: o.End.String(), Lasted: lasted(o.Length(), o.Open),
				Bad: fmt.Sprintf("%d of %d", o.Bad, o.Total), Reason: o.Reason,
			}
			if o.Open {
				v.Open = "not over when the record ended"
			}
			view.List = append(view.List, v)
		}
		s.Checks = append(s.Checks, view)
		for _, p := range c.Phases {
			v := valuesView{Check: c.Check, Phase: p.Phase, N: p.N}
			for _, f := range figures(p.Distribution) {
				v.Cells = append(v.Cells, r.values(c, f.Bounds))
			}
			s.Values = append(s.Values, v)
		}
	}
	for _, w := range r.Waterfalls {
		s.Falls = append(s.Falls, fall(w.Title(), costliest(w), w.Breakdown))
	}
	for _, d := range r.Scalings {
		s.Falls = append(s.Falls, fall(d.Title(), "", d.Breakdown))
	}
	for _, signal := range keys(r.Traffic) {
		t := r.Traffic[signal]
		s.Requests = append(s.Requests, pair{signal, traffic(t)})
		for _, why := range keys(t.Failures) {
			s.Requests = append(s.Requests, pair{"", fmt.Sprintf("%d × %s", t.Failures[why], why)})
		}
		var by []string
		for _, name := range keys(t.ByBackend) {
			by = append(by, fmt.Sprintf("%s %d", name, t.ByBackend[name]))
		}
		if len(by) > 0 {
			s.Requests = append(s.Requests, pair{"", "answered by " + strings.Join(by, ", ")})
		}
		for _, p := range slices.Concat(t.Phases, t.Stages) {
			s.Parts = append(s.Parts, partView{Signal: signal, Name: p.Name, Cells: partCells(p)})
		}
	}
	for _, injection := range r.Injections {
		v := faultView{Fault: injection.Fault, T0: injection.String(), T1: "not undone", Hit: injection.HitText(), FailureReason: injection.FailureReason}
		if injection.Removed != nil {
			v.T1 = injection.Removed.String()
		}
		var targets []string
		for _, t := range injection.Targets {
			targets = append(targets, strings.TrimSpace(t.Name+" "+t.UID))
		}
		v.Targets = strings.Join(targets, ", ")
		s.Faults = append(s.Faults, v)
	}
	if r.Baseline != nil {
		s.About = append(s.About, pair{"baseline", r.Baseline.String()})
	}
	for _, name := range keys(r.Environment) {
		s.About = append(s.About, pair{name, r.Environment[name]})
	}
	for _, name := range keys(r.Signals) {
		s.Told = append(s.Told, pair{name, r.Signals[name]})
	}
	return s
}
