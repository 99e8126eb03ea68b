package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/build"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/invopop/jsonschema"
	settings "github.com/prometheus/common/config"
	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/experiments/workers"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/steadystate/prom"
	"github.com/aftershockhq/aftershock/steadystate/secret"
)

// A generator makes the schema of the types, by the fields that the decoder takes.
// What a type cannot say is in forms.go: its text forms, and rules between fields.
//
// A value that is null says nothing, so that a schema takes it too. What is
// required is not so of a patch, as in "vary": of a type that may be one it is in
// a definition of its own, as in "LoadComplete".
type generator struct {
	comments map[string]string
	defs     map[string]*schema
	types    map[string]reflect.Type // of the definitions
	special  map[string]func(*generator) *schema
	inherit  map[string]string // comments of fields that several kinds of faults share
}

// generated is the schema that the types make.
func generated(t testing.TB) *schema {
	t.Helper()
	g := &generator{comments: comments(t), defs: map[string]*schema{}, types: map[string]reflect.Type{}, inherit: map[string]string{}, special: fieldForms()}
	fault, faultComplete := g.fault()
	g.defs["Fault"], g.defs["FaultComplete"] = fault, faultComplete
	g.defs["Said"] = &schema{Not: &schema{Enum: []any{nil, "", []any{}}}}
	g.structure(reflect.TypeFor[Experiment]())
	g.structure(reflect.TypeFor[File]())
	whole := *g.defs["File"]
	delete(g.defs, "File")
	whole.Version, whole.ID, whole.Title = "https://json-schema.org/draft/2020-12/schema", "urn:aftershock:configuration:1", "The configuration of Aftershock"
	whole.Type, whole.Description = []string{"object"}, ""
	whole.PatternProperties = map[string]*schema{"^x-": {Description: "Left alone: a place for YAML anchors."}}
	whole.Defs = g.defs
	return &whole
}

// comments are those of the types and their fields.
func comments(t testing.TB) map[string]string {
	t.Helper()
	r := jsonschema.Reflector{}
	own := path.Dir(reflect.TypeFor[File]().PkgPath())
	for _, directory := range []string{"config", "experiments/chaosmesh", "experiments/load", "experiments/stop", "experiments/workers", "record", "steadystate/prom", "steadystate/probe", "steadystate/secret"} {
		if err := r.AddGoComments(own+"/config", "../"+directory, jsonschema.WithFullComment()); err != nil {
			t.Fatal(err)
		}
	}
	of := reflect.TypeFor[settings.HTTPClientConfig]().PkgPath()
	theirs, err := build.Import(of, ".", build.FindOnly)
	if err != nil {
		t.Fatal(err)
	}
	other := jsonschema.Reflector{}
	if err := other.AddGoComments("", theirs.Dir); err != nil {
		t.Fatal(err)
	}
	for name, text := range other.CommentMap {
		r.CommentMap[strings.Replace(name, strings.TrimPrefix(theirs.Dir, "/"), of, 1)] = text
		r.CommentMap[strings.Replace(name, theirs.Dir, of, 1)] = text
	}
	return r.CommentMap
}

var (
	link = regexp.MustCompile(`\[((?:[a-z]+\.)?[A-Z]\w*)\]`)
	see  = regexp.MustCompile(`[;,]? \(?see \[[^\]]+\]\)?,?`)
	// ofManager is what Prometheus' own settings say of their fields that end in _ref. Here
	// the secrets that they name are environment variables.
	ofManager = regexp.MustCompile(`the name of the secret within the secret manager to use as (the )?`)
	forEditor = regexp.MustCompile(`\s*\bExamples?: (.+?)\.(?:\s|$)`)
)

// described is a comment for a reader of the file: its first paragraph, with the
// names of the file.
func (g *generator) described(of reflect.Type, goName, name string) string {
	key := of.PkgPath() + "." + of.Name()
	if goName != "" {
		key += "." + goName
	}
	text, _, _ := strings.Cut(g.comments[key], "\n\n")
	text = ofManager.ReplaceAllString(text, "the environment variable with the ")
	text = link.ReplaceAllString(see.ReplaceAllString(strings.Join(strings.Fields(text), " "), ""), "$1")
	for _, own := range []string{of.Name(), goName} {
		if first, rest, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(text, "A "), "An "), " "); name != "" && own != "" && first == own {
			text = name + " " + rest
		}
	}
	if own := reflect.TypeFor[File]().PkgPath(); goName != "" && of.PkgPath() != own && strings.HasPrefix(of.PkgPath(), path.Dir(own)) {
		for f := range of.Fields() {
			if named, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); named != "" && named != "-" {
				text = regexp.MustCompile(`([a-z,] )`+f.Name+`\b`).ReplaceAllString(text, "${1}"+named)
			}
		}
	}
	return text
}

