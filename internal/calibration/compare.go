package calibration

import (
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A Stretch is a time in which the service was bad, on the record's clock. Its
// edges are spans as well: each lies between two readings of the clock around
// the call that made it.
type Stretch struct {
	Start steadystate.Span `json:"start"`
	End   steadystate.Span `json:"end"`
}

func (s Stretch) length() steadystate.Bounds[time.Duration] { return s.End.Since(s.Start) }

func (s Stretch) hull() steadystate.Span { return s.Start.Hull(s.End) }

// Held says which of the stated bounds contain the ground truth.
type Held struct {
	Start  bool `json:"start"`
	End    bool `json:"end"`
	Length bool `json:"length"`
}

// All reports whether all bounds hold.
func (h Held) All() bool { return h.Start && h.End && h.Length }

// A Comparison sets the instrument's statement against the ground truth.
type Comparison struct {
	// Planted: there was an outage. Reported: one was seen, and it is compared
	// with the truth in the fields below.
	Planted  bool `json:"planted"`
	Reported bool `json:"reported"`
	// Missed: none was seen, though it was longer than the resolution that the
	// instrument stated. Unseeable: it was not.
	Missed    bool `json:"missed"`
	Unseeable bool `json:"unseeable"`
	// Split: one outage was reported as more than one; none of the bounds are
	// held to hold then.
	Split bool `json:"split"`
	// Invented is the number of reported outages that overlap no planted one.
	Invented int `json:"invented"`

	Held Held `json:"held"`
	// Width of the stated edges.
	StartWidth time.Duration `json:"startWidth"`
	EndWidth   time.Duration `json:"endWidth"`
	// Error is the middle of the stated bounds minus the middle of the ground
	// truth.
	StartError  time.Duration `json:"startError"`
	EndError    time.Duration `json:"endError"`
	LengthError time.Duration `json:"lengthError"`
}

// OK reports whether the bounds hold, and nothing was missed or invented.
func (c Comparison) OK() bool {
	return !c.Missed && c.Invented == 0 && (!c.Reported || c.Held.All())
}

// Compare compares the instrument's statement with the ground truth: the
// stretches, in order, in which the service was bad and which together are one
// outage.
//
// A stretch shorter than the stated resolution may go unseen, as the instrument
// itself states, so such stretches at either end of a flapping service may or
// may not be in the reported outage.
func Compare(truth []Stretch, reported []steadystate.Outage, resolution time.Duration) Comparison {
	c := Comparison{Planted: len(truth) > 0}
	var whole steadystate.Span
	if c.Planted {
		whole = truth[0].hull().Hull(truth[len(truth)-1].hull())
	}
	var seen []steadystate.Outage
	for _, o := range reported {
		if c.Planted && o.Start.Hull(o.End).Overlaps(whole) {
			seen = append(seen, o)
			continue
		}
		c.Invented++
	}
	if !c.Planted {
		return c
	}
	if len(seen) == 0 {
		c.Unseeable = true
		for _, s := range truth {
			if s.length().Low > resolution {
				c.Missed, c.Unseeable = true, false
			}
		}
		return c
	}
	o := seen[0]
	c.Reported, c.Split = true, len(seen) > 1
	one := Stretch{Start: truth[0].Start, End: truth[len(truth)-1].End}
	for _, s := range readings(truth, resolution) {
		if h := holds(o, s); h.All() {
			one = s
			break
		}
	}
	if !c.Split {
		c.Held = holds(o, one)
	}
	c.StartWidth, c.EndWidth = o.Start.Width(), o.End.Width()
	c.StartError = o.Start.Middle() - one.Start.Middle()
	c.EndError = o.End.Middle() - one.End.Middle()
	stated, length := o.Length(), one.length()
	c.LengthError = (stated.Low+stated.High)/2 - (length.Low+length.High)/2
	return c
}

// readings are the outages that the stretches may look like: from the first to
// the last one, and without those at the ends that are too short to be seen.
func readings(truth []Stretch, resolution time.Duration) []Stretch {
	var list []Stretch
	for i := range truth {
		for k := len(truth) - 1; k >= i; k-- {
			list = append(list, Stretch{Start: truth[i].Start, End: truth[k].End})
			if truth[k].length().Low > resolution {
				break
			}
		}
		if truth[i].length().Low > resolution {
			break
		}
	}
	return list
}

func holds(o steadystate.Outage, truth Stretch) Held {
	stated, length := o.Length(), truth.length()
	return Held{
		Start:  o.Start.Overlaps(truth.Start),
		End:    o.End.Overlaps(truth.End),
		Length: stated.Low <= length.High && length.Low <= stated.High,
	}
}
