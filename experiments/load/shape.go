package load

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/aftershockhq/aftershock/record"
)

// A Shape is a rate of requests over the time since the load's start. It is
// plain data with a text form, see [ParseShape]; rates are requests per second
// and need not be integers. The zero value is unset and refused.
type Shape struct {
	form   form
	pieces []piece
}

// form is how a shape is written.
type form string

const (
	constantForm form = "constant"
	rampForm     form = "ramp"
	stepsForm    form = "steps"
	sineForm     form = "sine"
	spikeForm    form = "spike"
)

// A piece is a part of a shape: a line from one rate to another, or a sine
// around one.
type piece struct {
	from, to float64       // requests per second at its beginning and at its end
	length   time.Duration // zero: unlimited, only for the last one
	swing    float64       // of the sine
	period   time.Duration // of the sine; zero: there is none

	// The totals of the previous pieces.
	start  time.Duration
	before float64
}

// A Step is a rate for a length of time.
type Step struct {
	Rate float64
	// For is the length; zero, only for the last step, is unlimited.
	For time.Duration
}

// Constant is a shape with a single rate.
func Constant(rate float64) Shape { return shape(constantForm, level(rate, 0)) }

// Ramp changes linearly from one rate to another, up or down, and stays there.
func Ramp(from, to float64, over time.Duration) Shape {
	return shape(rampForm, piece{from: from, to: to, length: over}, level(to, 0))
}

// Steps is a sequence of rates.
func Steps(steps ...Step) Shape {
	var pieces []piece
	for _, s := range steps {
		pieces = append(pieces, level(s.Rate, s.For))
	}
	return shape(stepsForm, pieces...)
}

// Sine oscillates around a rate, by less than that rate; it starts in the
// middle, upwards.
func Sine(mean, swing float64, period time.Duration) Shape {
	return shape(sineForm, piece{from: mean, to: mean, swing: swing, period: period})
}

// Spike is a rate with a temporary increase. A spike that is a fault, whatever
// its time, is a [Surge].
func Spike(base, peak float64, after, length time.Duration) Shape {
	return shape(spikeForm, level(base, after), level(peak, length), level(base, 0))
}

func level(rate float64, length time.Duration) piece {
	return piece{from: rate, to: rate, length: length}
}

func shape(f form, pieces ...piece) Shape {
	for i := 1; i < len(pieces); i++ {
		last := pieces[i-1]
		pieces[i].start = last.start + last.length
		pieces[i].before = last.before + last.hits(last.length.Seconds())
	}
	return Shape{form: f, pieces: pieces}
}

// Bounds of a shape. The lowest rate still makes one request per minute; the
// highest exceeds one machine's capacity but catches a wrong unit. The length
// bound keeps sums from overflowing.
const (
	minRate   = 1.0 / 60
	maxRate   = 100_000
	maxLength = 30 * 24 * time.Hour
	maxSteps  = 1000
)

func checkRate(name string, rate float64) error {
	if !(rate >= minRate*(1-1e-9) && rate <= maxRate) { // nor NaN
		return fmt.Errorf("%s %s: want from 1/min to %d/s", name, formatRate(rate), maxRate)
	}
	return nil
}

func checkLength(name string, d time.Duration) error {
	if d <= 0 || d > maxLength {
		return fmt.Errorf("%s %s: want a duration above zero, and at most %s", name, d, maxLength)
	}
	return nil
}

