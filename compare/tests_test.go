package compare

import (
	"math"
	"math/rand/v2"
	"testing"
)

func exactly(values ...float64) (list []interval) {
	for _, v := range values {
		list = append(list, interval{v, v})
	}
	return list
}

func within(width float64, values ...float64) (list []interval) {
	for _, v := range values {
		list = append(list, interval{v - width/2, v + width/2})
	}
	return list
}

func TestMannWhitney(t *testing.T) {
	inf := math.Inf(1)
	for _, row := range []struct {
		sentence      string
		before, after []interval
		p             float64
		larger        bool
	}{
		// R: wilcox.test(1:4, 5:8)$p.value = 0.02857
		{"four and four that are apart", exactly(1, 2, 3, 4), exactly(5, 6, 7, 8), 2. / 70, true},
		{"the other way", exactly(5, 6, 7, 8), exactly(1, 2, 3, 4), 2. / 70, false},
		// Hollander, Wolfe (1973), 69 f., of R's ?wilcox.test: W = 35, one-sided 0.1272
		{"permeability of tissue", exactly(1.15, 0.88, 0.90, 0.74, 1.21), exactly(0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46), 2 * 0.1272, true},
		{"the same in all", exactly(0, 0, 0, 0), exactly(0, 0, 0, 0), 1, false},
		{"intervals that are apart are as exact values", within(0.9, 1, 2, 3, 4), within(0.9, 5, 6, 7, 8), 2. / 70, true},
		{"intervals that all overlap show nothing", within(20, 1, 2, 3, 4), within(20, 5, 6, 7, 8), 1, false},
		{"ends that touch are no difference", within(1, 1, 1, 1, 1), within(1, 2, 2, 2, 2), 1, false},
		{"what was not over is longer than all that was", exactly(1, 2, 3, 4), []interval{{5, inf}, {5, inf}, {6, inf}, {7, inf}}, 2. / 70, true},
		{"what was not over may have lasted as long as any", exactly(8, 9, 10, 11), []interval{{5, inf}, {5, inf}, {6, inf}, {7, inf}}, 1, false},
		{"one that was not seen may be anything", append(exactly(1, 2, 3), anything), exactly(5, 6, 7, 8), 24. / 70, true},
	} {
		p, larger := mannWhitney(row.before, row.after)
		if math.Abs(p-row.p) > 1e-4 || p < 1 && larger != row.larger {
			t.Errorf("%s: p %.5f, larger %v; want %.5f, %v", row.sentence, p, larger, row.p, row.larger)
		}
	}
}

// Of any values within the intervals, none shows a difference less clearly than p;
// where exact values are the same, none much less: the ranks that these have among the
// others are part of the distribution.
func TestPHoldsForEveryValueWithinTheIntervals(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	told := 0
	for trial := range 600 {
		ties, doubt := trial%2 == 0, 1+1e-9
		if ties {
			doubt = 1.5
		}
		n, m := 3+random.IntN(10), 3+random.IntN(10)
		draw := func(n int, by float64) (list []interval) {
			for range n {
				i := interval{low: by + math.Round(4*random.Float64())/2}
				if i.high = i.low + 1; ties {
					i.high = i.low + math.Round(2*random.Float64())/2
				}
				list = append(list, i)
			}
			return list
		}
		before, after := draw(n, 0), draw(m, 3*random.Float64())
		p, larger := mannWhitney(before, after)
		if p == 1 {
			continue
		}
		told++
		for range 20 {
			pick := func(set []interval) (list []interval) {
				for _, i := range set {
					v := i.low + random.Float64()*(i.high-i.low)
					list = append(list, interval{v, v})
				}
				return list
			}
			got, way := mannWhitney(pick(before), pick(after))
			if got > p*doubt || way != larger {
				t.Fatalf("%v and %v: p %g, and %g of values within", before, after, p, got)
			}
		}
	}
	t.Logf("%d of 600 pairs of sets differ", told)
	if told < 100 {
		t.Errorf("%d pairs of sets that differ", told)
	}
}

