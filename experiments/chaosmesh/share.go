package chaosmesh

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A Share is a part of a whole, as a fraction: 5% is 0.05, or 5 * [Percent].
type Share float64

// Percent is one hundredth.
const Percent Share = 0.01

// String returns "12.5%".
func (s Share) String() string { return s.number() + "%" }

// UnmarshalText reads "12.5%". It refuses a bare number, which could be a
// fraction or a percentage.
func (s *Share) UnmarshalText(text []byte) error {
	digits, percent := strings.CutSuffix(string(text), "%")
	v, err := strconv.ParseFloat(digits, 64)
	switch {
	case !percent && err == nil && v > 0 && v < 1:
		return fmt.Errorf("%q: write it as a share, as in %q; the fraction of this value would be %q", text, digits+"%", Share(v))
	case !percent && err == nil && v >= 1 && v <= 100 && !strings.ContainsAny(digits, "xX_pP"):
		return fmt.Errorf("%q: write it as a share, as in %q", text, digits+"%")
	case !percent, err != nil, strings.ContainsAny(digits, "xX_pP"):
		return fmt.Errorf(`%q: write it as a share, as in "5%%"`, text)
	case !(v >= 0 && v <= 100): // nor NaN
		return fmt.Errorf("%q: a share is from 0%% to 100%%", text)
	}
	*s = Share(Share(v/100).percent() / 100) // the value that String shows
	return nil
}

// MarshalText writes the share as [Share.UnmarshalText] reads it.
func (s Share) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// percent is the share in percent, rounded, since floats cannot represent 0.01:
// a tenth of a percent is 0.1 and not 0.10000000000000001.
func (s Share) percent() float64 { return math.Round(float64(s)*1e11) / 1e9 }

// number is the share in percent, in Chaos Mesh's terms.
func (s Share) number() string { return strconv.FormatFloat(s.percent(), 'f', -1, 64) }

// some: above 0% and at most 100%.
func (s Share) some() bool { return s > 0 && s <= 1 }

// whole: some, in whole percents.
func (s Share) whole() bool { return s.some() && s.percent() == math.Trunc(s.percent()) }
