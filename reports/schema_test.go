package reports_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
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
		Description: "Version 1 only ever gains fields. Each quantity has one unit, which is in its name or in a field unit. Instants are seconds since the run's start. An end that is not bounded is absent, and so is what was not observed.",
		Format:      results.Format, Version: results.Version,
		Sources: map[string][]string{reflect.TypeFor[results.Document]().PkgPath(): {"results/results.go"}},
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

// What is advised is always of a kind that the schema has.
func TestTheSchemaHasEachKindOfAdvice(t *testing.T) {
	var schema struct {
		Defs struct {
			Advice struct {
				Properties struct{ Kind struct{ Enum []string } }
			}
			Cause struct {
				Properties struct{ Rule struct{ Enum []string } }
			}
		} `json:"$defs"`
	}
	if err := json.Unmarshal([]byte(reports.Schema()), &schema); err != nil {
		t.Fatal(err)
	}
	if got := schema.Defs.Advice.Properties.Kind.Enum; !slices.Equal(got, cause.Kinds()) {
		t.Errorf("%q, want %q", got, cause.Kinds())
	}
	if got := schema.Defs.Cause.Properties.Rule.Enum; !slices.Equal(got, cause.Rules()) {
		t.Errorf("%q, want %q", got, cause.Rules())
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
