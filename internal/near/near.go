// Package near finds the name that was meant by one that was mistyped.
//
//	near.Meant("answes", []string{"answers", "whole"}) // `; did you mean "answers"?`
package near

import (
	"fmt"
	"strings"

	"github.com/pmezard/go-difflib/difflib"
)

// least is how similar two names must be, the cutoff of Python's
// difflib.get_close_matches.
const least = 0.6

// Meant is the end of a message about a name that is not among those there are:
// the one most like it. Empty: none is like it.
func Meant(name string, among []string) string {
	best, meant := least, ""
	for _, other := range among {
		like := difflib.NewMatcher(letters(name), letters(other)).Ratio()
		if like > best || meant == "" && like == best {
			best, meant = like, other
		}
	}
	if meant == "" || meant == name {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", meant)
}

func letters(name string) []string { return strings.Split(strings.ToLower(name), "") }
