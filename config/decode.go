package config

import (
	"cmp"
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/aftershockhq/aftershock/internal/near"
	"github.com/aftershockhq/aftershock/steadystate/secret"
	"github.com/aftershockhq/aftershock/steadystate/setting"
)

// A decoder fills Go values from YAML nodes and collects every mistake.
//
// yaml.v3 stops at the first error of a type's own and knows neither paths nor
// choices; hence this walk. Fields are named by their yaml tags. A type has a
// form of its own by one of nodeDecoder, yaml.Unmarshaler and
// encoding.TextUnmarshaler.
type decoder struct {
	sources   sources
	mistakes  Mistakes
	reported  map[mistakeKey]bool
	found     int                   // mistakes, also such as were reported already
	decoding  bool                  // values, and not resolving what they refer to
	undecoded Mistakes              // those of values that could not be decoded
	hushed    bool                  // of an experiment only what cannot be decoded is reported
	old       bool                  // the file has fields of older files
	variables []envVar              // whose values are in the file, the longest first
	emptied   map[*yaml.Node]string // the variable without a value that is all that was there
}

func newDecoder(path string) *decoder {
	return &decoder{sources: sources{nil: path}, reported: map[mistakeKey]bool{}, emptied: map[*yaml.Node]string{}}
}

// nodeDecoder is a type of this package whose form is not a plain struct's.
type nodeDecoder interface {
	decode(d *decoder, at cursor)
}

// fail reports an error of another package: each of those that were joined, at
// the field that it is about.
func (d *decoder) fail(at cursor, err error) {
	for _, wrong := range setting.Errors(err) {
		of := at.within(wrong.Path)
		if strings.HasPrefix(wrong.Message, "unknown field; ") {
			of.value = nil // the message has no part of it to hide, but "me" is in "username"
		}
		d.bad(of, "%s", wrong.Message)
	}
}

// step is the first step of a path: a field, a name in brackets or an index.
var step = regexp.MustCompile(`^\.?([^.\[]+)|^\[([^\]]+)\]`)

// within is the cursor of a path below this one, as in "http_config.files[1]".
func (c cursor) within(path string) cursor {
	for m := step.FindStringSubmatch(path); m != nil; m = step.FindStringSubmatch(path) {
		path = path[len(m[0]):]
		switch i, err := strconv.Atoi(m[2]); {
		case m[1] != "":
			c = c.field(m[1])
		case err == nil:
			c = c.item(i)
		default:
			c = c.name(m[2])
		}
	}
	return c
}

// ok runs f and reports whether it found no mistake.
func (d *decoder) ok(f func()) bool {
	before := d.found
	f()
	return d.found == before
}

// value fills what pointer points to.
func (d *decoder) value(at cursor, pointer any) {
	d.while(func() { d.into(at, reflect.ValueOf(pointer).Elem()) })
}

// while runs f, in which values are decoded.
func (d *decoder) while(f func()) {
	defer func(before bool) { d.decoding = before }(d.decoding)
	d.decoding = true
	f()
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	secretType   = reflect.TypeFor[secret.Secret]()
)

