// Package near finds the name that was meant by one that was mistyped.
//
//	near.Meant("answes", []string{"answers", "whole"}) // `; did you mean "answers"?`
package near

import (
	"fmt"
	"slices"
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

// MeantPath is Meant for a name of parts with slashes between: each of its parts must be
// like one, in their order, and the last like the last, so that what is in front, or
// between, may be left out.
func MeantPath(name string, among []string) string {
	best, meant := 0.0, ""
	for _, other := range among {
		if like := likePath(strings.Split(name, "/"), strings.Split(other, "/")); like > best {
			best, meant = like, other
		}
	}
	if meant == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", meant)
}

// likePath is how like the parts of a name are to those of another on average, a
// little less for each that is left out; zero if one is not like any.
func likePath(parts, others []string) float64 {
	sum, end := 0.0, len(others)
	for k, part := range slices.Backward(parts) {
		best, at := 0.0, -1
		for i := end - 1; i >= k; i-- {
			if like := difflib.NewMatcher(letters(part), letters(others[i])).Ratio(); like > best {
				best, at = like, i
			}
			if k == len(parts)-1 {
				break
			}
		}
		if best < least {
			return 0
		}
		sum, end = sum+best, at
	}
	return sum/float64(len(parts)) - 0.01*float64(len(others)-len(parts))
}

func letters(name string) []string { return strings.Split(strings.ToLower(name), "") }
