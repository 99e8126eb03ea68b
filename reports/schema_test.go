package reports_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/aftershockhq/aftershock/experiments/cause"
	"github.com/aftershockhq/aftershock/internal/documents"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/reports/results"
)

// generated is the schema that the types and their comments make.
func generated(t *testing.T) []byte {
	t.Helper()
	schema, err := documents.Schema(&results.Document{}, documents.About{
		ID:          "urn:aftershock:results:1",
		Title:       "The results of experiments, version 1",
		Description: "Version 1 only ever gains fields, and values of those that say so. Each quantity has one unit, which is in its name or in a field unit. Instants are seconds since the run's start. An end that is not bounded is absent, and so is what was not observed.",
		Format:      results.Format, Version: results.Version,
		Package: reflect.TypeFor[reports.Report]().PkgPath(), Sources: []string{"results"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestTheSchemaIsThatOfTheTypes(t *testing.T) {
	schema := generated(t)
	goldenAt(t, "results.schema.json", schema)
	if !*update && reports.Schema() != string(schema) {
		t.Error("the embedded schema is another")
	}
	if strings.Contains(reports.Schema(), `"null"`) {
		t.Error("the schema lets something be null")
	}
}

// A property is one of a type in the schema.
type property struct {
	Type, Ref, Description string
	Enum, Examples         []string
	Items                  *property
	Values                 *property
	Const                  any
}

// UnmarshalJSON reads a property; the enum of numbers as text.
func (p *property) UnmarshalJSON(text []byte) error {
	var of struct {
		Type        string    `json:"type"`
		Ref         string    `json:"$ref"`
		Description string    `json:"description"`
		Enum        []any     `json:"enum"`
		Examples    []string  `json:"examples"`
		Items       *property `json:"items"`
		Values      *property `json:"additionalProperties"`
		Const       any       `json:"const"`
	}
	if err := json.Unmarshal(text, &of); err != nil {
		return err
	}
	*p = property{Type: of.Type, Ref: strings.TrimPrefix(of.Ref, "#/$defs/"), Description: of.Description, Examples: of.Examples, Items: of.Items, Values: of.Values, Const: of.Const}
	for _, v := range of.Enum {
		p.Enum = append(p.Enum, fmt.Sprint(v))
	}
	return nil
}

// definitions are the types of a schema.
func definitions(t *testing.T, schema string) map[string]struct {
	Properties map[string]property
	Required   []string
} {
	t.Helper()
	var of struct {
		Defs map[string]struct {
			Properties map[string]property
			Required   []string
		} `json:"$defs"`
	}
	if err := json.Unmarshal([]byte(schema), &of); err != nil {
		t.Fatal(err)
	}
	return of.Defs
}

// constants are the texts of the constants of a file whose names begin so, in their order.
func constants(t *testing.T, path, prefix string) (texts []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range file.Decls {
		block, ok := d.(*ast.GenDecl)
		if !ok || block.Tok != token.CONST {
			continue
		}
		for _, s := range block.Specs {
			of := s.(*ast.ValueSpec)
			if !strings.HasPrefix(of.Names[0].Name, prefix) {
				continue
			}
			text, err := strconv.Unquote(of.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, text)
		}
	}
	if len(texts) == 0 {
		t.Fatalf("%s has no constants %s", path, prefix)
	}
	return texts
}

// Each list of the schema is that of the code.
func TestTheListsOfTheSchemaAreThoseOfTheCode(t *testing.T) {
	defs := definitions(t, reports.Schema())
	events := constants(t, "../record/event.go", "Event")
	stages := constants(t, "../experiments/recovery/stage.go", "")
	for _, row := range []struct {
		of   string
		got  []string
		want []string
	}{
		{"advice", defs["Advice"].Properties["kind"].Enum, cause.Kinds()},
		{"rules", defs["Cause"].Properties["rule"].Enum, cause.Rules()},
		{"stages of a pod's recovery", defs["Cause"].Properties["stage"].Enum, stages},
		{"all stages", defs["Stage"].Properties["stage"].Enum, append(slices.Clone(stages), constants(t, "../experiments/autoscaling/decomposition.go", "")...)},
		{"kinds of faults", defs["Injection"].Properties["kind"].Examples, constants(t, "../record/record.go", "Kind")},
		{"kinds of events", defs["Event"].Properties["kind"].Examples, events},
		{"kinds of moments", defs["Moment"].Properties["kind"].Examples, append(slices.Clone(events), cause.FaultOn, cause.FaultOff)},
	} {
		slices.Sort(row.got)
		slices.Sort(row.want)
		if want := slices.Compact(row.want); !slices.Equal(row.got, want) {
			t.Errorf("%s: %q, want %q", row.of, row.got, want)
		}
	}
}

// kind is what a property holds.
func (p property) kind() string {
	switch {
	case p.Const != nil:
		return fmt.Sprint("const ", p.Const)
	case p.Items != nil:
		return "list of " + p.Items.kind()
	case p.Values != nil:
		return "map of " + p.Values.kind()
	}
	return cmp.Or(p.Ref, p.Type)
}

// facts are what readers of version 1 rely on, by property: its type, that it is always
// there, and the values that it may have.
func facts(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for name, of := range definitions(t, string(generated(t))) {
		for field, p := range of.Properties {
			list := []string{p.kind()}
			if slices.Contains(of.Required, field) {
				list = append(list, "always")
			}
			for _, v := range p.Enum {
				list = append(list, "="+v)
			}
			all[name+"."+field] = list
		}
	}
	return all
}

// Version 1 only gains: what was in it once stays. With -update the file gains, too, and
// loses nothing.
func TestNothingOfVersion1IsEverTakenAway(t *testing.T) {
	const path = "testdata/version1.txt"
	text, err := os.ReadFile(path)
	if err != nil && !*update {
		t.Fatal(err)
	}
	is, frozen := facts(t), map[string][]string{}
	for line := range strings.Lines(string(text)) {
		name, list, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		frozen[name] = strings.Split(list, ", ")
	}
	for name, list := range frozen {
		for _, fact := range list {
			if !slices.Contains(is[name], fact) {
				t.Errorf("%s was %q, and is %q: version 1 is frozen", name, list, is[name])
				break
			}
		}
	}
	if *update {
		var out bytes.Buffer
		for name, list := range is {
			for _, fact := range list {
				if !slices.Contains(frozen[name], fact) {
					frozen[name] = append(frozen[name], fact)
				}
			}
		}
		for _, name := range slices.Sorted(maps.Keys(frozen)) {
			fmt.Fprintf(&out, "%s: %s\n", name, strings.Join(frozen[name], ", "))
		}
		goldenAt(t, path, out.Bytes())
		return
	}
	for name, list := range is {
		for _, fact := range list {
			if !slices.Contains(frozen[name], fact) {
				t.Errorf("%s has %q, which is not frozen yet: run with -update", name, fact)
			}
		}
	}
}

// Who reads the schema need not read the code.
func TestEachPropertyOfTheSchemaIsDescribed(t *testing.T) {
	for name, of := range definitions(t, reports.Schema()) {
		for field, p := range of.Properties {
			if p.Description == "" {
				t.Errorf("%s.%s is not described", name, field)
			}
		}
	}
}

func TestWhatTheSchemaTakes(t *testing.T) {
	parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(reports.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("results.json", parsed); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("results.json")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := reports.JSON(&out, append(judged(t), judgedOf(t, recovering()), judgedOf(t, scaling()))...); err != nil {
		t.Fatal(err)
	}
	document := out.String()
	for _, row := range []struct {
		sentence, from, to string
		refused            string // by which words; empty: it is taken
	}{
		{"what is written is taken", "", "", ""},
		{"a field that a later one brings is taken", `"format":`, `"later": 1, "format":`, ""},
		{"a verdict that there is not is refused", `"verdict": "held"`, `"verdict": "green"`, "value must be one of"},
		{"a bound that is no number is refused", `"low": `, `"low": "much", "was": `, "want number"},
		{"a result without a verdict's reason is refused", `"reason": "3 limits`, `"was": "3 limits`, "missing property 'reason'"},
		{"another version is refused", `"version": 1`, `"version": 2`, "value must be 1"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			text := document
			if row.from != "" {
				text = strings.Replace(document, row.from, row.to, 1)
				if text == document {
					t.Fatalf("no %s in the document", row.from)
				}
			}
			v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			err = schema.Validate(v)
			if (err == nil) != (row.refused == "") || (err != nil && !strings.Contains(err.Error(), row.refused)) {
				t.Errorf("error %v, want %q", err, row.refused)
			}
		})
	}
}

// A cause whose rule is not in the schema would make the document invalid.
func TestTheSchemaHasEveryRuleOfACause(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../experiments/cause/why.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, d := range file.Decls {
		block, ok := d.(*ast.GenDecl)
		if !ok || !strings.Contains(block.Doc.Text(), "[Cause.Rule]") {
			continue
		}
		for _, s := range block.Specs {
			rule := s.(*ast.ValueSpec).Values[0].(*ast.BasicLit).Value
			if n++; !strings.Contains(reports.Schema(), rule) {
				t.Errorf("no %s", rule)
			}
		}
	}
	if n == 0 {
		t.Error("no rule was found")
	}
}
