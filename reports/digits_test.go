package reports

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/steadystate"
)

func TestNumbersHaveTheDigitsThatTheirErrorLeaves(t *testing.T) {
	for _, row := range []struct {
		dimension string
		low, high float64
		want      string
	}{
		{"time", 2.017219, 2.500728, "2.01s to 2.51s"},
		{"time", 6.1, 12.352, "6.1s to 12.4s"},
		{"time", 0, 0, "0s"},
		{"time", 0, 0.1549, "0ms to 155ms"},
		{"time", 0.0043, 0.0043, "4.3ms"},
		{"time", 0.0000021, 0.0000034, "2.10us to 3.40us"},
		{"share", 0.076984, 0.078175, "7.69% to 7.82%"},
		{"share", 1, 1, "100%"},
		{"rate", 99.2, 101.4, "99/s to 102/s"},
		{"multiple", 1.02, 1.48, "1.02x to 1.48x"},
		{"number", 2, 3, "2 to 3"},
		{"number", 12345, 12345, "12345"},
	} {
		if got := between(row.dimension, steadystate.Bounds[float64]{Low: row.low, High: row.high}, nil); got != row.want {
			t.Errorf("%g to %g is %q, want %q", row.low, row.high, got, row.want)
		}
	}
}

// A share of the requests is told with how many they are, which says how much it means.
func TestAShareIsToldWithItsCount(t *testing.T) {
	for _, row := range []struct {
		limit     string
		low, high float64
		text      string
		want      string
	}{
		{"errors <= 1%", 5.0 / 60, 5.0 / 60, "8.333% of 60 observations", "5 of 60 (8.33%)"},
		{"slow <= 1%", 1204.0 / 12400, 1204.0 / 12400, "9.71% of 12,400 observations", "1,204 of 12,400 (9.71%)"},
		{"errors <= 1%", 0, 0, "0% of 60 observations", "0 of 60"},
		{"errors <= 1%", 10.0 / 999, 10.0 / 999, "1.001% of 999 observations", "10 of 999 (1.001%)"},
		{"errors <= 1%", 5.0 / 62, 5.0 / 61, "8.065% to 8.197% of 60 observations", "8.06% to 8.20% of 60"}, // some are unknown
		{"p95 <= 50%", 2.0 / 3, 2.0 / 3, "66.67% of 60 observations", "66.7% of 60"},                        // a value, and no count
	} {
		l := steadystate.MustParseLimit(row.limit)
		f := judge.Finding{Limit: row.limit, Wanted: judge.NewWanted(l.Figure(), l.Tolerance, "share")}
		f.Reading = steadystate.Reading{Seen: &steadystate.Bounds[float64]{Low: row.low, High: row.high}, Text: row.text}
		f.Verdict = l.Tolerance.Judge(*f.Seen)
		if got := Seen(f); got != row.want {
			t.Errorf("%s of %s is %q, want %q", row.limit, row.text, got, row.want)
		}
	}
}

// Rounded outwards, what is written contains what was seen and never looks as if the
// verdict were another one.
func TestRoundingNeverTouchesTheVerdict(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	limit := steadystate.MustParseLimit("downtime <= 2s")
	for range 20_000 {
		b := steadystate.Bounds[float64]{Low: 1 + 2*random.Float64()}
		b.High = b.Low + random.ExpFloat64()/3
		v := limit.Tolerance.Judge(b)
		text := Seen(judge.Finding{Limit: "downtime <= 2s", Wanted: judge.NewWanted("downtime", limit.Tolerance, "time"), Reading: steadystate.Reading{Verdict: v, Seen: &b, Text: "1s to 2s"}})
		low, high, found := strings.Cut(strings.ReplaceAll(text, "s", ""), " to ")
		if !found {
			high = low
		}
		from, err1 := strconv.ParseFloat(low, 64)
		to, err2 := strconv.ParseFloat(high, 64)
		written := steadystate.Bounds[float64]{Low: from, High: to}
		if err1 != nil || err2 != nil || from > b.Low+1e-6 || to < b.High-1e-6 || limit.Tolerance.Judge(written) != v {
			t.Fatalf("%v, %s, is written %q", b, v, text)
		}
	}
}
