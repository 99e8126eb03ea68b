package config

import (
	"cmp"
	"encoding"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/api/resource"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/experiments/workers"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/redact"
	"github.com/aftershockhq/aftershock/steadystate/secret"
)

// An Objects says what a fault of an experiment would create or change in the
// cluster, as the Object of an experiments.Preview does, and what to be
// warned of. A nil object is not known.
type Objects func(p Planned, fault PlannedFault) (object any, warning string)

// Print prints the chosen experiments as YAML, with every reference resolved, and
// what the plan skips and why. Of a secret it prints where it is, and of other
// headers the names only: their values may be environment variables of the file.
// Objects may be nil. In queries CONTAINER stands for the container of a service
// whose own is not known yet.
func (p *Plan) Print(w io.Writer, chosen []Planned, objects Objects) error {
	var out planView
	out.Cluster = clusterView{p.Cluster.Context, p.Cluster.UID, p.Cluster.Namespace}
	if p.Prometheus != nil {
		out.Prometheus = redact.URL(p.Prometheus.URL)
	}
	out.Freeze = p.Freeze
	for _, e := range chosen {
		view, err := e.view(objects)
		if err != nil {
			return fmt.Errorf("print %s: %w", e.ID(), err)
		}
		out.Experiments = append(out.Experiments, view)
	}
	for _, s := range p.Skipped {
		out.Skipped = append(out.Skipped, skippedView(s))
	}
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	if err := e.Encode(written(reflect.ValueOf(out))); err != nil {
		return fmt.Errorf("print the plan: %w", err)
	}
	return e.Close()
}

// The views are what is printed, by the names of the file where it has them.
type (
	planView struct {
		Cluster     clusterView      `yaml:"cluster"`
		Prometheus  string           `yaml:"prometheus"`
		Freeze      *Freeze          `yaml:"freeze"`
		Experiments []experimentView `yaml:"experiments"`
		Skipped     []skippedView    `yaml:"skipped"`
	}
	clusterView struct {
		Context   string `yaml:"context"`
		UID       string `yaml:"uid"`
		Namespace string `yaml:"namespace"`
	}
	skippedView struct {
		ID  string `yaml:"id"`
		Why string `yaml:"why"`
	}
	experimentView struct {
		ID         string            `yaml:"id"`
		Title      string            `yaml:"title"`
		Place      string            `yaml:"place"`
		Hash       string            `yaml:"hash"`
		Service    serviceView       `yaml:"service"`
		Times      Times             `yaml:"times"`
		Notes      []string          `yaml:"notes"`
		Load       *loadView         `yaml:"load"`
		Checks     []checkView       `yaml:"checks"`
		Expects    []expectView      `yaml:"expects"`
		PodSignals map[string]string `yaml:"podSignals"` // those that it needs
		Faults     []*yaml.Node      `yaml:"faults"`
		Abort      abortView         `yaml:"abort"`
	}
	abortView struct {
		Blind  time.Duration   `yaml:"blind"`
		Unless []conditionView `yaml:"unless"`
	}
	conditionView struct {
		Name   string        `yaml:"name"`
		Place  string        `yaml:"place"`
		Signal string        `yaml:"signal"`
		Query  string        `yaml:"query"`
		Reduce string        `yaml:"reduce"`
		Good   text          `yaml:"good"`
		For    time.Duration `yaml:"for"`
	}
	serviceView struct {
		Name      string            `yaml:"name"`
		Namespace string            `yaml:"namespace"`
		Workload  text              `yaml:"workload"`
		Selector  map[string]string `yaml:"selector"`
		Container string            `yaml:"container"`
		Service   string            `yaml:"service"`
	}
	loadView struct {
		URL           string                   `yaml:"url"`
		Targets       string                   `yaml:"targets"`
		Rate          load.Shape               `yaml:"rate"`
		Method        string                   `yaml:"method"`
		Headers       []string                 `yaml:"headers"` // their names
		SecretHeaders map[string]secret.Secret `yaml:"secretHeaders"`
		HeaderFiles   []string                 `yaml:"headerFiles"`
		BodyFile      string                   `yaml:"bodyFile"`
		Timeout       time.Duration            `yaml:"timeout"`
		BackendHeader string                   `yaml:"backendHeader"`
		Success       Success                  `yaml:"success"`
		Reuse         bool                     `yaml:"reuse"`
		ReuseRate     load.Rate                `yaml:"reuseRate"`
		Workers       *workers.Pods            `yaml:"workers"`
	}
	checkView struct {
		Name    string        `yaml:"name"`
		Place   string        `yaml:"place"`
		Signal  string        `yaml:"signal"`
		Query   string        `yaml:"query"`
		Reduce  string        `yaml:"reduce"`
		Every   time.Duration `yaml:"every"`
		Good    text          `yaml:"good"`
		Allowed text          `yaml:"allowed"`
		Limits  []text        `yaml:"limits"`
	}
	expectView struct {
		Name   string `yaml:"name"`
		Limits []text `yaml:"limits"`
	}
	// text is written without quotes where YAML lets it.
	text string
)

