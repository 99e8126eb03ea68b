package config

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/aftershockhq/aftershock/catalog"
)

// Read reads a configuration file, resolves its references and checks all that
// can be checked without a cluster. The error is [Mistakes], all of them.
func Read(path string) (*Plan, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return Parse(path, text)
}

// Parse is Read for a text; paths in it are relative to path's directory.
func Parse(path string, text []byte) (*Plan, error) {
	plan, mistakes := planOf(path, text)
	if len(mistakes) > 0 {
		return nil, mistakes
	}
	return plan, nil
}

// ReadForSweep is Read for what only removes things: a mistake elsewhere than in
// cluster and allow must not keep a fault in place. Those are in others, and the
// plan lacks what they are about.
func ReadForSweep(path string) (plan *Plan, others Mistakes, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read configuration: %w", err)
	}
	plan, mistakes := planOf(path, text)
	for _, m := range mistakes {
		section, _, _ := strings.Cut(m.Path, ".")
		if section == "" || section == "apiVersion" || section == "cluster" || section == "allow" {
			return nil, nil, mistakes
		}
	}
	plan.Prometheus = nil // a sweep asks none
	return plan, mistakes, nil
}

func planOf(path string, text []byte) (*Plan, Mistakes) {
	d := newDecoder(path)
	r := resolver{decoder: d, plan: &Plan{Path: path, SHA256: fmt.Sprintf("%x", sha256.Sum256(text))}, catalogue: d.catalogue(), merged: map[string]cursor{}, contents: map[string]string{}}
	if root := d.read(string(text)); root.value != nil {
		r.plan.root = root
		d.while(func() { d.expand(root, map[*yaml.Node]bool{}) })
		if r.version(root) {
			d.value(root, &r.plan.File)
			r.resolve(root)
		}
	}
	slices.SortStableFunc(d.mistakes, func(a, b Mistake) int { return a.Line - b.Line })
	return r.plan, d.mistakes
}

// maxNodes is how many values a file may have, with those that its aliases
// repeat: nine lines of aliases of aliases are a billion values.
const maxNodes = 20_000

// read parses the only document of a text. Fields that begin with x- hold
// anchors and are dropped. The value of the cursor is nil where the text is none.
func (d *decoder) read(text string) (root cursor) {
	none := d.sources.root(&yaml.Node{Line: 1})
	none.value = nil
	documents := yaml.NewDecoder(strings.NewReader(text))
	var document, second yaml.Node
	switch err := documents.Decode(&document); {
	case errors.Is(err, io.EOF) || err == nil && d.sources.root(document.Content[0]).null():
		d.bad(none, "the file is empty; remove it, and write a first one with \"aftershock init\"")
		return none
	case err != nil:
		d.notYAML(none, text, err)
		return none
	}
	root = d.sources.root(resolved(document.Content[0]))
	switch err := documents.Decode(&second); {
	case err == nil:
		d.bad(d.sources.root(&second), "a second document; keep the first and remove the rest")
		return none
	case !errors.Is(err, io.EOF):
		d.notYAML(none, text, err)
		return none
	case !root.is(yaml.MappingNode):
		d.bad(root, "want fields such as apiVersion, cluster and services, not %s", root.what())
		return none
	case d.measure(root, map[*yaml.Node]int{}) > maxNodes:
		d.bad(root, "the file has more than %d values, with those that its aliases repeat", maxNodes)
	}
	if len(d.mistakes) > 0 {
		return none
	}
	d.flatten(root.value, map[*yaml.Node]bool{})
	content := root.value.Content
	root.value.Content = nil
	for i := 0; i < len(content); i += 2 {
		if !strings.HasPrefix(content[i].Value, "x-") {
			root.value.Content = append(root.value.Content, content[i], content[i+1])
		}
	}
	return root
}

