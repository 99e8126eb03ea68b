package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/aftershockhq/aftershock/internal/near"
	"github.com/aftershockhq/aftershock/steadystate/redact"
)

// A Mistake is one thing that is wrong in a file, and where.
type Mistake struct {
	File    string
	Line    int
	Path    string // of the field, as in "services[checkout].load.rate"; empty: the file as a whole
	Message string // with the valid choices
}

// Error is "aftershock.yaml:12: services[checkout].load.rate: ...".
func (m Mistake) Error() string {
	place := Place{m.File, m.Line}.String()
	if m.Path != "" {
		place += ": " + m.Path
	}
	return place + ": " + m.Message
}

// Mistakes are all that is wrong, in the order of the file.
type Mistakes []Mistake

// Error has one mistake per line.
func (m Mistakes) Error() string {
	lines := make([]string, len(m))
	for i, mistake := range m {
		lines[i] = mistake.Error()
	}
	return strings.Join(lines, "\n")
}

// below reports whether one of them is at the path or within it.
func (m Mistakes) below(path string) bool {
	return slices.ContainsFunc(m, func(m Mistake) bool { return within(m.Path, path) })
}

// around reports whether one of them is at the path, within it or around it.
func (m Mistakes) around(path string) bool {
	return m.below(path) || slices.ContainsFunc(m, func(m Mistake) bool { return m.Path != "" && within(path, m.Path) })
}

func within(path, outer string) bool {
	rest, within := strings.CutPrefix(path, outer)
	return within && (rest == "" || outer == "" || rest[0] == '.' || rest[0] == '[')
}

// A cursor is where in a file something is, or should be.
type cursor struct {
	files sources
	path  *field.Path // nil: the file as a whole
	value *yaml.Node  // no alias; nil: the file has nothing there
	key   *yaml.Node  // what names the value: the key of a field, or the item of a list
	// line is where a mistake is reported: key, or where the file has nothing, or
	// the catalogue has it, the innermost around it that the file has.
	line *yaml.Node
}

// sources are the files of the catalogue's nodes; that of nil is the user's.
type sources map[*yaml.Node]string

func (s sources) of(n *yaml.Node) string {
	if file, ok := s[n]; ok {
		return file
	}
	return s[nil]
}

// standard reports whether a node is the catalogue's.
func (s sources) standard(n *yaml.Node) bool { _, ok := s[n]; return ok && n != nil }

// root is the cursor of a whole file.
func (s sources) root(n *yaml.Node) cursor { return cursor{files: s, value: n, key: n, line: n} }

// step goes from a cursor to what a key or an item has within it.
func (c cursor) step(path *field.Path, key, value *yaml.Node) cursor {
	c.path, c.value = path, nil
	if value == nil {
		return c
	}
	c.value, c.key = resolved(value), key
	if !c.files.standard(key) {
		c.line = key
	}
	return c
}

// with is the cursor with another value in its place, such as a merged one.
func (c cursor) with(value *yaml.Node) cursor {
	c.value = resolved(value)
	return c
}

// field is the cursor of a field.
func (c cursor) field(name string) cursor {
	path := field.NewPath(printable(name))
	if c.path != nil {
		path = c.path.Child(printable(name))
	}
	return c.entry(path, name)
}

// name is the cursor of what a name of the user's stands for.
func (c cursor) name(name string) cursor { return c.entry(c.path.Key(printable(name)), name) }

// printable is a name on one line, and as it is read.
func printable(name string) string {
	quoted := strconv.Quote(name)
	if name == "" {
		return quoted
	}
	return quoted[1 : len(quoted)-1]
}

func (c cursor) entry(path *field.Path, name string) cursor {
	if c.value != nil && c.value.Kind == yaml.MappingNode {
		if i := index(c.value, name); i >= 0 {
			return c.step(path, c.value.Content[i], c.value.Content[i+1])
		}
	}
	return c.step(path, nil, nil)
}

// userNamed are the fields whose entries the user names.
var userNamed = []string{"checks", "services", "experiments", "vary", "faults", "limits", "headers", "selector", "labels", "podSignals", "gamedays"}

// named is the cursor of a key and its value, whatever they are.
func (c cursor) named(key, value *yaml.Node) cursor {
	name := printable(key.Value)
	path := field.NewPath(name)
	switch {
	case c.path != nil && slices.Contains(userNamed, c.key.Value):
		path = c.path.Key(name)
	case c.path != nil:
		path = c.path.Child(name)
	}
	return c.step(path, key, value)
}