func (p Planned) view(objects Objects) (experimentView, error) {
	t := p.Target
	subject := t.Subject(cmp.Or(t.Container, "CONTAINER"))
	v := experimentView{
		ID: p.ID(), Title: p.Title, Place: p.Place.String(), Hash: p.Hash, Times: p.Times, Notes: p.Notes,
		Service: serviceView{t.Name, t.Namespace, text(t.Workload.Text()), t.Selector, t.Container, t.Service.Service},
		Load:    p.loadView(), PodSignals: map[string]string{},
	}
	for _, c := range p.Checks {
		view := checkView{Name: c.Name, Place: c.Place.String(), Signal: c.Signal, Good: text(Good{c.Good}.text())}
		if c.Query != nil {
			query, err := c.Query.Parse(subject)
			if err != nil {
				return v, err
			}
			view.Signal, view.Query, view.Reduce, view.Every = "", query.String(), string(c.Query.Reduce), c.Query.Every
		}
		if c.Allowed > 0 {
			view.Allowed = text(chaosmesh.Share(c.Allowed).String())
		}
		for _, l := range c.Limits {
			view.Limits = append(view.Limits, text(l.String()))
		}
		v.Checks = append(v.Checks, view)
	}
	if len(p.Abort.Unless) > 0 {
		v.Abort.Blind = p.Abort.Blind
	}
	for _, c := range p.Abort.Unless {
		view := conditionView{Name: c.Name, Place: c.Place.String(), Signal: c.Signal, Good: text(Good{c.Good}.text()), For: c.For}
		if c.Query != nil {
			query, err := c.Query.Parse(subject)
			if err != nil {
				return v, err
			}
			view.Signal, view.Query, view.Reduce = "", query.String(), string(c.Query.Reduce)
		}
		v.Abort.Unless = append(v.Abort.Unless, view)
	}
	for _, e := range p.Expects {
		view := expectView{Name: e.Name}
		for _, l := range e.Limits {
			view.Limits = append(view.Limits, text(l))
		}
		v.Expects = append(v.Expects, view)
	}
	for _, name := range p.Signals() {
		query, err := t.Signals[name].Parse(subject)
		if err != nil {
			return v, err
		}
		v.PodSignals[name] = query.String()
	}
	for _, f := range p.Faults {
		view := faultView(f.Name, f.Fault)
		if objects != nil {
			object, warning := objects(p, f)
			if object != nil {
				node, err := objectNode(object)
				if err != nil {
					return v, fmt.Errorf("fault %s: %w", f.Name, err)
				}
				put(view, "object", node)
			}
			put(view, "warning", written(reflect.ValueOf(warning)))
		}
		v.Faults = append(v.Faults, view)
	}
	return v, nil
}

