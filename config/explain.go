package config

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/aftershockhq/aftershock/internal/near"
)

// A Field is a field of the configuration file, in words.
type Field struct {
	Path        string // with NAME for a name of the user's own
	Name        string
	Type        string // "duration", "list of limit", "mapping"
	Required    bool
	Default     string // as it is written, or in words; empty: there is none
	Description string
	Examples    []string // as they are written
	Choices     []string // all that may be written; empty: that is no list
	Fields      []Field  // of a mapping, in the order of the reference, without theirs

	of string // the definition in the schema
}

// anyName stands in a path for a name of the user's own.
const anyName = "NAME"

// Explain is the field at a path, as in "services.checkout.load" or, with any name
// of the user's own, "checks.NAME.good"; "services[checkout].load", as mistakes have
// it, is taken too. The empty path is the whole file. The error lists the choices.
func Explain(path string) (Field, error) {
	at, walked := explained{fileSchema()}, ""
	for _, name := range segments(path) {
		next, ok := at.step(name)
		if !ok {
			return Field{}, at.unknown(walked, name)
		}
		for at.items() != nil {
			at = about(at.items())
		}
		if !at.has(name) {
			name = anyName
		}
		at, walked = next, join(walked, name)
	}
	f := at.field(walked)
	for at.items() != nil {
		at = about(at.items())
	}
	for _, name := range at.names() {
		inner, _ := at.step(name)
		f.Fields = append(f.Fields, inner.field(join(walked, name)))
	}
	return f, nil
}

// CompletePath are the paths that begin as typed does, for shells: one step
// further than it.
func CompletePath(typed string) (paths []string) {
	outer, last := "", typed
	if i := strings.LastIndex(typed, "."); i >= 0 {
		outer, last = typed[:i], typed[i+1:]
	}
	at := explained{fileSchema()}
	for _, name := range segments(outer) {
		next, ok := at.step(name)
		if !ok {
			return nil
		}
		at = next
	}
	names := at.names()
	if len(names) == 0 && at.named() != nil {
		names = []string{anyName}
	}
	for _, name := range names {
		if strings.HasPrefix(name, last) {
			paths = append(paths, join(outer, name))
		}
	}
	return paths
}

func join(path, name string) string { return strings.TrimPrefix(path+"."+name, ".") }

var segment = regexp.MustCompile(`\[([^\]]*)\]|([^.\[]+)`)

// segments are the steps of a path. The items of a list have no step: what holds of
// one holds of each.
func segments(path string) (names []string) {
	for _, m := range segment.FindAllStringSubmatch(path, -1) {
		name := m[1] + m[2]
		if strings.Trim(name, "0123456789") != "" || m[1] == "" {
			names = append(names, name)
		}
	}
	return names
}

// fileSchema is the schema of a file.
var fileSchema = sync.OnceValue(func() *schema {
	var s schema
	if err := json.Unmarshal([]byte(schemaText), &s); err != nil {
		panic(err) // it is part of the program
	}
	return &s
})

// explained is what says of a value what it is: schemas that all hold of it.
type explained []*schema

// about follows references.
func about(s *schema) (list explained) {
	list = explained{s}
	if name, ok := strings.CutPrefix(s.Ref, definitions); ok {
		list = append(list, about(fileSchema().Defs[name])...)
	}
	for _, inner := range slices.Concat(s.AllOf, s.AnyOf) {
		if inner.Ref != "" {
			list = append(list, about(inner)...)
		}
	}
	return list
}

const definitions = "#/$defs/"

// names are the fields of a mapping whose names are given.
func (e explained) names() []string {
	for _, s := range e {
		if !s.Properties.IsZero() {
			return s.Properties.names
		}
	}
	return nil
}

func (e explained) has(name string) bool { return slices.Contains(e.names(), name) }

