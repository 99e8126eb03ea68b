package reports_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	generator "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/steadystate"
)

// generated is the schema that the types make.
func generated(t *testing.T) []byte {
	t.Helper()
	tolerance := &generator.Schema{Type: "string", Description: "an operator, a number and its unit, as in \"<= 2s\""}
	r := generator.Reflector{
		AllowAdditionalProperties: true,
		Namer: func(t reflect.Type) string {
			switch t {
			case reflect.TypeFor[steadystate.Bounds[time.Duration]]():
				return "LengthBounds"
			case reflect.TypeFor[steadystate.Bounds[float64]]():
				return "Bounds"
			}
			return "" // its own
		},
		Mapper: func(t reflect.Type) *generator.Schema {
			switch t {
			case reflect.TypeFor[steadystate.Verdict]():
				return &generator.Schema{Type: "string", Enum: []any{"held", "broken", "unknown"}}
			case reflect.TypeFor[time.Duration]():
				return &generator.Schema{Type: "integer", Description: "nanoseconds"}
			case reflect.TypeFor[steadystate.Tolerance]():
				return tolerance
			}
			return nil
		},
	}
	schema := r.Reflect(&reports.Document{})
	schema.ID = "urn:aftershock:results:1"
	schema.Title = "The results of experiments"
	if d, ok := schema.Definitions["Document"]; ok {
		d.Properties.Set("format", &generator.Schema{Const: "aftershock/results"})
		d.Properties.Set("version", &generator.Schema{Const: 1})
	}
	text, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTheSchemaIsThatOfTheTypes(t *testing.T) {
	schema := nullable(t, generated(t))
	goldenAt(t, "results.schema.json", schema)
	if !*update && reports.Schema() != string(schema) {
		t.Error("the embedded schema is another")
	}
}

// nullable lets arrays that a document must have be null, as Go writes those
// that are empty.
func nullable(t *testing.T, schema []byte) []byte {
	t.Helper()
	var tree any
	if err := json.Unmarshal(schema, &tree); err != nil {
		t.Fatal(err)
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if v["type"] == "array" {
				v["type"] = []any{"array", "null"}
			}
			for _, child := range v {
				walk(child)
			}
		case []any:
			for _, child := range v {
				walk(child)
			}
		}
	}
	walk(tree)
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(tree); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
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
	if err := reports.JSON(&out, append(results(t), judgedOf(t, recovering()), judgedOf(t, scaling()))...); err != nil {
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
