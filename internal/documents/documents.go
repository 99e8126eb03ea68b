// Package documents makes the JSON Schema of a document from its Go types and their
// comments, for the tests that keep the schemas that are written true:
//
//	schema, err := documents.Schema(&results.Document{}, documents.About{
//		ID: "urn:aftershock:results:1", Format: results.Format, Version: results.Version,
//		Package: reflect.TypeFor[reports.Report]().PkgPath(), Sources: []string{"results"},
//	})
package documents

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"
)

// About is what the types of a document do not say.
type About struct {
	ID, Title, Description string
	// Format and Version are the values of the document's fields of these names.
	Format  string
	Version int
	// Package is the import path of the working directory, and Sources are the directories
	// with the types, relative to it.
	Package string
	Sources []string
}

// Schema is that of a document, a pointer to a struct.
func Schema(document any, about About) ([]byte, error) {
	r := jsonschema.Reflector{AllowAdditionalProperties: true}
	for _, dir := range about.Sources {
		if err := r.AddGoComments(about.Package, dir, jsonschema.WithFullComment()); err != nil {
			return nil, fmt.Errorf("read the comments of the document's types: %w", err)
		}
	}
	for name, text := range r.CommentMap {
		r.CommentMap[name] = strings.Join(strings.Fields(text), " ")
	}
	schema := r.Reflect(document)
	schema.ID, schema.Title, schema.Description = jsonschema.ID(about.ID), about.Title, about.Description
	d := schema.Definitions[reflect.TypeOf(document).Elem().Name()]
	for name, value := range map[string]any{"format": about.Format, "version": about.Version} {
		described := ""
		if of, ok := d.Properties.Get(name); ok {
			described = of.Description
		}
		d.Properties.Set(name, &jsonschema.Schema{Const: value, Description: described})
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(schema)
	return out.Bytes(), err
}
