package config

import (
	"bytes"
	_ "embed"
	"encoding/json"
)

// The page of the fields is made of the embedded schema, hence after it.
//
//go:generate go test -run TheSchemaIsThat -update .
//go:generate go test -run TheSchemaIsIn -update .

//go:embed schema.json
var schemaText string

// Schema is the JSON Schema (draft 2020-12) of a configuration file, for editors.
// It takes every file that [Parse] takes, but for mistakes in experiments that are
// skipped, and refuses what can be seen to be wrong without following a reference:
// [Parse] is the judge. Tests make it: its rules are in forms_test.go.
func Schema() string { return schemaText }

// A schema is a JSON Schema, with the keywords that this package's has.
type schema struct {
	Version              string              `json:"$schema,omitempty"`
	ID                   string              `json:"$id,omitempty"`
	Ref                  string              `json:"$ref,omitempty"`
	Title                string              `json:"title,omitempty"` // of a text form: its name
	Description          string              `json:"description,omitempty"`
	Type                 typeNames           `json:"type,omitempty"`
	Default              any                 `json:"default,omitempty"`
	Examples             []any               `json:"examples,omitempty"`
	Enum                 []any               `json:"enum,omitempty"`
	Pattern              string              `json:"pattern,omitempty"`
	PatternError         string              `json:"patternErrorMessage,omitempty"` // that editors show
	Minimum              *float64            `json:"minimum,omitempty"`
	ExclusiveMinimum     *float64            `json:"exclusiveMinimum,omitempty"`
	Maximum              *float64            `json:"maximum,omitempty"`
	Required             []string            `json:"required,omitempty"`
	MinProperties        int                 `json:"minProperties,omitempty"`
	MaxProperties        *int                `json:"maxProperties,omitempty"`
	Properties           properties          `json:"properties,omitzero"`
	PatternProperties    map[string]*schema  `json:"patternProperties,omitempty"`
	AdditionalProperties *additional         `json:"additionalProperties,omitempty"`
	PropertyNames        *schema             `json:"propertyNames,omitempty"`
	DependentRequired    map[string][]string `json:"dependentRequired,omitempty"`
	Items                *schema             `json:"items,omitempty"`
	MinItems             int                 `json:"minItems,omitempty"`
	AllOf                []*schema           `json:"allOf,omitempty"`
	AnyOf                []*schema           `json:"anyOf,omitempty"`
	OneOf                []*schema           `json:"oneOf,omitempty"`
	Not                  *schema             `json:"not,omitempty"`
	If                   *schema             `json:"if,omitempty"`
	Then                 *schema             `json:"then,omitempty"`
	Else                 *schema             `json:"else,omitempty"`
	Defs                 map[string]*schema  `json:"$defs,omitempty"`
}

// typeNames are one or more types of JSON.
type typeNames []string

// UnmarshalJSON implements [json.Unmarshaler].
func (t *typeNames) UnmarshalJSON(text []byte) error {
	if text[0] == '[' {
		return json.Unmarshal(text, (*[]string)(t))
	}
	*t = typeNames{""}
	return json.Unmarshal(text, &(*t)[0])
}

// additional is a schema, or without one false.
type additional struct{ *schema }

// UnmarshalJSON implements [json.Unmarshaler].
func (a *additional) UnmarshalJSON(text []byte) error {
	if string(text) == "false" {
		return nil
	}
	return json.Unmarshal(text, &a.schema)
}

// properties are schemas of fields by name, in the order of the text.
type properties struct {
	names []string
	of    map[string]*schema
}

// IsZero reports whether there is none.
func (p properties) IsZero() bool { return len(p.names) == 0 }

func (p *properties) set(name string, s *schema) {
	if p.of == nil {
		p.of = map[string]*schema{}
	}
	if p.of[name] == nil {
		p.names = append(p.names, name)
	}
	p.of[name] = s
}

// UnmarshalJSON implements [json.Unmarshaler].
func (p *properties) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var s schema
		if err := d.Decode(&s); err != nil {
			return err
		}
		p.set(name.(string), &s)
	}
	return nil
}
