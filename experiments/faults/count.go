package faults

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A Count says how many of the matching pods to hit: "3"; "50%" of those that match at
// the injection, rounded up; or "all". The pods are chosen at random. The zero value is
// refused.
type Count string

// One hits one pod, All hits all of them.
const (
	One Count = "1"
	All Count = "100%"
)

// IsAll reports whether the count is all pods, whatever their number.
func (c Count) IsAll() bool {
	n, percent, err := c.parse()
	return err == nil && percent && n == 100
}

// UnmarshalText reads "3", "50%" or "all".
func (c *Count) UnmarshalText(text []byte) error {
	if err := Count(text).Validate(); err != nil {
		return err
	}
	*c = Count(text)
	return nil
}

// Validate reports a count that is invalid for any number of pods.
func (c Count) Validate() error {
	_, _, err := c.parse()
	return err
}

// parse returns a number of pods, or a percentage.
func (c Count) parse() (n int, percent bool, err error) {
	if c == "all" {
		return 100, true, nil
	}
	digits, percent := strings.CutSuffix(string(c), "%")
	n, err = strconv.Atoi(digits)
	switch {
	case c == "":
		return 0, false, errors.New(`no count; say how many pods, as in "1", "50%" or "all"`)
	case err != nil:
		return 0, false, fmt.Errorf(`%q is neither a number nor a percentage; say how many pods, as in "1", "50%%" or "all"`, c)
	case percent && (n < 1 || n > 100):
		return 0, false, fmt.Errorf("%s of the pods; a percentage is from 1%% to 100%%", c)
	case n < 1:
		return 0, false, fmt.Errorf("%d pods; want at least 1", n)
	}
	return n, percent, nil
}

// Of resolves the count against the number of matching pods. It refuses a count above
// that number, because fewer pods would be hit unnoticed.
func (c Count) Of(matching int) (int, error) {
	asked, percent, err := c.parse()
	if err != nil {
		return 0, Refuse("%w", err)
	}
	if percent {
		// Rounds up, as Chaos Mesh does.
		asked = max(1, (matching*asked+99)/100)
	}
	if asked > matching {
		return 0, Refuse("%d asked for, and %d running pods match the selector; ask for fewer, or wait for more", asked, matching)
	}
	return asked, nil
}

// Among resolves the count against the number of running pods. If there are too few, it
// returns all of them.
func (c Count) Among(up int) int {
	asked, err := c.Of(up)
	if err != nil {
		return up
	}
	return asked
}
