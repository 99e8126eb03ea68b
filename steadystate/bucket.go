package steadystate

import (
	"fmt"
	"strconv"
	"strings"
)

// A Bucket bounds a value that its source does not know more precisely: the true
// value lies anywhere in [Low, High]. Either end may be infinite. The zero value
// is unset.
type Bucket Bounds[float64]

// IsSet reports whether the bucket is set.
func (b Bucket) IsSet() bool { return b != Bucket{} }

// String is the bucket for people, to six digits: "0.25..0.5".
func (b Bucket) String() string { return b.text(6) }

func (b Bucket) text(digits int) string {
	return strconv.FormatFloat(b.Low, 'g', digits, 64) + ".." + strconv.FormatFloat(b.High, 'g', digits, 64)
}

// MarshalText writes the bucket so that it reads back the same, since JSON has
// no infinite numbers: "0.25..0.5", "10..+Inf". An unset bucket is empty text.
func (b Bucket) MarshalText() ([]byte, error) {
	if !b.IsSet() {
		return nil, nil
	}
	return []byte(b.text(-1)), nil
}

// UnmarshalText reads a bucket; empty text leaves it unset.
func (b *Bucket) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*b = Bucket{}
		return nil
	}
	low, high, found := strings.Cut(string(text), "..")
	from, errLow := strconv.ParseFloat(low, 64)
	to, errHigh := strconv.ParseFloat(high, 64)
	// Also false for NaN.
	if !found || errLow != nil || errHigh != nil || !(from <= to) {
		return fmt.Errorf("bucket %q: want LOW..HIGH, as in \"0.25..0.5\" or \"10..+Inf\"", text)
	}
	*b = Bucket{Low: from, High: to}
	return nil
}
