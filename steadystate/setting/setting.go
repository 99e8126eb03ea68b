// Package setting is the error of a source, a load or a fault about one of its
// fields. The reader of a file finds its place by the path:
//
//	for _, wrong := range setting.Errors(err) {
//		fmt.Println(wrong.Path, wrong.Message)
//	}
package setting

import (
	"errors"
	"fmt"

	"github.com/aftershockhq/aftershock/steadystate/joined"
)

// An Error says what is wrong with one field.
type Error struct {
	Line int // of the file; 0: not known
	// Path locates the field by its names in YAML, "http_config.basic_auth.password";
	// empty: the settings as a whole.
	Path    string
	Message string
}

// Errorf returns an error about the field at a path.
func Errorf(path, format string, args ...any) Error {
	return Error{Path: path, Message: fmt.Sprintf(format, args...)}
}

// Error returns "line 4: http_config.basic_auth.password: is written out: ...".
func (e Error) Error() string {
	text := e.Message
	if e.Path != "" {
		text = e.Path + ": " + text
	}
	if e.Line > 0 {
		text = fmt.Sprintf("line %d: %s", e.Line, text)
	}
	return text
}

// Errors returns the errors that err joins, recursively. An error that is not an
// [Error] comes without a path.
func Errors(err error) (list []Error) {
	var (
		several joined.Error
		wrong   Error
	)
	switch {
	case err == nil:
	case errors.As(err, &several) && fmt.Sprint(several) == errors.Join(several.Unwrap()...).Error():
		for _, inner := range several.Unwrap() {
			list = append(list, Errors(inner)...)
		}
	case errors.As(err, &wrong):
		list = append(list, wrong)
	default:
		list = append(list, Error{Message: err.Error()})
	}
	return list
}
