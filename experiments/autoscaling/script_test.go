package autoscaling_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments/autoscaling"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// script is a trajectory as text: a row for each thing that is seen, a column
// for each look of the autoscaler, 5 s apart. "4*3" is three columns of 4.
//
//	spec     min=2 max=8 cpu=50% down.window=60 up.policies=Pods:4:15
//	fault    . # # # . .       on from before the first # to before the next .
//	cpu      40 90 90 45 20 -  the metric's value; - is missing
//	desired  2 4 4 4 2 2       what the autoscaler wants; 0: it has never come to a decision
//	wanted   2 4 4 4 2 2       of the scale target; if not there, desired
//	ready    2 2 4 4 2 2       if not there, wanted
//	existing 2 4 4 4 2 2       if not there, wanted
//	limited  . M . . . .       ScalingLimited: M its max, U its policies; - does not say
//	active   . . F F . .       ScalingActive false
//	able     . . F S . .       AbleToScale: F false; S and D held back by its window for steps up, down
//	hand     . . . . h .       the size was changed by another client
//	blind    . b b . . .       nothing is seen of the autoscaler
//	dark     . b b . . .       nothing is seen of the scale target
//	gone     . . . . . x       it is deleted
//	max      8 8 4 4 4 4       a new spec
//	target   . . 80 80 80 80   a new spec: another target of cpu, in %
//	dropped  . . cpu cpu . .   a new spec: without that metric
//	reading  40 90 90 - 20 20  the pods' CPU by another instrument, in % of their request; - is unknown, . not looked at
//
// A metric is cpu=50%, cpu=500m, container:app:cpu=50%, pods:sold=10,
// object:sold=100, external:queue=30, or an average as in external:queue=avg:30.
// Its row has the name of it. The lines "unfollowed" and "cut" are for a scale
// target that is not followed, and a run that does not come to its end.
type script struct {
	spec  map[string]string
	names []string // of metrics, in their order
	rows  map[string][]string
	n     int
}

const every = 5 * time.Second

func parse(t testing.TB, text string) script {
	t.Helper()
	s := script{spec: map[string]string{}, rows: map[string][]string{}}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if words[0] == "spec" {
			for _, w := range words[1:] {
				name, value, _ := strings.Cut(w, "=")
				s.spec[name] = value
				if name != "min" && name != "max" && !strings.HasPrefix(name, "up.") && !strings.HasPrefix(name, "down.") {
					s.names = append(s.names, name)
				}
			}
			continue
		}
		list := []string{}
		for _, w := range words[1:] {
			value, times, many := strings.Cut(w, "*")
			n := 1
			if many {
				var err error
				if n, err = strconv.Atoi(times); err != nil {
					t.Fatalf("%s: %v", line, err)
				}
			}
			list = append(list, slices.Repeat([]string{value}, n)...)
		}
		s.rows[words[0]] = list
		if len(list) > 0 && s.n > 0 && len(list) != s.n {
			t.Fatalf("%s has %d columns, want %d", words[0], len(list), s.n)
		}
		s.n = max(s.n, len(list))
	}
	return s
}

// at is what a row has in a column; "." if there is no such row.
func (s script) at(row string, i int, or ...string) string {
	for _, name := range append([]string{row}, or...) {
		if list := s.rows[name]; len(list) > 0 {
			return list[i]
		}
	}
	return "."
}

type object = map[string]any

// metric is one of the spec, or of the status with its value.
func (s script) metric(name, value string) object {
	text := s.spec[name]
	text, average := strings.CutPrefix(text, "avg:")
	field, kind := "value", "Value"
	switch {
	case strings.HasSuffix(text, "%"):
		field, kind = "averageUtilization", "Utilization"
	case average, !strings.HasPrefix(name, "object:") && !strings.HasPrefix(name, "external:"):
		field, kind = "averageValue", "AverageValue"
	}
	number := func(text string) any {
		if field == "averageUtilization" {
			n, _ := strconv.Atoi(strings.TrimSuffix(text, "%"))
			return n
		}
		return text
	}
	of := object{}
	if value == "" {
		of["target"] = object{"type": kind, field: number(text)}
	} else {
		of["current"] = object{field: number(value)}
	}
	parts := strings.Split(name, ":")
	last := parts[len(parts)-1]
	switch parts[0] {
	case "container":
		of["name"], of["container"] = last, parts[1]
		return object{"type": "ContainerResource", "containerResource": of}
	case "pods", "object", "external":
		of["metric"] = object{"name": last}
		if parts[0] == "object" {
			of["describedObject"] = object{"kind": "Ingress", "name": "main"}
		}
		return object{"type": strings.ToUpper(parts[0][:1]) + parts[0][1:], parts[0]: of}
	}
	of["name"] = last
	return object{"type": "Resource", "resource": of}
}