var syntax = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?(.*)$`)

// advice is what to do about a mistake that the YAML library reports, by what its message
// has.
var advice = []struct{ of, do string }{
	{"cannot start any token", "indent with spaces, and put a text into quotes that begins with one of > % @ `"},
	{"did not find expected key", "check its indent, and that of the lines before it"},
	{"did not find expected '-' indicator", "check its indent, and that of the lines before it"},
	{"mapping values are not allowed", "put a text with \": \" in it into quotes, and check its indent"},
	{"did not find expected ','", "close the bracket, or put a comma between two values"},
	{"did not find expected node content", "close the bracket, or give the value that is missing"},
	{"unexpected end of stream", "close the quotes"},
	{"control characters are not allowed", "remove it, or write it as \\u0007 in double quotes"},
	{"unknown anchor", "name an anchor that a line above it has, as in &NAME, or write the value itself"},
}

// advised is a message of the YAML library with what to do.
func advised(message string) string {
	for _, row := range advice {
		if strings.Contains(message, row.of) {
			return message + "; " + row.do
		}
	}
	return message
}

// notYAML reports an error of the YAML library. It may name the line on which what
// is wrong began, or none; the first line with which the text is no longer YAML,
// also with those after it, is the one.
func (d *decoder) notYAML(at cursor, text string, err error) {
	m := syntax.FindStringSubmatch(err.Error())
	said, _ := strconv.Atoi(m[1])
	lines, good := strings.SplitAfter(text, "\n"), 0
	for n := range min(len(lines), maxPrefixes) {
		if isYAML(strings.Join(lines[:n], "")) {
			good = n
		}
	}
	at.line = &yaml.Node{Line: min(max(said, good+1), len(lines))}
	d.bad(at, "not YAML: %s", advised(m[2]))
}

// maxPrefixes bounds the search of [decoder.notYAML], which reads the text once for
// each line.
const maxPrefixes = 500

func isYAML(text string) bool {
	var document yaml.Node
	documents := yaml.NewDecoder(strings.NewReader(text))
	for {
		if err := documents.Decode(&document); err != nil {
			return errors.Is(err, io.EOF)
		}
	}
}

// measure is how many values there are at a cursor, aliases followed. It reports
// what YAML can say and this language cannot.
func (d *decoder) measure(at cursor, known map[*yaml.Node]int) (size int) {
	n := at.value
	if size, ok := known[n]; ok {
		if size == 0 {
			d.bad(at, "an alias refers to itself")
		}
		return size
	}
	known[n] = 0
	if !slices.Contains([]string{"!!map", "!!seq", "!!str", "!!int", "!!float", "!!bool", "!!null", "!!timestamp"}, n.ShortTag()) {
		d.bad(at, "the tag %s has no meaning here; remove it", n.Tag)
	}
	size = 1
	add := func(inner cursor) { size = min(size+d.measure(inner, known), maxNodes+1) }
	switch n.Kind {
	case yaml.SequenceNode:
		for i := range n.Content {
			add(at.item(i))
		}
	case yaml.MappingNode:
		seen := map[string]int{}
		for i := 0; i < len(n.Content); i += 2 {
			key := n.Content[i]
			inner := at.named(key, n.Content[i+1])
			switch {
			case key.Kind != yaml.ScalarNode:
				of := at
				of.line = key
				d.bad(of, "want a text as the name of a field, not %s", map[yaml.Kind]string{yaml.MappingNode: "a mapping", yaml.SequenceNode: "a list", yaml.AliasNode: "an alias"}[key.Kind])
			case seen[key.Value] > 0:
				d.bad(inner, "is a duplicate of line %d; keep one of the two", seen[key.Value])
			case key.ShortTag() == "!!merge" && !mappings(inner.value):
				what := inner.what()
				for i := range inner.value.Content { // of a list
					if item := inner.item(i); !item.is(yaml.MappingNode) {
						what = "a list with " + item.what()
						break
					}
				}
				d.bad(inner, "want a mapping, or a list of mappings, as in <<: *NAME, not %s", what)
			}
			seen[key.Value] = key.Line
			add(inner)
		}
	}
	known[n] = size
	return size
}

