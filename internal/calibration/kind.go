package calibration

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Kind is a way to disturb a service, or the harness.
type Kind string

// The kinds of outage that are planted.
const (
	// Refused closes the listener and opens it again.
	Refused Kind = "refused"
	// Reset breaks connections in place of an answer.
	Reset Kind = "reset"
	// BlackHole accepts requests and never answers.
	BlackHole Kind = "blackhole"
	// ServerError answers 503, at once.
	ServerError Kind = "5xx"
	// Slow answers well, later than the check tolerates.
	Slow Kind = "slow"
	// OneOfThree resets every third request.
	OneOfThree Kind = "one-of-three"
	// Flapping is bad and good in turn, never good for the settle time: one
	// outage.
	Flapping Kind = "flapping"
	// Kill kills a service's process with kill -9, with requests in flight.
	Kill Kind = "kill"
	// Stall stops the harness, half the time while the service is well, and
	// half the time while it is not.
	Stall Kind = "stall"
)

// timing is the latency that a kind's check tolerates, and the load's timeout.
type timing struct{ tolerance, timeout time.Duration }

// timing is short only where latency separates good from bad. A late answer is
// slow even if this machine had no CPU to spare for the planted service or for
// the load, and then the ground truth is unknown.
func (k Kind) timing() timing {
	switch k {
	case BlackHole:
		return timing{time.Second, time.Second}
	case Slow:
		return timing{500 * time.Millisecond, 2 * time.Second}
	case Stall:
		// Short enough that a stall outlasts both.
		return timing{300 * time.Millisecond, 500 * time.Millisecond}
	}
	return timing{5 * time.Second, 5 * time.Second}
}

// settle is the settle time of a kind's experiment, and allowed its share of
// strays. Three kinds have them as users do; the others are short, so that many
// can be planted, and allow nothing. The grid simulates many more as users have them.
func (k Kind) settle() time.Duration {
	if k.asUsers() {
		return 10 * time.Second
	}
	return settle
}

func (k Kind) allowed() float64 {
	if k.asUsers() {
		return 0.001
	}
	return 0
}

func (k Kind) asUsers() bool { return k == ServerError || k == Refused || k == OneOfThree }

// Timed reports whether only latency separates good from bad.
func (k Kind) Timed() bool { return k == BlackHole || k == Slow || k == Stall }

// Kinds are all kinds, in the order of reports.
func Kinds() []Kind {
	return []Kind{Refused, Reset, BlackHole, ServerError, Slow, OneOfThree, Flapping, Kill, Stall}
}

// ParseKinds reads the names of kinds; an empty list means all of them.
func ParseKinds(names []string) ([]Kind, error) {
	if len(names) == 0 {
		return Kinds(), nil
	}
	var kinds []Kind
	for _, name := range names {
		k := Kind(name)
		if !slices.Contains(Kinds(), k) {
			return nil, fmt.Errorf("no kind %q; kinds: %s", name, join(Kinds()))
		}
		if !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
	}
	return kinds, nil
}

// KindNames are the names of all kinds, for people.
func KindNames() string { return join(Kinds()) }

func join(kinds []Kind) string {
	names := make([]string, 0, len(kinds))
	for _, k := range kinds {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}
