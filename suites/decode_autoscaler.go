package suites

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aftershockhq/aftershock/experiments/autoscaling"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/steadystate"
)

// The defaults of what the file leaves out of the autoscaler.
const (
	defaultSurge     = 10
	defaultHistogram = "http_request_duration_seconds"
)

func defaultAutoscalerLimits() []string {
	return []string{"decision <= 1m since fault", "ready <= 2m since fault", "turns <= 1", "back <= 7m"}
}

// baseline reads what limits on a multiple of a baseline refer to.
func (d *decoder) baseline() {
	choices := []string{BaselineSettle, BaselineControl}
	if d.Baseline = cmp.Or(d.file.Baseline, BaselineSettle); !slices.Contains(choices, d.Baseline) {
		d.bad("baseline", "baseline %q: want one of %s", d.Baseline, strings.Join(choices, ", "))
	}
}

// autoscaler reads what is expected of the service's autoscaler.
func (d *decoder) autoscaler() {
	f := d.file.Autoscaler
	if f == nil {
		return
	}
	d.Autoscaler.Name = cmp.Or(f.Name, d.Service.Name)
	d.Autoscaler.Surge = defaultSurge
	if f.Surge != "" {
		t, err := steadystate.ParseTolerance("<= " + f.Surge)
		if err != nil || t.Dimension() != "multiple" || t.Value() <= 1 {
			d.bad("autoscaler.surge", "surge %q: want a multiple of the load's rate, more than 1x, as in 10x", f.Surge)
		} else {
			d.Autoscaler.Surge = t.Value()
		}
	}
	surged := d.Load
	surged.Surge = &load.Surge{Factor: d.Autoscaler.Surge}
	if err := surged.Validate(); err != nil && d.Load.Validate() == nil {
		d.bad("autoscaler.surge", "autoscaler.surge: %w", err)
	}
	if d.file.Prometheus != nil {
		source, err := d.reading()
		if err != nil {
			d.bad("autoscaler", "%w", err)
		}
		d.Autoscaler.reading = &source
	}
	d.Autoscaler.Limits = defaultAutoscalerLimits()
	if f.Limits != nil {
		d.Autoscaler.Limits = d.autoscalerLimits("autoscaler.limits", f.Limits)
	}
}

// autoscalerLimits reads limits of an autoscaler, which stay text.
func (d *decoder) autoscalerLimits(at string, texts []string) []string {
	list := []string{}
	for i, text := range texts {
		if _, err := autoscaling.ParseLimit(text); err != nil {
			d.bad(fmt.Sprintf("%s.%d", at, i), "%w", err)
		}
		list = append(list, text)
	}
	return list
}

// capacity reads what the objectives are asked of.
func (d *decoder) capacity() {
	f := d.file.Capacity
	if f == nil {
		return
	}
	if d.file.Prometheus == nil {
		d.bad("capacity", "capacity has objectives that are asked of a Prometheus, and the file names none")
		return
	}
	d.Capacity.Histogram, d.Capacity.Labels = cmp.Or(f.Histogram, defaultHistogram), f.Labels
	d.Capacity.Range = d.duration("capacity.range", f.Range, defaultRange)
	queried := []string{}
	for _, o := range objectives() {
		if o.query != "" {
			queried = append(queried, o.name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.Queries)) {
		if !slices.Contains(queried, name) {
			d.bad("capacity.queries."+name, "no objective %q has a query; those that have: %s", name, strings.Join(queried, ", "))
		}
	}
	d.Capacity.queries = f.Queries
	d.Capacity.sources = d.sources(func(name string, err error) {
		at := "capacity"
		if _, named := f.Queries[name]; named {
			at = "capacity.queries." + name
		}
		d.bad(at, "%w", err)
	})
	// What is measured of a rate is a little less or more than it.
	if sent, least := d.Load.Shape.Peak(), 1020.0/60; sent < least {
		d.bad("load.rate", "capacity wants a throughput of 1000/min and more, and the load sends %.4g/min at most: raise the rate to 1020/min or more", sent*60)
	}
}
