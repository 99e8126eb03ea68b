// Package documents makes the JSON Schema of a document from its Go types and their
// comments, for the tests that keep the schemas that are written true:
//
//	schema, err := documents.Schema(&results.Document{}, documents.About{
//		ID: "urn:aftershock:results:1", Format: results.Format, Version: results.Version,
//		Sources: map[string][]string{reflect.TypeFor[results.Document]().PkgPath(): {"results/results.go"}},
//	})
package documents

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
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
	// Sources are the files with the types, by the path of their package.
	Sources map[string][]string
}

// Schema is that of a document, a pointer to a struct.
func Schema(document any, about About) ([]byte, error) {
	comments := map[string]string{}
	for pkg, paths := range about.Sources {
		for _, path := range paths {
			if err := read(comments, pkg, path); err != nil {
				return nil, fmt.Errorf("read the comments of the document's types: %w", err)
			}
		}
	}
	r := jsonschema.Reflector{AllowAdditionalProperties: true, CommentMap: comments}
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

// read finds the comments of types and fields, by their names.
func read(found map[string]string, pkg, path string) error {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	if err != nil {
		return err
	}
	text := func(groups ...*ast.CommentGroup) string {
		for _, g := range groups {
			if text := strings.Join(strings.Fields(g.Text()), " "); text != "" {
				return text
			}
		}
		return ""
	}
	ast.Inspect(file, func(n ast.Node) bool {
		g, ok := n.(*ast.GenDecl)
		if !ok || g.Tok != token.TYPE {
			return true
		}
		spec := g.Specs[0].(*ast.TypeSpec)
		of, ok := spec.Type.(*ast.StructType)
		if !ok {
			return false
		}
		name := pkg + "." + spec.Name.Name
		found[name] = text(g.Doc)
		for _, f := range of.Fields.List {
			for _, field := range f.Names {
				found[name+"."+field.Name] = text(f.Doc, f.Comment)
			}
		}
		return false
	})
	return nil
}
