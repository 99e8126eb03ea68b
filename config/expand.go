package config

import (
	"fmt"
	"regexp"
	"strings"
)

var variable = regexp.MustCompile(`\$\$|\$\{[^}]*\}?`)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// expand puts the values of environment variables in place of ${NAME}, and $ in
// place of $$.
func expand(text string, lookup func(string) (string, bool)) (expanded string, err error) {
	expanded = variable.ReplaceAllStringFunc(text, func(found string) string {
		name, closed := strings.CutSuffix(strings.TrimPrefix(found, "${"), "}")
		switch value, set := lookup(name); {
		case found == "$$":
			return "$"
		case !closed || !variableName.MatchString(name):
			err = fmt.Errorf("%q does not name an environment variable; write ${NAME}, or $$ for a $", found)
		case !set:
			err = fmt.Errorf("environment variable %s is not set", name)
		default:
			return value
		}
		return found
	})
	return expanded, err
}
