package experiments

import "github.com/aftershockhq/aftershock/steadystate"

// A Course is what a signal was over time, in at most [courseSamples] samples:
// a second reading of what an expectation is about, by an instrument that its
// subject has no part in.
type Course struct {
	Signal  string
	Samples []Sample // in the order of time
}

// A Sample is the values of a signal in a span.
type Sample struct {
	steadystate.Span
	steadystate.Bounds[float64]
	// Unknown: for a part of the span there is no value.
	Unknown bool
}

// courseSamples bounds a course. One with more is told half as finely.
const courseSamples = 4096

// add takes in an observation, in the order of time.
func (c *Course) add(o steadystate.Observation) {
	s := Sample{Span: o.Span, Unknown: o.Unknown != "" || o.Failed != ""}
	if !s.Unknown {
		s.Bounds = o.Bounds()
	}
	if c.Samples = append(c.Samples, s); len(c.Samples) < courseSamples {
		return
	}
	half := c.Samples[:0]
	for i := 0; i < len(c.Samples); i += 2 {
		half = append(half, c.Samples[i].with(c.Samples[i+1]))
	}
	c.Samples = half
}

// with is a sample that holds two.
func (s Sample) with(o Sample) Sample {
	return Sample{
		Span:    steadystate.Span{From: min(s.From, o.From), To: max(s.To, o.To)},
		Bounds:  steadystate.Bounds[float64]{Low: min(s.Low, o.Low), High: max(s.High, o.High)},
		Unknown: s.Unknown || o.Unknown,
	}
}

// newCourses follows the signals that expectations name.
func (j *judge) newCourses() {
	j.courses = map[string]*Course{}
	for _, x := range j.expectations {
		if x.Signal == "" {
			continue
		}
		c := &Course{Signal: x.Signal}
		j.courses[x.Subject] = c
		o := j.order(x.Signal)
		o.next = append(o.next, c.add)
	}
}

func (j *judge) concludeCourses() {
	if len(j.courses) > 0 {
		j.Courses = map[string]Course{}
	}
	for subject, c := range j.courses {
		j.Courses[subject] = *c
	}
}
