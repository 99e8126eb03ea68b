package joined_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aftershockhq/aftershock/steadystate/joined"
)

func TestAnErrorIsTakenApart(t *testing.T) {
	a, b, c := errors.New("a"), errors.New("b"), errors.New("c")
	for _, row := range []struct {
		sentence     string
		err          error
		parts, lines string
	}{
		{"none has none", nil, "[]", "[]"},
		{"a plain one is a line", a, "[]", "[a]"},
		{"those that were joined are a line each", errors.Join(a, nil, b), "[a b]", "[a b]"},
		{"at any depth", errors.Join(a, errors.Join(b, c)), "[a b\nc]", "[a b c]"},
		{"one that says more than what it wraps is a line of its own", fmt.Errorf("undo: %w", errors.Join(a, b)), "[a\nb]", "[undo: a\nb]"},
		{"one that says no more is not", fmt.Errorf("%w", errors.Join(a, b)), "[a\nb]", "[a b]"},
		{"one with two causes is one", errors.Join(fmt.Errorf("%w and %w", a, b), c), "[a and b c]", "[a and b c]"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			if got := fmt.Sprint(joined.Parts(row.err)); got != row.parts {
				t.Errorf("parts %q, want %q", got, row.parts)
			}
			if got := fmt.Sprint(joined.Lines(row.err)); got != row.lines {
				t.Errorf("lines %q, want %q", got, row.lines)
			}
		})
	}
}
