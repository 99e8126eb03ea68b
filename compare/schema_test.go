package compare_test

import (
	"bytes"
	"flag"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/aftershockhq/aftershock/compare"
	"github.com/aftershockhq/aftershock/internal/documents"
	"github.com/aftershockhq/aftershock/reports/results"
)

var update = flag.Bool("update", false, "write the schemas anew")

// about is what the schema of each document says beside its types.
func about(what, urn, format string, version int) documents.About {
	return documents.About{
		ID: urn, Title: what,
		Description: "Version 1 only ever gains fields. Each quantity has one unit, which is in its name or in a field unit. An end that is not bounded is absent, and so is what was not observed.",
		Format:      format, Version: version,
		Package: reflect.TypeFor[compare.Diff]().PkgPath(), Sources: []string{".", "../reports/results"},
	}
}

// schemaIs compares a schema with that of the types, or writes it anew.
func schemaIs(t *testing.T, file, embedded string, document any, about documents.About) {
	t.Helper()
	schema, err := documents.Schema(document, about)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, schema, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if embedded != string(schema) {
		t.Errorf("%s is not that of the types: go test ./compare -update", file)
	}
	if strings.Contains(embedded, `"null"`) {
		t.Errorf("%s lets something be null", file)
	}
}

// takes reports why a schema does not take a document; nil: it does.
func takes(t *testing.T, schema, document string) error {
	t.Helper()
	parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", parsed); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	return compiled.Validate(v)
}

func TestTheSchemaOfADiff(t *testing.T) {
	schemaIs(t, "diff.schema.json", compare.DiffSchema(), &compare.Diff{},
		about("What changed between sets of runs, version 1", "urn:aftershock:diff:1", compare.DiffFormat, compare.DiffVersion))
	other := changed(runs("held", 1, 2), func(r *results.Result) { r.Experiment = "other" })
	d, err := compare.NewDiff(append(runs("held", 1, 2, 3, 4, 5, -6), other...), append(runs("held", 7, 8, 9, 10, 11, -12), run("unknown", 2)), compare.Options{})
	if err != nil {
		t.Fatal(err)
	}
	document := written(t, d.JSON)
	if err := takes(t, compare.DiffSchema(), document); err != nil {
		t.Error(err)
	}
	if err := takes(t, compare.DiffSchema(), strings.Replace(document, `"outcome": "`, `"outcome": "un`, 1)); err == nil {
		t.Error("an outcome that there is not is taken")
	}
}

// written is a document, which has nothing that JSON has no number for.
func written(t *testing.T, write func(io.Writer) error) string {
	t.Helper()
	var out bytes.Buffer
	if err := write(&out); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "null") {
		t.Errorf("the document has null:\n%s", &out)
	}
	return out.String()
}
