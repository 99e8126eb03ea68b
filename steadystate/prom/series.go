package prom

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/prometheus/common/model"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A PerSeries observes each series of a query separately, under the value of one
// of its labels: the CPU of each pod, with sum by (pod)
// (rate(container_cpu_usage_seconds_total[30s])) and the label pod. The spans
// are those of a [Source]; the span of one evaluation holds for all of its
// series.
type PerSeries struct {
	// Source is the query. It must have a client and a query, and no reduction.
	Source Source
	// Label is the label that names the series. It must be set.
	Label string
}

// Per observes each series of the source separately, by a label.
func (s Source) Per(label string) PerSeries { return PerSeries{Source: s, Label: label} }

// String returns the query with the label, and how it is observed.
func (p PerSeries) String() string { return fmt.Sprintf("%s, by %s", p.Source, p.Label) }

func (p PerSeries) validate() error {
	if err := p.Source.validate(); err != nil {
		return err
	}
	bad := func(text string) error {
		return fmt.Errorf("observe prometheus: query %q: %s", p.Source.Query, text)
	}
	switch {
	case p.Label == "" || p.Label == model.MetricNameLabel:
		return bad("series that are observed apart need a label that names them, as in \"pod\"")
	case p.Source.Reduce != "":
		return bad(fmt.Sprintf("series that are observed apart are not reduced: leave out %s", p.Source.Reduce))
	}
	return nil
}

// Observe polls as [Source.Observe] does, and records each observation with the
// name of its series. A series is unknown while its value is unknown, while it
// is not scraped, while several series share its name, while polls fail, and
// once it is gone. Series without the label are skipped. Until the first series
// appears there is no name to record a failure under.
func (p PerSeries) Observe(ctx context.Context, clock steadystate.Clock, record func(series string, o steadystate.Observation)) error {
	if err := p.validate(); err != nil {
		return err
	}
	s := p.Source
	s.Reduce, s.apart = Each, true
	known := map[string]bool{}
	s.watch(ctx, clock, func(l look, err error) {
		there := p.names(l.series)
		for name := range there {
			known[name] = true
		}
		unknown := func(name string, err error) { record(name, s.unknown(l.during, err)) }
		for _, point := range l.points {
			name := p.name(point.series)
			if name == "" || there[name] > 1 {
				continue
			}
			known[name] = true
			if point.Unknown != "" {
				point.Unknown = s.reason(point.Unknown)
			}
			record(name, point.Observation)
		}
		for _, silence := range l.silent {
			if name := p.name(silence.series); name != "" && there[name] == 1 {
				unknown(name, silence.err)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(known)) {
			switch {
			case err != nil:
				unknown(name, err)
			case there[name] > 1:
				unknown(name, p.ambiguous(name, there[name]))
			case there[name] == 0 && l.series != nil:
				unknown(name, fmt.Errorf("no series with %s=%q any more", p.Label, name))
			}
		}
	})
	return nil
}

// Preflight is [Source.Preflight] for the current series. It also fails if no
// series has the label, or if several have the same value of it.
func (p PerSeries) Preflight(ctx context.Context) (Preflight, error) {
	if err := p.validate(); err != nil {
		return Preflight{}, err
	}
	s := p.Source.withDefaults()
	s.Reduce, s.apart = Each, true
	found, l, err := s.preflight(ctx)
	if err != nil {
		return Preflight{}, s.refused(err)
	}
	there := p.names(l.series)
	for _, name := range slices.Sorted(maps.Keys(there)) {
		if n := there[name]; n > 1 {
			return Preflight{}, s.refused(p.ambiguous(name, n))
		}
		found.Names = append(found.Names, name)
	}
	if len(found.Names) == 0 {
		return Preflight{}, s.refused(&failure{
			reason: fmt.Sprintf("no series has the label %s", p.Label),
			next:   p.aggregate(),
		})
	}
	if rest := len(l.series) - len(found.Names); rest > 0 {
		found.note("%d series without the label %s are left out", rest, p.Label)
	}
	return found, nil
}

func (p PerSeries) name(series model.Metric) string { return string(series[model.LabelName(p.Label)]) }

// names counts the series by name.
func (p PerSeries) names(list []model.Metric) map[string]int {
	names := map[string]int{}
	for _, series := range list {
		if name := p.name(series); name != "" {
			names[name]++
		}
	}
	return names
}

func (p PerSeries) ambiguous(name string, n int) error {
	return &failure{
		reason: fmt.Sprintf("%d series have %s=%q", n, p.Label, name),
		next:   p.aggregate(),
	}
}

func (p PerSeries) aggregate() string {
	return fmt.Sprintf("aggregate them by it, as in sum by (%s) (...)", p.Label)
}
