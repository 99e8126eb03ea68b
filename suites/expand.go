package suites

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var reference = regexp.MustCompile(`\$\$|\$\{[^}]*\}?`)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// expand puts the values of environment variables in place of ${NAME}, and $ in
// place of $$. It is done in values that were parsed, so that no value can become
// more of the file than that.
func expand(text string, lookup func(string) (string, bool)) (expanded string, err error) {
	expanded = reference.ReplaceAllStringFunc(text, func(found string) string {
		name, closed := strings.CutSuffix(strings.TrimPrefix(found, "${"), "}")
		switch value, set := lookup(name); {
		case found == "$$":
			return "$"
		case !closed || !variableName.MatchString(name):
			err = fmt.Errorf("%q is no reference to an environment variable: want ${NAME}, or $$ for a $", found)
		case !set:
			err = fmt.Errorf("the environment variable %s is not set", name)
		default:
			return value
		}
		return found
	})
	return expanded, err
}

// expandAll expands every text of the file.
func (d *decoder) expandAll() {
	d.expandIn("", reflect.ValueOf(&d.file).Elem())
}

func (d *decoder) expandIn(at string, v reflect.Value) {
	inner := func(name string) string { return strings.TrimPrefix(at+"."+name, ".") }
	text := func(s string) string {
		expanded, err := expand(s, os.LookupEnv)
		if err != nil {
			d.bad(at, "%w", err)
		}
		return expanded
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text(v.String()))
	case reflect.Pointer, reflect.Interface:
		switch {
		case v.IsNil():
		case v.Kind() == reflect.Pointer:
			d.expandIn(at, v.Elem())
		default: // of http_config, whose values are of any kind
			value := reflect.New(v.Elem().Type()).Elem()
			value.Set(v.Elem())
			d.expandIn(at, value)
			v.Set(value)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			d.expandIn(inner(v.Type().Field(i).Tag.Get("yaml")), v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			d.expandIn(inner(strconv.Itoa(i)), v.Index(i))
		}
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, key := range keys {
			value := reflect.New(v.Type().Elem()).Elem()
			value.Set(v.MapIndex(key))
			d.expandIn(inner(key.String()), value)
			v.SetMapIndex(key, value)
		}
	}
}
