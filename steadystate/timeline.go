package steadystate

import (
	"slices"
	"time"
)

// A Timeline holds all observations of one signal in order of time, in whatever
// order they were added. The zero value is empty.
type Timeline struct {
	observations []Observation
	sorted       bool
}

// NewTimeline makes a timeline of observations.
func NewTimeline(observations ...Observation) *Timeline {
	t := &Timeline{}
	for _, o := range observations {
		t.Add(o)
	}
	return t
}

// Add adds one observation.
func (t *Timeline) Add(o Observation) {
	t.sorted = t.sorted && (len(t.observations) == 0 || t.observations[len(t.observations)-1].Compare(o) <= 0)
	t.observations = append(t.observations, o)
}

// Observations returns all observations, in order of time. The caller must not
// modify the slice.
func (t *Timeline) Observations() []Observation {
	if !t.sorted {
		slices.SortFunc(t.observations, Observation.Compare)
		t.sorted = true
	}
	return t.observations
}

// Resolution is the length of the longest outage that could lie in the window
// unobserved: the longest stretch that contains no observation's whole span.
// Without observations it is the window's length.
func (t *Timeline) Resolution(window Span) time.Duration {
	b := newLongestGap(window)
	for _, o := range t.Observations() {
		if o.Unknown == "" {
			b.add(o.Span)
		}
	}
	return b.resolution()
}

// Outages finds the outages in the timeline, in order. The window bounds outages
// that began before it or never ended.
func (t *Timeline) Outages(good Tolerance, rule Rule, window Span) []Outage {
	f := NewFold(good, rule, window)
	for _, o := range t.Observations() {
		f.Add(o)
	}
	return f.Outages()
}

// Figures computes the figures of a window. record is the whole observed time,
// which bounds outages still open at its ends.
func (t *Timeline) Figures(good Tolerance, rule Rule, window, record Span) Figures {
	f := NewFold(good, rule, record, window)
	for _, o := range t.Observations() {
		f.Add(o)
	}
	return f.Figures()[0]
}
