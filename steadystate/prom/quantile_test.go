package prom_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/prom"
)

// classic are the samples of a classic histogram, at two scrapes with all
// observations in between, so that an increase over both is of them.
func (s *server) classic(name string, les, observed []float64) []sample {
	var list []sample
	for _, le := range append(slices.Clone(les), math.Inf(1)) {
		n := 0.0
		for _, v := range observed {
			if v <= le {
				n++
			}
		}
		series := fmt.Sprintf("%s_bucket{le=%q}", name, fmt.Sprint(le))
		list = append(list, s.every(series, 10*time.Second, time.Second, 0, n)...)
	}
	return list
}

// native appends a native histogram whose buckets end at the powers of two.
func (s *server) native(t testing.TB, name string, observed []float64) {
	t.Helper()
	h := &histogram.FloatHistogram{Schema: 0}
	positive, negative := map[int]float64{}, map[int]float64{}
	for _, v := range observed {
		h.Count++
		h.Sum += v
		index := int(math.Ceil(math.Log2(math.Abs(v))))
		switch {
		case v == 0:
			h.ZeroCount++
		case v > 0:
			positive[index]++
		default:
			negative[index]++
		}
	}
	const from, to = -20, 20
	for i := from; i <= to; i++ {
		h.PositiveBuckets = append(h.PositiveBuckets, positive[i])
		h.NegativeBuckets = append(h.NegativeBuckets, negative[i])
	}
	h.PositiveSpans = []histogram.Span{{Offset: from, Length: to - from + 1}}
	h.NegativeSpans = h.PositiveSpans
	app := s.Storage.Appender(context.Background())
	if _, err := app.AppendHistogram(0, labels.FromStrings(model.MetricNameLabel, name), s.Now().UnixMilli(), nil, h); err != nil {
		t.Fatal(err)
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
}

// nearest is the quantile by the nearest rank.
func nearest(q float64, observed []float64) float64 {
	sorted := slices.Sorted(slices.Values(observed))
	return sorted[max(1, int(math.Ceil(q*float64(len(sorted))-1e-9)))-1]
}

// The bucket of a quantile holds the truth, for whatever was observed, and is
// no wider than the histogram's.
func TestBucketOfAQuantileHoldsTheTruth(t *testing.T) {
	t.Parallel()
	s := start(t, 0)
	c := client(t, s.URL)
	les := []float64{0.1, 0.25, 0.5, 1, 2.5, 5}
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 3))
		var times, any []float64
		for range 1 + r.IntN(40) {
			// Some lie on a bucket's end.
			v := r.Float64() * 8
			if r.IntN(3) == 0 {
				v = les[r.IntN(len(les))]
			}
			times = append(times, v)
			any = append(any, []float64{v, -v, 0, math.Exp2(float64(r.IntN(5)))}[r.IntN(4)])
		}
		q := []float64{0.01, 0.5, 0.9, 0.95, 0.99, 1, r.Float64()}[r.IntN(7)]
		x, y := fmt.Sprintf("x%d", seed), fmt.Sprintf("y%d", seed)
		s.fill(t, s.classic(x, les, times)...)
		s.native(t, y, any)
		for _, test := range []struct {
			sentence, query string
			observed        []float64
			native          bool
		}{
			{"a classic histogram", fmt.Sprintf("histogram_quantile(%g, %s_bucket)", q, x), times, false},
			{"its increase", fmt.Sprintf("(histogram_quantile((%g), sum by (le) (increase(%s_bucket[30s]))))", q, x), times, false},
			{"a native histogram", fmt.Sprintf("histogram_quantile(%g, %s)", q, y), any, true},
			{"a sum of native histograms", fmt.Sprintf("histogram_quantile(%g, sum(%s))", q, y), any, true},
		} {
			truth := nearest(q, test.observed)
			_, list := once(t, prom.Source{Client: c, Query: prom.MustParse(test.query)})
			if len(list) != 1 || list[0].Unknown != "" {
				t.Fatalf("seed %d: %s: %s: observed %s", seed, test.sentence, test.query, show(list...))
			}
			b := list[0].Bounds()
			if !b.Holds(truth) || !b.Holds(list[0].Value) {
				t.Errorf("seed %d: %s: %s is %g in %v, in truth %g of %v", seed, test.sentence, test.query, list[0].Value, b, truth, test.observed)
			}
			most := 2*max(math.Abs(b.Low), math.Abs(b.High)) + 1
			if !test.native {
				i, _ := slices.BinarySearch(les, truth)
				most = append(les, math.Inf(1))[i]
				if b.High != most {
					t.Errorf("seed %d: %s: %s is in %v, want the bucket up to %g", seed, test.sentence, test.query, b, most)
				}
			} else if b.Low*b.High < 0 || b.High-b.Low > most/2 {
				t.Errorf("seed %d: %s: %s is in %v, wider than a bucket", seed, test.sentence, test.query, b)
			}
		}
	}
}

