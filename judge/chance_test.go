package judge

import (
	"math"
	"testing"
)

// The tails are those of published tables, and of counting by hand.
func TestTheTailOfFishersTest(t *testing.T) {
	for _, row := range []struct {
		sentence       string
		sample, others tally
		want           float64
	}{
		{"Fisher's tea: three of four, and one of the other four", tally{3, 4}, tally{1, 4}, 17.0 / 70},
		{"all four, and none of the others", tally{4, 4}, tally{0, 4}, 1.0 / 70},
		{"seven of seven against none of seven is rarer than one in 1,000", tally{7, 7}, tally{0, 7}, 1.0 / 3432},
		{"six of six against none of six is not", tally{6, 6}, tally{0, 6}, 1.0 / 924},
		{"no more than its share is no tail", tally{5, 10}, tally{5, 10}, 1},
		{"nor is less", tally{1, 10}, tally{9, 10}, 1},
		{"without values there is nothing to compare", tally{0, 0}, tally{5, 10}, 1},
		{"nor without others", tally{5, 10}, tally{0, 0}, 1},
		{"a million values", tally{1, 1_000_000}, tally{0, 1_000_000}, 0.5},
	} {
		if got := row.sample.tail(row.others); math.Abs(got-row.want) > 1e-6*row.want {
			t.Errorf("%s: %g, want %g", row.sentence, got, row.want)
		}
	}
}