// Validate reports mistakes in the shape.
func (s Shape) Validate() error {
	if s.form == "" {
		return fmt.Errorf("no shape: want one of %s", shapeChoices)
	}
	var errs []error
	bad := func(err error) { errs = append(errs, err) }
	rates := map[form][]string{rampForm: {"rate"}, spikeForm: {"base", "peak"}}[s.form]
	for i, p := range s.pieces {
		name := "rate"
		if i < len(rates) {
			name = rates[i]
		}
		if i > 0 && s.form != stepsForm && i >= len(rates) {
			break // the target or base rate
		}
		bad(checkRate(name, p.from))
		if s.form == rampForm {
			bad(checkRate(name, p.to))
		}
	}
	for i, p := range s.pieces[:max(0, len(s.pieces)-1)] {
		bad(checkLength(map[form]string{rampForm: "over", spikeForm: []string{"after", "for"}[min(i, 1)], stepsForm: "for"}[s.form], p.length))
	}
	switch s.form {
	case stepsForm:
		switch n := len(s.pieces); {
		case n == 0 || n > maxSteps:
			bad(fmt.Errorf("%d steps: want from 1 to %d", n, maxSteps))
		case s.pieces[n-1].length != 0:
			bad(errors.New("the last step has no end: leave out its duration"))
		}
	case sineForm:
		p := s.pieces[0]
		bad(checkLength("every", p.period))
		if !(p.swing > 0 && p.from-p.swing >= minRate) { // nor NaN
			bad(fmt.Errorf("by %s: want more than none, and so much less than %s that at least 1/min remain", formatRate(p.swing), formatRate(p.from)))
		}
	case spikeForm:
		if !(s.pieces[1].from > s.pieces[0].from) { // nor NaN
			bad(fmt.Errorf("to %s: want more than %s", formatRate(s.pieces[1].from), formatRate(s.pieces[0].from)))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("shape %q: %w", s, err)
	}
	return nil
}

// Rate is the rate at a time since the start.
func (s Shape) Rate(at time.Duration) float64 {
	p := s.at(at)
	x := (at - p.start).Seconds()
	if p.period > 0 {
		return p.from + p.swing*math.Sin(2*math.Pi*x/p.period.Seconds())
	}
	return p.from + p.slope()*x
}

// Hits is the number of requests due by a time since the start: the integral of
// the rate. Request n is due when Hits reaches n+1.
func (s Shape) Hits(at time.Duration) float64 {
	if at <= 0 {
		return 0
	}
	p := s.at(at)
	return p.before + p.hits((at - p.start).Seconds())
}

// When is the time since the start at which that many requests are due: the
// inverse of [Shape.Hits], to the nanosecond. It is capped at the longest
// duration.
func (s Shape) When(hits float64) time.Duration {
	i, _ := slices.BinarySearchFunc(s.pieces, hits, func(p piece, hits float64) int {
		if p.before < hits {
			return -1
		}
		return 1
	})
	p := s.pieces[max(0, i-1)]
	x := math.Round(p.after(hits-p.before) * float64(time.Second))
	if p.length > 0 {
		x = min(x, float64(p.length))
	}
	if x >= float64(math.MaxInt64-p.start) {
		return math.MaxInt64
	}
	return p.start + time.Duration(x)
}

// Peak is the highest rate.
func (s Shape) Peak() float64 {
	peak := 0.0
	for _, p := range s.pieces {
		peak = max(peak, p.from+p.swing, p.to+p.swing)
	}
	return peak
}

// Trough is the lowest rate.
func (s Shape) Trough() float64 {
	trough := s.Peak()
	for _, p := range s.pieces {
		trough = min(trough, p.from-p.swing, p.to-p.swing)
	}
	return trough
}

// stages are the stages of the shape as the plan has them.
func (s Shape) stages() []record.Stage {
	if s.Validate() != nil {
		return nil
	}
	var list []record.Stage
	first := s.When(1)
	for i, p := range s.pieces {
		name := formatRate(p.from)
		if p.from != p.to {
			name += " to " + formatRate(p.to)
		}
		stage := p.stage()
		stage.Name, stage.After = fmt.Sprintf("%d: %s", i+1, name), p.start-first
		list = append(list, stage)
	}
	return list
}

// stage is the piece's rate as the plan has it.
func (p piece) stage() record.Stage {
	return record.Stage{Rate: p.from, Slope: p.slope(), Swing: p.swing, Period: p.period}
}

// at is the piece of a time since the start.
func (s Shape) at(at time.Duration) piece {
	i, _ := slices.BinarySearchFunc(s.pieces, at, func(p piece, at time.Duration) int {
		if p.start <= at {
			return -1
		}
		return 1
	})
	return s.pieces[max(0, i-1)]
}

// slope is the rate's increase per second.
func (p piece) slope() float64 {
	if p.from == p.to {
		return 0
	}
	return (p.to - p.from) / p.length.Seconds()
}

// hits is the integral of the rate over the first x seconds.
func (p piece) hits(x float64) float64 { return p.stage().Hits(x) }

// after is the inverse of hits, in seconds.
func (p piece) after(hits float64) float64 {
	switch m := p.slope(); {
	case hits <= 0:
		return 0
	case p.period > 0:
		return p.afterSine(hits)
	case m == 0:
		return hits / p.from
	default:
		// The root of mx²/2 + ax - hits, in a form that is stable for small m too.
		// A ramp down never exceeds its total.
		return 2 * hits / (p.from + math.Sqrt(max(0, p.from*p.from+2*m*hits)))
	}
}

// afterSine finds the time within its period, where it is unique, since the
// rate is never below zero: by Newton's method, with bisection where a step
// leaves the known interval.
func (p piece) afterSine(hits float64) float64 {
	period := p.period.Seconds()
	whole := math.Floor(hits / (p.from * period))
	hits -= whole * p.from * period
	low, high := 0.0, period
	x := hits / p.from
	for range 100 {
		over := p.hits(x) - hits
		if over > 0 {
			high = x
		} else {
			low = x
		}
		next := x - over/(p.from+p.swing*math.Sin(2*math.Pi*x/period))
		if !(next > low && next < high) {
			next = (low + high) / 2
		}
		done := math.Abs(next-x) < 1e-11 // seconds
		if x = next; done {
			break
		}
	}
	return whole*period + x
}
