package calibration

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A Start is a service on which a fault is to be injected once it is steady,
// with a share of bad requests in the background.
type Start struct {
	Background float64 `json:"background"`
	Allowed    float64 `json:"allowed"`
	// Least and Most of all starts are to inject.
	Least float64 `json:"least"`
	Most  float64 `json:"most"`
}

// A StartResult says how many of a kind of starts injected.
type StartResult struct {
	Start
	N        int                 `json:"n"`
	Injected int                 `json:"injected"`
	Verdict  steadystate.Verdict `json:"verdict"`
}

func starts() []Start {
	return []Start{
		{Background: 0.01, Allowed: 0.001, Most: 0.01},
		{Background: 0.0005, Allowed: 0.001, Least: 0.95, Most: 1},
	}
}

func (s Start) String() string {
	return fmt.Sprintf("starts with %.3g%% bad, %.3g%% allowed", 100*s.Background, 100*s.Allowed)
}

// Simulate reports whether a start injects: it asks again and again, as the
// gate does, until the service is steady, or certainly is not, or time is up.
func (s Start) Simulate(seed uint64, number int) bool {
	const (
		rate    = 100
		settle  = 10 * time.Second
		ask     = 100 * time.Millisecond
		timeout = 5 * time.Minute
	)
	random := rand.New(source(seed, s.String(), number))
	steady := steadystate.NewSettling(steadystate.Check{Name: "service answers", Signal: "requests", Good: steadystate.Within(time.Second), Allowed: s.Allowed}, true, settle, 0)
	next := time.Duration(0)
	for now := ask; now <= timeout; now += ask {
		for ; next < now; next += time.Duration(random.ExpFloat64() * float64(time.Second) / rate) {
			o := steadystate.Observation{Span: steadystate.Instant(next)}
			if random.Float64() < s.Background {
				o.Failed = "503"
			}
			steady.Add(o)
		}
		switch steady.At(now).Verdict {
		case steadystate.Held:
			return true
		case steadystate.Broken:
			return false
		case steadystate.Unknown:
		}
	}
	return false
}

func (s Start) run(ctx context.Context, seed uint64, n int) (r StartResult, ok bool) {
	var injected atomic.Int64
	ok = each(ctx, n, func(number int) {
		if s.Simulate(seed, number) {
			injected.Add(1)
		}
	})
	r = StartResult{Start: s, N: n, Injected: int(injected.Load())}
	least, most := int(math.Ceil(s.Least*float64(n))), int(s.Most*float64(n))
	r.Verdict = verdict(least <= r.Injected && r.Injected <= most)
	return r, ok
}