// into fills v, which can be set. Null says nothing, as an absent field.
func (d *decoder) into(at cursor, v reflect.Value) {
	if at.null() {
		return
	}
	if raw, ok := reflect.TypeAssert[**yaml.Node](v.Addr()); ok {
		*raw = at.value
		return
	}
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		d.into(at, v.Elem())
		return
	}
	switch own := v.Addr().Interface().(type) {
	case nodeDecoder:
		own.decode(d, at)
		return
	case yaml.Unmarshaler:
		if err := own.UnmarshalYAML(at.value); err != nil {
			d.fail(at, err)
		}
		return
	case encoding.TextUnmarshaler:
		d.text(at, own.UnmarshalText)
		return
	case json.Unmarshaler: // resource.Quantity has no other
		d.text(at, func(text []byte) error {
			if own.UnmarshalJSON([]byte(strconv.Quote(string(text)))) != nil {
				return fmt.Errorf("%q is not an amount, as in 500m, 128Mi or 10M", text)
			}
			return nil
		})
		return
	}
	switch {
	case v.Type() == durationType:
		d.text(at, func(text []byte) error {
			length, err := time.ParseDuration(string(text))
			if err != nil || length <= 0 {
				return fmt.Errorf("%q is not a duration above zero; write it with a unit, as in %s", text, spelt(text))
			}
			v.SetInt(int64(length))
			return nil
		})
	case v.Kind() == reflect.String:
		d.text(at, func(text []byte) error { v.SetString(string(text)); return nil })
	case v.Kind() == reflect.Bool:
		// By its text: that of a variable has no type.
		if !at.is(yaml.ScalarNode) || at.value.Value != "true" && at.value.Value != "false" {
			d.bad(at, "want true or false, not %s", at.what())
			return
		}
		v.SetBool(at.value.Value == "true")
	case v.Kind() == reflect.Int:
		d.text(at, func(text []byte) error {
			number, err := strconv.Atoi(string(text))
			if err != nil {
				return fmt.Errorf("%q is not a whole number", text)
			}
			v.SetInt(int64(number))
			return nil
		})
	case v.Kind() == reflect.Float64:
		d.text(at, func(text []byte) error {
			number, err := strconv.ParseFloat(string(text), 64)
			if err != nil || number-number != 0 { // infinite, or no number
				return fmt.Errorf("%q is not a number", text)
			}
			v.SetFloat(number)
			return nil
		})
	case v.Type() == secretType && at.is(yaml.ScalarNode):
		d.bad(at, "is written out, and is a secret; write {env: NAME}, an environment variable with the value, or {file: PATH}") // and never what it is
	case v.Kind() == reflect.Struct:
		d.structure(at, v, nil)
	case v.Kind() == reflect.Slice:
		d.list(at, v)
	case v.Kind() == reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for name, inner := range d.names(at) {
			element := reflect.New(v.Type().Elem()).Elem()
			d.into(inner, element)
			v.SetMapIndex(reflect.ValueOf(name).Convert(v.Type().Key()), element)
		}
	default:
		panic(fmt.Sprintf("config: no form for %s", v.Type()))
	}
}

// inWords matches a duration with its unit in words.
var inWords = regexp.MustCompile(`^(\d+(?:\.\d+)?) *(s|m|h)(?:|ecs?|econds?|ins?|inutes?|rs?|ours?)$`)

// spelt is how a duration in words is written, or else examples.
func spelt(text []byte) string {
	if m := inWords.FindSubmatch(text); m != nil {
		short := string(m[1]) + string(m[2])
		if d, err := time.ParseDuration(short); err == nil && d > 0 {
			return short
		}
	}
	return "500ms, 30s or 1m30s"
}

// structure fills a struct; extra are further fields, by name, of the mapping.
func (d *decoder) structure(at cursor, v reflect.Value, extra map[string]any) {
	fields := fieldsOf(v.Type())
	for name, inner := range d.fields(at) {
		i := slices.IndexFunc(fields, func(f structField) bool { return f.name == name })
		switch {
		case i >= 0:
			d.into(inner, v.FieldByIndex(fields[i].index))
		case extra[name] != nil:
			d.value(inner, extra[name])
		default:
			d.unknown(at, inner, slices.Sorted(maps.Keys(extra)), names(fields))
		}
	}
}

// text reads the text of a scalar.
func (d *decoder) text(at cursor, read func([]byte) error) {
	if !at.is(yaml.ScalarNode) {
		d.bad(at, "want %s, not %s", textAt(at), at.what())
		return
	}
	if err := read([]byte(at.value.Value)); err != nil {
		d.fail(at, err)
	}
}

// list fills a slice. An empty list is not the same as nothing.
func (d *decoder) list(at cursor, v reflect.Value) {
	if !at.is(yaml.SequenceNode) {
		d.bad(at, "want a list, as in [a, b], not %s", at.what())
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(at.value.Content), len(at.value.Content)))
	for i := range at.value.Content {
		if inner := at.item(i); d.said(inner) {
			d.into(inner, v.Index(i))
		}
	}
}

// said reports whether there is a value, and where there is none that it is
// missing.
func (d *decoder) said(at cursor) bool {
	if at.null() {
		d.bad(at, "is empty; give it a value, or remove it")
	}
	return !at.null()
}

