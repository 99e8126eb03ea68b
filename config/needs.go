package config

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/aftershockhq/aftershock/record"
)

// noPrometheus is why a query cannot be asked.
const noPrometheus = `needs a Prometheus, and the file names none; write prometheus: {url: "http://prometheus.example:9090"}`

// Needs are what an experiment needs of its service: "autoscaler", "calls", "load",
// "podSignals.NAME".
func (e Experiment) Needs() (needs []string) {
	if slices.Contains(e.Expects, ExpectAutoscaler) {
		needs = append(needs, "autoscaler")
	}
	for _, name := range e.Faults.Names {
		for _, need := range e.Faults.Values[name].needs() {
			if !slices.Contains(needs, need) {
				needs = append(needs, need)
			}
		}
	}
	return needs
}

func (f Fault) needs() (needs []string) {
	if f.To == ToCalls {
		needs = append(needs, "calls")
	}
	if f.Traits().Loads {
		needs = append(needs, "load")
	}
	if f.When.Autoscaler != "" {
		needs = append(needs, "autoscaler")
	}
	for _, signal := range f.signals() {
		needs = append(needs, "podSignals."+signal)
	}
	return needs
}

// missing says all that the service lacks that the experiment needs, and where it
// first needs it; empty: nothing.
func (r *resolver) missing(p Planned, e Experiment, at cursor) (why string, where cursor) {
	t := p.Target
	if r.undecoded.below(t.at.path.String()) {
		return "", at // what it has is not known
	}
	var list []string
	where = at
	add := func(why string, in cursor) {
		if why == "" || slices.Contains(list, why) {
			return
		}
		if len(list) == 0 {
			where = in
		}
		list = append(list, why)
	}
	for i, name := range e.Expects {
		if name == ExpectAutoscaler {
			add(r.lacks(t, name, false), at.field("expects").item(i))
		}
	}
	for _, name := range e.Faults.Names {
		f, in := e.Faults.Values[name], at.field("faults").name(name)
		loaded := t.Load != nil || e.Load != nil
		for _, need := range f.needs() {
			add(r.lacks(t, need, loaded), in)
		}
		switch {
		case f.Traits().Drains && !t.Workload.Drains():
			add(fmt.Sprintf("the drain of a node leaves the pods of a %s where they are", t.Workload.Kind), in)
		case f.Kind != "" && !loaded && t.Traffic == "" && !slices.Contains(f.needs(), "load"):
			add(fmt.Sprintf("services[%s] has no load and no traffic, so nothing shows whether its pods serve", t.Name), in)
		}
	}
	return strings.Join(list, "; "), where
}

// lacks says why the service does not have what is needed of it; empty: it does.
func (r *resolver) lacks(t *Target, need string, loaded bool) string {
	switch signal, ofPods := strings.CutPrefix(need, "podSignals."); {
	case need == "autoscaler" && !t.Workload.Scales():
		return fmt.Sprintf("the nodes decide how many pods a %s has, not an autoscaler", t.Workload.Kind)
	case need == "autoscaler" && t.Autoscaler == nil:
		return fmt.Sprintf("services[%s].autoscaler is missing", t.Name)
	case need == "calls" && len(t.Calls) == 0:
		return fmt.Sprintf("services[%s].calls is missing: the service that is called", t.Name)
	case need == "calls" && len(t.Calls) > 1:
		return fmt.Sprintf("%s calls %s: say which is meant, with \"to: %s\"", t.Name, strings.Join(t.Calls, ", "), t.Calls[0])
	case need == "load" && !loaded:
		return fmt.Sprintf("services[%s].load is missing", t.Name)
	case ofPods && r.plan.Prometheus == nil:
		return fmt.Sprintf("pod signal %q shows its effect and %s", signal, noPrometheus)
	case ofPods && t.Signals[signal].Text == "":
		return fmt.Sprintf("services[%s].podSignals.%s is missing: PromQL by (pod) that shows the effect", t.Name, signal)
	}
	return ""
}

// signals are the signals of single pods in which the effects of the fault are
// looked for.
func (f Fault) signals() (names []string) {
	add := func(name string) {
		if name != "" && name != record.TrafficSignal && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, e := range f.Effects {
		add(e.Signal)
	}
	if len(f.Effects) > 0 {
		return names
	}
	if f.Spec == nil {
		return nil // it could not be decoded
	}
	if c, ok := f.Spec.(ChaosMesh); ok { // known once its object was read
		for _, name := range c.Object.Signals() {
			add(name)
		}
		return names
	}
	signal := ""
	if v := reflect.ValueOf(f.Spec).FieldByName("Signal"); v.IsValid() {
		signal = v.String()
	}
	add(cmp.Or(signal, f.Traits().signal))
	return names
}
