package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/aftershockhq/aftershock/record"
)

// workload is what the workload under test was when the run began: its size, how it
// replaces pods, its probes and resources, and what protects it. Empty: that was not recorded.
func (r Report) workload() (lines []Line) {
	w := r.Workload
	if w == nil {
		return nil
	}
	add := func(name, text string) {
		if text != "" {
			lines = append(lines, Line{name, text})
		}
	}
	add("workload", w.Subject)
	add("replicas", fmt.Sprint(w.Replicas))
	add("revision", strings.Join(r.revisions(), ", "))
	strategy := []string{w.Strategy}
	for _, of := range []struct{ name, text string }{{"maxUnavailable", w.MaxUnavailable}, {"maxSurge", w.MaxSurge}} {
		if of.text != "" {
			strategy = append(strategy, of.name+" "+of.text)
		}
	}
	add("strategy", strings.TrimPrefix(strings.Join(strategy, ", "), ", "))
	add("grace", fmt.Sprintf("%ds", w.GraceSeconds))
	for _, c := range w.Containers {
		name := "container " + c.Name
		if c.Name == w.Serving {
			name += ", which serves"
		}
		preStop := "none"
		if c.PreStop {
			preStop = "there is one"
		}
		texts := []string{"readiness probe: " + cmp.Or(c.Readiness, "none"), "liveness probe: " + cmp.Or(c.Liveness, "none"), "preStop hook: " + preStop}
		for _, of := range []struct {
			name string
			by   map[string]string
		}{{"requests", c.Requests}, {"limits", c.Limits}} {
			var amounts []string
			for _, resource := range keys(of.by) {
				amounts = append(amounts, resource+" "+of.by[resource])
			}
			texts = append(texts, of.name+": "+cmp.Or(strings.Join(amounts, ", "), "none"))
		}
		add(name, strings.Join(texts, "; "))
	}
	var nodes []string
	for _, node := range w.Nodes {
		if zone := w.Zones[node]; zone != "" {
			node += " in zone " + zone
		}
		nodes = append(nodes, node)
	}
	slices.Sort(nodes)
	add("nodes of its pods", strings.Join(slices.Compact(nodes), ", "))
	var spread []string
	for _, of := range keys(w.Spread) {
		spread = append(spread, of+" "+w.Spread[of])
	}
	if w.Spread != nil {
		add("spread", cmp.Or(strings.Join(spread, ", "), "none"))
	}
	var scalers []string
	for _, name := range keys(w.Autoscalers) {
		scalers = append(scalers, fmt.Sprintf("%s, minReplicas %d", name, w.Autoscalers[name]))
	}
	if w.Autoscalers != nil {
		add("autoscalers", cmp.Or(strings.Join(scalers, "; "), "none"))
	}
	if w.Budgets != nil {
		add("disruption budgets", cmp.Or(strings.Join(w.Budgets, ", "), "none"))
	}
	return lines
}

// revisions are those of its pods when the run began.
func (r Report) revisions() (list []string) {
	for _, e := range r.Events {
		_, its := r.Workload.Nodes[e.Subject[strings.LastIndexByte(e.Subject, '/')+1:]]
		if of := e.Attrs[record.AttrRevision]; its && of != "" && e.Kind == record.EventExists && strings.HasPrefix(e.Subject, "pod/") {
			list = append(list, of)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