func (s script) rules(t testing.TB, direction string) object {
	t.Helper()
	r := object{}
	for name, value := range s.spec {
		switch strings.TrimPrefix(name, direction+".") {
		case "window":
			r["stabilizationWindowSeconds"] = atoi(t, value)
		case "select":
			r["selectPolicy"] = value
		case "tolerance":
			r["tolerance"] = value
		case "policies":
			list := []object{}
			for p := range strings.SplitSeq(value, ",") {
				parts := strings.Split(p, ":")
				list = append(list, object{"type": parts[0], "value": atoi(t, parts[1]), "periodSeconds": atoi(t, parts[2])})
			}
			r["policies"] = list
		}
	}
	if len(r) == 0 {
		return nil
	}
	return r
}

func atoi(t testing.TB, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func text(t testing.TB, o object) string {
	t.Helper()
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// result is what the experiments' judge makes of it, as far as it matters here.
// Instants are known to half a second.
func (s script) result(t testing.TB) judge.Result {
	t.Helper()
	r := judge.Result{Length: time.Duration(s.n) * every, Started: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC), End: record.End{Reason: record.Completed}}
	if _, ok := s.rows["cut"]; ok {
		r.End = record.End{}
	}
	event := func(span steadystate.Span, first bool, kind, subject string, attrs map[string]string) {
		if first {
			kind, span = record.EventExists, steadystate.Span{To: time.Second / 10}
		}
		r.Events = append(r.Events, record.Event{Span: span, Kind: kind, Subject: subject, UID: subject, Attrs: attrs})
	}
	const hpa = "hpa/shop/checkout"
	if list := s.rows["reading"]; len(list) > 0 {
		c := judge.TimeSeries{Signal: "utilisation"}
		for i, value := range list {
			if value == "." {
				continue
			}
			sample := judge.Sample{Span: steadystate.Span{From: time.Duration(max(0, i-1)) * every, To: time.Duration(i) * every}, Unknown: value == "-"}
			if !sample.Unknown {
				sample.Bounds = steadystate.Exactly(float64(atoi(t, value)) / 100)
			}
			c.Samples = append(c.Samples, sample)
		}
		r.TimeSeries = map[string]judge.TimeSeries{hpa: c}
	}
	s.spec = maps.Clone(s.spec)
	scaled, seen, asked := "", "", ""
	var counts map[string]string
	var blind, dark time.Duration
	for i := range s.n {
		at := time.Duration(i) * every
		span := steadystate.Span{From: max(0, at-time.Second/2), To: at}
		is, before := s.at("fault", i) == "#", i > 0 && s.at("fault", i-1) == "#"
		switch edge := at - every/2; {
		case is && !before:
			r.Injections = append(r.Injections, judge.InjectionResult{Injection: record.Injection{Fault: "a spike", Span: steadystate.Instant(max(0, edge))}})
		case before && !is:
			r.Injections[len(r.Injections)-1].Removed = new(steadystate.Instant(edge))
		}
		if s.at("gone", i) == "x" {
			event(span, false, record.EventGone, hpa, nil)
			break
		}
		// The scale target is told before the autoscaler writes its status.
		wanted := s.at("wanted", i, "desired")
		next := map[string]string{
			record.AttrDesired: wanted, record.AttrExisting: s.at("existing", i, "wanted", "desired"),
			record.AttrReady: s.at("ready", i, "wanted", "desired"), record.AttrUpdated: wanted,
		}
		if s.at("dark", i) == "b" {
			dark = max(dark, at-every+time.Second/2)
		} else if _, off := s.rows["unfollowed"]; !off && !maps.Equal(counts, next) {
			sooner := steadystate.Span{From: span.From - time.Second/10, To: span.To - time.Second/10}
			if dark > 0 {
				sooner.From = dark
				event(sooner, false, record.EventGap, "watch/shop/deployments", map[string]string{record.AttrReason: "connection refused"})
			}
			event(sooner, i == 0, record.EventChanged, "deployment/shop/checkout", next)
			counts = next
		}
		desired, current := s.at("desired", i), s.at("desired", max(0, i-1))
		if n := s.at("wanted", max(0, i-1)); current == "0" && n != "." {
			current = n
		}
		if desired != current && s.at("hand", i) != "h" && (desired != "0" || s.at("active", i) != "F") {
			scaled = r.Started.Add(at).Format(time.RFC3339)
		} else if s.at("hand", i) == "h" {
			current = desired
		}
		if s.at("blind", i) == "b" {
			if blind == 0 {
				blind = at - every + time.Second/2
			}
			if i == s.n-1 {
				event(steadystate.Span{From: blind, To: r.Length}, false, record.EventGap, "watch/shop/horizontalpodautoscalers", map[string]string{record.AttrReason: "connection refused"})
			}
			continue
		}
		spec := object{"scaleTargetRef": object{"kind": "Deployment", "name": "checkout"}, "minReplicas": atoi(t, s.spec["min"]), "maxReplicas": atoi(t, s.spec["max"])}
		if m := s.at("max", i); m != "." {
			spec["maxReplicas"] = atoi(t, m)
		}
		if target := s.at("target", i); target != "." {
			s.spec["cpu"] = target + "%"
		}
		metrics, currents := []object{}, []object{}
		active := object{"type": "ScalingActive", "status": "True", "reason": "ValidMetricFound"}
		for _, name := range s.names {
			if s.at("dropped", i) == name {
				continue
			}
			metrics = append(metrics, s.metric(name, ""))
			if value := s.at(name, i); value == "-" {
				currents = append(currents, object{"type": ""})
			} else {
				currents = append(currents, s.metric(name, value))
			}
		}
		if s.at("active", i) == "F" {
			active = object{"type": "ScalingActive", "status": "False", "reason": "FailedGetResourceMetric", "message": "no metrics returned from resource metrics API"}
		}
		spec["metrics"] = metrics
		up, down := s.rules(t, "up"), s.rules(t, "down")
		if up != nil || down != nil {
			spec["behavior"] = object{"scaleUp": up, "scaleDown": down}
		}
		able := object{"type": "AbleToScale", "status": "True", "reason": "ReadyForNewScale"}
		switch s.at("able", i) {
		case "F":
			able = object{"type": "AbleToScale", "status": "False", "reason": "FailedUpdateScale", "message": "the HPA controller was unable to update the target scale"}
		case "S":
			able["reason"] = "ScaleUpStabilized"
		case "D":
			able["reason"] = "ScaleDownStabilized"
		}
		conditions := []object{able, active}
		switch s.at("limited", i) {
		case "M":
			conditions = append(conditions, object{"type": "ScalingLimited", "status": "True", "reason": "TooManyReplicas", "message": "the desired replica count is more than the maximum replica count"})
		case "U":
			conditions = append(conditions, object{"type": "ScalingLimited", "status": "True", "reason": "ScaleUpLimit", "message": "the desired replica count is increasing faster than the maximum scale rate"})
		case ".":
			conditions = append(conditions, object{"type": "ScalingLimited", "status": "False", "reason": "DesiredWithinRange", "message": "the desired count is within the acceptable range"})
		}
		status := object{"currentReplicas": atoi(t, current), "desiredReplicas": atoi(t, desired), "currentMetrics": currents, "conditions": conditions}
		if scaled != "" {
			status["lastScaleTime"] = scaled
		}
		attrs := map[string]string{record.AttrStatus: text(t, status)}
		if s := text(t, spec); s != asked {
			attrs[record.AttrSpec], asked = s, s
		} else if attrs[record.AttrStatus] == seen {
			continue
		}
		seen = attrs[record.AttrStatus]
		if blind > 0 {
			span.From = blind
			event(span, false, record.EventGap, "watch/shop/horizontalpodautoscalers", map[string]string{record.AttrReason: "connection refused"})
			blind = 0
		}
		event(span, i == 0, record.EventChanged, hpa, attrs)
	}
	return r
}

// findings are what is judged, each as "VERDICT LIMIT: TEXT; why".
func findings(t testing.TB, r judge.Result, limits ...string) []judge.Finding {
	t.Helper()
	x := autoscaling.Expect("checkout scales", "shop", "checkout", limits...)
	if err := (autoscaling.Evaluator{}).Validate(x); err != nil {
		t.Fatal(err)
	}
	list := autoscaling.Evaluator{}.Evaluate(x, r)
	for _, f := range list {
		if f.Verdict == steadystate.Unknown && f.Undecided == "" {
			t.Errorf("%s is unknown and does not say why", f.Limit)
		}
		if f.Text == "" {
			t.Errorf("%s does not say what was seen", f.Limit)
		}
	}
	return list
}

func line(f judge.Finding) string {
	return strings.TrimSuffix(fmt.Sprintf("%s %s: %s; %s", f.Verdict, f.Limit, f.Text, f.Undecided), "; ")
}