// named is the schema of the values of a mapping whose names are the user's, nil
// where there is no such mapping.
func (e explained) named() *schema {
	for _, s := range e {
		if s.AdditionalProperties != nil && s.AdditionalProperties.schema != nil {
			return s.AdditionalProperties.schema
		}
	}
	return nil
}

// items is the schema of the items of a list, nil where there is none.
func (e explained) items() *schema {
	for _, s := range e {
		if s.Items != nil {
			return s.Items
		}
	}
	return nil
}

// step is what there is at a name.
func (e explained) step(name string) (inner explained, ok bool) {
	switch {
	case e.has(name):
		for _, s := range e {
			if p := s.Properties.of[name]; p != nil {
				inner = append(inner, about(p)...)
			}
		}
		return inner, true
	case e.items() != nil:
		return about(e.items()).step(name)
	case len(e.names()) == 0 && e.named() != nil:
		return about(e.named()), true
	}
	return nil, false
}

func (e explained) unknown(path, name string) error {
	for e.items() != nil {
		e = about(e.items())
	}
	switch {
	case len(e.names()) > 0 && path == "":
		return fmt.Errorf("no field %q; fields: %s%s", name, strings.Join(e.names(), ", "), near.Meant(name, e.names()))
	case len(e.names()) > 0:
		return fmt.Errorf("%s has no field %q; fields: %s%s", path, name, strings.Join(e.names(), ", "), near.Meant(name, e.names()))
	}
	return fmt.Errorf("%s has no fields: it is of type %s", path, e.words())
}

// words are the type.
func (e explained) words() string {
	for _, s := range e {
		switch {
		case len(s.AnyOf) > 1 && s.AnyOf[0].Ref != "" && s.AnyOf[1].Ref != "":
			return about(s.AnyOf[0]).words() + " or " + about(s.AnyOf[1]).words()
		case s.Title != "" && !slices.Contains(s.Type, "object"):
			return s.Title
		case !s.Properties.IsZero():
			return "mapping"
		case s.Items != nil:
			return "list of " + about(s.Items).words()
		case s.AdditionalProperties != nil && s.AdditionalProperties.schema != nil:
			return "mapping of names to " + about(s.AdditionalProperties.schema).words()
		}
	}
	return "mapping" // without fields
}

// defaulted is where a description says what a field is if it is not said.
var defaulted = regexp.MustCompile(`\s*\bDefault: (.+?)\.(?:\s|$)`)

// sentence is where it says that it must be said, which the schema says too.
var sentence = regexp.MustCompile(`\s*\bRequired\.(?:\s|$)`)

func (e explained) field(path string) Field {
	f := Field{Path: path, Name: path[strings.LastIndex(path, ".")+1:], Type: e.words()}
	for _, s := range e {
		if f.Description == "" {
			f.Description = s.Description
		}
		if f.of == "" {
			f.of = strings.TrimPrefix(s.Ref, definitions)
		}
		if len(f.Examples) == 0 {
			for _, example := range s.Examples {
				f.Examples = append(f.Examples, flow(example))
			}
		}
		for _, alternative := range append([]*schema{s}, s.AnyOf...) {
			for _, choice := range alternative.Enum {
				if text, ok := choice.(string); ok && text != "" {
					f.Choices = append(f.Choices, text)
				}
			}
		}
	}
	if m := defaulted.FindStringSubmatch(f.Description); m != nil {
		f.Default = m[1]
	}
	f.Required = sentence.MatchString(f.Description)
	f.Description = strings.TrimSpace(sentence.ReplaceAllString(defaulted.ReplaceAllString(f.Description, " "), " "))
	return f
}

// flow is a value on one line of YAML.
func flow(value any) string {
	var n yaml.Node
	if err := n.Encode(value); err != nil {
		panic(err) // it was read from JSON
	}
	if n.Kind == yaml.ScalarNode {
		return n.Value
	}
	n.Style = yaml.FlowStyle
	return strings.ReplaceAll(encoded(&n), "\n", " ")
}