// fields are the fields of a mapping.
func (d *decoder) fields(at cursor) func(yield func(name string, inner cursor) bool) {
	return d.entries(at, cursor.field)
}

// names are the entries of a mapping whose keys are the user's to choose. Each has
// a value.
func (d *decoder) names(at cursor) func(yield func(name string, inner cursor) bool) {
	return func(yield func(name string, inner cursor) bool) {
		for name, inner := range d.entries(at, cursor.name) {
			if d.said(inner); !yield(name, inner) {
				return
			}
		}
	}
}

func (d *decoder) entries(at cursor, entry func(cursor, string) cursor) func(yield func(name string, inner cursor) bool) {
	return func(yield func(name string, inner cursor) bool) {
		if instead := listed(at); instead != "" && at.is(yaml.SequenceNode) {
			d.old = true
			d.bad(at, "%s", instead)
			return
		}
		if !at.is(yaml.MappingNode) {
			d.bad(at, "want a mapping%s", insteadOf(at))
			return
		}
		for i := 0; i < len(at.value.Content); i += 2 {
			if name := at.value.Content[i].Value; !yield(name, entry(at, name)) {
				return
			}
		}
	}
}

// insteadOf is the end of a message about what is no mapping, with what the schema says of
// one: its example and its fields.
func insteadOf(at cursor) (text string) {
	f, err := Explain(fmt.Sprint(at.path))
	if err != nil {
		return ", not " + at.what()
	}
	var fields []string
	for _, inner := range f.Fields {
		fields = append(fields, inner.Name)
	}
	switch {
	case len(f.Examples) > 0:
		text = ", as in " + f.Examples[0]
	case len(fields) == 0 && f.Type == "mapping":
		text = " without fields, {}"
	}
	if text += ", not " + at.what(); len(fields) > 0 {
		text += "; fields: " + strings.Join(fields, ", ")
	}
	return text
}

// textAt is what the schema says of the text that should be at a cursor: "a duration, as
// in 1m".
func textAt(at cursor) string {
	f, err := Explain(fmt.Sprint(at.path))
	kind, item := strings.CutPrefix(f.Type, "list of ")
	switch {
	case err != nil:
		return "a text"
	case len(f.Choices) > 0 && len(f.Choices) < 7:
		return strings.Join(f.Choices, ", ")
	case strings.ContainsAny(kind[:1], "aeiou"):
		kind = "an " + kind
	default:
		kind = "a " + kind
	}
	if len(f.Examples) > 0 && !item {
		kind += ", as in " + f.Examples[0]
	}
	return kind
}

// unknown reports a field that the mapping of must not have. The one that is meant is not
// missing, too; but a section is, without which a sweep must not begin.
func (d *decoder) unknown(of, at cursor, choices ...[]string) {
	instead, moved := d.moved(at)
	fields := slices.Concat(choices...)
	if !moved {
		instead = near.Meant(at.key.Value, fields)
	}
	if m := meant.FindStringSubmatch(instead); m != nil && of.path != nil && of.field(m[1]).value == nil {
		d.undecoded = append(d.undecoded, Mistake{Path: of.field(m[1]).path.String()})
	}
	if !moved {
		instead = fmt.Sprintf("unknown field; fields: %s%s", cmp.Or(strings.Join(fields, ", "), "none"), instead)
	}
	d.bad(at, "%s", instead)
}

// meant matches the field that is meant by another.
var meant = regexp.MustCompile(`^(?:is now |; did you mean ")(\w+)`)

// A structField is a field of a struct that YAML can name.
type structField struct {
	name  string
	index []int
}

func fieldsOf(t reflect.Type) (fields []structField) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case options == "inline":
			for _, inner := range fieldsOf(f.Type) {
				fields = append(fields, structField{inner.name, append([]int{i}, inner.index...)})
			}
		case name != "" && name != "-":
			fields = append(fields, structField{name, []int{i}})
		}
	}
	return fields
}

func names(fields []structField) (list []string) {
	for _, f := range fields {
		list = append(list, f.name)
	}
	return list
}
