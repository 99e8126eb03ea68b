package steadystate_test

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/aftershockhq/aftershock/steadystate"
)

// latencies are values of many sizes, some of them the same, now and then below
// zero.
func latencies(r *rand.Rand, n int) []float64 {
	list := make([]float64, n)
	for i := range list {
		list[i] = math.Exp(r.NormFloat64()*5 - 4)
		switch r.IntN(20) {
		case 0:
			list[i] = 0.25
		case 1:
			list[i] *= -1
		case 2:
			list[i] = 0
		}
	}
	return list
}

// Whoever merges gets what he would have got from all of them.
func TestMergedValuesAreAsIfAddedToOne(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 5))
		all := latencies(r, r.IntN(3000))
		parts := make([]steadystate.Values, 1+r.IntN(5))
		var one, merged, backwards steadystate.Values
		for _, v := range all {
			one.Add(v)
			parts[r.IntN(len(parts))].Add(v)
		}
		for i := range parts {
			merged.Merge(&parts[i])
			backwards.Merge(&parts[len(parts)-1-i])
		}
		for _, got := range []*steadystate.Values{&merged, &backwards} {
			if got.N() != one.N() {
				t.Fatalf("seed %d: %d values, want %d", seed, got.N(), one.N())
			}
			if a, b := got.Mean(), one.Mean(); a != b && len(all) > 0 {
				t.Fatalf("seed %d: mean %v, want exactly %v", seed, a, b)
			}
			for _, q := range []float64{0, 0.001, 0.5, 0.9, 0.99, 0.9999, 1} {
				if a, b := got.Quantile(q), one.Quantile(q); a != b {
					t.Fatalf("seed %d: p%g %v, want exactly %v", seed, 100*q, a, b)
				}
			}
		}
		// What was merged is left as it was.
		n := 0
		for i := range parts {
			n += parts[i].N()
		}
		if n != len(all) {
			t.Fatalf("seed %d: the parts hold %d values, want %d", seed, n, len(all))
		}
	}
}

func TestMergedBoundsAreAsIfAddedToOne(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 7))
		var one, merged steadystate.BoundedValues
		parts := make([]steadystate.BoundedValues, 3)
		// The first part may be exact, and so may all of them.
		exact := r.IntN(2) == 0
		for _, v := range latencies(r, 1+r.IntN(500)) {
			b, i := steadystate.Exactly(v), r.IntN(len(parts))
			if i > 0 && !exact {
				b.High += r.Float64()
			}
			one.Add(b)
			parts[i].Add(b)
		}
		for i := range parts {
			merged.Merge(&parts[i])
		}
		got, gotOK := merged.Distribution()
		want, wantOK := one.Distribution()
		if got != want || gotOK != wantOK {
			t.Fatalf("seed %d: %+v, want exactly %+v", seed, got, want)
		}
	}
}

func TestAQuantileIsKnownToItsBucket(t *testing.T) {
	var values steadystate.Values
	for i := range 100_000 {
		values.Add(float64(i+1) / 1e5)
	}
	for _, q := range []float64{0.01, 0.5, 0.95, 0.999} {
		b := values.Quantile(q)
		if !b.Holds(q) || (b.High-b.Low)/b.Low > 1.0/4096 {
			t.Errorf("p%g: %v, want bounds of %g no further apart than a 4096th", 100*q, b, q)
		}
	}
}

func TestTheMeanIsThatOfTheExactSum(t *testing.T) {
	for _, row := range []struct {
		sentence string
		values   []float64
		want     float64
	}{
		{"what cancels is gone", []float64{1e16, 1, -1e16}, 1.0 / 3},
		{"what is too small to tell by itself adds up", append(many(1<<12, 0x1p-53), 1), (1 + 0x1p-41) / (1<<12 + 1)},
		{"half of the last digit goes by what follows", []float64{1, 0x1p-53, 0x1p-106}, (1 + 0x1p-52) / 3},
		{"an infinite one makes it infinite", []float64{1, math.Inf(1)}, math.Inf(1)},
		{"so does more than a float holds", []float64{math.MaxFloat64, math.MaxFloat64}, math.Inf(1)},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			var values steadystate.Values
			for _, v := range row.values {
				values.Add(v)
			}
			if got := values.Mean(); got != row.want {
				t.Errorf("%v, want %v", got, row.want)
			}
		})
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		list := latencies(r, 1000)
		var values steadystate.Values
		exact := new(big.Float).SetPrec(3000)
		for _, v := range list {
			values.Add(v)
			exact.Add(exact, big.NewFloat(v))
		}
		sum, _ := exact.Float64()
		if want := sum / 1000; values.Mean() != want {
			t.Fatalf("%v, want %v", values.Mean(), want)
		}
	}
}

func many(n int, v float64) []float64 {
	list := make([]float64, n)
	for i := range list {
		list[i] = v
	}
	return list
}

// How many values reach another one is known as closely as their buckets are.
func TestReach(t *testing.T) {
	var v steadystate.Values
	for i := range 100 {
		v.Add(float64(i))
	}
	v.Add(-5)
	for _, row := range []struct {
		from float64
		want int
	}{{-6, 101}, {-5, 101}, {-4, 100}, {50, 50}, {99, 1}, {99.5, 0}} {
		if least, most := v.Reach(row.from); least != row.want || most != row.want {
			t.Errorf("%d to %d values reach %g, want %d", least, most, row.from, row.want)
		}
	}
	v.Add(50.001)
	if least, most := v.Reach(50.0005); least != 49 || most != 51 {
		t.Errorf("%d to %d values reach 50.0005, want 49 of other buckets, and at most the two of its own", least, most)
	}
}