// describe puts a comment into a schema: its default and its examples are what
// they say, too.
func describe(s *schema, text string) {
	m := forEditor.FindStringSubmatch(text)
	if m != nil {
		text = strings.TrimSpace(forEditor.ReplaceAllString(text, " "))
		for example := range strings.SplitSeq(m[1], "; ") {
			s.Examples = append(s.Examples, parsed(example))
		}
	}
	if m := defaulted.FindStringSubmatch(text); m != nil && (!strings.Contains(m[1], " ") || strings.ContainsAny(m[1][:1], "[{")) {
		s.Default = parsed(m[1])
	}
	s.Description = text
}

// parsed is the value of YAML.
func parsed(text string) any {
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(text), &n); err != nil || text == "" {
		panic(fmt.Sprintf("%s: %v", text, err))
	}
	return plainValue(&n)
}

func ref(name string) *schema { return &schema{Ref: definitions + name} }

func optional(kind string) []string { return []string{kind, "null"} }

// of is the schema of a type: of one with a name that of its definition.
func (g *generator) of(t reflect.Type) *schema {
	if t.Kind() == reflect.Pointer {
		return g.of(t.Elem())
	}
	if name, ok := textOf[t]; ok {
		return g.text(name)
	}
	switch {
	case strings.HasPrefix(t.Name(), "Named["):
		values, _ := t.FieldByName("Values")
		return g.mapping(g.of(values.Type.Elem()))
	case t == reflect.TypeFor[Fault]():
		return ref("Fault")
	case t == reflect.TypeFor[Header]():
		return &schema{AnyOf: []*schema{g.text("text"), g.of(reflect.TypeFor[secret.Secret]())}}
	}
	switch t.Kind() {
	case reflect.String:
		return g.text("text")
	case reflect.Bool:
		return g.text("true or false")
	case reflect.Int:
		return g.text("whole number")
	case reflect.Float64:
		return g.text("number")
	case reflect.Interface:
		return &schema{}
	case reflect.Slice:
		return g.list(g.of(t.Elem()))
	case reflect.Map:
		return g.mapping(g.of(t.Elem()))
	case reflect.Struct:
		if f := t.Field(0); t.NumField() == 1 && f.Type.Kind() == reflect.Map && f.Tag.Get("yaml") == ",inline" {
			return g.of(f.Type)
		}
		return g.structure(t)
	}
	panic("no schema of " + t.String())
}

// text is the definition of a text form.
func (g *generator) text(name string) *schema {
	i := slices.IndexFunc(forms, func(f form) bool { return f.name == name })
	if i < 0 {
		panic("no text form " + name)
	}
	def := "Text." + strings.ReplaceAll(name, " ", "-")
	g.defs[def] = forms[i].schema()
	return ref(def)
}

func (g *generator) list(items *schema) *schema {
	return &schema{Type: optional("array"), Items: g.some(items)}
}

func (g *generator) mapping(values *schema) *schema {
	return &schema{Type: optional("object"), AdditionalProperties: &additional{g.some(values)}}
}

// some is the schema without null.
func (g *generator) some(s *schema) *schema {
	of := s.Type
	if name, ok := strings.CutPrefix(s.Ref, definitions); ok && of == nil {
		if of = g.typesOf(name); of == nil {
			panic("no type of " + name)
		}
	}
	if len(s.AnyOf) > 0 {
		for i, inner := range s.AnyOf {
			s.AnyOf[i] = g.some(inner)
		}
	}
	s.Type = slices.DeleteFunc(slices.Clone(of), func(t string) bool { return t == "null" })
	return s
}

// typesOf are the types of a definition, also of one that is being made.
func (g *generator) typesOf(name string) []string {
	if def := g.defs[name]; def != nil {
		return def.Type
	}
	return optional("object")
}

// nameOf is the name of a type's definition.
func nameOf(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[prom.Config]():
		return "Prometheus"
	case t == reflect.TypeFor[workers.Pods]():
		return "Workers"
	case t.PkgPath() == reflect.TypeFor[settings.Header]().PkgPath():
		return "HTTP." + t.Name()
	}
	return t.Name()
}

