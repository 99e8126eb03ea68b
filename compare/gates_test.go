package compare

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Against a baseline, at the 40 trials a side that are planned, with a spread of 20 %
// and known to 2 %: of 200 equal builds at least 95 % are held, of 200 that are half as
// slow again at least 90 % are broken, of 200 at the margin at most 5 % are held and 5 %
// broken. Recoveries of which a fifth take four times as long, beyond the limit, are
// never held; if half of them do, at least 90 % are broken.
func TestRelativeGate(t *testing.T) {
	const builds, planned = 200, 40
	limit := bound{seconds: 6}
	random := rand.New(rand.NewPCG(2026, 15))
	trials := func(n int, slowed, by float64) (list []interval) {
		for range n {
			median := 2.0
			if random.Float64() < slowed {
				median *= by
			}
			v := median * math.Exp(0.2*random.NormFloat64())
			list = append(list, interval{0.99 * v, 1.01 * v})
		}
		return list
	}
	known := table{}
	for _, row := range []struct {
		sentence                string
		n                       int
		slowed, by              float64
		leastHeld, mostHeld     int
		leastBroken, mostBroken int
	}{
		{"equal builds", planned, 0, 1, 190, 200, 0, 10},
		{"half as slow again", planned, 1, 1.5, 0, 0, 180, 200},
		{"at the margin", planned, 1, 1.25, 0, 10, 0, 10},
		{"a fifth four times as slow", planned, 0.2, 4, 0, 0, 0, 200},
		{"half of them four times as slow", planned, 0.5, 4, 0, 0, 180, 200},
		{"five trials", 5, 0, 1, 0, 0, 0, 10},
	} {
		count := map[string]int{}
		for range builds {
			count[known.replayed(trials(row.n, row.slowed, row.by), trials(row.n, 0, 1), limit)]++
		}
		t.Logf("%s: %v", row.sentence, count)
		if count[held] < row.leastHeld || count[held] > row.mostHeld || count[broken] < row.leastBroken || count[broken] > row.mostBroken {
			t.Errorf("%s: %v, want %d to %d held, %d to %d broken", row.sentence, count, row.leastHeld, row.mostHeld, row.leastBroken, row.mostBroken)
		}
	}
}

// Of services that recover in time in exactly nine of ten cases, at most 5 % are ever
// held, and at most 5 % ever broken, by one who looks after each of 200 trials: of
// 20,000 at most 1,000, and three standard deviations of such a count. Of those that
// do in 99 of 100, at least 90 % are held within 100.
func TestLookingAfterEachTrialKeepsTheErrorRate(t *testing.T) {
	const services, most = 20000, 1000 + 92
	random := rand.New(rand.NewPCG(9, 10))
	ever := func(share float64, looks int) (times map[string]int) {
		times = map[string]int{}
		for range services {
			in, out := forHeld(0.9), forBroken(0.9)
			seen := map[string]bool{}
			for range looks {
				success := random.Float64() < share
				in.add(success)
				out.add(success)
				if in.value() >= 20 {
					seen[held] = true
				}
				if out.value() >= 20 {
					seen[broken] = true
				}
			}
			for v := range seen {
				times[v]++
			}
		}
		return times
	}
	at, above := ever(0.9, 200), ever(0.99, 100)
	t.Logf("of 20000 at the share %v, above it %v", at, above)
	if at[held] > most || at[broken] > most || at[held] == 0 || above[held] < services*9/10 {
		t.Errorf("of 20000 at the share %v, above it %v", at, above)
	}
}

// Of textbooks: 95 % of none of 10 and of 5 of 10.
func TestClopperPearson(t *testing.T) {
	for _, row := range []struct {
		k, n      int
		low, high float64
	}{{0, 10, 0, 0.3085}, {5, 10, 0.1871, 0.8129}, {10, 10, 0.6915, 1}} {
		if low, high := clopperPearsonLow(row.k, row.n, 0.025), clopperPearsonHigh(row.k, row.n, 0.025); math.Abs(low-row.low) > 1e-4 || math.Abs(high-row.high) > 1e-4 {
			t.Errorf("%d of %d: %.4f to %.4f", row.k, row.n, low, high)
		}
	}
}
