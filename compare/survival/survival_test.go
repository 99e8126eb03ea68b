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
		at           float64
		atRisk, over int
		share        float64
	}{
		{6, 21, 3, 0.857},
		{7, 17, 1, 0.807},
		{10, 15, 1, 0.753},
		{13, 12, 1, 0.690},
		{16, 11, 1, 0.627},
		{22, 7, 1, 0.538},
		{23, 6, 1, 0.448},
	}
	if len(curve.Steps()) != len(want) {
		t.Fatalf("%d steps, want %d: %v", len(curve.Steps()), len(want), curve)
	}
	for i, w := range want {
		s := curve.Steps()[i]
		if s.At != w.at || s.AtRisk != w.atRisk || s.Over != w.over || math.Abs(s.Share-w.share) > 5e-4 {
			t.Errorf("step %d: %+v, want %+v", i, s, w)
		}
	}
	// survfit: median 23, 0.95UCL NA. Its 0.95LCL is 13 with conf.type "log-log"; here it
	// is where the tenth to twelfth were last seen.
	if q := curve.Quantile(0.5, 0.95); q != (survival.Quantile{At: 23, Low: 11, High: math.Inf(1)}) {
		t.Errorf("median %+v", q)
	}
}

func TestQuantiles(t *testing.T) {
	inf, none := math.Inf(1), math.Inf(-1)
	for _, row := range []struct {
		sentence string
		times    []survival.Time
		share    float64
		want     survival.Quantile
	}{
		{"nothing was seen", nil, 0.5, survival.Quantile{At: inf, Low: none, High: inf}},
		{"nothing was over", open(3, 4), 0.5, survival.Quantile{At: inf, Low: none, High: inf}},
		{"of six open ones, half last until the first was last seen", open(3, 4, 5, 6, 7, 8), 0.5, survival.Quantile{At: inf, Low: 3, High: inf}},
		{"one alone has no bounds", over(3), 0.5, survival.Quantile{At: 3, Low: none, High: inf}},
		{"five that are the same have none either", over(3, 3, 3, 3, 3), 0.5, survival.Quantile{At: 3, Low: none, High: inf}},
		{"six do: at most half last longer but for once in 64 times on a side", over(3, 3, 3, 3, 3, 3), 0.5, survival.Quantile{At: 3, Low: 3, High: 3}},
		{"the open one lasted longer than one of the same time", append(over(3), open(3)...), 0.9, survival.Quantile{At: inf, Low: 3, High: inf}},
		{"half of ten is five", over(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), 0.5, survival.Quantile{At: 5, Low: 2, High: 9}},
	} {
		if got := survival.KaplanMeier(row.times).Quantile(row.share, 0.95); got != row.want {
			t.Errorf("%s: %+v, want %+v", row.sentence, got, row.want)
		}
	}
}

// Of sets with a median of ln 2, a third of whose times are censored or none, at most
// 2.5 % have it below the bounds for 95 %, and at most 2.5 % above; three standard
// deviations of what is drawn are beside it.
func TestTheBoundsHoldTheMedian(t *testing.T) {
	const sets = 1000
	most := 0.025*sets + 3*math.Sqrt(0.025*0.975*sets)
	for _, row := range []struct {
		n        int
		censored bool
	}{{1, false}, {2, false}, {3, false}, {5, false}, {6, false}, {9, false}, {30, false}, {3, true}, {6, true}, {12, true}, {30, true}} {
		random := rand.New(rand.NewPCG(1, 2))
		below, above := 0, 0
		for range sets {
			var times []survival.Time
			for range row.n {
				lasts, seen := random.ExpFloat64(), math.Inf(1)
				if row.censored {
					seen = 2 * random.ExpFloat64()
				}
				times = append(times, survival.Time{Seen: min(lasts, seen), Open: seen < lasts})
			}
			switch q := survival.KaplanMeier(times).Quantile(0.5, 0.95); {
			case math.Ln2 < q.Low:
				below++
			case math.Ln2 > q.High:
				above++
			}
		}
		t.Logf("%+v: below %d, above %d", row, below, above)
		if float64(max(below, above)) > most {
			t.Errorf("%+v: of %d sets %d have the median below the bounds, %d above", row, sets, below, above)
		}
	}
}

func ExampleKaplanMeier() {
	curve := survival.KaplanMeier([]survival.Time{{Seen: 2}, {Seen: 3}, {Seen: 5}, {Seen: 8, Open: true}})
	for _, s := range curve.Steps() {
		fmt.Printf("%.2f last longer than %gs\n", s.Share, s.At)
	}
	// Output:
	// 0.75 last longer than 2s
	// 0.50 last longer than 3s
	// 0.25 last longer than 5s
}