// item is the cursor of an item of a list.
func (c cursor) item(i int) cursor {
	if c.value != nil && c.value.Kind == yaml.SequenceNode && i < len(c.value.Content) {
		return c.step(c.path.Index(i), c.value.Content[i], c.value.Content[i])
	}
	return c.step(c.path.Index(i), nil, nil)
}

// items are the texts of a list, each with its cursor.
func (c cursor) items(texts []string) (list []reference) {
	for i, text := range texts {
		list = append(list, reference{text, c.item(i)})
	}
	return list
}

// A reference is a text that names something else, and where it is.
type reference struct {
	text string
	at   cursor
}

// Place is where the value is written, which may be in the catalogue.
func (c cursor) place() Place { return Place{File: c.files.of(c.key), Line: c.key.Line} }

// told is where the user's file has the value, or the innermost around it.
func (c cursor) told() Place { return Place{File: c.files[nil], Line: max(1, c.line.Line)} }

// is reports whether there is a value of this kind.
func (c cursor) is(kind yaml.Kind) bool { return c.value != nil && c.value.Kind == kind }

// null reports whether there is no value, or null.
func (c cursor) null() bool {
	return c.value == nil || c.value.Kind == yaml.ScalarNode && c.value.Tag == "!!null"
}

// what says what is there, for a message that wants something else.
func (c cursor) what() string {
	switch {
	case c.null():
		return "nothing"
	case c.is(yaml.MappingNode):
		return "a mapping"
	case c.is(yaml.SequenceNode):
		return "a list"
	}
	return strconv.Quote(c.value.Value)
}

// bad reports a mistake, once: what several experiments inherit is wrong once. It
// is not reported where the value, a part of it, what it is a part of or the service
// of an experiment could not be decoded: what seems to be wrong there is a consequence.
func (d *decoder) bad(at cursor, format string, args ...any) {
	m := Mistake{File: d.sources[nil], Line: max(1, at.line.Line), Message: d.shown(at, fmt.Sprintf(format, args...))}
	if at.path != nil {
		m.Path = unnamed.ReplaceAllString(at.path.String(), "$1...$2")
	}
	if name := d.emptied[at.value]; name != "" {
		m.Message += fmt.Sprintf("; environment variable %s is empty", name)
	}
	switch {
	case d.decoding:
		d.undecoded = append(d.undecoded, m)
	case d.hushed, d.undecoded.around(m.Path):
		return
	}
	d.found++
	if reported := (mistakeKey{at.line, m.Message}); !d.reported[reported] {
		d.reported[reported] = true
		d.mistakes = append(d.mistakes, m)
	}
}

// badName is bad of a name: whatever is wrong with what the name stands for.
func (d *decoder) badName(at cursor, format string, args ...any) {
	defer func(undecoded Mistakes) { d.undecoded = undecoded }(d.undecoded)
	d.undecoded = nil
	d.bad(at, format, args...)
}

// shown is a message without what may be secret in it: what is sent as a header or
// as credentials, values of environment variables, and parts of URLs.
func (d *decoder) shown(at cursor, message string) string {
	if at.path != nil && at.value != nil && secretive.MatchString(at.path.String()) && at.value.Value != "" {
		message = strings.ReplaceAll(message, at.value.Value, redact.Hidden)
	}
	for _, v := range d.variables {
		message = strings.ReplaceAll(message, v.value, "${"+v.name+"}")
	}
	return redact.Text(message)
}

// secretive are the paths of what is sent as a header or as credentials.
var secretive = regexp.MustCompile(`\bheaders\b|\bhttp_config\b`)

// unnamed matches the path of what is sent, from a character on that is in no name: a key
// in which the value follows the name, as in "Authorization: Bearer TOKEN".
var unnamed = regexp.MustCompile("(?s)((?:headers|http_config)\\b[-\\w.\\[\\]!#$%&'*+^`|~]*)[^-\\w.\\[\\]!#$%&'*+^`|~].*?(\\]?)$")

type mistakeKey struct {
	line    *yaml.Node
	message string
}

// maxChoices is how many choices a message lists.
const maxChoices = 50

// choices are names as a message lists them.
func choices(names []string) string { return strings.Join(head(names), ", ") }

// choicesFor are the choices in place of a name that is none of them.
func choicesFor(name string, names []string) string {
	return choices(names) + near.Meant(name, names)
}

func head(names []string) []string {
	if more := len(names) - maxChoices; more > 0 {
		return append(slices.Clone(names[:maxChoices]), fmt.Sprintf("and %d more", more))
	}
	return names
}

// resolved follows aliases.
func resolved(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// index is where a mapping has a key; -1: it has none.
func index(mapping *yaml.Node, key string) int {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return i
		}
	}
	return -1
}
