package config

import (
	"bytes"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/aftershockhq/aftershock/catalog"
	"github.com/aftershockhq/aftershock/internal/near"
)

// A Catalog is the catalogue of the standard suites, for people: what there is
// and how it is written.
type Catalog struct {
	Experiments []StandardExperiment // in the order in which they run
	Checks      []StandardCheck
}

// A StandardExperiment is an experiment of the catalogue.
type StandardExperiment struct {
	ID     string   // SUITE/EXPERIMENT
	Title  string   // with SERVICE for the name of the service
	Faults []string // as they are written: "networkDelay {pods: all, latency: 200ms}"
	// Needs are what the service must have: "load", "autoscaler",
	// "podSignals.calls". Without one of them the experiment is left out.
	Needs []string
	YAML  string // as an experiment of a file's own
}

// A StandardCheck is a check of the catalogue.
type StandardCheck struct {
	ID     string
	Signal string // "query", if it asks Prometheus
	Good   string
	Limits []string
	YAML   string // as a check of a file's own
}

// Catalogue is the catalogue of this program.
func Catalogue() (c Catalog) {
	d := newDecoder("")
	all := d.catalogue()
	for _, id := range all.Experiments.Names {
		at := all.Experiments.at[id]
		var e Experiment
		d.value(at, &e)
		s := StandardExperiment{
			ID: id, Title: strings.ReplaceAll(e.Title, "{{.Service}}", "SERVICE"), Needs: e.needsInWords(),
			YAML: entry(at.key, at.value),
		}
		for _, name := range e.Faults.Names {
			s.Faults = append(s.Faults, e.Faults.Values[name].inWords())
		}
		c.Experiments = append(c.Experiments, s)
	}
	for _, id := range all.Checks.Names {
		check := all.Checks.Values[id]
		s := StandardCheck{ID: id, Signal: check.Signal, Good: check.Good.text(), YAML: entry(all.Checks.at[id].key, all.Checks.at[id].value)}
		if check.Query != "" {
			s.Signal = "query"
		}
		for _, l := range check.Limits {
			s.Limits = append(s.Limits, l.String())
		}
		c.Checks = append(c.Checks, s)
	}
	if len(d.mistakes) > 0 {
		panic(d.mistakes) // it is part of the program
	}
	return c
}

// Suites are the names of the suites.
func (c Catalog) Suites() (names []string) {
	for _, e := range c.Experiments {
		if suite, _, _ := strings.Cut(e.ID, "/"); !slices.Contains(names, suite) {
			names = append(names, suite)
		}
	}
	return names
}

// Names are all that [Catalog.YAML] takes: suites, experiments and checks.
func (c Catalog) Names() []string {
	names := c.Suites()
	for _, e := range c.Experiments {
		names = append(names, e.ID)
	}
	for _, check := range c.Checks {
		names = append(names, check.ID)
	}
	return names
}

// YAML is a suite, an experiment or a check, to be pasted into a file as one of
// its own: under a name without a slash, and runnable as it stands. The error
// lists the names.
func (c Catalog) YAML(name string) (string, error) {
	for _, check := range c.Checks {
		if check.ID == name {
			return "# A copy of " + name + ", for the checks of a file.\nchecks:\n" + check.YAML, nil
		}
	}
	var copies []string
	for _, e := range c.Experiments {
		if suite, _, _ := strings.Cut(e.ID, "/"); e.ID == name || suite == name {
			copies = append(copies, e.YAML)
		}
	}
	if len(copies) == 0 {
		return "", fmt.Errorf("the catalogue has no %q; \"aftershock catalog\" lists what it has%s", name, near.Meant(name, c.Names()))
	}
	about := ""
	if slices.Contains(c.Suites(), name) {
		about = comment(name + ".yaml")
	}
	return "# A copy of " + name + ", for the experiments of a file; with several services each needs \"service: NAME\".\n" + about + "experiments:\n" + strings.Join(copies, ""), nil
}

// comment is what a file of the catalogue begins with.
func comment(path string) string {
	text, err := fs.ReadFile(catalog.FS, path)
	if err != nil {
		panic(err) // it is part of the program
	}
	end := 0
	for line := range bytes.Lines(text) {
		if !bytes.HasPrefix(line, []byte("#")) {
			break
		}
		end += len(line)
	}
	return string(text[:end])
}

// entry is a key and its value as YAML, with their comments: indented as below
// a section, under a name without a slash.
func entry(key, value *yaml.Node) string {
	name := *key
	name.Value = strings.ReplaceAll(key.Value, "/", "-")
	var section yaml.Node
	section.SetString("section")
	var text strings.Builder
	e := yaml.NewEncoder(&text)
	e.SetIndent(2)
	err := e.Encode(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{
		&section, {Kind: yaml.MappingNode, Content: []*yaml.Node{&name, whole(value)}},
	}})
	if err != nil {
		panic(err) // it was decoded
	}
	_, body, _ := strings.Cut(text.String(), "\n")
	return body
}

// whole is a copy of a node with the nodes that aliases stand for in their place.
func whole(n *yaml.Node) *yaml.Node {
	own := *resolved(n)
	own.Anchor, own.Content = "", nil
	for _, inner := range resolved(n).Content {
		own.Content = append(own.Content, whole(inner))
	}
	return &own
}

// needsInWords are the needs with those that do not depend on the fault alone.
func (e Experiment) needsInWords() []string {
	needs := e.Needs()
	ofPods := slices.ContainsFunc(needs, func(n string) bool { return strings.HasPrefix(n, "podSignals.") })
	needs = slices.DeleteFunc(needs, func(n string) bool { return podDefaults[strings.TrimPrefix(n, "podSignals.")] != "" })
	if len(e.Faults.Names) > 0 && !slices.Contains(needs, "load") {
		needs = append([]string{"load or traffic"}, needs...)
	}
	if ofPods {
		needs = append(needs, "prometheus")
	}
	return needs
}

// inWords is the fault in a line, as it is written.
func (f Fault) inWords() string {
	view := faultView("", f)
	kind, spec := view.Content[0], view.Content[1]
	parts := []string{kind.Value}
	if len(spec.Content) > 0 {
		spec.Style = yaml.FlowStyle
		parts[0] += " " + encoded(spec)
	}
	for i := 2; i+1 < len(view.Content); i += 2 {
		value := view.Content[i+1]
		if value.Kind != yaml.ScalarNode {
			value.Style = yaml.FlowStyle
		}
		parts = append(parts, view.Content[i].Value+" "+encoded(value))
	}
	return strings.Join(parts, ", ")
}

func encoded(n *yaml.Node) string {
	text, err := yaml.Marshal(n)
	if err != nil {
		panic(err) // it was made of plain values
	}
	return strings.TrimSpace(string(text))
}

// text is "value <= 1s".
func (g Good) text() string {
	if !g.IsSet() {
		return ""
	}
	return "value " + g.String()
}

// MarshalText writes the multiple as [Multiple.UnmarshalText] reads it.
func (m Multiple) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%gx", float64(m)), nil }
