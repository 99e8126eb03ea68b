// Package joined takes errors apart that [errors.Join] and [fmt.Errorf] put together:
//
//	for _, line := range joined.Lines(errors.Join(one, other)) {
//		fmt.Println("-", line)
//	}
package joined

import "errors"

// An Error is what [errors.Join] returns, and [fmt.Errorf] of several.
type Error interface {
	error
	Unwrap() []error
}

// wrapper is what [fmt.Errorf] of one returns.
type wrapper interface {
	error
	Unwrap() error
}

// Parts are the errors that err itself joins, or the one that it wraps.
func Parts(err error) []error {
	switch err := err.(type) { //nolint:errorlint // this very one: who calls looks at its parts in turn
	case Error:
		return err.Unwrap()
	case wrapper:
		if inner := err.Unwrap(); inner != nil {
			return []error{inner}
		}
	}
	return nil
}

// Lines are the errors that are joined in err, at any depth. An error that says more than
// those that it joins or wraps is one of its own.
func Lines(err error) (list []error) {
	if err == nil {
		return nil
	}
	several, ok := errors.AsType[Error](err)
	if !ok || errors.Join(several.Unwrap()...).Error() != err.Error() {
		return []error{err}
	}
	for _, part := range several.Unwrap() {
		list = append(list, Lines(part)...)
	}
	return list
}
