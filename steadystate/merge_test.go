package steadystate_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aftershockhq/aftershock/steadystate"
)

func TestLimitsAreMergedByWhatTheyLimit(t *testing.T) {
	for _, row := range []struct {
		sentence         string
		base, over, want []string
	}{
		{"nothing and nothing", nil, nil, nil},
		{"nothing over some", []string{"p95 <= 1s"}, nil, []string{"p95 <= 1s"}},
		{"some over nothing", nil, []string{"p95 <= 1s"}, []string{"p95 <= 1s"}},
		{"one of the same quantity takes its place", []string{"downtime <= 0", "p95 <= 1s", "errors <= 1%"}, []string{"p95 < 2s"}, []string{"downtime <= 0", "p95 < 2s", "errors <= 1%"}},
		{"others are added in their order", []string{"downtime <= 0"}, []string{"p95 <= 2s", "errors <= 1%"}, []string{"downtime <= 0", "p95 <= 2s", "errors <= 1%"}},
		{"a floor and a ceiling are two", []string{"mean >= 70% during hold"}, []string{"mean <= 80% during hold"}, []string{"mean >= 70% during hold", "mean <= 80% during hold"}},
		{"and so is a number that is asked for exactly", []string{"outages <= 2"}, []string{"outages == 1"}, []string{"outages <= 2", "outages == 1"}},
		{"of good ones is another quantity", []string{"p95 <= 1s"}, []string{"p95 of good <= 1s"}, []string{"p95 <= 1s", "p95 of good <= 1s"}},
		{"so is it in another phase", []string{"p95 <= 1s"}, []string{"p95 <= 2s during hold"}, []string{"p95 <= 1s", "p95 <= 2s during hold"}},
		{"and against the baseline", []string{"p95 <= 1s"}, []string{"p95 <= 2x baseline"}, []string{"p95 <= 1s", "p95 <= 2x baseline"}},
		{"and after the removal", []string{"ttr <= 1m"}, []string{"ttr <= 30s after removal"}, []string{"ttr <= 1m", "ttr <= 30s after removal"}},
		{"one percentile may be written in two ways", []string{"p95 <= 1s"}, []string{"p95.0 <= 2s"}, []string{"p95.0 <= 2s"}},
		{"two of the same take the place of one", []string{"p95 <= 1s", "downtime <= 0"}, []string{"p95 <= 3s", "p95 < 2s"}, []string{"p95 <= 3s", "p95 < 2s", "downtime <= 0"}},
		{"and one that of two", []string{"p95 <= 1s", "downtime <= 0", "p95 < 2s"}, []string{"p95 <= 3s"}, []string{"p95 <= 3s", "downtime <= 0"}},
		{"two of the base stay", []string{"p95 <= 1s", "p95 < 2s"}, []string{"errors <= 0"}, []string{"p95 <= 1s", "p95 < 2s", "errors <= 0"}},
	} {
		base := steadystate.Limits(row.base...)
		before := slices.Clone(base)
		var got []string
		for _, l := range steadystate.Merge(base, steadystate.Limits(row.over...), steadystate.Limit.Key) {
			got = append(got, l.String())
		}
		if !slices.Equal(got, row.want) {
			t.Errorf("%s: %q, want %q", row.sentence, got, row.want)
		}
		if !slices.Equal(base, before) {
			t.Errorf("%s: the base is now %v", row.sentence, base)
		}
	}
}

func TestWhatIsGoodNamesTheValue(t *testing.T) {
	for text, want := range map[string]string{
		"value <= 1s":     "<= 1s",
		"value>=100%":     ">= 100%",
		" value  < 0.001": "< 0.001",
		"value == 1":      "== 1",
	} {
		if got, err := steadystate.ParseGood(text); err != nil || got.String() != want {
			t.Errorf("%q: %s, %v, want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"":                 `good "": want value OPERATOR NUMBER, as in "value <= 1s" or "value >= 100%"`,
		"value":            `tolerance "": want an operator first: <= >= == < >`,
		"<= 1s":            `good "<= 1s": write "value <= 1s"`,
		">= 1q":            `good ">= 1q": tolerance ">= 1q": "1q" is not a number with a unit; units: ns`,
		"p95 <= 1s":        `good "p95 <= 1s": want value OPERATOR NUMBER`,
		"values <= 1s":     `want an operator first`,
		"value <= fast":    `"fast" is not a number with a unit; units: ns`,
		"value <= 2x":      `good "value <= 2x": a multiple needs a baseline, which one value does not have; units: ns`,
		"value <= 1s hold": `is not a number with a unit`,
	} {
		if got, err := steadystate.ParseGood(text); err == nil || got.IsSet() || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %s, error %v, want one with %q", text, got, err, want)
		}
	}
}
