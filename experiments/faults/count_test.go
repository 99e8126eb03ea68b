package faults_test

import (
	"strings"
	"testing"

	"github.com/aftershockhq/aftershock/experiments/faults"
)

func TestTheTextOfACount(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"1": 1, "3": 3, "50%": 4, "100%": 7, "all": 7} {
		var c faults.Count
		if err := c.UnmarshalText([]byte(text)); err != nil || string(c) != text {
			t.Errorf("%q: %q, %v", text, c, err)
			continue
		}
		if n, err := c.Of(7); err != nil || n != want {
			t.Errorf("%q of 7 pods are %d, %v, want %d", text, n, err, want)
		}
		if c.IsAll() != (want == 7) {
			t.Errorf("%q are all: %t", text, c.IsAll())
		}
	}
	for text, want := range map[string]string{
		"":     `no count; say how many pods, as in "1", "50%" or "all"`,
		"most": `"most" is neither a number nor a percentage; say how many pods, as in "1", "50%" or "all"`,
		"0.5":  `neither a number nor a percentage`,
		"0":    "want at least 1",
		"0%":   "a percentage is from 1% to 100%",
		"101%": "a percentage is from 1% to 100%",
	} {
		c := faults.One
		if err := c.UnmarshalText([]byte(text)); err == nil || c != faults.One || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q, error %v, want one with %q", text, c, err, want)
		}
	}
}
