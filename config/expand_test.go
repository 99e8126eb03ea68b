package config

import (
	"strings"
	"testing"
)

func TestExpand(t *testing.T) {
	lookup := func(name string) (string, bool) {
		v, ok := map[string]string{"HOST": "shop.example", "EMPTY": "", "TRICK": "${HOST}: {a: b}"}[name]
		return v, ok
	}
	for text, want := range map[string]string{
		"http://${HOST}/":       "http://shop.example/",
		"${HOST}${HOST}":        "shop.exampleshop.example",
		"a ${EMPTY}b":           "a b",
		"$${HOST}":              "${HOST}",
		"$$$$":                  "$$",
		`rate(x{code=~"5..$"})`: `rate(x{code=~"5..$"})`,
		"label_replace(up, $1)": "label_replace(up, $1)",
		"${TRICK}":              "${HOST}: {a: b}",
	} {
		if got, _, err := expand(text, lookup); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"${PORT}":  "environment variable PORT is not set",
		"${HOST":   `"${HOST" does not name an environment variable; write ${NAME}, or $$ for a $`,
		"${A-B}":   `"${A-B}" does not name`,
		"x${}":     `"${}" does not name`,
		"${HOST }": `"${HOST }" does not name`,
	} {
		if got, _, err := expand(text, lookup); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v; want %q", text, got, err, want)
		}
	}
}
