package calibration

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A Report is the result of a calibration.
type Report struct {
	Machine  Machine `json:"machine"`
	Trials   int     `json:"trials"` // of each kind, as asked
	Rate     int     `json:"rate"`   // requests per second of each load
	Seed     uint64  `json:"seed"`
	Parallel int     `json:"parallel"` // trials at once
	// Took is how long the calibration took; Interrupted: it was stopped
	// before all trials were made.
	Took        time.Duration `json:"took"`
	Interrupted bool          `json:"interrupted"`
	// Verdict is Held if every stated bound held the truth and nothing was
	// missed or invented, Broken if not, and Unknown if a kind has no trial, or
	// one that could not be run.
	Verdict steadystate.Verdict `json:"verdict"`
	Kinds   []Summary           `json:"kinds"`
	List    []Trial             `json:"list"` // every trial, by kind and number
}

// A Summary is the result of the trials of one kind.
type Summary struct {
	Kind Kind `json:"kind"`
	// Tolerance is the maximum latency of a good answer, Timeout the load's
	// timeout.
	Tolerance time.Duration `json:"tolerance"`
	Timeout   time.Duration `json:"timeout"`
	// Settle is the settle time of the experiment.
	Settle time.Duration `json:"settle"`
	// N is the number of trials that were compared; NotRun more did not come to
	// their end.
	N      int `json:"n"`
	NotRun int `json:"notRun"`
	// Wanted is the requested number: fewer, or none with a reported outage, show
	// nothing.
	Wanted int `json:"wanted"`
	// Planted of them had an outage; Reported were seen, Missed were not though
	// longer than the stated resolution, Unseeable were not and are shorter.
	Planted   int `json:"planted"`
	Reported  int `json:"reported"`
	Missed    int `json:"missed"`
	Unseeable int `json:"unseeable"`
	// Split of those reported came as more than one; Invented is the number of
	// outages reported that overlap no planted one.
	Split    int `json:"split"`
	Invented int `json:"invented"`
	// Held counts the reported ones whose bounds held the truth.
	Held HeldCount `json:"held"`
	// The widths are medians of the widths of the stated edges and of the stated
	// resolution.
	StartWidth time.Duration `json:"startWidth"`
	EndWidth   time.Duration `json:"endWidth"`
	Resolution time.Duration `json:"resolution"`
	// The errors are of the middle of what was stated against the middle of the
	// truth, without their sign.
	StartError  Spread `json:"startError"`
	EndError    Spread `json:"endError"`
	LengthError Spread `json:"lengthError"`
	// Late counts the trials in which requests were sent late, and LoadNotHeld
	// those in which the instrument says that its load was not as asked. They
	// count like all others.
	Late        int `json:"late"`
	LoadNotHeld int `json:"loadNotHeld"`
	// Disturbed more trials, each replaced by another up to the requested number,
	// are in none of the figures above: only latency separates good from bad
	// there, and this machine starved the planted service itself for more than a
	// fifth of the tolerance, so that the ground truth is unknown. In
	// DisturbedWrong of them the instrument was wrong by the planted outages.
	Disturbed      int `json:"disturbed"`
	DisturbedWrong int `json:"disturbedWrong"`
	// Starved is the longest time for which this process, and the planted service
	// with it, waited for the CPU; of all trials.
	Starved Spread `json:"starved"`
}

// A HeldCount counts bounds that held the truth.
type HeldCount struct {
	Start  int `json:"start"`
	End    int `json:"end"`
	Length int `json:"length"`
	All    int `json:"all"` // all three
}

// A Spread summarizes a sample of durations, by nearest rank; zero for an empty
// one.
type Spread struct {
	P50 time.Duration `json:"p50"`
	P95 time.Duration `json:"p95"`
	Max time.Duration `json:"max"`
}

func spread(sample []time.Duration) Spread {
	return Spread{P50: quantile(sample, 0.5), P95: quantile(sample, 0.95), Max: quantile(sample, 1)}
}

// quantile is the q-quantile by nearest rank.
func quantile(sample []time.Duration, q float64) time.Duration {
	if len(sample) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(sample))
	return sorted[max(1, int(math.Ceil(q*float64(len(sorted)))))-1]
}

// summarize sums the trials up, by kind.
func summarize(kinds []Kind, wanted int, trials []Trial) ([]Summary, steadystate.Verdict) {
	var list []Summary
	var verdicts []steadystate.Verdict
	for _, k := range kinds {
		s := summary(k, trials)
		s.Wanted = wanted
		list = append(list, s)
		verdicts = append(verdicts, s.Verdict())
	}
	return list, steadystate.Worst(verdicts...)
}

func summary(k Kind, trials []Trial) Summary {
	s := Summary{Kind: k, Tolerance: k.timing().tolerance, Timeout: k.timing().timeout, Settle: k.settle()}
	var startWidth, endWidth, resolution, starved, startError, endError, lengthError []time.Duration
	for _, t := range trials {
		if t.Kind != k {
			continue
		}
		if t.NotRun != "" {
			s.NotRun++
			continue
		}
		starved = append(starved, t.Starved)
		if t.Disturbed() {
			s.Disturbed++
			s.DisturbedWrong += count(!t.OK())
			continue
		}
		s.N++
		s.Planted += count(t.Planted)
		s.Reported += count(t.Reported)
		s.Missed += count(t.Missed)
		s.Unseeable += count(t.Unseeable)
		s.Split += count(t.Split)
		s.Invented += t.Invented
		s.Late += count(t.Late > 0)
		s.LoadNotHeld += count(t.LoadHeld != steadystate.Held)
		resolution = append(resolution, t.Resolution)
		if !t.Reported {
			continue
		}
		s.Held.Start += count(t.Held.Start)
		s.Held.End += count(t.Held.End)
		s.Held.Length += count(t.Held.Length)
		s.Held.All += count(t.Held.All())
		startWidth = append(startWidth, t.StartWidth)
		endWidth = append(endWidth, t.EndWidth)
		startError = append(startError, t.StartError.Abs())
		endError = append(endError, t.EndError.Abs())
		lengthError = append(lengthError, t.LengthError.Abs())
	}
	s.StartWidth, s.EndWidth, s.Resolution = quantile(startWidth, 0.5), quantile(endWidth, 0.5), quantile(resolution, 0.5)
	s.Starved = spread(starved)
	s.StartError, s.EndError, s.LengthError = spread(startError), spread(endError), spread(lengthError)
	return s
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}

// Verdict says whether the instrument is right about outages of this kind.
func (s Summary) Verdict() steadystate.Verdict {
	switch {
	case s.Held.All < s.Reported || s.Missed > 0 || s.Invented > 0:
		return steadystate.Broken
	case s.N < s.Wanted || s.NotRun > 0 || (s.Planted > 0 && s.Reported == 0):
		return steadystate.Unknown
	}
	return steadystate.Held
}

// inOrder sorts trials by kind and number.
func inOrder(kinds []Kind, trials []Trial) {
	slices.SortFunc(trials, func(a, b Trial) int {
		return cmp.Or(cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)), cmp.Compare(a.Number, b.Number))
	})
}