func TestQuantileOfAHistogram(t *testing.T) {
	t.Parallel()
	s := start(t, 0)
	c := client(t, s.URL)
	add := func(labels string, counts ...float64) {
		t.Helper()
		for i, le := range []string{"0.25", "0.5", "1", "+Inf"} {
			s.fill(t, s.every(fmt.Sprintf(`t_bucket{%s,le=%q}`, labels, le), time.Second, time.Second, counts[i], counts[i])...)
		}
	}
	add(`route="quick"`, 100, 100, 100, 100)
	add(`route="slow"`, 0, 100, 100, 100)
	add(`route="late"`, 0, 0, 0, 100)
	add(`route="none"`, 0, 0, 0, 0)
	add(`route="torn"`, 40, 96, 94, 100) // scraped while it was counting
	s.fill(t, s.every(`below_bucket{le="-1"}`, time.Second, time.Second, 5, 5)...)
	s.fill(t, s.every(`below_bucket{le="+Inf"}`, time.Second, time.Second, 5, 5)...)
	inf := math.Inf(1)
	after := func(v float64) float64 { return math.Nextafter(v, inf) }
	for _, test := range []struct {
		sentence, query string
		reduce          prom.Reduction
		want            []steadystate.Bucket
		unknown         string
	}{
		{"the lowest bucket begins at zero", `histogram_quantile(0.95, t_bucket{route="quick"})`, "", []steadystate.Bucket{{Low: 0, High: 0.25}}, ""},
		{"a bucket begins after the one before ends", `histogram_quantile(0.95, t_bucket{route="slow"})`, "", []steadystate.Bucket{{Low: after(0.25), High: 0.5}}, ""},
		{"the last one has no end", `histogram_quantile(0.95, t_bucket{route="late"})`, "", []steadystate.Bucket{{Low: after(1), High: inf}}, ""},
		{"one that ends below zero has no beginning", `histogram_quantile(0.95, below_bucket)`, "", []steadystate.Bucket{{Low: math.Inf(-1), High: -1}}, ""},
		{"counts that fall where they can only rise leave two answers", `histogram_quantile(0.95, t_bucket{route="torn"})`, "", []steadystate.Bucket{{Low: after(0.25), High: inf}}, ""},
		{"nothing observed has no quantile", `histogram_quantile(0.95, t_bucket{route="none"})`, "", nil, "the value is NaN"},
		{"several may be observed apart", `histogram_quantile(0.95, t_bucket{route=~"quick|slow"})`, prom.Each, []steadystate.Bucket{{Low: 0, High: 0.25}, {Low: after(0.25), High: 0.5}}, ""},
		{"the largest lies between the largest ends", `histogram_quantile(0.95, t_bucket{route=~"quick|slow"})`, prom.Max, []steadystate.Bucket{{Low: after(0.25), High: 0.5}}, ""},
		{"the smallest between the smallest", `histogram_quantile(0.95, t_bucket{route=~"quick|slow"})`, prom.Min, []steadystate.Bucket{{Low: 0, High: 0.25}}, ""},
		{"their sum between the sums", `histogram_quantile(0.95, t_bucket{route=~"quick|slow"})`, prom.Sum, []steadystate.Bucket{{Low: after(0.25), High: 0.75}}, ""},
		{"their mean between the means", `histogram_quantile(0.95, t_bucket{route=~"quick|slow"})`, prom.Avg, []steadystate.Bucket{{Low: after(0.25) / 2, High: 0.375}}, ""},
		{"of one that is nothing the largest is not known", `histogram_quantile(0.95, t_bucket{route=~"quick|none"})`, prom.Max, nil, "the value is NaN"},
		{"several without a reduction are none", `histogram_quantile(0.95, t_bucket{route=~"quick|slow"})`, "", nil, "2 series, and no reduction"},
		{"histograms without their last bucket have no quantile", `histogram_quantile(0.95, t_bucket{route="quick",le!="+Inf"})`, "", nil, "the value is NaN"},
	} {
		_, list := once(t, prom.Source{Client: c, Query: prom.MustParse(test.query), Reduce: test.reduce})
		var got []steadystate.Bucket
		for _, o := range list {
			if o.Unknown == "" {
				got = append(got, o.Bucket)
			}
		}
		slices.SortFunc(got, func(a, b steadystate.Bucket) int { return int(math.Copysign(1, a.High-b.High)) })
		if !slices.Equal(got, test.want) || (test.unknown == "") != (reasons(list) == "") || !strings.Contains(reasons(list), test.unknown) {
			t.Errorf("%s: in %v, unknown %q, want %v, %q", test.sentence, got, reasons(list), test.want, test.unknown)
		}
	}
}