func (p Planned) loadView() *loadView {
	h := p.Load
	if h == nil {
		return nil
	}
	v := &loadView{
		URL: redact.URL(h.URL), Targets: h.Targets, Rate: h.Shape, Method: h.Method, SecretHeaders: h.Headers.Secrets,
		HeaderFiles: h.Headers.Files, BodyFile: h.BodyFile, Timeout: h.Timeout, BackendHeader: h.BackendHeader,
		Reuse: h.Reuse, ReuseRate: h.ReuseRate, Workers: p.Workers, Headers: slices.Sorted(maps.Keys(h.Headers.Values)),
	}
	v.Success.Status, v.Success.Body.Contains = h.Success.Status, h.Success.Contains
	return v
}

// faultView is a fault under its name, as it is written.
func faultView(name string, f Fault) *yaml.Node {
	view := &yaml.Node{Kind: yaml.MappingNode}
	put(view, "name", written(reflect.ValueOf(name)))
	spec := written(reflect.ValueOf(f.Spec))
	if spec == nil {
		spec = &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
	}
	if f.To != "" {
		put(spec, "to", written(reflect.ValueOf(f.To)))
	}
	put(view, f.Kind, spec)
	if timing := written(reflect.ValueOf(f)); timing != nil {
		view.Content = append(view.Content, timing.Content...)
	}
	return view
}

// objectNode is an object of the API as YAML.
func objectNode(object any) (*yaml.Node, error) {
	text, err := sigsyaml.Marshal(object)
	if err != nil {
		return nil, err
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	root := document.Content[0]
	// What is created has no status yet.
	if i := index(root, "status"); i >= 0 {
		root.Content = slices.Delete(root.Content, i, i+2)
	}
	return root, nil
}

// put adds a field to a mapping; nil says nothing.
func put(mapping *yaml.Node, name string, value *yaml.Node) {
	if value != nil {
		mapping.Content = append(mapping.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: name}, value)
	}
}

// written is a value as a file would write it, the way back of [decoder.into]:
// without the fields that say nothing. Nil says nothing at all.
func written(v reflect.Value) *yaml.Node {
	plain := func(text string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: text} }
	switch {
	case !v.IsValid(), v.IsZero():
		return nil
	case v.Type() == reflect.TypeFor[*yaml.Node]():
		return v.Interface().(*yaml.Node)
	case v.Kind() == reflect.Pointer, v.Kind() == reflect.Interface:
		return written(v.Elem())
	}
	switch own := v.Interface().(type) {
	case time.Duration:
		return plain(steadystate.FormatDuration(own))
	case resource.Quantity:
		return plain(own.String())
	case faults.Count:
		return plain(string(own))
	case text:
		return plain(string(own))
	case encoding.TextMarshaler:
		text, err := own.MarshalText()
		if err != nil {
			panic(err) // it was read from text
		}
		return plain(string(text))
	}
	node := &yaml.Node{}
	switch v.Kind() {
	case reflect.Struct:
		node.Kind = yaml.MappingNode
		for _, f := range fieldsOf(v.Type()) {
			put(node, f.name, written(v.FieldByIndex(f.index)))
		}
	case reflect.Map:
		node.Kind = yaml.MappingNode
		for _, key := range slices.SortedFunc(slices.Values(v.MapKeys()), func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) }) {
			put(node, key.String(), written(v.MapIndex(key)))
		}
	case reflect.Slice:
		node.Kind = yaml.SequenceNode
		for i := range v.Len() {
			node.Content = append(node.Content, written(v.Index(i)))
		}
	default:
		if err := node.Encode(v.Interface()); err != nil {
			panic(err) // a text, a number or a truth
		}
		return node
	}
	if len(node.Content) == 0 {
		return nil
	}
	if onOneLine(node) {
		node.Style = yaml.FlowStyle
	}
	return node
}

// onOneLine reports whether a node is short and has only scalars in it.
func onOneLine(n *yaml.Node) bool {
	length := 0
	for _, inner := range n.Content {
		length += len(inner.Value) + 2
		if inner.Kind != yaml.ScalarNode || strings.Contains(inner.Value, "\n") {
			return false
		}
	}
	return length <= 100
}
