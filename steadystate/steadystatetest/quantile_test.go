package steadystatetest_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/steadystatetest"
)

func TestTheRanksOfAQuantilesBounds(t *testing.T) {
	for _, row := range []struct {
		sentence      string
		n             int
		q, confidence float64
		want          steadystate.Bounds[float64] // the values are their ranks
	}{
		{"the median of ten, at 95 %: from the second to the ninth (97.9 %)", 10, 0.5, 0.95, steadystate.Bounds[float64]{Low: 2, High: 9}},
		{"the median of six, at 95 %: all of them (96.9 %)", 6, 0.5, 0.95, steadystate.Bounds[float64]{Low: 1, High: 6}},
		{"the median of five has no such bounds", 5, 0.5, 0.95, steadystate.Bounds[float64]{Low: math.Inf(-1), High: math.Inf(1)}},
		{"the 0.99-quantile of a hundred has none above", 100, 0.99, 0.95, steadystate.Bounds[float64]{Low: 97, High: math.Inf(1)}},
		{"of none nothing is known", 0, 0.5, 0.95, steadystate.Bounds[float64]{Low: math.Inf(-1), High: math.Inf(1)}},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			var values []float64
			for i := range row.n {
				values = append(values, float64(row.n-i))
			}
			if got := steadystatetest.Quantile(values, row.q, row.confidence); got != row.want {
				t.Errorf("%v, want %v", got, row.want)
			}
		})
	}
}

func TestTheBoundsHoldTheTruthAsOftenAsTheySay(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const trials = 2000
	quantiles, means := 0, 0
	for range trials {
		var values []float64
		for range 200 {
			values = append(values, r.ExpFloat64()) // of which the 0.9-quantile is ln 10, and the mean 1
		}
		if steadystatetest.Quantile(values, 0.9, 0.95).Holds(math.Ln10) {
			quantiles++
		}
		if steadystatetest.Mean(values, 1.96).Holds(1) {
			means++
		}
	}
	if quantiles < 0.94*trials || quantiles > 0.985*trials {
		t.Errorf("the quantile was within its bounds in %d of %d trials, want 95 %% and a little more", quantiles, trials)
	}
	if means < 0.92*trials || means > 0.97*trials {
		t.Errorf("the mean was within its bounds in %d of %d trials, want about 95 %%", means, trials)
	}
}
