package load

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

const shapeChoices = `"100/s", "ramp from 10/s to 100/s over 1m", "steps 10/s for 20s, 50/s for 20s, 100/s", "sine 50/s by 30/s every 1m", "spike from 100/s to 1000/s after 10s for 30s"; /min too`

// ParseShape reads a shape from its text form, one of
//
//	100/s
//	ramp from 10/s to 100/s over 1m
//	steps 10/s for 20s, 50/s for 20s, 100/s
//	sine 50/s by 30/s every 1m
//	spike from 100/s to 1000/s after 10s for 30s
//
// and validates it. Rates are per second or per minute (1000/min).
func ParseShape(text string) (Shape, error) {
	s, err := parseShape(strings.Fields(text))
	if err != nil {
		return Shape{}, fmt.Errorf("shape %q: %w; want one of %s", text, err, shapeChoices)
	}
	return s, s.Validate()
}

// A Rate is a number of requests per second. Its text form is "100/s" or
// "1000/min".
type Rate float64

// String is the text form.
func (r Rate) String() string { return formatRate(float64(r)) }

// MarshalText writes the text form.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the text form.
func (r *Rate) UnmarshalText(text []byte) error {
	words := reader{words: strings.Fields(string(text))}
	rate := words.rate()
	if len(words.words) > 0 {
		words.fail("%q is not a rate, as in 100/s or 1000/min", text)
	}
	if words.err == nil {
		words.err = checkRate("rate", rate)
	}
	if words.err != nil {
		return words.err
	}
	*r = Rate(rate)
	return nil
}

func parseShape(words []string) (Shape, error) {
	r := reader{words: words}
	var s Shape
	switch {
	case len(words) == 1:
		s = Constant(r.rate())
	case r.is("ramp"):
		s = Ramp(r.word("from").rate(), r.word("to").rate(), r.word("over").length())
	case r.is("steps"):
		s = Steps(r.steps()...)
	case r.is("sine"):
		s = Sine(r.rate(), r.word("by").rate(), r.word("every").length())
	case r.is("spike"):
		s = Spike(r.word("from").rate(), r.word("to").rate(), r.word("after").length(), r.word("for").length())
	default:
		return s, fmt.Errorf("no shape begins with %q", strings.Join(words[:min(1, len(words))], ""))
	}
	if r.err == nil && len(r.words) > 0 {
		r.err = fmt.Errorf("%q is left over", strings.Join(r.words, " "))
	}
	return s, r.err
}

// A reader reads a shape word by word, and keeps the first error.
type reader struct {
	words []string
	err   error
}

// next takes the next word.
func (r *reader) next() string {
	if len(r.words) == 0 {
		return ""
	}
	word := r.words[0]
	r.words = r.words[1:]
	return word
}

// is takes the next word if it is this one.
func (r *reader) is(word string) bool {
	if len(r.words) > 0 && r.words[0] == word {
		r.next()
		return true
	}
	return false
}

// word takes this word.
func (r *reader) word(word string) *reader {
	if got := r.next(); got != word {
		r.fail("%q where %q should be", got, word)
	}
	return r
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

func (r *reader) rate() float64 {
	word := r.next()
	digits, unit, _ := strings.Cut(word, "/")
	v, err := strconv.ParseFloat(digits, 64)
	if err != nil || strings.ContainsAny(digits, "xX_pPnN") || (unit != "s" && unit != "min") {
		r.fail("%q is not a rate, as in 100/s or 1000/min", word)
		return 0
	}
	if unit == "min" {
		v /= 60
	}
	return v
}

func (r *reader) length() time.Duration {
	word := r.next()
	d, err := time.ParseDuration(word)
	if err != nil {
		r.fail("%q is not a duration, as in 30s or 1m30s", word)
	}
	return d
}

// steps takes "RATE for LENGTH, RATE for LENGTH, RATE".
func (r *reader) steps() []Step {
	var steps []Step
	for text := range strings.SplitSeq(strings.Join(r.words, " "), ",") {
		one := reader{words: strings.Fields(text)}
		step := Step{Rate: one.rate()}
		if len(one.words) > 0 {
			step.For = one.word("for").length()
			if one.err == nil && step.For == 0 {
				one.fail("a step for no time")
			}
		}
		if one.err == nil && len(one.words) > 0 {
			one.fail("%q is left over", strings.Join(one.words, " "))
		}
		if one.err != nil {
			r.fail("step %d: %w", len(steps)+1, one.err)
		}
		steps = append(steps, step)
	}
	r.words = nil
	return steps
}

// String is the text form; [ParseShape] reads it back.
func (s Shape) String() string {
	rate := func(i int) string { return formatRate(s.pieces[i].from) }
	length := func(i int) string { return steadystate.FormatDuration(s.pieces[i].length) }
	switch s.form {
	case constantForm:
		return rate(0)
	case rampForm:
		return fmt.Sprintf("ramp from %s to %s over %s", rate(0), rate(1), length(0))
	case stepsForm:
		var steps []string
		for i, p := range s.pieces {
			text := rate(i)
			if p.length != 0 {
				text += " for " + length(i)
			}
			steps = append(steps, text)
		}
		return "steps " + strings.Join(steps, ", ")
	case sineForm:
		p := s.pieces[0]
		return fmt.Sprintf("sine %s by %s every %s", rate(0), formatRate(p.swing), steadystate.FormatDuration(p.period))
	case spikeForm:
		return fmt.Sprintf("spike from %s to %s after %s for %s", rate(0), rate(1), length(0), length(1))
	}
	return "no shape"
}

// MarshalText writes the text form.
func (s Shape) MarshalText() ([]byte, error) { return []byte(s.String()), s.Validate() }

// UnmarshalText reads the text form.
func (s *Shape) UnmarshalText(text []byte) error {
	parsed, err := ParseShape(string(text))
	if err == nil {
		*s = parsed
	}
	return err
}

// formatRate writes a rate so that it reads back unchanged: per minute where
// that is shorter.
func formatRate(perSecond float64) string {
	write := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	text := write(perSecond) + "/s"
	// A rate per minute is slightly off as a float.
	perMinute := math.Round(perSecond*60*1e6) / 1e6
	if short := write(perMinute) + "/min"; perMinute/60 == perSecond && len(short) < len(text) {
		return short
	}
	return text
}