// structure makes the definition of a struct.
func (g *generator) structure(t reflect.Type) *schema {
	name := nameOf(t)
	if g.types[name] == nil {
		g.types[name] = t
		s := &schema{Type: optional("object"), Description: g.described(t, "", "")}
		g.defs[name] = s
		complete := &schema{}
		g.fields(t, s, complete)
		g.finish(name, s, complete)
	} else if g.types[name] != t {
		panic(fmt.Sprintf("%s and %s have one name", t, g.types[name]))
	}
	return ref(name)
}

// fields adds those of a struct.
func (g *generator) fields(t reflect.Type, s, complete *schema) {
	s.AdditionalProperties = &additional{}
	for _, f := range fieldsOf(t) {
		owner := t
		for _, i := range f.index[:len(f.index)-1] {
			owner = owner.Field(i).Type
		}
		field := t.FieldByIndex(f.index)
		g.field(owner, field, f.name, s, complete)
	}
}

func (g *generator) field(owner reflect.Type, field reflect.StructField, name string, s, complete *schema) {
	var p *schema
	if special := g.special[owner.Name()+"."+field.Name]; special != nil {
		p = special(g)
	} else {
		p = g.of(field.Type)
	}
	text := g.described(owner, field.Name, name)
	if common := commonFields[name]; common != "" && name == "pods" {
		text = common
	} else if slices.ContainsFunc(faultKinds, func(k kind) bool { return reflect.TypeOf(k.spec) == owner }) {
		if common != "" {
			text = common
		} else if text == "" {
			text = g.inherit[field.Name]
		} else if g.inherit[field.Name] == "" {
			g.inherit[field.Name] = text
		}
	}
	describe(p, text)
	s.Properties.set(name, p)
	if sentence.MatchString(text) {
		need(complete, name)
	}
	// An experiment's load is a patch of the service's, also where the experiment is none.
	if inner, ok := strings.CutPrefix(p.Ref, definitions); ok && field.Type != reflect.TypeFor[*yaml.Node]() && g.defs[inner+"Complete"] != nil {
		also(complete, name, ref(inner+"Complete"))
	}
}

// need requires a field, and that it says something.
func need(s *schema, name string) {
	s.Required = append(s.Required, name)
	also(s, name, said())
}

func also(s *schema, name string, holds *schema) {
	if before := s.Properties.of[name]; before != nil {
		holds = &schema{AllOf: []*schema{before, holds}}
	}
	s.Properties.set(name, holds)
}

// finish adds the rules of a definition. What is required of one that may be a
// patch is in a definition besides.
func (g *generator) finish(name string, s, complete *schema) {
	s.AllOf = append(s.AllOf, always[name]...)
	complete.AllOf = append(complete.AllOf, unlessPatched[name]...)
	switch {
	case len(complete.Required)+len(complete.AllOf) == 0 && complete.Properties.IsZero():
	case slices.Contains(patched, name) || strings.HasPrefix(name, "Fault."):
		complete.If, complete.Then = aMapping(), &schema{Required: complete.Required, Properties: complete.Properties, AllOf: complete.AllOf}
		complete.Required, complete.Properties, complete.AllOf = nil, properties{}, nil
		g.defs[name+"Complete"] = complete
	default:
		s.Required = complete.Required
		if !complete.Properties.IsZero() {
			s.AllOf = append(s.AllOf, &schema{Properties: complete.Properties})
		}
		for _, rule := range complete.AllOf {
			s.AllOf = append(s.AllOf, when(aMapping(), rule))
		}
	}
}

