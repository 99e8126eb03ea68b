package survival_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/aftershockhq/aftershock/compare/survival"
)

func over(times ...float64) (list []survival.Time) {
	for _, t := range times {
		list = append(list, survival.Time{Seen: t})
	}
	return list
}

func open(times ...float64) []survival.Time {
	list := over(times...)
	for i := range list {
		list[i].Open = true
	}
	return list
}

// The patients of Freireich et al., Blood 21 (1963), that had 6-MP: weeks of
// remission. The table is that of many textbooks, and of R's survfit.
func TestTheCurveOfFreireichsPatients(t *testing.T) {
	curve := survival.KaplanMeier(append(over(6, 6, 6, 7, 10, 13, 16, 22, 23), open(6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35)...))
	want := []struct {
		at            float64
		atRisk, over  int
		share, stderr float64
	}{
		{6, 21, 3, 0.857, 0.0764},
		{7, 17, 1, 0.807, 0.0869},
		{10, 15, 1, 0.753, 0.0963},
		{13, 12, 1, 0.690, 0.1068},
		{16, 11, 1, 0.627, 0.1141},
		{22, 7, 1, 0.538, 0.1282},
		{23, 6, 1, 0.448, 0.1346},
	}
	if len(curve) != len(want) {
		t.Fatalf("%d steps, want %d: %v", len(curve), len(want), curve)
	}
	for i, w := range want {
		s := curve[i]
		if s.At != w.at || s.AtRisk != w.atRisk || s.Over != w.over || math.Abs(s.Share-w.share) > 5e-4 || math.Abs(s.StandardError()-w.stderr) > 1e-4 {
			t.Errorf("step %d: %+v, standard error %.4f, want %+v", i, s, s.StandardError(), w)
		}
	}
	// survfit(conf.type = "log-log"): median 23, 0.95LCL 13, 0.95UCL NA.
	if q := curve.Quantile(0.5, 0.95); q != (survival.Quantile{At: 23, Low: 13, High: math.Inf(1)}) {
		t.Errorf("median %+v", q)
	}
}

func TestQuantiles(t *testing.T) {
	inf := math.Inf(1)
	for _, row := range []struct {
		sentence string
		times    []survival.Time
		share    float64
		want     survival.Quantile
	}{
		{"nothing was seen", nil, 0.5, survival.Quantile{At: inf, Low: inf, High: inf}},
		{"nothing was over", open(3, 4), 0.5, survival.Quantile{At: inf, Low: inf, High: inf}},
		{"one alone has no upper bound", over(3), 0.5, survival.Quantile{At: 3, Low: 3, High: inf}},
		{"five that are the same have none either", over(3, 3, 3, 3, 3), 0.5, survival.Quantile{At: 3, Low: 3, High: inf}},
		{"six do: at most half last longer but for once in 64 times on a side", over(3, 3, 3, 3, 3, 3), 0.5, survival.Quantile{At: 3, Low: 3, High: 3}},
		{"the open one lasted longer than one of the same time", append(over(3), open(3)...), 0.9, survival.Quantile{At: inf, Low: 3, High: inf}},
		{"half of ten is five", over(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), 0.5, survival.Quantile{At: 5, Low: 1, High: 8}},
	} {
		if got := survival.KaplanMeier(row.times).Quantile(row.share, 0.95); got != row.want {
			t.Errorf("%s: %+v, want %+v", row.sentence, got, row.want)
		}
	}
}

// Of 400 sets of 30 times with a median of ln 2, a third of them censored, at least
// 93 % have the median within the bounds for 95 %.
func TestTheBoundsHoldTheMedian(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const sets = 400
	within := 0
	for range sets {
		var times []survival.Time
		for range 30 {
			lasts, seen := random.ExpFloat64(), 2*random.ExpFloat64()
			times = append(times, survival.Time{Seen: min(lasts, seen), Open: seen < lasts})
		}
		if q := survival.KaplanMeier(times).Quantile(0.5, 0.95); q.Low <= math.Ln2 && math.Ln2 <= q.High {
			within++
		}
	}
	t.Logf("%d of %d", within, sets)
	if within < sets*93/100 {
		t.Errorf("%d of %d bounds hold the median", within, sets)
	}
}

func ExampleKaplanMeier() {
	curve := survival.KaplanMeier([]survival.Time{{Seen: 2}, {Seen: 3}, {Seen: 5}, {Seen: 8, Open: true}})
	for _, s := range curve {
		fmt.Printf("%.2f last longer than %gs\n", s.Share, s.At)
	}
	// Output:
	// 0.75 last longer than 2s
	// 0.50 last longer than 3s
	// 0.25 last longer than 5s
}
