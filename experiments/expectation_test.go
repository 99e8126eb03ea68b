package experiments_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
)

// sized judges expectations whose limits are numbers.
type sized struct{}

func (sized) Kind() string { return "size" }

func (sized) Key(string) string { return "size" }

func (sized) Validate(x record.Expectation) error {
	for _, l := range x.Limits {
		if strings.Trim(l, "0123456789") != "" {
			return errors.New("limit " + l + " is no number")
		}
	}
	return nil
}

func (sized) Evaluate(record.Expectation, judge.Result) []judge.Finding { return nil }

func TestAnExpectationIsRefusedBeforeAnythingIsTouched(t *testing.T) {
	for _, row := range []struct {
		sentence     string
		expectations []record.Expectation
		want         string // empty: it is taken
	}{
		{"one that can be judged", []record.Expectation{{Name: "a", Kind: "size", Subject: "pod/a", Limits: []string{"1"}}}, ""},
		{"a limit that cannot be read", []record.Expectation{{Name: "a", Kind: "size", Subject: "pod/a", Limits: []string{"one"}}}, `expectation "a": limit one is no number`},
		{"a kind without an evaluator", []record.Expectation{{Name: "a", Kind: "colour", Subject: "pod/a"}}, `no evaluator of the kind "colour"; kinds: "size"`},
		{"without a name", []record.Expectation{{Kind: "size", Subject: "pod/a"}}, "needs a name"},
		{"without a kind", []record.Expectation{{Name: "a", Subject: "pod/a"}}, "needs a kind"},
		{"without a subject", []record.Expectation{{Name: "a", Kind: "size"}}, "needs a subject"},
		{"the name of a check", []record.Expectation{{Name: "answers", Kind: "size", Subject: "pod/a"}}, `"answers" has the name of a check or of another`},
		{"a name twice", []record.Expectation{{Name: "a", Kind: "size", Subject: "pod/a"}, {Name: "a", Kind: "size", Subject: "pod/b"}}, "of a check or of another"},
	} {
		e := newWorld().experiment()
		e.Expectations, e.Evaluators = row.expectations, []judge.Evaluator{sized{}}
		err := e.Validate()
		if (err == nil) != (row.want == "") || (err != nil && !strings.Contains(err.Error(), row.want)) {
			t.Errorf("%s: error %v, want %q", row.sentence, err, row.want)
		}
	}
}