// fault makes the definition of a fault, which has one of the kinds.
func (g *generator) fault() (fault, complete *schema) {
	of := reflect.TypeFor[Fault]()
	fault, complete = &schema{Type: optional("object"), Description: "A fault is of one kind."}, &schema{}
	g.fields(of, fault, complete)
	times := fault.Properties
	fault.Properties = properties{}
	none := &schema{}
	one := []*schema{none}
	for _, k := range faultKinds {
		t := reflect.TypeOf(k.spec)
		name := "Fault." + k.name
		s, whole := &schema{Type: optional("object")}, &schema{}
		g.types[name], g.defs[name] = t, s
		g.fields(t, s, whole)
		if _, narrowed := t.FieldByName("To"); narrowed {
			to := g.text("text")
			describe(to, g.described(of, "To", "to"))
			s.Properties.set("to", to)
		}
		g.finish(name, s, whole)
		p := ref(name)
		describe(p, g.described(t, "", k.name))
		fault.Properties.set(k.name, p)
		one = append(one, has(k.name))
		none.Properties.set(k.name, &schema{Type: []string{"null"}})
		if g.defs[name+"Complete"] != nil {
			complete.Properties.set(k.name, ref(name+"Complete"))
		}
	}
	for _, name := range times.names {
		fault.Properties.set(name, times.of[name])
	}
	fault.AllOf = append(fault.AllOf, when(aMapping(), &schema{OneOf: one}))
	complete.AllOf = append(complete.AllOf, &schema{Not: &schema{AllOf: []*schema{none}}})
	g.finish("Fault", fault, complete)
	return fault, g.defs["FaultComplete"]
}

// textOf are the text forms of types.
var textOf = map[reflect.Type]string{
	reflect.TypeFor[time.Duration]():       "duration",
	reflect.TypeFor[chaosmesh.Share]():     "share",
	reflect.TypeFor[chaosmesh.Direction](): "direction",
	reflect.TypeFor[faults.Count]():        "number of pods",
	reflect.TypeFor[load.Shape]():          "rate over time",
	reflect.TypeFor[load.Rate]():           "rate",
	reflect.TypeFor[load.StatusRange]():    "status codes",
	reflect.TypeFor[resource.Quantity]():   "amount",
	reflect.TypeFor[Good]():                "tolerance",
	reflect.TypeFor[Multiple]():            "multiple",
	reflect.TypeFor[steadystate.Limit]():   "limit",
	reflect.TypeFor[kube.Workload]():       "workload",
	reflect.TypeFor[prom.Reduction]():      "reduction",
	reflect.TypeFor[settings.Secret]():     "secret",
	reflect.TypeFor[settings.URL]():        "text",
	reflect.TypeFor[settings.TLSVersion](): "TLS version",
}

// marshalled is the schema as JSON.
func marshalled(t testing.TB, s *schema) []byte {
	t.Helper()
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(s); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// MarshalJSON implements [json.Marshaler].
func (t typeNames) MarshalJSON() ([]byte, error) {
	if len(t) == 1 {
		return json.Marshal(t[0])
	}
	return json.Marshal([]string(t))
}

// MarshalJSON implements [json.Marshaler].
func (a additional) MarshalJSON() ([]byte, error) {
	if a.schema == nil {
		return []byte("false"), nil
	}
	return unescaped(a.schema)
}

// MarshalJSON implements [json.Marshaler].
func (p properties) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, name := range p.names {
		if i > 0 {
			out.WriteByte(',')
		}
		key, err := unescaped(name)
		if err != nil {
			return nil, err
		}
		value, err := unescaped(p.of[name])
		if err != nil {
			return nil, err
		}
		out.Write(key)
		out.WriteByte(':')
		out.Write(value)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

func unescaped(value any) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	err := e.Encode(value)
	return out.Bytes(), err
}

// plainValue is a node as an editor hands it to a schema.
func plainValue(n *yaml.Node) any {
	switch n = resolved(n); n.Kind {
	case yaml.DocumentNode:
		return plainValue(n.Content[0])
	case yaml.MappingNode:
		fields := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			key, value := n.Content[i], resolved(n.Content[i+1])
			if key.ShortTag() != "!!merge" {
				fields[key.Value] = plainValue(value)
				continue
			}
			from := []*yaml.Node{value}
			if value.Kind == yaml.SequenceNode {
				from = value.Content
			}
			for _, mapping := range from {
				inherited, _ := plainValue(mapping).(map[string]any)
				for name, inner := range inherited {
					if fields[name] == nil && index(n, name) < 0 {
						fields[name] = inner
					}
				}
			}
		}
		return fields
	case yaml.SequenceNode:
		items := []any{}
		for _, item := range n.Content {
			items = append(items, plainValue(item))
		}
		return items
	}
	var value any
	switch n.ShortTag() {
	case "!!int", "!!float", "!!bool", "!!null":
		if err := n.Decode(&value); err != nil {
			return n.Value
		}
	default:
		return n.Value
	}
	if f, ok := value.(float64); ok && f-f != 0 { // which JSON does not have
		return n.Value
	}
	return value
}