// What a limit within the bucket leaves open is open, and at a bucket's end
// nothing is.
func TestALimitOnAQuantile(t *testing.T) {
	t.Parallel()
	s := start(t, 0)
	s.fill(t, s.classic("x", []float64{0.25, 0.5, 1}, []float64{0.3, 0.3, 0.3, 0.3})...)
	source := prom.Source{Client: client(t, s.URL), Query: prom.MustParse(`histogram_quantile(0.95, x_bucket)`)}
	_, list := once(t, source)
	if len(list) != 1 {
		t.Fatalf("observed %s", show(list...))
	}
	o := list[0]
	if good := steadystate.MustParseTolerance("<= 500ms"); !o.Good(good) {
		t.Errorf("%s is not %s", o, good)
	}
	if good := steadystate.MustParseTolerance("<= 250ms"); !o.Bad(good) {
		t.Errorf("%s is not worse than %s", o, good)
	}
	good := steadystate.MustParseTolerance("<= 400ms")
	if got, want := o.Undecided(good), "the limit <= 400ms lies within the bounds of the value: 250ms to 500ms"; got != want || o.Good(good) || o.Bad(good) {
		t.Errorf("%s: undecided %q, want %q", o, got, want)
	}
	found, err := source.Preflight(t.Context())
	if want := "known to its bucket, now 0.25..0.5: so that a limit can be decided, set it to where a bucket ends"; err != nil || !slices.Contains(found.Notes, want) {
		t.Errorf("preflight: %v, notes %q, want %q", err, found.Notes, want)
	}
}

func TestParseRefusesAQuantileWhoseErrorIsUnknown(t *testing.T) {
	t.Parallel()
	const outermost = "within another expression the error is unknown: put histogram_quantile outermost"
	for _, test := range []struct{ sentence, query, want string }{
		{"in arithmetic", `histogram_quantile(0.95, x) * 1000`, outermost},
		{"in a comparison", `histogram_quantile(0.95, x) < bool 2`, outermost},
		{"with a stand-in", `histogram_quantile(0.95, x) or vector(0)`, outermost},
		{"aggregated", `max(histogram_quantile(0.95, x))`, outermost},
		{"in a subquery", `max_over_time(histogram_quantile(0.95, x)[5m:])`, outermost},
		{"of another", `histogram_quantile(0.95, histogram_quantile(0.5, x))`, outermost},
		{"computed", `histogram_quantile(scalar(y), x)`, "histogram_quantile(scalar(y), ...): the bucket of the quantile is not known: write it out as a number from 0 to 1, as in 0.95"},
		{"in percent", `histogram_quantile(95, x)`, "histogram_quantile(95, ...): the bucket of the quantile is not known"},
		{"below zero", `histogram_quantile(-0.5, x)`, "the bucket of the quantile is not known"},
		{"that is none", `histogram_quantile(NaN, x)`, "the bucket of the quantile is not known"},
	} {
		_, err := prom.Parse(test.query)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %s: error %v, want %q", test.sentence, test.query, err, test.want)
		}
	}
}

func TestPreflightNotesWhatIsInterpolated(t *testing.T) {
	t.Parallel()
	s := start(t, 0)
	s.native(t, "x", []float64{1, 2, 3})
	found, err := prom.Source{Client: client(t, s.URL), Query: prom.MustParse(`histogram_fraction(0, 2, x)`)}.Preflight(t.Context())
	want := "histogram_fraction is interpolated within buckets, and its error is not in the values"
	if err != nil || !slices.Contains(found.Notes, want) {
		t.Errorf("preflight: %v, notes %q, want %q", err, found.Notes, want)
	}
}
