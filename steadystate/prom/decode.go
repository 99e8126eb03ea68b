package prom

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/prometheus/common/config"
	"go.yaml.in/yaml/v3"

	"github.com/aftershockhq/aftershock/steadystate/setting"
)

// UnmarshalYAML reads "url" and "http_config" strictly: an unknown field is an
// error. So is a secret in plain text, since a config file is shown and kept in
// version control: use a file or an environment variable instead. The error
// joins a [setting.Error] for each invalid field.
func (c *Config) UnmarshalYAML(node *yaml.Node) error {
	type plain Config
	read := plain{HTTP: config.DefaultHTTPClientConfig}
	errs := wrong(node, node.Line, "", reflect.TypeFor[plain]())
	if len(errs) == 0 {
		errs = append(errs, node.Decode(&read))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	*c = Config(read)
	return nil
}

// wrong checks a node against a type. It checks the fields first, because the
// settings' own decoders stop at the first error, give no line and ignore
// unknown fields.
func wrong(node *yaml.Node, line int, path string, of reflect.Type) (errs []error) {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	if node.ShortTag() == "!!null" {
		return nil
	}
	bad := func(line int, path, format string, args ...any) []error {
		errs = append(errs, setting.Error{Line: line, Path: strings.TrimPrefix(path, "."), Message: fmt.Sprintf(format, args...)})
		return errs
	}
	fields := fieldsOf(of)
	switch want := of.Kind(); {
	case len(fields) > 0 && node.Kind != yaml.MappingNode:
		return bad(line, path, "want a mapping of these fields: %s", strings.Join(names(fields), ", "))
	case (want == reflect.Map || keyed(of) != nil) && node.Kind != yaml.MappingNode:
		return bad(line, path, "want a mapping")
	case want == reflect.Slice && node.Kind != yaml.SequenceNode:
		return bad(line, path, "want a list")
	case want == reflect.String && node.Kind != yaml.ScalarNode:
		return bad(line, path, "want a text")
	case want == reflect.Bool && node.ShortTag() != "!!bool":
		return bad(line, path, "want true or false")
	}
	switch {
	case of.Kind() == reflect.Slice:
		for i, item := range node.Content {
			errs = append(errs, wrong(item, item.Line, fmt.Sprintf("%s[%d]", path, i), of.Elem())...)
		}
	case of.Kind() == reflect.Map || len(fields) > 0 || keyed(of) != nil:
		for i := 0; i+1 < len(node.Content); i += 2 {
			key, value := node.Content[i], node.Content[i+1]
			at := path + "." + key.Value
			inner := keyed(of)
			if f := slices.IndexFunc(fields, func(f field) bool { return f.name == key.Value }); f >= 0 {
				inner = fields[f].of
			}
			switch {
			case inner == nil:
				bad(key.Line, at, "unknown field; fields: %s", strings.Join(names(fields), ", "))
			case secret(inner) && holds(value):
				bad(key.Line, at, "is written out: %s", instead(key.Value, names(fields)))
			default:
				errs = append(errs, wrong(value, key.Line, at, inner)...)
			}
		}
	}
	if len(errs) > 0 {
		return errs
	}
	// Fields that are valid one by one may still be invalid together.
	if err := node.Decode(reflect.New(of).Interface()); err != nil {
		bad(line, path, "%s", told(err))
	}
	return errs
}

// told is an error's text without secrets: the cause of url.Parse repeats the
// URL.
func told(err error) string {
	var u *url.Error
	var types *yaml.TypeError
	switch {
	case errors.As(err, &u):
		return fmt.Sprintf("the URL does not parse: %s", u.Err)
	case errors.As(err, &types):
		return strings.Join(types.Errors, "; ")
	}
	return err.Error()
}

// A field is a settings field and its YAML name.
type field struct {
	name string
	of   reflect.Type
}

// fieldsOf lists the fields of the type, including those of inlined structs.
func fieldsOf(t reflect.Type) (fields []field) {
	if t.Kind() != reflect.Struct {
		return nil
	}
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case options == "inline":
			fields = append(fields, fieldsOf(f.Type)...)
		case name != "":
			fields = append(fields, field{name, f.Type})
		}
	}
	return fields
}

// keyed is the value type of a mapping with free keys; nil: the keys are fields.
func keyed(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Map {
		return t.Elem()
	}
	if t.Kind() == reflect.Struct {
		for f := range t.Fields() {
			if f.Type.Kind() == reflect.Map && f.Tag.Get("yaml") == ",inline" {
				return f.Type.Elem()
			}
		}
	}
	return nil
}

func names(fields []field) (list []string) {
	for _, f := range fields {
		list = append(list, f.name)
	}
	return list
}

// secret reports whether the type is a secret or a list of secrets.
func secret(t reflect.Type) bool {
	return t == reflect.TypeFor[config.Secret]() || (t.Kind() == reflect.Slice && secret(t.Elem()))
}

// holds reports whether a secret is set.
func holds(node *yaml.Node) bool {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	return len(node.Content) > 0 || (node.Value != "" && node.ShortTag() != "!!null")
}

// instead suggests a replacement for a secret field: one of the fields beside
// it.
func instead(name string, beside []string) string {
	var ways []string
	for _, way := range []struct{ field, text string }{
		{name + "_file", "a file (%s)"}, {"files", "a file (%s)"}, {name + "_ref", "an environment variable (%s)"},
	} {
		if slices.Contains(beside, way.field) {
			ways = append(ways, fmt.Sprintf(way.text, way.field))
		}
	}
	if len(ways) == 0 {
		return "leave it out, since it can be neither in a file nor in an environment variable"
	}
	return "name " + strings.Join(ways, " or ") + " instead"
}
