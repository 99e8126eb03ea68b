package steadystate

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Tolerance says which values are good: an operator, a number and its unit.
// Its text form is "< 0.001", "<= 2s", ">= 99.9%", "> 1000/min". The zero
// value is unset and holds nothing.
type Tolerance struct {
	op    string
	value float64 // in base units: seconds, a share of one, per second
	unit  string  // the unit it was written in
}

// The operators, longest first so that a prefix match finds "<=" before "<".
var operators = []string{"<=", ">=", "==", "<", ">"}

// A unit's factor turns a number into base units. Its dimension keeps "2s" from
// being compared with a share.
type unit struct {
	name      string
	factor    float64
	dimension dimension
}

type dimension string

const (
	number    dimension = "number"
	timespan  dimension = "time"
	share     dimension = "share"
	frequency dimension = "rate"
	ratio     dimension = "multiple"
)

// Longer names come before their suffixes: the parser takes the
// first whose name ends the text.
var units = []unit{
	{"/min", 1.0 / 60, frequency},
	{"/s", 1, frequency},
	{"/h", 1.0 / 3600, frequency},
	{"ns", 1e-9, timespan},
	{"us", 1e-6, timespan},
	{"µs", 1e-6, timespan},
	{"ms", 1e-3, timespan},
	{"s", 1, timespan},
	{"m", 60, timespan},
	{"h", 3600, timespan},
	{"%", 0.01, share},
	{"x", 1, ratio},
	{"", 1, number},
}

// unitsOf lists the units of a dimension, for messages.
var unitsOf = map[dimension]string{
	timespan:     "ns, us, ms, s, m, h",
	share:        "%",
	frequency:    "/s, /min, /h",
	number:       "none",
	ratio:        "x",
	anyDimension: "ns, us, ms, s, m, h (time), % (share), /s, /min, /h (rate) or none",
}

// ParseTolerance reads a tolerance from its text form.
func ParseTolerance(text string) (Tolerance, error) {
	t, _, err := parseTolerance(text, anyDimension)
	return t, err
}

// parseTolerance reads a tolerance of the dimension that is wanted; it may be of another.
func parseTolerance(text string, want dimension) (Tolerance, dimension, error) {
	rest := strings.TrimSpace(text)
	i := slices.IndexFunc(operators, func(o string) bool { return strings.HasPrefix(rest, o) })
	if i < 0 {
		return Tolerance{}, "", fmt.Errorf("tolerance %q: want an operator first: %s", text, strings.Join(operators, " "))
	}
	op := operators[i]
	value, u, err := parseValue(strings.TrimSpace(rest[len(op):]), want)
	if err != nil {
		return Tolerance{}, "", fmt.Errorf("tolerance %q: %w", text, err)
	}
	return Tolerance{op: op, value: value, unit: u.name}, u.dimension, nil
}

var unitThenDigit = regexp.MustCompile(`[a-zµ]\d`)

