package steadystate_test

import (
	"math"
	"testing"

	"github.com/aftershockhq/aftershock/steadystate"
)

func TestLogChoose(t *testing.T) {
	for _, row := range []struct {
		n, k int
		want float64
	}{
		{0, 0, 1},
		{4, 2, 6},
		{52, 5, 2_598_960},
		{1000, 999, 1000},
		{4, 5, 0},
		{4, -1, 0},
	} {
		if got := math.Exp(steadystate.LogChoose(row.n, row.k)); !(math.Abs(got-row.want) <= 1e-9*row.want) { // nor NaN
			t.Errorf("%d over %d is %g, want %g", row.n, row.k, got, row.want)
		}
	}
}
