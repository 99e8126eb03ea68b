package config

import (
	"fmt"
	"regexp"
	"strings"
)

var variable = regexp.MustCompile(`\$\$|\$\{[^}]*\}?`)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// An envVar is an environment variable.
type envVar struct{ name, value string }

// expand puts the values of environment variables in place of ${NAME}, and $ in
// place of $$.
func expand(text string, lookup func(string) (string, bool)) (expanded string, used []envVar, err error) {
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
			used = append(used, envVar{name, value})
			return value
		}
		return found
	})
	return expanded, used, err
}