func parseValue(text string, want dimension) (float64, unit, error) {
	// A compound duration ("1m30s").
	if unitThenDigit.MatchString(text) {
		if d, err := time.ParseDuration(text); err == nil {
			return d.Seconds(), unit{"s", 1, timespan}, nil
		}
	}
	for _, u := range units {
		digits, found := strings.CutSuffix(text, u.name)
		if !found {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
		if err != nil || strings.ContainsAny(digits, "xX_pP") {
			continue
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return 0, unit{}, fmt.Errorf("%q is not a finite number", text)
		}
		return v * u.factor, u, nil
	}
	return 0, unit{}, fmt.Errorf("%q is not a number with a unit; units: %s", text, unitsOf[want])
}

// bounds writes the bounds of a value for people, in the tolerance's unit.
func (t Tolerance) bounds(b Bounds[float64]) string {
	format := t.written().dimension.format
	switch below, above := math.IsInf(b.Low, -1), math.IsInf(b.High, 1); {
	case below && above:
		return "anything"
	case below:
		return "at most " + format(b.High)
	case above:
		return "at least " + format(b.Low)
	}
	return format(b.Low) + " to " + format(b.High)
}

// ParseGood reads the tolerance for one value of a signal, as in "value <= 1s".
// It is the form for YAML, where a plain text cannot begin with ">=".
func ParseGood(text string) (Tolerance, error) {
	fail := func(format string, args ...any) (Tolerance, error) {
		return Tolerance{}, fmt.Errorf("good %q: "+format, append([]any{text}, args...)...)
	}
	rest, named := strings.CutPrefix(strings.TrimSpace(text), "value")
	if !named && !strings.ContainsAny(rest[:min(1, len(rest))], "<>=") {
		return fail("want value OPERATOR NUMBER, as in \"value <= 1s\" or \"value >= 100%%\"")
	}
	t, of, err := parseTolerance(rest, anyDimension)
	switch {
	case err != nil:
		return fail("%w", err)
	case !named:
		return fail("write \"value %s\"", t)
	case of == ratio:
		return fail("a multiple needs a baseline, which one value does not have; units: %s", unitsOf[anyDimension])
	}
	return t, nil
}

// MustParseTolerance is ParseTolerance for literals in code; it panics if the
// text does not parse.
func MustParseTolerance(text string) Tolerance {
	t, err := ParseTolerance(text)
	if err != nil {
		panic(err)
	}
	return t
}

// AtLeast is the tolerance ">= v".
func AtLeast(v float64) Tolerance { return Tolerance{op: ">=", value: v} }

// AtMost is the tolerance "<= v".
func AtMost(v float64) Tolerance { return Tolerance{op: "<=", value: v} }

// Within is the tolerance "<= d" for a signal in seconds.
func Within(d time.Duration) Tolerance {
	return Tolerance{op: "<=", value: d.Seconds(), unit: "s"}
}

// Floor reports whether the tolerance is a lower bound.
func (t Tolerance) Floor() bool { return t.op == ">" || t.op == ">=" }

// Operator is "<", "<=", "==", ">=" or ">".
func (t Tolerance) Operator() string { return t.op }

// Bound is "<" for an upper bound, ">" for a lower one and "==" for both at
// once.
func (t Tolerance) Bound() string {
	if t.op == "==" {
		return t.op
	}
	return strings.TrimSuffix(t.op, "=")
}

// IsSet reports whether the tolerance is set.
func (t Tolerance) IsSet() bool { return t.op != "" }

// Value is the bound in base units: seconds, a share of one, or per second.
func (t Tolerance) Value() float64 { return t.value }

// Dimension is what the tolerance's unit measures: "number", "time", "share" or
// "rate"; empty if it is unset.
func (t Tolerance) Dimension() string {
	if !t.IsSet() {
		return ""
	}
	return string(t.written().dimension)
}

// written is the unit that the tolerance was written in.
func (t Tolerance) written() unit {
	return units[slices.IndexFunc(units, func(u unit) bool { return u.name == t.unit })]
}

// Holds reports whether v is within the tolerance. NaN never is.
func (t Tolerance) Holds(v float64) bool {
	switch t.op {
	case "<":
		return v < t.value
	case "<=":
		return v <= t.value
	case ">":
		return v > t.value
	case ">=":
		return v >= t.value
	case "==":
		return v == t.value //nolint:revive // the user asked for equality, of counts
	}
	return false
}

// Judge compares bounds with the tolerance: Held when every value in them
// holds, Broken when none does, else Unknown.
func (t Tolerance) Judge(b Bounds[float64]) Verdict {
	low, high := t.Holds(b.Low), t.Holds(b.High)
	switch {
	case !t.IsSet() || math.IsNaN(b.Low) || math.IsNaN(b.High):
		return Unknown
	case low && high:
		return Held
	case low || high:
		return Unknown
	case t.op == "==" && b.Low < t.value && t.value < b.High:
		return Unknown
	}
	return Broken
}

// String is the text form, which parses back to the same tolerance.
func (t Tolerance) String() string {
	if !t.IsSet() {
		return ""
	}
	return t.op + " " + t.number()
}

func (t Tolerance) number() string {
	u := t.written()
	// The shortest digits that parse back to the very same base value: dividing by
	// the factor alone may be one unit in the last place off.
	shown := t.value / u.factor
	for digits := 1; digits <= 17; digits++ {
		text := strconv.FormatFloat(shown, 'g', digits, 64)
		if v, err := strconv.ParseFloat(text, 64); err == nil && v*u.factor == t.value {
			return plain(text) + u.name
		}
	}
	return plain(strconv.FormatFloat(shown, 'g', -1, 64)) + u.name
}

// plain writes a number without an exponent where that stays readable.
func plain(text string) string {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !strings.ContainsAny(text, "e") || math.Abs(v) >= 1e15 || (v != 0 && math.Abs(v) < 1e-6) {
		return text
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// MarshalText writes the text form.
func (t Tolerance) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads the text form; empty text is the unset tolerance.
func (t *Tolerance) UnmarshalText(text []byte) (err error) {
	if *t = (Tolerance{}); len(text) > 0 {
		*t, err = ParseTolerance(string(text))
	}
	return err
}
