package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// Whatever the text, there is a plan that can run, or there are mistakes that name
// a line of it, and it does not take long.
func FuzzParse(f *testing.F) {
	environment(f)
	paths, err := filepath.Glob("testdata/malformed/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range append(paths, "testdata/aftershock.yaml") {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		began := time.Now()
		plan, err := Parse("testdata/aftershock.yaml", text)
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("took %s", took)
		}
		var mistakes Mistakes
		if err != nil && (plan != nil || !errors.As(err, &mistakes) || len(mistakes) == 0) {
			t.Fatalf("plan %v, error %v", plan, err)
		}
		lines := 1
		for _, r := range string(text) {
			if strings.ContainsRune("\r\n\u0085\u2028\u2029", r) { // the line breaks of YAML
				lines++
			}
		}
		for _, m := range mistakes {
			if m.Line < 1 || m.Line > lines || m.Message == "" {
				t.Errorf("%q is on line %d of %d", m.Message, m.Line, lines)
			}
			if m.File != "testdata/aftershock.yaml" || strings.Contains(m.Path, "\n") {
				t.Errorf("a mistake in %q at %q", m.File, m.Path)
			}
		}
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, e := range plan.Planned {
			if id := e.ID(); seen[id] || len(e.Checks) == 0 || e.Title == "" || e.Hash == "" || e.Times.Hold <= 0 {
				t.Errorf("planned %+v, %d with this id", e, len(seen))
			}
			seen[e.ID()] = true
			for _, f := range e.Faults {
				if f.Kind == "" || f.Spec == nil {
					t.Errorf("%s: fault %+v", e.ID(), f)
				}
			}
		}
	})
}

// A merge is that of RFC 7386, but for limits and loads; merging twice is merging
// once; and neither side is changed.
func FuzzMerge(f *testing.F) {
	for _, v := range mergeVectors {
		f.Add(v.base, v.patch)
	}
	f.Add("{limits: {a: [p95 <= 1s, ttr <= 2s]}}", "{limits: {a: [p95 <= 2s, p95 <= 3s during hold]}}")
	f.Add("{load: {url: a}}", "{load: {url: null}}")
	f.Fuzz(func(t *testing.T, baseText, patchText string) {
		d := newDecoder("f")
		base, patch := d.read(baseText), d.read(patchText)
		if base.value == nil || patch.value == nil {
			return
		}
		text := func(n *yaml.Node) string {
			text, err := yaml.Marshal(n)
			if err != nil {
				t.Skip(err)
			}
			return string(text)
		}
		baseBefore, patchBefore := text(base.value), text(patch.value)
		once := merge(base.value, patch.value)
		if text(base.value) != baseBefore || text(patch.value) != patchBefore {
			t.Errorf("changed:\n%s\n%s", baseBefore, patchBefore)
		}
		if twice := merge(once, patch.value); text(twice) != text(once) {
			t.Errorf("once:\n%s\ntwice:\n%s", text(once), text(twice))
		}
		if strings.Contains(patchText, "limits") || strings.Contains(patchText, "load") {
			return
		}
		got, want := plain(once), rfc7386(plain(base.value), plain(patch.value))
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%v merged with %v:\n%v, want\n%v", baseBefore, patchBefore, got, want)
		}
	})
}

// plain are the values of a node, all scalars but null as texts.
func plain(n *yaml.Node) any {
	switch n = resolved(n); n.Kind {
	case yaml.MappingNode:
		fields := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			fields[n.Content[i].Value] = plain(n.Content[i+1])
		}
		return fields
	case yaml.SequenceNode:
		var items []any
		for _, item := range n.Content {
			items = append(items, plain(item))
		}
		return items
	}
	if n.Tag == "!!null" {
		return nil
	}
	return n.Value
}

// rfc7386 is the pseudocode of the RFC.
func rfc7386(target, patch any) any {
	fields, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	merged, ok := target.(map[string]any)
	if !ok {
		merged = map[string]any{}
	}
	for name, value := range fields {
		if value == nil {
			delete(merged, name)
		} else {
			merged[name] = rfc7386(merged[name], value)
		}
	}
	return merged
}