func mappings(n *yaml.Node) bool {
	if n.Kind != yaml.SequenceNode {
		return n.Kind == yaml.MappingNode
	}
	return !slices.ContainsFunc(n.Content, func(item *yaml.Node) bool { return resolved(item).Kind != yaml.MappingNode })
}

// flatten puts what a merge key ("<<: *name") refers to in its place. What the
// mapping says itself stays.
func (d *decoder) flatten(n *yaml.Node, done map[*yaml.Node]bool) {
	if n = resolved(n); done[n] {
		return
	}
	done[n] = true
	for _, inner := range n.Content {
		d.flatten(inner, done)
	}
	if n.Kind != yaml.MappingNode {
		return
	}
	content := n.Content
	n.Content = nil
	var from []*yaml.Node
	said := map[string]bool{}
	for i := 0; i < len(content); i += 2 {
		switch value := resolved(content[i+1]); {
		case content[i].ShortTag() != "!!merge":
			n.Content = append(n.Content, content[i], content[i+1])
			said[content[i].Value] = true
		case value.Kind == yaml.MappingNode:
			from = append(from, value)
		default:
			for _, item := range value.Content {
				from = append(from, resolved(item))
			}
		}
	}
	for _, mapping := range from {
		for i := 0; i < len(mapping.Content); i += 2 {
			if key := mapping.Content[i]; !said[key.Value] {
				n.Content = append(n.Content, key, mapping.Content[i+1])
				said[key.Value] = true
			}
		}
	}
}

// catalogue is the catalogue of the standard suites, as it is written.
func (d *decoder) catalogue() (all File) {
	for _, path := range catalog.Files {
		text, err := fs.ReadFile(catalog.FS, path)
		if err != nil {
			panic(err) // it is part of the program
		}
		own := newDecoder("catalog/" + path)
		root := own.read(string(text))
		var file File
		own.value(root, &file)
		if len(own.mistakes) > 0 {
			panic(own.mistakes)
		}
		d.own(root.value, own.sources[nil])
		root.files = d.sources
		for _, name := range file.Checks.Names {
			all.Checks.set(name, root.field("checks").name(name), file.Checks.Values[name])
		}
		for _, name := range file.Experiments.Names {
			all.Experiments.set(name, root.field("experiments").name(name), file.Experiments.Values[name])
		}
	}
	return all
}

// own notes which file the nodes are from.
func (d *decoder) own(n *yaml.Node, file string) {
	if _, done := d.sources[n]; done {
		return
	}
	d.sources[n] = file
	for _, inner := range n.Content {
		d.own(inner, file)
	}
	if n.Alias != nil {
		d.own(n.Alias, file)
	}
}

// shortest is the length of a variable's value that messages do not show: a shorter
// one is in any text, and is no secret.
const shortest = 4

// expand puts the values of environment variables in place of ${NAME}, and $ in
// place of $$, in values that were parsed: no value can become more of the file
// than that.
func (d *decoder) expand(at cursor, done map[*yaml.Node]bool) {
	if done[at.value] {
		return
	}
	done[at.value] = true
	switch at.value.Kind {
	case yaml.ScalarNode:
		text, used, err := expand(at.value.Value, os.LookupEnv)
		if err != nil {
			d.fail(at, err)
			at.value.SetString("")
			at.value.Tag = "!!null" // nothing more is wrong with it
			return
		}
		at.value.Value = text
		if text == "" && len(used) > 0 {
			d.emptied[at.value] = used[0].name
		}
		for _, v := range used {
			if len(v.value) >= shortest {
				d.variables = append(d.variables, v)
			}
		}
		slices.SortStableFunc(d.variables, func(a, b envVar) int { return len(b.value) - len(a.value) })
	case yaml.MappingNode:
		for i := 0; i < len(at.value.Content); i += 2 {
			d.expand(at.named(at.value.Content[i], at.value.Content[i+1]), done)
		}
	case yaml.SequenceNode:
		for i := range at.value.Content {
			d.expand(at.item(i), done)
		}
	}
}