func TestFisher(t *testing.T) {
	unknown := interval{0, 1}
	of := func(broken, held int) (list []interval) {
		for range broken {
			list = append(list, interval{1, 1})
		}
		for range held {
			list = append(list, interval{0, 0})
		}
		return list
	}
	for _, row := range []struct {
		sentence      string
		before, after []interval
		p             float64
		larger        bool
	}{
		{"the lady who tastes tea", of(1, 3), of(3, 1), 2 * 17. / 70, true},
		{"she who drinks it", of(3, 1), of(1, 3), 2 * 17. / 70, false},
		{"all and none of five", of(0, 5), of(5, 0), 2. / 252, true},
		{"the same", of(2, 8), of(1, 4), 1, false},
		{"unknown ones may have held", of(0, 5), append(of(3, 0), unknown, unknown), 2 * 21. / 252, true},
		{"or been broken", append(of(0, 3), unknown, unknown), of(5, 0), 2 * 21. / 252, true},
	} {
		p, larger := fisher(row.before, row.after)
		if math.Abs(p-row.p) > 1e-9 || larger != row.larger && p < 1 {
			t.Errorf("%s: p %.5f, larger %v; want %.5f, %v", row.sentence, p, larger, row.p, row.larger)
		}
	}
	if k := leastBroken(of(0, 12), of(0, 12), 0.05); k != 5 {
		t.Errorf("%d of 12 would be told, want 5", k) // p = 2 * C(12, 5) / C(24, 5) = 0.037
	}
	if k := leastBroken(of(0, 3), of(0, 3), 0.05); k != -1 {
		t.Errorf("%d of 3 would be told, want none", k)
	}
}

// R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm").
func TestHolm(t *testing.T) {
	got := holm([]float64{0.01, 0.04, 0.03, 0.005})
	for i, want := range []float64{0.03, 0.06, 0.06, 0.02} {
		if math.Abs(got[i]-want) > 1e-12 {
			t.Errorf("%v", got)
		}
	}
}

// The critical values are those of the tables: Mann, Whitney (1947), and textbooks.
func TestCriticalValues(t *testing.T) {
	for _, row := range []struct {
		sizes
		lower float64 // the largest U that is small enough; -1: none
	}{
		{sizes{3, 3, 0.05}, -1},
		{sizes{4, 4, 0.05}, 0},
		{sizes{5, 5, 0.05}, 2},
		{sizes{8, 10, 0.05}, 17},
		{sizes{20, 20, 0.05}, 127},
		{sizes{20, 20, 0.01}, 105},
	} {
		u := table{}.critical(row.sizes)
		if row.lower < 0 != math.IsInf(u, 1) || row.lower >= 0 && u != float64(row.n*row.m)-row.lower {
			t.Errorf("%+v: critical U is %g", row, u)
		}
	}
	for _, row := range []struct {
		level float64
		n     int
	}{{0.05, 4}, {0.01, 5}, {0.005, 6}} {
		if n := leastRuns(row.level); n != row.n {
			t.Errorf("at %g: %d runs a side, want %d", row.level, n, row.n)
		}
	}
}

// R: wilcox.test(after, before, conf.int = TRUE) of the tissues: -0.76 to 0.15 the
// other way round.
func TestShift(t *testing.T) {
	before, after := []float64{0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46}, []float64{1.15, 0.88, 0.90, 0.74, 1.21}
	if s := (table{}).shift(exactly(before...), exactly(after...), 0.05); math.Abs(s.low+0.76) > 1e-9 || math.Abs(s.high-0.15) > 1e-9 {
		t.Errorf("%+v", s)
	}
	if s := (table{}).shift(within(0.2, before...), within(0.2, after...), 0.05); math.Abs(s.low+0.96) > 1e-9 || math.Abs(s.high-0.35) > 1e-9 {
		t.Errorf("%+v, want it wider by the width of both", s)
	}
	if s := (table{}).shift(exactly(1, 2, 3), exactly(7, 8, 9), 0.05); s != anything {
		t.Errorf("three and three: %+v", s)
	}
}

// What would be told nine times in ten is: sets of 12 that are apart by it, of normal
// values with a deviation of 1, in 75 to 100 of 100 draws, and half of it in far fewer.
func TestDetectable(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	draw := func(by float64) []interval {
		var values []float64
		for range 12 {
			values = append(values, by+random.NormFloat64())
		}
		return within(0.1, values...)
	}
	var sum float64
	full, half := 0, 0
	for range 100 {
		by := table{}.detectable(draw(0), draw(0), 0.05)
		sum += by
		if p, larger := mannWhitney(draw(0), draw(by)); p <= 0.05 && larger {
			full++
		}
		if p, larger := mannWhitney(draw(0), draw(by/2)); p <= 0.05 && larger {
			half++
		}
	}
	t.Logf("%.2f on average; told %d of 100, of half of it %d", sum/100, full, half)
	// A t-test of 12 and 12 tells 1.39 nine times in ten.
	if sum/100 < 1.1 || sum/100 > 1.8 || full < 75 || half > 60 {
		t.Errorf("%.2f on average; told %d of 100, of half of it %d", sum/100, full, half)
	}
	if by := (table{}).detectable(exactly(1, 2, 3), exactly(1, 2, 3), 0.05); !math.IsInf(by, 1) {
		t.Errorf("three and three: %g", by)
	}
	if by := (table{}).detectable(exactly(0, 0, 0, 0, 0), exactly(0, 0, 0, 0, 0), 0.05); by != 0 {
		t.Errorf("all the same: %g, want any", by)
	}
}
